/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
#include "tracer/cmd_merge_meta.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* traces that say no host, as importers' do, are taken to be of one */
bool cmd_merge_same_clock(struct trace *a, struct trace *b)
{
	const char *clock_a = trace_meta(a, TRACE_META_CLOCK), *clock_b = trace_meta(b, TRACE_META_CLOCK);
	const char *host_a = trace_meta(a, TRACE_META_HOST), *host_b = trace_meta(b, TRACE_META_HOST);

	if (!clock_a || !clock_b || strcmp(clock_a, clock_b) != 0)
		return false;
	return host_a && host_b ? strcmp(host_a, host_b) == 0 : host_a == host_b;
}

static const char *provenance(const struct cmd_merge_source *sources, int n)
{
	static const char *const order[] = { "recorded", "imported", "modelled" };
	size_t worst = 0;

	for (int i = 0; i < n; i++) {
		const char *p = trace_meta(sources[i].t, TRACE_META_PROVENANCE);

		for (size_t k = 0; k < sizeof(order) / sizeof(order[0]); k++) {
			if (p && strcmp(p, order[k]) == 0 && k > worst)
				worst = k;
		}
	}
	return order[worst];
}

/* a key that has a rule of its own */
static bool special(const char *key)
{
	return strcmp(key, TRACE_META_COMPLETE) == 0 || strcmp(key, TRACE_META_PROVENANCE) == 0 || strcmp(key, TRACE_META_ORIGIN) == 0 ||
	       strcmp(key, TRACE_META_ASSUMED) == 0;
}

/* the first source's rows that no other contradicts; what they do not agree on is named in @assumed */
static int common_meta(struct cmd_output *o, const struct cmd_merge_source *sources, int n, FILE *assumed)
{
	const char *key, *value;
	int err = cmd_output_meta(o, sources[0].t);

	for (int i = 0; i < n && !err; i++) {
		unsigned int row = 0;

		while (!err && trace_meta_next(sources[i].t, &row, &key, &value)) {
			const char *first = trace_meta(sources[0].t, key);

			if (special(key) || (first && strcmp(first, value) == 0))
				continue;
			fprintf(assumed, "%s of %s is: %s\n", key, sources[i].path, value);
			if (first && strcmp(key, TRACE_META_CLOCK) != 0)
				fprintf(assumed, "%s of %s is: %s\n", key, sources[0].path, first);
			/* the new times are those of the first source's clock */
			if (strcmp(key, TRACE_META_CLOCK) != 0)
				err = tracer_meta(o->t, key, first ? NULL : value);
		}
	}
	return err;
}

/** struct known_device - a device of the new trace, by its number: who said first what it is. */
struct known_device {
	const char *identity;
	const char *path;
};

/* devices become one by their names alone; where they say that they are not the same, that is to be known */
static int compare_devices(const struct cmd_merge_source *sources, int n, FILE *assumed)
{
	struct known_device *known = calloc(TRACE_DEVICES_MAX + 1, sizeof(*known));

	if (!known)
		return -ENOMEM;
	for (int i = 0; i < n; i++) {
		for (unsigned int id = 1; id < sources[i].remap->devices; id++) {
			unsigned int number = sources[i].remap->device[id];
			const char *identity = number ? trace_device_identity(sources[i].t, id) : NULL;
			struct known_device *k = &known[number];

			if (!identity || (k->identity && strcmp(k->identity, identity) == 0))
				continue;
			if (k->identity)
				fprintf(assumed, "device %s is taken to be one, though it is %s in %s and %s in %s\n",
					trace_device_name(sources[i].t, id), k->identity, k->path, identity, sources[i].path);
			else
				*k = (struct known_device){ identity, sources[i].path };
		}
	}
	free(known);
	return 0;
}

static void write_origin(FILE *origin, const struct cmd_merge_source *sources, int n)
{
	fprintf(origin, "merged from ");
	for (int i = 0; i < n; i++) {
		const char *from = trace_meta(sources[i].t, TRACE_META_ORIGIN);

		fprintf(origin, "%s%s", i ? "; " : "", sources[i].path);
		if (sources[i].offset_ns)
			fprintf(origin, " %+.9f s", (double)sources[i].offset_ns / 1e9);
		fprintf(origin, " (%s)", from ? from : "of unknown origin");
	}
}

static int set_texts(struct cmd_output *o, const struct cmd_merge_source *sources, int n, FILE *origin, FILE *assumed)
{
	for (int i = 0; i < n; i++) {
		const char *text = trace_meta(sources[i].t, TRACE_META_ASSUMED);

		if (text)
			fprintf(assumed, "%s: %s\n", sources[i].path, text);
	}
	write_origin(origin, sources, n);
	if (compare_devices(sources, n, assumed) != 0)
		return -ENOMEM;
	return common_meta(o, sources, n, assumed);
}

/* sums over the sources; each source's row is looked for in all that come before it, so that each name is written once, by its last */
static int sum_accounts(struct cmd_output *o, const struct cmd_merge_source *sources, int n)
{
	const char *what, *other, *note, *other_note;
	uint64_t count, more;
	int err = 0;

	for (int i = 0; i < n && !err; i++) {
		unsigned int row = 0;

		while (!err && trace_account_next(sources[i].t, &row, &what, &count, &note)) {
			for (int k = 0; k < i; k++) {
				unsigned int at = 0;

				while (trace_account_next(sources[k].t, &at, &other, &more, &other_note))
					count += strcmp(other, what) == 0 ? more : 0;
			}
			err = cmd_output_account(o, what, count, note);
		}
	}
	return err;
}

int cmd_merge_describe(struct cmd_output *o, const struct cmd_merge_source *sources, int n)
{
	char *origin = NULL, *assumed = NULL;
	size_t origin_bytes, assumed_bytes;
	FILE *a = open_memstream(&origin, &origin_bytes), *b = open_memstream(&assumed, &assumed_bytes);
	int err = -ENOMEM;

	if (a && b)
		err = set_texts(o, sources, n, a, b);
	if ((a && fclose(a) != 0) || (b && fclose(b) != 0))
		err = -ENOMEM;
	if (!err)
		err = tracer_meta(o->t, TRACE_META_PROVENANCE, provenance(sources, n));
	if (!err)
		err = tracer_meta(o->t, TRACE_META_ORIGIN, origin);
	if (!err)
		err = tracer_meta(o->t, TRACE_META_ASSUMED, assumed_bytes ? assumed : NULL);
	if (!err)
		err = sum_accounts(o, sources, n);
	free(origin);
	free(assumed);
	return err;
}
