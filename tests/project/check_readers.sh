#!/usr/bin/env bash
# check_readers.sh ROOT: files from outside are opened by core/internal/input_file.cpp alone. Prints each line that opens one
# otherwise, and exits 1 if there is any.
set -euo pipefail
cd "$1"
found=$(grep -rnE 'ifstream|std::fstream|istreambuf_iterator|gz(d?open|read)|fopen\([^)]*"r|fgets\(|\bmmap\(|O_RDONLY|getline\(' \
  --include='*.cpp' --include='*.hpp' core op ops distributions solvers nn optim train data io graph testing interchange tools 2>/dev/null |
  grep -vE '^core/internal/input_file\.cpp:|O_RDONLY \| O_DIRECTORY' || true)
if [[ $found ]]; then
  printf '%s\n    %s\n' "$found" 'read files through InputFile (core/internal/input_file.hpp), which bounds them'
  exit 1
fi
