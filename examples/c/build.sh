#!/usr/bin/env bash
# Compiles one example as a user does, without a warning. Each is a folder here, NAME/*.c, or a file, NAME.c.
#
# usage: examples/c/build.sh NAME PROGRAM [OPTION OF THE COMPILER...]
#   LIB_DIR=…   where libossenc.so is (target/release)
set -euo pipefail
HERE=$(cd "$(dirname "$0")" && pwd)
ROOT=$(cd "$HERE/../.." && pwd)
LIB_DIR=$(cd "${LIB_DIR:-$ROOT/target/release}" && pwd)
name=$1 program=$2
shift 2

if [ -d "$HERE/$name" ]; then sources=("$HERE/$name"/*.c); else sources=("$HERE/$name.c"); fi
"${CC:-cc}" -std=c99 -Wall -Wextra -pedantic -Werror -O2 -pthread "$@" -I"$ROOT/include" "${sources[@]}" \
    -L"$LIB_DIR" -lossenc -Wl,-rpath,"$LIB_DIR" -o "$program"
