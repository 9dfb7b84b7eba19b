package report

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/charmbracelet/x/ansi"
	"github.com/google/go-cmp/cmp"

	"github.com/pare-iam/pare/access"
	"github.com/pare-iam/pare/catalog"
	"github.com/pare-iam/pare/policy"
	"github.com/pare-iam/pare/prove"
	"github.com/pare-iam/pare/refine"
	"github.com/pare-iam/pare/usage"
)

const cases = `{"date": "2024-06-16", "services": {"s3": ["GetBucketAcl", "GetObject", "GetObjectAcl", "GetObjectTagging", "ListBucket"]}}`

// recommendation refines and proves one policy.
func recommendation(t *testing.T, doc, unused string) Recommendation {
	t.Helper()
	cat, err := catalog.Read("catalog.json", []byte(cases))
	if err != nil {
		t.Fatal(err)
	}
	old, err := policy.Parse("policy.json", []byte(doc))
	if err != nil {
		t.Fatal(err)
	}
	gone, err := usage.ParseUnused("unused.json", []byte(unused))
	if err != nil {
		t.Fatal(err)
	}
	result, err := refine.Policy(cat, old, gone)
	if err != nil {
		t.Fatal(err)
	}
	return Recommendation{
		Name: "policy.json", Catalog: cat, Original: old, Unused: gone, Result: result,
		Proof: prove.Refinement(cat, old, result.Document, gone),
	}
}

const getObject = `{"Statement": [{"Sid": "Read", "Effect": "Allow", "Action": ["s3:Get*"], "Resource": "*",
  "Condition": {"StringEquals": {"aws:PrincipalTag/Team": "a"}}}]}`

// forged is a recommendation whose proof was refuted, by a request with a context.
func forged(t *testing.T) Recommendation {
	r := recommendation(t, getObject, `["s3:GetBucketAcl"]`)
	r.Proof.Verdict = prove.Refuted
	r.Proof.UsedKept = prove.Claim{Verdict: prove.Refuted, Counterexample: &prove.Counterexample{
		Request: access.Request{
			Action: policy.Action{Service: "s3", Name: "getobjectacl"}, Resource: "arn:aws:s3:::b/k",
			Context: access.Context{"aws:principaltag/team": {"a"}, "aws:tagkeys": {"x", "y"}, "aws:absent": {}},
		},
		Old: true,
	}}
	r.Proof.UnusedGone = prove.Claim{Reason: "too many\x1b[31m states"}
	return r
}

func TestGolden(t *testing.T) {
	tests := []struct {
		name   string
		rec    Recommendation
		render func(*strings.Builder, Recommendation) error
	}{
		{"refuted.txt", forged(t), func(w *strings.Builder, r Recommendation) error { return Text(w, r) }},
		{"refuted.md", forged(t), func(w *strings.Builder, r Recommendation) error { return Markdown(w, r) }},
		{"refuted.json", forged(t), func(w *strings.Builder, r Recommendation) error { return JSON(w, r) }},
		{"colored.txt", recommendation(t, getObject, `["s3:GetBucketAcl"]`), func(w *strings.Builder, r Recommendation) error { return Text(w, r) }},
		{"notes.txt", recommendation(t, `{"Note": 1, "Statement": [
			{"Effect": "Allow", "Action": ["*"], "Resource": "*"},
			{"Effect": "Allow", "Action": ["s3:GetObject", "s3:GetObject*", "s3:Get*|"], "Resource": "*"},
			{"Effect": "Deny", "Action": "s3:ListBucket", "Resource": "*"}]}`, `["s3:GetObjectAcl", "s3:Nothing"]`),
			func(w *strings.Builder, r Recommendation) error { return Text(w, r) }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var got, again strings.Builder
			if err := tt.render(&got, tt.rec); err != nil {
				t.Fatal(err)
			}
			if err := tt.render(&again, tt.rec); err != nil || again.String() != got.String() {
				t.Errorf("the second time it isn't the same: %v", err)
			}
			path := filepath.Join("testdata", tt.name)
			if *rewrite {
				if err := os.WriteFile(path, []byte(got.String()), 0o666); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), got.String()); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
		})
	}
}

func TestWhatIsNotProvedHasNoPolicy(t *testing.T) {
	r := forged(t)
	var out strings.Builder
	if err := Policy(&out, r); err != nil || out.String() != "" || r.Documents() != nil {
		t.Errorf("%q, %v", out.String(), err)
	}
	for _, shape := range []prove.Verdict{prove.Refuted, prove.Undecided} {
		r := recommendation(t, getObject, `["s3:GetBucketAcl"]`)
		r.Proof.ShapeKept.Verdict = shape
		if r.Leaves() || r.verdict() != shape {
			t.Errorf("a policy whose shape is %v leaves", shape)
		}
	}
}

// What a policy writes can't write to a terminal, and can't leave its place in Markdown.
func TestTextsOfPoliciesAreInert(t *testing.T) {
	r := recommendation(t, `{"Statement": [{"Effect": "Allow", "Action": ["s3:\u001b[2J|`+"``"+`x", "s3:GetBucketAcl", "s3:GetObject"], "Resource": "*"}]}`, `["s3:GetBucketAcl"]`)
	r.Name = "a\x1b]0;title\x07\u202e`|b.json"
	for name, render := range map[string]func(*strings.Builder) error{
		"text": func(w *strings.Builder) error { return Text(w, r) },
		"md":   func(w *strings.Builder) error { return Markdown(w, r) },
	} {
		var out strings.Builder
		if err := render(&out); err != nil {
			t.Fatal(err)
		}
		styled := strings.NewReplacer("\x1b[1m", "", "\x1b[m", "", "\x1b[31m", "", "\x1b[32m", "", "\x1b[33m", "", "\x1b[36m", "", "\x1b[2m", "").Replace(out.String())
		if strings.ContainsAny(styled, "\x1b\x07\u202e") {
			t.Errorf("%s: %q", name, styled)
		}
	}
}

func TestSVGEscapesWhatItShows(t *testing.T) {
	var out strings.Builder
	if err := TrieSVG(&out, "s3:<Get&*", refine.Node{Matched: 1, Action: "s3:<b>", Text: "<b>", Printed: []string{"s3:<b>"}}); err != nil {
		t.Fatal(err)
	}
	if got := out.String(); strings.Contains(got, "<b>") || strings.Contains(got, "<Get") || !strings.Contains(got, "&lt;b&gt;") {
		t.Error(got)
	}
}

func TestLimits(t *testing.T) {
	for _, name := range []string{"managed", "role", "user", "group"} {
		if l, ok := ParseLimit(name); !ok || l.String() != name || l.Characters() == 0 {
			t.Errorf("%s: %v %v", name, l, ok)
		}
	}
	if _, ok := ParseLimit(""); ok {
		t.Error("no name is a limit")
	}
}

// Colours come in pairs: every style ends where its text does.
func TestStylesEnd(t *testing.T) {
	var out strings.Builder
	if err := Text(&out, recommendation(t, getObject, `["s3:GetBucketAcl"]`)); err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(out.String()) {
		if strings.Contains(line, "\x1b[") && !strings.Contains(line, ansi.ResetStyle) {
			t.Errorf("%q", line)
		}
	}
}

// What turns SVG into pixels outside a browser knows no CSS variables, and paints black.
func TestSVGHasNoVariables(t *testing.T) {
	var out strings.Builder
	if err := TrieSVG(&out, "s3:Get*", refine.Node{Matched: 1, Action: "s3:Get", Text: "Get"}); err != nil {
		t.Fatal(err)
	}
	if got := out.String(); strings.Contains(got, "var(") || !strings.Contains(got, ".back { fill: #ffffff }") {
		t.Error(got)
	}
}
