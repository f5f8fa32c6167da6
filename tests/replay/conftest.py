# SPDX-License-Identifier: MIT OR GPL-2.0-only
"""A small trace, and egpu-replay as a function."""
import subprocess

import pytest

LINE = "  test-1  [000] .....  {t:.6f}: {event}: 0000:01:00.0 dir=BIDIRECTIONAL dma_addr={gpa:x} size={size}{phys} attrs=\n"


def ftrace_text():
    """40 buffers of 4 KiB in ten windows of 256 KiB, mapped one after the other; then all are unmapped."""
    buffers = [(i // 4) * 0x40000 + (i % 4) * 0x8000 for i in range(40)]
    maps = [LINE.format(t=1 + i / 10, event="dma_map_page", gpa=g, size=4096, phys=f" phys_addr={g:x}") for i, g in enumerate(buffers)]
    return "".join(maps + [LINE.format(t=6 + i / 10, event="dma_unmap_page", gpa=g, size=4096, phys="") for i, g in enumerate(buffers)])


@pytest.fixture(scope="session")
def imported(build):
    """imported(text, path): the ftrace @text as a trace at @path."""
    def run(text, path):
        source = path.with_suffix(".txt")
        source.write_text(text)
        subprocess.run([build / "egpu-trace", "import", "ftrace", source, "-o", path], check=True, capture_output=True)
        return path

    return run


@pytest.fixture(scope="module")
def trace(imported, tmp_path_factory):
    return imported(ftrace_text(), tmp_path_factory.mktemp("replay") / "small.egt")


@pytest.fixture(scope="session")
def recording(build, root, tmp_path_factory):
    """The real recording in datasets/."""
    path = tmp_path_factory.mktemp("recording") / "dma.egt"
    subprocess.run([build / "egpu-trace", "import", "ftrace", root / "datasets/dma-6.12-virtio-gpu-nvme-e1000e.ftrace.gz", "-o", path],
                   check=True, capture_output=True)
    return path


@pytest.fixture
def replay(build):
    def run(*args, status=0):
        done = subprocess.run([build / "egpu-replay", *map(str, args)], capture_output=True, text=True, timeout=60)
        assert done.returncode == status, done.stderr
        if status:
            assert len(done.stderr.splitlines()) == 1 and done.stderr.startswith("egpu-replay: ")
        return done

    return run
