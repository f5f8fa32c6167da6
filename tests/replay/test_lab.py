# SPDX-License-Identifier: MIT OR GPL-2.0-only
"""Policies of the laboratory: what they foresee, keep and copy, on a trace small enough to count by hand, and on the recording."""
import json
import subprocess

import pytest

BUFFERS, WINDOWS = 40, 10  # of the trace: see ftrace_text() in conftest.py
LAB = ["offline", "offline:gap=18,keep=64", "pool", "bounce", "bounce:size=64", "bounce:size=512"]


def row(replay, trace, policy, *args):
    return json.loads(replay(trace, "--json", "--policy", policy, *args).stdout)[0]


# a granule of 16 KiB is used of each 32, and 144 KiB lie between two windows' last and first
@pytest.mark.parametrize("gap, runs", [(14, BUFFERS), (15, WINDOWS), (17, WINDOWS), (18, 1), (32, 1)])
def test_offline_maps_each_run_of_what_will_be_used_once(replay, trace, gap, runs):
    r = row(replay, trace, f"offline:gap={gap}")
    used = {BUFFERS: BUFFERS * 16, WINDOWS: WINDOWS * 112, 1: 9 * 256 + 112}[runs] << 10
    assert (r["peak_mappings"], r["peak_mapped_bytes"], r["host_maps"], r["host_unmaps"], r["end_mappings"]) == (runs, used, runs, runs, 0)


def test_pool_is_never_given_back(replay, trace):
    r = row(replay, trace, "pool:log2=18")
    assert (r["host_maps"], r["host_unmaps"], r["end_mappings"], r["peak_mapped_bytes"]) == (WINDOWS, 0, WINDOWS, WINDOWS << 18)
    assert r["exposure_byte_s"] > 0


def test_bounce_copies_both_ways_into_one_mapping(replay, trace):
    r = row(replay, trace, "bounce:size=1")
    assert (r["peak_mappings"], r["peak_mapped_bytes"], r["host_calls"]) == (1, 1 << 20, 1)
    assert r["copied_bytes"] == 2 * BUFFERS * 4096
    assert "MiB copied under bounce" in replay(trace, "--policy", "bounce").stdout
    assert row(replay, trace, "direct")["copied_bytes"] == 0


def test_pool_that_is_full_fails_requests_and_says_so(replay, recording):
    r = row(replay, recording, "bounce:size=64")
    assert list(r["failures_by_reason"]) == ["pool full"] and r["peak_mapped_bytes"] <= 64 << 20 and not r["fits"]
    assert "pool full" in replay(recording, "--policy", "bounce:size=64").stdout


def test_bounce_needs_a_pool_as_large_as_what_is_live_in_pages(replay, recording):
    live_mib = row(replay, recording, "direct")["peak_request_bytes"] >> 20
    assert row(replay, recording, f"bounce:size={live_mib * 3 // 2}")["fits"] and not row(replay, recording, f"bounce:size={live_mib}")["fits"]


def test_offline_serves_the_recording_with_less_than_any_that_guesses(replay, recording):
    offline, grow = row(replay, recording, "offline:gap=18"), row(replay, recording, "grow")
    assert offline["peak_mappings"] < grow["peak_mappings"] and offline["peak_mapped_bytes"] < grow["peak_mapped_bytes"]
    assert offline["peak_mapped_bytes"] >= offline["bound"]["bytes"]


@pytest.mark.parametrize("policy", LAB)
def test_sanitizers_find_nothing(variant, replay, recording, policy):
    done = subprocess.run([variant("asan") / "egpu-replay", recording, "--json", "--policy", policy], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)[0] == row(replay, recording, policy)


def test_they_are_listed_but_neither_tuned_nor_deployed(build, replay, trace, tmp_path):
    listed = replay("--list-policies").stdout
    assert all(f"\n{name}\n    laboratory: " in listed for name in ("bounce", "offline", "pool"))
    (tmp_path / "p").write_text("policy = offline\n")
    replay(trace, "--policy", f"@{tmp_path}/p", status=2)
    done = subprocess.run([build / "egpu-run", "--policy", "bounce"], capture_output=True, text=True)
    assert done.returncode == 2 and "--list-policies" in done.stderr
