#!/bin/bash
# The kernel's tests on CPUs that this machine is not: older x86-64 levels and aarch64, under qemu's user mode.
#
#   crates/gcm/tests/emulated.sh            about four minutes on two cores
#
# As root on Debian it installs what it lacks; else it says SKIPPED. qemu has neither VPCLMULQDQ nor AVX-512: the wide
# kernels are tested natively only. A run whose CPU lacks a backend prints that too.
set -euo pipefail
cd "$(dirname "$0")/../../.."
dir=$PWD/target/emulated
mkdir -p "$dir"

skip() { echo "SKIPPED: $1" >&2; exit 0; }
need() { # a command, and its packages
    command -v "$1" >/dev/null && return
    [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null || skip "no $1, and no way to install it"
    echo "installing ${*:2}"
    apt-get -q update >/dev/null && apt-get -qy install --no-install-recommends "${@:2}" >/dev/null || skip "cannot install $1"
}
build() { # the test binaries, by cargo's messages
    cargo test -p ossenc-gcm --release --tests --no-run --message-format json "$@" >"$dir/json" 2>"$dir/log" ||
        { tail -30 "$dir/log" >&2; exit 1; }
    sed -n 's/.*"executable":"\([^"]*\)".*/\1/p' "$dir/json" | sort -u
}
run() { # emulator and CPU, then binaries
    local emulator=$1; shift
    for binary; do
        echo "--- $emulator $(basename "$binary")"
        OSSENC_GCM_STEP=$step OSSENC_GCM_CASES=$cases $emulator "$binary" -q
    done
}

need qemu-x86_64-static qemu-user-static
tests=$(build)
step=97 cases=60
for cpu in Nehalem Westmere Haswell Haswell,-aes Haswell,-pclmulqdq; do
    run "qemu-x86_64-static -cpu $cpu" $tests
done

# aarch64: Debian's rustc has a std for it beside the native one; unpacked, not installed.
need aarch64-linux-gnu-gcc gcc-aarch64-linux-gnu libc6-dev-arm64-cross
if [ ! -x "$dir/rustc" ]; then
    [ "$(id -u)" = 0 ] || skip "aarch64 needs Debian's packages, and only root can add the architecture"
    dpkg --add-architecture arm64 && apt-get -q update >/dev/null
    std=$(apt-cache depends libstd-rust-web-dev:amd64 | sed -n 's/.*Depends: \(libstd-rust-web-[0-9.]*\).*/\1/p' | head -1)
    llvm=$(apt-cache depends rustc-web "$std" | sed -n 's/.*Depends: \(libllvm[0-9]*\).*/\1/p' | head -1)
    mkdir -p "$dir/deb"
    (cd "$dir/deb" && apt-get -q download rustc-web:amd64 libstd-rust-web-dev:amd64 "$std:amd64" "$llvm:amd64" \
        libstd-rust-web-dev:arm64 && for deb in *.deb; do dpkg -x "$deb" ../root; done) || skip "no rustc for aarch64"
    printf '#!/bin/sh\nLD_LIBRARY_PATH=%s/root/usr/lib/x86_64-linux-gnu exec %s/root/usr/bin/rustc "$@"\n' "$dir" "$dir" \
        > "$dir/rustc"
    chmod +x "$dir/rustc"
fi
export RUSTC=$dir/rustc CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_LINKER=aarch64-linux-gnu-gcc CARGO_TARGET_DIR=$dir/target
tests=$(build --target aarch64-unknown-linux-gnu)
for cpu in cortex-a53 cortex-a72 neoverse-n1 max; do
    run "qemu-aarch64-static -cpu $cpu -L /usr/aarch64-linux-gnu" $tests
done
echo "emulated: all passed"
