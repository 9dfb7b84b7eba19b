package report

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pare-iam/pare/access"
	"github.com/pare-iam/pare/analyzer"
	"github.com/pare-iam/pare/finding"
	"github.com/pare-iam/pare/policy"
	"github.com/pare-iam/pare/prove"
	"github.com/pare-iam/pare/refine"
	"github.com/pare-iam/pare/usage"
)

const sharedARN = "arn:aws:iam::123456789012:policy/read"

// principal is a user with a shared policy and one of a group.
func principal(t *testing.T) Principal {
	inPlace := &analyzer.InPlace{Refinement: refinement(t), Affects: []string{"arn:aws:iam::123456789012:role/a", "arn:aws:iam::123456789012:role/b"}}
	read := analyzer.PolicyAdvice{
		Kind: finding.CustomerPolicy, Name: "read", ARN: sharedARN, Refinement: refinement(t), As: finding.CustomerPolicy, Names: []string{"read-recommended"},
		Notes: []analyzer.Note{{Kind: analyzer.Shared, Names: []string{"arn:aws:iam::123456789012:role/b"}}}, InPlace: inPlace,
	}
	kept := refinement(t)
	kept.Result, kept.Proof = refine.Result{Outcome: refine.Unchanged, Document: kept.Original}, prove.Result{}
	team := analyzer.PolicyAdvice{
		Kind: finding.InlinePolicy, Name: "team" + hostile, Group: "arn:aws:iam::123456789012:group/devs", Members: []string{"arn:aws:iam::123456789012:user/bob"},
		Refinement: kept,
	}
	text := string(read.Result.Document.Bytes())
	out := Principal{Catalog: recommendation(t, getObject, `["s3:GetBucketAcl"]`).Catalog, Window: usage.Window{Age: 90 * usage.Day, Now: now}, Sources: []Source{{Name: "cloudtrail", Covers: "3 principals, up to 2026-11-22"}}}
	out.Resource, out.Outcome, out.FindingID = "arn:aws:iam::123456789012:user/bob", finding.Succeeded, "ab12cd09-0009-4c58-a1f0-000000000009"
	out.Policies, out.Before, out.After = []analyzer.PolicyAdvice{read, team}, 3, 2
	out.Notes = []analyzer.Note{{Kind: analyzer.KeptAsYoung, Count: 7}}
	out.Steps = []finding.Step{
		{Action: finding.CreatePolicy, ExistingPolicyID: sharedARN, RecommendedPolicy: text, RecommendedName: "read-recommended"},
		{Action: finding.DetachPolicy, ExistingPolicyID: sharedARN},
	}
	return out
}

// unjudged is a principal of which nothing can be said.
func unjudged(t *testing.T) Principal {
	p := principal(t)
	p.Policies, p.Steps, p.Notes, p.Before, p.After = nil, nil, nil, 0, 0
	p.Outcome, p.Error = finding.Failed, "it isn't judged: younger than the window"
	return p
}

// incomplete is one of whose policies one has no step.
func incomplete(t *testing.T) Principal {
	p := principal(t)
	p.Policies[1].Problem = "someone else isn't judged"
	p.Policies = append(p.Policies, analyzer.PolicyAdvice{Kind: finding.CustomerPolicy, Name: "lost", Problem: "the policy couldn't be read, or isn't in the files"})
	p.Outcome, p.Error = finding.Failed, "inline policy team: someone else isn't judged"
	return p
}

// unproved is a principal whose first policy the analyzer gives a step for though it isn't
// proved: it never does.
func unproved(t *testing.T) Principal {
	p := principal(t)
	p.Policies[0].Proof.Verdict = prove.Refuted
	p.Policies[0].InPlace.Proof.Verdict = prove.Undecided
	return p
}

// replayed is one whose uses were decided again, one of them differently.
func replayed(t *testing.T) Principal {
	p := principal(t)
	p.Replayed = &analyzer.Replayed{Uses: 3, Requests: 4, Allowed: 2, Differences: []analyzer.Difference{{
		Use:     usage.Use{Action: "s3:GetBucketAcl", LastSeen: ago(2)},
		Request: access.Request{Action: policy.Action{Service: "s3", Name: "getbucketacl"}, Resource: "arn:aws:s3:::b" + hostile},
		Old:     access.Allowed, New: access.ImplicitlyDenied,
	}}}
	return p
}

func TestPrincipalGolden(t *testing.T) {
	empty := principal(t)
	empty.Policies, empty.Steps, empty.Notes, empty.Before, empty.After = nil, nil, nil, 0, 0
	for name, p := range map[string]Principal{
		"steps": principal(t), "unjudged": unjudged(t), "incomplete": incomplete(t), "unproved": unproved(t), "replayed": replayed(t), "empty": empty,
	} {
		for ext, render := range map[string]func(writer, Principal) error{
			"txt": func(w writer, p Principal) error { return PrincipalText(w, p) }, "md": func(w writer, p Principal) error { return PrincipalMarkdown(w, p) },
			"json": func(w writer, p Principal) error { return PrincipalJSON(w, p) }, "policy": func(w writer, p Principal) error { return PrincipalPolicies(w, p) },
		} {
			t.Run(name+"."+ext, func(t *testing.T) {
				got := rendered(t, func(w writer) error { return render(w, p) })
				if again := rendered(t, func(w writer) error { return render(w, p) }); again != got {
					t.Error("the second time it isn't the same")
				}
				path := filepath.Join("testdata", "principal", name+"."+ext)
				if *rewrite {
					if err := os.WriteFile(path, []byte(got), 0o666); err != nil {
						t.Fatal(err)
					}
				}
				want, err := os.ReadFile(path)
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(string(want), got); diff != "" {
					t.Errorf("-want +got\n%s", diff)
				}
			})
		}
	}
}

func TestWhatThereIsToSayOfAPrincipal(t *testing.T) {
	large := principal(t)
	large.Policies[0].Problem, large.Policies[0].Proof = "too large", prove.Result{}
	for name, test := range map[string]struct {
		p                 Principal
		leaves, notJudged bool
		unproved          string
	}{
		"steps":                     {p: principal(t), leaves: true},
		"not judged":                {p: unjudged(t), notJudged: true},
		"without a step for one":    {p: incomplete(t), leaves: true},
		"not proved":                {p: unproved(t), unproved: "read"},
		"decided differently":       {p: replayed(t)},
		"too large to try to prove": {p: large, leaves: true},
	} {
		if got := test.p.Leaves(); got != test.leaves {
			t.Errorf("%s: leaves: %v", name, got)
		}
		if got := test.p.NotJudged(); got != test.notJudged {
			t.Errorf("%s: not judged: %v", name, got)
		}
		if got := test.p.Unproved(); got != test.unproved {
			t.Errorf("%s: unproved: %q", name, got)
		}
	}
}

// A policy in place for all who have it is shown only if it is proved, whatever the
// analyzer says of it.
func TestInPlaceIsShownWhenItIsProved(t *testing.T) {
	proved, doubted := principal(t), principal(t)
	doubted.Policies[0].InPlace.Proof.ShapeKept.Verdict = prove.Refuted
	for _, test := range []struct {
		p    Principal
		want bool
	}{{proved, true}, {doubted, false}} {
		text := rendered(t, func(w writer) error { return PrincipalText(w, test.p) })
		document := rendered(t, func(w writer) error { return PrincipalJSON(w, test.p) })
		_, inPlace, _ := strings.Cut(document, `"inPlace": {`)
		inPlace, _, _ = strings.Cut(inPlace, `"affects"`)
		if strings.Contains(text, "in place, for all 2") != test.want || strings.Contains(inPlace, "s3:GetObject*") != test.want {
			t.Errorf("want %v:\n%s\n%s", test.want, text, inPlace)
		}
	}
}
