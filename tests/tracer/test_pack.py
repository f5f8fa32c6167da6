# SPDX-License-Identifier: MIT OR GPL-2.0-only
"""egpu-trace pack and repair, as their users see them."""
import shutil
import sqlite3
import subprocess

import pytest


@pytest.fixture
def trace(build, root):
    def run(*args):
        return subprocess.run([build / "egpu-trace", *args], capture_output=True, text=True)
    return run


@pytest.fixture
def old(root, tmp_path):
    return shutil.copy(root / "tests/tracer/golden-1.0.egt", tmp_path / "old.egt")


def rows(path):
    with sqlite3.connect(path) as db:
        return {t: db.execute(f"SELECT {c} FROM {t} ORDER BY 1").fetchall() for t, c in
                {"meta": "key, value", "device": "id, name, identity", "string": "id, text", "account": "what, count, note"}.items()}


def test_packed_trace_holds_everything_and_is_of_the_newest_format(trace, old, tmp_path):
    new = tmp_path / "new.egt"
    done = trace("pack", old, "-o", new)
    assert done.returncode == 0 and "680 events" in done.stdout and "saved" in done.stdout
    assert trace("dump", "--json", new).stdout == trace("dump", "--json", old).stdout
    assert rows(new) == rows(old)
    assert trace("verify", new).returncode == 0
    assert sorted(p.name for p in tmp_path.iterdir()) == ["new.egt", "old.egt"]


def test_pack_without_output_takes_the_place_of_the_trace(trace, old, tmp_path):
    before = trace("dump", "--json", old).stdout
    assert trace("pack", old).returncode == 0
    assert trace("dump", "--json", old).stdout == before
    assert [p.name for p in tmp_path.iterdir()] == ["old.egt"]


def test_pack_does_not_replace_another_file(trace, old, tmp_path):
    other = tmp_path / "other"
    other.write_text("precious")
    for force in [], ["--force"]:
        done = trace("pack", old, "-o", other, *force)
        assert done.returncode == 1 and len(done.stderr.splitlines()) == 1
        assert other.read_text() == "precious"


def test_pack_leaves_a_damaged_trace_alone_and_names_repair(trace, old):
    with sqlite3.connect(old) as db:
        db.execute("UPDATE chunk SET data = zeroblob(length(data))")
    with open(old, "rb") as f:
        before = f.read()
    done = trace("pack", old)
    assert done.returncode == 1 and "repair" in done.stderr
    with open(old, "rb") as f:
        assert f.read() == before


def test_damaged_rows_are_named_and_repaired(trace, root, tmp_path):
    bad, good = shutil.copy(root / "tests/tracer/golden-1.1.egt", tmp_path / "bad.egt"), tmp_path / "good.egt"
    with sqlite3.connect(bad) as db:
        db.execute("UPDATE meta SET value = 'forged' WHERE key = 'origin'")
        db.execute("UPDATE string SET text = 'forged' WHERE id = 2")
    done = trace("verify", bad)
    assert done.returncode == 1 and "meta origin" in done.stdout and "string 2" in done.stdout
    assert "forged" not in trace("dump", bad).stdout + trace("info", bad).stdout
    done = trace("repair", bad, "-o", good)
    assert done.returncode == 0 and "2 other rows" in done.stdout
    assert trace("verify", good).returncode == 0
    assert ("rows_lost", 2) in [row[:2] for row in rows(good)["account"]]


def test_commands_that_lack_something_are_misused(trace, old):
    assert trace("repair", old).returncode == 2
    assert trace("pack").returncode == 2
    assert trace("repair", old, "-o", old).returncode == 1
