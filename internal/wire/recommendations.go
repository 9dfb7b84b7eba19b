package wire

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/pare-iam/pare/finding"
)

// recommendationJSON is the answer of GetFindingRecommendation.
// https://docs.aws.amazon.com/access-analyzer/latest/APIReference/API_GetFindingRecommendation.html
type recommendationJSON struct {
	StartedAt   string               `json:"startedAt"`
	CompletedAt string               `json:"completedAt,omitzero"`
	Next        string               `json:"nextToken,omitzero"`
	Error       *recommendationError `json:"error,omitzero"`
	Resource    string               `json:"resourceArn"`
	Steps       []stepUnion          `json:"recommendedSteps,omitempty"`
	Type        string               `json:"recommendationType"`
	Status      string               `json:"status"`
}

type recommendationError struct {
	Code    string `json:"code"`
	Message string `json:"message"`
}

type stepUnion struct {
	Step stepJSON `json:"unusedPermissionsRecommendedStep"`
}

type stepJSON struct {
	UpdatedAt   string             `json:"policyUpdatedAt,omitzero"`
	Action      finding.StepAction `json:"recommendedAction"`
	Recommended string             `json:"recommendedPolicy,omitzero"`
	Existing    string             `json:"existingPolicyId,omitzero"`
}

const inProgress = "IN_PROGRESS"

func generateRecommendation(c *call) (any, error) {
	ref, id, err := c.one()
	if err != nil {
		return nil, err
	}
	f, err := c.o.Backend.Finding(c.ctx(), ref, id)
	if err != nil {
		return nil, err
	}
	return nil, c.generate(ref, &f)
}

// generate begins a recommendation, if it is a finding that can have one.
func (c *call) generate(ref Ref, f *finding.Finding) error {
	switch {
	case f.Type != finding.UnusedPermission:
		return Invalid("Finding %q is of type %s: only findings of unused permissions have recommendations.", f.ID, f.Type)
	case f.Status == finding.Resolved:
		return Invalid("Finding %q is resolved: there is nothing left to recommend.", f.ID)
	}
	return c.o.Backend.GenerateRecommendation(c.ctx(), c.change(""), ref, f.ID)
}

func getRecommendation(c *call) (any, error) {
	ref, id, err := c.one()
	if err != nil {
		return nil, err
	}
	r, err := c.o.Backend.Recommendation(c.ctx(), ref, id)
	if err != nil {
		return nil, err
	}
	q := c.r.URL.Query()
	steps, next, err := c.steps(&r, []string{ref.Name, id}, q.Get("maxResults"), q.Get("nextToken"))
	if err != nil {
		return nil, err
	}
	out := recommendationJSON{
		StartedAt: at(r.StartedAt), CompletedAt: at(r.CompletedAt), Next: next, Error: r.failure(), Resource: r.Resource,
		Type: "UnusedPermissionRecommendation", Status: r.status(),
	}
	for _, i := range steps {
		s := r.Steps[i]
		out.Steps = append(out.Steps, stepUnion{stepJSON{at(s.PolicyUpdatedAt), s.Action, s.RecommendedPolicy, s.ExistingPolicyID}})
	}
	return out, nil
}

// steps are the indices of a page's steps, and its nextToken. A token is of one
// recommendation: when it is made anew the next page is refused.
//
// Steps about groups' policies are left out: they name no group here, and whoever took
// them for the user's own would do something else.
func (c *call) steps(r *Recommendation, of []string, maxResults, nextToken string) ([]int, string, error) {
	var v validation
	scope := c.scope(append(of, at(r.StartedAt), at(r.CompletedAt))...)
	page := c.page(&v, scope, maxResults, nextToken)
	if err := v.err(); err != nil {
		return nil, "", err
	}
	after := -1
	if page.After != "" {
		n, err := strconv.Atoi(page.After)
		if err != nil {
			return nil, "", fmt.Errorf("a signed token has the cursor %q: %w", page.After, err)
		}
		after = n
	}
	var out []int
	for i, s := range r.Steps {
		switch {
		case s.Group != "" || i <= after:
		case len(out) == page.Max:
			return out, c.token(scope, strconv.Itoa(out[len(out)-1])), nil
		default:
			out = append(out, i)
		}
	}
	return out, "", nil
}

// groups are the ARNs of the groups whose policies have steps.
func (r *Recommendation) groups() []string {
	var out []string
	for _, s := range r.Steps {
		if s.Group != "" && (len(out) == 0 || out[len(out)-1] != s.Group) {
			out = append(out, s.Group)
		}
	}
	return out
}

// status is AWS's. AWS recommends nothing for users who are in groups; here the steps for
// their own policies are there, and the recommendation has failed for the rest.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/access-analyzer-findings-remediate.html
func (r *Recommendation) status() string {
	switch {
	case r.Outcome == "":
		return inProgress
	case len(r.groups()) > 0:
		return string(finding.Failed)
	}
	return string(r.Outcome)
}

func (r *Recommendation) failure() *recommendationError {
	if r.status() != string(finding.Failed) {
		return nil
	}
	out := recommendationError{Code: r.ErrorCode, Message: r.Error}
	if out.Code == "" {
		out.Code = "FAILED"
	}
	if groups := r.groups(); len(groups) > 0 && r.Outcome != finding.Failed {
		out = recommendationError{
			Code:    "USER_IN_GROUP",
			Message: fmt.Sprintf("Some of the permissions come from policies of %s, which others may have too: 'pare recommend' has the steps for them.", strings.Join(groups, ", ")),
		}
	}
	return &out
}
