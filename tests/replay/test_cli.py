# SPDX-License-Identifier: MIT OR GPL-2.0-only
"""egpu-replay as its users meet it: formats, exit status, one-line errors."""
import csv
import io
import json
import subprocess

import pytest

KEYS = {
    "trace", "policy", "provenance", "peak_requests", "peak_request_bytes", "peak_mappings", "peak_mapped_bytes", "host_calls", "failures",
    "failures_by_reason", "requests", "hits", "fits", "first_failure", "limits", "align", "measured",
}


def test_json_has_an_object_per_policy_with_all_keys(replay, trace):
    rows = json.loads(replay(trace, "--json", "--policy", "direct", "--policy", "window").stdout)
    assert [row["policy"] for row in rows] == ["direct", "window:log2=18"]
    assert all(KEYS <= set(row) for row in rows)
    assert [row["peak_mappings"] for row in rows] == [40, 10]
    assert [row["peak_mapped_bytes"] for row in rows] == [40 * 16384, 10 * 262144]
    assert [row["host_calls"] for row in rows] == [80, 20]
    assert all(row["fits"] and row["first_failure"] is None and row["measured"] is None for row in rows)
    assert all(row["provenance"] == "imported" and row["limits"]["mappings"] == 65536 for row in rows)


GROW = "grow:first=16,max=28,evidence=172,room=95,keep=0,crowd=64"


def test_default_policies_are_direct_four_windows_and_grow(replay, trace):
    rows = json.loads(replay(trace, "--json").stdout)
    assert [row["policy"] for row in rows] == ["direct"] + [f"window:log2={n}" for n in (16, 18, 20, 22)] + [GROW]


def test_default_policies_leave_out_windows_below_the_granule(replay, trace):
    rows = json.loads(replay(trace, "--json", "--dart", "apple-tb4:granule_log2=18").stdout)
    assert [row["policy"] for row in rows] == ["direct"] + [f"window:log2={n}" for n in (18, 20, 22)] + [GROW]


def test_what_is_kept_is_reported_as_exposure(replay, trace):
    # ten windows of 256 KiB, four of them kept; the last buffer of each ends at 6.3, 6.7, ... 9.9 s, the last event is at 9.9 s
    lazy, window = json.loads(replay(trace, "--json", "--policy", "lazy:keep=1", "--policy", "window").stdout)
    kept_s = sum(min(9.9 - (6.3 + i * 0.4), 1.6) for i in range(10))
    assert lazy["exposure_byte_s"] == pytest.approx(262144 * kept_s, rel=1e-6) and window["exposure_byte_s"] == 0
    assert (lazy["end_mappings"], lazy["host_calls"]) == (4, 16)
    table = replay(trace, "--policy", "lazy:keep=1", "--policy", "window").stdout
    assert f"within the device's reach: {262144 * kept_s / 2**20:.1f} MiB s under lazy:log2=18,keep=1\n" in table


def test_policy_that_does_not_fit_is_a_result_that_says_where(replay, trace):
    args = (trace, "--policy", "direct", "--dart", "apple-tb4:mappings=30")
    row, = json.loads(replay(*args, "--json").stdout)
    assert not row["fits"] and row["failures"] == 10 and row["failures_by_reason"] == {"mapping limit": 10}
    assert row["first_failure"]["request"] == 31 and row["first_failure"]["reason"] == "mapping limit"
    assert row["first_failure"]["t_s"] == pytest.approx(3.0)
    assert "fails at request 31 (t=3.000 s): mapping limit" in replay(*args).stdout


def test_csv_agrees_with_json(replay, trace):
    rows = list(csv.DictReader(io.StringIO(replay(trace, "--csv").stdout)))
    objects = json.loads(replay(trace, "--json").stdout)
    assert len(rows) == len(objects)
    for row, obj in zip(rows, objects):
        assert row["source"] == "replayed"
        for key in ("policy", "trace"):
            assert row[key] == obj[key]
        for key in ("requests", "hits", "peak_requests", "peak_mappings", "peak_mapped_bytes", "host_calls", "failures"):
            assert int(row[key]) == obj[key]


def test_bound_is_one_mapping_that_spans_the_buffers_if_bytes_allow(replay, trace):
    rows = json.loads(replay(trace, "--json", "--policy", "direct", "--policy", "window").stdout)
    assert [(row["bound"]["mappings"], row["bound"]["bytes"]) for row in rows] == [(1, 40 * 16384)] * 2
    assert [row["bound"]["mappings_ratio"] for row in rows] == [40, 10]
    assert [row["bound"]["bytes_ratio"] for row in rows] == [1, 4]
    assert rows[0]["bound"]["bytes_t_s"] == pytest.approx(3.9)
    assert "no policy has fewer than 1 mappings" in replay(trace).stdout


def test_bound_under_tight_limits_says_how_many_gaps_bytes_can_fill(replay, trace):
    """30 gaps of one granule, nine of nine granules: 45 granules fill five of the small ones; five mappings need 35 gaps, five long ones."""
    dart = ("--json", "--policy", "direct", "--dart")
    row, = json.loads(replay(trace, *dart, f"apple-tb4:bytes={45 * 16384}").stdout)
    assert row["bound"]["fits"] and row["bound"]["mappings"] == 35
    row, = json.loads(replay(trace, *dart, "apple-tb4:mappings=5").stdout)
    assert row["bound"]["bytes"] == (40 + 30 + 5 * 9) * 16384 and row["bound"]["bytes_ratio"] is None


@pytest.mark.parametrize("dart, misfit, t_s", [
    (f"apple-tb4:bytes={20 * 16384}", "byte limit", 2.0), (f"apple-tb4:mappings=5,bytes={45 * 16384}", "mapping limit", 2.1)])
def test_bound_says_that_no_policy_can_fit_and_from_when(replay, trace, dart, misfit, t_s):
    row, = json.loads(replay(trace, "--json", "--policy", "direct", "--dart", dart).stdout)
    assert not row["bound"]["fits"] and row["bound"]["misfit"] == misfit
    assert row["bound"]["misfit_t_s"] == pytest.approx(t_s)
    assert f"no policy can fit this, from t={t_s:.3f} s on: {misfit}" in replay(trace, "--dart", dart).stdout


def test_two_traces_give_rows_of_both(replay, trace):
    assert len(json.loads(replay(trace, trace, "--json", "--policy", "direct").stdout)) == 2


def test_one_bad_trace_of_two_fails_but_the_good_one_is_shown(replay, trace, tmp_path):
    assert len(json.loads(replay(tmp_path / "absent", trace, "--json", "--policy", "direct", status=1).stdout)) == 1


def test_series_has_each_policy_in_each_bin_and_its_peak(replay, trace, tmp_path):
    replay(trace, "--policy", "direct", "--policy", "window", "--series", tmp_path / "series.csv", "--bins", 50)
    rows = list(csv.DictReader((tmp_path / "series.csv").open()))
    assert list(rows[0]) == ["policy", "t_s", "live_requests", "live_request_bytes", "live_mappings", "mapped_bytes", "host_calls", "failures",
                             "free_holes", "longest_hole_bytes"]
    for policy, peak in (("direct", 40), ("window:log2=18", 10)):
        mine = [row for row in rows if row["policy"] == policy]
        assert len(mine) == 50
        assert max(int(row["live_mappings"]) for row in mine) == peak
        assert float(mine[0]["t_s"]) == 0 and int(mine[-1]["live_requests"]) <= 2


@pytest.mark.parametrize("fit", ["first", "next", "best", "top", "buddy"])
def test_limits_are_told_as_they_were_given(replay, trace, fit):
    spec = f"apple-tb4:mappings=50,bytes=1G,granule_log2=14,aperture=2G,segment=16K,segments=4,fit={fit}"
    row, = json.loads(replay(trace, "--dart", spec, "--policy", "direct", "--json").stdout)
    assert row["peak_mappings"] == 40 and row["fits"]
    assert ("fit=" in row["limits"]["spec"]) == (fit != "first") and "aperture=2147483648" in row["limits"]["spec"]


def test_mapping_of_too_many_segments_is_refused_with_that_reason(replay, trace):
    row, = json.loads(replay(trace, "--dart", "apple-tb4:segment=16K,segments=4", "--policy", "window", "--json").stdout)
    assert row["failures"] and row["first_failure"]["reason"] == "too many segments"


def test_list_policies_and_help_need_no_trace(replay):
    assert "log2=14..30 (default 18)" in replay("--list-policies").stdout
    assert "Usage: egpu-replay" in replay("--help").stdout
    assert replay("--version").stdout.startswith("egpu-replay ")


@pytest.mark.parametrize("args, words", [
    ([], "no trace given"),
    (["--no-such"], "unknown option '--no-such'"),
    (["T", "--policy"], "needs a value"),
    (["T", "--policy", "page"], "no such name"),
    (["T", "--policy", "window:size=3"], "no such parameter"),
    (["T", "--policy", "window:log2=99"], "out of range"),
    (["T", "--policy", "window:"], "malformed"),
    (["T", "--policy", "window:log2=16", "--dart", "apple-tb4:granule_log2=17"], "does not go with granules"),
    (["T", "--align", "up"], "none, downgrade, rewrite, pad or retry"),
    (["T", "--dart", "apple"], "no such name"),
    (["T", "--bins", "0"], "from 1 to"),
    (["T", "--bins", "9x"], "from 1 to"),
    (["T", "T", "--series", "s"], "one trace at a time"),
    (["T", "--series", "s"] + ["--policy", "direct"] * 65, "at most 64"),
    (["T", "--series", "s", "--results", "r"], "without --results"),
    (["T", "--policy", "window:log2=20..16"], "malformed"),
    (["T", "--policy", "window:log2=16..22/0"], "malformed"),
    (["T", "--policy", "window:log2=16.."], "malformed"),
    (["T", "--policy", "grow:first=12..24,max=12..32,evidence=100..200,room=1..100"], "more than 100000"),
    (["T", "--threads", "0"], "from 1 to"),
    (["T", "--memory", "some"], "give bytes"),
    (["T", "--slack", "3"], "unknown option"),
    (["T", "--policy", "@/nonexistent/policy"], "No such file"),
    (["tune"], "no trace given"),
    (["tune", "T", "--series", "s"], "unknown option"),
    (["tune", "T", "--cells", "0"], "from 1 to 5000"),
    (["tune", "T", "--cells", "6", "--policy", "window:log2=16..22"], "7 policies to begin with"),
    (["tune", "T", "--reserve", "100"], "from 0 to 99"),
    (["tune", "T", "--seed", "x"], "give a number"),
    (["tune", "T", "--dart", "apple-tb4", "--dart", "unlimited"], "one --dart"),
])
def test_misuse_exits_2_with_one_line(replay, args, words):
    assert words in replay(*args, status=2).stderr


@pytest.mark.parametrize("args, words", [
    (["/nonexistent/x.egt"], "No such file"),
    (["--device", "0000:09:09.9"], "it has: 0000:01:00.0"),
    (["--series", "/nonexistent/s.csv"], "No such file"),
])
def test_failure_exits_1_with_one_line(replay, trace, args, words):
    traces = [] if args[0].startswith("/") else [trace]
    assert words in replay(*traces, *args, status=1).stderr


def test_file_that_is_not_a_trace_fails(replay, tmp_path):
    (tmp_path / "x.egt").write_bytes(b"\0" * 5000)
    assert "not an egpu trace" in replay(tmp_path / "x.egt", status=1).stderr


def test_full_output_device_fails(build, trace):
    with open("/dev/full", "w") as full:
        done = subprocess.run([build / "egpu-replay", trace], stdout=full, stderr=subprocess.PIPE, text=True)
    assert done.returncode == 1 and "cannot write" in done.stderr
