#!/usr/bin/env bash
# check_refused.sh FILE COMPILER...: FILE must compile as it is, and with TAPEGRAD_REFUSED be refused with a message that
# matches what follows "// refused:" in it.
set -uo pipefail
file=$1
shift
wanted=$(sed -n 's|^// refused: ||p' "$file")
[[ $wanted ]] || { echo "$file does not say what the compiler says"; exit 1; }
"$@" -fsyntax-only "$file" || { echo "$file does not compile without TAPEGRAD_REFUSED"; exit 1; }
if output=$("$@" -fsyntax-only -DTAPEGRAD_REFUSED "$file" 2>&1); then
  echo "$file compiles with TAPEGRAD_REFUSED"
  exit 1
fi
grep -qE "$wanted" <<<"${output//[‘’]/\'}" || { echo "$file is refused with another message:"; echo "$output"; exit 1; }
