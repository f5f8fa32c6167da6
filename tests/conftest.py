# SPDX-License-Identifier: MIT OR GPL-2.0-only
"""What all tests share. EGPU_BUILD names the build folder, "build" by default."""
import contextlib
import fcntl
import os
import pathlib
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parent.parent
VARIANTS = {"clang": ["CC=clang"], "asan": ["SAN=address,undefined"], "tsan": ["SAN=thread"]}


@pytest.fixture(scope="session")
def root():
    return ROOT


@pytest.fixture(scope="session")
def build():
    return (ROOT / os.environ.get("EGPU_BUILD", "build")).resolve()


def pytest_collection_modifyitems(items):
    """The longest first, so that the other workers have something to do meanwhile."""
    longest = ["test_policies.py", "test_units.py", "test_drivers.py"]
    items.sort(key=lambda item: longest.index(item.path.name) if item.path.name in longest else len(longest))


def make(*args):
    env = {k: v for k, v in os.environ.items() if k not in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL", "BUILD", "CC")}
    done = subprocess.run(["make", "-j2", *args], cwd=ROOT, env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-6000:]


@contextlib.contextmanager
def one_at_a_time():
    """pytest-xdist's workers share the build folders."""
    with (ROOT / "build" / "variants.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@pytest.fixture(scope="session")
def variant(build):
    made = {"default": build}

    def get(name):
        if name not in made:
            made[name] = ROOT / "build" / name
            with one_at_a_time():
                make(f"BUILD=build/{name}", *VARIANTS[name], "programs", "test-programs")
        return made[name]

    return get
