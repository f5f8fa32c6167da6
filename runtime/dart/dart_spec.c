/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* Text of a model with its limits: "apple-tb4:mappings=65536,bytes=1536M,granule_log2=14". */
#include <stdio.h>

#include "runtime/core/align.h"
#include "runtime/dart/dart.h"

#define MAPPINGS_MAX ((u64)1 << 30)
#define BYTES_MAX ((u64)1 << 62)
#define APERTURE_MAX ((u64)1 << 52)
#define SEGMENTS_MAX ((u64)1 << 20)

static bool same_word(const char *text, size_t len, const char *name)
{
	return strlen(name) == len && memcmp(text, name, len) == 0;
}

static const struct dart_limits *model_find(const char *name, size_t len)
{
	const struct dart_limits *m;

	for (m = dart_models; m->name; m++) {
		if (same_word(name, len, m->name))
			return m;
	}
	return NULL;
}

const struct dart_limits *dart_model(const char *name)
{
	return model_find(name, strlen(name));
}

static unsigned int suffix_log2(char c)
{
	switch (c) {
	case 'K':
	case 'k':
		return 10;
	case 'M':
	case 'm':
		return 20;
	case 'G':
	case 'g':
		return 30;
	default:
		return 0;
	}
}

static int parse_number(const char *text, size_t len, u64 *out)
{
	unsigned int shift = len > 1 ? suffix_log2(text[len - 1]) : 0;
	size_t i, digits = shift ? len - 1 : len;
	u64 value = 0;

	if (digits == 0)
		return -EINVAL;
	for (i = 0; i < digits; i++) {
		if (text[i] < '0' || text[i] > '9')
			return -EINVAL;
		if (value > BYTES_MAX)
			continue;
		value = value * 10 + (u64)(text[i] - '0');
	}
	if (value > BYTES_MAX >> shift)
		return -ERANGE;
	*out = value << shift;
	return 0;
}

static int set_limit(struct dart_limits *limits, const char *key, size_t key_len, u64 value)
{
	if (same_word(key, key_len, "mappings")) {
		limits->max_mappings = value;
		return value >= 1 && value <= MAPPINGS_MAX ? 0 : -ERANGE;
	}
	if (same_word(key, key_len, "bytes")) {
		limits->max_bytes = value;
		return value >= 1 ? 0 : -ERANGE;
	}
	if (same_word(key, key_len, "aperture")) {
		limits->aperture_iova.len = value;
		return value >= 1 && value <= APERTURE_MAX ? 0 : -ERANGE;
	}
	if (same_word(key, key_len, "segment")) {
		limits->segment_bytes = value;
		return 0;
	}
	if (same_word(key, key_len, "segments")) {
		limits->segments = (u32)value;
		return value >= 1 && value <= SEGMENTS_MAX ? 0 : -ERANGE;
	}
	if (same_word(key, key_len, "granule_log2")) {
		limits->granule_log2 = (u32)value;
		return value >= ALIGN_GRANULE_LOG2_MIN && value <= ALIGN_GRANULE_LOG2_MAX ? 0 : -ERANGE;
	}
	return -ESRCH;
}

/* who picks the address */
static int set_iova(struct dart_limits *limits, const char *word, size_t len)
{
	limits->guest_iova = same_word(word, len, "guest");
	return limits->guest_iova || same_word(word, len, "host") ? 0 : -EINVAL;
}

static int set_fit(struct dart_limits *limits, const char *word, size_t len)
{
	int fit;

	for (fit = 0; fit < DART_FITS; fit++) {
		if (same_word(word, len, dart_fits[fit])) {
			limits->fit = (enum dart_fit)fit;
			return 0;
		}
	}
	return -EINVAL;
}

static int parse_item(const char *item, size_t len, struct dart_limits *limits)
{
	const char *equals = memchr(item, '=', len);
	u64 value = 0;
	int rc, set_rc;

	if (!equals || equals == item)
		return -EINVAL;
	if (same_word(item, (size_t)(equals - item), "iova"))
		return set_iova(limits, equals + 1, len - (size_t)(equals + 1 - item));
	if (same_word(item, (size_t)(equals - item), "fit"))
		return set_fit(limits, equals + 1, len - (size_t)(equals + 1 - item));
	rc = parse_number(equals + 1, len - (size_t)(equals + 1 - item), &value);
	set_rc = set_limit(limits, item, (size_t)(equals - item), value);
	if (set_rc == -ESRCH)
		return set_rc;
	return rc ? rc : set_rc;
}

int dart_parse(const char *spec, struct dart_limits *out)
{
	size_t len = strcspn(spec, ":");
	const struct dart_limits *model = model_find(spec, len);
	struct dart_limits limits;
	const char *at = spec + len;
	u64 mask;
	int rc;

	if (len == 0)
		return -EINVAL;
	if (!model)
		return -ENOENT;
	limits = *model;
	while (*at) {
		at++;
		len = strcspn(at, ",");
		rc = parse_item(at, len, &limits);
		if (rc)
			return rc;
		at += len;
	}
	mask = ((u64)1 << limits.granule_log2) - 1;
	if ((limits.aperture_iova.start | limits.aperture_iova.len) & mask)
		return -ERANGE;
	*out = limits;
	return 0;
}

static void add_number(char *text, size_t text_bytes, const char *key, u64 value, u64 usual)
{
	size_t at = strlen(text);

	if (value != usual)
		snprintf(text + at, text_bytes - at, ",%s=%llu", key, (unsigned long long)value);
}

static void add_word(char *text, size_t text_bytes, const char *key, const char *word)
{
	size_t at = strlen(text);

	snprintf(text + at, text_bytes - at, ",%s=%s", key, word);
}

void dart_format(const struct dart_limits *limits, char *text, size_t text_bytes)
{
	const struct dart_limits *model = dart_model(limits->name);

	snprintf(text, text_bytes, "%s:mappings=%llu,bytes=%llu,granule_log2=%u", limits->name, (unsigned long long)limits->max_mappings,
		 (unsigned long long)limits->max_bytes, limits->granule_log2);
	if (!model)
		return;
	add_number(text, text_bytes, "aperture", limits->aperture_iova.len, model->aperture_iova.len);
	add_number(text, text_bytes, "segment", limits->segment_bytes, model->segment_bytes);
	add_number(text, text_bytes, "segments", limits->segments, model->segments);
	if (limits->guest_iova != model->guest_iova)
		add_word(text, text_bytes, "iova", limits->guest_iova ? "guest" : "host");
	if (limits->fit != model->fit)
		add_word(text, text_bytes, "fit", dart_fits[limits->fit]);
}
