#!/usr/bin/env bash
# The program of an edge build needs no library but libjpeg-turbo, SQLite and those of the C library. Run by the tests of edge builds.
#   tools/check-needs.sh PROGRAM
set -u
program=${1:?usage: tools/check-needs.sh PROGRAM}
passed=0
failed=0
while read -r library; do
    case $library in
        libjpeg.so.* | libsqlite3.so.* | libc.so.* | libm.so.* | ld-linux-*) passed=$((passed + 1)) ;;
        *) echo "$program needs $library"; failed=$((failed + 1)) ;;
    esac
done < <(readelf -d "$program" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p')
printf '%d passed, %d failed\n' "$passed" "$failed"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
