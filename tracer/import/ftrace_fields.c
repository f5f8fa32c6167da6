/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tracer/import/ftrace_line.h"

/* length of "key" if "key=" begins at @p, else 0 */
static size_t key_at(const char *p)
{
	size_t n = 0;

	while ((p[n] >= 'a' && p[n] <= 'z') || p[n] == '_')
		n++;
	return p[n] == '=' ? n : 0;
}

static void trim(struct ftrace_text *text)
{
	while (text->len && text->at[text->len - 1] == ' ')
		text->len--;
	while (text->len && text->at[0] == ' ') {
		text->at++;
		text->len--;
	}
}

bool ftrace_fields_parse(const char *payload, struct ftrace_fields *out)
{
	struct ftrace_text *open = &out->lead;
	const char *p = payload;

	out->n = 0;
	open->at = p;
	for (;;) {
		const char *token = p;
		size_t key = key_at(p);

		if (key || !*p) {
			open->len = (size_t)(p - open->at);
			trim(open);
		}
		if (!*p)
			return true;
		if (key) {
			if (out->n == FTRACE_FIELDS_MAX)
				return false;
			out->key[out->n] = (struct ftrace_text){ p, key };
			open = &out->value[out->n++];
			open->at = p + key + 1;
			token = open->at;
		}
		p = token + strcspn(token, " ");
		p += strspn(p, " ");
	}
}

const struct ftrace_text *ftrace_field(const struct ftrace_fields *fields, const char *key)
{
	size_t len = strlen(key);

	for (unsigned int i = 0; i < fields->n; i++) {
		if (fields->key[i].len == len && memcmp(fields->key[i].at, key, len) == 0)
			return &fields->value[i];
	}
	return NULL;
}

static int digit_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return 99;
}

bool ftrace_number(const struct ftrace_text *text, unsigned int base, uint64_t *out)
{
	const char *p = text->at, *end = p + text->len;
	uint64_t v = 0;

	if (end - p > 2 && p[0] == '0' && p[1] == 'x') {
		p += 2;
		base = 16;
	}
	if (p == end)
		return false;
	for (; p < end; p++) {
		int d = digit_value(*p);

		if (d >= (int)base || __builtin_mul_overflow(v, base, &v) || __builtin_add_overflow(v, (uint64_t)d, &v))
			return false;
	}
	*out = v;
	return true;
}

static int array_add(struct ftrace_array *array, uint64_t v)
{
	if (array->n == array->room) {
		size_t room = array->room ? array->room * 2 : 256;
		uint64_t *p = realloc(array->v, room * sizeof(*p));

		if (!p)
			return -ENOMEM;
		array->v = p;
		array->room = room;
	}
	array->v[array->n++] = v;
	return 0;
}

/* numbers between @separators; each has @base unless it begins with 0x */
static int parse_list(struct ftrace_text list, const char *separators, unsigned int base, struct ftrace_array *out)
{
	const char *p = list.at, *end = list.at + list.len;

	while (p < end) {
		struct ftrace_text one = { p, 0 };
		uint64_t v;
		int err;

		while (p < end && !strchr(separators, *p))
			p++;
		one.len = (size_t)(p - one.at);
		while (p < end && strchr(separators, *p))
			p++;
		if (!ftrace_number(&one, base, &v))
			return -EINVAL;
		err = array_add(out, v);
		if (err)
			return err;
	}
	return 0;
}

/* what libtraceevent prints when it cannot evaluate a format: the array's bytes */
static int join_bytes(struct ftrace_array *out, unsigned int element_bytes)
{
	size_t n = out->n / element_bytes;

	if (out->n % element_bytes)
		return -EINVAL;
	for (size_t i = 0; i < n; i++) {
		uint64_t v = 0;

		for (unsigned int b = 0; b < element_bytes; b++) {
			if (out->v[i * element_bytes + b] > 0xff)
				return -EINVAL;
			v |= out->v[i * element_bytes + b] << (8 * b);
		}
		out->v[i] = v;
	}
	out->n = n;
	return 0;
}

int ftrace_array_parse(const struct ftrace_text *text, unsigned int element_bytes, struct ftrace_array *out)
{
	const char *at = text->at;
	size_t len = text->len;
	int err;

	out->n = 0;
	if (len >= 2 && at[0] == '{')
		return at[len - 1] == '}' ? parse_list((struct ftrace_text){ at + 1, len - 2 }, ",", 16, out) : -EINVAL;
	if (len >= 7 && memcmp(at, "ARRAY[", 6) == 0) {
		if (at[len - 1] != ']')
			return -EINVAL;
		err = parse_list((struct ftrace_text){ at + 6, len - 7 }, ", ", 16, out);
		return err ? err : join_bytes(out, element_bytes);
	}
	return parse_list(*text, " ", 10, out);
}

void ftrace_array_free(struct ftrace_array *array)
{
	free(array->v);
}
