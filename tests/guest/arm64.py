# SPDX-License-Identifier: MIT OR GPL-2.0-only
"""The guest modules in an arm64 guest, as on a Mac. Not part of the suite for its downloads: make test-arm64."""
import json
import subprocess
import time

import pytest

from in_guest import HERE, add_to_image, cases_of, verdicts

WORKLOAD = """memory 128M
seed 5
load buffers=800 mix=4K:85,64K:12,2M:3 contiguous=50 large=40
frames n=20 uploads=20 verify=2
level free=40 load=300
frames n=10 uploads=20 verify=2
"""


@pytest.fixture(scope="session")
def image(build, tmp_path_factory):
    shipped = build / "guest/arm64"
    return add_to_image((shipped / "vmlinuz", shipped / "initrd.img"), sorted((shipped / "modules").glob("*.ko")), tmp_path_factory.mktemp("arm64"))


@pytest.fixture
def run(root, build, image, tmp_path):
    """A guest whose /init gets FILE as WHAT ("script" or "workload"), served by egpu-run; Return: its console."""
    tree = root / ".deps/qemu-arm/usr"
    lib = tree / "lib/x86_64-linux-gnu"
    qemu = [lib / "ld-linux-x86-64.so.2", "--argv0", "qemu-system-aarch64", "--library-path", lib, tree / "bin/qemu-system-aarch64", "-L", tree / "share/qemu"]

    def go(what, file, *args, parameters=""):
        sockets = [tmp_path / "s" / name for name in ("gpu.sock", "companion.sock")]
        server = subprocess.Popen([build / "egpu-run", "--serve", tmp_path / "s", "--once", "--quiet", "--trace", tmp_path / "t.egt", *args])
        try:
            while not all(s.exists() for s in sockets):
                assert server.poll() is None
                time.sleep(0.05)
            devices = [a for s in sockets for a in ("-device", json.dumps({"driver": "vfio-user-pci", "socket": {"type": "unix", "path": str(s)}}))]
            done = subprocess.run([*qemu, "-M", "virt,memory-backend=m", "-object", "memory-backend-memfd,id=m,size=384M,share=on", "-m", "384", "-accel",
                                   "tcg", "-cpu", "max,pauth-impdef=on", "-nodefaults", "-display", "none", "-serial", "stdio", "-no-reboot", "-kernel", image[0],
                                   "-initrd", image[1], "-append", f"console=ttyAMA0 quiet panic=-1 {parameters}", "-fw_cfg",
                                   f"name=opt/egpu/{what},file={file}", *devices], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=150,
                                  env={"QEMU_MODULE_DIR": str(lib / "qemu")})
            assert server.wait(30) == 0, done.stdout + done.stderr
        finally:
            server.kill()
            server.wait()
        assert "egpu-guest: ok" in done.stdout, done.stdout + done.stderr
        return done.stdout

    return go


def replay(build, tmp_path, *args):
    said = subprocess.run([build / "egpu-replay", tmp_path / "t.egt", "--json", *args], capture_output=True, text=True, check=True).stdout
    (predicted,) = json.loads(said)
    return predicted, predicted["measured"]


@pytest.mark.parametrize("script, args", [("dma_api.sh", ["--dart", "unlimited"]), ("quirks.sh", [])])
def test_script_passes_all_its_cases(run, script, args):
    console = run("script", HERE / script, *args)
    assert verdicts(console) == {"passed": cases_of(script), "failed": set()}, console


def test_quirk_in_a_trace_is_what_replay_predicts(run, build, tmp_path):
    run("script", HERE / "quirk_trace.sh", parameters="egpu.policy=direct egpu.align=rewrite")
    predicted, measured = replay(build, tmp_path, "--policy", "direct")
    assert predicted["align"] == measured["align"] and measured["align"]["downgraded"] == 8


@pytest.mark.parametrize("policy", ["direct", "window:log2=18"])
def test_live_run_is_what_replay_predicts(run, build, tmp_path, policy):
    (tmp_path / "w").write_text(WORKLOAD)
    console = run("workload", tmp_path / "w", parameters=f"egpu.policy={policy}")
    assert "buffers read back and compared" in console
    predicted, measured = replay(build, tmp_path, "--policy", policy)
    for key in "requests", "hits", "peak_mappings", "peak_mapped_bytes", "host_maps", "host_unmaps", "failures", "align":
        assert predicted[key] == measured[key]
    assert measured["requests"] > 1000 and measured["fits"]
