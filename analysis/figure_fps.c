/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
#include <stdlib.h>

#include "analysis/figures.h"
#include "analysis/gptext.h"
#include "analysis/marks.h"

#define WINDOW_S 0.5
#define WINDOWS_MAX 2000
#define POINTS_MAX 4000

static const char script[] =
#include "analysis/fps.gp.inc"
	;

static double span_s(const struct facts *f)
{
	return f->frame_s[f->nframes - 1] - f->frame_s[0];
}

static const char *missing(const struct report *r)
{
	if (r->facts.nframes == 0)
		return "the trace has no frames";
	return span_s(&r->facts) > 0 ? NULL : "the trace has no time between frames";
}

/* half a second, unless the trace is so long that nobody could tell the windows apart, or so short that there is not one */
static double window_s(const struct facts *f)
{
	double span = span_s(f), window = WINDOW_S;

	while (span / window > WINDOWS_MAX)
		window *= 2;
	return span < window ? span : window;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* time that @share of the frames does not exceed, ms; 0 without memory */
static void find_quantiles(const struct facts *f, double *median_ms, double *p99_ms)
{
	uint32_t i, n = f->nframes - 1;
	double *ms = malloc(n * sizeof(*ms));

	*median_ms = *p99_ms = 0;
	if (!ms)
		return;
	for (i = 0; i < n; i++)
		ms[i] = (f->frame_s[i + 1] - f->frame_s[i]) * 1e3;
	qsort(ms, n, sizeof(*ms), compare);
	*median_ms = ms[n / 2];
	*p99_ms = ms[(uint32_t)((double)(n - 1) * 0.99 + 0.5)];
	free(ms);
}

static void settings(FILE *gp, const struct report *r)
{
	const struct facts *f = &r->facts;
	double median_ms, p99_ms, from_s = f->frame_s[0], margin_s = span_s(f) * 0.02;

	find_quantiles(f, &median_ms, &p99_ms);
	gptext_set_number(gp, "FRAMES", f->nframes);
	gptext_set_number(gp, "FRAMES_LEFT_OUT", (double)f->more_frames);
	gptext_set_number(gp, "MEAN_FPS", (f->nframes - 1) / span_s(f));
	gptext_set_number(gp, "MEDIAN_MS", median_ms);
	gptext_set_number(gp, "P99_MS", p99_ms);
	gptext_set_number(gp, "WINDOW_S", window_s(f));
	gptext_set_number(gp, "FROM_S", from_s - margin_s);
	gptext_set_number(gp, "TO_S", from_s + span_s(f) + margin_s);
	fprintf(gp, "# how many frames a point of the lower panel stands for, the slowest of which it shows\n");
	gptext_set_number(gp, "FRAMES_PER_POINT", (f->nframes - 1 + POINTS_MAX - 1) / POINTS_MAX);
	marks_settings(gp, f, from_s - margin_s, from_s + span_s(f) + margin_s);
}

/* whole windows only: what is left at the end would look like a drop */
static void write_windows(FILE *dat, const struct facts *f)
{
	double window = window_s(f), start_s = f->frame_s[0];
	uint32_t i = 1, k, n = (uint32_t)(span_s(f) / window + 1e-9);

	for (k = 0; k < n; k++) {
		double end_s = start_s + window * (k + 1);
		uint32_t frames = 0;

		for (; i < f->nframes && (f->frame_s[i] <= end_s || (k + 1 == n && n == 1)); i++)
			frames++;
		fprintf(dat, "%.6f %.6f\n%.6f %.6f\n", end_s - window, frames / window, end_s, frames / window);
	}
}

static void write_times(FILE *dat, const struct facts *f)
{
	uint32_t i, per_point = (f->nframes - 1 + POINTS_MAX - 1) / POINTS_MAX;
	double worst_ms = 0;

	for (i = 1; i < f->nframes; i++) {
		double ms = (f->frame_s[i] - f->frame_s[i - 1]) * 1e3;

		worst_ms = ms > worst_ms ? ms : worst_ms;
		if (i % per_point && i + 1 < f->nframes)
			continue;
		fprintf(dat, "%.6f %.6f\n", f->frame_s[i], worst_ms);
		worst_ms = 0;
	}
}

static void data(FILE *dat, const struct report *r)
{
	fprintf(dat, "# windows: t_s fps, both ends of each\n");
	write_windows(dat, &r->facts);
	fprintf(dat, "\n\n# frames: t_s of its end, milliseconds since the one before\n");
	write_times(dat, &r->facts);
}

const struct figure figure_fps = { "fps", script, missing, settings, data };
