# SPDX-License-Identifier: MIT OR GPL-2.0-only
"""Stock drivers on real functions, passed through by egpu-run in L1 to a stock guest (L2): nvme, e1000e and virtio-gpu, by each way to map.

With EGPU_NESTED_FULL=1 every way serves all three at once, which takes about 100 s each."""
import hashlib
import json
import os
import random
import subprocess

import pytest

import l1
import snapshot

IDS = {"nvme": "1b36:0010", "e1000e": "8086:10d3", "virtio-gpu": "1af4:1050"}
DISK_BYTES = 2 << 20
EXACT = ("requests", "hits", "peak_requests", "peak_request_bytes", "peak_mappings", "peak_mapped_bytes", "end_mappings", "host_calls", "host_maps",
         "host_unmaps", "host_failures", "failures", "failures_by_reason", "first_failure", "fits")


@pytest.fixture(scope="session")
def disk(tmp_path_factory):
    path = tmp_path_factory.mktemp("disk") / "disk"
    path.write_bytes(random.Random(5).randbytes(DISK_BYTES))
    return path


def sha256(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def socket(path, slot):
    return f"""-device '{{"driver":"vfio-user-pci","addr":"{slot:x}","socket":{{"type":"unix","path":"{path}"}}}}'"""


def work(devices, hash_patience_s):
    """What is done with each device once its driver has it."""
    lines = []
    if "nvme" in devices:
        lines += ["n=0; until [ -e /dev/nvme0n1 ] || [ $n = 40 ]; do sleep 0.2; n=$((n+1)); done", f"patience {hash_patience_s}", "echo nvme $(sha256sum /dev/nvme0n1)"]
    if "e1000e" in devices:
        lines += ["ip addr add 10.0.2.15/24 dev eth0; ip link set eth0 up",
                  "n=0; until ping -c 1 -W 1 10.0.2.2 >/dev/null || [ $n = 40 ]; do n=$((n+1)); done",
                  # the first of them: where its alarm comes while it says what it received, ping says so twice
                  "echo ping $(ping -c 3 -s 1200 10.0.2.2 | grep -m 1 received)"]
    if "virtio-gpu" in devices:
        lines += ["n=0; until [ -e /dev/dri/card0 ] || [ $n = 40 ]; do sleep 0.2; n=$((n+1)); done", "ls /dev/dri /dev/fb0", "dd if=/dev/zero of=/dev/fb0 bs=64k count=4"]
    return lines


def commands(way, devices, policies, hash_patience_s):
    """What L2 does: drivers bind, work is done, drivers go; by the companion once for each policy."""
    lines = []
    for n, policy in enumerate(policies):
        lines += ["insmod /modules/egpu_dma.ko align=none policy=" + policy] if way == "companion" else []
        lines += ["echo 1 >/sys/bus/pci/rescan"] if n == 0 else [f"take {IDS[name]}" for name in devices]
        lines += [f"driven {IDS[name]}" for name in devices]
        lines += work(devices, hash_patience_s)
        lines += ["grep -H . /sys/kernel/debug/egpu_dma*/target /sys/kernel/debug/egpu_dma*/peak_mappings"] if way == "companion" else []
        lines += ["echo 0 >/sys/class/vtconsole/vtcon1/bind"] if "virtio-gpu" in devices else []  # the console lets go of the framebuffer
        lines += [f"drop {IDS[name]}" for name in devices]
        lines += ["rmmod egpu_dma"] if way == "companion" else []
    return lines + ["dmesg | grep -E 'BUG:|WARNING:|Oops|DMAR.*fault|left .* mappings behind'; true"]


def script(way, devices, policies, options, traced, hash_patience_s, bars):
    viommu = way.startswith("viommu")
    machine = " ".join([*snapshot.MACHINE, *(snapshot.VIOMMU if viommu else [])])
    serve, sockets, waits = "", "", ""
    for n, name in enumerate(devices):
        trace = f"--trace /out/{name}.egt --trace-bars {bars.get(name, 'all')}" if traced else ""
        serve += f"""
$EGPU_RUN --device vfio:$(address_of {IDS[name]}) --dma {way} {options} --serve /run/{name} --once --json {trace} >/out/{name}.out 2>/out/{name}.err &
run{n}=$!
wait_for /run/{name}/gpu.sock || exit 3
"""
        # companions in the slots before what they serve
        sockets += " " + socket(f"/run/{name}/gpu.sock", 5 + n)
        if way == "companion":
            sockets += " " + socket(f"/run/{name}/companion.sock", 2 + n)
        waits += f"wait $run{n} || exit 4\n"
    return f"""{serve}
cat >/tmp/commands <<'END'
{chr(10).join(commands(way, devices, policies, hash_patience_s))}
END
l2 /tmp/commands {machine} {sockets}
cat /out/l2.err
{waits}"""


class Outcome:
    def __init__(self, build, tmp_path, result, devices):
        self.build, self.result, self.path = build, result, tmp_path
        # what a byte was lost of stands there once more, marked
        self.said = "".join(line for line in result.console.splitlines(keepends=True) if not line.startswith("l2? "))
        (tmp_path / "console").write_text(result.console)
        self.summary = {}
        for name in devices:
            if f"{name}.egt" in result.files:
                (tmp_path / f"{name}.egt").write_bytes(result.files[f"{name}.egt"])
            self.summary[name] = json.loads(result.text(f"{name}.out"))

    def tool(self, program, *args):
        done = subprocess.run([self.build / program, *args], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def kinds(self, name):
        return json.loads(self.tool("egpu-trace", "info", "--json", self.path / f"{name}.egt"))["kind_events"]

    def replay(self, trace, policy):
        return json.loads(self.tool("egpu-replay", trace, "--json", "--align", "none", "--policy", policy))[0]


def run(build, nested, tmp_path, disk, way, devices, kernel="6.1", policies=("window:log2=18",), options="", traced=True, hash_patience_s=600, timeout_s=1500, bars=None):
    """@bars: of a device, the BARs whose accesses are trapped and recorded, if that is not all of them."""
    snap = nested / (f"{kernel}-viommu.snap" if way.startswith("viommu") else f"{kernel}.snap")
    result = l1.run(build, nested, script(way, devices, policies, options, traced, hash_patience_s, bars or {}), devices, disk=disk, snapshot=snap, timeout_s=timeout_s)
    assert result.status == 0, result.console[-8000:] + result.files.get("l2.err", b"").decode(errors="replace") + result.dmesg()[-3000:]
    return Outcome(build, tmp_path, result, devices)


def assert_everything_worked(o, devices, disk, times=1):
    wanted = {"nvme": [f"nvme {sha256(disk)}"], "e1000e": ["3 packets received"], "virtio-gpu": ["\n/dev/fb0\n", "\ncard0", "4+0 records out"]}
    for words in (words for name in devices for words in wanted[name]):
        found = o.said.count(words)
        assert found == times, f"{words!r} {found} times instead of {times} in:\n{o.said}"
    for words in ("BUG:", "WARNING:", "Oops", "mappings behind"):
        assert words not in o.said.split("l2> dmesg")[1].split("\n", 1)[1], o.said[-3000:]
    for name in devices:
        assert o.summary[name]["iommu_live_mappings"] == 0 and o.summary[name]["iommu_refused"] == 0, o.summary[name]


def assert_predicted(o, name, policy, cut_off_in=0, part=None):
    """@cut_off_in: how many host calls the guest may have made for requests that it was killed before it could tell; @part: only this part of the trace"""
    o.tool("egpu-trace", "verify", part or o.path / f"{name}.egt")
    predicted = o.replay(part or o.path / f"{name}.egt", policy)
    measured = predicted["measured"]
    same = [k for k in EXACT if not (cut_off_in and k.startswith("host_"))]
    assert {k: predicted[k] for k in same} == {k: measured[k] for k in same}, name
    assert 0 <= measured["host_calls"] - predicted["host_calls"] <= cut_off_in
    assert part or o.summary[name]["peak_mappings"] == measured["peak_mappings"]
    return measured


@pytest.mark.parametrize("way, kernel, policy, devices", [
    ("companion", "6.12", "direct", ["nvme"]),
    ("premap", "6.1", "each", ["e1000e"]),
    ("viommu", "6.1", "each", ["virtio-gpu"]),
])
def test_stock_drivers_work_and_replay_predicts_them(build, nested, tmp_path, disk, way, kernel, policy, devices):
    devices = list(IDS) if os.environ.get("EGPU_NESTED_FULL") else devices
    o = run(build, nested, tmp_path, disk, way, devices, kernel, [policy])
    assert_everything_worked(o, devices, disk)
    for name in devices:
        measured = assert_predicted(o, name, policy)
        kinds = o.kinds(name)
        assert kinds["irq"] > 0 and kinds["region_read"] > 0 and kinds["region_write"] > 0 and kinds["req_map"] >= 3, (name, kinds)
        print(way, kernel, policy, name, kinds, measured["peak_mappings"], measured["peak_mapped_bytes"])


def test_untraced_data_is_right_too(build, nested, tmp_path, disk):
    o = run(build, nested, tmp_path, disk, "companion", ["nvme"], "6.12", ["each"], traced=False)
    assert_everything_worked(o, ["nvme"], disk)
    assert not (tmp_path / "nvme.egt").exists()


def test_a_stock_driver_that_meets_apples_limits_fails_as_replay_predicts(build, nested, tmp_path, disk):
    # The driver holds six mappings of 144 KiB in all, and reads ahead 128 KiB at a time: in one mapping or up to 32, as the guest's pages lie, so
    # that it is bytes that run out for certain. It asks again for ever for what was refused, so the read never ends
    limit_bytes = 224 << 10
    o = run(build, nested, tmp_path, disk, "companion", ["nvme"], policies=["direct"], options=f"--dart apple-tb4:bytes={limit_bytes}", hash_patience_s=30)
    # its one CPU may be at a scatter-gather list, of 128 KiB at most: 32 pages
    measured = assert_predicted(o, "nvme", "direct", cut_off_in=2 * 32)
    assert not measured["fits"] and list(measured["failures_by_reason"]) == ["byte limit"] and 0 < measured["peak_mapped_bytes"] <= limit_bytes
    # the model refused, not the machine; and the driver says so to who reads
    assert o.summary["nvme"]["map_refused"] > 0 and o.summary["nvme"]["iommu_refused"] == 0 and o.summary["nvme"]["iommu_live_mappings"] == 0
    assert f"nvme {sha256(disk)}" not in o.said
    print(o.said[o.said.index("l2> n=0"):])


def test_a_stock_guest_that_egpu_run_starts_reads_its_disk(build, nested, tmp_path):
    # a cold boot of Debian's cloud kernel; small, for it is TCG inside TCG
    small = tmp_path / "small"
    small.write_bytes(random.Random(6).randbytes(1 << 20))
    result = l1.run(build, nested, """
cat >/tmp/qemu <<END
#!/bin/sh
exec $QEMU "\\$@"
END
chmod 755 /tmp/qemu
tar -xf $(disk snapshot) -C /tmp
$EGPU_RUN --device vfio:$(address_of 1b36:0010) --dma premap --qemu /tmp/qemu --accel tcg --memory 160 --kernel /tmp/vmlinuz --initrd /tmp/initrd.img \
	--append "console=ttyS0 quiet panic=-1 l2.nvme" --console /out/console --trace /out/nvme.egt --timeout 1000 --json >/out/nvme.out 2>/out/nvme.err
""", ["nvme"], disk=small, snapshot=nested / "cold.tar", timeout_s=1200)
    assert result.status == 0 and f"nvme {sha256(small)}" in result.text("console"), result.text("nvme.err") + result.text("console")
    o = Outcome(build, tmp_path, result, ["nvme"])
    assert o.summary["nvme"]["ok"] and o.summary["nvme"]["iommu_live_mappings"] == 0
    assert_predicted(o, "nvme", "each")
    assert o.kinds("nvme")["irq"] > 0
