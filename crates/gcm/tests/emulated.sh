#!/usr/bin/env bash
# The kernel's tests on CPUs that this machine is not: older x86-64 levels and aarch64, under qemu's user mode.
#
#   crates/gcm/tests/emulated.sh            known answers on every CPU, all tests on one of a kind: a few minutes
#   crates/gcm/tests/emulated.sh all        all tests on every CPU, built as released
#
# (Without `all` the builds are those of `cargo test`, in which this crate is optimised too.)
# On each CPU the backend that it must choose is checked first: a run that fell back would prove nothing. As root on
# Debian it installs what it lacks; else it says SKIPPED. qemu has neither VPCLMULQDQ nor AVX-512: the wide kernels are
# tested natively only.
set -euo pipefail
cd "$(dirname "$0")/../../.."
dir=$PWD/target/emulated
everything=${1:-}
mkdir -p "$dir"

skip() { echo "SKIPPED: $1"; exit 0; }
need() { # a command, and its packages
    command -v "$1" >/dev/null && return
    .ci/install.sh "${@:2}" || skip "no $1"
}
build() { # the test binaries, by cargo's messages
    [ "$everything" = all ] && set -- --release "$@"
    cargo test -p ossenc-gcm --tests --no-run --message-format json "$@" >"$dir/json" 2>"$dir/log" ||
        { tail -30 "$dir/log" >&2; return 1; }
    sed -n 's/.*"executable":"\([^"]*\)".*/\1/p' "$dir/json" | sort -u
}
run() { # all or some, the backend that it must choose, the emulator, its CPU and more options
    local extent=$1 isa=$2 emulator=$3 cpu=$4 binary name start; shift 4
    for binary in $tests; do
        name=$(basename "$binary") name=${name%-*} start=$SECONDS
        [ "$everything$extent" != some ] || [[ " detection known_answers ossenc_gcm " == *" $name "* ]] || continue
        OSSENC_GCM_EXPECT=$isa OSSENC_GCM_STEP=97 OSSENC_GCM_CASES=60 \
            timeout 900 "$emulator" -cpu "$cpu" "$@" "$binary" -q >"$dir/log" 2>&1 ||
            { cat "$dir/log"; echo "FAILED: $cpu, $name"; return 1; }
        echo "passed: $cpu, $isa, $name ($((SECONDS - start)) s)"
    done
}

need qemu-x86_64-static qemu-user-static
tests=$(build)
run some Portable qemu-x86_64-static Nehalem
run all AesNi qemu-x86_64-static Westmere
run some AesNi qemu-x86_64-static Haswell
run some Portable qemu-x86_64-static Haswell,-aes
run some Portable qemu-x86_64-static Haswell,-pclmulqdq

# aarch64: beside its native std, Debian's newer rustc has one for it.
need aarch64-linux-gnu-gcc gcc-aarch64-linux-gnu libc6-dev-arm64-cross
rust=$PWD/target/debian-rust
.ci/debian-rust.sh "$rust" arm64 || skip "no toolchain for aarch64"
export RUSTC=$rust/rustc CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_LINKER=aarch64-linux-gnu-gcc CARGO_TARGET_DIR=$dir/target
tests=$(build --target aarch64-unknown-linux-gnu)
library=(-L /usr/aarch64-linux-gnu)
run all Armv8 qemu-aarch64-static cortex-a53 "${library[@]}"
run some Armv8 qemu-aarch64-static cortex-a72 "${library[@]}"
run some Armv8 qemu-aarch64-static neoverse-n1 "${library[@]}"
run some Armv8 qemu-aarch64-static max "${library[@]}"
echo "emulated: all passed"
