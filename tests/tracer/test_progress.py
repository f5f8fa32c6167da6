# SPDX-License-Identifier: MIT OR GPL-2.0-only
"""Long work says how far it is, on a terminal only, and never among its lines."""
import os
import pty
import subprocess

import pytest

EVENTS = 600000
WORK = [
    (["dump", "--json"], b"%"),
    (["sql"], b"chunks read"),
]
# the trace is read over and over, for a second or so
SQL = "SELECT count(*), max(value) FROM (VALUES (1), (2), (3), (4), (5), (6), (7), (8), (9), (10), (11), (12)) AS again CROSS JOIN event"


@pytest.fixture(scope="module")
def trace(build, tmp_path_factory):
    """Writes to a region whose values do not compress."""
    folder = tmp_path_factory.mktemp("progress")
    path = folder / "long.egt"
    text = folder / "long.txt"
    with text.open("w") as out:
        x = 1
        for i in range(EVENTS):
            x = x * 6364136223846793005 + 1442695040888963407 & (1 << 64) - 1
            out.write(f"W 4 {1 + i // 1000000}.{i % 1000000:06d} 1 0x{0xe0000000 + (x >> 44 & ~3):x} 0x{x >> 32:x} 0x0 0\n")
    head = "VERSION 20070824\nPCIDEV 0008 123456 0 e0000000 0 0 0 0 0 0 1000000 0 0 0 0 0 0\nMAP 0.9 1 0xe0000000 0xffffc90000000000 0x1000000 0x0 0\n"
    text.write_text(head + text.read_text())
    done = subprocess.run([build / "egpu-trace", "import", "mmiotrace", text, "-o", path], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    text.unlink()
    return path


def on_terminal(command):
    """Return: standard output, and what came to the terminal that is standard error."""
    ours, theirs = pty.openpty()
    out = subprocess.run(command, stdout=subprocess.PIPE, stderr=theirs, check=True).stdout
    os.close(theirs)
    seen = b""
    try:
        while chunk := os.read(ours, 65536):
            seen += chunk
    except OSError:
        pass
    return out, seen


@pytest.mark.parametrize("work, word", WORK, ids=[w[0][0] for w in WORK])
def test_long_work_shows_progress_on_a_terminal_only(build, trace, work, word):
    command = [build / "egpu-trace", *work, trace, *([SQL] if work == ["sql"] else [])]
    quiet = subprocess.run(command, capture_output=True, check=True)
    assert quiet.stderr == b""
    out, seen = on_terminal(command)
    assert out == quiet.stdout
    assert word in seen, seen
