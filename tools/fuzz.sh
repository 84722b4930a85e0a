#!/usr/bin/env bash
# Every parser under libFuzzer, one after the other; stops with what was found.
#   tools/fuzz.sh [SECONDS for each]
set -u
cd "$(dirname "$0")/.." || exit 1
seconds=${1:-60}
tools/packages.sh fuzz && cmake --preset fuzz >/dev/null && cmake --build --preset fuzz || exit 1
passed=0
failed=0
for target in build/fuzz/fuzz_* build/fuzz/tests/fuzz_*; do
    [ -x "$target" ] && [ -f "$target" ] || continue
    name=${target##*/fuzz_}
    found=build/fuzz/found/$name
    mkdir -p "$found"
    echo "== $name"
    if "$target" -max_total_time="$seconds" -rss_limit_mb=4096 -timeout=20 -print_final_stats=0 -verbosity=0 -artifact_prefix="$found/" "$found" "tests/fuzz/corpus/$name"; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
    fi
done
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
