#!/bin/sh
# SPDX-License-Identifier: MIT OR GPL-2.0-only
# egpu's tracer beside LTTng-UST (Debian's packages, installed here if they are missing) and plain SQLite inserts, in one run on one machine.
# BUILD= as for make; TMPDIR= a folder on the disk to write to. Takes three minutes.
set -eu
cd "$(dirname "$0")/.."
BUILD=${BUILD:-build}
LTTNG_EVENTS=5000000 # of each of two emitters
EGPU_PACKAGES="lttng-tools liblttng-ust-dev babeltrace2 zstd" runtime/setup/packages.sh

dir=$(mktemp -d "${TMPDIR:-/tmp}/egpu-bench-XXXXXX")
sessiond=
end() {
	[ -z "$sessiond" ] || kill "$sessiond" 2>/dev/null || true
	rm -rf "$dir"
}
trap end EXIT
trap 'exit 1' INT TERM

say() { printf '%-10s %-20s %s\n' "$1" "$2" "$3" | tee -a "$dir/lines"; }
now() { date +%s.%N; }
per() { awk -v a="$1" -v b="$2" 'BEGIN { printf "%.3f", a / b }'; }

# ---- egpu and SQLite ----
"$BUILD/bench/bench_tracer" "$dir" | tee -a "$dir/lines"
if "$BUILD/egpu-trace" pack --help >/dev/null 2>&1 && "$BUILD/egpu-trace" pack "$dir/bench_tracer.egt" -o "$dir/packed.egt" >/dev/null 2>&1; then
	say egpu packed_per_event "$(per "$(stat -c %s "$dir/packed.egt")" 10000000)"
fi
say sqlite packed_per_event "$(per "$(zstd -3 -q -c "$dir/bench_tracer.db" | wc -c)" 800000)"
rm -f "$dir"/*.egt "$dir"/*.db

# ---- LTTng ----
cc=${CC:-gcc}
$cc -I. -std=gnu11 -O2 -g bench/lttng_peer.c -o "$dir/lttng_peer" "$BUILD/libegpu.a" -llttng-ust -ldl -pthread -lsqlite3 -llz4 -lz -lm
export LTTNG_HOME="$dir" LTTNG_UST_REGISTER_TIMEOUT=-1 LTTNG_UST_ALLOW_BLOCKING=1
if ! lttng --no-sessiond list >/dev/null 2>&1; then
	lttng-sessiond --no-kernel --daemonize --pidfile="$dir/sessiond.pid" >/dev/null 2>"$dir/sessiond.log" ||
		{ cat "$dir/sessiond.log" >&2; exit 1; }
	sessiond=$(cat "$dir/sessiond.pid")
fi
# session NAME CHANNEL-OPTIONS...: trace into $dir/NAME from now on
session() {
	name=$1
	shift
	lttng -q create "egpu-bench-$name" --output="$dir/$name" >/dev/null
	lttng -q enable-channel --userspace --session="egpu-bench-$name" --subbuf-size=4M --num-subbuf=4 "$@" bench >/dev/null
	lttng -q enable-event --userspace --session="egpu-bench-$name" --channel=bench 'egpu_bench:*' >/dev/null
	lttng -q start "egpu-bench-$name" >/dev/null
}
# count FOLDER: events in it
count() {
	babeltrace2 "$1" --component=sink.utils.counter --params=step=+0 | awk '/Event messages/ { gsub(",", ""); print $1 }'
}
session emit
"$dir/lttng_peer" emit | tee -a "$dir/lines"
lttng -q stop egpu-bench-emit >/dev/null
[ "$(count "$dir/emit")" = $((31 * 32768)) ] || echo "bench_tracer: LTTng lost events where its cost was measured: too cheap" >&2
lttng -q destroy egpu-bench-emit >/dev/null
rm -rf "$dir/emit"

session sustained --blocking-timeout=inf # nothing is lost: a full buffer makes the emitter wait, as egpu's does
start=$("$dir/lttng_peer" sustained "$LTTNG_EVENTS")
lttng -q stop egpu-bench-sustained >/dev/null
end_s=$(now)
events=$((2 * LTTNG_EVENTS))
say lttng sustained_per_s "$(awk -v a="$start" -v b="$end_s" -v n="$events" 'BEGIN { printf "%.0f", n / (b - a) }')"
lttng -q destroy egpu-bench-sustained >/dev/null
say lttng bytes_per_event "$(per "$(du -sb "$dir/sustained" | cut -f1)" "$events")"
say lttng packed_per_event "$(per "$(tar -C "$dir" -cf - sustained | zstd -3 -q -c | wc -c)" "$events")"
start=$(now)
babeltrace2 --output-format=dummy "$dir/sustained"
end_s=$(now)
say lttng decode_per_s "$(awk -v a="$start" -v b="$end_s" -v n="$events" 'BEGIN { printf "%.0f", n / (b - a) }')"
say lttng lost "$((events - $(count "$dir/sustained")))"

# ---- the demo: a guest is recorded, and what it did goes through LTTng at the same pace; again with random numbers in all registers; and what stock
# ---- drivers asked for (datasets/) ----
$cc -I. -std=gnu11 -O2 -g bench/random_values.c -o "$dir/random_values" "$BUILD/libegpu.a" -pthread -lsqlite3 -llz4 -lz -lm
"$BUILD/egpu-run" --tick 1 --trace "$dir/demo.egt" --policy window:log2=18 --workload datasets/workloads/demo.workload --json >/dev/null 2>&1
"$dir/random_values" "$dir/demo.egt" "$dir/random.egt" 1
"$dir/random_values" "$dir/demo.egt" "$dir/ticks.egt" 32 # as egpu-run tells times unless --tick says otherwise
"$BUILD/egpu-trace" import ftrace datasets/dma-6.12-virtio-gpu-nvme-e1000e.ftrace.gz -o "$dir/drivers.egt" 2>/dev/null
for what in demo random drivers; do
	session "$what" --blocking-timeout=inf
	events=$("$dir/lttng_peer" again "$dir/$what.egt")
	lttng -q stop "egpu-bench-$what" >/dev/null
	lttng -q destroy "egpu-bench-$what" >/dev/null
	[ "$(count "$dir/$what")" = "$events" ] || echo "bench_tracer: LTTng lost events of $what: too small" >&2
	say lttng "${what}_packed" "$(per "$(tar -C "$dir" -cf - "$what" | zstd -3 -q -c | wc -c)" "$events")"
	[ "$what" != random ] || say lttng ticks_packed "$(per "$(tar -C "$dir" -cf - "$what" | zstd -3 -q -c | wc -c)" "$events")"
	[ "$what" != demo ] || say lttng demo_per_event "$(per "$(du -sb "$dir/$what" | cut -f1)" "$events")"
done
# size NAME TRACE: bytes of the file per event
size() { say egpu "$1" "$(per "$(stat -c %s "$2")" "$("$BUILD/egpu-trace" sql --csv "$2" 'SELECT sum(events) FROM chunk' | tail -n 1)")"; }
size demo_per_event "$dir/demo.egt"
for what in demo random ticks drivers; do
	"$BUILD/egpu-trace" pack "$dir/$what.egt" >/dev/null
	size "${what}_packed" "$dir/$what.egt"
done

# ---- table ----
awk '
function v(who, what) { return (who, what) in x ? x[who, what] : "" }
function cell(n) { return n == "" ? "-" : n == 0 ? "0" : n >= 100000 ? sprintf("%.2f M", n / 1e6) : sprintf("%.1f", n) }
function ratio(a, b, more) { return a == "" || b == "" || a <= 0 || b <= 0 ? "-" : sprintf("%.1f", more ? a / b : b / a) }
function row(label, what, more) {
	printf "| %s | %s | %s | %s | %s | %s |\n", label, cell(v("egpu", what)), cell(v("lttng", what)), cell(v("sqlite", what)),
		ratio(v("egpu", what), v("lttng", what), more), ratio(v("egpu", what), v("sqlite", what), more)
}
{ x[$1, $2] = $3 }
END {
	print "\n| | egpu | LTTng-UST | SQLite inserts | egpu better than LTTng, times | than SQLite, times |"
	print "| --- | --- | --- | --- | --- | --- |"
	row("ns per event on the emitting thread, clock read included", "emit_with_clock_ns", 0)
	row("events/s, 2 emitters, to the file, nothing lost", "sustained_per_s", 1)
	row("events lost", "lost", 0)
	row("bytes per event", "bytes_per_event", 0)
	row("bytes per event, packed (egpu-trace pack; zstd -3 for the others)", "packed_per_event", 0)
	row("events/s decoded, one thread", "decode_per_s", 1)
	row("the demo, all digits of its times: bytes per event", "demo_per_event", 0)
	row("packed", "demo_packed", 0)
	row("packed, all register values random", "random_packed", 0)
	row("the same, the times in egpu-run\047s ticks of 32 ns", "ticks_packed", 0)
	row("what stock drivers of virtio-gpu, nvme and e1000e asked for, packed", "drivers_packed", 0)
	printf "\negpu without reading the clock: %.1f ns an event beyond making it; the clock alone: %.1f ns.\n", v("egpu", "emit_ns"), v("machine", "clock_ns")
	printf "Limits, on events of 64 bytes: memcpy %s events/s, LZ4 packs %s and unpacks %s events/s at %.1f bytes an event.\n",
		cell(v("memcpy", "events_per_s")), cell(v("lz4", "pack_per_s")), cell(v("lz4", "unpack_per_s")), v("lz4", "bytes_per_event")
}' "$dir/lines"
