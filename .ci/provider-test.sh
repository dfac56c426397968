#!/usr/bin/env bash
# The providers of crates/kms with their features: against SoftHSM, against moto (AWS KMS's interface in Python), and
# against a scripted server; and that libossenc links none of what they need. Installs softhsm2 (Debian package, as root)
# and moto (below target/). usage: .ci/provider-test.sh
set -euo pipefail
cd "$(dirname "$0")/.."

features=pkcs11,aws-kms
linked=$(${CARGO:-cargo} tree -p ossenc-ffi -e normal --prefix none)
if grep -E '^(cryptoki|ureq|rustls|graviola|log) ' <<<"$linked"; then
  echo "libossenc links what only providers need" >&2
  exit 1
fi

# Each skip is said again, in capitals, by the tests that it concerns.
command -v softhsm2-util >/dev/null || .ci/install.sh softhsm2 || true
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
if command -v softhsm2-util >/dev/null; then
  mkdir "$work/tokens"
  printf 'directories.tokendir = %s\nobjectstore.backend = file\nlog.level = ERROR\n' "$work/tokens" >"$work/softhsm2.conf"
  export SOFTHSM2_CONF="$work/softhsm2.conf"
fi

venv=$PWD/target/moto
requirements=crates/kms/tests/moto/requirements.txt
if [ "$venv/ready" -nt "$requirements" ] || .ci/venv.sh "$venv" "$requirements" >/dev/null; then
  touch "$venv/ready"
  export OSSENC_MOTO_PYTHON="$venv/bin/python"
fi

${CARGO:-cargo} test -q -p ossenc-kms --features "$features"
