package main

import (
	"slices"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestHooksRun runs the hooks' own commands, as .pre-commit-hooks.yaml has them.
//
//	hook CODE ID args…
func TestHooksRun(t *testing.T) {
	entries := map[string][]string{}
	for _, hook := range readYAML[[]struct {
		ID    string `yaml:"id"`
		Entry string `yaml:"entry"`
	}](t, ".pre-commit-hooks.yaml") {
		entries[hook.ID] = strings.Fields(hook.Entry)
	}
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/hook",
		RequireExplicitExec: true,
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"hook": func(ts *testscript.TestScript, neg bool, args []string) {
				if len(args) < 2 || entries[args[1]] == nil {
					ts.Fatalf("usage: hook CODE ID [args...], with an ID of .pre-commit-hooks.yaml")
				}
				exits(ts, neg, slices.Concat(args[:1], entries[args[1]], args[2:]))
			},
		},
	})
}
