# SPDX-License-Identifier: MIT OR GPL-2.0-only
"""Every policy that ships, one after the other, under stock drivers on real functions: nvme, e1000e and virtio-gpu at once. Data is right, and replay
predicts each. One guest does it all: what it does for the first time takes longest, for it is translated twice. Registers of the e1000e, which its driver
reads and writes five thousand times a policy, are mapped into the guest."""
from test_drivers import IDS, assert_everything_worked, assert_predicted, disk, run  # noqa: F401

POLICIES = ["direct", "each", "window:log2=18", "grow", "grow:keep=16", "budget", "merge", "lazy"]
CONFIG_SPACE = 7


def regions(o, name):
    """Which BARs of the function, or its configuration space, the guest was seen to use."""
    said = o.tool("egpu-trace", "sql", "--csv", o.path / f"{name}.egt",
                  "SELECT DISTINCT region FROM event WHERE kind IN ('region_read', 'region_write') AND device <> 'companion'")
    return {int(region) for region in said.split()[1:]}


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
    o = run(build, nested, tmp_path, disk, "companion", list(IDS), "6.1", POLICIES, timeout_s=3600, bars={"e1000e": "none"})
    assert_everything_worked(o, list(IDS), disk, times=len(POLICIES))
    for name in IDS:
        kinds, found = o.kinds(name), list(parts(o, name))
        assert kinds["irq"] > 0 and kinds["region_read"] > 0 and kinds["region_write"] > 0, (name, kinds)
        assert len(found) == len(POLICIES)
        assert CONFIG_SPACE in regions(o, name) and (regions(o, name) == {CONFIG_SPACE}) == (name == "e1000e"), (name, regions(o, name))
        for policy, part in zip(POLICIES, found):
            measured = assert_predicted(o, name, policy, part=part)
            print(policy, name, {k: measured[k] for k in ("requests", "peak_mappings", "peak_mapped_bytes", "host_calls")})
