/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tracer/column.h"

#define N_MAX 300u

static uint64_t seed = 88172645463325252ull;

static uint64_t rnd(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed;
}

/* shapes that real columns have, and shapes that they do not */
static void fill(uint64_t *v, uint32_t n, unsigned int shape)
{
	uint64_t base = rnd() >> (rnd() % 64);

	for (uint32_t i = 0; i < n; i++) {
		switch (shape) {
		case 0: v[i] = base; break;
		case 1: v[i] = base + i * 4096; break;
		case 2: v[i] = rnd() % 200; break;
		case 3: v[i] = rnd(); break;
		case 4: v[i] = base - i; break;
		case 5: v[i] = i % 2 ? UINT64_MAX : 0; break;
		case 6: v[i] = rnd() >> (rnd() % 64); break;
		default: v[i] = 0x10000 + rnd() % 60000; break;
		}
	}
}

static void test_random_columns_round_trip(void **state)
{
	uint64_t in[N_MAX], out[N_MAX];
	uint8_t *bytes = malloc(column_bytes_max(N_MAX));
	unsigned int seen = 0;

	(void)state;
	for (int round = 0; round < 20000; round++) {
		uint32_t n = 1 + (uint32_t)(rnd() % N_MAX);
		enum column_encoding e;
		size_t len;

		fill(in, n, (unsigned int)(rnd() % 8));
		len = column_encode(in, n, bytes, &e);
		assert_true(len <= column_bytes_max(n));
		seen |= 1u << e;
		assert_int_equal(column_decode(e, bytes, len, out, n), 0);
		assert_memory_equal(in, out, n * sizeof(in[0]));
	}
	/* the shapes above must have led to every encoding, or the property was not tested for it */
	assert_int_equal(seen, (1u << COLUMN_ENCODINGS) - 1);
	free(bytes);
}

static void test_column_cut_short_or_too_long_is_refused(void **state)
{
	uint64_t in[N_MAX], out[N_MAX];
	uint8_t *bytes = calloc(1, column_bytes_max(N_MAX) + 1);

	(void)state;
	for (int round = 0; round < 2000; round++) {
		uint32_t n = 2 + (uint32_t)(rnd() % (N_MAX - 1));
		enum column_encoding e;
		size_t len;

		fill(in, n, (unsigned int)(rnd() % 8));
		len = column_encode(in, n, bytes, &e);
		assert_int_equal(column_decode(e, bytes, len - 1, out, n), -EBADMSG);
		bytes[len] = 0;
		assert_int_equal(column_decode(e, bytes, len + 1, out, n), -EBADMSG);
	}
	free(bytes);
}

static void test_random_bytes_never_decode_outside(void **state)
{
	(void)state;
	/* exact heap sizes, so that a sanitizer sees any byte too far */
	for (int round = 0; round < 20000; round++) {
		size_t len = rnd() % 40;
		uint32_t n = 1 + (uint32_t)(rnd() % 20);
		uint8_t *bytes = malloc(len ? len : 1);
		uint64_t *out = malloc(n * sizeof(*out));
		int err;

		for (size_t i = 0; i < len; i++)
			bytes[i] = (uint8_t)rnd();
		err = column_decode((unsigned int)(rnd() % COLUMN_ENCODINGS), bytes, len, out, n);
		assert_true(err == 0 || err == -EBADMSG);
		free(bytes);
		free(out);
	}
}

static void test_unknown_encoding_is_not_supported(void **state)
{
	uint64_t out;

	(void)state;
	assert_int_equal(column_decode(COLUMN_ENCODINGS, (const uint8_t *)"", 0, &out, 1), -ENOTSUP);
	assert_int_equal(column_decode(255, (const uint8_t *)"", 0, &out, 1), -ENOTSUP);
}

static void test_varint_over_64_bits_is_refused(void **state)
{
	static const uint8_t max[] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01 };
	static const uint8_t over[] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x02 };
	static const uint8_t endless[] = { 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x00 };
	uint64_t v;

	(void)state;
	assert_int_equal(varint_get(max, sizeof(max), &v), 10);
	assert_true(v == UINT64_MAX);
	assert_int_equal(varint_get(over, sizeof(over), &v), 0);
	assert_int_equal(varint_get(endless, sizeof(endless), &v), 0);
	assert_int_equal(varint_get(max, 0, &v), 0);
	assert_int_equal(varint_get(max, 9, &v), 0);
}

static void test_cheapest_encoding_is_taken(void **state)
{
	static const struct { uint64_t first, step; uint32_t n; enum column_encoding want; } cases[] = {
		{ 12345678, 0, 100, COLUMN_CONST },
		{ 1ull << 40, 1, 100, COLUMN_DELTA },
		{ 0xf0000000, 0x1001, 100, COLUMN_DELTA },
	};
	uint64_t v[100];
	uint8_t bytes[900];
	enum column_encoding e;

	(void)state;
	for (size_t c = 0; c < sizeof(cases) / sizeof(cases[0]); c++) {
		for (uint32_t i = 0; i < cases[c].n; i++)
			v[i] = cases[c].first + i * cases[c].step;
		column_encode(v, cases[c].n, bytes, &e);
		assert_int_equal(e, cases[c].want);
	}
	for (uint32_t i = 0; i < 100; i++)
		v[i] = i % 2 ? 255 : 0;
	assert_int_equal(column_encode(v, 100, bytes, &e), 100);
	assert_int_equal(e, COLUMN_FIXED1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_random_columns_round_trip),
		cmocka_unit_test(test_column_cut_short_or_too_long_is_refused),
		cmocka_unit_test(test_random_bytes_never_decode_outside),
		cmocka_unit_test(test_unknown_encoding_is_not_supported),
		cmocka_unit_test(test_varint_over_64_bits_is_refused),
		cmocka_unit_test(test_cheapest_encoding_is_taken),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
