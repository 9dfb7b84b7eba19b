package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"

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

// decideError is the answer to a line that is no case.
type decideError struct {
	ID    jsontext.Value `json:"id,omitzero"`
	Error string         `json:"error"`
}

// decideBatch answers a case a line, in order. A line that is no case is answered by
// its error, and the rest goes on; a line of white space alone is passed over.
func decideBatch(cmd *cobra.Command, path string) (err error) {
	if path == "-" {
		return decideLines(cmd, "stdin", cmd.InOrStdin())
	}
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	return decideLines(cmd, path, f)
}

func decideLines(cmd *cobra.Command, name string, in io.Reader) error {
	lines := bufio.NewReader(in)
	out := bufio.NewWriter(cmd.OutOrStdout())
	for n := 1; ; n++ {
		line, err := lines.ReadBytes('\n')
		if len(bytes.TrimSpace(line)) > 0 {
			if err := json.MarshalWrite(out, decideLine(fmt.Sprintf("%s:%d", name, n), line)); err != nil {
				return err
			}
			if err := out.WriteByte('\n'); err != nil {
				return err
			}
		}
		switch {
		case errors.Is(err, io.EOF):
			return out.Flush()
		case err != nil:
			return errors.Join(out.Flush(), fmt.Errorf("%s:%d: %w", name, n, err))
		case cmd.Context().Err() != nil:
			return errors.Join(out.Flush(), cmd.Context().Err())
		case lines.Buffered() == 0: // who writes the cases may be waiting for the answer
			if err := out.Flush(); err != nil {
				return err
			}
		}
	}
}

// decideLine answers one line.
func decideLine(where string, line []byte) any {
	var only struct {
		ID jsontext.Value `json:"id"`
	}
	if err := json.Unmarshal(line, &only); err != nil {
		only.ID = nil
	}
	var c decideCase
	if err := json.Unmarshal(line, &c, json.RejectUnknownMembers(true)); err != nil {
		return decideError{only.ID, fmt.Sprintf("%s: %v", where, caseError(err))}
	}
	req, policies, err := c.parse()
	if err != nil {
		return decideError{c.ID, fmt.Sprintf("%s: %v", where, err)}
	}
	return decisionJSON(c.ID, access.Decide(req, policies))
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
	return fmt.Errorf("%s: want a list: of documents, or of levels that are lists of documents", wrong.JSONPointer)
}

// parse reads the request and every document; each is called by the place it has in
// the line.
func (c *decideCase) parse() (access.Request, access.Policies, error) {
	var errs []error
	one := func(name string, v jsontext.Value) *policy.Document {
		if len(v) == 0 || v.Kind() == 'n' {
			return nil
		}
		doc, err := policy.Parse(name, v)
		errs = append(errs, err)
		return doc
	}
	list := func(name string, values []jsontext.Value) (docs []*policy.Document) {
		for i, v := range values {
			docs = append(docs, one(fmt.Sprintf("%s/%d", name, i), v))
		}
		return docs
	}
	levels := func(name string, values [][]jsontext.Value) (out [][]*policy.Document) {
		for i, level := range values {
			out = append(out, list(fmt.Sprintf("%s/%d", name, i), level))
		}
		return out
	}
	p := access.Policies{
		Identity: list("identityPolicies", c.Identity), Boundary: one("boundary", c.Boundary),
		ServiceControl:  levels("serviceControlPolicies", c.ServiceControl),
		ResourceControl: levels("resourceControlPolicies", c.ResourceControl),
		Session:         list("sessionPolicies", c.Session), Resource: one("resourcePolicy", c.Resource),
	}
	if len(c.Request) == 0 {
		return access.Request{}, p, errors.Join(append(errs, errors.New(`no request: want {"request": {…}, "identityPolicies": […]}`))...)
	}
	req, err := access.ParseRequest("request", c.Request)
	return req, p, errors.Join(append(errs, err)...)
}
