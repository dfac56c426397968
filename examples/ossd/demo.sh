#!/usr/bin/env bash
# Builds ossd, starts it on target/ossd-demo with a user of its own, and prints three commands to try. Ends with Ctrl-C, or
# when it is told to; what was stored stays for the next time. `make ossd` calls it.
set -euo pipefail
cd "$(dirname "$0")/../.."
ulimit -c 0

ossd=$(examples/ossd/build.sh | tail -1)
demo=target/ossd-demo
mkdir -p "$demo"
if ! [ -s "$demo/users" ]; then
    (umask 077 && echo "demo $(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')" >"$demo/users")
fi
secret=$(awk 'NR == 1 { print $2 }' "$demo/users")
if ! [ "$demo/venv/ready" -nt examples/ossd/demo-requirements.txt ]; then
    echo "installing oss2, OSS's Python SDK, below $demo"
    .ci/venv.sh "$demo/venv" examples/ossd/demo-requirements.txt >/dev/null
    touch "$demo/venv/ready"
fi

"$ossd" --store "$demo/store" --users "$demo/users" >"$demo/started" &
pid=$!
trap 'kill "$pid" 2>/dev/null || true; wait "$pid" || true' EXIT
trap 'exit 0' INT TERM
until grep -q '^console ' "$demo/started"; do
    kill -0 "$pid" 2>/dev/null || { echo "ossd did not start" >&2; exit 1; }
    sleep 0.1
done
endpoint=$(sed -n 's/^listening on //p' "$demo/started")

python="$demo/venv/bin/python"
bucket="import oss2; b = oss2.Bucket(oss2.Auth('demo', '$secret'), '$endpoint', 'photos')"
cat <<END
ossd serves $endpoint for the user "demo". In another terminal, here:

1. Put an object, encrypted under the default customer master key:
$python -c "$bucket; b.create_bucket(); print(b.put_object('hello.txt', 'hello, world\n' * 1000, headers={'x-oss-server-side-encryption': 'KMS'}).headers)"

2. Read a range of it:
$python -c "$bucket; print(b.get_object('hello.txt', byte_range=(6500, 6524)).read())"

3. Look for its text on disk:
grep -rc 'hello, world' $demo/store

The console, with keys, rotation and census: $(sed -n 's/^console //p' "$demo/started")
Ctrl-C ends it.
END
wait "$pid"
