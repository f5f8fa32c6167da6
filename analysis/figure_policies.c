/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
#include "analysis/figures.h"
#include "analysis/gptext.h"

#define LABEL_CHARS 36
#define NOTE_CHARS 90
#define MIB (1024.0 * 1024.0)

static const char script[] =
#include "analysis/policies.gp.inc"
	;

static void settings(FILE *gp, const struct report *r)
{
	const struct replay_run *run = &r->replay;
	char text[REPORT_TEXT_BYTES], count[GPTEXT_NUMBER_BYTES];
	unsigned int i;

	gptext_set_number(gp, "LIMIT_MAPPINGS", (double)run->limit_mappings);
	gptext_set_number(gp, "LIMIT_MIB", (double)run->limit_bytes / MIB);
	fprintf(gp, "# what the driver itself asked for, at its highest moment\n");
	gptext_set_number(gp, "PEAK_REQUESTS", (double)run->peak_requests);
	gptext_set_number(gp, "PEAK_REQUEST_MIB", (double)run->peak_request_bytes / MIB);
	fprintf(gp, "# row 1 is what the live run recorded, if MEASURED\nMEASURED = %d\nROWS = %u\n", run->rows[0].measured, run->nrows);
	fprintf(gp, "array LABEL[%u]\narray NOTE[%u]\n", run->nrows, run->nrows);
	for (i = 0; i < run->nrows; i++) {
		const struct replay_run_row *row = &run->rows[i];

		report_policy_label(row, text);
		fprintf(gp, "LABEL[%u] = ", i + 1);
		gptext_quoted(gp, text, LABEL_CHARS);
		text[0] = '\0';
		if (row->refused)
			snprintf(text, sizeof(text), "refused %s requests: %s", gptext_grouped(row->refused, count), row->reason);
		fprintf(gp, "; NOTE[%u] = ", i + 1);
		gptext_quoted(gp, text, NOTE_CHARS);
		fputc('\n', gp);
	}
}

static void data(FILE *dat, const struct report *r)
{
	unsigned int i;

	fprintf(dat, "# row peak_mappings peak_mapped_mib host_calls refused_requests\n");
	for (i = 0; i < r->replay.nrows; i++) {
		const struct replay_run_row *row = &r->replay.rows[i];

		fprintf(dat, "%u %llu %.6f %llu %llu # %s%s\n", i + 1, (unsigned long long)row->peak_mappings,
			(double)row->peak_mapped_bytes / MIB, (unsigned long long)row->host_calls, (unsigned long long)row->refused,
			row->measured ? "measured " : "", row->policy);
	}
}

const struct figure figure_policies = { "policies", script, NULL, settings, data };
