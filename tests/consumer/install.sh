#!/usr/bin/env bash
# install.sh SOURCE_DIR BUILD_DIR PREFIX: installs, then moves the tree to PREFIX, so that whatever uses it there shows that
# it can be moved. What is installed names neither where it was built nor where it was first put.
set -euo pipefail
source=$1 build=$2 prefix=$3

rm -rf "$prefix" "$prefix.first"
cmake --install "$build" --prefix "$prefix.first" >/dev/null
if grep -rlF -e "$prefix.first" -e "$build" -e "$source" --include='*.cmake' --include='*.pc' --include='*.hpp' "$prefix.first"; then
  echo "these installed files name folders of the build"
  exit 1
fi
mv "$prefix.first" "$prefix"
