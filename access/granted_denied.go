package access

import (
	"slices"

	"github.com/pare-iam/pare/catalog"
	"github.com/pare-iam/pare/policy"
)

// DeniedAlways lists the catalog's actions that a Deny statement of the documents denies
// whatever the resource and the context, by ID: a lower bound on what is never allowed. A
// statement with a condition, or about some resources, isn't counted.
func DeniedAlways(c *catalog.Catalog, docs ...*policy.Document) []*catalog.Action {
	g := grant{catalog: c, actions: make([]bool, c.Len()), services: map[string]bool{}}
	for _, doc := range docs {
		for i := range doc.Statements {
			if st := &doc.Statements[i]; st.Effect == policy.Deny && len(st.Conditions) == 0 && everyResource(st.Resource) {
				g.statement(st.Action)
			}
		}
	}
	var out []*catalog.Action
	for id, denied := range g.actions {
		if denied {
			out = append(out, c.Action(id))
		}
	}
	return out
}

func everyResource(r policy.Resources) bool {
	return !r.Not && slices.ContainsFunc(r.Entries, func(e policy.ResourceEntry) bool {
		p, ok := e.Template.Pattern()
		return ok && p.All()
	})
}
