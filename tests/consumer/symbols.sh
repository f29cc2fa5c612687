#!/usr/bin/env bash
# symbols.sh NM PREFIX: libtapegrad.so exports what is in namespace tapegrad, and nothing else: no instance of a template of
# the standard library or Eigen, no symbol of a library that it is built from.
set -euo pipefail
nm=$1 library=$(find "$2" -name libtapegrad.so)

# Mangled, since only there the namespace comes first: special-name prefixes, local scope, nested name, qualifiers.
inside='^_Z(T[ISTVHW]|T[hv]n?[0-9_]*(n?[0-9]+_)?|GVZ?|GR|Z)?N[KRO]*8tapegrad'
exported=$("$nm" -D --defined-only --format=posix "$library" | cut -d' ' -f1)

if outside=$(grep -vE "$inside" <<<"$exported"); then
  echo "exported, but not of namespace tapegrad:"
  c++filt <<<"$outside"
  exit 1
fi
[[ $(c++filt <<<"$exported") == *'tapegrad::version()'* ]] || { echo "$library does not export tapegrad::version()"; exit 1; }
