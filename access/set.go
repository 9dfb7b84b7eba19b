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
		keys[i] = fmt.Sprint(st.canon, " ", st.st.Action.Not, " ", actionTexts(st.st))
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

// names is the classes of action names of a service.
func (s *Space) names(service string) []class {
	if classes, ok := s.nameClasses[service]; ok {
		return classes
	}
	strands := make([]strand, len(s.services[service]))
	for i, n := range s.services[service] {
		strands[i] = strand{tokensOf(n.pattern), n.mark}
	}
	classes, ok := partitionStrings(strands, partitionOptions{limit: maxStates, min: 1})
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
// them; ok is false if there were too many states to visit.
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
	classes, ok = partitionStrings(strands, partitionOptions{limit: limit, needed: s.needed(stmts, whole)})
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
		return false
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
