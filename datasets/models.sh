#!/bin/sh
# SPDX-License-Identifier: MIT OR GPL-2.0-only
# models.sh BUILD OUT [NAME...]: play the game models in the real guest and replay what they asked for. A trace that is there is not made again.
set -eu
cd "$(dirname "$0")/.."
build=$1 out=$2
shift 2
[ $# -gt 0 ] || set -- cyberpunk-720p-low cyberpunk-1080p-high cyberpunk-1080p-rt-ultra cyberpunk-4k-rt-ultra tomb-raider crysis-remastered doom \
	horizon-zero-dawn
mkdir -p "$out"

play() {
	# one that no limit stops, so that all of it is in the trace
	dart=apple-tb4
	[ "$1" != horizon-zero-dawn ] || dart=unlimited
	echo "playing $1" >&2
	"$build/egpu-run" --workload "datasets/workloads/$1.workload" --dart $dart --policy window:log2=18 --trace "$out/$1.part" --force \
		--console "$out/$1.console" --guest "$build/guest" --qemu "$build/qemu-system-x86_64" --quiet
	mv "$out/$1.part" "$out/$1.egt"
}

for name; do
	[ -e "$out/$name.egt" ] || play "$name"
	"$build/egpu-trace" sql "$out/$name.egt" "SELECT '$name' AS model, round(100.0 * sum(len = 4096) / count(*), 1) AS percent_4_kib,
		round(100.0 * sum(t_ns < (SELECT min(t_ns) FROM event WHERE kind = 'frame')) / count(*), 1) AS percent_before_first_frame
		FROM event WHERE kind = 'req_map'"
	"$build/egpu-replay" "$out/$name.egt" --dart apple-tb4 --policy direct --policy window:log2=18 --policy grow \
		--policy grow:crowd=0 --policy grow:first=20,max=26 --policy offline:gap=18 --policy grow:keep=64 --policy lazy --policy budget --policy merge
done
