# SPDX-License-Identifier: MIT OR GPL-2.0-only
"""egpu-trace export perfetto, read back by a protobuf decoder that knows only the wire format and Perfetto's field numbers."""
import collections
import struct
import subprocess

import pytest

STEPS, BURST = 4096, 16
NAMES = ("kinds", "guest", "driver")


def fields(data):
    """[(number, value)] of a message; bytes for nested ones, and the whole message must parse."""
    at, out = 0, []

    def varint():
        nonlocal at
        v = shift = 0
        while True:
            b = data[at]
            at += 1
            v |= (b & 0x7F) << shift
            shift += 7
            if b < 0x80:
                assert v < 1 << 64
                return v

    while at < len(data):
        key = varint()
        number, wire = key >> 3, key & 7
        if wire == 0:
            out.append((number, varint()))
        elif wire == 1:
            out.append((number, data[at:at + 8]))
            at += 8
        else:
            assert wire == 2, wire
            n = varint()
            assert at + n <= len(data)
            out.append((number, data[at:at + n]))
            at += n
    return out


def one(message, number, default=None):
    found = [v for n, v in message if n == number]
    assert len(found) <= 1
    return found[0] if found else default


class Perfetto:
    """Tracks by uuid; events of each in file order: (t, type, name, value, annotations)."""

    def __init__(self, data):
        self.tracks, self.events = {}, collections.defaultdict(list)
        packets = fields(data)
        assert all(n == 1 for n, _ in packets)
        for i, (_, raw) in enumerate(packets):
            p = fields(raw)
            assert one(p, 10) == 1 and (one(p, 13) == 1) == (i == 0)
            if one(p, 60) is not None:
                self.track(fields(one(p, 60)))
            if one(p, 11) is not None:
                self.event(one(p, 8), fields(one(p, 11)))

    def track(self, t):
        uuid = one(t, 1)
        assert uuid and uuid not in self.tracks
        process, thread, counter = ([fields(v) for n, v in t if n == k] for k in (3, 4, 8))
        name, parent = one(t, 2).decode(), one(t, 5)
        assert parent is None or parent in self.tracks
        if process:
            assert one(process[0], 6).decode() == name and one(process[0], 1) > 0 and parent is None
        if thread:
            assert one(thread[0], 5).decode() == name and one(thread[0], 2) > 0
        self.tracks[uuid] = {"name": name, "parent": parent, "counter": counter and dict(counter[0])}

    def event(self, t, e):
        value = one(e, 30)
        if one(e, 44) is not None:
            value = struct.unpack("<d", one(e, 44))[0]
        notes = {}
        for n, v in e:
            if n == 4:
                note = fields(v)
                notes[one(note, 10).decode()] = next(x for k, x in note if k != 10)
        name = one(e, 23)
        assert one(e, 11) in self.tracks, "an event before its track"
        self.events[one(e, 11)].append((t, one(e, 9), name and name.decode(), value, notes))

    def of(self, device, track):
        """Events of a track of a device by the names that a user sees."""
        for uuid, t in self.tracks.items():
            if t["name"] == track and t["parent"] and self.tracks[t["parent"]]["name"].startswith(f"egpu {device} ("):
                return self.events[uuid]
        return []


@pytest.fixture(scope="session")
def all_traces(traces, egpu_trace, root, tmp_path_factory):
    driver = tmp_path_factory.mktemp("driver") / "driver.egt"
    done = egpu_trace("import", "ftrace", root / "datasets/dma-6.12-virtio-gpu-nvme-e1000e.ftrace.gz", "-o", driver)
    assert done.returncode == 0, done.stderr
    return {**traces, "driver": driver}


@pytest.fixture(scope="session")
def exports(all_traces, egpu_trace, tmp_path_factory):
    out = {}
    for name in NAMES:
        path = tmp_path_factory.mktemp("perfetto") / name
        done = egpu_trace("export", "perfetto", all_traces[name], "-o", path)
        assert done.returncode == 0, done.stderr
        out[name] = Perfetto(path.read_bytes())
    return out


@pytest.fixture(scope="session")
def events(all_traces, dump):
    return {name: dump(all_traces[name]) for name in NAMES}


def devices(events):
    return sorted({e["device"] or "trace" for e in events})


def of(events, device, *kinds):
    return [e for e in events if (e["device"] or "trace") == device and e["kind"] in kinds]


def curves(events, device, up, down):
    """[(t, live, bytes)] after each event that changed something."""
    live = total = 0
    out = []
    for e in of(events, device, up, down):
        if e["status"]:
            continue
        sign = 1 if e["kind"] == up else -1
        live, total = max(0, live + sign), max(0, total + sign * e["len"])
        out.append((e["t_ns"], live, total))
    return out


def by_step(points, t0, step):
    """Values by step; time that steps back stays in the step that it is in."""
    out, now = collections.defaultdict(list), 0
    for t, v in points:
        now = max(now, (t - t0) // step)
        out[now].append(v)
    return out


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("up, down, tracks", [("map", "unmap", ("live mappings", "mapped bytes")),
                                              ("req_map", "req_unmap", ("live requests", "requested bytes"))])
def test_counters_are_points_of_the_true_curve_with_its_peaks(name, up, down, tracks, exports, events):
    t0, t1 = min(e["t_ns"] for e in events[name]), max(e["t_ns"] for e in events[name])
    step = (t1 - t0) // STEPS + 1
    seen = 0
    for device in devices(events[name]):
        curve = curves(events[name], device, up, down)
        for i, track in enumerate(tracks):
            points = [(t, v) for t, type_, _, v, _ in exports[name].of(device, track)]
            want = [(c[0], c[i + 1]) for c in curve]
            assert bool(points) == bool(want)
            if not points:
                continue
            seen += 1
            at = iter(want)
            assert all(p in at for p in points), "a point that was not, or not in order"
            assert points[0] == want[0] and points[-1] == want[-1]
            kept, true = by_step(points, t0, step), by_step(want, t0, step)
            assert {k: (min(v), max(v), v[-1]) for k, v in kept.items()} == {k: (min(v), max(v), v[-1]) for k, v in true.items()}
            assert max(len(v) for v in kept.values()) <= 4
    assert seen or (name == "driver" and up == "map")


def test_curves_of_a_long_recording_have_fewer_points(exports, events):
    device = max(devices(events["driver"]), key=lambda d: len(of(events["driver"], d, "req_map")))
    assert len(exports["driver"].of(device, "live requests")) < len(curves(events["driver"], device, "req_map", "req_unmap")) / 2


@pytest.mark.parametrize("name", NAMES)
def test_frames_are_slices_and_give_the_frame_rate(name, exports, events):
    for device in devices(events[name]):
        frames = of(events[name], device, "frame")
        got = exports[name].of(device, "frames")
        want = [(a["t_ns"], b["t_ns"], f"frame {b['frame']}") for a, b in zip(frames, frames[1:]) if b["t_ns"] > a["t_ns"]]
        assert [(b[0], e[0], b[2]) for b, e in zip(got[::2], got[1::2])] == want
        assert all((b[1], e[1]) == (1, 2) for b, e in zip(got[::2], got[1::2]))
        rates = [v for *_, v, _ in exports[name].of(device, "fps")]
        assert len(rates) <= len(want) and bool(rates) == bool(want)
        if want:
            true = [1e9 / (b - a) for a, b, _ in want]
            assert max(rates) == pytest.approx(max(true), abs=1e-3) and min(rates) == pytest.approx(min(true), abs=1e-3)
    assert name != "guest" or len(exports[name].of("sim-gpu", "frames")) == 2 * 29


@pytest.mark.parametrize("name", NAMES)
def test_phases_last_from_mark_to_mark(name, exports, events):
    end = max(e["t_ns"] for e in events[name])
    for device in devices(events[name]):
        marks = [e for e in of(events[name], device, "mark")]
        got = [e for e in exports[name].of(device, "phases") if e[1] != 3]
        want = [(a["t_ns"], max(a["t_ns"], b["t_ns"] if b else end), a["text"] or "?") for a, b in zip(marks, marks[1:] + [None])]
        assert [(b[0], e[0], b[2]) for b, e in zip(got[::2], got[1::2])] == want
    assert name != "guest" or len(of(events[name], "sim-gpu", "mark")) == 5


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("kind, track", [("irq", "interrupts"), ("fault", "faults")])
def test_every_interrupt_and_fault_is_an_instant_or_counted(name, kind, track, exports, events):
    for device in devices(events[name]):
        true = of(events[name], device, kind)
        got = exports[name].of(device, track)
        assert all(e[1] == 3 for e in got)
        shown = [e for e in got if e[2] != "more, left out"]
        left = sum(e[4]["count"] for e in got if e[2] == "more, left out")
        assert len(shown) + left == len(true)
        at = iter([(e["t_ns"], int(e["iova"], 16) if kind == "fault" else e["vector"]) for e in true])
        assert all((t, notes["iova" if kind == "fault" else "vector"]) in at for t, _, _, _, notes in shown)
    assert name != "guest" or len(exports[name].of("sim-gpu", "interrupts")) > 10


def test_processes_say_device_and_provenance(exports, egpu_trace, all_traces):
    names = {t["name"] for t in exports["guest"].tracks.values() if not t["parent"]}
    assert names == {"egpu trace (modelled)", "egpu sim-gpu (modelled)"}
    about = {k: v.decode() for e in exports["guest"].of("trace", "phases") for k, v in e[4].items()}
    assert about["provenance"] == "modelled" and about["limits"].startswith("apple-tb4")


def test_bursts_of_interrupts_are_counted(build, egpu_trace, dump, tmp_path):
    subprocess.run([build / "tests/export/test_packets", "storm", tmp_path / "t.egt"], check=True, timeout=60)
    assert egpu_trace("export", "perfetto", tmp_path / "t.egt", "-o", tmp_path / "x").returncode == 0
    got = Perfetto((tmp_path / "x").read_bytes()).of("gpu", "interrupts")
    shown, left = [e for e in got if "vector" in e[4]], [e[4]["count"] for e in got if "count" in e[4]]
    assert len(shown) + sum(left) == len(dump(tmp_path / "t.egt"))
    assert BURST < len(shown) <= 2 * BURST and left == [100000 - BURST]
