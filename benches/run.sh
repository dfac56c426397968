#!/usr/bin/env bash
# libossenc beside its peers: the table on the terminal; summary.txt, summary.csv and *.svg in target/bench.
#
# usage: benches/run.sh [full|quick|test] [FILTER]
#   full   88 passes, about 13 minutes after the build
#   quick  8 passes, about 2 minutes after the build
#   test   no measuring: that all peers compute the same bytes
#   FILTER a regular expression for criterion, e.g. '^gcm_seal/' or 'message_seal/.*/1048576'
#
# The peers that the system brings are Debian packages: installed when run by root, and said so; what is still missing is
# SKIPPED, in capitals.
set -euo pipefail
cd "$(dirname "$0")/.."

case ${1:-full} in
  full) passes=88 ;;
  quick) passes=8 ;;
  test) passes=0 ;;
  *) sed -n 's/^# usage: /usage: /p' "$0" >&2; exit 2 ;;
esac
filter=("${@:2}")

missing=()
command -v pkg-config >/dev/null || missing+=(pkg-config)
pkg-config --exists 'openssl >= 3' 2>/dev/null || missing+=(libssl-dev)
pkg-config --exists libsodium 2>/dev/null || missing+=(libsodium-dev)
[ ${#missing[@]} = 0 ] || .ci/install.sh "${missing[@]}" || true

features=()
if pkg-config --exists 'openssl >= 3' 2>/dev/null; then features+=(openssl)
else echo "SKIPPED: openssl (needs OpenSSL 3 and pkg-config: install libssl-dev pkg-config)"; fi
if pkg-config --exists libsodium 2>/dev/null; then features+=(sodium)
else echo "SKIPPED: secretstream (needs libsodium and pkg-config: install libsodium-dev pkg-config)"; fi

cargo=("${CARGO:-cargo}")
build=(--manifest-path benches/Cargo.toml --target-dir "${CARGO_TARGET_DIR:-target/benches}"
  --features "$(IFS=,; echo "${features[*]}")")
if [ "$passes" = 0 ]; then
  exec "${cargo[@]}" test -q --release --lib "${build[@]}"
fi

out=$PWD/target/bench
rm -rf "$out"
mkdir -p "$out/samples"
"${cargo[@]}" bench -q --no-run "${build[@]}"
"${cargo[@]}" build -q --release --bin report "${build[@]}"
OSSENC_BENCH_DIR="$out/samples" OSSENC_BENCH_PASSES=$passes \
  "${cargo[@]}" bench -q "${build[@]}" --bench speed -- --quiet "${filter[@]}" \
  >"$out/criterion.log" 2> >(tee "$out/criterion.err" | grep --line-buffered '^pass ' >&2) || {
  tail -20 "$out/criterion.err" >&2
  exit 1
}
"${cargo[@]}" run -q --release --bin report "${build[@]}" -- "$out/samples" "$out"
echo
echo "written: target/bench/summary.csv, summary.txt, *.svg (criterion's own output: criterion.log)"
