/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tracer/cmd.h"
#include "tracer/export/export.h"

static const char help[] =
	"usage: egpu-trace export FORMAT TRACE [OPTIONS] -o OUT\n\n"
	"Makes a file for other tools.\n\n"
	"  -o, --output OUT  the file to make; - is standard output\n"
	"  --follow          go on for as long as the trace is being recorded (pcap)\n"
	"  --force           replace OUT if it exists and is no trace\n"
	"  --skip-damaged    leave damaged chunks out instead of ending at the first\n\n"
	"Formats:\n";

/**
 * struct export - what was asked for.
 * @made: the output file did not exist before; a failed export removes it
 */
struct export {
	const struct export_format *format;
	const char *trace, *output;
	bool follow, force, skip_damaged;
	bool made;
};

static int show_help(void)
{
	printf("%s", help);
	for (size_t i = 0; i < export_formats_count; i++)
		printf("  %-9s %s\n", export_formats[i].name, export_formats[i].summary);
	return cmd_flush();
}

static int unknown_format(const char *name)
{
	char names[256] = "";

	for (size_t i = 0; i < export_formats_count; i++) {
		size_t at = strlen(names);

		snprintf(names + at, sizeof(names) - at, "%s%s", i ? ", " : "", export_formats[i].name);
	}
	return cmd_misused("export", "there is no export format \"%s\"; there are: %s", name, names);
}

/* ---- output ---- */

static bool is_trace(const char *path)
{
	struct trace *t;

	if (trace_open(path, &t, NULL) != 0)
		return false;
	trace_close(t);
	return true;
}

static int open_output(struct export *x, FILE **out)
{
	struct stat st;
	bool exists = stat(x->output, &st) == 0;
	int fd;

	if (exists && S_ISREG(st.st_mode) && !x->force)
		return cmd_failed("%s exists; --force replaces it", x->output);
	if (exists && S_ISREG(st.st_mode) && is_trace(x->output))
		return cmd_failed("%s is a trace; an export does not replace it", x->output);
	fd = open(x->output, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	*out = fd < 0 ? NULL : fdopen(fd, "wb");
	if (!*out)
		return cmd_failed("%s: %s", x->output, strerror(errno));
	x->made = !exists;
	return CMD_DONE;
}

/* ---- the two ways ---- */

static int run_format(const struct export *x, FILE *out)
{
	struct feed feed = { .path = x->trace, .follow = x->follow };
	char error[TRACE_ERROR_BYTES];
	int err = feed_open(&feed, x->skip_damaged, error);

	if (err)
		return cmd_failed("%s", error);
	err = x->format->write(&feed, out, error);
	if (!err && fflush(out) != 0) {
		err = -errno;
		snprintf(error, sizeof(error), "cannot write: %s", strerror(-err));
	}
	feed_close(&feed);
	if (feed.damaged)
		fprintf(stderr, "egpu-trace: %s: %" PRIu64 " damaged chunks left out\n", x->trace, feed.damaged);
	/* whoever read our output has seen enough */
	if (!err || err == -EPIPE)
		return CMD_DONE;
	return cmd_failed("%s: %s%s", x->trace, error, err == -EBADMSG ? "; --skip-damaged leaves it out" : "");
}

static int run_dump(const struct export *x, FILE *out)
{
	char *argv[] = { "dump", (char *)x->format->dump_option, x->skip_damaged ? "--skip-damaged" : "--", (char *)x->trace, NULL };
	int status;

	if (out != stdout && dup2(fileno(out), STDOUT_FILENO) < 0)
		return cmd_failed("%s: %s", x->output, strerror(errno));
	optind = 0; /* getopt starts anew */
	status = cmd_dump(4, argv);
	if (status == CMD_DONE && out != stdout && fsync(STDOUT_FILENO) != 0 && errno != EINVAL && errno != EROFS)
		status = cmd_failed("%s: %s", x->output, strerror(errno));
	return status;
}

static int export(struct export *x)
{
	FILE *out = stdout;
	int status = CMD_DONE;

	if (strcmp(x->output, "-") != 0)
		status = open_output(x, &out);
	else if (x->format->binary && isatty(STDOUT_FILENO))
		return cmd_misused("export", "%s is not for a terminal; send it to a file or a pipe", x->format->name);
	if (status != CMD_DONE)
		return status;
	status = x->format->write ? run_format(x, out) : run_dump(x, out);
	if (out != stdout && fclose(out) != 0 && status == CMD_DONE)
		status = cmd_failed("%s: %s", x->output, strerror(errno));
	if (status != CMD_DONE && x->made)
		unlink(x->output);
	return status;
}

/* Return: an exit status; -1 to go on */
static int take_options(struct export *x, int argc, char **argv)
{
	static const struct option options[] = {
		{ "output", required_argument, NULL, 'o' }, { "follow", no_argument, NULL, 'f' }, { "force", no_argument, NULL, 'w' },
		{ "skip-damaged", no_argument, NULL, 's' }, { "help", no_argument, NULL, 'h' }, { 0 },
	};
	int c;

	while ((c = getopt_long(argc, argv, "o:h", options, NULL)) != -1) {
		switch (c) {
		case 'h': return show_help();
		case 'o': x->output = optarg; break;
		case 'f': x->follow = true; break;
		case 'w': x->force = true; break;
		case 's': x->skip_damaged = true; break;
		default: return cmd_misused("export", "unknown option");
		}
	}
	return -1;
}

int cmd_export(int argc, char **argv)
{
	struct export x = { 0 };
	int status = take_options(&x, argc, argv);

	if (status >= 0)
		return status;
	if (optind + 2 != argc)
		return cmd_misused("export", "give a format and a trace");
	x.format = export_format(argv[optind]);
	x.trace = argv[optind + 1];
	if (!x.format)
		return unknown_format(argv[optind]);
	if (!x.output)
		return cmd_misused("export", "say with -o which file to make; - is standard output");
	if (x.follow && !x.format->follows)
		return cmd_misused("export", "--follow is not for %s", x.format->name);
	return export(&x);
}
