/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tests/tracer/chunk_events.h"
#include "tracer/chunk.h"
#include "tracer/chunk_lz4.h"
#include "tracer/column.h"

/* @row with its data on the heap at their exact size, so that a sanitizer sees any byte too far */
static uint8_t *exact_copy(const struct chunk_row *row)
{
	uint8_t *data = malloc(row->data_bytes);

	memcpy(data, row->data, row->data_bytes);
	return data;
}

/* what decodes although something was changed must be what was encoded */
static void expect_refused_or_same(struct chunk_decoder *dec, const struct chunk_row *row, const struct trace_event *events, uint32_t n)
{
	const struct trace_event *out;
	const char *why = NULL;
	int err = chunk_decode(dec, row, &out, &why);

	if (err == 0) {
		assert_int_equal(row->events, n);
		assert_memory_equal(events, out, n * sizeof(*events));
		return;
	}
	assert_true(err == -EBADMSG || err == -ENOTSUP);
	assert_non_null(why);
}

/* a chunk whose columns were all chosen by a forger: the entropy-coded, the split ones and those of unmaps above all */
static void flip_bits(struct trace_event *events, bool thorough)
{
	struct chunk_encoder *enc = chunk_encoder_new(thorough);
	struct chunk_decoder *dec = chunk_decoder_new();
	struct chunk_row row = encode(enc, events, 300);
	uint8_t *raw = malloc(row.raw_bytes);
	unsigned int refused = 0;

	assert_true(row.codec == CHUNK_STORED || chunk_lz4_unpack(row.data, row.data_bytes, raw, row.raw_bytes));
	if (row.codec == CHUNK_STORED)
		memcpy(raw, row.data, row.raw_bytes);
	row.codec = CHUNK_STORED;
	row.data = raw;
	row.data_bytes = row.raw_bytes;
	for (size_t i = 0; i < row.data_bytes * 8; i++) {
		const struct trace_event *out;
		const char *why;
		int err;

		raw[i / 8] ^= (uint8_t)(1 << i % 8);
		row.checksum = chunk_checksum(&row);
		err = chunk_decode(dec, &row, &out, &why);
		assert_true(err == 0 || err == -EBADMSG || err == -ENOTSUP);
		refused += err != 0;
		raw[i / 8] ^= (uint8_t)(1 << i % 8);
	}
	assert_true(refused > 0);
	free(raw);
	free(events);
	chunk_encoder_free(enc);
	chunk_decoder_free(dec);
}

static void test_flipped_bits_of_columns_do_no_harm(void **state)
{
	(void)state;
	flip_bits(shaped_events(300), false);
	flip_bits(events_of_classes(300), true);
	flip_bits(events_of_buffers(300), true);
}

static void test_every_flipped_byte_is_found(void **state)
{
	struct chunk_encoder *enc = chunk_encoder_new(false);
	struct chunk_decoder *dec = chunk_decoder_new();
	struct trace_event *events = random_events(200, TRACE_KINDS - 1);
	struct chunk_row row = encode(enc, events, 200);
	uint8_t *data = exact_copy(&row);
	const struct trace_event *out;
	const char *why;

	(void)state;
	row.data = data;
	for (size_t i = 0; i < row.data_bytes; i++) {
		for (int bit = 0; bit < 8; bit++) {
			data[i] ^= (uint8_t)(1 << bit);
			assert_int_equal(chunk_decode(dec, &row, &out, &why), -EBADMSG);
			data[i] ^= (uint8_t)(1 << bit);
		}
	}
	assert_int_equal(chunk_decode(dec, &row, &out, &why), 0);
	free(data);
	free(events);
	chunk_encoder_free(enc);
	chunk_decoder_free(dec);
}

/* a forger who mends the checksum may change events, but must not crash, hang or read outside */
static void test_flipped_bytes_with_mended_checksum_do_no_harm(void **state)
{
	struct chunk_encoder *enc = chunk_encoder_new(false);
	struct chunk_decoder *dec = chunk_decoder_new();
	struct trace_event *events = random_events(300, TRACE_KINDS - 1);
	unsigned int refused = 0;

	(void)state;
	for (int stored = 0; stored < 2; stored++) {
		struct chunk_row row = encode(enc, events, stored ? 3 : 300);
		uint8_t *data = exact_copy(&row);

		row.data = data;
		for (size_t i = 0; i < row.data_bytes * 8; i++) {
			const struct trace_event *out;
			const char *why;
			int err;

			data[i / 8] ^= (uint8_t)(1 << i % 8);
			row.checksum = chunk_checksum(&row);
			err = chunk_decode(dec, &row, &out, &why);
			assert_true(err == 0 || err == -EBADMSG || err == -ENOTSUP);
			refused += err != 0;
			data[i / 8] ^= (uint8_t)(1 << i % 8);
		}
		free(data);
	}
	assert_true(refused > 0);
	free(events);
	chunk_encoder_free(enc);
	chunk_decoder_free(dec);
}

static void test_every_truncation_is_found(void **state)
{
	struct chunk_encoder *enc = chunk_encoder_new(false);
	struct chunk_decoder *dec = chunk_decoder_new();
	struct trace_event *events = random_events(100, TRACE_KINDS - 1);
	struct chunk_row row = encode(enc, events, 100);
	const uint8_t *whole = row.data;
	size_t bytes = row.data_bytes;

	(void)state;
	for (size_t n = 0; n < bytes; n++) {
		uint8_t *data = malloc(n ? n : 1);
		const struct trace_event *out;
		const char *why;

		memcpy(data, whole, n);
		row.data = data;
		row.data_bytes = n;
		assert_int_equal(chunk_decode(dec, &row, &out, &why), -EBADMSG);
		row.checksum = chunk_checksum(&row);
		assert_int_equal(chunk_decode(dec, &row, &out, &why), -EBADMSG);
		free(data);
	}
	free(events);
	chunk_encoder_free(enc);
	chunk_decoder_free(dec);
}

/* each number of the row, off by some, with the checksum as it was and mended */
static void test_every_number_of_the_row_is_checked(void **state)
{
	static const uint64_t off[] = { 1, 2, 255, 65536, 1ull << 31, 1ull << 32, 1ull << 62, UINT64_MAX };
	struct chunk_encoder *enc = chunk_encoder_new(false);
	struct chunk_decoder *dec = chunk_decoder_new();
	struct trace_event *events = random_events(100, TRACE_KINDS - 1);
	struct chunk_row good = encode(enc, events, 100);

	(void)state;
	for (int field = 0; field < 7; field++) {
		for (size_t i = 0; i < sizeof(off) / sizeof(off[0]); i++) {
			struct chunk_row row = good;
			uint64_t *const wide[] = { &row.first_seq, &row.events, &row.t_min_ns, &row.t_max_ns, &row.raw_bytes };
			const struct trace_event *out;
			const char *why;

			if (field < 5)
				*wide[field] += off[i];
			else if (field == 5)
				row.codec += (uint32_t)(off[i] | 1);
			else
				row.id += (int64_t)off[i];
			assert_int_equal(chunk_decode(dec, &row, &out, &why), -EBADMSG);
			row.checksum = chunk_checksum(&row);
			expect_refused_or_same(dec, &row, events, 100);
		}
	}
	free(events);
	chunk_encoder_free(enc);
	chunk_decoder_free(dec);
}

static void test_malformed_kind_counts_are_refused(void **state)
{
	static const char *const bad[] = {
		"", "{}", "{", "}", "{\"5\":1", "{\"5\":1}x", "{5:1}", "{\"5\":0}", "{\"0\":1}", "{\"256\":1}", "{\"5\":65537}", "{\"5\":-1}",
		"{\"6\":1,\"5\":1}", "{\"5\":1,\"5\":1}", "{\"5\":1,}", "{\"5\":99999999999999999999999}", "[1]", "{\"5\" :1}",
	};
	uint32_t counts[CHUNK_KINDS_MAX];

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(chunk_parse_kinds(bad[i], counts), -EBADMSG);
	assert_int_equal(chunk_parse_kinds("{\"5\":100,\"255\":65536}", counts), 0);
	assert_int_equal(counts[5], 100);
	assert_int_equal(counts[255], 65536);
}

/* a row as a later version may write it: stored, with columns in hand-made encodings */
static struct chunk_row hand_made(uint8_t *raw, size_t bytes, uint64_t events, const char *kinds)
{
	struct chunk_row row = { .id = 1, .events = events, .kind_events = kinds, .codec = CHUNK_STORED, .raw_bytes = bytes, .data = raw,
				 .data_bytes = bytes };

	row.checksum = chunk_checksum(&row);
	return row;
}

static void test_columns_of_a_later_version_are_skipped(void **state)
{
	/* kind = 12 (frame), t = 0, column 9 and argument 7 are not known, frame = 5; the unknown ones are in encoding 99 */
	static uint8_t raw[] = { 5, 0, 0, 1, 1, 0, 1, 9, 99, 2, 0xc0, 0x01, 0, 1, 0xc7, 0x01, 99, 1, 12, 0, 0xaa, 0xbb, 5, 0xcc };
	struct chunk_decoder *dec = chunk_decoder_new();
	struct chunk_row row = hand_made(raw, sizeof(raw), 2, "{\"12\":2}");
	const struct trace_event *out;
	const char *why = NULL;

	(void)state;
	assert_int_equal(chunk_decode(dec, &row, &out, &why), 0);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(out[i].kind, TRACE_FRAME);
		assert_int_equal(out[i].arg[0], 5);
		assert_int_equal(out[i].device, 0);
	}
	chunk_decoder_free(dec);
}

static void test_later_encoding_or_codec_is_not_supported(void **state)
{
	static uint8_t raw[] = { 2, 0, 0, 1, 1, 99, 1, 12, 0 };
	struct chunk_decoder *dec = chunk_decoder_new();
	struct chunk_row row = hand_made(raw, sizeof(raw), 1, "{\"12\":1}");
	const struct trace_event *out;
	const char *why = NULL;

	(void)state;
	assert_int_equal(chunk_decode(dec, &row, &out, &why), -ENOTSUP);
	assert_non_null(strstr(why, "encoding"));
	row.codec = 7;
	row.checksum = chunk_checksum(&row);
	assert_int_equal(chunk_decode(dec, &row, &out, &why), -ENOTSUP);
	assert_non_null(strstr(why, "compression"));
	chunk_decoder_free(dec);
}

static void test_chunk_without_kinds_or_times_is_refused(void **state)
{
	static uint8_t no_time[] = { 1, 0, 0, 1, 12 };
	static uint8_t swapped[] = { 2, 1, 0, 1, 0, 0, 1, 0, 12 };
	static uint8_t twice[] = { 3, 0, 0, 1, 1, 0, 1, 1, 0, 1, 12, 0, 0 };
	struct chunk_decoder *dec = chunk_decoder_new();
	struct chunk_row rows[] = { hand_made(no_time, sizeof(no_time), 1, "{\"12\":1}"), hand_made(swapped, sizeof(swapped), 1, "{\"12\":1}"),
				    hand_made(twice, sizeof(twice), 1, "{\"12\":1}") };
	const struct trace_event *out;
	const char *why = NULL;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_int_equal(chunk_decode(dec, &rows[i], &out, &why), -EBADMSG);
	chunk_decoder_free(dec);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_flipped_bits_of_columns_do_no_harm),
		cmocka_unit_test(test_every_flipped_byte_is_found),
		cmocka_unit_test(test_flipped_bytes_with_mended_checksum_do_no_harm),
		cmocka_unit_test(test_every_truncation_is_found),
		cmocka_unit_test(test_every_number_of_the_row_is_checked),
		cmocka_unit_test(test_malformed_kind_counts_are_refused),
		cmocka_unit_test(test_columns_of_a_later_version_are_skipped),
		cmocka_unit_test(test_later_encoding_or_codec_is_not_supported),
		cmocka_unit_test(test_chunk_without_kinds_or_times_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
