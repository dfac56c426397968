#!/usr/bin/env bash
# Tests of the example program examples/c/file: the container's vectors, the independent reader, crashes at every moment,
# writers at the same time, memory, and file systems that refuse.
#
#   LIB_DIR   where the library is (target/release)
#   PYTHON    an interpreter with the packages of vectors/requirements.txt
#   RUST      crates/kms/examples/sealed_file, built
#   KILLS     how often rewrap, seal and rotate are killed at random (100 each)
#   SPARSE    bytes of the large file (2 GiB)
#   TESTS     names of those to run (all)
. "$(dirname "$0")/build.sh"
HERE=$ROOT/ffi/tests/c
PYTHON=${PYTHON:-python3} KILLS=${KILLS:-100} SPARSE=${SPARSE:-$((2 << 30))}
DIR=$(mktemp -d)
MOUNTED=()
clean_up() {
    for place in ${MOUNTED[@]+"${MOUNTED[@]}"}; do umount "$place" || true; done
    rm -rf "$DIR"
}
trap clean_up EXIT
cd "$DIR"

passed=0 failed=0 current=
pass() { passed=$((passed + 1)); }
fail() { failed=$((failed + 1)); echo "FAIL $current: $*" >&2; }
# check WHAT COMMAND...: the command succeeds
check() {
    local what=$1 code=0; shift
    "$@" >check.new 2>&1 || code=$? # the command may look at check.out, which is of the one before
    mv check.new check.out
    if [ "$code" = 0 ]; then pass; else fail "$what: exit code $code of: $*"; sed 's/^/    /' check.out >&2; fi
}
# refused CODE PATTERN COMMAND...: the command ends with that exit code, and says that
refused() {
    local code=$1 pattern=$2 got=0; shift 2
    "$@" >refused.out 2>refused.err || got=$?
    if [ "$got" != "$code" ]; then fail "exit code $got, not $code, of: $*"; sed 's/^/    /' refused.err >&2
    elif ! grep -qE "$pattern" refused.err; then fail "no \"$pattern\" from: $*"; sed 's/^/    /' refused.err >&2
    else pass; fi
}
is_settled() { grep -q "verified," "$1" && ! grep -q differ "$1"; } # the output of verify
begin() { current=$1; SECONDS=0; echo "$1"; }
no_leftovers() { # in the folder, nothing but the given names
    local found wanted
    found=$(cd "$1" && ls -A | LC_ALL=C sort | tr '\n' ' '); shift
    wanted=$([ $# = 0 ] || printf '%s\n' "$@" | LC_ALL=C sort | tr '\n' ' ')
    if [ "$found" = "$wanted" ]; then pass; else fail "found $found, not $wanted"; fi
}

build_example file "$DIR/ossenc_file"
EXPLICIT_BZERO=1 build_example file "$DIR/ossenc_file.explicit_bzero"
"$CC" -std=c99 "${WARNINGS[@]}" -O2 -shared -fPIC "$HERE/interpose.c" -o "$DIR/interpose.so" -ldl

P() { "$DIR/ossenc_file" "$@"; }
# The same, dying in its N-th call that changes a file: 137 then, else the program's own exit code.
crash_at() {
    local n=$1 code=0; shift
    # A subshell, so that the shell's own report of a killed job goes nowhere.
    (LD_PRELOAD="$DIR/interpose.so" INTERPOSE_CRASH=$n "$DIR/ossenc_file" "$@" >/dev/null 2>&1; exit $?) 2>/dev/null || code=$?
    return $code
}
logged() { LD_PRELOAD="$DIR/interpose.so" INTERPOSE_LOG="$DIR/calls" "$DIR/ossenc_file" "$@"; }

new_home() { # a folder with keys, a file of 100,000 bytes and its sealed form
    rm -rf home; mkdir home; cd home
    P init >/dev/null
    head -c 100000 /dev/urandom >plain
    P seal plain sealed
    cd ..
}

test_basics() {
    begin "basics"
    new_home; cd home
    [ "$(stat -c '%a %s' ossenc.rootkey)" = "600 32" ] && pass || fail "the root key file"
    local length
    for length in 0 1 16383 16384 16385 1048575 1048576 1048577 1064960 3000000; do
        head -c $length /dev/urandom >p
        check "seal $length" P --object name --tenant t --bucket b --version-id v --pair k=v --pair l=w seal p s
        check "length of $length" [ "$(stat -c %s s)" = $((8192 + 56 + length + (length / 16384 + 1) * 16)) ]
        check "open $length" P --object name --tenant t --bucket b --version-id v --pair l=w --pair k=v open s q
        check "compare $length" cmp p q
        check "verify $length" P --object name --tenant t --bucket b --version-id v --pair l=w --pair k=v verify s
        rm -f p s q
    done
    local options=(--object name --tenant t) range
    head -c 1500000 /dev/urandom >p
    P "${options[@]}" seal p s
    for range in 0-0 0-16383 16384-16384 16383-16384 100-1400000 1048570-1048580 1499999-1499999 1499999- 1400000- 0- \
        5-99999999 -1 -16384 -1048577 -1500000 -9999999 1048576-1048577; do
        local from=${range%-*} to=${range##*-}
        if [ -z "$from" ]; then tail -c "$to" p >wanted
        else head -c $((${to:-99999999} + 1)) p | tail -c +$((from + 1)) >wanted; fi
        P "${options[@]}" cat --range "$range" s >got || fail "cat --range $range"
        check "range $range" cmp wanted got
    done
    P "${options[@]}" cat s | cmp - p && pass || fail "cat without a range"
    refused 2 "past the end, which is at 1500000" P "${options[@]}" cat --range 1500000- s
    for range in 5-4 a 1 - -0 1-2x +1-2 ' 1-2' 99999999999999999999-; do
        refused 2 "not a range" P "${options[@]}" cat --range "$range" s
    done
    # Every field of the context counts, and so does the key.
    refused 8 "wrong key or context" P "${options[@]}" --version-id v open s q
    refused 8 "wrong key or context" P --object other --tenant t open s q
    refused 8 "wrong key or context" P --object name open s q
    refused 8 "wrong key or context" P "${options[@]}" --pair a=b open s q
    refused 11 "not what the caller allows" P "${options[@]}" --key other open s q
    refused 11 "older than the generation asked for" P "${options[@]}" --min-generation 3 open s q
    head -c 32 /dev/urandom >other-root; chmod 600 other-root
    refused 8 "root-key" P "${options[@]}" --root-key other-root open s q
    chmod 640 other-root
    refused 2 "chmod 600" P "${options[@]}" --root-key other-root open s q
    : >other-root; chmod 600 other-root
    refused 2 "exactly 32 bytes" P "${options[@]}" --root-key other-root open s q
    refused 3 "No such file" P --keystore none open s q
    refused 3 "No such file" P open none q
    refused 3 "No such file" P rewrap none
    refused 3 "No such file" P seal none q
    refused 4 "not a sealed file" P info p
    refused 4 "malformed" P --keystore p verify s
    refused 2 "usage" P; refused 2 "usage" P frobnicate; refused 2 "usage" P seal p; refused 2 "usage" P --frob 1 rotate
    refused 2 "usage" P --object
    refused 2 "not a pair" P --pair x seal p q
    refused 2 "primary" P retire 1
    check "no output of failed commands" [ ! -e q ]
    check "help" P help
    check "explicit_bzero" "$DIR/ossenc_file.explicit_bzero" "${options[@]}" verify s
    check "init again" P init
    cd ..
}

test_damage() {
    begin "damage"
    new_home; cd home
    head -c 500000 /dev/urandom >p
    P seal p s
    flip() { # FILE OFFSET: flips a bit
        local byte; byte=$(od -An -tu1 -j "$2" -N 1 "$1")
        printf "\\x$(printf %02x $((byte ^ 1)))" | dd of="$1" bs=1 seek="$2" conv=notrunc status=none
    }
    local at chunk
    for chunk in 0 7 8 20 30; do # the last one is 30
        cp s d; flip d $((8192 + 56 + chunk * 16400 + 3))
        refused 6 "damaged at plaintext offset $((chunk * 16384)) " P open d q
        refused 6 "the first place is at plaintext offset $((chunk * 16384))\$" P verify d
        check "range of chunk $chunk" grep -q "plaintext bytes $((chunk * 16384))-" refused.out
    done
    for chunk in 3 4 5 9; do flip d $((8192 + 56 + chunk * 16400 + 16399)); done
    refused 6 "offset 49152\$" P verify d
    sed -n 's/^d: damaged: plaintext bytes //p' refused.out | tr '\n' ' ' >got
    check "all damage is listed" [ "$(cat got)" = "49152-98303 147456-163839 491520-499999 " ]
    P cat --range 163840-400000 d | cmp - <(head -c 400001 p | tail -c +163841) && pass || fail "a range beside the damage"
    refused 6 "offset 491520" P cat --range -10 d
    check "nothing of a suffix before its proof" [ ! -s refused.out ]
    cp s d; truncate -s -1000 d
    refused 6 "offset 491520" P open d q
    # A cut that only the last chunk shows: what depends on the length waits for it, though whole windows are before it.
    head -c 3000000 /dev/urandom >large
    P seal large d; rm large; truncate -s -1000 d
    local range
    for range in 0- -2999000 10-99999999; do
        refused 6 "offset 2998272" P cat --range $range d
        check "nothing of range $range before its proof" [ ! -s refused.out ]
    done
    P cat --range 0-2000000 d >/dev/null && pass || fail "a range that does not depend on the length"
    cp s d; truncate -s $((8192 + 56 + 20 * 16400)) d
    refused 7 truncated P open d q
    refused 7 truncated P verify d
    check "the remains are verified" grep -q "plaintext bytes 0-327679 are intact" refused.out
    flip d $((8192 + 56))
    refused 7 "offset 0" P verify d
    truncate -s 8192 d
    refused 7 truncated P verify d
    cp s d; flip d $((8192 + 10)); refused 8 "the body is of another object, or its head is damaged" P open d q
    for at in 3 19 100 4095; do # a damaged copy: the other one serves, and a rewrap repairs it
        local copy
        for copy in 0 4096; do
            cp s d; flip d $((copy + at))
            check "one damaged copy" P verify d
            check "is reported" grep -q "the header copies differ" check.out
            check "is repaired" P rewrap d
            check "after the repair" P verify d
            check "is not reported any more" is_settled check.out
        done
        flip d $at; flip d $((4096 + at))
        refused 4 "both header copies" P open d q
    done
    # The header of one file on the body of another.
    P seal p t
    cp s d; dd if=t of=d bs=8192 count=1 conv=notrunc status=none
    refused 8 "another object" P open d q
    no_leftovers . d got ossenc.keystore ossenc.keystore.lock ossenc.keystore.previous ossenc.rootkey p plain refused.err refused.out check.out s sealed t
    cd ..
}

test_vectors() {
    begin "vectors of the container"
    mkdir cases
    check "file_vectors.py" "$PYTHON" "$HERE/file_vectors.py" "$DIR/ossenc_file" "$ROOT/vectors" "$DIR/cases"
    tail -1 check.out
}

test_reader() {
    begin "the independent reader opens what the program seals"
    new_home; cd home
    local length context=(--tenant t --object name --version-id v)
    "$PYTHON" -c 'import cryptography' || { fail "PYTHON=$PYTHON has no package cryptography"; cd ..; return; }
    local reader=("$PYTHON" "$ROOT/vectors/reader.py" --keystore ossenc.keystore --root-key ossenc.rootkey --key-id main)
    for length in 0 1 16384 100000 1048576; do
        head -c $length /dev/urandom >p
        P "${context[@]}" --bucket b --pair k=v seal p s
        "${reader[@]}" "${context[@]}" --bucket-id b --user k=v --file s >q && cmp p q && pass || fail "length $length"
    done
    P rotate >/dev/null
    P "${context[@]}" --bucket b --pair k=v rewrap s >/dev/null
    P retire 1 >/dev/null
    "${reader[@]}" "${context[@]}" --bucket-id b --user k=v --file s >q && cmp p q && pass || fail "after a rotation"
    cd ..
}

test_rotation() {
    begin "rotation, rewrap, retirement"
    new_home; cd home
    P seal plain left-behind
    check "rotate" P rotate
    check "the old file opens" P open sealed q
    cp sealed before
    rm -f "$DIR/calls"
    logged rewrap sealed >/dev/null
    # O(1): two writes of 4 KiB, each made durable before the next, the copy that does not count first.
    check "the calls of a rewrap" diff "$DIR/calls" <(printf '%s\n' "pwrite 4096 at 0" fdatasync "pwrite 4096 at 4096" fdatasync)
    check "the body is untouched" cmp <(tail -c +8193 before) <(tail -c +8193 sealed)
    check "the header is not" [ "$(cmp -n 8192 before sealed >/dev/null; echo $?)" = 1 ]
    rm -f "$DIR/calls"
    logged rewrap sealed >rewrap.out
    check "nothing to do" grep -q "nothing to do" rewrap.out
    check "nothing was written" [ ! -e "$DIR/calls" ]
    check "retire" P retire 1
    check "the rewrapped file opens" P open sealed q
    refused 10 "state of the key" P open left-behind q2
    refused 10 "state of the key" P rewrap left-behind
    refused 2 "retired already" P retire 1
    refused 2 "primary" P retire 2
    refused 9 "no such key or version" P retire 7
    # A keystore from before the rotation: stale.
    check "a file under version 3" sh -c "cp ossenc.keystore old && '$DIR/ossenc_file' rotate && '$DIR/ossenc_file' seal plain three"
    refused 9 "newest keystore" P --keystore old open three q2
    # How a new file is made durable.
    rm -f "$DIR/calls"
    : >empty
    logged seal empty s
    check "the calls of a seal" diff "$DIR/calls" \
        <(printf '%s\n' "pwrite 4096 at 0" "pwrite 4096 at 4096" "write 72" fsync rename fsync)
    cd ..
}

# The program, stopped dead in each of its calls that change a file, and twice in a row.
test_crash_points() {
    begin "a crash in every call"
    new_home; cd home
    local n m code
    cp sealed old-sealed
    P rotate >/dev/null
    for n in 1 2 3 4 5; do
        for m in 1 2 3 4 5; do
            cp old-sealed sealed
            code=0; crash_at $n rewrap sealed || code=$?
            check "exit code $code in call $n" [ $code = $([ $n -le 4 ] && echo 137 || echo 0) ]
            check "opens after a crash in call $n" P open sealed q
            check "plaintext after a crash in call $n" cmp plain q
            crash_at $m rewrap sealed || true
            check "opens after crashes in calls $n, $m" P open sealed q
            check "rewrap after crashes in calls $n, $m" P rewrap sealed
            check "verify" P verify sealed
            check "the copies are the same again" is_settled check.out
        done
    done
    # After a rewrap that went through, neither copy opens with the retired version.
    P retire 1 >/dev/null
    check "version 1 is gone" P verify sealed
    dd if=/dev/zero of=sealed bs=4096 count=1 seek=1 conv=notrunc status=none
    check "version 1 is gone from the other copy" P verify sealed

    mkdir seal
    for n in 1 2 3 4 5 6 7 8 9; do
        cp plain seal/p; rm -f seal/s*
        code=0; crash_at $n seal seal/p seal/s || code=$?
        if [ -e seal/s ]; then check "a sealed file is whole, call $n" P verify seal/s; else pass; fi
        [ $code = 137 ] || break
    done
    check "seal went through in the end" [ $code = 0 -a $n -ge 6 ]
    no_leftovers seal p s

    for n in $(seq 1 30); do
        code=0; crash_at $n rotate || code=$?
        check "the keystore loads after a crash of rotate in call $n" P open sealed q
        [ $code = 137 ] || break
    done
    check "rotate went through in the end" [ $code = 0 -a $n -ge 4 ]
    check "rotate after all" P rotate

    for n in $(seq 1 30); do
        rm -rf init; mkdir init
        code=0; crash_at $n init init/k init/r || code=$?
        check "init ends what a crash in call $n began" P init init/k init/r
        check "sealed under it" P --keystore init/k --root-key init/r seal plain init/s
        [ $code = 137 ] || break
    done
    check "init went through in the end" [ $code = 0 -a $n -ge 10 ]
    cd ..
}

# The same at random moments, without any help of the preloaded library.
kill_soon() { # MICROSECONDS COMMAND...
    local micro=$1; shift
    (
        "$@" >/dev/null 2>&1 &
        sleep "$(printf '0.%06d' "$micro")"
        kill -9 $! 2>/dev/null || true
        wait $! 2>/dev/null
    ) 2>/dev/null || true
}

test_kills() {
    begin "kill -9 at $KILLS random moments each"
    new_home; cd home
    head -c 3000000 /dev/urandom >large
    local i bad=0 start took
    start=$(date +%s%N); P rotate >/dev/null; P rewrap sealed >/dev/null; took=$((($(date +%s%N) - start) / 1000))
    for ((i = 0; i < KILLS; i++)); do
        kill_soon $((RANDOM % (took + 2000))) "$DIR/ossenc_file" rotate
        kill_soon $((RANDOM % (took / 2 + 2000))) "$DIR/ossenc_file" rewrap sealed
        P open sealed q >out 2>&1 && cmp -s plain q || { bad=$((bad + 1)); cat out >&2; }
    done
    check "rewrap and rotate" [ $bad = 0 ]
    check "rotate" P rotate
    check "rewrap" P rewrap sealed
    check "verify" P verify sealed
    echo "  $(P info sealed | grep -o 'key main version [0-9]*') after $KILLS rounds"
    start=$(date +%s%N); P seal large s; took=$((($(date +%s%N) - start) / 1000)); rm s
    mkdir k
    local whole=0
    for ((i = 0; i < KILLS; i++)); do
        kill_soon $((RANDOM % (took + 4000))) "$DIR/ossenc_file" seal large k/s
        if [ -e k/s ]; then
            P verify k/s >out 2>&1 && whole=$((whole + 1)) || { bad=$((bad + 1)); cat out >&2; }
        fi
        rm -f k/s*
    done
    check "seal" [ $bad = 0 ]
    echo "  $whole of $KILLS files got their name, all of them whole"
    cd ..
}

test_at_once() {
    begin "writers at the same time"
    new_home; cd home
    local i n
    local -a jobs
    for i in $(seq 1 20); do
        P rotate >/dev/null
        jobs=()
        for n in 1 2 3; do P rewrap sealed >/dev/null & jobs+=($!); done
        P open sealed q & jobs+=($!)
        P verify sealed >/dev/null & jobs+=($!)
        for n in "${jobs[@]}"; do wait "$n" && pass || fail "one of several at once, round $i"; done
        check "verify" P verify sealed
        check "settled" is_settled check.out
    done
    check "each rewrap counted once" [ "$(P info sealed | sed -n 's/.*copy B: intact, sequence \([0-9]*\), counts/\1/p')" = 42 ]
    for i in $(seq 1 10); do
        jobs=()
        for n in 1 2 3 4; do P rotate >/dev/null & jobs+=($!); done
        for n in "${jobs[@]}"; do wait "$n" && pass || fail "one of several rotations"; done
        check "the old file opens" P open sealed q
    done
    mkdir fresh; jobs=()
    for n in 1 2 3 4 5 6; do P init fresh/k fresh/r >/dev/null & jobs+=($!); done
    for n in "${jobs[@]}"; do wait "$n" && pass || fail "one of several inits"; done
    no_leftovers fresh k k.lock k.previous r
    cd ..
}

test_rust() {
    begin "the same files in C and in Rust"
    if [ ! -x "${RUST:-}" ]; then fail "RUST does not name the built example of crates/kms"; return; fi
    new_home; cd home
    local length
    R() { "$RUST" "$1" ossenc.keystore ossenc.rootkey "${@:2}"; }
    for length in 0 1 16384 1048577; do
        head -c $length /dev/urandom >p
        P seal p c; R seal p r
        check "lengths of $length" [ "$(stat -c %s c)" = "$(stat -c %s r)" ]
        check "Rust opens what C sealed" R open c q; cmp p q && pass || fail "$length from C"
        check "C opens what Rust sealed" P open r q; cmp p q && pass || fail "$length from Rust"
        check "Rust verifies" R verify c
        check "C verifies" P verify r
        check "settled" is_settled check.out
        mkdir files; mv c r files
        P rotate >/dev/null
        check "C rewraps" P rewrap files/r
        check "Rust rewraps" R rewrap files
        check "each once" grep -q "1 rewrapped, 1 up to date" check.out
        check "C finds nothing to do" P rewrap files/c files/r
        check "in neither" [ "$(grep -c "nothing to do" check.out)" = 2 ]
        check "settled for C" P verify files/c
        is_settled check.out && pass || fail "settled"
        rm -rf files q
    done
    cd ..
}

test_memory() {
    begin "memory of a file of $SPARSE bytes"
    new_home; cd home
    truncate -s "$SPARSE" sparse
    local limit=$((48 << 10)) start
    limited() { (ulimit -v $limit; exec "$DIR/ossenc_file" "$@"); }
    start=$(date +%s%N)
    check "seal in 48 MiB" limited seal sparse s
    echo "  sealed at $((SPARSE / (($(date +%s%N) - start) / 1000))) MB/s"
    check "verify in 48 MiB" limited verify s
    limited cat --range -1000000 s | cmp - <(head -c 1000000 /dev/zero) && pass || fail "a range in 48 MiB"
    rm -f sparse s
    cd ..
}

test_refusals_of_the_system() {
    begin "file systems that refuse"
    new_home; cd home
    head -c 3000000 /dev/urandom >large
    P seal large s
    refused 3 "cannot write: No space left" sh -c "'$DIR/ossenc_file' cat s >/dev/full"
    refused 3 "" sh -c "'$DIR/ossenc_file' cat --range 0-9 s >&-"
    # A closed standard output: its messages must not go into a file that gets its number.
    cp s t
    refused 3 "standard output" sh -c "'$DIR/ossenc_file' rewrap $(printf 't %.0s' $(seq 500)) >&-"
    check "nothing was written into the file" cmp s t
    mkdir small
    limited() { (trap '' XFSZ; ulimit -f 100; exec "$DIR/ossenc_file" "$@"); }
    refused 3 "cannot write: File too large" limited seal large small/s
    refused 3 "cannot write: File too large" limited open s small/q
    refused 3 "create a file beside it: No such file" P seal large none/s
    refused 3 "create a file beside it: No such file" P open s none/q
    mkdir folder
    refused 3 "name the new file: Is a directory" P seal large folder
    refused 3 "" P seal folder small/s
    refused 3 "" P --keystore folder open s q
    no_leftovers small; rmdir small
    if mkdir tmpfs && mount -t tmpfs -o size=1m,mode=700 none tmpfs 2>/dev/null; then
        MOUNTED+=("$PWD/tmpfs")
        refused 3 "No space left" P seal large tmpfs/s
        refused 3 "No space left" P open s tmpfs/q
        no_leftovers tmpfs
        P init tmpfs/k tmpfs/r >/dev/null
        P --keystore tmpfs/k --root-key tmpfs/r seal plain tmpfs/p
        head -c 2000000 /dev/zero >tmpfs/fill 2>/dev/null || true
        refused 3 "No space left" P --keystore tmpfs/k --root-key tmpfs/r rotate
        check "the keystore is as it was" P --keystore tmpfs/k --root-key tmpfs/r verify tmpfs/p
        rm tmpfs/fill
        check "rotate with space" P --keystore tmpfs/k --root-key tmpfs/r rotate
        mount -o remount,ro tmpfs
        refused 3 "Read-only" P --keystore tmpfs/k --root-key tmpfs/r rotate
        refused 3 "Read-only" P --keystore tmpfs/k --root-key tmpfs/r rewrap tmpfs/p
        refused 3 "Read-only" P seal plain tmpfs/s
        check "reading goes on" P --keystore tmpfs/k --root-key tmpfs/r verify tmpfs/p
        umount tmpfs
        MOUNTED=()
    elif [ "$(id -u)" != 0 ]; then
        mkdir locked; cp sealed ossenc.keystore locked; chmod 500 locked; chmod 400 locked/*
        refused 3 "Permission denied" P seal plain locked/s
        refused 3 "Permission denied" P --keystore locked/ossenc.keystore rotate
        refused 3 "Permission denied" P rewrap locked/sealed
        chmod 700 locked
        echo "SKIPPED: FULL AND READ-ONLY FILE SYSTEMS NEED ROOT."
    else
        echo "SKIPPED: CANNOT MOUNT A SMALL FILE SYSTEM HERE: NOTHING WAS FILLED UP."
    fi
    cd ..
}

test_memcheck() {
    begin "memcheck over every command"
    if ! command -v valgrind >/dev/null; then
        echo "SKIPPED: NO VALGRIND. NO COMMAND WAS LOOKED AT FOR LEAKS."
        return
    fi
    new_home; cd home
    checked() {
        valgrind -q --leak-check=full --show-leak-kinds=all --errors-for-leak-kinds=all --error-exitcode=99 \
            "$DIR/ossenc_file" "$@"
    }
    check "init" checked init k r
    check "seal" checked seal plain s
    check "open" checked open s q
    check "cat" checked cat --range -100 s
    check "rotate" checked rotate
    cp s t
    check "rewrap" checked rewrap s
    check "retire" checked retire 1
    check "verify" checked verify s
    check "info" checked info s
    refused 10 "" checked open t q2
    refused 10 "" checked verify s t
    refused 8 "" checked --object x open s q2
    refused 2 "" checked cat --range 100000- s
    refused 3 "" checked seal plain none/s
    refused 4 "" checked rewrap plain
    printf x | dd of=s bs=1 seek=50000 conv=notrunc status=none
    refused 6 "" checked verify s
    refused 6 "" checked open s q2
    truncate -s 24660 s
    refused 7 "" checked verify s
    cd ..
}

for name in ${TESTS:-basics damage vectors reader rust rotation crash_points kills at_once memory refusals_of_the_system memcheck}; do
    "test_$name"
    echo "  ${SECONDS} s"
done
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
