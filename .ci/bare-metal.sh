#!/usr/bin/env bash
# The kernel, memory for keys, the core and the semantics of SSE build for machines without an operating system: no std, the
# caller's entropy. Uses the machine's own toolchain where it has the target (`rustup target add ...`), else Debian's with
# the sources of core, as root. usage: .ci/bare-metal.sh [TARGET...]
set -euo pipefail
cd "$(dirname "$0")/.."

targets=("$@")
[ $# -gt 0 ] || targets=(thumbv7em-none-eabihf x86_64-unknown-none riscv32imac-unknown-none-elf)

export RUSTFLAGS="-D warnings"
for target in "${targets[@]}"; do
  build=(cargo build -q --target "$target" --target-dir target/bare-metal)
  if [ -d "$(rustc --print target-libdir --target "$target" 2>/dev/null)" ]; then
    run=()
  elif .ci/debian-rust.sh target/debian-rust; then
    run=(env RUSTC="$PWD/target/debian-rust/rustc" RUSTC_BOOTSTRAP=1)
    build+=(-Zbuild-std=core,alloc)
  else
    echo "SKIPPED: $target: no core library for it (try: rustup target add $target)"
    continue
  fi
  "${run[@]}" "${build[@]}" -p ossenc-gcm
  "${run[@]}" "${build[@]}" -p ossenc-mem --no-default-features
  "${run[@]}" "${build[@]}" -p ossenc --no-default-features
  "${run[@]}" "${build[@]}" -p ossenc-sse
  echo "bare metal: $target builds"
done
