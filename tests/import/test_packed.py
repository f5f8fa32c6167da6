# SPDX-License-Identifier: MIT OR GPL-2.0-only
"""Compressed input, and the command itself."""
import bz2
import gzip
import lzma
import os
import random
import subprocess

import pytest

from importing import Imported, failure, importer

LINE = b"            Xorg-1234    [001] .....  10.000001: dma_map_page: 0000:01:00.0 dir=TO_DEVICE dma_addr=%x size=4096 phys_addr=%x attrs=\n"
TEXT = b"".join(LINE % (i << 12, i << 12) for i in range(1, 2000))


def zstd(data, *options):
    return subprocess.run(["zstd", "-q", "-c", *options], input=data, stdout=subprocess.PIPE, check=True).stdout


PACKED = {"gzip": gzip.compress, "xz": lzma.compress, "zstd": zstd}


@pytest.fixture
def run(build, tmp_path):
    return importer(build, tmp_path, "ftrace")


@pytest.mark.parametrize("how", PACKED)
def test_packed_text_is_read(run, how):
    got = run(PACKED[how](TEXT))
    assert got.account["lines"] == got.account["requests_mapped"] == 1999


@pytest.mark.parametrize("how", PACKED)
def test_members_in_a_row_are_one_text(run, how):
    got = run(PACKED[how](TEXT[:70001]) + PACKED[how](TEXT[70001:]))
    assert got.account["requests_mapped"] == 1999


def test_padding_between_xz_streams_is_skipped(run):
    assert run(lzma.compress(TEXT) + b"\0" * 8 + lzma.compress(TEXT)).account["requests_mapped"] == 2 * 1999


@pytest.mark.parametrize("how", PACKED)
@pytest.mark.parametrize("cut", [9, 200, -1])
def test_packed_data_that_end_early_are_an_error(build, tmp_path, how, cut):
    assert f"the {how} data end early" in failure(build, tmp_path, PACKED[how](os.urandom(5000) + TEXT)[:cut], "ftrace")


@pytest.mark.parametrize("how", PACKED)
def test_damaged_packed_data_are_an_error(build, tmp_path, how):
    data = bytearray(zstd(os.urandom(50000), "--check") if how == "zstd" else PACKED[how](os.urandom(50000)))
    data[20000] ^= 0xff
    assert f"the {how} data are damaged" in failure(build, tmp_path, bytes(data), "ftrace")


@pytest.mark.parametrize("how", PACKED)
def test_bomb_takes_little_memory(build, tmp_path, how):
    source, out = tmp_path / "bomb", tmp_path / "out.egt"
    source.write_bytes(PACKED[how](TEXT + b"\0" * (256 << 20)))
    assert source.stat().st_size < 2 << 20
    sanitized = b"__asan_init" in (build / "egpu-trace").read_bytes()
    limit = "" if sanitized else "ulimit -v 300000; "
    done = subprocess.run(["sh", "-c", limit + 'exec "$@"', "sh", build / "egpu-trace", "import", "ftrace", source, "-o", out], capture_output=True, timeout=120)
    assert done.returncode == 0 and b"lines_too_long" in done.stderr, done.stderr


def test_xz_that_wants_too_much_memory_is_refused(build, tmp_path):
    filters = [{"id": lzma.FILTER_LZMA2, "preset": 0, "dict_size": 512 << 20}]
    assert "memory" in failure(build, tmp_path, lzma.compress(b"x" * 100, filters=filters), "ftrace")


def test_zstd_that_wants_too_much_memory_is_refused(build, tmp_path):
    # a frame header with a window of 2 GiB
    assert "damaged" in failure(build, tmp_path, b"\x28\xb5\x2f\xfd\x00\xa8" + b"\x01\x00\x00" * 3, "ftrace")


def test_unknown_compression_is_text_of_no_format(build, tmp_path):
    assert "none of" in failure(build, tmp_path, bz2.compress(TEXT), "ftrace")


@pytest.mark.parametrize("how", PACKED)
def test_packed_standard_input_in_small_pieces(build, tmp_path, how):
    out, data = tmp_path / "out.egt", PACKED[how](TEXT)
    with subprocess.Popen([build / "egpu-trace", "import", "ftrace", "-", "-o", out], stdin=subprocess.PIPE, stderr=subprocess.PIPE) as p:
        for i in range(0, 40):
            p.stdin.write(data[i:i + 1])
            p.stdin.flush()
        p.stdin.write(data[40:])
        p.stdin.close()
        assert p.wait(60) == 0
        assert Imported(build, out, "").account["requests_mapped"] == 1999


@pytest.mark.parametrize("how", PACKED)
def test_mutated_packed_data_never_crash(build, variant, tmp_path, how):
    build, rng = variant("asan"), random.Random(3)
    for i in range(25):
        data = bytearray(PACKED[how](TEXT[:5000]))
        for _ in range(rng.randint(1, 4)):
            data[rng.randrange(len(data))] = rng.randrange(256)
        source = tmp_path / "in"
        source.write_bytes(data)
        done = subprocess.run([build / "egpu-trace", "import", "ftrace", source, "--force", "-o", tmp_path / "out.egt"], capture_output=True, timeout=60)
        assert done.returncode in (0, 1) and b"Sanitizer" not in done.stderr, done.stderr


# ---- the command ----

def test_list_names_each_format_on_a_line(build):
    text = subprocess.check_output([build / "egpu-trace", "import", "--list"], text=True)
    assert [line.split("\t")[0] for line in text.splitlines()][0] == "ftrace"
    assert all(len(line.split("\t")) == 2 for line in text.splitlines())


@pytest.mark.parametrize("arguments, says", [
    (["nonsense"], "--list"), (["ftrace", "--snapshot", "x"], "does not take --snapshot"), (["ftrace", "--onto", "x"], "does not take --onto"),
    (["ftrace", "--offset", "1"], "does not take --offset"), (["ftrace", "--offset", "soon"], "takes seconds"),
])
def test_misuse_is_said(build, tmp_path, arguments, says):
    assert says in failure(build, tmp_path, TEXT, *arguments, status=2)
