# SPDX-License-Identifier: MIT OR GPL-2.0-only
"""egpu-trace cut and merge: traces made of traces."""
import json
import os
import pathlib
import shutil
import signal
import sqlite3
import subprocess
import time

import pytest


def imported(egpu_trace, path, lines):
    text = path.with_suffix(".txt")
    text.write_text("".join(f"  app-7 [000] ..... {line}\n" for line in lines))
    done = egpu_trace("import", "ftrace", text, "-o", path)
    assert done.returncode == 0, done.stderr
    return path


def mapped(t, gpa, device="gpu", size=4096):
    return f"{t:.6f}: dma_map_page: {device} dir=TO_DEVICE dma_addr={gpa:x} size={size} phys_addr={gpa:x} attrs="


def unmapped(t, gpa, device="gpu", size=4096):
    return f"{t:.6f}: dma_unmap_page: {device} dir=TO_DEVICE dma_addr={gpa:x} size={size} attrs="


def marked(t, text):
    return f"{t:.6f}: tracing_mark_write: {text}"


@pytest.fixture(scope="session")
def loads(egpu_trace, tmp_path_factory):
    """Two devices, marks, frames; requests live across every second."""
    lines = []
    for i in range(4000):
        t = 10 + i / 400
        if i % 800 == 0:
            lines.append(marked(t, f"part {i // 800}"))
        if i % 40 == 0:
            lines.append(marked(t, f"frame {i // 40}"))
        lines.append(mapped(t, 0x1000000 + i * 4096, "gpu" if i % 3 else "nvme"))
        if i >= 700:
            lines.append(unmapped(t, 0x1000000 + (i - 700) * 4096, "gpu" if (i - 700) % 3 else "nvme"))
    return imported(egpu_trace, tmp_path_factory.mktemp("loads") / "loads.egt", lines)


def events(egpu_trace, path, *options):
    done = egpu_trace("dump", "--json", *options, path)
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def about(egpu_trace, path):
    return json.loads(egpu_trace("info", "--json", path).stdout)


def account(egpu_trace, path):
    with sqlite3.connect(path) as db:
        return dict(db.execute("SELECT what, count FROM account"))


def alone(path):
    return [p.name for p in path.parent.iterdir() if p.name.startswith(path.name)] == [path.name]


# ---- cut ----

def test_cut_has_the_events_of_its_span_and_verifies(egpu_trace, loads, tmp_path):
    out = tmp_path / "out.egt"
    done = egpu_trace("cut", loads, "-o", out, "--from", "12", "--to", "14.5", "--bare")
    assert done.returncode == 0, done.stderr
    assert egpu_trace("verify", out).returncode == 0
    assert events(egpu_trace, out) == events(egpu_trace, loads, "--from", "12", "--to", "14.5")
    assert alone(out)


def test_cut_without_options_is_a_copy(egpu_trace, sample, tmp_path):
    out = tmp_path / "out.egt"
    assert egpu_trace("cut", sample, "-o", out).returncode == 0
    assert egpu_trace("diff", sample, out).returncode == 0
    a, b = about(egpu_trace, sample)["meta"], about(egpu_trace, out)["meta"]
    assert b.pop("origin") == f"cut from {sample}: {a.pop('origin', 'of unknown origin')}"
    assert a == b


def test_cut_begins_with_what_was_live_and_stays_in_balance(egpu_trace, loads, tmp_path):
    out = tmp_path / "out.egt"
    assert egpu_trace("cut", loads, "-o", out, "--from", "14").returncode == 0
    before, live, phase = events(egpu_trace, loads, "--to", "14"), {}, None
    for e in before:
        key = (e["device"], e.get("gpa"), e.get("len"))
        if e["kind"] == "req_map":
            live[key] = e
        elif e["kind"] == "req_unmap":
            del live[key]
        elif e["kind"] == "mark":
            phase = e["text"]
    part = events(egpu_trace, out)
    carried = [e for e in part[:len(live) + 1] if e["kind"] == "req_map"]
    assert len(live) == 700
    assert [(e["device"], e["gpa"], e["len"]) for e in carried] == list(live)
    assert part[0]["kind"] == "mark" and part[0]["text"] == phase == "part 1"
    assert {e["t_ns"] for e in part[:len(live) + 1]} == {14 * 10**9}
    assert part[len(live) + 1:] == events(egpu_trace, loads, "--from", "14")
    counts = account(egpu_trace, out)
    assert counts["cut_requests_carried"] == 700 and counts["cut_stated"] == 1
    assert counts["cut_events_left_out"] == len(before)
    assert counts["requests_mapped"] == 4000
    # no end in it is without its beginning
    last = "(SELECT requests FROM live_requests ORDER BY seq DESC LIMIT 1)"
    done = egpu_trace("sql", "--csv", out, f"SELECT min(requests), {last} FROM live_requests")
    assert done.stdout.splitlines()[1] == "1,700"


def test_cut_carries_mappings_guest_memory_and_clock(build, egpu_trace, sample, tmp_path):
    all_of = events(egpu_trace, sample)
    middle = sorted(e["t_ns"] for e in all_of)[len(all_of) // 2] / 1e9
    out = tmp_path / "out.egt"
    assert egpu_trace("cut", sample, "-o", out, "--from", f"{middle:.9f}").returncode == 0
    clock = [e for e in events(egpu_trace, sample, "--to", f"{middle:.9f}") if e["kind"] == "clock"]
    moved = [e for e in events(egpu_trace, out) if e["kind"] == "clock"]
    if clock:
        assert moved[0]["t_ns"] - moved[0]["guest_t"] == clock[-1]["t_ns"] - clock[-1]["guest_t"]
    assert egpu_trace("verify", out).returncode == 0


def test_cut_by_kind_and_device_keeps_only_those(egpu_trace, loads, tmp_path):
    out = tmp_path / "out.egt"
    assert egpu_trace("cut", loads, "-o", out, "--from", "15", "--kind", "req_map", "--device", "nvme").returncode == 0
    got = events(egpu_trace, out)
    assert {(e["kind"], e["device"]) for e in got} == {("req_map", "nvme")}
    assert len(got) > len(events(egpu_trace, loads, "--from", "15", "--kind", "req_map", "--device", "nvme"))


def test_cut_of_nothing_is_an_empty_trace(egpu_trace, loads, tmp_path):
    out = tmp_path / "out.egt"
    assert egpu_trace("cut", loads, "-o", out, "--from", "900", "--bare").returncode == 0
    assert events(egpu_trace, out) == [] and egpu_trace("verify", out).returncode == 0


def test_cut_of_a_damaged_trace_fails_or_leaves_chunks_out(egpu_trace, loads, tmp_path):
    bad, out = tmp_path / "bad.egt", tmp_path / "out.egt"
    shutil.copy(loads, bad)
    with sqlite3.connect(bad) as db:
        db.execute("UPDATE chunk SET checksum = (checksum + 1) & 0xffffffff WHERE id = 1")
    done = egpu_trace("cut", bad, "-o", out)
    assert done.returncode == 1 and "chunk 1" in done.stderr and "--skip-damaged" in done.stderr
    assert [p.name for p in tmp_path.iterdir()] == ["bad.egt"]
    assert egpu_trace("cut", bad, "-o", out, "--skip-damaged").returncode == 0
    assert account(egpu_trace, out)["cut_chunks_damaged"] == 1


# ---- the new file ----

def test_existing_file_is_replaced_only_with_force_and_only_if_a_trace(egpu_trace, loads, sample, tmp_path):
    out, other = tmp_path / "out.egt", tmp_path / "other"
    shutil.copy(sample, out)
    other.write_text("keep me")
    done = egpu_trace("cut", loads, "-o", out)
    assert done.returncode == 1 and "--force" in done.stderr and out.read_bytes() == sample.read_bytes()
    done = egpu_trace("cut", loads, "-o", other, "--force")
    assert done.returncode == 1 and other.read_text() == "keep me"
    assert egpu_trace("cut", loads, "-o", out, "--force").returncode == 0
    assert egpu_trace("diff", loads, out).returncode == 0


@pytest.mark.parametrize("command", ["cut", "merge"])
def test_source_is_not_replaced_by_what_is_made_of_it(egpu_trace, loads, sample, tmp_path, command):
    path = tmp_path / "t.egt"
    shutil.copy(sample, path)
    (tmp_path / "link.egt").symlink_to(path)
    for name in ("t.egt", "link.egt", "../" + tmp_path.name + "/t.egt"):
        done = egpu_trace(command, path, *(["--offset", "0", loads] if command == "merge" else []), "-o", tmp_path / name, "--force")
        assert done.returncode == 1 and "choose another name" in done.stderr
    assert path.read_bytes() == sample.read_bytes()


def test_failure_leaves_the_older_trace_and_no_pieces(egpu_trace, loads, sample, tmp_path):
    bad, out = tmp_path / "bad.egt", tmp_path / "out.egt"
    shutil.copy(loads, bad)
    shutil.copy(sample, out)
    with sqlite3.connect(bad) as db:
        db.execute("UPDATE chunk SET data = zeroblob(20)")
    assert egpu_trace("cut", bad, "-o", out, "--force").returncode == 1
    assert out.read_bytes() == sample.read_bytes()
    assert sorted(p.name for p in tmp_path.iterdir()) == ["bad.egt", "out.egt"]


def test_full_disk_is_an_error_and_leaves_nothing(build, loads, tmp_path):
    done = subprocess.run(f"ulimit -f 24; {build}/egpu-trace cut {loads} -o {tmp_path}/out.egt", shell=True, executable="/bin/bash",
                          capture_output=True, text=True, preexec_fn=lambda: signal.signal(signal.SIGXFSZ, signal.SIG_IGN))
    assert done.returncode == 1 and done.stderr.startswith("egpu-trace: ")
    assert list(tmp_path.iterdir()) == []


def test_interrupted_merge_leaves_nothing(build, egpu_trace, tmp_path):
    source, out = tmp_path / "a.egt", tmp_path / "sub" / "out.egt"
    out.parent.mkdir()
    recorder = subprocess.Popen([build / "tests/tracer/test_recorder", "emit", source, "50"], stderr=subprocess.PIPE)
    end = time.monotonic() + 30
    while not source.exists() or about(egpu_trace, source)["events"] < 4000000:
        assert time.monotonic() < end
        time.sleep(0.05)
    recorder.kill()
    recorder.wait()
    p = subprocess.Popen([build / "egpu-trace", "merge", source, source, "-o", out], stderr=subprocess.PIPE, text=True)
    while not (out.parent / "out.egt-new").exists() and p.poll() is None:
        time.sleep(0.005)
    p.send_signal(signal.SIGINT)
    _, err = p.communicate(timeout=60)
    assert p.returncode == 1 and "interrupted" in err
    assert list(out.parent.iterdir()) == []


@pytest.mark.parametrize("args", [
    [], ["{t}"], ["-o", "{out}"], ["{t}", "{t}", "-o", "{out}"], ["{t}", "-o", "{out}", "--from", "x"],
    ["{t}", "-o", "{out}", "--from", "5", "--to", "5"],
    ["{t}", "-o", "{out}", "--kind", "nonsense"], ["{t}", "-o", "{out}", "--what"],
])
def test_cut_misused_says_so(egpu_trace, sample, tmp_path, args):
    done = egpu_trace("cut", *[a.format(t=sample, out=tmp_path / "o.egt") for a in args])
    assert done.returncode == 2 and "egpu-trace cut --help" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_cut_of_a_device_that_is_not_there_fails(egpu_trace, sample, tmp_path):
    done = egpu_trace("cut", sample, "-o", tmp_path / "o.egt", "--device", "none")
    assert done.returncode == 1 and "no device" in done.stderr and list(tmp_path.iterdir()) == []


# ---- merge ----

def test_parts_merge_into_the_whole(egpu_trace, loads, tmp_path):
    parts = []
    for i, (start, end) in enumerate([(17, 99), (0, 12.25), (12.25, 17)]):
        parts.append(tmp_path / f"{i}.egt")
        assert egpu_trace("cut", loads, "-o", parts[-1], "--bare", "--from", start, "--to", end).returncode == 0
    out = tmp_path / "out.egt"
    assert egpu_trace("merge", *parts, "-o", out).returncode == 0
    done = egpu_trace("diff", loads, out)
    assert done.returncode == 0, done.stdout
    assert egpu_trace("verify", out).returncode == 0 and alone(out)


def test_merge_gives_devices_and_texts_new_numbers_and_sorts_by_time(egpu_trace, tmp_path):
    a = imported(egpu_trace, tmp_path / "a.egt", [mapped(1, 0x1000, "one"), marked(2, "first"), mapped(5, 0x2000, "two")])
    b = imported(egpu_trace, tmp_path / "b.egt",
                 [marked(1.5, "second"), marked(3, "first"), mapped(4, 0x3000, "two"), mapped(6, 0x4000, "three")])
    out = tmp_path / "out.egt"
    assert egpu_trace("merge", a, b, "-o", out).returncode == 0
    assert [(e["t_ns"] / 1e9, e.get("text") or e["device"]) for e in events(egpu_trace, out)] == [
        (1, "one"), (1.5, "second"), (2, "first"), (3, "first"), (4, "two"), (5, "two"), (6, "three")]
    meta = about(egpu_trace, out)["meta"]
    assert meta["provenance"] == "imported" and meta["origin"].startswith(f"merged from {a} (") and f"; {b} (" in meta["origin"]
    counts, of_a, of_b = (account(egpu_trace, p) for p in (out, a, b))
    assert counts["lines"] == of_a["lines"] + of_b["lines"]
    assert counts["requests_mapped"] == 4 and counts["source_events_dropped"] == 0


def test_different_clocks_need_an_offset_which_is_added(egpu_trace, sample, tmp_path):
    a = imported(egpu_trace, tmp_path / "a.egt", [mapped(1, 0x1000), marked(3, "end")])
    out = tmp_path / "out.egt"
    done = egpu_trace("merge", sample, a, "-o", out)
    assert done.returncode == 1 and "--offset" in done.stderr and not out.exists()
    assert egpu_trace("merge", sample, "--offset", "1000.5", a, "-o", out).returncode == 0
    assert [e["t_ns"] for e in events(egpu_trace, out) if e.get("text") == "end"] == [1003500000000]
    assert about(egpu_trace, out)["meta"]["clock"] == about(egpu_trace, sample)["meta"]["clock"]
    assert "+1000.500000000 s" in about(egpu_trace, out)["meta"]["origin"]


def test_negative_offset_before_time_began_fails(egpu_trace, sample, tmp_path):
    a = imported(egpu_trace, tmp_path / "a.egt", [mapped(1, 0x1000)])
    done = egpu_trace("merge", a, "--offset", "-2", a, "-o", tmp_path / "out.egt")
    assert done.returncode == 1 and "--offset" in done.stderr and not (tmp_path / "out.egt").exists()
    assert egpu_trace("merge", a, "--offset", "-0.5", a, "-o", tmp_path / "out.egt").returncode == 0
    assert [e["t_ns"] for e in events(egpu_trace, tmp_path / "out.egt")] == [500000000, 1000000000]


@pytest.mark.parametrize("args", [
    [], ["{t}", "-o", "{out}"], ["{t}", "{t}"], ["{t}", "{t}", "-o", "{out}", "--offset", "1"],
    ["{t}", "--offset", "soon", "{t}", "-o", "{out}"],
    ["{t}", "--offset", "nan", "{t}", "-o", "{out}"], ["{t}", "{t}", "-o", "{out}", "--what"], ["{t}"] * 70 + ["-o", "{out}"],
])
def test_merge_misused_says_so(egpu_trace, sample, tmp_path, args):
    done = egpu_trace("merge", *[a.format(t=sample, out=tmp_path / "o.egt") for a in args])
    assert done.returncode == 2 and "egpu-trace merge --help" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_merge_of_what_is_no_trace_fails(egpu_trace, sample, tmp_path):
    other = tmp_path / "other"
    other.write_text("no trace")
    done = egpu_trace("merge", sample, other, "-o", tmp_path / "o.egt")
    assert done.returncode == 1 and "not an egpu trace" in done.stderr and not (tmp_path / "o.egt").exists()


def test_merge_keeps_provenance_of_the_least_certain(egpu_trace, sample, tmp_path):
    a = imported(egpu_trace, tmp_path / "a.egt", [mapped(1, 0x1000)])
    assert egpu_trace("merge", sample, "--offset", "0", a, "-o", tmp_path / "o.egt").returncode == 0
    kinds = {about(egpu_trace, p)["meta"]["provenance"] for p in (sample, a)}
    got = about(egpu_trace, tmp_path / "o.egt")["meta"]["provenance"]
    assert got == ("modelled" if "modelled" in kinds else "imported")


def test_merge_says_where_sources_disagree(build, egpu_trace, sample, tmp_path):
    other = tmp_path / "other.egt"
    subprocess.run([build / "egpu-trace", "cut", sample, "-o", other], check=True, capture_output=True)
    name = about(egpu_trace, sample)["devices"][0]["name"]
    with sqlite3.connect(other) as db:
        # format 1.1 has a checksum in each row; a row of 1.0 is as good, and easier to make
        db.execute("PRAGMA user_version = 100")
        db.execute("UPDATE device SET identity = 'another' WHERE name = ?", (name,))
        db.execute("UPDATE meta SET value = '9.9' WHERE key = 'qemu'")
        db.execute("INSERT OR REPLACE INTO meta SELECT 'guest', 'other-kernel', checksum FROM meta LIMIT 1")
    assert egpu_trace("merge", sample, other, "-o", tmp_path / "o.egt").returncode == 0
    meta = about(egpu_trace, tmp_path / "o.egt")["meta"]
    assert f"device {name} is taken to be one" in meta["assumed"]
    assert f"guest of {other} is: other-kernel" in meta["assumed"]
    assert meta.get("guest") in (None, "other-kernel")
