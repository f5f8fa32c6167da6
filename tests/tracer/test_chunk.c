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
#include "tracer/tracer.h"

static void expect_same(struct chunk_decoder *dec, const struct chunk_row *row, const struct trace_event *events, uint32_t n)
{
	const struct trace_event *out;
	const char *why = NULL;

	assert_int_equal(chunk_decode(dec, row, &out, &why), 0);
	assert_memory_equal(events, out, n * sizeof(*events));
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

		expect_same(dec, &row, events, n);
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
	struct chunk_row row;

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
	expect_same(dec, &row, events, CHUNK_EVENTS_MAX);
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

			expect_same(dec, &row, events, sizes[i]);
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

		expect_same(dec, &row, events, n);
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

		for (uint32_t i = 0; i < 20000; i++) {
			t = with ? events[i].t_ns : t + rnd() % 10000;
			events[i] = (struct trace_event){ .t_ns = t, .kind = i % 3 ? TRACE_REQ_MAP : TRACE_FRAME };
			if (with && i % 3)
				events[i].arg[TRACE_REQ_GUEST_T] = t - 5000000 + (i > 9999) * 77;
		}
		row = encode(enc, events, 20000);
		bytes[with] = row.data_bytes;
		expect_same(dec, &row, events, 20000);
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

		for (uint32_t i = 0; i < 20000; i++) {
			uint64_t reg = with ? events[i].arg[1] / 4 : rnd() % 64;

			events[i] = (struct trace_event){ .kind = TRACE_REGION_READ, .arg = { 0, 4 * reg, 4, with ? held[reg] : 0 } };
		}
		row = encode(enc, events, 20000);
		bytes[with] = row.data_bytes;
		expect_same(dec, &row, events, 20000);
	}
	assert_true(bytes[1] < bytes[0] + 1000);
	free(events);
	chunk_encoder_free(enc);
	chunk_decoder_free(dec);
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

	(void)state;
	assert_true(row.data_bytes < hurried_bytes - hurried_bytes / 8);
	assert_true(row.data_bytes < least_bytes + least_bytes / 32);
	expect_same(dec, &row, events, n);
	free(events);
	chunk_encoder_free(enc);
	chunk_encoder_free(thorough);
	chunk_decoder_free(dec);
}

/* their addresses are chance and cannot be told in less, but they need not be told twice */
static void test_unmaps_cost_little_beside_their_maps(void **state)
{
	struct chunk_decoder *dec = chunk_decoder_new();
	uint32_t n = 20000, maps = 0;
	struct trace_event *events = events_of_buffers(n), *alone = malloc(n * sizeof(*alone));

	(void)state;
	for (uint32_t i = 0; i < n; i++) {
		if (events[i].kind == TRACE_MAP || events[i].kind == TRACE_UNMAP)
			events[i].kind -= 2;
		events[i].arg[TRACE_REQ_FLAGS] = events[i].arg[TRACE_REQ_GUEST_T] = 0;
		if (events[i].kind == TRACE_REQ_MAP)
			alone[maps++] = events[i];
	}
	for (int thorough = 0; thorough < 2; thorough++) {
		struct chunk_encoder *enc = chunk_encoder_new(thorough);
		size_t alone_bytes = encode(enc, alone, maps).data_bytes;
		struct chunk_row row = encode(enc, events, n);

		assert_true(row.data_bytes < alone_bytes + alone_bytes / 4);
		expect_same(dec, &row, events, n);
		chunk_encoder_free(enc);
	}
	free(alone);
	free(events);
	chunk_decoder_free(dec);
}

/* whatever is asked for is right, and all else zero, although a column may need others that were not asked for */
static void test_any_columns_of_any_kinds_can_be_had_alone(void **state)
{
	struct trace_event *(*const shapes[])(uint32_t) = { shaped_events, events_of_classes, events_of_buffers };
	struct chunk_decoder *dec = chunk_decoder_new();
	struct chunk_encoder *enc = chunk_encoder_new(true);
	uint32_t n = 3000;

	(void)state;
	for (int round = 0; round < 600; round++) {
		struct trace_event *events = shapes[round % 3](n);
		struct chunk_row row = encode(enc, events, n);
		uint64_t kinds = rnd() & rnd() & TRACE_KINDS_ALL;
		uint32_t columns = (uint32_t)rnd() & (uint32_t)rnd() & TRACE_COLUMNS_ALL;
		const struct trace_event *out;
		const char *why = NULL;

		chunk_decoder_project(dec, kinds, columns);
		assert_int_equal(chunk_decode(dec, &row, &out, &why), 0);
		for (uint32_t i = 0; i < n; i++) {
			assert_true(out[i].kind == events[i].kind && out[i].t_ns == events[i].t_ns);
			for (unsigned int a = 0; a < TRACE_ARGS_MAX; a++) {
				bool wanted = kinds & TRACE_KIND_BIT(events[i].kind) && columns & TRACE_COLUMN_ARG(a);

				assert_int_equal(out[i].arg[a], wanted ? events[i].arg[a] : 0);
			}
		}
		free(events);
	}
	chunk_encoder_free(enc);
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
		cmocka_unit_test(test_unmaps_cost_little_beside_their_maps),
		cmocka_unit_test(test_any_columns_of_any_kinds_can_be_had_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
