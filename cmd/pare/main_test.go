package main

import (
	"errors"
	"flag"
	"os"
	"os/exec"
	"strconv"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"pare": main})
}

var golden = flag.Bool("update", false, "rewrite the expected outputs, and those that README.md shows")

// The scripts run the command as users do. With -update the files are rewritten that they
// compare with; the difference is then reviewed. Each script finds AWS's published
// examples in its folder: catalog-2024-06.json, myrole and s3readonly.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		UpdateScripts:       *golden,
		RequireExplicitExec: true,
		Setup: func(env *testscript.Env) error {
			env.Setenv("PARE_CACHE_DIR", env.WorkDir+"/cache")
			env.Setenv("GORACE", "atexit_sleep_ms=0") // else each command of a race test waits a second
			return os.CopyFS(env.WorkDir, os.DirFS("testdata/examples"))
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){"exits": exits},
	})
}

// exits runs `exits CODE command args…` and checks the exit code. What the command
// printed is left for the stdout and stderr commands.
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE command [args...]")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	err = ts.Exec(args[1], args[2:]...)
	var exit *exec.ExitError
	switch {
	case err == nil && want == 0:
	case errors.As(err, &exit) && exit.ExitCode() == want:
	default:
		ts.Fatalf("%v: want exit code %d, got: %v", args[1:], want, err)
	}
}
