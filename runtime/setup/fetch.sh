#!/bin/sh
# SPDX-License-Identifier: MIT OR GPL-2.0-only
# fetch.sh [-n] DIR "SUITE…" PACKAGE… - unpack Debian packages into the private folder DIR, as any user; the system is not touched.
#   By default everything that the packages depend on comes too, so that the programs run on their own libraries.
#   -n  only the packages named; a name may hold *, then the newest that matches is taken
# Mirror, proxy and keyring are those of the machine's own apt configuration; SUITEs are other suites of the same archive, the last one
# preferred. DIR appears when it is complete; if it exists, there is nothing to do.
set -eu

die() {
	echo "egpu set-up: $*" >&2
	exit 1
}

only_named=
[ "${1:-}" = -n ] && only_named=y && shift
[ $# -ge 3 ] || { echo "usage: fetch.sh [-n] DIR \"SUITE…\" PACKAGE…" >&2; exit 2; }
mkdir -p "$(dirname "$1")"
dir=$(cd "$(dirname "$1")" && pwd)/$(basename "$1")
suites=$2
shift 2
[ -d "$dir" ] && exit 0
command -v apt-get >/dev/null || die "this is not a Debian machine (no apt-get), so $* cannot be fetched"

exec 9>"$dir.lock"
flock 9
[ -d "$dir" ] && exit 0

part=$dir.part
state=$part/.apt
trap 'rm -rf "$part"' EXIT
trap 'exit 1' INT TERM HUP
rm -rf "$part"
mkdir -p "$state/lists/partial" "$state/cache/archives/partial"
: >"$state/status"

# "where-it-is-configured uri" of the archive that gives this machine suite $1, main. Lists need not have been downloaded.
archive_of() {
	{
		apt-get --no-release-info indextargets --format '$(RELEASE) $(COMPONENT) $(SOURCESENTRY) $(REPO_URI)' 'Created-By: Packages'
		apt-get indextargets --format '$(CODENAME) $(COMPONENT) $(SOURCESENTRY) $(REPO_URI)' 'Created-By: Packages'
	} | awk -v suite="$1" '$1 == suite && $2 == "main" { print $3, $4; exit }'
}

# the keyring that entry FILE:NUMBER (a line of a .list, a stanza of a .sources) names; nothing if it names none
keyring_of() {
	file=${1%:*} number=${1##*:}
	case $file in
	*.sources)
		awk -v want="$number" '
			/^[ \t]*$/ { if (fields) { stanza++; fields = 0 } next }
			/^#/ { next }
			{ fields = 1 }
			stanza + 1 == want && tolower($1) == "signed-by:" { print $2; exit }' "$file" ;;
	*)
		sed -n "${number}s/.*[[ ]signed-by=\([^] ,]*\).*/\1/p" "$file" ;;
	esac
}

release=$(. /etc/os-release && echo "${VERSION_CODENAME:-}")
[ "$release" ] || die "/etc/os-release names no release, so the archive that serves it cannot be found"
archive=$(archive_of "$release")
[ "$archive" ] || die "no entry of apt's sources serves 'main' of Debian $release; add one to /etc/apt/sources.list"
security=$(archive_of "$release-security")
keyring=$(keyring_of "${archive%% *}")
# a source without Signed-By is checked with apt's own trusted keys; one with the key written into it has no file to point at
case $keyring in
/*) ;;
*) keyring=/usr/share/keyrings/debian-archive-keyring.gpg; [ -e "$keyring" ] || keyring= ;;
esac

prefer=
for suite in $suites; do
	uri=${archive##* }
	case $suite in
	*-security) uri=${security##* } ;;
	esac
	[ "$uri" ] || continue
	# apt leaves packages of a local archive where they are; they are wanted in the cache
	case $uri in
	file:*) uri=copy:${uri#file:} ;;
	esac
	echo "deb ${keyring:+[signed-by=$keyring] }${uri%/} $suite main"
done >"$state/sources.list"
for suite in $suites; do prefer=$suite; done

private="-o Dir::State=$state -o Dir::State::status=$state/status -o Dir::Cache=$state/cache -o Dir::Log=$state
	-o Dir::Etc::sourcelist=$state/sources.list -o Dir::Etc::sourceparts=/dev/null
	-o Dir::Etc::preferences=/dev/null -o Dir::Etc::preferencesparts=/dev/null
	-o APT::Sandbox::User= -o Acquire::Languages=none -o APT::Update::Post-Invoke::= -o APT::Update::Post-Invoke-Success::="
case $state in
*[[:space:]]*) die "the path of this checkout holds a space ($dir); apt cannot work there, move it" ;;
esac
apt() {
	apt-get -qq $private "$@"
}

newest() { # of the names that match glob $1
	pattern=$(echo "$1" | sed -e 's/[.+]/\\&/g' -e 's/\*/.*/g')
	apt-cache $private pkgnames | grep -x "$pattern" | sort -rV | while read -r name; do
		apt-cache $private show "$name" >/dev/null 2>&1 && echo "$name" && break
	done
}

apt update || die "the package lists of $suites could not be fetched (see above); is the network up?"
if [ "$only_named" ]; then
	names=
	for glob; do
		name=$(newest "$glob")
		[ "$name" ] || die "no package called $glob in $suites"
		names="$names $name"
	done
	get="download $names"
else
	names=" $*"
	get="-y --no-install-recommends --download-only -t $prefer install $names"
fi

cd "$state/cache/archives"
apt --print-uris $get >"$state/uris" || die "apt cannot resolve$names in $suites (see above)"
set -- $(awk '{ bytes += $3 } END { print NR, int(bytes / 1000000 + 0.5) }' "$state/uris")
echo "egpu set-up: fetching$names from Debian ($suites): $1 packages, $2 MB, into $dir" >&2
apt $get >/dev/null || die "the download failed (see above); run the same command again"
for deb in *.deb; do
	dpkg-deb -x "$deb" "$part" || die "cannot unpack $deb; is the disk full?"
done
cd /
rm -rf "$state" "$part/usr/share/doc" "$part/usr/share/man" "$part/usr/share/locale"
mv "$part" "$dir"
