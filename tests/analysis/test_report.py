# SPDX-License-Identifier: MIT OR GPL-2.0-only
"""egpu-report as its users meet it: which figures it makes, what stands in them, and what it says when it cannot."""
import csv
import json
import os
import shutil
import sqlite3
import struct
import subprocess
import xml.etree.ElementTree as ElementTree

import pytest

FIGURES = ["mappings", "policies", "pareto", "fragmentation", "sizes", "lifetimes", "heat", "fps"]
POLICIES = ["direct", "window:log2=18", "window:log2=20", "window:log2=22", "grow"]
MAP = "  test-1  [000] .....  {t:.6f}: dma_map_page: {dev} dir=BIDIRECTIONAL dma_addr={gpa:x} size=4096 phys_addr={gpa:x} attrs=\n"
MARK = "  test-1  [000] .....  {t:.6f}: tracing_mark_write: {text}\n"


def run(build, *args, status=0, env=None):
    done = subprocess.run([build / "egpu-report", *map(str, args)], capture_output=True, text=True, timeout=120, env=env)
    assert done.returncode == status, done.stderr
    if status:
        assert len(done.stderr.splitlines()) == 1 and done.stderr.startswith("egpu-report: ")
    else:
        assert done.stderr == ""
    return done


def import_text(build, folder, name, text):
    (folder / "text").write_text(text)
    trace = folder / f"{name}.egt"
    subprocess.run([build / "egpu-trace", "import", "ftrace", folder / "text", "-o", trace], check=True, capture_output=True)
    return trace


def words(svg):
    """All text of a picture; parsing it proves that it is XML."""
    return " ".join("".join(e.itertext()) for e in ElementTree.parse(svg).iter() if e.tag.endswith("}text"))


def png_size(path):
    head = path.read_bytes()[:24]
    assert head[:8] == b"\x89PNG\r\n\x1a\n"
    return struct.unpack(">II", head[16:24])


@pytest.fixture(scope="module")
def real(build, root, tmp_path_factory):
    trace = tmp_path_factory.mktemp("report") / "real.egt"
    source = root / "datasets/dma-6.12-virtio-gpu-nvme-e1000e.ftrace.gz"
    subprocess.run([build / "egpu-trace", "import", "ftrace", source, "-o", trace], check=True, capture_output=True)
    return trace


@pytest.fixture(scope="module")
def figures(build, real):
    out = real.parent / "made" / "as needed"
    return out, run(build, real, "-o", out)


@pytest.fixture(scope="module")
def small(build, tmp_path_factory):
    """70 requests of 4 KiB of two devices, no frames; its name and its phases are made to hurt."""
    marks = ["`touch pwned`", "it's <&> \"x\" @NAME $(id) \\"]
    lines = [MAP.format(t=1 + i / 10, dev=f"0000:0{i % 2}:00.0", gpa=i * 0x20000) for i in range(70)]
    lines[10:10] = [MARK.format(t=2.01, text=text) for text in marks]
    return import_text(build, tmp_path_factory.mktemp("small"), "it's `small`", "".join(lines))


@pytest.mark.parametrize("name", FIGURES)
def test_figure_is_made_as_svg_and_png_with_data_and_script(figures, name):
    out, done = figures
    listed = done.stdout.splitlines()
    assert {str(out / f"{name}.svg"), str(out / f"{name}.png")} <= set(listed)
    assert png_size(out / f"{name}.png")[0] == 1200
    assert (out / f"{name}.dat").stat().st_size and (out / f"{name}.gp").stat().st_size


@pytest.mark.parametrize("name", FIGURES)
def test_figure_states_provenance_and_limits(figures, name):
    text = words(figures[0] / f"{name}.svg")
    assert "imported: ftrace text, dma-6.12-virtio-gpu-nvme-e1000e.ftrace.gz, sha256 " in text
    assert "IOMMU limits apple-tb4: 65,536 mappings, 1,536 MiB mapped, granules of 16 KiB" in text


def test_mappings_names_both_limits_and_every_policy(figures):
    text = words(figures[0] / "mappings.svg")
    assert "mapping limit 65,536" in text and "byte limit 1,536 MiB" in text
    assert all(policy in text for policy in POLICIES)


def test_policies_prints_the_totals_of_the_real_recording(figures):
    text = words(figures[0] / "policies.svg")
    for number in ["9,915 (15 %)", "5,144 (7.8 %)", "31,968", "1,135 (1.7 %)", "8,331", "353 (0.5 %)", "4,639", "312 MiB", "357 MiB"]:
        assert number in text
    assert "refused" not in text.replace("nothing is refused", "")


def rows_of(path, block=0):
    return [line.split("#")[0].split() for line in path.read_text().split("\n\n\n")[block].splitlines() if line[0] != "#"]


def test_pareto_line_goes_through_what_no_policy_beats(figures):
    points = [(int(row[0]), float(row[1])) for row in rows_of(figures[0] / "pareto.dat")]
    front = [(int(row[0]), float(row[1])) for row in rows_of(figures[0] / "pareto.dat", 1)]
    assert len(points) == len(POLICIES)
    assert front == sorted(p for p in points if not any(q != p and q[0] <= p[0] and q[1] <= p[1] for q in points))


def test_pareto_leaves_out_what_was_refused(build, small, tmp_path):
    run(build, small, "-o", tmp_path, "--dart", "apple-tb4:mappings=40", "--policy", "direct", "--policy", "window:log2=22", "--format", "svg")
    assert len(rows_of(tmp_path / "pareto.dat")) == 2 and len(rows_of(tmp_path / "pareto.dat", 1)) == 1


def test_fragmentation_has_the_holes_of_each_policy(build, small, tmp_path):
    run(build, small, "-o", tmp_path, "--dart", "apple-tb4:aperture=64M", "--policy", "direct", "--policy", "window:log2=18", "--format", "svg")
    direct, window = (rows_of(tmp_path / "fragmentation.dat", i) for i in range(2))
    # nothing is released: one hole, which shrinks by a granule or a window per mapping
    assert {row[1] for row in direct + window} == {"1"}
    assert [float(rows[-1][2]) for rows in (direct, window)] == [64 - 70 / 64, 64 - 70 * 0x20000 / 2**20]


def test_sizes_shares_add_up_to_all_requests(figures):
    rows = [line.split('"')[2].split() for line in (figures[0] / "sizes.dat").read_text().splitlines() if line[0] != "#"]
    assert sum(int(row[0]) for row in rows) == 89335
    assert sum(float(row[1]) for row in rows) == pytest.approx(100, abs=1e-3)
    assert sum(float(row[3]) for row in rows) == pytest.approx(100, abs=1e-3)


def test_lifetimes_are_those_that_egpu_trace_counts(build, real, figures):
    rows = [line.split('"')[2].split() for line in (figures[0] / "lifetimes.dat").read_text().splitlines() if line[0] != "#"]
    stats = json.loads(subprocess.run([build / "egpu-trace", "stats", "--json", real], capture_output=True, check=True, text=True).stdout)
    assert sum(float(row[1]) for row in rows) == pytest.approx(100, abs=1e-3)
    assert sum(float(row[3]) for row in rows) == pytest.approx(100, abs=1e-3)
    assert [sum(int(row[0]) for row in rows[:-1]), int(rows[-1][0])] == [stats["requests"]["ended"], stats["requests"]["live_at_end"]]


def test_lifetimes_of_known_length_fall_into_their_bar(build, tmp_path):
    unmap = "  test-1  [000] .....  {t:.6f}: dma_unmap_page: {dev} dir=BIDIRECTIONAL dma_addr={gpa:x} size=4096 attrs=\n"
    lives_us = [3, 3, 1500]
    lines = [(1 + i / 10, MAP.format(t=1 + i / 10, dev="0000:00:00.0", gpa=i * 0x20000)) for i in range(4)]
    lines += [(1 + i / 10 + us / 1e6, unmap.format(t=1 + i / 10 + us / 1e6, dev="0000:00:00.0", gpa=i * 0x20000)) for i, us in enumerate(lives_us)]
    run(build, import_text(build, tmp_path, "lives", "".join(line for _, line in sorted(lines))), "-o", tmp_path / "out", "--format", "svg")
    rows = [line.split('"') for line in (tmp_path / "out" / "lifetimes.dat").read_text().splitlines() if line[0] != "#"]
    assert {name: int(rest.split()[0]) for _, name, rest in rows if int(rest.split()[0])} == {"2 µs": 2, "1 ms": 1, "not ended": 1}


def test_heat_is_what_is_live_in_each_stretch_and_column(build, real, figures):
    cells = {}
    for line in (figures[0] / "heat.dat").read_text().splitlines()[1:]:
        t_s, mib, percent = map(float, line.split())
        cells[t_s, mib] = percent
    times, places = (sorted({key[i] for key in cells}) for i in (0, 1))
    column_s, row_bytes = times[1] - times[0], round((places[1] - places[0]) * 2**20)
    said = subprocess.run([build / "egpu-trace", "sql", "--csv", real, "SELECT t_ns - (SELECT t_ns FROM event WHERE seq = 0), kind, gpa, len, iova "
                           "FROM event WHERE kind IN ('req_map', 'req_unmap') AND status = 0"], capture_output=True, text=True, check=True).stdout.splitlines()[1:]
    live, began, column, want = [0] * len(places), {}, 0, [[0] * len(places)]
    for t_ns, kind, gpa, len_bytes, iova in (line.split(",") for line in said):
        begins = kind == "req_map"
        if begins:
            began.setdefault((iova, len_bytes), []).append(int(gpa))
        elif not began.get((iova, len_bytes)):
            continue
        at = int(gpa) if begins else began[iova, len_bytes].pop()
        end = at + int(len_bytes)
        while column < int(int(t_ns) / 1e9 / column_s):
            column += 1
            want.append(live[:])
        while at < end:
            row, here = at // row_bytes, min(end, (at // row_bytes + 1) * row_bytes) - at
            live[row] += here if begins else -here
            want[column][row] = max(want[column][row], live[row])
            at += here
    equal = 0
    for c, rows in enumerate(want):
        for r, live_bytes in enumerate(rows):
            got = cells[times[c], places[r]] / 100 * row_bytes
            assert got >= live_bytes - row_bytes / 1000  # rows that became one, or columns, may tell a little too much
            equal += got <= live_bytes + row_bytes / 1000
    assert equal > 0.99 * len(want) * len(places) and len(want) > 200 and max(map(max, want)) > 0.9 * row_bytes


def test_fps_has_the_frames_of_the_recording(figures):
    times = (figures[0] / "fps.dat").read_text().split("\n\n\n")[1].splitlines()
    assert len([line for line in times if line[0] != "#"]) == 29
    assert "30 frames" in words(figures[0] / "fps.svg")


def test_published_rates_are_those_of_egpu_replay(build, figures):
    rows = [line.split("\t") for line in (figures[0] / "published.dat").read_text().splitlines()]
    said = subprocess.run([build / "egpu-replay", "fps", "--csv"], capture_output=True, check=True, text=True).stdout
    assert rows == list(csv.reader(said.splitlines())) and len(rows) > 10
    text = words(figures[0] / "published.svg")
    assert all(f"{game}, {setting} · {machine}" in text for game, setting, machine, *_ in rows[1:]) and "nothing here was measured" in text


def test_script_can_be_changed_and_run_again(figures, tmp_path):
    for name in ["mappings.gp", "mappings.dat", "style.gp"]:
        shutil.copy(figures[0] / name, tmp_path)
    script = tmp_path / "mappings.gp"
    script.write_text(script.read_text().replace("mappings alive", "changed by hand"))
    subprocess.run(["gnuplot", "mappings.gp"], cwd=tmp_path, check=True)
    assert "changed by hand" in words(tmp_path / "mappings.svg")


def test_refused_policy_is_marked_with_time_and_reason(build, small, tmp_path):
    limits = ["--dart", "apple-tb4:mappings=40"]
    run(build, small, "-o", tmp_path, *limits, "--policy", "direct", "--policy", "window:log2=22", "--format", "svg")
    text = words(tmp_path / "mappings.svg")
    assert "mapping limit 40" in text and "direct: refused at 4.0 s, mapping limit" in text
    assert "window:log2=22: refused" not in text
    assert "40 (100 %) · refused 30 requests: mapping limit" in words(tmp_path / "policies.svg")


def test_default_policies_go_with_the_granule(build, small, tmp_path):
    run(build, small, "-o", tmp_path, "--dart", "apple-tb4:granule_log2=20", "--format", "svg")
    text = words(tmp_path / "mappings.svg")
    assert "window:log2=20" in text and "window:log2=22" in text and "window:log2=18" not in text


def test_trace_without_frames_says_so_and_removes_an_old_figure(build, small, tmp_path):
    (tmp_path / "fps.png").write_text("of an earlier report")
    done = run(build, small, "-o", tmp_path)
    assert f"no fps figure for {small}: the trace has no frames" in done.stdout
    assert not list(tmp_path.glob("fps.*")) and (tmp_path / "sizes.png").exists()


def test_text_of_a_trace_is_shown_but_never_run(build, small, tmp_path):
    run(build, small, "-o", tmp_path)
    text = words(tmp_path / "mappings.svg")
    assert "‘touch pwned‘" in text and "it’s <&> \"x\" @NAME $(id) \\" in text
    assert not (tmp_path / "pwned").exists()


def test_device_restricts_the_figures(build, small, tmp_path):
    run(build, small, "-o", tmp_path, "--device", "0000:01:00.0", "--format", "svg")
    text = words(tmp_path / "sizes.svg")
    assert "35 requests" in text and "device 0000:01:00.0 only" in text


def test_format_and_title_are_obeyed(build, small, tmp_path):
    done = run(build, small, "-o", tmp_path, "--format", "svg", "--title", "My own words")
    assert "My own words" in words(tmp_path / "sizes.svg")
    assert not list(tmp_path.glob("*.png")) and ".png" not in done.stdout


def test_several_traces_get_a_folder_each(build, small, real, tmp_path):
    done = run(build, real, small, real, "-o", tmp_path, "--format", "svg")
    for folder in ["real", "it's `small`", "real-2"]:
        assert (tmp_path / folder / "mappings.svg").exists()
        assert str(tmp_path / folder / "mappings.svg") in done.stdout


def test_one_bad_trace_does_not_keep_the_others_from_being_drawn(build, small, tmp_path):
    run(build, tmp_path / "missing.egt", small, "-o", tmp_path, "--format", "svg", status=1)
    assert (tmp_path / "it's `small`" / "sizes.svg").exists()


@pytest.mark.parametrize("args", [
    [], ["x.egt"], ["-o", "out"], ["x.egt", "-o"], ["x.egt", "-o", "out", "--format", "gif"],
    ["x.egt", "-o", "out", "--format", ""], ["x.egt", "-o", "out", "--no-such-option"], ["x.egt", "-o", "out", "--policy", "nonsense"],
    ["x.egt", "-o", "out", "--policy", "window:log2=99"], ["x.egt", "-o", "out", "--dart", "nonsense"],
    ["x.egt", "-o", "out"] + ["--policy", "direct"] * 9,
], ids=str)
def test_misuse_is_refused_before_anything_is_made(build, args, tmp_path):
    run(build, *[tmp_path / a if a == "out" else a for a in args], status=2)
    assert not list(tmp_path.iterdir())


def test_missing_trace_fails(build, tmp_path):
    assert "missing.egt" in run(build, tmp_path / "missing.egt", "-o", tmp_path / "out", status=1).stderr


def test_file_that_is_no_trace_fails(build, tmp_path):
    (tmp_path / "text.egt").write_text("no trace\n" * 100)
    assert "text.egt" in run(build, tmp_path / "text.egt", "-o", tmp_path / "out", status=1).stderr


@pytest.fixture
def damaged(real, tmp_path):
    path = tmp_path / "damaged.egt"
    shutil.copy(real, path)
    with sqlite3.connect(path) as db:
        db.execute("UPDATE chunk SET data = zeroblob(length(data)) WHERE id = (SELECT max(id) FROM chunk)")
    db.close()
    return path


def test_damaged_trace_fails_and_names_itself(build, damaged, tmp_path):
    assert "damaged.egt" in run(build, damaged, "-o", tmp_path / "out", status=1).stderr
    assert not (tmp_path / "out").exists()


def test_damaged_trace_is_drawn_on_request_and_says_so(build, damaged, tmp_path):
    run(build, damaged, "-o", tmp_path / "out", "--skip-damaged", "--format", "svg")
    assert "1 damaged parts left out" in words(tmp_path / "out" / "mappings.svg")


def test_unknown_device_fails(build, small, tmp_path):
    assert "no device" in run(build, small, "-o", tmp_path / "out", "--device", "nobody", status=1).stderr


def test_folder_that_is_a_file_fails(build, small, tmp_path):
    (tmp_path / "file").write_text("keep me")
    for out in [tmp_path / "file", tmp_path / "file" / "below"]:
        assert "Not a directory" in run(build, small, "-o", out, status=1).stderr
    assert (tmp_path / "file").read_text() == "keep me"


def test_missing_gnuplot_is_one_line_that_says_what_to_install(build, small, tmp_path):
    env = {**os.environ, "PATH": str(tmp_path)}
    assert "apt install gnuplot-nox" in run(build, small, "-o", tmp_path / "out", status=1, env=env).stderr


def test_failing_gnuplot_is_reported_with_its_words(build, small, tmp_path):
    fake = tmp_path / "gnuplot"
    fake.write_text("#!/bin/sh\necho out of paint >&2\nexit 1\n")
    fake.chmod(0o755)
    env = {**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}"}
    assert "out of paint" in run(build, small, "-o", tmp_path / "out", status=1, env=env).stderr


def test_help_names_every_option(build):
    text = run(build, "--help").stdout
    assert all(option in text for option in ["-o", "--policy", "--dart", "--device", "--format", "--title", "--skip-damaged", "--version"])
