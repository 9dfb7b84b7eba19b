package access

import (
	"maps"
	"slices"

	"github.com/pare-iam/pare/catalog"
	"github.com/pare-iam/pare/policy"
)

// Granted is an upper bound on what policies can allow, for some resource and context.
// Deny statements, resources and conditions aren't looked at: an action that is never
// listed here is never allowed.
type Granted struct {
	Actions  []*catalog.Action // those the catalog knows, by ID, each once
	Services []string          // every namespace of which something is granted, known to the catalog or not; sorted
}

// Actions says what the Allow statements of identity policies can allow together.
func Actions(c *catalog.Catalog, docs ...*policy.Document) Granted {
	g := grant{catalog: c, actions: make([]bool, c.Len()), services: map[string]bool{}}
	for _, doc := range docs {
		for i := range doc.Statements {
			if st := &doc.Statements[i]; st.Effect == policy.Allow {
				g.statement(st.Action)
			}
		}
	}
	out := Granted{Services: slices.Sorted(maps.Keys(g.services))}
	for id, granted := range g.actions {
		if granted {
			out.Actions = append(out.Actions, c.Action(id))
		}
	}
	return out
}

type grant struct {
	catalog  *catalog.Catalog
	actions  []bool // by ID
	services map[string]bool
}

func (g *grant) statement(list policy.Actions) {
	if list.Not {
		g.allBut(list)
		return
	}
	for _, e := range list.Entries {
		switch {
		case e.Pattern.AllServices():
			for _, s := range g.catalog.Services() {
				g.matching(s, e.Pattern)
			}
		default:
			g.services[e.Pattern.Service] = true
			if s := g.catalog.Service(e.Pattern.Service); s != nil {
				g.matching(s, e.Pattern)
			}
		}
	}
}

func (g *grant) matching(s *catalog.Service, p policy.ActionPattern) {
	g.services[s.Prefix] = true
	if name, exact := p.Name.Text(); exact {
		if a := s.Lookup(name); a != nil {
			g.actions[a.ID] = true
		}
		return
	}
	for i := range s.Actions {
		if a := &s.Actions[i]; !g.actions[a.ID] && p.Match(policy.Action{Service: s.Prefix, Name: a.Lower}) {
			g.actions[a.ID] = true
		}
	}
}

// allBut grants what a NotAction list doesn't name. A service of which every action is
// named is granted nevertheless, unless the list names all that it could ever have.
func (g *grant) allBut(list policy.Actions) {
	for _, s := range g.catalog.Services() {
		for i := range s.Actions {
			if a := &s.Actions[i]; list.Match(policy.Action{Service: s.Prefix, Name: a.Lower}) {
				g.actions[a.ID] = true
			}
		}
		if !slices.ContainsFunc(list.Entries, func(e policy.ActionEntry) bool {
			return e.Pattern.AllServices() || e.Pattern.Service == s.Prefix && e.Pattern.Whole()
		}) {
			g.services[s.Prefix] = true
		}
	}
}
