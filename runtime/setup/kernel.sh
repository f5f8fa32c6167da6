#!/bin/sh
# SPDX-License-Identifier: MIT OR GPL-2.0-only
# kernel.sh VERSION DEPS [arm64] - Debian's cloud kernel VERSION (6.1 or 6.12) with what modules are built against, in DEPS/kernel-VERSION:
#   release (its uname -r), vmlinuz, build (headers, with paths that stay inside the folder), lib/modules/RELEASE
# VERSION-generic: the flavour with drivers for real hardware, in DEPS/kernel-VERSION-generic
# arm64: that of arm64, with its busybox, in DEPS/kernel-VERSION-arm64; what runs here to build modules is that of DEPS/kernel-VERSION
set -eu

version=$1
arch=${3:-amd64}
mkdir -p "$2"
dir=$(cd "$2" && pwd)/kernel-$version${3:+-$3}
here=$(cd "$(dirname "$0")" && pwd)
die() {
	echo "egpu set-up: $*" >&2
	exit 1
}

[ -d "$dir" ] && exit 0
[ "$(dpkg --print-architecture 2>/dev/null)" = amd64 ] || die "the demo guest is built on Debian for amd64; give egpu-run a --kernel of your own"
exec 8>"$dir.lock"
flock 8
[ -d "$dir" ] && exit 0

number=${version%-generic}
fetch() { # SUITES PACKAGE FLAVOUR, where the flavour is what follows the number in the names of image and headers
	last=$2
	if [ "$arch" != amd64 ]; then
		"$0" "$version" "$(dirname "$dir")" || return
		last=busybox-static
		APT_CONFIG=$(mktemp)
		trap 'rm -f "$APT_CONFIG"' EXIT
		echo "APT::Architecture \"$arch\"; APT::Architectures { \"$arch\"; };" >"$APT_CONFIG"
		export APT_CONFIG
	fi
	"$here/fetch.sh" -n "$dir.new" "$1" "linux-image-$number.$3" "linux-headers-$number.$3" "linux-headers-$number.*-common" "$last" || return
	[ "$arch" = amd64 ] || ln -sfn "../../../kernel-$version/usr/lib/$(cd "$dir/../kernel-$version/usr/lib" && echo linux-kbuild-*)" "$dir.new/usr/lib/"
}
fetch_6_12() {
	fetch bookworm-backports 'linux-kbuild-6.12.*' "$1" || { echo "egpu set-up: trying Debian trixie instead" >&2; fetch trixie 'linux-kbuild-6.12.*' "$1"; }
}
case $version in
6.1) fetch "bookworm bookworm-security" linux-kbuild-6.1 "*-cloud-$arch" ;;
6.1-generic) fetch "bookworm bookworm-security" linux-kbuild-6.1 "0-[0-9]*[0-9]-$arch" ;;
6.12) fetch_6_12 "*-cloud-$arch" ;;
6.12-generic) fetch_6_12 "[0-9]*deb1[0-9]-$arch" ;;
*) die "kernel.sh knows 6.1, 6.1-generic, 6.12 and 6.12-generic, not '$version'" ;;
esac

release=$(cd "$dir.new/boot" && echo vmlinuz-*)
release=${release#vmlinuz-}
headers=$dir.new/usr/src/linux-headers-$release
[ -e "$headers/Makefile" ] || die "the archive has kernel $release, but not its headers; delete $dir.new and try again later"
# include /usr/src/… becomes relative to the file itself, so the folder can be moved
sed -i 's#^include /usr/src/#include $(dir $(lastword $(MAKEFILE_LIST)))../#' "$headers/Makefile"
common=$(sed -n 's#^include .*\.\./\(.*\)/Makefile$#\1#p' "$headers/Makefile")
[ -e "$dir.new/usr/src/$common/scripts/Makefile.build" ] || die "the headers of $release want $common and its kbuild, which is not here; delete $dir.new and try again later"
ln -sfn "usr/src/linux-headers-$release" "$dir.new/build"
ln -sfn "boot/vmlinuz-$release" "$dir.new/vmlinuz"
echo "$release" >"$dir.new/release"
mv "$dir.new" "$dir"
