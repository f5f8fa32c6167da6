# SPDX-License-Identifier: MIT OR GPL-2.0-only
"""egpu-replay fps: the published rows by a calculation of its own, traces with known frames, and what if."""
import csv
import io
import subprocess

import pytest

MACHINES = {"M5 Max, VM": (180 / 73, 1.25), "M4 Air, VM": (180 / 49, 1.25), "PC, Thunderbolt": (1, 1.25)}
PC = {"720p Low": 180, "1080p High": 161, "1080p RT Ultra": 105, "4K RT Ultra": 100, "1080p": 105, "4K": 100, "1080p, Can it run Crysis?": 92}


def table(replay, *args):
    return list(csv.DictReader(io.StringIO(replay("fps", "--csv", *args).stdout)))


def test_every_row_follows_from_the_two_that_calibrate(replay):
    rows = table(replay)
    assert sum(row["kind"] == "calibrated" for row in rows) == 3
    for row in rows:
        times, link = MACHINES[row["machine"]]
        want = 100 / link if row["game"] == "GravityMark" else PC[row["setting"]] / times
        assert float(row["model"]) == pytest.approx(want, abs=0.01)
        if row["kind"] == "calibrated":
            assert float(row["error_percent"]) == pytest.approx(0, abs=0.01)
        assert bool(row["error_percent"]) == bool(row["published"])
    errors = [abs(float(row["error_percent"])) for row in rows if row["kind"] == "predicted"]
    assert len(errors) == 8 and max(errors) < 35  # Tomb Raider is published as "about 2.5 times"


def test_text_keeps_published_calibrated_and_predicted_apart(replay):
    text = replay("fps").stdout
    for words in ("calibrated", "predicted, not published", "Nothing here was measured", "taken to be bound by the CPU"):
        assert words in text


def test_what_if_changes_one_thing_and_never_passes_what_the_gpu_allows(replay):
    rows = table(replay, "--what-if", "emulation=1", "--what-if", "link=slot", "--what-if", "cpu=100")
    for row in (row for row in rows if row["game"] != "GravityMark"):
        model, pc = float(row["model"]), PC[row["setting"]]
        assert float(row["emulation=1 most"]) == pytest.approx(2 * model, rel=0.01)
        assert float(row["emulation=1 least"]) == pytest.approx(min(2 * model, pc / 1.25), rel=0.01)
        assert float(row["link=slot least"]) == pytest.approx(model, rel=0.01)
        assert float(row["cpu=100 least"]) == pytest.approx(pc / 1.25, rel=0.01) and float(row["cpu=100 most"]) == pytest.approx(100 * model, rel=0.01)
    assert all(float(row["link=slot least"]) == 100 for row in rows if row["game"] == "GravityMark")


FRAME = "  test-1  [000] .....  {t:.6f}: tracing_mark_write: frame {n}\n"


@pytest.fixture
def frames(imported, tmp_path):
    """101 frames, 20 ms each."""
    return imported("".join(FRAME.format(t=5 + n / 50, n=n) for n in range(101)), tmp_path / "frames.egt")


def test_measured_frames_of_a_trace(replay, frames):
    row, = table(replay, frames, "--what-if", "accesses=0")
    assert row["frames"] == "100" and float(row["fps"]) == pytest.approx(50) and float(row["accesses=0"]) == pytest.approx(50)
    assert "measured: 100 frames, 50.0 a second" in replay("fps", frames).stdout


def test_what_a_frame_does_is_what_it_stops_paying_for(replay, build, root):
    trace = root / "tests/tracer/golden-1.2.egt"
    sql = ("WITH f AS (SELECT min(t_ns) AS a, max(t_ns) AS b, count(*) - 1 AS n FROM event WHERE kind = 'frame') "
           "SELECT n, (b - a) / 1e9, (SELECT count(*) FROM event WHERE kind IN ('region_read', 'region_write') AND t_ns > a AND t_ns <= b) FROM f")
    said = subprocess.run([build / "egpu-trace", "sql", "--csv", trace, sql], capture_output=True, text=True, check=True).stdout.splitlines()
    n, seconds, accesses = map(float, said[1].split(","))
    row, = table(replay, trace, "--what-if", "accesses=0", "--what-if", "accesses=1", "--what-if", "calls=1000", "--access-us", "1")
    assert n == 39 and accesses > n
    assert float(row["fps"]) == float(row["accesses=1"]) == pytest.approx(n / seconds, rel=0.001)
    assert float(row["accesses=0"]) == pytest.approx(n / (seconds - 1e-6 * accesses), rel=0.001)
    assert float(row["calls=1000"]) < 100


def test_bars_that_are_mapped_cost_what_is_published(replay, build, root):
    trace = root / "tests/tracer/golden-1.2.egt"
    row, = table(replay, trace, *(w for k in ("bars=mapped", "bars=wc", "accesses=0") for w in ("--what-if", k)), "--access-us", "1")
    def frame_us(key):
        return 1e6 / float(row[key])
    reads, writes = (float(row[f"bar_{k}_per_frame"]) for k in ("reads", "writes"))
    assert frame_us("bars=mapped") - frame_us("accesses=0") == pytest.approx((reads + writes) / 30, rel=0.05, abs=0.01)
    assert frame_us("bars=wc") - frame_us("accesses=0") == pytest.approx(reads / 30 + writes / 300, rel=0.05, abs=0.01)


def test_costs_above_the_whole_frame_are_not_turned_into_a_figure(replay, root):
    assert "cannot be told" in replay("fps", root / "tests/tracer/golden-1.2.egt", "--what-if", "accesses=0").stdout


@pytest.mark.parametrize("args, status, words", [
    (["--what-if", "cpu=0"], 2, "--what-if takes"),
    (["--what-if", "emulation=0.5"], 2, "--what-if takes"),
    (["--what-if", "accesses=0"], 2, "--what-if takes"),
    (["--what-if"], 2, "lacks its value"),
    (["--access-us", "-1"], 2, "microseconds"),
    (["--nonsense"], 2, "unknown option"),
    (["/nonexistent.egt"], 1, "No such file"),
    (["TRACE"], 1, "no two frames"),
    (["TRACE", "--what-if", "cpu=2"], 2, "accesses=TIMES, calls=TIMES"),
])
def test_misuse_and_traces_without_frames_get_one_line(replay, trace, args, status, words):
    assert words in replay("fps", *[trace if a == "TRACE" else a for a in args], status=status).stderr
