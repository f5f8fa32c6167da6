# SPDX-License-Identifier: MIT OR GPL-2.0-only
"""egpu_dma under drivers that are not ours: modules made for tests, in guests of both kernels."""
import re

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
