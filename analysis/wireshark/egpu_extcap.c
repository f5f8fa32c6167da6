/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* Wireshark's way to capture from a running recording; it calls us by the contract of extcap(4). Arguments that we do not know are ignored. */
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "analysis/wireshark/recordings.h"
#include "tracer/export/export.h"

#define INTERFACE "egpu"
#define INTERFACE_OF "egpu:" /* and the path of a recording */
#define LINKTYPE_USER0 147

static const char help[] =
	"usage: egpu-extcap --extcap-interfaces\n"
	"       egpu-extcap --extcap-interface egpu:TRACE --capture --fifo FIFO\n"
	"       egpu-extcap --extcap-interface egpu --trace TRACE --capture --fifo FIFO\n\n"
	"Lets Wireshark and tshark capture from a trace while it is recorded; they call it if it is in their extcap folder.\n"
	"egpu-extcap(1) says which that is.\n";

/* the value of "--name VALUE" or "--name=VALUE"; "" for one without; NULL if it is not there */
static const char *option(int argc, char **argv, const char *name)
{
	size_t len = strlen(name);

	for (int i = 1; i < argc; i++) {
		if (strncmp(argv[i], name, len) != 0)
			continue;
		if (argv[i][len] == '=')
			return argv[i] + len + 1;
		if (!argv[i][len])
			return i + 1 < argc ? argv[i + 1] : "";
	}
	return NULL;
}

static int failed(const char *what, const char *why)
{
	fprintf(stderr, "egpu-extcap: %s%s%s\n", what, why ? ": " : "", why ? why : "");
	return 1;
}

/* a path can be told to Wireshark if it does not end what holds it */
static bool can_be_told(const char *path)
{
	for (; *path; path++) {
		if (*path == '{' || *path == '}' || (unsigned char)*path < ' ')
			return false;
	}
	return true;
}

static int list_interfaces(void)
{
	struct recordings r;
	int err = recordings_find(&r);

	printf("extcap {version=%s}{display=egpu}{help=https://www.wireshark.org/docs/man-pages/extcap.html}\n", EGPU_VERSION);
	printf("interface {value=%s}{display=egpu: a trace, live while it is recorded}\n", INTERFACE);
	for (size_t i = 0; !err && i < r.n; i++) {
		if (can_be_told(r.path[i]))
			printf("interface {value=%s%s}{display=egpu: recording %s}\n", INTERFACE_OF, r.path[i], r.path[i]);
	}
	if (err)
		return failed("cannot look for recordings", strerror(-err));
	recordings_free(&r);
	return 0;
}

static int list_dlts(void)
{
	printf("dlt {number=%d}{name=USER0}{display=PCIe packets and records of egpu}\n", LINKTYPE_USER0);
	return 0;
}

static int list_config(const char *interface)
{
	if (strcmp(interface, INTERFACE) == 0)
		printf("arg {number=0}{call=--trace}{display=Trace}{tooltip=A .egt file; followed for as long as it is recorded}"
		       "{type=fileselect}{mustexist=true}{required=true}\n");
	return 0;
}

static int capture(const char *path, const char *fifo)
{
	struct feed feed = { .path = path, .follow = true };
	char error[TRACE_ERROR_BYTES];
	FILE *out;
	int err = feed_open(&feed, true, error);

	if (err)
		return failed(error, NULL);
	out = fopen(fifo, "wb");
	if (!out) {
		feed_close(&feed);
		return failed(fifo, strerror(errno));
	}
	err = pcap_write(&feed, out, error);
	if (fclose(out) != 0 && !err) {
		err = -errno;
		snprintf(error, sizeof(error), "%s", strerror(errno));
	}
	feed_close(&feed);
	if (feed.damaged)
		fprintf(stderr, "egpu-extcap: %s: %llu damaged chunks left out\n", path, (unsigned long long)feed.damaged);
	return err && err != -EPIPE ? failed(path, error) : 0;
}

static int start_capture(int argc, char **argv, const char *interface)
{
	const char *fifo = option(argc, argv, "--fifo"), *path = option(argc, argv, "--trace");

	if (!fifo || !*fifo)
		return failed("--capture needs --fifo", NULL);
	if (strncmp(interface, INTERFACE_OF, strlen(INTERFACE_OF)) == 0)
		path = interface + strlen(INTERFACE_OF);
	if (!path || !*path)
		return failed("which trace? Give it with --trace, or choose the interface of a recording", NULL);
	return capture(path, fifo);
}

int main(int argc, char **argv)
{
	const char *interface = option(argc, argv, "--extcap-interface"), *filter = option(argc, argv, "--extcap-capture-filter");

	signal(SIGPIPE, SIG_IGN);
	if (option(argc, argv, "--extcap-interfaces"))
		return list_interfaces();
	if (option(argc, argv, "--help")) {
		fputs(help, stdout);
		return 0;
	}
	if (!interface) {
		fputs(help, stderr);
		return 2;
	}
	if (strcmp(interface, INTERFACE) != 0 && strncmp(interface, INTERFACE_OF, strlen(INTERFACE_OF)) != 0)
		return failed("there is no such interface", interface);
	if (option(argc, argv, "--extcap-dlts"))
		return list_dlts();
	if (option(argc, argv, "--extcap-config"))
		return list_config(interface);
	if (filter && *filter) {
		/* Wireshark takes what is printed as the reason why a filter is not valid */
		puts("egpu has no capture filters; use a display filter such as egpu.kind == \"map\"");
		return option(argc, argv, "--capture") ? failed("no capture filters; use a display filter", NULL) : 0;
	}
	if (option(argc, argv, "--capture"))
		return start_capture(argc, argv, interface);
	return 0;
}
