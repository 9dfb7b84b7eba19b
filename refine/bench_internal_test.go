package refine

import (
	"testing"

	"github.com/pare-iam/pare/catalog"
	"github.com/pare-iam/pare/policy"
	"github.com/pare-iam/pare/usage"
)

// The refinement alone, from a parsed policy and list to edits: what comes in the place
// of `s3:*` and of `*` when a tenth of the actions is unused. Editing the text and
// parsing it again is in BenchmarkRefine….

func BenchmarkEditsOneService(b *testing.B) {
	cat := catalog.Embedded()
	s3 := cat.Service("s3")
	benchmarkEdits(b, cat, `s3:*`, s3.First, s3.First+len(s3.Actions))
}

func BenchmarkEditsEverything(b *testing.B) {
	cat := catalog.Embedded()
	benchmarkEdits(b, cat, `*`, 0, cat.Len())
}

func benchmarkEdits(b *testing.B, cat *catalog.Catalog, pattern string, from, to int) {
	doc, err := policy.Parse("policy.json", []byte(`{"Statement":{"Effect":"Allow","Action":"`+pattern+`","Resource":"*"}}`))
	if err != nil {
		b.Fatal(err)
	}
	var actions []policy.Action
	for i := from; i < to; i += 10 {
		a := cat.Action(i)
		actions = append(actions, policy.Action{Service: a.Service.Prefix, Name: a.Lower})
	}
	unused := usage.Of(actions, nil)
	r := New(cat)
	b.Run("pare", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if edits := r.edit(doc, unused).edits; len(edits) != 1 {
				b.Fatal(edits)
			}
		}
	})
	b.Run("floor", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if kept := listKept(r, unused, from, to); len(kept) == 0 {
				b.Fatal("none")
			}
		}
	})
}

// listKept is what no refinement can do without: look every unused action up, and write
// down what is left, name by name.
func listKept(r *Refiner, unused usage.Unused, from, to int) []string {
	gone := make([]bool, to-from)
	for _, a := range unused.Actions {
		t := r.services[a.Service].trie()
		gone[r.services[a.Service].service.First+t.index[a.Name]-from] = true
	}
	kept := make([]string, 0, to-from-len(unused.Actions))
	for _, lazy := range r.ordered {
		t := lazy.trie()
		if lazy.service.First+len(t.names) <= from || lazy.service.First >= to {
			continue
		}
		for i, name := range t.names {
			if !gone[lazy.service.First+i-from] {
				kept = append(kept, name)
			}
		}
	}
	return kept
}
