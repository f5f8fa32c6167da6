/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* Text of policies, alignment arithmetic, and the list of policies. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "runtime/core/coalesce.h"

static void test_every_shipped_policy_parses_by_name_and_formats_back(void **state)
{
	const struct coalesce_policy *const *p;
	u32 n = 0;

	(void)state;
	for (p = coalesce_policies; *p; p++, n++) {
		struct coalesce_config cfg = { .max_mappings = 77 }, again = { 0 };
		char text[COALESCE_SPEC_BYTES];
		u32 i;

		assert_int_equal(coalesce_parse((*p)->name, &cfg), 0);
		assert_ptr_equal(cfg.policy, *p);
		assert_int_equal(cfg.max_mappings, 77);
		for (i = 0; i < (*p)->nparams; i++)
			assert_int_equal(cfg.param[i], (*p)->params[i].def);
		coalesce_format(&cfg, text, sizeof(text));
		assert_int_equal(coalesce_parse(text, &again), 0);
		assert_memory_equal(cfg.param, again.param, sizeof(cfg.param));
	}
	assert_true(n >= 2);
}

static void test_window_defaults_to_the_published_256_kib(void **state)
{
	struct coalesce_config cfg;
	char text[COALESCE_SPEC_BYTES], cut[9];

	(void)state;
	assert_int_equal(coalesce_parse("window", &cfg), 0);
	coalesce_format(&cfg, text, sizeof(text));
	assert_string_equal(text, "window:log2=18");
	coalesce_format(&cfg, cut, sizeof(cut));
	assert_string_equal(cut, "window:l");
	cut[0] = 'x';
	coalesce_format(&cfg, cut, 0);
	assert_int_equal(cut[0], 'x');
}

static void test_bad_specs_say_what_is_wrong_and_change_nothing(void **state)
{
	static const struct {
		const char *spec;
		int error;
	} bad[] = {
		{ "", -EINVAL },
		{ ":", -EINVAL },
		{ "windo", -ENOENT },
		{ "windows", -ENOENT },
		{ "Window", -ENOENT },
		{ "direct:", -EINVAL },
		{ "direct:log2=18", -ESRCH },
		{ "window:", -EINVAL },
		{ "window:log2", -EINVAL },
		{ "window:log2=", -EINVAL },
		{ "window:=18", -EINVAL },
		{ "window:log2=18,", -EINVAL },
		{ "window:log2=18,log2=18", -EINVAL },
		{ "window:log2=-1", -EINVAL },
		{ "window:log2=0x12", -EINVAL },
		{ "window:log=18", -ESRCH },
		{ "window:log2=13", -ERANGE },
		{ "window:log2=31", -ERANGE },
		{ "window:log2=4294967314", -ERANGE },
		{ "window:log2=99999999999999999999999999999999", -ERANGE },
		{ "window:log2=0000000000000000000000000000000000000000000000000000000000000000000000000000000018", -EINVAL },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct coalesce_config cfg = { .param = { 99 } };

		assert_int_equal(coalesce_parse(bad[i].spec, &cfg), bad[i].error);
		assert_null(cfg.policy);
		assert_int_equal(cfg.param[0], 99);
	}
}

static void test_span_is_widened_to_granules_and_refused_if_that_wraps(void **state)
{
	static const struct {
		struct span in, out;
		u32 granule_log2;
		int rc;
	} cases[] = {
		{ { 0, 1 }, { 0, 16384 }, 14, 0 },
		{ { 16383, 2 }, { 0, 32768 }, 14, 0 },
		{ { 16384, 16384 }, { 16384, 16384 }, 14, 0 },
		{ { 1, 4096 }, { 0, 8192 }, 12, 0 },
		{ { ~0ull, 1 }, { ~0ull - 16383, 16384 }, 14, 0 },
		{ { 1, ~0ull }, { 9, 9 }, 14, -EINVAL },
		{ { 0, ~0ull }, { 9, 9 }, 14, -EINVAL },
		{ { 2, ~0ull }, { 9, 9 }, 14, -EINVAL },
		{ { 5, 0 }, { 9, 9 }, 14, -EINVAL },
		{ { 5, 1 }, { 9, 9 }, 11, -EINVAL },
		{ { 5, 1 }, { 9, 9 }, 31, -EINVAL },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct span out = { 9, 9 };

		assert_int_equal(align_span(&cases[i].in, cases[i].granule_log2, &out), cases[i].rc);
		assert_true(span_equal(out, cases[i].out));
	}
}

static void test_shims_have_names_and_take_back_only_what_the_granule_cannot_give(void **state)
{
	(void)state;
	assert_int_equal(align_shim_find("none"), ALIGN_NONE);
	assert_int_equal(align_shim_find("downgrade"), ALIGN_DOWNGRADE);
	assert_int_equal(align_shim_find("rewrite"), ALIGN_REWRITE);
	assert_int_equal(align_shim_find("pad"), ALIGN_PAD);
	assert_int_equal(align_shim_find("retry"), ALIGN_RETRY);
	assert_int_equal(align_shim_find("down"), -ENOENT);
	assert_int_equal(align_shim_find("nonesuch"), -ENOENT);
	assert_int_equal(align_shim_find(""), -ENOENT);
	assert_string_equal(align_shim_name(ALIGN_DOWNGRADE), "downgrade");
	assert_null(align_shim_name(ALIGN_SHIMS));
	assert_int_equal(align_effective_log2(ALIGN_NONE, 21, 14), 21);
	assert_int_equal(align_effective_log2(ALIGN_DOWNGRADE, 21, 14), 0);
	assert_int_equal(align_effective_log2(ALIGN_DOWNGRADE, 14, 14), 14);
	assert_int_equal(align_effective_log2(ALIGN_REWRITE, 21, 14), 0);
	assert_int_equal(align_effective_log2(ALIGN_REWRITE, 14, 14), 14);
	assert_true(align_met(0x12345, 0));
	assert_true(align_met(0x10000, 16));
	assert_false(align_met(0x18000, 16));
	assert_true(align_met(0, 64));
	assert_false(align_met(1, 64));
}

static void test_drivers_that_ask_are_told_and_only_rewrite_changes_those_that_do_not(void **state)
{
	(void)state;
	assert_int_equal(align_promised_log2(ALIGN_NONE, 14), 0);
	assert_int_equal(align_promised_log2(ALIGN_DOWNGRADE, 14), 14);
	assert_int_equal(align_promised_log2(ALIGN_REWRITE, 14), 14);
	assert_int_equal(align_page_bytes(ALIGN_NONE, 1 << 21, 14), 1 << 21);
	assert_int_equal(align_page_bytes(ALIGN_DOWNGRADE, 1 << 21, 14), 1 << 21);
	assert_int_equal(align_page_bytes(ALIGN_REWRITE, 1 << 21, 14), 0);
	assert_int_equal(align_page_bytes(ALIGN_REWRITE, 1 << 14, 14), 1 << 14);
	assert_int_equal(align_page_bytes(ALIGN_REWRITE, 1 << 16, 16), 1 << 16);
	assert_int_equal(align_page_bytes(ALIGN_REWRITE, 0, 14), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_shipped_policy_parses_by_name_and_formats_back),
		cmocka_unit_test(test_window_defaults_to_the_published_256_kib),
		cmocka_unit_test(test_bad_specs_say_what_is_wrong_and_change_nothing),
		cmocka_unit_test(test_span_is_widened_to_granules_and_refused_if_that_wraps),
		cmocka_unit_test(test_shims_have_names_and_take_back_only_what_the_granule_cannot_give),
		cmocka_unit_test(test_drivers_that_ask_are_told_and_only_rewrite_changes_those_that_do_not),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
