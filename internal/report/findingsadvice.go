package report

import (
	"fmt"

	"github.com/pare-iam/pare/analyzer"
	"github.com/pare-iam/pare/finding"
	"github.com/pare-iam/pare/prove"
)

// AdviceOf is the analyzer's recommendation for one principal, for showing. Its steps
// leave only if the refinement of each policy that they change does.
func AdviceOf(r analyzer.Recommendation) Advice {
	out := Advice{Recommendation: r.Recommendation, Proof: prove.Proved, Before: r.Before, After: r.After}
	for _, n := range r.Notes {
		out.Notes = append(out.Notes, n.String())
	}
	for _, p := range r.Policies {
		if p.Original != nil {
			out.Existing = append(out.Existing, Existing{ID: policyID(p), Group: p.Group, Kind: p.Kind, Text: string(p.Original.Bytes())})
		}
		if p.Changes() && !p.Leaves() && out.Proof == prove.Proved {
			out.Proof, out.Reason = p.Proof.Verdict, fmt.Sprintf("the policy %s without what is unused of it isn't proved", p.Name)
			if out.Proof == prove.Proved {
				out.Proof = prove.Undecided // of access, but not of the shape
			}
		}
		out.Notes = append(out.Notes, policyNotes(p)...)
	}
	return out
}

// policyID is the policy's ID in steps.
func policyID(p analyzer.PolicyAdvice) string {
	if p.ARN != "" {
		return p.ARN
	}
	return p.Name
}

// policyNotes are what the reader should know of one policy.
func policyNotes(p analyzer.PolicyAdvice) []string {
	var out []string
	if p.Problem != "" {
		out = append(out, fmt.Sprintf("%s: no step: %s", p.Name, p.Problem))
	}
	for _, n := range p.Notes {
		out = append(out, p.Name+": "+n.String())
	}
	if p.InPlace != nil && p.InPlace.Changes() {
		out = append(out, fmt.Sprintf("%s: it may also be narrowed in place, to what is used by any of the %s who have it",
			p.Name, count(len(p.InPlace.Affects), "principal", "principals")))
	}
	return out
}

// Judged says what analyses looked at, and what they left out for which reason.
func Judged(summaries []analyzer.Summary, findings []finding.Finding) (lookedAt, notJudged []Count) {
	roles, users := Count{What: "roles"}, Count{What: "users"}
	for _, s := range summaries {
		roles.Number += s.Roles
		users.Number += s.Users
	}
	for _, reason := range analyzer.Reasons() {
		c := Count{What: "roles and users", Why: reason.String()}
		if reason == analyzer.Inactive {
			c.What = "roles' and users' permissions" // they themselves were judged
		}
		for _, s := range summaries {
			c.Number += s.Count(reason)
		}
		if c.Number > 0 {
			notJudged = append(notJudged, c)
		}
	}
	kept := Count{What: "granted actions of the principals found", Why: "no source would have seen a use, so they stay"}
	for _, f := range findings {
		for _, p := range f.Permissions {
			kept.Number += p.Kept
		}
	}
	if kept.Number > 0 {
		notJudged = append(notJudged, kept)
	}
	return []Count{roles, users}, notJudged
}
