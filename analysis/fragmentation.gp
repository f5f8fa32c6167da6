# SPDX-License-Identifier: MIT OR GPL-2.0-only
TITLE = 'How each mapping policy breaks up the address range of the IOMMU'
SUBTITLE = SUBJECT . ' · a mapping must fit into one hole: many short holes refuse what the limits would allow'
HEIGHT = 885
DATA = NAME . '.dat'

stats DATA using 2 name 'H' nooutput
stats DATA using 3 name 'L' nooutput
colour(i) = COLOUR[(i - 1) % 8 + 1]
dash(i) = DASH[(i - 1) % 8 + 1]
UNIT = L_max < 4096 ? 'MiB' : 'GiB'
in_unit(mib) = L_max < 4096 ? mib : mib / 1024.0
X_END = T_END > T_START ? T_END : T_START + 1

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
		TOP = panel == 1 ? 1.14 * larger(H_max, 1) : 1.14 * in_unit(L_max)
		STEP = panel == 1 ? step10(TOP / 6) : step2(TOP / 8)
		set yrange [0:TOP]
		set ytics ()
		do for [k=0:int(TOP / STEP)] { set ytics add (group(k * STEP) k * STEP) }
		if (STEP < 1) { set ytics STEP format "%g" }
		set ylabel (panel == 1 ? 'holes in the address range' : 'longest hole (' . UNIT . ')') offset 0.5, 0 tc rgb TEXT_COLOUR
		set xtics format (panel == 1 ? "" : "%g")
		if (panel == 2) { set xlabel 'time since the trace began (s)' tc rgb TEXT_COLOUR }
		do for [i=1:MARKS] {
			eval mark_line(i)
			if (panel == 1) { eval mark_label(i) }
		}
		set key at screen 0.735, screen 1 - 125.0 / HEIGHT left top Left reverse samplen 2.2 spacing 1.4 font FONT_13 tc rgb TEXT_COLOUR
		if (panel == 2) { set key off }
		plot for [i=1:ROWS] DATA index i-1 using 1:(panel == 1 ? $2 : in_unit($3)) \
			with lines lw 2.2 dt dash(i) lc rgb colour(i) title LABEL[i]
		eval UNFRAME
		unset label
		unset arrow
	}
	unset multiplot
	set output
}
