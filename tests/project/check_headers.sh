#!/usr/bin/env bash
# check_headers.sh ROOT: the rules that the folders' #include and #define lines must keep. Prints each line that breaks one
# and exits 1 if there is any.
set -euo pipefail
cd "$1"

# The folders that each folder may include from, besides itself.
declare -A leans_on=(
  [core]=''
  [op]='core'
  [ops]='core op'
  [scalar]='core op ops'
  [data]='core op ops'
  [graph]='core op ops scalar'
  [nn]='core op ops distributions'
  [io]='core op ops'
  [testing]='core op ops graph'
  [interchange]='core op ops graph nn io'
  [optim]='core op ops nn'
  [solvers]='core op ops'
  [distributions]='core op ops'
  [train]='core op ops data nn io graph optim'
)
# The public headers whose very subject is another library. All others show nothing but the standard library.
declare -A subject=(
  [core/eigen.hpp]='Eigen/'
  [scalar/eigen.hpp]='Eigen/'
  [scalar/sparse.hpp]='Eigen/'
  [core/storage.hpp]='sys/single_threaded.h'
  [op/formula.hpp]='Eigen/|unsupported/Eigen/'
  [graph/boost_graph.hpp]='boost/'
  [testing/gradients.hpp]='gmock/|gtest/'
  [testing/graphs.hpp]='gmock/|gtest/'
)

broken=0
report() {  # FILE:LINE:TEXT, rule
  printf '%s\n    %s\n' "$1" "$2"
  broken=1
}

is_private() { [[ $1 == */internal/* || $1 == */kernels/* ]]; }

check_own_include() {  # where, file, included path below tapegrad/
  local where=$1 file=$2 path=$3 from=${2%%/*} to=${3%%/*}
  [[ -f $path ]] || report "$where" "there is no $path"
  if [[ $path == tapegrad.hpp ]]; then
    report "$where" 'the umbrella header is for users; include the header that is meant'
  elif [[ " $from ${leans_on[$from]} " != *" $to "* ]]; then
    report "$where" "$from/ may include from: $from ${leans_on[$from]}"
  fi
  if [[ $file == *.hpp ]] && ! is_private "$file" && is_private "$path"; then
    report "$where" 'a public header cannot include one that is not installed'
  fi
}

check_foreign_include() {  # where, file, included path
  local where=$1 file=$2 path=$3
  if [[ $file != *.hpp || $path != */* && $path != *.h ]] || is_private "$file"; then return; fi
  [[ ${subject[$file]-} && $path =~ ^(${subject[$file]}) ]] ||
    report "$where" 'public headers include the standard library and tapegrad only; forward-declare, or move it to internal/'
}

folders=()
for folder in "${!leans_on[@]}"; do
  if [[ -d $folder ]]; then folders+=("$folder"); fi
done

while IFS= read -r where; do
  file=${where%%:*}
  if [[ $where =~ \#[[:space:]]*include[[:space:]]*\<tapegrad/([^>]+)\> ]]; then
    check_own_include "$where" "$file" "${BASH_REMATCH[1]}"
  elif [[ $where =~ \#[[:space:]]*include[[:space:]]*\<([^>]+)\> ]]; then
    check_foreign_include "$where" "$file" "${BASH_REMATCH[1]}"
  else
    report "$where" 'headers of tapegrad are included as <tapegrad/FOLDER/NAME.hpp>'
  fi
done < <(grep -rnE '^[[:space:]]*#[[:space:]]*include' --include='*.hpp' --include='*.cpp' "${folders[@]}")

while IFS= read -r where; do
  report "$where" 'a macro in a header needs the prefix TAPEGRAD_'
done < <(grep -rnE '^[[:space:]]*#[[:space:]]*define' --include='*.hpp' "${folders[@]}" tapegrad.hpp |
  grep -vE 'define[[:space:]]+TAPEGRAD_')

while IFS= read -r file; do
  report "$file" 'a header starts with #pragma once'
done < <(grep -rLE '^#pragma once$' --include='*.hpp' "${folders[@]}" tapegrad.hpp)

exit "$broken"
