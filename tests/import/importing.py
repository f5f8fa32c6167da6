# SPDX-License-Identifier: MIT OR GPL-2.0-only
"""What the tests of the importers share."""
import json
import subprocess


class Imported:
    """A trace that an importer made."""

    def __init__(self, build, path, stderr):
        self.path = path
        self.stderr = stderr
        self.info = json.loads(subprocess.check_output([build / "egpu-trace", "info", "--json", path]))
        self.meta = self.info["meta"]
        self.account = {a["what"]: a["count"] for a in self.info["account"]}
        dump = subprocess.check_output([build / "egpu-trace", "dump", "--json", path], text=True)
        self.events = [json.loads(line) for line in dump.splitlines()]

    def kinds(self):
        return [e["kind"] for e in self.events]

    def fields(self, *names):
        """Those fields of each event, addresses as numbers."""
        return [tuple(int(e[n], 16) if str(e[n]).startswith("0x") else e[n] for n in names) for e in self.events]

    def requests(self):
        """(kind, gpa, len, iova, flags) of each request."""
        return [(e["kind"][4:], int(e["gpa"], 16), e["len"], int(e["iova"], 16), e["flags"]) for e in self.events if e["kind"].startswith("req_")]

    def counters(self, quiet):
        return {k: v for k, v in self.account.items() if v and k not in quiet}


def importer(build, tmp_path, *arguments):
    """Import text or bytes and expect it to work."""
    def go(data, *more, name="input"):
        source = tmp_path / name
        source.write_bytes(data if isinstance(data, bytes) else data.encode())
        out = tmp_path / "out.egt"
        done = subprocess.run([build / "egpu-trace", "import", arguments[0], source, *arguments[1:], *more, "--force", "-o", out],
                              capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, done.stderr
        return Imported(build, out, done.stderr)

    return go


def failure(build, tmp_path, data, *arguments, status=1, name="input"):
    """Import and expect one line of error and no trace; returns the line."""
    source = tmp_path / name
    source.write_bytes(data if isinstance(data, bytes) else data.encode())
    out = tmp_path / "failed.egt"
    done = subprocess.run([build / "egpu-trace", "import", arguments[0], source, *arguments[1:], "-o", out], capture_output=True, text=True, timeout=120)
    assert done.returncode == status, done.stderr
    assert not out.exists() and len(done.stderr.splitlines()) == (1 if status == 1 else 2)
    return done.stderr


def mutations(data, random, rounds):
    """Copies of data with bytes changed, doubled, removed, or cut off."""
    for _ in range(rounds):
        out = bytearray(data)
        for _ in range(random.randint(1, 12)):
            at = random.randrange(len(out)) if out else 0
            what = random.randrange(6)
            if what == 0 and out:
                out[at] = random.randrange(256)
            elif what == 1 and out:
                out[at:at + random.randint(1, 40)] = b""
            elif what == 2:
                out[at:at] = out[at:at + random.randint(1, 200)]
            elif what == 3:
                out[at:at] = random.choice([b"\0", b",", b"-", b"0x", b"18446744073709551615", b"ffffffffffffffff", b"\n", b"\xff" * 8, b"%s", b":", b" "])
            elif what == 4 and random.random() < 0.2:
                del out[at:]
            elif out:
                out[at] ^= 1 << random.randrange(8)
        yield bytes(out)


def survives(build, tmp_path, data, *arguments):
    """Import anything: it works, or fails with one line; never a crash, and a trace that was made verifies."""
    source, out = tmp_path / "input", tmp_path / "fuzzed.egt"
    source.write_bytes(data)
    done = subprocess.run([build / "egpu-trace", "import", arguments[0], source, *arguments[1:], "--force", "-o", out], capture_output=True, timeout=60)
    assert done.returncode in (0, 1), (done.returncode, done.stderr[-2000:])
    assert b"Sanitizer" not in done.stderr and b"runtime error" not in done.stderr, done.stderr[-3000:]
    if done.returncode == 0:
        assert subprocess.run([build / "egpu-trace", "verify", out], capture_output=True).returncode == 0
    return done.returncode
