# SPDX-License-Identifier: MIT OR GPL-2.0-only
"""egpu_dma under drivers that are not ours: modules made for tests, in guests of both kernels."""
import json
import subprocess

import pytest

from in_guest import HERE, KERNELS, add_to_image, build_modules, cases_of, run_script, verdicts


@pytest.fixture(scope="session", params=KERNELS)
def image(request, root, build, tmp_path_factory):
    directory = tmp_path_factory.mktemp("modules")
    modules = build_modules(root, request.param, directory / "modules")
    shipped = build / "guest" / KERNELS[request.param]
    return add_to_image((shipped / "vmlinuz", shipped / "initrd.img"), modules, directory)


@pytest.mark.parametrize("script, args, least", [("dma_api.sh", ["--dart", "unlimited"], 14), ("quirks.sh", [], 30)])
def test_script_passes_all_its_cases(build, image, script, args, least):
    cases = cases_of(script)
    done = run_script(build, image, HERE / script, *args)
    assert verdicts(done.stdout) == {"passed": cases, "failed": set()}, done.stdout
    assert len(cases) >= least and "egpu-guest: ok" in done.stdout and done.returncode == 0, done.stdout + done.stderr


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
