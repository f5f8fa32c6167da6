#!/bin/sh
# SPDX-License-Identifier: MIT OR GPL-2.0-only
# initrd.sh KERNEL MODULES PLAYER OUT - make OUT/initrd.img and OUT/vmlinuz: busybox, the modules built in MODULES, the player, /init.
set -eu

kernel=$1
modules=$2
player=$3
out=$4
here=$(cd "$(dirname "$0")" && pwd)
release=$(cat "$kernel/release")
tree=$modules/initrd
busybox=/bin/busybox
[ -e "$busybox" ] || busybox=/usr/bin/busybox

mkdir -p "$out"
rm -rf "$tree"
mkdir -p "$tree/bin" "$tree/dev" "$tree/proc" "$tree/sys" "$tree/tmp" "$tree/modules"
cp "$busybox" "$tree/bin/busybox"
cp "$player" "$tree/bin/player"
cp "$here/init" "$tree/init"
chmod 755 "$tree/init" "$tree/bin/player"
cp "$modules/egpu_dma.ko" "$modules/egpu_gpu.ko" "$tree/modules"
strip --strip-debug "$tree"/modules/egpu_*.ko "$tree/bin/player"

# a module in Debian's kernels: how the workload gets in
fw_cfg=$(find "$kernel/lib/modules/$release" -name 'qemu_fw_cfg.ko*')
case $fw_cfg in
*.xz) xz -dc "$fw_cfg" >"$tree/modules/qemu_fw_cfg.ko" ;;
*.ko) cp "$fw_cfg" "$tree/modules/" ;;
esac

(cd "$tree" && find . | LC_ALL=C sort | cpio --quiet -o -H newc -R 0:0 | gzip -1 -n) >"$modules/initrd.img"
rm -rf "$tree"
cp "$kernel/vmlinuz" "$out/vmlinuz"
mv "$modules/initrd.img" "$out/initrd.img"
