#!/usr/bin/env bash
# A Python virtual environment with what a requirements file names. usage: .ci/venv.sh DIR REQUIREMENTS
set -euo pipefail

if ! python3 -c 'import ensurepip, venv' 2>/dev/null; then
  echo "installing python3-venv (Debian package)"
  [ "$(id -u)" = 0 ] || { echo "python3-venv is missing: install it, or run as root" >&2; exit 1; }
  apt-get -q update
  apt-get -q install -y --no-install-recommends python3 python3-venv
fi
python3 -m venv --clear "$1"
"$1/bin/pip" -q install --disable-pip-version-check -r "$2"
"$1/bin/pip" list --disable-pip-version-check | tail -n +3
