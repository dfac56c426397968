#!/usr/bin/env bash
# Tests of include/ossenc.hpp: each header alone; what must not compile; and the program of *.cpp with g++ and clang++,
# as C++17 and C++20, with exceptions and without them and RTTI, and once with the address and undefined behaviour
# sanitizers. LIB_DIR says where the library is (target/release).
. "$(dirname "$0")/../c/build.sh"
HERE=$ROOT/ffi/tests/cpp
DIR=$(mktemp -d)
trap 'rm -rf "$DIR"' EXIT
STRICT=(-Wall -Wextra -Wpedantic -Wconversion -Wshadow -Werror -pthread -I"$ROOT/include")
WITHOUT=(-fno-exceptions -fno-rtti)

command -v g++ >/dev/null || "$ROOT/.ci/install.sh" g++
compilers=(g++)
if command -v clang++ >/dev/null || "$ROOT/.ci/install.sh" clang; then compilers+=(clang++); else
    echo "SKIPPED: NO CLANG, AND IT CANNOT BE INSTALLED HERE. THE C++ HEADERS WERE SEEN BY G++ ALONE."
fi

for compiler in "${compilers[@]}"; do
    echo "each header alone, $compiler"
    for header in "$ROOT"/include/ossenc.hpp "$ROOT"/include/ossenc/*.hpp; do
        name=${header#"$ROOT/include/"}
        [ "$name" = ossenc.hpp ] || grep -qF "#include \"$name\"" "$ROOT/include/ossenc.hpp" ||
            { echo "ossenc.hpp does not include $name" >&2; exit 1; }
        printf '#include <%s>\n#include <%s>\n' "$name" "$name" >"$DIR/alone.cpp"
        "$compiler" -std=c++17 "${STRICT[@]}" -fsyntax-only "$DIR/alone.cpp"
        "$compiler" -std=c++20 "${STRICT[@]}" "${WITHOUT[@]}" -fsyntax-only "$DIR/alone.cpp"
    done

    echo "what must not compile, $compiler"
    cases=$HERE/refused/cases.cpp refused=0
    for with in "" "${WITHOUT[*]}"; do
        # Without -Wpedantic and so on: the reason is to be the one that is meant.
        build=("$compiler" -std=c++17 -Wall -Wextra -Werror $with -I"$ROOT/include" -fsyntax-only "$cases")
        "${build[@]}"
        while IFS=$'\t' read -r number word; do
            if "${build[@]}" -DCASE="$number" 2>"$DIR/why"; then
                echo "case $number of cases.cpp compiles" >&2
                exit 1
            fi
            grep -q 'not for this compiler' "$DIR/why" && continue
            if ! grep 'error:' "$DIR/why" | grep -qE -- "$word"; then
                echo "case $number of cases.cpp fails for another reason than \"$word\":" >&2
                cat "$DIR/why" >&2
                exit 1
            fi
            refused=$((refused + 1))
        done < <(sed -n 's|^#.*if CASE == \([0-9]*\).*  // \(.*\)$|\1\t\2|p' "$cases")
    done
    [ "$refused" -ge 23 ] || { echo "only $refused cases were tried" >&2; exit 1; }
    echo "  $refused refused"
done

program() { # what it is, then a compiler and options
    local what=$1
    shift
    echo "$what"
    (cd "$DIR" && printf '%s\0' "$HERE"/*.cpp | xargs -0 -n 1 -P "$(nproc)" "$@" "${STRICT[@]}" -g -c)
    "$@" "$DIR"/*.o "${SHARED_LIBS[@]}" -o "$DIR/program"
    rm "$DIR"/*.o
    timeout 600 "$DIR/program" | sed 's/^/  /'
}
for compiler in "${compilers[@]}"; do
    for std in 17 20; do
        program "$compiler, C++$std" "$compiler" "-std=c++$std"
        program "$compiler, C++$std, no exceptions" "$compiler" "-std=c++$std" "${WITHOUT[@]}"
    done
done
program "g++, C++17, with sanitizers" g++ -std=c++17 -O1 -fsanitize=address,undefined -fno-sanitize-recover=all
echo "C++: ok"
