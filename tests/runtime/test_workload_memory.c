/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* What a workload says of the guest's memory. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "runtime/workload_memory.h"

static u32 of(const char *text)
{
	char path[] = "/tmp/egpu-test-XXXXXX";
	int fd = mkstemp(path);
	FILE *out = fd < 0 ? NULL : fdopen(fd, "w");
	u32 mib;

	assert_non_null(out);
	fputs(text, out);
	fclose(out);
	mib = workload_memory_mib(path);
	unlink(path);
	return mib;
}

static void test_first_statement_says_it(void **state)
{
	(void)state;
	assert_int_equal(of("memory 256M\nseed 1\n"), 256);
	assert_int_equal(of("# words: memory 1G\n\n  \t# more\n\tmemory 4G"), 4096);
	assert_int_equal(workload_memory_mib("datasets/workloads/small.workload"), 256);
	assert_int_equal(workload_memory_mib("datasets/workloads/horizon-zero-dawn.workload"), 4096);
}

static void test_anything_else_says_nothing(void **state)
{
	(void)state;
	assert_int_equal(of(""), 0);
	assert_int_equal(of("seed 1\nmemory 256M\n"), 0);
	assert_int_equal(of("memory 256\n"), 0);
	assert_int_equal(of("memory 256K\n"), 0);
	assert_int_equal(of("memory 99999999999999999G\n"), 0);
	assert_int_equal(of("memory 9999999G\n"), 0);
	assert_int_equal(of("memory 4194305G\n"), 0);
	assert_int_equal(of("memory -3G\n"), 0);
	assert_int_equal(workload_memory_mib("/nonexistent"), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_first_statement_says_it),
		cmocka_unit_test(test_anything_else_says_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
