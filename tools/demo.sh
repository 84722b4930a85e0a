#!/usr/bin/env bash
# The main job, once, on sample frames that ursid draws itself, or on your own photographs.
#   tools/demo.sh            identifies the bears in drawn frames against a sample catalogue
#   tools/demo.sh DIR        on an empty catalogue: heads that look alike are grouped and proposed as new bears
# Writes demo/results.json and demo/report.html.
set -eu
photos=${1:-}
[ -z "$photos" ] || photos=$(cd "$photos" && pwd)
cd "$(dirname "$0")/.."
tools/packages.sh build
cmake --preset release >/dev/null
cmake --build --preset release >&2
ursid=build/release/ursid
mkdir -p demo
rm -f demo/results.json demo/results.json.* demo/report.html

code=0
if [ -n "$photos" ]; then
    rm -f demo/own.db*
    "$ursid" identify --catalogue demo/own.db --create --out demo/results.json --report demo/report.html "$photos" || code=$?
    next="build/release/ursid enroll --catalogue demo/own.db --name NAME PHOTO...      # name a bear of the report"
else
    rm -rf demo/known demo/frames demo/sample.db*
    # One world (one seed) has the same bears: its cut-out heads are the catalogue, its frames the new card.
    "$ursid" synth --out demo/known --frames 90 --bears 6 --seed 11 --size 960x720 --chips --quiet >/dev/null
    "$ursid" enroll --catalogue demo/sample.db --folders demo/known/chips --chips-in --quiet
    mkdir -p demo/frames
    "$ursid" synth --out demo/frames --frames 30 --bears 6 --seed 11 --size 960x720 --quiet >/dev/null
    "$ursid" identify --catalogue demo/sample.db --out demo/results.json --report demo/report.html demo/frames/images || code=$?
    next="make demo PHOTOS=DIR      # the same with your own photographs"
fi
# 3: done, but some files could not be read; the table says which.
[ "$code" -eq 0 ] || [ "$code" -eq 3 ] || exit "$code"
cat <<END

demo/report.html     every frame with its heads, their chips and best candidates: open it in a browser
demo/results.json    the same for programs (MegaDetector batch format)

What next:
  $next
  build/release/ursid catalogue --catalogue demo/$([ -n "$photos" ] && echo own || echo sample).db list
  build/release/ursid help
END
