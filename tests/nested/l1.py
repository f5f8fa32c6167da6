# SPDX-License-Identifier: MIT OR GPL-2.0-only
"""L1: a machine with an IOMMU and real vfio-pci, inside a QEMU (TCG). See README.md. By hand: l1.py BUILD SCRIPT [DEVICE…] prints what it said."""
import io
import os
import pathlib
import subprocess
import sys
import tarfile
import tempfile

# each function behind a root port of its own: a group of its own, and a way to reset it
DEVICES = {
    "edu": ("1234:11e8", ["-device", "edu,bus={bus},dma_mask=0xffffffffffff"]),
    "nvme": ("1b36:0010", ["-drive", "file={disk},format=raw,if=none,id=test,snapshot=on", "-device", "nvme,serial=test,drive=test,bus={bus}"]),
    "e1000e": ("8086:10d3", ["-netdev", "user,id=net,restrict=on", "-device", "e1000e,netdev=net,bus={bus}"]),
    "virtio-gpu": ("1af4:1050", ["-device", "virtio-gpu-pci,iommu_platform=on,xres=640,yres=480,bus={bus}"]),
}
MAILBOX_BYTES = 256 << 20


class Result:
    """What a script left: console text, exit status, files of /out by name."""

    def __init__(self, console, files):
        self.console = console
        self.files = files
        self.status = int(files.get("status", b"-1"))

    def text(self, name):
        return self.files[name].decode(errors="replace")

    def dmesg(self):
        return self.text("dmesg")


def run(build, image, script, devices=(), disk=None, snapshot=None, memory_mib=1536, timeout_s=300, append="", qemu_args=()):
    """Boot L1 with @devices (keys of DEVICES) bound to vfio-pci, run the shell @script there; a Result.

    @disk: file behind the nvme under test. @snapshot: of an L2 guest (snapshot.py), for the script's function l2."""
    build, image = pathlib.Path(build), pathlib.Path(image)
    with tempfile.TemporaryDirectory(prefix="egpu-l1-") as work:
        work = pathlib.Path(work)
        (work / "script").write_text(script)
        with open(work / "mailbox", "wb") as f:
            f.truncate(MAILBOX_BYTES)
        args = [build / "qemu-system-x86_64", "-machine", "q35,kernel-irqchip=split", "-accel", "tcg,thread=multi", "-smp", "2", "-m", str(memory_mib), "-nodefaults",
                "-display", "none", "-serial", "stdio", "-no-reboot", "-device", "intel-iommu,intremap=on,caching-mode=on"]
        disks = [("payload", image / "payload.img", "on"), ("mailbox", work / "mailbox", "off")]
        disks += [("snapshot", snapshot, "on")] if snapshot else []
        for name, path, ro in disks:
            args += ["-drive", f"file={path},format=raw,if=none,id={name},readonly={ro}", "-device", f"nvme,serial={name},drive={name}"]
        ids = []
        for n, name in enumerate(devices):
            pci_id, line = DEVICES[name]
            ids.append(pci_id)
            args += ["-device", f"pcie-root-port,id=port{n},chassis={n + 1},slot={n + 1}", *(part.format(bus=f"port{n}", disk=disk) for part in line)]
        args += [*qemu_args, "-fw_cfg", f"name=opt/egpu/script,file={work / 'script'}", "-kernel", image / "vmlinuz", "-initrd", image / "initrd.img",
                 "-append", f"console=ttyS0 quiet panic=-1 intel_iommu=on nested.bind={','.join(ids)} {append}"]
        process = subprocess.Popen([str(a) for a in args], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        try:
            console = process.communicate(timeout=timeout_s)[0]
        except subprocess.TimeoutExpired:
            process.kill()
            console = process.communicate()[0]
        console = console.decode(errors="replace").replace("\r\n", "\n")
        assert "nested: L1 done" in console, f"L1 did not end in order within {timeout_s} s; it said:\n{console[-6000:]}"
        with open(work / "mailbox", "rb") as f, tarfile.open(fileobj=io.BufferedReader(f), mode="r:") as tar:
            files = {m.name.removeprefix("./"): tar.extractfile(m).read() for m in tar if m.isfile()}
        return Result(console, files)


if __name__ == "__main__":
    build = pathlib.Path(sys.argv[1])
    result = run(build, os.environ.get("EGPU_NESTED", build / "nested"), pathlib.Path(sys.argv[2]).read_text(), sys.argv[3:], disk=os.environ.get("DISK"), snapshot=os.environ.get("SNAPSHOT"), timeout_s=1200)
    print(result.console)
    print({k: len(v) for k, v in result.files.items()}, "status", result.status)
