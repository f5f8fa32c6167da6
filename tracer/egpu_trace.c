/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "tracer/cmd.h"

static const struct {
	const char *name;
	int (*run)(int argc, char **argv);
	const char *summary;
} commands[] = {
	{ "info", cmd_info, "what a trace is, where it comes from and what it lacks" },
	{ "dump", cmd_dump, "its events as text, JSON lines or CSV" },
	{ "verify", cmd_verify, "check every chunk; exit status 1 if one is damaged" },
	{ "repair", cmd_repair, "make a sound trace of what is whole in a damaged one" },
	{ "pack", cmd_pack, "make a trace as small as it gets" },
	{ "sql", cmd_sql, "ask it in SQL" },
	{ "stats", cmd_stats, "rates, sizes, lifetimes, peaks, frame times" },
	{ "diff", cmd_diff, "the first event in which two traces differ; exit status 1 if there is one" },
	{ "cut", cmd_cut, "make a trace of a part of it" },
	{ "merge", cmd_merge, "make one trace of several" },
	{ "import", cmd_import, "make a trace from another tool's recording" },
	{ "generate", cmd_generate, "make a trace of a workload that nobody played" },
	{ "export", cmd_export, "make a file for Wireshark, Perfetto and others" },
};

#define COMMANDS (sizeof(commands) / sizeof(commands[0]))

static void usage(FILE *out)
{
	fprintf(out, "usage: egpu-trace COMMAND [OPTIONS] FILE\n\n");
	for (size_t i = 0; i < COMMANDS; i++)
		fprintf(out, "  %-8s %s\n", commands[i].name, commands[i].summary);
	fprintf(out, "\n\"egpu-trace COMMAND --help\" explains a command; see also egpu-trace(1) and trace(5).\n"
		     "Exit status: 0 done, 1 failed, 2 misused.\n");
}

static int fail(int status, const char *format, va_list ap)
{
	fflush(stdout);
	fprintf(stderr, "egpu-trace: ");
	vfprintf(stderr, format, ap);
	fprintf(stderr, "\n");
	return status;
}

int cmd_failed(const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	fail(CMD_FAILED, format, ap);
	va_end(ap);
	return CMD_FAILED;
}

int cmd_misused(const char *command, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	fail(CMD_MISUSED, format, ap);
	va_end(ap);
	fprintf(stderr, "Try \"egpu-trace %s --help\".\n", command);
	return CMD_MISUSED;
}

int cmd_flush(void)
{
	if (fflush(stdout) == 0 && !ferror(stdout))
		return CMD_DONE;
	if (errno == EPIPE)
		return CMD_DONE;
	return cmd_failed("cannot write the output: %s", strerror(errno));
}

int cmd_open(int argc, char **argv, struct trace **out)
{
	char error[TRACE_ERROR_BYTES];

	if (optind + 1 != argc)
		return cmd_misused(argv[0], "%s takes one trace file", argv[0]);
	if (trace_open(argv[optind], out, error) != 0)
		return cmd_failed("%s", error);
	return CMD_DONE;
}

int main(int argc, char **argv)
{
	signal(SIGPIPE, SIG_IGN);
	if (argc < 2) {
		usage(stderr);
		return CMD_MISUSED;
	}
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 || strcmp(argv[1], "help") == 0) {
		usage(stdout);
		return cmd_flush();
	}
	if (strcmp(argv[1], "--version") == 0) {
		printf("egpu-trace %s, trace format %d\n", EGPU_VERSION, TRACE_FORMAT_VERSION);
		return cmd_flush();
	}
	for (size_t i = 0; i < COMMANDS; i++) {
		if (strcmp(argv[1], commands[i].name) == 0)
			return commands[i].run(argc - 1, argv + 1);
	}
	fprintf(stderr, "egpu-trace: there is no command \"%s\"\n", argv[1]);
	usage(stderr);
	return CMD_MISUSED;
}
