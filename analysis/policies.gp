# SPDX-License-Identifier: MIT OR GPL-2.0-only
TITLE = 'What each mapping policy asks of the IOMMU at its highest moment'
SUBTITLE = SUBJECT . ' · a policy fits if it stays below both limits and nothing is refused'
DATA = NAME . '.dat'
BARS = ROWS + 1
BAR_PX = 28
PANEL_PX = BARS * BAR_PX
GAP_PX = 100
HEIGHT = 147 + 3 * (PANEL_PX + GAP_PX)

# columns 2 to 4 of the data, a panel each
array VALUE[3 * ROWS]
array HIGHEST[3]
do for [panel=1:3] {
	stats DATA using (VALUE[3 * int($1) - 3 + panel] = column(panel + 1)) nooutput
	HIGHEST[panel] = STATS_max
}
amount(i, panel) = VALUE[3 * i - 3 + panel]
# panel 3 has no limit: its bars are in calls, not in percent
limit(panel) = panel == 1 ? LIMIT_MAPPINGS : panel == 2 ? LIMIT_MIB : 100.0
asked(panel) = panel == 1 ? PEAK_REQUESTS : panel == 2 ? PEAK_REQUEST_MIB : 0
share(value, panel) = 100.0 * value / limit(panel)
# where all is far below the limit the axis ends earlier, and the limit is named instead of drawn
peak(panel) = larger(share(HIGHEST[panel], panel), share(asked(panel), panel))
on_scale(panel) = panel < 3 && peak(panel) > 4
top(panel) = on_scale(panel) ? 1.06 * larger(peak(panel), 100) : 1.35 * larger(peak(panel), 1e-9)
number(value, panel) = panel == 2 ? (value < 100 ? sprintf('%.1f', value) : group(value)) . ' MiB' : group(value)
percent(value, panel) = panel == 3 ? '' : \
	sprintf(share(value, panel) < 0.1 ? ' (%.2g %%)' : share(value, panel) < 9.95 ? ' (%.1f %%)' : ' (%.0f %%)', share(value, panel))
off_scale(panel) = on_scale(panel) ? '' : ', far off this scale'
title_of(panel) = \
	panel == 1 ? 'Most mappings alive at once, in % of the mapping limit of ' . group(LIMIT_MAPPINGS) . off_scale(1) : \
	panel == 2 ? 'Most memory mapped at once, in % of the byte limit of ' . measure(LIMIT_MIB) . ' MiB' . off_scale(2) : \
	'Calls to the host: mappings made and ended over the whole trace'
colour(i) = NOTE[i] ne '' ? LIMIT_COLOUR : MEASURED && i == 1 ? MEASURED_COLOUR : COLOUR[(i - 1 - MEASURED) % 8 + 1]
y_of(i) = BARS - 1 - i
bar_text(i, panel) = number(amount(i, panel), panel) . percent(amount(i, panel), panel) . \
	(NOTE[i] eq '' ? '' : panel == 3 ? ' · some refused' : ' · ' . NOTE[i])

do for [format in FORMATS] {
	reset
	load 'style.gp'
	eval terminal(format, HEIGHT)
	eval fonts(format)
	set output NAME . '.' . format
	set multiplot
	eval frame(format, HEIGHT)
	set lmargin at screen 0.25
	set rmargin at screen 0.97
	set yrange [-0.6:BARS - 0.4]
	unset ytics
	unset key
	set border 3
	set grid noytics xtics
	do for [panel=1:3] {
		BASE_PX = 105.0 + (3 - panel) * (PANEL_PX + GAP_PX)
		set bmargin at screen BASE_PX / HEIGHT
		set tmargin at screen (BASE_PX + PANEL_PX) / HEIGHT
		set xrange [0:top(panel)]
		if (panel < 3) {
			set xtics scale 0.5 autofreq format "%g %%" font FONT_13
		} else {
			set xtics scale 0.5 () format "%g"
			STEP = step10(top(panel) / 7)
			do for [k=0:int(top(panel) / STEP)] { set xtics add (group(k * STEP) k * STEP) }
		}
		set label 20 title_of(panel) at graph 0, graph 1 left offset 0, character 1.9 font FONT_16 tc rgb TEXT_COLOUR
		if (on_scale(panel)) {
			set arrow 10 from first 100, graph 0 to first 100, graph 1 nohead front lw 2 dt '-' lc rgb LIMIT_COLOUR
			set label 21 'limit' at first 100, graph 1 center offset 0, character 0.6 font FONT_13 tc rgb LIMIT_COLOUR
		}
		set label 30 'requests themselves' at graph 0, first y_of(0) right offset character -0.8, 0 font FONT_14 tc rgb QUIET_COLOUR
		ASKED = panel == 3 ? 'no policy, no calls' : number(asked(panel), panel) . percent(asked(panel), panel)
		LENGTH = share(asked(panel), panel)
		set object 30 rectangle from first 0, first y_of(0) - 0.36 to first LENGTH, first y_of(0) + 0.36 back
		set object 30 rectangle fs solid noborder fc rgb "#d9d9d9"
		set label 31 ASKED at first 0, first y_of(0) left offset character 0.8, 0 front font FONT_14 tc rgb TEXT_COLOUR
		do for [i=1:ROWS] {
			LENGTH = share(amount(i, panel), panel)
			FITS = NOTE[i] eq ''
			WORDS = FITS ? TEXT_COLOUR : LIMIT_COLOUR
			set label 100+i LABEL[i] at graph 0, first y_of(i) right offset character -0.8, 0 font FONT_14 tc rgb WORDS
			set object 100+i rectangle from first 0, first y_of(i) - 0.36 to first LENGTH, first y_of(i) + 0.36 back fc rgb colour(i)
			if (FITS) { set object 100+i rectangle fs solid noborder }
			if (!FITS) { set object 100+i rectangle fs pattern 4 border lc rgb LIMIT_COLOUR }
			set label 200+i bar_text(i, panel) at first LENGTH, first y_of(i) boxed front font FONT_14 tc rgb WORDS
			if (LENGTH < 0.5 * top(panel)) { set label 200+i left offset character 0.8, 0 }
			if (LENGTH >= 0.5 * top(panel)) { set label 200+i right offset character -0.8, 0 }
		}
		plot NaN notitle
		eval UNFRAME
		unset label
		unset arrow
		unset object
	}
	unset multiplot
	set output
}
