/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
#include "replay/output.h"

#include <inttypes.h>

#define GROUPED_BYTES 32

bool output_fits(const struct row *row)
{
	return row->failures == 0;
}

static double mib(u64 bytes)
{
	return (double)bytes / (1 << 20);
}

static double percent(u64 part, u64 whole)
{
	return whole ? 100.0 * (double)part / (double)whole : 0;
}

static double slop(const struct row *row)
{
	return row->peak_granted_bytes ? (double)row->peak_mapped_bytes / (double)row->peak_granted_bytes : 0;
}

/* 1234567 as 1,234,567 */
static const char *grouped(u64 value, char *text)
{
	char digits[GROUPED_BYTES];
	int i, n = snprintf(digits, sizeof(digits), "%" PRIu64, value);
	char *at = text;

	for (i = 0; i < n; i++) {
		if (i && (n - i) % 3 == 0)
			*at++ = ',';
		*at++ = digits[i];
	}
	*at = '\0';
	return text;
}

static double since_start_s(const struct engine *e, u64 t_ns)
{
	return t_ns > e->start_ns ? (double)(t_ns - e->start_ns) * 1e-9 : 0;
}

/* how many times the bound; only a policy that serves everything is held to it */
static const char *over(const struct row *row, u64 peak, u64 bound, char *text)
{
	if (output_fits(row) && bound)
		snprintf(text, GROUPED_BYTES, "%.2f", (double)peak / (double)bound);
	else
		snprintf(text, GROUPED_BYTES, "-");
	return text;
}

const char *output_misfit(const struct bound *b)
{
	return b->verdict == BOUND_FITS ? NULL : dart_reason(b->verdict == BOUND_BYTES ? -EDQUOT : -ENOSPC);
}

static void table_bound(FILE *out, const struct engine *e)
{
	const struct bound *b = &e->bound;
	char n[GROUPED_BYTES];

	if (b->verdict == BOUND_FITS)
		fprintf(out, "bound: no policy has fewer than %s mappings within the byte limit (t=%.3f s), nor less than %.1f MiB within the mapping "
			     "limit (t=%.3f s)\n",
			grouped(b->mappings, n), since_start_s(e, b->mappings_t_ns), mib(b->bytes), since_start_s(e, b->bytes_t_ns));
	else
		fprintf(out, "bound: no policy can fit this, from t=%.3f s on: %s\n", since_start_s(e, b->misfit_t_ns), output_misfit(b));
}

static void verdict(FILE *out, const struct engine *e, const struct row *row)
{
	char n[GROUPED_BYTES];
	u32 i;

	if (output_fits(row)) {
		fprintf(out, "fits\n");
		return;
	}
	fprintf(out, "fails at request %s (t=%.3f s%s%s): %s", grouped(row->first.request, n), since_start_s(e, row->first.t_ns),
		row->first.phase[0] ? ", phase " : "", row->first.phase, dart_reason(row->first.status));
	for (i = 0; row->reasons > 1 && i < row->reasons; i++)
		fprintf(out, "%s%s %s", i ? ", " : "; ", grouped(row->reason[i].count, n), dart_reason(row->reason[i].status));
	fprintf(out, "\n");
}

static void table_row(FILE *out, const struct output_trace *t, const struct row *row)
{
	const struct dart_limits *limits = t->engine->options->limits;
	char name[ROW_TEXT_BYTES + 16], mappings[GROUPED_BYTES], calls[GROUPED_BYTES], failures[GROUPED_BYTES];
	const struct bound *b = &t->engine->bound;
	char over_mappings[GROUPED_BYTES], over_bytes[GROUPED_BYTES];

	snprintf(name, sizeof(name), "%s%s", row->measured ? "measured: " : "", row->policy);
	fprintf(out, "%-26s %10s %7.1f%% %11.1f %7.1f%% %6.2f %8s %8s %11s %10s  ", name, grouped(row->peak_mappings, mappings),
		percent(row->peak_mappings, limits->max_mappings), mib(row->peak_mapped_bytes),
		percent(row->peak_mapped_bytes, limits->max_bytes), slop(row),
		over(row, row->peak_mappings, b->mappings, over_mappings), over(row, row->peak_mapped_bytes, b->bytes, over_bytes),
		grouped(row->host_maps + row->host_unmaps, calls),
		grouped(row->failures, failures));
	verdict(out, t->engine, row);
}

static void table_head(FILE *out, const struct output_trace *t)
{
	const struct engine *e = t->engine;
	const struct dart_limits *limits = e->options->limits;
	char a[GROUPED_BYTES], b[GROUPED_BYTES], c[GROUPED_BYTES];

	fprintf(out, "%s: %s, %s requests of %s, %s live at once with %.1f MiB (peaks)\n", t->path, t->provenance, grouped(e->requests, a),
		t->device ? t->device : "all devices", grouped(e->live.peak, b), mib(e->live.peak_bytes));
	fprintf(out, "limits %s: %s mappings, %.0f MiB, granules of %u KiB; alignment shim %s\n", limits->name,
		grouped(limits->max_mappings, c), mib(limits->max_bytes), 1u << (limits->granule_log2 - 10), t->shim);
	table_bound(out, e);
	fprintf(out, "\n%-26s %10s %8s %11s %8s %6s %8s %8s %11s %10s  %s\n", "policy", "mappings", "of limit", "mapped MiB", "of limit", "slop",
		"x bound", "x bytes", "host calls", "failures", "verdict");
}

static void note(FILE *out, u64 count, const char *text)
{
	char n[GROUPED_BYTES];

	if (count)
		fprintf(out, "note: %s %s\n", grouped(count, n), text);
}

/* only rows in which a wish stood and was not met; Return: false if there is none to name */
static bool missed(FILE *out, const struct row *row, bool first)
{
	char n[GROUPED_BYTES];

	if (row->align_missed)
		fprintf(out, "%s %s under %s%s", first ? "" : ",", grouped(row->align_missed, n), row->measured ? "measured: " : "", row->policy);
	return row->align_missed;
}

static void alignment(FILE *out, const struct engine *e)
{
	const struct row *row = &e->cells[0].row;
	char a[GROUPED_BYTES], b[GROUPED_BYTES];
	bool any = false;
	u32 i;

	if (row->align_wanted == 0)
		return;
	fprintf(out, "note: %s requests wanted an aligned address; the shim took that back for %s; not met:", grouped(row->align_wanted, a),
		grouped(row->align_downgraded, b));
	if (e->measured.events)
		any = missed(out, &e->measured.row, true);
	for (i = 0; i < e->cells_n; i++)
		any |= missed(out, &e->cells[i].row, !any);
	fprintf(out, "%s\n", any ? "" : " none");
}

void output_table(FILE *out, const struct output_trace *t)
{
	const struct engine *e = t->engine;
	u32 i;

	table_head(out, t);
	if (e->measured.events)
		table_row(out, t, &e->measured.row);
	for (i = 0; i < e->cells_n; i++)
		table_row(out, t, &e->cells[i].row);
	alignment(out, e);
	note(out, e->unmatched_unmaps, "unmaps of what was not live were left out");
	note(out, e->cells[0].row.lifetime_unknown,
	     "requests that had failed when recorded were served now and released at once: their lifetime is unknown");
	note(out, e->policy_changes, "times the guest changed its policy: what was measured is of all of them together");
	note(out, e->lost_events, "events were lost while recording: figures are lower bounds");
	note(out, e->damaged_chunks, "damaged chunks were left out: figures are lower bounds");
	fprintf(out, "\n");
}

void output_csv_header(FILE *out)
{
	fprintf(out, "trace,provenance,source,policy,requests,hits,peak_requests,peak_request_bytes,peak_mappings,peak_mapped_bytes,"
		     "host_calls,failures,fits,first_failure_request,first_failure_t_s,first_failure_reason,max_mappings,max_bytes,"
		     "granule_log2,align_wanted,align_downgraded,align_missed,bound_mappings,bound_bytes,bound_fits\n");
}

static void csv_text(FILE *out, const char *text)
{
	fputc('"', out);
	for (; *text; text++) {
		if (*text == '"')
			fputc('"', out);
		fputc(*text, out);
	}
	fputs("\",", out);
}

static void csv_row(FILE *out, const struct output_trace *t, const struct row *row)
{
	const struct dart_limits *limits = t->engine->options->limits;

	csv_text(out, t->path);
	csv_text(out, t->provenance);
	csv_text(out, row->measured ? "measured" : "replayed");
	csv_text(out, row->policy);
	fprintf(out, "%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%s,", row->requests,
		row->hits, row->peak_requests, row->peak_request_bytes, row->peak_mappings, row->peak_mapped_bytes,
		row->host_maps + row->host_unmaps, row->failures, output_fits(row) ? "true" : "false");
	if (output_fits(row))
		fprintf(out, ",,,");
	else
		fprintf(out, "%" PRIu64 ",%.6f,%s,", row->first.request, since_start_s(t->engine, row->first.t_ns),
			dart_reason(row->first.status));
	fprintf(out, "%" PRIu64 ",%" PRIu64 ",%u,%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",", limits->max_mappings, limits->max_bytes,
		limits->granule_log2, row->align_wanted, row->align_downgraded, row->align_missed);
	fprintf(out, "%" PRIu64 ",%" PRIu64 ",%s\n", t->engine->bound.mappings, t->engine->bound.bytes,
		output_misfit(&t->engine->bound) ? "false" : "true");
}

void output_csv(FILE *out, const struct output_trace *t)
{
	u32 i;

	if (t->engine->measured.events)
		csv_row(out, t, &t->engine->measured.row);
	for (i = 0; i < t->engine->cells_n; i++)
		csv_row(out, t, &t->engine->cells[i].row);
}

void output_series(FILE *out, struct engine *e)
{
	u32 i;

	series_header(out);
	for (i = 0; i < e->cells_n; i++)
		series_write(&e->cells[i].series, e->cells[i].row.policy, out);
	if (e->measured.events)
		series_write(&e->measured.series, "measured", out);
}
