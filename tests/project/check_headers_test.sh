#!/usr/bin/env bash
# check_headers.sh must pass a tree that keeps the rules, and name the file when one is broken.
set -euo pipefail
check=$(dirname "$(realpath "$0")")/check_headers.sh
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT

new_tree() {
  rm -rf "${root:?}"/*
  mkdir -p "$root"/{core,ops/internal,nn}
  printf '#pragma once\n#include <tapegrad/core/a.hpp>\n' >"$root/tapegrad.hpp"
  printf '#pragma once\n#include <vector>\n#define TAPEGRAD_A 1\n' >"$root/core/a.hpp"
  printf '#pragma once\n#include <Eigen/Core>\n' >"$root/core/eigen.hpp"
  printf '#pragma once\n#include <fmt/format.h>\n' >"$root/ops/internal/b.hpp"
  printf '#include <Eigen/Core>\n#include <tapegrad/core/a.hpp>\n#include <tapegrad/ops/internal/b.hpp>\n' >"$root/ops/b.cpp"
}

new_tree
"$check" "$root" || { echo "a good tree was rejected"; exit 1; }

expect_rejected() {  # FILE, its text after #pragma once
  new_tree
  printf '#pragma once\n%b\n' "$2" >"$root/$1"
  if output=$("$check" "$root"); then
    echo "accepted in $1: $2"
    exit 1
  fi
  [[ $output == "$1"* ]] || { echo "$1 is not named in: $output"; exit 1; }
}

expect_rejected core/c.hpp '#include <tapegrad/ops/internal/b.hpp>'
expect_rejected core/c.cpp '#include <tapegrad/nn/missing.hpp>'
expect_rejected core/c.cpp '#include <tapegrad/core/missing.hpp>'
expect_rejected nn/c.cpp '#include <tapegrad/tapegrad.hpp>'
expect_rejected nn/c.cpp '  # include "a.hpp"'
expect_rejected nn/c.hpp '#include <tapegrad/ops/internal/b.hpp>'
expect_rejected nn/c.hpp '#include <Eigen/Core>'
expect_rejected nn/c.hpp '#include <dnnl.h>'
expect_rejected core/eigen.hpp '#include <boost/any.hpp>'
expect_rejected nn/c.hpp '#define CHECK(x) x'
new_tree
echo 'int x;' >"$root/nn/c.hpp"
! "$check" "$root" >/dev/null || { echo "a header without #pragma once was accepted"; exit 1; }
