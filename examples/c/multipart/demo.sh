#!/usr/bin/env bash
# A real file as a multipart object, through the program `multipart`. Called by ../demo.sh, which says what the
# environment may set.
. "$(dirname "$0")/../demonstration.sh"
HERE=$(cd "$(dirname "$0")" && pwd)

step "compile the example program, with ${CC:-cc}" 0 "$HERE/../build.sh" multipart "$DIR/multipart"
head -c 33333333 "$FILE" >"$DIR/source"
mkdir "$DIR/object"
"$DIR/multipart" "$DIR/source" "$DIR/object" | sed 's/^/  /'
