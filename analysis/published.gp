# SPDX-License-Identifier: MIT OR GPL-2.0-only
TITLE = 'Published frame rates, and what the model makes of them'
SUBTITLE = 'RTX 5090 behind Thunderbolt 4 · the model is calibrated on three rows and predicts the others'
DATA = NAME . '.dat'
set datafile separator tab
# columns: game, setting, machine, published, about, kind, model, error_percent
stats DATA using 7 skip 1 name 'M' nooutput
stats DATA using 4 skip 1 name 'P' nooutput
ROWS = M_records
ROW_PX = 27
HEIGHT = 220 + ROWS * ROW_PX
y_of(i) = ROWS - 1 - i
row_name(game, setting, machine) = game . ', ' . setting . ' · ' . machine
is(kind, wanted) = kind eq wanted ? 1 : NaN
error_text(about, percent) = about . (about eq '' ? '' : ' ') . sprintf('%+.0f %%', percent)

do for [format in FORMATS] {
	reset
	load 'style.gp'
	set datafile separator tab
	eval terminal(format, HEIGHT)
	eval fonts(format)
	set output NAME . '.' . format
	eval frame(format, HEIGHT)
	set lmargin at screen 0.42
	set rmargin at screen 0.80
	set tmargin at screen 1 - 80.0 / HEIGHT
	set bmargin at screen 125.0 / HEIGHT
	set xrange [0:1.1 * larger(M_max, P_max)]
	set yrange [-0.6:ROWS - 0.4]
	set grid noytics xtics
	set ytics scale 0 font FONT_13
	set xlabel 'frames per second; GravityMark: percent of the same card in a slot' tc rgb TEXT_COLOUR
	set key at screen 0.815, screen (1 - 80.0 / HEIGHT) left top Left reverse samplen 1 spacing 1.4 font FONT_13 tc rgb TEXT_COLOUR
	plot DATA using 7:(y_of($0)):ytic(row_name(strcol(1), strcol(2), strcol(3))) skip 1 with points ps 0 notitle, \
		DATA using 4:(y_of($0)):($7 - $4):(0) skip 1 with vectors nohead lw 1.6 lc rgb GRID_COLOUR notitle, \
		DATA using 4:(y_of($0)) skip 1 with points pt 7 ps 1.3 lc rgb COLOUR[2] title 'published', \
		DATA using 7:(y_of($0) * is(strcol(6), 'calibrated')) skip 1 with points pt 4 ps 1.7 lw 2 lc rgb COLOUR[3] title 'calibrated', \
		DATA using 7:(y_of($0) * is(strcol(6), 'predicted')) skip 1 with points pt 12 ps 1.8 lw 2 lc rgb COLOUR[1] title 'predicted', \
		DATA using 7:(y_of($0) * is(strcol(6), 'predicted, not published')) skip 1 with points pt 1 ps 1.3 lw 2 lc rgb QUIET_COLOUR \
			title 'predicted only', \
		DATA using (larger($7, $4)):(y_of($0) * is(strcol(6), 'predicted')):(error_text(strcol(5), $8)) skip 1 \
			with labels left offset 1.2, 0 font FONT_13 tc rgb QUIET_COLOUR notitle
	eval UNFRAME
	set output
}
