#!/bin/sh
# SPDX-License-Identifier: MIT OR GPL-2.0-only
# initrd.sh KERNEL OUT PLAYER - make OUT/initrd.img and OUT/vmlinuz: busybox, the modules built in OUT, the workload player, /init.
set -eu

kernel=$1
out=$2
player=$3
here=$(cd "$(dirname "$0")" && pwd)
release=$(cat "$kernel/release")
tree=$out/initrd
busybox=/bin/busybox
[ -e "$busybox" ] || busybox=/usr/bin/busybox

rm -rf "$tree"
mkdir -p "$tree/bin" "$tree/dev" "$tree/proc" "$tree/sys" "$tree/tmp" "$tree/modules"
cp "$busybox" "$tree/bin/busybox"
cp "$player" "$tree/bin/player"
cp "$here/init" "$tree/init"
chmod 755 "$tree/init" "$tree/bin/player"
cp "$out/egpu_dma.ko" "$out/egpu_gpu.ko" "$tree/modules"
strip --strip-debug "$tree"/modules/egpu_*.ko "$tree/bin/player"

# a module in Debian's kernels: how the workload gets in
fw_cfg=$(find "$kernel/lib/modules/$release" -name 'qemu_fw_cfg.ko*')
case $fw_cfg in
*.xz) xz -dc "$fw_cfg" >"$tree/modules/qemu_fw_cfg.ko" ;;
*.ko) cp "$fw_cfg" "$tree/modules/" ;;
esac

(cd "$tree" && find . | LC_ALL=C sort | cpio --quiet -o -H newc -R 0:0 | gzip -1 -n) >"$out/initrd.part"
rm -rf "$tree"
cp "$kernel/vmlinuz" "$out/vmlinuz"
mv "$out/initrd.part" "$out/initrd.img"
