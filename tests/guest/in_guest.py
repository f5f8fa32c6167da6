# SPDX-License-Identifier: MIT OR GPL-2.0-only
"""Scripts in the built-in guest, with modules that are made for tests (modules/) and never shipped: they lie in /test."""
import gzip
import pathlib
import re
import shutil
import subprocess

HERE = pathlib.Path(__file__).parent
KERNELS = {"6.1": ".", "6.12": "6.12"}


def build_modules(root, version, directory):
    """All of modules/ for kernel VERSION, in DIRECTORY; Return: their files."""
    shutil.copytree(HERE / "modules", directory)
    compiler = [] if shutil.which("gcc-12") else ["CC=gcc"]
    done = subprocess.run(["make", "-C", root / ".deps" / f"kernel-{version}" / "build", f"M={directory}", "CONFIG_DEBUG_INFO_BTF_MODULES=", *compiler,
                           "modules"], capture_output=True, text=True)
    assert done.returncode == 0 and "warning" not in done.stderr.lower(), done.stdout + done.stderr
    return sorted(directory.glob("*.ko"))


def add_to_image(image, modules, directory):
    """(kernel, initrd) with MODULES in /test; the kernel unpacks archives that follow each other."""
    (directory / "tree/test").mkdir(parents=True)
    for module in modules:
        shutil.copy(module, directory / "tree/test")
    archive = subprocess.run("find . | cpio --quiet -o -H newc", shell=True, cwd=directory / "tree", stdout=subprocess.PIPE, check=True).stdout
    initrd = directory / "initrd.img"
    initrd.write_bytes(image[1].read_bytes() + gzip.compress(archive, 1))
    return image[0], initrd


def run_script(build, image, script, *args, append=""):
    """egpu-run with SCRIPT in place of the player; Return: the completed process, the guest's console in stdout."""
    kernel, initrd = image
    return subprocess.run([build / "egpu-run", "--kernel", kernel, "--initrd", initrd, "--append", f"console=ttyS0 quiet panic=-1 {append}", "--accel",
                           "tcg", "--memory", "256", "--console", "-", "--quiet", "--timeout", "150", *args, "--", "-fw_cfg",
                           f"name=opt/egpu/script,file={script}", "-device", "isa-debug-exit,iobase=0xf4,iosize=0x04"],
                          stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=180)


def verdicts(console):
    return {word: set(re.findall(rf"^{word}: (\w+)", console, re.M)) for word in ("passed", "failed")}


def cases_of(script):
    """Names of all that SCRIPT, and a module that it loads, can pass."""
    names = set(re.findall(r"(?:passed|expect|passed:) \"?([a-z_]{8,})", (HERE / script).read_text()))
    return names | (set(re.findall(r"CASE\((\w{5,})\)", (HERE / "modules/dma_api.c").read_text())) if script == "dma_api.sh" else set())
