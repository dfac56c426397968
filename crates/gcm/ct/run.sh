#!/bin/bash
# Secret independence: every backend with poisoned secrets, and planted faults that must be caught. Narrow backends under
# valgrind, the wide ones, which valgrind cannot run, under MemorySanitizer.
#
#   crates/gcm/ct/run.sh
#
# As root on Debian it installs what it lacks; else it says SKIPPED.
set -euo pipefail
cd "$(dirname "$0")"
target=$(cd ../../.. && pwd)/target/ct
mkdir -p "$target"
failed=0

root_apt() { [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; }

judge() { # a title, a log, then the command; a fault must be caught, everything else be silent
    local title=$1 log=$target/log status=0; shift
    "$@" >"$log" 2>&1 || status=$?
    if [ $status = 77 ]; then
        grep SKIPPED "$log"
    elif [[ $title == *fault* ]]; then
        if [ $status != 0 ] && grep -qE 'uninitiali[sz]ed' "$log"; then echo "caught   $title"; else
            echo "NOT CAUGHT $title"; failed=1; fi
    elif [ $status = 0 ]; then
        echo "silent   $title"
    else
        echo "FAILED   $title"; head -40 "$log"; failed=1
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

if ! command -v valgrind >/dev/null && root_apt; then
    apt-get -q update >/dev/null && apt-get -qy install --no-install-recommends valgrind >/dev/null || true
fi
if command -v valgrind >/dev/null; then
    cargo build -q --release --features valgrind --target-dir "$target/valgrind"
    all valgrind "valgrind -q --error-exitcode=9 $target/valgrind/release/ossenc-gcm-ct" Portable AesNi
else
    echo "SKIPPED: valgrind is not there: Portable, AesNi"
fi

# MemorySanitizer wants std built with it: Debian's rustc with the library's source, unpacked beside the toolchain, and
# the sanitizer's runtime from the stable toolchain.
debian=$target/debian
prepare() {
    [ -x "$debian/rustc" ] && return
    root_apt || return 1
    apt-get -q update >/dev/null
    local std llvm
    std=$(apt-cache depends libstd-rust-web-dev | sed -n 's/.*Depends: \(libstd-rust-web-[0-9.]*\).*/\1/p' | head -1)
    llvm=$(apt-cache depends rustc-web "$std" | sed -n 's/.*Depends: \(libllvm[0-9]*\).*/\1/p' | head -1)
    mkdir -p "$debian/deb"
    (cd "$debian/deb" && apt-get -q download rustc-web libstd-rust-web-dev "$std" "$llvm" rust-web-src &&
        for deb in *.deb; do dpkg -x "$deb" ../root; done) >/dev/null || return 1
    printf '#!/bin/sh\nLD_LIBRARY_PATH=%s/root/usr/lib/x86_64-linux-gnu exec %s/root/usr/bin/rustc "$@"\n' \
        "$debian" "$debian" > "$debian/rustc"
    chmod +x "$debian/rustc"
}
runtime=$(find "$(rustc --print sysroot)/lib" -name 'librustc-stable_rt.msan.a' 2>/dev/null | head -1)
if [ -n "$runtime" ] && prepare; then
    cp "$runtime" "$("$debian/rustc" --print target-libdir)/librustc-$("$debian/rustc" --version --verbose |
        sed -n 's/release: .*-\(nightly\|beta\).*/\1/p' | grep . || echo stable)_rt.msan.a"
    RUSTC=$debian/rustc RUSTC_BOOTSTRAP=1 RUSTFLAGS="-Zsanitizer=memory" \
        cargo build -q --release --target-dir "$target/msan" -Zbuild-std=std,panic_abort,panic_unwind \
        --target x86_64-unknown-linux-gnu
    all msan "$target/msan/x86_64-unknown-linux-gnu/release/ossenc-gcm-ct" AesNi Avx2 Avx512
else
    echo "SKIPPED: no toolchain for MemorySanitizer: Avx2, Avx512"
fi
exit $failed
