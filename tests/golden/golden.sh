#!/bin/sh
# SPDX-License-Identifier: MIT OR GPL-2.0-only
# golden.sh [BUILD]: writes the golden totals anew with the programs in BUILD (default: build). Review the diff: it is what changed.
exec /usr/bin/python3 "$(dirname "$0")/golden.py" "${1:-build}"
