#!/usr/bin/env bash
# Tests of the C ABI: the exported symbols, and abi.c as C99 and C++11, with the shared and the static library, and
# under valgrind's memcheck. LIB_DIR says where the library is (target/release).
. "$(dirname "$0")/build.sh"
HERE=$ROOT/ffi/tests/c
DIR=$(mktemp -d)
trap 'rm -rf "$DIR"' EXIT

echo "exported symbols"
nm -D --defined-only "$LIB_DIR/libossenc.so" | awk '{ print $3 }' | LC_ALL=C sort >"$DIR/exported"
diff -u "$ROOT/ffi/symbols.txt" "$DIR/exported" || { echo "the library exports something else than ffi/symbols.txt" >&2; exit 1; }
grep -v '^ *//' "$ROOT/include/ossenc.h" | grep -oE '\bossenc_[a-z0-9_]+\(' | tr -d '(' | LC_ALL=C sort -u >"$DIR/declared"
diff -u "$ROOT/ffi/symbols.txt" "$DIR/declared" || { echo "the header declares something else than ffi/symbols.txt" >&2; exit 1; }

echo "the header alone, as C99 and C++11"
printf '#include <ossenc.h>\n' >"$DIR/alone.c"
"$CC" -std=c99 "${WARNINGS[@]}" -I"$ROOT/include" -fsyntax-only "$DIR/alone.c"
"$CXX" -x c++ -std=c++11 "${WARNINGS[@]}" -I"$ROOT/include" -fsyntax-only "$DIR/alone.c"

C=("$CC" -std=c99 "${WARNINGS[@]}" -g -I"$ROOT/include" "$HERE/abi.c")
CPP=("$CXX" -std=c++11 "${WARNINGS[@]}" -g -I"$ROOT/include" -x c++ "$HERE/abi.c" -x none)
"${C[@]}" "${SHARED_LIBS[@]}" -o "$DIR/c99-shared"
"${C[@]}" "${STATIC_LIBS[@]}" -o "$DIR/c99-static"
"${CPP[@]}" "${SHARED_LIBS[@]}" -o "$DIR/c++11-shared"
"${CPP[@]}" "${STATIC_LIBS[@]}" -o "$DIR/c++11-static"
OPERATIONS=("${WARNINGS[@]}" -g -I"$ROOT/include")
"$CC" -std=c99 "${OPERATIONS[@]}" "$HERE/operations.c" "${SHARED_LIBS[@]}" -o "$DIR/operations-c99"
"$CXX" -std=c++11 "${OPERATIONS[@]}" -x c++ "$HERE/operations.c" -x none "${STATIC_LIBS[@]}" -o "$DIR/operations-c++11"
failed=0
"$CC" -std=c99 "${OPERATIONS[@]}" "$ROOT"/examples/c/event_loop/*.c "${SHARED_LIBS[@]}" -o "$DIR/event_loop"
timeout 60 "$DIR/event_loop" || failed=1
for program in operations-c99 operations-c++11; do
    echo "operations.c, $program"
    timeout 60 "$DIR/$program" || failed=1
done
for program in c99-shared c99-static c++11-shared c++11-static; do
    echo "abi.c, $program"
    timeout 60 "$DIR/$program" || failed=1
done

if ! command -v valgrind >/dev/null && [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    echo "installing valgrind"
    { apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends valgrind libc6-dbg; } \
        >"$DIR/apt.log" 2>&1 || tail -3 "$DIR/apt.log"
fi
if command -v valgrind >/dev/null; then
    memcheck() {
        timeout 170 valgrind -q --leak-check=full --show-leak-kinds=all --errors-for-leak-kinds=all --error-exitcode=99 \
            "$DIR/$1" >"$DIR/$1.log" 2>&1
    }
    memcheck c99-shared &
    first=$!
    memcheck c++11-static && second=0 || second=$?
    wait $first && first=0 || first=$?
    for program in c99-shared c++11-static; do
        echo "abi.c, $program, under memcheck"
        cat "$DIR/$program.log"
    done
    echo "operations.c under memcheck"
    memcheck operations-c99 || { cat "$DIR/operations-c99.log"; failed=1; }
    [ "$first$second" = 00 ] || { echo "memcheck: exit codes $first and $second" >&2; failed=1; }
else
    echo "SKIPPED: NO VALGRIND, AND IT CANNOT BE INSTALLED HERE. THE C TESTS RAN WITHOUT MEMCHECK."
fi
[ "$failed" = 0 ] || { echo "the C ABI's tests FAILED" >&2; exit 1; }
echo "C ABI: ok"
