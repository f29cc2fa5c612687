#!/usr/bin/env bash
# pkg_config.sh COMPILER PREFIX static|shared SOURCE [FLAG...]: builds and runs a program against the installed tree, without
# CMake.
set -euo pipefail
compiler=$1 prefix=$2 kind=$3 source=$4
shift 4

pc=$(find "$prefix" -name tapegrad.pc)
export PKG_CONFIG_PATH=${pc%/*}
options=()
if [[ $kind == static ]]; then options=(--static); fi
read -ra flags <<<"$(pkg-config "${options[@]}" --cflags --libs tapegrad)"
program=$prefix/${source%.cpp}_consumer
"$compiler" -std=c++20 "$@" "-DEXPECTED_VERSION=\"$(pkg-config --modversion tapegrad)\"" "$(dirname "$0")/$source" \
  -o "$program" "${flags[@]}"
LD_LIBRARY_PATH=$(pkg-config --variable=libdir tapegrad) "$program"
