#!/usr/bin/env bash
# results_test.sh ROOT: scripts/results fails, and says why, where a training does not reach its goal. A stand-in for the
# program says what accuracy it likes.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -r "$folder"' EXIT
mkdir "$folder/tree"
cp -r "$1/scripts" "$folder/tree"
data=$folder/tree/out/results
mkdir -p "$data"/{food-reviews,movielens,numbers,tables,speech-quick}
touch "$data"/{food-reviews/test,movielens/items,tables/credit,speech-quick/sentences-test}.csv  # so that none are made
touch "$data/numbers/pairs.tsv"
printf 'need_packages() { :; }\n' >>"$folder/tree/scripts/lib.sh"
cat >"$folder/program" <<'END'
#!/bin/sh
case $2 in
  recommend) echo "test error $ERROR" ;;
  translate) echo 'test BLEU 90' ;;
  *) echo "test accuracy $ACCURACY" ;;
esac
END
chmod +x "$folder/program"

results() { ACCURACY=$1 ERROR=$2 "$folder/tree/scripts/results" --quick --program "$folder/program" >"$folder/log" 2>&1; }

results 0.995 0.8 || { cat "$folder/log"; echo 'failed with good figures'; exit 1; }
grep -q '^| sentiment | `sentiment out/results/food-reviews` | 0.995 |' "$folder/log"
for figures in '0.85 0.8' '0.995 0.9'; do
  if results $figures; then
    echo "passed with $figures, one of which is not good enough"
    exit 1
  fi
done
grep -q 'films: 0.9, which must be <= 0.875' "$folder/log"
! grep -q 'cnn' "$folder/log"  # which takes long
