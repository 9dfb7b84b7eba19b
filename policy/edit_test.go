package policy_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pare-iam/pare/policy"
)

// change gives the edit of one entry; entry -1 is the statement, and one past the end
// appends.
func change(doc *policy.Document, statement, entry int, in ...string) policy.Edit {
	e := policy.Edit{Statement: statement, Entry: entry, In: in}
	entries := doc.Statements[statement].Action.Entries
	for i := range entries {
		if i == entry || entry == policy.WholeStatement {
			e.Out = append(e.Out, entries[i].Text)
		}
	}
	return e
}

// edit is a line of a table: statement, entry, what comes in its place.
type edit struct {
	statement, entry int
	in               []string
}

func apply(doc *policy.Document, edits []edit) (string, error) {
	var es []policy.Edit
	for _, e := range edits {
		es = append(es, change(doc, e.statement, e.entry, e.in...))
	}
	out, err := doc.Apply(es)
	if err != nil {
		return "", err
	}
	return string(out.Bytes()), nil
}

func in(actions ...string) []string { return actions }

const whole = policy.WholeStatement

// TestApplyLists edits the list of one statement. Before and after are the value of
// Action, in a document whose members stand one a line, two spaces further in.
func TestApplyLists(t *testing.T) {
	const lines = "[\n      \"a:a\",\n      \"a:b\",\n      \"a:c\"\n    ]"
	const several = "[\n      \"a:a\", \"a:b\",\n      \"a:c\", \"a:d\"\n    ]"
	const groups = "[\n      \"a:a\",\n      \"a:b\",\n\n      \"a:c\",\n      \"a:d\",\n\n      \"a:e\"\n    ]"
	for _, tt := range []struct {
		name, before string
		edits        []edit
		after        string
	}{
		{"one a line: the first goes", lines, []edit{{0, 0, nil}}, "[\n      \"a:b\",\n      \"a:c\"\n    ]"},
		{"one a line: the middle goes", lines, []edit{{0, 1, nil}}, "[\n      \"a:a\",\n      \"a:c\"\n    ]"},
		{"one a line: the last goes", lines, []edit{{0, 2, nil}}, "[\n      \"a:a\",\n      \"a:b\"\n    ]"},
		{"one a line: all but one go", lines, []edit{{0, 2, nil}, {0, 0, nil}}, "[\n      \"a:b\"\n    ]"},
		{"one a line: several for the first", lines, []edit{{0, 0, in("a:x", "a:y")}}, "[\n      \"a:x\",\n      \"a:y\",\n      \"a:b\",\n      \"a:c\"\n    ]"},
		{"one a line: several for the middle", lines, []edit{{0, 1, in("a:x", "a:y")}}, "[\n      \"a:a\",\n      \"a:x\",\n      \"a:y\",\n      \"a:c\"\n    ]"},
		{"one a line: several for the last", lines, []edit{{0, 2, in("a:x", "a:y")}}, "[\n      \"a:a\",\n      \"a:b\",\n      \"a:x\",\n      \"a:y\"\n    ]"},
		{"one a line: all replaced", lines, []edit{{0, 0, in("a:x")}, {0, 1, in("a:y", "a:z")}, {0, 2, nil}}, "[\n      \"a:x\",\n      \"a:y\",\n      \"a:z\"\n    ]"},
		{"one a line: appended", lines, []edit{{0, 3, in("a:x", "a:y")}}, "[\n      \"a:a\",\n      \"a:b\",\n      \"a:c\",\n      \"a:x\",\n      \"a:y\"\n    ]"},
		{"one a line: the last goes and others are appended", lines, []edit{{0, 3, in("a:x")}, {0, 2, nil}, {0, 3, in("a:y")}}, "[\n      \"a:a\",\n      \"a:b\",\n      \"a:x\",\n      \"a:y\"\n    ]"},
		{"inline: the first goes", `["a:a", "a:b", "a:c"]`, []edit{{0, 0, nil}}, `["a:b", "a:c"]`},
		{"inline: the last goes", `["a:a", "a:b", "a:c"]`, []edit{{0, 2, nil}}, `["a:a", "a:b"]`},
		{"inline: several for the middle", `["a:a", "a:b", "a:c"]`, []edit{{0, 1, in("a:x", "a:y")}}, `["a:a", "a:x", "a:y", "a:c"]`},
		{"inline without spaces: several for the first", `["a:a","a:b"]`, []edit{{0, 0, in("a:x", "a:y")}}, `["a:x","a:y","a:b"]`},
		{"inline: appended to one", `["a:a"]`, []edit{{0, 1, in("a:x", "a:y")}}, `["a:a", "a:x", "a:y"]`},
		{"a list of one line: several for the one", "[\n      \"a:a\"\n    ]", []edit{{0, 0, in("a:x", "a:y")}}, "[\n      \"a:x\",\n      \"a:y\"\n    ]"},
		{"a list stays a list", `["a:a", "a:b"]`, []edit{{0, 0, nil}}, `["a:b"]`},
		{"several a line: the first of a line goes", several, []edit{{0, 2, nil}}, "[\n      \"a:a\", \"a:b\",\n      \"a:d\"\n    ]"},
		{"several a line: the last of a line goes", several, []edit{{0, 1, nil}}, "[\n      \"a:a\",\n      \"a:c\", \"a:d\"\n    ]"},
		{"several a line: the first line goes", several, []edit{{0, 0, nil}, {0, 1, nil}}, "[\n      \"a:c\", \"a:d\"\n    ]"},
		{"several a line: the last line goes", several, []edit{{0, 2, nil}, {0, 3, nil}}, "[\n      \"a:a\", \"a:b\"\n    ]"},
		{"several a line: across the break", several, []edit{{0, 1, nil}, {0, 2, nil}}, "[\n      \"a:a\",\n      \"a:d\"\n    ]"},
		{"several a line: several for the first of a line", several, []edit{{0, 2, in("a:x", "a:y")}}, "[\n      \"a:a\", \"a:b\",\n      \"a:x\", \"a:y\", \"a:d\"\n    ]"},
		{"several a line: appended", several, []edit{{0, 4, in("a:x")}}, "[\n      \"a:a\", \"a:b\",\n      \"a:c\", \"a:d\", \"a:x\"\n    ]"},
		{"the closing bracket on the last line", "[\"a:a\",\n      \"a:b\",\n      \"a:c\"]", []edit{{0, 0, nil}, {0, 2, in("a:x", "a:y")}}, "[\"a:b\",\n      \"a:x\",\n      \"a:y\"]"},
		{"groups: the first of a group goes", groups, []edit{{0, 2, nil}}, "[\n      \"a:a\",\n      \"a:b\",\n\n      \"a:d\",\n\n      \"a:e\"\n    ]"},
		{"groups: a group goes", groups, []edit{{0, 2, nil}, {0, 3, nil}}, "[\n      \"a:a\",\n      \"a:b\",\n\n      \"a:e\"\n    ]"},
		{"groups: several for the first of a group", groups, []edit{{0, 2, in("a:x", "a:y")}}, "[\n      \"a:a\",\n      \"a:b\",\n\n      \"a:x\",\n      \"a:y\",\n      \"a:d\",\n\n      \"a:e\"\n    ]"},
		{"groups: several for a group of one", groups, []edit{{0, 4, in("a:x", "a:y")}}, "[\n      \"a:a\",\n      \"a:b\",\n\n      \"a:c\",\n      \"a:d\",\n\n      \"a:x\",\n      \"a:y\"\n    ]"},
		{"weird spacing", `[ "a:a" , "a:b" ,"a:c"]`, []edit{{0, 0, in("a:x", "a:y")}, {0, 2, nil}}, `[ "a:x" , "a:y" , "a:b"]`},
		{"commas first", "[ \"a:a\"\n    , \"a:b\"\n    , \"a:c\"\n    ]", []edit{{0, 0, nil}, {0, 1, in("a:x", "a:y")}}, "[ \"a:x\"\n    , \"a:y\"\n    , \"a:c\"\n    ]"},
		{"tabs", "[\n\t\t\"a:a\",\n\t\t\"a:b\"\n\t]", []edit{{0, 1, in("a:x", "a:y")}}, "[\n\t\t\"a:a\",\n\t\t\"a:x\",\n\t\t\"a:y\"\n\t]"},
		{"carriage returns", "[\r\n      \"a:a\",\r\n\r\n      \"a:b\"\r\n    ]", []edit{{0, 1, in("a:x", "a:y")}}, "[\r\n      \"a:a\",\r\n\r\n      \"a:x\",\r\n      \"a:y\"\r\n    ]"},
		{"a scalar for a scalar", `"a:a"`, []edit{{0, 0, in("a:x")}}, `"a:x"`},
		{"several for a scalar", `"a:*"`, []edit{{0, 0, in("a:x", "a:y")}}, "[\n      \"a:x\",\n      \"a:y\"\n    ]"},
		{"appended to a scalar", `"a:\u0061"`, []edit{{0, 1, in("a:x")}}, "[\n      \"a:\\u0061\",\n      \"a:x\"\n    ]"},
		{"appended to a scalar that is replaced", `"a:a"`, []edit{{0, 0, in("a:x")}, {0, 1, in("a:y")}}, "[\n      \"a:x\",\n      \"a:y\"\n    ]"},
		{"a scalar that moves to the end", `"a:a"`, []edit{{0, 0, nil}, {0, 1, in("a:y")}}, `"a:y"`},
		{"what stays keeps its escapes", `["a:\u0061", "a:b"]`, []edit{{0, 1, in("a:x")}}, `["a:\u0061", "a:x"]`},
		{"what comes in is quoted", `["a:a"]`, []edit{{0, 0, in(`a:"\é`)}}, `["a:\"\\é"]`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			const open, shut = "{\n  \"Statement\": {\n    \"Effect\": \"Allow\",\n    \"Action\": ", ",\n    \"Resource\": \"*\"\n  }\n}\n"
			got, err := apply(parse(t, open+tt.before+shut), tt.edits)
			if diff := cmp.Diff(open+tt.after+shut, got); diff != "" || err != nil {
				t.Errorf("%v (-want +got):\n%s", err, diff)
			}
		})
	}
}

// TestApplyDocuments edits whole documents.
func TestApplyDocuments(t *testing.T) {
	const a, b, c = `{"Effect": "Allow", "Action": "a:*"}`, `{"Effect": "Allow", "Action": ["b:a", "b:b"]}`, `{"Effect": "Deny", "NotAction": "c:*"}`
	const lined = "{\n  \"Statement\": [\n    " + a + ",\n    " + b + ",\n    " + c + "\n  ]\n}"
	const inline = `{"Statement":[` + a + `,` + b + `, ` + c + `]}`
	const joined = "{\"Statement\": [{\n\t\"Effect\": \"Allow\",\n\t\"Action\": \"a:*\"\n}, {\n\t\"Effect\": \"Allow\",\n\t\"Action\": \"b:*\"\n}, {\n\t\"Effect\": \"Allow\",\n\t\"Action\": \"c:*\"\n}]}"
	for _, tt := range []struct {
		name, before string
		edits        []edit
		after        string
	}{
		{"no edits", lined, nil, lined},
		{"the first statement goes", lined, []edit{{0, whole, nil}}, "{\n  \"Statement\": [\n    " + b + ",\n    " + c + "\n  ]\n}"},
		{"the middle statement goes", lined, []edit{{1, whole, nil}}, "{\n  \"Statement\": [\n    " + a + ",\n    " + c + "\n  ]\n}"},
		{"the last statement goes", lined, []edit{{2, whole, nil}}, "{\n  \"Statement\": [\n    " + a + ",\n    " + b + "\n  ]\n}"},
		{"all statements but one go", lined, []edit{{2, whole, nil}, {0, whole, nil}}, "{\n  \"Statement\": [\n    " + b + "\n  ]\n}"},
		{"inline statements go", inline, []edit{{1, whole, nil}}, `{"Statement":[` + a + `, ` + c + `]}`},
		{"statements around one that changes go", lined, []edit{{0, whole, nil}, {1, 0, in("b:x", "b:y")}, {2, whole, nil}},
			"{\n  \"Statement\": [\n    {\"Effect\": \"Allow\", \"Action\": [\"b:x\", \"b:y\", \"b:b\"]}\n  ]\n}"},
		{"a statement between two that change goes", lined, []edit{{2, 1, in("c:x")}, {1, whole, nil}, {0, 0, in("a:x", "a:y")}},
			"{\n  \"Statement\": [\n    {\"Effect\": \"Allow\", \"Action\": [\"a:x\", \"a:y\"]},\n    {\"Effect\": \"Deny\", \"NotAction\": [\"c:*\", \"c:x\"]}\n  ]\n}"},
		{"brackets of statements on one line: the first goes", joined, []edit{{0, whole, nil}},
			"{\"Statement\": [{\n\t\"Effect\": \"Allow\",\n\t\"Action\": \"b:*\"\n}, {\n\t\"Effect\": \"Allow\",\n\t\"Action\": \"c:*\"\n}]}"},
		{"brackets of statements on one line: the rest goes, and a list comes", joined, []edit{{1, whole, nil}, {2, whole, nil}, {0, 0, in("a:x", "a:y")}},
			"{\"Statement\": [{\n\t\"Effect\": \"Allow\",\n\t\"Action\": [\n\t\t\"a:x\",\n\t\t\"a:y\"\n\t]\n}]}"},
		{"a list in a compact document", `{"Statement":{"Effect":"Allow","Action":"a:*"}}`, []edit{{0, 0, in("a:x", "a:y")}},
			`{"Statement":{"Effect":"Allow","Action":["a:x","a:y"]}}`},
		{"a list like the document's lists: inline", "{\"Statement\": [{\n  \"Effect\": \"Deny\",\n  \"Action\": [\"a:a\" , \"a:b\"]\n}, {\n  \"Effect\": \"Deny\",\n  \"Action\": \"b:*\"\n}]}", []edit{{1, 0, in("b:x", "b:y")}},
			"{\"Statement\": [{\n  \"Effect\": \"Deny\",\n  \"Action\": [\"a:a\" , \"a:b\"]\n}, {\n  \"Effect\": \"Deny\",\n  \"Action\": [\"b:x\" , \"b:y\"]\n}]}"},
		{"a list like the document's lists: of resources", "{\"Statement\": {\n  \"Effect\": \"Deny\",\n  \"Action\": \"a:*\",\n  \"Resource\": [\"x\",\"y\"]\n}}", []edit{{0, 0, in("a:x", "a:y")}},
			"{\"Statement\": {\n  \"Effect\": \"Deny\",\n  \"Action\": [\"a:x\",\"a:y\"],\n  \"Resource\": [\"x\",\"y\"]\n}}"},
		{"a list like the document's lists: one a line, four spaces in", "{\"Statement\": [{\n  \"Effect\": \"Deny\",\n  \"Action\": [\n      \"a:a\"\n  ]\n}, {\n  \"Effect\": \"Deny\",\n  \"Action\": \"b:*\"\n}]}", []edit{{1, 0, in("b:x", "b:y")}},
			"{\"Statement\": [{\n  \"Effect\": \"Deny\",\n  \"Action\": [\n      \"a:a\"\n  ]\n}, {\n  \"Effect\": \"Deny\",\n  \"Action\": [\n      \"b:x\",\n      \"b:y\"\n  ]\n}]}"},
		{"a list of several lines with carriage returns", "{\r\n  \"Statement\": {\r\n    \"Effect\": \"Deny\",\r\n    \"Action\": \"a:*\"\r\n  }\r\n}\r\n", []edit{{0, 0, in("a:x", "a:y")}},
			"{\r\n  \"Statement\": {\r\n    \"Effect\": \"Deny\",\r\n    \"Action\": [\r\n      \"a:x\",\r\n      \"a:y\"\r\n    ]\r\n  }\r\n}\r\n"},
		{"weird spacing", "{ \"Statement\" : [ { \"Effect\" : \"Deny\" , \"Action\" : [ \"a:a\" , \"a:b\" ] } , { \"Effect\" : \"Deny\" , \"Action\" : \"c:*\" } ] }", []edit{{0, 1, nil}, {1, 0, in("c:x", "c:y")}},
			"{ \"Statement\" : [ { \"Effect\" : \"Deny\" , \"Action\" : [ \"a:a\" ] } , { \"Effect\" : \"Deny\" , \"Action\" : [\"c:x\" , \"c:y\"] } ] }"},
		{"unknown elements, escapes and the version stay", `{"x":[1, 2],"Version":"2012-10-17","Statement":[{"Eff\u0065ct":"Allow","Action":["a:a","a:b"],"y":{"a":1e2}}]}`, []edit{{0, 0, nil}},
			`{"x":[1, 2],"Version":"2012-10-17","Statement":[{"Eff\u0065ct":"Allow","Action":["a:b"],"y":{"a":1e2}}]}`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := apply(parse(t, tt.before), tt.edits)
			if diff := cmp.Diff(tt.after, got); diff != "" || err != nil {
				t.Errorf("%v (-want +got):\n%s", err, diff)
			}
		})
	}
}

func TestApplyRefuses(t *testing.T) {
	t.Parallel()
	doc := parse(t, `{"Statement": [{"Effect": "Allow", "Action": ["a:a", "a:b"]}, {"Effect": "Allow", "Action": "b:*"}]}`)
	for _, tt := range []struct {
		name  string
		edits []policy.Edit
		want  string
		empty bool
	}{
		{"every entry", []policy.Edit{change(doc, 0, 0), change(doc, 0, 1)}, "edit of statement 0: nothing would be left", true},
		{"a scalar", []policy.Edit{change(doc, 1, 0)}, "edit of statement 1: nothing would be left", true},
		{"every statement", []policy.Edit{change(doc, 1, whole), change(doc, 0, whole)}, "every statement goes: nothing would be left", true},
		{"a statement that there isn't", []policy.Edit{{Statement: 2, Entry: whole}}, "edit of statement 2: the document has 2", false},
		{"a statement before the first", []policy.Edit{{Statement: -1}}, "edit of statement -1: the document has 2", false},
		{"an entry that there isn't", []policy.Edit{{Entry: 3}}, "edit of statement 0: entry 3: the list has 2", false},
		{"an entry before the whole", []policy.Edit{{Entry: -2}}, "edit of statement 0: entry -2: the list has 2", false},
		{"an entry twice", []policy.Edit{change(doc, 0, 0), change(doc, 0, 0, "a:x")}, "edit of statement 0: entry 0: edited twice", false},
		{"another entry", []policy.Edit{{Entry: 1, Out: in("a:a")}}, `edit of statement 0: entry 1 is ["a:b"]: the edit takes out ["a:a"]`, false},
		{"an entry that isn't named", []policy.Edit{{Entry: 1}}, `edit of statement 0: entry 1 is ["a:b"]: the edit takes out []`, false},
		{"an appended one that takes out", []policy.Edit{{Entry: 2, Out: in("a:b"), In: in("a:x")}}, `edit of statement 0: entry 2 is []: the edit takes out ["a:b"]`, false},
		{"a statement twice", []policy.Edit{change(doc, 0, whole), change(doc, 0, whole)}, "edit of statement 0: goes twice", false},
		{"another statement", []policy.Edit{{Entry: whole, Out: in("b:*")}}, `edit of statement 0: has ["a:a" "a:b"]: the edit takes out ["b:*"]`, false},
		{"a statement for something", []policy.Edit{{Entry: whole, In: in("a:x")}}, `edit of statement 0: goes, and so can't take in ["a:x"]`, false},
		{"a statement that goes and changes", []policy.Edit{change(doc, 0, 0), change(doc, 0, whole)}, "edit of statement 0: it goes, and so can't be changed", false},
		{"what isn't an action", []policy.Edit{change(doc, 0, 0, "x")}, `edited document: p.json:1:47: /Statement/0/Action/0: "x": want service:name, such as "s3:GetObject", or "*"`, false},
		{"what isn't UTF-8", []policy.Edit{change(doc, 0, 0, "a:\xff")}, `edit of statement 0: entry 0: "a:\xff" isn't UTF-8`, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := doc.Apply(tt.edits)
			if err == nil || err.Error() != tt.want || errors.Is(err, policy.ErrEmpty) != tt.empty {
				t.Errorf("got  %v\nwant %s", err, tt.want)
			}
		})
	}
}

// TestApplyMany edits every scalar of a large document, which has no list to take the
// layout from.
func TestApplyMany(t *testing.T) {
	t.Parallel()
	const n = 20_000
	var before, after strings.Builder
	var edits []edit
	for i := range n {
		fmt.Fprintf(&before, "{\"Effect\": \"Allow\", \"Action\": \"s%d:*\"},\n", i)
		fmt.Fprintf(&after, "{\"Effect\": \"Allow\", \"Action\": [\"s%[1]d:Get*\", \"s%[1]d:List*\"]},\n", i)
		edits = append(edits, edit{i, 0, in(fmt.Sprintf("s%d:Get*", i), fmt.Sprintf("s%d:List*", i))})
	}
	const open, shut = `{"Statement": [`, `{"Effect": "Deny", "Action": "*"}]}`
	got, err := apply(parse(t, open+before.String()+shut), edits)
	if err != nil || got != open+after.String()+shut {
		t.Errorf("%d bytes, %v: want %d bytes", len(got), err, len(open)+after.Len()+len(shut))
	}
}
