#!/bin/sh
# SPDX-License-Identifier: MIT OR GPL-2.0-only
# initrd.sh KERNEL MODULES PLAYER OUT - make OUT/initrd.img and OUT/vmlinuz: busybox, the modules built in MODULES, the player, /init.
# BUSYBOX= and STRIP= of another architecture.
set -eu

kernel=$1
modules=$2
player=$3
out=$4
here=$(cd "$(dirname "$0")" && pwd)
release=$(cat "$kernel/release")
tree=$modules/initrd
busybox=${BUSYBOX:-/bin/busybox}
[ -e "$busybox" ] || busybox=/usr/bin/busybox

mkdir -p "$out"
rm -rf "$tree"
mkdir -p "$tree/bin" "$tree/dev" "$tree/proc" "$tree/sys" "$tree/tmp" "$tree/modules"
cp "$busybox" "$tree/bin/busybox"
cp "$player" "$tree/bin/player"
cp "$here/init" "$tree/init"
chmod 755 "$tree/init" "$tree/bin/player"
cp "$modules/egpu_dma.ko" "$modules/egpu_gpu.ko" "$tree/modules"
"${STRIP:-strip}" --strip-debug "$tree"/modules/egpu_*.ko "$tree/bin/player"

# modules of Debian's kernels: how the workload gets in, and the virtual IOMMU that is no built-in (6.1 has none)
for name in qemu_fw_cfg virtio-iommu; do
	module=$(find "$kernel/lib/modules/$release" -name "$name.ko*")
	case $module in
	*.xz) xz -dc "$module" >"$tree/modules/$name.ko" ;;
	*.ko) cp "$module" "$tree/modules/" ;;
	esac
done

(cd "$tree" && find . | LC_ALL=C sort | cpio --quiet -o -H newc -R 0:0 | gzip -1 -n) >"$modules/initrd.img"
rm -rf "$tree"
cp "$kernel/vmlinuz" "$out/vmlinuz"
mv "$modules/initrd.img" "$out/initrd.img"
