/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* The table of live requests against a stack searched from its top. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "replay/slots.h"

#define STEPS 60000
#define NAIVE_MAX 8192

struct naive {
	struct span at;
	u64 iova;
	u32 device;
	u32 slot;
};

static u64 random_state = 99;

static u32 random_below(u32 n)
{
	random_state = random_state * 6364136223846793005ULL + 1442695040888963407ULL;
	return (u32)(random_state >> 33) % n;
}

static void test_random_pushes_and_pops_find_the_most_recent_equal_request(void **state)
{
	struct naive *stack = calloc(NAIVE_MAX, sizeof(*stack));
	u64 n = 0, bytes = 0, peak = 0, peak_bytes = 0;
	struct slots s;
	u32 step, i, slot;

	(void)state;
	assert_int_equal(slots_init(&s), 0);
	for (step = 0; step < STEPS; step++) {
		struct span at = { random_below(900) * 4096ull, 4096ull << random_below(2) };
		u64 iova = random_below(2) << 14;
		u32 device = random_below(3);

		if (n < NAIVE_MAX && random_below(100) < (step / 10000 % 2 ? 35u : 65u)) {
			assert_int_equal(slots_push(&s, device, at, iova, &slot), 0);
			for (i = 0; step % 64 == 0 && i < n; i++)
				assert_int_not_equal(stack[i].slot, slot);
			stack[n++] = (struct naive){ at, iova, device, slot };
			bytes += at.len;
		} else {
			u64 k = n;

			while (k && !(stack[k - 1].device == device && stack[k - 1].iova == iova && span_equal(stack[k - 1].at, at)))
				k--;
			assert_int_equal(slots_pop(&s, device, at, iova), k ? stack[k - 1].slot : SLOTS_NONE);
			if (k) {
				memmove(&stack[k - 1], &stack[k], (n - k) * sizeof(*stack));
				n--;
				bytes -= at.len;
			}
		}
		peak = n > peak ? n : peak;
		peak_bytes = bytes > peak_bytes ? bytes : peak_bytes;
		assert_int_equal(s.used, n);
		assert_int_equal(s.used_bytes, bytes);
		assert_int_equal(s.peak, peak);
		assert_int_equal(s.peak_bytes, peak_bytes);
	}
	assert_true(peak > 2048);
	for (i = 0; i < n; i++)
		assert_true(stack[i].slot < s.peak);
	slots_clear(&s);
	assert_int_equal(slots_pop(&s, stack[0].device, stack[0].at, stack[0].iova), SLOTS_NONE);
	assert_int_equal(s.peak, peak);
	slots_destroy(&s);
	free(stack);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_random_pushes_and_pops_find_the_most_recent_equal_request),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
