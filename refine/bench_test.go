package refine_test

import (
	"testing"

	"github.com/pare-iam/pare/catalog"
	"github.com/pare-iam/pare/policy"
	"github.com/pare-iam/pare/refine"
	"github.com/pare-iam/pare/usage"
)

// The catalog is loaded and the policy parsed; a tenth of the actions is unused.

func BenchmarkRefineOneService(b *testing.B) {
	cat := catalog.Embedded()
	benchmark(b, cat, `{"Statement":{"Effect":"Allow","Action":"s3:*","Resource":"*"}}`, everyNth(cat.Service("s3"), 10))
}

func BenchmarkRefineEverything(b *testing.B) {
	cat := catalog.Embedded()
	var actions []policy.Action
	for i := 0; i < cat.Len(); i += 10 {
		a := cat.Action(i)
		actions = append(actions, policy.Action{Service: a.Service.Prefix, Name: a.Lower})
	}
	benchmark(b, cat, `{"Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}`, usage.Of(actions, nil))
}

func BenchmarkCompactOneService(b *testing.B) {
	cat := catalog.Embedded()
	doc, unused := parse(b, `{"Statement":{"Effect":"Allow","Action":"ec2:*","Resource":"*"}}`), everyNth(cat.Service("ec2"), 10)
	refiner := refine.New(cat).Compact()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := refiner.Policy(doc, unused); err != nil {
			b.Fatal(err)
		}
	}
}

func benchmark(b *testing.B, cat *catalog.Catalog, src string, unused usage.Unused) {
	doc := parse(b, src)
	refiner := refine.New(cat)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := refiner.Policy(doc, unused); err != nil {
			b.Fatal(err)
		}
	}
}
