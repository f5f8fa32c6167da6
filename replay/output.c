/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
#include "replay/output.h"

#include <inttypes.h>

#define GROUPED_BYTES 32
#define NAME_BYTES (ROW_TEXT_BYTES + 16)
#define WIDTH_MIN 26 /* of the policy column */

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

/* how many times the bound; only a policy that serves everything is held to it */
static const char *over(const struct result *r, u64 peak, u64 bound, char *text)
{
	if (result_fits(r) && bound)
		snprintf(text, GROUPED_BYTES, "%.2f", (double)peak / (double)bound);
	else
		snprintf(text, GROUPED_BYTES, "-");
	return text;
}

static void table_bound(FILE *out, const struct result *r)
{
	const struct bound_found *b = &r->bound;
	char n[GROUPED_BYTES];

	if (b->verdict == BOUND_FITS)
		fprintf(out, "bound: no policy has fewer than %s mappings within the byte limit (t=%.3f s), nor less than %.1f MiB within the mapping "
			     "limit (t=%.3f s)\n",
			grouped(b->mappings, n), result_since_start_s(r, b->mappings_t_ns), mib(b->bytes),
			result_since_start_s(r, b->bytes_t_ns));
	else
		fprintf(out, "bound: no policy can fit this, from t=%.3f s on: %s\n", result_since_start_s(r, b->misfit_t_ns),
			result_misfit(r));
}

static void verdict(FILE *out, const struct result *r)
{
	const struct row *row = &r->row;
	char n[GROUPED_BYTES];
	u32 i;

	if (result_fits(r)) {
		fprintf(out, "fits\n");
		return;
	}
	fprintf(out, "fails at request %s (t=%.3f s%s%s): %s", grouped(row->first.request, n), result_since_start_s(r, row->first.t_ns),
		row->first.phase[0] ? ", phase " : "", row->first.phase, row_reason(row->first.status));
	for (i = 0; row->reasons > 1 && i < row->reasons; i++)
		fprintf(out, "%s%s %s", i ? ", " : "; ", grouped(row->reason[i].count, n), row_reason(row->reason[i].status));
	fprintf(out, "\n");
}

static void row_name(const struct result *r, char *text, size_t text_bytes)
{
	snprintf(text, text_bytes, "%s%s", r->row.measured ? "measured: " : "", r->row.policy);
}

static void table_row(FILE *out, const struct result *r, int width)
{
	const struct row *row = &r->row;
	char name[NAME_BYTES], mappings[GROUPED_BYTES], calls[GROUPED_BYTES], failures[GROUPED_BYTES];
	char over_mappings[GROUPED_BYTES], over_bytes[GROUPED_BYTES];

	row_name(r, name, sizeof(name));
	fprintf(out, "%-*s %10s %7.1f%% %11.1f %7.1f%% %6.2f %8s %8s %11s %10s  ", width, name, grouped(row->peak_mappings, mappings),
		percent(row->peak_mappings, r->limits.max_mappings), mib(row->peak_mapped_bytes),
		percent(row->peak_mapped_bytes, r->limits.max_bytes), slop(row), over(r, row->peak_mappings, r->bound.mappings, over_mappings),
		over(r, row->peak_mapped_bytes, r->bound.bytes, over_bytes), grouped(row->host_maps + row->host_unmaps, calls),
		grouped(row->failures, failures));
	verdict(out, r);
}

static void table_head(FILE *out, const struct result *r, int width)
{
	const struct dart_limits *limits = &r->limits;
	char a[GROUPED_BYTES], b[GROUPED_BYTES], c[GROUPED_BYTES];

	fprintf(out, "%s: %s, %s requests of %s, %s live at once with %.1f MiB (peaks)\n", r->trace, r->provenance, grouped(r->row.requests, a),
		r->device ? r->device : "all devices", grouped(r->row.peak_requests, b), mib(r->row.peak_request_bytes));
	fprintf(out, "limits %s: %s mappings, %.0f MiB, granules of %u KiB; alignment shim %s\n", limits->name,
		grouped(limits->max_mappings, c), mib(limits->max_bytes), 1u << (limits->granule_log2 - 10), align_shim_name(r->shim));
	table_bound(out, r);
	fprintf(out, "\n%-*s %10s %8s %11s %8s %6s %8s %8s %11s %10s  %s\n", width, "policy", "mappings", "of limit", "mapped MiB", "of limit",
		"slop", "x bound", "x bytes", "host calls", "failures", "verdict");
}

static void note(FILE *out, u64 count, const char *text)
{
	char n[GROUPED_BYTES];

	if (count)
		fprintf(out, "note: %s %s\n", grouped(count, n), text);
}

static void alignment(FILE *out, const struct result *results, u32 n)
{
	const struct row *row = &results[n - 1].row;
	char a[GROUPED_BYTES], b[GROUPED_BYTES], name[NAME_BYTES];
	const char *comma = "";
	u32 i;

	if (row->align_wanted == 0)
		return;
	fprintf(out, "note: %s requests wanted an aligned address; the shim took that back for %s; not met:", grouped(row->align_wanted, a),
		grouped(row->align_downgraded, b));
	for (i = 0; i < n; i++) {
		if (!results[i].row.align_missed)
			continue;
		row_name(&results[i], name, sizeof(name));
		fprintf(out, "%s %s under %s", comma, grouped(results[i].row.align_missed, a), name);
		comma = ",";
	}
	fprintf(out, "%s\n", comma[0] ? "" : " none");
}

static void exposure(FILE *out, const struct result *results, u32 n)
{
	char name[NAME_BYTES];
	const char *comma = "";
	u32 i;

	for (i = 0; i < n; i++) {
		if (!results[i].row.exposure_byte_s)
			continue;
		row_name(&results[i], name, sizeof(name));
		fprintf(out, "%s %.1f MiB s under %s", comma[0] ? comma : "note: memory that no request used stayed within the device's reach:",
			mib(results[i].row.exposure_byte_s), name);
		comma = ",";
	}
	if (comma[0])
		fprintf(out, "\n");
}

static void copies(FILE *out, const struct result *results, u32 n)
{
	char name[NAME_BYTES];
	u32 i;

	for (i = 0; i < n; i++) {
		row_name(&results[i], name, sizeof(name));
		if (results[i].row.copied_bytes)
			fprintf(out, "note: at least %.1f MiB copied under %s, which is not held to the bound: it moves requests\n",
				mib(results[i].row.copied_bytes), name);
	}
}

/* of the policy column */
static int widest(const struct result *results, u32 n)
{
	char name[NAME_BYTES];
	size_t width = WIDTH_MIN;
	u32 i;

	for (i = 0; i < n; i++) {
		row_name(&results[i], name, sizeof(name));
		if (strlen(name) > width)
			width = strlen(name);
	}
	return (int)width;
}

void output_table(FILE *out, const struct result *results, u32 n)
{
	const struct result *last = &results[n - 1]; /* replayed, where there is a measured row too */
	int width = widest(results, n);
	u32 i;

	table_head(out, last, width);
	for (i = 0; i < n; i++)
		table_row(out, &results[i], width);
	alignment(out, results, n);
	exposure(out, results, n);
	copies(out, results, n);
	note(out, last->row.unmatched_unmaps, "unmaps of what was not live were left out");
	note(out, last->row.lifetime_unknown,
	     "requests that had failed when recorded were served now and released at once: their lifetime is unknown");
	note(out, last->policy_changes, "times the guest changed its policy: what was measured is of all of them together");
	note(out, last->lost_events, "events were lost while recording: figures are lower bounds");
	note(out, last->damaged_chunks, "damaged chunks were left out: figures are lower bounds");
	fprintf(out, "\n");
}

void output_csv_header(FILE *out)
{
	fprintf(out, "trace,provenance,source,policy,requests,hits,peak_requests,peak_request_bytes,peak_mappings,peak_mapped_bytes,"
		     "host_calls,failures,fits,first_failure_request,first_failure_t_s,first_failure_reason,max_mappings,max_bytes,"
		     "granule_log2,align_wanted,align_downgraded,align_missed,bound_mappings,bound_bytes,bound_fits,exposure_byte_s,copied_bytes\n");
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

void output_csv(FILE *out, const struct result *r)
{
	const struct dart_limits *limits = &r->limits;
	const struct row *row = &r->row;

	csv_text(out, r->trace);
	csv_text(out, r->provenance);
	csv_text(out, row->measured ? "measured" : "replayed");
	csv_text(out, row->policy);
	fprintf(out, "%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%s,", row->requests,
		row->hits, row->peak_requests, row->peak_request_bytes, row->peak_mappings, row->peak_mapped_bytes,
		row->host_maps + row->host_unmaps, row->failures, result_fits(r) ? "true" : "false");
	if (result_fits(r))
		fprintf(out, ",,,");
	else
		fprintf(out, "%" PRIu64 ",%.6f,%s,", row->first.request, result_since_start_s(r, row->first.t_ns), row_reason(row->first.status));
	fprintf(out, "%" PRIu64 ",%" PRIu64 ",%u,%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",", limits->max_mappings, limits->max_bytes,
		limits->granule_log2, row->align_wanted, row->align_downgraded, row->align_missed);
	fprintf(out, "%" PRIu64 ",%" PRIu64 ",%s,%" PRIu64 ",%" PRIu64 "\n", r->bound.mappings, r->bound.bytes, result_misfit(r) ? "false" : "true",
		row->exposure_byte_s, row->copied_bytes);
}

void output_series(FILE *out, struct engine *e)
{
	u32 i;

	series_header(out);
	for (i = 0; i < e->lab.cells_n; i++)
		series_write(&e->lab.cells[i].series, e->lab.cells[i].row.policy, out);
	if (e->measured.events)
		series_write(&e->measured.series, "measured", out);
}
