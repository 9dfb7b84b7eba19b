package tree_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/pare-iam/pare/internal/iac"
	"github.com/pare-iam/pare/internal/iac/tree"
	"github.com/pare-iam/pare/policy"
)

var update = flag.Bool("update", false, "write what the corpus becomes into its files")

// marks are how the corpus writes what can't be seen.
var marks = strings.NewReplacer("␍", "\r", "␉", "\t", "␠", " ", "⟪BOM⟫", "\uFEFF", "⟪EOF⟫\n", "")

// corpusCase is a file of the corpus: a tree, changes of its policies, and the files that
// become others.
//
//	-- changes --
//	aws_iam_policy.reader 0.1 s3:GetObject s3:PutObject   (in place of entry 1 of statement 0)
//	aws_iam_policy.reader 0.2                             (the entry goes)
//	aws_iam_policy.reader 0.end s3:ListBucket             (appended)
//	aws_iam_policy.reader 1                               (the statement goes)
type corpusCase struct {
	before, after map[string]string
	changes       []string
}

func readCase(t *testing.T, archive *txtar.Archive) corpusCase {
	t.Helper()
	c := corpusCase{before: map[string]string{}, after: map[string]string{}}
	for _, f := range archive.Files {
		dir, name, _ := strings.Cut(f.Name, "/")
		switch dir {
		case "changes":
			c.changes = strings.Split(strings.TrimSpace(string(f.Data)), "\n")
		case "before":
			c.before[name] = marks.Replace(string(f.Data))
		case "after":
			c.after[name] = marks.Replace(string(f.Data))
		default:
			t.Fatalf("%s: want changes, before/… or after/…", f.Name)
		}
	}
	return c
}

func readTree(t *testing.T, files map[string]string) *tree.Tree {
	t.Helper()
	root := t.TempDir()
	for name, src := range files {
		name = filepath.Join(root, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(src), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	read, err := tree.Read(t.Context(), tree.Options{Root: root})
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range read.Problems {
		t.Error(p)
	}
	return read
}

// sourceOf is the tree's only source of a title.
func sourceOf(t *testing.T, tr *tree.Tree, title string) *iac.Source {
	t.Helper()
	var titles []string
	for _, s := range tr.Sources {
		if s.Title() == title {
			return s
		}
		titles = append(titles, s.Title())
	}
	t.Fatalf("no source %s: the tree has %q", title, titles)
	return nil
}

func policyOf(t *testing.T, s *iac.Source) *iac.Policy {
	t.Helper()
	p, err := s.Policy()
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// edits are the case's edits, by the title of the source.
func (c corpusCase) edits(t *testing.T, tr *tree.Tree) map[string][]policy.Edit {
	t.Helper()
	out := map[string][]policy.Edit{}
	for _, line := range c.changes {
		words := strings.Fields(line)
		if len(words) < 2 {
			t.Fatalf("change %q: want a title and a place", line)
		}
		doc := policyOf(t, sourceOf(t, tr, words[0])).Doc
		e, err := editOf(doc, words[1], words[2:])
		if err != nil {
			t.Fatalf("change %q: %v", line, err)
		}
		out[words[0]] = append(out[words[0]], e)
	}
	return out
}

func editOf(doc *policy.Document, place string, in []string) (policy.Edit, error) {
	st, entry, inList := strings.Cut(place, ".")
	i, err := strconv.Atoi(st)
	if err != nil || i >= len(doc.Statements) {
		return policy.Edit{}, fmt.Errorf("%d statements", len(doc.Statements))
	}
	if !inList {
		return policy.Edit{Statement: i, Entry: policy.WholeStatement}, nil
	}
	entries := doc.Statements[i].Action.Entries
	if entry == "end" {
		return policy.Edit{Statement: i, Entry: len(entries), In: in}, nil
	}
	n, err := strconv.Atoi(entry)
	if err != nil || n >= len(entries) {
		return policy.Edit{}, fmt.Errorf("%d entries", len(entries))
	}
	return policy.Edit{Statement: i, Entry: n, Out: []string{entries[n].Text}, In: in}, nil
}

// applied are the tree's files after edits, those that changed.
func applied(t *testing.T, tr *tree.Tree, edits map[string][]policy.Edit) map[*iac.File][]byte {
	t.Helper()
	var changes []iac.Change
	files := map[*iac.File]bool{}
	for title, edits := range edits {
		more, err := policyOf(t, sourceOf(t, tr, title)).Changes(edits)
		if err != nil {
			t.Fatal(err)
		}
		changes = append(changes, more...)
		for _, c := range more {
			files[fileOf(c)] = true
		}
	}
	out := map[*iac.File][]byte{}
	for f := range files {
		src, err := iac.Apply(f, changes, tree.Parse)
		if err != nil {
			t.Fatal(err)
		}
		out[f] = src
	}
	return out
}

func fileOf(c iac.Change) *iac.File {
	if c.List.Form == iac.Blocks {
		return c.List.Entries[c.Entry].File
	}
	return c.List.File
}

func TestCorpus(t *testing.T) {
	names, err := filepath.Glob("testdata/corpus/*.txtar")
	if err != nil {
		t.Fatal(err)
	}
	if len(names) < 90 {
		t.Errorf("%d files: the corpus has at least 90", len(names))
	}
	for _, name := range names {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".txtar"), func(t *testing.T) {
			archive, err := txtar.ParseFile(name)
			if err != nil {
				t.Fatal(err)
			}
			c := readCase(t, archive)
			tr := readTree(t, c.before)
			edits := c.edits(t, tr)
			changed := applied(t, tr, edits)
			got := map[string]string{}
			for f, src := range changed {
				got[f.Path] = string(src)
			}
			if *update {
				rewrite(t, name, archive, got)
				c.after = got
			}
			if diff := cmp.Diff(c.after, got); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
			sayWhatWasMeant(t, tr, changed, edits)
		})
	}
}

// sayWhatWasMeant finds the policies again, in the changed files, and holds them against
// the edits made on the documents alone.
func sayWhatWasMeant(t *testing.T, tr *tree.Tree, changed map[*iac.File][]byte, edits map[string][]policy.Edit) {
	t.Helper()
	next := tr.With(changed)
	for title, edits := range edits {
		doc := policyOf(t, sourceOf(t, tr, title)).Doc
		want, err := doc.Apply(edits)
		if err != nil {
			t.Fatal(err)
		}
		got := policyOf(t, sourceOf(t, next, title)).Doc
		if diff := cmp.Diff(compact(t, want), compact(t, got)); diff != "" {
			t.Errorf("%s, read again (-want +got)\n%s", title, diff)
		}
	}
}

func compact(t *testing.T, doc *policy.Document) string {
	t.Helper()
	v := slices.Clone(jsontext.Value(doc.Bytes()))
	if err := v.Compact(); err != nil {
		t.Fatal(err)
	}
	return string(v)
}

// rewrite writes a case anew, with what its files became.
func rewrite(t *testing.T, name string, archive *txtar.Archive, got map[string]string) {
	t.Helper()
	archive.Files = slices.DeleteFunc(archive.Files, func(f txtar.File) bool { return strings.HasPrefix(f.Name, "after/") })
	for _, f := range slices.Clone(archive.Files) {
		base, _ := strings.CutPrefix(f.Name, "before/")
		if src, ok := got[base]; ok {
			archive.Files = append(archive.Files, txtar.File{Name: "after/" + base, Data: []byte(marked(src))})
		}
	}
	if err := os.WriteFile(name, txtar.Format(archive), 0o644); err != nil {
		t.Fatal(err)
	}
}

func marked(src string) string {
	if !strings.HasSuffix(src, "\n") {
		src += "⟪EOF⟫\n"
	}
	return strings.NewReplacer("\r", "␍", "\t", "␉", "\uFEFF", "⟪BOM⟫").Replace(src)
}
