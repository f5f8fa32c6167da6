/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* egpu-report - figures from traces. See egpu-report(1). */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/folders.h"
#include "analysis/page.h"
#include "analysis/plot.h"
#include "analysis/report_options.h"
#include "tracer/tracer.h"

enum { EXIT_DONE = 0, EXIT_FAILED = 1, EXIT_MISUSED = 2 };

#define NAME_BYTES 200

static const char *const default_policies[] = { "direct", "window:log2=18", "window:log2=20", "window:log2=22", "grow" };

static int fail(int exit_code, const char *what)
{
	fprintf(stderr, "egpu-report: %s\n", what);
	return exit_code;
}

static int choose_dir(struct report *r, const struct report_options *o, int index)
{
	char name[NAME_BYTES], why[PLOT_ERROR_BYTES];
	int n, rc, len = (int)strlen(o->dir);

	while (len > 1 && o->dir[len - 1] == '/')
		len--;
	folders_name(o->traces, index, name, sizeof(name));
	n = snprintf(r->dir, sizeof(r->dir), "%.*s%s%s", len, o->dir, o->ntraces > 1 ? "/" : "", o->ntraces > 1 ? name : "");
	rc = n < 0 || (size_t)n >= sizeof(r->dir) ? -ENAMETOOLONG : folders_make(r->dir);
	snprintf(why, sizeof(why), "-o %.400s: %s", r->dir, strerror(-rc));
	return rc ? fail(EXIT_FAILED, why) : EXIT_DONE;
}

static void choose_title(struct report *r, const struct report_options *o, int index)
{
	char name[NAME_BYTES];

	folders_name(o->traces, index, name, sizeof(name));
	snprintf(r->title, sizeof(r->title), "%s", o->title ? o->title : r->facts.workload[0] ? r->facts.workload : name);
}

static int make_figure(const struct figure *figure, const struct report *r, const char *trace)
{
	const char *missing = figure->missing ? figure->missing(r) : NULL;
	char error[PLOT_ERROR_BYTES];
	int rc;

	plot_clear(figure, r);
	if (missing) {
		printf("no %s figure for %s: %s\n", figure->name, trace, missing);
		return EXIT_DONE;
	}
	rc = plot_make(figure, r, error);
	if (rc)
		return fail(EXIT_FAILED, error);
	if (error[0])
		fprintf(stderr, "egpu-report: %s\n", error);
	return EXIT_DONE;
}

static void list_pictures(const struct figure *figure, const struct report *r)
{
	static const struct { enum report_format format; const char *kind; } kinds[] = { { REPORT_SVG, "svg" }, { REPORT_PNG, "png" } };
	char path[PATH_MAX + 32];
	size_t k;

	for (k = 0; k < sizeof(kinds) / sizeof(kinds[0]); k++) {
		plot_path(figure, r, kinds[k].kind, path, sizeof(path));
		if (r->formats & kinds[k].format)
			printf("%s\n", path);
	}
}

static int make_figures(struct report *r, const char *trace)
{
	size_t i;
	int exit_code = EXIT_DONE;

	for (i = 0; figures[i] && exit_code == EXIT_DONE; i++)
		exit_code = make_figure(figures[i], r, trace);
	for (i = 0; figures[i] && exit_code == EXIT_DONE; i++) {
		if (!(figures[i]->missing && figures[i]->missing(r)))
			list_pictures(figures[i], r);
	}
	return exit_code;
}

/* without a choice of the user's: those of the usual policies that go with the granule */
static void choose_policies(struct replay_run_options *asked, const struct report_options *o, const struct facts *f,
			    const char **chosen)
{
	const char *granule = strstr(o->dart ? o->dart : f->limits, "granule_log2=");
	unsigned int granule_log2 = 0, window_log2;
	size_t i;

	*asked = (struct replay_run_options){ .dart = o->dart, .device = o->device, .policies = chosen,
						   .skip_damaged = o->skip_damaged };
	if (granule)
		sscanf(granule, "granule_log2=%u", &granule_log2);
	for (i = 0; i < o->npolicies; i++)
		chosen[asked->npolicies++] = o->policies[i];
	for (i = 0; !o->npolicies && i < sizeof(default_policies) / sizeof(default_policies[0]); i++) {
		if (sscanf(default_policies[i], "window:log2=%u", &window_log2) != 1 || window_log2 >= granule_log2)
			chosen[asked->npolicies++] = default_policies[i];
	}
}

static int report_trace(const struct report_options *o, int index, struct page *page)
{
	static struct report r;
	char error[REPLAY_RUN_ERROR_BYTES], series[PATH_MAX + 32];
	const char *trace = o->traces[index], *chosen[REPLAY_RUN_POLICIES_MAX];
	struct replay_run_options asked;
	int exit_code;

	_Static_assert(REPLAY_RUN_ERROR_BYTES >= TRACE_ERROR_BYTES, "error serves both");
	memset(&r, 0, sizeof(r));
	r.formats = o->formats;
	if (facts_read(&r.facts, trace, o->device, o->skip_damaged, error)) {
		exit_code = fail(EXIT_FAILED, error);
		goto out_destroy;
	}
	exit_code = choose_dir(&r, o, index);
	if (exit_code)
		goto out_destroy;
	choose_title(&r, o, index);
	choose_policies(&asked, o, &r.facts, chosen);
	snprintf(series, sizeof(series), "%s/series.csv.tmp", r.dir);
	if (replay_run(&r.replay, trace, series, &asked, error)) {
		exit_code = fail(EXIT_FAILED, error);
		goto out_destroy;
	}
	report_describe(&r, trace, o->device);
	exit_code = make_figures(&r, trace);
	if (exit_code == EXIT_DONE)
		page_add(page, &r);
out_destroy:
	replay_run_destroy(&r.replay);
	facts_destroy(&r.facts);
	return exit_code;
}

/* what is known of frame rates before anybody has a trace of a game */
static int report_published(const struct report_options *o, struct page *page)
{
	struct report r = { .formats = o->formats, .title = "Published frame rates",
			    .source = "published: Scott J. Goldman, \"RTX 5090 + M4 MacBook Air: Can it Game?\" (May 2026)",
			    .caveats = "calibrated and predicted: egpu-replay fps · nothing here was measured" };
	char error[REPLAY_RUN_ERROR_BYTES];
	int exit_code;

	if (!page->ncolumns)
		return EXIT_DONE;
	snprintf(r.dir, sizeof(r.dir), "%s", o->dir);
	if (replay_run_fps(&r.fps_csv, error))
		return fail(EXIT_FAILED, error);
	exit_code = make_figure(&figure_published, &r, "");
	if (exit_code == EXIT_DONE) {
		list_pictures(&figure_published, &r);
		page_add_published(page, &r);
	}
	free(r.fps_csv);
	return exit_code;
}

static int write_page(const struct report_options *o, struct page *page)
{
	char path[PATH_MAX], why[PLOT_ERROR_BYTES];
	int n, rc, len = (int)strlen(o->dir);

	if (!page->ncolumns)
		return EXIT_DONE;
	while (len > 1 && o->dir[len - 1] == '/')
		len--;
	n = snprintf(path, sizeof(path), "%.*s/index.html", len, o->dir);
	rc = n < 0 || (size_t)n >= sizeof(path) ? -ENAMETOOLONG : page_write(page, path);
	if (rc) {
		snprintf(why, sizeof(why), "%.400s: %s", path, strerror(-rc));
		return fail(EXIT_FAILED, why);
	}
	printf("%s\n", path);
	return EXIT_DONE;
}

static int report_all(const struct report_options *o)
{
	const struct replay_run_options asked = { .dart = o->dart, .policies = o->policies, .npolicies = o->npolicies };
	char error[REPLAY_RUN_ERROR_BYTES];
	struct page page = { 0 };
	int i, rc, exit_code = EXIT_DONE;

	if (plot_check(error))
		return fail(EXIT_FAILED, error);
	rc = replay_run_check(&asked, error);
	if (rc)
		return fail(rc == -EINVAL ? EXIT_MISUSED : EXIT_FAILED, error);
	for (i = 0; i < o->ntraces; i++) {
		if (report_trace(o, i, &page))
			exit_code = EXIT_FAILED;
	}
	if (report_published(o, &page))
		exit_code = EXIT_FAILED;
	if (write_page(o, &page))
		exit_code = EXIT_FAILED;
	page_destroy(&page);
	if (fflush(stdout) || ferror(stdout))
		return fail(EXIT_FAILED, "cannot write to standard output");
	return exit_code;
}

int main(int argc, char **argv)
{
	char error[REPORT_OPTIONS_ERROR_BYTES];
	struct report_options o;

	if (report_options_parse(&o, argc, argv, error))
		return fail(EXIT_MISUSED, error);
	if (o.help) {
		fputs(report_options_usage(), stdout);
		return EXIT_DONE;
	}
	if (o.version) {
		printf("egpu-report %s\n", EGPU_VERSION);
		return EXIT_DONE;
	}
	return report_all(&o);
}
