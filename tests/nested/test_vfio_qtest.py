# SPDX-License-Identifier: MIT OR GPL-2.0-only
"""egpu-run on real functions behind a real (emulated, but translating and faulting) IOMMU; a stock QEMU without a CPU is its client."""
import json
import re
import subprocess

import pytest

import l1

EDU = 0xfea00000
TRAPPED, MAPPED = "all", "none"


def config(offset):
    return f"outl 0xcf8 {0x80002000 | offset:#x}"


# BAR0 at EDU, memory and bus master on
SETUP = [config(0), "inl 0xcfc", config(0x10), f"outl 0xcfc {EDU:#x}", config(4), "outw 0xcfc 0x0006"]


def reg(offset, value=None, width="l"):
    return f"read{width} {EDU + offset:#x}" if value is None else f"write{width} {EDU + offset:#x} {value:#x}"


def dma(source, to, length, out_of_device):
    """edu copies between its buffer at 0x40000 and an IOVA; each takes 100 ms by its own clock."""
    return [reg(0x80, source, "q"), reg(0x88, to, "q"), reg(0x90, length, "q"), reg(0x98, 3 if out_of_device else 1, "q"), "sleep 0.4"]


def script(commands, options, before="", more="", client="", wait=True):
    """Shell for L1: egpu-run serves edu, qtest runs @commands; answers follow the line ANSWERS."""
    lines = "\n".join(commands)
    return f"""
{before}
bdf=$(address_of 1234:11e8)
$EGPU_RUN --device vfio:$bdf --serve /run/s --once --json --quiet --trace /out/run.egt {options} >/out/run.json 2>/out/run.err &
run=$!
wait_for /run/s/gpu.sock || exit 3
cat >/tmp/qtest <<'END'
{lines}
END
echo ANSWERS
qtest /tmp/qtest {client} -device '{{"driver":"vfio-user-pci","addr":"4","socket":{{"type":"unix","path":"/run/s/gpu.sock"}}}}'
echo END
{"wait $run" if wait else ""}
status=$?
{more}
exit $status
"""


class Session:
    def __init__(self, build, tmp_path, result):
        self.result = result
        body = result.console.split("ANSWERS\n", 1)[1].split("\nEND", 1)[0]
        self.lines = body.splitlines()
        self.answers = [line[2:].strip() for line in self.lines if line.startswith("OK")]
        self.trace = tmp_path / "run.egt"
        for name in ("run.egt", "run.egt-wal", "run.egt-shm"):  # more than one file if the recorder was killed
            if name in result.files:
                (tmp_path / name).write_bytes(result.files[name])
        self.build = build
        self.summary = json.loads(result.text("run.json")) if result.files.get("run.json") else None

    def values(self):
        return [int(a, 16) for a in self.answers if a]

    def events(self, *kinds):
        done = subprocess.run([self.build / "egpu-trace", "dump", "--json", self.trace], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        events = [{k: int(v, 16) if str(v).startswith("0x") else v for k, v in json.loads(line).items()} for line in done.stdout.splitlines()]
        return [e for e in events if not kinds or e["kind"] in kinds]

    def sound(self):
        done = subprocess.run([self.build / "egpu-trace", "verify", self.trace], capture_output=True, text=True)
        return done.returncode == 0


@pytest.fixture
def edu(build, nested, tmp_path):
    def go(commands, options="", **kw):
        result = l1.run(build, nested, script(SETUP + commands, options, **kw), ["edu"])
        assert "FAIL" not in result.console, result.console
        return Session(build, tmp_path, result)

    return go


def test_registers_dma_faults_and_interrupts_of_a_real_function(edu):
    s = edu([
        reg(0), reg(4, 0x12345678), reg(4),                                     # identity, liveness
        reg(8, 10), "sleep 0.3", reg(8),                                        # 10!
        "writeq 0x200000 0x1122334455667788", *dma(0x200000, 0x40000, 8, False), *dma(0x40000, 0x300000, 8, True), "readq 0x300000",
        "writeq 0x300008 0", *dma(0x40000, 0x300008, 8, True), "readq 0x300008",
        *dma(0x40000, 0x9000000, 8, True),                                      # 144 MiB: beyond the 128 MiB of RAM
        # INTx, a level: QEMU unmasks it at the next access, so the first one after it must take the cause away
        "irq_intercept_in ioapic", reg(0x60, 1), "sleep 0.3", reg(0x64, 1), "sleep 0.1", reg(0x24),
        reg(0x60, 2), "sleep 0.3", reg(0x64, 2), "sleep 0.1", reg(0x24),
        config(0x44), "outl 0xcfc 0x00400000", config(0x48), "outl 0xcfc 0", config(0x4c), "outw 0xcfc 0x4321",
        config(0x40), "outw 0xcfe 0x0081", reg(0x60, 4), "sleep 0.3", "readl 0x400000", reg(0x64, 4),           # MSI
    ])
    assert s.result.status == 0 and s.sound()
    assert s.values() == [0x11e81234, 0x010000ed, 0xedcba987, 3628800, 0x1122334455667788, 0x1122334455667788, 0, 0, 0x4321]
    irqs = [(e["type"], e["delivered"]) for e in s.events("irq")]
    assert irqs == [(0, 1), (0, 1), (1, 1)]
    assert sum("IRQ raise" in line for line in s.lines) >= 2
    # the IOMMU refused, and said so in the kernel's log
    faults = s.events("fault")
    assert [e["iova"] for e in faults] == [0x9000000] and faults[0]["flags"] == 1
    assert "fault addr 0x9000000" in s.result.dmesg()
    maps, unmaps = s.events("map"), s.events("unmap")
    assert all(e["status"] == 0 for e in maps + unmaps) and len(maps) == len(unmaps)
    assert s.summary["iommu"] == "vfio-type1" and s.summary["iommu_live_mappings"] == 0 and s.summary["iommu_avail"] == 65535
    assert s.summary["faults"] == 1 and s.summary["interrupts"] == 3
    assert {e["region"] for e in s.events("region_read")} == {0, 7}


@pytest.mark.parametrize("traps, sees", [("all", {0x0, 0x4}), ("none", set()), ("0:0x1000-0x1fff", set()), ("0:0x4-0x7", {0x0, 0x4})])
def test_only_what_is_trapped_is_recorded_and_the_rest_works_all_the_same(edu, traps, sees):
    s = edu([reg(0), reg(4, 0xff), reg(4)], f"--trace-bars {traps}")
    assert s.values() == [0x11e81234, 0x010000ed, 0xffffff00]
    assert {e["offset"] for e in s.events("region_read", "region_write") if e["region"] == 0} == sees


COMMAND, ENTRY = 0x500000, 0x500000 + 256
COMPANION = 0xfeb00000


def companion_map(gpa, length, unmap_iova=None):
    """The guest module's protocol, spoken by hand: one entry."""
    return [f"writel {COMMAND:#x} {3 if unmap_iova else 2}", f"writel {COMMAND + 4:#x} 1", f"writel {COMMAND + 8:#x} 0", f"writeq {ENTRY:#x} {gpa:#x}",
            f"writeq {ENTRY + 8:#x} {length:#x}", f"writeq {ENTRY + 16:#x} {unmap_iova or 0:#x}", f"writel {ENTRY + 24:#x} 3",
            f"writel {COMPANION + 0x40:#x} {COMMAND:#x}", f"writel {COMPANION + 0x44:#x} 0", f"writel {COMPANION + 0x48:#x} 7", "sleep 0.2", f"readl {COMMAND + 8:#x}",
            f"readq {ENTRY + 16:#x}", f"readl {ENTRY + 28:#x}"]


def test_companion_maps_where_the_host_picks_within_apples_limits(edu):
    iova = 256 << 20
    s = edu([
        "outl 0xcf8 0x80002810", f"outl 0xcfc {COMPANION:#x}", "outl 0xcf8 0x80002804", "outw 0xcfc 0x0006",
        "writeq 0x200000 0x1122334455667788", *companion_map(0x200000, 0x40000),
        *dma(iova, 0x40000, 8, False), *dma(0x40000, iova + 0x100, 8, True), "readq 0x200100",
        *companion_map(0x240000, 0x40000),                                       # the second is one too many
        "writeq 0x200100 0", *dma(0x40000, 0x200100, 8, True), "readq 0x200100",  # a guest address is no IOVA here
        *companion_map(0x200000, 0x40000, unmap_iova=iova), "writeq 0x200000 7", *dma(0x40000, iova, 8, True), "readq 0x200000",
    ], "--dma companion --dart apple-tb4:mappings=1",
        client="""-device '{"driver":"vfio-user-pci","addr":"5","socket":{"type":"unix","path":"/run/s/companion.sock"}}'""")
    assert s.result.status == 0 and s.sound()
    assert s.values() == [0x11e81234, 7, iova, 0, 0x1122334455667788, 7, 2**64 - 1, 2**32 - 28, 0, 7, iova, 0, 7]
    maps = s.events("map")
    assert [(e["gpa"], e["iova"], e["status"], e["by"]) for e in maps] == [(0x200000, iova, 0, 0), (0x240000, 2**64 - 1, -28, 0)]
    assert [e["iova"] for e in s.events("fault")] == [0x200000, iova]  # VT-d names the page


def test_what_the_real_iommu_refuses_is_recorded_as_its_refusal(edu):
    s = edu(["outl 0xcf8 0x80002810", f"outl 0xcfc {COMPANION:#x}", "outl 0xcf8 0x80002804", "outw 0xcfc 0x0006",
             *companion_map(0x200000, 0x4000), *companion_map(0x204000, 0x4000), *companion_map(0x208000, 0x4000)],
            "--dma companion --dart unlimited", before="echo 2 >/sys/module/vfio_iommu_type1/parameters/dma_entry_limit",
            client="""-device '{"driver":"vfio-user-pci","addr":"5","socket":{"type":"unix","path":"/run/s/companion.sock"}}'""")
    assert [(e["status"], e["by"]) for e in s.events("map")] == [(0, 0), (0, 0), (-28, 1)]
    assert s.summary["iommu_avail"] == 2 and s.summary["iommu_peak_mappings"] == 2 and s.summary["iommu_refused"] == 1 and s.summary["map_refused"] == 0


@pytest.mark.parametrize("victim", ["$run", "$qtest_pid"])
def test_after_a_kill_nothing_stays_mapped_and_the_function_can_be_had_again(edu, victim):
    s = edu([reg(0), "sleep 0.5", f"sh kill -9 {victim}", "sleep 1"], "--flush 100", wait=False, more="""
sleep 1
$EGPU_RUN --device vfio:$bdf --serve /run/again --trace /out/again.egt >/dev/null 2>/out/again.err &
again=$!
wait_for /run/again/gpu.sock 20 || exit 4
kill $again
wait $again
echo $bdf >/sys/bus/pci/drivers/vfio-pci/unbind && echo $bdf >/sys/bus/pci/drivers_probe && [ -e /sys/bus/pci/devices/$bdf/driver ] || exit 5
status=0
""")
    assert s.result.status == 0, s.result.console + s.result.text("again.err")
    assert s.sound() and s.events("region_read")


def test_each_refusal_is_one_line_that_says_what_to_do(build, nested):
    result = l1.run(build, nested, """
bdf=$(address_of 1234:11e8)
group=/dev/vfio/$(readlink /sys/bus/pci/devices/$bdf/iommu_group | sed 's,.*/,,')
try() { echo "TRY $1"; shift; "$@" 2>&1; echo "= $?"; }
try nosuch $EGPU_RUN --device vfio:0000:7f:00.0 --serve /run/a
try driven $EGPU_RUN --device vfio:0000:00:01.0 --serve /run/a
exec 7<>$group
try busy $EGPU_RUN --device vfio:$bdf --serve /run/a
exec 7>&-
try bars $EGPU_RUN --device vfio:$bdf --serve /run/a --trace-bars 3
chmod 777 /run /out
nobody="$EGPU/setpriv --reuid 65534 --regid 65534 --clear-groups --inh-caps=-all $EGPU_RUN"
try right $nobody --device vfio:$bdf --serve /run/a
chown 65534 $group
ulimit -l 8192
echo '#!/bin/sh' >/tmp/qemu
echo 'echo "QEMU emulator vfio-user-pci"' >>/tmp/qemu
chmod 755 /tmp/qemu
try locked $nobody --device vfio:$bdf --kernel /dev/null --qemu /tmp/qemu
$nobody --device vfio:$bdf --serve /run/ours >/out/nobody.log 2>&1 &
wait_for /run/ours/gpu.sock 20 && echo SERVED
kill $!
wait $!
echo $bdf >/sys/bus/pci/drivers/vfio-pci/unbind
echo >/sys/bus/pci/devices/$bdf/driver_override
try undriven $EGPU_RUN --device vfio:$bdf --serve /run/a
""", ["edu"])
    said = dict(re.findall(r"^TRY (\w+)\n(.*?)\n= 1$", result.console, re.M | re.S))
    for name, words in {"nosuch": "lspci", "driven": "driver_override", "busy": "another process", "bars": "--trace-bars", "right": "chown", "locked": "ulimit -l",
                        "undriven": "vfio-pci"}.items():
        assert words in said.get(name, ""), f"{name}: {said.get(name)}\n{result.console}"
        assert said[name].count("\n") == 0 and said[name].startswith("egpu-run: ")
    assert "SERVED" in result.console, result.text("nobody.log")
