package cloudtrail_test

import (
	"bytes"
	"testing"

	"github.com/pare-iam/pare/catalog"
	"github.com/pare-iam/pare/cloudtrail"
	"github.com/pare-iam/pare/internal/samplegen"
)

// bulk is the text of one log file.
func bulk(tb testing.TB, records int) []byte {
	var out bytes.Buffer
	if err := samplegen.BulkLog(&out, 1, records); err != nil {
		tb.Fatal(err)
	}
	return out.Bytes()
}

// BenchmarkRead reads files of 2,000 records, a tally a file, as pare ingest does.
func BenchmarkRead(b *testing.B) {
	text := bulk(b, 2000)
	m := cloudtrail.NewMapper(catalog.Embedded())
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		t := m.NewTally(cloudtrail.Options{})
		if err := t.Read("a.json", bytes.NewReader(text)); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkReadOn reads the same file again and again into one tally: the steady state.
func BenchmarkReadOn(b *testing.B) {
	text := bulk(b, 2000)
	t := cloudtrail.NewMapper(catalog.Embedded()).NewTally(cloudtrail.Options{})
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		if err := t.Read("a.json", bytes.NewReader(text)); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkJournal writes a tally of a file, reads it and merges it into a larger one.
func BenchmarkJournal(b *testing.B) {
	m := cloudtrail.NewMapper(catalog.Embedded())
	one := m.NewTally(cloudtrail.Options{})
	if err := one.Read("a.json", bytes.NewReader(bulk(b, 2000))); err != nil {
		b.Fatal(err)
	}
	total := m.NewTally(cloudtrail.Options{})
	for b.Loop() {
		text, err := one.MarshalBinary()
		if err != nil {
			b.Fatal(err)
		}
		b.SetBytes(int64(len(text)))
		if err := total.UnmarshalBinary(text); err != nil {
			b.Fatal(err)
		}
	}
}
