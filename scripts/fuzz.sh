#!/usr/bin/env bash
# Runs every fuzz target of the module in turn: bash scripts/fuzz.sh [TIME [PACKAGE…]]
# A failing input is left in the package's testdata/fuzz and becomes a test.
set -euo pipefail
cd "$(dirname "$0")/.."

time=${1:-60s}
shift || true
ran=0
for package in $(go list "${@:-./...}"); do
  targets=$(go test -list '^Fuzz' "$package" | grep '^Fuzz' || true)
  for target in $targets; do
    echo "fuzz: $package $target for $time"
    go test -run '^$' -fuzz "^$target\$" -fuzztime "$time" "$package"
    ran=$((ran + 1))
  done
done
echo "fuzz: $ran targets, $time each, no failure"
