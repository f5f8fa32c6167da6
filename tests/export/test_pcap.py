# SPDX-License-Identifier: MIT OR GPL-2.0-only
"""egpu-trace export pcap: a decoder written from the specification finds in the packets what dump prints, and so does tshark."""
import os
import shutil
import sqlite3
import subprocess

import pytest
from tlps import RECORD_KINDS_FROM, decode, read_pcap, record

NAMES = ("accesses", "kinds", "guest")
ARGS_OF = {
    "region_read": ("region", "offset", "len", "value"), "region_write": ("region", "offset", "len", "value"),
    "ram_map": ("iova", "len", "offset", "flags"), "ram_unmap": ("iova", "len", None, "flags"),
    "req_map": ("gpa", "len", "iova", "flags", "guest_t"), "req_unmap": ("gpa", "len", "iova", "flags", "guest_t"),
    "map": ("gpa", "len", "iova", "seq"), "unmap": ("gpa", "len", "iova", "seq"), "irq": ("type", "vector", "delivered"),
    "irq_config": ("type", "start", "count", "flags"), "fault": ("iova", "len", "engine", "flags"), "frame": ("frame",), "mark": (),
    "clock": ("guest_t",), "gap": ("count",), "reset": ("cause",), "policy": (),
}
KINDS = list(ARGS_OF)


@pytest.fixture(scope="session")
def pcaps(traces, egpu_trace, tmp_path_factory):
    folder = tmp_path_factory.mktemp("pcap")
    for name, trace in traces.items():
        done = egpu_trace("export", "pcap", trace, "-o", folder / name)
        assert done.returncode == 0, done.stderr
    return {name: folder / name for name in traces}


def number(v):
    return int(v, 16) if isinstance(v, str) else v


class Bus:
    """Where BARs lie, from the configuration writes seen so far; and the devices' numbers."""

    def __init__(self):
        self.config, self.names, self.wide = {}, {}, set()

    def announce(self, p, r):
        self.names[p["requester"]] = r["text"].split(" ")[0]

    def wrote(self, device, register, offsets, data):
        space = self.config.setdefault(device, bytearray(64))
        for o in offsets:
            if register + o < 64:
                space[register + o] = data[o]

    def base(self, device, region, trace_number):
        space = self.config.get(device, bytearray(64))
        at = 0x30 if region == 6 else 0x10 + 4 * region
        low = int.from_bytes(space[at:at + 4], "little") & ~0x7FF if region == 6 else int.from_bytes(space[at:at + 4], "little") & ~15
        if (device, region) in self.wide:
            low |= int.from_bytes(space[at + 4:at + 8], "little") << 32
        if low and low & 0xFFFFFFF0 != 0xFFFFFFF0:
            return low
        return 0xE6 << 56 | trace_number << 40 | region << 36


def check_record(event, p, r):
    assert KINDS[r["kind"] - 1] == event["kind"]
    assert r["status"] == event["status"]
    for i, name in enumerate(ARGS_OF[event["kind"]]):
        if name:
            assert r["arg"][i] == number(event[name]), (event, r)
    if "text" in event:
        assert r["text"] == (event["text"] or "")


def check_access(event, first, rest, bus, numbers):
    """The packets of one access carry exactly its bytes at exactly its place, each read and configuration access with its completion."""
    config, write = number(event["region"]) == 7, event["kind"] == "region_write"
    place, got, p = None, bytearray(), first
    device = next(i for i, n in bus.names.items() if n == event["device"])
    start = event_start = number(event["offset"])
    if not config:
        start = event_start + bus.base(device, number(event["region"]), numbers[event["device"]])
    while True:
        assert p["type"] == ("Cfg" if config else "M") + ("Wr" if write else "Rd") + ("0" if config else ""), (event, p)
        assert p["requester"] == 0
        where = p["register"] if config else p["address"]
        assert place is None or where + p["enabled"][0] == place
        assert place is not None or where + p["enabled"][0] == start, (event, hex(where))
        assert p["enabled"] == list(range(p["enabled"][0], p["enabled"][0] + len(p["enabled"])))
        place = where + p["enabled"][-1] + 1
        data = p["data"]
        if config:
            assert p["completer"] == device
        if config or not write:
            c = next(rest)
            assert c["type"] == ("Cpl" if write else "CplD") and (c["requester"], c["tag"], c["completer"]) == (0, p["tag"], device)
            assert c["byte_count"] == (4 if config else len(p["enabled"]))
            assert c["lower_address"] == (0 if config else (p["address"] + p["enabled"][0]) & 0x7F)
            data = c["data"] or data
        got += bytes(data[i] for i in p["enabled"])
        assert all(b == 0 for i, b in enumerate(data) if i not in p["enabled"])
        if config and write:
            bus.wrote(device, p["register"], p["enabled"], data)
        if len(got) >= number(event["len"]):
            break
        p = next(rest)
    assert int.from_bytes(got, "little") == number(event["value"]) and len(got) == number(event["len"]), event


def check_irq(event, p, numbers):
    if p["type"] == "Msg":
        assert (number(event["type"]), p["code"] - 0x20, p["routing"]) == (0, number(event["vector"]), 4)
        return
    assert p["type"] == "MWr" and p["enabled"] == [0, 1, 2, 3]
    type_, vector = number(event["type"]), number(event["vector"])
    assert p["address"] == 0xE7 << 56 | numbers[event["device"]] << 40 | type_ << 36 | vector << 4
    assert int.from_bytes(p["data"], "little") == vector
    assert number(event["delivered"]) == 1


@pytest.mark.parametrize("name", NAMES)
def test_packets_decode_to_exactly_the_events_of_dump(name, traces, pcaps, dump):
    packets = [decode(b) for _, b in read_pcap(pcaps[name].read_bytes())]
    events = dump(traces[name])
    bus, numbers, seen = Bus(), {}, 0
    rest = iter(packets)
    it = iter(events)

    # a 64-bit BAR says so when it is read or written back
    for e in events:
        if e["kind"].startswith("region") and number(e["region"]) == 7 and number(e["offset"]) in range(0x10, 0x28, 4):
            v = number(e["value"]) & 0xFFFFFFFF
            if v != 0xFFFFFFFF and v & 7 == 4:
                bus.wide.add((e["device"], (number(e["offset"]) - 0x10) // 4))
    wide, bus.wide = bus.wide, set()

    for p in rest:
        r = record(p) if p["type"] == "MsgD" else None
        if r:
            assert (p["routing"], p["code"], p["vendor"], p["last"]) == (0, 0x7F, 0x1234, 0x65677075)
        if r and r["kind"] >= RECORD_KINDS_FROM:
            if r["kind"] == 0xFF01:
                bus.announce(p, r)
                numbers[bus.names[p["requester"]]] = r["device"]
                bus.wide |= {(p["requester"], region) for n, region in wide if n == bus.names[p["requester"]]}
            continue
        event = next(it)
        seen += 1
        if r:
            check_record(event, p, r)
        elif event["kind"] == "irq":
            check_irq(event, p, numbers)
        else:
            check_access(event, p, rest, bus, numbers)
    assert seen == len(events) and next(it, None) is None


@pytest.mark.parametrize("name", NAMES)
def test_times_are_exact_to_the_nanosecond(name, traces, pcaps, dump):
    times = sorted({t for t, _ in read_pcap(pcaps[name].read_bytes())})
    assert times == sorted({e["t_ns"] for e in dump(traces[name])})


def test_capture_begins_with_where_the_trace_comes_from(pcaps):
    records = [record(p) for p in (decode(b) for _, b in read_pcap(pcaps["guest"].read_bytes())[:20]) if p["type"] == "MsgD"]
    texts = [r["text"] for r in records if r["kind"] == 0xFF00]
    assert "provenance=modelled" in texts
    assert any(t.startswith("limits=apple-tb4") for t in texts)


# ---- tshark ----

needs_tshark = pytest.mark.skipif(not shutil.which("tshark"), reason="tshark is not installed")


def tshark(root, *args, **kwargs):
    script = root / "analysis/wireshark/egpu.lua"
    done = subprocess.run(["tshark", "-X", f"lua_script:{script}", *map(str, args)], capture_output=True, text=True, timeout=120, **kwargs)
    assert done.returncode == 0, done.stderr
    assert "Lua" not in done.stderr, done.stderr
    return done.stdout


def fields(root, path, names, *more):
    args = [a for n in names for a in ("-e", n)]
    out = tshark(root, "-2", "-r", path, "-T", "fields", "-E", "separator=/t", "-t", "e", *args, *more)
    return [dict(zip(names, line.split("\t"))) for line in out.splitlines()]


@needs_tshark
@pytest.mark.parametrize("name", NAMES)
def test_tshark_shows_the_records_of_dump(name, root, traces, pcaps, dump):
    args = sorted({a for names in ARGS_OF.values() for a in names if a})
    rows = fields(root, pcaps[name], ["frame.time_epoch", "egpu.kind", "egpu.status", "egpu.text"] + ["egpu." + a for a in args],
                  "-Y", "egpu.kind_number < 0xff00")
    recorded = [e for e in dump(traces[name]) if e["kind"] not in ("region_read", "region_write", "irq")]
    shown = [r for r in rows if r["egpu.kind"] not in ("region_read", "region_write", "irq")]
    assert len(shown) == len(recorded)
    for row, e in zip(shown, recorded):
        assert row["egpu.kind"] == e["kind"] and int(row["egpu.status"]) == e["status"]
        assert row["frame.time_epoch"].replace(".", "").lstrip("0") == str(e["t_ns"]).lstrip("0")
        assert row["egpu.text"] == (e.get("text") or "")
        for a in ARGS_OF[e["kind"]]:
            if a:
                assert int(row["egpu." + a], 0) == number(e[a]), (row, e)


@needs_tshark
@pytest.mark.parametrize("name", NAMES)
def test_tshark_agrees_with_the_independent_decoder(name, root, pcaps):
    rows = fields(root, pcaps[name], ["egpu.tlp.type", "egpu.tlp.length", "egpu.tlp.requester", "egpu.tlp.tag", "egpu.tlp.address",
                                      "egpu.tlp.completer", "egpu.tlp.register", "egpu.tlp.data", "egpu.tlp.code", "egpu.tlp.byte_count"])
    packets = [decode(b) for _, b in read_pcap(pcaps[name].read_bytes())]
    assert len(rows) == len(packets)
    for row, p in zip(rows, packets):
        assert row["egpu.tlp.type"] == p["type"]
        for key in ("requester", "address", "completer", "register", "code", "byte_count"):
            if key in p:
                assert int(row["egpu.tlp." + key], 0) == p[key], (key, row, p)
        if "enabled" in p or "byte_count" in p:
            assert int(row["egpu.tlp.tag"], 0) == p["tag"]
        if p["data"] and p["type"] != "MsgD":
            assert row["egpu.tlp.data"] == p["data"].hex() and int(row["egpu.tlp.length"]) == p["length"]


@needs_tshark
@pytest.mark.parametrize("name", ("accesses", "guest"))
def test_tshark_pairs_each_request_with_its_completion(name, root, pcaps):
    rows = fields(root, pcaps[name], ["frame.number", "egpu.tlp.type", "egpu.tlp.tag", "egpu.tlp.request_in", "egpu.tlp.response_in", "egpu.tlp.value"])
    by = {r["frame.number"]: r for r in rows}
    pairs = 0
    for r in rows:
        if r["egpu.tlp.type"] in ("MRd", "CfgRd0", "CfgWr0"):
            answer = by[r["egpu.tlp.response_in"]]
            assert answer["egpu.tlp.request_in"] == r["frame.number"] and answer["egpu.tlp.tag"] == r["egpu.tlp.tag"]
            assert (answer["egpu.tlp.type"] == "Cpl") == (r["egpu.tlp.type"] == "CfgWr0")
            pairs += 1
    assert pairs == sum(r["egpu.tlp.type"] in ("Cpl", "CplD") for r in rows) > 100


@needs_tshark
def test_tshark_shows_a_register_read_as_people_read_it(root, pcaps):
    out = tshark(root, "-r", pcaps["guest"], "-Y", 'egpu.tlp.type == "CplD" && egpu.tlp.value == 0x55504745')
    assert "sim-gpu" in out and "0x55504745" in out


@needs_tshark
def test_dissector_survives_bytes_that_are_no_packets(root, pcaps, tmp_path):
    data = bytearray(pcaps["accesses"].read_bytes())
    for seed in range(3):
        broken, at, n = bytearray(data), 24, 0
        while at < len(broken):
            length = int.from_bytes(broken[at + 8:at + 12], "little")
            if length:
                broken[at + 16 + (n * 7 + seed) % length] ^= 0xFF
            at, n = at + 16 + length, n + 1
        path = tmp_path / "broken.pcap"
        path.write_bytes(broken)
        out = tshark(root, "-r", path, "-V")
        assert "Lua Error" not in out
        assert out.count("Frame Number:") == n


# ---- the command ----

@pytest.mark.parametrize("args, says", [
    ([], "give a format"), (["pcap", "TRACE"], "-o"), (["png", "TRACE", "-o", "x"], "pcap, "), (["csv", "TRACE", "--follow", "-o", "x"], "--follow"),
])
def test_misuse_is_explained_and_exits_2(args, says, traces, egpu_trace, tmp_path):
    done = egpu_trace("export", *[str(traces["kinds"]) if a == "TRACE" else a for a in args], cwd=tmp_path)
    assert done.returncode == 2 and says in done.stderr.decode()
    assert not list(tmp_path.iterdir())


def test_existing_file_is_kept_unless_forced_and_a_trace_always(traces, egpu_trace, tmp_path):
    out = tmp_path / "x.pcap"
    out.write_text("mine")
    done = egpu_trace("export", "pcap", traces["kinds"], "-o", out)
    assert done.returncode == 1 and b"--force" in done.stderr and out.read_text() == "mine"
    assert egpu_trace("export", "pcap", traces["kinds"], "-o", out, "--force").returncode == 0
    before = traces["kinds"].read_bytes()
    done = egpu_trace("export", "pcap", traces["kinds"], "-o", traces["kinds"], "--force")
    assert done.returncode == 1 and traces["kinds"].read_bytes() == before


@pytest.mark.parametrize("fmt", ["pcap", "csv", "jsonl"])
def test_full_disk_is_an_error(fmt, traces, egpu_trace):
    done = egpu_trace("export", fmt, traces["guest"], "-o", "/dev/full")
    assert done.returncode == 1 and b"No space left" in done.stderr
    assert os.path.exists("/dev/full")


def test_reader_of_the_pipe_may_go_early(build, traces):
    done = subprocess.run(f"{build}/egpu-trace export pcap {traces['guest']} -o - | head -c 100 | wc -c; exit ${{PIPESTATUS[0]}}",
                          shell=True, executable="/bin/bash", capture_output=True, timeout=60)
    assert done.returncode == 0 and done.stdout.strip() == b"100" and not done.stderr


@pytest.mark.parametrize("fmt, option", [("csv", "--csv"), ("jsonl", "--json")])
def test_text_formats_are_what_dump_prints(fmt, option, traces, egpu_trace, tmp_path):
    out = tmp_path / "x"
    assert egpu_trace("export", fmt, traces["guest"], "-o", out).returncode == 0
    want = egpu_trace("dump", option, traces["guest"]).stdout
    assert out.read_bytes() == want
    assert egpu_trace("export", fmt, traces["guest"], "-o", "-").stdout == want


def test_damaged_chunk_ends_the_export_or_is_left_out(traces, egpu_trace, tmp_path):
    bad = tmp_path / "bad.egt"
    shutil.copy(traces["guest"], bad)
    with sqlite3.connect(bad) as db:
        db.execute("UPDATE chunk SET data = substr(data, 1, length(data) - 1) || x'55' WHERE id = (SELECT min(id) FROM chunk)")
    out = tmp_path / "x.pcap"
    done = egpu_trace("export", "pcap", bad, "-o", out)
    assert done.returncode == 1 and b"--skip-damaged" in done.stderr and not out.exists()
    done = egpu_trace("export", "pcap", bad, "--skip-damaged", "-o", out)
    assert done.returncode == 0 and b"1 damaged chunks left out" in done.stderr
    assert read_pcap(out.read_bytes())
