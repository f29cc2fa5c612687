#!/usr/bin/env bash
# language_test.sh ROOT COMPILER...: as C++17, the umbrella header gives one error, which says what is needed; and that is the
# first error of every other public header. Scalars are for code without exceptions too.
set -uo pipefail
root=$1
shift
wanted='tapegrad needs C\+\+20'
broken=0

errors() { "$@" -Wno-error -std=c++17 -fsyntax-only -x c++ - 2>&1 | grep -E 'error: '; }

found=$(errors "$@" <<<'#include <tapegrad/tapegrad.hpp>')
if [[ $(wc -l <<<"$found") != 1 ]] || ! grep -qE "$wanted" <<<"$found"; then
  echo "tapegrad.hpp as C++17:"
  echo "$found"
  broken=1
fi
while read -r header; do
  first=$(errors "$@" -Wfatal-errors <<<"#include <tapegrad/$header>" | head -1)
  if ! grep -qE "$wanted" <<<"$first"; then
    echo "$header as C++17: $first"
    broken=1
  fi
done < <(cd "$root" && grep -rlE '^#pragma once$' --include='*.hpp' --exclude-dir={bench,build,examples,tests,tools} |
  grep -vE '/(internal|kernels)/')

if ! "$@" -std=c++20 -fno-exceptions -fsyntax-only -x c++ - <<'END'; then
#include <tapegrad/scalar/scalar.hpp>
double slope(double x) {
  return tapegrad::scalars::gradient([](const auto& v) { return sin(v[0]) * v[0]; }, std::vector<double>{x})[0];
}
END
  echo 'scalar.hpp without exceptions'
  broken=1
fi
exit "$broken"
