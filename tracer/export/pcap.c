/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* The only file that includes pcap.h. */
#include "tracer/export/export.h"

#include <errno.h>
#include <pcap/pcap.h>
#include <string.h>

#include "tracer/error.h"
#include "tracer/export/packets.h"

#define NS_PER_S 1000000000u
#define SNAPLEN 65535

struct pcap_out {
	pcap_dumper_t *dumper;
	FILE *file;
};

static int put_packet(void *ctx, uint64_t t_ns, const struct tlp *p)
{
	struct pcap_out *o = ctx;
	struct pcap_pkthdr h = { .caplen = (bpf_u_int32)p->len, .len = (bpf_u_int32)p->len };

	/* the file has 32 bits for the seconds */
	if (t_ns / NS_PER_S > UINT32_MAX)
		return -ERANGE;
	h.ts.tv_sec = (time_t)(t_ns / NS_PER_S);
	h.ts.tv_usec = (suseconds_t)(t_ns % NS_PER_S); /* nanoseconds, by pcap_open_dead_with_tstamp_precision() */
	pcap_dump((u_char *)o->dumper, &h, p->bytes);
	return ferror(o->file) ? -errno : 0;
}

static int write_events(struct feed *feed, struct packets *packets, FILE *out, char *error)
{
	struct trace_event event;
	bool begun = false;
	int got, err = 0;

	while (!err && (got = feed_next(feed, &event, out, error)) != 0) {
		if (got < 0)
			return got;
		packets->trace = feed->trace;
		if (!begun)
			err = packets_begin(packets, event.t_ns);
		begun = true;
		if (!err)
			err = packets_event(packets, &event);
	}
	if (err == -ERANGE)
		return trace_fail(error, err, "an event at %llu ns is later than a pcap file can say (2^32 s)", (unsigned long long)event.t_ns);
	return err ? trace_fail(error, err, "cannot write: %s", strerror(-err)) : 0;
}

int pcap_write(struct feed *feed, FILE *out, char *error)
{
	struct pcap_out o = { .file = out };
	struct packets packets = { .put = put_packet, .ctx = &o };
	pcap_t *pcap = pcap_open_dead_with_tstamp_precision(DLT_USER0, SNAPLEN, PCAP_TSTAMP_PRECISION_NANO);
	int err = -ENOMEM;

	if (!pcap)
		return trace_fail(error, err, "out of memory");
	o.dumper = pcap_dump_fopen(pcap, out);
	if (o.dumper && fflush(out) == 0)
		err = write_events(feed, &packets, out, error);
	else
		err = trace_fail(error, errno ? -errno : -EIO, "cannot write: %s", o.dumper ? strerror(errno) : pcap_geterr(pcap));
	packets_free(&packets);
	pcap_close(pcap);
	return err;
}
