#!/usr/bin/env bash
# Looks for what the tests need beside Go and git, installs what is missing where apt-get
# is at hand, and says what to do elsewhere.
#
#   bash scripts/deps.sh             everything, make too (a machine with only Go and git)
#   bash scripts/deps.sh make cc     those parts alone
#   bash scripts/deps.sh --missing   no more than a reminder of what is missing
#
# A missing part is an error when CI is true; elsewhere what needs it says so itself.
set -euo pipefail
cd "$(dirname "$0")/.."

# about says of a part: its Debian packages | what it is for | how to get it elsewhere.
about() {
  case $1 in
  make) echo "make|the Makefile|GNU make from your system's packages" ;;
  cc) echo "gcc libc6-dev|the race detector|gcc or clang, or set CC" ;;
  cvc5) echo "cvc5|the independent check of proofs and certificates|https://cvc5.github.io, any 1.x, on the PATH" ;;
  *) echo "deps: no part $1: want make, cc or cvc5" >&2; exit 64 ;;
  esac
}

where() {
  case $1 in
  cc) command -v "${CC:-$(go env CC)}" ;;
  *) command -v "$1" ;;
  esac
}

# missing prints those of the parts that aren't here.
missing() {
  local part
  for part in "$@"; do
    where "$part" >/dev/null || echo "$part"
  done
}

apt_get() {
  local as=""
  if [ "$(id -u)" != 0 ]; then
    command -v sudo >/dev/null || return 1
    as="sudo"
    if [ ! -t 0 ]; then as="sudo -n"; fi # nobody is there to type a password
  fi
  $as env DEBIAN_FRONTEND=noninteractive apt-get -q -o DPkg::Lock::Timeout=120 "$@" >&2
}

install_parts() {
  local packages="" part
  for part in "$@"; do
    packages="$packages $(about "$part" | cut -d'|' -f1)"
  done
  command -v apt-get >/dev/null || return 1
  echo "deps: apt-get install$packages" >&2
  # shellcheck disable=SC2086 # a list of words
  apt_get update && apt_get install -y --no-install-recommends $packages
}

remind() {
  local part packages purpose elsewhere
  for part in "$@"; do
    IFS='|' read -r packages purpose elsewhere <<<"$(about "$part")"
    echo "deps: MISSING: $part, for $purpose. Get it: $elsewhere (Debian, Ubuntu: apt-get install $packages)" >&2
  done
}

if ! command -v go >/dev/null; then
  echo "deps: MISSING: $(grep '^go ' go.mod) or newer: https://go.dev/dl/" >&2
  exit 1
fi
case ${1:-} in
"") parts="make cc cvc5" ;;
--missing)
  # shellcheck disable=SC2046
  remind $(missing make cc cvc5)
  exit 0
  ;;
*)
  parts="$*"
  for part in "$@"; do about "$part" >/dev/null; done # refuses a name that is none
  ;;
esac

# The names of parts are words without blanks.
# shellcheck disable=SC2046,SC2086
{
  lacking=$(missing $parts)
  if [ -n "$lacking" ]; then
    install_parts $lacking || echo "deps: couldn't install $(echo $lacking) here" >&2
  fi
  for part in $parts; do
    if found=$(where "$part"); then echo "deps: $part: $found"; fi
  done
  lacking=$(missing $parts)
  remind $lacking
}
if [ $# = 0 ]; then
  echo "deps: $(go version)"
  go mod download
  go mod download -modfile=tools/go.mod
fi
if [ -n "$lacking" ] && [ "${CI:-}" = true ]; then exit 1; fi
