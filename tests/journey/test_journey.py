# SPDX-License-Identifier: MIT OR GPL-2.0-only
"""The whole journey: stock QEMU, a stock Debian kernel, egpu's modules, a trace, and a replay that must say exactly what the live run did."""
import collections
import json
import os
import pathlib
import signal
import subprocess
import time

import pytest

SMALL = "datasets/workloads/small.workload"
# every figure that the live run and the replay must share
EXACT = ("requests", "hits", "peak_requests", "peak_request_bytes", "peak_mappings", "peak_mapped_bytes", "end_mappings", "host_calls", "host_maps",
         "host_unmaps", "host_failures", "failures", "failures_by_reason", "first_failure", "fits", "align")


class Run:
    def __init__(self, build, root, directory, *args, program=None):
        self.trace = directory / "run.egt"
        self.console = directory / "console.log"
        self.build = build
        self.process = subprocess.Popen(
            [(program or build) / "egpu-run", "--trace", self.trace, "--console", self.console, "--json", "--memory", "256", "--timeout", "120",
             "--qemu", build / "qemu-system-x86_64", *(["--guest", build / "guest"] if not {"--guest", "--kernel"} & set(args) else []), *args],
            cwd=root, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def end(self):
        self.out, self.err = self.process.communicate(timeout=180)
        self.code = self.process.returncode
        self.summary = json.loads(self.out) if self.out else None
        return self

    def said(self):
        return self.console.read_text(errors="replace") if self.console.exists() else ""

    def tool(self, name, *args):
        return subprocess.run([self.build / name, *args], capture_output=True, text=True)

    def info(self):
        return json.loads(self.tool("egpu-trace", "info", "--json", self.trace).stdout)

    def events(self):
        done = self.tool("egpu-trace", "dump", "--json", self.trace)
        assert done.returncode == 0, done.stderr
        return [json.loads(line) for line in done.stdout.splitlines()]

    def replay(self, *args):
        done = self.tool("egpu-replay", self.trace, "--json", *args)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def until_console_says(self, text, seconds=60):
        end = time.monotonic() + seconds
        while text not in self.said():
            assert self.process.poll() is None and time.monotonic() < end, self.said()
            time.sleep(0.05)

    def qemu_pids(self):
        return [int(p.parent.name) for p in pathlib.Path("/proc").glob("[0-9]*/stat")
                if f"/{self.process.pid}/" in f"/{_parent(p)}/"]


def _parent(stat):
    try:
        return int(stat.read_text().rsplit(")", 1)[1].split()[1])
    except OSError:
        return 0


@pytest.fixture
def start(build, root, tmp_path):
    runs = []

    def go(*args, **kw):
        runs.append(Run(build, root, tmp_path, *args, **kw))
        return runs[-1]

    yield go
    for r in runs:
        if r.process.poll() is None:
            r.process.kill()
            r.process.communicate()


@pytest.fixture
def long(root, tmp_path):
    """small.workload, and then time enough to interrupt it."""
    path = tmp_path / "long.workload"
    path.write_text((root / SMALL).read_text() + "sleep ms=60000\n")
    return path


def assert_predicted_is_measured(run, policy, *args, least=1000):
    (predicted,) = run.replay("--policy", policy, *args)
    measured = predicted["measured"]
    assert {k: predicted[k] for k in EXACT} == {k: measured[k] for k in EXACT}
    assert measured["requests"] > least
    assert run.summary["peak_mappings"] == measured["peak_mappings"]
    assert run.summary["peak_mapped_bytes"] == measured["peak_mapped_bytes"]
    return measured


@pytest.mark.parametrize("policy", ["direct", "window:log2=18", "window:log2=22", "grow", "grow:keep=64", "lazy:keep=8", "budget", "merge"])
def test_live_run_is_what_replay_predicts(start, policy):
    run = start("--policy", policy, "--workload", SMALL).end()
    assert run.code == 0, run.err + run.said()
    measured = assert_predicted_is_measured(run, policy)
    assert measured["fits"] and measured["end_mappings"] == 0
    assert run.summary["faults"] == 0 and run.summary["messages_refused"] == 0
    assert run.tool("egpu-trace", "verify", run.trace).returncode == 0


@pytest.mark.parametrize("policy, dart, reason", [
    ("direct", "apple-tb4:mappings=1500", "mapping limit"),
    ("window:log2=18", "apple-tb4:bytes=80M", "byte limit"),
])
def test_live_run_that_meets_a_limit_is_what_replay_predicts(start, policy, dart, reason):
    run = start("--policy", policy, "--dart", dart, "--workload", SMALL).end()
    assert run.code == 1 and "reported failure" in run.summary["reason"]
    measured = assert_predicted_is_measured(run, policy)
    assert not measured["fits"] and list(measured["failures_by_reason"]) == [reason]


@pytest.mark.parametrize("way, least, kernel", [("premap", 3, ""), ("viommu:intel", 1000, ""), ("viommu:virtio", 1000, "6.12")])
def test_untouched_guest_maps_by_itself_as_replay_predicts(start, build, way, least, kernel):
    run = start("--dma", way, "--guest", build / "guest" / kernel, "--workload", SMALL).end()
    assert run.code == 0, run.err + run.said()
    measured = assert_predicted_is_measured(run, "each", least=least)
    assert measured["fits"] and measured["end_mappings"] == 0
    assert run.summary["faults"] == 0 and run.summary["frames"] == 30
    assert run.info()["meta"]["dma"] == way
    kinds = {e["kind"] for e in run.events()}
    assert {"ram_map", "req_map", "req_unmap", "map", "unmap"} <= kinds


def test_stock_guest_that_meets_the_mapping_limit_faults_as_replay_predicts(start):
    run = start("--dma", "viommu", "--dart", "vfio-type1:mappings=1500", "--workload", SMALL).end()
    measured = assert_predicted_is_measured(run, "each")
    assert not measured["fits"] and list(measured["failures_by_reason"]) == ["mapping limit"]
    # nobody can tell a stock guest that its mapping is not there: the device finds out
    assert run.code == 1 and run.summary["faults"] > 0


def test_premap_that_cannot_fit_is_refused_before_the_guest_starts(start):
    run = start("--dma", "premap", "--dart", "apple-tb4:bytes=128M,iova=guest", "--workload", SMALL).end()
    assert run.code == 1 and "--memory" in run.err and run.err.count("\n") == 1
    assert not run.said()


def test_shim_off_makes_the_driver_refuse_misaligned_buffers_as_replay_predicts(start):
    run = start("--align", "none", "--workload", SMALL).end()
    measured = assert_predicted_is_measured(run, "window:log2=18", "--align", "none")
    assert measured["align"]["wanted"] > 0 and measured["align"]["missed"] > 0 and measured["align"]["downgraded"] == 0


def test_rewrite_also_tells_the_drivers_that_ask_as_replay_predicts(start):
    run = start("--align", "rewrite", "--workload", SMALL).end()
    assert run.code == 0, run.err + run.said()
    measured = assert_predicted_is_measured(run, "window:log2=18")
    assert measured["align"]["shim"] == "rewrite" and measured["align"]["missed"] == 0
    assert measured["align"]["downgraded"] == measured["align"]["wanted"] > 0


def test_trace_holds_everything_that_crossed(start):
    run = start("--workload", SMALL).end()
    assert run.code == 0, run.err + run.said()
    info = run.info()
    assert info["state"] == "complete" and info["meta"]["provenance"] == "modelled" and info["meta"]["policy"] == "window:log2=18"
    assert "cloud-amd64" in info["meta"]["guest"]
    events = run.events()
    count = collections.Counter(e["kind"] for e in events)
    assert count["frame"] == 30 and count["fault"] == 0 and count["gap"] == 0
    assert count["req_map"] == count["req_unmap"] > 4000 and count["map"] == count["unmap"] > 100
    assert count["policy"] == count["clock"] == 1 and count["mark"] >= 4
    assert count["irq"] > 30 and count["irq_config"] > 0 and count["ram_map"] > 2
    reads = [e for e in events if e["kind"] == "region_read" and e["region"] == 0 and e["offset"] == "0x0"]
    assert reads, "the driver's read of the identity register is in the trace"
    frames = [e["frame"] for e in events if e["kind"] == "frame"]
    assert frames == sorted(frames)
    # a request's time is the guest's, on the host's clock: between the clock event and the end
    first, last = events[0]["t_ns"], events[-1]["t_ns"]
    assert all(first <= e["t_ns"] <= last for e in events if e["kind"] == "req_map")


def test_guest_of_linux_6_12_is_what_replay_predicts(start, build):
    run = start("--guest", build / "guest" / "6.12", "--workload", SMALL).end()
    assert run.code == 0, run.err + run.said()
    assert "egpu-guest: Linux 6.12" in run.said()
    assert_predicted_is_measured(run, "window:log2=18")


@pytest.mark.parametrize("kind", ["asan", "tsan"])
def test_sanitized_egpu_run_serves_a_whole_guest(start, variant, kind):
    run = start("--workload", SMALL, program=variant(kind)).end()
    assert run.code == 0, run.err + run.said()
    assert "Sanitizer" not in run.err and "runtime error" not in run.err


def test_guest_of_ones_own_is_booted_as_given(start, build):
    run = start("--kernel", build / "guest" / "vmlinuz", "--initrd", build / "guest" / "initrd.img", "--append", "console=ttyS0 quiet egpu.policy=direct")
    run.end()
    assert run.code == 0 and "guest-shutdown" in run.summary["reason"], run.said()
    assert run.info()["meta"]["policy"] == "direct" and run.info()["meta"]["provenance"] == "recorded"


def test_installed_programs_find_the_installed_guest(build, root, tmp_path):
    env = {k: v for k, v in os.environ.items() if k not in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL")}
    subprocess.run(["make", "install", f"BUILD={build}", f"DESTDIR={tmp_path}", "PREFIX=/opt/e"], cwd=root, env=env, check=True, capture_output=True)
    bin_ = tmp_path / "opt/e/bin"
    assert sorted(p.name for p in bin_.iterdir()) == ["egpu-extcap", "egpu-replay", "egpu-report", "egpu-run", "egpu-trace"]
    assert (tmp_path / "opt/e/share/man/man1/egpu-run.1").exists() and (tmp_path / "opt/e/share/man/man5/workload.5").exists()
    assert (tmp_path / "opt/e/share/man/man1/egpu-extcap.1").exists() and (tmp_path / "opt/e/share/egpu/wireshark/egpu.lua").exists()
    run = subprocess.run([bin_ / "egpu-run", "--qemu", build / "qemu-system-x86_64", "--workload", root / SMALL, "--memory", "256"],
                         capture_output=True, text=True, timeout=120)
    assert run.returncode == 0, run.stdout + run.stderr


def script(tmp_path, text):
    path = tmp_path / "script.sh"
    path.write_text(text)
    return ["--", "-fw_cfg", f"name=opt/egpu/script,file={path}"]


def test_dma_without_the_module_touches_nothing_and_is_a_fault(start, tmp_path):
    alone = ("rmmod egpu_gpu; rmmod egpu_dma; insmod /modules/egpu_gpu.ko\nplayer /sys/firmware/qemu_fw_cfg/by_name/opt/egpu/workload/raw\n"
             "rmmod egpu_gpu; insmod /modules/egpu_dma.ko; insmod /modules/egpu_gpu.ko\n")
    run = start("--workload", SMALL, *script(tmp_path, alone)).end()
    faults = [e for e in run.events() if e["kind"] == "fault"]
    assert faults and run.summary["faults"] == len(faults), run.said()
    assert "frames: 20" not in run.said()


def test_modules_load_and_unload_again_and_again_and_leave_nothing_mapped(start, tmp_path):
    again = "#!/bin/sh\nset -e\nfor i in 1 2 3 4 5; do rmmod egpu_gpu; rmmod egpu_dma; insmod /modules/egpu_dma.ko; insmod /modules/egpu_gpu.ko; done\n"
    run = start(*script(tmp_path, again)).end()
    assert run.code == 0, run.said()
    assert run.summary["live_mappings"] == 0
    assert sum(e["kind"] == "policy" for e in run.events()) == 6


def test_killed_player_leaves_nothing_live(start, tmp_path, long):
    kill = ("#!/bin/sh\nlive() { cat /sys/kernel/debug/egpu_dma/live_requests; }\n"
            "player /sys/firmware/qemu_fw_cfg/by_name/opt/egpu/workload/raw & p=$!\nwhile [ $(live) -lt 2000 ]; do sleep 0.1; done\n"
            "kill -9 $p; wait $p\necho live after kill: $(live)\n")
    run = start("--workload", long, *script(tmp_path, kill)).end()
    assert run.code == 0, run.said()
    assert run.summary["requests"] > 4000
    assert "live after kill: 1\n" in run.said().replace("\r", ""), "the driver's own ring is the one request left"
    assert run.summary["live_mappings"] == 0


@pytest.mark.parametrize("sig", [signal.SIGINT, signal.SIGTERM])
def test_signal_ends_guest_and_trace_in_order(start, long, sig):
    run = start("--workload", long)
    run.until_console_says("load:")
    pids = run.qemu_pids()
    assert pids
    run.process.send_signal(sig)
    run.end()
    assert run.code == 0 and run.summary["reason"] == "interrupted"
    assert run.info()["state"] == "complete" and run.summary["live_mappings"] == 0
    assert not any(pathlib.Path(f"/proc/{p}").exists() for p in pids)


def test_killed_egpu_run_leaves_a_readable_trace_and_no_qemu(start, long):
    run = start("--workload", long, "--flush", "100")
    run.until_console_says("load:")
    pids = run.qemu_pids()
    time.sleep(1)
    run.process.kill()
    run.process.communicate()
    assert run.tool("egpu-trace", "verify", run.trace).returncode == 0
    info = run.info()
    assert info["state"] != "complete" and info["kind_events"]["req_map"] > 1000
    end = time.monotonic() + 10
    while any(pathlib.Path(f"/proc/{p}").exists() for p in pids) and time.monotonic() < end:
        time.sleep(0.05)
    assert not any(pathlib.Path(f"/proc/{p}").exists() for p in pids)


def test_death_of_qemu_is_reported_and_nothing_stays_mapped(start, long):
    run = start("--workload", long)
    run.until_console_says("load:")
    for pid in run.qemu_pids():
        os.kill(pid, signal.SIGKILL)
    run.end()
    assert run.code == 1 and "killed by signal 9" in run.summary["reason"]
    assert run.summary["live_mappings"] == 0 and run.info()["state"] == "complete"


def test_panic_of_the_guest_is_reported(start):
    run = start("--append", "rdinit=/nothing").end()
    assert run.code == 1 and "panic" in run.summary["reason"]
    assert "end of the guest's console" in run.err


def test_bad_workload_is_reported_with_the_guests_words(start, tmp_path):
    bad = tmp_path / "bad.workload"
    bad.write_text("memory 256M\nfly me to=moon\n")
    run = start("--workload", bad).end()
    assert run.code == 1 and "the guest reported failure" in run.summary["reason"] and "2: unknown statement" in run.err


def test_timeout_is_reported(start, long):
    run = start("--workload", long, "--timeout", "6").end()
    assert run.code == 1 and "did not end within 6 s" in run.summary["reason"]
