#!/usr/bin/env bash
# Every fuzz target for a while, from its seeds. usage: .ci/fuzz-smoke.sh [SECONDS]
# Uses the nightly toolchain where there is one, else the machine's own with its unstable options unlocked. Installs
# cargo-fuzz below target/ when it is missing.
set -euo pipefail
cd "$(dirname "$0")/.."

seconds=${1:-30}
if ! command -v cargo-fuzz >/dev/null; then
  echo "installing cargo-fuzz below target/tools"
  cargo install -q --locked cargo-fuzz --root target/tools
  export PATH="$PWD/target/tools/bin:$PATH"
fi
if rustup run nightly rustc --version >/dev/null 2>&1; then
  export RUSTUP_TOOLCHAIN=nightly
else
  export RUSTC_BOOTSTRAP=1
fi

cargo fuzz build
for target in $(cargo fuzz list); do
  echo "fuzz: $target for $seconds s"
  mkdir -p "fuzz/corpus/$target"
  seeds=()
  [ -d "fuzz/seeds/$target" ] && seeds=("fuzz/seeds/$target")
  log=target/fuzz-$target.log
  if ! cargo fuzz run "$target" "fuzz/corpus/$target" "${seeds[@]}" -- \
    -max_total_time="$seconds" -timeout=20 -rss_limit_mb=4096 >"$log" 2>&1; then
    tail -50 "$log"
    exit 1
  fi
  grep -E '^(Done|#[0-9]+.*DONE)' "$log"
done
