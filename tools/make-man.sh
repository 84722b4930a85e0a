#!/bin/sh
# Writes docs/man/ursid.1 from the option tables of a built program; with --check only tells whether the committed page is what the program says.
#
#     tools/make-man.sh build/release/ursid
#     tools/make-man.sh --check build/release/ursid
set -eu
cd "$(dirname "$0")/.."
check=no
if [ "${1:-}" = --check ]; then
    check=yes
    shift
fi
[ $# -eq 1 ] || { echo "usage: tools/make-man.sh [--check] PROGRAM" >&2; exit 2; }
page=$(mktemp)
trap 'rm -f "$page"' EXIT
"$1" help --man > "$page"
if [ "$check" = yes ]; then
    cmp -s "$page" docs/man/ursid.1 || { echo "docs/man/ursid.1 is not what the program says; run tools/make-man.sh PROGRAM" >&2; exit 1; }
else
    mkdir -p docs/man
    cp "$page" docs/man/ursid.1
    chmod 644 docs/man/ursid.1
fi
