/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
#include "replay/tune_output.h"

#include <inttypes.h>
#include <stdlib.h>

#include "replay/output.h"

#define FRONT_ROWS_MAX 24u
#define MIB(bytes) ((double)(bytes) / (1 << 20))

/* numbers of the front's candidates by mappings, the choice among them even if something else is better in another way */
static u32 list_front(const struct tune *t, u32 *out)
{
	u32 i, k, n = 0;

	for (i = 0; i < t->n; i++) {
		const struct tune_candidate *c = &t->candidates[i];

		if (!c->front && i != t->choice)
			continue;
		for (k = n++; k && t->candidates[out[k - 1]].all.log_mappings > c->all.log_mappings; k--)
			out[k] = out[k - 1];
		out[k] = i;
	}
	return n;
}

static void policy_text(const struct tune_candidate *c, char *text)
{
	coalesce_format(&c->config, text, COALESCE_SPEC_BYTES);
}

/* by how much the traces could grow until the nearest limit */
static double head_room(const struct tune_sum *all)
{
	double share = all->mappings_share > all->bytes_share ? all->mappings_share : all->bytes_share;

	return share > 0 ? 1 / share : 0;
}

static u64 peak(const struct tune *t, const struct tune_sum *sum, bool bytes)
{
	u64 most = 0;
	u32 k;

	for (k = 0; k < t->traces_n; k++) {
		u64 value = bytes ? sum->results[k].row.peak_mapped_bytes : sum->results[k].row.peak_mappings;

		most = value > most ? value : most;
	}
	return most;
}

static void table_row(FILE *out, const struct tune *t, u32 i)
{
	const struct tune_candidate *c = &t->candidates[i];
	const struct tune_sum *all = &c->all;
	char policy[COALESCE_SPEC_BYTES], less[24] = "fails";

	policy_text(c, policy);
	if (c->less.fits)
		snprintf(less, sizeof(less), "%" PRIu64, peak(t, &c->less, false));
	fprintf(out, "%c %-52s %10" PRIu64 " %7.2f%% %11.1f %7.2f%% %11" PRIu64 " %9.2f %9s\n", i == t->choice ? '>' : ' ', policy,
		peak(t, all, false), 100 * all->mappings_share, MIB(peak(t, all, true)), 100 * all->bytes_share, all->host_calls, head_room(all),
		less);
}

static void table_rule(FILE *out, const struct tune *t)
{
	const struct tune_options *o = t->options;

	fprintf(out, "\nrule: fits with %u%% less of either limit on every trace; there at most %.1f%% more mapped bytes than the leanest, then the\n"
		     "fewest mappings, then the fewest host calls\n",
		t->reserve_kept ? o->reserve_percent : 0, t->slack_percent);
	if (!t->reserve_kept)
		fprintf(out, "note: nothing fits with %u%% less, as was asked for\n", o->reserve_percent);
	if (t->slack_percent > o->slack_percent)
		fprintf(out, "note: nothing keeps the slack of %u%% that was asked for\n", o->slack_percent);
}

/* what the choice does on each trace, and what no policy could beat */
static void table_choice(FILE *out, const struct tune *t)
{
	u32 k;

	for (k = 0; k < t->traces_n; k++) {
		struct result chosen = t->candidates[t->choice].all.results[k];

		fprintf(out, "\n");
		output_table(out, &chosen, 1);
	}
}

void tune_output_table(FILE *out, const struct tune *t)
{
	u32 *front = calloc(t->n, sizeof(*front)), n = front ? list_front(t, front) : 0, i, shown = 0;
	u32 every = (n + FRONT_ROWS_MAX - 1) / FRONT_ROWS_MAX;
	char less[24];

	fprintf(out, "%u policies tried on %u trace%s; those that nothing else beats in all of mappings, bytes and host calls:\n\n", t->n,
		t->traces_n, t->traces_n == 1 ? "" : "s");
	snprintf(less, sizeof(less), "%u%% less", t->options->reserve_percent);
	fprintf(out, "  %-52s %10s %8s %11s %8s %11s %9s %9s\n", "policy", "mappings", "of limit", "mapped MiB", "of limit", "host calls", "head-room",
		less);
	for (i = 0; i < n; i++) {
		if (i % every && i + 1 < n && front[i] != t->choice)
			continue;
		table_row(out, t, front[i]);
		shown++;
	}
	if (shown < n)
		fprintf(out, "  and %u more, see --csv\n", n - shown);
	free(front);
	if (t->choice == TUNE_NONE)
		return;
	table_rule(out, t);
	table_choice(out, t);
}

void tune_output_csv(FILE *out, const struct tune *t)
{
	u32 *front = calloc(t->n, sizeof(*front)), n = front ? list_front(t, front) : 0, i;
	char policy[COALESCE_SPEC_BYTES];

	fprintf(out, "policy,chosen,peak_mappings,mappings_share,peak_mapped_bytes,bytes_share,host_calls,head_room,less_fits,less_peak_mappings\n");
	for (i = 0; i < n; i++) {
		const struct tune_candidate *c = &t->candidates[front[i]];

		policy_text(c, policy);
		fprintf(out, "\"%s\",%s,%" PRIu64 ",%.6f,%" PRIu64 ",%.6f,%" PRIu64 ",%.4f,%s,%" PRIu64 "\n", policy, front[i] == t->choice ? "true" : "false",
			peak(t, &c->all, false), c->all.mappings_share, peak(t, &c->all, true), c->all.bytes_share, c->all.host_calls,
			head_room(&c->all), c->less.fits ? "true" : "false", peak(t, &c->less, false));
	}
	free(front);
}

static struct json_object *candidate_json(const struct tune *t, const struct tune_candidate *c)
{
	struct json_object *o = json_object_new_object();
	char policy[COALESCE_SPEC_BYTES];

	policy_text(c, policy);
	json_object_object_add(o, "policy", json_object_new_string(policy));
	json_object_object_add(o, "peak_mappings", json_object_new_uint64(peak(t, &c->all, false)));
	json_object_object_add(o, "mappings_share", json_object_new_double(c->all.mappings_share));
	json_object_object_add(o, "peak_mapped_bytes", json_object_new_uint64(peak(t, &c->all, true)));
	json_object_object_add(o, "bytes_share", json_object_new_double(c->all.bytes_share));
	json_object_object_add(o, "host_calls", json_object_new_uint64(c->all.host_calls));
	json_object_object_add(o, "head_room", json_object_new_double(head_room(&c->all)));
	json_object_object_add(o, "less_fits", json_object_new_boolean(c->less.fits));
	json_object_object_add(o, "less_peak_mappings", json_object_new_uint64(peak(t, &c->less, false)));
	return o;
}

static struct json_object *rule_json(const struct tune *t)
{
	struct json_object *o = json_object_new_object();

	json_object_object_add(o, "reserve_percent", json_object_new_int(t->reserve_kept ? (int)t->options->reserve_percent : 0));
	json_object_object_add(o, "slack_percent", json_object_new_double(t->slack_percent));
	return o;
}

static int add_choice(struct json_object *o, const struct tune *t)
{
	struct json_object *choice, *traces = json_object_new_array();
	u32 k;
	int rc = 0;

	if (t->choice == TUNE_NONE) {
		json_object_put(traces);
		return json_object_object_add(o, "choice", NULL) ? -ENOMEM : 0;
	}
	for (k = 0; k < t->traces_n && rc == 0; k++)
		rc = output_json(traces, &t->candidates[t->choice].all.results[k], NULL);
	choice = candidate_json(t, &t->candidates[t->choice]);
	json_object_object_add(choice, "traces", traces);
	json_object_object_add(o, "choice", choice);
	return rc;
}

int tune_output_json(FILE *out, const struct tune *t)
{
	struct json_object *o = json_object_new_object(), *list = json_object_new_array();
	u32 *front = calloc(t->n, sizeof(*front)), n, i;
	int rc = o && list && front ? 0 : -ENOMEM;

	if (rc == 0) {
		n = list_front(t, front);
		for (i = 0; i < n; i++)
			json_object_array_add(list, candidate_json(t, &t->candidates[front[i]]));
		json_object_object_add(o, "tried", json_object_new_uint64(t->n));
		json_object_object_add(o, "rule", rule_json(t));
		json_object_object_add(o, "front", json_object_get(list));
		rc = add_choice(o, t);
		fprintf(out, "%s\n", json_object_to_json_string_ext(o, JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_NOSLASHESCAPE));
	}
	free(front);
	json_object_put(list);
	json_object_put(o);
	return rc;
}

/* a comment must stay one, whatever a path holds */
static void comment_text(FILE *out, const char *text)
{
	for (; *text; text++)
		fputc((unsigned char)*text < ' ' ? '?' : *text, out);
}

void tune_output_policy(FILE *out, const struct tune *t)
{
	const struct tune_candidate *c = &t->candidates[t->choice];
	char policy[COALESCE_SPEC_BYTES], limits[DART_TEXT_BYTES];
	u32 k;

	policy_text(c, policy);
	dart_format(&t->traces[0].limits, limits, sizeof(limits));
	fprintf(out, "# Found by egpu-replay tune " EGPU_VERSION ", %u policies tried; for egpu-run --policy @FILE. Predicted:\n", t->n);
	for (k = 0; k < t->traces_n; k++) {
		const struct row *row = &c->all.results[k].row;

		fprintf(out, "# ");
		comment_text(out, t->traces[k].path);
		fprintf(out, " (");
		comment_text(out, c->all.results[k].provenance);
		fprintf(out, "): %" PRIu64 " mappings, %.1f MiB at most, %" PRIu64 " host calls\n", row->peak_mappings, MIB(row->peak_mapped_bytes),
			row->host_maps + row->host_unmaps);
	}
	fprintf(out, "policy = %s\nlimits = %s\n", policy, limits);
	if (t->traces[0].shim >= 0)
		fprintf(out, "align = %s\n", align_shim_name((u32)t->traces[0].shim));
}
