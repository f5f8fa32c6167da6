/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
#include "tracer/column.h"

#include <errno.h>

size_t varint_put(uint8_t *out, uint64_t value)
{
	size_t n = 0;

	while (value >= 0x80) {
		out[n++] = (uint8_t)(value | 0x80);
		value >>= 7;
	}
	out[n++] = (uint8_t)value;
	return n;
}

size_t varint_get(const uint8_t *in, size_t bytes, uint64_t *value)
{
	uint64_t v = 0;

	for (size_t n = 0; n < bytes && n < VARINT_BYTES_MAX; n++) {
		if (n == VARINT_BYTES_MAX - 1 && in[n] > 1)
			return 0;
		v |= (uint64_t)(in[n] & 0x7f) << (7 * n);
		if (!(in[n] & 0x80)) {
			*value = v;
			return n + 1;
		}
	}
	return 0;
}

static size_t varint_bytes(uint64_t value)
{
	unsigned int bits = 64 - (unsigned int)__builtin_clzll(value | 1);

	return (bits + 6) / 7;
}

/* ---- what each encoding would cost ---- */

struct column_stats {
	uint64_t first, bits, delta_bytes, varint_bytes;
	uint32_t n;
	int constant;
};

#define SAMPLE_STEP 8u

/* bytes of all values and all differences as varints, by those of every @step-th row */
static void measure_varints(struct column_stats *s, const uint64_t *values, uint32_t step)
{
	s->varint_bytes = varint_bytes(values[0]);
	s->delta_bytes = varint_bytes(zigzag(values[0]));
	for (uint32_t i = step; i < s->n; i += step) {
		s->varint_bytes += varint_bytes(values[i]) * step;
		s->delta_bytes += varint_bytes(zigzag(values[i] - values[i - 1])) * step;
	}
}

static struct column_stats column_measure(const uint64_t *values, uint32_t n)
{
	struct column_stats s = { .first = values[0], .bits = values[0], .n = n };
	uint64_t changes = 0, delta_bits = zigzag(values[0]);

	for (uint32_t i = 1; i < n; i++) {
		s.bits |= values[i];
		changes |= values[i] - values[i - 1];
		delta_bits |= zigzag(values[i] - values[i - 1]);
	}
	s.constant = changes == 0;
	if (s.constant) {
		s.varint_bytes = varint_bytes(values[0]) * n;
		s.delta_bytes = varint_bytes(zigzag(values[0])) + n - 1;
		return s;
	}
	/* a guess must not lead to more bytes than there is room for: eight a row */
	measure_varints(&s, values, n > 4096 && !((s.bits | delta_bits) >> 56) ? SAMPLE_STEP : 1);
	return s;
}

static uint64_t const_cost(const struct column_stats *s)
{
	return s->constant ? varint_bytes(s->first) : UINT64_MAX;
}

static uint64_t delta_cost(const struct column_stats *s)
{
	return s->delta_bytes;
}

static uint64_t varint_cost(const struct column_stats *s)
{
	return s->varint_bytes;
}

static uint64_t fixed_cost(const struct column_stats *s, unsigned int width)
{
	if (width < 8 && s->bits >> (8 * width))
		return UINT64_MAX;
	return (uint64_t)s->n * width;
}

static uint64_t fixed1_cost(const struct column_stats *s) { return fixed_cost(s, 1); }
static uint64_t fixed2_cost(const struct column_stats *s) { return fixed_cost(s, 2); }
static uint64_t fixed4_cost(const struct column_stats *s) { return fixed_cost(s, 4); }
static uint64_t fixed8_cost(const struct column_stats *s) { return fixed_cost(s, 8); }

/* ---- packing ---- */

static size_t const_put(const uint64_t *values, uint32_t n, uint8_t *out)
{
	(void)n;
	return varint_put(out, values[0]);
}

static size_t delta_put(const uint64_t *values, uint32_t n, uint8_t *out)
{
	uint64_t last = 0;
	size_t bytes = 0;

	for (uint32_t i = 0; i < n; i++) {
		bytes += varint_put(out + bytes, zigzag(values[i] - last));
		last = values[i];
	}
	return bytes;
}

static size_t varints_put(const uint64_t *values, uint32_t n, uint8_t *out)
{
	size_t bytes = 0;

	for (uint32_t i = 0; i < n; i++)
		bytes += varint_put(out + bytes, values[i]);
	return bytes;
}

static size_t fixed_put(const uint64_t *values, uint32_t n, uint8_t *out, unsigned int width)
{
	for (uint32_t i = 0; i < n; i++) {
		for (unsigned int b = 0; b < width; b++)
			*out++ = (uint8_t)(values[i] >> (8 * b));
	}
	return (size_t)n * width;
}

static size_t fixed1_put(const uint64_t *values, uint32_t n, uint8_t *out) { return fixed_put(values, n, out, 1); }
static size_t fixed2_put(const uint64_t *values, uint32_t n, uint8_t *out) { return fixed_put(values, n, out, 2); }
static size_t fixed4_put(const uint64_t *values, uint32_t n, uint8_t *out) { return fixed_put(values, n, out, 4); }
static size_t fixed8_put(const uint64_t *values, uint32_t n, uint8_t *out) { return fixed_put(values, n, out, 8); }

/* ---- unpacking ---- */

static int const_get(const uint8_t *in, size_t bytes, uint64_t *values, uint32_t n)
{
	uint64_t v;

	if (varint_get(in, bytes, &v) != bytes || bytes == 0)
		return -EBADMSG;
	for (uint32_t i = 0; i < n; i++)
		values[i] = v;
	return 0;
}

static int varints_get(const uint8_t *in, size_t bytes, uint64_t *values, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		size_t took = varint_get(in, bytes, &values[i]);

		if (!took)
			return -EBADMSG;
		in += took;
		bytes -= took;
	}
	return bytes ? -EBADMSG : 0;
}

static int delta_get(const uint8_t *in, size_t bytes, uint64_t *values, uint32_t n)
{
	uint64_t last = 0;
	int err = varints_get(in, bytes, values, n);

	if (err)
		return err;
	for (uint32_t i = 0; i < n; i++) {
		last += unzigzag(values[i]);
		values[i] = last;
	}
	return 0;
}

static int fixed_get(const uint8_t *in, size_t bytes, uint64_t *values, uint32_t n, unsigned int width)
{
	if (bytes != (size_t)n * width)
		return -EBADMSG;
	for (uint32_t i = 0; i < n; i++) {
		values[i] = 0;
		for (unsigned int b = 0; b < width; b++)
			values[i] |= (uint64_t)*in++ << (8 * b);
	}
	return 0;
}

static int fixed1_get(const uint8_t *in, size_t bytes, uint64_t *values, uint32_t n) { return fixed_get(in, bytes, values, n, 1); }
static int fixed2_get(const uint8_t *in, size_t bytes, uint64_t *values, uint32_t n) { return fixed_get(in, bytes, values, n, 2); }
static int fixed4_get(const uint8_t *in, size_t bytes, uint64_t *values, uint32_t n) { return fixed_get(in, bytes, values, n, 4); }
static int fixed8_get(const uint8_t *in, size_t bytes, uint64_t *values, uint32_t n) { return fixed_get(in, bytes, values, n, 8); }

static const struct {
	uint64_t (*cost)(const struct column_stats *s);
	size_t (*put)(const uint64_t *values, uint32_t n, uint8_t *out);
	int (*get)(const uint8_t *in, size_t bytes, uint64_t *values, uint32_t n);
} encodings[COLUMN_ENCODINGS] = {
	[COLUMN_CONST] = { const_cost, const_put, const_get },
	[COLUMN_DELTA] = { delta_cost, delta_put, delta_get },
	[COLUMN_VARINT] = { varint_cost, varints_put, varints_get },
	[COLUMN_FIXED1] = { fixed1_cost, fixed1_put, fixed1_get },
	[COLUMN_FIXED2] = { fixed2_cost, fixed2_put, fixed2_get },
	[COLUMN_FIXED4] = { fixed4_cost, fixed4_put, fixed4_get },
	[COLUMN_FIXED8] = { fixed8_cost, fixed8_put, fixed8_get },
};

size_t column_encode(const uint64_t *values, uint32_t n, uint8_t *out, enum column_encoding *encoding)
{
	struct column_stats s = column_measure(values, n);
	uint64_t best = UINT64_MAX;

	for (unsigned int e = 0; e < COLUMN_ENCODINGS; e++) {
		uint64_t cost = encodings[e].cost(&s);

		if (cost < best) {
			best = cost;
			*encoding = e;
		}
	}
	return encodings[*encoding].put(values, n, out);
}

int column_decode(unsigned int encoding, const uint8_t *in, size_t bytes, uint64_t *values, uint32_t n)
{
	if (encoding >= COLUMN_ENCODINGS)
		return -ENOTSUP;
	return encodings[encoding].get(in, bytes, values, n);
}
