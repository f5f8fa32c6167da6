# SPDX-License-Identifier: MIT OR GPL-2.0-only
"""egpu-trace import mmiotrace: each line as the kernel prints it, BARs of all kinds, lost events, hostile input."""
import random

import pytest

from importing import failure, importer, mutations, survives

# a 64-bit prefetchable BAR 1 (flags c) whose second half is slot 2, an I/O BAR 5, a ROM
PCIDEV = "PCIDEV 0100 10de1180 10 f6000000 e000000c 0 f0000008 0 e001 f7000000 1000000 8000000 0 2000000 0 80 80000 nouveau\n"
HEAD = "VERSION 20070824\n" + PCIDEV


def access(op, address, value=0x1234, width=4, t="1681.686903"):
    return f"{op} {width} {t} 1 0x{address:x} 0x{value:x} 0x0 0\n"


@pytest.fixture
def run(build, tmp_path):
    return importer(build, tmp_path, "mmiotrace")


def counts(got, **more):
    assert got.counters({"lines", "accesses", "bars"}) == more


@pytest.mark.parametrize("address, region, offset", [
    (0xf6000000, 0, 0), (0xf6ffffff, 0, 0xffffff), (0xe0000010, 1, 0x10), (0xe7ffffff, 1, 0x7ffffff), (0xf0001000, 3, 0x1000), (0xf7000004, 6, 4),
])
def test_address_in_a_bar_becomes_an_offset(run, address, region, offset):
    got = run(HEAD + access("R", address))
    assert [(e["kind"], e["device"], e["region"], e["offset"], e["len"], e["value"]) for e in got.events] == \
        [("region_read", "01:00.0", region, hex(offset), 4, "0x1234")]
    counts(got)


@pytest.mark.parametrize("address", [0xf5ffffff, 0xf7080000, 0xe8000000, 0xe000, 0])
def test_address_in_no_bar_is_counted(run, address):
    got = run(HEAD + access("R", 0xf6000000) + access("W", address))
    assert len(got.events) == 1
    counts(got, outside=1)


@pytest.mark.parametrize("width, value", [(1, 0xff), (2, 0xffff), (4, 0xffffffff), (8, 2**64 - 1)])
def test_width_and_value(run, width, value):
    got = run(HEAD + access("W", 0xf6000040, value, width))
    assert [(e["kind"], e["len"], e["value"], e["t_ns"]) for e in got.events] == [("region_write", width, hex(value), 1681686903000)]


@pytest.mark.parametrize("busdevfn, name", [("0100", "01:00.0"), ("00fb", "00:1f.3"), ("ff08", "ff:01.0")])
def test_device_is_named_by_bus_device_and_function(run, busdevfn, name):
    got = run(HEAD.replace("0100", busdevfn) + access("R", 0xf6000000))
    assert [(d["name"], d["identity"]) for d in got.info["devices"]] == [(name, "10de:1180")]


def test_bars_of_two_devices(run):
    second = "PCIDEV 0200 10021234 ff d0000000 0 0 0 0 0 0 1000 0 0 0 0 0 0 \n"
    got = run(HEAD + second + access("R", 0xd0000004) + access("R", 0xf6000004))
    assert [(e["device"], e["offset"]) for e in got.events] == [("02:00.0", "0x4"), ("01:00.0", "0x4")]


def test_bar_over_another_one_is_ignored_and_counted(run):
    got = run(HEAD + PCIDEV.replace("0100", "0200") + access("R", 0xf6000000))
    assert got.events[0]["device"] == "01:00.0" and got.account["bars_overlapping"] == 4


def test_lost_events_are_a_gap_where_they_stand(run):
    got = run(HEAD + access("R", 0xf6000000) + "MARK 0.000000 Lost 17 events.\n" + access("R", 0xf6000004, t="1681.700000"))
    assert [(e["kind"], e["t_ns"]) for e in got.events] == [("region_read", 1681686903000), ("gap", 1681686903000), ("region_read", 1681700000000)]
    counts(got, source_events_lost=17)


def test_marks_and_frames(run):
    got = run(HEAD + access("R", 0xf6000000) + "MARK 1682.000000 start of glxgears\nMARK 1682.500000 frame 7\nMARK 1683.000000 Lost patience\n")
    assert [(e["kind"], e.get("text", e.get("frame"))) for e in got.events[1:]] == [("mark", "start of glxgears"), ("frame", 7), ("mark", "Lost patience")]
    counts(got, marks=2, frames=1)


def test_lines_that_say_nothing_of_registers_are_counted(run):
    got = run(HEAD + "LSPCI 01:00.0 VGA compatible controller\n" + "MAP 1681.000000 1 0xf6000000 0xffffc90001000000 0x1000000 0x0 0\n" + access("R", 0xf6000000) +
              "UNKNOWN 1681.000000 1 0xf6000010 0x48,0x8b,0x1 0x0 0\nUNMAP 1682.000000 1 0x0 0\n")
    assert len(got.events) == 1
    counts(got, maps=1, unmaps=1, instructions_unknown=1)


def test_text_without_version_is_read_and_said(run):
    counts(run(PCIDEV + access("R", 0xf6000000)), version_unknown=1)


def test_time_going_back_is_counted(run):
    counts(run(HEAD + access("R", 0xf6000000, t="2.0") + access("R", 0xf6000000, t="1.0")), time_backwards=1)


@pytest.mark.parametrize("bad, counter", [
    ("R 4 1.0 1 0xf6000000", "lines_malformed"), ("R 0 1.0 1 0xf6000000 0x0 0x0 0", "lines_malformed"), ("R 9 1.0 1 0xf6000000 0x0 0x0 0", "lines_malformed"),
    ("R 4 1 1 0xf6000000 0x0 0x0 0", "lines_malformed"), ("R -4 1.0 1 0xf6000000 0x0 0x0 0", "lines_malformed"), ("W", "lines_malformed"),
    ("W 4 99999999999999999999.0 1 0x0 0x0 0x0 0", "lines_malformed"), ("W 4 1.0 1 0x1ffffffffffffffff 0x0 0x0 0", "lines_malformed"),
    ("PCIDEV 0100", "lines_malformed"), ("PCIDEV 10000 0 0 " + "0 " * 14, "lines_malformed"), ("MARK x", "lines_malformed"), ("RW 4", "lines_unknown"),
    ("hello", "lines_unknown"),
])
def test_line_that_is_not_taken_is_counted(run, bad, counter):
    got = run(HEAD + access("R", 0xf6000000) + bad + "\n")
    assert len(got.events) == 1
    counts(got, **{counter: 1})


@pytest.mark.parametrize("text", ["", "hello\n", HEAD, "VERSION 20070824\n" + access("R", 0xf6000000)])
def test_text_without_an_access_to_a_known_bar_is_refused(build, tmp_path, text):
    assert "PCIDEV" in failure(build, tmp_path, text, "mmiotrace")


def test_mutated_text_never_crashes(variant, tmp_path):
    text = HEAD + "".join(access("RW"[i % 2], 0xf6000000 + i * 4, i) for i in range(20)) + "MARK 0.000000 Lost 17 events.\nMARK 3.0 frame 1\n"
    assert sum(survives(variant("asan"), tmp_path, data, "mmiotrace") == 0 for data in mutations(text.encode(), random.Random(5), 80)) > 40
