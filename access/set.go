package access

import (
	"fmt"
	"slices"
	"strings"

	"github.com/pare-iam/pare/internal/wildcard"
	"github.com/pare-iam/pare/policy"
)

// Side is one of the two sets of documents of a Space.
type Side uint8

// The sides.
const (
	A Side = iota
	B
)

// Space is the set of all requests, divided by which statements of two sets of
// documents match them. Every action string, resource string and context is in it,
// absent keys included, not only what AWS has today.
//
// A request matches a statement when its action, its resource and every condition key
// does, and these are independent of each other. So the matching statements of all
// requests are found dimension by dimension: the classes of action strings, under each
// the classes of resource strings of the statements still in play, under each the
// outcomes of each condition key. What remains is finite, and exact. Where a policy
// variable ties a resource or a value to a key, see set_variables.go.
//
// A Space is not safe for concurrent use: it remembers what it has worked out.
type Space struct {
	docs        [2][]*policy.Document
	stmts       []setStatement
	allow, deny [2]stmtSet
	unlimited   stmtSet // statements without conditions and principals
	differ      stmtSet // statements that the other side doesn't have as they are
	notAction   stmtSet
	notResource stmtSet

	services map[string][]namePattern // patterns of action names, by service
	bare     stmtSet                  // statements whose action list has the bare `*`

	atoms     []atom
	atomsOf   [][]int // of each statement
	keys      []string
	multi     map[string]bool // keys that may have several values
	templates []template
	tied      []string            // keys of policy variables
	fixed     map[string][]string // keys whose values are given; nil values: absent
	free      bool                // variables stand for anything: an over-approximation

	nameClasses     map[string][]class  // of action names, by service
	allResources    *[]class            // under all statements; of nothing when that is too much
	resourceClasses map[stmtSet][]class // under the statements that an action matches
	outcomes        map[outcomeKey][]outcome
	effort          effort
	undecided       string // why a question can't be answered; "" if it can
}

// namePattern is an entry of an action list and its statement.
type namePattern struct {
	pattern wildcard.Pattern
	mark    stmtSet
}

// setStatement is a statement of one of the sides.
type setStatement struct {
	side  Side
	doc   *policy.Document
	st    *policy.Statement
	canon int // equal for statements that differ in their actions only
}

// NewSpace divides all requests by the statements of two sets of identity policies.
// What a side allows is what some statement of it allows and none denies. An empty side
// allows nothing.
func NewSpace(a, b []*policy.Document) *Space {
	return newSpace(a, b, nil, false)
}

func newSpace(a, b []*policy.Document, fixed map[string][]string, free bool) *Space {
	s := &Space{
		docs: [2][]*policy.Document{a, b}, services: map[string][]namePattern{}, multi: map[string]bool{}, fixed: fixed, free: free,
		nameClasses: map[string][]class{}, resourceClasses: map[stmtSet][]class{}, outcomes: map[outcomeKey][]outcome{},
		effort: effort{maxEffort},
	}
	n := 0
	for _, d := range slices.Concat(a, b) {
		n += len(d.Statements)
	}
	if n > maxStatements/2 {
		s.undecided = fmt.Sprintf("%d statements: more than %d aren't compared", n, maxStatements/2)
		return s
	}
	in := interner{atoms: map[string]int{}, canon: map[string]int{}, templates: map[string]int{}}
	for _, d := range a {
		s.add(A, d, &in)
	}
	for _, d := range b {
		s.add(B, d, &in)
	}
	if len(s.templates) > maxStatements/2 {
		s.undecided = fmt.Sprintf("%d resources with policy variables: more than %d aren't compared", len(s.templates), maxStatements/2)
		return s
	}
	slices.Sort(s.keys)
	s.keys = slices.Compact(s.keys)
	s.imply()
	s.tellApart()
	return s
}

// tellApart finds the statements that the other side doesn't have as they are. A request
// that matches none of them is decided alike on both.
func (s *Space) tellApart() {
	var sides [2]map[string]bool
	keys := make([]string, len(s.stmts))
	for side := range sides {
		sides[side] = map[string]bool{}
	}
	for i, st := range s.stmts {
		keys[i] = fmt.Sprintf("%d %t %q", st.canon, st.st.Action.Not, actionTexts(st.st))
		sides[st.side][keys[i]] = true
	}
	for i, st := range s.stmts {
		if !sides[1-st.side][keys[i]] {
			s.differ.add(i)
		}
	}
}

func actionTexts(st *policy.Statement) []string {
	out := make([]string, len(st.Action.Entries))
	for i, e := range st.Action.Entries {
		out[i] = e.Pattern.String()
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// interner numbers what is equal alike.
type interner struct {
	atoms, canon, templates map[string]int
}

func number(m map[string]int, key string) (id int, isNew bool) {
	id, ok := m[key]
	if !ok {
		id = len(m)
		m[key] = id
	}
	return id, !ok
}

func (s *Space) add(side Side, doc *policy.Document, in *interner) {
	for i := range doc.Statements {
		st := &doc.Statements[i]
		id := len(s.stmts)
		s.addActions(id, st)
		if st.Resource.Not {
			s.notResource.add(id)
		}
		if st.Effect == policy.Allow {
			s.allow[side].add(id)
		} else {
			s.deny[side].add(id)
		}
		if len(st.Conditions) == 0 && !st.Principal.Present {
			s.unlimited.add(id)
		}
		if st.Principal.Present {
			s.undecided = "a statement has a Principal: only identity policies are compared"
		}
		s.atomsOf = append(s.atomsOf, s.addAtoms(doc, st, in))
		s.addTemplates(id, st, in)
		canon, _ := number(in.canon, s.canonical(doc, st, id))
		s.stmts = append(s.stmts, setStatement{side, doc, st, canon})
	}
}

func (s *Space) addActions(id int, st *policy.Statement) {
	var mark stmtSet
	mark.add(id)
	if st.Action.Not {
		s.notAction.add(id)
	}
	for _, e := range st.Action.Entries {
		if e.Pattern.AllServices() {
			s.bare.add(id)
			continue
		}
		service := e.Pattern.Service
		s.services[service] = append(s.services[service], namePattern{e.Pattern.Name, mark})
	}
}

// canonical is equal for statements with the same effect, resources and conditions.
func (s *Space) canonical(doc *policy.Document, st *policy.Statement, id int) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%v %v %v\n", st.Effect, st.Resource.Not, slices.Sorted(slices.Values(s.atomsOf[id])))
	texts := make([]string, len(st.Resource.Entries))
	for i, e := range st.Resource.Entries {
		texts[i] = e.Text
		if strings.Contains(e.Text, "${") {
			texts[i] = fmt.Sprint(doc.Version, " ", e.Text)
		}
	}
	slices.Sort(texts)
	for _, t := range slices.Compact(texts) {
		fmt.Fprintf(&b, "%q\n", t)
	}
	return b.String()
}
