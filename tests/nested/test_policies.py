# SPDX-License-Identifier: MIT OR GPL-2.0-only
"""Every policy that ships, one after the other, under stock drivers on real functions: nvme, e1000e and virtio-gpu at once. Data is right, and replay
predicts each. One guest does it all: what it does for the first time takes longest, for it is translated twice."""
from test_drivers import IDS, assert_everything_worked, assert_predicted, disk, run  # noqa: F401

POLICIES = ["direct", "each", "window:log2=18", "grow", "grow:keep=16", "budget", "merge", "lazy"]


def parts(o, name):
    """The trace cut where the guest loaded its module with another policy: then nothing is mapped."""
    trace = o.path / f"{name}.egt"
    starts = o.tool("egpu-trace", "sql", "--csv", trace, "SELECT t_ns FROM event WHERE kind = 'policy' ORDER BY seq").split()[1:]
    times = [int(t_ns) / 1e9 for t_ns in starts] + [None]
    for n, (start_s, end_s) in enumerate(zip(times, times[1:])):
        part = o.path / f"{name}-{n}.egt"
        o.tool("egpu-trace", "cut", trace, "-o", part, "--from", f"{start_s - 0.001:.6f}", *(["--to", f"{end_s - 0.001:.6f}"] if end_s else []))
        yield part


def test_every_policy_serves_stock_drivers_and_replay_predicts_it(build, nested, tmp_path, disk):  # noqa: F811
    o = run(build, nested, tmp_path, disk, "companion", list(IDS), "6.1", POLICIES, timeout_s=3600)
    assert_everything_worked(o, list(IDS), disk, times=len(POLICIES))
    for name in IDS:
        kinds, found = o.kinds(name), list(parts(o, name))
        assert kinds["irq"] > 0 and kinds["region_read"] > 0 and kinds["region_write"] > 0, (name, kinds)
        assert len(found) == len(POLICIES)
        for policy, part in zip(POLICIES, found):
            measured = assert_predicted(o, name, policy, part=part)
            print(policy, name, {k: measured[k] for k in ("requests", "peak_mappings", "peak_mapped_bytes", "host_calls")})
