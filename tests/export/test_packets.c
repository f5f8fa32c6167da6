/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * Tests of the packets an event becomes, where the bytes are known by heart. Called as "test_packets accesses PATH" it makes a trace with
 * accesses of every width and alignment, to programmed and unprogrammed BARs, for the tests that read exports back; "storm PATH" makes one
 * with a burst of interrupts; called as "test_packets live PATH MS COUNT" it records an access every MS milliseconds, COUNT in all.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tracer/export/bars.h"
#include "tracer/export/tlp.h"
#include "tracer/tracer.h"

static void assert_bytes(const struct tlp *p, const char *hex)
{
	char text[2 * 64 + 1] = "";

	assert_true(p->len <= 64);
	for (size_t i = 0; i < p->len; i++)
		snprintf(text + 2 * i, 3, "%02x", p->bytes[i]);
	assert_string_equal(text, hex);
}

static void test_read_below_4_gib_has_three_double_words(void **state)
{
	struct tlp_access a = { .completer = 0x0108, .tag = 0x2a, .address = 0xfebe0004, .len = 4, .value = 0x11223344 };
	struct tlp p;

	(void)state;
	tlp_memory(&p, &a, false);
	assert_bytes(&p, "00000001" "00002a0f" "febe0004");
	tlp_memory_completion(&p, &a);
	assert_bytes(&p, "4a000001" "01080004" "00002a04" "44332211");
}

static void test_write_above_4_gib_has_four_double_words(void **state)
{
	struct tlp_access a = { .tag = 7, .address = 0x123456789c, .len = 8, .value = 0x8877665544332211 };
	struct tlp p;

	(void)state;
	tlp_memory(&p, &a, true);
	assert_bytes(&p, "60000002" "000007ff" "00000012" "3456789c" "1122334455667788");
}

static void test_byte_enables_follow_alignment(void **state)
{
	struct tlp_access a = { .address = 0x1002, .len = 4, .value = 0xddccbbaa };
	struct tlp p;

	(void)state;
	tlp_memory(&p, &a, true);
	assert_bytes(&p, "40000002" "0000003c" "00001000" "0000aabbccdd0000");
	a = (struct tlp_access){ .address = 0x1003, .len = 1, .value = 0xee };
	tlp_memory(&p, &a, true);
	assert_bytes(&p, "40000001" "00000008" "00001000" "000000ee");
	a = (struct tlp_access){ .address = 0x1001, .len = 8, .value = 0x0807060504030201 };
	tlp_memory(&p, &a, true);
	assert_bytes(&p, "40000003" "0000001e" "00001000" "000102030405060708000000");
}

static void test_config_write_is_answered_without_data(void **state)
{
	struct tlp_access a = { .completer = 0xe008, .tag = 1, .address = 0x10e, .len = 2, .value = 0xbeef };
	struct tlp p;

	(void)state;
	tlp_config(&p, &a, true);
	assert_bytes(&p, "44000001" "0000010c" "e008010c" "0000efbe");
	tlp_config_completion(&p, &a, true);
	assert_bytes(&p, "0a000000" "e0080004" "00000100");
}

static void test_vendor_message_is_padded_to_double_words(void **state)
{
	struct tlp p;

	(void)state;
	tlp_vendor(&p, 0x0100, "abcde", 5);
	assert_bytes(&p, "70000002" "0100007f" "00001234" "65677075" "6162636465000000");
	tlp_intx(&p, 0x0100, 2);
	assert_bytes(&p, "34000000" "01000022" "00000000" "00000000");
}

/* ---- BARs ---- */

static uint64_t address_of(const struct bars *b, uint64_t region, uint64_t offset)
{
	uint64_t address;

	assert_true(bars_address(b, 5, region, offset, &address));
	return address;
}

static void test_bar_is_where_the_guest_wrote_it(void **state)
{
	struct bars b = { 0 };

	(void)state;
	bars_config(&b, true, 0x10, 4, 0xfebe0000);
	assert_int_equal(address_of(&b, 0, 0x44), 0xfebe0044);
	bars_config(&b, true, 0x30, 4, 0xfea00001);
	assert_int_equal(address_of(&b, BARS_REGION_ROM, 0), 0xfea00000);
}

static void test_64_bit_bar_takes_both_halves(void **state)
{
	struct bars b = { 0 };

	(void)state;
	bars_config(&b, false, 0x18, 4, 0xc);
	bars_config(&b, true, 0x18, 4, 0xe0000000);
	assert_int_equal(address_of(&b, 2, 0) & BARS_MADE_UP_BASE, BARS_MADE_UP_BASE); /* half of it is not known */
	bars_config(&b, true, 0x1c, 4, 0x71);
	assert_int_equal(address_of(&b, 2, 0x1000), 0x71e0001000);
}

static void test_bar_without_address_gets_one_that_is_marked(void **state)
{
	struct bars b = { 0 };

	(void)state;
	assert_int_equal(address_of(&b, 2, 0x10), 0xe600052000000010);
	bars_config(&b, true, 0x18, 4, 0xffffffff); /* asks for its size */
	assert_int_equal(address_of(&b, 2, 0x10), 0xe600052000000010);
	bars_config(&b, true, 0x18, 4, 0);
	assert_int_equal(address_of(&b, 2, 0x10), 0xe600052000000010);
}

static void test_io_bar_and_far_offset_have_no_address(void **state)
{
	struct bars b = { 0 };
	uint64_t address;

	(void)state;
	bars_config(&b, false, 0x24, 4, 1);
	assert_false(bars_address(&b, 1, 5, 0, &address));
	assert_false(bars_address(&b, 1, 0, UINT64_C(1) << 36, &address));
	assert_false(bars_address(&b, 1, 8, 0, &address));
}

/* ---- traces for other tests ---- */

static struct tracer *make_trace(const char *path)
{
	struct tracer_options options = { .path = path, .flush_ms = 50 };
	char error[TRACE_ERROR_BYTES];
	struct tracer *t;

	if (tracer_open(&options, &t, error) != 0) {
		fprintf(stderr, "%s\n", error);
		exit(1);
	}
	tracer_meta(t, TRACE_META_PROVENANCE, "modelled");
	tracer_meta(t, TRACE_META_ORIGIN, "made by a test");
	return t;
}

static void region(struct tracer_ring *ring, uint16_t device, bool write, uint64_t at, uint64_t offset, uint64_t len, uint64_t value, int status)
{
	static uint64_t t_ns = 4000000001;
	struct trace_event e = {
		.t_ns = t_ns += 1001, .kind = write ? TRACE_REGION_WRITE : TRACE_REGION_READ, .device = device, .status = status,
		.arg = { at, offset, len, len >= 8 ? value : value & ((UINT64_C(1) << (8 * len)) - 1) },
	};

	tracer_emit(ring, &e);
}

static void all_widths(struct tracer_ring *ring, uint16_t device, uint64_t at, uint64_t base)
{
	for (uint64_t len = 1; len <= 8; len++) {
		for (uint64_t offset = 0; offset < 8; offset++) {
			region(ring, device, false, at, base + offset, len, 0x8796a5b4c3d2e1f0 ^ (offset * 0x0101010101010101), 0);
			region(ring, device, true, at, base + offset, len, 0x123456789abcdef1 * (len + offset), 0);
		}
	}
}

static int make_accesses(const char *path)
{
	struct tracer *t = make_trace(path);
	struct tracer_ring *ring = tracer_ring(t);
	uint16_t gpu = tracer_device(t, "0000:01:00.0", "10de:2b85"), other = tracer_device(t, "other", NULL);

	all_widths(ring, gpu, 0, 0xffc); /* not programmed, around the end of a page */
	all_widths(ring, gpu, 7, 0x40);
	region(ring, gpu, false, 7, 0x18, 4, 0xc, 0);
	region(ring, gpu, true, 7, 0x10, 4, ~0u, 0);
	region(ring, gpu, true, 7, 0x10, 4, 0xfebe0000, 0);
	region(ring, gpu, true, 7, 0x18, 8, 0x8ffffffe000000c, 0); /* both halves in one access */
	all_widths(ring, gpu, 0, 0x1ffc);
	all_widths(ring, gpu, 2, 0xff8);
	all_widths(ring, other, 2, 0xffc);
	all_widths(ring, gpu, 7, 0xff0);
	region(ring, gpu, false, 7, 0xffc, 8, 1, 0);     /* beyond the end: no packet says that */
	region(ring, gpu, false, 0, 0x10, 64, 7, 0);     /* wider than what a trace keeps */
	region(ring, gpu, true, 0, 0x10, 4, 0, -EINVAL); /* refused */
	region(ring, gpu, false, 8, 0x10, 1, 3, 0);      /* VGA */
	region(ring, other, true, 0, 0, 0, 0, 0);
	for (uint64_t i = 0; i < 24; i++) {
		struct trace_event e = { .t_ns = 8000000000 + i, .kind = TRACE_IRQ, .device = gpu, .arg = { i % 3, i / 3, i % 4 != 1 } };

		tracer_emit(ring, &e);
	}
	return tracer_close(t, NULL) ? 1 : 0;
}

/* 100,000 interrupts at once, and one long after */
static int make_storm(const char *path)
{
	struct tracer *t = make_trace(path);
	struct tracer_ring *ring = tracer_ring(t);
	struct trace_event e = { .kind = TRACE_IRQ, .device = tracer_device(t, "gpu", NULL), .arg = { 2, 0, 1 } };

	for (uint64_t i = 0; i < 100000; i++) {
		e.t_ns = 1000 + i;
		tracer_emit(ring, &e);
	}
	e.t_ns = UINT64_C(1) << 40;
	tracer_emit(ring, &e);
	return tracer_close(t, NULL) ? 1 : 0;
}

/* @held_at: after so many it goes on when its standard input ends */
static int record_live(const char *path, unsigned int ms, unsigned int count, unsigned int held_at)
{
	struct tracer *t = make_trace(path);
	struct tracer_ring *ring = tracer_ring(t);
	struct trace_event e = { .kind = TRACE_REGION_WRITE, .device = tracer_device(t, "live", NULL), .arg = { 0, 0x10, 4 } };

	for (unsigned int i = 0; i < count; i++) {
		while (i == held_at && getchar() != EOF)
			;
		e.t_ns = tracer_now_ns();
		e.arg[TRACE_REGION_VALUE] = i;
		tracer_emit(ring, &e);
		usleep(1000 * ms);
	}
	return tracer_close(t, NULL) ? 1 : 0;
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_read_below_4_gib_has_three_double_words),
		cmocka_unit_test(test_write_above_4_gib_has_four_double_words),
		cmocka_unit_test(test_byte_enables_follow_alignment),
		cmocka_unit_test(test_config_write_is_answered_without_data),
		cmocka_unit_test(test_vendor_message_is_padded_to_double_words),
		cmocka_unit_test(test_bar_is_where_the_guest_wrote_it),
		cmocka_unit_test(test_64_bit_bar_takes_both_halves),
		cmocka_unit_test(test_bar_without_address_gets_one_that_is_marked),
		cmocka_unit_test(test_io_bar_and_far_offset_have_no_address),
	};

	if (argc == 3 && strcmp(argv[1], "accesses") == 0)
		return make_accesses(argv[2]);
	if (argc == 3 && strcmp(argv[1], "storm") == 0)
		return make_storm(argv[2]);
	if (argc == 6 && strcmp(argv[1], "live") == 0)
		return record_live(argv[2], (unsigned int)atoi(argv[3]), (unsigned int)atoi(argv[4]), (unsigned int)atoi(argv[5]));
	return cmocka_run_group_tests(tests, NULL, NULL);
}
