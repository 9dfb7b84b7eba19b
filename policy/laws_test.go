package policy_test

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/pare-iam/pare/policy"
)

// failer is what the laws need of *testing.T and *rapid.T.
type failer interface {
	Helper()
	Fatalf(format string, args ...any)
}

// checkApply compares the edited document with the intended one, which is made from
// what encoding/json reads, and checks that all bytes outside the edited lists stay.
func checkApply(t failer, doc *policy.Document, edits []policy.Edit) {
	t.Helper()
	splices, err := doc.Splices(edits)
	if err != nil {
		t.Fatalf("Splices: %v", err)
	}
	for i, s := range splices {
		if s.Start > s.End || i > 0 && s.Start < splices[i-1].End {
			t.Fatalf("splices %v: out of order, or one overlaps another", splices)
		}
	}
	out, err := doc.Apply(edits)
	if err != nil {
		t.Fatalf("Apply: %v\nto %s", err, doc.Bytes())
	}
	if diff := cmp.Diff(intended(t, doc, edits), read(t, out.Bytes())); diff != "" {
		t.Fatalf("from %s\nto   %s\n(-want +got):\n%s", doc.Bytes(), out.Bytes(), diff)
	}
	checkBytes(t, doc, out, edits)
}

func read(t failer, src []byte) any {
	t.Helper()
	dec := json.NewDecoder(strings.NewReader(string(src)))
	dec.UseNumber()
	var v any
	if err := dec.Decode(&v); err != nil {
		t.Fatalf("encoding/json: %v in %s", err, src)
	}
	return v
}

// intended makes the edits on generic values: no spans, no white space.
func intended(t failer, doc *policy.Document, edits []policy.Edit) any {
	root := read(t, doc.Bytes()).(map[string]any)
	statements, ok := root["Statement"].([]any)
	if !ok {
		statements = []any{root["Statement"]}
	}
	var left []any
	for i, st := range statements {
		if !slices.ContainsFunc(edits, func(e policy.Edit) bool { return e.Statement == i && e.Entry == policy.WholeStatement }) {
			left = append(left, edited(st.(map[string]any), i, edits))
		}
	}
	root["Statement"] = left
	if !ok {
		root["Statement"] = left[0]
	}
	return root
}

func edited(st map[string]any, index int, edits []policy.Edit) map[string]any {
	element := "Action"
	if st[element] == nil {
		element = "NotAction"
	}
	list, isList := st[element].([]any)
	if !isList {
		list = []any{st[element]}
	}
	var out []any
	for i := 0; i <= len(list); i++ {
		goes := i == len(list)
		for _, e := range edits {
			if e.Statement == index && e.Entry == i {
				goes = true
				for _, text := range e.In {
					out = append(out, text)
				}
			}
		}
		if !goes {
			out = append(out, list[i])
		}
	}
	st[element] = out
	if !isList && len(out) == 1 {
		st[element] = out[0]
	}
	return st
}

// checkBytes compares what stands around the statements that stay, and in them around
// the lists that change.
func checkBytes(t failer, before, after *policy.Document, edits []policy.Edit) {
	t.Helper()
	var kept []policy.Statement
	changed := map[int]bool{}
	for _, e := range edits {
		changed[e.Statement] = true
	}
	for _, st := range before.Statements {
		if !slices.ContainsFunc(edits, func(e policy.Edit) bool { return e.Statement == st.Index && e.Entry == policy.WholeStatement }) {
			kept = append(kept, st)
		}
	}
	parts := func(doc *policy.Document, statements []policy.Statement, changed func(i int) bool) []string {
		var out []string
		at := func(from, to int) { out = append(out, string(doc.Bytes()[from:to])) }
		at(0, doc.Statements[0].Start)
		for i, st := range statements {
			if !changed(i) {
				at(st.Start, st.End)
				continue
			}
			at(st.Start, st.Action.Span().Start)
			at(st.Action.Span().End, st.End)
		}
		at(doc.Statements[len(doc.Statements)-1].End, len(doc.Bytes()))
		return out
	}
	was := func(i int) bool { return changed[kept[i].Index] }
	if diff := cmp.Diff(parts(before, kept, was), parts(after, after.Statements, was)); diff != "" {
		t.Fatalf("bytes that no edit names (-before +after):\n%s", diff)
	}
}

// source draws a policy with any white space between its tokens.
func source(t *rapid.T) string {
	space := rapid.SampledFrom([]string{"", "", " ", "\n", "\n  ", "\n\n    ", "\r\n\t", "  "})
	var b strings.Builder
	put := func(tokens ...string) {
		for _, token := range tokens {
			b.WriteString(space.Draw(t, "space"))
			b.WriteString(token)
		}
	}
	text := rapid.SampledFrom([]string{`"s3:Get*"`, `"s3:PutObject"`, `"ec2:*"`, `"a:\u0062"`, `"a:é"`, `"*"`})
	list := func() {
		if n := rapid.IntRange(0, 5).Draw(t, "entries"); n == 0 {
			put(text.Draw(t, "scalar"))
		} else {
			put("[", text.Draw(t, "first"))
			for range n - 1 {
				put(",", text.Draw(t, "next"))
			}
			put("]")
		}
	}
	statement := func() {
		put("{", rapid.SampledFrom([]string{`"Action"`, `"NotAction"`}).Draw(t, "element"), ":")
		list()
		put(",", `"Effect"`, ":", rapid.SampledFrom([]string{`"Allow"`, `"Deny"`}).Draw(t, "effect"))
		put(",", `"Resource"`, ":")
		list()
		put(",", `"Condition"`, ":", `{"Bool": {"a:b": [true, "x ]}"]}}`, "}")
	}
	put("{", `"Unknown"`, ":", `[ 1.0,{"Action" :"x"} ]`, ",", `"Statement"`, ":")
	if n := rapid.IntRange(0, 4).Draw(t, "statements"); n == 0 {
		statement()
	} else {
		put("[")
		statement()
		for range n - 1 {
			put(",")
			statement()
		}
		put("]")
	}
	put(",", `"Version"`, ":", `"2012-10-17"`, "}", "")
	return b.String()
}

// drawEdits draws edits that leave something in every list that stays.
func drawEdits(t *rapid.T, doc *policy.Document) []policy.Edit {
	incoming := rapid.SliceOfN(rapid.SampledFrom([]string{"x:a", "x:b*", "x:é\"\\"}), 0, 3)
	var edits []policy.Edit
	for i, st := range doc.Statements {
		if i > 0 && rapid.IntRange(0, 3).Draw(t, "statement goes") == 0 {
			edits = append(edits, change(doc, i, whole))
			continue
		}
		left := 0
		var own []policy.Edit
		for k := range len(st.Action.Entries) + 1 {
			if rapid.Bool().Draw(t, "entry goes") {
				e := change(doc, i, k, incoming.Draw(t, "in")...)
				own, left = append(own, e), left+len(e.In)
			} else if k < len(st.Action.Entries) {
				left++
			}
		}
		if left > 0 {
			edits = append(edits, own...)
		}
	}
	return rapid.Permutation(edits).Draw(t, "order")
}

func TestApplyLaws(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		src := source(t)
		doc, err := policy.Parse("p.json", []byte(src))
		if err != nil {
			t.Fatalf("%v\nin %s", err, src)
		}
		if string(doc.Bytes()) != src {
			t.Fatalf("printed: %s\nparsed:  %s", doc.Bytes(), src)
		}
		checkApply(t, doc, nil)
		checkApply(t, doc, drawEdits(t, doc))
		checkEmpty(t, doc)
	})
}

// checkEmpty removes all statements, and all entries of each.
func checkEmpty(t failer, doc *policy.Document) {
	var statements []policy.Edit
	for i, st := range doc.Statements {
		statements = append(statements, change(doc, i, whole))
		var entries []policy.Edit
		for k := range st.Action.Entries {
			entries = append(entries, change(doc, i, k))
		}
		if _, err := doc.Apply(entries); !errors.Is(err, policy.ErrEmpty) {
			t.Fatalf("without entries in statement %d: %v", i, err)
		}
	}
	if _, err := doc.Apply(statements); !errors.Is(err, policy.ErrEmpty) {
		t.Fatalf("without statements: %v", err)
	}
}

// FuzzParse: what is a policy is JSON, and can be edited at every entry; what isn't has
// errors in order, one a line. picks chooses the edits, a byte an entry.
func FuzzParse(f *testing.F) {
	f.Add(string(tenStatements(f)), []byte{1, 0, 2, 3, 0, 1})
	for _, src := range []string{
		`{"Statement":{"Effect":"Allow","Action":"a:b"}}`,
		`{"Statement":[{"Effect":"Allow","NotAction":["a:b" ,"a:\u0063"],"Resource":"${*}"}]}`,
		`{"Statement":[{"Effect":"Deny","Action":["a:b"],"Condition":{"Null":{"a:b":true}}},{}]`,
		`{"Version":"2012-10-17","Statement":{"Effect":"Deny","Action":7,"action":[]}}`,
		"[1,", "{\"a\":'b'}", "\xff", `{"a":{"a":{"a":[[[]]]}}}`,
	} {
		f.Add(src, []byte{3, 2, 1})
	}
	f.Fuzz(func(t *testing.T, src string, picks []byte) {
		doc, err := policy.Parse("p.json", []byte(src))
		if err != nil {
			checkErrors(t, src, err)
			return
		}
		if !json.Valid([]byte(src)) || string(doc.Bytes()) != src || doc.Size() > len(src) {
			t.Fatalf("parsed %q as %q of size %d", src, doc.Bytes(), doc.Size())
		}
		checkApply(t, doc, nil)
		checkEmpty(t, doc)
		if edits := pickEdits(doc, picks); edits != nil {
			checkApply(t, doc, edits)
		}
	})
}

// pickEdits turns bytes into edits; entry 0 of each list is never removed for nothing.
func pickEdits(doc *policy.Document, picks []byte) []policy.Edit {
	var edits []policy.Edit
	for i, st := range doc.Statements {
		for k := range len(st.Action.Entries) + 1 {
			if len(picks) == 0 {
				return edits
			}
			in := []string{"x:a", "x:b*", "x:c?"}[:picks[0]%4]
			if picks[0] >= 8 && (k > 0 || len(in) > 0) {
				edits = append(edits, change(doc, i, k, in...))
			}
			picks = picks[1:]
		}
	}
	return edits
}

func checkErrors(t *testing.T, src string, err error) {
	t.Helper()
	errs, ok := errors.AsType[policy.Errors](err)
	if !ok || len(errs) == 0 {
		t.Fatalf("error %#v", err)
	}
	inOrder := slices.IsSortedFunc(errs, func(a, b *policy.Error) int {
		if a.Line != b.Line {
			return a.Line - b.Line
		}
		return a.Column - b.Column
	})
	if !inOrder || strings.Count(err.Error(), "\n") != len(errs)-1 || strings.Contains(err.Error(), "jsontext") {
		t.Errorf("errors of %q:\n%v", src, err)
	}
	for _, e := range errs {
		if e.Line < 1 || e.Line > strings.Count(src, "\n")+1 || e.Column < 1 || e.Message == "" {
			t.Errorf("no such place: %v", e)
		}
	}
}
