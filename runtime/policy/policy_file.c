/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
#include "runtime/policy/policy_file.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>

#define LINE_BYTES 512
#define LINES_MAX 1000

__attribute__((format(printf, 3, 4))) static int fail(char *error, int rc, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(error, POLICY_FILE_ERROR_BYTES, format, args);
	va_end(args);
	return rc;
}

/* @text without white space around it */
static char *trim(char *text)
{
	size_t n = strlen(text);

	while (n && isspace((unsigned char)text[n - 1]))
		text[--n] = '\0';
	while (isspace((unsigned char)*text))
		text++;
	return text;
}

static bool keep(char *to, size_t to_bytes, const char *value)
{
	if (to[0] || !value[0] || strlen(value) >= to_bytes)
		return false;
	memcpy(to, value, strlen(value) + 1);
	return true;
}

static bool set(struct policy_file *p, const char *key, const char *value)
{
	struct coalesce_config config;

	if (strcmp(key, "policy") == 0)
		return keep(p->policy, sizeof(p->policy), value) && coalesce_parse(value, &config) == 0;
	if (strcmp(key, "limits") == 0)
		return keep(p->limits, sizeof(p->limits), value);
	if (strcmp(key, "align") != 0 || p->shim >= 0)
		return false;
	p->shim = align_shim_find(value);
	return p->shim >= 0;
}

/* Return: 0; -EINVAL if @line is none of a policy file */
static int read_line(struct policy_file *p, char *line)
{
	char *key = trim(line), *equals = strchr(key, '=');

	if (key[0] == '\0' || key[0] == '#')
		return 0;
	if (!equals)
		return -EINVAL;
	*equals = '\0';
	return set(p, trim(key), trim(equals + 1)) ? 0 : -EINVAL;
}

static int read_lines(FILE *in, const char *path, struct policy_file *p, char *error)
{
	char line[LINE_BYTES];
	unsigned int n;

	for (n = 1; fgets(line, sizeof(line), in); n++) {
		if (n > LINES_MAX || (!strchr(line, '\n') && !feof(in)) || read_line(p, line))
			return fail(error, -EINVAL, "%s: line %u is none of a policy file: 'policy = SPEC', 'align = SHIM' or 'limits = SPEC', each once",
				    path, n);
	}
	if (ferror(in))
		return fail(error, -EIO, "%s: cannot be read", path);
	if (!p->policy[0])
		return fail(error, -EINVAL, "%s: has no line 'policy = SPEC'", path);
	return 0;
}

int policy_file_read(const char *path, struct policy_file *out, char *error)
{
	struct policy_file p = { .shim = -1 };
	FILE *in = fopen(path, "r");
	int rc;

	if (!in)
		return fail(error, -errno, "%s: %s", path, strerror(errno));
	rc = read_lines(in, path, &p, error);
	fclose(in);
	if (rc == 0)
		*out = p;
	return rc;
}
