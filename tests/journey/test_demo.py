# SPDX-License-Identifier: MIT OR GPL-2.0-only
"""What a newcomer sees: the demo tells the story that README promises."""
import json
import subprocess

LIMIT_MAPPINGS, LIMIT_BYTES = 65536, 1536 << 20
EXACT = ("peak_mappings", "peak_mapped_bytes", "host_calls", "failures", "requests", "hits")


def replayed(build, trace, *policies):
    args = [word for policy in policies for word in ("--policy", policy)]
    return json.loads(subprocess.run([build / "egpu-replay", trace, "--json", *args], capture_output=True, text=True, check=True).stdout)


def test_demo_shows_direct_breaking_the_limit_and_the_live_window_run_staying_inside(build, root, tmp_path):
    done = subprocess.run(["runtime/demo.sh", build, tmp_path], cwd=root, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "fails at request" in done.stdout and "mapping limit" in done.stdout and "modelled" in done.stdout
    for figure in "mappings", "policies", "sizes", "fps":
        for suffix in "svg", "png":
            assert (tmp_path / f"{figure}.{suffix}").stat().st_size > 10000
            assert f"{figure}.{suffix}" in done.stdout
    direct, window = replayed(build, tmp_path / "demo.egt", "direct", "window:log2=18")
    measured = window["measured"]
    assert window["peak_requests"] > 70000
    assert not direct["fits"] and direct["peak_mappings"] == LIMIT_MAPPINGS and direct["failures"] > 0
    assert window["fits"] and window["peak_mappings"] < LIMIT_MAPPINGS and window["peak_mapped_bytes"] < LIMIT_BYTES
    assert {k: window[k] for k in EXACT} == {k: measured[k] for k in EXACT}
    # the policy that fits is found, deployed, and does what was predicted
    subprocess.run([build / "egpu-replay", "tune", tmp_path / "demo.egt", "-o", tmp_path / "found.policy", "--cells", "80"], check=True, capture_output=True)
    live = subprocess.run([build / "egpu-run", "--policy", f"@{tmp_path}/found.policy", "--workload", "datasets/workloads/demo.workload", "--json",
                           "--trace", tmp_path / "found.egt", "--qemu", build / "qemu-system-x86_64", "--guest", build / "guest"],
                          cwd=root, capture_output=True, text=True, timeout=300)
    assert live.returncode == 0, live.stdout + live.stderr
    found = replayed(build, tmp_path / "found.egt", f"@{tmp_path}/found.policy")[0]
    assert found["policy"] == found["measured"]["policy"] != window["policy"] and {k: found[k] for k in EXACT} == {k: found["measured"][k] for k in EXACT}
    assert found["fits"] and found["peak_mappings"] < window["peak_mappings"] / 4
    info = json.loads(subprocess.run([build / "egpu-trace", "info", "--json", tmp_path / "demo.egt"], capture_output=True, text=True, check=True).stdout)
    assert info["kind_events"]["frame"] == 300 and "fault" not in info["kind_events"]
