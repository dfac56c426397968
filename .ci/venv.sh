#!/usr/bin/env bash
# A Python virtual environment with what a requirements file names. usage: .ci/venv.sh DIR REQUIREMENTS
set -euo pipefail

python3 -c 'import ensurepip, venv' 2>/dev/null || "$(dirname "$0")/install.sh" python3 python3-venv
python3 -m venv --clear "$1"
"$1/bin/pip" -q install --disable-pip-version-check -r "$2"
"$1/bin/pip" list --disable-pip-version-check | tail -n +3
