package prove

import (
	"github.com/go-json-experiment/json"

	"github.com/pare-iam/pare/catalog"
	"github.com/pare-iam/pare/policy"
	"github.com/pare-iam/pare/usage"
)

// NoNewAccess decides whether policies together allow no request that old doesn't. It is
// one of the claims of Split, alone.
func NoNewAccess(c *catalog.Catalog, old *policy.Document, next []*policy.Document) Claim {
	return newRefinement(c, old, next, usage.Unused{}).noNewAccess()
}

// Access is a set of requests that is asked about: those for one of some actions on one
// of some resources. The zero value is all requests.
type Access struct {
	outside *policy.Document // denies all other requests; nil: there are none
}

// AccessTo is the requests for the actions on the resources, patterns as in a policy that
// has no Version: ${…} is text. An empty list is all there are. The error is a
// policy.Errors.
func AccessTo(actions, resources []string) (Access, error) {
	var others []denial
	all := []string{"*"}
	if len(actions) > 0 {
		others = append(others, denial{Effect: "Deny", NotAction: actions, Resource: all})
	}
	if len(resources) > 0 {
		others = append(others, denial{Effect: "Deny", Action: all, NotResource: resources})
	}
	if len(others) == 0 {
		return Access{}, nil
	}
	doc, err := denials(others...)
	return Access{doc}, err
}

// NotGranted decides whether policies together allow no request of an Access. Its
// counterexample is a request that they allow.
func NotGranted(c *catalog.Catalog, docs []*policy.Document, a Access) Claim {
	nothing, err := denials(denial{Effect: "Deny", Action: []string{"*"}, Resource: []string{"*"}})
	if err != nil {
		panic("prove: " + err.Error()) // the text is ours
	}
	if a.outside != nil {
		docs = append(docs[:len(docs):len(docs)], a.outside)
	}
	return NoNewAccess(c, nothing, docs)
}

// denial is a statement that denies something.
type denial struct {
	Effect      string   `json:"Effect"`
	Action      []string `json:"Action,omitempty"`
	NotAction   []string `json:"NotAction,omitempty"`
	Resource    []string `json:"Resource,omitempty"`
	NotResource []string `json:"NotResource,omitempty"`
}

func denials(statements ...denial) (*policy.Document, error) {
	src, err := json.Marshal(struct {
		Statement []denial `json:"Statement"`
	}{statements})
	if err != nil {
		return nil, err
	}
	return policy.Parse("access", src)
}
