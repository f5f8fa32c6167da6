#!/bin/sh
# SPDX-License-Identifier: MIT OR GPL-2.0-only
# qemu.sh OUT DEPS - make OUT a program that runs a QEMU with vfio-user-pci (10.1 or newer): the system's own, or one fetched into DEPS/qemu.
set -eu

out=$1
deps=$2
here=$(cd "$(dirname "$0")" && pwd)
has_vfio_user() {
	"$@" -device help 2>/dev/null | grep -q '"vfio-user-pci"'
}

mkdir -p "$(dirname "$out")"
system=$(command -v qemu-system-x86_64 || true)
if [ "$system" ] && has_vfio_user "$system"; then
	printf '#!/bin/sh\nexec %s "$@"\n' "$system" >"$out"
	chmod +x "$out"
	exit 0
fi

"$here/fetch.sh" "$deps/qemu" "trixie trixie-backports" qemu-system-x86
rel=$(realpath --relative-to="$(dirname "$out")" "$deps/qemu")

# ld.so of the private tree, so that children keep the system's libraries; -L twice, for seabios has a folder of its own;
# QEMU_MODULE_DIR, because QEMU looks beside /proc/self/exe, which is ld.so here.
cat >"$out.part" <<EOF
#!/bin/sh
# runs the private QEMU on its own libraries
root=\$(cd "\$(dirname "\$(readlink -f "\$0")")/$rel" 2>/dev/null && pwd) || {
	echo "\$0: the private QEMU is gone; run make again" >&2
	exit 127
}
lib=\$root/usr/lib/$(gcc -print-multiarch)
export QEMU_MODULE_DIR="\$lib/qemu"
exec "\$lib/ld-linux-x86-64.so.2" --argv0 qemu-system-x86_64 --library-path "\$lib" "\$root/usr/bin/qemu-system-x86_64" \\
	-L "\$root/usr/share/qemu" -L "\$root/usr/share/seabios" "\$@"
EOF
chmod +x "$out.part"
has_vfio_user "$out.part" || {
	echo "egpu set-up: the QEMU that was fetched into $deps/qemu does not run or has no vfio-user-pci:" >&2
	"$out.part" --version >&2 || true
	rm -f "$out.part"
	exit 1
}
mv "$out.part" "$out"
