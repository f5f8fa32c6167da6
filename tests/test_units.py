# SPDX-License-Identifier: MIT OR GPL-2.0-only
"""Every cmocka program, as built by default, by clang, and under ASan and UBSan; and the lint."""
import os
import pathlib
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parent.parent
PROGRAMS = sorted(str(p.relative_to(ROOT).with_suffix("")) for p in ROOT.glob("tests/*/test_*.c"))
VARIANTS = {"clang": ["CC=clang"], "asan": ["SAN=address,undefined"]}


def make(*args):
    env = {k: v for k, v in os.environ.items() if k not in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL", "BUILD", "CC")}
    done = subprocess.run(["make", "-j2", *args], cwd=ROOT, env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-6000:]


@pytest.fixture(scope="session")
def variant(build):
    made = {"default": build}

    def get(name):
        if name not in made:
            made[name] = ROOT / "build" / name
            make(f"BUILD=build/{name}", *VARIANTS[name], "programs", "test-programs")
        return made[name]

    return get


def run(program):
    done = subprocess.run([program], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-6000:]
    assert "[  PASSED  ]" in done.stderr + done.stdout


@pytest.mark.parametrize("kind", ["default", *VARIANTS])
@pytest.mark.parametrize("program", PROGRAMS)
def test_unit_program_passes(variant, kind, program):
    run(variant(kind) / program)


def test_lint_finds_nothing(root):
    done = subprocess.run(["make", "lint"], cwd=root, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
