#!/usr/bin/env bash
# pkg_config.sh COMPILER PREFIX static|shared: builds and runs a program against the installed tree, without CMake.
set -euo pipefail
compiler=$1 prefix=$2 kind=$3

pc=$(find "$prefix" -name tapegrad.pc)
export PKG_CONFIG_PATH=${pc%/*}
options=()
if [[ $kind == static ]]; then options=(--static); fi
read -ra flags <<<"$(pkg-config "${options[@]}" --cflags --libs tapegrad)"
program=$prefix/pkg_config_consumer
"$compiler" -std=c++20 "-DEXPECTED_VERSION=\"$(pkg-config --modversion tapegrad)\"" "$(dirname "$0")/main.cpp" \
  -o "$program" "${flags[@]}"
LD_LIBRARY_PATH=$(pkg-config --variable=libdir tapegrad) "$program"
