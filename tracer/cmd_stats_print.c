/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
#include "tracer/cmd_stats_print.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <json-c/json.h>

#define TOP_REGISTERS 12

static const char *const class_name[PAIRING_CLASSES] = { "requests", "mappings", "guest_ram" };
static const char *const irq_type[] = { "INTx", "MSI", "MSI-X" };
static const double percentiles[] = { 1, 50, 90, 99, 99.9 };

/* ---- order ---- */

static int by_number(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

static int by_count(const void *a, const void *b)
{
	const struct stats_row *x = a, *y = b;
	uint64_t n = x->reads + x->writes, m = y->reads + y->writes;

	return n != m ? (n > m ? -1 : 1) : memcmp(x->key, y->key, sizeof(x->key));
}

static int by_key(const void *a, const void *b)
{
	const struct stats_row *x = a, *y = b;

	for (int i = 0; i < 3; i++) {
		if (x->key[i] != y->key[i])
			return x->key[i] < y->key[i] ? -1 : 1;
	}
	return 0;
}

static void pack_table(struct stats_table *t, int (*order)(const void *, const void *))
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < STATS_ROWS_ROOM; i++) {
		if (t->row[i].reads + t->row[i].writes)
			t->row[n++] = t->row[i];
	}
	qsort(t->row, n, sizeof(*t->row), order);
}

void stats_sort(struct stats *s)
{
	pack_table(&s->registers, by_count);
	pack_table(&s->irqs, by_key);
	if (s->frames.times)
		qsort(s->frames.ns, s->frames.times, sizeof(*s->frames.ns), by_number);
}

/* ---- derived ---- */

static double span_s(const struct stats *s)
{
	return (double)(s->last_ns - s->first_ns) / 1e9;
}

static double per_second(const struct stats *s, uint64_t n)
{
	return span_s(s) > 0 ? (double)n / span_s(s) : 0;
}

/* the least time that at least @percent of the frames do not exceed */
static double frame_ms(const struct stats *s, double percent)
{
	double rank = percent / 100 * (double)s->frames.times;
	size_t i = (size_t)rank;

	if ((double)i < rank)
		i++;
	return (double)s->frames.ns[i ? i - 1 : 0] / 1e6;
}

static double mean_fps(const struct stats *s)
{
	double sum = 0;

	for (size_t i = 0; i < s->frames.times; i++)
		sum += (double)s->frames.ns[i];
	return sum > 0 ? (double)s->frames.times * 1e9 / sum : 0;
}

static const char *device_name(const struct stats *s, uint64_t id)
{
	const char *name = trace_device_name(s->t, (unsigned int)id);

	return name ? name : "-";
}

static void kind_name(unsigned int kind, char *name, size_t bytes)
{
	const struct trace_event_info *info = trace_event_info(kind);

	if (info)
		snprintf(name, bytes, "%s", info->name);
	else
		snprintf(name, bytes, "kind%u", kind);
}

/* "<10us", …, ">=10s" */
static void lifetime_name(unsigned int i, char *name, size_t bytes)
{
	static const char *const limit[STATS_LIFETIMES] = { "<10us", "<100us", "<1ms", "<10ms", "<100ms", "<1s", "<10s", ">=10s" };

	snprintf(name, bytes, "%s", limit[i]);
}

static uint64_t ended(const struct stats *s, int class)
{
	uint64_t n = 0;

	for (int i = 0; i < STATS_LIFETIMES; i++)
		n += s->lifetime[class][i];
	return n;
}

/* ---- text ---- */

static void text_kinds(const struct stats *s)
{
	char name[32];

	printf("%-16s %12s %14s %10s\n", "kind", "events", "per second", "failed");
	for (unsigned int k = 1; k < STATS_KINDS_MAX; k++) {
		kind_name(k, name, sizeof(name));
		if (s->kind[k])
			printf("%-16s %12" PRIu64 " %14.1f %10" PRIu64 "\n", name, s->kind[k], per_second(s, s->kind[k]), s->kind_failed[k]);
	}
	printf("%-16s %12" PRIu64 " %14.1f\n", "all", s->events, per_second(s, s->events));
}

static void text_sizes(const struct stats *s)
{
	if (!s->kind[TRACE_REQ_MAP])
		return;
	printf("\nrequests of at most %6s %8s %8s %14s\n", "number", "percent", "failed", "bytes");
	for (unsigned int i = 0; i < STATS_SIZES; i++) {
		const struct stats_size *z = &s->size[i];

		if (z->requests)
			printf("%12" PRIu64 " bytes %13" PRIu64 " %7.2f%% %8" PRIu64 " %14" PRIu64 "\n", i < 64 ? UINT64_C(1) << i : UINT64_MAX, z->requests,
			       100.0 * (double)z->requests / (double)s->kind[TRACE_REQ_MAP], z->failed, z->bytes);
	}
}

static void text_live(const struct stats *s)
{
	char name[16];

	for (int c = 0; c < PAIRING_RAM; c++) {
		const struct pairing_count *n = pairing_count(s->live, (enum pairing_class)c);

		if (!n->peak && !n->unmatched)
			continue;
		printf("\n%-10s at most %" PRIu64 " at once (at %.6f s), %" PRIu64 " bytes (at %.6f s); at the end %" PRIu64 ", %" PRIu64 " bytes\n",
		       class_name[c], n->peak, (double)n->peak_ns / 1e9, n->peak_bytes, (double)n->peak_bytes_ns / 1e9, n->live, n->bytes);
		if (n->unmatched)
			printf("           %" PRIu64 " ended that were not seen to begin\n", n->unmatched);
		if (n->by_reset)
			printf("           %" PRIu64 " ended by a reset\n", n->by_reset);
		printf("  lived  ");
		for (unsigned int i = 0; i < STATS_LIFETIMES; i++) {
			lifetime_name(i, name, sizeof(name));
			printf("  %s %" PRIu64, name, s->lifetime[c][i]);
		}
		putchar('\n');
	}
}

static void text_irqs(const struct stats *s)
{
	if (!s->irqs.n)
		return;
	printf("\n%-20s %-6s %6s %12s %14s %12s\n", "interrupts of", "type", "vector", "number", "per second", "undelivered");
	for (uint32_t i = 0; i < s->irqs.n; i++) {
		const struct stats_row *r = &s->irqs.row[i];

		printf("%-20s %-6s %6" PRIu64 " %12" PRIu64 " %14.1f %12" PRIu64 "\n", device_name(s, r->key[0]),
		       r->key[1] < 3 ? irq_type[r->key[1]] : "?", r->key[2], r->reads + r->writes, per_second(s, r->reads + r->writes), r->writes);
	}
}

static void text_registers(const struct stats *s)
{
	if (!s->registers.n)
		return;
	printf("\n%-20s %6s %12s %12s %12s\n", "registers of", "region", "offset", "reads", "writes");
	for (uint32_t i = 0; i < s->registers.n && i < TOP_REGISTERS; i++) {
		const struct stats_row *r = &s->registers.row[i];

		printf("%-20s %6" PRIu64 " %#12" PRIx64 " %12" PRIu64 " %12" PRIu64 "\n", device_name(s, r->key[0]), r->key[1], r->key[2], r->reads,
		       r->writes);
	}
	if (s->registers.n > TOP_REGISTERS)
		printf("and %" PRIu32 " others%s\n", s->registers.n - TOP_REGISTERS, s->registers.others ? ", not all of them counted" : "");
}

static void text_frames(const struct stats *s)
{
	if (!s->frames.times)
		return;
	printf("\nframes     %" PRIu64 ", %.2f fps; frame times:", s->kind[TRACE_FRAME], mean_fps(s));
	for (size_t i = 0; i < sizeof(percentiles) / sizeof(percentiles[0]); i++)
		printf("  %g%% <= %.3f ms", percentiles[i], frame_ms(s, percentiles[i]));
	printf("  longest %.3f ms\n", frame_ms(s, 100));
}

void stats_print_text(const struct stats *s)
{
	if (s->events)
		printf("time             %.6f s, from %.6f to %.6f\n\n", span_s(s), (double)s->first_ns / 1e9, (double)s->last_ns / 1e9);
	text_kinds(s);
	text_sizes(s);
	text_live(s);
	text_irqs(s);
	text_registers(s);
	text_frames(s);
	if (s->lost)
		printf("\nlost       %" PRIu64 " events, by gaps in the trace\n", s->lost);
	if (s->damaged)
		printf("\ndamaged    %" PRIu64 " chunks left out\n", s->damaged);
}

/* ---- JSON ---- */

static void put(struct json_object *o, const char *key, uint64_t n)
{
	json_object_object_add(o, key, json_object_new_uint64(n));
}

static void put_real(struct json_object *o, const char *key, double x)
{
	json_object_object_add(o, key, json_object_new_double(x));
}

static struct json_object *add_object(struct json_object *o, const char *key)
{
	struct json_object *child = json_object_new_object();

	json_object_object_add(o, key, child);
	return child;
}

static struct json_object *add_row(struct json_object *array)
{
	struct json_object *row = json_object_new_object();

	json_object_array_add(array, row);
	return row;
}

static struct json_object *add_array(struct json_object *o, const char *key)
{
	struct json_object *array = json_object_new_array();

	json_object_object_add(o, key, array);
	return array;
}

static void json_kinds(const struct stats *s, struct json_object *o)
{
	struct json_object *kinds = add_object(o, "kinds");
	char name[32];

	for (unsigned int k = 1; k < STATS_KINDS_MAX; k++) {
		struct json_object *row;

		kind_name(k, name, sizeof(name));
		if (!s->kind[k])
			continue;
		row = add_object(kinds, name);
		put(row, "events", s->kind[k]);
		put(row, "failed", s->kind_failed[k]);
		put_real(row, "per_second", per_second(s, s->kind[k]));
	}
}

static void json_sizes(const struct stats *s, struct json_object *o)
{
	struct json_object *sizes = add_array(o, "request_sizes");

	for (unsigned int i = 0; i < STATS_SIZES; i++) {
		struct json_object *row;

		if (!s->size[i].requests)
			continue;
		row = add_row(sizes);
		put(row, "at_most_bytes", i < 64 ? 1ull << i : UINT64_MAX);
		put(row, "requests", s->size[i].requests);
		put(row, "failed", s->size[i].failed);
		put(row, "bytes", s->size[i].bytes);
	}
}

static void json_live(const struct stats *s, struct json_object *o)
{
	char name[16];

	for (int c = 0; c < PAIRING_CLASSES; c++) {
		const struct pairing_count *n = pairing_count(s->live, (enum pairing_class)c);
		struct json_object *row = add_object(o, class_name[c]), *lived;

		put(row, "peak", n->peak);
		put(row, "peak_ns", n->peak_ns);
		put(row, "peak_bytes", n->peak_bytes);
		put(row, "peak_bytes_ns", n->peak_bytes_ns);
		put(row, "live_at_end", n->live);
		put(row, "bytes_at_end", n->bytes);
		put(row, "ended", ended(s, c));
		put(row, "ended_unmatched", n->unmatched);
		put(row, "ended_by_reset", n->by_reset);
		lived = add_object(row, "lived");
		for (unsigned int i = 0; i < STATS_LIFETIMES; i++) {
			lifetime_name(i, name, sizeof(name));
			put(lived, name, s->lifetime[c][i]);
		}
	}
}

static void json_rows(const struct stats *s, struct json_object *o)
{
	struct json_object *irqs = add_array(o, "interrupts"), *registers = add_array(o, "registers"), *row;

	for (uint32_t i = 0; i < s->irqs.n; i++) {
		const struct stats_row *r = &s->irqs.row[i];

		row = add_row(irqs);
		json_object_object_add(row, "device", json_object_new_string(device_name(s, r->key[0])));
		put(row, "type", r->key[1]);
		put(row, "vector", r->key[2]);
		put(row, "number", r->reads + r->writes);
		put(row, "undelivered", r->writes);
	}
	for (uint32_t i = 0; i < s->registers.n; i++) {
		const struct stats_row *r = &s->registers.row[i];

		row = add_row(registers);
		json_object_object_add(row, "device", json_object_new_string(device_name(s, r->key[0])));
		put(row, "region", r->key[1]);
		put(row, "offset", r->key[2]);
		put(row, "reads", r->reads);
		put(row, "writes", r->writes);
	}
	put(o, "register_accesses_not_listed", s->registers.others);
}

static void json_frames(const struct stats *s, struct json_object *o)
{
	struct json_object *frames = add_object(o, "frames"), *times;
	char name[16];

	put(frames, "number", s->kind[TRACE_FRAME]);
	if (!s->frames.times)
		return;
	put_real(frames, "fps", mean_fps(s));
	times = add_object(frames, "frame_ms");
	for (size_t i = 0; i < sizeof(percentiles) / sizeof(percentiles[0]); i++) {
		snprintf(name, sizeof(name), "p%g", percentiles[i]);
		put_real(times, name, frame_ms(s, percentiles[i]));
	}
	put_real(times, "max", frame_ms(s, 100));
}

void stats_print_json(const struct stats *s)
{
	struct json_object *o = json_object_new_object();

	put(o, "events", s->events);
	put(o, "first_ns", s->first_ns);
	put(o, "last_ns", s->last_ns);
	json_kinds(s, o);
	json_sizes(s, o);
	json_live(s, o);
	json_rows(s, o);
	json_frames(s, o);
	put(o, "events_lost_in_gaps", s->lost);
	put(o, "chunks_damaged", s->damaged);
	puts(json_object_to_json_string_ext(o, JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_NOSLASHESCAPE));
	json_object_put(o);
}
