package prove

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/pare-iam/pare/access"
	"github.com/pare-iam/pare/catalog"
	"github.com/pare-iam/pare/policy"
	"github.com/pare-iam/pare/usage"
)

// TestOracle compares Compare and Refinement with cvc5 on random pairs of policies.
// Every request that cvc5 finds is replayed through access.Allows, so that all three
// must agree. PARE_ORACLE_PAIRS says how many pairs must be decided, PARE_ORACLE_SEED
// which ones they are.
func TestOracle(t *testing.T) {
	o := &oracle{T: t, seed: uint64(setting(t, "PARE_ORACLE_SEED", 1)), relations: map[Relation]int{}, reasons: map[string]int{}}
	o.solver = startSolver(t, solverLimit)
	defer func() { o.solver.stop() }()
	want := setting(t, "PARE_ORACLE_PAIRS", 300)
	start := time.Now()
	for o.decided < want && o.tried < want+want/10+50 {
		o.pair(rand.New(rand.NewPCG(o.seed, uint64(o.tried))))
		o.tried++
	}
	rate := float64(o.tried) / time.Since(start).Seconds()
	t.Logf("%d pairs, %d decided by both (%.0f pairs/s); %v; cvc5 unknown %d (%d times it ended), not expressible %d, Compare undecided %d, Refinement undecided %d",
		o.tried, o.decided, rate, o.relations, o.unknown, o.crashed, o.notExpressible, o.undecided, o.refinementUndecided)
	for _, reason := range slices.Sorted(maps.Keys(o.reasons)) {
		t.Logf("undecided %d times: %s", o.reasons[reason], reason)
	}
	if o.decided < want {
		t.Errorf("%d of %d pairs were decided, want %d", o.decided, o.tried, want)
	}
}

// solverLimit is how long cvc5 may take for an answer.
const solverLimit = 2 * time.Second

// patience is how long it may take where no answer isn't one: much longer than it does on
// a machine that is busy.
const patience = 2 * time.Minute

// restartAfter is how many pairs one process of cvc5 answers: it forgets nothing.
const restartAfter = 50

func setting(t *testing.T, name string, otherwise int) int {
	text := os.Getenv(name)
	if text == "" {
		return otherwise
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatalf("%s=%q: want a number", name, text)
	}
	return n
}

// oracle counts what became of the pairs.
type oracle struct {
	*testing.T
	seed   uint64
	solver *solver

	tried, decided, unknown, crashed, notExpressible, undecided, refinementUndecided int

	relations map[Relation]int
	reasons   map[string]int // why Compare or Refinement is undecided
	a, b      *policy.Document
	encoder   *encoder
}

// vocabulary is the catalog for Refinement: the generator's names.
var vocabulary = catalog.Facts{Date: "2026-01-01", NamesOnly: true, Services: []catalog.ServiceFacts{
	{Prefix: "ec2", Actions: vocabularyActions}, {Prefix: "s3", Actions: vocabularyActions},
}}

var vocabularyActions = []catalog.ActionFacts{
	{Name: "GetObject"}, {Name: "GetObjectAcl"}, {Name: "GetObjectVersion"}, {Name: "ListBucket"}, {Name: "PutObject"},
}

// pair judges one pair.
func (o *oracle) pair(r *rand.Rand) {
	o.a, o.b = randomPair(r)
	var err error
	if o.encoder, err = encode(side{"a", []*policy.Document{o.a}}, side{"b", []*policy.Document{o.b}}); err != nil {
		o.notExpressible++
		return
	}
	if o.tried%restartAfter == restartAfter-1 {
		o.restart()
	}
	o.send("(push 1)\n" + o.encoder.out.String())
	defer o.send("(pop 1)")
	onlyA := o.sat("only a", and(app("a", action), not(app("b", action))), (*oracle).onlyA)
	onlyB := o.sat("only b", and(app("b", action), not(app("a", action))), (*oracle).onlyB)
	if onlyA == unknown || onlyB == unknown {
		o.unknown++
		return
	}
	relation := relationOf(onlyA == sat, onlyB == sat)
	got := Compare(o.a, o.b)
	if got.Relation == UndecidedRelation {
		o.undecided++
		o.reasons[got.Reason]++
		return
	}
	o.decided++
	o.relations[relation]++
	if got.Relation != relation {
		o.disagree("Compare says %v (only a: %v, only b: %v), cvc5 says %v", got.Relation, got.OnlyA, got.OnlyB, relation)
	}
	o.refinement(r, onlyB)
}

// refinement takes b for a refinement of a, with some actions unused.
func (o *oracle) refinement(r *rand.Rand, onlyB answer) {
	cat, err := catalog.Build("vocabulary", vocabulary)
	if err != nil {
		o.Fatal(err)
	}
	var unused usage.Unused
	var kept, gone []term
	whole := r.IntN(4) == 0
	if whole {
		unused.Services = []usage.Service{{Prefix: "ec2"}}
		gone = append(gone, inRe(action, app("re.++", toRe("ec2:"), atom("re.all"))))
	}
	for id := range cat.Len() {
		known := cat.Action(id)
		act := policy.Action{Service: known.Service.Prefix, Name: known.Lower}
		switch is := equal(action, quote(act.String())); {
		case r.IntN(4) == 0:
			unused.Actions = append(unused.Actions, usage.Action{Action: act})
			gone = append(gone, is)
		case !whole || act.Service != "ec2":
			kept = append(kept, is)
		}
	}
	got := Refinement(cat, o.a, o.b, unused)
	o.claim("no new access", got.NoNewAccess, onlyB)
	o.claim("used kept", got.UsedKept, o.sat("used kept", and(or(kept...), app("a", action), not(app("b", action))), (*oracle).onlyA))
	o.claim("unused gone", got.UnusedGone, o.sat("unused gone", and(or(gone...), app("b", action)), (*oracle).allowedB))
}

// claim compares a claim with the answer to the search for what breaks it.
func (o *oracle) claim(name string, got Claim, breaks answer) {
	switch {
	case breaks == unknown:
		o.unknown++
	case got.Verdict == Undecided:
		o.refinementUndecided++
		o.reasons[got.Reason]++
	case (got.Verdict == Refuted) != (breaks == sat):
		o.disagree("Refinement: %s is %v (%v), cvc5 says %s", name, got.Verdict, got.Counterexample, breaks)
	}
}

type answer string

const (
	sat     answer = "sat"
	unsat   answer = "unsat"
	unknown answer = "unknown"
)

func (o *oracle) onlyA(req access.Request) bool {
	return access.Allows(o.a, req) && !access.Allows(o.b, req)
}

func (o *oracle) onlyB(req access.Request) bool {
	return access.Allows(o.b, req) && !access.Allows(o.a, req)
}

func (o *oracle) allowedB(req access.Request) bool { return access.Allows(o.b, req) }

// sat asks for a request, which must replay.
func (o *oracle) sat(question string, assertion term, replays func(*oracle, access.Request) bool) answer {
	text, err := o.solver.ask("(push 1)\n" + app("assert", assertion).line() + "\n(check-sat)")
	if err != nil {
		o.crashed++
		o.restart()
		o.send("(push 1)\n" + o.encoder.out.String() + "(push 1)")
		text = "unknown"
	}
	defer o.send("(pop 1)")
	switch answer(text) {
	case sat:
		req := o.solver.request(o.encoder)
		if !replays(o, req) {
			o.disagree("%s: cvc5's request %+v doesn't replay", question, req)
		}
		return sat
	case unsat, unknown:
		return answer(text)
	}
	o.disagree("%s: cvc5 answers %s", question, text)
	return unknown
}

func (o *oracle) send(commands string) {
	if text, err := o.solver.ask(commands); err != nil || text != "" {
		o.disagree("cvc5 answers %q, %v to the definitions", text, err)
	}
}

func (o *oracle) restart() {
	o.solver.stop()
	o.solver = startSolver(o.T, solverLimit)
}

func (o *oracle) disagree(format string, args ...any) {
	o.Helper()
	o.Errorf("pair %d of PARE_ORACLE_SEED=%d: %s\na: %s\nb: %s", o.tried, o.seed, fmt.Sprintf(format, args...), o.a.Bytes(), o.b.Bytes())
}

func relationOf(onlyA, onlyB bool) Relation {
	switch {
	case onlyA && onlyB:
		return Incomparable
	case onlyA:
		return Wider
	case onlyB:
		return Narrower
	}
	return Equal
}
