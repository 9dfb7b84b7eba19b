#!/usr/bin/env bash
# Looks for what the tests need beside Go and git, installs what is missing where apt-get
# is at hand, and says what to do elsewhere. What comes from Python's package index, from npm's
# registry or from HashiCorp goes into a folder of its own in the user's cache, where the
# tests look too: exact versions, and what is downloaded has to have the checksums that are
# written here or in the lock files.
#
#   bash scripts/deps.sh             everything, make too (a machine with only Go and git)
#   bash scripts/deps.sh make cc     those parts alone
#   bash scripts/deps.sh --missing   no more than a reminder of what is missing
#
# A missing part is an error when CI is true; elsewhere what needs it says so itself.
set -euo pipefail
cd "$(dirname "$0")/.."

all="make cc cvc5 faketime moto aws cfn-lint postgres node aws-sdk-js axe terraform terraform-aws chromium"
cache="${XDG_CACHE_HOME:-${HOME:-}/.cache}/pare"
venv="$cache/venv"
node="$cache/node"
npm_lock="scripts/npm/package-lock.json"
hcl="internal/wire/testdata/terraform" # has the provider's version and checksums

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
  postgres) echo "postgresql|the database of several servers|https://www.postgresql.org/download/, 15 or newer, initdb on the PATH" ;;
  node) echo "nodejs npm|AWS's SDK for JavaScript|https://nodejs.org, 20 or newer, with npm" ;;
  aws-sdk-js) echo "nodejs npm|an analyzer's life through JavaScript|npm, then bash scripts/deps.sh aws-sdk-js" ;;
  axe) echo "nodejs npm|the dashboard's accessibility|npm, then bash scripts/deps.sh axe" ;;
  terraform) echo "curl unzip|an analyzer's life through Terraform|https://developer.hashicorp.com/terraform/install, 1.5 or newer, on the PATH" ;;
  terraform-aws) echo "|an analyzer's life through Terraform|a filesystem mirror of $(provider_path), linked as $cache/terraform/providers" ;;
  chromium) echo "chromium|the dashboard in a browser|https://www.chromium.org/getting-involved/download-chromium/ or Chrome, on the PATH" ;;
  *) echo "deps: no part $1: want one of $all" >&2; exit 64 ;;
  esac
}

# from says what brings a part.
from() {
  case $1 in
  moto | aws | cfn-lint) echo pip ;;
  aws-sdk-js | axe) echo npm ;;
  terraform | terraform-aws) echo hashicorp ;;
  *) echo apt ;;
  esac
}

# has_tools: what installs the part is here, so that none of its Debian packages is wanted.
has_tools() {
  case $(from "$1") in
  pip) python3 -c 'import venv, ensurepip' 2>/dev/null ;; # any python3 that can make a virtual environment
  npm) command -v npm >/dev/null ;;
  hashicorp) [ "$1" = terraform-aws ] || { command -v curl && command -v unzip; } >/dev/null ;;
  apt) return 1 ;;
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

# terraform_sum is the SHA-256 of Terraform's release for a platform, as HashiCorp lists it:
# https://releases.hashicorp.com/terraform/1.11.4/terraform_1.11.4_SHA256SUMS
terraform_version="1.11.4"
terraform_sum() {
  case $1 in
  linux_amd64) echo 1ce994251c00281d6845f0f268637ba50c0005657eb3cf096b92f753b42ef4dc ;;
  linux_arm64) echo a43d1d0da9b9bab214a8305a39db0e40869572594ccf50c416a7756499143633 ;;
  darwin_amd64) echo a56d5002b9f7647291faccc3dd1a70350e60fb61e4c45037629508b8fdc2575b ;;
  darwin_arm64) echo 867e0808fa971217043e25b7a792b10720c79b1546f8a68479b74f138be73e18 ;;
  *) return 1 ;;
  esac
}

# provider_path is where Terraform's provider of AWS is, from a folder of providers.
provider_path() {
  echo "registry.terraform.io/hashicorp/aws/$(sed -n 's/^ *version *= "\([0-9.]*\)"$/\1/p' "$hcl/.terraform.lock.hcl")/$(platform)"
}

platform() { go env GOHOSTOS GOHOSTARCH | paste -s -d _ -; }

where() {
  case $1 in
  cc) command -v "${CC:-$(go env CC)}" ;;
  moto) command -v moto_server || command -v "$venv/bin/moto_server" ;;
  aws | cfn-lint) command -v "$1" || command -v "$venv/bin/$1" ;;
  postgres) command -v initdb || printf '%s\n' /usr/lib/postgresql/*/bin/initdb | tail -n 1 | grep -v '[*]' ;;
  node) node -e 'if (parseInt(process.versions.node) < 20) process.exit(1)' 2>/dev/null && command -v node ;;
  aws-sdk-js) from_npm @aws-sdk/client-accessanalyzer/package.json ;;
  axe) from_npm axe-core/axe.min.js ;;
  terraform) command -v terraform || command -v "$cache/terraform/bin/terraform" ;;
  terraform-aws) [ -d "$cache/terraform/providers/$(provider_path)" ] && echo "$cache/terraform/providers" ;;
  chromium) command -v chromium || command -v chromium-browser || command -v google-chrome || command -v google-chrome-stable ;;
  *) command -v "$1" ;;
  esac
}

# from_npm prints the path of a file that npm installed; none if the lock file has changed.
from_npm() {
  cmp -s "$npm_lock" "$node/installed.json" && [ -f "$node/node_modules/$1" ] && echo "$node/node_modules/$1"
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
  local packages="" pips="" npm="" part failed=0
  for part in "$@"; do
    pips="$pips $(pip_name "$part")"
    if [ "$(from "$part")" = npm ]; then npm=yes; fi
    if ! has_tools "$part"; then packages="$packages $(about "$part" | cut -d'|' -f1)"; fi
  done
  # shellcheck disable=SC2086 # lists of words
  {
    packages=$(printf '%s\n' $packages | sort -u)
    if [ -n "$packages" ]; then install_packages $packages || failed=1; fi
    if [ -n "${pips// /}" ]; then install_pips $pips || failed=1; fi
  }
  if [ -n "$npm" ]; then install_npm || failed=1; fi
  for part in terraform terraform-aws; do
    case " $* " in *" $part "*) "install_$part" || failed=1 ;; esac
  done
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

# The lock file has the checksum of every package.
install_npm() {
  echo "deps: npm ci into $node" >&2
  mkdir -p "$node" && cp scripts/npm/package.json "$npm_lock" "$node" &&
    (cd "$node" && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error >&2) &&
    cp "$npm_lock" "$node/installed.json"
}

install_terraform() {
  local name sum into="$cache/terraform/bin"
  name="terraform_${terraform_version}_$(platform).zip"
  sum=$(terraform_sum "$(platform)") || { echo "deps: terraform: no checksum for $(platform)" >&2; return 1; }
  echo "deps: $name into $into" >&2
  mkdir -p "$into" &&
    curl -fsSL --retry 2 -o "$into/$name" "https://releases.hashicorp.com/terraform/$terraform_version/$name" &&
    echo "$sum  $into/$name" | sha256 -c - >&2 && unzip -oq "$into/$name" terraform -d "$into" || { rm -f "$into/$name"; return 1; }
  rm "$into/$name"
}

sha256() { if command -v sha256sum >/dev/null; then sha256sum "$@"; else shasum -a 256 "$@"; fi; }

# The provider is 700 MB: one that Terraform has on this machine is taken as it is, if it is
# of the very version.
install_terraform-aws() {
  local path found work terraform into="$cache/terraform/providers"
  path=$(provider_path)
  found=$(find "${TF_PLUGIN_CACHE_DIR:-/opt}" "${HOME:-/opt}/.terraform.d" "${XDG_DATA_HOME:-${HOME:-}/.local/share}/terraform" \
    /opt /usr/local /usr/share/terraform -maxdepth 8 -path "*/$path" -print -quit 2>/dev/null || true)
  mkdir -p "$cache/terraform"
  if [ -n "$found" ]; then
    rm -rf "$into"
    ln -s "${found%/"$path"}" "$into"
    return
  fi
  terraform=$(where terraform) || return 1
  echo "deps: terraform init, the provider into $into" >&2
  work=$(mktemp -d "$cache/terraform/init.XXXXXX")
  mkdir "$work/providers"
  cp "$hcl/provider.tf" "$hcl/.terraform.lock.hcl" "$work"
  if (cd "$work" && TF_PLUGIN_CACHE_DIR="$work/providers" CHECKPOINT_DISABLE=1 "$terraform" init -no-color -input=false -lockfile=readonly >&2); then
    rm -rf "$into"
    mv "$work/providers" "$into"
  fi
  rm -rf "$work"
  [ -d "$into/$path" ]
}

remind() {
  local part packages purpose elsewhere
  for part in "$@"; do
    IFS='|' read -r packages purpose elsewhere <<<"$(about "$part")"
    packages=${packages:+apt-get install $packages}
    if [ "$(from "$part")" != apt ]; then
      packages="${packages:+$packages, then }bash scripts/deps.sh $part"
    fi
    echo "deps: MISSING: $part, for $purpose. Get it: $elsewhere (Debian, Ubuntu: $packages)" >&2
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
