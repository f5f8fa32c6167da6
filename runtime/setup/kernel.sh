#!/bin/sh
# SPDX-License-Identifier: MIT OR GPL-2.0-only
# kernel.sh VERSION DEPS - Debian's cloud kernel VERSION (6.1 or 6.12) with what modules are built against, in DEPS/kernel-VERSION:
#   release (its uname -r), vmlinuz, build (headers, with paths that stay inside the folder), lib/modules/RELEASE
set -eu

version=$1
mkdir -p "$2"
dir=$(cd "$2" && pwd)/kernel-$version
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

fetch() {
	"$here/fetch.sh" -n "$dir.new" "$1" "linux-image-$version.*-cloud-amd64" "linux-headers-$version.*-cloud-amd64" \
		"linux-headers-$version.*-common" "$2"
}
case $version in
6.1) fetch "bookworm bookworm-security" linux-kbuild-6.1 ;;
6.12) fetch bookworm-backports 'linux-kbuild-6.12.*' || { echo "egpu set-up: trying Debian trixie instead" >&2; fetch trixie 'linux-kbuild-6.12.*'; } ;;
*) die "kernel.sh knows 6.1 and 6.12, not '$version'" ;;
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
