// Package prove says whether a refined policy keeps its promises: no new access, used
// access kept, unused access gone, shape kept. It is exact, not sampled, and over all
// action strings, resources and contexts, not only those of today's catalog.
//
// In: the policy before, the policy after, what was unused, and a catalog. Out: a verdict
// for each claim, a request that refutes it, or the reason why it can't be decided. It
// knows nothing of tries and shares no code with package refine, so that it can't repeat
// a mistake made there.
//
// Most refinements are settled statement by statement with pattern containment and a
// look at every action of the catalog. What isn't settled so is decided by the automata
// of access.Space. A request that refutes a claim is replayed through access.Allows
// before it is shown.
//
// Source of the claims: docs/semantics.md.
package prove

import (
	"errors"

	"github.com/pare-iam/pare/access"
	"github.com/pare-iam/pare/catalog"
	"github.com/pare-iam/pare/policy"
	"github.com/pare-iam/pare/usage"
)

// Verdict is the answer to a claim. The zero value is the safe one.
type Verdict uint8

// The verdicts.
const (
	Undecided Verdict = iota
	Proved
	Refuted
)

func (v Verdict) String() string {
	switch v {
	case Proved:
		return "proved"
	case Refuted:
		return "refuted"
	}
	return "undecided"
}

// Claim is one promise about a refined policy, decided.
type Claim struct {
	Verdict        Verdict
	Counterexample *Counterexample // of a refuted claim about access
	Reason         string          // why it is undecided, or how the shape differs
}

// Counterexample is a request on which the two policies break a claim. Keys that aren't
// in its context are absent.
type Counterexample struct {
	Request  access.Request
	Old, New bool // whether each policy allows it
}

// Result is the proof of a refinement, claim by claim.
type Result struct {
	// Verdict is Proved if all three claims about access are, and Refuted if one is.
	// ShapeKept doesn't count: a policy that is laid out anew, compacted or split allows
	// what it should without it.
	Verdict Verdict

	NoNewAccess Claim // every request that new allows, old allows: over all strings
	UsedKept    Claim // catalog actions that aren't unused: what old allows, new allows, on every resource and context
	UnusedGone  Claim // unused actions, and whole unused services: allowed on nothing
	ShapeKept   Claim // bytes outside the changed lists are the same bytes
}

// Refinement decides whether next is old without its unused permissions. A nil next is
// no policy at all: it allows nothing. Unused actions that the catalog doesn't know are
// not claimed about: such evidence removes nothing.
func Refinement(c *catalog.Catalog, old, next *policy.Document, unused usage.Unused) Result {
	if next == nil {
		out := newRefinement(c, old, nil, unused).result()
		out.ShapeKept.Verdict = Proved // there are no bytes to differ
		return out
	}
	r := newRefinement(c, old, []*policy.Document{next}, unused)
	out := r.result()
	out.ShapeKept = r.shape(next)
	return out
}

// Split decides whether several policies together are old without its unused
// permissions. Their shape isn't old's: ShapeKept is undecided, with that reason.
func Split(c *catalog.Catalog, old *policy.Document, parts []*policy.Document, unused usage.Unused) Result {
	out := newRefinement(c, old, parts, unused).result()
	out.ShapeKept.Reason = "not one document in the place of another"
	return out
}

// refinement is one proof on the way.
type refinement struct {
	catalog *catalog.Catalog
	old     *policy.Document
	next    []*policy.Document
	unused  unusedSet
	pairs   []pair // the statements of old, in order
	matched bool   // every statement of next is in a pair
	space   *access.Space
	last    *catalog.Service // that was asked for: lists mostly stay with one
}

func newRefinement(c *catalog.Catalog, old *policy.Document, next []*policy.Document, unused usage.Unused) *refinement {
	r := &refinement{catalog: c, old: old, next: next, unused: newUnusedSet(c, unused)}
	r.align()
	return r
}

func (r *refinement) result() Result {
	out := Result{NoNewAccess: r.noNewAccess(), UsedKept: r.usedKept(), UnusedGone: r.unusedGone(), Verdict: Proved}
	for _, c := range []Claim{out.NoNewAccess, out.UsedKept, out.UnusedGone} {
		switch {
		case c.Verdict == Refuted:
			out.Verdict = Refuted
		case c.Verdict == Undecided && out.Verdict == Proved:
			out.Verdict = Undecided
		}
	}
	return out
}

// service is the catalog's service of a pattern, nil if it doesn't know it.
func (r *refinement) service(prefix string) *catalog.Service {
	if r.last == nil || r.last.Prefix != prefix {
		r.last = r.catalog.Service(prefix)
	}
	return r.last
}

// general is the exact comparison of what next and old allow: next is side A.
func (r *refinement) general() *access.Space {
	if r.space == nil {
		r.space = access.NewSpace(r.next, []*policy.Document{r.old})
	}
	return r.space
}

func (r *refinement) noNewAccess() Claim {
	if r.matched && r.pairsNarrow() {
		return Claim{Verdict: Proved}
	}
	return r.ask(access.A, access.Scope{}, true)
}

func (r *refinement) usedKept() Claim {
	lost, settled := r.lost()
	if settled && len(lost) == 0 {
		return Claim{Verdict: Proved}
	}
	return r.ask(access.B, access.Scope{Actions: r.used()}, true)
}

func (r *refinement) unusedGone() Claim {
	if !r.grantsUnused() {
		return Claim{Verdict: Proved}
	}
	return r.ask(access.A, r.unused.scope(), false)
}

// ask looks for a request in the scope that one side allows: and the other doesn't, if
// compared.
func (r *refinement) ask(side access.Side, scope access.Scope, compared bool) Claim {
	space := r.general()
	if !compared {
		space = access.NewSpace(r.next, nil)
	}
	answer := space.Find(side, scope)
	switch {
	case answer.Undecided != "":
		return Claim{Reason: answer.Undecided}
	case !answer.Found:
		return Claim{Verdict: Proved}
	}
	x := &Counterexample{Request: answer.Request}
	if scope.Services == nil || r.catalog.Service(x.Request.Action.Service) != nil { // else its name could leave the scope
		x.Request = Name(r.catalog, append(r.next[:len(r.next):len(r.next)], r.old), x.Request)
	}
	x.Old, x.New = allows([]*policy.Document{r.old}, x.Request), allows(r.next, x.Request)
	if ok := !compared && x.New || compared && x.Old != x.New; !ok {
		return Claim{Reason: "a counterexample was found that doesn't replay: " + errReplay.Error()}
	}
	return Claim{Verdict: Refuted, Counterexample: x}
}

// errReplay is the reason of a disagreement between the two evaluators of this program,
// which is a defect of one of them.
var errReplay = errors.New("please report it with both policies")

// allows says whether several identity policies together, and nothing else, allow a
// request.
func allows(docs []*policy.Document, req access.Request) bool {
	allowed := false
	for _, d := range docs {
		for i := range d.Statements {
			st := &d.Statements[i]
			if !access.Matches(st, req) {
				continue
			}
			if st.Effect == policy.Deny {
				return false
			}
			allowed = true
		}
	}
	return allowed
}
