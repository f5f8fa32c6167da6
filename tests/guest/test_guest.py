# SPDX-License-Identifier: MIT OR GPL-2.0-only
"""The guest: modules for both kernels, the player's reading of workloads, boots without and with egpu-run's devices."""
import json
import pathlib
import re
import subprocess
import time

import pytest

KERNELS = {"6.1": ".", "6.12": "6.12"}
COMMAND_LINE = "console=ttyS0 quiet panic=-1"
HERE = pathlib.Path(__file__).parent


@pytest.fixture(params=KERNELS)
def image(request, build):
    """(kernel, initrd) of one of the kernels."""
    directory = build / "guest" / KERNELS[request.param]
    return directory / "vmlinuz", directory / "initrd.img"


def check(build, tmp_path, text):
    path = tmp_path / "w.workload"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return subprocess.run([build / "guest" / "player", "--check", path], capture_output=True, text=True, timeout=10)


@pytest.mark.parametrize("kernel", KERNELS)
def test_modules_build_without_warnings(build, kernel):
    log = (build / "kbuild" / kernel / "build.log").read_text()
    assert "egpu_dma.ko" in log and "egpu_gpu.ko" in log
    assert "warning" not in log.lower()


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize("module", ["egpu_dma", "egpu_gpu"])
def test_module_states_kernel_and_licence(build, kernel, module):
    path = build / "kbuild" / kernel / (module + ".ko")
    info = subprocess.run(["/sbin/modinfo", path], capture_output=True, text=True, check=True).stdout
    assert re.search(r"^license:\s+Dual MIT/GPL$", info, re.M)
    assert re.search(r"^vermagic:\s+" + re.escape(kernel) + r"\.", info, re.M)


@pytest.mark.parametrize("name", ["demo", "small"])
def test_shipped_workload_is_well_formed(root, build, name):
    path = root / "datasets" / "workloads" / (name + ".workload")
    done = subprocess.run([build / "guest" / "player", "--check", path], capture_output=True, text=True)
    assert done.returncode == 0 and "frames" in done.stdout and not done.stderr


@pytest.mark.parametrize("text, says", [
    ("", "holds no statement"),
    ("# only a comment\n", "holds no statement"),
    ("seed 1\n", ":1: the first statement must be memory"),
    ("memory 64M\nmemory 64M\n", ":2: memory must be the first"),
    ("memory 1M\n", ":1: memory must be from"),
    ("memory\n", "is not a size"),
    ("memory 64M\n\nplay\n", ":3: unknown statement 'play'"),
    ("memory 64M\nseed x\n", ":2: seed=x is not a number"),
    ("memory 64M\nseed -1\n", "is not a number"),
    ("memory 64M\nseed 99999999999999999999\n", "is not a number"),
    ("memory 99999999999999999G\n", "is not a size"),
    ("memory 64M\nload mix=4K:1\n", "load needs buffers="),
    ("memory 64M\nload buffers=1\n", "load needs mix="),
    ("memory 64M\nload buffers=0 mix=4K:1\n", "buffers must be from 1"),
    ("memory 64M\nload buffers=9999999 mix=4K:1\n", "buffers must be from 1"),
    ("memory 64M\nload buffers=1 buffers=1 mix=4K:1\n", "buffers is given twice"),
    ("memory 64M\nload buffers=1 mix=4K\n", "mix must look like"),
    ("memory 64M\nload buffers=1 mix=4K:1,\n", "mix must look like"),
    ("memory 64M\nload buffers=1 mix=5K:1\n", "not a power of two"),
    ("memory 64M\nload buffers=1 mix=1K:1\n", "mix must be from 4096"),
    ("memory 64M\nload buffers=1 mix=4K:0\n", "weight"),
    ("memory 64M\nload buffers=1 mix=" + "4K:1," * 16 + "4K:1\n", "at most 16 sizes"),
    ("memory 64M\nload 7\n", "load wants NAME=VALUE"),
    ("memory 64M\nload size=7\n", "load has no parameter 'size'"),
    ("memory 64M\nframes n=1 uploads=1\n", "frames needs a load before it"),
    ("memory 64M\nlevel free=1 load=1\n", "level needs a load before it"),
    ("memory 64M\nfragment touched=101 pages=1\n", "touched must be from 0 to 100"),
    ("memory 64M\nfragment touched=1 pages=2-1\n", "ends before it begins"),
    ("memory 64M\nfragment touched=1 pages=1-5\n", "pages must be from 1 to 4"),
    ("memory 64M\nfragment touched=1 pages=1 cluster=48K\n", "power of two"),
    ("memory 64M\nfragment touched=1 pages=1 keep=32M blocks=64M\n", "more than the memory"),
    ("memory 64M\nmark\n", "mark wants a text"),
    ("memory 64M\nmark " + "x" * 48 + "\n", "longer than 47 bytes"),
    ("memory 64M\nmark a\tb\n", "control character"),
    ("memory 64M\nmark " + "x" * 600 + "\n", "longer than 510 bytes"),
    (b"memory 64M\nmark a\0b\n", "zero byte"),
    ("memory 64M\n" + "seed 1\n" * 256, "more than 256 statements"),
])
def test_bad_workload_is_refused_with_its_line(build, tmp_path, text, says):
    done = check(build, tmp_path, text)
    assert done.returncode == 1
    assert says in done.stderr and done.stderr.count("\n") == 1


@pytest.mark.parametrize("text", ["memory 64M", "  memory 64M # comment\r\n\tseed  18446744073709551615  \n", "memory 64M\nmark " + "x" * 47])
def test_odd_but_good_workload_is_accepted(build, tmp_path, text):
    assert check(build, tmp_path, text).returncode == 0


@pytest.mark.parametrize("args, code", [([], 2), (["--check"], 2), (["--nonsense", "x"], 2), (["--exit", "x"], 2), (["a", "b", "c"], 2),
                                        (["--check", "/nonexistent"], 1), (["--help"], 0)])
def test_player_exit_codes(build, args, code):
    done = subprocess.run([build / "guest" / "player", *args], capture_output=True, text=True, timeout=10)
    assert done.returncode == code and (done.stdout if code == 0 else done.stderr)


def test_guest_without_devices_says_so_and_fails(build, image):
    kernel, initrd = image
    done = subprocess.run([build / "qemu-system-x86_64", "-M", "q35", "-accel", "tcg", "-m", "256", "-nodefaults", "-display", "none",
                           "-serial", "stdio", "-no-reboot", "-kernel", kernel, "-initrd", initrd, "-append", COMMAND_LINE,
                           "-device", "isa-debug-exit,iobase=0xf4,iosize=0x04"], stdin=subprocess.DEVNULL, capture_output=True,
                          text=True, timeout=120)
    assert done.returncode == 3, done.stdout + done.stderr
    assert "no companion device" in done.stdout
    assert "egpu-guest: failed: no GPU" in done.stdout


def test_virtual_iommu_is_refused_in_words(root, build, image, tmp_path):
    kernel, initrd = image
    sockets = [tmp_path / "s" / name for name in ("gpu.sock", "companion.sock")]
    server = subprocess.Popen([build / "egpu-run", "--serve", tmp_path / "s", "--once", "--quiet"])
    try:
        while not all(s.exists() for s in sockets):
            assert server.poll() is None
            time.sleep(0.05)
        devices = [a for s in sockets for a in ("-device", json.dumps({"driver": "vfio-user-pci", "socket": {"type": "unix", "path": str(s)}}))]
        done = subprocess.run([build / "qemu-system-x86_64", "-M", "q35,memory-backend=m", "-object",
                               "memory-backend-memfd,id=m,size=256M,share=on", "-accel", "tcg", "-m", "256", "-nodefaults", "-display", "none",
                               "-serial", "stdio", "-no-reboot", "-kernel", kernel, "-initrd", initrd, "-append",
                               COMMAND_LINE + " intel_iommu=on", "-device", "intel-iommu,caching-mode=on", *devices],
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120)
    finally:
        server.kill()
        server.wait()
    assert "behind a virtual IOMMU" in done.stdout and "egpu-guest: failed: egpu_dma did not take" in done.stdout, done.stdout


def run_guest(build, image, *args):
    kernel, initrd = image
    return subprocess.run([build / "egpu-run", "--kernel", kernel, "--initrd", initrd, "--append", COMMAND_LINE, "--accel", "tcg",
                           "--memory", "256", "--console", "-", "--quiet", "--timeout", "150", "--", *args],
                          stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=180)


def test_drivers_come_and_go_under_the_player(build, image):
    script = HERE / "lifecycle.sh"
    names = set(re.findall(r"(?:passed|expect) ([a-z_]{8,})", script.read_text()))
    done = run_guest(build, image, "-fw_cfg", f"name=opt/egpu/script,file={script}")
    passed = set(re.findall(r"passed: ([a-z_]+)", done.stdout))
    assert passed == names and len(names) >= 15, done.stdout
    assert "egpu-guest: ok" in done.stdout and done.returncode == 0, done.stdout + done.stderr


def test_small_workload_moves_and_compares_bytes(root, build, image):
    workload = root / "datasets" / "workloads" / "small.workload"
    done = run_guest(build, image, "-fw_cfg", f"name=opt/egpu/workload,file={workload}")
    assert "egpu-guest: ok" in done.stdout, done.stdout + done.stderr
    assert re.findall(r"(\d+) buffers read back and compared", done.stdout) == ["48", "24"]
    counters = dict(re.findall(r"egpu-counter: (\w+) (\S+)", done.stdout))
    assert int(counters["map_requests"]) > 3000 and counters["failed_requests"] == "0"
    assert int(counters["host_maps"]) < int(counters["map_requests"]) / 4


def test_unmappable_load_fails_the_guest(build, image, tmp_path):
    workload = tmp_path / "w"
    workload.write_text("memory 64M\nload buffers=3000 mix=64K:1\n")
    done = run_guest(build, image, "-fw_cfg", f"name=opt/egpu/workload,file={workload}", "-device", "isa-debug-exit,iobase=0xf4,iosize=0x04")
    assert "player: line 2: out of guest memory" in done.stdout or "could not be mapped" in done.stdout, done.stdout
    assert "egpu-guest: failed" in done.stdout
