package wire

import (
	"net/http"
	"strconv"

	"github.com/pare-iam/pare/finding"
)

// Security Hub's pair of operations. Its members begin with capitals, its pages have at most
// 100 steps, and its errors have other names.
// https://docs.aws.amazon.com/securityhub/1.0/APIReference/API_GetRecommendedPolicyV2.html

type recommendedPolicyJSON struct {
	Error    *hubFailure `json:"Error,omitzero"`
	Next     string      `json:"NextToken,omitzero"`
	Steps    []hubUnion  `json:"RecommendationSteps,omitempty"`
	Type     string      `json:"RecommendationType"`
	Resource string      `json:"ResourceArn"`
	Status   string      `json:"Status"`
}

type hubFailure struct {
	Code    string `json:"Code"`
	Message string `json:"Message"`
}

type hubUnion struct {
	Step hubStep `json:"UnusedPermissions"`
}

type hubStep struct {
	Existing    string             `json:"ExistingPolicy,omitzero"`
	ExistingID  string             `json:"ExistingPolicyId,omitzero"`
	UpdatedAt   string             `json:"PolicyUpdatedAt,omitzero"`
	Action      finding.StepAction `json:"RecommendedAction"`
	Recommended string             `json:"RecommendedPolicy,omitzero"`
}

func generateRecommendedPolicy(c *call) (any, error) {
	ref, f, err := c.o.Backend.FindingOfUID(c.ctx(), c.signed.Account, c.r.PathValue("MetadataUid"))
	if err != nil {
		return nil, err
	}
	return struct{}{}, c.generate(ref, &f)
}

func getRecommendedPolicy(c *call) (any, error) {
	q := c.r.URL.Query()
	const maxSteps = 100
	if n, err := strconv.Atoi(q.Get("MaxResults")); err == nil && n > maxSteps {
		return nil, Invalid("MaxResults: want 1 to %d.", maxSteps)
	}
	uid := c.r.PathValue("MetadataUid")
	ref, f, err := c.o.Backend.FindingOfUID(c.ctx(), c.signed.Account, uid)
	if err != nil {
		return nil, err
	}
	r, err := c.o.Backend.Recommendation(c.ctx(), ref, f.ID)
	if err != nil {
		return nil, err
	}
	steps, next, err := c.steps(&r, []string{uid}, q.Get("MaxResults"), q.Get("NextToken"))
	if err != nil {
		return nil, err
	}
	out := recommendedPolicyJSON{Next: next, Type: "UNUSED_PERMISSION_RECOMMENDATION", Resource: r.Resource, Status: r.status()}
	if failed := r.failure(); failed != nil {
		out.Error = &hubFailure{failed.Code, failed.Message}
	}
	for _, i := range steps {
		s := r.Steps[i]
		step := hubStep{ExistingID: s.ExistingPolicyID, UpdatedAt: at(s.PolicyUpdatedAt), Action: s.Action, Recommended: s.RecommendedPolicy}
		if i < len(r.Existing) {
			step.Existing = r.Existing[i]
		}
		out.Steps = append(out.Steps, hubUnion{step})
	}
	return out, nil
}

// hubError is an error under Security Hub's name for it.
func hubError(e *Error) *Error {
	out := *e
	switch e.Status {
	case http.StatusBadRequest:
		out.Code, out.Reason, out.Fields = "InvalidInputException", "", nil
	case http.StatusInternalServerError:
		out.Code = "InternalException"
	}
	return &out
}
