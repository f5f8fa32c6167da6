#!/bin/sh
# SPDX-License-Identifier: MIT OR GPL-2.0-only
# arm64.sh BUILD DEPS - all that arm64.py needs, unpacked privately (about 520 MB in DEPS): QEMU, a cross compiler, Debian's 6.1 kernel; and built
# with these in BUILD/guest/arm64: vmlinuz, initrd.img, modules/*.ko (modules for tests).
set -eu
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
mkdir -p "$1/guest/arm64/modules" "$2"
build=$(cd "$1" && pwd)
deps=$(cd "$2" && pwd)
out=$build/guest/arm64
work=$build/kbuild/arm64
suite=$(. /etc/os-release && echo "$VERSION_CODENAME")

"$root/runtime/setup/fetch.sh" "$deps/qemu-arm" "trixie trixie-backports" qemu-system-arm
"$root/runtime/setup/fetch.sh" "$deps/cross-arm64" "$suite" gcc-12-aarch64-linux-gnu libc6-dev-arm64-cross
"$root/runtime/setup/kernel.sh" 6.1 "$deps" arm64
kernel=$deps/kernel-6.1-arm64

# the compiler is looked up by name, and runs on its own libraries
lib=$deps/cross-arm64/usr/lib/$(gcc -print-multiarch)
PATH=$deps/cross-arm64/usr/bin:$PATH
export PATH LD_LIBRARY_PATH="$lib"
"$root/runtime/guest/modules.sh" "$kernel" "$work" ARCH=arm64 CROSS_COMPILE=aarch64-linux-gnu-
rm -rf "$work.test"
cp -r "$here/modules" "$work.test"
make -C "$kernel/build" M="$work.test" ARCH=arm64 CROSS_COMPILE=aarch64-linux-gnu- CONFIG_DEBUG_INFO_BTF_MODULES= modules >"$work.test/build.log" 2>&1 || {
	cat "$work.test/build.log" >&2
	exit 1
}
for module in "$work.test"/*.ko; do
	aarch64-linux-gnu-strip --strip-debug "$module" -o "$out/modules/$(basename "$module")"
done

# the compiler thinks that it lies in /usr
(cd "$root" && aarch64-linux-gnu-gcc-12 -I. -D_GNU_SOURCE -std=gnu11 -O2 -Wall -Wextra -Werror -isystem "$deps/cross-arm64/usr/aarch64-linux-gnu/include" \
	-B "$deps/cross-arm64/usr/aarch64-linux-gnu/lib" -L "$deps/cross-arm64/usr/aarch64-linux-gnu/lib" -static runtime/guest/player*.c -o "$work.test/player")
BUSYBOX=$kernel/bin/busybox STRIP=aarch64-linux-gnu-strip "$root/runtime/guest/initrd.sh" "$kernel" "$work" "$work.test/player" "$out"
