#!/usr/bin/env bash
# Installs the Debian packages that are missing, by name; says what to do where it cannot.
#   tools/packages.sh build       what a release build needs
#   tools/packages.sh fuzz        and what the fuzz targets need on top
#   tools/packages.sh bench       and what make bench needs on top
#   tools/packages.sh edge        what the cross build for aarch64 and its tests need
set -u
build='cmake ninja-build gcc g++ binutils pkg-config libdnnl-dev libjpeg62-turbo-dev libpng-dev libtiff-dev libwebp-dev libsqlite3-dev libzip-dev libjansson-dev
       libexpat1-dev libyaml-dev'
edge='cmake ninja-build gcc binutils pkg-config gcc-aarch64-linux-gnu libc6-dev-arm64-cross qemu-user-static libc6-dev:arm64 libjpeg62-turbo-dev:arm64 libsqlite3-dev:arm64 libjansson-dev:arm64'
case "${1:-build}" in
    build) wanted=$build ;;
    fuzz) wanted="$build clang libclang-rt-dev" ;;
    bench) wanted="$build python3" ;;
    edge) wanted=$edge ;;
    *) echo "usage: tools/packages.sh [build|fuzz|bench|edge]" >&2; exit 2 ;;
esac

if ! command -v dpkg-query >/dev/null 2>&1; then
    echo "this is not Debian; the build needs what these packages of Debian hold:" $wanted >&2
    exit 0
fi
native=$(dpkg --print-architecture) # a package of another architecture is not the one that is wanted, unless it is named so
missing=()
for package in $wanted; do
    case $package in *:*) architecture=${package#*:} ;; *) architecture=$native ;; esac
    dpkg-query -W -f '${db:Status-Status} ${Architecture}\n' "$package" 2>/dev/null | grep -qxE "installed ($architecture|all)" || missing+=("$package")
done
[ ${#missing[@]} -gt 0 ] || exit 0

as_root=()
if [ "$(id -u)" -ne 0 ]; then
    if ! command -v sudo >/dev/null 2>&1; then
        printf 'these packages are missing; install them as root:\n  apt-get install %s\n' "${missing[*]}" >&2
        exit 1
    fi
    as_root=(sudo)
fi
echo "installing: ${missing[*]}" >&2
case "${missing[*]}" in *:arm64*) "${as_root[@]}" dpkg --add-architecture arm64 ;; esac
install() { "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "${missing[@]}" >&2; }
for attempt in 1 2 3; do
    "${as_root[@]}" apt-get update -q >&2
    install && exit 0
    [ "$attempt" -eq 3 ] || sleep 10
done
echo "the packages could not be installed: ${missing[*]}" >&2
exit 1
