/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
#include "analysis/figures.h"
#include "analysis/gptext.h"

#define NAMES_MAX 30 /* more sizes than this cannot all be named below their bars */

static const char script[] =
#include "analysis/sizes.gp.inc"
	;

static const char *missing(const struct report *r)
{
	return r->facts.requests ? NULL : "the trace has no requests";
}

static double percent(uint64_t part, uint64_t whole)
{
	return whole ? 100.0 * (double)part / (double)whole : 0;
}

/* first and last size that occurs */
static void find_ends(const struct facts *f, unsigned int *first, unsigned int *last)
{
	*first = FACTS_SIZES - 1;
	*last = 0;
	for (unsigned int i = 0; i < FACTS_SIZES; i++) {
		if (!f->size_requests[i])
			continue;
		*first = i < *first ? i : *first;
		*last = i;
	}
}

static void settings(FILE *gp, const struct report *r)
{
	char subject[REPORT_TEXT_BYTES + 160], count[GPTEXT_NUMBER_BYTES], bytes[GPTEXT_NUMBER_BYTES], granule[GPTEXT_NUMBER_BYTES];
	const struct facts *f = &r->facts;
	unsigned int i, first, last;
	uint64_t small = 0;

	for (i = 0; i < r->replay.granule_log2; i++)
		small += f->size_requests[i];
	gptext_bytes((double)(1ull << r->replay.granule_log2), granule);
	snprintf(subject, sizeof(subject), "%s · %s requests, %s in all · %.0f %% are smaller than the %s granule", r->title,
		 gptext_grouped(f->requests, count), gptext_bytes((double)f->request_bytes, bytes), percent(small, f->requests), granule);
	gptext_set(gp, "SUBJECT", subject, 130);
	find_ends(f, &first, &last);
	fprintf(gp, "FIRST_LOG2 = %u\nLAST_LOG2 = %u\nGRANULE_LOG2 = %u\n", first, last, r->replay.granule_log2);
	gptext_set(gp, "GRANULE", granule, GPTEXT_NUMBER_BYTES);
}

static void data(FILE *dat, const struct report *r)
{
	char size[GPTEXT_NUMBER_BYTES];
	const struct facts *f = &r->facts;
	unsigned int i, first, last;

	find_ends(f, &first, &last);
	fprintf(dat, "# log2_bytes \"from this size up to double of it\" requests percent_of_requests bytes percent_of_bytes\n");
	for (i = first; i <= last; i++) {
		gptext_bytes((double)(1ull << i), size);
		fprintf(dat, "%u \"%s\" %llu %.6f %llu %.6f\n", i, last - first >= NAMES_MAX && (i - first) % 2 ? "" : size,
			(unsigned long long)f->size_requests[i], percent(f->size_requests[i], f->requests),
			(unsigned long long)f->size_bytes[i], percent(f->size_bytes[i], f->request_bytes));
	}
}

const struct figure figure_sizes = { "sizes", script, missing, settings, data };
