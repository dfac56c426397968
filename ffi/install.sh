#!/usr/bin/env bash
# Copies what is built to where C and C++ programs find it by pkg-config: headers, libraries, ossenc.pc; the command
# and its man pages, if they are there. `make install` builds and calls it.
#
# usage: ffi/install.sh BUILT PREFIX        BUILT is cargo's folder, target/release
#   LIBDIR, INCLUDEDIR, BINDIR, MANDIR=…    below PREFIX unless they say otherwise
#   DESTDIR=…                               put before all of them, for packages
#   DOCUMENTS=…                             what `make man` wrote (target/documents)
set -euo pipefail
umask 022
ROOT=$(cd "$(dirname "$0")/.." && pwd)
built=$1 prefix=$2
libdir=${LIBDIR:-$prefix/lib} includedir=${INCLUDEDIR:-$prefix/include}
bindir=${BINDIR:-$prefix/bin} mandir=${MANDIR:-$prefix/share/man}
dest=${DESTDIR:-}
documents=${DOCUMENTS:-$ROOT/target/documents}
for folder in "$prefix" "$libdir" "$includedir" "$bindir" "$mandir"; do
    case $folder in /*) ;; *) echo "install: $folder is not absolute" >&2; exit 2 ;; esac
done

version=$(sed -n 's/^version = "\(.*\)"$/\1/p' "$ROOT/Cargo.toml" | head -1)
major=${version%%.*}

# What the Rust standard library needs of the system, as rustc says for this one.
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
private=$(echo | "${RUSTC:-rustc}" --crate-type staticlib --print native-static-libs -o "$scratch/empty.a" - 2>&1 |
    sed -n 's/^note: native-static-libs: //p' | tr ' ' '\n' | awk '$0 && $0 != "-lc" && !seen[$0]++' | tr '\n' ' ')
[ -n "$private" ] || { echo "install: rustc does not say what a static library needs" >&2; exit 1; }

install -d "$dest$libdir/pkgconfig" "$dest$includedir/ossenc"
install -m 644 "$ROOT/include/ossenc.h" "$ROOT/include/ossenc.hpp" "$dest$includedir"
install -m 644 "$ROOT"/include/ossenc/*.hpp "$dest$includedir/ossenc"

install -m 644 "$built/libossenc.a" "$dest$libdir"
install -m 755 "$built/libossenc.so" "$dest$libdir/libossenc.so.$version"
ln -sfn "libossenc.so.$version" "$dest$libdir/libossenc.so.$major"
ln -sfn "libossenc.so.$major" "$dest$libdir/libossenc.so"

sed -e "s|@prefix@|$prefix|; s|@includedir@|$includedir|; s|@libdir@|$libdir|" \
    -e "s|@version@|$version|; s|@private@|${private% }|" "$ROOT/ffi/ossenc.pc.in" >"$dest$libdir/pkgconfig/ossenc.pc"
chmod 644 "$dest$libdir/pkgconfig/ossenc.pc"

if [ -x "$built/ossenc" ]; then
    install -d "$dest$bindir"
    install -m 755 "$built/ossenc" "$dest$bindir"
fi
if [ -d "$documents/man1" ]; then
    install -d "$dest$mandir/man1"
    install -m 644 "$documents"/man1/*.1 "$dest$mandir/man1"
fi
