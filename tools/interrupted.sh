#!/usr/bin/env bash
# Does an interrupted run over many frames end as an undisturbed one? Runs a command of ursid over a folder once undisturbed, once with interruptions: of every three one by Ctrl-C (SIGINT),
# two without warning (SIGKILL), at random moments. The results must be the same bytes.
#   tools/interrupted.sh [options for the command]     $COUNT: frames, default 20000; $TIMES: interruptions, default 12; $COMMAND: sift (default) or find; $SEED of the moments; $URSID: the program
# The frames are hard links to a few drawn ones and three files that are no pictures.
set -eu -o pipefail
cd "$(dirname "$0")/.."
count=${COUNT:-20000}
times=${TIMES:-12}
command=${COMMAND:-sift}
ursid=${URSID:-build/release/ursid}
RANDOM=${SEED:-1}
folder=$(mktemp -d "${TMPDIR:-/tmp}/ursid-interrupted.XXXXXX")
trap 'rm -rf "$folder"' EXIT
"$ursid" synth --out "$folder/scenes" --frames 10 --seed 5 --size 640x480 --quiet >/dev/null
mapfile -d '' sources < <(find "$folder/scenes/images" -name '*.jpg' -print0 | sort -z)
[ ${#sources[@]} -gt 0 ] || { echo "interrupted: no frames were drawn" >&2; exit 1; }
for ((i = 0; i < count; i += ${#sources[@]})); do
    part=$folder/frames/$((i / 100))/$((i % 100))
    mkdir -p "$part"
    take=$((count - i < ${#sources[@]} ? count - i : ${#sources[@]}))
    ln "${sources[@]:0:take}" "$part/"
done
for name in a b c; do printf 'no picture' >"$folder/frames/0/$name.jpg"; done

# 3: done, but some files could not be read.
run() { "$ursid" "$command" "$folder/frames" --out "$1" "${@:2}" >/dev/null 2>>"$folder/messages"; }

started=$(date +%s%N)
code=0
run "$folder/whole.json" "$@" || code=$?
[ "$code" -eq 3 ] || { tail -n 3 "$folder/messages" >&2; echo "interrupted: the undisturbed run ended with $code, not 3" >&2; exit 1; }
length=$((($(date +%s%N) - started) / 1000000))
echo "undisturbed: $count frames in $((length / 1000)) s"

stopped=0
for ((i = 0; i < times; i++)); do
    signal=$([ $((i % 3)) -eq 0 ] && echo INT || echo KILL)
    "$ursid" "$command" "$folder/frames" --out "$folder/pieces.json" "$@" >/dev/null 2>>"$folder/messages" &
    child=$!
    wait_ms=$((200 + RANDOM % (length / times + 1)))
    sleep "$(awk -v t=$wait_ms 'BEGIN { print t / 1000 }')"
    kill -"$signal" "$child" 2>/dev/null || true
    code=0
    { wait "$child" || code=$?; } 2>/dev/null # the shell would tell that it was killed
    [ "$code" -eq 3 ] && break
    stopped=$((stopped + 1))
done
code=0
run "$folder/pieces.json" "$@" || code=$?
[ "$code" -eq 3 ] || { tail -n 3 "$folder/messages" >&2; echo "interrupted: the last run ended with $code, not 3" >&2; exit 1; }
# The moment of the run is the one thing that may differ.
sed 's/"[a-z]*_completion_time": *"[^"]*"//g' "$folder/whole.json" >"$folder/whole"
sed 's/"[a-z]*_completion_time": *"[^"]*"//g' "$folder/pieces.json" >"$folder/pieces"
if ! cmp "$folder/whole" "$folder/pieces"; then
    echo "the results of the run that was interrupted $stopped times differ"
    exit 1
fi
leftover=$(find "$folder" -maxdepth 1 -name 'pieces.json.*')
[ -z "$leftover" ] || { echo "left behind: $leftover"; exit 1; }
echo "interrupted $stopped times: the same result, $(wc -c <"$folder/whole") bytes"
