#!/bin/sh
# SPDX-License-Identifier: MIT OR GPL-2.0-only
# image.sh KERNEL QEMU BUILD OUT - what L1 boots from: OUT/vmlinuz, OUT/initrd.img (busybox, VFIO's modules), and OUT/payload.img (ext4: the private
#   QEMU with its libraries, our programs in BUILD with theirs).
set -eu

kernel=$1
qemu=$2
build=$3
out=$4
here=$(cd "$(dirname "$0")" && pwd)
release=$(cat "$kernel/release")
lib=$qemu/usr/lib/$(gcc -print-multiarch)
tree=$out/tree.$$
trap 'rm -rf "$tree"' EXIT
mkdir -p "$out"

module() { # put module $1 into the tree, and into the order of loading
	found=$(find "$kernel/lib/modules/$release" -name "$1.ko*" | head -n 1)
	[ "$found" ] || return 0
	case $found in
	*.xz) xz -dc "$found" >"$tree/modules/$1.ko" ;;
	*) cp "$found" "$tree/modules/$1.ko" ;;
	esac
	echo "$1.ko" >>"$tree/modules/order"
}

initrd() {
	mkdir -p "$tree/bin" "$tree/dev" "$tree/proc" "$tree/sys" "$tree/modules"
	cp "$(command -v busybox)" "$tree/bin/busybox"
	cp "$here/init" "$tree/init"
	chmod 755 "$tree/init"
	for name in qemu_fw_cfg irqbypass vfio vfio_virqfd vfio_iommu_type1 vfio-pci-core vfio-pci; do
		module $name
	done
	(cd "$tree" && find . | LC_ALL=C sort | cpio --quiet -o -H newc -R 0:0 | gzip -1 -n) >"$out/initrd.part"
	mv "$out/initrd.part" "$out/initrd.img"
	rm -rf "$tree"
}

libraries_of() { # of programs
	for program; do ldd "$program"; done | awk '$2 == "=>" { print $3 } $1 ~ /^\// { print $1 }' | sort -u
}

payload() {
	mkdir -p "$tree/bin" "$tree/lib" "$tree/share" "$tree/egpu/bin" "$tree/egpu/lib"
	cp "$here/functions" "$tree/functions"
	cp "$qemu/usr/bin/qemu-system-x86_64" "$tree/bin"
	strip "$tree/bin/qemu-system-x86_64"
	cp -L "$lib"/*.so* "$tree/lib" 2>/dev/null || true
	mkdir -p "$tree/lib/qemu"
	cp "$lib"/qemu/accel-*.so "$tree/lib/qemu" 2>/dev/null || true
	mkdir -p "$tree/share/qemu" "$tree/share/seabios"
	for rom in bios-256k.bin qboot.rom pvh.bin linuxboot_dma.bin linuxboot.bin kvmvapic.bin; do
		found=$(find "$qemu/usr/share" -name "$rom" | head -n 1)
		[ "$found" ] && cp -L "$found" "$tree/share/qemu"
	done
	for program in egpu-run egpu-trace egpu-replay; do
		cp "$build/$program" "$tree/egpu/bin"
	done
	cp "$(command -v setpriv)" "$tree/egpu/bin"
	cp -L $(libraries_of "$tree"/egpu/bin/*) "$tree/egpu/lib"
	rm -f "$out/payload.part"
	mke2fs -q -F -t ext4 -O ^has_journal -d "$tree" "$out/payload.part" $(($(du -sm "$tree" | cut -f1) * 5 / 4 + 16))M >/dev/null
	mv "$out/payload.part" "$out/payload.img"
}

initrd
payload
cp "$kernel/vmlinuz" "$out/vmlinuz"
