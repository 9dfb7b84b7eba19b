package iac_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pare-iam/pare/internal/iac"
	"github.com/pare-iam/pare/policy"
)

func TestApplyRefusesWhatItCannotDoSurely(t *testing.T) {
	const src = `{"Action": ["a:1", "a:2", {"b": 1}], "Alone": "c:*"}`
	for name, tt := range map[string]struct {
		pin    func(list *iac.Value)
		in     in
		where  string
		reason string
	}{
		"a list that must not be changed": {func(list *iac.Value) { list.Why = "an anchor" }, in{0: nil}, "p.json:1:12", "an anchor"},
		"an entry that isn't known": {func(list *iac.Value) {
			*list.Entries[0] = iac.Value{File: list.File, Span: list.Entries[0].Span, Why: "x"}
		}, in{0: nil}, "p.json:1:13", "the entry isn't known: x"},
		"an object that gives way":       {func(*iac.Value) {}, in{2: {"a:3"}}, "p.json:1:27", "the entry isn't a text"},
		"an entry that isn't there":      {func(*iac.Value) {}, in{4: nil}, "p.json:1:12", "entry 4: the list has 3"},
		"a text that isn't UTF-8":        {func(*iac.Value) {}, in{0: {"\xff"}}, "p.json:1:12", `"\xff" isn't UTF-8`},
		"an entry that stands elsewhere": {func(list *iac.Value) { list.Entries[1].Span = policy.Span{Start: 2, End: 4} }, in{0: nil}, "p.json:1:12", "the list has an entry that stands elsewhere"},
		"a list of another text":         {func(list *iac.Value) { list.Start-- }, in{0: nil}, "p.json:1:12", `"[" between the entries`},
		"a list that isn't in the tree":  {func(list *iac.Value) { list.Form, list.Entries = iac.Alone, list.Entries[:1] }, in{0: {"a:3"}}, "p.json:1:13", "the value isn't a member"},
	} {
		t.Run(name, func(t *testing.T) {
			f := jsonFile(src)
			list := mustParse(t, f).Get("Action")
			tt.pin(list)
			_, err := iac.Apply(f, changes(list, tt.in), parseJSON)
			refused(t, err, tt.where, tt.reason)
		})
	}
}

func TestApplyTakesTheSameChangeTwiceAsOne(t *testing.T) {
	f := jsonFile(`{"Action": ["a:1", "a:2"]}`)
	one, two := mustParse(t, f).Get("Action"), mustParse(t, f).Get("Action")
	out, err := iac.Apply(f, append(changes(one, in{0: {"a:3"}}), changes(two, in{0: {"a:3"}, 1: nil})...), parseJSON)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(`{"Action": ["a:3"]}`, string(out)); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	_, err = iac.Apply(f, append(changes(one, in{0: {"a:3"}}), changes(two, in{0: nil})...), parseJSON)
	refused(t, err, "p.json:1:12", "entry 0 is changed twice, in different ways")
}

func TestApplyIgnoresOtherFiles(t *testing.T) {
	f := jsonFile(`{"Action": ["a:1", "a:2"]}`)
	other := mustParse(t, jsonFile(string(f.Src))).Get("Action")
	out, err := iac.Apply(f, changes(other, in{0: nil}), parseJSON)
	if err != nil || string(out) != string(f.Src) {
		t.Errorf("got %s, %v", out, err)
	}
}

func TestApplyLeavesNoListEmpty(t *testing.T) {
	f := jsonFile(`{"Action": ["a:1", "a:2"], "Alone": "c:*"}`)
	for _, key := range []string{"Action", "Alone"} {
		if _, err := iac.Apply(f, changes(mustParse(t, f).Get(key), in{0: nil, 1: nil}), parseJSON); !errors.Is(err, policy.ErrEmpty) {
			t.Errorf("%s: got %v, want ErrEmpty", key, err)
		}
	}
}

func TestApplyRefusesToChangeWhatGoes(t *testing.T) {
	f := jsonFile(`{"Statement": [{"Action": ["a:1", "a:2"]}, {"Action": ["b:1"]}]}`)
	statements := mustParse(t, f).Get("Statement")
	list := statements.Entries[0].Get("Action")
	_, err := iac.Apply(f, append(changes(statements, in{0: nil}), changes(list, in{0: nil})...), parseJSON)
	refused(t, err, "p.json:1:28", "changes overlap: what goes can't be changed")
}

// TestApplyBelievesTheTreeAlone gives Apply trees that say of the edited file what it
// isn't: each must be refused.
func TestApplyBelievesTheTreeAlone(t *testing.T) {
	for name, tt := range map[string]struct{ old, new, want string }{
		"another entry": {`"s3:GetObject"`, `"s3:DeleteObject"`, `"s3:DeleteObject" instead of "s3:GetObject"`},
		"one more":      {`["s3:GetObject"`, `["s3:GetObject", "s3:x"`, "3 entries instead of 2"},
		"another key":   {`"Resource"`, `"NotResource"`, `key "NotResource" instead of "Resource"`},
		"one key more":  {`"Resource"`, `"Sid": "x", "Resource"`, "3 members instead of 2"},
		"another kind":  {`"*"`, `["*"]`, "another kind of value"},
		"other bytes":   {`"*"`, `"\u002a"`, "other bytes"},
		"an anchor":     {"", "", "a value that must not be changed"},
		"not JSON":      {`{`, `(`, "the edited file can't be read: "},
	} {
		t.Run(name, func(t *testing.T) {
			f := jsonFile(`{"Action": ["s3:*", "s3:PutObject"], "Resource": "*"}`)
			lies := func(f *iac.File) (*iac.Value, error) {
				if strings.Contains(string(f.Src), "GetObject") {
					return parseJSON(&iac.File{Path: f.Path, Lang: f.Lang, Src: []byte(strings.Replace(string(f.Src), tt.old, tt.new, 1))})
				}
				return parseJSON(f)
			}
			if tt.old == tt.new {
				lies = anchored
			}
			if tt.want == "other bytes" { // told of the same file alone
				lies = shifted
			}
			out, err := iac.Apply(f, changes(mustParse(t, f).Get("Action"), in{0: {"s3:GetObject"}}), liesOf(f, lies))
			if err == nil || !strings.Contains(err.Error(), tt.want) || out != nil {
				t.Errorf("got  %s, %v\nwant %s", out, err, tt.want)
			}
		})
	}
}

// liesOf is a tree that is right about the file as it was.
func liesOf(was *iac.File, lies iac.Tree) iac.Tree {
	return func(f *iac.File) (*iac.Value, error) {
		if f == was {
			return parseJSON(f)
		}
		return lies(f)
	}
}

// shifted says of a text that it stands one byte further on, and anchored that it must not
// be changed.
func shifted(f *iac.File) (*iac.Value, error) {
	v, err := parseJSON(f)
	if err == nil {
		v.Get("Resource").Start++
	}
	return v, err
}

func anchored(f *iac.File) (*iac.Value, error) {
	v, err := parseJSON(f)
	if err == nil {
		v.Get("Resource").Why = "an anchor"
	}
	return v, err
}

func ExampleApply() {
	f := &iac.File{Path: "policy.jsonc", Lang: iac.JSON, Src: []byte(`{
  "Statement": {
    "Effect": "Allow",
    "Action": [
      "s3:Get*", // reports
      "sqs:*"    // the old queue
    ],
    "Resource": "*"
  }
}
`)}
	source, err := iac.ReadPolicyFile(f)
	if err != nil {
		fmt.Println(err)
		return
	}
	p, err := source.Policy()
	if err != nil {
		fmt.Println(err)
		return
	}
	changes, err := p.Changes([]policy.Edit{
		{Statement: 0, Entry: 0, Out: []string{"s3:Get*"}, In: []string{"s3:GetObject"}},
		{Statement: 0, Entry: 1, Out: []string{"sqs:*"}},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	out, err := iac.Apply(f, changes, func(f *iac.File) (*iac.Value, error) {
		return iac.ParseJSON(f, policy.Span{End: len(f.Src)}, iac.Embedded{})
	})
	fmt.Printf("%s%v\n", out, err)
	// Output:
	// {
	//   "Statement": {
	//     "Effect": "Allow",
	//     "Action": [
	//       "s3:GetObject" // reports
	//     ],
	//     "Resource": "*"
	//   }
	// }
	// <nil>
}
