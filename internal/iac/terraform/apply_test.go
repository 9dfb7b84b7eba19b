package terraform

import (
	"path/filepath"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/pare-iam/pare/internal/iac"
)

// Every list of actions that Find gives can lose an entry: Apply finds it in Parse's tree,
// and what it writes is shorter by that.
func TestListsCanBeChanged(t *testing.T) {
	changed := 0
	for _, name := range []string{"styles", "merged", "followed", "modules"} {
		ar, err := txtar.ParseFile(filepath.Join("testdata", "find", name+".txtar"))
		if err != nil {
			t.Fatal(err)
		}
		c := treeOf(ar)
		sources, _ := Find(c)
		for _, s := range sources {
			walk(s.Document, func(v *iac.Value) {
				if v.Kind != iac.List || v.Form != iac.Brackets || v.Why != "" || v.File == nil || len(v.Entries) < 2 || v.Entries[0].Kind != iac.Text {
					return
				}
				out, err := iac.Apply(v.File, []iac.Change{{List: v, Entry: 0}}, Parse)
				if err != nil {
					t.Errorf("%s: %s: %v", s.Address, v.Where(), err)
					return
				}
				if want := len(v.File.Src) - len(v.Entries[0].Text) - len(`""`); len(out) >= want {
					t.Errorf("%s: %s: %d bytes are left, want fewer than %d", s.Address, v.Where(), len(out), want)
				}
				changed++
			})
		}
	}
	if changed < 10 {
		t.Errorf("%d lists were changed, want more", changed)
	}
}
