#!/bin/sh
# SPDX-License-Identifier: MIT OR GPL-2.0-only
# modules.sh KERNEL OUT [MAKE ARGUMENT…] - build the guest modules in OUT for a kernel that kernel.sh unpacked; log in OUT/build.log.
set -eu

kernel=$(cd "$1" && pwd)
mkdir -p "$2"
out=$(cd "$2" && pwd)
root=$(cd "$(dirname "$0")/../.." && pwd)
shift 2

# always from scratch, so that the log holds every file's warnings
rm -rf "$out"
mkdir -p "$out/core" "$out/include"
ln -sf "$root"/runtime/guest/egpu_*.[ch] "$root/runtime/guest/Kbuild" "$out"
ln -sf "$root"/runtime/core/*.c "$out/core"
ln -sfn "$root/runtime" "$out/include/runtime"

# A compiler named for our own programs (make CC=clang) is not for the kernel. BTF would need pahole, and the kernel's own vmlinux
echo "guest modules for $(cat "$kernel/release")"
if ! env -u MAKEFLAGS -u MFLAGS make -C "$kernel/build" M="$out" CONFIG_DEBUG_INFO_BTF_MODULES= "$@" modules >"$out/build.log" 2>&1; then
	cat "$out/build.log" >&2
	exit 1
fi
grep -i warning "$out/build.log" >&2 || true
