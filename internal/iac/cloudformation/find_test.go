package cloudformation_test

import (
	"cmp"
	"flag"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/pare-iam/pare/internal/iac"
	"github.com/pare-iam/pare/internal/iac/cloudformation"
)

var update = flag.Bool("update", false, "write what is wanted anew")

// TestFind finds in the files of each archive what its last one, want, says.
func TestFind(t *testing.T) {
	archives, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(archives) == 0 {
		t.Fatalf("no archives: %v", err)
	}
	for _, name := range archives {
		t.Run(filepath.Base(name), func(t *testing.T) {
			archive, err := txtar.ParseFile(name)
			if err != nil {
				t.Fatal(err)
			}
			last := &archive.Files[len(archive.Files)-1]
			files := filesOf(archive.Files[:len(archive.Files)-1])
			got := found(cloudformation.Find(files))
			slices.Reverse(files)
			if diff := gocmp.Diff(got, found(cloudformation.Find(files))); diff != "" {
				t.Errorf("found in another order (-first +second):\n%s", diff)
			}
			if *update {
				last.Data = []byte(got)
				if err := os.WriteFile(name, txtar.Format(archive), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			if diff := gocmp.Diff(string(last.Data), got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// TestSpellings checks that a template says the same in YAML with short functions and
// with long ones, and in JSON.
func TestSpellings(t *testing.T) {
	archive, err := txtar.ParseFile("testdata/types.txtar")
	if err != nil {
		t.Fatal(err)
	}
	short := strings.NewReplacer("by !Ref", "by Ref", "by !", "by Fn::")
	var want string
	for i, f := range filesOf(archive.Files[:3]) {
		sources, problems := cloudformation.Find([]*iac.File{f})
		for _, s := range sources {
			s.At, s.ProblemAt = 0, ""
		}
		got := short.Replace(strings.ReplaceAll(found(sources, problems), f.Path, "file"))
		if i == 0 {
			want = got
		}
		if diff := gocmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-%s +%s):\n%s", f.Path, archive.Files[0].Name, f.Path, diff)
		}
	}
	if len(want) < 1000 {
		t.Errorf("found no more than:\n%s", want)
	}
}

func filesOf(archive []txtar.File) []*iac.File {
	var files []*iac.File
	for _, a := range archive {
		f := &iac.File{Path: a.Name, Lang: iac.YAML, Src: a.Data}
		if path.Ext(a.Name) == ".json" {
			f.Lang = iac.JSON
		}
		files = append(files, f)
	}
	return files
}

// found is what Find gave, for people.
func found(sources []*iac.Source, problems []iac.Problem) string {
	var b strings.Builder
	for _, s := range sources {
		fmt.Fprintf(&b, "%s %s %s\n", s.Where(), s.Type, s.Address)
		line(&b, "logical ID", s.LogicalID)
		line(&b, "name", of(s.Name))
		for _, h := range holders(s) {
			line(&b, h.Kind.String(), cmp.Or(strings.TrimSpace(h.LogicalID+" "+of(h.Name)), "?"))
		}
		if s.Repeated {
			line(&b, "repeated", "yes")
		}
		line(&b, "document", of(s.Document))
		line(&b, "problem", s.Problem)
		line(&b, "problem at", s.ProblemAt)
	}
	for _, p := range problems {
		fmt.Fprintf(&b, "problem %s\n", p)
	}
	return b.String()
}

// holders are a source's, one or several.
func holders(s *iac.Source) []iac.Holder {
	first := iac.Holder{Kind: s.Holder, Name: s.HolderName, LogicalID: s.HolderLogicalID}
	switch {
	case s.Holder == 0:
		return nil
	case s.Holders == nil:
		return []iac.Holder{first}
	case !gocmp.Equal(first, s.Holders[0]) || !s.Repeated:
		return append(s.Holders, iac.Holder{}) // shows as nobody
	}
	return s.Holders
}

func of(v *iac.Value) string {
	if v == nil {
		return ""
	}
	return shape(v)
}

func line(b *strings.Builder, label, value string) {
	if value != "" {
		fmt.Fprintf(b, "  %s: %s\n", label, value)
	}
}
