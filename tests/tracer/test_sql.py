# SPDX-License-Identifier: MIT OR GPL-2.0-only
"""The event table: in sqlite3, in Python, in egpu-trace sql."""
import csv
import hashlib
import io
import json
import random
import shutil
import signal
import sqlite3
import subprocess
import time

import pytest

VIEWS = ["live_mappings", "live_requests", "frames", "map_sizes", "bar_top", "irqs", "faults", "phases"]


@pytest.fixture(scope="session")
def long(egpu_trace, tmp_path_factory):
    """Requests for 300 seconds in several chunks, a frame a second, marks, two devices."""
    folder = tmp_path_factory.mktemp("sql")
    text = folder / "long.txt"
    with text.open("w") as out:
        for i in range(240000):
            t, device = f"{1 + i // 800}.{i % 800 * 1250:06d}", f"0000:00:0{1 + i % 2}.0"
            if i % 800 == 0:
                out.write(f"  app-7 [000] ..... {t}: tracing_mark_write: frame {i // 800}\n")
            if i % 80000 == 0:
                out.write(f"  app-7 [000] ..... {t}: tracing_mark_write: part {i // 80000}, \"quoted\"\n")
            gpa = 0x100000000 + (i // 2) * 4096
            out.write(f"  app-7 [000] ..... {t}: " + (
                f"dma_unmap_page: {device} dir=TO_DEVICE dma_addr={gpa - 2001 * 4096:x} size=4096 attrs=\n" if i % 4 >= 2 and i > 8000 else
                f"dma_map_page: {device} dir=TO_DEVICE dma_addr={gpa:x} size={4096 << i % 3} phys_addr={gpa:x} attrs=\n"))
    path = folder / "long.egt"
    done = egpu_trace("import", "ftrace", text, "-o", path)
    assert done.returncode == 0, done.stderr
    return path


def connect(build, path):
    db = sqlite3.connect(path)
    db.enable_load_extension(True)
    db.load_extension(str(build / "egpu_trace"))
    return db


def rows(egpu_trace, path, sql):
    done = egpu_trace("sql", "--json", path, sql)
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def dump(egpu_trace, path, *options):
    done = egpu_trace("dump", "--json", *options, path)
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def chunks(path):
    with sqlite3.connect(path) as db:
        return db.execute("SELECT count(*) FROM chunk").fetchone()[0]


# ---- the extension ----

def test_sqlite3_program_reads_events_after_load(build, sample, egpu_trace):
    done = subprocess.run(["sqlite3", "-cmd", f".load {build}/egpu_trace", sample, "SELECT count(*), max(seq) FROM event"],
                          capture_output=True, text=True)
    n = len(dump(egpu_trace, sample))
    assert done.stdout == f"{n}|{n - 1}\n", done.stderr


def test_extension_exports_only_its_entry_point_and_calls_sqlite_through_the_loader(build):
    symbols = subprocess.run(["nm", "-D", build / "egpu_trace.so"], capture_output=True, text=True, check=True).stdout
    exported = [line.split()[2] for line in symbols.splitlines() if line.split()[-2] in ("T", "D", "B")]
    assert exported == ["sqlite3_egputrace_init"]
    assert "U sqlite3" not in symbols


@pytest.mark.parametrize("which", ["sample", "long", "golden"])
def test_every_event_reads_as_dump_prints_it(build, egpu_trace, root, request, which):
    path = root / "tests/tracer/golden-1.0.egt" if which == "golden" else request.getfixturevalue(which)
    db = connect(build, path)
    cursor = db.execute("SELECT * FROM event")
    names = [c[0] for c in cursor.description]
    events = dump(egpu_trace, path)
    compared = 0
    for seq, (row, event) in enumerate(zip(cursor, events)):
        got = dict(zip(names, row))
        assert got.pop("seq") == seq
        assert got.pop("t_s") == pytest.approx(event["t_ns"] / 1e9)
        want = {"arg_seq" if k == "seq" else k: int(v, 16) if isinstance(v, str) and v.startswith("0x") else v for k, v in event.items()}
        for name, value in got.items():
            w = want.get(name)
            assert value == (w - (1 << 64) if isinstance(w, int) and w >= 1 << 63 else w), (seq, name)
        compared += 1
    assert compared == len(events) > 0


def test_connection_closes_after_use_and_main_file_is_left_alone(build, sample):
    before = hashlib.sha256(sample.read_bytes()).hexdigest()
    db = connect(build, sample)
    assert db.execute("SELECT count(*) FROM event").fetchone()[0] > 0
    db.close()
    assert hashlib.sha256(sample.read_bytes()).hexdigest() == before
    assert sorted(p.name for p in sample.parent.iterdir()) == [sample.name]


def test_table_is_read_only(build, sample):
    db = connect(build, sample)
    with pytest.raises(sqlite3.OperationalError, match="may not be modified"):
        db.execute("DELETE FROM event")


def test_table_in_a_database_that_is_no_trace_says_so(build, tmp_path):
    db = connect(build, tmp_path / "other.db")
    with pytest.raises(sqlite3.OperationalError, match="not an egpu trace"):
        db.execute("SELECT * FROM event")


def test_read_only_connection_has_the_views_too(build, sample):
    db = sqlite3.connect(f"file:{sample}?mode=ro", uri=True)
    db.enable_load_extension(True)
    db.load_extension(str(build / "egpu_trace"))
    for view in VIEWS:
        db.execute(f"SELECT * FROM {view}").fetchall()


def test_damaged_chunk_is_an_error_that_names_it(build, egpu_trace, long, tmp_path):
    bad = tmp_path / "bad.egt"
    shutil.copy(long, bad)
    with sqlite3.connect(bad) as db:
        db.execute("UPDATE chunk SET checksum = (checksum + 1) & 0xffffffff WHERE id = 2")
    with pytest.raises(sqlite3.DatabaseError, match="chunk 2"):
        connect(build, bad).execute("SELECT count(kind) FROM event").fetchall()
    done = egpu_trace("sql", bad, "SELECT count(*) FROM event")
    assert done.returncode == 1 and "chunk 2: " in done.stderr and len(done.stderr.splitlines()) == 1
    # what does not touch the chunk still works
    assert rows(egpu_trace, bad, "SELECT seq FROM event WHERE seq = 1") == [{"seq": 1}]


def test_damaged_bounds_of_a_chunk_are_not_believed(build, long, tmp_path):
    bad = tmp_path / "bad.egt"
    shutil.copy(long, bad)
    with sqlite3.connect(bad) as db:
        db.execute("UPDATE chunk SET t_min_ns = 0, t_max_ns = 1 WHERE id = 2")
    with pytest.raises(sqlite3.DatabaseError, match="chunk 2"):
        connect(build, bad).execute("SELECT count(*) FROM event WHERE t_s > 100").fetchall()


# ---- what is pushed down ----

@pytest.mark.parametrize("where,plan", [
    ("t_s >= 100 AND t_s < 101", "time"), ("t_ns BETWEEN 100000000000 AND 101000000000", "time"), ("seq BETWEEN 70000 AND 70100", "seq"),
    ("seq = 70000", "seq"), ("kind = 'mark'", "kind"),
])
def test_constraint_touches_only_its_chunks(build, long, where, plan):
    db = connect(build, long)
    assert chunks(long) >= 3
    explained = " ".join(r[3] for r in db.execute(f"EXPLAIN QUERY PLAN SELECT * FROM event WHERE {where}"))
    assert plan in explained.split(":")[-1].split()
    before = db.execute("SELECT egpu_chunks_decoded()").fetchone()[0]
    found = db.execute(f"SELECT count(*) FROM event WHERE {where}").fetchone()[0]
    touched = db.execute("SELECT egpu_chunks_decoded()").fetchone()[0] - before
    assert found > 0 and 1 <= touched < chunks(long)


def test_full_scan_touches_every_chunk_once(build, long):
    db = connect(build, long)
    db.execute("SELECT count(*) FROM event").fetchone()
    assert db.execute("SELECT egpu_chunks_decoded()").fetchone()[0] == chunks(long)


def test_list_of_kinds_is_one_scan_in_order_of_the_file(build, long):
    db = connect(build, long)
    sql = "SELECT seq FROM event WHERE kind IN ('frame', 'mark', 'nonsense', NULL, 7) ORDER BY seq"
    assert "TEMP B-TREE" not in " ".join(r[3] for r in db.execute("EXPLAIN QUERY PLAN " + sql))
    seqs = [r[0] for r in db.execute(sql)]
    assert seqs == sorted(seqs) and len(seqs) == 303
    assert db.execute("SELECT egpu_chunks_decoded()").fetchone()[0] <= chunks(long)


def test_random_constraints_give_what_a_full_scan_gives(build, long):
    db = connect(build, long)
    rnd = random.Random(5)
    # a copy without any push-down
    db.execute("CREATE TEMP TABLE copy AS SELECT seq, t_ns, t_s, kind FROM event")
    values = {
        "seq": lambda: rnd.choice([rnd.randrange(241000), rnd.random() * 241000, -3, 1 << 62]),
        "t_ns": lambda: rnd.choice([rnd.randrange(301) * 10**9 + rnd.randrange(800) * 1250000, rnd.random() * 3e11, -1, 9e18, 1e300,
                                    -1e300]),
        "t_s": lambda: rnd.choice([rnd.randrange(301), rnd.randrange(240000) / 800, -1, 1e300]),
    }
    found = 0
    for _ in range(60):
        terms = []
        for column in rnd.sample(list(values), rnd.randrange(1, 4)):
            value = rnd.choice([values[column]()] * 8 + ["NULL", "'12'", "x'31'"])
            terms.append(f"{column} {rnd.choice(['<', '<=', '=', '>=', '>', 'IS'])} {value}")
        if rnd.random() < 0.3:
            terms.append(rnd.choice(["kind = 'frame'", "kind IN ('mark', 'frame')", "kind = 'no'", "kind > 'm'",
                                     "kind = 'FRAME' COLLATE nocase"]))
        where = " AND ".join(terms)
        want = db.execute(f"SELECT count(*), total(seq) FROM copy WHERE {where}").fetchone()
        assert db.execute(f"SELECT count(*), total(seq) FROM event WHERE {where}").fetchone() == want, where
        found += want[0] > 0
    assert found > 10


def test_join_finds_events_by_number(build, long):
    db = connect(build, long)
    assert db.execute("SELECT count(*) FROM event a JOIN event b ON b.seq = a.seq + 1 WHERE a.kind = 'mark'").fetchone()[0] == 3


def test_number_bound_as_a_parameter_is_pushed_down(build, long):
    db = connect(build, long)
    assert [r[0] for r in db.execute("SELECT seq FROM event WHERE seq >= ? AND seq < ?", (140000, 140003))] == [140000, 140001, 140002]
    assert db.execute("SELECT egpu_chunks_decoded()").fetchone()[0] == 1


# ---- views ----

def test_views_of_requests_frames_and_phases(egpu_trace, tmp_path):
    text = tmp_path / "t.txt"
    line = "  app-7 [000] ..... {}: {}\n".format
    text.write_text(
        line("1.000000", "dma_map_page: gpu dir=TO_DEVICE dma_addr=1000 size=4096 phys_addr=1000 attrs=") +
        line("1.500000", "dma_map_page: gpu dir=TO_DEVICE dma_addr=ffffffffffffffff size=8192 phys_addr=8000 attrs=") +
        line("2.000000", "tracing_mark_write: loading") +
        line("2.250000", "dma_map_page: gpu dir=TO_DEVICE dma_addr=4000 size=4096 phys_addr=4000 attrs=") +
        line("2.500000", "dma_unmap_page: gpu dir=TO_DEVICE dma_addr=1000 size=4096 attrs=") +
        line("3.000000", "tracing_mark_write: frame 1") +
        line("3.020000", "tracing_mark_write: frame 2"))
    trace = tmp_path / "t.egt"
    assert egpu_trace("import", "ftrace", text, "-o", trace).returncode == 0
    live = rows(egpu_trace, trace, "SELECT t_s, requests, bytes FROM live_requests")
    assert [(r["requests"], r["bytes"]) for r in live] == [(1, 4096), (2, 8192), (1, 4096)]
    frames = rows(egpu_trace, trace, "SELECT number, frame_ms, fps FROM frames")
    assert frames[0] == {"number": 1, "frame_ms": None, "fps": None}
    assert frames[1]["frame_ms"] == pytest.approx(20) and frames[1]["fps"] == pytest.approx(50)
    assert rows(egpu_trace, trace, "SELECT len, requests, failed, bytes FROM map_sizes") == [
        {"len": 4096, "requests": 2, "failed": 0, "bytes": 8192}, {"len": 8192, "requests": 1, "failed": 1, "bytes": 8192}]
    phases = rows(egpu_trace, trace, "SELECT phase, name, start_s, duration_s, frames, requests, requested_bytes FROM phases")
    assert phases == [{"phase": 0, "name": None, "start_s": 1, "duration_s": 1, "frames": 0, "requests": 2, "requested_bytes": 12288},
                      {"phase": 1, "name": "loading", "start_s": 2, "duration_s": pytest.approx(1.02), "frames": 2, "requests": 1,
                       "requested_bytes": 4096}]


def test_views_of_registers_interrupts_faults_and_mappings(egpu_trace, sample):
    events = dump(egpu_trace, sample)

    def of(*kinds):
        return [e for e in events if e["kind"] in kinds]

    top = rows(egpu_trace, sample, "SELECT * FROM bar_top")
    assert sum(r["reads"] for r in top) == len(of("region_read")) > 0
    assert sum(r["writes"] for r in top) == len(of("region_write")) > 0
    assert sum(r["interrupts"] for r in rows(egpu_trace, sample, "SELECT * FROM irqs")) == len(of("irq")) > 0
    faults = rows(egpu_trace, sample, "SELECT * FROM faults")
    assert [r["iova_hex"] for r in faults] == [e["iova"] for e in of("fault")] and faults
    good = [e for e in of("map", "unmap") if e["status"] == 0]
    live = rows(egpu_trace, sample, "SELECT * FROM live_mappings")
    assert len(live) == len(good) > 0
    assert live[-1]["mappings"] == sum(1 if e["kind"] == "map" else -1 for e in good)


def test_option_views_prints_how_they_are_made(egpu_trace):
    done = egpu_trace("sql", "--views")
    assert done.returncode == 0
    assert all(f"VIEW IF NOT EXISTS {view} AS" in done.stdout for view in VIEWS)


# ---- egpu-trace sql ----

def test_output_as_table_csv_and_json_hold_the_same(egpu_trace, long):
    sql = "SELECT seq, kind, text, t_s, x'00ff' AS b, NULL AS n FROM event WHERE kind = 'mark' LIMIT 2"
    as_json = rows(egpu_trace, long, sql)
    assert as_json[0] == {"seq": 1, "kind": "mark", "text": "part 0, \"quoted\"", "t_s": 1, "b": "00ff", "n": None}
    as_csv = list(csv.DictReader(io.StringIO(egpu_trace("sql", "--csv", long, sql).stdout)))
    assert [r["text"] for r in as_csv] == [r["text"] for r in as_json] and as_csv[0]["n"] == ""
    table = egpu_trace("sql", long, sql).stdout.splitlines()
    assert table[0].split() == ["seq", "kind", "text", "t_s", "b", "n"] and set(table[1]) == {"-", " "}
    assert "part 0, \"quoted\"" in table[2] and "x'00ff'" in table[2] and len(table) == 4


def test_empty_result_still_has_its_header(egpu_trace, sample):
    assert egpu_trace("sql", "--csv", sample, "SELECT seq, kind FROM event WHERE 0").stdout == "seq,kind\n"
    assert egpu_trace("sql", "--json", sample, "SELECT seq FROM event WHERE 0").stdout == ""
    assert egpu_trace("sql", sample, "SELECT seq FROM event WHERE 0").stdout == "seq\n---\n"


def test_long_table_is_complete(egpu_trace, long):
    done = egpu_trace("sql", long, "SELECT seq, kind FROM event WHERE seq < 1700")
    assert [line.split()[0] for line in done.stdout.splitlines()[2:]] == [str(i) for i in range(1700)]


def test_sql_comes_from_standard_input(egpu_trace, sample):
    done = egpu_trace("sql", "--csv", sample, "-", input="SELECT 1 AS one -- a comment\n;\n-- another\n")
    assert (done.returncode, done.stdout) == (0, "one\n1\n"), done.stderr


@pytest.mark.parametrize("sql", [
    "DELETE FROM chunk", "UPDATE meta SET value = 'x'", "DROP TABLE chunk", "CREATE TABLE t(a)", "CREATE TEMP TABLE t(a)",
    "INSERT INTO meta VALUES(1, 2)", "ATTACH 'other.db' AS o", "VACUUM", "VACUUM INTO 'copy.db'", "PRAGMA journal_mode = DELETE",
    "PRAGMA user_version = 7", "PRAGMA writable_schema = 1",
    "SELECT load_extension('x')", "BEGIN IMMEDIATE", "REINDEX", "ANALYZE", "DELETE FROM event",
])
def test_writing_is_refused_whatever_the_sql_says(egpu_trace, sample, tmp_path, sql):
    path = tmp_path / "t.egt"
    shutil.copy(sample, path)
    done = egpu_trace("sql", path, sql, cwd=tmp_path)
    assert done.returncode == 1 and len(done.stderr.splitlines()) == 1 and not done.stdout
    assert path.read_bytes() == sample.read_bytes()
    assert [p.name for p in tmp_path.iterdir()] == ["t.egt"]


@pytest.mark.parametrize("sql,status,says", [
    ("SELEC 1", 1, "syntax error"), ("SELECT no_such FROM event", 1, "no such column"), ("SELECT 1; SELECT 2", 2, "one statement"),
    ("", 2, "empty"), (" -- nothing\n", 2, "empty"), ("SELECT 1; rubbish", 2, "one statement"),
    ("SELECT abs(-9223372036854775808)", 1, "overflow"),
])
def test_bad_sql_gets_one_line(egpu_trace, sample, sql, status, says):
    done = egpu_trace("sql", sample, sql)
    assert done.returncode == status and says in done.stderr.splitlines()[0]
    assert status == 2 or len(done.stderr.splitlines()) == 1


def test_misuse_and_files_that_are_no_trace(egpu_trace, sample, tmp_path):
    other = tmp_path / "other"
    other.write_text("no trace")
    assert egpu_trace("sql").returncode == 2
    assert egpu_trace("sql", sample).returncode == 2
    assert egpu_trace("sql", "--what", sample, "SELECT 1").returncode == 2
    assert egpu_trace("sql", sample, "SELECT 1", "SELECT 2").returncode == 2
    assert egpu_trace("sql", tmp_path / "none.egt", "SELECT 1").returncode == 1
    done = egpu_trace("sql", other, "SELECT 1")
    assert done.returncode == 1 and "not an egpu trace" in done.stderr
    assert "usage" in egpu_trace("sql", "--help").stdout


def test_interrupt_ends_a_query_without_end(build, sample):
    endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n"
    p = subprocess.Popen([build / "egpu-trace", "sql", "--csv", sample, endless],
                         stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    time.sleep(0.5)
    assert p.poll() is None
    p.send_signal(signal.SIGINT)
    out, err = p.communicate(timeout=20)
    assert p.returncode == 1 and "interrupted" in err


def test_reader_of_a_pipe_may_go_away(build, long):
    done = subprocess.run(f"{build}/egpu-trace sql --csv {long} 'SELECT * FROM event' | head -n 2; exit ${{PIPESTATUS[0]}}", shell=True,
                          executable="/bin/bash", capture_output=True, text=True, timeout=60)
    assert done.returncode == 0 and done.stdout.startswith("seq,t_ns,t_s,kind,device,status,") and not done.stderr


def test_query_works_on_a_trace_that_is_being_recorded(build, egpu_trace, tmp_path):
    path = tmp_path / "t.egt"
    p = subprocess.Popen([build / "tests/tracer/test_recorder", "emit", path, "50", "200"], stderr=subprocess.PIPE)
    try:
        counts, end = [], time.monotonic() + 30
        while len(counts) < 2 or counts[-1] == counts[0]:
            assert time.monotonic() < end
            if path.exists():
                done = egpu_trace("sql", "--csv", path, "SELECT count(*) FROM event")
                assert done.returncode == 0, done.stderr
                counts.append(int(done.stdout.split()[1]))
            time.sleep(0.1)
        assert counts == sorted(counts)
    finally:
        p.kill()
        p.wait()


@pytest.mark.parametrize("view", ["map_sizes", "bar_top"])
def test_shares_are_rounded_and_make_a_whole(egpu_trace, sample, long, view):
    shares = [row["percent"] for path in (sample, long) for row in rows(egpu_trace, path, f"SELECT percent FROM {view}")]
    assert shares and all(share == round(share, 2) for share in shares)
    sums = [sum(row["percent"] for row in rows(egpu_trace, path, f"SELECT percent FROM {view}")) for path in (sample, long)]
    assert all(total == 0 or abs(total - 100) < 1 for total in sums)
