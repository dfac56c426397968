#!/usr/bin/env bash
# The C example of README.md compiles without a warning, and runs. usage: .ci/readme-example.sh LIBRARY_FOLDER
set -euo pipefail
cd "$(dirname "$0")/.."

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
awk '/^```c$/ { on = 1; next } /^```$/ { on = 0 } on' README.md >"$work/example.c"
lines=$(grep -c . "$work/example.c")
[ "$lines" -gt 10 ] || { echo "README.md has no C example" >&2; exit 1; }
cc -std=c99 -Wall -Wextra -pedantic -Werror -Iinclude "$work/example.c" -L"$1" -lossenc -Wl,-rpath,"$(readlink -f "$1")" \
  -o "$work/example"
"$work/example"
