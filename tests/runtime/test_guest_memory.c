/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* Many ranges of few files: what a guest behind a virtual IOMMU makes of its RAM. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "runtime/guest_memory.h"

#define PAGE 4096ull
#define A_FEW 256 /* a sanitizer makes some of its own */

static int file_of(u64 pages)
{
	int fd = memfd_create("guest", MFD_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, (off_t)(pages * PAGE)), 0);
	return fd;
}

static u32 kernel_mappings(void)
{
	FILE *f = fopen("/proc/self/maps", "re");
	u32 n = 0;
	int c;

	assert_non_null(f);
	while ((c = getc(f)) != EOF)
		n += c == '\n';
	fclose(f);
	return n;
}

static void test_as_many_ranges_as_there_may_be_take_one_kernel_mapping(void **state)
{
	struct guest_memory *gm = guest_memory_new();
	int fd = file_of(2 * GUEST_MEMORY_RANGES_MAX);
	u32 before = kernel_mappings(), i;
	u64 word;

	(void)state;
	/* backwards in the file, so that no two can be one by chance */
	for (i = 0; i < GUEST_MEMORY_RANGES_MAX; i++) {
		u64 page = 2ull * (GUEST_MEMORY_RANGES_MAX - 1 - i);

		assert_int_equal(guest_memory_add(gm, (struct span){ 2 * i * PAGE, PAGE }, fd, page * PAGE, true), 0);
	}
	assert_true(kernel_mappings() < before + A_FEW);
	for (i = 0; i < GUEST_MEMORY_RANGES_MAX; i += 1000) {
		word = 0x1234500000000ull + i;
		assert_int_equal(guest_memory_write(gm, 2 * i * PAGE + 8, &word, 8), 0);
		word = 0;
		assert_int_equal(pread(fd, &word, 8, (off_t)(2ull * (GUEST_MEMORY_RANGES_MAX - 1 - i) * PAGE + 8)), 8);
		assert_int_equal(word, 0x1234500000000ull + i);
		assert_int_equal(guest_memory_read(gm, (2 * i + 1) * PAGE, &word, 8), -EFAULT);
	}
	/* from the end, for from the start a sanitizer takes half a minute */
	for (i = GUEST_MEMORY_RANGES_MAX; i-- > 0;)
		assert_int_equal(guest_memory_remove(gm, (struct span){ 2 * i * PAGE, PAGE }), PAGE);
	assert_true(kernel_mappings() < before + A_FEW);
	guest_memory_free(gm);
	close(fd);
}

static void test_a_range_that_may_not_be_written_is_not_though_the_file_is_mapped_for_writing(void **state)
{
	struct guest_memory *gm = guest_memory_new();
	int fd = file_of(4);
	u32 word = 7;

	(void)state;
	assert_int_equal(guest_memory_add(gm, (struct span){ 0, PAGE }, fd, 0, true), 0);
	assert_int_equal(guest_memory_add(gm, (struct span){ PAGE, PAGE }, fd, PAGE, false), 0);
	assert_int_equal(guest_memory_write(gm, 0, &word, 4), 0);
	assert_int_equal(guest_memory_write(gm, PAGE, &word, 4), -EFAULT);
	assert_int_equal(guest_memory_read(gm, PAGE, &word, 4), 0);
	guest_memory_free(gm);
	close(fd);
}

static void test_a_file_that_grew_is_reachable_to_its_new_end(void **state)
{
	struct guest_memory *gm = guest_memory_new();
	int fd = file_of(2), other = file_of(2);
	u32 word = 0;

	(void)state;
	assert_int_equal(guest_memory_add(gm, (struct span){ 0, PAGE }, fd, 0, true), 0);
	assert_int_equal(guest_memory_add(gm, (struct span){ 8 * PAGE, PAGE }, fd, 5 * PAGE, true), -ENXIO);
	assert_int_equal(ftruncate(fd, 6 * PAGE), 0);
	assert_int_equal(pwrite(fd, "grew", 4, 5 * PAGE), 4);
	assert_int_equal(pwrite(other, "else", 4, 0), 4);
	assert_int_equal(guest_memory_add(gm, (struct span){ 8 * PAGE, PAGE }, fd, 5 * PAGE, true), 0);
	assert_int_equal(guest_memory_read(gm, 8 * PAGE, &word, 4), 0);
	assert_memory_equal(&word, "grew", 4);
	assert_int_equal(guest_memory_add(gm, (struct span){ 9 * PAGE, PAGE }, other, 0, true), 0);
	assert_int_equal(guest_memory_read(gm, 9 * PAGE, &word, 4), 0);
	assert_memory_equal(&word, "else", 4);
	guest_memory_free(gm);
	close(fd);
	close(other);
}

static void test_a_file_cut_short_fails_an_access_and_nothing_else(void **state)
{
	struct guest_memory *gm = guest_memory_new();
	int fd = file_of(4);
	u32 word = 5;

	(void)state;
	assert_int_equal(guest_memory_protect(), 0);
	assert_int_equal(guest_memory_add(gm, (struct span){ 0, 2 * PAGE }, fd, 0, true), 0);
	assert_int_equal(guest_memory_add(gm, (struct span){ 2 * PAGE, 2 * PAGE }, fd, 2 * PAGE, true), 0);
	assert_int_equal(ftruncate(fd, PAGE), 0);
	assert_int_equal(guest_memory_write(gm, 0, &word, 4), 0);
	assert_int_equal(guest_memory_write(gm, 3 * PAGE, &word, 4), -EFAULT);
	assert_int_equal(guest_memory_add(gm, (struct span){ 8 * PAGE, PAGE }, fd, 3 * PAGE, true), -ENXIO);
	guest_memory_free(gm);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_as_many_ranges_as_there_may_be_take_one_kernel_mapping),
		cmocka_unit_test(test_a_range_that_may_not_be_written_is_not_though_the_file_is_mapped_for_writing),
		cmocka_unit_test(test_a_file_that_grew_is_reachable_to_its_new_end),
		cmocka_unit_test(test_a_file_cut_short_fails_an_access_and_nothing_else),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
