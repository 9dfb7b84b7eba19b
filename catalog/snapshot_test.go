package catalog_test

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"
	"github.com/google/go-cmp/cmp"

	"github.com/pare-iam/pare/catalog"
)

func snapshotOf(t testing.TB, c *catalog.Catalog) []byte {
	t.Helper()
	var out bytes.Buffer
	if err := catalog.Write(&out, c); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func TestWriteThenReadIsTheSameCatalog(t *testing.T) {
	names, err := catalog.Read("names.json", []byte(`{"date":"2024-06-16","services":{"s3":["GetObject"],"empty":[]}}`))
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name string
		c    *catalog.Catalog
	}{
		{"AWS's files", reference(t)},
		{"names alone", names},
		{"nothing", &catalog.Catalog{}},
		{"the built-in snapshot", catalog.Embedded()},
	} {
		t.Run(tt.name, func(t *testing.T) {
			src := snapshotOf(t, tt.c)
			again, err := catalog.Read("catalog.pare", src)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.c.Facts(), again.Facts()); diff != "" {
				t.Errorf("facts -want +got:\n%s", diff)
			}
			if !bytes.Equal(src, snapshotOf(t, again)) {
				t.Error("written again, other bytes")
			}
			if !bytes.Equal(src, snapshotOf(t, tt.c)) {
				t.Error("written twice, other bytes")
			}
		})
	}
}

func TestBuildOfFactsIsTheSameCatalog(t *testing.T) {
	c := catalog.Embedded()
	again, err := catalog.Build("again", c.Facts())
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(snapshotOf(t, c), snapshotOf(t, again)) {
		t.Error("built again, another snapshot")
	}
}

func TestReadRefusesASnapshotCutAtAnyLength(t *testing.T) {
	src := snapshotOf(t, reference(t))
	for n := range src {
		_, err := catalog.Read("catalog.pare", src[:n])
		if err == nil {
			t.Fatalf("%d of %d bytes are a catalog", n, len(src))
		}
		if n > 0 && !strings.HasPrefix(err.Error(), "catalog.pare: truncated: ") {
			t.Fatalf("%d of %d bytes: %v", n, len(src), err)
		}
	}
}

func TestReadRefusesASnapshotWithAnyByteChanged(t *testing.T) {
	src := snapshotOf(t, reference(t))
	for i := range src {
		damaged := bytes.Clone(src)
		damaged[i] ^= 0x20
		if _, err := catalog.Read("catalog.pare", damaged); err == nil {
			t.Fatalf("byte %d changed, still a catalog", i)
		}
	}
}

func TestReadExplainsASnapshotItCannotRead(t *testing.T) {
	src := snapshotOf(t, reference(t))
	change := func(i int, to byte) []byte {
		out := bytes.Clone(src)
		out[i] = to
		return out
	}
	for _, tt := range []struct {
		name string
		src  []byte
		want string
	}{
		{"a later layout", change(7, 2), "catalog.pare: a snapshot of layout 2; this pare reads layout 1: update pare"},
		{"bytes after the end", append(bytes.Clone(src), "more"...), "catalog.pare: 4 bytes after its end"},
		{"a changed byte", change(len(src)-1, src[len(src)-1]+1), "catalog.pare: damaged: its SHA-256"},
		{"half of it", src[:len(src)/2], "pare catalog update"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := catalog.Read("catalog.pare", tt.src)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %v\nwant    %s", err, tt.want)
			}
		})
	}
}

func TestProvenanceIsOfTheEmbeddedSnapshot(t *testing.T) {
	type provenance struct {
		Date      string
		FactsDate string
		Snapshot  struct{ SHA256 string }
		Counts    struct{ Services, Actions int }
	}
	var got, want provenance
	stated, err := os.ReadFile("snapshot.provenance.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(stated, &got, json.MatchCaseInsensitiveNames(true)); err != nil {
		t.Fatal(err)
	}
	src, err := os.ReadFile("snapshot.pare")
	if err != nil {
		t.Fatal(err)
	}
	c := catalog.Embedded()
	want.Date, want.FactsDate = c.Date(), c.FactsDate()
	want.Snapshot.SHA256 = fmt.Sprintf("%x", sha256.Sum256(src))
	want.Counts.Services, want.Counts.Actions = len(c.Services()), c.Len()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if len(src) > 600_000 {
		t.Errorf("the snapshot has %d bytes, want at most 600,000", len(src))
	}
}
