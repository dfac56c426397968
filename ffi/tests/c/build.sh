# Sourced: finds the repository and the library.
set -euo pipefail
ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../../.." && pwd)
LIB_DIR=$(cd "${LIB_DIR:-$ROOT/target/release}" && pwd)
CC=${CC:-cc} CXX=${CXX:-c++}
WARNINGS=(-Wall -Wextra -pedantic -Werror)

for file in libossenc.so libossenc.a; do
    [ -e "$LIB_DIR/$file" ] || { echo "no $LIB_DIR/$file: run cargo build --release -p ossenc-ffi" >&2; exit 1; }
done

# What the Rust standard library needs of the system, for those who link libossenc.a.
STATIC_LIBS=("$LIB_DIR/libossenc.a" -lgcc_s -lpthread -ldl -lm)
SHARED_LIBS=(-L"$LIB_DIR" -lossenc -lpthread -Wl,-rpath,"$LIB_DIR")

# build_example NAME PROGRAM: an example, as a user builds it.
build_example() {
    LIB_DIR=$LIB_DIR CC=$CC "$ROOT/examples/c/build.sh" "$1" "$2" ${EXPLICIT_BZERO:+-DHAVE_EXPLICIT_BZERO}
}
