#!/bin/sh
# SPDX-License-Identifier: MIT OR GPL-2.0-only
# Builds and runs bench_core. CC= and BUILD= as for make.
set -e
cd "$(dirname "$0")/.."
BUILD=${BUILD:-build}
mkdir -p "$BUILD/bench"
"${CC:-gcc}" -I. -std=gnu11 -O2 -Wall -Wextra -Werror bench/bench_core.c runtime/core/*.c -o "$BUILD/bench/bench_core"
exec "$BUILD/bench/bench_core"
