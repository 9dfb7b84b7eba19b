#!/usr/bin/env bash
# Every check of the source that needs no run of the program. All of them run, then the
# names of those that failed come last.
set -uo pipefail
cd "$(dirname "$0")/.."

tool="go tool -modfile=tools/go.mod"
failed=""

# step NAME COMMAND…: prints what COMMAND has to say only if it fails.
step() {
  local name=$1 said status
  shift
  said=$("$@" 2>&1)
  status=$?
  if [ $status -eq 0 ]; then
    echo "check: $name: ok"
  else
    echo "check: $name: FAILED"
    printf '%s\n' "$said" | sed 's/^/    /'
    failed="$failed $name"
  fi
}

# prints_nothing COMMAND…: fails if COMMAND prints something, too.
prints_nothing() {
  local said
  said=$("$@") || { printf '%s\n' "$said"; return 1; }
  [ -z "$said" ] || { printf '%s\n' "$said"; return 1; }
}

step gofmt prints_nothing gofmt -s -l .
step tidy go mod tidy -diff
step layers go test -count=1 ./internal/layers
step vet go vet ./...
case $failed in
*vet*) echo "check: the other linters wait until vet is content" ;;
*)
  step fix prints_nothing go fix -diff ./...
  step staticcheck $tool staticcheck ./...
  step errcheck $tool errcheck -exclude tools/errcheck.txt ./...
  step unparam $tool unparam ./...
  step exhaustive $tool exhaustive -e ./...
  step sumtype $tool go-check-sumtype -default-signifies-exhaustive=false ./...
  bash scripts/vuln.sh --try
  ;;
esac

if [ -n "$failed" ]; then
  echo "check: FAILED:$failed"
  exit 1
fi
