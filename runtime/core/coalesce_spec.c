/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* Text of a policy with its parameters: "window:log2=18". */
#include "runtime/core/coalesce.h"

#define DIGITS_MAX 10

/* a piece of the text: from @at up to @end */
struct word {
	const char *at;
	const char *end;
};

static bool word_is(struct word w, const char *name)
{
	while (w.at < w.end && *name && *w.at == *name) {
		w.at++;
		name++;
	}
	return w.at == w.end && *name == '\0';
}

/* cut off what lies before @stop; *@rest then starts behind it, or is NULL if @stop did not come */
static struct word word_until(const char **rest, char stop)
{
	struct word w = { *rest, *rest };

	while (*w.end && *w.end != stop)
		w.end++;
	*rest = *w.end ? w.end + 1 : NULL;
	return w;
}

static int word_number(struct word w, u32 *out)
{
	u64 value = 0;
	const char *p;

	if (w.at == w.end)
		return -EINVAL;
	for (p = w.at; p < w.end; p++) {
		if (*p < '0' || *p > '9')
			return -EINVAL;
		if (value <= ~(u32)0)
			value = value * 10 + (u64)(*p - '0');
	}
	if (value > ~(u32)0)
		return -ERANGE;
	*out = (u32)value;
	return 0;
}

static const struct coalesce_policy *policy_find(const struct coalesce_policy *const *list, struct word name)
{
	for (; *list; list++) {
		if (word_is(name, (*list)->name))
			return *list;
	}
	return NULL;
}

static int parse_param(struct word text, const struct coalesce_policy *policy, u32 *param, u32 *seen)
{
	struct word name = { text.at, text.at };
	struct word number;
	u32 i, value;
	int rc;

	while (name.end < text.end && *name.end != '=')
		name.end++;
	if (name.end == text.end || name.end == name.at)
		return -EINVAL;
	for (i = 0; i < policy->nparams && !word_is(name, policy->params[i].name); i++)
		;
	if (i == policy->nparams)
		return -ESRCH;
	number.at = name.end + 1;
	number.end = text.end;
	rc = word_number(number, &value);
	if (rc)
		return rc;
	if (value < policy->params[i].min || value > policy->params[i].max)
		return -ERANGE;
	if (*seen >> i & 1)
		return -EINVAL;
	*seen |= 1u << i;
	param[i] = value;
	return 0;
}

int coalesce_parse(const char *spec, struct coalesce_config *cfg)
{
	return coalesce_parse_in(coalesce_policies, spec, cfg);
}

int coalesce_parse_in(const struct coalesce_policy *const *list, const char *spec, struct coalesce_config *cfg)
{
	u32 param[COALESCE_PARAMS_MAX] = { 0 };
	const struct coalesce_policy *policy;
	const char *rest = spec;
	u32 i, seen = 0;
	int rc;

	for (i = 0; spec[i]; i++) {
		if (i + 1 == COALESCE_SPEC_BYTES)
			return -EINVAL;
	}
	policy = policy_find(list, word_until(&rest, ':'));
	if (!policy)
		return spec[0] && spec[0] != ':' ? -ENOENT : -EINVAL;
	for (i = 0; i < policy->nparams; i++)
		param[i] = policy->params[i].def;
	while (rest) {
		rc = parse_param(word_until(&rest, ','), policy, param, &seen);
		if (rc)
			return rc;
	}
	cfg->policy = policy;
	for (i = 0; i < COALESCE_PARAMS_MAX; i++)
		cfg->param[i] = param[i];
	return 0;
}

struct text_out {
	char *at;
	size_t left; /* without the NUL */
};

static void put_char(struct text_out *out, char c)
{
	if (out->left == 0)
		return;
	*out->at++ = c;
	out->left--;
}

static void put_text(struct text_out *out, const char *text)
{
	while (*text)
		put_char(out, *text++);
}

static void put_number(struct text_out *out, u32 value)
{
	char digits[DIGITS_MAX];
	u32 n = 0;

	do {
		digits[n++] = (char)('0' + value % 10);
		value /= 10;
	} while (value);
	while (n)
		put_char(out, digits[--n]);
}

void coalesce_format(const struct coalesce_config *cfg, char *text, size_t text_bytes)
{
	struct text_out out = { text, text_bytes - 1 };
	u32 i;

	if (text_bytes == 0)
		return;
	put_text(&out, cfg->policy->name);
	for (i = 0; i < cfg->policy->nparams; i++) {
		put_char(&out, i ? ',' : ':');
		put_text(&out, cfg->policy->params[i].name);
		put_char(&out, '=');
		put_number(&out, cfg->param[i]);
	}
	*out.at = '\0';
}
