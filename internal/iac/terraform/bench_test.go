package terraform

import (
	"fmt"
	"path"
	"path/filepath"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
)

// BenchmarkFind finds the policies of 1,000 root modules, each with the tree of all styles:
// 4,000 files, of which the 1,000 longest have 130 lines, and 11,000 policies.
func BenchmarkFind(b *testing.B) {
	ar, err := txtar.ParseFile(filepath.Join("testdata", "find", "styles.txtar"))
	if err != nil {
		b.Fatal(err)
	}
	all := &txtar.Archive{}
	for i := range 1000 {
		for _, f := range ar.Files {
			if f.Name != "want" {
				all.Files = append(all.Files, txtar.File{Name: path.Join(fmt.Sprint("m", i), f.Name), Data: f.Data})
			}
		}
	}
	c := treeOf(all)
	for b.Loop() {
		if sources, _ := Find(c); len(sources) != 11_000 {
			b.Fatal(len(sources))
		}
	}
}
