/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
#include "tracer/coded.h"

#include <endian.h>
#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "tracer/column.h"

#define SAMPLE_RUNS 8u
#define SAMPLE_RUN_ROWS 256u
#define WINDOW_LOG2 18u      /* 256 KiB, the usual window of a coalescing policy */
#define COUNTED_ROWS 3000u   /* of which a dictionary is made; fewer than a hash has places */
#define DICT_SHARE 512u      /* a residue gets a token of its own from one in so many rows on */

/* ---- residues ---- */

/* repeats that are worth a token of their own: where few values take turns, as of a coin, short ones come by chance and cost more than they save */
static const uint32_t run_mins[] = { 4, 8, 32 };

/* how one column is predicted: what the head of a body says. @run_min: of the encoder alone */
struct plan {
	enum coded_predictor predictor;
	unsigned int shift, window_log2;
	uint8_t other_arg;
	uint64_t base;
	uint32_t run_min;
};

static inline bool uses_windows(enum coded_predictor predictor)
{
	return predictor == CODED_OFFSET || predictor == CODED_KEYED;
}

static inline uint64_t shifted(uint64_t difference, unsigned int shift)
{
	return zigzag((uint64_t)((int64_t)difference >> shift));
}

static void forget_windows(struct coded_scratch *s, uint64_t base)
{
	for (uint32_t i = 0; i < CODED_WINDOWS; i++)
		s->window[i] = base;
}

static void window_residues(struct coded_scratch *s, const struct plan *p, const struct coded_column *c, uint32_t from, uint32_t n,
			    uint64_t *out)
{
	uint64_t relative = p->predictor == CODED_OFFSET ? ~0ull : 0;

	for (uint32_t i = from; i < from + n; i++) {
		uint64_t *window = &s->window[c->other[i] >> p->window_log2 & (CODED_WINDOWS - 1)];
		uint64_t offset = c->values[i] - (c->other[i] & relative);

		*out++ = shifted(offset - *window, p->shift);
		*window = offset;
	}
}

static void time_residues(const struct plan *p, const struct coded_column *c, uint32_t from, uint32_t n, uint64_t *out)
{
	uint64_t last = from ? c->values[from - 1] - c->time[from - 1] : p->base;

	for (uint32_t i = from; i < from + n; i++) {
		uint64_t offset = c->values[i] - c->time[i];

		*out++ = shifted(offset - last, p->shift);
		last = offset;
	}
}

/* residues of rows @from … @from + @n - 1 */
static void find_residues(struct coded_scratch *s, const struct plan *p, const struct coded_column *c, uint32_t from, uint32_t n,
			  uint64_t *out)
{
	uint64_t last = from ? c->values[from - 1] : p->base;
	uint64_t step = from > 1 ? last - c->values[from - 2] : from ? last - p->base : 0;

	if (uses_windows(p->predictor)) {
		window_residues(s, p, c, from, n, out);
		return;
	}
	if (p->predictor == CODED_TIME) {
		time_residues(p, c, from, n, out);
		return;
	}
	for (uint32_t i = from; i < from + n; i++) {
		uint64_t v = c->values[i], d = v - last;

		if (p->predictor == CODED_BASE)
			*out++ = shifted(v - p->base, p->shift);
		else if (p->predictor == CODED_DELTA)
			*out++ = shifted(d, p->shift);
		else
			*out++ = shifted(d - step, p->shift);
		last = v;
		step = d;
	}
}

/* ---- tokens ---- */

static inline unsigned int magnitude(uint64_t r, unsigned int *raw_bits)
{
	unsigned int e;

	*raw_bits = 0;
	if (r < 8)
		return CODED_TOKEN_MAGNITUDE + (unsigned int)r;
	e = 63 - (unsigned int)__builtin_clzll(r);
	*raw_bits = e - 2;
	return CODED_TOKEN_MAGNITUDE + 8 + (e - 3) * 4 + (unsigned int)(r >> (e - 2) & 3);
}

static inline uint32_t hash_of(uint64_t r)
{
	return (uint32_t)(r * 0x9e3779b97f4a7c15ull >> 52);
}

/* count residues by value. Of many rows some are looked at, evenly spread. Return: how many were */
static uint32_t count_residues(struct coded_scratch *s, const uint64_t *r, uint32_t n)
{
	uint32_t step = n / COUNTED_ROWS + 1, looked_at = 0;

	memset(s->hash, 0, sizeof(s->hash));
	for (uint32_t i = 0; i < n; i += step, looked_at++) {
		uint32_t h = hash_of(r[i]);

		while (s->hash[h].count && s->hash[h].value != r[i])
			h = (h + 1) & 4095;
		s->hash[h].value = r[i];
		s->hash[h].count++;
	}
	return looked_at;
}

/* residues that are frequent in the sample @r, and cost more than a plain magnitude, get tokens; the hash then maps them to these */
static void choose_dictionary(struct coded_scratch *s, const uint64_t *r, uint32_t n)
{
	uint32_t looked_at = count_residues(s, r, n);
	uint32_t least = looked_at / DICT_SHARE > 3 ? looked_at / DICT_SHARE : 3;

	s->dict_n = 0;
	for (uint32_t h = 0; h < 4096; h++) {
		if (s->hash[h].count < least || s->hash[h].value < 8 || s->dict_n == CODED_DICT_MAX)
			continue;
		s->dict[s->dict_n++] = s->hash[h].value;
	}
	memset(s->hash, 0, sizeof(s->hash));
	for (uint32_t d = 0; d < s->dict_n; d++) {
		uint32_t h = hash_of(s->dict[d]);

		while (s->hash[h].count)
			h = (h + 1) & 4095;
		s->hash[h].value = s->dict[d];
		s->hash[h].count = 1;
		s->hash[h].token = d;
	}
}

static inline unsigned int token_of(const struct coded_scratch *s, uint64_t r, unsigned int *raw_bits)
{
	if (r >= 8) {
		for (uint32_t h = hash_of(r); s->hash[h].count; h = (h + 1) & 4095) {
			if (s->hash[h].value == r) {
				*raw_bits = 0;
				return s->hash[h].token;
			}
		}
	}
	return magnitude(r, raw_bits);
}

static inline uint32_t run_length(const uint64_t *r, uint32_t i, uint32_t n)
{
	uint32_t run = 1;

	while (i + run < n && r[i + run] == r[i])
		run++;
	return run - 1;
}

/* find and count the tokens of @r. Return: the raw bits that go with them */
static uint64_t count_tokens(struct coded_scratch *s, uint32_t run_min, const uint64_t *r, uint32_t n)
{
	uint16_t *tokens = s->tokens;
	uint64_t raw = 0;
	unsigned int bits;

	memset(s->count, 0, sizeof(s->count));
	for (uint32_t i = 0; i < n; i++) {
		unsigned int token = token_of(s, r[i], &bits);
		uint32_t again;

		tokens[i] = (uint16_t)token;
		s->count[token]++;
		raw += bits;
		if (i + 1 == n || r[i + 1] != r[i])
			continue;
		again = run_length(r, i, n);
		if (again >= run_min) {
			unsigned int log2 = 31 - (unsigned int)__builtin_clz(again);

			s->count[CODED_TOKEN_RUN + log2]++;
			raw += log2;
			i += again;
		}
	}
	return raw;
}

/* bits that the counted tokens will take, by their entropy but one at least, and their dictionary */
static double expected_bits(const struct coded_scratch *s, uint64_t raw)
{
	double bits = (double)raw + 24.0 * s->dict_n;
	uint64_t total = 0;

	for (uint32_t t = 0; t < CODED_TOKENS; t++)
		total += s->count[t];
	for (uint32_t t = 0; t < CODED_TOKENS; t++) {
		if (s->count[t])
			bits += s->count[t] * fmax(log2((double)total / s->count[t]), 1) + 8;
	}
	return bits;
}

/* ---- choosing a prediction ---- */

unsigned int coded_shift(const uint64_t *values, uint32_t n, const uint64_t *other)
{
	uint64_t base = values[0] - (other ? other[0] : 0), bits = 0;

	for (uint32_t i = 0; i < n; i++)
		bits |= (other ? values[i] - other[i] : values[i]) - base;
	return bits ? (unsigned int)__builtin_ctzll(bits) : 0;
}

static uint32_t sample_residues(struct coded_scratch *s, const struct plan *p, const struct coded_column *c)
{
	uint32_t at = 0;

	if (uses_windows(p->predictor))
		forget_windows(s, p->base);
	if (c->all || c->n <= SAMPLE_RUNS * SAMPLE_RUN_ROWS) {
		find_residues(s, p, c, 0, c->n, s->residues);
		return c->n;
	}
	for (uint32_t i = 0; i < SAMPLE_RUNS; i++, at += SAMPLE_RUN_ROWS)
		find_residues(s, p, c, (c->n - SAMPLE_RUN_ROWS) / (SAMPLE_RUNS - 1) * i, SAMPLE_RUN_ROWS, s->residues + at);
	return at;
}

/* how @predictor would be used on @c. Return: false if it cannot be */
static bool make_plan(const struct coded_column *c, enum coded_predictor predictor, unsigned int shift, struct plan *p)
{
	const uint64_t *other = predictor == CODED_TIME ? c->time : c->other;

	if (predictor >= CODED_PREDICTORS)
		return false;
	*p = (struct plan){ .predictor = predictor, .shift = shift, .base = c->values[0], .other_arg = c->other_arg, .run_min = run_mins[0] };
	if (predictor < CODED_OFFSET)
		return true;
	if (!other)
		return false;
	if (predictor == CODED_KEYED) {
		p->window_log2 = coded_shift(other, c->n, NULL);
		return true;
	}
	p->base = c->values[0] - other[0];
	p->shift = coded_shift(c->values, c->n, other);
	p->window_log2 = WINDOW_LOG2;
	return true;
}

/* with predictor @wanted, or the best if that is none */
static struct plan choose_plan(struct coded_scratch *s, const struct coded_column *c, enum coded_predictor wanted)
{
	struct plan best = { .predictor = CODED_DELTA };
	unsigned int shift = coded_shift(c->values, c->n, NULL);
	double least = INFINITY;

	if (make_plan(c, wanted, shift, &best))
		return best;
	for (unsigned int k = 0; k < CODED_PREDICTORS; k++) {
		struct plan p;
		uint32_t rows;
		double bits;

		if (!make_plan(c, k, shift, &p))
			continue;
		rows = sample_residues(s, &p, c);
		choose_dictionary(s, s->residues, rows);
		bits = expected_bits(s, count_tokens(s, p.run_min, s->residues, rows));
		if (bits < least) {
			least = bits;
			best = p;
		}
	}
	return best;
}

/* the dictionary and the runs of @p, by a sample */
static void fit_plan(struct coded_scratch *s, const struct coded_column *c, struct plan *p)
{
	uint32_t rows = sample_residues(s, p, c);
	double least = INFINITY;

	choose_dictionary(s, s->residues, rows);
	for (size_t i = 0; i < sizeof(run_mins) / sizeof(*run_mins); i++) {
		double bits = expected_bits(s, count_tokens(s, run_mins[i], s->residues, rows));

		if (bits < least) {
			least = bits;
			p->run_min = run_mins[i];
		}
	}
}

/* ---- the body ---- */

static size_t put_head(const struct coded_scratch *s, const struct plan *p, uint8_t *out)
{
	size_t at = 0;

	out[at++] = (uint8_t)p->predictor;
	out[at++] = (uint8_t)p->shift;
	if (uses_windows(p->predictor)) {
		out[at++] = p->other_arg;
		out[at++] = (uint8_t)p->window_log2;
	}
	at += varint_put(out + at, p->base);
	at += varint_put(out + at, s->dict_n);
	for (uint32_t i = 0; i < s->dict_n; i++)
		at += varint_put(out + at, s->dict[i]);
	return at + huffman_put(&s->code, CODED_TOKENS, out + at);
}

struct bit_sink {
	uint8_t *at;
	uint64_t bits;
	unsigned int n;
};

/* at most 56 bits; the sink never holds more than 7 before, and writes up to 8 bytes behind what counts */
static inline void put_bits(struct bit_sink *b, uint64_t v, unsigned int n)
{
	uint64_t word;

	b->bits |= v << b->n;
	b->n += n;
	word = htole64(b->bits);
	memcpy(b->at, &word, sizeof(word));
	b->at += b->n / 8;
	b->bits >>= b->n & ~7u;
	b->n &= 7;
}

/* of a token: its code, and how many bits of the residue or run follow it */
struct token_code {
	uint16_t bits;
	uint8_t length, raw_bits;
};

static void token_codes(const struct huffman_code *code, struct token_code *out)
{
	for (unsigned int t = 0; t < CODED_TOKENS; t++)
		out[t] = (struct token_code){ code->bits[t], code->length[t], (uint8_t)coded_raw_bits(t) };
}

static inline void put_token(struct bit_sink *b, struct token_code t, uint64_t value)
{
	uint64_t raw = value & ((1ull << t.raw_bits) - 1);

	if (t.raw_bits <= 40) {
		put_bits(b, t.bits | raw << t.length, t.length + t.raw_bits);
		return;
	}
	put_bits(b, t.bits, t.length);
	put_bits(b, raw & 0xffffffff, 32);
	put_bits(b, raw >> 32, t.raw_bits - 32u);
}

static uint8_t *put_stream(const struct coded_scratch *s, uint32_t run_min, const uint64_t *r, uint32_t n, uint8_t *out)
{
	struct token_code code[CODED_TOKENS];
	struct bit_sink b = { .at = out };
	const uint16_t *token = s->tokens;

	token_codes(&s->code, code);
	for (uint32_t i = 0; i < n; i++) {
		uint32_t again;

		put_token(&b, code[token[i]], r[i]);
		if (i + 1 == n || r[i + 1] != r[i])
			continue;
		again = run_length(r, i, n);
		if (again >= run_min) {
			put_token(&b, code[CODED_TOKEN_RUN + 31 - (unsigned int)__builtin_clz(again)], again);
			i += again;
		}
	}
	return b.at + (b.n != 0);
}

size_t coded_encode(struct coded_scratch *s, const struct coded_column *c, enum coded_predictor *predictor, uint8_t *out, size_t limit)
{
	struct plan p = choose_plan(s, c, *predictor);
	uint64_t raw, bits;
	size_t head;

	*predictor = p.predictor;
	fit_plan(s, c, &p);
	if (uses_windows(p.predictor))
		forget_windows(s, p.base);
	find_residues(s, &p, c, 0, c->n, s->residues);
	raw = count_tokens(s, p.run_min, s->residues, c->n);
	huffman_make(&s->code, s->count, CODED_TOKENS);
	bits = raw;
	for (uint32_t t = 0; t < CODED_TOKENS; t++)
		bits += (uint64_t)s->count[t] * s->code.length[t];
	if (bits / 8 >= limit)
		return 0;
	head = put_head(s, &p, out);
	return (size_t)(put_stream(s, p.run_min, s->residues, c->n, out + head) - out);
}
