# SPDX-License-Identifier: MIT OR GPL-2.0-only
"""egpu-trace stats against counts made here from the dump, and against what is known of the real recording."""
import collections
import json
import math
import shutil
import sqlite3

import pytest

REAL = "datasets/dma-6.12-virtio-gpu-nvme-e1000e.ftrace.gz"


@pytest.fixture(scope="session")
def real(egpu_trace, root, tmp_path_factory):
    path = tmp_path_factory.mktemp("stats") / "real.egt"
    assert egpu_trace("import", "ftrace", root / REAL, "-o", path).returncode == 0
    return path


def stats(egpu_trace, path, *options):
    done = egpu_trace("stats", "--json", *options, path)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def dump(egpu_trace, path, *options):
    done = egpu_trace("dump", "--json", *options, path)
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_real_recording_has_its_known_totals(egpu_trace, real):
    s = stats(egpu_trace, real)
    assert s["requests"]["peak"] == 9915 and s["requests"]["peak_bytes"] == 312861362
    assert s["requests"]["live_at_end"] == 1940 and s["requests"]["ended_unmatched"] == 0
    assert sum(s["requests"]["lived"].values()) == s["requests"]["ended"] == s["kinds"]["req_unmap"]["events"]


@pytest.mark.parametrize("which", ["sample", "real"])
def test_counts_are_those_of_the_events(egpu_trace, request, which):
    path = request.getfixturevalue(which)
    events, s = dump(egpu_trace, path), stats(egpu_trace, path)
    assert {k: v["events"] for k, v in s["kinds"].items()} == collections.Counter(e["kind"] for e in events)
    assert {k: v["failed"] for k, v in s["kinds"].items() if v["failed"]} == collections.Counter(e["kind"] for e in events if e["status"])
    assert s["events"] == len(events)
    assert (s["first_ns"], s["last_ns"]) == (min(e["t_ns"] for e in events), max(e["t_ns"] for e in events))
    sizes = collections.Counter(1 << math.ceil(math.log2(max(1, e["len"]))) for e in events if e["kind"] == "req_map")
    assert {z["at_most_bytes"]: z["requests"] for z in s["request_sizes"]} == sizes
    irqs = collections.Counter((e["device"] or "-", e["type"], e["vector"]) for e in events if e["kind"] == "irq")
    assert {(r["device"], r["type"], r["vector"]): r["number"] for r in s["interrupts"]} == irqs
    registers = collections.Counter((e["device"] or "-", e["region"], int(e["offset"], 16), e["kind"])
                                    for e in events if e["kind"].startswith("region_"))
    column = {"region_read": "reads", "region_write": "writes"}
    assert {(r["device"], r["region"], r["offset"], k): r[c] for r in s["registers"] for k, c in column.items() if r[c]} == registers


@pytest.fixture
def made(egpu_trace, tmp_path):
    def make(*lines):
        text = tmp_path / "t.txt"
        text.write_text("".join(f"  a-1 [0] ..... {line}\n" for line in lines))
        assert egpu_trace("import", "ftrace", text, "-o", tmp_path / "t.egt", "--force").returncode == 0
        return tmp_path / "t.egt"

    return make


def test_frame_times_and_percentiles(egpu_trace, made):
    t, lines = 10.0, ["10.000000: tracing_mark_write: frame 0"]
    for i in range(100):
        t += (i + 1) / 1000
        lines.append(f"{t:.6f}: tracing_mark_write: frame {i + 1}")
    f = stats(egpu_trace, made("1.0: dma_map_page: gpu dir=TO_DEVICE dma_addr=1000 size=4096 phys_addr=1000 attrs=", *lines))["frames"]
    assert f["number"] == 101
    assert f["fps"] == pytest.approx(100 / 5.05)
    assert {k: round(v, 6) for k, v in f["frame_ms"].items()} == {"p1": 1, "p50": 50, "p90": 90, "p99": 99, "p99.9": 100, "max": 100}


def test_lifetimes_fall_into_their_classes(egpu_trace, made):
    lines = []
    for i, lived in enumerate([0.000005, 0.00005, 0.0005, 0.005, 0.05, 0.5, 5, 50]):
        at = f"gpu dir=TO_DEVICE dma_addr={i + 1}000 size=4096 "
        lines += [(1.0, f"dma_map_page: {at}phys_addr={i + 1}000 attrs="), (1 + lived, f"dma_unmap_page: {at}attrs=")]
    s = stats(egpu_trace, made(*[f"{t:.6f}: {line}" for t, line in sorted(lines, key=lambda x: x[0])]))
    assert list(s["requests"]["lived"].values()) == [1] * 8
    assert s["requests"]["peak"] == 8 and s["requests"]["peak_bytes"] == 8 * 4096 and s["requests"]["live_at_end"] == 0


def test_span_and_device_limit_what_is_counted(egpu_trace, real):
    info = json.loads(egpu_trace("info", "--json", real).stdout)
    device = info["devices"][0]["name"]
    events = dump(egpu_trace, real, "--device", device)
    middle = events[len(events) // 2]["t_ns"] / 1e9
    want = dump(egpu_trace, real, "--device", device, "--from", f"{middle:.9f}")
    assert stats(egpu_trace, real, "--device", device)["events"] == len(events) > 0
    assert stats(egpu_trace, real, "--device", device, "--from", f"{middle:.9f}")["events"] == len(want) > 0


def test_text_names_what_json_has(egpu_trace, sample, real):
    text = egpu_trace("stats", sample).stdout
    for word in ("kind", "requests of at most", "interrupts of", "registers of", "req_map"):
        assert word in text
    assert "at most 9915 at once" in egpu_trace("stats", real).stdout


def test_empty_span_has_no_events_and_no_division(egpu_trace, sample):
    assert stats(egpu_trace, sample, "--from", "1e9")["events"] == 0
    assert egpu_trace("stats", sample, "--from", "1e9").returncode == 0


def test_damaged_chunk_ends_it_unless_left_out(egpu_trace, real, tmp_path):
    bad = tmp_path / "bad.egt"
    shutil.copy(real, bad)
    with sqlite3.connect(bad) as db:
        db.execute("UPDATE chunk SET checksum = (checksum + 1) & 0xffffffff WHERE id = 1")
    done = egpu_trace("stats", bad)
    assert done.returncode == 1 and "chunk 1" in done.stderr and "--skip-damaged" in done.stderr and not done.stdout
    assert stats(egpu_trace, bad, "--skip-damaged")["chunks_damaged"] == 1


def test_misuse_says_so(egpu_trace, sample):
    for args in ([], ["--what", sample], [sample, sample], ["--from", "x", sample]):
        assert egpu_trace("stats", *args).returncode == 2
    done = egpu_trace("stats", "--device", "none", sample)
    assert done.returncode == 1 and "no device" in done.stderr
