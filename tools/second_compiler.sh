#!/usr/bin/env bash
# Compiles everything with clang and without a warning; gcc's turn is `make check`. Ends in `N passed, N failed`. Skips where clang cannot be installed.
set -u -o pipefail
cd "$(dirname "$0")/.." || exit 1
if ! tools/packages.sh fuzz; then
    echo "clang skipped: it is not installed and cannot be"
    echo "0 passed, 0 failed, 1 skipped"
    exit 0
fi
started=$SECONDS
mkdir -p build
log=build/clang.log
if cmake --preset clang >"$log" 2>&1 && cmake --build --preset clang >>"$log" 2>&1; then
    echo "clang built everything without a warning in $((SECONDS - started)) s"
    echo "1 passed, 0 failed"
else
    grep -E -A6 'error|warning' "$log" | head -n 60
    echo "0 passed, 1 failed"
    exit 1
fi
