#!/usr/bin/env bash
# Builds with AddressSanitizer and UndefinedBehaviorSanitizer, runs every test, and ends with one line: `N passed, N failed`.
#   tools/check.sh [PRESET] [ctest arguments]        PRESET: asan (default), tsan, clang, dev
set -u -o pipefail
cd "$(dirname "$0")/.." || exit 1
preset=asan
case "${1:-}" in asan | tsan | clang | dev) preset=$1; shift ;; esac

give_up() { printf '%s\n0 passed, 1 failed\n' "$1"; exit 1; }
tools/packages.sh "$([ "$preset" = clang ] && echo fuzz || echo build)" || give_up "packages are missing"
started=$SECONDS
cmake --preset "$preset" >"/tmp/ursid-configure.$$" 2>&1 || { cat "/tmp/ursid-configure.$$"; rm -f "/tmp/ursid-configure.$$"; give_up "cmake failed"; }
rm -f "/tmp/ursid-configure.$$"
cmake --build --preset "$preset" || give_up "the build failed"
echo "built in $((SECONDS - started)) s"

export ASAN_OPTIONS=${ASAN_OPTIONS:-detect_leaks=1:abort_on_error=0} UBSAN_OPTIONS=${UBSAN_OPTIONS:-print_stacktrace=1}
log=build/$preset/check.log
started=$SECONDS
ctest --test-dir "build/$preset" -V -j2 "$@" >"$log" 2>&1
code=$?

# Every test program ends in `N passed, N failed[, N skipped]`. A program that died before that line, or that failed after it, counts as one failure.
awk '
    function name_of(text) { sub(/^[0-9]+\/[0-9]+ Test +#[0-9]+: /, "", text); sub(/ \.\.\..*/, "", text); return text }
    match($0, /^[0-9]+: /) {
        id = $0; sub(/:.*/, "", id)
        text = substr($0, RLENGTH + 1)
        if (text ~ /^[0-9]+ passed, [0-9]+ failed(, [0-9]+ skipped)?$/) {
            split(text, word, /[ ,]+/)
            passed[id] += word[1]; failed[id] += word[3]; skipped += word[5]
        }
        output[id] = output[id] text "\n"
        next
    }
    match($0, /^ *[0-9]+\/[0-9]+ Test +#[0-9]+: /) {
        line = $0; sub(/^ +/, "", line)
        id = line; sub(/^[0-9]+\/[0-9]+ Test +#/, "", id); sub(/:.*/, "", id)
        tests++
        bad = line !~ / Passed +[0-9.]+ sec/
        if (!(id in passed)) { passed[id] = 0; failed[id] = bad ? 0 : 1; if (!bad) output[id] = output[id] "no closing line\n" }
        if (bad && failed[id] == 0) failed[id] = 1
        if (failed[id] > 0) printf "---- %s failed:\n%s", name_of(line), output[id]
        time = line; sub(/ sec.*/, "", time); sub(/.* /, "", time)
        seconds[name_of(line)] = time
        all_passed += passed[id]; all_failed += failed[id]
    }
    END {
        for (n in seconds) if (seconds[n] + 0 >= 20) printf "slow: %s took %s s\n", n, seconds[n]
        printf "%d test programs, %d cases skipped for want of data or programs\n", tests, skipped
        if (tests == 0) all_failed = 1
        printf "%d %d\n", all_passed, all_failed > sums
    }' sums="build/$preset/check.sums" "$log"
read -r passed failed <"build/$preset/check.sums"
[ "$code" -eq 0 ] || [ "$failed" -gt 0 ] || failed=1
echo "tests took $((SECONDS - started)) s; their whole output is in $log"
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
