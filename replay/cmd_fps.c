/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* egpu-replay fps [TRACE...] - published, calibrated and predicted frame rates, and what if. */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "replay/cmd.h"
#include "replay/fps_model.h"
#include "replay/fps_trace.h"

#define WHATIFS_MAX 16
#define ACCESS_US 63.0 /* measured: an untraced BAR read through egpu-run, bench/RESULTS.md */
#define CALL_US 120.0  /* measured: a pair of map and unmap through it takes two of these, there */

static const char usage[] =
	"Usage: egpu-replay fps [OPTION]...\n"
	"       egpu-replay fps TRACE... [OPTION]...\n"
	"Frame rates. Without a trace: what is published of games on an RTX 5090 behind Thunderbolt, and what a model makes of it, calibrated on some\n"
	"rows and predicting the others. With traces: what was measured, and what a frame would take if one thing were different.\n\n"
	"  --what-if KEY=VALUE  one thing that is different; may be repeated, each for itself\n"
	"      published rows:  emulation=TIMES (1: none; published: 2), cpu=TIMES, gpu=TIMES faster, link=slot\n"
	"      traces:          accesses=TIMES, calls=TIMES: so many times what was recorded; bars=mapped or bars=wc: BARs mapped into the guest,\n"
	"                       without and with write combining (published: 30 times faster than trapped, and another 10 for writes)\n"
	"  --access-us N        what a trapped access to a BAR takes (63)\n"
	"  --call-us N          what a call that maps or unmaps takes (120)\n"
	"  --skip-damaged       leave out damaged parts of a trace\n"
	"  --csv                comma-separated values\n"
	"  --help               this text\n";

/* published: a mapped access beside a trapped one, and a write that is combined beside a mapped one */
#define MAPPED_TIMES 30.0
#define COMBINED_TIMES 10.0

/** struct whatif - @text as given; @change for published rows, or for traces so many times the time of @reads, @writes and @calls */
struct whatif {
	const char *text;
	struct fps_change change;
	double reads, writes, calls;
};

struct fps_options {
	struct whatif whatif[WHATIFS_MAX];
	unsigned int whatifs;
	double access_us, call_us;
	bool csv, skip_damaged;
};

/* ---- published rows ---- */

static const char *kind_of(const struct fps_row *row, enum fps_machine machine)
{
	if (fps_calibrated(row, machine))
		return "calibrated";
	return row->fps[machine] > 0 ? "predicted" : "predicted, not published";
}

static void put_answer(const struct fps_answer *a, bool csv)
{
	char text[48];

	if (csv) {
		printf(",%.2f,%.2f", a->least, a->most);
		return;
	}
	if (a->most - a->least < 0.05)
		snprintf(text, sizeof(text), "%.1f", a->least);
	else
		snprintf(text, sizeof(text), "%.1f to %.1f", a->least, a->most);
	printf("  %18s", text);
}

static void put_row(const struct fps_options *o, const struct fps_params *params, const struct fps_row *row, enum fps_machine machine)
{
	struct fps_answer model = fps_predict(params, row, machine, &fps_unchanged);
	double published = row->fps[machine];
	char error[16] = "", fps[16] = "-";
	unsigned int i;

	if (published > 0)
		snprintf(error, sizeof(error), o->csv ? "%.2f" : "%+.0f %%", 100 * (model.least / published - 1));
	if (published > 0)
		snprintf(fps, sizeof(fps), "%g", published);
	if (o->csv)
		printf("\"%s\",\"%s\",\"%s\",%s,%s,\"%s\",%.2f,%s", row->game, row->setting, fps_machines[machine], published > 0 ? fps : "",
		       row->about ? "about" : "", kind_of(row, machine), model.least, error);
	else
		printf("%-26s %-26s %-16s %9s  %-25s %6.1f  %6s", row->game, row->setting, fps_machines[machine], fps, kind_of(row, machine), model.least,
		       fps_calibrated(row, machine) ? "" : error);
	for (i = 0; i < o->whatifs; i++) {
		struct fps_answer answer = fps_predict(params, row, machine, &o->whatif[i].change);

		put_answer(&answer, o->csv);
	}
	putchar('\n');
}

static void put_head(const struct fps_options *o)
{
	unsigned int i;

	if (o->csv)
		printf("game,setting,machine,published,about,kind,model,error_percent");
	else
		printf("%-26s %-26s %-16s %9s  %-25s %6s  %6s", "game", "setting", "machine", "published", "the model's figure is", "model", "error");
	for (i = 0; i < o->whatifs; i++) {
		if (o->csv)
			printf(",\"%s least\",\"%s most\"", o->whatif[i].text, o->whatif[i].text);
		else
			printf("  %18s", o->whatif[i].text);
	}
	putchar('\n');
}

static int show_published(const struct fps_options *o)
{
	struct fps_params params = fps_calibrate();
	const struct fps_row *row;
	unsigned int m;

	put_head(o);
	for (row = fps_rows; row->game; row++) {
		for (m = FPS_PC_LINK; m < FPS_MACHINES; m++) {
			if (m == FPS_PC_LINK && !row->gpu_bound)
				continue;
			put_row(o, &params, row, (enum fps_machine)m);
		}
	}
	if (!o->csv)
		printf("model: the Macs' CPUs take %.2f (M5 Max) and %.2f (M4 Air) times the PC's time for a frame, the link makes GPU work %.2f times longer;\n"
		       "all games are taken to be bound by the CPU, so where the GPU has a share the figure is too low. Nothing here was measured.\n",
		       params.cpu_times[FPS_M5_MAX], params.cpu_times[FPS_M4_AIR], params.link_times[FPS_M4_AIR]);
	return EXIT_DONE;
}

/* ---- traces ---- */

static double per_frame(uint64_t n, const struct fps_trace *t)
{
	return (double)n / (double)t->frames;
}

/* 0 if the costs are more than the frame, so that they cannot be these */
static double changed_fps(const struct fps_options *o, const struct fps_trace *t, const struct whatif *w)
{
	double frame_us = t->seconds * 1e6 / (double)t->frames;

	frame_us += ((w->reads - 1) * per_frame(t->reads, t) + (w->writes - 1) * per_frame(t->writes, t)) * o->access_us;
	frame_us += (w->calls - 1) * per_frame(t->calls, t) * o->call_us;
	return frame_us > 0 ? 1e6 / frame_us : 0;
}

static void put_trace(const struct fps_options *o, const char *path, const struct fps_trace *t)
{
	unsigned int i;

	if (o->csv)
		printf("\"%s\",%" PRIu64 ",%.2f,%.2f,%.2f,%.2f,%.2f", path, t->frames, (double)t->frames / t->seconds, per_frame(t->reads, t),
		       per_frame(t->writes, t), per_frame(t->calls, t), per_frame(t->irqs, t));
	else
		printf("%s: measured: %" PRIu64 " frames, %.1f a second; in each %.1f BAR reads, %.1f BAR writes, %.1f calls that map or unmap, %.1f interrupts\n",
		       path, t->frames, (double)t->frames / t->seconds, per_frame(t->reads, t), per_frame(t->writes, t), per_frame(t->calls, t),
		       per_frame(t->irqs, t));
	for (i = 0; i < o->whatifs; i++) {
		double fps = changed_fps(o, t, &o->whatif[i]);

		if (o->csv && fps > 0)
			printf(",%.2f", fps);
		else if (o->csv)
			putchar(',');
		else if (fps > 0)
			printf("  %s: predicted %.1f a second\n", o->whatif[i].text, fps);
		else
			printf("  %s: cannot be told: so many at that cost take longer than the whole frame; give --access-us, --call-us\n", o->whatif[i].text);
	}
	if (o->csv)
		putchar('\n');
}

static int show_trace(const struct fps_options *o, const char *path)
{
	char error[TRACE_ERROR_BYTES] = "";
	struct fps_trace found;
	struct trace *t;
	int rc = trace_open(path, &t, error);

	if (rc) {
		complain("", error);
		return rc;
	}
	rc = fps_trace_read(t, o->skip_damaged, &found, error);
	trace_close(t);
	if (rc)
		complain(path, error);
	else
		put_trace(o, path, &found);
	return rc;
}

static int show_traces(const struct fps_options *o, char **paths, int n)
{
	int i, status = EXIT_DONE;
	unsigned int k;

	if (o->csv) {
		printf("trace,frames,fps,bar_reads_per_frame,bar_writes_per_frame,host_calls_per_frame,irqs_per_frame");
		for (k = 0; k < o->whatifs; k++)
			printf(",\"%s\"", o->whatif[k].text);
		putchar('\n');
	}
	for (i = 0; i < n; i++) {
		if (show_trace(o, paths[i]))
			status = EXIT_FAILED;
	}
	return status;
}

/* ---- options ---- */

static bool parse_number(const char *text, double max, double *out)
{
	char *end;

	*out = strtod(text, &end);
	return end != text && *end == '\0' && *out >= 0 && *out <= max;
}

static bool parse_whatif(struct whatif *w, bool trace)
{
	w->reads = w->writes = w->calls = 1;
	if (!trace)
		return fps_change_parse(w->text, &w->change);
	if (strcmp(w->text, "bars=mapped") == 0 || strcmp(w->text, "bars=wc") == 0) {
		w->reads = w->writes = 1 / MAPPED_TIMES;
		if (strcmp(w->text, "bars=wc") == 0)
			w->writes /= COMBINED_TIMES;
		return true;
	}
	if (strncmp(w->text, "accesses=", 9) == 0) {
		bool ok = parse_number(w->text + 9, 1000, &w->reads);

		w->writes = w->reads;
		return ok;
	}
	return strncmp(w->text, "calls=", 6) == 0 && parse_number(w->text + 6, 1000, &w->calls);
}

static int misused(const char *what, const char *why)
{
	complain(what, why);
	return EXIT_MISUSED;
}

static int set_option(struct fps_options *o, int option)
{
	switch (option) {
	case 'w':
		if (o->whatifs == WHATIFS_MAX)
			return misused("", "at most 16 --what-if");
		o->whatif[o->whatifs++].text = optarg;
		return EXIT_DONE;
	case 'a':
		return parse_number(optarg, 1e6, &o->access_us) ? EXIT_DONE : misused(optarg, "--access-us takes microseconds, 0 to 1000000");
	case 'c':
		return parse_number(optarg, 1e6, &o->call_us) ? EXIT_DONE : misused(optarg, "--call-us takes microseconds, 0 to 1000000");
	case 'v': o->csv = true; return EXIT_DONE;
	case 's': o->skip_damaged = true; return EXIT_DONE;
	default: return misused("", "unknown option, or one that lacks its value; see egpu-replay fps --help");
	}
}

int cmd_fps(int argc, char **argv)
{
	static const struct option options[] = {
		{ "what-if", required_argument, NULL, 'w' }, { "access-us", required_argument, NULL, 'a' }, { "call-us", required_argument, NULL, 'c' },
		{ "csv", no_argument, NULL, 'v' }, { "skip-damaged", no_argument, NULL, 's' }, { "help", no_argument, NULL, 'h' }, { 0 },
	};
	struct fps_options o = { .access_us = ACCESS_US, .call_us = CALL_US };
	int option, status;
	unsigned int i;

	opterr = 0;
	while ((option = getopt_long(argc, argv, ":h", options, NULL)) != -1) {
		if (option == 'h') {
			fputs(usage, stdout);
			return EXIT_DONE;
		}
		status = set_option(&o, option);
		if (status != EXIT_DONE)
			return status;
	}
	for (i = 0; i < o.whatifs; i++) {
		if (!parse_whatif(&o.whatif[i], optind < argc))
			return misused(o.whatif[i].text, optind < argc ? "--what-if of a trace takes accesses=TIMES, calls=TIMES, bars=mapped or bars=wc"
								       : "--what-if takes emulation=, cpu= or gpu=TIMES, or link=slot");
	}
	return optind < argc ? show_traces(&o, argv + optind, argc - optind) : show_published(&o);
}
