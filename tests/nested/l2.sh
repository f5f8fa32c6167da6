#!/bin/sh
# SPDX-License-Identifier: MIT OR GPL-2.0-only
# l2.sh KERNEL KBUILD OUT [MODULE…] - OUT/vmlinuz and OUT/initrd.img of a guest with busybox, egpu_dma.ko from KBUILD, and the kernel's MODULEs with all
#   that they need (loaded in that order; e.g. e1000e virtio-gpu virtio_pci).
set -eu

kernel=$1
kbuild=$2
out=$3
shift 3
here=$(cd "$(dirname "$0")" && pwd)
release=$(cat "$kernel/release")
tree=$out/tree.$$
trap 'rm -rf "$tree"' EXIT
mkdir -p "$tree/bin" "$tree/dev" "$tree/proc" "$tree/sys" "$tree/tmp" "$tree/modules"
cp "$(command -v busybox)" "$tree/bin/busybox"
cp "$here/l2init" "$tree/init"
cp "$here/l2commands" "$tree"
chmod 755 "$tree/init"
cp "$kbuild/egpu_dma.ko" "$tree/modules"
strip --strip-debug "$tree/modules/egpu_dma.ko"
: >"$tree/modules/order"

add() { # module $1 after what it depends on
	local found name need
	grep -qx "$1.ko" "$tree/modules/order" && return 0
	found=$(find "$kernel/lib/modules/$release" -name "$1.ko*" -o -name "$(echo "$1" | tr _ -).ko*" | head -n 1)
	[ "$found" ] || return 0 # built in
	name=$(basename "$found")
	name=${name%%.ko*}
	case $found in
	*.xz) xz -dc "$found" >"$tree/modules/$name.ko" ;;
	*) cp "$found" "$tree/modules/$name.ko" ;;
	esac
	for need in $(modinfo -F depends "$tree/modules/$name.ko" | tr , ' '); do
		add "$need"
	done
	grep -qx "$name.ko" "$tree/modules/order" || echo "$name.ko" >>"$tree/modules/order"
}

for module; do
	add "$module"
done
(cd "$tree" && find . | LC_ALL=C sort | cpio --quiet -o -H newc -R 0:0 | gzip -1 -n) >"$out/initrd.part"
mv "$out/initrd.part" "$out/initrd.img"
cp "$kernel/vmlinuz" "$out/vmlinuz"
