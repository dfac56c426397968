#!/usr/bin/env bash
# Every test that docs/lessons.md names exists. usage: .ci/lessons.sh
set -euo pipefail
cd "$(dirname "$0")/.."

names=$(grep -oE '`[a-z0-9_]{8,}`' docs/lessons.md | tr -d '`' | sort -u)
[ "$(wc -l <<<"$names")" -gt 30 ] || { echo "docs/lessons.md names hardly any test" >&2; exit 1; }
missing=0
for name in $names; do
  git grep -qE "(fn|def) $name\(" -- '*.rs' '*.py' || { echo "docs/lessons.md: there is no test $name" >&2; missing=1; }
done
exit $missing
