package policy_test

import (
	"os"
	"testing"

	"github.com/pare-iam/pare/policy"
)

func tenStatements(tb testing.TB) []byte {
	tb.Helper()
	src, err := os.ReadFile("testdata/ten.json")
	if err != nil {
		tb.Fatal(err)
	}
	return src
}

func BenchmarkParse(b *testing.B) {
	src := tenStatements(b)
	b.SetBytes(int64(len(src)))
	for b.Loop() {
		if _, err := policy.Parse("ten.json", src); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkApply(b *testing.B) {
	doc, err := policy.Parse("ten.json", tenStatements(b))
	if err != nil {
		b.Fatal(err)
	}
	edits := []policy.Edit{
		{Statement: 0, Entry: 0, Out: []string{"s3:Get*"}, In: []string{"s3:GetBucket*", "s3:GetObject", "s3:GetObjectVersion*"}},
		{Statement: 2, Entry: 4, Out: []string{"dynamodb:Scan"}},
		{Statement: 3, Entry: 0, Out: []string{"sqs:*"}, In: []string{"sqs:Receive*", "sqs:Send*"}},
		{Statement: 8, Entry: policy.WholeStatement},
	}
	for b.Loop() {
		if _, err := doc.Apply(edits); err != nil {
			b.Fatal(err)
		}
	}
}
