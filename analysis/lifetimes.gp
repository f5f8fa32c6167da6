# SPDX-License-Identifier: MIT OR GPL-2.0-only
TITLE = 'How long do DMA requests live?'
SUBTITLE = SUBJECT
HEIGHT = 800
DATA = NAME . '.dat'
BARS = LAST - FIRST + 1

stats DATA using 4 name 'R' nooutput
stats DATA using 6 name 'B' nooutput
short(x) = x == 0 ? '' : x < 0.05 ? '<0.1' : sprintf(x < 9.95 ? '%.1f' : '%.0f', x) . (BARS > 12 ? '' : ' %')

do for [format in FORMATS] {
	reset
	load 'style.gp'
	eval terminal(format, HEIGHT)
	eval fonts(format)
	set output NAME . '.' . format
	set multiplot
	eval frame(format, HEIGHT)
	set xrange [FIRST - 0.8:LAST + 0.8]
	set lmargin at screen 0.085
	set rmargin at screen 0.975
	set boxwidth 0.72
	set style fill solid noborder
	unset key
	do for [panel=1:2] {
		set tmargin at screen (panel == 1 ? 1 - 115.0 / HEIGHT : 0.50)
		set bmargin at screen (panel == 1 ? 0.57 : 165.0 / HEIGHT)
		HIGHEST = larger(panel == 1 ? R_max : B_max, 1)
		set yrange [0:1.28 * HIGHEST]
		set ytics 0, step10(0.18 * HIGHEST), 100 format "%g"
		HEADING = panel == 1 ? 'Share of the requests, %' : 'Share of the bytes, %'
		set label 20 HEADING at graph 0, graph 1 left offset 0, character 0.8 font FONT_16 tc rgb TEXT_COLOUR
		# the last bar is of another kind
		set arrow 10 from first LAST - 0.5, graph 0 to first LAST - 0.5, graph 1 nohead front lw 1 dt '.' lc rgb QUIET_COLOUR
		set xtics scale 0.5 font FONT_13 rotate by -45 left
		X_TEXT = panel == 1 ? '' : 'from map to unmap (each bar: from this time up to double of it; 1 ms is 1,024 µs here, 1 s is 1,024 ms)'
		set xlabel X_TEXT offset 0, 0.2 tc rgb TEXT_COLOUR
		if (panel == 1) { set xtics 1 format "" }
		if (panel == 1) {
			plot DATA using 1:4 with boxes lc rgb COLOUR[2], DATA using 1:4:(short($4)) with labels offset 0, 0.7 font FONT_13 tc rgb TEXT_COLOUR
		} else {
			plot DATA using 1:6:xtic(2) with boxes lc rgb COLOUR[5], \
				DATA using 1:6:(short($6)) with labels offset 0, 0.7 font FONT_13 tc rgb TEXT_COLOUR
		}
		eval UNFRAME
		unset label
		unset arrow
	}
	unset multiplot
	set output
}
