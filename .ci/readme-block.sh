#!/usr/bin/env bash
# Prints the example of README.md in a language, for tests that compile it. usage: .ci/readme-block.sh c|cpp
set -euo pipefail
block=$(awk -v fence='```' '$0 == fence language { on = 1; next } $0 == fence { on = 0 } on' language="$1" "$(dirname "$0")/../README.md")
[ "$(grep -c . <<<"$block")" -gt 10 ] || { echo "README.md has no example in $1" >&2; exit 1; }
printf '%s\n' "$block"
