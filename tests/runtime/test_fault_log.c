/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* Lines as the kernel's IOMMU drivers write them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "runtime/fault_log.h"

static void check(const char *line, const char *bdf, u64 iova, bool write)
{
	struct fault_parser p = { 0 };
	struct fault f;

	assert_true(fault_parse(&p, line, &f));
	assert_string_equal(f.bdf, bdf);
	assert_int_equal(f.iova, iova);
	assert_int_equal(f.write, write);
}

static void test_intel_lines_are_understood(void **state)
{
	(void)state;
	check("DMAR: [DMA Write NO_PASID] Request device [00:04.0] fault addr 0x2e69000 [fault reason 0x05] PTE Write access is not set", "00:04.0", 0x2e69000, true);
	check("DMAR: [DMA Read NO_PASID] Request device [01:00.0] fault addr 0xfffff000 [fault reason 0x06] PTE Read access is not set", "01:00.0", 0xfffff000, false);
	check("DMAR: [DMA Write] Request device [03:1f.7] fault addr 1234000 [fault reason 05] PTE Write access is not set", "03:1f.7", 0x1234000, true);
}

static void test_amd_lines_are_understood(void **state)
{
	(void)state;
	check("vfio-pci 0000:01:00.0: AMD-Vi: Event logged [IO_PAGE_FAULT domain=0x000d address=0xfe000000 flags=0x0020] device=0000:01:00.0", "01:00.0",
	      0xfe000000, true);
	check("AMD-Vi: Event logged [IO_PAGE_FAULT device=0000:0b:00.1 domain=0x0013 address=0x1fff00000000 flags=0x0000]", "0b:00.1", 0x1fff00000000, false);
	check("AMD-Vi: Event logged [IO_PAGE_FAULT device=01:00.0 domain=0x000d address=0x0000000000000080 flags=0x0020]", "01:00.0", 0x80, true);
}

static void test_arm_event_takes_its_words(void **state)
{
	static const char *const lines[] = {
		"arm-smmu-v3 9050000.smmuv3: event 0x10 received:", "arm-smmu-v3 9050000.smmuv3: \t0x0000002000000010",
		"arm-smmu-v3 9050000.smmuv3: \t0x0000020000000000", "arm-smmu-v3 9050000.smmuv3: \t0x0000000040d8a000",
	};
	struct fault_parser p = { 0 };
	struct fault f;

	(void)state;
	for (int round = 0; round < 2; round++) {
		for (int i = 0; i < 4; i++)
			assert_false(fault_parse(&p, lines[i], &f));
		assert_true(fault_parse(&p, "arm-smmu-v3 9050000.smmuv3: \t0x0000000000000000", &f));
		assert_string_equal(f.bdf, "00:04.0");
		assert_int_equal(f.iova, 0x40d8a000);
		assert_true(f.write);
		/* words that belong to no event */
		assert_false(fault_parse(&p, lines[1], &f));
	}
}

static void test_other_lines_are_none(void **state)
{
	static const char *const lines[] = {
		"", ";", "DMAR: IOMMU enabled", "DMAR: [DMA Write", "DMAR: [DMA Write NO_PASID] Request device [", "DMAR: DRHD: handling fault status reg 2",
		"DMAR: [INTR-REMAP] Request device [f0:1f.0] fault index 0x24 [fault reason 0x25]", "AMD-Vi: Event logged [IO_PAGE_FAULT device= domain= address= flags=",
		"IO_PAGE_FAULT device=0000:01:00.0", "arm-smmu-v3 x: event 0x10 received", "arm-smmu-v3",
		"DMAR: [DMA Read NO_PASID] Request device [0123456789012345678901234567890123456789] fault addr 0x1",
	};
	struct fault_parser p = { 0 };
	struct fault f;

	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		assert_false(fault_parse(&p, lines[i], &f));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_intel_lines_are_understood),
		cmocka_unit_test(test_amd_lines_are_understood),
		cmocka_unit_test(test_arm_event_takes_its_words),
		cmocka_unit_test(test_other_lines_are_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
