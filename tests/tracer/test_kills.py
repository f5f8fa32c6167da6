# SPDX-License-Identifier: MIT OR GPL-2.0-only
"""Recorders killed at random times, from before they have a file to long after."""
import json
import random
import subprocess
import time

KILLS = 200


def check(build, path):
    """Return: events of the trace, all of which must be there from the first on."""
    done = subprocess.run([build / "egpu-trace", "verify", path], capture_output=True, text=True)
    assert done.returncode == 0 and ", 0 damaged" in done.stdout, done.stdout + done.stderr
    lines = subprocess.run([build / "egpu-trace", "dump", "--json", path], capture_output=True, text=True, check=True).stdout.splitlines()
    frames = [json.loads(line)["frame"] for line in lines]
    assert frames == list(range(len(frames)))
    return len(frames)


def test_recorders_killed_at_random_times_leave_sound_traces(build, tmp_path):
    random.seed(5090)
    with_events = 0
    for n in range(KILLS):
        path = tmp_path / f"{n}.egt"
        p = subprocess.Popen([build / "tests/tracer/test_recorder", "emit", path, "1", "20"])
        try:
            time.sleep(random.uniform(0, 0.06))
        finally:
            p.kill()
            p.wait()
        if path.exists():
            with_events += check(build, path) > 0
        # the next recorder is not held up by what the dead one left
        for left in tmp_path.iterdir():
            left.unlink()
    assert with_events > KILLS / 4
