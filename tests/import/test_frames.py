# SPDX-License-Identifier: MIT OR GPL-2.0-only
"""egpu-trace import mangohud and presentmon: every generation of columns, ways to align the clocks, logs that cannot be taken, hostile input."""
import datetime
import hashlib
import random
import sqlite3
import subprocess

import pytest

from importing import Imported, failure, mutations, survives

MANGO = "fps,frametime,cpu_load,cpu_power,gpu_load,cpu_temp,gpu_temp,gpu_core_clock,gpu_mem_clock,gpu_vram_used,gpu_power,ram_used,swap_used,process_rss,cpu_mhz,elapsed"
MANGO_HEADS = {
    "2025": MANGO, "2024": MANGO.replace(",cpu_mhz", ""), "2023": MANGO.replace(",cpu_mhz", "").replace(",cpu_power", ""),
    "2022": MANGO.replace(",cpu_mhz", "").replace(",cpu_power", "").replace(",swap_used,process_rss", ""),
}
SYSTEM = "os,cpu,gpu,ram,kernel,driver,cpuscheduler\nDebian, 12,AMD Custom APU 0405,NVIDIA,15160364,6.12,,performance\n"
VERSIONED = "v1\n0.7.1\n---------------------SYSTEM INFO---------------------\n" + SYSTEM + "--------------------FRAME METRICS--------------------\n"


def mango(elapsed_ms, head=MANGO, before=SYSTEM):
    columns, last, text = head.split(","), 0, before + head + "\n"
    for ms in elapsed_ms:
        row = {"fps": 1000 / max(ms - last, 1), "frametime": ms - last, "elapsed": ms * 1000000}
        text += ",".join(str(row.get(c, 0)) for c in columns) + "\n"
        last = ms
    return text


@pytest.fixture(scope="module")
def traces(build, tmp_path_factory):
    """Traces to put frames on: of a clock that is only a clock, of CLOCK_REALTIME, and one that says when it started."""
    folder = tmp_path_factory.mktemp("onto")
    page = "  Xorg-1 [001] .....  {}.000000: dma_map_page: 0000:01:00.0 dir=TO_DEVICE dma_addr=1000 size=4096 phys_addr=1000 attrs=\n"
    mark = "  Xorg-1 [001] .....  {}.500000: tracing_mark_write: {}\n"
    (folder / "f.txt").write_text(page.format(10) + mark.format(10, "begin") + mark.format(11, "frame 99") + page.format(20))
    access = "{}vfio_region_read  (0000:01:00.0:region0+0x0, 4) = 0x1\n"
    (folder / "q.txt").write_text(access.format("2026-08-19T20:14:10.000000Z ") + access.format("2026-08-19T20:14:30.000000Z "))
    for what, name in (("ftrace", "f"), ("qemu-log", "q")):
        subprocess.run([build / "egpu-trace", "import", what, folder / f"{name}.txt", "-o", folder / f"{name}.egt"], check=True, capture_output=True)
    return folder


@pytest.fixture
def put(build, tmp_path, traces):
    def go(kind, text, *options, onto="f.egt", name="log.csv", env=None):
        source, out = tmp_path / name, tmp_path / "out.egt"
        source.write_text(text)
        done = subprocess.run([build / "egpu-trace", "import", kind, source, "--onto", traces / onto, *options, "--force", "-o", out],
                              capture_output=True, text=True, timeout=60, env=env or {"TZ": "UTC"})
        assert done.returncode == 0, done.stderr
        return Imported(build, out, done.stderr)

    return go


def frames(got):
    return [(e["frame"], e["t_ns"]) for e in got.events if e["kind"] == "frame"]


def ns(seconds):
    return round(seconds * 1e9)


@pytest.mark.parametrize("before", ["", SYSTEM, VERSIONED], ids=["bare", "system", "versioned"])
@pytest.mark.parametrize("head", MANGO_HEADS)
def test_mangohud_of_every_generation(put, head, before):
    got = put("mangohud", mango([100, 116, 133], MANGO_HEADS[head], before), "--offset", "10.25")
    assert [f for f in frames(got) if f[0] != 99] == [(1, ns(10.35)), (2, ns(10.366)), (3, ns(10.383))]
    assert got.account["frames"] == 3 and got.account["frame_log_lines_unknown"] == before.count("\n")


def test_copy_has_all_events_and_texts_of_the_trace(build, put, traces):
    got = put("mangohud", mango([100, 116]), "--offset", "10.45")
    before = Imported(build, traces / "f.egt", "")
    own = [e for e in got.events if e["kind"] != "frame" or e["frame"] == 99]
    assert [{k: v for k, v in e.items() if k != "seq"} for e in own] == [{k: v for k, v in e.items() if k != "seq"} for e in before.events]
    assert [e["t_ns"] for e in got.events] == sorted(e["t_ns"] for e in got.events)
    assert got.account["frames_there"] == 1 and got.account["requests_mapped"] == 2 and got.account["lines"] == 4
    assert got.info["devices"] == before.info["devices"]


def test_trace_says_where_frames_and_events_come_from(put):
    text = mango([100])
    got = put("mangohud", text, "--offset", "10.25")
    assert got.meta["provenance"] == "imported"
    origin, added = got.meta["origin"].split("; ")
    assert origin.startswith("ftrace text, f.txt, sha256 ")
    assert added == f"frames imported from a MangoHud log, log.csv, sha256 {hashlib.sha256(text.encode()).hexdigest()}, its time 0 at 10.250000000 s"
    assert "does not name its clock" in got.meta["assumed"] and "host" not in got.meta


def test_name_of_the_file_is_local_time(put):
    got = put("mangohud", mango([500, 1500]), onto="q.egt", name="glx_gears_2026-08-19_22-14-16.csv", env={"TZ": "XST-2"})
    start = int(datetime.datetime(2026, 8, 19, 20, 14, 16, tzinfo=datetime.timezone.utc).timestamp())
    assert frames(got) == [(1, ns(start) + ns(0.5)), (2, ns(start) + ns(1.5))]
    assert "time zone" in got.meta["assumed"]


@pytest.fixture
def recorded(root, tmp_path):
    """A trace of format 1.0, whose rows have no checksums, that says when it started."""
    path = tmp_path / "recorded.egt"
    path.write_bytes((root / "tests/tracer/golden-1.0.egt").read_bytes())
    with sqlite3.connect(path) as db:
        db.execute("INSERT OR REPLACE INTO meta(key, value) VALUES ('started', '2026-08-19T20:14:16Z')")
    db.close()
    return path


def test_trace_that_says_when_it_started(build, put, recorded):
    before = Imported(build, recorded, "")
    first = before.events[0]["t_ns"]
    start = datetime.datetime(2026, 8, 19, 20, 14, 16)
    got = put("presentmon", present_date([start, start + datetime.timedelta(seconds=100)]), onto=recorded)
    assert set(frames(got)) >= {(1, first), (2, first + 100 * 10**9)} and "off by a second" in got.meta["assumed"]
    assert got.meta["started"] == before.meta["started"] and got.meta["provenance"] == before.meta["provenance"]


def present_date(dates):
    rows = "".join(f"game.exe,4711,0x1,{d.year}-{d.month}-{d.day} {d.hour}:{d.minute:02}:{d.second:02}.{d.microsecond:06}000,16.6,NA\n" for d in dates)
    return "Application,ProcessID,SwapChainAddress,CPUStartDateTime,FrameTime,DisplayedTime\n" + rows


V1 = "Application,ProcessID,SwapChainAddress,Runtime,SyncInterval,PresentFlags,Dropped,TimeInSeconds,msInPresentAPI,msBetweenPresents"
V2 = "Application,ProcessID,SwapChainAddress,PresentRuntime,SyncInterval,PresentFlags,AllowsTearing,PresentMode,CPUStartTime,FrameTime,CPUBusy,CPUWait,DisplayedTime"
V3 = V2.replace("CPUStartTime,FrameTime", "CPUStartTime,MsBetweenAppStart")


def present(head, rows, **more):
    text = head + "\n"
    for t, length in rows:
        row = {"Application": "game.exe", "ProcessID": 4711, "TimeInSeconds": t, "CPUStartTime": t, "FrameTime": length, "msBetweenPresents": length,
               "MsBetweenAppStart": length, "DisplayedTime": 16, "Dropped": 0, "CPUStartQPCTime": t, **more}
        text += ",".join(str(row.get(c, 0)) for c in head.split(",")) + "\n"
    return text


@pytest.mark.parametrize("head", [V1, V2, V3, V2.replace("CPUStartTime", "CPUStartQPCTime")])
@pytest.mark.parametrize("scale", [1, 1000])
def test_presentmon_of_every_generation_in_seconds_and_milliseconds(put, head, scale):
    if head == V1 and scale == 1000:
        scale = 1
    got = put("presentmon", present(head, [(0.1 * scale, 16), (0.116 * scale, 16), (0.133 * scale, 17)]), "--offset", "10.25")
    assert [f for f in frames(got) if f[0] != 99] == [(1, ns(10.35)), (2, ns(10.366)), (3, ns(10.383))]


def test_presentmon_dates(put):
    start = datetime.datetime(2026, 8, 19, 20, 14, 16, 386354)
    got = put("presentmon", present_date([start, start + datetime.timedelta(milliseconds=16)]), onto="q.egt")
    at = int(start.replace(tzinfo=datetime.timezone.utc).timestamp()) * 10**9 + 386354000
    assert frames(got) == [(1, at), (2, at + 16000000)]
    assert got.account["frames_not_shown"] == 2


def test_presentmon_1_dates_in_the_column_of_seconds(put):
    text = present(V1, [("2026-8-19 20:14:16.500000000", 16), ("2026-8-19 20:14:16.516000000", 16)])
    assert [f[1] % 10**9 for f in frames(put("presentmon", text, onto="q.egt"))] == [500000000, 516000000]


def test_frames_of_the_busiest_process_are_taken(put):
    text = present(V2, [(100, 16), (116, 16), (132, 16)])
    text += "".join(present(V2, [(t, 16)], Application="dwm.exe", ProcessID=1).split("\n")[1] + "\n" for t in (90, 106))
    got = put("presentmon", text, "--offset", "10.25")
    assert got.account["frames"] == 3 and got.account["frames_other"] == 2
    assert "game.exe (process 4711)" in got.meta["assumed"]


def test_frames_that_were_dropped_are_counted(put):
    assert put("presentmon", present(V1, [(0.1, 16), (0.2, 16)], Dropped=1), "--offset", "10").account["frames_not_shown"] == 2


def test_frames_outside_of_the_trace_are_counted(put):
    got = put("mangohud", mango([100, 2000, 3000, 20000]), "--offset", "8.5")
    assert got.account["frames_before"] == 1 and got.account["frames_behind"] == 1 and got.account["frames"] == 4


def test_frames_before_time_0_are_left_out(put):
    got = put("mangohud", mango([100, 12000]), "--offset", "-1")
    assert got.account["frames_lost"] == 1 and got.account["frames"] == 1


@pytest.mark.parametrize("kind, text, options, says", [
    ("mangohud", mango([100, 200]), [], "say with --offset"),
    ("mangohud", mango([100, 200]), ["--offset", "500"], "10.000 to 20.000 s"),
    ("mangohud", "hello\n", ["--offset", "1"], "no log of MangoHud"), ("mangohud", SYSTEM + MANGO + "\n", ["--offset", "1"], "holds no frame"),
    ("mangohud", SYSTEM + MANGO + "\n" + "".join(f"60,16.6{',0' * 13},{i * 10**8}\n" for i in range(1, 9)), ["--offset", "10"], "log_interval=0"),
    ("presentmon", "hello\n", ["--offset", "1"], "no log of PresentMon"), ("presentmon", mango([100]), ["--offset", "1"], "no log of PresentMon"),
    ("presentmon", present(V2, [(100, 16)]), ["--offset", "10"], "too few frames"), ("presentmon", present(V2, []), ["--offset", "10"], "holds no frame"),
    ("presentmon", present(V2, [(100, 16), (200, 16)]), [], "say with --offset"),
    ("presentmon", present_date([datetime.datetime(2026, 8, 19)]), [], "does not say when it started"),
    ("presentmon", present(V2.replace("CPUStartTime", "CPUStartQPC"), [(100, 16)]), ["--offset", "10"], "no log of PresentMon"),
])
def test_log_that_cannot_be_put_says_why(build, tmp_path, traces, kind, text, options, says):
    assert says in failure(build, tmp_path, text, kind, "--onto", traces / "f.egt", *options)


def test_summary_of_mangohud_is_refused_politely(build, tmp_path, traces):
    text = "0.1% Min FPS,1% Min FPS,97% Percentile FPS,Average FPS,GPU Load,CPU Load\n50,55,61,60,90,30\n"
    assert "summary" in failure(build, tmp_path, text, "mangohud", "--onto", traces / "f.egt", "--offset", "1", name="game_2026-08-19_20-14-16_summary.csv")


def test_frame_log_without_a_trace_is_misuse(build, tmp_path):
    assert "--onto" in failure(build, tmp_path, mango([1]), "mangohud", status=2)


def test_trace_is_not_written_over_itself(build, tmp_path, traces):
    (tmp_path / "log.csv").write_text(mango([100]))
    before = (traces / "f.egt").read_bytes()
    done = subprocess.run([build / "egpu-trace", "import", "mangohud", tmp_path / "log.csv", "--onto", traces / "f.egt", "--offset", "10", "--force", "-o",
                           traces / "f.egt"], capture_output=True, text=True)
    assert done.returncode == 1 and "another file" in done.stderr
    assert (traces / "f.egt").read_bytes() == before


@pytest.mark.parametrize("bad", ["", "a,b", "60,x" + ",0" * 14, "60,16" + ",0" * 13 + ",-5", "60,16" + ",0" * 13 + ",nan", "60,16" + ",0" * 13 + ",1e300", "60,-1" + ",0" * 14,
                                 "60,16" + ",0" * 200])
def test_malformed_row_is_counted(put, bad):
    got = put("mangohud", mango([100, 116]) + bad + "\n", "--offset", "10")
    assert got.account["frames"] == 2 and got.account["frame_log_lines_malformed"] == 1


def test_quoted_fields_and_a_byte_order_mark(put):
    text = present(V1, [(0.1, 16), (0.2, 16)], Application='"a, ""b"" game.exe"')
    assert put("presentmon", "\ufeff" + text, "--offset", "10").account["frames"] == 2


@pytest.mark.parametrize("kind, text", [("mangohud", mango(range(16, 800, 16))), ("presentmon", present(V2, [(t, 16) for t in range(16, 800, 16)])),
                                        ("presentmon", present(V1, [(t / 1000, 16) for t in range(16, 800, 16)]))])
def test_mutated_logs_never_crash(variant, tmp_path, traces, kind, text):
    arguments = (kind, "--onto", traces / "f.egt", "--offset", "10")
    assert sum(survives(variant("asan"), tmp_path, data, *arguments) == 0 for data in mutations(text.encode(), random.Random(6), 40)) > 15
