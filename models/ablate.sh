#!/usr/bin/env bash
# What each ingredient of the recipes is worth: equal short trainings with and without it; docs/results/sift.md and find.md are made from these.
#
#   [SEEDS="1 2"] [START=W] models/ablate.sh SHARED WORK sift|find ...     SHARED and WORK as for models/train.sh, which makes the starting weights and drawn scenes in WORK; resumes what is there
#
# sift: every source left out in turn, and real frames and photographs alone; pooled scores of 2 folds of cameras, dealt twice. models/compare.py reads the scores.
# find: 8 epochs on from the weights that ship, without pasting on empty frames, without grey, infra-red-like, blurred and recompressed pictures, with half of the
# mosaics; and 60 epochs of photographs from nothing and from 40 epochs of drawn scenes. The logs say the rest.
# The test parts take no part in it.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
shared=${1:?folder of the shared data}
work=${2:?folder for the trainings}
shift 2
ursid=${URSID:-$here/../build/release/ursid}
data=$shared/data
seeds=${SEEDS:-1 2}
start=${START:-$here/find.safetensors} # of find
together="bear081,bear095;bear171,bear199"
all=(real photos crops paste mix decoy others synth)
mkdir -p "$work/ablation"

without() { # list without one name
    local left=() s
    for s in "${all[@]}"; do
        [ "$s" = "$1" ] || left+=("$s")
    done
    (IFS=, && echo "${left[*]}")
}

sift() { # name, sources, fold seed
    local out="$work/ablation/sift_$1_$3"
    [ -f "$out.scores.csv" ] || "$ursid" train sift --data "$data/frames/manifest.csv" --heads "$data/heads" \
        --others "$data/others/cow,$data/others/lion,$data/others/nyala" --synth "$work/synth" --sources "$2" --together "$together" \
        --arch mobilenet_v3_small_075 --init "$work/mnv3.safetensors" --size 160 --batch 16 --draws 2000 --epochs 1 --folds 2 --folds-only \
        --fold-seed "$3" --seed "$3" --threads 1 --resume --out "$out" | tee "$out.txt"
    rm -f "$out".fold*.checkpoint
}

find_once() { # name, seed, further options
    local out="$work/ablation/find_$1_$2"
    [ -f "$out.done" ] || "$ursid" train find --data "$data/heads" --backgrounds "$data/frames/manifest.csv" --together "$together" --batch 8 \
        --size 224 --seed "$2" --threads 1 --resume --out "$out.safetensors" "${@:3}"
    rm -f "$out.safetensors.checkpoint"
    touch "$out.done"
    echo "$1 seed $2: $(tail -n 1 "$out.safetensors.log")"
}

for stage in "$@"; do
    case $stage in
    sift)
        for seed in $seeds; do
            sift all "$(without nothing)" $seed
            sift plain real,photos $seed
            for source in "${all[@]:2}"; do
                sift "no_$source" "$(without "$source")" $seed
            done
        done
        ;;
    find)
        if [ ! -f "$work/ablation/find_drawn.done" ]; then # drawn scenes alone; validated on some of them
            [ -d "$work/synth_drawn" ] || "$ursid" synth --out "$work/synth_drawn" --frames 300 --bears 60 --cameras 15 --seed 103 --size 640x480
            "$ursid" train find --data "$work/synth_drawn" --size 224 --batch 8 --epochs 40 --close-mosaic 8 --validate-every 8 --seed 1 --threads 1 --resume \
                --out "$work/ablation/find_drawn.safetensors"
            touch "$work/ablation/find_drawn.done"
        fi
        on=(--init "$start" --lr 0.001 --epochs 8 --close-mosaic 2 --validate-every 8)
        long=(--epochs 60 --close-mosaic 12 --validate-every 12)
        for seed in $seeds; do
            find_once scratch $seed "${long[@]}"
            find_once drawn $seed "${long[@]}" --init "$work/ablation/find_drawn.safetensors"
            find_once all $seed "${on[@]}"
            find_once no_paste $seed "${on[@]}" --paste -1
            find_once no_quality $seed "${on[@]}" --no-quality
            find_once half_mosaic $seed "${on[@]}" --mosaic 0.5
        done
        ;;
    *)
        echo "there is no ablation of $stage" >&2
        exit 2
        ;;
    esac
done
