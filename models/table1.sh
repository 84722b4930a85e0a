#!/usr/bin/env bash
# Table 1 (docs/results/table1.md): approaches A, B and C of sift on the same validation frames, after equal short trainings.
#
#   models/table1.sh SHARED WORK     SHARED: folder with data/ and weights/; WORK: where trainings live; resumes what is there
#
# Bears of the validation part are photographs that neither the networks of sift nor the detector were trained on: trap frames are split as `ursid train sift` splits them, photographs as
# `ursid train find` does. The test parts of both are left alone.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
shared=$(realpath "${1:?folder of the shared data}")
work=${2:?folder for the trainings}
ursid=${URSID:-$here/../build/release/ursid}
data=$shared/data
together="bear081,bear095;bear171,bear199"
mkdir -p "$work"
[ -f "$work/mnv3.safetensors" ] || "$ursid" model import "$shared/weights/mobilenet_v3_small_075_224_embedder.tflite" --arch mobilenet_v3_small_075 \
    --images "$data/imagenet_sample" --out "$work/mnv3.safetensors"

"$ursid" split "$data/frames/manifest.csv" --by place --validation 0.2 --test 0.2 --together "$together" --out "$work/frames.csv"
"$ursid" split "$data/heads" --by picture --validation 0.15 --test 0.2 --together "$together" --out "$work/heads.csv"
# The part of a photograph of a bear is that of heads.csv.
awk -F, -v OFS=, 'function base(p) { sub(".*/", "", p); return p }
    NR == FNR { for (i = 1; FNR == 1 && i <= NF; i++) if ($i == "split") h = i; part[base($1)] = $h; next }
    FNR == 1 { for (i = 1; i <= NF; i++) { if ($i == "split") s = i; if ($i == "camera") c = i }; print; next }
    $c == "photo" && base($1) in part { $s = part[base($1)] }
    { print }' "$work/heads.csv" "$work/frames.csv" >"$work/table1.csv"
# Backgrounds of find: the empty frames of the training part.
awk -F, 'FNR == 1 { for (i = 1; i <= NF; i++) if ($i == "split") s = i; print; next } $s == "train"' "$work/table1.csv" >"$work/train.csv"

common=(--data "$work/table1.csv" --heads "$data/heads" --others "$data/others/cow,$data/others/lion,$data/others/nyala" --sources real,photos,crops,paste,mix,decoy,others
    --arch mobilenet_v3_small_075 --init "$work/mnv3.safetensors" --made 100 --draws "${DRAWS:-1800}" --epochs "${EPOCHS:-3}" --size 160 --batch 32 --min-bear-recall 0.98 --threads 1 --resume)
"$ursid" train sift "${common[@]}" --out "$work/A.safetensors"
"$ursid" train sift "${common[@]}" --approach b --out "$work/B.safetensors"
for side in 160 320; do
    "$ursid" train find --data "$data/heads" --backgrounds "$work/train.csv" --together "$together" --init "$here/find.safetensors" --size "$side" --batch 8 \
        --epochs 3 --close-mosaic 1 --validate-every 3 --lr 0.001 --threads 1 --resume --out "$work/C$side.safetensors"
done
"$ursid" eval sift --data "$work/table1.csv" --part validation --model "$work/A.safetensors" --model "$work/B.safetensors" --model "$work/C160.safetensors" --model "$work/C320.safetensors" \
    --model-find "$here/find.safetensors" --heads "$data/heads" --min-bear-recall 0.98 --json "$work/table1.json" --report "$work/table1.html" | tee "$work/table1.txt"
