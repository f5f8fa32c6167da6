# SPDX-License-Identifier: MIT OR GPL-2.0-only
"""What all tests share. EGPU_BUILD names the build folder, "build" by default."""
import os
import pathlib

import pytest

ROOT = pathlib.Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def root():
    return ROOT


@pytest.fixture(scope="session")
def build():
    return (ROOT / os.environ.get("EGPU_BUILD", "build")).resolve()
