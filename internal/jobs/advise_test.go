package jobs_test

import (
	"strings"
	"testing"

	"github.com/pare-iam/pare/finding"
	"github.com/pare-iam/pare/internal/jobs"
	"github.com/pare-iam/pare/internal/store/storetest"
	"github.com/pare-iam/pare/inventory"
)

// Each recommendation of the sample says how it ended: by a code and a reason if it failed, with
// its proofs and their certificates if it didn't.
func TestHowRecommendationsEnd(t *testing.T) {
	j := must(jobs.New(t.Context(), open(t, storetest.New(t, storetest.SQLite)), quick(folders(t))))(t)
	a := must(analysis())(t)
	codes := map[string]int{}
	for _, arn := range everybody(a.Inventory) {
		rec := must(a.Recommend(arn))(t)
		made := must(j.Made(rec))(t)
		codes[made.ErrorCode]++
		want := ""
		switch {
		case strings.Contains(arn, "/aws-reserved/sso.amazonaws.com/"):
			want = "IDENTITY_CENTER_ROLE"
		case rec.Outcome == finding.Failed && len(rec.Policies) == 0:
			want = "NOT_JUDGED"
		case rec.Outcome == finding.Failed:
			want = "INCOMPLETE"
		}
		failed := want != ""
		if made.ErrorCode != want || failed != (made.State == finding.Failed) || failed != (made.Error != "") || len(made.Steps) != len(rec.Steps) {
			t.Errorf("%s ended %s %q %q: want %q", arn, made.State, made.ErrorCode, made.Error, want)
		}
		for _, p := range made.Proofs {
			if p.Certificate != "" && (p.Verdict != "proved" || len(made.Certificates[p.Certificate+"/no-new-access.smt2"]) == 0) {
				t.Errorf("%s: proof %+v", arn, p)
			}
			if p.Certificate == "" && p.Reason == "" {
				t.Errorf("%s: neither a certificate nor a reason: %+v", arn, p)
			}
		}
		if len(made.Steps) > 0 && made.Verdict == "" {
			t.Errorf("%s: steps without a proof", arn)
		}
	}
	for _, code := range []string{"", "IDENTITY_CENTER_ROLE", "NOT_JUDGED"} {
		if codes[code] == 0 {
			t.Errorf("no recommendation of the sample ends with %q: %v", code, codes)
		}
	}
}

func everybody(a *inventory.Account) []string {
	var out []string
	for _, r := range a.Roles {
		out = append(out, r.ARN)
	}
	for _, u := range a.Users {
		out = append(out, u.ARN)
	}
	return out
}
