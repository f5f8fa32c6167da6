# SPDX-License-Identifier: MIT OR GPL-2.0-only
"""egpu-trace import apple-dma: rows and snapshot as the guest module prints them, wrapped rings, phantom rows, wrapped columns, hostile input."""
import random

import pytest

from importing import failure, importer, mutations, survives

HEAD = "timestamp_ns,op,gpa_hex,size,active_maps,active_bytes\n"
SNAPSHOT = """current_maps: 5200
current_bytes: 104857600
hwm_maps: 61000
hwm_bytes: 1400000000
trace_entries: {entries}
trace_capacity: 262144
stat_map: 1
stat_unmap: 2
stat_map_sg: 3
stat_unmap_sg: 4
stat_alloc: 5
stat_free: 6
window_shift: 18
window_size: 262144
window_count: 1300
"""


def row(t, op, gpa, size, maps, total):
    return f"{t},{op},0x{gpa:x},{size},{maps},{total}\n"


@pytest.fixture
def run(build, tmp_path):
    return importer(build, tmp_path, "apple-dma")


def counts(got, **more):
    assert got.counters({"lines", "requests_mapped", "requests_unmapped", "requests_live_at_end"}) == more


def test_rows_become_requests(run):
    got = run(HEAD + row(100, "M", 0x10000, 4096, 1, 4096) + row(200, "S", 0x20000, 8192, 2, 12288) + row(300, "T", 0x20000, 8192, 1, 4096) +
              row(400, "U", 0x10000, 4096, 0, 0))
    assert got.requests() == [("map", 0x10000, 4096, 0, 3), ("map", 0x20000, 8192, 0, 3), ("unmap", 0x20000, 8192, 0, 3), ("unmap", 0x10000, 4096, 0, 3)]
    assert [(e["t_ns"], e["guest_t"], e["device"]) for e in got.events] == [(t, t, "apple_dma") for t in (100, 200, 300, 400)]
    assert got.meta["provenance"] == "imported" and got.meta["clock"] == "CLOCK_MONOTONIC of the guest"
    assert "started" not in got.meta and "no failed map" in got.meta["assumed"]
    counts(got)


@pytest.mark.parametrize("end", "UF")
def test_map_is_ended_by_unmap_or_free(run, end):
    got = run(row(1, "M", 0x1000, 4096, 1, 4096) + row(2, end, 0x1000, 4096, 0, 0))
    assert [r[0] for r in got.requests()] == ["map", "unmap"]
    counts(got)


@pytest.mark.parametrize("begin, end", ["MT", "SU", "SF"])
def test_segment_and_single_map_do_not_end_each_other(run, begin, end):
    got = run(row(1, begin, 0x1000, 4096, 1, 4096) + row(2, end, 0x1000, 4096, 0, 0))
    assert [r[0] for r in got.requests()] == ["map"]
    counts(got, unmaps_unmatched=1, **({"sg_live_at_end": 1} if begin == "S" else {}))


def test_same_range_is_live_several_times(run):
    got = run(row(1, "M", 0x1000, 4096, 1, 4096) + row(2, "M", 0x1000, 4096, 2, 8192) + row(3, "U", 0x1000, 4096, 1, 4096) + row(4, "U", 0x1000, 4096, 0, 0))
    assert [r[0] for r in got.requests()] == ["map", "map", "unmap", "unmap"]
    counts(got)


def test_wrapped_ring_names_what_was_there_before(run):
    got = run(row(1, "U", 0x9000, 4096, 499, 1000000) + row(2, "T", 0x5000, 4096, 498, 1000000 - 4096) + row(3, "F", 0x6000, 4096, 497, 1000000 - 8192) +
              row(4, "M", 0x1000, 4096, 498, 1000000 - 4096))
    assert [r[0] for r in got.requests()] == ["map"]
    counts(got, preexisting_maps=500, preexisting_bytes=1004096, unmaps_unmatched=3)
    assert "500 mappings of 1004096 bytes" in got.meta["assumed"]


def test_first_row_that_maps_names_what_was_there_before(run):
    counts(run(row(1, "M", 0x1000, 4096, 11, 44096)), preexisting_maps=10, preexisting_bytes=40000)


def test_full_ring_is_said_by_the_snapshot(run, tmp_path):
    (tmp_path / "snap").write_text(SNAPSHOT.format(entries=262144))
    got = run(row(1, "M", 0x1000, 4096, 1, 4096), "--snapshot", tmp_path / "snap")
    assert got.account["ring_full"] == 1
    assert {k: v for k, v in got.account.items() if k.startswith("snapshot_")} == {
        "snapshot_current_maps": 5200, "snapshot_current_bytes": 104857600, "snapshot_hwm_maps": 61000, "snapshot_hwm_bytes": 1400000000,
        "snapshot_trace_entries": 262144, "snapshot_trace_capacity": 262144, "snapshot_window_shift": 18, "snapshot_window_size": 262144,
        "snapshot_window_count": 1300}


def test_ring_that_is_not_full_is_said_by_the_snapshot(run, tmp_path):
    (tmp_path / "snap").write_text(SNAPSHOT.format(entries=1))
    assert run(row(1, "M", 0x1000, 4096, 1, 4096), "--snapshot", tmp_path / "snap").account["ring_full"] == 0


def test_full_ring_is_said_by_the_number_of_rows(run):
    assert run("".join(row(i, "MU"[i % 2], 0x1000, 4096, 1 - i % 2, 4096 * (1 - i % 2)) for i in range(262144))).account["ring_full"] == 1


def test_file_that_is_no_snapshot_is_refused(build, tmp_path):
    (tmp_path / "snap").write_text("hello\nhwm_maps: many\n")
    assert "snapshot" in failure(build, tmp_path, row(1, "M", 0x1000, 4096, 1, 4096), "apple-dma", "--snapshot", tmp_path / "snap")


def test_rolled_back_list_leaves_phantom_segments_that_are_counted(run):
    got = run(row(1, "S", 0x1000, 4096, 1, 4096) + row(2, "S", 0x2000, 4096, 2, 8192) + row(3, "M", 0x3000, 4096, 1, 4096) +
              row(4, "U", 0x3000, 4096, 0, 0))
    assert got.account["requests_live_at_end"] == got.account["sg_live_at_end"] == 2
    assert got.account["counts_jump"] == 1


def test_size_of_4_gib_or_more_is_mended(run):
    size = (5 << 30) + 4096
    got = run(row(1, "M", 0x1000, 4096, 1, 4096) + row(2, "M", 1 << 32, size & 0xffffffff, 2, 4096 + size) + row(3, "U", 1 << 32, size & 0xffffffff, 1, 4096))
    assert [r[2] for r in got.requests()] == [4096, size, size]
    counts(got, sizes_mended=2)


def test_size_of_exactly_4_gib_is_mended(run):
    got = run(row(1, "M", 0x1000, 4096, 1, 4096) + row(2, "M", 1 << 32, 0, 2, 4096 + (1 << 32)))
    assert [r[2] for r in got.requests()] == [4096, 1 << 32]


def test_count_of_maps_that_wraps_is_no_jump(run):
    counts(run(row(1, "M", 0x1000, 4096, 2**32 - 1, 4096) + row(2, "M", 0x2000, 4096, 0, 8192)), preexisting_maps=2**32 - 2)


def test_rows_that_do_not_follow_are_counted(run):
    got = run(row(1, "M", 0x1000, 4096, 1, 4096) + row(2, "M", 0x2000, 4096, 5, 99999))
    assert len(got.requests()) == 2
    counts(got, counts_jump=1)


def test_repeated_row_is_collapsed_and_time_going_back_is_counted(run):
    got = run(row(5, "M", 0x1000, 4096, 1, 4096) * 2 + row(4, "M", 0x2000, 4096, 2, 8192))
    assert [e["t_ns"] for e in got.events] == [5, 4]
    counts(got, rows_repeated=1, time_backwards=1)


def test_unmap_of_another_size_takes_the_mapped_one(run):
    got = run(row(1, "M", 0x1000, 8192, 1, 8192) + row(2, "U", 0x1000, 4096, 0, 4096))
    assert [r[2] for r in got.requests()] == [8192, 8192]
    counts(got, unmaps_size_differs=1)


@pytest.mark.parametrize("bad, counter", [
    ("", "lines_unknown"), ("hello", "lines_unknown"), ("1,X,0x1000,4096,1,4096", "lines_malformed"), ("1,M,1000,4096,1,4096", "lines_malformed"),
    ("1,M,0x1000,-1,1,4096", "lines_malformed"), ("1,M,0x1000,4294967296,1,4096", "lines_malformed"), ("1,M,0x1000,4096,1", "lines_malformed"),
    ("1,M,0x1000,4096,1,4096,7", "lines_malformed"), ("1,M,0x10000000000000000,4096,1,4096", "lines_malformed"), ("1,MM,0x1000,4096,1,1", "lines_malformed"),
    ("99999999999999999999,M,0x1000,4096,1,4096", "lines_malformed"), ("1,M,0x,4096,1,4096", "lines_malformed"), ("1,,0x1,1,1,1", "lines_malformed"),
    (" 1,M,0x1000,4096,1,4096", "lines_malformed"), ("1,M,0x1000,0x10,1,4096", "lines_malformed"),
])
def test_line_that_is_no_row_is_counted(run, bad, counter):
    got = run(HEAD + row(1, "M", 0x1000, 4096, 1, 4096) + bad + "\n")
    assert len(got.requests()) == 1
    counts(got, **{counter: 1})


def test_row_whose_range_wraps_or_is_empty_is_malformed(run):
    got = run(row(1, "M", 2**64 - 4096, 8192, 1, 8192) + row(2, "M", 0x1000, 0, 2, 8192))
    assert got.requests() == [] and got.account["lines_malformed"] == 2


def test_text_without_a_row_is_refused(build, tmp_path):
    assert "active_maps" in failure(build, tmp_path, HEAD, "apple-dma")


def test_mutated_rows_never_crash(variant, tmp_path):
    text = HEAD + "".join(row(i, "MSTUF"[i % 5], 0x1000 * (i % 7), 4096 << i % 4, i % 9, i * 4096) for i in range(60))
    assert sum(survives(variant("asan"), tmp_path, data, "apple-dma") == 0 for data in mutations(text.encode(), random.Random(4), 80)) > 40
