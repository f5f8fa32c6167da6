# SPDX-License-Identifier: MIT OR GPL-2.0-only
"""Every other policy that ships, under stock drivers on real functions: nvme, e1000e and virtio-gpu at once. Data is right, and replay predicts it."""
import pytest

from test_drivers import IDS, assert_everything_worked, assert_predicted, disk, run  # noqa: F401


@pytest.mark.parametrize("policy", ["grow", "grow:keep=16", "budget", "merge", "lazy"])
def test_policy_serves_stock_drivers_and_replay_predicts_it(build, nested, tmp_path, disk, policy):  # noqa: F811
    o = run(build, nested, tmp_path, disk, "companion", list(IDS), "6.1", policy)
    assert_everything_worked(o, list(IDS), disk)
    for name in IDS:
        measured = assert_predicted(o, name, policy)
        print(policy, name, {k: measured[k] for k in ("requests", "peak_mappings", "peak_mapped_bytes", "host_calls")})
