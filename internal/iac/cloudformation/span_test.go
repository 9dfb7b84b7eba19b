package cloudformation_test

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/go-cmp/cmp"

	"github.com/pare-iam/pare/internal/iac"
	"github.com/pare-iam/pare/internal/iac/cloudformation"
)

// spellings are files that say the same in many ways, as far as spans are concerned.
var spellings = []struct{ name, src string }{
	{"plain, quoted and empty", "a: b\nc: 'it''s'\nd: \"x\\\"y\\u00e9\\\n  z\"\ne:\nf: ''\ng: [ ]\nh: {}\n"},
	{"plain over lines", "a: one\n  two\n\n  three # not it\nb: http://x:80/#y\n"},
	{"quoted over lines", "a: 'one\n\n  two'\nb: \"one\n  two \\\n  three\"\n"},
	{"literal blocks", "a: |\n  one\n   two\n\n  three\n\nb: |- # why\n  x\nc: |+\n  y\n\n\nd: |2\n    z\n  w\n"},
	{"folded blocks", "a: >\n  one\n  two\n\n  three\n    more\n  four\nb: >-\n  x\n\nc: last\n"},
	{"blocks at the end", "a:\n  - |\n    x\n  - >+\n    y\n\n"},
	{"empty blocks", "a: |\nb: |+\n\nc: >-\n\n\nd: x\n"},
	{"a block without a final newline", "a: |\n  x\n  y"},
	{"dashes at the key's indentation", "a:\n- b\n- c: d\n  e: f\n-\n- - g\n  - h\n"},
	{"dashes with comments", "a:\n  # of b\n  - b # here\n\n  # of c\n  -   c\n  -\n    d\n"},
	{"flow in all ways", "a: [b, 'c' , \"d\", {e: f, g: , h}, [i: j], # k\n  l,\n]\nm: {n: [o], 'p':q, \"r\":s }\nt: [u, ? ]\n"},
	{"CRLF", "a: |\r\n  x\r\n  y\r\nb:\r\n  - c\r\n  - 'd\r\n    e'\r\nf: g\r\n  h\r\n"},
	{"a byte order mark", "\ufeffa: b\nc: [d]\n"},
	{"characters of several bytes", "ä: ö # ü\nß: 'é' \nx: [日本, '語', 🙂, z]\n"},
	{"line breaks of YAML 1.1", "a: 'b\u2028c'\nd: e\u0085f: g\u2028  h\n"},
	{"tabs", "a:\tb\nc: [\td\t,\te ]\nf: 'g\th'\ni:\t# j\n  - k\n"},
	{"tags and anchors", "a: !!str 1\nb: &x c\nd: *x\ne: &y\n  f: g\nh: &z [i]\nj: &w !!seq\n  - k\nl: !!str\nm: !<tag:yaml.org,2002:str> n\n"},
	{"keys of all kinds", "'a b': 1\n\"c\": 2\n? d\n: e\n80: f\n&k g: h\n"},
	{"a document between marks", "%YAML 1.1\n---\na: b\n...\n"},
	{"deep", "a:\n  b:\n    - c:\n        d:\n          - e\n          - f: |\n              g\n            h: i\n"},
	{"values that look like others", "a: -x\nb: ?x\nc: :y\nd: a#b\ne: 'x' # y\nf: \"[\"\ng: ~\nh: null\ni: TRUE\nj: 1.5\n"},
}

// TestSpans checks that what a value's span has is the value: another spelling of it in
// its place gives the same tree. Lists and objects have brackets, braces or dashes.
func TestSpans(t *testing.T) {
	for _, s := range spellings {
		t.Run(s.name, func(t *testing.T) { checkSpans(t, []byte(s.src)) })
	}
}

// TestEnds says where block scalars end, to the byte: blank lines behind them change
// nothing that TestSpans could see.
func TestEnds(t *testing.T) {
	tests := []struct{ name, src, want string }{
		{"a blank line behind it isn't its", "--- |\n a\n\n", "|\n a"},
		{"but is with a plus", "--- |+\n a\n\n\n", "|+\n a\n\n"},
		{"nor are fewer blanks than its own", "--- |\n  a\n  \n", "|\n  a"},
		{"more are", "--- |\n  a\n   \n", "|\n  a\n   "},
		{"a comment behind it isn't", "--- >-\n  a\n# b\n", ">-\n  a"},
		{"one in its first line is", "--- > # a\n  b\n", "> # a\n  b"},
		{"nor is the document's end", "--- |\na\n...\n", "|\na"},
		{"nothing in it", "--- |\n\n", "|"},
		{"CRLF", "--- |\r\n a\r\n\r\n", "|\r\n a"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			v, err := cloudformation.Parse(&iac.File{Path: "t.yaml", Lang: iac.YAML, Src: []byte(test.src)})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, test.src[v.Start:v.End]); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func FuzzSpans(f *testing.F) {
	for _, s := range spellings {
		f.Add([]byte(s.src))
	}
	f.Fuzz(func(t *testing.T, src []byte) {
		file := &iac.File{Path: "f.yaml", Lang: iac.YAML, Src: src}
		_, err := cloudformation.Parse(file)
		if err != nil && !strings.Contains(err.Error(), "can't tell") {
			return
		}
		cloudformation.Find([]*iac.File{file})
		checkSpans(t, src)
	})
}

func checkSpans(t *testing.T, src []byte) {
	t.Helper()
	f := &iac.File{Path: "f.yaml", Lang: iac.YAML, Src: src}
	root, err := cloudformation.Parse(f)
	if err != nil {
		t.Fatalf("%v\n%q", err, src)
	}
	w := &walker{t: t, file: f, want: shape(root)}
	w.value(root)
}

// walker holds the values of a file against its bytes.
type walker struct {
	t    *testing.T
	file *iac.File
	want string
}

func (w *walker) value(v *iac.Value) {
	if v.Start < 0 || v.End < v.Start || v.End > len(w.file.Src) {
		w.t.Fatalf("%q: span %v of %d bytes", w.file.Src, v.Span, len(w.file.Src))
	}
	if strings.Contains(v.Why, "alias") || strings.Contains(v.Why, "merge") {
		return // what it is stands elsewhere
	}
	switch {
	case v.Kind == iac.List && v.Form == iac.Brackets:
		w.between(v, "[", "]")
	case v.Kind == iac.List:
		w.dashes(v)
	case (v.Kind == iac.Text || v.Kind == iac.Literal) && v.Start < v.End && v.Holes == nil && v.Why == "":
		w.respelled(v)
	}
	for _, e := range v.Entries {
		w.inside(v, e)
	}
	for _, m := range v.Members {
		w.inside(v, m.Value)
		if m.At.End > 0 && m.At.End > m.Value.Start && m.Value.Start < m.Value.End {
			w.t.Errorf("%q: key %q ends at %d, and its value begins at %d", w.file.Src, m.Key, m.At.End, m.Value.Start)
		}
	}
}

func (w *walker) inside(v, child *iac.Value) {
	if (child.Start < v.Start || child.End > v.End) && child.Start < child.End {
		w.t.Errorf("%q: %v in %v", w.file.Src, child.Span, v.Span)
	}
	w.value(child)
}

func (w *walker) between(v *iac.Value, open, end string) {
	got := string(w.file.Src[v.Start:v.End])
	if v.Why == "" && (!strings.HasPrefix(got, open) || !strings.HasSuffix(got, end)) {
		w.t.Errorf("%q: %q isn't between %s and %s", w.file.Src, got, open, end)
	}
}

// dashes checks that there is a dash, and nothing but it, blanks and comments between an
// entry and the one before.
func (w *walker) dashes(v *iac.Value) {
	end := v.Start
	for _, e := range v.Entries {
		if e.Start < end {
			w.t.Errorf("%q: an entry at %d before the end of the last, %d", w.file.Src, e.Start, end)
			return
		}
		var left strings.Builder
		for line := range bytes.Lines(w.file.Src[end:e.Start]) {
			code, _, _ := bytes.Cut(line, []byte("#"))
			left.Write(bytes.Trim(code, " \t\r\n\u0085\u2028\u2029"))
		}
		if got := left.String(); got != "-" && v.Why == "" && e.Start < e.End {
			w.t.Errorf("%q: %q before the entry at %d, want a dash", w.file.Src, got, e.Start)
		}
		end = e.End
	}
}

// respelled puts the value in double quotes, or the literal as it was understood.
func (w *walker) respelled(v *iac.Value) {
	text := []byte(v.Text)
	if v.Kind == iac.Text {
		quoted, err := jsontext.AppendQuote(nil, v.Text)
		if err != nil {
			return
		}
		text = quoted
	}
	f := *w.file
	f.Src = slices.Concat(w.file.Src[:v.Start], text, w.file.Src[v.End:])
	root, err := cloudformation.Parse(&f)
	begun := bytes.LastIndexAny(w.file.Src[:v.Start], "\r\n\u0085\u2028\u2029") + 1
	if err != nil && len(bytes.Trim(w.file.Src[begun:v.Start], " \t")) == 0 {
		return // "|" may stand at the margin where a quote may not
	}
	if err != nil {
		w.t.Errorf("%q: with %s for %q: %v", w.file.Src, text, w.file.Src[v.Start:v.End], err)
		return
	}
	if diff := cmp.Diff(w.want, shape(root)); diff != "" {
		w.t.Errorf("%q: with %s for %q (-want +got):\n%s", w.file.Src, text, w.file.Src[v.Start:v.End], diff)
	}
}

// shape is a tree without places: JSON but for unknowns, holes and reasons.
func shape(v *iac.Value) string {
	var b strings.Builder
	writeShape(&b, v)
	return b.String()
}

func writeShape(b *strings.Builder, v *iac.Value) {
	switch v.Kind {
	case iac.Unknown:
		fmt.Fprintf(b, "<%s>", v.Why)
		return
	case iac.Text:
		text := v.Text
		for _, h := range slices.Backward(v.Holes) {
			text = text[:h.Start] + "<" + h.Expr + ">" + text[h.End:]
		}
		fmt.Fprintf(b, "%q", text)
	case iac.Literal:
		b.WriteString(v.Text)
	case iac.List:
		b.WriteString("[")
		for i, e := range v.Entries {
			if i > 0 {
				b.WriteString(", ")
			}
			writeShape(b, e)
		}
		b.WriteString("]")
	case iac.Object:
		b.WriteString("{")
		for i, m := range v.Members {
			if i > 0 {
				b.WriteString(", ")
			}
			fmt.Fprintf(b, "%s: ", m.Key)
			writeShape(b, m.Value)
		}
		b.WriteString("}")
	}
	if v.Why != "" {
		fmt.Fprintf(b, " (%s)", v.Why)
	}
}
