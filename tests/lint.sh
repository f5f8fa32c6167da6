#!/bin/sh
# SPDX-License-Identifier: MIT OR GPL-2.0-only
# The rules that a compiler cannot see. Prints one line per violation; exit 0 none, 1 some, 2 cannot check.
cd "$(dirname "$0")/.." || exit 2
tmp=$(mktemp -d) || exit 2
trap 'rm -rf "$tmp"' EXIT
CC=${LINT_CC:-gcc}

# violations come from stdin, as lines
report() {
	sed "s|^|lint: |" | tee -a "$tmp/violations"
}

if [ -e .git ]; then
	git ls-files -co --exclude-standard | sort -u
else
	find . -type f ! -path './build/*' ! -path './.deps/*' ! -path './demo/*' | sed 's|^\./||' | sort
fi | while read -r f; do [ -f "$f" ] && echo "$f"; done >"$tmp/files"
grep '\.[ch]$' "$tmp/files" >"$tmp/sources"

# ---- includes: which arrow may go where. Regular expressions: files, and the only includes of ours they may have ----
arrow() {
	grep -E "^$1" "$tmp/sources" | xargs -r grep -HnE '^[[:space:]]*#[[:space:]]*include[[:space:]]*"' | grep -vE "\"($2)" |
		sed 's|^\([^:]*:[0-9]*\):.*\(".*"\).*|\1: may not include \2|' | report
}
arrow 'runtime/core/' 'runtime/core/[^"]*\.h"'
arrow 'runtime/dart/' 'runtime/(core|dart)/[^"]*\.h"'
arrow 'runtime/policy/' 'runtime/(core|policy)/[^"]*\.h"'
arrow 'runtime/guest/' 'runtime/(core|guest)/[^"]*\.h"|runtime/device/sim_gpu_regs\.h"'
arrow 'runtime/' 'runtime/|tracer/'
arrow 'tracer/([^/]*|(import|export)/.*)$' 'tracer/[^"]*"'
# a generated trace is of what the guest's player would play
arrow 'tracer/generate/' 'tracer/[^"]*"|runtime/guest/(player|egpu_gpu)\.h'
arrow 'replay/' 'replay/|tracer/|runtime/(core|dart|policy)/[^"]*\.h"'
arrow 'analysis/' 'analysis/|tracer/|runtime/(core|dart)/[^"]*\.h"'
grep -E '^runtime/core/' "$tmp/sources" | grep -v '/env\.h$' |
	xargs grep -nE '^[[:space:]]*#[[:space:]]*include[[:space:]]*<' | sed 's|:#.*|: only env.h may include system headers|' | report

# ---- every source file says its licence ----
grep -E '\.([chl]|sh|py|sql|gp|lua|mk|[15])$|(^|/)(Makefile|Kbuild|run|init)$' "$tmp/files" | awk '{
	found = 0
	for (i = 0; i < 3 && (getline line <$0) > 0; i++)
		found += index(line, "SPDX-License-Identifier: MIT OR GPL-2.0-only")
	close($0)
	if (!found)
		print $0 ": no line SPDX-License-Identifier: MIT OR GPL-2.0-only at its top"
}' | report

# ---- sizes; and names, because ar keeps only one member of a name ----
xargs -r wc -l <"$tmp/sources" | awk '$2 != "total" && $1 >= 600 { print $2 ": " $1 " lines; a file has one subject, split it (600)" }' | report
grep -E '^(runtime|tracer|replay|analysis)/.*\.c$' "$tmp/files" | grep -v '^runtime/guest/' | sed 's|.*/||' | sort | uniq -d |
	sed 's|$|: two sources of this name; libegpu.a would lose one|' | report

# ---- core: what its objects ask of their surroundings, in user space and as a 32-bit kernel would compile it ----
mkdir -p "$tmp/kernel/linux"
cat >"$tmp/kernel/linux/types.h" <<'END'
typedef unsigned char u8; typedef unsigned short u16; typedef unsigned int u32; typedef unsigned long long u64;
typedef int s32; typedef long long s64; typedef __SIZE_TYPE__ size_t; typedef _Bool bool;
enum { false, true };
#define NULL ((void *)0)
END
echo '#include <errno.h>' | "$CC" -E -dM - | grep '^#define E[A-Z0-9]* ' >"$tmp/kernel/linux/errno.h"
echo 'void *memset(void *, int, size_t); void *memcpy(void *, const void *, size_t);' >"$tmp/kernel/linux/string.h"

# compile_core NAME FLAGS... : all of core into one object
compile_core() {
	name=$1
	shift
	mkdir -p "$tmp/$name"
	for f in runtime/core/*.c; do
		"$CC" -I. -std=gnu11 -O2 -fno-pic -Wall -Wextra -Wvla -Wdeclaration-after-statement -Werror "$@" -c "$f" \
			-o "$tmp/$name/$(basename "$f" .c).o" 2>"$tmp/errors" || sed "s|^|$name: |" "$tmp/errors" | grep -E 'error' | report
	done
	nm -A "$tmp/$name"/*.o 2>/dev/null | sed "s|^$tmp/$name/\(.*\)\.o:|runtime/core/\1.c |" >"$tmp/$name.nm"
	awk '$(NF-1) ~ /^[TRDBVW]$/ { print $NF }' "$tmp/$name.nm" | sort -u >"$tmp/$name.defined"
	awk -v n="$name" 'BEGIN { known["memset"]; known["memcpy"] } NR == FNR { known[$1]; next }
		$(NF-1) == "U" && !($NF in known) { print $1 ": " n ": needs " $NF ", which is not in env.h'"'"'s list" }' \
		"$tmp/$name.defined" "$tmp/$name.nm" | report
	awk -v n="$name" '$(NF-1) ~ /^[dDbBC]$/ { print $1 ": " n ": " $NF " is a mutable static" }' "$tmp/$name.nm" | report
}
compile_core user -mgeneral-regs-only
if echo 'int x;' | "$CC" -m32 -ffreestanding -c -x c - -o "$tmp/probe.o" 2>/dev/null; then
	compile_core kernel-32-bit -m32 -ffreestanding -nostdinc -mgeneral-regs-only -D__KERNEL__ -I"$tmp/kernel"
else
	echo "lint: note: $CC has no 32-bit target here, so 64-bit division in core is not looked for" >&2
fi

[ ! -s "$tmp/violations" ] || exit 1
echo "lint: $(wc -l <"$tmp/files") files, no violation"
