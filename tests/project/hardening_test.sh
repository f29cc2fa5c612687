#!/usr/bin/env bash
# hardening_test.sh READELF FILE, or hardening_test.sh READELF --in PREFIX for the libtapegrad.so below it: what
# docs/reliability.md says of the program and the shared library holds for this one.
set -euo pipefail
readelf=$1
if [[ $2 == --in ]]; then
  file=$(find "$3" -name libtapegrad.so)
else
  file=$2
fi

faults=0
# require WHAT OPTIONS PATTERN: the output of readelf has it.
require() {
  if ! "$readelf" -W $2 "$file" 2>/dev/null | grep -E "$3" >/dev/null; then
    echo "$file: no $1"
    faults=1
  fi
}

require 'code that may lie anywhere (PIE, PIC)' -h 'Type: +DYN'
[[ $2 == --in ]] || require 'mark of a position-independent program (PIE)' -d 'FLAGS_1.*PIE'
require 'relocations that become read-only (RELRO)' -l 'GNU_RELRO'
require 'binding at the start, which makes RELRO full' -d 'BIND_NOW|FLAGS_1.*NOW'
require 'stack without code' -l 'GNU_STACK +(0x[0-9a-f]+ +){5}RW '
require 'canaries on the stack' '--dyn-syms' '__stack_chk_fail'
exit $faults
