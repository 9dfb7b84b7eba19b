package access

import (
	"slices"

	"github.com/pare-iam/pare/internal/wildcard"
	"github.com/pare-iam/pare/policy"
)

// names is the classes of action names of a service.
func (s *Space) names(service string) []class {
	if classes, ok := s.nameClasses[service]; ok {
		return classes
	}
	strands := make([]strand, len(s.services[service]))
	for i, n := range s.services[service] {
		strands[i] = strand{tokensOf(n.pattern), n.mark}
	}
	// Names that no differing statement names are decided alike, unless one of them matches
	// whatever it doesn't name.
	needed := s.differ
	if s.free || needed.meets(s.bare) || needed.meets(s.notAction) {
		needed = stmtSet{}
	}
	classes, ok := partitionStrings(strands, partitionOptions{limit: maxStates, min: 1, needed: needed, effort: &s.effort})
	if !ok {
		s.undecided = "too many states: the action patterns of " + service + " have too many wildcards"
	}
	s.nameClasses[service] = classes
	return classes
}

// matching is the statements whose action element matches.
func (s *Space) matching(a policy.Action) stmtSet {
	return s.matchingNames(a.Service, a.Name).or(s.bare).xor(s.notAction)
}

func (s *Space) matchingNames(service, name string) stmtSet {
	var out stmtSet
	for _, n := range s.services[service] {
		if n.pattern.Match(name) {
			out = out.or(n.mark)
		}
	}
	return out
}

// resourceCost is what a class of resources costs, in effort: it is kept, and its
// conditions are asked.
const resourceCost = 16

// resources is the classes of resource strings under the given statements: taken from
// the classes under all statements, or worked out anew when those are too many.
func (s *Space) resources(stmts stmtSet) []class {
	if classes, ok := s.resourceClasses[stmts]; ok {
		return classes
	}
	if s.allResources == nil {
		var every stmtSet
		for i := range s.stmts {
			every.add(i)
		}
		s.allResources = new([]class)
		if classes, ok := s.partitionResources(every, maxStates/4); ok {
			*s.allResources = classes
		}
	}
	classes, ok := *s.allResources, true
	if classes == nil {
		if classes, ok = s.partitionResources(stmts, maxStates); !ok {
			s.undecided = "too many states: the resource patterns have too many wildcards"
		}
	}
	if !s.effort.spend(resourceCost * len(classes)) {
		s.undecided = "too many classes of requests: the statements overlap in too many ways"
		return nil
	}
	seen := make(map[stmtSet]bool, len(classes))
	out := make([]class, 0, len(classes))
	for _, c := range classes {
		if c.stmts = c.stmts.and(stmts); !seen[c.stmts] {
			seen[c.stmts] = true
			out = append(out, c)
		}
	}
	s.resourceClasses[stmts] = out
	return out
}

// partitionResources is the classes of resource strings by which of the statements match
// them; a request always has a resource, so the empty string is none. ok is false if there were too many states to visit.
func (s *Space) partitionResources(stmts stmtSet, limit int) (classes []class, ok bool) {
	var whole stmtSet // statements that have every resource in their list, or no list
	marks := map[wildcard.Pattern]stmtSet{}
	for i := range stmts.all {
		rs := s.stmts[i].st.Resource
		if !rs.Present {
			whole.add(i)
		}
		for _, e := range rs.Entries {
			p, ok := s.fill(e.Template)
			switch {
			case !ok:
			case p.All():
				whole.add(i)
			default:
				mark := marks[p]
				mark.add(i)
				marks[p] = mark
			}
		}
	}
	strands := make([]strand, 0, len(marks))
	for p, mark := range marks {
		strands = append(strands, strand{tokensOf(p), mark})
	}
	slices.SortFunc(strands, func(a, b strand) int { return slices.CompareFunc(a.toks, b.toks, compareTokens) })
	strands = append(strands, s.freeStrands(stmts)...)
	classes, ok = partitionStrings(strands, partitionOptions{limit: limit, min: 1, first: '*', needed: s.needed(stmts, whole), effort: &s.effort})
	classes = s.expand(classes)
	for i := range classes {
		classes[i].stmts = classes[i].stmts.or(whole).xor(s.notResource).and(stmts)
	}
	return classes, ok
}

// needed is the statements of which a resource must match one: those that differ. Where
// one of them matches whatever no pattern of its does, every resource counts.
func (s *Space) needed(stmts, whole stmtSet) stmtSet {
	differ := s.differ.and(stmts)
	if differ.meets(whole) || differ.meets(s.notResource) || s.free {
		return stmtSet{}
	}
	return differ
}

// fill makes a pattern of a template: itself without variables, else with the values
// that are fixed. It is false for what can't be filled.
func (s *Space) fill(t policy.Template) (wildcard.Pattern, bool) {
	if p, ok := t.Pattern(); ok {
		return p, true
	}
	if s.free {
		return wildcard.Pattern{}, false // see freeStrands
	}
	return t.Fill(s.fixedValue)
}

// fixedValue is the one value of a key; a key without a value, or with several, fills
// nothing.
func (s *Space) fixedValue(key string) (string, bool) {
	if v := s.fixed[key]; len(v) == 1 {
		return v[0], true
	}
	return "", false
}
