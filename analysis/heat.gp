# SPDX-License-Identifier: MIT OR GPL-2.0-only
TITLE = 'Which guest memory is mapped for DMA, and when?'
SUBTITLE = SUBJECT . sprintf(' · each point: %s of guest memory within %.3g ms', ROW, COLUMN_S * 1000) . \
	(OUTSIDE > 0 ? sprintf(' · %s requests beyond 16 TiB left out', group(OUTSIDE)) : '')
HEIGHT = 785
DATA = NAME . '.dat'
UNIT = ROW_MIB * ROWS < 8192 ? 'MiB' : 'GiB'
IN_UNIT = UNIT eq 'MiB' ? 1 : 1024.0
TOP = ROW_MIB * ROWS / IN_UNIT

do for [format in FORMATS] {
	reset
	load 'style.gp'
	eval terminal(format, HEIGHT)
	eval fonts(format)
	set output NAME . '.' . format
	set multiplot
	eval frame(format, HEIGHT)
	set lmargin at screen 0.085
	set rmargin at screen 0.87
	set tmargin at screen 1 - 125.0 / HEIGHT
	set bmargin at screen 140.0 / HEIGHT
	set xrange [0:T_END]
	set yrange [0:TOP]
	unset grid
	unset key
	set ytics step2(TOP / 9) format "%g"
	set ylabel 'guest-physical address (' . UNIT . ')' tc rgb TEXT_COLOUR
	set xlabel 'time since the trace began (s)' tc rgb TEXT_COLOUR
	# one hue, light to dark; what overlaps counts twice, and is shown as full
	set palette defined (0 '#ffffff', 0.01 '#dcebf7', 0.25 '#9ecae1', 0.5 '#4292c6', 0.75 '#08519c', 1 '#08254f')
	set cbrange [0:100]
	set cbtics 25 format '%g %%'
	set cblabel 'of it live at once' tc rgb TEXT_COLOUR
	set colorbox user origin screen 0.89, screen 140.0 / HEIGHT size screen 0.018, screen (1 - 265.0 / HEIGHT)
	do for [i=1:MARKS] {
		eval mark_line(i)
		eval mark_label(i)
		set arrow 100 + i front
	}
	plot DATA using 1:($2 / IN_UNIT):($3 > 100 ? 100 : $3) with image
	eval UNFRAME
	unset multiplot
	set output
}
