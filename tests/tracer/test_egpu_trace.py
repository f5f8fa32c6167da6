# SPDX-License-Identifier: MIT OR GPL-2.0-only
"""egpu-trace on traces that end well, that are killed, that grow, and that are damaged."""
import csv
import io
import json
import os
import pathlib
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time

import pytest

FLUSH_MS = 100


@pytest.fixture
def recorder(build):
    """Starts a recorder that never ends; all are gone after the test."""
    running = []

    def start(path, period_us=0, flush_ms=FLUSH_MS):
        p = subprocess.Popen([build / "tests/tracer/test_recorder", "emit", str(path), str(flush_ms), str(period_us)],
                             stderr=subprocess.PIPE, text=True)
        running.append(p)
        return p

    yield start
    for p in running:
        p.kill()
        p.wait()


@pytest.fixture(scope="session")
def small(build, egpu_trace, tmp_path_factory):
    """A small complete trace with two devices, frames, a mark and a failed map."""
    folder = tmp_path_factory.mktemp("small")
    text = folder / "small.txt"
    text.write_text(
        "  app-7 [000] ..... 1.000000: dma_map_page: 0000:00:01.0 dir=TO_DEVICE dma_addr=1000 size=4096 phys_addr=1000 attrs=\n"
        "  app-7 [000] ..... 1.500000: dma_map_page: 0000:00:02.0 dir=FROM_DEVICE dma_addr=ffffffffffffffff size=8192 phys_addr=8000 attrs=\n"
        "  app-7 [000] ..... 2.000000: tracing_mark_write: frame 3\n"
        "  app-7 [000] ..... 2.500000: tracing_mark_write: level \"two\", the end\n"
        "  app-7 [000] ..... 3.000000: dma_unmap_page: 0000:00:01.0 dir=TO_DEVICE dma_addr=1000 size=4096 attrs=\n")
    out = folder / "small.egt"
    done = egpu_trace("import", "ftrace", text, "-o", out)
    assert done.returncode == 0, done.stderr
    return out


def wait_for(condition, seconds=20):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        value = condition()
        if value:
            return value
        time.sleep(0.02)
    pytest.fail("it did not come to pass in time")


def info(egpu_trace, path):
    done = egpu_trace("info", "--json", path)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def frames(egpu_trace, path, *options):
    done = egpu_trace("dump", "--json", *options, path)
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


# ---- killed and growing traces ----

@pytest.mark.parametrize("seed", range(6))
def test_killed_recorder_leaves_a_valid_trace_that_lacks_at_most_a_flush(egpu_trace, recorder, tmp_path, seed):
    path = tmp_path / "t.egt"
    p = recorder(path, period_us=100)
    wait_for(path.exists)
    time.sleep(random.Random(seed).uniform(0.0, 1.2))
    killed_ns = time.monotonic_ns()
    p.send_signal(signal.SIGKILL)
    p.wait()

    verify = egpu_trace("verify", path)
    assert verify.returncode == 0, verify.stdout + verify.stderr
    about = info(egpu_trace, path)
    assert about["state"] == "incomplete"
    assert "complete" not in about["meta"]
    events = frames(egpu_trace, path)
    assert [e["frame"] for e in events] == list(range(len(events)))
    assert len(events) == about["events"]
    # an event is on disk after at most flush_ms; the rest is for a machine that is busy with other tests
    if events:
        assert killed_ns - events[-1]["t_ns"] < (FLUSH_MS + 400) * 1e6
    assert "ended early" in egpu_trace("info", path).stdout


def test_recorder_killed_at_full_speed_leaves_a_valid_trace(egpu_trace, recorder, tmp_path):
    path = tmp_path / "t.egt"
    p = recorder(path)
    wait_for(path.exists)
    wait_for(lambda: info(egpu_trace, path)["events"] > 500000)
    p.kill()
    p.wait()
    assert egpu_trace("verify", path).returncode == 0
    assert info(egpu_trace, path)["chunks"] > 7


def test_recorder_killed_while_it_starts_leaves_a_trace_or_nothing(egpu_trace, recorder, tmp_path):
    rnd = random.Random(1)
    for i in range(20):
        path = tmp_path / f"{i}.egt"
        p = recorder(path)
        time.sleep(rnd.uniform(0.0, 0.02))
        p.kill()
        p.wait()
        if path.exists():
            assert egpu_trace("verify", path).returncode == 0
        # what it left does not keep the next recorder away
        p = recorder(path if not path.exists() else tmp_path / f"{i}-again.egt")
        wait_for((path if p.args[2] == str(path) else tmp_path / f"{i}-again.egt").exists)
        p.kill()
        p.wait()


@pytest.fixture
def open_folder():
    """A folder that any user can reach, which pytest's own are not."""
    folder = pathlib.Path(tempfile.mkdtemp(prefix="egpu-test-"))
    folder.chmod(0o755)
    yield folder
    subprocess.run(["chmod", "-R", "u+w", folder], check=True)
    shutil.rmtree(folder)


def test_killed_trace_can_be_read_from_a_read_only_folder(egpu_trace, recorder, build, open_folder):
    path = open_folder / "ro" / "t.egt"
    path.parent.mkdir()
    p = recorder(path, period_us=100)
    wait_for(path.exists)
    wait_for(lambda: info(egpu_trace, path)["events"] > 100)
    p.kill()
    p.wait()
    expected = info(egpu_trace, path)["events"]
    tool = shutil.copy(build / "egpu-trace", open_folder)
    # permissions do not bind root
    as_user = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"] if os.geteuid() == 0 else []

    def read_only(*args):
        for f in path.parent.iterdir():
            f.chmod(0o444)
        path.parent.chmod(0o555)
        done = subprocess.run([*as_user, tool, *args, path], capture_output=True, text=True, timeout=60)
        path.parent.chmod(0o755)
        return done

    done = read_only("info", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["events"] == expected
    # without the log's index SQLite cannot use the log here; that its events are missing must not go unsaid
    os.unlink(f"{path}-shm")
    done = read_only("info")
    assert done.returncode == 1
    assert "newest events are in" in done.stderr and "copy both" in done.stderr


def test_trace_whose_recorder_died_in_its_last_step_is_rolled_back(egpu_trace, small, tmp_path):
    path = tmp_path / "t.egt"
    shutil.copy(small, path)
    # a transaction that has reached the file, but not its end: what leaving the log's mode is for a moment
    dies = ("import os, sqlite3, sys; db = sqlite3.connect(sys.argv[1], isolation_level=None); db.execute('PRAGMA cache_size = 1');"
            "db.execute('BEGIN EXCLUSIVE'); db.execute('UPDATE chunk SET data = zeroblob(100000)'); os._exit(0)")
    subprocess.run([sys.executable, "-c", dies, path], check=True)
    assert os.path.getsize(f"{path}-journal") > 0
    assert path.read_bytes() != small.read_bytes()
    assert egpu_trace("verify", path).returncode == 0
    assert frames(egpu_trace, path) == frames(egpu_trace, small)


def test_complete_trace_can_be_read_from_a_read_only_folder(egpu_trace, small, tmp_path):
    folder = tmp_path / "ro"
    folder.mkdir()
    copy = folder / "a name with % and ?.egt"
    shutil.copy(small, copy)
    folder.chmod(0o555)
    try:
        assert info(egpu_trace, copy)["state"] == "complete"
        assert [f.name for f in folder.iterdir()] == [copy.name]
    finally:
        folder.chmod(0o755)


def test_reading_while_recording_sees_more_and_more(egpu_trace, recorder, tmp_path):
    path = tmp_path / "t.egt"
    recorder(path, period_us=200)
    wait_for(path.exists)
    first = wait_for(lambda: info(egpu_trace, path)["events"])
    more = wait_for(lambda: info(egpu_trace, path)["events"] > first and info(egpu_trace, path))
    assert more["state"] == "recording"
    assert "being recorded" in egpu_trace("info", path).stdout
    assert egpu_trace("verify", path).returncode == 0


def test_second_recorder_is_refused_as_busy(egpu_trace, recorder, small, tmp_path):
    path = tmp_path / "t.egt"
    recorder(path, period_us=1000)
    wait_for(path.exists)
    second = recorder(path)
    assert second.wait(timeout=20) == 1
    assert "16 " in second.stderr.read()
    third = egpu_trace("import", "ftrace", small, "--force", "-o", path)
    assert third.returncode == 1
    assert "another recorder is writing it" in third.stderr


# ---- info, dump ----

def test_info_shows_where_a_trace_comes_from_and_what_it_lacks(egpu_trace, small):
    about = info(egpu_trace, small)
    assert about["state"] == "complete"
    assert about["meta"]["provenance"] == "imported"
    assert about["meta"]["origin"].startswith("ftrace text, small.txt, sha256 ")
    assert about["kind_events"] == {"req_map": 2, "req_unmap": 1, "frame": 1, "mark": 1}
    assert (about["events"], about["chunks"], about["duration_s"]) == (5, 1, 2.0)
    assert [d["name"] for d in about["devices"]] == ["0000:00:01.0", "0000:00:02.0"]
    assert {a["what"]: a["count"] for a in about["account"]}["events_dropped"] == 0
    text = egpu_trace("info", small).stdout
    for part in ("imported", "0000:00:02.0", "req_unmap", "events_dropped", "per event", "complete      yes"):
        assert part in text


def test_dump_text_shows_every_argument(egpu_trace, small):
    lines = egpu_trace("dump", small).stdout.splitlines()
    assert lines[0].split() == ["1.000000000", "0000:00:01.0", "req_map", "gpa=0x1000", "len=4096", "iova=0x1000", "flags=0x1",
                                "guest_t=1.000000000"]
    assert "status=-5" in lines[1] and "iova=0xffffffffffffffff" in lines[1]
    assert lines[2].split() == ["2.000000000", "-", "frame", "frame=3"]
    assert 'text="level "two", the end"' in lines[3]


def test_dump_json_and_csv_say_the_same(egpu_trace, small):
    events = frames(egpu_trace, small)
    rows = list(csv.DictReader(io.StringIO(egpu_trace("dump", "--csv", small).stdout)))
    assert len(events) == len(rows) == 5
    for event, row in zip(events, rows):
        for key, value in event.items():
            assert row[key] == ("" if value is None else str(value))
    assert rows[3]["text"] == 'level "two", the end'


@pytest.mark.parametrize("options, times", [
    (["--kind", "frame"], [2.0]),
    (["--kind", "frame", "--kind", "mark"], [2.0, 2.5]),
    (["--device", "0000:00:01.0"], [1.0, 3.0]),
    (["--from", "1.5"], [1.5, 2.0, 2.5, 3.0]),
    (["--to", "1.5"], [1.0]),
    (["--from", "1.5", "--to", "2.5"], [1.5, 2.0]),
    (["--limit", "2"], [1.0, 1.5]),
    (["--limit", "1", "--kind", "mark"], [2.5]),
    (["--limit", "0"], []),
])
def test_dump_filters_leave_only_what_was_asked_for(egpu_trace, small, options, times):
    assert [e["t_ns"] / 1e9 for e in frames(egpu_trace, small, *options)] == times


# ---- misuse and output that goes nowhere ----

@pytest.mark.parametrize("args", [[], ["nonsense"], ["info"], ["info", "a", "b"], ["info", "--nonsense", "a"], ["dump", "--kind", "nonsense", "a"],
                                  ["dump", "--from", "x", "a"], ["dump", "--limit", "-1", "a"], ["verify"], ["import"],
                                  ["import", "nonsense", "a", "-o", "b"], ["import", "ftrace", "a"]])
def test_misuse_exits_2_with_a_message(egpu_trace, args):
    done = egpu_trace(*args)
    assert done.returncode == 2
    assert done.stderr and not done.stdout


@pytest.mark.parametrize("args", [["--help"], ["info", "--help"], ["dump", "--help"], ["verify", "--help"], ["import", "--help"]])
def test_help_exits_0_on_stdout(egpu_trace, args):
    done = egpu_trace(*args)
    assert done.returncode == 0
    assert done.stdout.startswith("usage: ") and not done.stderr


def test_unknown_device_is_named(egpu_trace, small):
    done = egpu_trace("dump", "--device", "nope", small)
    assert done.returncode == 1
    assert 'no device "nope"' in done.stderr


def test_closed_pipe_is_quiet(build, small):
    done = subprocess.run(f"{build}/egpu-trace dump {small} | true; echo ${{PIPESTATUS[0]}}", shell=True, executable="/bin/bash",
                          capture_output=True, text=True, timeout=60)
    assert (done.stdout.strip(), done.stderr) == ("0", "")


def test_full_output_is_a_failure(build, small):
    with open("/dev/full", "w") as full:
        done = subprocess.run([build / "egpu-trace", "info", small], stdout=full, stderr=subprocess.PIPE, text=True, timeout=60)
    assert done.returncode == 1
    assert "cannot write" in done.stderr


# ---- files that are no traces, and damaged ones ----

@pytest.mark.parametrize("content", [b"", b"text\n", b"SQLite format 3\0" + bytes(200), bytes(4096)])
def test_file_that_is_no_trace_is_refused(egpu_trace, tmp_path, content):
    path = tmp_path / "x"
    path.write_bytes(content)
    for command in ("info", "dump", "verify"):
        done = egpu_trace(command, path)
        assert done.returncode == 1
        assert "not an egpu trace" in done.stderr


@pytest.mark.parametrize("path, reason", [("/nonexistent", "No such file"), ("/", "")])
def test_path_that_cannot_be_read_is_refused(egpu_trace, path, reason):
    done = egpu_trace("info", path)
    assert done.returncode == 1
    assert reason in done.stderr and len(done.stderr.splitlines()) == 1


def test_other_database_is_refused(egpu_trace, tmp_path):
    path = tmp_path / "x.db"
    with sqlite3.connect(path) as db:
        db.execute("CREATE TABLE chunk(id)")
    done = egpu_trace("info", path)
    assert done.returncode == 1
    assert "not an egpu trace" in done.stderr


def edited(small, tmp_path, *statements):
    path = tmp_path / "edited.egt"
    shutil.copy(small, path)
    with sqlite3.connect(path) as db:
        for s in statements:
            db.execute(s)
    db.close()
    return path


def test_newer_major_version_is_refused_and_newer_minor_is_read(egpu_trace, small, tmp_path):
    done = egpu_trace("info", edited(small, tmp_path, "PRAGMA user_version = 200"))
    assert done.returncode == 1
    assert "format 2.0" in done.stderr and "newer egpu" in done.stderr
    newer = edited(small, tmp_path, "PRAGMA user_version = 107", "CREATE TABLE live(chunk INTEGER, data BLOB)",
                   "ALTER TABLE chunk ADD COLUMN live BLOB")
    assert len(frames(egpu_trace, newer)) == 5


def test_view_in_place_of_a_table_is_refused(egpu_trace, small, tmp_path):
    endless = "CREATE VIEW chunk AS WITH RECURSIVE r(id) AS (SELECT 1 UNION ALL SELECT id + 1 FROM r) SELECT id FROM r"
    done = egpu_trace("info", edited(small, tmp_path, "DROP TABLE chunk", endless))
    assert done.returncode == 1
    assert "not an egpu trace" in done.stderr


@pytest.mark.parametrize("statement", [
    "UPDATE chunk SET checksum = checksum + 1", "UPDATE chunk SET events = events + 1", "UPDATE chunk SET first_seq = 4",
    "UPDATE chunk SET t_min_ns = 0", "UPDATE chunk SET kind_events = '{\"5\":5}'", "UPDATE chunk SET kind_events = x'00'",
    "UPDATE chunk SET codec = 9", "UPDATE chunk SET codec = -1", "UPDATE chunk SET raw_bytes = 1 << 40", "UPDATE chunk SET data = 'text'",
    "UPDATE chunk SET data = x''", "UPDATE chunk SET data = zeroblob(1000)", "UPDATE chunk SET id = 2", "UPDATE chunk SET events = 'many'",
    "UPDATE chunk SET checksum = -1", "UPDATE chunk SET data = zeroblob(20000000)",
])
def test_damaged_row_is_named_and_can_be_skipped(egpu_trace, small, tmp_path, statement):
    path = edited(small, tmp_path, statement)
    done = egpu_trace("verify", path)
    assert done.returncode == 1
    assert "chunk " in done.stdout and "1 damaged" in done.stdout
    done = egpu_trace("dump", path)
    assert done.returncode == 1
    assert "--skip-damaged" in done.stderr
    done = egpu_trace("dump", "--skip-damaged", path)
    assert done.returncode == 0
    assert done.stdout == "" and "1 damaged" in done.stderr
    assert egpu_trace("info", path).returncode == 0


@pytest.fixture(scope="session")
def many_chunks(build, egpu_trace, tmp_path_factory):
    """A complete trace of several chunks."""
    folder = tmp_path_factory.mktemp("many")
    text = folder / "many.txt"
    rnd = random.Random(3)
    text.write_text("".join(f" a-1 [000] ..... 1.{i:06}: tracing_mark_write: frame {rnd.getrandbits(40)}\n" for i in range(300000)))
    done = egpu_trace("import", "ftrace", text, "-o", folder / "many.egt")
    assert done.returncode == 0, done.stderr
    return folder / "many.egt"


def test_missing_chunk_is_reported(egpu_trace, many_chunks, tmp_path):
    path = edited(many_chunks, tmp_path, "DELETE FROM chunk WHERE id = 3")
    done = egpu_trace("verify", path)
    assert done.returncode == 1
    assert "chunk 4: chunks before it are missing" in done.stdout


def test_every_damaged_page_is_found_and_the_rest_is_read(egpu_trace, many_chunks, tmp_path):
    whole = many_chunks.read_bytes()
    total = info(egpu_trace, many_chunks)["events"]
    rnd = random.Random(7)
    pages = rnd.sample(range(1, len(whole) // 4096), 20)
    found = 0
    for page in pages:
        path = tmp_path / "damaged.egt"
        at = page * 4096 + rnd.randrange(4096)
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 1 << rnd.randrange(8)]) + whole[at + 1:])
        verify = egpu_trace("verify", path)
        dump = egpu_trace("dump", "--csv", "--skip-damaged", path)
        assert verify.returncode in (0, 1) and dump.returncode in (0, 1), (page, verify, dump.stderr)
        read = len(dump.stdout.splitlines()) - 1
        if verify.returncode == 0:
            assert read == total, page
        else:
            found += 1
            assert read <= total
    assert found > len(pages) // 2


def test_truncated_file_is_refused_or_named(egpu_trace, many_chunks, tmp_path):
    whole = many_chunks.read_bytes()
    path = tmp_path / "cut.egt"
    for size in (100, 4096, 5000, len(whole) // 2, len(whole) - 4096, len(whole) - 1):
        path.write_bytes(whole[:size])
        done = egpu_trace("verify", path)
        assert done.returncode == 1, size
        assert done.stdout or done.stderr
