#!/usr/bin/env bash
# Debian's newer rustc with the sources of core and std, unpacked below a folder and not installed: for targets whose core
# library the machine's own toolchain lacks. Needs root on Debian for x86-64 (apt-get looks packages up), and downloads
# about 150 MB.
#
# usage: .ci/debian-rust.sh DIR [ARCHITECTURE...]   e.g. arm64, for its std
# Leaves DIR/rustc and DIR/rustdoc, wrappers to give to cargo as RUSTC and RUSTDOC. What is there is not fetched again.
set -euo pipefail

dir=$(mkdir -p "$1" && readlink -f "$1")
shift
missing=()
for part in native "$@"; do [ -e "$dir/done-$part" ] || missing+=("$part"); done
[ ${#missing[@]} = 0 ] && exit 0
[ "$(id -u)" = 0 ] && command -v apt-get >/dev/null || {
  echo "needs root and apt-get" >&2
  exit 1
}

for architecture in "$@"; do dpkg --add-architecture "$architecture"; done
apt-get -q update >/dev/null
version=$(apt-cache show --no-all-versions rustc-web:amd64 | sed -n 's/^Version: //p')
if [ "$version" != "$(cat "$dir/version" 2>/dev/null)" ]; then # an std of another version would be refused by rustc
  rm -rf "$dir/root" "$dir"/done-*
  missing=(native "$@")
fi
packages=()
for part in "${missing[@]}"; do
  if [ "$part" != native ]; then
    packages+=("libstd-rust-web-dev:$part")
    continue
  fi
  # The version in the packages' names moves with Debian, so it is looked up.
  std=$(apt-cache depends libstd-rust-web-dev:amd64 | sed -n 's/.*Depends: \(libstd-rust-web-[0-9.]*\).*/\1/p' | head -1)
  llvm=$(apt-cache depends rustc-web "$std" | sed -n 's/.*Depends: \(libllvm[0-9.]*\).*/\1/p' | head -1)
  packages+=(rustc-web:amd64 libstd-rust-web-dev:amd64 "$std:amd64" "$llvm:amd64" rust-web-src)
done

rm -rf "$dir/deb"
mkdir -p "$dir/deb" "$dir/root"
cd "$dir/deb"
# As root apt-get hands the download to a user of its own, who cannot write here: the notice about it is no error.
apt-get -q download "${packages[@]}" 2>&1 | grep -v 'unsandboxed' >&2 || true
# Of the sources only those of core and std are needed; the compiler's and its tools' are twenty times as many.
unpack=(tar -x -C ../root --no-wildcards-match-slash --exclude './usr/src/rustc-*/src' --exclude './usr/src/rustc-*/compiler')
for package in *.deb; do dpkg --fsys-tarfile "$package" | "${unpack[@]}"; done
cd "$dir"
rm -rf "$dir/deb"

for tool in rustc rustdoc; do
  printf '#!/bin/sh\nLD_LIBRARY_PATH=%s/root/usr/lib/x86_64-linux-gnu exec %s/root/usr/bin/%s "$@"\n' \
    "$dir" "$dir" "$tool" >"$dir/$tool"
  chmod +x "$dir/$tool"
done
"$dir/rustc" --version
echo "$version" >"$dir/version"
for part in "${missing[@]}"; do touch "$dir/done-$part"; done
