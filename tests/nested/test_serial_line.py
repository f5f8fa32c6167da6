# SPDX-License-Identifier: MIT OR GPL-2.0-only
"""Commands to L2 over a line that loses bytes both ways: each is done once, in order, and what it says and its status come back whole."""
import os
import pathlib
import random
import subprocess
import threading

import pytest

HERE = pathlib.Path(__file__).resolve().parent
COMMANDS = 25
LINE = "  command {} says this in a line that is likely to lose a byte and then says some more"


def lossy(source, sink, loss, rng):
    """@source's bytes to @sink, but each with probability @loss."""
    while data := os.read(source, 4096):
        os.write(sink, bytes(b for b in data if rng.random() >= loss))
    os.close(sink)


@pytest.mark.parametrize("loss", [0, 0.01])
def test_each_command_is_done_once_and_answered(tmp_path, loss):
    (tmp_path / "commands").write_text("".join(f"say {n}\n" for n in range(COMMANDS)))
    (tmp_path / "say").write_text(f"""say() {{
        echo $1 >>done
        echo "{LINE.format('$1')}"
        return $(($1 % 3))
    }}""")
    to_relay, host_out = os.pipe()
    guest_in, from_relay = os.pipe()
    back_to_relay, guest_out = os.pipe()
    host_in, back_from_relay = os.pipe()
    guest = subprocess.Popen(["busybox", "sh", "-c", f"said=said; exec 3<&0; . ./say; . {HERE}/l2commands"], cwd=tmp_path, stdin=guest_in, stdout=guest_out)
    host = subprocess.Popen(["busybox", "sh", "-c", f""". {HERE}/functions
        exec 6>&{host_out} 7<&{host_in}
        cr=$(printf '\\r') l2_number=0 l2_patience=600 l2_hears=0.2
        while read -r line; do l2_do "$line" || exit 9; done <{tmp_path}/commands"""], stdout=subprocess.PIPE, text=True, pass_fds=(host_out, host_in))
    for fd in (guest_in, guest_out, host_out, host_in):
        os.close(fd)
    rng = random.Random(1)
    relays = [threading.Thread(target=lossy, args=(*ends, loss, rng), daemon=True) for ends in ((to_relay, from_relay), (back_to_relay, back_from_relay))]
    for relay in relays:
        relay.start()
    try:
        said = host.communicate(timeout=300)[0]
    finally:
        host.kill()
        guest.kill()
        guest.wait()
    assert host.returncode == 0, said
    assert (tmp_path / "done").read_text().split() == [str(n) for n in range(COMMANDS)]
    assert [line for line in said.splitlines() if line.startswith("  ")] == [LINE.format(n) for n in range(COMMANDS)]
    statuses = [int(line.split()[1]) for line in said.splitlines() if line.startswith("l2= ")]
    assert statuses == [n % 3 for n in range(COMMANDS)], said
