package iac_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pare-iam/pare/internal/iac"
	"github.com/pare-iam/pare/policy"
)

func jsonFile(src string) *iac.File {
	return &iac.File{Path: "p.json", Lang: iac.JSON, Src: []byte(src)}
}

// parseJSON is the tree of a file that is JSON.
func parseJSON(f *iac.File) (*iac.Value, error) {
	return iac.ParseJSON(f, policy.Span{End: len(f.Src)}, iac.Embedded{})
}

func mustParse(t testing.TB, f *iac.File) *iac.Value {
	t.Helper()
	v, err := parseJSON(f)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// in says what comes for which entries: an entry that goes has no texts.
type in map[int][]string

func TestApplyKeepsAListsLayout(t *testing.T) {
	for name, tt := range map[string]struct {
		before string
		in     in
		after  string
	}{
		"an entry in the middle of a line": {
			`{"Action": ["a:1", "a:2", "a:3"]}`, in{1: nil},
			`{"Action": ["a:1", "a:3"]}`,
		},
		"the first entry of a line": {
			`{"Action": ["a:1", "a:2", "a:3"]}`, in{0: nil},
			`{"Action": ["a:2", "a:3"]}`,
		},
		"the last two entries of a line with blanks inside its brackets": {
			`{"Action": [ "a:1" , "a:2" , "a:3" ]}`, in{1: nil, 2: nil},
			`{"Action": [ "a:1" ]}`,
		},
		"one entry becomes two on its line": {
			`{"Action": ["a:1","a:2"]}`, in{0: {"b:1", "b:2"}},
			`{"Action": ["b:1","b:2","a:2"]}`,
		},
		"the only entry becomes two on its line": {
			`{"Action": ["a:*"]}`, in{0: {"a:1", "a:2"}},
			`{"Action": ["a:1", "a:2"]}`,
		},
		"the last line goes, and the comma before it": {
			"{\"Action\": [\n  \"a:1\",\n  \"a:2\"\n]}", in{1: nil},
			"{\"Action\": [\n  \"a:1\"\n]}",
		},
		"the last line goes, and the list has a comma at its end": {
			"{\"Action\": [\n  \"a:1\", // one\n  \"a:2\", // two\n]}", in{1: nil},
			"{\"Action\": [\n  \"a:1\", // one\n]}",
		},
		"lines for an entry, whose comment stays with the first": {
			"{\"Action\": [\n  \"a:*\" // all\n]}", in{0: {"a:1", "a:2"}},
			"{\"Action\": [\n  \"a:1\", // all\n  \"a:2\"\n]}",
		},
		"lines for an entry that has a comma": {
			"{\"Action\": [\r\n\t\"a:*\", // all\r\n\t\"b:1\"\r\n]}", in{0: {"a:1", "a:2"}},
			"{\"Action\": [\r\n\t\"a:1\", // all\r\n\t\"a:2\",\r\n\t\"b:1\"\r\n]}",
		},
		"commas first": {
			"{\"Action\": [ \"a:1\"\n           , \"a:2\" // two\n           , \"a:3\"\n           ]}", in{0: nil, 1: {"b:1", "b:2"}},
			"{\"Action\": [ \"b:1\" // two\n           , \"b:2\"\n           , \"a:3\"\n           ]}",
		},
		"commas first, and the entry in the middle goes with its comment": {
			"{\"Action\": [\n    \"a:1\" // one\n  , \"a:2\" // two\n  , \"a:3\" // three\n]}", in{1: nil},
			"{\"Action\": [\n    \"a:1\" // one\n  , \"a:3\" // three\n]}",
		},
		"the blank line at the start stays": {
			"{\"Action\": [\n\n  \"a:1\",\n  \"a:2\"\n]}", in{0: nil},
			"{\"Action\": [\n\n  \"a:2\"\n]}",
		},
		"a heading of one with line ends of Windows": {
			"{\"Action\": [\r\n  \"a:1\",\r\n  // two\r\n  \"a:2\"\r\n]}", in{1: nil},
			"{\"Action\": [\r\n  \"a:1\"\r\n]}",
		},
		"no blank line is left at the start": {
			"{\"Action\": [\n  \"a:1\",\n\n  \"a:2\"\n\n]}", in{0: nil},
			"{\"Action\": [\n  \"a:2\"\n\n]}",
		},
		"a value becomes a list with a comma at its end, like the file's others": {
			"{\n  \"Action\": \"a:*\",\n  \"Resource\": [\n    \"x\",\n  ],\n}", in{0: {"a:1", "a:2"}},
			"{\n  \"Action\": [\n    \"a:1\",\n    \"a:2\",\n  ],\n  \"Resource\": [\n    \"x\",\n  ],\n}",
		},
		"the bracket follows the last entry": {
			"{\"Action\": [\"a:1\",\n            \"a:2\",\n            \"a:3\"]}", in{0: nil, 2: nil},
			"{\"Action\": [\"a:2\"]}",
		},
		"the bracket follows the entry that becomes two": {
			"{\"Action\": [\"a:1\",\n            \"a:*\"]}", in{1: {"a:2", "a:3"}},
			"{\"Action\": [\"a:1\",\n            \"a:2\",\n            \"a:3\"]}",
		},
		"several entries a line": {
			"{\"Action\": [\n  \"a:1\", \"a:2\", // first\n  \"b:1\", \"b:2\", // second\n  \"c:1\"\n]}", in{1: nil, 2: nil, 3: nil},
			"{\"Action\": [\n  \"a:1\", // first\n  \"c:1\"\n]}",
		},
		"groups: a heading goes with the last of its group": {
			"{\"Action\": [\n  // reads\n  \"a:1\",\n  \"a:2\",\n\n  // writes\n  \"b:1\",\n  \"b:2\",\n\n  // others\n  \"c:1\"\n]}", in{0: nil, 2: nil, 3: nil},
			"{\"Action\": [\n  // reads\n  \"a:2\",\n\n  // others\n  \"c:1\"\n]}",
		},
		"a comment above a single entry goes with it": {
			"{\"Action\": [\n  // one\n  \"a:1\",\n  // two,\n  // twice\n  \"a:2\"\n]}", in{1: nil},
			"{\"Action\": [\n  // one\n  \"a:1\"\n]}",
		},
		"comments at the end and after a blank line stay": {
			"{\"Action\": [ // here\n  // free\n\n  \"a:1\",\n  \"a:2\"\n  // end\n]}", in{0: nil, 1: {"b:1"}},
			"{\"Action\": [ // here\n  // free\n\n  \"b:1\"\n  // end\n]}",
		},
		"comments between entries on a line": {
			`{"Action": ["a:1" /* 1 */, /* 2 */ "a:2", "a:3"/* 3 */]}`, in{1: nil},
			`{"Action": ["a:1" /* 1 */, "a:3"/* 3 */]}`,
		},
		"appended to lines": {
			"{\"Action\": [\n  \"a:1\",\n  \"a:2\" // two\n]}", in{1: nil, 2: {"b:1", "b:2"}},
			"{\"Action\": [\n  \"a:1\",\n  \"b:1\",\n  \"b:2\"\n]}",
		},
		"appended though all else goes": {
			`{"Action": ["a:1", "a:2"]}`, in{0: nil, 1: nil, 2: {"b:1", "b:2"}},
			`{"Action": ["b:1", "b:2"]}`,
		},
		"a value becomes another": {
			`{"Action": "a:*"}`, in{0: {"a:1"}},
			`{"Action": "a:1"}`,
		},
		"a value becomes a list in an object on one line": {
			"{\"Action\":\"a:*\"}", in{0: {"a:1", "a:2"}},
			"{\"Action\":[\"a:1\",\"a:2\"]}",
		},
		"a value becomes a list like the file's others": {
			"{\n    \"Action\": \"a:*\",\n    \"Resource\": [\n        \"x\"\n    ]\n}\n", in{0: {"a:1", "a:2"}},
			"{\n    \"Action\": [\n        \"a:1\",\n        \"a:2\"\n    ],\n    \"Resource\": [\n        \"x\"\n    ]\n}\n",
		},
		"a value stays and one is appended": {
			"{\n\t\"Action\": \"a:*\"\n}", in{1: {"b:*"}},
			"{\n\t\"Action\": [\n\t\t\"a:*\",\n\t\t\"b:*\"\n\t]\n}",
		},
		"a byte order mark and no final line break": {
			"\uFEFF{\"Action\": [\"a:1\",\n\"a:2\"]}", in{1: {"\"é\\", "${x}"}},
			"\uFEFF{\"Action\": [\"a:1\",\n\"\\\"é\\\\\",\n\"${x}\"]}",
		},
	} {
		t.Run(name, func(t *testing.T) {
			f := jsonFile(tt.before)
			out, err := iac.Apply(f, changes(mustParse(t, f).Get("Action"), tt.in), parseJSON)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(strings.Split(tt.after, "\n"), strings.Split(string(out), "\n")); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

// changes are the changes of a list, or of a value that stands where one may.
func changes(v *iac.Value, in in) []iac.Change {
	if v.Kind != iac.List {
		v = &iac.Value{Kind: iac.List, Form: iac.Alone, File: v.File, Span: v.Span, Lang: v.Lang, Entries: []*iac.Value{v}}
	}
	var out []iac.Change
	for entry, texts := range in {
		out = append(out, iac.Change{List: v, Entry: entry, In: texts})
	}
	return out
}

// listsOf are all lists of texts in a tree.
func listsOf(v *iac.Value) []*iac.Value {
	var out []*iac.Value
	if v.Kind == iac.List && len(v.Entries) > 0 && !slices.ContainsFunc(v.Entries, func(e *iac.Value) bool { return e.Kind != iac.Text }) {
		out = append(out, v)
	}
	for _, entry := range v.Entries {
		out = append(out, listsOf(entry)...)
	}
	for _, m := range v.Members {
		out = append(out, listsOf(m.Value)...)
	}
	return out
}

// FuzzApply changes lists of any JSON with comments: what isn't refused is what was
// intended, and no bytes outside the list differ.
func FuzzApply(f *testing.F) {
	f.Add("{\"a\": [ // x\n\"b\", /* y */ \"c\"\n, // z\n\n \"d\", ]}", uint16(27))
	f.Add("[\"a\",\r\n\"b\"]", uint16(5))
	f.Fuzz(func(t *testing.T, src string, choice uint16) {
		file := jsonFile(src)
		v, err := parseJSON(file)
		if err != nil {
			return
		}
		for _, list := range listsOf(v) {
			in, want := chosen(list, choice)
			out, err := iac.Apply(file, changes(list, in), parseJSON)
			if errors.Is(err, policy.ErrEmpty) && len(want) == 0 {
				continue
			}
			if err != nil {
				t.Fatalf("%v\n%q", err, src)
			}
			outside(t, list, string(out), want)
		}
	})
}

// chosen is a plan of two bits an entry, and the texts that are left.
func chosen(list *iac.Value, choice uint16) (in, []string) {
	plan, want := in{}, []string{}
	for i, entry := range list.Entries {
		switch choice & 3 {
		case 1:
			plan[i] = nil
		case 2:
			plan[i] = []string{"x:1"}
		case 3:
			plan[i] = []string{"x:1", "x:2"}
		default:
			want = append(want, entry.Text)
		}
		want = append(want, plan[i]...)
		choice = choice>>2 | choice<<14
	}
	return plan, want
}

// outside compares what stands around a list, and reads the new one by itself.
func outside(t *testing.T, list *iac.Value, out string, want []string) {
	t.Helper()
	src := string(list.File.Src)
	after, ok := strings.CutPrefix(out, src[:list.Start])
	between, okToo := strings.CutSuffix(after, src[list.End:])
	if !ok || !okToo {
		t.Fatalf("%q became %q", src, out)
	}
	got := []string{}
	for _, entry := range mustParse(t, jsonFile(between)).Entries {
		got = append(got, entry.Text)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Fatalf("(-want +got)\n%s", diff)
	}
}
