# SPDX-License-Identifier: MIT OR GPL-2.0-only
"""snapshot.py QEMU GUEST OUT [viommu]: boot the guest in folder GUEST here, and store it at its shell; L1 goes on from there."""
import json
import pathlib
import socket
import subprocess
import sys
import tempfile
import time

# what source and destination must share; see functions in L1's payload
MACHINE = ("-machine q35,memory-backend=ram -object memory-backend-memfd,id=ram,size=192M,share=on -m 192 -accel tcg -nodefaults -display none "
           "-no-reboot").split()
VIOMMU = ["-device", "intel-iommu,caching-mode=on"]
# QEMU's ACPI table names the slots behind the virtual IOMMU that were taken at boot: something must have been in the devices'
PLACEHOLDER = [word for slot in (5, 6, 7) for word in ("-device", f"pci-testdev,addr={slot}")]


def qmp(stream, command, **arguments):
    stream.write(json.dumps({"execute": command, "arguments": arguments}) + "\n")
    stream.flush()
    while True:
        answer = json.loads(stream.readline())
        if "event" not in answer:
            return answer["return"]


def take(qemu, guest, out, viommu):
    with tempfile.TemporaryDirectory(prefix="egpu-l2-") as work:
        args = [qemu, *MACHINE, *([*VIOMMU, *PLACEHOLDER] if viommu else []), "-serial", f"file:{work}/console", "-qmp", f"unix:{work}/qmp,server=on,wait=off",
                "-kernel", guest / "vmlinuz", "-initrd", guest / "initrd.img",
                "-append", "console=ttyS0 quiet panic=-1" + (" intel_iommu=on" if viommu else "")]
        process = subprocess.Popen([str(a) for a in args], stdin=subprocess.DEVNULL)
        try:
            console = pathlib.Path(work, "console")
            end = time.monotonic() + 120
            while not console.exists() or "l2: ready" not in console.read_text(errors="replace"):
                if time.monotonic() > end or process.poll() is not None:
                    sys.exit("snapshot.py: the guest does not come up:\n" + (console.read_text(errors="replace") if console.exists() else ""))
                time.sleep(0.1)
            time.sleep(0.5)
            with socket.socket(socket.AF_UNIX) as s:
                s.connect(f"{work}/qmp")
                stream = s.makefile("rw")
                stream.readline()
                qmp(stream, "qmp_capabilities")
                qmp(stream, "migrate-set-parameters", **{"max-bandwidth": 1 << 34})
                qmp(stream, "migrate", uri=f"file:{out}.part")
                while qmp(stream, "query-migrate")["status"] != "completed":
                    if time.monotonic() > end:
                        sys.exit("snapshot.py: the snapshot does not end")
                    time.sleep(0.1)
        finally:
            process.kill()
            process.wait()
    # L1 gets it as a disk, which has whole sectors
    with open(f"{out}.part", "ab") as f:
        f.truncate((f.tell() + 4095) // 4096 * 4096)
    pathlib.Path(f"{out}.part").rename(out)


if __name__ == "__main__":
    take(sys.argv[1], pathlib.Path(sys.argv[2]), sys.argv[3], "viommu" in sys.argv[4:])
