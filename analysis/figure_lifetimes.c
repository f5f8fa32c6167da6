/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
#include "analysis/figures.h"
#include "analysis/gptext.h"

static const char script[] =
#include "analysis/lifetimes.gp.inc"
	;

static const char *missing(const struct report *r)
{
	if (r->facts.lives_untold)
		return "more requests are alive at once than it pairs";
	return r->facts.served ? NULL : "the trace has no requests that succeeded";
}

static double percent(uint64_t part, uint64_t whole)
{
	return whole ? 100.0 * (double)part / (double)whole : 0;
}

/* classes that occur; those that ended, then the one of what never did */
static void find_ends(const struct facts *f, unsigned int *first, unsigned int *last)
{
	*first = FACTS_LIFETIMES;
	*last = 0;
	for (unsigned int i = 0; i < FACTS_LIFETIMES; i++) {
		if (!f->life_requests[i])
			continue;
		*first = i < *first ? i : *first;
		*last = i;
	}
	if (*first > *last)
		*first = *last;
}

static void settings(FILE *gp, const struct report *r)
{
	char subject[REPORT_TEXT_BYTES + 160], count[GPTEXT_NUMBER_BYTES];
	const struct facts *f = &r->facts;
	unsigned int first, last, i;
	uint64_t brief = 0;

	for (i = 0; i <= FACTS_LIFETIME_MS; i++)
		brief += f->life_requests[i];
	snprintf(subject, sizeof(subject), "%s · %s requests that succeeded · %.0f %% live less than a millisecond, %.0f %% to the end of the trace", r->title,
		 gptext_grouped(f->served, count), percent(brief, f->served), percent(f->alive, f->served));
	gptext_set(gp, "SUBJECT", subject, 130);
	find_ends(f, &first, &last);
	fprintf(gp, "FIRST = %u\nLAST = %u\n", first, last + 1);
}

static void class_name(unsigned int i, char *text, size_t bytes)
{
	static const char *const unit[] = { "µs", "ms", "s" };
	unsigned int log2 = i ? i - 1 : 0, u = log2 / 10 < 2 ? log2 / 10 : 2;

	if (i == 0)
		snprintf(text, bytes, "< 1 µs");
	else
		snprintf(text, bytes, "%u %s", 1u << (log2 - 10 * u), unit[u]);
}

static void data(FILE *dat, const struct report *r)
{
	const struct facts *f = &r->facts;
	unsigned int i, first, last;
	char name[GPTEXT_NUMBER_BYTES];

	find_ends(f, &first, &last);
	fprintf(dat, "# class \"from this time up to double of it\" requests percent_of_requests bytes percent_of_bytes\n");
	for (i = first; i <= last; i++) {
		class_name(i, name, sizeof(name));
		fprintf(dat, "%u \"%s\" %llu %.6f %llu %.6f\n", i, name, (unsigned long long)f->life_requests[i],
			percent(f->life_requests[i], f->served), (unsigned long long)f->life_bytes[i], percent(f->life_bytes[i], f->served_bytes));
	}
	fprintf(dat, "%u \"not ended\" %llu %.6f %llu %.6f\n", last + 1, (unsigned long long)f->alive, percent(f->alive, f->served),
		(unsigned long long)f->alive_bytes, percent(f->alive_bytes, f->served_bytes));
}

const struct figure figure_lifetimes = { "lifetimes", script, missing, settings, data };
