/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tracer/chunk.h"
#include "tracer/chunk_lz4.h"
#include "tracer/column.h"

static uint64_t seed = 0x9e3779b97f4a7c15ull;

static uint64_t rnd(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed;
}

static void random_event(struct trace_event *e, uint64_t t_ns, unsigned int kinds)
{
	unsigned int kind = 1 + (unsigned int)(rnd() % kinds);
	const struct trace_event_info *info = trace_event_info(kind);

	memset(e, 0, sizeof(*e));
	e->t_ns = t_ns;
	e->kind = (uint16_t)kind;
	e->device = (uint16_t)(rnd() % 8 ? 1 : rnd());
	e->status = rnd() % 10 ? 0 : (int32_t)rnd();
	for (unsigned int a = 0; a < TRACE_ARGS_MAX; a++) {
		if (!info || info->arg_form[a] != TRACE_UNUSED)
			e->arg[a] = rnd() >> (rnd() % 64);
	}
}

static struct trace_event *random_events(uint32_t n, unsigned int kinds)
{
	struct trace_event *events = malloc(n * sizeof(*events));
	uint64_t t = rnd() >> 8;

	for (uint32_t i = 0; i < n; i++) {
		t += rnd() % 1000;
		random_event(&events[i], rnd() % 50 ? t : rnd(), kinds);
	}
	return events;
}

static struct chunk_row encode(struct chunk_encoder *e, const struct trace_event *events, uint32_t n)
{
	struct chunk_row row = { .id = 3, .first_seq = 777 };

	chunk_encode(e, events, n, &row);
	return row;
}

static void test_random_events_round_trip(void **state)
{
	struct chunk_encoder *quick = chunk_encoder_new(false), *thorough = chunk_encoder_new(true);
	struct chunk_decoder *dec = chunk_decoder_new();

	(void)state;
	for (int round = 0; round < 300; round++) {
		uint32_t n = 1 + (uint32_t)(rnd() % 2000);
		struct trace_event *events = random_events(n, round % 3 ? TRACE_KINDS - 1 : 255);
		struct chunk_row row = encode(round % 8 ? quick : thorough, events, n);
		const struct trace_event *out;
		const char *why = NULL;

		assert_int_equal(chunk_decode(dec, &row, &out, &why), 0);
		assert_memory_equal(events, out, n * sizeof(*events));
		free(events);
	}
	chunk_encoder_free(quick);
	chunk_encoder_free(thorough);
	chunk_decoder_free(dec);
}

/* the most a chunk can hold, of values that do not compress: it must stay inside the encoder's buffers and the format's limits */
static void largest_worst_chunk_round_trips(bool thorough)
{
	struct chunk_encoder *enc = chunk_encoder_new(thorough);
	struct chunk_decoder *dec = chunk_decoder_new();
	struct trace_event *events = malloc(CHUNK_EVENTS_MAX * sizeof(*events));
	const struct trace_event *out;
	struct chunk_row row;
	const char *why = NULL;

	for (uint32_t i = 0; i < CHUNK_EVENTS_MAX; i++) {
		/* kinds 18..255 are not in the table: all six arguments are stored */
		events[i].kind = (uint16_t)(1 + rnd() % 255);
		random_event(&events[i], rnd(), 255);
		for (unsigned int a = 0; a < TRACE_ARGS_MAX; a++)
			events[i].arg[a] = trace_event_info(events[i].kind) ? events[i].arg[a] : rnd();
		events[i].device = (uint16_t)rnd();
		events[i].status = (int32_t)rnd();
	}
	row = encode(enc, events, CHUNK_EVENTS_MAX);
	assert_true(row.raw_bytes <= CHUNK_RAW_MAX && row.data_bytes <= CHUNK_DATA_MAX);
	assert_int_equal(chunk_decode(dec, &row, &out, &why), 0);
	assert_memory_equal(events, out, CHUNK_EVENTS_MAX * sizeof(*events));
	free(events);
	chunk_encoder_free(enc);
	chunk_decoder_free(dec);
}

static void test_largest_worst_chunk_round_trips(void **state)
{
	(void)state;
	largest_worst_chunk_round_trips(false);
	largest_worst_chunk_round_trips(true);
}

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

/* values as real columns have them, so that every prediction, dictionary entries, magnitudes of all sizes and runs come up */
static struct trace_event *shaped_events(uint32_t n)
{
	static const uint16_t kinds[] = { TRACE_REGION_WRITE, TRACE_REQ_MAP, TRACE_REQ_UNMAP };
	struct trace_event *events = calloc(n, sizeof(*events));
	uint64_t t = rnd() >> 20, offset[64];

	for (int i = 0; i < 64; i++)
		offset[i] = (rnd() >> 20) << 14;
	for (uint32_t i = 0; i < n; i++) {
		uint64_t gpa = (rnd() % (64 << 6)) << 12, big = rnd() >> rnd() % 64;

		t += i % 3 ? 30 : rnd() % 5 ? 40 : rnd() % 100000;
		events[i] = (struct trace_event){ .t_ns = t, .kind = kinds[i / 50 % 3], .device = 1 + i / 999 };
		events[i].arg[0] = gpa;
		events[i].arg[1] = rnd() % 20 ? 4096 : 65536;
		events[i].arg[2] = gpa + offset[gpa >> 18];
		events[i].arg[3] = i / 64 * (rnd() % 100 ? 1 : big);
		if (events[i].kind == TRACE_REGION_WRITE) {
			events[i].arg[1] = 4 * (rnd() % 8);
			events[i].arg[3] = offset[events[i].arg[1]] + i / 64;
		}
		if (events[i].kind == TRACE_REQ_MAP)
			events[i].arg[4] = 8 * t + i * (uint64_t)i * 1000;
		else if (events[i].kind == TRACE_REQ_UNMAP)
			events[i].arg[4] = t - 999 + i / 100; /* another clock, which runs alike but for a step now and then */
	}
	return events;
}

static void test_shaped_events_round_trip_in_few_bytes(void **state)
{
	static const uint32_t sizes[] = { 1, 2, 63, 500, 2048, 2049, 20000, CHUNK_EVENTS_MAX };
	struct chunk_decoder *dec = chunk_decoder_new();

	(void)state;
	for (int thorough = 0; thorough < 2; thorough++) {
		struct chunk_encoder *enc = chunk_encoder_new(thorough);

		for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
			struct trace_event *events = shaped_events(sizes[i]);
			struct chunk_row row = encode(enc, events, sizes[i]);
			const struct trace_event *out;
			const char *why = NULL;

			assert_int_equal(chunk_decode(dec, &row, &out, &why), 0);
			assert_memory_equal(events, out, sizes[i] * sizeof(*events));
			assert_true(sizes[i] < 2000 || row.data_bytes < sizes[i] * 8);
			free(events);
		}
		chunk_encoder_free(enc);
	}
	chunk_decoder_free(dec);
}

/* an encoder gets used to what its columns are like; what suddenly differs comes out right, and as small as from a new one */
static void test_encoder_that_is_used_to_other_events_does_as_well_as_a_new_one(void **state)
{
	struct chunk_encoder *used = chunk_encoder_new(false);
	struct chunk_decoder *dec = chunk_decoder_new();

	(void)state;
	for (int round = 0; round < 60; round++) {
		uint32_t n = round % 7 == 3 ? 1 + (uint32_t)(rnd() % 50) : 5000 + (uint32_t)(rnd() % 5000);
		bool shaped = round / 20 % 2 == 0 && round % 20 != 9;
		struct trace_event *events = shaped ? shaped_events(n) : random_events(n, TRACE_KINDS - 1);
		struct chunk_encoder *fresh = chunk_encoder_new(false);
		size_t fresh_bytes = encode(fresh, events, n).data_bytes;
		struct chunk_row row = encode(used, events, n);
		const struct trace_event *out;
		const char *why = NULL;

		assert_int_equal(chunk_decode(dec, &row, &out, &why), 0);
		assert_memory_equal(events, out, n * sizeof(*events));
		assert_true(row.data_bytes < fresh_bytes + fresh_bytes / 8 + 500);
		chunk_encoder_free(fresh);
		free(events);
	}
	chunk_encoder_free(used);
	chunk_decoder_free(dec);
}

/* before the first event, and so below zero, too */
static void test_times_of_a_clock_that_runs_alike_cost_nothing(void **state)
{
	struct chunk_encoder *enc = chunk_encoder_new(false);
	struct chunk_decoder *dec = chunk_decoder_new();
	struct trace_event *events = calloc(20000, sizeof(*events));
	size_t bytes[2];
	uint64_t t = 0;

	(void)state;
	for (int with = 0; with < 2; with++) {
		struct chunk_row row;
		const struct trace_event *out;
		const char *why = NULL;

		for (uint32_t i = 0; i < 20000; i++) {
			t = with ? events[i].t_ns : t + rnd() % 10000;
			events[i] = (struct trace_event){ .t_ns = t, .kind = i % 3 ? TRACE_REQ_MAP : TRACE_FRAME };
			if (with && i % 3)
				events[i].arg[TRACE_REQ_GUEST_T] = t - 5000000 + (i > 9999) * 77;
		}
		row = encode(enc, events, 20000);
		bytes[with] = row.data_bytes;
		assert_int_equal(chunk_decode(dec, &row, &out, &why), 0);
		assert_memory_equal(events, out, 20000 * sizeof(*events));
	}
	assert_true(bytes[1] < bytes[0] + 100);
	free(events);
	chunk_encoder_free(enc);
	chunk_decoder_free(dec);
}

static void test_registers_that_keep_their_values_cost_what_their_offsets_do(void **state)
{
	struct chunk_encoder *enc = chunk_encoder_new(false);
	struct chunk_decoder *dec = chunk_decoder_new();
	struct trace_event *events = calloc(20000, sizeof(*events));
	uint64_t held[64];
	size_t bytes[2];

	(void)state;
	for (int i = 0; i < 64; i++)
		held[i] = rnd() >> 32;
	for (int with = 0; with < 2; with++) {
		struct chunk_row row;
		const struct trace_event *out;
		const char *why = NULL;

		for (uint32_t i = 0; i < 20000; i++) {
			uint64_t reg = with ? events[i].arg[1] / 4 : rnd() % 64;

			events[i] = (struct trace_event){ .kind = TRACE_REGION_READ, .arg = { 0, 4 * reg, 4, with ? held[reg] : 0 } };
		}
		row = encode(enc, events, 20000);
		bytes[with] = row.data_bytes;
		assert_int_equal(chunk_decode(dec, &row, &out, &why), 0);
		assert_memory_equal(events, out, 20000 * sizeof(*events));
	}
	assert_true(bytes[1] < bytes[0] + 1000);
	free(events);
	chunk_encoder_free(enc);
	chunk_decoder_free(dec);
}

/* registers that are random, that count, and that hardly change, after pauses of a length that goes by the kind of access */
static struct trace_event *events_of_classes(uint32_t n)
{
	struct trace_event *events = calloc(n, sizeof(*events));
	uint64_t t = 1000, count = 0;

	for (uint32_t i = 0; i < n; i++) {
		uint64_t reg = rnd() % 6;
		uint16_t kind = rnd() % 4 ? TRACE_REGION_READ : rnd() % 2 ? TRACE_REGION_WRITE : TRACE_IRQ;

		t += kind == TRACE_REGION_READ ? 50 : kind == TRACE_IRQ ? rnd() % 1000000 : 7000 + rnd() % 64;
		events[i] = (struct trace_event){ .t_ns = t, .kind = kind, .device = kind == TRACE_IRQ ? 2 : 1, .status = kind == TRACE_IRQ ? -ENOSPC : 0 };
		if (kind == TRACE_IRQ)
			continue;
		events[i].arg[TRACE_REGION_OFFSET] = 4 * reg;
		events[i].arg[TRACE_REGION_LEN] = 4;
		events[i].arg[TRACE_REGION_VALUE] = reg < 2 ? rnd() >> 32 : reg == 2 ? count++ : reg * 0x11;
	}
	return events;
}

static void test_columns_that_differ_by_class_are_smaller_if_time_is_taken(void **state)
{
	struct chunk_encoder *enc = chunk_encoder_new(false), *thorough = chunk_encoder_new(true);
	struct chunk_decoder *dec = chunk_decoder_new();
	struct trace_event *events = events_of_classes(CHUNK_EVENTS_MAX);
	/* there is no time while chunks fill up */
	uint32_t n = CHUNK_EVENTS_MAX - 1;
	size_t hurried_bytes = encode(enc, events, CHUNK_EVENTS_MAX).data_bytes, least_bytes = encode(thorough, events, n).data_bytes;
	struct chunk_row row = encode(enc, events, n);
	const struct trace_event *out;
	const char *why = NULL;

	(void)state;
	assert_true(row.data_bytes < hurried_bytes - hurried_bytes / 8);
	assert_true(row.data_bytes < least_bytes + least_bytes / 32);
	assert_int_equal(chunk_decode(dec, &row, &out, &why), 0);
	assert_memory_equal(events, out, n * sizeof(*events));
	free(events);
	chunk_encoder_free(enc);
	chunk_encoder_free(thorough);
	chunk_decoder_free(dec);
}

/* reads and writes at the toss of a coin: runs come by chance, and to tell them would cost more than a bit a row */
static void test_a_coin_takes_a_bit(void **state)
{
	struct chunk_encoder *enc = chunk_encoder_new(false);
	struct trace_event *events = calloc(CHUNK_EVENTS_MAX, sizeof(*events));

	(void)state;
	for (uint32_t i = 0; i < CHUNK_EVENTS_MAX; i++)
		events[i] = (struct trace_event){ .t_ns = 1000 + i, .kind = rnd() >> 40 & 1 ? TRACE_REGION_READ : TRACE_REGION_WRITE, .device = 1 };
	assert_in_range(encode(enc, events, CHUNK_EVENTS_MAX).data_bytes, CHUNK_EVENTS_MAX / 8 - 400, CHUNK_EVENTS_MAX / 8 + 400);
	free(events);
	chunk_encoder_free(enc);
}

/* a chunk whose columns were all chosen by a forger: the entropy-coded and the split ones above all */
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

static void test_flipped_bits_of_coded_and_split_columns_do_no_harm(void **state)
{
	(void)state;
	flip_bits(shaped_events(300), false);
	flip_bits(events_of_classes(300), true);
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
		cmocka_unit_test(test_random_events_round_trip),
		cmocka_unit_test(test_largest_worst_chunk_round_trips),
		cmocka_unit_test(test_shaped_events_round_trip_in_few_bytes),
		cmocka_unit_test(test_encoder_that_is_used_to_other_events_does_as_well_as_a_new_one),
		cmocka_unit_test(test_times_of_a_clock_that_runs_alike_cost_nothing),
		cmocka_unit_test(test_registers_that_keep_their_values_cost_what_their_offsets_do),
		cmocka_unit_test(test_columns_that_differ_by_class_are_smaller_if_time_is_taken),
		cmocka_unit_test(test_a_coin_takes_a_bit),
		cmocka_unit_test(test_flipped_bits_of_coded_and_split_columns_do_no_harm),
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
