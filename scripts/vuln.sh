#!/usr/bin/env bash
# Looks for known vulnerabilities in what pare calls.
#
#   bash scripts/vuln.sh          exit 1 if there are any, or if that can't be found out
#   bash scripts/vuln.sh --try    says the same, and always exits 0 (see docs/decisions/0001)
#
# PARE_VULNDB names another copy of the database, as govulncheck's -db takes it:
# https://vuln.go.dev/vulndb.zip unpacked is file:///the/folder.
set -uo pipefail
cd "$(dirname "$0")/.."

db=${PARE_VULNDB:-https://vuln.go.dev}
# Built once, so that a time limit is for the database alone.
govulncheck=$(go tool -modfile=tools/go.mod -n govulncheck) || exit 1

# within SECONDS COMMAND…: macOS has no timeout command.
within() {
  if command -v timeout >/dev/null; then timeout "$@"; else shift && "$@"; fi
}

# end VERDICT says what govulncheck said, then the verdict.
end() {
  printf '%s\n' "$said" | sed 's/^/    /'
  echo "govulncheck: $1"
  if [ "$try" = true ]; then exit 0; fi
  exit 1
}

try=false
if [ "${1:-}" = --try ]; then try=true; fi

# The smallest question there is tells whether the database answers at all.
if ! said=$(within 10 "$govulncheck" -db "$db" -mode query -format json stdlib@1.26.0 2>&1); then
  said=$(printf '%s' "$said" | tail -n 1)
  end "database not reachable, NOT CHECKED: \"make vuln\" where it is, or set PARE_VULNDB to a copy"
fi
said=$("$govulncheck" -db "$db" ./... 2>&1)
case $? in
0) echo "govulncheck: ok" && exit 0 ;;
3) end "VULNERABLE" ;;
*) end "NOT CHECKED, it could not analyse the packages" ;;
esac
