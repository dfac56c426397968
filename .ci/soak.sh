#!/usr/bin/env bash
# Long runs of what depends on chance and on timing: the model of objects' lives; tickets replayed by many threads,
# natively and under ThreadSanitizer; kill -9 at random moments of each of rotate, import, root-key change (changes of a
# keystore), rewrap and checkpointing (jobs over files and over lists); objects under bucket keys; the daemon of
# examples/ossd under kill -9.
#
#   .ci/soak.sh          100,000 lives, 10^7 replays, 10^6 of them under ThreadSanitizer, 2,000 kills of each kind,
#                        10^6 objects, 1,000 kills of the daemon: some hours
#   .ci/soak.sh short    2,000 lives, 20,000 replays, 20,000 under ThreadSanitizer, 100 kills, 10,000 objects: for CI,
#                        where test-ossd kills the daemon
#
# ThreadSanitizer needs a nightly toolchain with rust-src: where std is not instrumented, its locks and channels are
# reported as races. What cannot be had is SKIPPED, in capitals.
set -euo pipefail
cd "$(dirname "$0")/.."
if [ "${1:-}" = short ]; then
  lives=2000 replays=20000 watched=20000 kills=100 objects=10000 daemon=0
else
  lives=100000 replays=10000000 watched=1000000 kills=2000 objects=1000000 daemon=1000
fi
cargo=${CARGO:-cargo}

echo "soak: $lives lives, $replays replays"
OSSENC_LIVES=$lives OSSENC_REPLAYS=$replays "$cargo" test -q --release -p ossenc --test model --test tickets

# A change of a keystore is one of three kinds in turn.
echo "soak: $kills kills of each kind, $objects objects"
OSSENC_CRASHES=$((3 * kills)) OSSENC_KILLS=$kills OSSENC_OBJECTS=$objects "$cargo" test -q --release -p ossenc-kms \
  --test file_store --test fleet_kills --test cache
[ "$daemon" = 0 ] || examples/ossd/tests/run.sh --kills "$daemon"

if ! [ -d "$(rustc +nightly --print sysroot 2>/dev/null)/lib/rustlib/src/rust/library" ]; then
  echo "SKIPPED: NO NIGHTLY TOOLCHAIN WITH RUST-SRC: TICKETS DID NOT RUN UNDER THREADSANITIZER."
  exit 0
fi
echo "soak: $watched replays under ThreadSanitizer"
OSSENC_REPLAYS=$watched PROPTEST_CASES=5 TSAN_OPTIONS=halt_on_error=1 \
  RUSTFLAGS="-Zsanitizer=thread -Cunsafe-allow-abi-mismatch=sanitizer" \
  cargo +nightly test -q --release -Zbuild-std --target x86_64-unknown-linux-gnu --target-dir target/tsan \
  -p ossenc --test tickets
echo "soak: ok"
