# SPDX-License-Identifier: MIT OR GPL-2.0-only
"""Every cmocka program, as built by default, by clang, and under the sanitizers; the lint; and the manual pages."""
import pathlib
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parent.parent
PAGES = subprocess.run(["git", "ls-files", "*.1", "*.5"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
PROGRAMS = sorted(str(p.relative_to(ROOT).with_suffix("")) for p in ROOT.glob("tests/*/test_*.c"))
# the thread sanitizer has nothing to say, slowly, of a program with one thread; those with more start them or record a trace
THREADED = [p for p in PROGRAMS if any(word in (ROOT / f"{p}.c").read_text() for word in ("pthread", "tracer_open", "scratch_trace.h", "recorded.h"))]


def run(program):
    done = subprocess.run([program], capture_output=True, text=True, timeout=1200)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-6000:]
    assert "[  PASSED  ]" in done.stderr + done.stdout


@pytest.mark.parametrize("program, kind", [(p, kind) for p in PROGRAMS for kind in ("default", "clang", "asan")] + [(p, "tsan") for p in THREADED])
def test_unit_program_passes(variant, program, kind):
    run(variant(kind) / program)


def test_lint_finds_nothing(root):
    done = subprocess.run(["make", "lint"], cwd=root, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("page", PAGES)
def test_manual_page_has_no_warning(root, page):
    done = subprocess.run(["man", "--warnings", "-l", page], cwd=root, capture_output=True, text=True, env={"LANG": "C.UTF-8", "PATH": "/usr/bin:/bin", "MANWIDTH": "100"})
    assert done.returncode == 0 and done.stderr == ""
    assert len(done.stdout) > 1000
