# SPDX-License-Identifier: MIT OR GPL-2.0-only
"""The format is what trace(5) says: an independent reader, written from the manual page alone, and golden files of every version."""
import json
import re
import sqlite3
import struct
import subprocess
import zlib


FIXED = {3: 1, 4: 2, 5: 4, 6: 8}


def lz4_block(data, size):
    out, i = bytearray(), 0
    while i < len(data):
        token, i = data[i], i + 1
        length = token >> 4
        if length == 15:
            while True:
                length, i = length + data[i], i + 1
                if data[i - 1] != 255:
                    break
        out += data[i:i + length]
        i += length
        if i == len(data):
            break
        distance, i = data[i] | data[i + 1] << 8, i + 2
        length = token & 15
        if length == 15:
            while True:
                length, i = length + data[i], i + 1
                if data[i - 1] != 255:
                    break
        for _ in range(length + 4):
            out.append(out[-distance])
    assert len(out) == size
    return bytes(out)


def varint(data, i):
    value = shift = 0
    while True:
        value |= (data[i] & 0x7f) << shift
        shift, i = shift + 7, i + 1
        if not data[i - 1] & 0x80:
            return value, i


def unzigzag(v):
    return v >> 1 ^ -(v & 1)


MAGNITUDES = [(i, 0) for i in range(8)] + [((4 + m) << bits, bits) for bits in range(1, 62) for m in range(4)]


def huffman_lengths(body, i):
    used, i = varint(body, i)
    lengths, symbol = {}, -1
    for _ in range(used):
        gap, length, i = body[i] >> 4, body[i] & 15, i + 1
        if gap == 15:
            more, i = varint(body, i)
            gap += more
        symbol += gap + 1
        lengths[symbol] = length
    return lengths, i


def huffman_codes(lengths):
    """{(length, bits as they come): symbol}: canonical, by length and symbol."""
    codes, code, last = {}, 0, 0
    for symbol, length in sorted(lengths.items(), key=lambda item: (item[1], item[0])):
        code <<= length - last
        last = length
        codes[length, code] = symbol
        code += 1
    return codes


def residues(body, i, rows, dictionary, codes):
    stream, at, out = int.from_bytes(body[i:], "little"), 0, []
    while len(out) < rows:
        code = length = 0
        while (length, code) not in codes:
            code, length, at = code << 1 | (stream >> at & 1), length + 1, at + 1
            assert length <= 12
        symbol = codes[length, code]
        if symbol < 128:
            base, bits = dictionary[symbol], 0
        elif symbol < 380:
            base, bits = MAGNITUDES[symbol - 128]
        else:
            base, bits = 1 << (symbol - 380), symbol - 380
        value = base + (stream >> at & ((1 << bits) - 1))
        at += bits
        out += [value] if symbol < 380 else [out[-1]] * value
    assert len(out) == rows and (at + 7) // 8 == len(body) - i
    return out


def coded(body, rows, others, times):
    predictor, shift, i = body[0], body[1], 2
    if predictor in (3, 5):
        other, window, i = others[body[2]], body[3], 4
    base, i = varint(body, i)
    dictionary, (count, i) = [], varint(body, i)
    for _ in range(count):
        entry, i = varint(body, i)
        dictionary.append(entry)
    lengths, i = huffman_lengths(body, i)
    differences = [unzigzag(r) << shift for r in residues(body, i, rows, dictionary, huffman_codes(lengths))]
    out, step, offsets = [], 0, {}
    for n, d in enumerate(differences):
        if predictor == 0:
            value = base + d
        elif predictor in (3, 5):
            key = other[n] >> window & 16383
            offsets[key] = offsets.get(key, base) + d
            value = (other[n] if predictor == 3 else 0) + offsets[key]
        elif predictor == 4:
            step = d + (step if n else base)
            value = times[n] + step
        else:
            step = d if predictor == 1 else step + d
            value = (out[-1] if out else base) + step
        out.append(value % 2**64)
    return out


def split(body, rows, others, kinds):
    steps, other, shift, i = body[0], body[1], body[2], 3
    classes = [o >> shift & 255 for o in (kinds if other == 255 else others[other])]
    assert steps in (0, 1) and len(classes) == rows
    sizes = []
    for c in sorted(set(classes)):
        encoding, (size, i) = body[i], varint(body, i + 1)
        assert encoding < 8
        sizes.append((c, encoding, size))
    columns = {}
    for c, encoding, size in sizes:
        columns[c] = column(encoding, body[i:i + size], classes.count(c))
        i += size
    assert i == len(body)
    out, at, last = [], dict.fromkeys(columns, 0), dict.fromkeys(columns, 0)
    for c in classes:
        x = columns[c][at[c]]
        at[c] += 1
        out.append(((out[-1] if out else 0) + x - last[c]) % 2**64 if steps else x)
        last[c] = x
    return out


def references(refs, number, kinds):
    """For each event of the kind of column @number the row of the one of the kind before that it undoes, or None."""
    kind, maps, out = number // 16, 0, []
    for k in kinds:
        maps += k == kind - 1
        if k == kind:
            ref = refs[len(out)]
            assert ref <= maps
            out.append(maps - ref if ref else None)
    assert kind in (6, 8)
    return out


def undo(body, refs, gpas, undone):
    sizes, i = [], 0
    first = [n for n, ref in enumerate(refs) if ref is None]
    for rows in (len(first), len(refs) - len(first)):
        if rows:
            encoding, (size, i) = body[i], varint(body, i + 1)
            sizes.append((encoding, size))
    columns = [[], []]
    for c, rows in enumerate((len(first), len(refs) - len(first))):
        if rows:
            encoding, size = sizes.pop(0)
            assert encoding < 8
            columns[c] = column(encoding, body[i:i + size], rows, [[gpas[n] for n in first]] if c == 0 and gpas else None)
            i += size
    assert i == len(body)
    return [columns[0].pop(0) if ref is None else (columns[1].pop(0) + undone[ref]) % 2**64 for ref in refs]


def column(encoding, body, rows, others=None, times=None, kinds=None):
    if encoding == 8:
        return split(body, rows, others, kinds)
    if encoding == 7:
        return coded(body, rows, others, times)
    if encoding in FIXED:
        width = FIXED[encoding]
        assert len(body) == rows * width
        return [int.from_bytes(body[i * width:(i + 1) * width], "little") for i in range(rows)]
    values, i = [], 0
    for _ in range(1 if encoding == 0 else rows):
        value, i = varint(body, i)
        values.append(value)
    assert i == len(body)
    if encoding == 0:
        return values * rows
    if encoding == 1:
        last = 0
        for n, v in enumerate(values):
            values[n] = last = (last + unzigzag(v)) % 2**64
        return values
    assert encoding == 2
    return values


def read_chunk(row):
    """The events of a row of the chunk table as [t_ns, kind, device, status, args], and the encodings it uses, with the predictor of 7, the steps of 8."""
    id_, first, events, t_min, t_max, kind_events, codec, raw_bytes, checksum, data = row
    numbers = struct.pack("<7q", id_, first, events, t_min, t_max, codec, raw_bytes)
    assert zlib.crc32(numbers + kind_events.encode() + data) == checksum
    raw = lz4_block(data, raw_bytes) if codec == 1 else data
    per_kind = {int(k): n for k, n in json.loads(kind_events).items()}
    entries, (count, i) = [], varint(raw, 0)
    for _ in range(count):
        number, i = varint(raw, i)
        encoding, i = raw[i], i + 1
        size, i = varint(raw, i)
        entries.append((number, encoding, size))
    columns, used, at = {}, set(), i
    for number, encoding, size in entries:  # what others refer to comes behind them
        if number >= 16 and number % 16 == 15:
            columns[number] = column(encoding, raw[at:at + size], per_kind[number // 16])
        at += size
    for number, encoding, size in entries:
        used.add((encoding, raw[i] if encoding in (7, 8) else None))
        if encoding == 9:
            refs = columns.get(number | 15, [0] * per_kind[number // 16])
            columns[number] = undo(raw[i:i + size], references(refs, number, columns[0]), columns.get(number & ~15) if number & 15 else None, columns.get(number - 16, [0] * events))
            i += size
            continue
        others = [columns.get(number // 16 * 16 + a, [0] * events) for a in range(number % 16)]
        times = [t for k, t in zip(columns[0], columns[1]) if k == number // 16] if number >= 16 else None
        columns[number] = column(encoding, raw[i:i + size], events if number < 16 else per_kind[number // 16], others, times,
                                 columns[0] if 0 < number < 16 else None)
        i += size
    assert i == len(raw)
    kinds, times = columns[0], columns[1]
    assert (min(times), max(times)) == (t_min, t_max)
    seen, out = {}, []
    for n, kind in enumerate(kinds):
        at = seen[kind] = seen.get(kind, -1) + 1
        args = [columns[16 * kind + a][at] if 16 * kind + a in columns else 0 for a in range(6)]
        status = unzigzag(columns[3][n]) if 3 in columns else 0
        out.append([times[n], kind, columns[2][n] if 2 in columns else 0, status, args])
    return out, used


def row_crc(*values):
    """Checksum of a row of format 1.1."""
    data = b""
    for v in values:
        if v is None:
            data += b"\0"
        elif isinstance(v, int):
            data += b"\1" + struct.pack("<q", v)
        else:
            data += b"\2" + struct.pack("<q", len(v.encode())) + v.encode()
    return zlib.crc32(data)


ROWS = {"meta": "key, value", "device": "id, name, identity", "string": "id, text", "account": "what, count, note",
        "chunk": "id, first_seq, events, t_min_ns, t_max_ns, kind_events, codec, raw_bytes, checksum",
        "checkpoint": "id, parts, until_ns, first_seq, events, t_min_ns, t_max_ns, kind_events, codec, raw_bytes, checksum"}


def check_rows(db):
    for table, columns in ROWS.items():
        sum_ = "head_checksum" if table in ("chunk", "checkpoint") else "checksum"
        for row in db.execute(f"SELECT {columns}, {sum_} FROM {table}"):
            assert row_crc(*row[:-1]) == row[-1], (table, row)


def read_trace(path):
    with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as db:
        assert db.execute("PRAGMA application_id").fetchone()[0] == 0x45475054
        version = db.execute("PRAGMA user_version").fetchone()[0]
        assert version // 100 == 1
        if version >= 101:
            check_rows(db)
        rows = db.execute("SELECT id, first_seq, events, t_min_ns, t_max_ns, kind_events, codec, raw_bytes, checksum, data "
                          "FROM chunk ORDER BY id").fetchall()
        devices = dict(db.execute("SELECT id, name FROM device"))
        strings = dict(db.execute("SELECT id, text FROM string"))
    events, encodings, seq = [], set(), 0
    for row in rows:
        assert row[1] == seq
        more, used = read_chunk(row)
        events += more
        encodings |= used
        seq += row[2]
    return events, encodings, devices, strings


def as_dumped(value, strings):
    if isinstance(value, str) and value.startswith("0x"):
        return int(value, 16)
    if isinstance(value, str):
        return next(i for i, text in strings.items() if text == value)
    return value


def check_against_dump(build, path):
    events, encodings, devices, strings = read_trace(path)
    dump = subprocess.check_output([build / "egpu-trace", "dump", "--json", path], text=True).splitlines()
    assert len(dump) == len(events)
    for line, (t_ns, _, device, status, args) in zip(dump, events):
        e = json.loads(line)
        assert (e.pop("t_ns"), e.pop("device"), e.pop("status")) == (t_ns, devices.get(device), status)
        e.pop("kind")
        # arguments stand in order; an unused one in between (of ram_unmap) is 0
        assert [as_dumped(v, strings) for v in e.values() if v != 0] == [a for a in args if a]
    return encodings


def test_reader_written_from_the_manual_reads_every_kind_and_encoding(build, root, sample):
    used = set().union(*[check_against_dump(build, path) for path in [sample, *golden(root)]])
    assert {encoding for encoding, _ in used} == set(range(10))
    assert {(7, 4), (7, 5)} <= used  # the predictors that came with 1.2
    assert {(8, 0), (8, 1)} <= used  # what came with 1.3


def golden(root):
    return sorted((root / "tests/tracer").glob("golden-*.egt"))


def events_of(path):
    """What a golden file holds, as dumped; golden.json has what those before 1.2 do."""
    own = path.with_suffix(".json")
    return (own if own.exists() else path.with_name("golden.json")).read_bytes()


def test_golden_files_of_every_version_are_read(build, root):
    assert [p.name for p in golden(root)][0] == "golden-1.0.egt"
    for path in golden(root):
        assert subprocess.run([build / "egpu-trace", "verify", path]).returncode == 0
        dump = subprocess.check_output([build / "egpu-trace", "dump", "--json", path])
        assert dump == events_of(path), f"{path.name} is no longer read as it was"


def test_sample_is_written_as_the_golden_file_of_this_version(build, root, sample):
    ours = subprocess.check_output([build / "egpu-trace", "dump", "--json", sample])
    assert ours == events_of(golden(root)[-1])
    assert read_trace(sample)[0] == read_trace(golden(root)[-1])[0]


def live_set(events):
    live = []
    for e in events:
        _, kind, device, status, args = e
        if kind in (5, 7) and status == 0:
            live.append(e)
        elif kind in (6, 8) and status == 0:
            ended = [n for n, m in enumerate(live) if (m[1], m[2], m[4][:3]) == (kind - 1, device, args[:3])]
            if ended:
                del live[ended[-1]]
    return live


def test_golden_checkpoint_is_what_was_live(build, root):
    path = root / "tests/tracer/golden-1.2.egt"
    with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as db:
        row, = db.execute("SELECT id, first_seq, events, t_min_ns, t_max_ns, kind_events, codec, raw_bytes, checksum, data FROM checkpoint")
    events = read_trace(path)[0]
    live, _ = read_chunk(row)
    assert live and live == live_set(events[:row[1]])
    assert 0 < row[1] < len(events)


def test_manual_names_every_kind(build, root):
    done = subprocess.run([build / "egpu-trace", "dump", "--kind", "?", "x"], capture_output=True, text=True)
    kinds = done.stderr.splitlines()[-1].split()
    assert len(kinds) >= 17
    manual = (root / "tracer/trace.5").read_text()
    for kind in kinds:
        assert re.search(rf"\b{kind}\b", manual), f"trace(5) does not name {kind}"
