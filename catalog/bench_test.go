package catalog

import (
	"bytes"
	"testing"
)

// BenchmarkDecodeCore is what every command pays: header, names, levels, tracking.
func BenchmarkDecodeCore(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := decodeSnapshot(snapshot[prefixSize:]); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkRead is what a cached snapshot costs: everything, digest and details too.
func BenchmarkRead(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Read("snapshot.pare", snapshot); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkDetails is the first question about one service.
func BenchmarkDetails(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		c, err := decodeSnapshot(snapshot[prefixSize:])
		if err != nil {
			b.Fatal(err)
		}
		if len(c.Service("s3").Details().Resources) == 0 {
			b.Fatal("no resource types")
		}
	}
}

func BenchmarkLookup(b *testing.B) {
	c := Embedded()
	for b.Loop() {
		if c.Lookup("S3", "getobject") == nil {
			b.Fatal("not found")
		}
	}
}

func BenchmarkWrite(b *testing.B) {
	c := Embedded()
	for b.Loop() {
		var out bytes.Buffer
		if err := Write(&out, c); err != nil {
			b.Fatal(err)
		}
	}
}
