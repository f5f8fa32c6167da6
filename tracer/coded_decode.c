/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* the other direction of coded.c: from a body that nobody vouches for to values */
#include "tracer/coded.h"

#include <endian.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "tracer/column.h"

struct head {
	unsigned int predictor, shift, other_arg, window_log2;
	uint64_t base, dict_n;
};

int coded_other(const uint8_t *in, size_t bytes)
{
	if (bytes < 4)
		return -1;
	return in[0] == CODED_OFFSET || in[0] == CODED_KEYED ? in[2] : in[0] == CODED_TIME ? CODED_OTHER_TIME : -1;
}

/* Return: bytes of the head, 0 if it is malformed */
static size_t get_head(struct coded_scratch *s, struct head *h, const uint8_t *in, size_t bytes)
{
	uint8_t raw_bits[CODED_TOKENS];
	size_t at = 2, took;

	if (bytes < 4)
		return 0;
	h->predictor = in[0];
	h->shift = in[1];
	if (h->predictor == CODED_OFFSET || h->predictor == CODED_KEYED) {
		h->other_arg = in[at++];
		h->window_log2 = in[at++];
	}
	took = varint_get(in + at, bytes - at, &h->base);
	at += took;
	if (!took || h->shift > 63 || h->window_log2 > 63)
		return 0;
	took = varint_get(in + at, bytes - at, &h->dict_n);
	at += took;
	if (!took || h->dict_n > CODED_DICT_MAX)
		return 0;
	for (uint64_t i = 0; i < h->dict_n; i++, at += took) {
		took = varint_get(in + at, bytes - at, &s->dict[i]);
		if (!took)
			return 0;
	}
	for (unsigned int t = 0; t < CODED_TOKENS; t++)
		raw_bits[t] = (uint8_t)coded_raw_bits(t);
	took = huffman_get(&s->code, &s->table, CODED_TOKENS, raw_bits, in + at, bytes - at);
	return took ? at + took : 0;
}

/* ---- bits ---- */

struct bit_source {
	const uint8_t *at, *end;
	uint64_t bits;
	unsigned int n, missing; /* @missing: bytes that were wanted behind the end, read as 0 */
};

/* afterwards at least 56 bits are held */
static inline void refill(struct bit_source *b)
{
	if (__builtin_expect(b->end - b->at >= 8, 1)) {
		uint64_t word;

		memcpy(&word, b->at, 8);
		b->bits |= le64toh(word) << b->n;
		b->at += (63 - b->n) >> 3;
		b->n |= 56;
		return;
	}
	while (b->n <= 56) {
		if (b->at < b->end)
			b->bits |= (uint64_t)*b->at++ << b->n;
		else
			b->missing++;
		b->n += 8;
	}
}

static inline uint64_t take(struct bit_source *b, unsigned int n)
{
	uint64_t v = b->bits & ((1ull << n) - 1);

	b->bits >>= n;
	b->n -= n;
	return v;
}

/* a code of @length bits and the @n raw bits behind it; Return: those */
static inline uint64_t take_raw(struct bit_source *b, unsigned int length, unsigned int n)
{
	uint64_t low;

	if (__builtin_expect(n <= 40, 1))
		return take(b, length + n) >> length;
	take(b, length);
	refill(b);
	low = take(b, 32);
	refill(b);
	return low | take(b, n - 32) << 32;
}

/* what a token stands for */
struct meaning {
	uint64_t base;
	uint32_t run;
};

static void find_meanings(const struct coded_scratch *s, uint64_t dict_n, struct meaning *m)
{
	memset(m, 0, CODED_TOKENS * sizeof(*m));
	for (uint64_t i = 0; i < dict_n; i++)
		m[i].base = s->dict[i];
	for (uint32_t i = 0; i < CODED_MAGNITUDES; i++)
		m[CODED_TOKEN_MAGNITUDE + i].base = i < 8 ? i : (uint64_t)(4 + (i - 8) % 4) << coded_raw_bits(CODED_TOKEN_MAGNITUDE + i);
	for (uint32_t i = 0; i <= CODED_RUN_LOG2_MAX; i++)
		m[CODED_TOKEN_RUN + i] = (struct meaning){ 1u << i, 1 };
}

/* ---- several residues in one step, where codes are short ---- */

#define STEP_BITS 10u
#define STEP_RESIDUES 4u
#define STEP_ROWS_MIN 4096u /* for fewer the table costs more than it saves */

_Static_assert(STEP_RESIDUES == 4, "take_steps() writes four");

/* what the next STEP_BITS bits begin with: @n residues below 256 that take @bits; @n is 0 if the first is of another kind */
struct step {
	uint8_t bits, n;
	uint8_t residue[STEP_RESIDUES];
};

static bool is_short(const struct meaning *m, unsigned int token)
{
	return coded_raw_bits(token) == 0 && !m[token].run && m[token].base < 256;
}

static struct step find_step(const struct huffman_table *table, const struct meaning *m, uint32_t bits)
{
	struct step s = { 0 };

	while (s.n < STEP_RESIDUES) {
		uint32_t entry = table->entry[bits >> s.bits];
		unsigned int length = entry & 255;

		if (!entry || s.bits + length > STEP_BITS || !is_short(m, entry >> 16))
			break;
		s.residue[s.n++] = (uint8_t)m[entry >> 16].base;
		s.bits = (uint8_t)(s.bits + length);
	}
	return s;
}

/* Return: false, and no table, if steps would not be worth it: less than half of the tokens are short */
static bool find_steps(const struct coded_scratch *s, const struct meaning *m, uint32_t n, struct step *steps)
{
	uint32_t share = 0;

	if (n < STEP_ROWS_MIN)
		return false;
	for (uint32_t t = 0; t < CODED_TOKENS; t++) {
		if (s->code.length[t] && s->code.length[t] <= STEP_BITS && is_short(m, t))
			share += (1u << STEP_BITS) >> s->code.length[t];
	}
	if (share < (1u << STEP_BITS) / 2)
		return false;
	for (uint32_t i = 0; i < 1u << STEP_BITS; i++)
		steps[i] = find_step(&s->table, m, i);
	return true;
}

/* as many steps as the bits at hand and @room rows allow. Return: rows written */
static inline uint32_t take_steps(struct bit_source *b, const struct step *steps, uint64_t *out, uint32_t room)
{
	uint32_t i = 0;

	while (i + STEP_RESIDUES <= room && b->n >= STEP_BITS) {
		const struct step *s = &steps[b->bits & ((1u << STEP_BITS) - 1)];

		if (!s->n)
			break;
		out[i] = s->residue[0];
		out[i + 1] = s->residue[1];
		out[i + 2] = s->residue[2];
		out[i + 3] = s->residue[3];
		take(b, s->bits);
		i += s->n;
	}
	return i;
}

/* @n residues; @steps may be NULL. Return: false if the stream does not hold exactly so many */
static bool get_residues(const struct huffman_table *table, const struct meaning *m, const struct step *steps, const uint8_t *in,
			 const uint8_t *end, uint64_t *out, uint32_t n)
{
	struct bit_source b = { .at = in, .end = end };
	uint32_t i = 0;

	while (i < n) {
		const struct meaning *t;
		uint32_t entry;
		uint64_t v;

		refill(&b);
		if (steps) {
			uint32_t took = take_steps(&b, steps, out + i, n - i);

			i += took;
			if (took)
				continue;
		}
		entry = table->entry[b.bits & ((1u << HUFFMAN_BITS_MAX) - 1)];
		if (!entry)
			return false;
		t = &m[entry >> 16];
		v = t->base + take_raw(&b, entry & 255, entry >> 8 & 255);
		if (__builtin_expect(!t->run, 1)) {
			out[i++] = v;
			continue;
		}
		if (i == 0 || v > n - i)
			return false;
		for (uint64_t again = out[i - 1]; v; v--)
			out[i++] = again;
	}
	/* whole bytes that were read too far, less those that never were there: all must have been needed */
	return b.at - b.n / 8 + b.missing == b.end;
}

/* ---- from residues to values ---- */

static void add_windows(struct coded_scratch *s, const struct head *h, uint64_t *v, uint32_t n, const uint64_t *other)
{
	uint64_t relative = h->predictor == CODED_OFFSET ? ~0ull : 0;

	for (uint32_t i = 0; i < CODED_WINDOWS; i++)
		s->window[i] = h->base;
	for (uint32_t i = 0; i < n; i++) {
		uint64_t *window = &s->window[other[i] >> h->window_log2 & (CODED_WINDOWS - 1)];

		*window += unzigzag(v[i]) << h->shift;
		v[i] = (other[i] & relative) + *window;
	}
}

static void add_times(const struct head *h, uint64_t *v, uint32_t n, const uint64_t *time)
{
	uint64_t offset = h->base;

	for (uint32_t i = 0; i < n; i++) {
		offset += unzigzag(v[i]) << h->shift;
		v[i] = time[i] + offset;
	}
}

static void add_prediction(const struct head *h, uint64_t *v, uint32_t n)
{
	uint64_t last = h->base, step = 0;

	for (uint32_t i = 0; i < n; i++) {
		uint64_t d = unzigzag(v[i]) << h->shift;

		if (h->predictor == CODED_BASE) {
			v[i] = h->base + d;
			continue;
		}
		step = h->predictor == CODED_DELTA2 ? step + d : d;
		last += step;
		v[i] = last;
	}
}

int coded_decode(struct coded_scratch *s, const uint8_t *in, size_t bytes, uint64_t *values, uint32_t n, const uint64_t *other)
{
	struct meaning meanings[CODED_TOKENS];
	struct step steps[1u << STEP_BITS];
	struct head h = { 0 };
	bool stepping;
	size_t head;

	if (bytes && in[0] >= CODED_PREDICTORS)
		return -ENOTSUP;
	head = get_head(s, &h, in, bytes);
	if (!head || (h.predictor >= CODED_OFFSET && !other))
		return -EBADMSG;
	for (uint64_t i = h.dict_n; i < CODED_DICT_MAX; i++) {
		if (s->code.length[i])
			return -EBADMSG;
	}
	find_meanings(s, h.dict_n, meanings);
	stepping = find_steps(s, meanings, n, steps);
	if (!get_residues(&s->table, meanings, stepping ? steps : NULL, in + head, in + bytes, values, n))
		return -EBADMSG;
	if (h.predictor == CODED_OFFSET || h.predictor == CODED_KEYED)
		add_windows(s, &h, values, n, other);
	else if (h.predictor == CODED_TIME)
		add_times(&h, values, n, other);
	else
		add_prediction(&h, values, n);
	return 0;
}
