#!/usr/bin/env bash
# check_readme.sh PROGRAM README SOURCE: the first C++ block of the README is SOURCE, and its first text block what the
# program prints.
set -euo pipefail

block() { awk -v fence="\`\`\`$1" '$0 == fence {inside = 1; next} inside && /^```/ {exit} inside' "$2"; }

folder=$(mktemp -d)
trap 'rm -r "$folder"' EXIT
program=$(realpath "$1") readme=$(realpath "$2") source=$(realpath "$3")
diff <(block cpp "$readme") "$source"
cd "$folder"
diff <(block text "$readme") <("$program")
