package main

import (
	"errors"
	"fmt"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/spf13/cobra"

	"github.com/pare-iam/pare/access"
	"github.com/pare-iam/pare/policy"
)

// decideCase is a line of --batch.
type decideCase struct {
	ID              jsontext.Value     `json:"id"`
	Request         jsontext.Value     `json:"request"`
	Identity        []jsontext.Value   `json:"identityPolicies"`
	Boundary        jsontext.Value     `json:"boundary"`
	ServiceControl  [][]jsontext.Value `json:"serviceControlPolicies"`
	ResourceControl [][]jsontext.Value `json:"resourceControlPolicies"`
	Session         []jsontext.Value   `json:"sessionPolicies"`
	Resource        jsontext.Value     `json:"resourcePolicy"`
}

// decideBatch answers a case a line, in order. A line that is no case is answered by
// its error, and the rest goes on; a line of white space alone is passed over.
func decideBatch(cmd *cobra.Command, path string) error {
	return batch{path: path}.runLines(cmd, decideLine)
}

// decideLine answers one line.
func decideLine(line batchLine) []byte {
	id, decision, err := decideOne(line.text)
	if err != nil {
		return errorLine(id, fmt.Errorf("%s:%d: %w", line.file, line.number, err))
	}
	text, err := json.Marshal(decisionJSON(id, decision))
	if err != nil {
		return errorLine(id, fmt.Errorf("%s:%d: %w", line.file, line.number, err))
	}
	return append(text, '\n')
}

func decideOne(line []byte) (id jsontext.Value, d access.Decision, err error) {
	var c decideCase
	if err := json.Unmarshal(line, &c, json.RejectUnknownMembers(true)); err != nil {
		return onlyID(line), d, caseError(err)
	}
	req, policies, err := c.parse()
	if err != nil {
		return c.ID, d, err
	}
	return c.ID, access.Decide(req, policies), nil
}

// onlyID is the id of a line that is no case, if it is JSON at least.
func onlyID(line []byte) jsontext.Value {
	var only struct {
		ID jsontext.Value `json:"id"`
	}
	if err := json.Unmarshal(line, &only); err != nil {
		return nil
	}
	return only.ID
}

// caseError says what is wrong with a line in its own words, not Go's.
func caseError(err error) error {
	var wrong *json.SemanticError
	switch {
	case !errors.As(err, &wrong):
		return err
	case errors.Is(err, json.ErrUnknownName):
		return fmt.Errorf("%s: unknown element: want id, request, identityPolicies, boundary, serviceControlPolicies, resourceControlPolicies, sessionPolicies or resourcePolicy", wrong.JSONPointer)
	case wrong.JSONPointer == "":
		return errors.New("no case: want an object, {\"request\": {…}, \"identityPolicies\": […]}")
	}
	return fmt.Errorf("%s: %s", wrong.JSONPointer, wantDocuments)
}

const wantDocuments = "want a list: of documents, or of levels that are lists of documents"

// parse reads the request and every document; each is called by the place it has in
// the line.
func (c *decideCase) parse() (access.Request, access.Policies, error) {
	var errs []error
	one := func(name string, v jsontext.Value) *policy.Document {
		doc, err := policy.Parse(name, v)
		errs = append(errs, err)
		return doc
	}
	optional := func(name string, v jsontext.Value) *policy.Document {
		if len(v) == 0 || v.Kind() == 'n' {
			return nil
		}
		return one(name, v)
	}
	list := func(name string, values []jsontext.Value) (docs []*policy.Document) {
		for i, v := range values {
			docs = append(docs, one(fmt.Sprintf("%s/%d", name, i), v))
		}
		return docs
	}
	levels := func(name string, values [][]jsontext.Value) (out [][]*policy.Document) {
		for i, level := range values {
			if level == nil { // null; a level without documents is []
				errs = append(errs, fmt.Errorf("/%s/%d: %s", name, i, wantDocuments))
			}
			out = append(out, list(fmt.Sprintf("%s/%d", name, i), level))
		}
		return out
	}
	p := access.Policies{
		Identity: list("identityPolicies", c.Identity), Boundary: optional("boundary", c.Boundary),
		ServiceControl:  levels("serviceControlPolicies", c.ServiceControl),
		ResourceControl: levels("resourceControlPolicies", c.ResourceControl),
		Session:         list("sessionPolicies", c.Session), Resource: optional("resourcePolicy", c.Resource),
	}
	if len(c.Request) == 0 {
		return access.Request{}, p, errors.Join(append(errs, errors.New(`no request: want {"request": {…}, "identityPolicies": […]}`))...)
	}
	req, err := access.ParseRequest("request", c.Request)
	return req, p, errors.Join(append(errs, err)...)
}
