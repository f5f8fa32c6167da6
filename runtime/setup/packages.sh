#!/bin/sh
# SPDX-License-Identifier: MIT OR GPL-2.0-only
# packages.sh - install the Debian packages that egpu is built and tested with. Says what it installs; silent when nothing is missing.
set -eu

# compilers and libraries | tests and plots | guest image and kernel modules (libelf1: kbuild's objtool; kmod: modinfo in the tests)
WANTED="gcc clang make libc6-dev libsqlite3-dev liblz4-dev liblzma-dev libzstd-dev libjson-c-dev zlib1g-dev libpcap-dev
	libcmocka-dev gnuplot-nox tshark python3 python3-pytest python3-pytest-xdist binutils man-db sqlite3
	busybox-static cpio e2fsprogs kmod libelf1 xz-utils zstd"
[ "${EGPU_PACKAGES:-}" ] && WANTED=$EGPU_PACKAGES

die() {
	echo "egpu set-up: $*" >&2
	exit 1
}

installed() {
	# libelf1 is called libelf1t64 since trixie
	for name in "$1" "$1t64"; do
		[ "$(dpkg-query -W -f '${db:Status-Status}' "$name" 2>/dev/null)" = installed ] && return 0
	done
	return 1
}

command -v apt-get >/dev/null && command -v dpkg-query >/dev/null ||
	die "this is not a Debian machine (no apt-get). Install by your own means what these Debian packages hold:" $WANTED

missing=
for package in $WANTED; do
	installed "$package" || missing="$missing $package"
done
[ "$missing" ] || exit 0

if [ "$(id -u)" = 0 ]; then
	root=
elif command -v sudo >/dev/null && sudo -n true 2>/dev/null; then
	root="sudo -n"
else
	die "these Debian packages are missing:$missing
Type this once, then run make again:
    sudo apt-get install --no-install-recommends$missing"
fi

echo "egpu set-up: installing Debian packages:$missing" >&2
apt="$root env DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=300"
$apt update || die "apt-get update failed (see above)"
$apt install -y --no-install-recommends $missing >/dev/null || die "apt-get could not install:$missing (see above)"
