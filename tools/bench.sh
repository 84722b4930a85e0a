#!/usr/bin/env bash
# Builds the bench programs as a release and runs bench/bench.py; its options can be given: tools/bench.sh --busy --networks mobilenet_v3_small.
set -eu
cd "$(dirname "$0")/.."
tools/packages.sh bench
cmake --preset bench >/dev/null
cmake --build --preset bench >&2
exec "${URSID_PYTHON:-/usr/bin/python3}" bench/bench.py "$@"
