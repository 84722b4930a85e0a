#!/usr/bin/env bash
# The installed library, as another program sees it: install into an empty folder, build examples/who.c there from header and pkg-config file alone, as C99 and as C++, and run it.
#   installed_library.sh BUILD SOURCE CC CXX "FLAGS"
set -u
build=$1 source=$2 cc=$3 cxx=$4 flags=$5
work=$(mktemp -d "${TMPDIR:-/tmp}/ursid-installed.XXXXXX")
trap 'rm -rf "$work"' EXIT
passed=0
failed=0
check() { # TEXT COMMAND...
    local text=$1
    shift
    if "$@" >"$work/log" 2>&1; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        printf '  not true: %s\n' "$text"
        sed 's/^/    /' "$work/log"
    fi
}
same() { diff "$1" "$2"; }
# Every function of the header, and what the library shows.
declared() { tr '\n' ' ' <"$work/usr/include/ursid.h" | grep -oE 'URSID_API [a-z_ *]*[ *](ursid_[a-z_]+)\(' | grep -oE 'ursid_[a-z_]+\($' | tr -d '(' | sort; }
shown() { nm -D --defined-only "$library" | awk '{ print $3 }' | grep -vE '^(__|_init|_fini)' | sort; }

cmake --install "$build" --prefix "$work/usr" >"$work/log" 2>&1 || { cat "$work/log"; echo "0 passed, 1 failed"; exit 1; }
library=$(find "$work/usr" -name libursid.so)
pc=$(find "$work/usr" -name ursid.pc)
export PKG_CONFIG_PATH=${pc%/*} LD_LIBRARY_PATH=${library%/*}
check "library and pkg-config file are installed" test -n "$library" -a -n "$pc"
declared >"$work/declared"
shown >"$work/shown"
check "the header declares functions" test -s "$work/declared"
check "the library shows what the header declares, and nothing else" same "$work/declared" "$work/shown"
check "nothing of ours is included by the header" sh -c "! grep -E '#include \"' $work/usr/include/ursid.h"
check "versions agree" test "$(pkg-config --modversion ursid)" = "$(sed -n 's/#define URSID_VERSION "\(.*\)"/\1/p' "$work/usr/include/ursid.h")"

cp "$source/examples/who.c" "$work/who.c"
cp "$source/examples/who.c" "$work/who.cc"
cd "$work" || exit 1
# shellcheck disable=SC2046,SC2086
check "the example builds as C99" "$cc" -std=c99 -pedantic -Wall -Wextra -Werror $flags who.c $(pkg-config --cflags --libs ursid) -o who
# shellcheck disable=SC2046,SC2086
check "the example builds as C++" "$cxx" -std=c++11 -pedantic -Wall -Wextra -Werror $flags who.cc $(pkg-config --cflags --libs ursid) -o who-cxx

check "the program draws frames" usr/bin/ursid synth --out scenes --frames 16 --bears 2 --seed 3 --size 640x480 --quiet
mapfile -t frames < <(find scenes/images -name '*.jpg' | sort)
ask() { ./who asked.db "${frames[@]}" >"$work/asked" 2>"$work/errors"; }
check "an empty catalogue is asked" ask
# The frame with the surest head is the one to enrol.
photo=$(awk '/: [0-9]+ x/ { sub(/:.*/, ""); frame = $0 } / head at/ { score = $4; gsub(/[^0-9.]/, "", score); if (score + 0 > best) { best = score + 0; at = frame } } END { print at }' "$work/asked")
check "a head is found" test -n "$photo"
check "in an empty catalogue heads are new" grep -q ': new$' "$work/asked"
check "it is enrolled" sh -c "./who bears.db --enrol Otis '$photo' | grep -q 'enrolled as Otis'"
check "a second time it is there already" sh -c "./who-cxx bears.db --enrol Otis '$photo' | grep -q 'was there already'"
check "it is its own best candidate" sh -c "./who-cxx bears.db '$photo' | grep -q 'Otis [0-9.]* (cosine 1.000)'"
check "the program reads the same catalogue" sh -c "usr/bin/ursid catalogue --catalogue bears.db list | grep -q Otis"
check "the program knows that file" sh -c "usr/bin/ursid enroll --catalogue bears.db --name Otis '$photo' --quiet | grep -q '^0 heads enrolled'"
printf 'no picture' >broken.jpg
broken() { ./who bears.db broken.jpg "$photo" >"$work/out" 2>"$work/errors"; [ $? -eq 3 ] && grep -q broken.jpg "$work/errors" && grep -q Otis "$work/out"; }
check "a broken file is told and the others are done" broken
printf '%d passed, %d failed\n' "$passed" "$failed"
[ "$failed" -eq 0 ]
