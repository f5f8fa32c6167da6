# SPDX-License-Identifier: MIT OR GPL-2.0-only
"""egpu-trace diff, and the filters of dump."""
import json
import shutil
import sqlite3

import pytest


@pytest.fixture
def trace(egpu_trace, tmp_path):
    """Makes a trace of (time, address, size) maps and (time, text) marks."""
    def make(name, events, device="gpu"):
        text = tmp_path / f"{name}.txt"
        text.write_text("".join(
            f"  a-1 [0] ..... {e[0]:.6f}: " + (
                f"tracing_mark_write: {e[1]}\n" if len(e) == 2 else
                f"dma_map_page: {device} dir=TO_DEVICE dma_addr={e[1]:x} size={e[2]} phys_addr={e[1]:x} attrs=\n") for e in events))
        assert egpu_trace("import", "ftrace", text, "-o", tmp_path / f"{name}.egt").returncode == 0
        return tmp_path / f"{name}.egt"

    return make


MAPS = [(1 + i / 10, 0x1000 * (i + 1), 4096) for i in range(20)]


def changed(at, event):
    return MAPS[:at] + [event] + MAPS[at + 1:]


def dump(egpu_trace, path, *options):
    done = egpu_trace("dump", "--json", *options, path)
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


# ---- diff ----

def test_equal_traces_give_0_and_no_output(egpu_trace, sample, tmp_path):
    copy = tmp_path / "copy.egt"
    shutil.copy(sample, copy)
    done = egpu_trace("diff", sample, copy)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.parametrize("event,what", [
    ((2.001, 0x1000 * 11, 4096), "time, guest_t"), ((2, 0x99000, 4096), "gpa, iova"), ((2, 0x1000 * 11, 8192), "len"),
    ((2, "mark"), "kind, device"),
])
def test_first_difference_is_shown_with_its_context(egpu_trace, trace, event, what):
    a, b = trace("a", MAPS), trace("b", changed(10, event))
    done = egpu_trace("diff", a, b, "--context", "2")
    lines = done.stdout.splitlines()
    assert done.returncode == 1
    assert lines[0] == f"--- {a}, event 10" and lines[1] == f"+++ {b}, event 10"
    assert lines[2] == f"@@ after 10 equal events; different: {what} @@"
    assert [line[0] for line in lines[3:]] == list("  ---+++")
    assert "gpa=0x9000" in lines[3] and "gpa=0xa000" in lines[4] and "gpa=0xb000" in lines[5]


def test_trace_that_ends_earlier_differs_there(egpu_trace, trace):
    a, b = trace("a", MAPS), trace("b", MAPS[:-2])
    for x, y, sign in ((a, b, "+"), (b, a, "-")):
        done = egpu_trace("diff", x, y)
        assert done.returncode == 1 and f"{sign * 3} {b}, which ends here" in done.stdout and "after 18 equal events" in done.stdout


def test_ignored_fields_are_no_difference(egpu_trace, trace):
    a = trace("a", MAPS)
    times = trace("times", [(t + 100, *rest) for t, *rest in MAPS])
    addresses = trace("addresses", [(t, gpa + 0x100000, n) for t, gpa, n in MAPS])
    lengths = trace("lengths", [(t, gpa, 8192) for t, gpa, n in MAPS])
    assert egpu_trace("diff", a, times).returncode == 1
    assert egpu_trace("diff", a, times, "--ignore-times").returncode == 0
    assert egpu_trace("diff", a, addresses, "--ignore-times").returncode == 1
    assert egpu_trace("diff", a, addresses, "--ignore-addresses").returncode == 0
    assert egpu_trace("diff", a, lengths, "--ignore-addresses").returncode == 1
    assert egpu_trace("diff", a, lengths, "--ignore", "len").returncode == 0


def test_texts_and_devices_compare_by_name_not_number(egpu_trace, trace):
    a = trace("a", [(1, "x"), (2, "y"), (3, "x")])
    b = trace("b", [(1, "x"), (2, "y"), (3, "y")])
    done = egpu_trace("diff", a, b)
    assert done.returncode == 1 and "different: text" in done.stdout
    done = egpu_trace("diff", trace("c", MAPS), trace("d", MAPS, device="other"))
    assert done.returncode == 1 and "different: device" in done.stdout


def test_only_chosen_kinds_are_compared(egpu_trace, trace):
    a, b = trace("a", MAPS + [(9, "end")]), trace("b", MAPS[:5] + [(9, "end")])
    assert egpu_trace("diff", a, b).returncode == 1
    assert egpu_trace("diff", a, b, "--kind", "mark").returncode == 0


def test_quiet_prints_nothing(egpu_trace, trace):
    done = egpu_trace("diff", "--quiet", trace("a", MAPS), trace("b", MAPS[1:]))
    assert (done.returncode, done.stdout, done.stderr) == (1, "", "")


def test_failure_and_misuse_give_2(egpu_trace, sample, tmp_path):
    bad = tmp_path / "bad.egt"
    shutil.copy(sample, bad)
    with sqlite3.connect(bad) as db:
        db.execute("UPDATE chunk SET checksum = (checksum + 1) & 0xffffffff")
    for args in ([], [sample], [sample, sample, sample], [sample, "/nonexistent"], [sample, bad], [sample, sample, "--ignore", "nonsense"],
                 [sample, sample, "--context", "x"], [sample, sample, "--context", "-1"], [sample, sample, "--device", "none"],
                 ["--what", sample, sample]):
        done = egpu_trace("diff", *args)
        assert done.returncode == 2 and done.stderr.startswith(("egpu-trace: ", "diff: ")), args
    assert "chunk 1" in egpu_trace("diff", sample, bad).stderr


def test_context_of_nothing_shows_the_two_events_alone(egpu_trace, trace):
    done = egpu_trace("diff", "--context", "0", trace("a", MAPS), trace("b", changed(3, (1.3, 0x77000, 4096))))
    assert [line[0] for line in done.stdout.splitlines()[3:]] == ["-", "+"]


# ---- filters of dump ----

def test_dump_by_region_shows_its_accesses_only(egpu_trace, sample):
    everything = dump(egpu_trace, sample)
    for region in range(8):
        want = [e for e in everything if e["kind"].startswith("region_") and e["region"] == region]
        assert dump(egpu_trace, sample, "--region", str(region)) == want
    assert any(e["kind"].startswith("region_") for e in everything)


@pytest.mark.parametrize("start,end,shown", [
    (0x1000, 0x2000, [0]), (0x1fff, 0x2001, [0, 1]), (0x2000, 0x2001, [1]), (0x3001, 0x3002, [2]), (0x0, 0x1000, []), (0xfff, 0x1001, [0]),
    (0x5000, 0xffffffffffffffff, list(range(4, 20))),
])
def test_dump_by_range_shows_what_touches_it(egpu_trace, trace, start, end, shown):
    got = dump(egpu_trace, trace("a", MAPS), "--range", f"{start:#x}-{end:#x}")
    assert [int(e["gpa"], 16) // 0x1000 - 1 for e in got] == shown


def test_dump_by_range_looks_at_every_kind_of_address(egpu_trace, sample):
    for e in dump(egpu_trace, sample):
        for name in ("gpa", "iova"):
            if name in e and int(e[name], 16) < (1 << 64) - 1:
                start = int(e[name], 16)
                assert e in dump(egpu_trace, sample, "--range", f"{start:#x}-{start + 1:#x}")


@pytest.mark.parametrize("option,value", [
    ("--region", "8"), ("--region", "-1"), ("--region", "x"), ("--range", "5"), ("--range", "5-5"), ("--range", "9-5"), ("--range", "a-b"),
    ("--range", "-5-9"), ("--range", "0x1-0x2x"), ("--range", "1-99999999999999999999"),
])
def test_dump_with_a_bad_filter_is_misused(egpu_trace, sample, option, value):
    done = egpu_trace("dump", f"{option}={value}", sample)
    assert done.returncode == 2 and value in done.stderr


def test_dump_of_a_span_does_not_read_chunks_outside_of_it(egpu_trace, trace, tmp_path):
    path = trace("a", [(1 + i / 1000, 0x1000 * (i + 1), 4096) for i in range(140000)])
    with sqlite3.connect(path) as db:
        assert db.execute("SELECT count(*) FROM chunk").fetchone()[0] == 3
        db.execute("UPDATE chunk SET data = zeroblob(length(data)) WHERE id = 2")
    assert egpu_trace("dump", path).returncode == 1
    assert len(dump(egpu_trace, path, "--to", "31")) == 30000
    assert len(dump(egpu_trace, path, "--from", "136")) == 5000
