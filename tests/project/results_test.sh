#!/usr/bin/env bash
# results_test.sh ROOT: scripts/results fails, and says why, where a training does not reach its goal. A stand-in for the
# program says what accuracy it likes.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -r "$folder"' EXIT
mkdir "$folder/tree"
cp -r "$1/scripts" "$folder/tree"
mkdir -p "$folder/tree/out/results/food-reviews"
mkdir "$folder/tree/out/results/tables" "$folder/tree/out/results/speech-quick"
touch "$folder/tree/out/results/food-reviews/test.csv" "$folder/tree/out/results/tables/credit.csv" \
  "$folder/tree/out/results/speech-quick/sentences-test.csv"  # so that none are made
printf 'need_packages() { :; }\n' >>"$folder/tree/scripts/lib.sh"
printf '#!/bin/sh\necho "test accuracy $ACCURACY"\n' >"$folder/program"
chmod +x "$folder/program"

results() { ACCURACY=$1 "$folder/tree/scripts/results" --quick --program "$folder/program" >"$folder/log" 2>&1; }

results 0.995 || { cat "$folder/log"; echo 'failed with good figures'; exit 1; }
grep -q '^| sentiment | `sentiment out/results/food-reviews` | 0.995 |' "$folder/log"
if results 0.85; then
  echo 'passed with figures below the goals'
  exit 1
fi
grep -q 'text: 0.85, which should be: 0.85 >= 0.89' "$folder/log"
