/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
#include "analysis/report.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "analysis/gptext.h"
#include "runtime/core/coalesce.h"

#define HASH_DIGITS 64
#define HASH_DIGITS_SHOWN 12

__attribute__((format(printf, 2, 3))) static void append(char *text, const char *format, ...)
{
	size_t len = strlen(text);
	va_list args;

	va_start(args, format);
	vsnprintf(text + len, REPORT_TEXT_BYTES - len, format, args);
	va_end(args);
}

/* a SHA-256 in full would fill the line */
static void shorten_hash(char *text)
{
	size_t digits = strspn(text, "0123456789abcdef");

	while (*text && digits < HASH_DIGITS) {
		text += digits + (text[digits] != '\0');
		digits = strspn(text, "0123456789abcdef");
	}
	if (digits == HASH_DIGITS)
		memmove(text + HASH_DIGITS_SHOWN, text + HASH_DIGITS, strlen(text + HASH_DIGITS) + 1);
}

static void describe_limits(struct report *r)
{
	char model[REPLAY_RUN_TEXT_BYTES], mappings[GPTEXT_NUMBER_BYTES], bytes[GPTEXT_NUMBER_BYTES], granule[GPTEXT_NUMBER_BYTES];
	const struct replay_run *replay = &r->replay;

	snprintf(model, sizeof(model), "%s", replay->limits);
	model[strcspn(model, ":")] = '\0';
	if (replay->limit_bytes < 10u << 20)
		gptext_bytes((double)replay->limit_bytes, bytes);
	else
		strcat(gptext_grouped(replay->limit_bytes >> 20, bytes), " MiB");
	gptext_bytes((double)(1ull << replay->granule_log2), granule);
	append(r->caveats, "IOMMU limits %s: %s mappings, %s mapped, granules of %s", model,
	       gptext_grouped(replay->limit_mappings, mappings), bytes, granule);
}

void report_describe(struct report *r, const char *trace_path, const char *device)
{
	const char *slash = strrchr(trace_path, '/');
	const struct facts *f = &r->facts;
	char origin[FACTS_TEXT_BYTES];

	snprintf(origin, sizeof(origin), "%s", f->origin[0] ? f->origin : "origin not stated");
	shorten_hash(origin);
	r->source[0] = r->caveats[0] = '\0';
	append(r->source, "%s: %s", f->provenance[0] ? f->provenance : "of unknown provenance", origin);
	if (f->workload[0])
		append(r->source, " · %s", f->workload);
	append(r->source, " · %s", slash ? slash + 1 : trace_path);
	describe_limits(r);
	if (device)
		append(r->caveats, " · device %s only", device);
	if (f->lost_events)
		append(r->caveats, " · %llu events were lost while recording", (unsigned long long)f->lost_events);
	if (f->damaged)
		append(r->caveats, " · %llu damaged parts left out", (unsigned long long)f->damaged);
	if (!f->complete)
		append(r->caveats, " · recording was cut short");
}

/* with every parameter as it is if nobody says */
static bool is_default(const char *policy, char *name)
{
	struct coalesce_config config = { 0 };
	char full[COALESCE_SPEC_BYTES];

	snprintf(name, COALESCE_SPEC_BYTES, "%.*s", (int)strcspn(policy, ":"), policy);
	if (coalesce_parse(name, &config) || !config.policy->nparams)
		return false;
	coalesce_format(&config, full, sizeof(full));
	return strcmp(full, policy) == 0;
}

void report_policy_label(const struct replay_run_row *row, char *text)
{
	char window[GPTEXT_NUMBER_BYTES], name[COALESCE_SPEC_BYTES], tail;
	unsigned int size_log2;

	if (row->measured)
		snprintf(text, REPORT_TEXT_BYTES, "measured (%s)", row->policy);
	else if (sscanf(row->policy, "window:log2=%u%c", &size_log2, &tail) == 1 && size_log2 < 63)
		snprintf(text, REPORT_TEXT_BYTES, "%s (%s windows)", row->policy, gptext_bytes((double)(1ull << size_log2), window));
	else if (strcmp(row->policy, "direct") == 0)
		snprintf(text, REPORT_TEXT_BYTES, "direct (no grouping)");
	else if (is_default(row->policy, name))
		snprintf(text, REPORT_TEXT_BYTES, "%s (its defaults)", name);
	else
		snprintf(text, REPORT_TEXT_BYTES, "%s", row->policy);
}
