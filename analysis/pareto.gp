# SPDX-License-Identifier: MIT OR GPL-2.0-only
TITLE = 'Fewer mappings or fewer bytes: what each policy pays for the other'
SUBTITLE = SUBJECT . ' · left and low is better; not even one that sees the future can be in the grey'
HEIGHT = 785
DATA = NAME . '.dat'

stats DATA index 0 using 1 name 'M' nooutput
stats DATA index 0 using 2 name 'B' nooutput
# the byte limit is drawn unless it would flatten all the rest
ON_SCALE = B_max > LIMIT_MIB / 4.0
LOW_X = 0.6 * larger(M_min < BOUND_MAPPINGS ? M_min : BOUND_MAPPINGS, 1)
HIGH_X = 2.0 * larger(M_max, BOUND_MAPPINGS + 1)
SPAN = larger(B_max, BOUND_MIB) - BOUND_MIB
LOW_Y = ON_SCALE ? 0 : larger(BOUND_MIB - 0.25 * SPAN - 0.01 * BOUND_MIB, 0)
HIGH_Y = ON_SCALE ? 1.12 * larger(B_max, LIMIT_MIB) : larger(B_max, BOUND_MIB) + 0.25 * SPAN + 0.01 * BOUND_MIB
colour(i) = MEASURED && i == 1 ? QUIET_COLOUR : COLOUR[(i - 1 - MEASURED) % 8 + 1]

do for [format in FORMATS] {
	reset
	load 'style.gp'
	eval terminal(format, HEIGHT)
	eval fonts(format)
	set output NAME . '.' . format
	eval frame(format, HEIGHT)
	set lmargin at screen 0.09
	set rmargin at screen 0.70
	set tmargin at screen 1 - 110.0 / HEIGHT
	set bmargin at screen 130.0 / HEIGHT
	set logscale x
	set xrange [LOW_X:HIGH_X]
	set yrange [LOW_Y:HIGH_Y]
	set grid xtics ytics
	set xlabel 'most mappings alive at once' tc rgb TEXT_COLOUR
	set ylabel 'most memory mapped at once (MiB)' tc rgb TEXT_COLOUR
	set xtics format "%.0f"
	set object 1 rectangle from graph 0, graph 0 to first BOUND_MAPPINGS, graph 1 behind fs solid noborder fc rgb "#efefef"
	set object 2 rectangle from graph 0, graph 0 to graph 1, first BOUND_MIB behind fs solid noborder fc rgb "#efefef"
	if (ON_SCALE) {
		set arrow 10 from graph 0, first LIMIT_MIB to graph 1, first LIMIT_MIB nohead front lw 1.6 dt '-' lc rgb LIMIT_COLOUR
		set label 10 'byte limit ' . measure(LIMIT_MIB) . ' MiB' at graph 0.992, first LIMIT_MIB right offset 0, character 0.6 front
		set label 10 font FONT_13 tc rgb LIMIT_COLOUR
	}
	if (LIMIT_MAPPINGS < HIGH_X) {
		set arrow 11 from first LIMIT_MAPPINGS, graph 0 to first LIMIT_MAPPINGS, graph 1 nohead front lw 1.6 dt '-' lc rgb LIMIT_COLOUR
		set label 11 'mapping limit' at first LIMIT_MAPPINGS, graph 0.99 right offset character -0.5, 0 front font FONT_13 tc rgb LIMIT_COLOUR
	}
	set key at screen 0.715, screen 1 - 110.0 / HEIGHT left top Left reverse samplen 1.5 spacing 1.35 font FONT_13 tc rgb TEXT_COLOUR
	plot DATA index 1 using 1:2 with steps lw 1.5 dt 3 lc rgb QUIET_COLOUR title 'not beaten in both by another', \
		for [i=1:ROWS] DATA index 0 every ::(i-1)::(i-1) using 1:2 with points pt (REFUSED[i] ? 2 : 7) ps 2 lw 3 lc rgb colour(i) title LABEL[i]
	set output
}
