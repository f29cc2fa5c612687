#!/usr/bin/env bash
# symbols.sh NM INTERCHANGE TAPEGRAD PROGRAM: what tapegrad::interchange alone defines is neither in the library tapegrad, nor
# asked for by it, nor in a program that links it.
set -euo pipefail
nm=$1 interchange=$2 tapegrad=$3 program=$4

# Without inline functions and instances of templates, which any program may have.
defined() { "$nm" --defined-only --format=posix "$1" | awk '$2 ~ /^[TDBR]$/ { print $1 }' | sort -u; }
mentioned() { "$nm" --format=posix "$1" | awk 'NF > 1 { print $1 }' | sort -u; }

own=$(comm -23 <(defined "$interchange") <(defined "$tapegrad"))
[[ $(c++filt <<<"$own") == *'tapegrad::onnx::load('* ]] || { echo "$interchange does not define tapegrad::onnx::load"; exit 1; }
for file in "$tapegrad" "$program"; do
  all=$(mentioned "$file")
  [[ $(c++filt <<<"$all") == *'tapegrad::Tensor::backward'* ]] || { echo "$file is not of tapegrad"; exit 1; }
  if found=$(comm -12 <(echo "$own") <(echo "$all")) && [[ $found ]]; then
    echo "$file has symbols of tapegrad::interchange:"
    c++filt <<<"$found" | head
    exit 1
  fi
done
