# SPDX-License-Identifier: MIT OR GPL-2.0-only
"""egpu-run as a user meets it, without a guest: options, sockets, signals; and stock QEMU (no guest CPU, qtest) as the client."""
import json
import os
import pathlib
import signal
import socket
import struct
import subprocess
import time

import pytest


def wait_for(condition, seconds=20):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.02)


class Served:
    """egpu-run --serve, ended by its process id."""

    def __init__(self, build, directory, *args):
        self.dir = directory
        self.process = subprocess.Popen([build / "egpu-run", "--serve", directory, "--json", *args], stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE, text=True)
        # it says what it serves once it does
        self.said = ""
        while "companion.sock" not in self.said:
            line = self.process.stderr.readline()
            assert line, self.said
            self.said += line

    def end(self, sig=signal.SIGINT):
        if self.process.poll() is None:
            self.process.send_signal(sig)
        out, err = self.process.communicate(timeout=30)
        return self.process.returncode, json.loads(out), err


@pytest.fixture
def serve(build, tmp_path):
    started = []

    def start(*args):
        started.append(Served(build, tmp_path / "s", *args))
        return started[-1]

    yield start
    for s in started:
        if s.process.poll() is None:
            s.process.kill()
            s.process.communicate()


@pytest.mark.parametrize("args, says", [
    (["--nonsense"], "--nonsense"),
    (["--trace"], "needs a value"),
    (["--memory", "0"], "--memory"),
    (["--memory", "12x"], "--memory"),
    (["--ring", "1000", "--trace", "x"], "power of two"),
    (["--policy", "window:log2=99"], "--list-policies"),
    (["--policy", "magic"], "--list-policies"),
    (["--dart", "apple-tb4:mappings=-1"], "--dart"),
    (["--accel", "hvf"], "auto or kvm or tcg"),
    (["--align", "sideways"], "none, downgrade, rewrite, pad or retry"),
    (["--device", "vfio:0000:01:00.0"], "--disk"),
    (["--device", "vfio:1"], "sim or vfio:ADDRESS"),
    (["--device", "vfio:0000:01:00.0", "--workload", "w"], "--workload"),
    (["--dma", "viommu:amd"], "--dma wants"),
    (["--dma", "premap", "--dart", "apple-tb4"], "iova=guest"),
    (["--dart", "none"], "real device"),
    (["--serve", "d", "--kernel", "k"], "--serve"),
    (["--once"], "--serve"),
    (["--workload", "w", "--disk", "d"], "--workload"),
    (["stray"], "after --"),
])
def test_misuse_exits_2_with_one_line(build, args, says):
    done = subprocess.run([build / "egpu-run", *args], capture_output=True, text=True)
    assert done.returncode == 2
    assert says in done.stderr and done.stderr.count("\n") == 1


def test_help_and_version_exit_0(build):
    for option in "--help", "-h", "--version":
        done = subprocess.run([build / "egpu-run", option], capture_output=True, text=True)
        assert done.returncode == 0 and "egpu-run" in done.stdout


def test_existing_file_that_is_no_trace_is_never_replaced(build, tmp_path):
    precious = tmp_path / "precious"
    precious.write_text("do not lose me")
    for force in [], ["--force"]:
        done = subprocess.run([build / "egpu-run", "--serve", tmp_path / "s", "--trace", precious, *force], capture_output=True, text=True)
        assert done.returncode == 1 and "precious" in done.stderr
        assert precious.read_text() == "do not lose me"


def test_old_qemu_is_named_with_what_to_do(build, tmp_path):
    old = tmp_path / "old-qemu"
    old.write_text("#!/bin/sh\necho QEMU emulator version 7.2.0\n")
    old.chmod(0o755)
    done = subprocess.run([build / "egpu-run", "--qemu", old], capture_output=True, text=True)
    assert done.returncode == 1 and "10.1" in done.stderr and "--qemu" in done.stderr


@pytest.mark.parametrize("sig", [signal.SIGINT, signal.SIGTERM])
def test_signal_ends_serving_with_a_complete_trace(build, serve, tmp_path, sig):
    trace = tmp_path / "t.egt"
    s = serve("--trace", trace)
    code, summary, _ = s.end(sig)
    assert code == 0 and summary["ok"] and summary["reason"] == "interrupted"
    info = json.loads(subprocess.run([build / "egpu-trace", "info", "--json", trace], capture_output=True, text=True, check=True).stdout)
    assert info["state"] == "complete"
    assert not (tmp_path / "s" / "gpu.sock").exists()
    assert not list(tmp_path.glob("t.egt-*"))


def test_second_server_in_one_directory_is_refused(build, serve, tmp_path):
    serve()
    done = subprocess.run([build / "egpu-run", "--serve", tmp_path / "s"], capture_output=True, text=True)
    assert done.returncode == 1 and "another process serves" in done.stderr


def test_socket_left_by_a_killed_server_is_taken_over(serve):
    s = serve()
    s.process.kill()
    s.process.communicate()
    assert (s.dir / "gpu.sock").exists()
    code, _, _ = serve().end()
    assert code == 0


def test_hostile_clients_do_not_stop_the_server(serve):
    s = serve()
    junk = [b"", b"\0", b"\xff" * 64, struct.pack("<HHIII", 1, 1, 0xffffffff, 0, 0), struct.pack("<HHIII", 1, 2, 48, 0, 0) + b"abc",
            struct.pack("<HHIII", 1, 99, 16, 0, 0), os.urandom(4096)]
    for name in "gpu.sock", "companion.sock":
        for bytes_ in junk:
            with socket.socket(socket.AF_UNIX) as c:
                c.connect(str(s.dir / name))
                try:
                    c.sendall(bytes_)
                    c.shutdown(socket.SHUT_WR)
                    while c.recv(4096):
                        pass
                except OSError:
                    pass
    with socket.socket(socket.AF_UNIX) as c:
        c.connect(str(s.dir / "gpu.sock"))
        body = struct.pack("<HH", 0, 0) + b'{"capabilities":{}}\0'
        c.sendall(struct.pack("<HHIII", 7, 1, 16 + len(body), 0, 0) + body)
        assert struct.unpack("<HHIII", c.recv(16)) [0:2] == (7, 1)
    code, summary, _ = s.end()
    assert code == 0 and summary["ok"]


class Qtest:
    """Stock QEMU without a guest CPU: the test pokes ports and memory."""

    def __init__(self, build, directory, *args):
        devices = []
        for i, name in enumerate(("gpu.sock", "companion.sock")):
            devices += ["-device", json.dumps({"driver": "vfio-user-pci", "addr": str(4 + i), "socket": {"type": "unix", "path": str(directory / name)}})]
        self.process = subprocess.Popen(
            [build / "qemu-system-x86_64", "-M", "q35,memory-backend=m", "-object", "memory-backend-memfd,id=m,size=128M,share=on", "-m", "128",
             "-accel", "qtest", "-qtest", "stdio", "-nodefaults", "-display", "none", *devices, *args],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def __call__(self, command):
        self.process.stdin.write(command + "\n")
        self.process.stdin.flush()
        while True:
            line = self.process.stdout.readline()
            assert line, self.said
            if line.startswith("OK"):
                return int(line.split()[1], 16) if len(line.split()) > 1 else None

    def config(self, slot, offset, value, width="l"):
        self(f"outl 0xcf8 {0x80000000 | slot << 11 | offset & ~3:#x}")
        self(f"out{width} {0xcfc + (offset & 3):#x} {value:#x}")

    def end(self):
        self.process.kill()
        return self.process.communicate()[1]


def test_stock_qemu_sees_both_devices_and_dma_goes_through_the_companion(build, serve, tmp_path):
    trace = tmp_path / "t.egt"
    s = serve("--trace", trace, "--once")
    q = Qtest(build, s.dir)
    gpu, companion, vram = 0xfea00000, 0xfeb00000, 0xe0000000
    q.config(4, 0x10, gpu)
    q.config(4, 0x18, vram)
    q.config(4, 0x1c, 0)
    q.config(4, 0x04, 6, "w")
    q.config(5, 0x10, companion)
    q.config(5, 0x04, 6, "w")
    assert q(f"readl {gpu:#x}") == 0x55504745
    assert q(f"readl {companion:#x}") == 0x43504745
    # map one granule through the companion: command block at 1 MiB
    q(f"writel {companion + 0x40:#x} 0x100000")
    q(f"writel {companion + 0x44:#x} 0")
    q("writel 0x100000 2")
    q("writel 0x100004 1")
    q("writel 0x100008 0")
    for offset, value in ((256, 0x200000), (264, 0x4000), (272, 0), (280, 3)):
        q(f"writeq {0x100000 + offset:#x} {value:#x}")
    q(f"writel {companion + 0x48:#x} 5")
    wait_for(lambda: q("readl 0x100008") == 5)
    assert q("readl 0x10000c") == 0 and q("readl 0x10011c") == 0
    iova = q("readq 0x100110")
    # a command ring in that granule: upload 8 bytes to VRAM
    q("writeq 0x202000 0x1122334455667788")
    for offset, value in ((0, 1), (8, 0), (16, 0), (24, 0), (32, iova + 0x2000), (40, 8)):
        q(f"writeq {0x200000 + offset:#x} {value:#x}")
    q(f"writel {gpu + 0x0c:#x} 1")
    q(f"writel {gpu + 0x20:#x} {iova & 0xffffffff:#x}")
    q(f"writel {gpu + 0x24:#x} {iova >> 32:#x}")
    q(f"writel {gpu + 0x28:#x} 4")
    q(f"writel {gpu + 0x0c:#x} 2")
    q(f"writel {gpu + 0x2c:#x} 1")
    wait_for(lambda: q(f"readl {gpu + 0x30:#x}") == 1)
    assert q(f"readq {vram:#x}") == 0x1122334455667788
    assert "warning" not in q.end()
    code, summary, err = s.end()
    assert code == 0, err
    assert summary["faults"] == 0 and summary["peak_mappings"] == 1 and summary["live_mappings"] == 0 and summary["messages_refused"] == 0
    dump = subprocess.run([build / "egpu-trace", "dump", "--json", trace], capture_output=True, text=True, check=True).stdout
    kinds = [json.loads(line)["kind"] for line in dump.splitlines()]
    for kind in "ram_map", "region_read", "region_write", "map", "unmap", "reset":
        assert kind in kinds
