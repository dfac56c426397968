#!/usr/bin/env bash
# The C and C++ examples of README.md compile without a warning, and run. usage: .ci/readme-example.sh LIBRARY_FOLDER
set -euo pipefail
cd "$(dirname "$0")/.."

command -v c++ >/dev/null || .ci/install.sh g++
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
example() { # the language of the block, then the compiler and its options
  .ci/readme-block.sh "$1" >"$work/example.$1"
  "${@:2}" -Wall -Wextra -pedantic -Werror -Iinclude "$work/example.$1" -L"$library" -lossenc -Wl,-rpath,"$library" \
    -o "$work/example"
  "$work/example"
}
library=$(readlink -f "$1")
example c cc -std=c99
example cpp c++ -std=c++17
