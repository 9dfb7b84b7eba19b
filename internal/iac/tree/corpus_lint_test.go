package tree_test

import (
	"errors"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"
	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/pare-iam/pare/internal/awstest"
)

// TestCorpusTemplatesLint has the real cfn-lint look at every template of the corpus before
// and after: what it says of one afterwards it said before. Most of the corpus is about
// layout, and some of its templates are bad ones.
func TestCorpusTemplatesLint(t *testing.T) {
	names, err := filepath.Glob("testdata/corpus/*.txtar")
	if err != nil {
		t.Fatal(err)
	}
	before, after := t.TempDir(), t.TempDir()
	templates := 0
	for _, name := range names {
		archive, err := txtar.ParseFile(name)
		if err != nil {
			t.Fatal(err)
		}
		c := readCase(t, archive)
		for path, text := range c.after {
			if !strings.Contains(text, "AWS::") {
				continue
			}
			templates++
			flat := strings.TrimSuffix(filepath.Base(name), ".txtar") + "." + strings.ReplaceAll(path, "/", ".")
			for dir, text := range map[string]string{before: c.before[path], after: text} {
				if err := os.WriteFile(filepath.Join(dir, flat), []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	if templates < 20 {
		t.Errorf("%d templates: the corpus has at least 20", templates)
	}
	was, is := lint(t, before), lint(t, after)
	for file, rules := range is {
		rules = slices.DeleteFunc(rules, func(rule string) bool { return slices.Contains(was[file], rule) })
		if diff := cmp.Diff([]string{}, rules); diff != "" {
			t.Errorf("%s: cfn-lint says more afterwards: -want +got\n%s", file, diff)
		}
	}
	if clean := templates - len(was); clean < templates/2 {
		t.Errorf("cfn-lint likes %d of %d templates of the corpus: this shows little", clean, templates)
	}
}

// lint is what cfn-lint says of a folder's files: rules and messages.
// https://github.com/aws-cloudformation/cfn-lint#exit-codes
func lint(t *testing.T, dir string) map[string][]string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), awstest.Need(t, awstest.CfnLint), "--format", "json", filepath.Join(dir, "*"))
	out, err := cmd.Output()
	if exit, ok := errors.AsType[*exec.ExitError](err); err != nil && (!ok || exit.ExitCode() > 14) {
		t.Fatalf("cfn-lint: %v\n%s", err, out)
	}
	var said []struct {
		Filename, Message string
		Rule              struct{ ID string }
	}
	if err := json.Unmarshal(out, &said, json.MatchCaseInsensitiveNames(true)); err != nil {
		t.Fatalf("cfn-lint: %v\n%s", err, out)
	}
	found := map[string]map[string]bool{}
	for _, m := range said {
		file := filepath.Base(m.Filename)
		if found[file] == nil {
			found[file] = map[string]bool{}
		}
		found[file][m.Rule.ID+" "+m.Message] = true
	}
	all := map[string][]string{}
	for file, rules := range found {
		all[file] = slices.Sorted(maps.Keys(rules))
	}
	return all
}
