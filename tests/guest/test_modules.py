# SPDX-License-Identifier: MIT OR GPL-2.0-only
"""egpu_dma under drivers that are not ours: modules made for tests, in guests of both kernels."""
import json
import re
import subprocess

import pytest

from in_guest import HERE, KERNELS, add_to_image, build_modules, run_script


@pytest.fixture(scope="session", params=KERNELS)
def image(request, root, build, tmp_path_factory):
    directory = tmp_path_factory.mktemp("modules")
    modules = build_modules(root, request.param, directory / "modules")
    shipped = build / "guest" / KERNELS[request.param]
    return add_to_image((shipped / "vmlinuz", shipped / "initrd.img"), modules, directory)


def verdicts(console):
    return {word: set(re.findall(rf"^{word}: (\w+)", console, re.M)) for word in ("passed", "failed")}


def test_dma_api_serves_what_stock_drivers_call(build, image):
    cases = set(re.findall(r"CASE\((\w{5,})\)", (HERE / "modules/dma_api.c").read_text()))
    done = run_script(build, image, HERE / "dma_api.sh", "--dart", "unlimited")
    assert verdicts(done.stdout) == {"passed": cases | {"nothing_is_left"}, "failed": set()}, done.stdout
    assert len(cases) >= 13 and "egpu-guest: ok" in done.stdout and done.returncode == 0


def test_quirk_patches_what_it_knows_and_leaves_the_rest_alone(build, image):
    script = HERE / "quirks.sh"
    names = set(re.findall(r"(?:passed|expect) ([a-z_]{8,})", script.read_text()))
    done = run_script(build, image, script)
    assert verdicts(done.stdout) == {"passed": names, "failed": set()}, done.stdout
    assert len(names) >= 30 and "egpu-guest: ok" in done.stdout and done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("shim, align", [
    ("rewrite", {"wanted": 10, "downgraded": 8, "missed": 0}),
    ("none", {"wanted": 10, "downgraded": 0}),
    ("downgrade", {"wanted": 0, "downgraded": 0, "missed": 0}),
])
def test_replay_predicts_what_the_quirk_did(build, image, tmp_path, shim, align):
    trace = tmp_path / "t.egt"
    done = run_script(build, image, HERE / "quirk_trace.sh", "--trace", trace, append=f"egpu.policy=direct egpu.align={shim}")
    assert done.returncode == 0, done.stdout + done.stderr
    said = subprocess.run([build / "egpu-replay", trace, "--policy", "direct", "--json"], capture_output=True, text=True, check=True).stdout
    (predicted,) = json.loads(said)
    measured = predicted["measured"]
    assert measured["align"] == predicted["align"] and measured["align"]["shim"] == shim
    assert align.items() <= measured["align"].items()
    assert measured["host_maps"] == predicted["host_maps"] > 0
    if shim == "none":
        assert measured["align"]["missed"] > 0
