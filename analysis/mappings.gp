# SPDX-License-Identifier: MIT OR GPL-2.0-only
TITLE = 'DMA mappings over time: which policy stays inside the limits?'
SUBTITLE = SUBJECT . ' · each line is one policy: a way to turn the DMA requests of a driver into IOMMU mappings'
HEIGHT = 885
DATA = NAME . '.dat'

stats DATA using 2 name 'M' nooutput
stats DATA using 3 name 'B' nooutput
# a limit far above everything would flatten the lines: it is then named, not drawn
on_scale(peak, limit) = peak > limit / 4.0
top_of(peak, limit) = on_scale(peak, limit) ? 1.14 * larger(peak, limit) : 1.25 * larger(peak, 1)
limit_text(what, text, peak, limit) = what . ' ' . text . (on_scale(peak, limit) ? '' : \
	sprintf(' is off the scale, %.1f times the highest line ↑', limit / larger(peak, 1.0)))
colour(i) = MEASURED && i == 1 ? MEASURED_COLOUR : COLOUR[(i - 1 - MEASURED) % 8 + 1]
dash(i) = MEASURED && i == 1 ? 1 : DASH[(i - 1 - MEASURED) % 8 + 1]
width(i) = MEASURED && i == 1 ? 8 : 2.2
# where the list of refusals stands, below the legend
list_y(i) = 1 - (140.0 + 23 * ROWS + 40 * i) / HEIGHT
cross_colour(i) = BESIDE || (MEASURED && i == 1) ? LIMIT_COLOUR : colour(i)
BESIDE = REFUSED == 1 && REFUSED_Y[1] > 0.7 * (REFUSED_PANEL[1] == 1 ? top_of(M_max, LIMIT_MAPPINGS) : top_of(B_max, LIMIT_MIB))
X_END = T_END > T_START ? T_END : T_START + 1
across(t_s) = (t_s - T_START) / (X_END - T_START)
X_TEXT = 'time since the trace began (s)' . (T_START > 0 ? sprintf('; hardly anything is mapped before %.1f s', T_START) : '')

do for [format in FORMATS] {
	reset
	load 'style.gp'
	eval terminal(format, HEIGHT)
	eval fonts(format)
	set output NAME . '.' . format
	set multiplot
	eval frame(format, HEIGHT)
	set xrange [T_START:X_END]
	set lmargin at screen 0.09
	set rmargin at screen 0.725
	do for [panel=1:2] {
		set tmargin at screen (panel == 1 ? 1 - 125.0 / HEIGHT : 0.50)
		set bmargin at screen (panel == 1 ? 0.54 : 140.0 / HEIGHT)
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
		set xtics format (panel == 1 ? "" : "%g")
		if (panel == 2) { set xlabel X_TEXT tc rgb TEXT_COLOUR }

		DRAWN = on_scale(PEAK, LIMIT)
		LIMIT_NAME = panel == 1 ? 'mapping limit' : 'byte limit'
		LIMIT_TEXT = limit_text(LIMIT_NAME, measure(LIMIT) . (panel == 1 ? '' : ' MiB'), PEAK, LIMIT)
		LIMIT_AT = DRAWN ? LIMIT : TOP
		if (DRAWN) { set arrow 10 from graph 0, first LIMIT to graph 1, first LIMIT nohead front lw 1.6 dt '-' lc rgb LIMIT_COLOUR }
		# the limit is named on the left, unless crosses stand there
		EARLY = 0
		do for [i=1:REFUSED] { if (REFUSED_PANEL[i] == panel && across(REFUSED_T[i]) < 0.22) { EARLY = 1 } }
		set label 10 LIMIT_TEXT at graph 0.008, first LIMIT_AT left offset 0, character (DRAWN ? 0.6 : -0.6)
		set label 10 front font FONT_13 tc rgb LIMIT_COLOUR
		if (EARLY) { set label 10 right at graph 0.992, first LIMIT_AT }

		do for [i=1:MARKS] {
			eval mark_line(i)
			if (panel == 1) { eval mark_label(i) }
		}
		do for [i=1:REFUSED] {
			CROSS = cross_colour(REFUSED_ROW[i])
			HERE = REFUSED_PANEL[i] == panel
			if (HERE) { set label 300+i '' at first REFUSED_T[i], first REFUSED_Y[i] point pt 2 ps 2 lw 3 lc rgb CROSS front }
			# one refusal is told beside its cross, above the line; more of them, or one amid the lines, below the legend
			if (BESIDE && HERE) {
				TOLD = REFUSED_NAME[i] . ': refused ' . REFUSED_WHY[i]
				RIGHT_OF_IT = across(REFUSED_T[i]) < 0.6
				set label 400+i TOLD at first REFUSED_T[i], first REFUSED_Y[i] front font FONT_13 tc rgb LIMIT_COLOUR
				if (RIGHT_OF_IT) { set label 400+i left offset character 1.5, character 0.6 }
				if (!RIGHT_OF_IT) { set label 400+i right offset character -1.5, character 0.6 }
			}
			if (!BESIDE && panel == 1) {
				TOLD = REFUSED_NAME[i] . ": refused\n" . REFUSED_WHY[i]
				set label 300+REFUSED+i '' at screen 0.749, screen list_y(i) point pt 2 ps 1.3 lw 2.4 lc rgb CROSS front
				set label 400+i TOLD at screen 0.768, screen list_y(i) left front font FONT_13 tc rgb LIMIT_COLOUR
			}
		}
		set key at screen 0.735, screen 1 - 125.0 / HEIGHT left top Left reverse samplen 2.2 spacing 1.4 font FONT_13 tc rgb TEXT_COLOUR
		if (panel == 2) { set key off }
		plot for [i=1:ROWS] DATA index i-1 using 1:(panel == 1 ? $2 : $3) \
			with lines lw width(i) dt dash(i) lc rgb colour(i) title LABEL[i]
		eval UNFRAME
		unset label
		unset arrow
	}
	unset multiplot
	set output
}
