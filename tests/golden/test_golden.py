# SPDX-License-Identifier: MIT OR GPL-2.0-only
"""Every recording in datasets/ under every policy gives the totals kept here, to the last byte."""
import functools
import importlib.util
import json
import pathlib

import pytest

spec = importlib.util.spec_from_file_location("golden", pathlib.Path(__file__).with_name("golden.py"))
golden = importlib.util.module_from_spec(spec)
spec.loader.exec_module(golden)

replayed = functools.cache(golden.totals)


def test_there_is_a_recording_and_every_one_has_golden_totals():
    assert golden.FIXTURES
    assert {golden.golden_file(f) for f in golden.FIXTURES} == set(golden.FOLDER.glob("*.json"))


@pytest.mark.parametrize("policy", golden.POLICIES)
@pytest.mark.parametrize("fixture", golden.FIXTURES, ids=golden.name)
def test_replay_of_recording_gives_golden_totals(build, fixture, policy):
    assert replayed(build, fixture)[policy] == json.loads(golden.golden_file(fixture).read_text())[policy]


# The figures published with the recording, independent of this code: peaks of requests, mappings and bytes, and host calls.
@pytest.mark.parametrize("policy, mappings, mapped_bytes, calls", [
    ("direct", 5144, 327598080, 31968),
    ("window:log2=18", 1135, 374571008, 8331),
    ("window:log2=20", 353, 392544256, 4639),
])
def test_virtio_gpu_recording_gives_published_totals(build, policy, mappings, mapped_bytes, calls):
    fixture = next(f for f in golden.FIXTURES if golden.name(f) == "dma-6.12-virtio-gpu-nvme-e1000e")
    row = replayed(build, fixture)[policy]
    assert (row["peak_requests"], row["peak_request_bytes"]) == (9915, 312861362)
    assert (row["peak_mappings"], row["peak_mapped_bytes"], row["host_calls"]) == (mappings, mapped_bytes, calls)
