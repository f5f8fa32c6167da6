# SPDX-License-Identifier: MIT OR GPL-2.0-only
TITLE = 'Frames per second and frame time'
SUBTITLE = SUBJECT . sprintf( \
	' · %s frames, %.1f per second on average, half of them within %.1f ms, 99 of 100 within %.1f ms', \
	group(FRAMES), MEAN_FPS, MEDIAN_MS, P99_MS)
HEIGHT = 785
DATA = NAME . '.dat'

stats DATA index 0 using 2 name 'F' nooutput
stats DATA index 1 using 2 name 'T' nooutput
# one long pause would flatten all the rest
LOG = T_max > 12 * MEDIAN_MS && MEDIAN_MS > 0
LEAST_MS = larger(T_min, MEDIAN_MS / 1000)
visible(ms) = LOG && ms < LEAST_MS ? LEAST_MS : ms

do for [format in FORMATS] {
	reset
	load 'style.gp'
	eval terminal(format, HEIGHT)
	eval fonts(format)
	set output NAME . '.' . format
	set multiplot
	eval frame(format, HEIGHT)
	set xrange [FROM_S:TO_S]
	set lmargin at screen 0.085
	set rmargin at screen 0.80
	do for [panel=1:2] {
		set tmargin at screen (panel == 1 ? 1 - 125.0 / HEIGHT : 0.50)
		set bmargin at screen (panel == 1 ? 0.55 : 140.0 / HEIGHT)
		do for [i=1:MARKS] {
			eval mark_line(i)
			if (panel == 1) { eval mark_label(i) }
		}
		if (panel == 1) {
			set yrange [0:1.12 * larger(F_max, 1)]
			set ytics step10(F_max / 7) format "%g"
			set ylabel 'frames per second' tc rgb TEXT_COLOUR
			set xtics format ""
			unset xlabel
			set key at screen 0.81, screen (1 - 125.0 / HEIGHT) left top Left reverse samplen 2 font FONT_13 tc rgb TEXT_COLOUR
			plot DATA index 0 using 1:2 with lines lw 2.4 lc rgb COLOUR[2] title sprintf('mean of each %g s', WINDOW_S)
		} else {
			set xtics format "%g"
			set xlabel 'time since the trace began (s)' tc rgb TEXT_COLOUR
			set ylabel 'frame time (ms)' . (LOG ? ', log scale' : '') tc rgb TEXT_COLOUR
			if (LOG) {
				set logscale y
				set yrange [LEAST_MS / 1.3:T_max * 1.3]
				eval log_tics(LEAST_MS / 1.3, T_max * 1.3)
			} else {
				set yrange [0:1.12 * T_max]
				set ytics autofreq
			}
			set key at screen 0.81, screen 0.50 left top Left reverse samplen 2 font FONT_13 tc rgb TEXT_COLOUR
			POINTS = FRAMES_PER_POINT == 1 ? 'each frame' : sprintf('slowest of %d frames', FRAMES_PER_POINT)
			plot DATA index 1 using 1:(visible($2)) with points pt 7 ps 0.45 lc rgb COLOUR[1] title POINTS, \
				MEDIAN_MS with lines lw 1.6 dt '-' lc rgb COLOUR[2] title sprintf('median %.1f ms', MEDIAN_MS)
		}
		eval UNFRAME
		unset label
		unset arrow
	}
	unset multiplot
	unset logscale
	set output
}
