#!/usr/bin/env bash
# The program and a choice of its tests for aarch64, under qemu-user: as a Cortex-A76 (SDOT, like the Cortex-A55 of the i.MX 93) and as a Cortex-A53 (without). Ends in `N passed, N failed`.
#   tools/arm64.sh [ctest arguments]        without arguments: the tests named below, which take a few minutes; with: those, e.g. -R . for all
# Where the packages cannot be had it says so and passes, unless $URSID_ARM64 is "required".
set -u -o pipefail
cd "$(dirname "$0")/.." || exit 1
# What depends on the instruction set or on the build: int8 kernels, arithmetic, layouts, codecs, files, engines, energy.
chosen='int8|engine|tflite|energy|needs|image_(exif|jpeg|resize|tensor)|ops_ref|weights$|weights_tflite|op_rules|plan_memory|catalogue$|search|verdict|journal|megadetector|option|fuzz/'
without='golden/golden_[^i]|train|grad_|unit/quant' # whole float networks are a matter of minutes each under qemu

if ! tools/packages.sh edge; then
    echo "aarch64 skipped: the cross compiler, qemu or the libraries for arm64 cannot be installed"
    [ "${URSID_ARM64:-}" = required ] && { echo "0 passed, 1 failed"; exit 1; }
    echo "0 passed, 0 failed, 1 skipped"
    exit 0
fi
started=$SECONDS
cmake --preset arm64 >/dev/null && cmake --build --preset arm64 >build/arm64/build.log 2>&1 || { tail -n 30 build/arm64/build.log; echo "0 passed, 1 failed"; exit 1; }
echo "built for aarch64 in $((SECONDS - started)) s"

passed=0
failed=0
for cpu in cortex-a76 cortex-a53; do
    started=$SECONDS
    log=build/arm64/check-$cpu.log
    if [ $# -gt 0 ]; then set -- "$@"; else set -- -R "$chosen" -E "$without"; fi
    QEMU_CPU=$cpu ctest --test-dir build/arm64 -j2 --output-on-failure "$@" >"$log" 2>&1
    code=$?
    read -r good bad < <(awk '/ Test +#[0-9]+: / { if (/ Passed +[0-9.]+ sec/) good++; else bad++ } END { print good + 0, bad + 0 }' "$log")
    [ "$code" -eq 0 ] || { grep -v ' Passed ' "$log" | tail -n 60; [ "$bad" -gt 0 ] || bad=1; }
    [ "$good" -gt 0 ] || { echo "no test ran as $cpu"; bad=$((bad + 1)); }
    # The program itself, from start to end.
    if QEMU_CPU=$cpu build_program=build/arm64/ursid bash -c '"$(command -v qemu-aarch64-static || command -v qemu-aarch64)" "$build_program" energy --profile profiles/imx93.toml' >/dev/null; then good=$((good + 1)); else bad=$((bad + 1)); fi
    echo "$cpu: $good test programs passed, $bad failed, $((SECONDS - started)) s"
    passed=$((passed + good))
    failed=$((failed + bad))
done
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
