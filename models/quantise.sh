#!/usr/bin/env bash
# Makes int8 weights of the float ones beside this file and measures them: every remedy by itself, all together, and quantisation-aware training. Runs on whatever weights are there.
# embed, whose weights know all bears outside of the test part, is measured and calibrated in the folds that it was trained in: FOLDS=folder with embed1.safetensors .. embed3.safetensors (models/train.sh).
#
#   models/quantise.sh SHARED OUT [sift|find|embed ...]     SHARED: folder with data/; OUT: where NAME.tflite and NAME.json (ursid eval --beside, validation part) go
#
#   METHODS="plain bias equalise adaround all qat" chooses; QAT=epochs instead of 2, 3, 1; MODELS=folder of the float weights; PICTURES=192 to calibrate with; THREADS=1
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
shared=${1:?folder of the shared data}
out=${2:?folder for int8 weights and measurements}
shift 2
stages=${*:-sift find embed}
ursid=${URSID:-$here/../build/release/ursid}
models=${MODELS:-$here}
methods=${METHODS:-plain min-max percentile bias equalise adaround all qat}
data=$shared/data
together="bear081,bear095;bear171,bear199" # one scene photographed twice
mkdir -p "$out"

for stage in $stages; do
    case $stage in
    sift)
        sets=(--data "$data/frames/manifest.csv" --together "$together")
        training=(--heads "$data/heads" --others "$data/others/cow,$data/others/lion,$data/others/nyala" --sources real,photos,crops,paste,mix,decoy,others --made 100 --draws 1500 --lr 1e-4)
        epochs=2
        ;;
    find)
        sets=(--data "$data/heads" --together "$together")
        training=(--backgrounds "$data/frames/manifest.csv")
        epochs=3
        ;;
    embed)
        sets=(--data "$data/chips/brooks_falls")
        epochs=1
        folds=${FOLDS:?folder with embed1.safetensors .. embed3.safetensors}
        others=(--data "$data/others/seal2019:a@1" --data "$data/others/seal2020:b@1" --data "$data/others/cat:cat" --data "$data/others/dog:dog" --data "$data/others/cow:cow" --folds 3)
        training=()
        ;;
    *)
        echo "there is no stage $stage" >&2
        exit 2
        ;;
    esac
    for method in $methods; do
        how=()
        case $method in
        plain) ;;
        min-max | percentile) how=(--observer "$method") ;;
        bias) how=(--bias-correction) ;;
        equalise) how=(--equalise) ;;
        adaround) how=(--adaround) ;;
        all) how=(--equalise --adaround --bias-correction --report "$out/$stage-layers.html") ;;
        qat) how=(--equalise --qat "${QAT:-$epochs}" "${training[@]}") ;;
        ema) how=(--equalise --qat "${QAT:-$epochs}" --qat-steps ema "${training[@]}") ;;
        *)
            echo "there is no method $method" >&2
            exit 2
            ;;
        esac
        [ "$stage" = find ] && [ "$method" != qat ] && [ "$method" != ema ] && how+=("${training[@]}")
        if [ "$stage" = embed ]; then
            # AdaRound and bias correction keep samples of what every convolution reads: a third of the pictures fits into their memory.
            how+=("${others[@]}" --threads "${THREADS:-1}" --pictures "$([[ "${how[*]}" =~ adaround|bias ]] && echo 64 || echo "${PICTURES:-192}")")
            for fold in 1 2 3; do
                [ -f "$out/embed-$method-$fold.tflite" ] ||
                    "$ursid" quantize embed "${sets[@]}" --model "$folds/embed$fold.safetensors" "${how[@]}" --fold $fold --hold-others 0.2 --out "$out/embed-$method-$fold.tflite"
            done
            [ -f "$out/embed-$method.tflite" ] ||
                "$ursid" quantize embed "${sets[@]}" --model "$models/embed.safetensors" "${how[@]}" --fold 0 --calibrate-with "$out/embed-$method-{}.tflite" --out "$out/embed-$method.tflite"
            for view in "" --masked; do
                "$ursid" eval embed "${sets[@]}" --folds 3 $view --model "$out/embed-$method-{}.tflite" --beside "$folds/embed{}.safetensors" --json "$out/embed-$method$view.json"
            done
            continue
        fi
        [ -f "$out/$stage-$method.tflite" ] || "$ursid" quantize "$stage" "${sets[@]}" --model "$models/$stage.safetensors" --pictures "${PICTURES:-192}" --threads "${THREADS:-1}" "${how[@]}" --out "$out/$stage-$method.tflite"
        "$ursid" eval "$stage" "${sets[@]}" --part validation --model "$models/$stage.safetensors" --beside "$out/$stage-$method.tflite" --json "$out/$stage-$method.json"
    done
done
