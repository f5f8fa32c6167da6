/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
#include "analysis/gptext.h"

#include <inttypes.h>
#include <stdbool.h>
#include <string.h>

/* bytes of the character at @at that XML allows as well; 0 if it is none */
static size_t char_bytes(const unsigned char *at)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	size_t i, n = at[0] < 0x80 ? 1 : at[0] >= 0xf0 ? 4 : at[0] >= 0xe0 ? 3 : 2;
	uint32_t c = n == 1 ? at[0] : at[0] & (0x7fu >> n);

	if (n == 1)
		return c >= 0x20 && c != 0x7f ? 1 : 0;
	if (at[0] < 0xc0 || at[0] >= 0xf8)
		return 0;
	for (i = 1; i < n; i++) {
		if ((at[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (at[i] & 0x3fu);
	}
	if (c < least[n] || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff) || (c & 0xfffe) == 0xfffe || c < 0xa0)
		return 0;
	return n;
}

size_t gptext_chars(const char *text)
{
	size_t n = 0;

	for (; *text; text++)
		n += ((unsigned char)*text & 0xc0) != 0x80;
	return n;
}

static void put_char(FILE *gp, const unsigned char *at, size_t n)
{
	if (n == 0)
		fputc(*at < 0x20 ? ' ' : '?', gp);
	else if (*at == '\'')
		fputs("’", gp); /* gnuplot 5.4 takes a doubled quote at the start of a string for its end */
	else if (*at == '`')
		fputs("‘", gp); /* gnuplot runs what stands between two of these */
	else
		fwrite(at, 1, n, gp);
}

void gptext_quoted(FILE *gp, const char *text, size_t chars_max)
{
	bool cut = gptext_chars(text) > chars_max;
	const unsigned char *at = (const unsigned char *)text;
	size_t n, left = cut ? chars_max - 1 : chars_max;

	fputc('\'', gp);
	for (; *at && left; at += n ? n : 1, left--) {
		n = char_bytes(at);
		put_char(gp, at, n);
	}
	if (*at)
		fputs("…", gp);
	fputc('\'', gp);
}

void gptext_set(FILE *gp, const char *name, const char *text, size_t chars_max)
{
	fprintf(gp, "%s = ", name);
	gptext_quoted(gp, text, chars_max);
	fputc('\n', gp);
}

void gptext_set_number(FILE *gp, const char *name, double value)
{
	fprintf(gp, "%s = %.17g\n", name, value);
}

char *gptext_grouped(uint64_t value, char *text)
{
	char digits[GPTEXT_NUMBER_BYTES];
	int i, n = snprintf(digits, sizeof(digits), "%" PRIu64, value);
	char *at = text;

	for (i = 0; i < n; i++) {
		if (i && (n - i) % 3 == 0)
			*at++ = ',';
		*at++ = digits[i];
	}
	*at = '\0';
	return text;
}

char *gptext_bytes(double bytes, char *text)
{
	static const char *const unit[] = { "B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB" };
	unsigned int i = 0;

	while (bytes >= 1024 && i + 1 < sizeof(unit) / sizeof(unit[0])) {
		bytes /= 1024;
		i++;
	}
	snprintf(text, GPTEXT_NUMBER_BYTES, bytes < 10 && bytes != (double)(int)bytes ? "%.1f %s" : "%.0f %s", bytes, unit[i]);
	return text;
}
