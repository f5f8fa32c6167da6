# SPDX-License-Identifier: MIT OR GPL-2.0-only
"""Golden totals: what each policy needs for each recording in datasets/. Run by golden.sh to write them anew."""
import json
import pathlib
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
FOLDER = pathlib.Path(__file__).resolve().parent
FIXTURES = sorted(ROOT.glob("datasets/*.ftrace.gz"))
POLICIES = ["direct", "window:log2=14", "window:log2=16", "window:log2=18", "window:log2=20", "window:log2=22", "window:log2=30",
            "grow:first=16,max=28,evidence=172,room=95,keep=0,crowd=64",
            "grow:first=16,max=28,evidence=172,room=95,keep=64,crowd=64", "lazy:log2=18,keep=64", "merge", "budget:share=8,min=14,max=24,keep=0"]
KEYS = ["requests", "peak_requests", "peak_request_bytes", "peak_mappings", "peak_mapped_bytes", "host_calls", "hits", "failures", "end_mappings"]
DART = "unlimited"


def name(fixture):
    return fixture.name.removesuffix(".ftrace.gz")


def golden_file(fixture):
    return FOLDER / (name(fixture) + ".json")


def run(*command):
    done = subprocess.run([str(c) for c in command], capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"{command[0]} failed: {done.stderr}")
    return done.stdout


def totals(build, fixture):
    """{policy: {key: number}} of a recording, by import and replay."""
    with tempfile.TemporaryDirectory() as folder:
        trace = pathlib.Path(folder) / "trace.egt"
        run(build / "egpu-trace", "import", "ftrace", fixture, "-o", trace)
        policies = [arg for policy in POLICIES for arg in ("--policy", policy)]
        rows = json.loads(run(build / "egpu-replay", trace, "--dart", DART, "--json", *policies))
    return {row["policy"]: {key: row[key] for key in KEYS} for row in rows}


def main():
    build = (ROOT / sys.argv[1]).resolve()
    for fixture in FIXTURES:
        golden_file(fixture).write_text(json.dumps(totals(build, fixture), indent=2) + "\n")
        print(golden_file(fixture).relative_to(ROOT))


if __name__ == "__main__":
    main()
