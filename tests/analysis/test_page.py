# SPDX-License-Identifier: MIT OR GPL-2.0-only
"""The page of egpu-report: one file, with egpu-replay's own numbers, whatever the trace holds."""
import base64
import html.parser
import json
import subprocess
import xml.etree.ElementTree as ElementTree

import pytest

from test_report import MAP, MARK, import_text, run

VOID = {"meta", "img"}


class Page(html.parser.HTMLParser):
    """Tables as lists of rows, pictures, text; every element is closed in order."""

    def __init__(self, path):
        super().__init__()
        self.open, self.tables, self.pictures, self.words = [], [], [], ""
        self.feed(path.read_text())
        assert not self.open

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        assert tag != "script" and not any(name.startswith("on") for name in attrs)
        if tag == "img":
            self.pictures.append(attrs["src"])
        if tag == "table":
            self.tables.append([])
        if tag == "tr":
            self.tables[-1].append([])
        if tag in ("td", "th"):
            self.tables[-1][-1].append("")
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.words += data
        if self.open and self.open[-1] in ("td", "th"):
            self.tables[-1][-1][-1] += data


@pytest.fixture(scope="module")
def real(build, root, tmp_path_factory):
    trace = tmp_path_factory.mktemp("page") / "real.egt"
    subprocess.run([build / "egpu-trace", "import", "ftrace", root / "datasets/dma-6.12-virtio-gpu-nvme-e1000e.ftrace.gz", "-o", trace],
                   check=True, capture_output=True)
    return trace


def replay(build, trace, *args):
    return json.loads(subprocess.run([build / "egpu-replay", trace, "--json", *args], check=True, capture_output=True, text=True).stdout)


def test_page_holds_every_picture_and_the_numbers_of_the_replay(build, real, tmp_path):
    done = run(build, real, "-o", tmp_path, "--policy", "direct", "--policy", "grow")
    assert done.stdout.splitlines()[-1] == f"{tmp_path}/index.html"
    page = Page(tmp_path / "index.html")
    assert len(page.pictures) == len(list(tmp_path.glob("*.svg")))
    for picture in page.pictures:
        kind, data = picture.split(",")
        assert kind == "data:image/svg+xml;base64" and ElementTree.fromstring(base64.b64decode(data)).tag.endswith("svg")
    head, direct, grow = page.tables[0]
    for row, cells in zip(replay(build, real, "--policy", "direct", "--policy", "grow"), (direct, grow)):
        got = dict(zip(head, cells))
        assert got["mappings"] == f"{row['peak_mappings']:,}" and got["host calls"] == f"{row['host_calls']:,}" and got["verdict"] == "fits"
        assert got["mapped MiB"] == f"{row['peak_mapped_bytes'] / 2**20:.1f}" and got["× bound"] == f"{row['bound']['mappings_ratio']:.2f}"
        assert got["slop MiB"] == f"{(row['peak_mapped_bytes'] - row['peak_request_bytes']) / 2**20:.1f}"
    assert "imported" in page.words and "grow (its defaults)" in grow[0]


def test_traces_side_by_side_say_how_they_differ(build, real, tmp_path):
    small = import_text(build, tmp_path, "small", "".join(MAP.format(t=1 + i / 10, dev="0000:01:00.0", gpa=i << 20) for i in range(40)))
    run(build, "compare", small, real, "-o", tmp_path / "out", "--policy", "direct", "--dart", "apple-tb4:mappings=39,bytes=1M", "--format", "png")
    page = Page(tmp_path / "out/index.html")
    rows = {cells[0]: cells[1:] for cells in page.tables[0]}
    assert rows[""] == ["small", "real"] and rows["requests"] == ["40", "89,335 (+223237.5 %)"]
    # neither is served in full
    assert rows["direct (no grouping): mappings"] == ["–", "–"]
    assert "refused 1, first at 3.900 s: mapping limit" in page.words and "No policy can fit this within these limits" in page.words
    assert all(p.startswith("data:image/png;base64,iVBOR") for p in page.pictures)


def test_frame_times_are_percentiles_of_the_marks(build, tmp_path):
    times = [1.0]
    for i in range(200):
        times.append(times[-1] + (0.1 if i in (50, 150) else 0.02 if i % 10 == 0 else 0.01))
    text = MAP.format(t=0.5, dev="0000:01:00.0", gpa=0) + "".join(MARK.format(t=t, text=f"frame {i}") for i, t in enumerate(times))
    run(build, import_text(build, tmp_path, "frames", text), "-o", tmp_path / "out", "--policy", "direct")
    frames = dict(zip(*Page(tmp_path / "out/index.html").tables[1]))
    assert frames == {"frames": "200", "mean fps": f"{200 / (times[-1] - 1):.1f}", "1 % low fps": "10.0", "median ms": "10.00", "95 % ms": "20.00",
                      "99 % ms": "20.00", "longest ms": "100.00"}


def test_nothing_in_a_trace_becomes_markup(build, tmp_path):
    evil = "<script>alert('&\"')</script>"
    text = MARK.format(t=0.1, text=evil) + "".join(MAP.format(t=1 + i / 10, dev="0000:01:00.0", gpa=i << 20) for i in range(5))
    trace = import_text(build, tmp_path, "evil", text)
    run(build, trace, "-o", tmp_path / "out", "--policy", "direct", "--title", evil)
    assert evil in Page(tmp_path / "out/index.html").words


def test_compare_of_one_trace_is_misuse(build, real, tmp_path):
    assert "two traces" in run(build, "compare", real, "-o", tmp_path, status=2).stderr
