#!/usr/bin/env bash
# Builds ossd as a user of libossenc does: the library is installed to target/prefix, and found there by pkg-config.
# Installs what else it needs as Debian packages, when run by root, and says so.
#
#   SANITIZE=1   with ASAN and UBSAN
#
# Leaves target/ossd/ossd, or target/ossd-sanitized/ossd, and prints its path.
set -euo pipefail
cd "$(dirname "$0")/../.."
export SANITIZE=${SANITIZE:-0}

needed=(g++ make pkg-config libmicrohttpd-dev libpugixml-dev libssl-dev liblzma-dev nlohmann-json3-dev)
missing=()
for package in "${needed[@]}"; do
    dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing+=("$package")
done
[ ${#missing[@]} = 0 ] || .ci/install.sh "${missing[@]}"

"${CARGO:-cargo}" build -q --release -p ossenc-ffi
built=${CARGO_TARGET_DIR:-target}/release
# Installing makes every header new, and with it every object file old.
mark=target/prefix/lib/pkgconfig/ossenc.pc
if ! [ -e "$mark" ] || [ -n "$(find include ffi/install.sh "$built/libossenc.so" -newer "$mark")" ]; then
    ffi/install.sh "$built" "$PWD/target/prefix"
fi

out=$PWD/target/ossd
[ "$SANITIZE" = 1 ] && out=$PWD/target/ossd-sanitized
PKG_CONFIG_PATH=$PWD/target/prefix/lib/pkgconfig make --no-print-directory -s -j "$(nproc)" -C examples/ossd OUT="$out"
echo "$out/ossd"
