#!/usr/bin/env bash
# Secret independence: every backend of x86-64 with poisoned secrets, and planted faults that must be caught. Narrow
# backends under valgrind, the wide ones, which valgrind cannot run, under MemorySanitizer.
#
#   crates/gcm/ct/run.sh            about two minutes on two cores, seconds when built before
#
# It sets itself up: as root on Debian it installs valgrind, and unpacks (.ci/debian-rust.sh) a toolchain that can build
# std with MemorySanitizer. What cannot be had is SKIPPED, in capitals. Everything that it builds stays below target/.
set -euo pipefail
cd "$(dirname "$0")"
root=$(cd ../../.. && pwd)
target=$root/target/ct
mkdir -p "$target"
failed=0

judge() { # a title, then the command; a fault must be caught, everything else be silent
    local title=$1 log=$target/log status=0; shift
    timeout 120 "$@" >"$log" 2>&1 || status=$?
    if [ $status = 77 ]; then
        grep SKIPPED "$log"
    elif [[ $title == *fault* ]]; then
        if [ $status != 0 ] && grep -qE 'uninitiali[sz]ed' "$log"; then
            echo "caught   $title"
        else
            echo "NOT CAUGHT $title"; head -40 "$log"; failed=1
        fi
    elif [ $status = 0 ] && grep -q 'no branch and no address' "$log"; then
        echo "silent   $title"
    else
        echo "FAILED   $title (status $status)"; head -40 "$log"; failed=1
    fi
}

all() { # a tool's name, the command before the program, then backends
    local tool=$1 command=$2 backend fault; shift 2
    for backend; do
        judge "$tool $backend" $command "$backend"
        for fault in branch index ciphertext tag hash; do
            judge "$tool $backend, planted fault: $fault" $command "$backend" $fault
        done
    done
}

if command -v valgrind >/dev/null || "$root/.ci/install.sh" valgrind libc6-dbg; then
    timeout 600 cargo build -q --release --features valgrind --target-dir "$target/valgrind"
    all valgrind "valgrind -q --error-exitcode=9 $target/valgrind/release/ossenc-gcm-ct" Portable AesNi
else
    echo "SKIPPED: no valgrind: Portable, AesNi"
fi

# MemorySanitizer wants std built with it too: by the toolchain that has std's sources, with the sanitizer's runtime from
# the machine's own. Eager checks, rustc's default, would report every secret that is handed to a function by value.
runtime=$(ls "$(rustc --print target-libdir)"/librustc-*_rt.msan.a 2>/dev/null | head -1 || true)
debian=$root/target/debian-rust
if [ "$(uname -m)" != x86_64 ] || [ -z "$runtime" ]; then
    echo "SKIPPED: no MemorySanitizer in the toolchain: AesNi (but see above), Avx2, Avx512"
elif ! "$root/.ci/debian-rust.sh" "$debian"; then
    echo "SKIPPED: no toolchain with std's sources: AesNi (but see above), Avx2, Avx512"
else
    cp "$runtime" "$("$debian/rustc" --print target-libdir)/librustc-stable_rt.msan.a"
    RUSTC=$debian/rustc RUSTC_BOOTSTRAP=1 RUSTFLAGS="-Zsanitizer=memory -Cllvm-args=-msan-eager-checks=0" \
        timeout 900 cargo build -q --profile msan --target-dir "$target/msan" \
        -Zbuild-std=std,panic_abort,panic_unwind --target x86_64-unknown-linux-gnu
    all MemorySanitizer "$target/msan/x86_64-unknown-linux-gnu/msan/ossenc-gcm-ct" AesNi Avx2 Avx512
fi
exit $failed
