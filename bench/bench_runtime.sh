#!/bin/sh
# SPDX-License-Identifier: MIT OR GPL-2.0-only
# bench_runtime.sh - what egpu-run costs: BAR round trips, map and unmap by each way, and an nvme's throughput in a guest through egpu-run beside plain
#   vfio-pci, in the same nested machine (tests/nested/README.md; TCG in TCG, so only the ratios mean something). Takes six minutes. BUILD: the build folder.
set -eu

build=${BUILD:-build}
root=$(cd "$(dirname "$0")/.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mib=8

"$build/bench/bench_bar"
echo
"$build/bench/bench_map"
echo
dd if=/dev/urandom of="$work/disk" bs=1M count=$mib 2>/dev/null
machine=$(cd "$root/tests/nested" && python3 -c 'import snapshot; print(*snapshot.MACHINE)')
cat >"$work/commands" <<'EOF2'
echo 1 >/sys/bus/pci/rescan
driven 1b36:0010
n=0; until [ -e /dev/nvme0n1 ] || [ $n = 100 ]; do sleep 0.2; n=$((n+1)); done
timed() { s=$(cut -d' ' -f1 /proc/uptime); dd if=/dev/nvme0n1 of=/dev/null bs=1M 2>&1 | grep out; echo RATE $s $(cut -d' ' -f1 /proc/uptime); echo 3 >/proc/sys/vm/drop_caches; }
timed
timed
timed
drop 1b36:0010
EOF2
{
	cat <<EOF2
bdf=\$(address_of 1b36:0010)
cat >/tmp/commands <<'END'
$(cat "$work/commands")
END
through() { # through NAME OPTION…: a guest's nvme through egpu-run
	name=\$1
	shift
	\$EGPU_RUN --device vfio:\$bdf --serve /run/s --once --quiet "\$@" &
	run=\$!
	wait_for /run/s/gpu.sock
	echo "WAY \$name"
	l2 /tmp/commands $machine -device '{"driver":"vfio-user-pci","addr":"5","socket":{"type":"unix","path":"/run/s/gpu.sock"}}'
	wait \$run
}
echo "WAY vfio-pci"
l2 /tmp/commands $machine -device vfio-pci,host=\$bdf,addr=5
through mapped
through trapped --trace-bars all
through traced --trace /tmp/t.egt
EOF2
} >"$work/script"
DISK=$work/disk SNAPSHOT=$build/nested/6.1.snap python3 "$root/tests/nested/l1.py" "$build" "$work/script" nvme >"$work/out" ||
	{ cat "$work/out"; exit 1; }
echo "nvme, $mib MiB read in a guest inside the nested machine, best of 3; ratio to plain vfio-pci"
awk -v mib=$mib '/^WAY / { way = $2 } /records out/ { whole = $1 == mib "+0" }
	/^RATE / && whole { rate = mib * 1.048576 / ($3 - $2); if (rate > best[way]) best[way] = rate }
	END { n = split("vfio-pci mapped trapped traced", order, " "); for (i = 1; i <= n; i++) if (!best[order[i]]) exit 1; else printf "%-12s %8.2f MB/s  %.2f\n", order[i], best[order[i]], best[order[i]] / best["vfio-pci"] }' "$work/out" ||
	{ cat "$work/out"; exit 1; }
