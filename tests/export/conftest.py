# SPDX-License-Identifier: MIT OR GPL-2.0-only
import json
import subprocess

import pytest


@pytest.fixture(scope="session")
def egpu_trace(build):
    def run(*args, **kwargs):
        return subprocess.run([build / "egpu-trace", *map(str, args)], capture_output=True, timeout=120, **kwargs)

    return run


@pytest.fixture(scope="session")
def dump(egpu_trace):
    def read(path):
        done = egpu_trace("dump", "--json", path)
        assert done.returncode == 0, done.stderr
        return [json.loads(line) for line in done.stdout.decode().splitlines()]

    return read


@pytest.fixture(scope="session")
def traces(build, root, egpu_trace, tmp_path_factory):
    """By name: accesses of all shapes; every kind of event; a workload played in a guest."""
    folder = tmp_path_factory.mktemp("traces")
    made = {name: folder / f"{name}.egt" for name in ("accesses", "kinds", "guest")}
    subprocess.run([build / "tests/export/test_packets", "accesses", made["accesses"]], check=True, timeout=60)
    subprocess.run([build / "tests/tracer/test_recorder", "sample", made["kinds"]], check=True, timeout=60)
    subprocess.run([build / "egpu-run", "--trace", made["guest"], "--workload", root / "datasets/workloads/small.workload", "--memory", "256"],
                   check=True, timeout=180, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return made
