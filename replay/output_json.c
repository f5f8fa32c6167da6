/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
#include "replay/output.h"

/* json-c keeps an error in no one place: a NULL on the way is remembered here */
struct builder {
	bool failed;
};

static void put(struct builder *b, struct json_object *o, const char *key, struct json_object *value)
{
	if (!value || !o || json_object_object_add(o, key, value)) {
		json_object_put(value);
		b->failed = true;
	}
}

static void put_u64(struct builder *b, struct json_object *o, const char *key, u64 value)
{
	put(b, o, key, json_object_new_uint64(value));
}

static void put_text(struct builder *b, struct json_object *o, const char *key, const char *value)
{
	put(b, o, key, json_object_new_string(value));
}

static struct json_object *limits_object(struct builder *b, const struct dart_limits *limits)
{
	struct json_object *o = json_object_new_object();
	char spec[DART_TEXT_BYTES];

	dart_format(limits, spec, sizeof(spec));
	put_text(b, o, "spec", spec);
	put_u64(b, o, "mappings", limits->max_mappings);
	put_u64(b, o, "bytes", limits->max_bytes);
	put_u64(b, o, "granule_log2", limits->granule_log2);
	return o;
}

static struct json_object *reasons_object(struct builder *b, const struct row *row)
{
	struct json_object *o = json_object_new_object();
	struct json_object *old;
	u32 i;

	/* two errors can have the same reason in words */
	for (i = 0; i < row->reasons; i++) {
		const char *reason = row_reason(row->reason[i].status);
		u64 count = row->reason[i].count;

		if (json_object_object_get_ex(o, reason, &old))
			count += json_object_get_uint64(old);
		put_u64(b, o, reason, count);
	}
	return o;
}

static struct json_object *seconds(const struct result *r, u64 t_ns)
{
	return json_object_new_double(result_since_start_s(r, t_ns));
}

static struct json_object *failure_object(struct builder *b, const struct result *r)
{
	const struct row_failure *f = &r->row.first;
	struct json_object *o = json_object_new_object();

	put_u64(b, o, "request", f->request);
	put(b, o, "t_s", seconds(r, f->t_ns));
	put_text(b, o, "phase", f->phase);
	put(b, o, "status", json_object_new_int(f->status));
	put_text(b, o, "reason", row_reason(f->status));
	return o;
}

static void put_nullable(struct builder *b, struct json_object *o, const char *key, bool present, struct json_object *value)
{
	if (present)
		put(b, o, key, value);
	else if (!o || json_object_object_add(o, key, NULL))
		b->failed = true;
}

static void put_ratio(struct builder *b, struct json_object *o, const char *key, bool present, u64 part, u64 whole)
{
	present = present && whole;
	put_nullable(b, o, key, present, present ? json_object_new_double((double)part / (double)whole) : NULL);
}

static struct json_object *bound_object(struct builder *b, const struct result *r)
{
	const struct bound_found *bound = &r->bound;
	const char *misfit = result_misfit(r);
	const struct row *row = &r->row;
	struct json_object *o = json_object_new_object();

	put_u64(b, o, "mappings", bound->mappings);
	put(b, o, "mappings_t_s", seconds(r, bound->mappings_t_ns));
	put_ratio(b, o, "mappings_ratio", result_fits(r), row->peak_mappings, bound->mappings);
	put_u64(b, o, "bytes", bound->bytes);
	put(b, o, "bytes_t_s", seconds(r, bound->bytes_t_ns));
	put_ratio(b, o, "bytes_ratio", result_fits(r), row->peak_mapped_bytes, bound->bytes);
	put(b, o, "fits", json_object_new_boolean(!misfit));
	put_nullable(b, o, "misfit", misfit, misfit ? json_object_new_string(misfit) : NULL);
	put_nullable(b, o, "misfit_t_s", misfit, misfit ? seconds(r, bound->misfit_t_ns) : NULL);
	return o;
}

static void put_counts(struct builder *b, struct json_object *o, const struct row *row)
{
	put_u64(b, o, "requests", row->requests);
	put_u64(b, o, "hits", row->hits);
	put_u64(b, o, "peak_requests", row->peak_requests);
	put_u64(b, o, "peak_request_bytes", row->peak_request_bytes);
	put_u64(b, o, "peak_granted_bytes", row->peak_granted_bytes);
	put_u64(b, o, "peak_mappings", row->peak_mappings);
	put_u64(b, o, "peak_mapped_bytes", row->peak_mapped_bytes);
	put_u64(b, o, "end_mappings", row->end_mappings);
	put_u64(b, o, "exposure_byte_s", row->exposure_byte_s);
	put_u64(b, o, "copied_bytes", row->copied_bytes);
	put_u64(b, o, "host_calls", row->host_maps + row->host_unmaps);
	put_u64(b, o, "host_maps", row->host_maps);
	put_u64(b, o, "host_unmaps", row->host_unmaps);
	put_u64(b, o, "host_failures", row->host_failures);
	put_u64(b, o, "failures", row->failures);
	put_u64(b, o, "lifetime_unknown", row->lifetime_unknown);
	put_u64(b, o, "skipped_unmaps", row->skipped_unmaps);
	put_u64(b, o, "unmatched_unmaps", row->unmatched_unmaps);
}

static struct json_object *result_object(struct builder *b, const struct result *r)
{
	const struct row *row = &r->row;
	struct json_object *o = json_object_new_object();
	struct json_object *align = json_object_new_object();

	put_text(b, o, "trace", r->trace);
	put_text(b, o, "provenance", r->provenance);
	put_text(b, o, "source", row->measured ? "measured" : "replayed");
	put_nullable(b, o, "device", r->device != NULL, r->device ? json_object_new_string(r->device) : NULL);
	put_text(b, o, "policy", row->policy);
	put(b, o, "limits", limits_object(b, &r->limits));
	put_counts(b, o, row);
	put(b, o, "bound", bound_object(b, r));
	put(b, o, "failures_by_reason", reasons_object(b, row));
	put(b, o, "fits", json_object_new_boolean(result_fits(r)));
	put_nullable(b, o, "first_failure", !result_fits(r),
		     result_fits(r) ? NULL : failure_object(b, r));
	put_text(b, align, "shim", align_shim_name(r->shim));
	put_u64(b, align, "wanted", row->align_wanted);
	put_u64(b, align, "downgraded", row->align_downgraded);
	put_u64(b, align, "missed", row->align_missed);
	put(b, o, "align", align);
	put_u64(b, o, "lost_events", r->lost_events);
	put_u64(b, o, "damaged_chunks", r->damaged_chunks);
	return o;
}

int output_json(struct json_object *array, const struct result *r, const struct result *measured)
{
	struct builder b = { false };
	struct json_object *o = result_object(&b, r);

	put_nullable(&b, o, "measured", measured != NULL, measured ? result_object(&b, measured) : NULL);
	if (!o || json_object_array_add(array, o))
		b.failed = true;
	return b.failed ? -ENOMEM : 0;
}
