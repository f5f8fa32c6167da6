#!/bin/sh
# SPDX-License-Identifier: MIT OR GPL-2.0-only
# demo.sh BUILD OUT: the whole journey on the simulated GPU: record a guest, replay its requests through other policies, plot.
set -eu
build=$1 out=$2
policy=window:log2=18
mkdir -p "$out"

step() { printf '\n\033[1m%s\033[0m\n' "$*"; }

step "1. Record: a Debian guest under stock QEMU drives the GPU that egpu-run passes through; its module coalesces with $policy."
"$build/egpu-run" --trace "$out/demo.egt" --force --policy $policy --workload datasets/workloads/demo.workload --console "$out/console.log"

step "2. The trace: every BAR access, DMA request, mapping and interrupt."
"$build/egpu-trace" info "$out/demo.egt"

step "3. Replay: the same requests through other policies against the simulated DART."
set -- --policy direct --policy window:log2=16 --policy $policy --policy window:log2=20 --policy window:log2=22
"$build/egpu-replay" "$out/demo.egt" "$@"

step "4. Pictures."
"$build/egpu-report" "$out/demo.egt" "$@" -o "$out"
