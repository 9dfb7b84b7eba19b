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
	b.ReportAllocs()
	for b.Loop() {
		if edits := r.edit(doc, unused).edits; len(edits) != 1 {
			b.Fatal(edits)
		}
	}
}
