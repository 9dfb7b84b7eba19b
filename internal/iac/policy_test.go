package iac_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/go-cmp/cmp"

	"github.com/pare-iam/pare/internal/iac"
	"github.com/pare-iam/pare/policy"
)

// source is a policy in a template, of which nothing is known but what is written.
func source(t *testing.T, src string) *iac.Source {
	t.Helper()
	v, err := template(src, nil)
	if err != nil {
		t.Fatal(err)
	}
	return &iac.Source{File: v.File, Document: v}
}

func TestPolicyIsTheDocumentWithPlaceholders(t *testing.T) {
	name, arn := iac.Placeholder("", "s3:${var.verb}Object"), iac.Placeholder("module.a", "var.bucket")
	list, all, keys := iac.Placeholder("", "var.arns"), iac.Placeholder("", "var.condition"), iac.Placeholder("", "var.keys")
	s := source(t, `{
		"Version": "2012-10-17", // of the language
		"Id": "x",
		"Statement": [
			{"Sid": "A", "Effect": "Allow", "Action": "s3:*", "Resource": "arn:aws:s3:::${var.bucket}/$${aws:username}"},
			{"Effect": "Allow", "NotAction": ["s3:${var.verb}Object", "s3:Get*"], "Resource": ${var.arns}, "Condition": ${var.condition}},
			{"Effect": "Deny", "Action": ["s3:*"], "Resource": ["*"], "Condition": {"StringEquals": ${var.keys}, "StringLike": {"${var.keys}": ["a"]}, "Bool": {"aws:MultiFactorAuthPresent": true}}},
		],
	}`)
	p, err := s.Policy()
	if err != nil {
		t.Fatal(err)
	}
	want := `{"Version":"2012-10-17","Id":"x","Statement":[` +
		`{"Sid":"A","Effect":"Allow","Action":["s3:*"],"Resource":"arn:aws:s3:::` + arn + `/${aws:username}"},` +
		`{"Effect":"Allow","NotAction":["` + name + `:x","s3:Get*"],"Resource":"` + list + `","Condition":{"StringEquals":{"` + all + `:x":"` + all + `"}}},` +
		`{"Effect":"Deny","Action":["s3:*"],"Resource":["*"],"Condition":{"StringEquals":{"` + keys + `:x":"` + keys + `"},"StringLike":{"` + iac.Placeholder("module.a", "var.keys") + `:x":["a"]},"Bool":{"aws:MultiFactorAuthPresent":true}}}]}`
	got := jsontext.Value(p.Doc.Bytes())
	if err := got.Compact(); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestPolicyRefusesWhatCouldBeAnything(t *testing.T) {
	for name, tt := range map[string]struct{ src, where, reason string }{
		"no policy":           {`{"Rules": []}`, "p.json:1:1", "not a policy"},
		"the statements":      {`{"Statement": ${var.x}}`, "p.json:1:15", "the statements aren't known: an interpolation"},
		"a statement":         {`{"Statement": [${var.x}]}`, "p.json:1:16", "a statement isn't known: an interpolation"},
		"a text as statement": {`{"Statement": ["x"]}`, "p.json:1:16", "not a statement: want an object"},
		"the version":         {`{"Version": "${var.x}", "Statement": {}}`, "p.json:1:13", "Version isn't known"},
		"an effect":           {`{"Statement": {"Effect": "${var.x}"}}`, "p.json:1:26", "Effect isn't known"},
		"a principal":         {`{"Statement": {"Effect": "Allow", "Principal": ${var.x}}}`, "p.json:1:48", "Principal isn't known: an interpolation"},
		"the actions":         {`{"Statement": {"Effect": "Allow", "Action": ${var.x}}}`, "p.json:1:45", "Action isn't known: an interpolation"},
		"a wrong action":      {"{\"Statement\": [{\"Effect\": \"Allow\", \"Resource\": \"*\",\n\"Action\": [\"s3:*\", \"s3\"]}]}", "p.json:2:20", `"s3": want service:name`},
		"a wrong element":     {`{"Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": 5}]}`, "p.json:1:66", "5: want a string"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := source(t, tt.src).Policy()
			refused(t, err, tt.where, tt.reason)
		})
	}
	_, err := (&iac.Source{File: jsonFile("x"), Problem: "computed", ProblemAt: "p.json:3:4"}).Policy()
	refused(t, err, "p.json:3:4", "computed")
}

// refused says whether an error is a *NotEditableError of a place and a reason.
func refused(t *testing.T, err error, where, reason string) {
	t.Helper()
	e, ok := errors.AsType[*iac.NotEditableError](err)
	if !ok {
		t.Fatalf("got %v, want a NotEditableError", err)
	}
	if e.Where != where || !strings.HasPrefix(e.Reason, reason) {
		t.Errorf("got  %v\nwant %s: %s", err, where, reason)
	}
}

const twoStatements = `{"Statement": [
	{"Effect": "Allow", "Action": ["s3:Get*", "s3:${var.x}"], "Resource": "*"},
	{"Effect": "Allow", "Action": "sqs:*", "Resource": "*"}
]}`

func TestChangesAreOfTheListsThatEditsName(t *testing.T) {
	s := source(t, twoStatements)
	p, err := s.Policy()
	if err != nil {
		t.Fatal(err)
	}
	changes, err := p.Changes([]policy.Edit{
		{Statement: 0, Entry: 0, Out: []string{"s3:Get*"}, In: []string{"s3:GetObject", "s3:GetBucketAcl"}},
		{Statement: 1, Entry: policy.WholeStatement},
	})
	if err != nil {
		t.Fatal(err)
	}
	out, err := iac.Apply(s.File, changes, func(f *iac.File) (*iac.Value, error) { return templateIn(f, nil) })
	if err != nil {
		t.Fatal(err)
	}
	want := `{"Statement": [
	{"Effect": "Allow", "Action": ["s3:GetObject", "s3:GetBucketAcl", "s3:${var.x}"], "Resource": "*"}
]}`
	if diff := cmp.Diff(want, string(out)); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestChangesRefuseWhatMustNotBeChanged(t *testing.T) {
	first := policy.Edit{Statement: 0, Entry: 0, Out: []string{"s3:Get*"}, In: []string{"s3:GetObject"}}
	second := policy.Edit{Statement: 1, Entry: policy.WholeStatement}
	unknown := policy.Edit{Statement: 0, Entry: 1, Out: []string{iac.Placeholder("", "s3:${var.x}") + ":x"}}
	for name, tt := range map[string]struct {
		pin    func(s *iac.Source)
		edit   policy.Edit
		where  string
		reason string
	}{
		"an entry with a hole": {func(*iac.Source) {}, unknown, "p.json:2:44", "s3:${var.x} isn't known"},
		"an anchored list": {
			func(s *iac.Source) { s.Document.Get("Statement").Entries[0].Get("Action").Why = "an anchor" },
			first, "p.json:2:32", "an anchor",
		},
		"an anchored entry": {
			func(s *iac.Source) { s.Document.Get("Statement").Entries[0].Get("Action").Entries[0].Why = "an anchor" },
			first, "p.json:2:33", "an anchor",
		},
		"an anchored statement": {
			func(s *iac.Source) { s.Document.Get("Statement").Entries[0].Why = "an anchor" },
			first, "p.json:2:2", "an anchor",
		},
		"an anchored list of statements": {
			func(s *iac.Source) { s.Document.Get("Statement").Why = "an alias" },
			second, "p.json:1:15", "an alias",
		},
		"a statement of a list that stays whole": {
			func(s *iac.Source) { s.Document.Get("Statement").WhyWhole = "it would come back" },
			second, "p.json:1:15", "it would come back",
		},
		"a statement with an anchor in it": {
			func(s *iac.Source) { s.Document.Get("Statement").Entries[1].Get("Resource").Why = "an anchor" },
			second, "p.json:3:53", "an anchor",
		},
		"an anchored document": {func(s *iac.Source) { s.Document.Why = "a merge" }, first, "p.json:1:1", "a merge"},
		"a source with a problem": {
			func(s *iac.Source) { s.Problem = "made by CDK" },
			first, "p.json:1:1", "made by CDK",
		},
		"a list that stands nowhere": {
			func(s *iac.Source) { s.Document.Get("Statement").Entries[0].Get("Action").File = nil },
			first, "p.json:1:1", "the list isn't written in a file",
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := source(t, twoStatements)
			tt.pin(s)
			p, err := s.Policy()
			if err != nil {
				t.Fatal(err)
			}
			_, err = p.Changes([]policy.Edit{tt.edit})
			refused(t, err, tt.where, tt.reason)
		})
	}
}

func TestChangesOfAnotherDocumentAreErrors(t *testing.T) {
	p, err := source(t, twoStatements).Policy()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.Changes([]policy.Edit{{Statement: 0, Entry: 0, Out: []string{"ec2:*"}}}); err == nil {
		t.Error("an edit of another text is taken")
	}
	all := []policy.Edit{{Statement: 0, Entry: policy.WholeStatement}, {Statement: 1, Entry: policy.WholeStatement}}
	if _, err := p.Changes(all); !errors.Is(err, policy.ErrEmpty) {
		t.Errorf("got %v, want ErrEmpty", err)
	}
}
