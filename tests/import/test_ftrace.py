# SPDX-License-Identifier: MIT OR GPL-2.0-only
"""egpu-trace import ftrace: every shape of line, malformed ones, and a real recording with known totals."""
import gzip
import hashlib
import os
import pty
import random
import subprocess

import pytest

import importing

DEV = "0000:01:00.0"
NO_IOVA = hex(2**64 - 1)
TO, FROM, BOTH = 1, 2, 3
MORE = 0x08 << 16


class Imported(importing.Imported):
    def counts(self, **more):
        """Counters that say that something was not taken as it stands, but for those named."""
        quiet = {"lines", "requests_mapped", "requests_unmapped", "requests_live_at_end", "maps_direct", "maps_translated", "frames", "marks"}
        assert self.counters(quiet) == more


@pytest.fixture
def run(build, tmp_path):
    """Import text (or bytes) and expect it to work."""
    def go(text, name="trace.txt"):
        source = tmp_path / name
        source.write_bytes(text if isinstance(text, bytes) else text.encode())
        out = tmp_path / "out.egt"
        done = subprocess.run([build / "egpu-trace", "import", "ftrace", source, "--force", "-o", out], capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, done.stderr
        return Imported(build, out, done.stderr)

    return go


def line(event, t="10.000001", prefix="            Xorg-1234    [001] .....  "):
    return f"{prefix}{t}: {event}\n"


def page(addr=0x1000, size=4096, phys=None, event="dma_map_page", direction="BIDIRECTIONAL", dev=DEV, **kw):
    return line(f"{event}: {dev} dir={direction} dma_addr={addr:x} size={size} phys_addr={addr if phys is None else phys:x} attrs=", **kw)


def unmap_page(addr=0x1000, size=4096, event="dma_unmap_page", dev=DEV, **kw):
    return line(f"{event}: {dev} dir=BIDIRECTIONAL dma_addr={addr:x} size={size} attrs=", **kw)


# ---- prefixes ----

@pytest.mark.parametrize("prefix, ns", [
    ("            Xorg-1234    [001] d..2.  1681.686903: ", 1681686903000),
    ("            Xorg-1234    (-------) [001] d..2.  1681.686903: ", 1681686903000),
    ("            Xorg-1234    (   1234) [001] d..2.  1681.686903: ", 1681686903000),
    ("            Xorg-1234    [001]   1681.686903: ", 1681686903000),
    ("            Xorg-1234    [001] ..... 1681.686903123: ", 1681686903123),
    ("            perf 18821 [000]  1680.498254: ", 1680498254000),
    ("            perf 18821/18822 [000]  1680.498254: ", 1680498254000),
    ("     CPU 0/TCG-1234    [001] .....  1.000000: ", 1000000000),
    ("   migration/0-15      [000] d..2.  1.000000: ", 1000000000),
    ("   my-app-2 [0]-77     [000] .....  1.000000: ", 1000000000),
    (" evil [0] 9.9: x: -77  [000] .....  1.000000: ", 1000000000),
    ("          <idle>-0     [000] ..s1.  4.303231: ", 4303231000),
    ("            Xorg-1234  [255] dNZff  18446744.999999: ", 18446744999999000),
])
def test_prefix_gives_time_and_event(run, prefix, ns):
    got = run(prefix + f"dma_map_page: {DEV} dir=TO_DEVICE dma_addr=1000 size=4096 phys_addr=1000 attrs=\n")
    assert [(e["kind"], e["t_ns"], e["guest_t"], e["device"]) for e in got.events] == [("req_map", ns, ns, DEV)]
    got.counts()


@pytest.mark.parametrize("event", ["dma:dma_map_phys:", "dma_map_phys:        ", "dma_map_phys:"])
def test_event_name_of_perf_and_trace_cmd(run, event):
    got = run(line(f"{event} {DEV} dir=TO_DEVICE dma_addr=1000 size=4096 phys_addr=1000 attrs="))
    assert got.requests() == [("map", 0x1000, 4096, 0x1000, TO)]


def test_bare_clock_is_taken_as_it_is_and_said(run):
    got = run(page(prefix="  Xorg-1 [001] .....     ", t="123456789") + page(0x9000, prefix="  Xorg-1 [001] .....     ", t="123456790"))
    assert [e["t_ns"] for e in got.events] == [123456789, 123456790]
    assert "bare count" in got.info["meta"]["assumed"]


# ---- single maps ----

@pytest.mark.parametrize("what", ["page", "phys", "resource"])
def test_single_map_and_unmap(run, what):
    got = run(page(0xfff00000, 0x3000, 0x5000, event=f"dma_map_{what}", direction="FROM_DEVICE") +
              unmap_page(0xfff00000, 0x3000, event=f"dma_unmap_{what}"))
    assert got.requests() == [("map", 0x5000, 0x3000, 0xfff00000, FROM), ("unmap", 0x5000, 0x3000, 0xfff00000, FROM)]
    assert got.account["requests_live_at_end"] == 0
    got.counts()


@pytest.mark.parametrize("text, flags", [("TO_DEVICE", TO), ("FROM_DEVICE", FROM), ("BIDIRECTIONAL", BOTH), ("NONE", 0), ("0x7f", BOTH), ("1", TO)])
def test_direction(run, text, flags):
    assert run(page(direction=text)).requests()[0][4] == flags


def test_unknown_attributes_are_accepted(run):
    got = run(line(f"dma_map_phys: {DEV} dir=TO_DEVICE dma_addr=1000 size=4096 phys_addr=1000 attrs=MMIO|CACHE_CLEAN|0x4000"))
    assert len(got.requests()) == 1
    got.counts()


def test_failed_map_has_a_status_and_is_not_live(run):
    got = run(page(2**64 - 1, phys=0x7000))
    assert [(e["status"], e["iova"], e["gpa"], e["len"]) for e in got.events] == [(-5, NO_IOVA, "0x7000", 4096)]
    assert got.account["requests_live_at_end"] == 0
    got.counts(maps_failed=1)


def test_same_address_twice_is_live_twice(run):
    got = run(page() + page(size=8192) + unmap_page() + unmap_page(size=8192))
    assert [r[2] for r in got.requests()] == [4096, 8192, 4096, 8192]
    got.counts()


def test_same_address_of_two_devices_is_two_requests(run):
    got = run(page() + page(dev="0000:02:00.0") + unmap_page(dev="0000:02:00.0"))
    assert [e["device"] for e in got.events] == [DEV, "0000:02:00.0", "0000:02:00.0"]
    assert got.account["requests_live_at_end"] == 1


def test_unmatched_unmap_is_counted_and_not_emitted(run):
    got = run(page() + unmap_page(0x2000))
    assert got.kinds() == ["req_map"]
    got.counts(unmaps_unmatched=1)


def test_unmap_of_another_size_ends_what_was_mapped(run):
    got = run(page() + unmap_page(size=512))
    assert got.requests()[1][:3] == ("unmap", 0x1000, 4096)
    got.counts(unmaps_size_differs=1)


# ---- allocations ----

@pytest.mark.parametrize("alloc, free", [("dma_alloc", "dma_free"), ("dma_alloc_pages", "dma_free_pages")])
def test_allocation_is_a_request_at_its_dma_address(run, alloc, free):
    got = run(page(0x9000) + line(f"{alloc}: {DEV} dir=BIDIRECTIONAL dma_addr=11d31000 size=512 virt_addr=000000008686b6a7 flags=GFP_KERNEL|__GFP_ZERO attrs=") +
              line(f"{free}: {DEV} dir=BIDIRECTIONAL dma_addr=11d31000 size=512 virt_addr=000000008686b6a7 attrs="))
    assert got.requests()[1:] == [("map", 0x11d31000, 512, 0x11d31000, BOTH), ("unmap", 0x11d31000, 512, 0x11d31000, BOTH)]
    got.counts(alloc_gpa_assumed=1)
    assert "as in all 1 maps" in got.info["meta"]["assumed"]


def test_allocation_of_the_first_kernels_has_no_direction(run):
    got = run(line(f"dma_alloc: {DEV} dma_addr=11d31000 size=512 virt_addr=000000008686b6a7 flags=GFP_KERNEL attrs="))
    assert got.requests() == [("map", 0x11d31000, 512, 0x11d31000, BOTH)]


def test_allocation_behind_an_iommu_says_that_its_gpa_is_unknown(run):
    got = run(page(0xffff0000, phys=0x9000) + line(f"dma_alloc: {DEV} dir=TO_DEVICE dma_addr=fffe0000 size=512 virt_addr=0 flags=GFP_KERNEL attrs="))
    assert "1 of 1 maps are translated by an IOMMU" in got.info["meta"]["assumed"]
    assert got.account["maps_translated"] == 1


def test_sgt_allocation_with_one_run_has_its_physical_address(run):
    got = run(line(f"dma_alloc_sgt: {DEV} dir=TO_DEVICE dma_addr=fffe0000 size=8192 phys_addrs={{0x5000}} flags=GFP_KERNEL attrs=") +
              line(f"dma_free_sgt: {DEV} dir=TO_DEVICE dma_addr=fffe0000 size=8192 phys_addrs={{0x5000}}"))
    assert got.requests() == [("map", 0x5000, 8192, 0xfffe0000, TO), ("unmap", 0x5000, 8192, 0xfffe0000, TO)]
    got.counts()


@pytest.mark.parametrize("event", [
    f"dma_alloc: {DEV} dir=TO_DEVICE dma_addr=0 size=512 virt_addr=0000000000000000 flags=GFP_KERNEL attrs=",
    f"dma_alloc: {DEV} dir=TO_DEVICE dma_addr=ffffffffffffffff size=512 virt_addr=0000000000000000 flags=GFP_KERNEL attrs=",
    f"dma_alloc_sgt_err: {DEV} dir=TO_DEVICE dma_addr=0 size=512 virt_addr=0000000000000000 flags=GFP_KERNEL attrs=",
])
def test_failed_allocation(run, event):
    got = run(line(event))
    assert [(e["status"], e["len"], e["iova"]) for e in got.events] == [(-5, 512, NO_IOVA)]
    got.counts(maps_failed=1)


# ---- scatter-gather ----

SG_OLD = f"dma_map_sg: {DEV} dir=TO_DEVICE dma_addrs={{0x1000,0x9000}} sizes={{0x1000,0x20000}} phys_addrs={{0x1000,0x9000}} attrs="
SG_CAPPED = f"dma_map_sg: {DEV} dir=TO_DEVICE nents=2/2 ents=2/2 dma_addrs={{0x1000,0x9000}} sizes={{0x1000,0x20000}} phys_addrs={{0x1000,0x9000}} attrs=NO_WARN"
SG_DECIMAL = f"dma_map_sg: {DEV} dir=TO_DEVICE dma_addrs=4096 36864 sizes=4096 131072 phys_addrs=4096 36864 attrs="
SG_BYTES = (f"dma_map_sg: [FAILED TO PARSE] device={DEV} full_nents=2 full_ents=2 truncated=0 "
            "phys_addrs=ARRAY[00, 10, 00, 00, 00, 00, 00, 00, 00, 90, 00, 00, 00, 00, 00, 00] "
            "dma_addrs=ARRAY[00, 10, 00, 00, 00, 00, 00, 00, 00, 90, 00, 00, 00, 00, 00, 00] "
            "lengths=ARRAY[00, 10, 00, 00, 00, 00, 02, 00] dir=1 attrs=0x22")
UNMAP_SG = f"dma_unmap_sg: {DEV} dir=TO_DEVICE phys_addrs={{0x1000,0x9000}} attrs="
UNMAP_DECIMAL = f"dma_unmap_sg: {DEV} dir=TO_DEVICE phys_addrs=4096 36864 attrs="
UNMAP_BYTES = (f"dma_unmap_sg: [FAILED TO PARSE] device={DEV} addrs=ARRAY[00, 10, 00, 00, 00, 00, 00, 00, 00, 90, 00, 00, 00, 00, 00, 00] "
               "dir=1 attrs=0x22")


@pytest.mark.parametrize("unmap", [UNMAP_SG, UNMAP_DECIMAL, UNMAP_BYTES])
@pytest.mark.parametrize("sg", [SG_OLD, SG_CAPPED, SG_DECIMAL, SG_BYTES])
def test_sg_is_a_batch_of_requests_in_every_format(run, sg, unmap):
    got = run(line(sg) + line(unmap))
    assert got.requests() == [("map", 0x1000, 0x1000, 0x1000, TO | MORE), ("map", 0x9000, 0x20000, 0x9000, TO),
                              ("unmap", 0x1000, 0x1000, 0x1000, TO | MORE), ("unmap", 0x9000, 0x20000, 0x9000, TO)]
    unparsed = (sg is SG_BYTES) + (unmap is UNMAP_BYTES)
    got.counts(**({"sg_unparsed": unparsed} if unparsed else {}))


def test_truncated_sg_counts_what_is_not_known_and_is_ended_by_its_whole_list(run):
    got = run(line(f"dma_map_sg: {DEV} dir=TO_DEVICE nents=2/4 ents=2/3 [TRUNCATED] dma_addrs={{0x1000,0x9000}} sizes={{0x1000,0x1000}} "
                   "phys_addrs={0x1000,0x9000} attrs=") +
              line(f"dma_unmap_sg: {DEV} dir=TO_DEVICE phys_addrs={{0x1000,0x9000,0xa000,0xc000}} attrs="))
    assert [r[0] for r in got.requests()] == ["map", "map", "unmap", "unmap"]
    got.counts(sg_truncated=1, sg_elements_unknown=1)
    assert "1 elements are missing" in got.info["meta"]["assumed"]


def test_merged_sg_has_its_dma_segments_as_requests(run):
    got = run(line(f"dma_map_sg: {DEV} dir=TO_DEVICE dma_addrs={{0x1000}} sizes={{0x3000}} phys_addrs={{0x1000,0x2000,0x3000}} attrs=") +
              line(f"dma_unmap_sg: {DEV} dir=TO_DEVICE phys_addrs={{0x1000,0x2000,0x3000}} attrs="))
    assert got.requests() == [("map", 0x1000, 0x3000, 0x1000, TO), ("unmap", 0x1000, 0x3000, 0x1000, TO)]
    got.counts(sg_merged=1)


def test_two_sg_lists_of_the_same_first_page_are_told_apart_by_their_length(run):
    one = f"dma_map_sg: {DEV} dir=TO_DEVICE dma_addrs={{0x1000}} sizes={{0x200}} phys_addrs={{0x1000}} attrs="
    got = run(line(SG_OLD) + line(one) + line(UNMAP_SG) + line(f"dma_unmap_sg: {DEV} dir=TO_DEVICE phys_addrs={{0x1000}} attrs="))
    assert [r[2] for r in got.requests()] == [0x1000, 0x20000, 0x200, 0x1000, 0x20000, 0x200]
    got.counts()


def test_failed_sg_has_a_failed_request_for_each_page(run):
    got = run(line(f"dma_map_sg_err: {DEV} dir=TO_DEVICE dma_addrs={{0x1000,0x9000}} err=-12 attrs="))
    assert [(e["gpa"], e["status"], e["iova"], e["flags"]) for e in got.events] == [("0x1000", -12, NO_IOVA, TO | MORE), ("0x9000", -12, NO_IOVA, TO)]
    got.counts(maps_failed=2)


# ---- a DMA layer above the kernel's own ----

def test_double_report_is_collapsed_to_one_request(run):
    got = run(page(0x5000) + page(0xc0000000, phys=0x5000) + unmap_page(0x5000) + unmap_page(0xc0000000))
    assert got.requests() == [("map", 0x5000, 4096, 0x5000, BOTH), ("unmap", 0x5000, 4096, 0x5000, BOTH)]
    got.counts(double_reports_collapsed=2)


def test_map_of_another_task_is_no_double_report(run):
    got = run(page(0x5000) + page(0xc0000000, phys=0x5000, prefix="  other-77 [000] ..... "))
    assert len(got.requests()) == 2
    got.counts()


# ---- what is no request ----

@pytest.mark.parametrize("event", [
    f"dma_sync_single_for_cpu: {DEV} dir=TO_DEVICE dma_addr=1000 size=4096", f"dma_sync_single_for_device: {DEV} dir=TO_DEVICE dma_addr=1000 size=4096",
    f"dma_sync_sg_for_cpu: {DEV} dir=TO_DEVICE dma_addrs={{0x1000}} sizes={{0x1000}}", f"dma_sync_sg_for_device: {DEV} dir=TO_DEVICE dma_addrs={{}} sizes={{}}",
])
def test_sync_is_ignored_and_counted(run, event):
    got = run(page() + line(event))
    assert len(got.events) == 1
    got.counts(syncs_ignored=1)


@pytest.mark.parametrize("event, count", [
    ("map: IOMMU: iova=0x0000000000001000 - 0x0000000000002000 paddr=0x0000000000005000 size=4096", "iommu_ignored"),
    ("unmap: IOMMU: iova=0x0000000000001000 - 0x0000000000002000 size=4096 unmapped_size=4096", "iommu_ignored"),
    ("attach_device_to_domain: IOMMU: device=0000:01:00.0", "events_other"),
    (f"swiotlb_bounced: dev_name: {DEV} dma_mask=ffffffff dev_addr=1000 size=4096 FORCE", "swiotlb_bounced"),
    ("sched_switch: prev_comm=a prev_pid=1 ==> next_comm=b", "events_other"),
    ("map: something else", "events_other"),
])
def test_other_event_is_ignored_and_counted(run, event, count):
    got = run(page() + line(event))
    assert len(got.events) == 1
    got.counts(**{count: 1})


# ---- iommu:map and iommu:unmap ----

def iommu_map(start, end, paddr, event="map"):
    return line(f"{event}: IOMMU: iova=0x{start:016x} - 0x{end:016x} paddr=0x{paddr:016x} size={end - start}")


def iommu_unmap(start, end):
    return line(f"unmap: IOMMU: iova=0x{start:016x} - 0x{end:016x} size={end - start} unmapped_size={end - start}")


@pytest.fixture
def mappings(build, tmp_path):
    def go(text):
        source, out = tmp_path / "iommu.txt", tmp_path / "iommu.egt"
        source.write_text(text)
        done = subprocess.run([build / "egpu-trace", "import", "ftrace", source, "--iommu", "--force", "-o", out], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        got = Imported(build, out, done.stderr)
        return got, [(e["kind"], int(e["gpa"], 16), e["len"], int(e["iova"], 16), e["seq"]) for e in got.events]

    return go


def test_iommu_events_become_mappings_on_request(mappings):
    got, events = mappings(iommu_map(0x1000, 0x3000, 0x9000) + iommu_map(0x3000, 0x4000, 0x5000, "iommu:map") + iommu_unmap(0x1000, 0x4000))
    assert events[:2] == [("map", 0x9000, 0x2000, 0x1000, 1), ("map", 0x5000, 0x1000, 0x3000, 2)]
    assert sorted(events[2:]) == [("unmap", 0x5000, 0x1000, 0x3000, 3), ("unmap", 0x9000, 0x2000, 0x1000, 3)]
    got.counts(iommu_maps=2, iommu_unmaps=2)
    assert "no device" in got.info["meta"]["assumed"]


def test_iommu_unmap_of_a_part_or_of_nothing_is_counted(mappings):
    got, events = mappings(iommu_map(0x1000, 0x3000, 0x9000) + iommu_unmap(0x1000, 0x2000) + iommu_unmap(0x8000, 0x9000))
    assert [e[0] for e in events] == ["map"]
    got.counts(iommu_maps=1, iommu_unmaps_unmatched=2)


def test_iommu_map_at_the_end_of_the_address_space(mappings):
    text = line("map: IOMMU: iova=0xfffffffffffff000 - 0x0000000000000000 paddr=0x0000000000005000 size=4096")
    assert mappings(text)[1] == [("map", 0x5000, 4096, 2**64 - 4096, 1)]


@pytest.mark.parametrize("fields", ["iova=0x1000 paddr=0x5000 size=4096", "iova=0x2000 - 0x1000 paddr=0x0 size=1", "iova=0x0 - 0x0 paddr=0x0 size=0",
                                    "iova=0x1000 - 0x2000 size=4096", "iova=- - - paddr=0x0", "iova=0x1000 - 0x1000 paddr=0x0 size=0"])
def test_malformed_iommu_map_is_counted(mappings, fields):
    got = mappings(iommu_map(0x1000, 0x2000, 0) + line(f"map: IOMMU: {fields}"))[0]
    got.counts(iommu_maps=1, lines_malformed=1)


def test_iommu_events_alone_without_the_option_say_which_option_helps(build, tmp_path):
    source = tmp_path / "t.txt"
    source.write_text(iommu_map(0x1000, 0x2000, 0))
    done = subprocess.run([build / "egpu-trace", "import", "ftrace", source, "-o", tmp_path / "o.egt"], capture_output=True, text=True)
    assert done.returncode == 1 and "--iommu" in done.stderr


@pytest.mark.parametrize("event, kind, value", [
    ("tracing_mark_write: frame 12", "frame", 12), ("print: tracing_mark_write: frame 12", "frame", 12), ("ftrace:print: frame 12", "frame", 12),
    ("tracing_mark_write: frame 18446744073709551615", "frame", 2**64 - 1),
    ("tracing_mark_write: frame 18446744073709551616", "mark", "frame 18446744073709551616"),
    ("tracing_mark_write: frame 12 of 13", "mark", "frame 12 of 13"), ("tracing_mark_write: level: two", "mark", "level: two"),
    ("tracing_mark_write: " + "x" * 9000, "mark", "x" * 4095),
])
def test_trace_marker(run, event, kind, value):
    got = run(line(event))
    assert [(e["kind"], e.get("frame", e.get("text"))) for e in got.events] == [(kind, value)]


@pytest.mark.parametrize("marker, count", [("CPU:1 [LOST 12 EVENTS]", 12), ("CPU:1 [LOST EVENTS]", 0), ("CPU:0 [7 EVENTS DROPPED]", 7),
                                           ("CPU:0 [EVENTS DROPPED]", 0)])
def test_loss_marker_is_a_gap(run, marker, count):
    got = run(page() + marker + "\n" + unmap_page(t="10.5"))
    assert got.kinds() == ["req_map", "gap", "req_unmap"]
    assert (got.events[1]["count"], got.events[1]["t_ns"]) == (count, 10000001000)
    expected = {"source_loss_markers": 1, "source_events_lost": count}
    got.counts(**{k: v for k, v in expected.items() if v})


def test_overwritten_events_are_read_from_the_header(run):
    got = run("# tracer: nop\n#\n# entries-in-buffer/entries-written: 100/250   #P:2\n" + page())
    got.counts(source_events_overwritten=150)


# ---- lines that make no sense ----

@pytest.mark.parametrize("text", ["hello\n", "[000]\n", "-1 [0] 1.0: x\n", "CPU:x [LOST 3 EVENTS]\n", "CPU:1 [LOST -3 EVENTS]\n", " a-1 [000] ..... 1.1234567890: e: x\n",
                                  " a-1 [000] ..... 99999999999999999999.1: e: x\n", " a-1 [000] ..... 1.5: :\n", "\xff\xfe\n", "a [0] [1] [2\n"])
def test_line_of_no_known_shape_is_counted(run, text):
    got = run(page() + text)
    assert len(got.events) == 1
    got.counts(lines_unknown=1)


@pytest.mark.parametrize("event", [
    "dma_map_page:", f"dma_map_page: {DEV}", f"dma_map_page: {DEV} dir=TO_DEVICE dma_addr=1000 size=4096 attrs=",
    f"dma_map_page: {DEV} dir=TO_DEVICE dma_addr=xyz size=4096 phys_addr=1000 attrs=", f"dma_map_page: {DEV} dir=TO_DEVICE dma_addr=1000 size=0 phys_addr=1000 attrs=",
    f"dma_map_page: {DEV} dir=TO_DEVICE dma_addr=1000 size=-1 phys_addr=1000 attrs=", f"dma_map_page: {DEV} dir=TO_DEVICE dma_addr=1000 size=4096 phys_addr=fffffffffffff800 attrs=",
    f"dma_map_page: {DEV} dir=TO_DEVICE dma_addr=10000000000000000 size=4096 phys_addr=0 attrs=", f"dma_map_page: {DEV} dir=TO_DEVICE dma_addr=1000 size=99999999999999999999 phys_addr=1000 attrs=",
    f"dma_map_page: {'d' * 300} dir=TO_DEVICE dma_addr=1000 size=4096 phys_addr=1000 attrs=", f"dma_unmap_page: {DEV} dma_addr=", f"dma_alloc: {DEV} dma_addr=1000 size=0",
    f"dma_free: {DEV} size=12", f"dma_map_sg: {DEV} dma_addrs={{}} sizes={{}} phys_addrs={{}}", f"dma_map_sg: {DEV} dma_addrs={{0x1000 sizes={{0x1000}} phys_addrs={{0x1000}}",
    f"dma_map_sg: {DEV} dma_addrs={{0x1000}} sizes={{0x1000,0x1000}} phys_addrs={{0x1000}}", f"dma_map_sg: {DEV} dma_addrs={{0x1000,0x2000}} sizes={{0x1000,0x1000}} phys_addrs={{0x1000}}",
    f"dma_map_sg: {DEV} dma_addrs={{0x1000}} sizes={{0x0}} phys_addrs={{0x1000}}", f"dma_map_sg: {DEV} dma_addrs={{,}} sizes={{0x1000}} phys_addrs={{0x1000}}",
    f"dma_map_sg: [FAILED TO PARSE] device={DEV} phys_addrs=ARRAY[00, 10] dma_addrs=ARRAY[00, 10] lengths=ARRAY[00, 10]",
    f"dma_map_sg: [FAILED TO PARSE] device={DEV} phys_addrs=ARRAY[100] dma_addrs=ARRAY[zz] lengths=ARRAY[", "dma_map_sg: [FAILED TO PARSE] phys_addrs=ARRAY[]",
    f"dma_unmap_sg: {DEV} phys_addrs={{}}", f"dma_unmap_sg: {DEV}", f"dma_map_page: {DEV} " + "a=1 " * 30,
])
def test_dma_event_that_makes_no_sense_is_counted(run, event):
    got = run(page(0x7000) + line(event))
    assert len(got.events) == 1
    unparsed = got.account.pop("sg_unparsed")
    assert unparsed == ("FAILED" in event)
    got.counts(lines_malformed=1)


def test_line_that_is_too_long_is_skipped_and_the_next_is_read(run):
    longest = 1 << 20
    fits = line("tracing_mark_write: " + "y" * 100).rstrip("\n")
    got = run(page() + "x" * (longest + 1) + "\n" + page(0x2000) + "x" * (3 * longest) + "\n" + fits + "z" * (longest - len(fits)) + "\n" + "x" * (2 * longest))
    assert got.kinds() == ["req_map", "req_map", "mark"]
    got.counts(lines_too_long=3)


def test_crlf_and_missing_last_newline_are_accepted(run):
    got = run(page().replace("\n", "\r\n") + unmap_page().rstrip("\n"))
    assert got.kinds() == ["req_map", "req_unmap"]
    got.counts()


# ---- files ----

def fail(build, tmp_path, source, **kwargs):
    out = tmp_path / "failed.egt"
    done = subprocess.run([build / "egpu-trace", "import", "ftrace", source, "-o", out], capture_output=True, timeout=120, **kwargs)
    assert done.returncode == 1
    assert not out.exists() and len(done.stderr.splitlines()) == 1
    return done.stderr.decode()


def test_gzip_of_several_members_is_read_and_hashed_as_it_lies(run):
    data = gzip.compress(page().encode()) + gzip.compress(unmap_page().encode())
    got = run(data, "t.gz")
    assert got.kinds() == ["req_map", "req_unmap"]
    assert got.info["meta"]["origin"] == f"ftrace text, t.gz, sha256 {hashlib.sha256(data).hexdigest()}"


@pytest.mark.parametrize("size", [0, 1, 55, 56, 63, 64, 65, 119, 1000000])
def test_sha256_is_right_at_every_padding(run, size):
    data = page().encode() + b"#" * size
    assert run(data).info["meta"]["origin"].endswith(hashlib.sha256(data).hexdigest())


def test_standard_input_is_read(build, tmp_path):
    out = tmp_path / "out.egt"
    done = subprocess.run([build / "egpu-trace", "import", "ftrace", "-", "-o", out], input=gzip.compress(page().encode()), capture_output=True, timeout=60)
    assert done.returncode == 0
    got = Imported(build, out, done.stderr)
    assert got.kinds() == ["req_map"]
    assert got.info["meta"]["origin"].startswith("ftrace text, standard input, sha256 ")


@pytest.mark.parametrize("cut", [3, 15, -1, -9])
def test_gzip_that_ends_early_is_an_error(build, tmp_path, cut):
    path = tmp_path / "t.gz"
    path.write_bytes(gzip.compress(page().encode() * 50)[:cut])
    assert "end early" in fail(build, tmp_path, path)


def test_damaged_gzip_is_an_error(build, tmp_path):
    data = bytearray(gzip.compress(os.urandom(5000)))
    data[2000] ^= 0xff
    path = tmp_path / "t.gz"
    path.write_bytes(data)
    assert "damaged" in fail(build, tmp_path, path)


@pytest.mark.parametrize("name, content", [("empty", b""), ("lines", b"\n\n"), ("text", b"hello\nworld\n"), ("zeros", bytes(100000)),
                                           ("noise", random.Random(5).randbytes(100000))], ids=lambda v: v if isinstance(v, str) else "")
def test_file_without_any_event_is_an_error(build, tmp_path, name, content):
    path = tmp_path / name
    path.write_bytes(content)
    assert "is it ftrace text?" in fail(build, tmp_path, path)


def test_missing_file_is_an_error_and_overwrites_nothing(build, tmp_path):
    out = tmp_path / "old.egt"
    (tmp_path / "t.txt").write_text(page())
    subprocess.run([build / "egpu-trace", "import", "ftrace", tmp_path / "t.txt", "-o", out], check=True, capture_output=True)
    before = out.read_bytes()
    for options in ([], ["--force"]):
        done = subprocess.run([build / "egpu-trace", "import", "ftrace", tmp_path / "nope", "-o", out, *options], capture_output=True, text=True)
        assert done.returncode == 1 and "No such file" in done.stderr
    done = subprocess.run([build / "egpu-trace", "import", "ftrace", tmp_path / "t.txt", "-o", out], capture_output=True, text=True)
    assert done.returncode == 1 and "exists" in done.stderr
    assert out.read_bytes() == before


def test_long_import_shows_progress_on_a_terminal_only(build, tmp_path):
    path = tmp_path / "t.txt"
    path.write_text(page() * 20000)
    command = [build / "egpu-trace", "import", "ftrace", path, "--force", "-o", tmp_path / "out.egt"]
    assert b"% read" not in subprocess.run(command, capture_output=True, check=True).stderr
    ours, theirs = pty.openpty()
    subprocess.run(command, stderr=theirs, check=True)
    os.close(theirs)
    seen = b""
    try:
        while chunk := os.read(ours, 65536):
            seen += chunk
    except OSError:
        pass
    assert b"% read" in seen


# ---- the real recording ----

@pytest.fixture(scope="session")
def real(build, root, tmp_path_factory):
    out = tmp_path_factory.mktemp("real") / "real.egt"
    source = root / "datasets" / "dma-6.12-virtio-gpu-nvme-e1000e.ftrace.gz"
    done = subprocess.run([build / "egpu-trace", "import", "ftrace", source, "-o", out], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return Imported(build, out, done.stderr)


def test_real_recording_gives_the_known_peaks(real):
    live, count, size, peak_count, peak_size = {}, 0, 0, 0, 0
    for kind, gpa, length, iova, _ in real.requests():
        key = (gpa, length, iova)
        if kind == "map":
            live[key] = live.get(key, 0) + 1
            count, size = count + 1, size + length
        else:
            live[key] -= 1
            assert live[key] >= 0
            count, size = count - 1, size - length
        peak_count, peak_size = max(peak_count, count), max(peak_size, size)
    assert (peak_count, peak_size, count) == (9915, 312861362, 1940)


def test_real_recording_accounts_for_every_line(real):
    account = real.account
    assert (account["lines"], account["sg_truncated"], account["requests_live_at_end"], account["frames"]) == (133743, 76, 1940, 30)
    for zero in ("lines_unknown", "lines_malformed", "lines_too_long", "events_other", "unmaps_unmatched", "unmaps_size_differs", "maps_failed",
                 "source_events_lost", "source_events_overwritten", "double_reports_collapsed", "events_dropped"):
        assert account[zero] == 0, zero
    assert [d["name"] for d in real.info["devices"]] == ["0000:00:01.0", "0000:00:03.0", "0000:00:02.0"]


def test_real_recording_names_its_source_by_sum(real, root):
    readme = (root / "datasets" / "README.md").read_text()
    data = (root / "datasets" / "dma-6.12-virtio-gpu-nvme-e1000e.ftrace.gz").read_bytes()
    sha = hashlib.sha256(data).hexdigest()
    assert sha in readme and sha in real.info["meta"]["origin"]
    assert real.info["meta"]["provenance"] == "imported"
    assert "started" not in real.info["meta"] and "host" not in real.info["meta"]


def test_real_recording_has_unmaps_that_mirror_their_batches(real):
    open_batch = 0
    for kind, *_, flags in real.requests():
        open_batch = open_batch + 1 if flags & MORE else 0
        assert open_batch < 65536
    assert open_batch == 0
