package iac

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pare-iam/pare/policy"
)

func TestTextsAreWrittenInTheirLanguage(t *testing.T) {
	for name, tt := range map[string]struct {
		quoting    quoting
		text, want string
	}{
		"HCL":                              {quoting{lang: HCL}, "s3:Get*", `"s3:Get*"`},
		"HCL: quotes and templates":        {quoting{lang: HCL}, "a\"\\\n${x}%{y}", `"a\"\\\u000a$${x}%%{y}"`},
		"JSON":                             {quoting{lang: JSON}, "a\"\n${x}", `"a\"\n${x}"`},
		"JSON in a template":               {quoting{lang: JSON, template: true}, "${x}%{y}", `"$${x}%%{y}"`},
		"YAML: a name stays plain":         {quoting{lang: YAML}, "s3:Get*", "s3:Get*"},
		"YAML: an ARN stays plain":         {quoting{lang: YAML}, "arn:aws:s3:::a/*", "arn:aws:s3:::a/*"},
		"YAML: a star is an alias":         {quoting{lang: YAML}, "*", `"*"`},
		"YAML: a tag":                      {quoting{lang: YAML}, "!a:b", `"!a:b"`},
		"YAML: a colon at the end":         {quoting{lang: YAML}, "s3:", `"s3:"`},
		"YAML: a word for a Boolean":       {quoting{lang: YAML}, "no", `"no"`},
		"YAML: a time of day":              {quoting{lang: YAML}, "12:30", `"12:30"`},
		"YAML: blanks and commas":          {quoting{lang: YAML}, "a: b, c", `"a: b, c"`},
		"YAML: an apostrophe in its marks": {quoting{lang: YAML, quote: '\''}, "a'b", "'a''b'"},
		"YAML: a line break":               {quoting{lang: YAML, quote: '\''}, "a\nb", `"a\nb"`},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, tt.quoting.write(tt.text)); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

func TestApplyLeavesADocumentABlock(t *testing.T) {
	f := &File{Path: "main.tf", Lang: HCL, Src: []byte("statement { 1 }\nstatement { 2 }\n")}
	v, err := blocks(f)
	if err != nil {
		t.Fatal(err)
	}
	list := &Value{Kind: List, Form: Blocks, Entries: []*Value{v.Members[0].Value, v.Members[1].Value}}
	_, err = Apply(f, []Change{{List: list, Entry: 0}, {List: list, Entry: 1}}, blocks)
	if !errors.Is(err, policy.ErrEmpty) {
		t.Errorf("got %v, want ErrEmpty", err)
	}
}

// TestProofLooksIntoWhatStays changes a comment in a statement that stays, when another goes.
func TestProofLooksIntoWhatStays(t *testing.T) {
	f := &File{Path: "p.json", Lang: JSON, Src: []byte("[{\"a\": 1}, {/* x */ \"b\": 2}]")}
	v, err := tree(f)
	if err != nil {
		t.Fatal(err)
	}
	p := &plan{file: f, tree: v, lists: map[place]*listEdit{}}
	if err := p.add(Change{List: v, Entry: 0}); err != nil {
		t.Fatal(err)
	}
	if err := p.prove([]byte(`[{/* x */ "b": 2}]`), tree); err != nil {
		t.Error(err)
	}
	if err := p.prove([]byte(`[{/* y */ "b": 2}]`), tree); err == nil {
		t.Error("a changed comment is taken")
	}
}
