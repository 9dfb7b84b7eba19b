package rewrite_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/pare-iam/pare/catalog"
	"github.com/pare-iam/pare/internal/iac"
	"github.com/pare-iam/pare/internal/rewrite"
	"github.com/pare-iam/pare/internal/samplegen"
)

// manyPolicies are policies of ten statements with a bucket of their own each, and sources
// of the first of them: a third with whole names, a third with a variable in the name and
// in the document, a third without names.
func manyPolicies(tb testing.TB, sources, live int) ([]*iac.Source, []*rewrite.Live) {
	text := func(i int, bucket string) string {
		var statements []string
		for k := range 10 {
			statements = append(statements, fmt.Sprintf(`{"Effect":"Allow","Action":["s3:GetObject","s3:PutObject","svc%d:Do%d"],"Resource":["arn:aws:s3:::%s-%d/*","arn:aws:s3:::%s"]}`, i%97, k, bucket, k, bucket))
		}
		return `{"Version":"2012-10-17","Statement":[` + strings.Join(statements, ",") + `]}`
	}
	var all []*rewrite.Live
	for i := range live {
		all = append(all, liveManaged(tb, accountID, fmt.Sprintf("policy-%d", i), text(i, fmt.Sprintf("bucket-%d", i))))
	}
	var from []*iac.Source
	for i := range sources {
		bucket := fmt.Sprintf("bucket-%d", i)
		if i%3 == 1 {
			bucket = "${var.bucket}"
		}
		s := source("aws_iam_policy", fmt.Sprintf("aws_iam_policy.p%d", i), written(tb, fmt.Sprintf("%d.tf", i), text(i, bucket)))
		switch i % 3 {
		case 0:
			s.Name = name(fmt.Sprintf("policy-%d", i))
		case 1:
			s.Name = name(fmt.Sprintf("policy-%d${var.end}", i))
		}
		from = append(from, s)
	}
	return from, all
}

func BenchmarkMatchSources(b *testing.B) {
	sources, live := manyPolicies(b, 1000, 5000)
	for b.Loop() {
		matched := 0
		for _, m := range rewrite.MatchSources(catalog.Embedded(), sources, live, rewrite.Known{}) {
			if len(m.Live) == 1 && m.Reason == "" {
				matched++
			}
		}
		b.ReportMetric(float64(matched), "matched")
	}
}

// BenchmarkJudge judges all policies of a large account, and the first hundred.
func BenchmarkJudge(b *testing.B) {
	for _, most := range []int{100, 1 << 20} {
		b.Run(fmt.Sprint(most), func(b *testing.B) {
			for b.Loop() {
				b.StopTimer()
				a := sample(b, samplegen.Large()) // an analysis remembers whom it has judged
				b.StartTimer()
				live := rewrite.Held(a)
				if err := rewrite.Judge(live[:min(most, len(live))]); err != nil {
					b.Fatal(err)
				}
				b.ReportMetric(float64(min(most, len(live))), "policies")
			}
		})
	}
}
