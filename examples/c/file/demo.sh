#!/usr/bin/env bash
# A real file of at least 100 MB, through the program `file`: sealed, opened, read in ranges, its master key rotated,
# rewrapped, the old version retired; then attacked. Called by ../demo.sh, which says what the environment may set.
. "$(dirname "$0")/../demonstration.sh"
HERE=$(cd "$(dirname "$0")" && pwd)

# refused CODE WHAT COMMAND...: runs what must be refused with that exit code, and tells what it said.
refused() {
    local code=$1 what=$2 got=0
    shift 2
    "$@" >"$DIR/output" 2>&1 || got=$?
    [ "$got" = "$code" ] || { echo "FAILED: $what: exit code $got, not $code: $*" >&2; cat "$DIR/output" >&2; exit 1; }
    printf '%-62s %s\n' "$what" "caught"
    grep -E '^ossenc_file: |: damaged: ' "$DIR/output" | sed "s|^ossenc_file: |  |; s|$DIR/||; s|^\([^ ]\)|  \1|"
    [ ! -e "$DIR/opened" ] || { echo "FAILED: $what: there is an output file" >&2; exit 1; }
}

flip() { # flips one bit at OFFSET
    local byte
    byte=$(od -An -tu1 -j "$2" -N 1 "$1")
    printf "\\x$(printf %02x $((byte ^ 1)))" | dd of="$1" bs=1 seek="$2" conv=notrunc status=none
}

same_range() { # RANGE FROM LENGTH
    ossenc_file --object photo cat --range "$1" "$DIR/sealed" | cmp - <(tail -c +$(($2 + 1)) "$FILE" | head -c "$3")
}

same_file() { cmp "$FILE" "$DIR/opened" && rm "$DIR/opened"; }

ossenc_file() { "$DIR/ossenc_file" --keystore "$DIR/keystore" --root-key "$DIR/rootkey" "$@"; }

step "compile the example program, with ${CC:-cc}" 0 "$HERE/../build.sh" file "$DIR/ossenc_file"
cat "$FILE" >/dev/null # the disk's part in the rates is not ours
step "init: root key, keystore, master key" 0 ossenc_file init "$DIR/keystore" "$DIR/rootkey"
step "seal, and sync" "$SIZE" ossenc_file --object photo seal "$FILE" "$DIR/sealed"
step "open, and sync" "$SIZE" ossenc_file --object photo open "$DIR/sealed" "$DIR/opened"
step "compare" "$SIZE" same_file
step "verify" "$SIZE" ossenc_file --object photo verify "$DIR/sealed"
step "range 0-0" 0 same_range 0-0 0 1
step "range 16383-16384, across two chunks" 0 same_range 16383-16384 16383 2
step "range 50000000-59999999" 10000000 same_range 50000000-59999999 50000000 10000000
step "range $((SIZE - 5))-, to the end" 0 same_range $((SIZE - 5))- $((SIZE - 5)) 5
step "range -1000000, the last bytes" 1000000 same_range -1000000 $((SIZE - 1000000)) 1000000

head -c 100000 "$FILE" >"$DIR/small"
step "seal a small file with the same name" 0 ossenc_file --object photo seal "$DIR/small" "$DIR/small.sealed"
cp "$DIR/small.sealed" "$DIR/left-behind"

step "rotate the master key" 0 ossenc_file rotate
step "open: the old version still opens" "$SIZE" ossenc_file --object photo open "$DIR/sealed" "$DIR/opened"
step "compare" "$SIZE" same_file
step "rewrap $SIZE bytes" 0 ossenc_file --object photo rewrap "$DIR/sealed"
step "rewrap 100000 bytes" 0 ossenc_file --object photo rewrap "$DIR/small.sealed"
step "retire the old version" 0 ossenc_file retire 1
step "open: the rewrapped file opens" "$SIZE" ossenc_file --object photo open "$DIR/sealed" "$DIR/opened"
step "compare" "$SIZE" same_file
refused 10 "a file that was not rewrapped" ossenc_file --object photo open "$DIR/left-behind" "$DIR/opened"

refused 8 "wrong context" ossenc_file --object another open "$DIR/sealed" "$DIR/opened"
head -c 32 /dev/urandom >"$DIR/other-rootkey"
chmod 600 "$DIR/other-rootkey"
refused 8 "wrong root key" ossenc_file --root-key "$DIR/other-rootkey" --object photo open "$DIR/sealed" "$DIR/opened"
cp "$DIR/small.sealed" "$DIR/swapped"
dd if="$DIR/sealed" of="$DIR/swapped" bs=8192 count=1 conv=notrunc status=none
refused 8 "the envelope of another object of the same name" ossenc_file --object photo open "$DIR/swapped" "$DIR/opened"

AT=$((8192 + 56 + SIZE / 2 / 16384 * 16400 + 1000))
flip "$DIR/sealed" $AT
refused 6 "one bit flipped: verify" ossenc_file --object photo verify "$DIR/sealed"
grep -q "plaintext bytes $((SIZE / 2 / 16384 * 16384))-" "$DIR/output" || { echo "FAILED: another place" >&2; exit 1; }
refused 6 "one bit flipped: open, which leaves no file" ossenc_file --object photo open "$DIR/sealed" "$DIR/opened"
step "a range elsewhere still opens" 1000000 same_range -1000000 $((SIZE - 1000000)) 1000000
flip "$DIR/sealed" $AT
step "flipped back: verify" "$SIZE" ossenc_file --object photo verify "$DIR/sealed"
truncate -s -1 "$DIR/sealed"
refused 6 "the last byte cut off" ossenc_file --object photo open "$DIR/sealed" "$DIR/opened"
truncate -s $((8192 + 56 + 1000 * 16400)) "$DIR/sealed"
refused 7 "cut between two chunks" ossenc_file --object photo open "$DIR/sealed" "$DIR/opened"
