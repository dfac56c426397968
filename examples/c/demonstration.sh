# Sourced by the demonstrations: a folder DIR that goes away, a real FILE of SIZE bytes, and steps that are timed.
set -euo pipefail
DIR=$(mktemp -d)
trap 'rm -rf "$DIR"' EXIT

FILE=${FILE:-$(ls -S "$(rustc --print sysroot)"/lib/librustc_driver*.so | head -n 1)}
FILE=$(realpath "$FILE")
SIZE=$(stat -c %s "$FILE")
[ "$SIZE" -ge 100000000 ] || { echo "$FILE has fewer than 100 MB: give another one with FILE=…" >&2; exit 1; }
echo "$FILE: $SIZE bytes"

# step WHAT BYTES COMMAND...: runs it, and says how long it took, and the rate if BYTES is not 0.
step() {
    local what=$1 bytes=$2 start end us rate=
    shift 2
    start=$(date +%s%N)
    "$@" >"$DIR/output" 2>&1 || { echo "FAILED: $what: $*" >&2; cat "$DIR/output" >&2; exit 1; }
    end=$(date +%s%N)
    us=$(((end - start) / 1000 + 1))
    [ "$bytes" = 0 ] || rate="$((bytes / us)) MB/s"
    printf '%-62s %5d.%03d s %12s\n' "$what" $((us / 1000000)) $((us / 1000 % 1000)) "$rate"
}
