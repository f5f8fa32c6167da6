# SPDX-License-Identifier: MIT OR GPL-2.0-only
"""egpu-extcap by its contract, and with a real tshark that captures while a recorder runs."""
import os
import re
import shutil
import subprocess
import time

import pytest
from tlps import decode, read_pcap

needs_tshark = pytest.mark.skipif(not shutil.which("tshark"), reason="tshark is not installed")


@pytest.fixture
def extcap(build):
    def run(*args):
        return subprocess.run([build / "egpu-extcap", *map(str, args)], capture_output=True, text=True, timeout=60)

    return run


@pytest.fixture
def live(build, tmp_path):
    """Starts recorders of an access every ms milliseconds; all are gone after the test. One that is held waits after so many until its stdin is closed."""
    running = []

    def start(name="live.egt", ms=20, count=100000, held_at=100000):
        path = tmp_path / name
        running.append(subprocess.Popen([build / "tests/export/test_packets", "live", path, str(ms), str(count), str(held_at)], stdin=subprocess.PIPE))
        end = time.monotonic() + 20
        while not path.exists():
            assert time.monotonic() < end
            time.sleep(0.01)
        return path, running[-1]

    yield start
    for p in running:
        p.kill()
        p.wait()


@pytest.fixture
def tshark_env(build, root, tmp_path):
    """tshark with egpu-extcap as its only extcap and none of the user's settings."""
    for folder in (tmp_path / ".config/wireshark/extcap", tmp_path / ".local/lib/wireshark/extcap"):  # before and since 4.2
        folder.mkdir(parents=True)
        (folder / "egpu-extcap").symlink_to(build / "egpu-extcap")
    return {**os.environ, "HOME": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path / ".config")}


def interfaces(extcap):
    done = extcap("--extcap-interfaces", "--extcap-version=4.0")
    assert done.returncode == 0, done.stderr
    return re.findall(r"^interface {value=([^}]*)}{display=[^}]*}$", done.stdout, re.M)


def test_running_recordings_are_interfaces_and_ended_ones_are_not(extcap, live):
    assert interfaces(extcap)[0] == "egpu"
    one, first = live("one.egt")
    two, _ = live("two.egt")
    assert {f"egpu:{one}", f"egpu:{two}"} <= set(interfaces(extcap))
    first.kill()
    first.wait()
    assert f"egpu:{one}" not in interfaces(extcap)
    assert f"egpu:{two}" in interfaces(extcap)


def test_name_that_the_contract_cannot_tell_is_no_interface(extcap, live):
    odd, _ = live("odd}.egt")
    assert not any(str(odd) in i for i in interfaces(extcap))


def test_link_type_and_settings_follow_the_contract(extcap):
    assert re.fullmatch(r"dlt {number=147}{name=USER0}{display=[^}]*}\n", extcap("--extcap-interface", "egpu", "--extcap-dlts").stdout)
    config = extcap("--extcap-interface", "egpu", "--extcap-config").stdout
    assert "{call=--trace}" in config and "{type=fileselect}" in config
    assert extcap("--extcap-interface", "egpu:/x.egt", "--extcap-config").stdout == ""


def test_unknown_arguments_are_ignored(extcap, live, tmp_path, traces):
    out = tmp_path / "out.pcap"
    done = extcap("--extcap-interface", "egpu", "--capture", "--log-level", "debug", "--extcap-control-in=/x", "--new-in-6.0", "--fifo", out,
                  "--trace", traces["kinds"])
    assert done.returncode == 0, done.stderr
    assert read_pcap(out.read_bytes())
    assert extcap("--extcap-interfaces", "--something", "else").returncode == 0


@pytest.mark.parametrize("args, says", [
    (["--extcap-interface", "eth0", "--extcap-dlts"], "no such interface"), (["--extcap-interface", "egpu", "--capture"], "--fifo"),
    (["--extcap-interface", "egpu", "--capture", "--fifo", "/dev/null"], "--trace"),
    (["--extcap-interface", "egpu:/does/not/exist.egt", "--capture", "--fifo", "/dev/null"], "/does/not/exist.egt"),
    (["--extcap-interface", "egpu", "--capture", "--fifo", "/dev/null", "--extcap-capture-filter", "tcp"], "display filter"),
])
def test_what_cannot_be_captured_is_said(args, says, extcap):
    done = extcap(*args)
    assert done.returncode == 1 and says in done.stderr


def test_call_without_arguments_is_explained(extcap):
    done = extcap()
    assert done.returncode == 2 and "usage" in done.stderr
    done = extcap("--help")
    assert done.returncode == 0 and "usage" in done.stdout


def test_capture_ends_when_its_reader_goes(build, live, tmp_path):
    path, recorder = live(ms=600000)
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    p = subprocess.Popen([build / "egpu-extcap", "--extcap-interface", f"egpu:{path}", "--capture", "--fifo", fifo])
    with open(fifo, "rb") as f:
        assert f.read(4) == b"\x4d\x3c\xb2\xa1"
    assert p.wait(timeout=20) == 0
    assert recorder.poll() is None


@needs_tshark
def test_tshark_lists_interface_and_link_type(live, tshark_env):
    path, _ = live()
    shown = subprocess.run(["tshark", "-D"], env=tshark_env, capture_output=True, text=True, timeout=60).stdout
    assert f"egpu:{path} (egpu: recording {path})" in shown
    shown = subprocess.run(["tshark", "-i", f"egpu:{path}", "-L"], env=tshark_env, capture_output=True, text=True, timeout=60)
    assert "USER0" in shown.stdout + shown.stderr


@needs_tshark
def test_tshark_gets_packets_while_they_are_recorded_and_all_of_them(root, live, tshark_env):
    count = 150
    path, recorder = live(ms=5, count=count, held_at=count // 3)
    args = ["tshark", "-l", "-X", f"lua_script:{root / 'analysis/wireshark/egpu.lua'}", "-i", f"egpu:{path}", "-T", "fields", "-e", "egpu.tlp.value",
            "-Y", 'egpu.tlp.type == "MWr"']
    p = subprocess.Popen(args, env=tshark_env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    first = p.stdout.readline()
    assert recorder.poll() is None
    recorder.stdin.close()
    rest = p.stdout.read().splitlines()
    assert p.wait(timeout=30) == 0, p.stderr.read()
    assert recorder.wait(timeout=30) == 0
    assert [int(v, 16) for v in [first.strip(), *rest]] == list(range(count))
    assert not list(path.parent.glob("live.egt-*")), "whoever follows a trace does not hinder its end as a single file"


def test_follow_writes_what_a_finished_trace_gives(build, live, egpu_trace, tmp_path):
    path, recorder = live(ms=2, count=300)
    done = egpu_trace("export", "pcap", path, "--follow", "-o", tmp_path / "live.pcap")
    assert done.returncode == 0 and recorder.wait(timeout=20) == 0
    egpu_trace("export", "pcap", path, "-o", tmp_path / "later.pcap")
    accesses = [[(t, b) for t, b in read_pcap((tmp_path / n).read_bytes()) if decode(b)["type"] == "MWr"] for n in ("live.pcap", "later.pcap")]
    assert len(accesses[0]) == 300 and accesses[0] == accesses[1]


@needs_tshark
def test_tshark_follows_egpu_run_to_the_guests_end(build, root, dump, tshark_env, tmp_path):
    path = tmp_path / "guest.egt"
    run = subprocess.Popen([build / "egpu-run", "--trace", path, "--workload", root / "datasets/workloads/small.workload", "--memory", "256"],
                           stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        end = time.monotonic() + 60
        while not path.exists():
            assert run.poll() is None and time.monotonic() < end
            time.sleep(0.01)
        p = subprocess.Popen(["tshark", "-l", "-X", f"lua_script:{root / 'analysis/wireshark/egpu.lua'}", "-i", f"egpu:{path}", "-T", "fields",
                              "-e", "egpu.kind", "-e", "egpu.gpa", "-Y", 'egpu.kind != "meta" && egpu.kind != "device"'],
                             env=tshark_env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        first = p.stdout.readline()
        assert run.poll() is None, "the first packet came after the guest's end"
        rest = p.stdout.read()
        assert p.wait(timeout=30) == 0, p.stderr.read()
        assert run.wait(timeout=60) == 0
    finally:
        run.kill()
        run.wait()
    shown = [line.split("\t") for line in (first + rest).splitlines()]
    requests = [(e["kind"], int(e["gpa"], 16)) for e in dump(path) if e["kind"] in ("req_map", "req_unmap")]
    assert len(requests) > 10000
    assert [(k, int(g, 16)) for k, g in shown if k in ("req_map", "req_unmap")] == requests


def test_following_ends_when_another_trace_takes_the_place(build, live, tmp_path):
    path, recorder = live(ms=20)
    out = tmp_path / "out.pcap"
    p = subprocess.Popen([build / "egpu-trace", "export", "pcap", path, "--follow", "-o", out])
    while not out.exists() or out.stat().st_size < 1000:
        assert p.poll() is None
        time.sleep(0.01)
    (tmp_path / "other").mkdir()
    other, _ = live("other/live.egt")
    other.rename(path)
    assert p.wait(timeout=20) == 0
    assert recorder.poll() is None
    assert [int.from_bytes(d["data"], "little") for d in (decode(b) for _, b in read_pcap(out.read_bytes())) if d["type"] == "MWr"][:3] == [0, 1, 2]
