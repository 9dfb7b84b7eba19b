package catalog

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func small(t testing.TB) *Catalog {
	t.Helper()
	c, err := Build("small", Facts{Date: "2026-09-26", FactsDate: "2026-02-13", Services: []ServiceFacts{{
		Prefix: "iam", Actions: []ActionFacts{{Name: "PassRole"}},
	}, {
		Prefix:     "s3",
		Actions:    []ActionFacts{{Name: "GetObject", Level: LevelRead, Tracked: LastAccessed, ActionDetails: ActionDetails{Resources: []ActionResource{{Name: "object"}}, ConditionKeys: []string{"s3:authType"}}}, {Name: "getobjects"}},
		Resources:  []ResourceType{{Name: "object", ARNFormats: []string{"arn:${Partition}:s3:::${BucketName}/${ObjectName}"}}},
		Conditions: []ConditionKey{{Name: "s3:authType", Types: []string{"String"}}},
		Operations: []Operation{
			{Name: "GetObject", Authorized: []AuthorizedAction{{Service: "s3", Name: "GetObject"}}},
			{Name: "Copy", Authorized: []AuthorizedAction{{Service: "iam", Name: "PassRole", PassedTo: []string{"s3.amazonaws.com"}}, {Service: "s3", Name: "GetObject"}}},
			{Name: "Unmapped"},
		},
	}}})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// frame gives a body the length and digest that let it past the first check.
func frame(body []byte) []byte {
	digest := sha256.Sum256(body)
	out := binary.LittleEndian.AppendUint64([]byte(magic), uint64(len(body)))
	return append(append(out, digest[:]...), body...)
}

// FuzzRead: whatever Read accepts is a catalog that Write writes and Read reads back.
func FuzzRead(f *testing.F) {
	var src bytes.Buffer
	if err := Write(&src, small(f)); err != nil {
		f.Fatal(err)
	}
	f.Add(src.Bytes())
	f.Add([]byte(`{"date":"2024-06-16","services":{"s3":["GetObject"]}}`))
	f.Add([]byte(`{"date":"2024-06-16","services":{"s3":[7]}}`))
	f.Fuzz(func(t *testing.T, src []byte) {
		c, err := Read("fuzz", src)
		if err == nil {
			checkLaws(t, c)
		}
	})
}

// FuzzBody does the same behind the digest, which random bytes never match.
func FuzzBody(f *testing.F) {
	var src bytes.Buffer
	if err := Write(&src, small(f)); err != nil {
		f.Fatal(err)
	}
	f.Add(src.Bytes()[prefixSize:])
	f.Fuzz(func(t *testing.T, body []byte) {
		c, err := Read("fuzz", frame(body))
		if err == nil {
			checkLaws(t, c)
		}
	})
}

// FuzzSections does the same behind the compression.
func FuzzSections(f *testing.F) {
	c := small(f)
	details, sizes := encodeDetails(c)
	f.Add(string(encodeCore(c, sizes)), string(details))
	f.Fuzz(func(t *testing.T, core, details string) {
		c, sizes, err := decodeCore(core)
		if err != nil {
			return
		}
		start := 0
		for i, s := range c.services {
			if start+sizes[i] > len(details) {
				return
			}
			d := decodeDetails(s, details[start:start+sizes[i]])
			if d.err != nil {
				return
			}
			s.details = func() *Details { return d }
			start += sizes[i]
		}
		checkLaws(t, c)
	})
}

// FuzzReadService: a file that is accepted builds a catalog, or is refused with a reason.
func FuzzReadService(f *testing.F) {
	f.Add([]byte(`{"Name":"x","Version":"v1.4","Actions":[{"Name":"Get","Annotations":{"Properties":{"IsList":true}}}]}`))
	f.Fuzz(func(t *testing.T, src []byte) {
		s, err := ReadService("x.json", src)
		if err != nil {
			return
		}
		c, err := Build("x", Facts{Services: []ServiceFacts{s}})
		if err == nil {
			checkLaws(t, c)
		}
	})
}

// checkLaws: Read∘Write is the identity, every action is found by its name, and every
// shorter snapshot is an error.
func checkLaws(t *testing.T, c *Catalog) {
	t.Helper()
	var src bytes.Buffer
	if err := Write(&src, c); err != nil {
		t.Fatal(err)
	}
	again, err := Read("again", src.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(c.Facts(), again.Facts()); diff != "" {
		t.Fatalf("read again -want +got:\n%s", diff)
	}
	for id := range c.Len() {
		if a := c.Action(id); c.Lookup(a.Service.Prefix, a.Name) != a {
			t.Fatalf("%s isn't found", a)
		}
	}
	for _, n := range []int{0, 1, src.Len() / 2, src.Len() - 1} {
		if _, err := Read("short", src.Bytes()[:n]); err == nil {
			t.Fatalf("%d of %d bytes are a catalog", n, src.Len())
		}
	}
}
