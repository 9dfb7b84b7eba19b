#!/usr/bin/env bash
# Looks for what the tests need beside Go and git, installs what is missing where apt-get
# is at hand, and says what to do elsewhere. What comes from Python's package index goes into
# a virtual environment of its own in the user's cache, where the tests look too.
#
#   bash scripts/deps.sh             everything, make too (a machine with only Go and git)
#   bash scripts/deps.sh make cc     those parts alone
#   bash scripts/deps.sh --missing   no more than a reminder of what is missing
#
# A missing part is an error when CI is true; elsewhere what needs it says so itself.
set -euo pipefail
cd "$(dirname "$0")/.."

all="make cc cvc5 faketime moto aws cfn-lint"
venv="${XDG_CACHE_HOME:-${HOME:-}/.cache}/pare/venv"

# about says of a part: its Debian packages | what it is for | how to get it elsewhere.
about() {
  case $1 in
  make) echo "make|the Makefile|GNU make from your system's packages" ;;
  cc) echo "gcc libc6-dev|the race detector|gcc or clang, or set CC" ;;
  cvc5) echo "cvc5|the independent check of proofs and certificates|https://cvc5.github.io, any 1.x, on the PATH" ;;
  faketime) echo "faketime|accounts of moto's that are months old|https://github.com/wolfcw/libfaketime, 0.9.10 or newer" ;;
  moto) echo "python3-venv|an AWS to test against|python3 -m pip install '$(pip_name moto)'" ;;
  aws) echo "python3-venv|the README's commands, run|https://aws.amazon.com/cli/, 1.16.70 or newer, or any 2" ;;
  cfn-lint) echo "python3-venv|the CloudFormation templates of deploy/, checked|python3 -m pip install '$(pip_name cfn-lint)'" ;;
  *) echo "deps: no part $1: want one of $all" >&2; exit 64 ;;
  esac
}

# pip_name is what a part is called in Python's package index; nothing if it isn't from there.
pip_name() {
  case $1 in
  moto) echo "moto[server]==5.2.1" ;;
  aws) echo "awscli==1.45.11" ;;
  cfn-lint) echo "cfn-lint==1.51.0" ;;
  esac
}

where() {
  case $1 in
  cc) command -v "${CC:-$(go env CC)}" ;;
  moto) command -v moto_server || command -v "$venv/bin/moto_server" ;;
  aws | cfn-lint) command -v "$1" || command -v "$venv/bin/$1" ;;
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
  local packages="" pips="" part name failed=0
  for part in "$@"; do
    name=$(pip_name "$part")
    pips="$pips $name"
    # Any python3 that can make a virtual environment will do.
    if [ -z "$name" ] || ! python3 -c 'import venv, ensurepip' 2>/dev/null; then
      packages="$packages $(about "$part" | cut -d'|' -f1)"
    fi
  done
  # shellcheck disable=SC2086 # lists of words
  {
    packages=$(printf '%s\n' $packages | sort -u)
    if [ -n "$packages" ]; then install_packages $packages || failed=1; fi
    if [ -n "${pips// /}" ]; then install_pips $pips || failed=1; fi
  }
  return $failed
}

install_packages() {
  command -v apt-get >/dev/null || return 1
  echo "deps: apt-get install $*" >&2
  apt_get update && apt_get install -y --no-install-recommends "$@"
}

# Debian's pip refuses to install into the system's Python.
install_pips() {
  echo "deps: pip install $* into $venv" >&2
  python3 -m venv "$venv" && "$venv/bin/python3" -m pip install --quiet --disable-pip-version-check --retries 2 "$@" >&2
}

remind() {
  local part packages purpose elsewhere
  for part in "$@"; do
    IFS='|' read -r packages purpose elsewhere <<<"$(about "$part")"
    if [ -n "$(pip_name "$part")" ]; then
      packages="$packages, then bash scripts/deps.sh $part"
    fi
    echo "deps: MISSING: $part, for $purpose. Get it: $elsewhere (Debian, Ubuntu: apt-get install $packages)" >&2
  done
}

if ! command -v go >/dev/null; then
  echo "deps: MISSING: $(grep '^go ' go.mod) or newer: https://go.dev/dl/" >&2
  exit 1
fi
case ${1:-} in
"") parts=$all ;;
--missing)
  # shellcheck disable=SC2046,SC2086
  remind $(missing $all)
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
