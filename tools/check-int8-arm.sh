#!/usr/bin/env bash
# The int8 engine on ARMv8: builds the engine and its tests alone for aarch64 and runs them under qemu-user, with SDOT and without. Skips where the cross compiler or qemu
# is missing.
set -u -o pipefail
cd "$(dirname "$0")/.." || exit 1
cc=aarch64-linux-gnu-gcc
qemu=$(command -v qemu-aarch64-static || command -v qemu-aarch64)
if ! command -v $cc >/dev/null || [ -z "$qemu" ]; then
    echo "skipped: no $cc or qemu-aarch64 (Debian: gcc-aarch64-linux-gnu libc6-dev-arm64-cross qemu-user)"
    echo "0 passed, 0 failed, 1 skipped"
    exit 0
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

flags=(-std=c11 -O2 -D_GNU_SOURCE -Isrc -Itests/harness -Wall -Wextra -Wconversion -Wshadow -Werror "-DURS_SOURCE_DIR=\"$PWD\"" "-DURS_SHARED_DIR=\"\"")
failed=0
compile() { "$cc" "${flags[@]}" "$@" || failed=1; }
for source in src/int8/*.c src/base/{error,file,flat_reader,flat_writer,memory,pool,random,reader,text}.c tests/harness/{golden,harness,int8_cases}.c; do
    object=$work/$(basename "$source" .c).o
    case $source in
    */kernels_avx*) ;;
    */kernels_sdot.c) compile -march=armv8.2-a+dotprod -c "$source" -o "$object" ;;
    *) compile -march=armv8-a -c "$source" -o "$object" ;;
    esac
done
for topic in backend/test_int8_kernels golden/test_golden_int8; do
    compile -c "tests/$topic.c" -o "$work/main.o" && "$cc" -static -o "$work/$(basename $topic)" "$work/main.o" $(ls "$work"/*.o | grep -v '/main.o$') -lm -lpthread || failed=1
done

passed=0
run() { # PROCESSOR TEST WORD
    out=$("$qemu" -cpu "$1" "$work/$2" 2>&1)
    if [ $? -eq 0 ] && grep -q "$3" <<<"$out"; then
        passed=$((passed + 1))
        echo "ok   $2 on $1"
    else
        failed=$((failed + 1))
        printf 'FAIL %s on %s\n%s\n' "$2" "$1" "$out"
    fi
}
if [ "$failed" -eq 0 ]; then
    run cortex-a76 test_int8_kernels "kernels sdot"
    run cortex-a53 test_int8_kernels "kernels neon"
    run cortex-a53 test_golden_int8 "values compared"
fi
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
