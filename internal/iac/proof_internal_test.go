package iac

import (
	"regexp"
	"strings"
	"testing"

	"github.com/pare-iam/pare/policy"
)

func tree(f *File) (*Value, error) { return ParseJSON(f, policy.Span{End: len(f.Src)}, Embedded{}) }

// TestProofSeesEveryByte gives the proof files that Apply would never make.
func TestProofSeesEveryByte(t *testing.T) {
	const src = `// head
{"Statement": [ // list
  {"Action": ["a:1", "a:2"], /* one */ "Resource": "*"}, // first
  {"Action": "b:1"} // second
], "Id": "x"}
`
	const first, second = `["a:1", "a:2"], /* one */ "Resource": "*"}`, `{"Action": "b:1"} // second` + "\n"
	for name, tt := range map[string]struct {
		old, new string
		ok       bool
	}{
		"as intended":                     {`"a:1", "a:2"`, `"a:2"`, true},
		"as intended, with other blanks":  {`"a:1", "a:2"`, ` "a:2" /* free */ `, true},
		"nothing changed":                 {"", "", false},
		"a comment before":                {"// head", "// Head", false},
		"a comment in the statement":      {first, `["a:2"], /* two */ "Resource": "*"}`, false},
		"a comment behind the statement":  {"\"a:1\", \"a:2\"], /* one */ \"Resource\": \"*\"}, // first", "\"a:2\"], /* one */ \"Resource\": \"*\"}, // frist", false},
		"a blank behind the list":         {first, `["a:2"] , /* one */ "Resource": "*"}`, false},
		"a blank before the list":         {first, ` ["a:2"], /* one */ "Resource": "*"}`, false},
		"an escape in the entry that was": {`"a:1", "a:2"`, `"a:\u0032"`, false},
		"a line break at the end":         {"\"a:1\", \"a:2\"], /* one */ \"Resource\": \"*\"}, // first\n  " + second + "], \"Id\": \"x\"}\n", "\"a:2\"], /* one */ \"Resource\": \"*\"}, // first\n  " + second + "], \"Id\": \"x\"}", false},
	} {
		t.Run(name, func(t *testing.T) {
			f := &File{Path: "p.json", Lang: JSON, Src: []byte(src)}
			v, err := tree(f)
			if err != nil {
				t.Fatal(err)
			}
			p := &plan{file: f, tree: v, lists: map[place]*listEdit{}}
			if err := p.add(Change{List: v.Get("Statement").Entries[0].Get("Action"), Entry: 0}); err != nil {
				t.Fatal(err)
			}
			if err := p.prove([]byte(strings.Replace(src, tt.old, tt.new, 1)), tree); (err == nil) != tt.ok {
				t.Errorf("got %v, want it proved: %v", err, tt.ok)
			}
		})
	}
}

// blocks is a tree of the blocks of a file, and dashes one of a block sequence whose
// entries are x and a digit.
func blocks(f *File) (*Value, error) {
	root := &Value{Kind: Object, File: f, Lang: f.Lang, Span: policy.Span{End: len(f.Src)}}
	for _, at := range regexp.MustCompile(`statement \{[^}]*\}`).FindAllIndex(f.Src, -1) {
		block := &Value{Kind: Object, File: f, Lang: f.Lang, Span: policy.Span{Start: at[0], End: at[1]}}
		root.Members = append(root.Members, Member{Key: "statement", Value: block})
	}
	return root, nil
}

func dashes(f *File) (*Value, error) {
	list := &Value{Kind: List, Form: Dashes, File: f, Lang: f.Lang}
	for _, at := range regexp.MustCompile(`x\d`).FindAllIndex(f.Src, -1) {
		list.Entries = append(list.Entries, &Value{Kind: Text, Text: string(f.Src[at[0]:at[1]]), File: f, Lang: f.Lang, Span: policy.Span{Start: at[0], End: at[1]}})
		list.End = at[1]
	}
	list.Start = list.Entries[0].Start - len("- ")
	root := &Value{Kind: Object, File: f, Lang: f.Lang, Span: policy.Span{End: len(f.Src)}, Members: []Member{{Key: "Action", Value: list}}}
	return root, nil
}

// TestProofSeesTheLinesAroundBlocksAndDashes takes the entry in the middle of three.
func TestProofSeesTheLinesAroundBlocksAndDashes(t *testing.T) {
	const hcl = "# a\nstatement { 1 }\n\n# b\nstatement { 2 } # c\n\n# d\nstatement { 3 }\n"
	const yaml = "Action: # a\n  # b\n  - x1 # c\n  - x2 # d\n\n  # e\n  - x3 # f\nResource: 1\n"
	for name, tt := range map[string]struct {
		tree     Tree
		src, new string
		ok       bool
	}{
		"a block and its comments":     {blocks, hcl, "# a\nstatement { 1 }\n\n# d\nstatement { 3 }\n", true},
		"a block and all blank lines":  {blocks, hcl, "# a\nstatement { 1 }\n# d\nstatement { 3 }\n", true},
		"the comment of the one above": {blocks, hcl, "statement { 1 }\n\n# d\nstatement { 3 }\n", false},
		"the comment of the one below": {blocks, hcl, "# a\nstatement { 1 }\n\nstatement { 3 }\n", false},
		"a block with other bytes":     {blocks, hcl, "# a\nstatement { 1 }\n\n# d\nstatement { 4 }\n", false},
		"the line break at the end":    {blocks, hcl, "# a\nstatement { 1 }\n\n# d\nstatement { 3 }", false},
		"an entry and its comment":     {dashes, yaml, "Action: # a\n  # b\n  - x1 # c\n\n  # e\n  - x3 # f\nResource: 1\n", true},
		"the comment of the key":       {dashes, yaml, "Action: # b\n  # b\n  - x1 # c\n\n  # e\n  - x3 # f\nResource: 1\n", false},
		"the line after the list":      {dashes, yaml, "Action: # a\n  # b\n  - x1 # c\n\n  # e\n  - x3 # f\nResource: 2\n", false},
		"text beside the last entry":   {dashes, yaml, "Action: # a\n  # b\n  - x1 # c\n\n  # e\n  - x3 y # f\nResource: 1\n", false},
	} {
		t.Run(name, func(t *testing.T) {
			f := &File{Path: "f", Lang: YAML, Src: []byte(tt.src)}
			if strings.HasPrefix(tt.src, "# a\nstatement") {
				f.Lang = HCL
			}
			v, err := tt.tree(f)
			if err != nil {
				t.Fatal(err)
			}
			list := v.Members[0].Value
			if f.Lang == HCL {
				list = &Value{Kind: List, Form: Blocks}
				for _, m := range v.Members {
					list.Entries = append(list.Entries, m.Value)
				}
			}
			p := &plan{file: f, tree: v, lists: map[place]*listEdit{}}
			if err := p.add(Change{List: list, Entry: 1}); err != nil {
				t.Fatal(err)
			}
			if err := p.prove([]byte(tt.new), tt.tree); (err == nil) != tt.ok {
				t.Errorf("got %v, want it proved: %v", err, tt.ok)
			}
		})
	}
}
