# Sourced by the scripts beside it: moves to the root of the tree, installs Debian packages that are missing, builds presets.

set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

build_packages=(g++ cmake ninja-build ccache libeigen3-dev libboost-dev libfmt-dev libutf8proc-dev nlohmann-json3-dev
  libcli11-dev libdnnl-dev zlib1g-dev libpng-dev libturbojpeg0-dev)
# What the program reads and calls: WordNet's glosses, and dot.
run_packages=(wordnet-base graphviz)
test_packages=(libboost-graph-dev libgtest-dev libgmock-dev librapidcheck-dev libbenchmark-dev libgoogle-glog-dev
  libfiu-dev pkgconf python3 time libonnx-testdata python3-onnx python3-torch chromium-headless-shell
  fonts-dejavu-core ca-certificates)

say() { printf '== %s\n' "$*"; }

fail() {
  printf '%s: %s\n' "$0" "$*" >&2
  exit 1
}

# need_packages NAME...: installs those that are not installed, and says so. With all in place it needs no network.
need_packages() {
  local name missing=() as_root=()
  if ! command -v dpkg-query >/dev/null; then
    say "not a Debian system: what Debian calls $* must be installed by hand"
    return
  fi
  for name in "$@"; do
    [[ $(dpkg-query -W -f '${db:Status-Status}' "$name" 2>/dev/null) == installed ]] || missing+=("$name")
  done
  ((${#missing[@]})) || return 0

  if [[ $(id -u) != 0 ]]; then
    command -v sudo >/dev/null || fail "to be installed, as root: apt-get install ${missing[*]}"
    as_root=(sudo)
  fi
  as_root+=(env DEBIAN_FRONTEND=noninteractive apt-get -q -o Acquire::Retries=3 -o Dpkg::Use-Pty=0)
  say "installing with apt: ${missing[*]}"
  # A repository of the user's that cannot be reached is no reason to give up, so only the installation decides.
  "${as_root[@]}" update || say "apt-get update failed; trying with the package lists that are here"
  "${as_root[@]}" install -y --no-install-recommends "${missing[@]}" || fail "apt could not install ${missing[*]}"
}

# need_node_packages: puts what tests/graph/node/package-lock.json names into build/node, unless it is there already.
# False if npm cannot.
need_node_packages() {
  local from=tests/graph/node to=build/node
  if ! command -v node >/dev/null || ! command -v npm >/dev/null; then
    need_packages nodejs npm
  fi
  cmp -s "$from/package-lock.json" "$to/installed.json" && return
  say "installing with npm, into $to: the packages of $from/package.json"
  mkdir -p "$to"
  cp "$from"/package{,-lock}.json "$to"
  (cd "$to" && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error) || return
  cp "$from/package-lock.json" "$to/installed.json"
}

# build PRESET: configures and builds.
build() {
  say "building preset $1 in build/$1"
  cmake --preset "$1"
  cmake --build --preset "$1" --parallel "$(nproc)"
}

# write_table SCRIPT PAGE: puts what is on standard input between the page's marks of that script.
write_table() {
  python3 -c '
import sys
from pathlib import Path
script, page = sys.argv[1], Path(sys.argv[2])
head, begin, rest = page.read_text().partition(f"<!-- scripts/{script} writes this table -->\n")
_, end, tail = rest.partition("<!-- until here -->\n")
page.write_text(f"{head}{begin}\n{sys.stdin.read()}\n{end}{tail}")
' "$1" "$2"
}
