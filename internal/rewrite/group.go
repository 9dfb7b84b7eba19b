package rewrite

import (
	"github.com/pare-iam/pare/internal/iac"
	"github.com/pare-iam/pare/policy"
)

// place is where a list or a statement stands: two sources that have one place in common
// change together.
type place struct {
	path string
	policy.Span
}

// groups are the candidates by the lists and statements that they share, each in one
// group, in the order of their first.
func (p *planner) groups() [][]*candidate {
	first := map[place]int{}
	of := make([]int, len(p.cases)) // a candidate's group is that of an earlier one, or itself
	var root func(i int) int
	root = func(i int) int {
		if of[i] != i {
			of[i] = root(of[i])
		}
		return of[i]
	}
	for i, c := range p.cases {
		of[i] = i
		for _, at := range places(c.Source) {
			if j, ok := first[at]; ok {
				a, b := root(i), root(j)
				of[max(a, b)] = min(a, b)
			} else {
				first[at] = i
			}
		}
	}
	members := make([][]*candidate, len(p.cases))
	for i, c := range p.cases {
		members[root(i)] = append(members[root(i)], c)
	}
	var out [][]*candidate
	for _, group := range members {
		if group != nil {
			out = append(out, group)
		}
	}
	return out
}

// places are where the statements of a source and their lists of actions stand.
func places(s *iac.Source) []place {
	if s.Document == nil {
		return nil
	}
	list := s.Document.Get("Statement")
	if list == nil {
		return nil
	}
	statements := list.Entries
	if list.Kind != iac.List {
		statements = []*iac.Value{list}
	}
	out := placesOf(list)
	for _, st := range statements {
		out = append(out, placesOf(st)...)
		for _, element := range []string{"Action", "NotAction"} {
			if v := st.Get(element); v != nil {
				out = append(out, placesOf(v)...)
			}
		}
	}
	return out
}

func placesOf(v *iac.Value) []place {
	if v.File == nil || v.End == v.Start {
		return nil
	}
	return []place{{v.File.Path, v.Span}}
}
