#!/usr/bin/env bash
# Long runs of what depends on chance and on timing: the model of objects' lives, and tickets replayed by many threads,
# natively and under ThreadSanitizer.
#
#   .ci/soak.sh          100,000 lives, 10^7 replays, 10^6 of them under ThreadSanitizer: some hours
#   .ci/soak.sh short    2,000 lives, 20,000 replays, 20,000 under ThreadSanitizer: for CI
#
# ThreadSanitizer needs a nightly toolchain. With its rust-src, std is instrumented, too; without, std's own locks are
# left to the interceptors of the C library. What cannot be had is SKIPPED, in capitals.
set -euo pipefail
cd "$(dirname "$0")/.."
if [ "${1:-}" = short ]; then
  lives=2000 replays=20000 watched=20000
else
  lives=100000 replays=10000000 watched=1000000
fi
cargo=${CARGO:-cargo}

echo "soak: $lives lives, $replays replays"
OSSENC_LIVES=$lives OSSENC_REPLAYS=$replays "$cargo" test -q --release -p ossenc --test model --test tickets

if ! rustup run nightly rustc --version >/dev/null 2>&1; then
  echo "SKIPPED: NO NIGHTLY TOOLCHAIN: TICKETS DID NOT RUN UNDER THREADSANITIZER."
  exit 0
fi
build=(cargo +nightly test -q --release --target x86_64-unknown-linux-gnu --target-dir target/tsan)
build+=(-p ossenc --test tickets)
if [ -d "$(rustc +nightly --print sysroot)/lib/rustlib/src/rust/library" ]; then
  build+=(-Zbuild-std)
else
  echo "SKIPPED: NO RUST-SRC: STD IS NOT INSTRUMENTED."
fi
echo "soak: $watched replays under ThreadSanitizer"
# The properties replay one thread's choices: threads are what is looked at here.
OSSENC_REPLAYS=$watched PROPTEST_CASES=5 TSAN_OPTIONS="halt_on_error=1" \
  RUSTFLAGS="-Zsanitizer=thread -Cunsafe-allow-abi-mismatch=sanitizer" "${build[@]}" -- threads race
echo "soak: ok"
