#!/usr/bin/env bash
# Tests of the C ABI: the exported symbols, and the functions (abi, one program), as C99 and C++11, with the shared and the
# static library, and under valgrind's memcheck; what calls may not do (protection.c). LIB_DIR says where the library is
# (target/release).
. "$(dirname "$0")/build.sh"
HERE=$ROOT/ffi/tests/c
DIR=$(mktemp -d)
trap 'rm -rf "$DIR"' EXIT
failed=0

command -v "$CXX" >/dev/null || "$ROOT/.ci/install.sh" g++

echo "exported symbols"
nm -D --defined-only "$LIB_DIR/libossenc.so" | awk '{ print $3 }' | LC_ALL=C sort >"$DIR/exported"
diff -u "$ROOT/ffi/symbols.txt" "$DIR/exported" || { echo "the library exports something else than ffi/symbols.txt" >&2; exit 1; }
grep -v '^ *//' "$ROOT/include/ossenc.h" | grep -oE '\bossenc_[a-z0-9_]+\(' | tr -d '(' | LC_ALL=C sort -u >"$DIR/declared"
diff -u "$ROOT/ffi/symbols.txt" "$DIR/declared" || { echo "the header declares something else than ffi/symbols.txt" >&2; exit 1; }

echo "the header alone, as C99 and C++11"
printf '#include <ossenc.h>\n' >"$DIR/alone.c"
"$CC" -std=c99 "${WARNINGS[@]}" -I"$ROOT/include" -fsyntax-only "$DIR/alone.c"
"$CXX" -x c++ -std=c++11 "${WARNINGS[@]}" -I"$ROOT/include" -fsyntax-only "$DIR/alone.c"

run() { # what it is, then the command; its output is shown, and a failure kept in mind
    echo "$1"
    timeout 600 "${@:2}" || { echo "FAILED: $1" >&2; failed=1; }
}
memcheck() {
    valgrind -q --leak-check=full --show-leak-kinds=all --errors-for-leak-kinds=all --error-exitcode=99 "$1"
}

c99=("$CC" -std=c99 "${WARNINGS[@]}" -g -I"$ROOT/include" "$HERE"/abi/*.c)
cpp=("$CXX" -std=c++11 "${WARNINGS[@]}" -g -I"$ROOT/include" -x c++ "$HERE"/abi/*.c -x none)
"${c99[@]}" "${SHARED_LIBS[@]}" -o "$DIR/c99-shared"
"${c99[@]}" "${STATIC_LIBS[@]}" -o "$DIR/c99-static"
"${cpp[@]}" "${SHARED_LIBS[@]}" -o "$DIR/c++11-shared"
"${cpp[@]}" "${STATIC_LIBS[@]}" -o "$DIR/c++11-static"
for build in c99-shared c99-static c++11-shared c++11-static; do
    run "abi, $build" "$DIR/$build"
done
if command -v valgrind >/dev/null || "$ROOT/.ci/install.sh" valgrind libc6-dbg; then
    for build in c99-shared c++11-static; do
        run "abi, $build, under memcheck" bash -c "$(declare -f memcheck); memcheck '$DIR/$build'"
    done
else
    echo "SKIPPED: NO VALGRIND, AND IT CANNOT BE INSTALLED HERE. THE C TESTS RAN WITHOUT MEMCHECK."
fi

if [ "$(uname -s)" = Linux ]; then
    "$CC" -std=gnu99 "${WARNINGS[@]}" -Wno-pedantic -O1 -g -I"$ROOT/include" "$HERE/protection.c" "${SHARED_LIBS[@]}" \
        -o "$DIR/protection"
    run "protection: fork, key memory, and what calls that move data may not do" "$DIR/protection"
else
    echo "SKIPPED: NOT LINUX: protection.c"
fi

[ "$failed" = 0 ] || { echo "the C ABI's tests FAILED" >&2; exit 1; }
echo "C ABI: ok"
