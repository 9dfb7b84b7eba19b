package analyzer

import (
	"testing"

	"github.com/pare-iam/pare/access"
	"github.com/pare-iam/pare/policy"
	"github.com/pare-iam/pare/prove"
	"github.com/pare-iam/pare/refine"
)

// What the prover doesn't prove has no step and says why. The refiner makes no such
// result, so the test does.
func TestProblems(t *testing.T) {
	proved := prove.Claim{Verdict: prove.Proved}
	all := prove.Result{Verdict: prove.Proved, NoNewAccess: proved, UsedKept: proved, UnusedGone: proved, ShapeKept: proved}
	refuted := all
	refuted.Verdict = prove.Refuted
	refuted.UsedKept = prove.Claim{Verdict: prove.Refuted, Counterexample: &prove.Counterexample{
		Request: access.Request{Action: policy.Action{Service: "s3", Name: "getobject"}, Resource: "arn:aws:s3:::b/k"}, Old: true,
	}}
	undecided := all
	undecided.Verdict = prove.Undecided
	undecided.NoNewAccess = prove.Claim{Reason: "too many states"}
	shapeless := all
	shapeless.ShapeKept = prove.Claim{Reason: "white space differs"}
	tests := []struct {
		name  string
		r     Refinement
		want  string
		parts bool
	}{
		{"proved", Refinement{Proof: all}, "", false},
		{"refuted", Refinement{Proof: refuted}, "that it keeps used access is refuted by the request s3:getobject on arn:aws:s3:::b/k", false},
		{"undecided", Refinement{Proof: undecided}, "that it gives no new access isn't proved: too many states", false},
		{"another shape", Refinement{Proof: shapeless}, "that its shape is kept isn't proved: white space differs", false},
		{"several policies have no shape to keep", Refinement{Proof: shapeless, Parts: []*policy.Document{{}}}, "", false},
	}
	for _, tt := range tests {
		tt.r.Result.Outcome = refine.Refined
		if got := tt.r.problem(); got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.name, got, tt.want)
		}
		advice := PolicyAdvice{Refinement: tt.r, Problem: tt.r.problem()}
		if advice.Changes() != (tt.want == "") {
			t.Errorf("%s: changes %v", tt.name, advice.Changes())
		}
	}
}

func TestMemoForgetsWhenFull(t *testing.T) {
	var m memo
	for i := range 2*memoSize + 1 {
		var key [32]byte
		key[0], key[1] = byte(i), byte(i>>8)
		m.put(key, Refinement{}, nil)
		if _, _, ok := m.get(key); !ok {
			t.Fatal("forgot at once")
		}
	}
	if len(m.all) > memoSize {
		t.Errorf("remembers %d", len(m.all))
	}
}
