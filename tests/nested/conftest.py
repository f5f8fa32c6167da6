# SPDX-License-Identifier: MIT OR GPL-2.0-only
import os
import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent))


@pytest.fixture(scope="session")
def nested(build):
    """Folder of L1's images; `make nested` makes it."""
    return pathlib.Path(os.environ.get("EGPU_NESTED", build / "nested"))
