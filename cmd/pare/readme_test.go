package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var (
	consoleBlock = regexp.MustCompile("(?ms)^```console\n\\$ (.*?)\n(.*?)^```$")
	goBlock      = regexp.MustCompile("(?ms)^```go\n(.*?)^```$")
	readme       = filepath.Join("..", "..", "README.md")
)

// What README.md shows is what the commands print.
func TestReadmeShowsWhatCommandsPrint(t *testing.T) {
	src := readText(t, readme)
	readmePath, err := filepath.Abs(readme)
	if err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	if err := os.CopyFS(folder, os.DirFS("example")); err != nil {
		t.Fatal(err)
	}
	t.Chdir(folder)
	t.Setenv("NO_COLOR", "1")
	got := consoleBlock.ReplaceAllStringFunc(src, func(block string) string {
		line := consoleBlock.FindStringSubmatch(block)[1]
		args, ours := strings.CutPrefix(strings.ReplaceAll(line, "make demo", "pare demo"), "pare ")
		if !ours {
			t.Fatalf("README.md: %s: want a command of pare, or make demo", line)
		}
		stdout, stderr, _ := command(t, "", strings.Fields(args)...)
		if stderr != "" {
			t.Errorf("%s: %s", line, stderr)
		}
		return "```console\n$ " + line + "\n" + stdout + "```"
	})
	if *golden {
		if err := os.WriteFile(readmePath, []byte(got), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff(src, got); diff != "" && !*golden {
		t.Errorf("-README.md +commands (go test ./cmd/pare -update rewrites it)\n%s", diff)
	}
}

// Its Go is that of the examples, which are compiled and run.
func TestReadmeQuotesTheExamples(t *testing.T) {
	examples := readText(t, filepath.Join("..", "..", "refine", "example_test.go")) +
		readText(t, filepath.Join("..", "..", "prove", "example_test.go"))
	blocks := goBlock.FindAllStringSubmatch(readText(t, readme), -1)
	if len(blocks) == 0 {
		t.Error("README.md: no Go")
	}
	unindented := strings.ReplaceAll(examples, "\n\t", "\n")
	for _, block := range blocks {
		if !strings.Contains(unindented, block[1]) {
			t.Errorf("README.md: not in an example:\n%s", block[1])
		}
	}
}

func readText(t *testing.T, path string) string {
	t.Helper()
	src, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(src)
}
