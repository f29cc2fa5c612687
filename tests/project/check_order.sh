#!/usr/bin/env bash
# check_order.sh ROOT COMPILER...: the headers of ROOT/tapegrad.hpp compile in the reverse order too, and so does each
# after all that come behind it: nothing depends on what happened to be included before.
set -euo pipefail
root=$1
shift
reversed=$(mktemp --suffix=.cpp)
trap 'rm -f "$reversed"' EXIT
grep '^#include <tapegrad/' "$root/tapegrad.hpp" | tac >"$reversed"
[[ $(wc -l <"$reversed") -gt 20 ]] || { echo "tapegrad.hpp includes too little"; exit 1; }
"$@" -fsyntax-only "$reversed"
