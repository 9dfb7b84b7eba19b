package awstest

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// Part is a program that the tests need and Go doesn't bring: a name that scripts/deps.sh
// knows.
type Part string

// The parts.
const (
	Moto     Part = "moto"
	AWS      Part = "aws"
	Faketime Part = "faketime"
	CfnLint  Part = "cfn-lint"
)

// program is the name of the part's command.
func (p Part) program() string {
	if p == Moto {
		return "moto_server"
	}
	return string(p)
}

// Find returns the path of a part's command, from the PATH or else from the folder that
// scripts/deps.sh installs into; empty if it is in neither.
func Find(p Part) string {
	if path, err := exec.LookPath(p.program()); err == nil {
		return path
	}
	path, err := exec.LookPath(filepath.Join(toolFolder(), p.program()))
	if err != nil {
		return ""
	}
	return path
}

// toolFolder is where scripts/deps.sh installs what comes from Python's package index.
func toolFolder() string {
	cache := os.Getenv("XDG_CACHE_HOME")
	if cache == "" {
		cache = filepath.Join(os.Getenv("HOME"), ".cache")
	}
	return filepath.Join(cache, "pare", "venv", "bin")
}

// Need returns the path of a part's command. Where it is missing the test ends: as failed
// if CI is true, else as skipped, and says which part it is and how to get it.
func Need(t testing.TB, p Part) string {
	t.Helper()
	path := Find(p)
	if path == "" {
		lacking(t, p, p.program()+" isn't there")
	}
	return path
}

// lacking ends the test for want of a part.
func lacking(t testing.TB, p Part, why string) {
	t.Helper()
	const message = "%s: install it with `make deps`, or `bash scripts/deps.sh %s`"
	if os.Getenv("CI") == "true" {
		t.Fatalf(message, why, p)
	}
	t.Skipf("SKIPPED, NOT TESTED: "+message, why, p)
}
