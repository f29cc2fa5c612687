#!/usr/bin/env bash
# check_page.sh PAGE SOURCE: every C++ block of PAGE stands in SOURCE, but for how far it is indented.
set -euo pipefail

source=$(sed 's/^ *//' "$2")
block='' inside=0 found=0
while IFS= read -r line; do
  if [[ $line == '```cpp' ]]; then
    inside=1 block=''
  elif [[ $line == '```' && $inside == 1 ]]; then
    inside=0 found=$((found + 1))
    [[ $source == *"$block"* ]] || {
      printf '%s shows what %s does not have:\n%s' "$1" "$2" "$block"
      exit 1
    }
  elif ((inside)); then
    block+="${line#"${line%%[! ]*}"}"$'\n'
  fi
done <"$1"
((found > 0))
