#!/usr/bin/env bash
# Arm's Vela as a gate: every network that is exported for the NPU compiles for the Ethos-U65-256 of the i.MX 93 with no operator left to the processor. Prints the estimates; ends in `N passed, N failed`.
#   tools/vela.sh                      shapes of our networks and of variants of them, with random weights (tools/npu_shapes.py)
#   tools/vela.sh W8.tflite ...        int8 weights as `ursid quantize` writes them
#   tools/vela.sh --write [W8...]      the same, and writes docs/results/npu.md
#   tools/vela.sh --compile DIR W8...  puts W8_vela.tflite into DIR, for the board
# Vela: $VELA (in a virtual environment: its python3 writes the shapes), or one that is made in build/vela (PyPI: ethos-u-vela). Without it says so and passes, unless $URSID_VELA is "required".
set -u -o pipefail
cd "$(dirname "$0")/.." || exit 1
write=no
into=
case "${1:-}" in
    --write) write=yes; shift ;;
    --compile) into=${2:?usage: tools/vela.sh --compile DIR W8.tflite ...}; shift 2 ;;
esac

vela=${VELA:-}
python=python3
if [ -z "$vela" ]; then
    if [ ! -x build/vela/bin/vela ]; then
        mkdir -p build
        { python3 -m venv build/vela && build/vela/bin/pip install -q ethos-u-vela; } >build/vela.log 2>&1 || true
    fi
    vela=build/vela/bin/vela
fi
if [ ! -x "$vela" ]; then
    echo "Vela skipped: it is not installed and cannot be"
    [ "${URSID_VELA:-}" = required ] && { echo "0 passed, 1 failed"; exit 1; }
    echo "0 passed, 0 failed, 1 skipped"
    exit 0
fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
if [ $# -gt 0 ]; then
    for f in "$@"; do printf '%s\n' "$f"; done >"$work/list"
else
    "$(dirname "$vela")/python3" tools/npu_shapes.py "$work/networks" >"$work/table" || { echo "0 passed, 1 failed"; exit 1; }
    cut -f1 "$work/table" >"$work/list"
fi

passed=0
failed=0
while IFS= read -r file; do
    name=$(basename "$file" .tflite)
    if "$vela" "$file" --accelerator-config ethos-u65-256 --config "$PWD/tools/imx93.ini" --system-config imx93 --memory-mode imx93 --optimise Performance --recursion-limit 2000 \
        --output-dir "$work/out" --show-cpu-operations --verbose-performance >"$work/$name.log" 2>&1; then
        left=$(grep -cE '^ *CPU:|placing on CPU' "$work/$name.log" || true)
        whole=$("$python" tools/vela_report.py --whole "$work/out/${name}_vela.tflite")
        if [ "$left" -eq 0 ] && [ "$whole" = yes ]; then passed=$((passed + 1)); else failed=$((failed + 1)); echo "$name: not all on the NPU"; grep -E 'CPU' "$work/$name.log" | head -20; fi
        [ -z "$into" ] || { mkdir -p "$into"; cp "$work/out/${name}_vela.tflite" "$into/"; }
    else
        failed=$((failed + 1))
        echo "$name: Vela failed"
        tail -n 5 "$work/$name.log"
    fi
done <"$work/list"
version=$("$vela" --version 2>/dev/null)
"$python" tools/vela_report.py --version "$version" "$work/out" $([ -f "$work/table" ] && echo --table "$work/table") $([ "$write" = yes ] && echo --write docs/results/npu.md) --logs "$work"
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
