# SPDX-License-Identifier: MIT OR GPL-2.0-only
"""--sched and --cores on a guest that runs: what the kernel shows of QEMU's threads, and what an ordinary user is told."""
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import tempfile
import time

import pytest

NICE = os.nice(0)  # of whoever runs the tests, and so of what they start
NOBODY = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"] if os.getuid() == 0 else []


def may_be_real_time():
    try:
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))
    except PermissionError:
        return False
    os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))
    return True


privileged = pytest.mark.skipif(not may_be_real_time(), reason="needs CAP_SYS_NICE")


def wait_for(condition, seconds=60):
    end = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.02)
    return value


def threads(pid):
    return {int(p.name) for p in pathlib.Path(f"/proc/{pid}/task").iterdir()}


def shown(tid):
    """(policy, real-time priority, nice), fields 41, 40 and 19 of the kernel's own words."""
    fields = pathlib.Path(f"/proc/{tid}/stat").read_text().rsplit(")", 1)[1].split()
    return int(fields[38]), int(fields[37]), int(fields[16])


class Run:
    """egpu-run with a guest that waits in a shell; a second monitor says which threads are vCPUs."""

    def __init__(self, build, directory, *args, before=(), qemu_args=()):
        self.dir = directory
        self.process = subprocess.Popen(
            [*before, build / "egpu-run", "--guest", build / "guest", "--append", "egpu.shell", "--memory", "256", "--console", directory / "console",
             "--qemu", build / "qemu-system-x86_64", "--timeout", "100", "--json", "--trace", directory / "t.egt", *args, "--", "-qmp",
             f"unix:{directory}/monitor,server=on,wait=off", *qemu_args], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            env={**os.environ, "TMPDIR": str(directory)})

    def until_it_waits(self):
        console = self.dir / "console"
        wait_for(lambda: self.process.poll() is not None or (console.exists() and "egpu-guest: shell" in console.read_text(errors="replace")))
        assert self.process.poll() is None, self.process.stderr.read()
        with socket.socket(socket.AF_UNIX) as s:
            s.connect(str(self.dir / "monitor"))
            lines = s.makefile("rw")
            lines.readline()
            for command in "qmp_capabilities", "query-cpus-fast":
                lines.write(json.dumps({"execute": command}) + "\n")
                lines.flush()
                answer = json.loads(lines.readline())
        self.vcpus = {cpu["thread-id"] for cpu in answer["return"]}
        status = pathlib.Path(f"/proc/{min(self.vcpus)}/status").read_text()
        self.qemu = int(next(line.split()[1] for line in status.splitlines() if line.startswith("Tgid:")))
        return self

    def end(self, sig=signal.SIGINT):
        if self.process.poll() is None:
            self.process.send_signal(sig)
        out, self.err = self.process.communicate(timeout=60)
        return json.loads(out) if out else None

    def meta(self, build):
        said = subprocess.run([build / "egpu-trace", "info", "--json", self.dir / "t.egt"], capture_output=True, text=True, check=True).stdout
        return json.loads(said)["meta"].get("sched")


@pytest.fixture
def start(build):
    directory = pathlib.Path(tempfile.mkdtemp(prefix="egpu-sched-"))
    directory.chmod(0o777)
    runs = []

    def go(*args, **kw):
        runs.append(Run(build, directory, *args, **kw))
        return runs[-1]

    yield go
    for r in runs:
        if r.process.poll() is None:
            r.process.kill()
            r.process.communicate()
    shutil.rmtree(directory, ignore_errors=True)


@pytest.mark.parametrize("args, says", [
    (["--sched", "real"], "--sched wants auto, off, rr or fifo"),
    (["--sched", "rr:100"], "from 1 to 99"),
    (["--sched", "nice"], "nice:-5"),
    (["--cores", "1-"], "--cores wants numbers"),
    (["--cores", "1024"], "0 to 1023"),
    (["--sched", "rr", "--serve", "d"], "--sched and --cores are about the QEMU that egpu-run starts"),
    (["--cores", "0", "--serve", "d"], "leave them out with --serve"),
])
def test_misuse_exits_2_with_one_line(build, args, says):
    done = subprocess.run([build / "egpu-run", *args], capture_output=True, text=True)
    assert done.returncode == 2 and says in done.stderr and done.stderr.count("\n") == 1


@pytest.mark.parametrize("args, says", [
    (["--sched", "rr"], "none of 1 cores to egpu-run and the host"),
    (["--sched", "fifo:3", "--cpus", "3"], "3 vCPUs in a real-time class"),
    (["--cores", "1023"], "egpu-run may use"),
])
def test_what_would_take_the_machine_is_refused_before_it_starts(build, args, says):
    one = str(min(os.sched_getaffinity(0)))
    done = subprocess.run(["taskset", "-c", one, build / "egpu-run", *args], capture_output=True, text=True)
    assert done.returncode == 1 and says in done.stderr and done.stderr.count("\n") == 1


@privileged
def test_exactly_the_vcpu_threads_change_and_ctrl_c_gives_it_back(build, start):
    core = max(os.sched_getaffinity(0))
    run = start("--sched", "rr:7", "--cores", str(core)).until_it_waits()
    (vcpu,) = run.vcpus
    assert wait_for(lambda: shown(vcpu) == (os.SCHED_RR, 7, NICE)) and os.sched_getaffinity(vcpu) == {core}
    others = threads(run.qemu) - run.vcpus | threads(run.process.pid)
    assert len(others) > 3
    assert {shown(tid) for tid in others} == {(os.SCHED_OTHER, 0, NICE)}
    assert all(os.sched_getaffinity(tid) == os.sched_getaffinity(0) for tid in others)
    # a QEMU that does not get on with ending takes its turn like the rest
    os.kill(run.qemu, signal.SIGSTOP)
    run.process.send_signal(signal.SIGINT)
    try:
        wait_for(lambda: shown(vcpu) == (os.SCHED_OTHER, 0, NICE), 4)
        assert os.sched_getaffinity(vcpu) == os.sched_getaffinity(0)
    finally:
        os.kill(run.qemu, signal.SIGCONT)
    summary = run.end()
    assert summary["ok"] and summary["sched"] == f"rr:7 cores={core}" == run.meta(build)


@privileged
def test_niceness_of_two_vcpus(build, start):
    run = start("--sched", "nice:-4", "--cpus", "2").until_it_waits()
    assert len(run.vcpus) == 2
    wait_for(lambda: {shown(tid) for tid in run.vcpus} == {(os.SCHED_OTHER, 0, -4)})
    assert {shown(tid) for tid in threads(run.qemu) - run.vcpus} == {(os.SCHED_OTHER, 0, NICE)}
    assert run.end()["sched"] == "nice:-4"


def test_off_touches_nothing(build, start):
    run = start("--sched", "off").until_it_waits()
    assert {shown(tid) for tid in threads(run.qemu)} == {(os.SCHED_OTHER, 0, NICE)}
    assert run.end()["sched"] == "off" and run.meta(build) is None and not run.err


@privileged
def test_more_vcpus_than_were_known_are_not_let_take_the_machine(start):
    cores = sorted(os.sched_getaffinity(0))[:2]
    run = start("--sched", "rr", before=["taskset", "-c", ",".join(map(str, cores))], qemu_args=["-smp", str(len(cores))]).until_it_waits()
    assert {shown(tid) for tid in threads(run.qemu)} == {(os.SCHED_OTHER, 0, NICE)}
    summary = run.end()
    assert summary["ok"] and summary["sched"] == "off"
    assert "the run goes on without" in run.err and f"none of {len(cores)} cores" in run.err


@pytest.mark.parametrize("how, right", [("rr:12", "CAP_SYS_NICE, or RLIMIT_RTPRIO of 12"), ("nice:-4", "CAP_SYS_NICE, or RLIMIT_NICE of 24")])
def test_without_the_right_one_warning_names_it_and_the_run_goes_on(build, start, how, right):
    if subprocess.run([*NOBODY, "test", "-r", build / "guest/initrd.img", "-a", "-x", build / "egpu-run"]).returncode:
        pytest.skip("an ordinary user cannot read this build folder")
    run = start("--sched", how, before=NOBODY).until_it_waits()
    assert {shown(tid) for tid in threads(run.qemu)} == {(os.SCHED_OTHER, 0, NICE)}
    summary = run.end()
    assert summary["ok"] and summary["sched"] == "off"
    assert right in run.err and run.err.count("egpu-run: ") == 1


def test_default_leaves_a_small_machine_alone(start):
    cores = sorted(os.sched_getaffinity(0))[:3]
    run = start(before=["taskset", "-c", ",".join(map(str, cores))]).until_it_waits()
    assert {shown(tid) for tid in threads(run.qemu)} == {(os.SCHED_OTHER, 0, NICE)}
    assert run.end()["sched"] == "off" and not run.err
