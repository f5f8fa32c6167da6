# SPDX-License-Identifier: MIT OR GPL-2.0-only
# What all figures share: terminals, colours, frame. Loaded by the other scripts; change it and run them again.
set encoding utf8

terminal(format, height) = format eq 'svg' ? \
	sprintf("set terminal svg noenhanced size 1200,%d font 'DejaVu Sans,15' background '#ffffff'", height) : \
	sprintf("set terminal pngcairo noenhanced size 1200,%d font 'DejaVu Sans,11.25' background '#ffffff'", height)
# PNG sizes are points, SVG sizes pixels; run with eval
font(format, px) = sprintf(",%g", format eq 'svg' ? px : px * 0.75)
fonts(format) = sprintf("FONT_13 = '%s'; FONT_14 = '%s'; FONT_16 = '%s'", font(format, 13), font(format, 14), font(format, 16))

# colours of Okabe and Ito, which colour-blind people can tell apart, and a dash each
array COLOUR[8] = ["#d55e00", "#0072b2", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000", "#8c564b"]
array DASH[8] = [1, 1, 1, 1, 2, 2, 2, 2]
MEASURED_COLOUR = "#b4b4b4"
LIMIT_COLOUR = "#b00020"
GRID_COLOUR = "#e4e4e4"
TEXT_COLOUR = "#222222"
QUIET_COLOUR = "#666666"

# 1234567 as 1,234,567
group(n) = group_of(floor(n + 0.5))
group_of(n) = n < 1000 ? sprintf("%d", n) : group_of(n / 1000) . sprintf(",%03d", n % 1000)
# a size or count that may be small
measure(x) = x < 10 && x != floor(x) ? sprintf('%.3g', x) : group(x)
# a step of 1, 2 or 5 times a power of ten, at least x; a power of two, at least x
step10(x) = x <= 1 ? 1 : step10_of(x, 10 ** floor(log10(x)))
step10_of(x, p) = x <= p ? p : x <= 2 * p ? 2 * p : x <= 5 * p ? 5 * p : 10 * p
step2(x) = 2 ** ceil(log(x) / log(2))
# 1, 2 and 5 of each decade, on a logarithmic axis
decade(k) = sprintf("%g, %g, %g", 10.0 ** k, 2 * 10.0 ** k, 5 * 10.0 ** k)
decades(k, last) = decade(k) . (k < last ? ', ' . decades(k + 1, last) : '')
log_tics(from, to) = 'set ytics (' . decades(floor(log10(from)), floor(log10(to))) . ') format "%g"'
larger(a, b) = a > b ? a : b

# title, subject and foot, at fixed places; run with eval before the first plot of a figure, and UNFRAME after it
line(tag, name, y, height, size, colour) = sprintf("set label %d %s at screen 0.02, screen %f left front font '%s' tc rgb %s;", \
	tag, name, 1.0 * y / height, size, colour)
frame(format, height) = line(1, 'TITLE', height - 28, height, font(format, 22), 'TEXT_COLOUR') . \
	line(2, 'SUBTITLE', height - 56, height, font(format, 15), 'QUIET_COLOUR') . \
	line(3, 'SOURCE', 36, height, font(format, 13), 'QUIET_COLOUR') . line(4, 'CAVEATS', 16, height, font(format, 13), 'QUIET_COLOUR')
UNFRAME = "do for [i=1:4] { unset label i }"

# phases, as lines in every panel and labels above the first; run with eval
mark_line(i) = sprintf("set arrow %d from first MARK_T[%d], graph 0 to first MARK_T[%d], graph 1 nohead back lw 1", 100 + i, i, i) . \
	" dt '.' lc rgb QUIET_COLOUR"
mark_label(i) = MARK_ROW[i] == 0 ? '' : \
	sprintf("set label %d MARK_TEXT[%d] at first MARK_T[%d], graph 1 left offset character 0.1,", 100 + i, i, i) . \
	sprintf("character %f front font FONT_13 tc rgb QUIET_COLOUR", 1.2 * MARK_ROW[i] - 0.5)

set border 3 linecolor rgb QUIET_COLOUR
set tics nomirror out textcolor rgb TEXT_COLOUR
set grid ytics linetype 1 linewidth 1 linecolor rgb GRID_COLOUR
set style textbox opaque noborder fillcolor rgb "#ffffff" margins 0.5, 0.2
