# SPDX-License-Identifier: MIT OR GPL-2.0-only
TITLE = 'How large are the DMA requests?'
SUBTITLE = SUBJECT
HEIGHT = 800
DATA = NAME . '.dat'
SIZES = LAST_LOG2 - FIRST_LOG2 + 1

stats DATA using 4 name 'R' nooutput
stats DATA using 6 name 'B' nooutput
stats DATA using 3 name 'N' nooutput
# many bars leave no room for a unit on each
short(x) = x == 0 ? '' : x < 0.05 ? '<0.1' : sprintf(x < 9.95 ? '%.1f' : '%.0f', x) . (SIZES > 12 ? '' : ' %')

do for [format in FORMATS] {
	reset
	load 'style.gp'
	eval terminal(format, HEIGHT)
	eval fonts(format)
	set output NAME . '.' . format
	set multiplot
	eval frame(format, HEIGHT)
	set xrange [FIRST_LOG2 - 0.8:LAST_LOG2 + 0.8]
	set lmargin at screen 0.085
	set rmargin at screen 0.975
	set boxwidth 0.72
	set style fill solid noborder
	unset key
	do for [panel=1:2] {
		set tmargin at screen (panel == 1 ? 1 - 115.0 / HEIGHT : 0.50)
		set bmargin at screen (panel == 1 ? 0.57 : 165.0 / HEIGHT)
		set yrange [0:1.28 * (panel == 1 ? R_max : larger(B_max, 1))]
		set ytics 0, step10(0.18 * (panel == 1 ? R_max : larger(B_max, 1))), 100 format "%g"
		HEADING = panel == 1 ? 'Share of the requests, %' : 'Share of the bytes, %'
		set label 20 HEADING at graph 0, graph 1 left offset 0, character 0.8 font FONT_16 tc rgb TEXT_COLOUR
		BORDER = GRANULE_LOG2 - 0.5
		GRANULE_TEXT = panel == 1 ? 'IOMMU granule ' . GRANULE . ': what is smaller still costs this much' : ''
		if (BORDER > FIRST_LOG2 - 0.8 && BORDER < LAST_LOG2 + 0.8) {
			set arrow 10 from first BORDER, graph 0 to first BORDER, graph 1 nohead front lw 1.6 dt '-' lc rgb LIMIT_COLOUR
			set label 21 GRANULE_TEXT at first BORDER, graph 1 left offset character 0.5, character -0.7 front font FONT_13 tc rgb LIMIT_COLOUR
			if (BORDER > (FIRST_LOG2 + LAST_LOG2) / 2.0) { set label 21 right offset character -0.5, character -0.7 }
		}
		set xtics scale 0.5 font FONT_13
		if (SIZES > 16) { set xtics rotate by -45 left } else { set xtics norotate center }
		X_TEXT = panel == 1 ? '' : 'size of a request (each bar: from this size up to double of it)'
		set xlabel X_TEXT offset 0, (SIZES > 16 ? 0.2 : 0) tc rgb TEXT_COLOUR
		if (panel == 1) {
			set xtics 1 format ""
			plot DATA using 1:4 with boxes lc rgb COLOUR[2], \
				DATA using 1:4:(short($4)) with labels offset 0, 0.7 font FONT_13 tc rgb TEXT_COLOUR
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
