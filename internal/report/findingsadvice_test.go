package report

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pare-iam/pare/analyzer"
	"github.com/pare-iam/pare/finding"
	"github.com/pare-iam/pare/prove"
)

// refinement is the analyzer's, of a policy of which one action is unused.
func refinement(t *testing.T) analyzer.Refinement {
	r := recommendation(t, getObject, `["s3:GetBucketAcl"]`)
	return analyzer.Refinement{Original: r.Original, Unused: r.Unused, Result: r.Result, Proof: r.Proof}
}

func recommended(p analyzer.PolicyAdvice) analyzer.Recommendation {
	return analyzer.Recommendation{
		Recommendation: finding.Recommendation{Resource: "arn:aws:iam::123456789012:role/a", Outcome: finding.Succeeded, Steps: []finding.Step{
			{Action: finding.CreatePolicy, ExistingPolicyID: p.Name, RecommendedPolicy: string(p.Result.Document.Bytes())},
		}},
		Policies: []analyzer.PolicyAdvice{p, {Name: "lost", ARN: "arn:aws:iam::123456789012:policy/lost", Problem: "the policy couldn't be read"}},
		Before:   4, After: 3, Notes: []analyzer.Note{{Kind: analyzer.KeptAsYoung, Count: 7}},
	}
}

func TestAdviceOfAnAnalysis(t *testing.T) {
	p := analyzer.PolicyAdvice{
		Kind: finding.InlinePolicy, Name: "read", Refinement: refinement(t), Notes: []analyzer.Note{{Kind: analyzer.Compacted}},
		InPlace: &analyzer.InPlace{Refinement: refinement(t), Affects: []string{"a", "b"}},
	}
	got := AdviceOf(recommended(p))
	want := Advice{
		Recommendation: recommended(p).Recommendation, Proof: prove.Proved, Before: 4, After: 3,
		Existing: []Existing{{ID: "read", Kind: finding.InlinePolicy, Text: getObject}},
		Notes: []string{
			"7 actions unused so far are kept: the policies that grant them changed within the window",
			"read: written shorter than usual, to fit",
			"read: it may also be narrowed in place, to what is used by any of the 2 principals who have it",
			"lost: no step: the policy couldn't be read",
		},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

// A step whose policy isn't proved takes all of them back, whatever the analyzer says.
func TestAdviceThatIsNotProvedDoesNotLeave(t *testing.T) {
	for name, unprove := range map[string]func(*prove.Result){
		"undecided": func(r *prove.Result) { r.Verdict = prove.Undecided },
		"refuted":   func(r *prove.Result) { r.Verdict = prove.Refuted },
		"shape":     func(r *prove.Result) { r.ShapeKept.Verdict = prove.Refuted },
	} {
		p := analyzer.PolicyAdvice{Kind: finding.InlinePolicy, Name: "read", Refinement: refinement(t)}
		unprove(&p.Proof)
		if got := AdviceOf(recommended(p)); got.Leaves() || got.Reason == "" {
			t.Errorf("%s: the steps leave: %q", name, got.Reason)
		}
	}
}

func TestJudged(t *testing.T) {
	lookedAt, notJudged := Judged([]analyzer.Summary{
		{Roles: 3, Users: 1, Skipped: []analyzer.Skipped{{Resource: "a", Reason: analyzer.ServiceLinked}, {Resource: "b", Reason: analyzer.Young}}},
		{Roles: 4, Skipped: []analyzer.Skipped{{Resource: "c", Reason: analyzer.Young}}},
	}, sample(t).Findings)
	want := []Count{
		{"roles", "", 7}, {"users", "", 1},
		{"roles and users", "service-linked", 1}, {"roles and users", "younger than the window", 2},
		{"granted actions of the principals found", "no source would have seen a use, so they stay", 41},
	}
	if diff := cmp.Diff(want, append(lookedAt, notJudged...)); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}
