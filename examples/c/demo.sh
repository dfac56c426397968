#!/usr/bin/env bash
# Shows every example: runs NAME/demo.sh where there is one, else compiles the program and runs it without arguments.
# Called by `make demo`. What demonstrations share they source from demonstration.sh.
#
#   FILE=…      a file of at least 100 MB, other than the one that comes with Rust
#   LIB_DIR=…   where libossenc.so is (target/release)
set -euo pipefail
HERE=$(cd "$(dirname "$0")" && pwd)

for example in "$HERE"/*; do
    name=$(basename "$example" .c)
    case $example in
    *.sh) continue ;;
    esac
    echo "examples/c/$name"
    if [ -x "$example/demo.sh" ]; then
        "$example/demo.sh"
    else
        program=$(mktemp)
        "$HERE/build.sh" "$name" "$program" && "$program" || { rm -f "$program"; exit 1; }
        rm -f "$program"
    fi
done
echo "demo: ok"
