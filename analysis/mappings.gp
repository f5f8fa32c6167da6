# SPDX-License-Identifier: MIT OR GPL-2.0-only
TITLE = 'DMA mappings over time: which policy stays inside the limits?'
SUBTITLE = SUBJECT . ' · each line is one policy: a way to turn the DMA requests of a driver into IOMMU mappings'
HEIGHT = 860
DATA = NAME . '.dat'

stats DATA using 2 name 'M' nooutput
stats DATA using 3 name 'B' nooutput
# a limit far above everything would flatten the lines: it is then named, not drawn
on_scale(peak, limit) = peak > limit / 4.0
top_of(peak, limit) = on_scale(peak, limit) ? 1.14 * larger(peak, limit) : 1.25 * larger(peak, 1)
limit_text(what, text, peak, limit) = what . ' ' . text . (on_scale(peak, limit) ? '' : sprintf(' is off the scale, %.1f times the highest line ↑', limit / larger(peak, 1.0)))
colour(i) = MEASURED && i == 1 ? MEASURED_COLOUR : COLOUR[(i - 1 - MEASURED) % 8 + 1]
dash(i) = MEASURED && i == 1 ? 1 : DASH[(i - 1 - MEASURED) % 8 + 1]
width(i) = MEASURED && i == 1 ? 8 : 2.2
X_END = T_END > 0 ? T_END : 1

do for [format in FORMATS] {
	eval terminal(format, HEIGHT)
	eval fonts(format)
	set output NAME . '.' . format
	set multiplot
	eval frame(format, HEIGHT)
	set xrange [0:X_END]
	set lmargin at screen 0.09
	set rmargin at screen 0.725
	do for [panel=1:2] {
		set tmargin at screen (panel == 1 ? 1 - 125.0 / HEIGHT : 0.50)
		set bmargin at screen (panel == 1 ? 0.54 : 115.0 / HEIGHT)
		PEAK = panel == 1 ? M_max : B_max
		LIMIT = panel == 1 ? LIMIT_MAPPINGS : LIMIT_MIB
		TOP = top_of(PEAK, LIMIT)
		STEP = panel == 1 ? step10(TOP / 6) : step2(TOP / 8)
		set yrange [0:TOP]
		set ytics () 
		do for [k=0:int(TOP / STEP)] {
			set ytics add (group(k * STEP) k * STEP)
		}
		if (STEP < 1) { set ytics STEP format "%g" }
		set ylabel (panel == 1 ? 'mappings alive' : 'mapped memory (MiB)') offset 0.5, 0 tc rgb TEXT_COLOUR
		if (panel == 1) { set xtics format ""; unset xlabel } else { set xtics format "%g"; set xlabel 'time since the trace began (s)' tc rgb TEXT_COLOUR }

		LIMIT_TEXT = limit_text(panel == 1 ? 'mapping limit' : 'byte limit', group(LIMIT) . (panel == 1 ? '' : ' MiB'), PEAK, LIMIT)
		LIMIT_AT = on_scale(PEAK, LIMIT) ? LIMIT : TOP
		if (on_scale(PEAK, LIMIT)) { set arrow 10 from graph 0, first LIMIT to graph 1, first LIMIT nohead front lw 1.6 dt '-' lc rgb LIMIT_COLOUR }
		set label 10 LIMIT_TEXT at graph 0.008, first LIMIT_AT left offset 0, character (on_scale(PEAK, LIMIT) ? 0.6 : -0.6) front font FONT_13 tc rgb LIMIT_COLOUR

		do for [i=1:MARKS] {
			set arrow 100+i from first MARK_T[i], graph 0 to first MARK_T[i], graph 1 nohead back lw 1 dt '.' lc rgb QUIET_COLOUR
			if (panel == 1 && MARK_ROW[i] > 0) { set label 100+i MARK_TEXT[i] at first MARK_T[i], graph 1 left offset character 0.1, character (1.2 * MARK_ROW[i] - 0.5) front font FONT_13 tc rgb QUIET_COLOUR }
		}
		SLOT = 0
		do for [i=1:REFUSED] {
			if (REFUSED_PANEL[i] == panel) {
				SLOT = SLOT + 1
				LEFT = REFUSED_T[i] < 0.55 * X_END
				set label 300+i '' at first REFUSED_T[i], first REFUSED_Y[i] point pt 2 ps 2 lw 3 lc rgb LIMIT_COLOUR front
				set label 400+i REFUSED_TEXT[i] at first REFUSED_T[i], first REFUSED_Y[i] boxed front font FONT_13 tc rgb LIMIT_COLOUR
				if (LEFT) { set label 400+i left offset character 1.5, character (-1.5 * SLOT) } else { set label 400+i right offset character -1.5, character (-1.5 * SLOT) }
			}
		}
		if (panel == 1) { set key at screen 0.735, screen (1 - 125.0 / HEIGHT) left top Left reverse samplen 2.2 spacing 1.4 font FONT_13 tc rgb TEXT_COLOUR } else { set key off }
		plot for [i=1:ROWS] DATA index i-1 using 1:(panel == 1 ? $2 : $3) with lines lw width(i) dt dash(i) lc rgb colour(i) title LABEL[i]
		eval UNFRAME
		unset label
		unset arrow
	}
	unset multiplot
	set output
}
