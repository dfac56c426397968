#!/usr/bin/env bash
# Builds ossd and runs real OSS clients against it: oss2, alibabacloud-oss-v2, ali-oss, and a browser on its console.
#
#   run.sh [PYTEST-ARGUMENT...]   the clients' tests, then kill -9 under load, OSSD_KILLS times (50; 0 for none)
#   run.sh --kills TIMES [SEED]   only that
#   run.sh --bench                what encryption costs: see bench.py
#
#   SANITIZE=1   with ASAN and UBSAN in the daemon
#
# The clients go below target/ from PyPI and npm; Chromium and node are installed as Debian packages when run by root.
# What cannot be had is SKIPPED, in capitals. Each daemon is ended by the process that started it, whatever happens.
set -euo pipefail
cd "$(dirname "$0")/../../.."
tests=examples/ossd/tests
ulimit -c 0

venv=target/venv-ossd
if ! [ "$venv/ready" -nt "$tests/requirements.txt" ]; then
  .ci/venv.sh "$venv" "$tests/requirements.txt"
  touch "$venv/ready"
fi

examples/ossd/build.sh
out=target/ossd
if [ "${SANITIZE:-}" = 1 ]; then
  out=target/ossd-sanitized
  # Its own end is the verdict on leaks. A request that fails for want of memory is not what is tested.
  export ASAN_OPTIONS=detect_leaks=1:abort_on_error=0:allocator_may_return_null=1 UBSAN_OPTIONS=print_stacktrace=1
fi
export OSSD="$PWD/$out/ossd" PYTHONPATH="$tests" PYTHONDONTWRITEBYTECODE=1
export OSSD_WORK="$PWD/target/ossd-work" OSSD_SCREENSHOTS="$PWD/target/ossd-screenshots"
rm -rf "$OSSD_WORK"
mkdir -p "$OSSD_WORK"
trap 'rm -rf "$OSSD_WORK"' EXIT

case "${1:-}" in
--kills)
  "$venv/bin/python" "$tests/kills.py" "${@:2}"
  exit
  ;;
--bench)
  "$venv/bin/python" "$tests/bench.py"
  exit
  ;;
esac

if { command -v node && command -v npm; } >/dev/null || .ci/install.sh nodejs npm; then
  modules=target/ossd-node
  if ! cmp -s "$tests/package-lock.json" "$modules/package-lock.json" || ! [ -d "$modules/node_modules" ]; then
    mkdir -p "$modules"
    cp "$tests/package.json" "$tests/package-lock.json" "$modules"
    (cd "$modules" && npm ci --ignore-scripts --no-audit --no-fund --silent)
  fi
  export OSSD_MODULES="$PWD/$modules"
fi
command -v chromedriver >/dev/null || .ci/install.sh chromium chromium-driver || true

"$venv/bin/python" -m pytest -q -rs -p no:cacheprovider --basetemp "$OSSD_WORK/tests" "$tests" "$@"
[ "${OSSD_KILLS:-50}" = 0 ] || "$venv/bin/python" "$tests/kills.py"
echo "test-ossd: ok"
