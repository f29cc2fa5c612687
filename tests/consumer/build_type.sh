#!/usr/bin/env bash
# build_type.sh CMAKE SOURCE_DIR BINARY_DIR COMPILER: a project that has tapegrad as a part and names no build type is told so,
# and gets an optimised library; its own files are compiled as it says.
set -euo pipefail
cmake=$1 source=$2 binary=$3 compiler=$4

rm -rf "$binary"
output=$("$cmake" -S "$source/tests/consumer/add_subdirectory" -B "$binary" -G Ninja -DTAPEGRAD_DIR="$source" \
  -DCMAKE_CXX_COMPILER="$compiler" -DCMAKE_EXPORT_COMPILE_COMMANDS=ON)
grep -q 'No CMAKE_BUILD_TYPE was given' <<<"$output" || { echo "nothing is said of the build type:"; echo "$output"; exit 1; }
command_of() { grep '"command"' "$binary/compile_commands.json" | grep -- "-c $1"; }
grep -q -- '-O3 -DNDEBUG' <<<"$(command_of "$source/core/create.cpp")" || { echo "the library is not optimised"; exit 1; }
if grep -q -- '-O3' <<<"$(command_of "$source/tests/consumer/main.cpp")"; then
  echo "the project's own file is compiled with the library's options"
  exit 1
fi
