# SPDX-License-Identifier: MIT OR GPL-2.0-only
"""Set-up: what is fetched from where, on archives made here; no network, nothing of the system is changed."""
import os
import pathlib
import re
import shutil
import subprocess

import pytest

SETUP = pathlib.Path(__file__).resolve().parents[2] / "runtime" / "setup"
RELEASE = re.search(r"^VERSION_CODENAME=(\w+)", pathlib.Path("/etc/os-release").read_text(), re.M)[1]
ARCHITECTURE = subprocess.run(["dpkg", "--print-architecture"], capture_output=True, text=True, check=True).stdout.strip()


def add_package(pool, name, depends=""):
    """A Debian package that holds /usr/share/NAME; Return: its stanza of a Packages file."""
    tree = pool.parent / "tree"
    shutil.rmtree(tree, ignore_errors=True)
    (tree / "DEBIAN").mkdir(parents=True)
    (tree / "usr/share").mkdir(parents=True)
    (tree / "usr/share" / name).write_text(name)
    control = f"Package: {name}\nVersion: 1\nArchitecture: all\nMaintainer: Nobody <nobody@example.org>\nDescription: test\n"
    (tree / "DEBIAN/control").write_text(control + (f"Depends: {depends}\n" if depends else ""))
    deb = pool / f"{name}_1_all.deb"
    subprocess.run(["dpkg-deb", "--root-owner-group", "-b", tree, deb], check=True, capture_output=True)
    digest = subprocess.run(["sha256sum", deb], check=True, capture_output=True, text=True).stdout.split()[0]
    return (tree / "DEBIAN/control").read_text() + f"Filename: pool/{deb.name}\nSize: {deb.stat().st_size}\nSHA256: {digest}\n\n"


@pytest.fixture
def archive(tmp_path):
    """An archive with a suite called like this machine's release and a newer one; unsigned, so apt is told to take it."""
    root = tmp_path / "archive"
    (root / "pool").mkdir(parents=True)
    stanzas = {RELEASE: add_package(root / "pool", "image-1.9-a"),
               "newer": add_package(root / "pool", "image-1.10-a") + add_package(root / "pool", "image-1.10-a-dbg")
               + add_package(root / "pool", "library") + add_package(root / "pool", "program", "library")}
    for suite, text in stanzas.items():
        dist = root / "dists" / suite
        (dist / f"main/binary-{ARCHITECTURE}").mkdir(parents=True)
        packages = dist / f"main/binary-{ARCHITECTURE}/Packages"
        packages.write_text(text)
        digest = subprocess.run(["sha256sum", packages], check=True, capture_output=True, text=True).stdout.split()[0]
        (dist / "Release").write_text(f"Suite: {suite}\nCodename: {suite}\nArchitectures: {ARCHITECTURE}\nComponents: main\n"
                                      f"Date: Thu, 01 Jan 2026 00:00:00 UTC\nSHA256:\n {digest} {packages.stat().st_size} "
                                      f"main/binary-{ARCHITECTURE}/Packages\n")
    return root


def configure(tmp_path, name, text):
    """An apt configuration whose only source is the file NAME with TEXT; Return: the environment that selects it."""
    (tmp_path / "etc/parts").mkdir(parents=True)
    (tmp_path / "etc/parts" / name).write_text(text)
    (tmp_path / "state/lists/partial").mkdir(parents=True)
    conf = tmp_path / "etc/apt.conf"
    conf.write_text(f'Dir::Etc::sourcelist "/dev/null";\nDir::Etc::sourceparts "{tmp_path}/etc/parts";\nDir::State "{tmp_path}/state";\n'
                    'Acquire::AllowInsecureRepositories "true";\nAPT::Get::AllowUnauthenticated "true";\n')
    return {**os.environ, "APT_CONFIG": str(conf)}


def fetch(env, *args):
    return subprocess.run([SETUP / "fetch.sh", *args], env=env, capture_output=True, text=True, timeout=60)


@pytest.fixture(params=["list", "options", "sources"])
def env(request, archive, tmp_path):
    return configure(tmp_path, *{
        "list": ("a.list", f"# a comment\ndeb file:{archive} {RELEASE} main\n"),
        "options": ("a.list", f"deb-src file:/nowhere {RELEASE} main\ndeb [ arch={ARCHITECTURE} trusted=yes ] file:{archive}/ {RELEASE} main contrib\n"),
        "sources": ("a.sources", f"Types: deb\nURIs: file:{archive}\nSuites: {RELEASE} {RELEASE}-updates\nComponents: main\n"),
    }[request.param])


def test_program_comes_with_its_dependencies_from_a_newer_suite(env, tmp_path):
    done = fetch(env, tmp_path / "out", "newer", "program")
    assert done.returncode == 0, done.stderr
    assert sorted(p.name for p in (tmp_path / "out/usr/share").iterdir()) == ["library", "program"]
    assert "2 packages" in done.stderr


def test_newest_of_a_pattern_comes_alone(env, tmp_path):
    done = fetch(env, "-n", tmp_path / "out", f"{RELEASE} newer", "image-*-a")
    assert done.returncode == 0, done.stderr
    assert [p.name for p in (tmp_path / "out/usr/share").iterdir()] == ["image-1.10-a"]


def test_second_run_is_silent_and_needs_no_archive(env, archive, tmp_path):
    assert fetch(env, tmp_path / "out", "newer", "program").returncode == 0
    shutil.rmtree(archive)
    done = fetch(env, tmp_path / "out", "newer", "program")
    assert done.returncode == 0 and not done.stderr and not done.stdout


@pytest.mark.parametrize("break_it", ["package", "suite", "download"])
def test_failure_leaves_nothing_and_says_why(env, archive, tmp_path, break_it):
    suite, package = "newer", "program"
    if break_it == "package":
        package = "nonexistent"
    elif break_it == "suite":
        suite = "newest"
    else:
        (archive / "pool/library_1_all.deb").write_text("cut short")
    done = fetch(env, tmp_path / "out", suite, package)
    assert done.returncode == 1 and "egpu set-up: " in done.stderr
    assert sorted(p.name for p in tmp_path.glob("out*")) == ["out.lock"]


def test_machine_without_debian_source_is_told(tmp_path):
    env = configure(tmp_path, "other.list", "deb http://example.org/debian nodistro main\n")
    done = fetch(env, tmp_path / "out", "newer", "program")
    assert done.returncode == 1 and f"no entry of apt's sources serves 'main' of Debian {RELEASE}" in done.stderr


def test_installed_packages_are_passed_over_in_silence():
    done = subprocess.run([SETUP / "packages.sh"], env={**os.environ, "EGPU_PACKAGES": "dpkg apt"}, capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_user_without_root_gets_the_command_to_type():
    user = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"] if os.getuid() == 0 else []
    script = (SETUP / "packages.sh").read_text()
    done = subprocess.run([*user, "env", "PATH=/usr/bin:/bin", "EGPU_PACKAGES=dpkg no-such-package another", "sh", "-c",
                           script.replace("sudo -n true", "false")], capture_output=True, text=True)
    assert done.returncode == 1
    assert "sudo apt-get install --no-install-recommends no-such-package another" in done.stderr


def test_qemu_that_was_set_up_speaks_vfio_user(build):
    done = subprocess.run([build / "qemu-system-x86_64", "-device", "help"], capture_output=True, text=True)
    assert done.returncode == 0 and '"vfio-user-pci"' in done.stdout
