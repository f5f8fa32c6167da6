/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * bench_tracer - what recording costs, with egpu and with plain SQLite inserts, and what memcpy and LZ4 do on this machine.
 * usage: bench_tracer [FOLDER], where the files stay; without it they are made in $TMPDIR or /tmp and removed. bench_tracer.sh adds LTTng-UST and
 * makes a table.
 */
#include <lz4.h>
#include <pthread.h>
#include <sqlite3.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bench/bench_tracer_events.h"
#include "tracer/tracer.h"

#define EMITTERS 2
#define EGPU_EVENTS 5000000u  /* of each emitter */
#define SQLITE_EVENTS 400000u /* of each emitter */
#define COMMIT_EVENTS 10000u
#define LIMIT_BYTES (64u << 20)

static _Noreturn void die(const char *what, const char *why)
{
	fprintf(stderr, "bench_tracer: %s: %s\n", what, why);
	exit(1);
}

static double seconds_since(uint64_t start_ns)
{
	return (double)(bench_now_ns() - start_ns) / 1e9;
}

static double file_bytes(const char *path)
{
	struct stat st;

	if (stat(path, &st) != 0)
		die(path, "cannot be looked at");
	return (double)st.st_size;
}

/* ---- egpu ---- */

static struct tracer *egpu_open(const char *path)
{
	struct tracer_options options = { .path = path, .overwrite = true };
	char error[TRACE_ERROR_BYTES];
	struct tracer *t;

	if (tracer_open(&options, &t, error) != 0)
		die("egpu", error);
	tracer_meta(t, TRACE_META_PROVENANCE, "modelled");
	tracer_meta(t, TRACE_META_ORIGIN, "bench_tracer");
	tracer_device(t, "bench", NULL);
	return t;
}

/* the same loop with @ring NULL costs what making the event costs */
static double burst_ns(struct tracer_ring *ring, uint64_t *state, bool clock)
{
	struct trace_event e = { 0 };
	uint64_t start = bench_now_ns();

	for (uint64_t i = 0; i < BENCH_BURST; i++) {
		bench_event(&e, i, state);
		if (clock)
			e.t_ns = tracer_now_ns();
		else
			e.t_ns = start + i;
		if (ring)
			tracer_emit(ring, &e);
		else
			__asm__ volatile("" : : "r"(&e) : "memory");
	}
	return (double)(bench_now_ns() - start) / BENCH_BURST;
}

static double emit_ns(struct tracer_ring *ring, bool clock)
{
	double ns[BENCH_BURSTS];
	uint64_t state = 88172645463325252u;

	for (unsigned int i = 0; i < BENCH_BURSTS; i++) {
		ns[i] = burst_ns(ring, &state, clock);
		usleep(ring ? 30000 : 0); /* the writer empties the ring */
	}
	return bench_median(ns, BENCH_BURSTS);
}

static void bench_emit(const char *path)
{
	struct tracer *t = egpu_open(path);
	struct tracer_ring *ring = tracer_ring(t);
	double nothing = emit_ns(NULL, false), nothing_clock = emit_ns(NULL, true);

	bench_say("egpu", "emit_ns", emit_ns(ring, false) - nothing);
	bench_say("egpu", "emit_with_clock_ns", emit_ns(ring, true) - nothing);
	bench_say("machine", "clock_ns", nothing_clock - nothing);
	tracer_close(t, NULL);
	unlink(path);
}

struct emitter {
	struct tracer_ring *ring;
	uint64_t seed;
};

static void *egpu_emitter(void *ctx)
{
	struct emitter *m = ctx;
	struct trace_event e = { 0 };

	for (uint64_t i = 0; i < EGPU_EVENTS; i++) {
		bench_event(&e, i, &m->seed);
		e.t_ns = tracer_now_ns();
		tracer_emit(m->ring, &e);
	}
	return NULL;
}

static void bench_sustained(const char *path)
{
	struct tracer *t = egpu_open(path);
	struct emitter m[EMITTERS];
	pthread_t thread[EMITTERS];
	char error[TRACE_ERROR_BYTES];
	struct tracer_status status;
	uint64_t start;

	for (unsigned int i = 0; i < EMITTERS; i++)
		m[i] = (struct emitter){ tracer_ring(t), 1234567 + i };
	start = bench_now_ns();
	for (unsigned int i = 0; i < EMITTERS; i++)
		pthread_create(&thread[i], NULL, egpu_emitter, &m[i]);
	for (unsigned int i = 0; i < EMITTERS; i++)
		pthread_join(thread[i], NULL);
	tracer_status(t, &status);
	if (tracer_close(t, error) != 0)
		die("egpu", error);
	bench_say("egpu", "sustained_per_s", EMITTERS * EGPU_EVENTS / seconds_since(start));
	bench_say("egpu", "lost", (double)status.dropped);
	bench_say("egpu", "bytes_per_event", file_bytes(path) / (EMITTERS * EGPU_EVENTS));
}

static void bench_decode(const char *path)
{
	char error[TRACE_ERROR_BYTES];
	struct trace_cursor *c;
	struct trace_event e;
	struct trace *t;
	uint64_t start = bench_now_ns(), n = 0, sum = 0;

	if (trace_open(path, &t, error) != 0)
		die("egpu", error);
	if (trace_cursor_open(t, false, &c) != 0)
		die("egpu", "no cursor");
	while (trace_next(c, &e, error) > 0) {
		n++;
		sum += e.arg[3];
	}
	bench_say("egpu", "decode_per_s", (double)n / seconds_since(start));
	if (n != EMITTERS * EGPU_EVENTS || !sum)
		die("egpu", "events are missing");
	trace_cursor_close(c);
	trace_close(t);
}

/* ---- SQLite ---- */

struct inserts {
	pthread_mutex_t lock;
	sqlite3 *db;
	sqlite3_stmt *insert;
	uint64_t n;
};

static void sql(sqlite3 *db, const char *text)
{
	if (sqlite3_exec(db, text, NULL, NULL, NULL) != SQLITE_OK)
		die(text, sqlite3_errmsg(db));
}

static void insert(struct inserts *s, const struct trace_event *e)
{
	pthread_mutex_lock(&s->lock);
	sqlite3_bind_int64(s->insert, 1, (sqlite3_int64)e->t_ns);
	sqlite3_bind_int(s->insert, 2, e->kind);
	sqlite3_bind_int(s->insert, 3, e->device);
	sqlite3_bind_int(s->insert, 4, e->status);
	for (int i = 0; i < 4; i++)
		sqlite3_bind_int64(s->insert, 5 + i, (sqlite3_int64)e->arg[i]);
	if (sqlite3_step(s->insert) != SQLITE_DONE)
		die("sqlite", sqlite3_errmsg(s->db));
	sqlite3_reset(s->insert);
	if (++s->n % COMMIT_EVENTS == 0)
		sql(s->db, "COMMIT; BEGIN");
	pthread_mutex_unlock(&s->lock);
}

static void *sqlite_emitter(void *ctx)
{
	struct trace_event e = { 0 };
	uint64_t state = 1234567;

	for (uint64_t i = 0; i < SQLITE_EVENTS; i++) {
		bench_event(&e, i, &state);
		e.t_ns = tracer_now_ns();
		insert(ctx, &e);
	}
	return NULL;
}

static void sqlite_open(struct inserts *s, const char *path)
{
	unlink(path);
	if (sqlite3_open(path, &s->db) != SQLITE_OK)
		die(path, sqlite3_errmsg(s->db));
	sql(s->db, "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;"
		   "CREATE TABLE event (t_ns INTEGER, kind INTEGER, device INTEGER, status INTEGER, region INTEGER, offset INTEGER, len INTEGER,"
		   " value INTEGER); BEGIN");
	if (sqlite3_prepare_v2(s->db, "INSERT INTO event VALUES (?, ?, ?, ?, ?, ?, ?, ?)", -1, &s->insert, NULL) != SQLITE_OK)
		die(path, sqlite3_errmsg(s->db));
}

static void sqlite_decode(const char *path)
{
	uint64_t start = bench_now_ns(), n = 0;
	sqlite3_stmt *select;
	sqlite3 *db;

	if (sqlite3_open(path, &db) != SQLITE_OK || sqlite3_prepare_v2(db, "SELECT * FROM event", -1, &select, NULL) != SQLITE_OK)
		die(path, sqlite3_errmsg(db));
	while (sqlite3_step(select) == SQLITE_ROW) {
		for (int i = 0; i < 8; i++)
			n += sqlite3_column_int64(select, i) >= 0;
	}
	bench_say("sqlite", "decode_per_s", (double)n / 8 / seconds_since(start));
	sqlite3_finalize(select);
	sqlite3_close(db);
}

static void bench_sqlite(const char *path)
{
	struct inserts s = { .lock = PTHREAD_MUTEX_INITIALIZER };
	pthread_t thread[EMITTERS];
	uint64_t start = bench_now_ns();

	sqlite_open(&s, path);
	sqlite_emitter(&s);
	bench_say("sqlite", "emit_with_clock_ns", seconds_since(start) * 1e9 / SQLITE_EVENTS);
	sql(s.db, "COMMIT");
	sqlite3_finalize(s.insert);
	sqlite3_close(s.db);

	sqlite_open(&s, path);
	start = bench_now_ns();
	for (unsigned int i = 0; i < EMITTERS; i++)
		pthread_create(&thread[i], NULL, sqlite_emitter, &s);
	for (unsigned int i = 0; i < EMITTERS; i++)
		pthread_join(thread[i], NULL);
	sql(s.db, "COMMIT");
	sqlite3_finalize(s.insert);
	sqlite3_close(s.db);
	bench_say("sqlite", "sustained_per_s", EMITTERS * SQLITE_EVENTS / seconds_since(start));
	bench_say("sqlite", "bytes_per_event", file_bytes(path) / (EMITTERS * SQLITE_EVENTS));
	sqlite_decode(path);
}

/* ---- what the machine can do ---- */

static void bench_limits(void)
{
	size_t events = LIMIT_BYTES / sizeof(struct trace_event), packed;
	struct trace_event *from = calloc(events, sizeof(*from)), *to = malloc(LIMIT_BYTES);
	char *lz4 = malloc((size_t)LZ4_compressBound(LIMIT_BYTES));
	uint64_t state = 1234567, start;

	if (!from || !to || !lz4)
		die("limits", "out of memory");
	for (size_t i = 0; i < events; i++) {
		bench_event(&from[i], i, &state);
		from[i].t_ns = 1000000 + 70 * i + (state & 15);
	}
	memcpy(to, from, LIMIT_BYTES);
	start = bench_now_ns();
	memcpy(to, from, LIMIT_BYTES);
	__asm__ volatile("" : : "r"(to) : "memory");
	bench_say("memcpy", "events_per_s", (double)events / seconds_since(start));
	start = bench_now_ns();
	packed = (size_t)LZ4_compress_default((char *)from, lz4, LIMIT_BYTES, LZ4_compressBound(LIMIT_BYTES));
	bench_say("lz4", "pack_per_s", (double)events / seconds_since(start));
	bench_say("lz4", "bytes_per_event", (double)packed / (double)events);
	start = bench_now_ns();
	if (LZ4_decompress_safe(lz4, (char *)to, (int)packed, LIMIT_BYTES) != (int)LIMIT_BYTES || memcmp(from, to, LIMIT_BYTES) != 0)
		die("lz4", "not what went in");
	bench_say("lz4", "unpack_per_s", (double)events / seconds_since(start));
	free(from);
	free(to);
	free(lz4);
}

int main(int argc, char **argv)
{
	const char *tmp = getenv("TMPDIR"), *folder = argc > 1 ? argv[1] : tmp ? tmp : "/tmp";
	char egt[4096], db[4096];

	snprintf(egt, sizeof(egt), "%s/bench_tracer.egt", folder);
	snprintf(db, sizeof(db), "%s/bench_tracer.db", folder);
	bench_limits();
	bench_emit(egt);
	bench_sustained(egt);
	bench_decode(egt);
	bench_sqlite(db);
	/* the script looks at the files */
	if (argc < 2) {
		unlink(egt);
		unlink(db);
	}
	return 0;
}
