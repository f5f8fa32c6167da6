# SPDX-License-Identifier: MIT OR GPL-2.0-only
"""What a newcomer sees: the demo tells the story that README promises."""
import json
import subprocess

LIMIT_MAPPINGS, LIMIT_BYTES = 65536, 1536 << 20


def test_demo_shows_direct_breaking_the_limit_and_the_live_window_run_staying_inside(build, root, tmp_path):
    done = subprocess.run(["runtime/demo.sh", build, tmp_path], cwd=root, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "fails at request" in done.stdout and "mapping limit" in done.stdout and "modelled" in done.stdout
    for figure in "mappings", "policies", "sizes", "fps":
        for suffix in "svg", "png":
            assert (tmp_path / f"{figure}.{suffix}").stat().st_size > 10000
            assert f"{figure}.{suffix}" in done.stdout
    replayed = json.loads(subprocess.run([build / "egpu-replay", tmp_path / "demo.egt", "--policy", "direct", "--policy", "window:log2=18", "--json"],
                                         capture_output=True, text=True, check=True).stdout)
    direct, window = replayed
    measured = window["measured"]
    assert window["peak_requests"] > 70000
    assert not direct["fits"] and direct["peak_mappings"] == LIMIT_MAPPINGS and direct["failures"] > 0
    assert window["fits"] and window["peak_mappings"] < LIMIT_MAPPINGS and window["peak_mapped_bytes"] < LIMIT_BYTES
    for key in "peak_mappings", "peak_mapped_bytes", "host_calls", "failures":
        assert window[key] == measured[key]
    info = json.loads(subprocess.run([build / "egpu-trace", "info", "--json", tmp_path / "demo.egt"], capture_output=True, text=True, check=True).stdout)
    assert info["kind_events"]["frame"] == 300 and "fault" not in info["kind_events"]
