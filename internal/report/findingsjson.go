package report

import (
	"io"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/pare-iam/pare/finding"
	"github.com/pare-iam/pare/usage"
)

// shownFindings is the result of an analysis. Findings, statistics and steps have the
// shapes of the Access Analyzer API, with members of pare's own beside them. Times are in
// UTC.
type shownFindings struct {
	SchemaVersion   int                `json:"schemaVersion"`
	Version         string             `json:"version"` // of pare; may be empty
	Accounts        []shownAccount     `json:"accounts"`
	Now             time.Time          `json:"now"`
	Window          shownWindow        `json:"window"`
	CollectedAt     time.Time          `json:"collectedAt,omitzero"` // absent: not known
	Catalog         *shownCatalog      `json:"catalog"`              // null: none was needed
	Sources         []shownSource      `json:"sources"`
	LookedAt        []shownCount       `json:"lookedAt"`
	NotJudged       []shownCount       `json:"notJudged"`
	Partial         bool               `json:"partial"` // some of the data couldn't be read: see problems
	Problems        []string           `json:"problems"`
	Statistics      finding.Statistics `json:"statistics"`
	Findings        []finding.Finding  `json:"findings"`
	Recommendations []shownAdvice      `json:"recommendations"`
}

type shownAccount struct {
	ID    string `json:"id"`
	Alias string `json:"alias"`
}

type shownWindow struct {
	Days int       `json:"days"`
	From time.Time `json:"from"`
	To   time.Time `json:"to"`
}

type shownSource struct {
	Name   string `json:"name"`
	Covers string `json:"covers"`
}

type shownCount struct {
	What   string `json:"what"`
	Why    string `json:"why"`
	Number int    `json:"number"`
}

// shownAdvice is what get-finding-recommendation answers, as far as it is about the
// principal, with the proof.
type shownAdvice struct {
	ResourceARN      string            `json:"resourceArn"`
	Status           finding.Outcome   `json:"status"`
	Error            *shownAdviceError `json:"error"`            // null unless FAILED
	RecommendedSteps []shownStep       `json:"recommendedSteps"` // none if they aren't proved
	Proof            shownAdviceProof  `json:"proof"`
	GrantedActions   shownGranted      `json:"grantedActions"`
	Notes            []string          `json:"notes"`
}

type shownAdviceError struct {
	Message string `json:"message"`
}

type shownStep struct {
	Step shownPermissionStep `json:"unusedPermissionsRecommendedStep"`
}

type shownPermissionStep struct {
	RecommendedAction finding.StepAction `json:"recommendedAction"`
	RecommendedPolicy string             `json:"recommendedPolicy,omitzero"` // of CREATE_POLICY: the policy's text
	ExistingPolicyID  string             `json:"existingPolicyId"`
	PolicyUpdatedAt   time.Time          `json:"policyUpdatedAt,omitzero"`

	RecommendedName string   `json:"recommendedName,omitzero"`
	Group           string   `json:"group,omitzero"`
	Affects         []string `json:"affects,omitempty"`
}

type shownAdviceProof struct {
	Verdict string `json:"verdict"`
	Reason  string `json:"reason"` // why it isn't proved
}

type shownGranted struct {
	Before int `json:"before"`
	After  int `json:"after"`
}

// FindingsJSON writes findings as an indented document; docs/schema/findings.json says
// what is in it.
func FindingsJSON(w io.Writer, r Findings) error {
	if err := json.MarshalWrite(w, r.shown(), jsontext.WithIndent("  "), json.Deterministic(true), jsontext.AllowInvalidUTF8(true)); err != nil {
		return err
	}
	_, err := io.WriteString(w, "\n")
	return err
}

func (r Findings) shown() shownFindings {
	out := shownFindings{
		SchemaVersion: schemaVersion, Version: r.Version, Now: r.Window.Now.UTC(),
		Window:      shownWindow{int(r.Window.Age / usage.Day), r.Window.From().UTC(), r.Window.Now.UTC()},
		CollectedAt: r.CollectedAt.UTC(), LookedAt: shownCounts(r.LookedAt), NotJudged: shownCounts(r.NotJudged),
		Partial: len(r.Problems) > 0, Problems: r.Problems, Statistics: r.statistics(), Findings: r.Findings,
	}
	if r.Catalog != nil {
		shown := showCatalog(r.Catalog)
		out.Catalog = &shown
	}
	for _, a := range r.Accounts {
		out.Accounts = append(out.Accounts, shownAccount(a))
	}
	for _, s := range r.Sources {
		out.Sources = append(out.Sources, shownSource(s))
	}
	for _, a := range r.Advice {
		out.Recommendations = append(out.Recommendations, a.shown())
	}
	return out
}

func shownCounts(counts []Count) []shownCount {
	out := make([]shownCount, len(counts))
	for i, c := range counts {
		out[i] = shownCount(c)
	}
	return out
}

func (a Advice) shown() shownAdvice {
	out := shownAdvice{
		ResourceARN: a.Resource, Status: a.Outcome, Proof: shownAdviceProof{a.Proof.String(), a.Reason},
		GrantedActions: shownGranted{a.Before, a.Before}, Notes: a.Notes,
	}
	if a.Outcome == finding.Failed {
		out.Error = &shownAdviceError{a.Error}
	}
	if !a.Leaves() {
		return out
	}
	out.GrantedActions.After = a.After
	for _, s := range a.Steps {
		out.RecommendedSteps = append(out.RecommendedSteps, shownStep{shownPermissionStep{
			RecommendedAction: s.Action, RecommendedPolicy: s.RecommendedPolicy,
			ExistingPolicyID: s.ExistingPolicyID, PolicyUpdatedAt: s.PolicyUpdatedAt.UTC(),
			RecommendedName: s.RecommendedName, Group: s.Group, Affects: s.Affects,
		}})
	}
	return out
}
