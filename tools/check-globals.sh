#!/usr/bin/env bash
# No writable globals: every object with static storage in the library is constant, but for those listed here with their reason. Run by the tests.
#   tools/check-globals.sh LIBRARY.a
set -u
library=${1:?usage: tools/check-globals.sh LIBRARY.a}

# symbol            reason
allowed='
asked               src/cli/cancel.c: a signal handler has nothing else that it may write
engine_once         src/compute/dnnl_bridge.c: the oneDNN engine is made once for the process
engine_handle       the engine that engine_once guards
openmp              the functions of its threads, found at the same moment
'

# Constants that hold pointers stand in .data.rel.ro, which the loader makes read-only; names of the sanitizers are not ours.
found=$(objdump -t "$library" 2>/dev/null | awk '
    /^[^ ]+\.o: / { sub(/:.*/, "", $1); object = $1 }
    $0 ~ / [ gl] +O? *(\.data|\.bss|\.tdata|\.tbss|\*COM\*)/ || $0 ~ / O (\.data|\.bss|\.tdata|\.tbss|\*COM\*)/ {
        section = ""
        for (i = 1; i <= NF; i++) if ($i ~ /^(\.data|\.bss|\.tdata|\.tbss|\*COM\*)/) section = $i
        if (section ~ /^\.data\.rel\.ro/ || section == "") next
        name = $NF
        if (name == section || name ~ /^(__odr_asan|__asan|__ubsan|__sancov|__llvm|\.L)/) next
        print object ": " name " (" section ")"
    }')
symbols=$(objdump -t "$library" 2>/dev/null | grep -c ' O ')
failed=0
while IFS= read -r line; do
    [ -n "$line" ] || continue
    name=${line#*: }
    name=${name%% *}
    name=${name%%.*} # a static inside a function has a number behind its name
    if ! grep -q "^$name[[:space:]]" <<<"$allowed"; then
        printf 'writable global: %s\n' "$line"
        failed=$((failed + 1))
    fi
done <<<"$found"
if [ "$symbols" -eq 0 ]; then
    printf '%s has no objects at all: wrong file?\n' "$library"
    failed=1
fi
printf '%d passed, %d failed\n' "$((symbols - failed))" "$failed"
[ "$failed" -eq 0 ]
