#!/usr/bin/env bash
# Installs Debian packages, and says so. Fails, saying why, where that is not possible: what follows from it is for the
# caller to decide and to say. usage: .ci/install.sh PACKAGE...
set -euo pipefail

if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
  echo "missing, and only root on Debian can install them here: $*" >&2
  exit 1
fi
echo "installing $* (Debian packages)" >&2
export DEBIAN_FRONTEND=noninteractive
log=$(mktemp)
trap 'rm -f "$log"' EXIT
{ apt-get -q update && apt-get -q install -y --no-install-recommends "$@"; } >"$log" 2>&1 || {
  tail -3 "$log" >&2
  exit 1
}
