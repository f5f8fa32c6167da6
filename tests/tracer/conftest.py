# SPDX-License-Identifier: MIT OR GPL-2.0-only
"""What the tests of egpu-trace share."""
import subprocess

import pytest


@pytest.fixture(scope="session")
def egpu_trace(build):
    def run(*args, **kwargs):
        return subprocess.run([build / "egpu-trace", *map(str, args)], capture_output=True, text=True, timeout=120, **kwargs)

    return run


@pytest.fixture(scope="session")
def sample(build, tmp_path_factory):
    """A trace with an event of every kind."""
    path = tmp_path_factory.mktemp("sample") / "sample.egt"
    subprocess.run([build / "tests/tracer/test_recorder", "sample", path], check=True, capture_output=True)
    return path
