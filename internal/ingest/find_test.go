package ingest_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pare-iam/pare/internal/ingest"
)

// found is a listing as it can be compared.
type found struct {
	Paths      []string
	Unreadable []string
	Copies     ingest.Names
	PassedOver ingest.Names
	Empty      []string
}

func find(paths ...string) (found, error) {
	l, err := ingest.Find(context.Background(), paths, []string{"out/usage.jsonl", "out/usage.coverage.json"})
	if err != nil {
		return found{}, err
	}
	return found{l.Paths(), l.Unreadable(), l.Copies, l.PassedOver, l.Empty}, nil
}

const (
	nameA = "111122223333_CloudTrail_us-east-1_20260501T0005Z_aaaaaaaaaaaaaaaa"
	nameB = "111122223333_CloudTrail_us-east-1_20260501T0010Z_bbbbbbbbbbbbbbbb"
)

// tree makes a folder of logs the working folder.
func tree(t *testing.T) {
	t.Helper()
	t.Chdir(t.TempDir())
	write(t, ".", map[string][]byte{
		"logs/b/" + nameB + ".json.gz": nil,
		"logs/a/" + nameA + ".json.gz": nil,
		"logs/a/events.JSONL":          nil,
		"logs/a/lake.csv.gz":           nil,
		"logs/a/notes.txt":             nil,
		"other/" + nameA + ".json":     nil,
		"other/" + nameA + "x.json":    nil,
		"out/usage.jsonl":              nil,
		"out/usage.coverage.json":      nil,
		"out/" + nameB + ".json":       nil,
		"plain.log":                    nil,
		"odd[1].json":                  nil,
	})
	for _, dir := range []string{"none", "logs/deep/er"} {
		if err := os.MkdirAll(dir, 0o777); err != nil {
			t.Fatal(err)
		}
	}
}

func TestFind(t *testing.T) {
	tree(t)
	a, b := "logs/a/"+nameA+".json.gz", "logs/b/"+nameB+".json.gz"
	logs := []string{a, b, "logs/a/events.JSONL", "logs/a/lake.csv.gz"}
	notes := ingest.Names{Count: 1, First: []string{"logs/a/notes.txt"}}
	tests := []struct {
		name  string
		paths []string
		want  found
	}{
		{"a folder, with all below it", []string{"logs"}, found{Paths: logs, PassedOver: notes}},
		{"a folder twice, and with a file of it", []string{"logs", "./logs/", "logs/../logs/a", a}, found{Paths: logs, PassedOver: notes}},
		{"a file by name is read whatever it is called", []string{"plain.log"}, found{Paths: []string{"plain.log"}}},
		{"a pattern", []string{"logs/?/*.csv.gz"}, found{Paths: []string{"logs/a/lake.csv.gz"}}},
		{"a name with brackets is no pattern", []string{"odd[1].json"}, found{Paths: []string{"odd[1].json"}}},
		{
			"a copy under CloudTrail's name, and one that only looks so", []string{"other", "logs/a/" + nameA + ".json.gz"},
			found{
				Paths:  []string{a + " = other/" + nameA + ".json", "other/" + nameA + "x.json"},
				Copies: ingest.Names{Count: 1, First: []string{"other/" + nameA + ".json"}},
			},
		},
		{"outputs aren't logs", []string{"out"}, found{Paths: []string{"out/" + nameB + ".json"}}},
		{"a folder without logs", []string{"none", "logs/deep"}, found{Empty: []string{"logs/deep", "none"}}},
		{"streams come last", []string{"-", "plain.log"}, found{Paths: []string{"plain.log", "-"}}},
		{"nothing", nil, found{}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := find(tt.paths...)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
		})
	}
}

func TestFindErrors(t *testing.T) {
	tree(t)
	tests := []struct{ path, want string }{
		{"gone", "gone: no such file or directory"},
		{"", ": no such file or directory"},
		{"gone/*.json", "gone/*.json: no such file, and as a pattern it matches none"},
		{"[", "[: no such file, and no pattern: want a ] for each ["},
		{"out/usage.jsonl", "out/usage.jsonl: is the output, and isn't read"},
	}
	for _, tt := range tests {
		if _, err := find("logs", tt.path); err == nil || err.Error() != tt.want {
			t.Errorf("%q: got %v, want %s", tt.path, err, tt.want)
		}
	}
}

func TestFindFollowsLinksOnce(t *testing.T) {
	tree(t)
	link := func(to, at string) {
		t.Helper()
		if err := os.Symlink(to, at); err != nil {
			t.Skip("no symbolic links here: ", err)
		}
	}
	link("..", "logs/b/up")
	link("self", "logs/self")
	link("self", "logs/self.json")
	link("nowhere", "logs/gone.json.gz")
	link(filepath.Join("..", "other", nameA+"x.json"), "logs/linked.json")
	link(filepath.Join("..", "plain.log"), "logs/plain.json")
	link("logs", "alias")
	got, err := find("alias", "logs", "other/"+nameA+"x.json")
	if err != nil {
		t.Fatal(err)
	}
	want := found{
		Paths: []string{
			"alias/a/" + nameA + ".json.gz", "alias/b/" + nameB + ".json.gz",
			"alias/a/events.JSONL", "alias/a/lake.csv.gz", "alias/linked.json", "alias/plain.json",
		},
		Unreadable: []string{
			"alias/gone.json.gz: no such file or directory",
			"alias/self.json: too many levels of symbolic links",
		},
		PassedOver: ingest.Names{Count: 2, First: []string{"alias/a/notes.txt", "alias/self"}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

// Root reads every folder, and then nothing is missing.
func TestFindKeepsWhatCannotBeRead(t *testing.T) {
	tree(t)
	if err := os.Chmod("logs/b", 0); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.Chmod("logs/b", 0o777); err != nil { // so that it can be removed
			t.Error(err)
		}
	})
	got, err := find("logs")
	if err != nil {
		t.Fatal(err)
	}
	var want []string
	if os.Geteuid() != 0 {
		want = []string{"logs/b: permission denied"}
	}
	if diff := cmp.Diff(want, got.Unreadable); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

func TestFindStops(t *testing.T) {
	tree(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := ingest.Find(ctx, []string{"logs"}, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want %v", err, context.Canceled)
	}
}

// A name is CloudTrail's only if all its parts are.
func TestCopiesAreKnownByWholeNames(t *testing.T) {
	names := []string{
		nameA + ".json", nameA + ".json.gz", // a copy
		nameA + ".csv",
		strings.Replace(nameA, "CloudTrail", "CloudTrail-Digest", 1) + ".json.gz",
		strings.Replace(nameA, "1111", "111", 1) + ".json",
		strings.Replace(nameA, "T0005Z", "T0005", 1) + ".json",
		strings.TrimSuffix(nameA, "a") + ".json",
		nameA + "_x.json",
	}
	t.Chdir(t.TempDir())
	write(t, ".", map[string][]byte{"out/usage.jsonl": nil})
	for _, name := range names {
		write(t, ".", map[string][]byte{"a/" + name: nil, "b/" + name: nil})
	}
	got, err := find("a", "b")
	if err != nil {
		t.Fatal(err)
	}
	if want := 3; got.Copies.Count != want { // of the first two names in both folders
		t.Errorf("got %d copies, want %d: %q", got.Copies.Count, want, got.Copies.First)
	}
}
