package access

import (
	"slices"

	"github.com/pare-iam/pare/policy"
)

// Scope is the actions that a question is about. The zero value is every action of
// every service, known or not.
type Scope struct {
	Actions  []policy.Action // these alone, if not nil
	Services []string        // and every action of these, if not nil
}

// Answer is the answer to Find.
type Answer struct {
	Found     bool
	Request   Request // a request that is allowed on one side alone, if Found
	Undecided string  // why there is no answer, or ""
}

// Find looks for a request in the scope that is allowed on this side and not on the
// other. It is exact: if it neither finds one nor says Undecided, there is none.
func (s *Space) Find(side Side, scope Scope) Answer {
	if s.undecided != "" {
		return Answer{Undecided: s.undecided}
	}
	if len(s.tied) > 0 && s.fixed == nil && !s.free {
		return s.findWithVariables(side, scope)
	}
	q := &question{Space: s, side: side}
	q.run(scope)
	switch {
	case q.found != nil:
		return Answer{Found: true, Request: q.found.request(s)}
	case s.undecided != "":
		return Answer{Undecided: s.undecided}
	}
	return Answer{}
}

// question is one search through a Space.
type question struct {
	*Space
	side  Side
	found *point
	hints []point // with free variables: every class that answers, none of them certain
	seen  map[stmtSet]bool
}

// point is a class of requests on the way to being found.
type point struct {
	action   policy.Action
	resource string
	values   []keyValues
}

func (p point) request(s *Space) Request {
	r := Request{Action: p.action, Resource: p.resource, Context: Context{}}
	for _, kv := range p.values {
		if len(kv.values) > 0 {
			r.Context[kv.key] = kv.values
		}
	}
	for key, values := range s.fixed {
		if len(values) > 0 {
			r.Context[key] = values
		}
	}
	return r
}

// run asks every class of action strings in the scope.
func (q *question) run(scope Scope) {
	if scope.Actions == nil && scope.Services == nil {
		q.everyAction()
		return
	}
	for _, a := range scope.Actions {
		if q.action(a, q.matching(a)) {
			return
		}
	}
	if slices.ContainsFunc(scope.Services, q.service) {
		return
	}
}

func (q *question) everyAction() {
	services := make([]string, 0, len(q.services)+1)
	for service := range q.services {
		services = append(services, service)
	}
	slices.Sort(services)
	if slices.ContainsFunc(services, q.service) {
		return
	}
	// Any service that no pattern names is like any other.
	other := "x"
	for q.services[other] != nil {
		other += "x"
	}
	q.action(policy.Action{Service: other, Name: "x"}, q.bare.xor(q.notAction))
}

// service asks every class of action names of one service. It returns true to stop.
func (q *question) service(service string) bool {
	for _, c := range q.names(service) {
		if q.action(policy.Action{Service: service, Name: c.witness}, c.stmts.or(q.bare).xor(q.notAction)) {
			return true
		}
	}
	return false
}

// action asks one class of actions, whose statements are stmts.
func (q *question) action(a policy.Action, stmts stmtSet) bool {
	if q.seen == nil {
		q.seen = map[stmtSet]bool{}
	}
	if q.seen[stmts] {
		return false
	}
	q.seen[stmts] = true
	if q.hopeless(stmts) {
		return false
	}
	if !q.effort.spend(1) {
		if q.undecided == "" {
			q.undecided = "too many classes of requests"
		}
		return true
	}
	for _, c := range q.resources(stmts) {
		if q.limits(point{action: a, resource: c.witness}, c.stmts) {
			return true
		}
	}
	return false
}

// hopeless says whether no subset of the statements answers the question: this side
// allows nothing, or the sides don't differ: every statement is on both as it is, or
// both have statements for the same resources and conditions.
func (q *question) hopeless(stmts stmtSet) bool {
	return !stmts.meets(q.allow[q.side]) || !stmts.meets(q.differ) || q.alike(stmts)
}

// alike says whether the two sides' statements differ in nothing but their actions, so
// that they decide alike.
func (s *Space) alike(stmts stmtSet) bool {
	var canon [2][]int
	for i := range stmts.all {
		st := &s.stmts[i]
		canon[st.side] = append(canon[st.side], st.canon)
	}
	for i := range canon {
		slices.Sort(canon[i])
		canon[i] = slices.Compact(canon[i])
	}
	return slices.Equal(canon[A], canon[B])
}

// answers says whether a request that matches exactly these statements is allowed on
// this side and not on the other.
func (q *question) answers(stmts stmtSet) bool {
	other := 1 - q.side
	return stmts.meets(q.allow[q.side]) && !stmts.meets(q.deny[q.side]) &&
		(!stmts.meets(q.allow[other]) || stmts.meets(q.deny[other]))
}

// limits asks the conditions of the statements that an action and a resource match.
func (q *question) limits(at point, stmts stmtSet) bool {
	other := 1 - q.side
	certain := stmts.and(q.unlimited)
	if q.hopeless(stmts) || certain.meets(q.deny[q.side]) ||
		certain.meets(q.allow[other]) && !stmts.meets(q.deny[other]) {
		return false
	}
	found, ok := q.combine(stmts)
	if !ok {
		q.undecided = "too many outcomes: the conditions have too many values"
		return q.effort.left <= 0
	}
	for _, f := range found {
		if !q.answers(f.stmts) {
			continue
		}
		at.values = f.values
		if !q.free {
			q.found = &at
			return true
		}
		q.hints = append(q.hints, at)
	}
	return false
}
