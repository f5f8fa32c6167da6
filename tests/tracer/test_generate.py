# SPDX-License-Identifier: MIT OR GPL-2.0-only
"""egpu-trace generate: traces of workloads that nobody played. That it asks for what a real play asks for is in tests/journey/test_models.py."""
import collections
import json
import sqlite3

import pytest

SMALL = """memory 256M
seed 3
mark load
fragment keep=40M blocks=64M touched=50 pages=1-2 cluster=256K
load buffers=2000 mix=4K:900,64K:60,1M:10 contiguous=90 large=50
frames n=10 uploads=8 limit=64K churn=5 pace=50
level free=20 load=300
"""


@pytest.fixture
def workload(tmp_path):
    path = tmp_path / "small.workload"
    path.write_text(SMALL)
    return path


@pytest.fixture
def generate(egpu_trace, workload, tmp_path):
    def run(*options, name="out.egt", status=0):
        done = egpu_trace("generate", workload, "-o", tmp_path / name, *map(str, options))
        assert done.returncode == status, done.stderr
        return tmp_path / name if status == 0 else done.stderr
    return run


def events(egpu_trace, trace, where="1"):
    done = egpu_trace("sql", "--json", trace, f"SELECT t_ns, kind, gpa, len, n FROM (SELECT t_ns, kind, gpa, len, frame AS n FROM event) WHERE {where}")
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_requests_never_share_a_page_and_each_end_has_its_beginning(egpu_trace, generate):
    pages = set()
    for e in events(egpu_trace, generate("--events", "60K"), "kind IN ('req_map', 'req_unmap')"):
        mine = set(range(e["gpa"] // 4096, (e["gpa"] + e["len"] + 4095) // 4096))
        if e["kind"] == "req_map":
            assert not mine & pages and max(mine) < (256 << 20) // 4096
            pages |= mine
        else:
            assert mine <= pages
            pages -= mine


def test_times_never_go_back_and_frames_keep_their_pace(egpu_trace, generate):
    all_of_it = events(egpu_trace, generate())
    assert all(a["t_ns"] <= b["t_ns"] for a, b in zip(all_of_it, all_of_it[1:]))
    frames = [e["t_ns"] for e in all_of_it if e["kind"] == "frame"]
    assert len(frames) == 10 and all(b - a == pytest.approx(1e9 / 50, rel=0.01) for a, b in zip(frames, frames[1:]))


def test_same_seed_same_trace_other_seed_another(egpu_trace, generate):
    first, again, other = (events(egpu_trace, generate(*o, name=n)) for n, o in (("a.egt", []), ("b.egt", []), ("c.egt", ["--seed", 4])))
    assert first == again and [e["gpa"] for e in first] != [e["gpa"] for e in other]


@pytest.mark.parametrize("wanted", [1, 1000, 123456])
def test_events_are_as_many_as_asked_for(egpu_trace, generate, wanted):
    info = json.loads(egpu_trace("info", "--json", generate("--events", wanted)).stdout)
    assert info["events"] == wanted


def test_scale_multiplies_what_is_live(egpu_trace, generate):
    one, four = (collections.Counter(e["kind"] for e in events(egpu_trace, generate("--scale", k, name=f"{k}.egt"))) for k in (1, 4))
    assert 3 < four["req_map"] / one["req_map"] < 5 and four["frame"] == one["frame"] == 10


def test_it_is_labelled_as_what_it_is(generate):
    trace = generate("--seed", 9)
    meta = dict(sqlite3.connect(f"file:{trace}?mode=ro", uri=True).execute("SELECT key, value FROM meta"))
    assert meta["provenance"] == "modelled" and meta["origin"] == "generated from small.workload, seed 9, scale 1: nobody played it"
    assert "2 us a request" in meta["assumed"] and meta["workload"] == "small.workload" and "host" not in meta


@pytest.mark.parametrize("text, words", [
    ("memory 256M\nload buffers=9 mix=3K:1\n", "small.workload:2:"),
    ("memory 128M\nload buffers=900 mix=1M:1\n", "line 2: out of guest memory at buffer"),
    ("memory 256M\nload buffers=9 mix=4K:1\n", "nothing behind its last load makes events, so it never has 1000"),
])
def test_what_cannot_be_generated_says_why_and_leaves_nothing(generate, workload, tmp_path, text, words):
    workload.write_text(text)
    said = generate("--events", 1000, status=1)
    assert words in said and len(said.splitlines()) == 1
    assert not (tmp_path / "out.egt").exists()


@pytest.mark.parametrize("options", [["--events", "0"], ["--events", "1X"], ["--events", "-1"], ["--scale", "0"], ["--scale", "513"], ["--seed", ""], ["x"],
                                     ["--scale", "99999999999999999999"]])
def test_absurd_options_are_refused(generate, options):
    assert "egpu-trace: " in generate(*options, status=2)


def test_a_guest_too_large_to_model_is_refused(generate, workload):
    workload.write_text(SMALL.replace("256M", "4G"))
    assert "at most" in generate("--scale", 512, status=1)
