#!/usr/bin/env bash
# Does memory stay flat? Runs a command of ursid over folders of more and more frames and prints its largest resident memory.
#   tools/flat_memory.sh [options for ursid sift, e.g. --model W]        $COUNTS: numbers of frames, default "1000 5000 20000"; $COMMAND: default sift; $SIZE of the
#                                                                        frames: default 640x480; $URSID, $PEAK: the programs
#   COMMAND=identify tools/flat_memory.sh --catalogue /tmp/c.db --create   the whole chain
# The frames are hard links to 30 drawn ones, so 20,000 cost no space. Fails when the largest folder needs more than a tenth and 16 MiB above the smallest.
set -eu -o pipefail
cd "$(dirname "$0")/.."
counts=${COUNTS:-1000 5000 20000}
command=${COMMAND:-sift}
size=${SIZE:-640x480}
if [ -z "${URSID:-}" ] || [ -z "${PEAK:-}" ]; then
    tools/packages.sh bench
    cmake --preset bench >/dev/null
    cmake --build --preset bench --target ursid peak_memory >&2
fi
ursid=${URSID:-build/bench/ursid}
draw=${DRAW:-$ursid} # an edge build cannot draw: it writes no PNG
peak=${PEAK:-build/bench/peak_memory}
# The whole help of a command that is not there is a complaint.
"$ursid" help "$command" >/dev/null 2>&1 || { echo "flat_memory: this ursid has no command $command" >&2; exit 1; }

folder=$(mktemp -d "${TMPDIR:-/tmp}/ursid-flat.XXXXXX")
trap 'rm -rf "$folder"' EXIT
echo "drawing frames" >&2 # of which two thirds have bears
"$draw" synth --out "$folder/scenes" --frames 30 --bears 6 --seed 11 --size "$size" --quiet >/dev/null
mapfile -d '' sources < <(find "$folder/scenes/images" -name '*.jpg' -print0 | sort -z)
[ ${#sources[@]} -gt 0 ] || { echo "flat_memory: no frames were drawn" >&2; exit 1; }

printf '%8s  %10s  %9s  %9s\n' frames 'peak MiB' seconds frames/s
first=0
last=0
for n in $counts; do
    into=$folder/$n
    # A folder a hundred frames, as cameras make them; ln takes many files at once, and names must differ inside one call.
    for ((i = 0; i < n; i += ${#sources[@]})); do
        part=$into/$((i / 100))/$((i % 100))
        mkdir -p "$part"
        take=$((n - i < ${#sources[@]} ? n - i : ${#sources[@]}))
        ln "${sources[@]:0:take}" "$part/"
    done
    code=0
    "$peak" "$folder/report" "$ursid" "$command" "$into" --out "$folder/result-$n.json" "$@" >"$folder/output" 2>"$folder/messages" || code=$?
    if [ "$code" -ne 0 ]; then
        tail -n 5 "$folder/messages" >&2
        echo "flat_memory: ursid $command ended with $code" >&2
        exit 1
    fi
    read -r kib seconds _ <"$folder/report"
    awk -v n="$n" -v k="$kib" -v s="$seconds" 'BEGIN { printf "%8d  %10.1f  %9.1f  %9.1f\n", n, k / 1024, s, (s > 0 ? n / s : 0) }'
    [ "$first" -gt 0 ] || first=$kib
    last=$kib
    rm -rf "$into"
done
if [ "$last" -gt $((first + first / 10 + 16384)) ]; then
    echo "memory grows with the number of frames: from $((first / 1024)) to $((last / 1024)) MiB"
    exit 1
fi
echo "memory is flat: $((first / 1024)) MiB, then $((last / 1024)) MiB"
