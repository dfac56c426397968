#!/usr/bin/env bash
# What `make install` leaves serves a C and a C++ program through pkg-config, shared and static.
# usage: ffi/tests/install_test.sh DESTDIR PREFIX      as they were given to make install
set -euo pipefail
ROOT=$(cd "$(dirname "$0")/../.." && pwd)
dest=$(cd "$1" && pwd) prefix=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

command -v pkg-config >/dev/null || "$ROOT/.ci/install.sh" pkg-config
command -v c++ >/dev/null || "$ROOT/.ci/install.sh" g++
export PKG_CONFIG_SYSROOT_DIR=$dest PKG_CONFIG_LIBDIR=$dest$prefix/lib/pkgconfig

fail() { echo "install: $*" >&2; exit 1; }
version=$(pkg-config --modversion ossenc)
major=${version%%.*}
grep -q "^#define OSSENC_VERSION_STRING \"$version\"" "$ROOT/include/ossenc.h" || fail "ossenc.pc has version $version"

echo "installed files"
shared=$dest$prefix/lib/libossenc.so
[ "$(readlink "$shared")" = "libossenc.so.$major" ] || fail "libossenc.so is no link to libossenc.so.$major"
[ "$(readlink "$shared.$major")" = "libossenc.so.$version" ] || fail "libossenc.so.$major leads elsewhere"
readelf -d "$shared" | grep -q "soname: \[libossenc.so.$major\]" || fail "the soname is not libossenc.so.$major"
diff -r "$ROOT/include" "$dest$prefix/include" || fail "the headers differ"
if grep -q "$dest" "$dest$prefix/lib/pkgconfig/ossenc.pc"; then fail "ossenc.pc names DESTDIR"; fi
if [ -n "$(find "$dest" -type f -perm /022)" ]; then fail "others may write"; fi
"$dest$prefix/bin/ossenc" --version
for page in "$dest$prefix"/share/man/man1/ossenc*.1; do [ -s "$page" ] || fail "no man pages"; done

for language in c cpp; do "$ROOT/.ci/readme-block.sh" $language >"$work/example.$language"; done
# The linker takes the shared library where both are: a folder with the static one alone stands for systems without it.
mkdir "$work/static"
cp "$dest$prefix/lib/libossenc.a" "$work/static"

build() { # a compiler, a source, a program, options of pkg-config; then what comes before them
    local compiler=$1 source=$2 program=$3 options=$4
    shift 4
    # shellcheck disable=SC2046
    $compiler -Wall -Wextra -pedantic -Werror "$source" "$@" $(pkg-config --cflags --libs $options ossenc) -o "$program"
}
for language in "cc -std=c99:c" "c++ -std=c++17:cpp"; do
    compiler=${language%:*} source=$work/example.${language##*:}
    echo "${language##*:}, shared and static"
    build "$compiler" "$source" "$work/shared" ""
    readelf -d "$work/shared" | grep -q "\[libossenc.so.$major\]" || fail "a program does not ask for libossenc.so.$major"
    LD_LIBRARY_PATH=$dest$prefix/lib "$work/shared"
    build "$compiler" "$source" "$work/static/program" --static -L"$work/static"
    if readelf -d "$work/static/program" | grep -q libossenc; then fail "a static program asks for the shared library"; fi
    "$work/static/program"
done
echo "install: ok"
