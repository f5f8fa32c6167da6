# SPDX-License-Identifier: MIT OR GPL-2.0-only
"""The game models: all are well formed; one is played whole, and has the ratios that datasets/README.md says are published."""
import json
import subprocess

import pytest

MODELS = ["cyberpunk-720p-low", "cyberpunk-1080p-high", "cyberpunk-1080p-rt-ultra", "cyberpunk-4k-rt-ultra", "tomb-raider", "crysis-remastered",
               "doom", "horizon-zero-dawn"]


@pytest.mark.parametrize("name", MODELS)
def test_model_is_well_formed_and_says_what_is_published(build, root, name):
    path = root / "datasets/workloads" / f"{name}.workload"
    subprocess.run([build / "guest" / "player", "--check", path], check=True, capture_output=True)
    text = path.read_text().replace("\n# ", " ")
    assert "Published: " in text and "Assumed: " in text


def test_model_played_in_the_guest_has_the_published_ratios(build, root, tmp_path):
    done = subprocess.run([root / "datasets/models.sh", build, tmp_path, "doom"], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    trace = tmp_path / "doom.egt"
    sql = "SELECT avg(len = 4096) AS small FROM event WHERE kind = 'req_map'"
    small = json.loads(subprocess.run([build / "egpu-trace", "sql", "--json", trace, sql], capture_output=True, text=True, check=True).stdout)["small"]
    direct, window, grow = json.loads(subprocess.run(
        [build / "egpu-replay", trace, "--json", "--policy", "direct", "--policy", "window:log2=18", "--policy", "grow"],
        capture_output=True, text=True, check=True).stdout)
    assert small > 0.9
    assert 3 < direct["peak_mappings"] / window["peak_mappings"] < 5 and window["peak_mapped_bytes"] < 1536 << 20
    assert window["provenance"] == "modelled" and window["peak_mappings"] == window["measured"]["peak_mappings"]
    assert grow["fits"] and 4 * grow["peak_mappings"] < window["peak_mappings"]
    # generated without a guest it asks for the same, in the same order, and needs about as much; a driver's ring comes first when it is played
    made = tmp_path / "generated.egt"
    subprocess.run([build / "egpu-trace", "generate", root / "datasets/workloads/doom.workload", "-o", made], check=True, capture_output=True)
    sql = "SELECT kind, len FROM event WHERE kind IN ('req_map', 'req_unmap')"
    played, generated = (subprocess.run([build / "egpu-trace", "sql", "--json", t, sql], capture_output=True, text=True, check=True).stdout.splitlines()
                         for t in (trace, made))
    assert len(generated) > 50000 and any(played[i:i + len(generated)] == generated for i in range(20))
    predicted, = json.loads(subprocess.run([build / "egpu-replay", made, "--json", "--policy", "window:log2=18"], capture_output=True, check=True).stdout)
    assert predicted["peak_mappings"] == pytest.approx(window["peak_mappings"], rel=0.15)
