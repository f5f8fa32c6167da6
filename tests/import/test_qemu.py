# SPDX-License-Identifier: MIT OR GPL-2.0-only
"""egpu-trace import qemu-log and qemu-simple: each event's exact format, three generations of prefixes, a real run under QEMU, hostile input."""
import collections
import gzip
import hashlib
import itertools
import random
import struct
import subprocess

import pytest

from importing import Imported, failure, importer, mutations, survives

DEV = "0000:01:00.0"
SOCK = "vfio-user:/run/a (b), region1:region2/x.sock"


@pytest.fixture
def run(build, tmp_path):
    return importer(build, tmp_path, "qemu-log")


# text of the event (the format begins with a space where there are two), kind and fields of what becomes of it
EVENTS = [
    (f"vfio_region_write  ({DEV}:region0+0x1004, 0xdeadbeef, 4)", "region_write", DEV, {"region": 0, "offset": "0x1004", "len": 4, "value": "0xdeadbeef"}),
    (f"vfio_region_read  ({DEV}:region2+0x8, 8) = 0xffffffffffffffff", "region_read", DEV,
     {"region": 2, "offset": "0x8", "len": 8, "value": "0xffffffffffffffff"}),
    (f"vfio_region_read  ({SOCK}:region0+0x0, 1) = 0x0", "region_read", SOCK, {"region": 0, "offset": "0x0", "len": 1, "value": "0x0"}),
    (f"vfio_pci_read_config  ({DEV}, @0x3d, len=0x1) 0x0", "region_read", DEV, {"region": 7, "offset": "0x3d", "len": 1, "value": "0x0"}),
    (f"vfio_pci_write_config  ({SOCK}, @0x4, 0x407, len=0x2)", "region_write", SOCK, {"region": 7, "offset": "0x4", "len": 2, "value": "0x407"}),
    (f"vfio_intx_interrupt  ({DEV}) Pin A", "irq", DEV, {"type": 0, "vector": 0, "delivered": 1}),
    (f"vfio_intx_interrupt  ({DEV}) Pin D", "irq", DEV, {"type": 0, "vector": 3, "delivered": 1}),
    (f"vfio_msi_interrupt  ({SOCK}) vector 2 0xfee01004/0x28", "irq", SOCK, {"type": 2, "vector": 2, "delivered": 1}),
    ("vfio_listener_region_add_ram region_add [ram] 0x100000000 - 0x17fffffff [0x7f7683fff000]", "ram_map", None,
     {"iova": "0x100000000", "len": 0x80000000, "offset": "0x0"}),
    ("vfio_listener_region_add_ram region_add [ram] 0x0 - 0x9ffff [(nil)]".replace("(nil)", "0x0"), "ram_map", None, {"iova": "0x0", "len": 0xa0000}),
    ("vfio_listener_region_del region_del 0x0 - 0xfffffff", "ram_unmap", None, {"iova": "0x0", "len": 0x10000000}),
    ("vfio_user_dma_map  iova 0xc0000 size 0x20000 off 0x5000 flags 0x3 async_ops 1", "ram_map", None,
     {"iova": "0xc0000", "len": 0x20000, "offset": "0x5000", "flags": 3}),
    ("vfio_user_dma_unmap  iova 0x0 size 0x10000000 flags 0x0 async_ops 1", "ram_unmap", None, {"iova": "0x0", "len": 0x10000000}),
    ("vfio_user_set_irqs  index 2 start 0 count 4 flags 0x24", "irq_config", None, {"type": 2, "start": 0, "count": 4, "flags": 0x24}),
    ("virtio_iommu_map domain=1 virt_start=0xfffff000 virt_end=0xffffffff phys_start=0x12340000 flags=3", "req_map", "virtio-iommu domain 1",
     {"gpa": "0x12340000", "len": 4096, "iova": "0xfffff000", "flags": 3}),
    ("vfio_iommu_map_notify iommu MAP @ 0x1000 - 0x2fff", "map", None, {"gpa": "0x0", "len": 0x2000, "iova": "0x1000", "seq": 1}),
]


@pytest.mark.parametrize("text, kind, device, fields", EVENTS, ids=[e[0].split()[0] + str(i) for i, e in enumerate(EVENTS)])
def test_event_in_its_exact_format(run, text, kind, device, fields):
    got = run(text + "\n")
    assert got.kinds() == [kind]
    assert got.events[0].get("device") == device
    assert {k: got.events[0][k] for k in fields} == fields
    assert got.account["lines_malformed"] == got.account["lines_unknown"] == 0


# 2025-08-19T20:14:16Z is 1755634456 s
@pytest.mark.parametrize("prefix, ns", [
    ("719585@1608130130.441188:", 1608130130441188000),
    ("2025-08-19T20:14:16.791413Z ", 1755634456791413000),
    ("2025-08-19T20:14:16.791413Z qemu-system-x86_64(1184284:main): ", 1755634456791413000),
    ("2025-08-19T20:14:16.791413Z [guest one] qemu-system-aarch64(1184284:CPU 0/TCG): ", 1755634456791413000),
    ("2024-02-29T00:00:00.000001Z ", 1709164800000001000),
])
def test_prefix_with_time(run, prefix, ns):
    got = run(f"{prefix}vfio_region_read  ({DEV}:region0+0x0, 4) = 0x1\n")
    assert [e["t_ns"] for e in got.events] == [ns]
    assert got.meta["clock"] == "CLOCK_REALTIME"


@pytest.mark.parametrize("prefix", ["", "qemu-system-x86_64(1184284:main): ", "[guest] qemu-system-x86_64(1:CPU 0/KVM): "])
def test_log_without_times_is_a_sequence_and_says_so(run, prefix):
    got = run(f"{prefix}vfio_region_read  ({DEV}:region0+0x0, 4) = 0x1\n" * 3)
    assert [e["t_ns"] for e in got.events] == [0, 1000, 2000]
    assert got.meta["clock"] == "sequence" and "no times" in got.meta["assumed"]


def test_untimed_event_in_a_timed_log_takes_the_time_before(run):
    event = f"vfio_region_read  ({DEV}:region0+0x0, 4) = 0x1\n"
    got = run("1@5.000000:" + event + event + "1@4.000000:" + event)
    assert [e["t_ns"] for e in got.events] == [5 * 10**9, 5 * 10**9, 4 * 10**9]
    assert got.account["lines_untimed"] == got.account["time_backwards"] == 1


def vmap(first, last, gpa, domain=1, flags=3):
    return f"virtio_iommu_map domain={domain} virt_start=0x{first:x} virt_end=0x{last:x} phys_start=0x{gpa:x} flags={flags}\n"


def vunmap(first, last, domain=1):
    return f"virtio_iommu_unmap domain={domain} virt_start=0x{first:x} virt_end=0x{last:x}\n"


def test_virtio_iommu_unmap_ends_all_maps_inside_its_range(run):
    got = run(vmap(0x1000, 0x1fff, 0xa000, flags=1) + vmap(0x2000, 0x3fff, 0xb000, flags=2) + vmap(0x8000, 0x8fff, 0xc000) + vunmap(0, 0x7fff))
    assert got.requests()[:3] == [("map", 0xa000, 0x1000, 0x1000, 1), ("map", 0xb000, 0x2000, 0x2000, 2), ("map", 0xc000, 0x1000, 0x8000, 3)]
    assert sorted(got.requests()[3:]) == [("unmap", 0xa000, 0x1000, 0x1000, 1), ("unmap", 0xb000, 0x2000, 0x2000, 2)]
    assert got.account["requests_live_at_end"] == 1


def test_virtio_iommu_unmap_of_the_whole_address_space_and_of_nothing(run):
    got = run(vunmap(0, 2**64 - 1) + vmap(0x1000, 0x1fff, 0xa000) + vunmap(0, 2**64 - 1) + vunmap(0x1000, 0x1fff))
    assert [r[0] for r in got.requests()] == ["map", "unmap"]
    assert got.account["unmaps_unmatched"] == 2


def test_virtio_iommu_unmap_that_touches_a_mapping_leaves_it(run):
    got = run(vmap(0x1000, 0x4fff, 0xa000) + vmap(0x6000, 0x6fff, 0xb000) + vunmap(0x3000, 0x6fff))
    assert got.requests()[2:] == [("unmap", 0xb000, 0x1000, 0x6000, 3)]
    assert got.account["unmaps_partial"] == 1


def test_domains_are_devices_of_their_own(run):
    got = run(vmap(0x1000, 0x1fff, 0xa000) + vmap(0x1000, 0x1fff, 0xb000, domain=7) + vunmap(0x1000, 0x1fff, domain=7))
    assert [e["device"] for e in got.events] == ["virtio-iommu domain 1", "virtio-iommu domain 7", "virtio-iommu domain 7"]
    assert got.account["requests_live_at_end"] == 1


def test_map_over_a_live_one_ends_it(run):
    got = run(vmap(0x1000, 0x1fff, 0xa000) + vmap(0x1000, 0x1fff, 0xb000))
    assert [r[0] for r in got.requests()] == ["map", "unmap", "map"]
    assert got.account["maps_replaced"] == 1


def notify(what, first, last):
    return f"vfio_iommu_map_notify iommu {what} @ 0x{first:x} - 0x{last:x}\n"


def test_notify_takes_the_gpa_of_the_request_that_covers_it(run):
    got = run(vmap(0x10000, 0x1ffff, 0xa0000) + notify("MAP", 0x11000, 0x11fff) + notify("UNMAP", 0, 2**64 - 1))
    assert [(e["kind"], e["gpa"], e["iova"], e["len"], e["seq"]) for e in got.events[1:]] == [
        ("map", "0xa1000", "0x11000", 4096, 1), ("unmap", "0xa1000", "0x11000", 4096, 2)]
    assert got.account["gpa_unknown"] == 0


def test_notify_of_a_second_container_is_collapsed(run):
    got = run((notify("MAP", 0x1000, 0x1fff) * 2) + notify("UNMAP", 0x1000, 0x1fff) * 2)
    assert got.kinds() == ["map", "unmap"]
    assert got.account["mappings_repeated"] == got.account["unmaps_unmatched"] == 1


def test_listener_and_vfio_user_saying_the_same_is_one_event(run):
    got = run("vfio_listener_region_add_ram region_add [ram] 0x0 - 0xffff [0x7f0000000000]\n"
              "vfio_user_dma_map  iova 0x0 size 0x10000 off 0x3000 flags 0x1 async_ops 1\n"
              "vfio_listener_region_add_ram region_add [ram] 0x20000 - 0x2ffff [0x7f0000000000]\n"
              "vfio_listener_region_del region_del 0x0 - 0xffff\n")
    assert [(e["kind"], e["iova"]) for e in got.events] == [("ram_map", "0x0"), ("ram_map", "0x20000"), ("ram_unmap", "0x0")]
    assert got.events[0]["offset"] == "0x3000"
    assert got.account["ram_repeated"] == 1


@pytest.mark.parametrize("enable, kind", [(f"vfio_msi_enable  ({DEV}) Enabled 4 MSI vectors", 1), (f"vfio_msix_enable  ({DEV})", 2),
                                          (f"vfio_msix_vector_do_use  ({DEV}) vector 0 used", 2)])
def test_type_of_interrupts_is_what_was_enabled(run, enable, kind):
    got = run(f"{enable}\nvfio_msi_interrupt  ({DEV}) vector 1 0xfee00000/0x4021\n")
    assert [(e["type"], e["vector"]) for e in got.events] == [(kind, 1)]
    assert got.account["irq_type_assumed"] == 0


@pytest.mark.parametrize("text, counter", [
    ("qemu-system-x86_64: warning: something happened", "lines_unknown"), ("", "lines_unknown"), ("CPU Reset (CPU 0)", "lines_unknown"),
    ("memory_region_ops_read cpu 0 mr 0x1 addr 0x2 value 0x3 size 1 name 'rtc'", "events_other"),
    ("vfio_user_region_rw  region 0 offset 0x10 count 4", "directionless"),
    (f"vfio_region_read  ({DEV}:region0+0x0, 4) = ", "lines_malformed"), (f"vfio_region_read  ({DEV}:region9+0x0, 4) = 0x1", "lines_malformed"),
    (f"vfio_region_read  ({DEV}:region0+0x0, 9) = 0x1", "lines_malformed"), ("vfio_region_read  (:region0+0x0, 4) = 0x1", "lines_malformed"),
    (f"vfio_region_read  ({DEV}:region0+0x10000000000000000, 4) = 0x1", "lines_malformed"), (f"vfio_region_read  ({DEV}:region0+0x0", "lines_malformed"),
    ("virtio_iommu_map domain=1 virt_start=0x2000 virt_end=0x1fff phys_start=0x0 flags=3", "lines_malformed"),
    ("virtio_iommu_map domain=1 virt_start=0x0 virt_end=0xffffffffffffffff phys_start=0x0 flags=3", "lines_malformed"),
    ("virtio_iommu_map domain=1 virt_start=0x0 virt_end=0x1fff phys_start=0xfffffffffffff000 flags=3", "lines_malformed"),
    ("vfio_iommu_map_notify iommu MOP @ 0x0 - 0xfff", "lines_malformed"), (f"vfio_intx_interrupt  ({DEV}) Pin E", "lines_malformed"),
    (f"vfio_msi_interrupt  ({DEV}) vector 2048 0x0/0x0", "lines_malformed"), ("vfio_user_set_irqs  index 5 start 0 count 1 flags 0x0", "lines_malformed"),
    ("vfio_region_read  (" + "x" * 5000 + ":region0+0x0, 4) = 0x1", "lines_malformed"), pytest.param("x" * (1 << 21), "lines_too_long", id="too-long"),
    ("2025-13-19T20:14:16.791413Z vfio_msix_enable  (a)", "lines_unknown"), ("99999999999999999999@1.0:vfio_msix_enable  (a)", "lines_unknown"),
])
def test_line_that_is_not_taken_is_counted(run, text, counter):
    got = run(f"vfio_region_read  ({DEV}:region0+0x0, 4) = 0x1\n{text}\n")
    assert len(got.events) == 1 and got.account[counter] == 1


def test_log_without_any_event_of_use_says_what_to_record(build, tmp_path):
    assert "-trace 'virtio_iommu_*'" in failure(build, tmp_path, "hello\n", "qemu-log")


# ---- a real run: what QEMU logs and what egpu-run records are the same ----

@pytest.fixture(scope="module")
def real(build, root, tmp_path_factory):
    folder = tmp_path_factory.mktemp("qemu")
    log, wrapper, trace = folder / "qemu.log", folder / "qemu.sh", folder / "run.egt"
    wrapper.write_text(f"#!/bin/sh\nexec {build / 'qemu-system-x86_64'} \"$@\" -trace 'vfio_*' -msg timestamp=on -D {log}\n")
    wrapper.chmod(0o755)
    done = subprocess.run([build / "egpu-run", "--trace", trace, "--memory", "256", "--timeout", "120", "--qemu", wrapper, "--guest", build / "guest",
                           "--workload", root / "datasets/workloads/small.workload"], capture_output=True, text=True, timeout=180)
    assert done.returncode == 0, done.stderr
    out = folder / "imported.egt"
    done = subprocess.run([build / "egpu-trace", "import", "qemu-log", log, "-o", out], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return Imported(build, out, done.stderr), Imported(build, trace, "")


def test_real_log_has_the_accesses_to_bars_that_egpu_run_recorded(real):
    def accesses(trace):
        by_device = collections.defaultdict(list)
        for e in trace.events:
            if e["kind"] in ("region_read", "region_write") and e["region"] != 7:
                by_device["companion" if "companion" in e["device"] else "gpu"].append((e["kind"], e["region"], e["offset"], e["len"], e["value"]))
        return by_device

    imported, recorded = accesses(real[0]), accesses(real[1])
    assert imported == recorded and len(recorded["gpu"]) > 100 and len(recorded["companion"]) > 100


def test_real_log_has_the_memory_and_interrupts_that_egpu_run_recorded(real):
    for kinds, fields in ((("ram_map", "ram_unmap"), ("kind", "iova", "len")), (("irq",), ("type", "vector")),
                          (("irq_config",), ("type", "start", "count", "flags"))):
        of = [collections.Counter(tuple(e[f] for f in fields) for e in t.events if e["kind"] in kinds) for t in real]
        assert of[0] == of[1] and sum(of[0].values()) > 5


def test_real_log_has_no_line_that_is_not_understood(real):
    assert all(real[0].account[a] == 0 for a in ("lines_malformed", "lines_unknown", "lines_untimed", "time_backwards", "irq_type_assumed"))


# ---- simple trace ----

HEAD = struct.pack("=QQQ", 2**64 - 1, 0xf2b177cb0aa429b4, 4)
NAMES = ["virtio_iommu_map", "vfio_region_read", "vfio_region_write", "something_else", "vfio_msi_interrupt", "vfio_user_dma_map"]


def mapping(event, name):
    return struct.pack("=QQI", 0, event, len(name)) + name.encode()


def record(event, t, *args, length=None, pid=77):
    data = b"".join(struct.pack("=I", len(a)) + a.encode() if isinstance(a, str) else struct.pack("=Q", a % 2**64) for a in args)
    return struct.pack("=QQQII", 1, event, t, 24 + len(data) if length is None else length, pid) + data


MAPPINGS = b"".join(mapping(10 + i, n) for i, n in enumerate(NAMES))
SIMPLE = HEAD + MAPPINGS + record(10, 1000, 1, 0x1000, 0x1fff, 0xa000, 3) + record(11, 2000, DEV, 0, 0x10, 4, 0xabcd) + record(13, 2500, 1, "x", 2) \
    + record(12, 3000, DEV, 2, 0x20, 0xffffffffffffffff, 8) + record(2**64 - 2, 3500, 42) + record(14, 4000, DEV, 3, 0xfee00000, 33)


@pytest.fixture
def simple(build, tmp_path):
    return importer(build, tmp_path, "qemu-simple")


def test_simple_trace_is_read(simple):
    got = simple(SIMPLE)
    assert got.kinds() == ["req_map", "region_read", "region_write", "gap", "irq"]
    assert [e["t_ns"] for e in got.events] == [1000, 2000, 3000, 3500, 4000]
    assert got.requests() == [("map", 0xa000, 0x1000, 0x1000, 3)]
    assert [(e["region"], e["offset"], e["len"], e["value"]) for e in got.events[1:3]] == [(0, "0x10", 4, "0xabcd"), (2, "0x20", 8, hex(2**64 - 1))]
    assert got.events[3]["count"] == got.account["source_events_lost"] == 42
    assert got.account["events_other"] == 1 and got.account["file_cut"] == 0
    assert got.meta["clock"] == "CLOCK_MONOTONIC" and "QEMU 11.1" in got.meta["assumed"]


@pytest.mark.parametrize("cut", [1, 8, 20, 33, 40])
def test_simple_trace_that_is_cut_off_gives_what_is_whole(simple, cut):
    got = simple(SIMPLE[:-cut])
    assert got.kinds() == ["req_map", "region_read", "region_write", "gap"]
    assert got.account["file_cut"] == 1 and "cut off" in got.meta["assumed"]


@pytest.mark.parametrize("bad", [record(11, 1, length=23), record(11, 1, length=2**32 - 1), struct.pack("=Q", 7), struct.pack("=QQI", 0, 1, 2**32 - 1)])
def test_hostile_length_ends_the_reading(simple, bad):
    got = simple(SIMPLE + bad + record(11, 9, DEV, 0, 0, 4, 1))
    assert len(got.events) == 5 and got.account["file_cut"] == 1


@pytest.mark.parametrize("bad", [record(11, 9), record(11, 9, DEV, 0, 0x10, 4), record(11, 9, DEV, 0, 0x10, 4, 1, 1), record(11, 9, 0, 0, 0x10, 4, 1),
                                 struct.pack("=QQQIII", 1, 11, 9, 24 + 4, 0, 0xffffffff), record(10, 9, 1, 5, 4, 0, 3)])
def test_record_with_other_arguments_is_counted_as_malformed(simple, bad):
    got = simple(SIMPLE + bad)
    assert len(got.events) == 5 and got.account["lines_malformed"] == 1


@pytest.mark.parametrize("head, says", [
    (b"text in words\n" * 3, "qemu-log"), (b"", "no simple trace"), (HEAD[:20], "no simple trace"),
    (struct.pack("=QQQ", 2**64 - 1, 0xf2b177cb0aa429b4, 3), "version 3"), (struct.pack(">QQQ", 2**64 - 1, 0xf2b177cb0aa429b4, 4), "byte order"),
    (HEAD, "nothing in it"), (HEAD + MAPPINGS, "nothing in it"),
])
def test_file_that_is_no_simple_trace_is_refused(build, tmp_path, head, says):
    assert says in failure(build, tmp_path, head, "qemu-simple")


def test_arguments_are_those_of_the_events_file(simple, tmp_path):
    events = tmp_path / "trace-events-all"
    events.write_text('# comment\nvfio_region_read(uint64_t data, const char *name, void *more, unsigned size, int index, uint64_t addr) "(%s)"\n'
                      'disable vfio_region_write(int x) "%d"\nfoo(void) "foo"\n')
    got = simple(HEAD + MAPPINGS + record(11, 5, 0xabcd, DEV, 0xffff, 4, 2, 0x30) + record(12, 6, 1), "--events", events)
    assert [(e["region"], e["offset"], e["len"], e["value"], e["device"]) for e in got.events] == [(2, "0x30", 4, "0xabcd", DEV)]
    assert got.account["lines_malformed"] == 1 and "QEMU 11.1" not in got.meta.get("assumed", "")


def test_events_file_without_a_known_event_is_refused(build, tmp_path):
    events = tmp_path / "e"
    events.write_text("foo(int a) \"%d\"\n")
    assert "trace-events-all" in failure(build, tmp_path, SIMPLE, "qemu-simple", "--events", events)


def test_installed_qemu_has_the_arguments_that_are_built_in(simple, root):
    events = root / ".deps/qemu/usr/share/qemu/trace-events-all"
    if not events.exists():
        pytest.skip("the private QEMU is not there")
    assert [e for e in simple(SIMPLE, "--events", events).events] == simple(SIMPLE).events


def test_mutated_logs_never_crash(variant, tmp_path):
    build, text = variant("asan"), "".join(f"719585@1608130130.44118{i % 10}:{e[0]}\n" for i, e in enumerate(EVENTS)).encode() + vunmap(0, 2**40).encode()
    assert sum(survives(build, tmp_path, data, "qemu-log") == 0 for data in mutations(text, random.Random(1), 80)) > 20


def test_mutated_simple_traces_never_crash(variant, tmp_path):
    assert sum(survives(variant("asan"), tmp_path, data, "qemu-simple") == 0 for data in mutations(SIMPLE, random.Random(2), 120)) > 20


# ---- the recording in datasets ----

def test_log_of_datasets_has_the_totals_of_its_readme(run, root):
    source = root / "datasets/qemu-11.1-vfio-user.log.gz"
    got = run(source.read_bytes())
    account = got.account
    assert hashlib.sha256(source.read_bytes()).hexdigest() in (root / "datasets/README.md").read_text()
    assert (account["records"], account["accesses"], account["ram"], account["ram_repeated"], account["interrupts"]) == (2168, 1723, 60, 60, 72)
    assert sum(e["kind"].startswith("region_") and e["region"] == 7 for e in got.events) == 344
    assert account["lines_malformed"] == account["lines_unknown"] == 0


def mappings_of(log):
    """What a virtio-iommu log says, read without the importer: (what, domain, iova, len, gpa, flags) in order; QEMU names each mapping that an unmap ends."""
    live, out = {}, []
    for words in (line.split() for line in log.splitlines()):
        if words[1] not in ("virtio_iommu_map", "virtio_iommu_unmap_done"):
            continue
        value = {k: int(v, 0) for k, v in (word.split("=") for word in words[2:] if "=" in word)}
        if words[1] == "virtio_iommu_map":
            key, rest = (value["domain"], value["virt_start"]), (value["virt_end"] - value["virt_start"] + 1, value["phys_start"], value["flags"])
            live[key] = rest
            out.append(("req_map", *key, *rest))
        else:
            key = value["domain"], value["virt_start"]
            out.append(("req_unmap", *key, *live.pop(key)))
    return out, live


def in_any_order_where_it_means_nothing(said):
    """One unmap may end many mappings, in QEMU's order or another: what stands between two maps is sorted."""
    return [item for kind, run in itertools.groupby(said, lambda item: item[0]) for item in (sorted(run) if kind == "req_unmap" else run)]


def test_log_of_a_guest_behind_virtio_iommu_is_read_as_qemu_means_it(run, root):
    source = root / "datasets/qemu-11.1-virtio-iommu.log.gz"
    got = run(source.read_bytes())
    said, live = mappings_of(gzip.decompress(source.read_bytes()).decode())
    assert hashlib.sha256(source.read_bytes()).hexdigest() in (root / "datasets/README.md").read_text()
    read = [(e["kind"], int(e["device"].split()[-1]), int(e["iova"], 0), e["len"], int(e["gpa"], 0), e["flags"] & 3) for e in got.events]
    assert in_any_order_where_it_means_nothing(read) == in_any_order_where_it_means_nothing(said)
    account = got.account
    assert (account["records"], account["requests_mapped"], account["requests_unmapped"], account["requests_live_at_end"]) == (8884, 3111, 3104, 7)
    assert len(live) == 7
    assert all(account[a] == 0 for a in ("lines_malformed", "lines_unknown", "maps_replaced", "unmaps_partial", "unmaps_unmatched"))
