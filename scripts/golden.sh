#!/usr/bin/env bash
# Rewrites every expected output that a test knows how to rewrite: tests with an -update
# flag, and command scripts (PARE_UPDATE). The diff is the review.
set -euo pipefail
cd "$(dirname "$0")/.."

packages() { # PATTERN: the packages whose tests have it
  { grep -rlE --include='*_test.go' "$1" . || true; } | xargs -r -n1 dirname | sort -u
}

for package in $(packages 'flag\.Bool\("update"'); do
  echo "golden: go test $package -update"
  go test -count=1 "$package" -update
done
for package in $(packages 'Getenv\("PARE_UPDATE"'); do
  echo "golden: PARE_UPDATE=1 go test $package"
  PARE_UPDATE=1 go test -count=1 "$package"
done
git status --short
