#!/usr/bin/env bash
# Table 4: every stage in float and in int8: quality, size, time here, Vela's estimate, instructions on aarch64, energy of an event. Writes docs/results/table4.md.
#
#   tools/table4.sh SHARED [INT8]     SHARED: folder with data/; INT8: folder with STAGE.tflite, default models/. A stage without int8 weights is left out, and said so.
#
#   FOLDS=folder with embed1.safetensors .. embed3.safetensors (models/train.sh) and embed1.tflite .. embed3.tflite (models/quantise.sh), for the quality of embed: the weights that ship know all bears
#   outside of the test part. FLOAT=models folder of the float weights; WORK=build/table4; SECONDS_EACH=3; what is measured already in $WORK is not measured again: delete it for a fresh table
# Vela as tools/vela.sh finds it. Without the cross compiler and qemu the column of instructions stays empty.
set -euo pipefail
cd "$(dirname "$0")/.."
shared=${1:?folder of the shared data}
int8=${2:-models}
float=${FLOAT:-models}
work=${WORK:-build/table4}
together="bear081,bear095;bear171,bear199"
mkdir -p "$work"

cmake --preset bench >/dev/null
cmake --build --preset bench --target ursid time_weights peak_memory >"$work/build.log" 2>&1 || { tail -n 20 "$work/build.log"; exit 1; }
arm=
if command -v qemu-aarch64 aarch64-linux-gnu-gcc >/dev/null && cc -O2 -shared -fPIC -o "$work/qemu_count.so" tools/qemu_count.c &&
    cmake --preset arm64 -B "$work/arm64" -DURSID_BENCH=ON -DURSID_TESTS=OFF >/dev/null && cmake --build "$work/arm64" --target time_weights ursid >"$work/arm64.log" 2>&1; then
    arm=$(find "$work/arm64" -name time_weights -type f)
fi

# Instructions of one picture: those of three, less those of one, by two.
instructions()
{
    local n=()
    for pictures in 1 3; do
        n+=("$(QEMU_CPU=cortex-a76 qemu-aarch64 -L /usr/aarch64-linux-gnu -E LD_LIBRARY_PATH=/usr/lib/aarch64-linux-gnu:/usr/aarch64-linux-gnu/lib -plugin "$work/qemu_count.so" "$arm" count $pictures "$1" 2>&1 >/dev/null |
            sed -n 's/^instructions //p')")
    done
    [ -n "${n[0]}" ] && [ -n "${n[1]}" ] && echo $(((n[1] - n[0]) / 2))
}

for stage in sift find embed; do
    case $stage in
    sift) sets=(--data "$shared/data/frames/manifest.csv" --together "$together") ;;
    find) sets=(--data "$shared/data/heads" --together "$together") ;;
    embed) sets=(--data "$shared/data/chips/brooks_falls") ;;
    esac
    [ -f "$int8/$stage.tflite" ] || continue
    w=$work/$stage
    if [ "$stage" = embed ]; then
        for view in "" masked; do
            [ -z "${FOLDS:-}" ] || [ -f "$w.folds$view.json" ] || build/bench/ursid eval embed "${sets[@]}" --folds 3 ${view:+--masked} --model "$FOLDS/embed{}.tflite" --beside "$FOLDS/embed{}.safetensors" \
                --json "$w.folds$view.json" >"$w.folds$view"
        done
    else
        [ -f "$w.eval.json" ] || build/bench/ursid eval "$stage" "${sets[@]}" --part validation --model "$float/$stage.safetensors" --beside "$int8/$stage.tflite" --json "$w.eval.json" >"$w.eval"
    fi
    [ -f "$w.vela" ] || tools/vela.sh "$int8/$stage.tflite" >"$w.vela" || cat "$w.vela"
    [ -f "$w.time" ] || build/bench/time_weights "${SECONDS_EACH:-3}" "$float/$stage.safetensors" "$int8/$stage.tflite" >"$w.time"
    for kind in float int8; do
        file=$float/$stage.safetensors
        [ $kind = int8 ] && file=$int8/$stage.tflite
        [ -z "$arm" ] || [ -f "$w.$kind.count" ] || instructions "$file" >"$w.$kind.count" || true
        stat -L -c %s "$file" >"$w.$kind.bytes"
    done
done
[ ! -f "$work/arm64/ursid" ] || { cp "$work/arm64/ursid" "$work/stripped" && aarch64-linux-gnu-strip "$work/stripped" && stat -c %s "$work/stripped" >"$work/program.bytes"; }
python3 tools/table4.py "$work" docs/results/table4.md profiles/imx93.toml build/bench/ursid
