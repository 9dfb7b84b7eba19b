package report

import (
	"maps"
	"slices"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/pare-iam/pare/access"
	"github.com/pare-iam/pare/catalog"
	"github.com/pare-iam/pare/internal/wildcard"
	"github.com/pare-iam/pare/policy"
)

// Who makes the requests that are shown: counterexamples are about nobody in particular,
// and `pare decide` then reads them as made inside one account.
const (
	examplePrincipal = "arn:aws:iam::123456789012:role/example"
	exampleAccount   = "123456789012"
)

// shownRequest is a request in the shape that `pare decide` reads.
type shownRequest struct {
	Principal       string       `json:"principal"`
	Action          string       `json:"action"`
	Resource        string       `json:"resource"`
	ResourceAccount string       `json:"resourceAccount"`
	Context         shownContext `json:"context"`
}

// shownContext is written by name, a key with one value as that value.
type shownContext struct {
	values map[string][]string // by the key's name as it is shown
}

// MarshalJSONTo writes the keys in order.
func (c shownContext) MarshalJSONTo(enc *jsontext.Encoder) error {
	if err := enc.WriteToken(jsontext.BeginObject); err != nil {
		return err
	}
	for _, key := range slices.Sorted(maps.Keys(c.values)) {
		if err := enc.WriteToken(jsontext.String(key)); err != nil {
			return err
		}
		if err := writeValues(enc, c.values[key]); err != nil {
			return err
		}
	}
	return enc.WriteToken(jsontext.EndObject)
}

func writeValues(enc *jsontext.Encoder, values []string) error {
	if len(values) == 1 {
		return enc.WriteToken(jsontext.String(values[0]))
	}
	if err := enc.WriteToken(jsontext.BeginArray); err != nil {
		return err
	}
	for _, v := range values {
		if err := enc.WriteToken(jsontext.String(v)); err != nil {
			return err
		}
	}
	return enc.WriteToken(jsontext.EndArray)
}

// showRequest gives a request a principal and its names the case in which the catalog
// and the documents have them.
func showRequest(c *catalog.Catalog, docs []*policy.Document, req access.Request) *shownRequest {
	out := &shownRequest{
		Principal: examplePrincipal, Action: req.Action.String(), Resource: req.Resource,
		ResourceAccount: exampleAccount, Context: shownContext{map[string][]string{}},
	}
	if req.Principal != "" {
		out.Principal, out.ResourceAccount = req.Principal, req.ResourceAccount
	}
	if c != nil {
		if known := c.Lookup(req.Action.Service, req.Action.Name); known != nil {
			out.Action = known.String()
		}
	}
	names := keyNames(docs)
	for key, values := range req.Context {
		if len(values) == 0 {
			continue
		}
		if name, ok := names[key]; ok {
			key = name
		}
		out.Context.values[key] = values
	}
	return out
}

// keyNames is how documents write their condition keys, by the lower-case name.
func keyNames(docs []*policy.Document) map[string]string {
	names := map[string]string{}
	for _, d := range docs {
		for _, st := range d.Statements {
			for _, cond := range st.Conditions {
				if folded := wildcard.Fold(cond.KeyText); names[folded] == "" {
					names[folded] = cond.KeyText
				}
			}
		}
	}
	return names
}

// decision is what identity policies together answer to a request, when it is known
// whether they allow it.
func decision(docs []*policy.Document, req access.Request, allowed bool) string {
	if allowed {
		return access.Allowed.String()
	}
	return access.Decide(req, access.Policies{Identity: docs}).Outcome.String()
}
