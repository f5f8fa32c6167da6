/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/guest/egpu_gpu.h"
#include "runtime/guest/player.h"

enum form { NUMBER, SIZE, RANGE, MIX };

/**
 * struct parameter - NAME=VALUE of a statement.
 * @offset: of the field in struct workload_step; a RANGE also fills the field after it
 * @fallback: value if it is absent, unless @required
 */
struct parameter {
	const char *name;
	enum form form;
	size_t offset;
	uint64_t min, max, fallback;
	bool required;
};

#define FIELD(field) offsetof(struct workload_step, field)
#define BUFFERS WORKLOAD_BUFFERS_MAX

static const struct parameter fragment_parameters[] = {
	{ "keep", SIZE, FIELD(keep_bytes), 16 << 20, 1ull << 40, 64 << 20, false },
	{ "blocks", SIZE, FIELD(blocks_bytes), 0, 1ull << 40, 0, false },
	{ "touched", NUMBER, FIELD(touched_percent), 0, 100, 0, true },
	{ "pages", RANGE, FIELD(pages_min), 1, 4, 1, true },
	{ "cluster", SIZE, FIELD(cluster_bytes), 16 << 10, 16 << 20, 256 << 10, false },
	{ 0 },
};
static const struct parameter load_parameters[] = {
	{ "buffers", NUMBER, FIELD(buffers), 1, BUFFERS, 0, true },
	{ "mix", MIX, FIELD(mix), 4096, EGPU_BUFFER_BYTES_MAX, 0, true },
	{ "contiguous", NUMBER, FIELD(contiguous_percent), 0, 100, 100, false },
	{ "large", NUMBER, FIELD(large_percent), 0, 100, 0, false },
	{ 0 },
};
static const struct parameter frames_parameters[] = {
	{ "n", NUMBER, FIELD(frames), 1, 1000000, 0, true },
	{ "uploads", NUMBER, FIELD(uploads), 0, 1024, 0, true },
	{ "limit", SIZE, FIELD(limit_bytes), 4096, EGPU_BUFFER_BYTES_MAX, 64 << 10, false },
	{ "verify", NUMBER, FIELD(verify), 0, 1000000, 0, false },
	{ "churn", NUMBER, FIELD(churn), 0, BUFFERS, 0, false },
	{ "pace", NUMBER, FIELD(pace), 0, 1000, 0, false },
	{ 0 },
};
static const struct parameter level_parameters[] = {
	{ "free", NUMBER, FIELD(free_percent), 0, 100, 0, true },
	{ "load", NUMBER, FIELD(buffers), 0, BUFFERS, 0, true },
	{ 0 },
};
static const struct parameter poke_parameters[] = { { "n", NUMBER, FIELD(value), 1, 100000, 0, true }, { 0 } };
static const struct parameter sleep_parameters[] = { { "ms", NUMBER, FIELD(value), 1, 600000, 0, true }, { 0 } };

/* a statement takes NAME=VALUE parameters, one bare value, or the rest of the line as text */
static const struct statement {
	const char *name;
	const struct parameter *parameters;
	struct parameter bare;
	bool text;
} statements[WORKLOAD_KINDS] = {
	[WORKLOAD_MEMORY] = { .name = "memory", .bare = { "memory", SIZE, FIELD(value), 64 << 20, 1ull << 40, 0, true } },
	[WORKLOAD_SEED] = { .name = "seed", .bare = { "seed", NUMBER, FIELD(value), 0, UINT64_MAX, 0, true } },
	[WORKLOAD_MARK] = { .name = "mark", .text = true },
	[WORKLOAD_FRAGMENT] = { .name = "fragment", .parameters = fragment_parameters },
	[WORKLOAD_LOAD] = { .name = "load", .parameters = load_parameters },
	[WORKLOAD_FRAMES] = { .name = "frames", .parameters = frames_parameters },
	[WORKLOAD_LEVEL] = { .name = "level", .parameters = level_parameters },
	[WORKLOAD_POKE] = { .name = "poke", .parameters = poke_parameters },
	[WORKLOAD_SLEEP] = { .name = "sleep", .parameters = sleep_parameters },
};

const char *workload_kind_name(enum workload_kind kind)
{
	return statements[kind].name;
}

/* where errors are told: NAME:LINE */
struct place {
	const char *name;
	unsigned int line;
	char *error;
};

static int __attribute__((format(printf, 2, 3))) complain(const struct place *at, const char *format, ...)
{
	va_list args;
	int n = snprintf(at->error, WORKLOAD_ERROR_BYTES, "%.100s:%u: ", at->name, at->line);

	va_start(args, format);
	vsnprintf(at->error + n, WORKLOAD_ERROR_BYTES - n, format, args);
	va_end(args);
	return -1;
}

/* a whole number; @size allows K, M and G. Return: what follows it, NULL if there is none */
static const char *read_number(const char *text, bool size, uint64_t *out)
{
	unsigned int shift = 0;
	char *end;

	if (!isdigit((unsigned char)*text))
		return NULL;
	errno = 0;
	*out = strtoull(text, &end, 10);
	if (errno)
		return NULL;
	if (size && *end && strchr("KMG", *end))
		shift = *end == 'K' ? 10 : *end == 'M' ? 20 : 30, end++;
	if (*out > UINT64_MAX >> shift)
		return NULL;
	*out <<= shift;
	return end;
}

static int check_range(const struct place *at, const struct parameter *p, uint64_t value)
{
	if (value >= p->min && value <= p->max)
		return 0;
	return complain(at, "%s must be from %llu to %llu, not %llu", p->name, (unsigned long long)p->min, (unsigned long long)p->max,
			(unsigned long long)value);
}

static int read_mix(const struct place *at, const struct parameter *p, const char *text, struct workload_mix *mix)
{
	uint64_t len, weight;

	mix->n = 0;
	mix->weights = 0;
	for (;; text++) {
		if (mix->n == WORKLOAD_MIX_MAX)
			return complain(at, "a mix has at most %u sizes", WORKLOAD_MIX_MAX);
		text = read_number(text, true, &len);
		text = text && *text == ':' ? read_number(text + 1, false, &weight) : NULL;
		if (!text || (*text && *text != ','))
			return complain(at, "%s must look like 4K:90,16K:8,2M:2 (size:weight)", p->name);
		if (check_range(at, p, len))
			return -1;
		if (len & (len - 1))
			return complain(at, "size %llu of %s is not a power of two", (unsigned long long)len, p->name);
		if (weight == 0 || weight > 1000000)
			return complain(at, "a weight of %s must be from 1 to 1000000", p->name);
		mix->len_bytes[mix->n] = len;
		mix->weight[mix->n++] = (uint32_t)weight;
		mix->weights += (uint32_t)weight;
		if (!*text)
			return 0;
	}
}

static int read_value(const struct place *at, const struct parameter *p, const char *text, struct workload_step *step)
{
	uint64_t *field = (uint64_t *)((char *)step + p->offset);
	const char *rest;

	if (p->form == MIX)
		return read_mix(at, p, text, &step->mix);
	rest = read_number(text, p->form == SIZE, &field[0]);
	if (rest && p->form == RANGE) {
		field[1] = field[0];
		if (*rest == '-')
			rest = read_number(rest + 1, false, &field[1]);
	}
	if (!rest || *rest)
		return complain(at, "%s=%.40s is not a %s", p->name, text,
				p->form == SIZE ? "size (a number, with K, M or G)" : p->form == RANGE ? "range (such as 1-2)" : "number");
	if (p->form == RANGE && field[1] < field[0])
		return complain(at, "%s=%.40s ends before it begins", p->name, text);
	return check_range(at, p, field[0]) || (p->form == RANGE && check_range(at, p, field[1])) ? -1 : 0;
}

static int read_parameters(const struct place *at, const struct statement *s, char *text, struct workload_step *step)
{
	bool seen[8] = { false };
	const struct parameter *p;
	char *word, *save = NULL;

	for (word = strtok_r(text, " \t", &save); word; word = strtok_r(NULL, " \t", &save)) {
		char *value = strchr(word, '=');

		if (!value)
			return complain(at, "%s wants NAME=VALUE, not '%.40s'", s->name, word);
		*value++ = 0;
		for (p = s->parameters; p->name && strcmp(p->name, word); p++)
			;
		if (!p->name)
			return complain(at, "%s has no parameter '%.40s'; see workload(5)", s->name, word);
		if (seen[p - s->parameters])
			return complain(at, "%s is given twice", p->name);
		seen[p - s->parameters] = true;
		if (read_value(at, p, value, step))
			return -1;
	}
	for (p = s->parameters; p->name; p++) {
		if (seen[p - s->parameters])
			continue;
		if (p->required)
			return complain(at, "%s needs %s=", s->name, p->name);
		*(uint64_t *)((char *)step + p->offset) = p->fallback;
	}
	return 0;
}

static int read_text(const struct place *at, const struct statement *s, const char *text, struct workload_step *step)
{
	const unsigned char *c;

	if (!*text)
		return complain(at, "%s wants a text", s->name);
	if (strlen(text) >= sizeof(step->text))
		return complain(at, "the text of %s is longer than %zu bytes", s->name, sizeof(step->text) - 1);
	for (c = (const unsigned char *)text; *c; c++) {
		if (*c < ' ' || *c == 127)
			return complain(at, "the text of %s holds a control character", s->name);
	}
	strcpy(step->text, text);
	return 0;
}

static int read_statement(const struct place *at, char *line, struct workload_step *step)
{
	char *text = line + strcspn(line, " \t");
	const struct statement *s;
	unsigned int kind;

	if (*text)
		*text++ = 0;
	text += strspn(text, " \t");
	for (kind = 0; kind < WORKLOAD_KINDS && strcmp(statements[kind].name, line); kind++)
		;
	if (kind == WORKLOAD_KINDS)
		return complain(at, "unknown statement '%.40s'; see workload(5)", line);
	s = &statements[kind];
	step->kind = kind;
	step->line = at->line;
	if (s->text)
		return read_text(at, s, text, step);
	if (s->parameters)
		return read_parameters(at, s, text, step);
	return read_value(at, &s->bare, text, step);
}

/* what one line cannot tell: order, powers of two, and the mix that a level change takes from the load before it */
static int check_step(const struct place *at, struct workload *w, struct workload_step *step, struct workload_step **load)
{
	if (step->kind == WORKLOAD_MEMORY) {
		if (w->n)
			return complain(at, "memory must be the first statement, and only once");
		w->memory_bytes = step->value;
	} else if (!w->n) {
		return complain(at, "the first statement must be memory (such as: memory 256M)");
	}
	if (step->kind == WORKLOAD_FRAGMENT && step->cluster_bytes & (step->cluster_bytes - 1))
		return complain(at, "cluster must be a power of two");
	if (step->kind == WORKLOAD_FRAGMENT && step->keep_bytes + step->blocks_bytes > w->memory_bytes)
		return complain(at, "keep and blocks are more than the memory");
	if (step->kind == WORKLOAD_LOAD)
		*load = step;
	if ((step->kind == WORKLOAD_LEVEL || step->kind == WORKLOAD_FRAMES) && !*load)
		return complain(at, "%s needs a load before it", workload_kind_name(step->kind));
	if (step->kind == WORKLOAD_LEVEL || step->kind == WORKLOAD_FRAMES) {
		step->mix = (*load)->mix;
		step->contiguous_percent = (*load)->contiguous_percent;
		step->large_percent = (*load)->large_percent;
	}
	return 0;
}

static int strip(const struct place *at, char *line, bool ended)
{
	size_t len;
	char *hash = strchr(line, '#');

	if (!ended)
		return complain(at, "the line is longer than %u bytes, or holds a zero byte", WORKLOAD_LINE_BYTES - 2);
	if (hash)
		*hash = 0;
	for (len = strlen(line); len && isspace((unsigned char)line[len - 1]); len--)
		line[len - 1] = 0;
	len = strspn(line, " \t");
	memmove(line, line + len, strlen(line + len) + 1);
	return 0;
}

int workload_read(FILE *in, const char *name, struct workload *out, char *error)
{
	struct place at = { .name = name, .error = error };
	struct workload_step *load = NULL;
	char line[WORKLOAD_LINE_BYTES];

	memset(out, 0, sizeof(*out));
	while (fgets(line, sizeof(line), in)) {
		struct workload_step *step = &out->step[out->n];

		at.line++;
		if (strip(&at, line, strchr(line, '\n') || feof(in)))
			return -1;
		if (!*line)
			continue;
		if (out->n == WORKLOAD_STEPS_MAX)
			return complain(&at, "more than %u statements", WORKLOAD_STEPS_MAX);
		if (read_statement(&at, line, step) || check_step(&at, out, step, &load))
			return -1;
		out->n++;
	}
	if (ferror(in))
		return complain(&at, "cannot be read: %s", strerror(errno));
	if (!out->n)
		return complain(&at, "holds no statement");
	return 0;
}
