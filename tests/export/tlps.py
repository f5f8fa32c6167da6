# SPDX-License-Identifier: MIT OR GPL-2.0-only
"""pcap files and PCI Express packets, read by the book (PCI Express Base Specification, chapter 2) and by nothing of egpu's."""
import struct

RECORD_KINDS_FROM = 0xFF00


def read_pcap(data):
    """(t_ns, bytes) of each packet of a pcap file with nanoseconds and link type USER0."""
    magic, major, minor, _, _, _, link = struct.unpack_from("<IHHiIII", data)
    assert (magic, major, minor, link) == (0xA1B23C4D, 2, 4, 147)
    at, out = 24, []
    while at < len(data):
        s, ns, kept, length = struct.unpack_from("<IIII", data, at)
        assert kept == length and ns < 10**9
        out.append((s * 10**9 + ns, data[at + 16:at + 16 + kept]))
        assert len(out[-1][1]) == kept
        at += 16 + kept
    return out


def enabled(first, last, dwords):
    """Offsets of the bytes that the enables choose."""
    if dwords == 1:
        assert last == 0, "one double word has no last enables"
        masks = [first]
    else:
        assert first and last
        masks = [first] + [15] * (dwords - 2) + [last]
    return [4 * i + b for i, mask in enumerate(masks) for b in range(4) if mask >> b & 1]


def decode(packet):
    """A packet as a dict; asserts everything the specification forbids."""
    fmt, kind = packet[0] >> 5, packet[0] & 0x1F
    dw = struct.unpack(">%dI" % (len(packet) // 4), packet)
    assert len(packet) % 4 == 0
    header, has_data = (4 if fmt & 1 else 3), bool(fmt & 2)
    length = dw[0] & 0x3FF or 1024
    assert dw[0] & 0x00FFFC00 == 0, "traffic class, digest, poison, attributes, address type"
    data = packet[4 * header:]
    if kind != 0x0A or has_data:
        assert len(data) == (4 * length if has_data else 0), (packet.hex(), header)
    p = {"data": data, "length": length, "requester": dw[1] >> 16, "tag": dw[1] >> 8 & 0xFF}
    if kind in (0x00, 0x04):
        p["enabled"] = enabled(dw[1] & 15, dw[1] >> 4 & 15, length)
    if kind == 0x00:
        address = dw[2] if header == 3 else dw[2] << 32 | dw[3]
        assert header == 3 or dw[2], "four double words only above 4 GiB"
        assert address & 3 == 0
        assert (address & 0xFFF) + 4 * length <= 4096, "crosses 4 KiB"
        p.update(type="MWr" if has_data else "MRd", address=address)
    elif kind == 0x04:
        assert header == 3 and length == 1 and dw[2] & 0xF003 == 0
        p.update(type="CfgWr0" if has_data else "CfgRd0", completer=dw[2] >> 16, register=dw[2] & 0xFFC)
    elif kind == 0x0A:
        assert header == 3 and dw[1] & 0xF000 == 0 and dw[2] & 0x80 == 0
        p.update(type="CplD" if has_data else "Cpl", completer=dw[1] >> 16, byte_count=dw[1] & 0xFFF, requester=dw[2] >> 16,
                 tag=dw[2] >> 8 & 0xFF, lower_address=dw[2] & 0x7F)
        assert has_data or dw[0] & 0x3FF == 0
        assert len(packet) == 12 + (4 * length if has_data else 0)
    elif kind >> 3 == 2:
        assert header == 4
        p.update(type="MsgD" if has_data else "Msg", routing=kind & 7, code=dw[1] & 0xFF, vendor=dw[2] & 0xFFFF, last=dw[3])
    else:
        raise AssertionError("packet of unknown type " + packet.hex())
    return p


def record(p):
    """What a Vendor_Defined message carries, by the manual's table."""
    version, kind, device, text_bytes, status, flags, *args = struct.unpack_from("<HHHHiI6Q", p["data"])
    assert version == 1
    text = p["data"][64:64 + text_bytes]
    assert len(text) == text_bytes and not any(p["data"][64 + text_bytes:]) and len(p["data"]) - 64 - text_bytes < 4
    return {"kind": kind, "device": device, "status": status, "flags": flags, "arg": args, "text": text.decode()}
