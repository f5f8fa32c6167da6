/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
#include "analysis/replay_answer.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <json-c/json.h>

#define LINE_BYTES 512
#define POINT_COLUMNS 9

/* ---- JSON: a key that is missing or has another type than it should sets @bad ---- */

static struct json_object *get(struct json_object *o, const char *key, enum json_type type, bool *bad)
{
	struct json_object *value = NULL;

	if (!json_object_object_get_ex(o, key, &value) || !json_object_is_type(value, type)) {
		*bad = true;
		return NULL;
	}
	return value;
}

static uint64_t get_u64(struct json_object *o, const char *key, bool *bad)
{
	struct json_object *value = get(o, key, json_type_int, bad);

	return value ? json_object_get_uint64(value) : 0;
}

static void get_text(struct json_object *o, const char *key, char *text, bool *bad)
{
	struct json_object *value = get(o, key, json_type_string, bad);

	snprintf(text, REPLAY_RUN_TEXT_BYTES, "%s", value ? json_object_get_string(value) : "");
}

static int read_row(struct replay_run *r, struct json_object *o, bool measured)
{
	struct replay_run_row *row = &r->rows[r->nrows];
	struct json_object *first = NULL, *t_s;
	bool bad = false;

	if (r->nrows == REPLAY_RUN_ROWS_MAX)
		return -EBADMSG;
	r->nrows++;
	row->measured = measured;
	get_text(o, "policy", row->policy, &bad);
	row->policy[strcspn(row->policy, " ")] = '\0';
	row->peak_mappings = get_u64(o, "peak_mappings", &bad);
	row->peak_mapped_bytes = get_u64(o, "peak_mapped_bytes", &bad);
	row->host_calls = get_u64(o, "host_calls", &bad);
	row->refused = get_u64(o, "failures", &bad);
	if (json_object_object_get_ex(o, "first_failure", &first) && first) {
		get_text(first, "reason", row->reason, &bad);
		t_s = get(first, "t_s", json_type_double, &bad);
		row->refused_s = t_s ? json_object_get_double(t_s) : 0;
	}
	return bad ? -EBADMSG : 0;
}

static int read_limits(struct replay_run *r, struct json_object *o)
{
	bool bad = false;
	struct json_object *limits = get(o, "limits", json_type_object, &bad);

	if (!limits)
		return -EBADMSG;
	r->peak_requests = get_u64(o, "peak_requests", &bad);
	r->peak_request_bytes = get_u64(o, "peak_request_bytes", &bad);
	get_text(limits, "spec", r->limits, &bad);
	r->limit_mappings = get_u64(limits, "mappings", &bad);
	r->limit_bytes = get_u64(limits, "bytes", &bad);
	r->granule_log2 = (unsigned int)get_u64(limits, "granule_log2", &bad);
	if (r->limit_mappings == 0 || r->limit_bytes == 0 || r->granule_log2 > 63)
		return -EBADMSG;
	return bad ? -EBADMSG : 0;
}

static int read_bound(struct replay_run *r, struct json_object *o)
{
	bool bad = false;
	struct json_object *bound = get(o, "bound", json_type_object, &bad), *fits;

	if (!bound)
		return -EBADMSG;
	r->bound_mappings = get_u64(bound, "mappings", &bad);
	r->bound_bytes = get_u64(bound, "bytes", &bad);
	fits = get(bound, "fits", json_type_boolean, &bad);
	r->bound_fits = fits && json_object_get_boolean(fits);
	if (fits && !r->bound_fits)
		get_text(bound, "misfit", r->misfit, &bad);
	return bad ? -EBADMSG : 0;
}

static int read_rows(struct replay_run *r, struct json_object *array)
{
	struct json_object *measured = NULL;
	size_t i, n;
	int rc;

	if (!json_object_is_type(array, json_type_array) || json_object_array_length(array) == 0)
		return -EBADMSG;
	rc = read_limits(r, json_object_array_get_idx(array, 0));
	rc = rc ? rc : read_bound(r, json_object_array_get_idx(array, 0));
	if (rc)
		return rc;
	if (json_object_object_get_ex(json_object_array_get_idx(array, 0), "measured", &measured) && measured)
		rc = read_row(r, measured, true);
	n = json_object_array_length(array);
	for (i = 0; i < n && rc == 0; i++)
		rc = read_row(r, json_object_array_get_idx(array, i), false);
	return rc;
}

int replay_answer_json(struct replay_run *r, const char *text)
{
	struct json_object *array = json_tokener_parse(text);
	int rc = array ? read_rows(r, array) : -EBADMSG;

	json_object_put(array);
	return rc;
}

/* ---- series: policies come one after the other, in the order of the JSON, the measured one last ---- */

static const char series_header[] = "policy,t_s,live_requests,live_request_bytes,live_mappings,mapped_bytes,host_calls,failures,"
				    "free_holes,longest_hole_bytes\n";

/* a policy's parameters may hold commas, so from the right */
static int read_point(char *line, struct replay_run_point *p)
{
	double value[POINT_COLUMNS];
	int column;

	for (column = POINT_COLUMNS - 1; column >= 0; column--) {
		char *comma = strrchr(line, ',');
		char *end;

		if (!comma)
			return -EBADMSG;
		value[column] = strtod(comma + 1, &end);
		if (end == comma + 1 || (*end && *end != '\n'))
			return -EBADMSG;
		*comma = '\0';
	}
	p->t_s = value[0];
	p->mappings = value[3];
	p->bytes = value[4];
	p->holes = value[7];
	p->longest_hole_bytes = value[8];
	return 0;
}

static int read_points(struct replay_run_row *row, FILE *in)
{
	char line[LINE_BYTES];
	unsigned int i;
	int rc;

	row->points = calloc(REPLAY_RUN_BINS, sizeof(*row->points));
	if (!row->points)
		return -ENOMEM;
	for (i = 0; i < REPLAY_RUN_BINS; i++) {
		rc = fgets(line, sizeof(line), in) ? read_point(line, &row->points[i]) : -EBADMSG;
		if (rc)
			return rc;
	}
	return strcmp(line, row->measured ? "measured" : row->policy) == 0 ? 0 : -EBADMSG;
}

int replay_answer_series(struct replay_run *r, const char *path)
{
	FILE *in = fopen(path, "r");
	char line[LINE_BYTES];
	unsigned int i, first = r->rows[0].measured ? 1 : 0;
	int rc = 0;

	if (!in)
		return -errno;
	if (!fgets(line, sizeof(line), in) || strcmp(line, series_header) != 0)
		rc = -EBADMSG;
	for (i = first; i < r->nrows && rc == 0; i++)
		rc = read_points(&r->rows[i], in);
	if (rc == 0 && first)
		rc = read_points(&r->rows[0], in);
	fclose(in);
	return rc;
}
