# SPDX-License-Identifier: MIT OR GPL-2.0-only
"""Many cells from one decode: ranges, threads, passes, several DARTs, and the file that keeps results."""
import json
import signal
import sqlite3
import subprocess
import time

import pytest

GRID = ["--policy", "direct", "--policy", "window:log2=16..22/2", "--policy", "grow:first=14..16,evidence=150..170/10"]


def rows(done):
    return json.loads(done.stdout)


def test_range_stands_for_each_of_its_values(replay, trace):
    assert [r["policy"] for r in rows(replay(trace, "--json", "--policy", "window:log2=16..21/2"))] == [f"window:log2={n}" for n in (16, 18, 20)]


def test_last_range_goes_round_fastest(replay, trace):
    got = [r["policy"] for r in rows(replay(trace, "--json", "--policy", "grow:first=14..15,evidence=150..160/10"))]
    assert got == [f"grow:first={f},max=28,evidence={e},room=95,keep=0,crowd=64" for f in (14, 15) for e in (150, 160)]


@pytest.mark.parametrize("how", [["--threads", "1"], ["--threads", "3"], ["--memory", "1"], ["--memory", "3M", "--threads", "7"]])
def test_neither_threads_nor_passes_change_a_result(replay, recording, how):
    assert rows(replay(recording, "--json", *GRID, *how)) == rows(replay(recording, "--json", *GRID))


def test_each_policy_meets_each_dart(replay, trace):
    args = [trace, "--policy", "direct", "--policy", "window", "--dart", "apple-tb4:mappings=30", "--dart", "apple-tb4"]
    got = rows(replay(*args, "--json"))
    assert [(r["limits"]["mappings"], r["policy"], r["fits"]) for r in got] == [
        (30, "direct", False), (30, "window:log2=18", True), (65536, "direct", True), (65536, "window:log2=18", True)]
    assert [r["bound"]["mappings"] for r in got] == [1] * 4
    assert replay(*args).stdout.count("limits apple-tb4: ") == 2


def test_results_are_kept_and_not_made_again(replay, recording, tmp_path):
    file = tmp_path / "results.db"
    first = rows(replay(recording, "--json", *GRID, "--results", file))
    assert rows(replay(recording, "--json", *GRID, "--results", file)) == first
    with sqlite3.connect(file) as db:
        assert db.execute("SELECT count(*) FROM result").fetchone() == (len(first),)
        db.execute("UPDATE result SET hits = 123456789 WHERE policy = 'direct'")
    again = rows(replay(recording, "--json", *GRID, "--policy", "window:log2=23", "--results", file))
    assert again[0]["hits"] == 123456789 and again[1:-1] == first[1:] and again[-1]["policy"] == "window:log2=23"


@pytest.mark.parametrize("other", [["--dart", "apple-tb4:mappings=100"], ["--align", "downgrade"], ["--device", "0000:00:01.0"]])
def test_kept_results_are_of_the_same_question(replay, recording, tmp_path, other):
    file = tmp_path / "results.db"
    replay(recording, "--policy", "direct", "--results", file)
    assert rows(replay(recording, "--json", "--policy", "direct", "--results", file, *other)) == rows(
        replay(recording, "--json", "--policy", "direct", *other))


def test_kept_results_are_of_the_same_trace(replay, recording, trace, tmp_path):
    file = tmp_path / "results.db"
    both = [rows(replay(t, "--json", *GRID, "--results", file)) for t in (recording, trace)]
    assert both == [rows(replay(t, "--json", *GRID)) for t in (recording, trace)]


def test_failures_come_back_from_the_file_as_they_were(replay, recording, tmp_path):
    args = [recording, "--json", "--policy", "direct", "--policy", "window:log2=22", "--dart", "apple-tb4:mappings=300,bytes=260M", "--results", tmp_path / "r"]
    first = rows(replay(*args))
    assert {reason for row in first for reason in row["failures_by_reason"]} == {"mapping limit", "byte limit"}
    assert all(row["first_failure"] and not row["bound"]["fits"] for row in first)
    assert rows(replay(*args)) == first


def test_killed_sweep_goes_on_where_it_was(build, replay, recording, tmp_path):
    args = [recording, "--json", "--policy", "window:log2=14..30", "--policy", "grow:evidence=120..200/5", "--memory", "1"]
    whole = rows(replay(*args))
    file = tmp_path / "results.db"
    kept = 0
    for n in range(20):
        process = subprocess.Popen([build / "egpu-replay", *map(str, args), "--results", file], stdout=subprocess.DEVNULL)
        time.sleep(0.05 * (n + 1))  # one of these is between the first result and the last
        process.send_signal(signal.SIGKILL)
        process.wait()
        if file.exists():
            with sqlite3.connect(file) as db:
                assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
                now = db.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0] and db.execute("SELECT count(*) FROM result").fetchone()[0]
            assert now >= kept
            kept = now
        if 0 < kept < len(whole):
            break
    assert kept
    assert rows(replay(*args, "--results", file)) == whole


@pytest.mark.parametrize("content", [b"some text, long enough to be looked at", None])
def test_file_of_something_else_is_left_alone(replay, trace, tmp_path, content):
    file = tmp_path / "other"
    if content is None:
        file = trace
        content = trace.read_bytes()
    else:
        file.write_bytes(content)
    assert "no results file" in replay(trace, "--results", file, status=1).stderr
    assert file.read_bytes() == content


def test_results_file_that_cannot_be_made_fails(replay, trace, tmp_path):
    assert "absent" in replay(trace, "--results", tmp_path / "absent" / "r.db", status=1).stderr
