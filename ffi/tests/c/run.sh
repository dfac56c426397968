#!/usr/bin/env bash
# Tests of the C ABI: the exported symbols, and the programs abi/*.c and keystore.c as C99 and C++11, with the shared and
# the static library, and under valgrind's memcheck. LIB_DIR says where the library is (target/release).
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

C=("$CC" -std=c99 "${WARNINGS[@]}" -g -I"$ROOT/include" "$HERE"/abi/*.c)
CPP=("$CXX" -std=c++11 "${WARNINGS[@]}" -g -I"$ROOT/include" -x c++ "$HERE"/abi/*.c -x none)
"${C[@]}" "${SHARED_LIBS[@]}" -o "$DIR/c99-shared"
"${C[@]}" "${STATIC_LIBS[@]}" -o "$DIR/c99-static"
"${CPP[@]}" "${SHARED_LIBS[@]}" -o "$DIR/c++11-shared"
"${CPP[@]}" "${STATIC_LIBS[@]}" -o "$DIR/c++11-static"
failed=0
for program in c99-shared c99-static c++11-shared c++11-static; do
    echo "abi, $program"
    timeout 120 "$DIR/$program" || failed=1
done

if [ "$(uname -s)" = Linux ]; then
    echo "protection.c: fork, key memory, and what calls that move data may not do"
    "$CC" -std=gnu99 "${WARNINGS[@]}" -Wno-pedantic -O1 -g -I"$ROOT/include" "$HERE/protection.c" "${SHARED_LIBS[@]}" \
        -o "$DIR/protection"
    timeout 300 "$DIR/protection" || failed=1
else
    echo "SKIPPED: NOT LINUX: protection.c"
fi
# The life of master keys: a program of its own.
"$CC" -std=c99 "${WARNINGS[@]}" -g -I"$ROOT/include" "$HERE/keystore.c" "${SHARED_LIBS[@]}" -o "$DIR/keystore-c99"
"$CXX" -std=c++11 "${WARNINGS[@]}" -g -I"$ROOT/include" -x c++ "$HERE/keystore.c" -x none "${STATIC_LIBS[@]}" \
    -o "$DIR/keystore-c++11"
for program in keystore-c99 keystore-c++11; do
    echo "keystore.c, $program"
    timeout 60 "$DIR/$program" || failed=1
done

"$CC" -std=c99 "${WARNINGS[@]}" -g -I"$ROOT/include" "$HERE/census.c" "${SHARED_LIBS[@]}" -o "$DIR/census-c99-shared"
"$CXX" -std=c++11 "${WARNINGS[@]}" -g -I"$ROOT/include" -x c++ "$HERE/census.c" -x none "${STATIC_LIBS[@]}" \
    -o "$DIR/census-c++11-static"
for program in census-c99-shared census-c++11-static; do
    echo "census.c, ${program#census-}"
    timeout 60 "$DIR/$program" || failed=1
done

if ! command -v valgrind >/dev/null && [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    echo "installing valgrind"
    { apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends valgrind libc6-dbg; } \
        >"$DIR/apt.log" 2>&1 || tail -3 "$DIR/apt.log"
fi
if command -v valgrind >/dev/null; then
    memcheck() {
        timeout 600 valgrind -q --leak-check=full --show-leak-kinds=all --errors-for-leak-kinds=all --error-exitcode=99 \
            "$DIR/$1" >"$DIR/$1.log" 2>&1
    }
    memcheck c99-shared &
    first=$!
    memcheck c++11-static && second=0 || second=$?
    wait $first && first=0 || first=$?
    for program in c99-shared c++11-static; do
        echo "abi, $program, under memcheck"
        cat "$DIR/$program.log"
    done
    memcheck keystore-c99 || { cat "$DIR/keystore-c99.log"; echo "memcheck: keystore.c" >&2; failed=1; }
    echo "census.c, c99-shared, under memcheck"
    memcheck census-c99-shared || failed=1
    cat "$DIR/census-c99-shared.log"
    [ "$first$second" = 00 ] || { echo "memcheck: exit codes $first and $second" >&2; failed=1; }
else
    echo "SKIPPED: NO VALGRIND, AND IT CANNOT BE INSTALLED HERE. THE C TESTS RAN WITHOUT MEMCHECK."
fi
[ "$failed" = 0 ] || { echo "the C ABI's tests FAILED" >&2; exit 1; }
echo "C ABI: ok"
