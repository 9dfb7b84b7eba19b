// Package refine removes unused actions from a policy while keeping its shape. It never
// adds access.
//
// In: a catalog, a parsed policy and what of it is unused. Out: edits of the policy's
// own action lists, each with its reason, and the edited policy. A pattern that no
// unused action matches stays as written; one that matches unused and other actions
// gives way to the shortest prefixes that match the others alone, the least general
// generalization over a trie of action names that AWS describes at
// https://www.amazon.science/blog/making-recommendations-to-remediate-unused-permissions.
//
// Only Allow statements are edited, and of them only Action and NotAction. What the
// catalog doesn't know stays and is reported. Nothing here proves anything: package
// prove does, with other code.
package refine

import (
	"sync"

	"github.com/pare-iam/pare/catalog"
	"github.com/pare-iam/pare/policy"
	"github.com/pare-iam/pare/usage"
)

// Outcome is what becomes of a policy.
type Outcome uint8

// The outcomes. The zero value changes nothing.
const (
	Unchanged Outcome = iota // nothing that it allows is unused
	Refined                  // some of it goes
	Detach                   // all of it goes: nothing it allows is used, and it denies nothing
)

func (o Outcome) String() string {
	switch o {
	case Refined:
		return "refined"
	case Detach:
		return "detach"
	}
	return "unchanged"
}

// ReasonKind is why an entry or a statement is edited.
type ReasonKind uint8

// The reasons.
const (
	AllUnused       ReasonKind = iota + 1 // every action it matches is unused
	ServiceUnused                         // its service is unused as a whole
	PartlyUnused                          // some are unused: the safe prefixes of the rest come in its place
	AlreadyCovered                        // what is left of it another entry of the list allows
	NotActionUnused                       // appended to a NotAction, which allows what it doesn't name
	StatementUnused                       // no entry of the statement is left
)

// Reason says why an edit is made. The counts are of the catalog's actions; they are 0
// for a statement.
type Reason struct {
	Kind    ReasonKind
	Matched int // actions that the entry matches
	Unused  int // those of them that are unused
}

// Edit is a change of the policy and its reason.
type Edit struct {
	policy.Edit
	Reason Reason
}

// NoteKind is something the reader of a result should know.
type NoteKind uint8

// The notes.
const (
	UnknownService NoteKind = iota + 1 // the catalog doesn't know the entry's service: kept
	UnknownAction                      // the catalog knows no action that the entry matches: kept
	UnusedUnknown                      // reported as unused, but not in the catalog: nothing removed for it
	UnknownDropped                     // an entry that gave way also allowed actions that the catalog doesn't know
	OnlyDenyLeft                       // no Allow statement is left; the Deny statements stay
	UnknownElement                     // an element that the grammar doesn't have: kept
	UnusedNowhere                      // the service is neither in the catalog nor in the policy
)

// Note is something the reader of a result should know.
type Note struct {
	Kind      NoteKind
	Statement int    // index of the statement, or -1 if it isn't about an entry
	Entry     int    // index into the statement's action list
	Text      string // the entry, action, service or element
	Pointer   string // JSON pointer into the unused list (Unused…) or the policy (UnknownElement)
}

// Result is a refined policy.
type Result struct {
	Outcome  Outcome
	Edits    []Edit           // in the order of the document; for Detach every statement
	Document *policy.Document // as edited; the original when Unchanged; nil for Detach
	Notes    []Note
}

// Refiner refines policies against one catalog. It builds the trie of a service when it
// first needs it. It is safe for concurrent use.
type Refiner struct {
	catalog  *catalog.Catalog
	services map[string]*lazyTrie // by prefix
	ordered  []*lazyTrie          // by prefix
	compact  bool
}

type lazyTrie struct {
	service *catalog.Service
	once    sync.Once
	built   *trie
}

func (l *lazyTrie) trie() *trie {
	l.once.Do(func() { l.built = newTrie(l.service) })
	return l.built
}

// New makes a Refiner. It costs one small allocation a service.
func New(c *catalog.Catalog) *Refiner {
	services := c.Services()
	r := &Refiner{catalog: c, services: make(map[string]*lazyTrie, len(services))}
	for _, s := range services {
		l := &lazyTrie{service: s}
		r.services[s.Prefix] = l
		r.ordered = append(r.ordered, l)
	}
	return r
}

// Policy refines one policy; see Refiner.Policy. To refine several make a Refiner.
func Policy(c *catalog.Catalog, doc *policy.Document, unused usage.Unused) (Result, error) {
	return New(c).Policy(doc, unused)
}

// Policy refines a policy: the actions of unused go from every Allow statement. The
// error is that of a document that can't be edited; none is known.
func (r *Refiner) Policy(doc *policy.Document, unused usage.Unused) (Result, error) {
	result, err := r.policy(doc, unused)
	if !r.compact || err != nil || result.Outcome != Refined {
		return result, err
	}
	plain, err := New(r.catalog).policy(doc, unused)
	if err == nil && plain.Document.Size() <= result.Document.Size() {
		return plain, nil
	}
	return result, err
}

func (r *Refiner) policy(doc *policy.Document, unused usage.Unused) (Result, error) {
	return r.edit(doc, unused).result()
}

// edit works out the edits and notes of a policy.
func (r *Refiner) edit(doc *policy.Document, unused usage.Unused) *run {
	run := &run{Refiner: r, doc: doc, unused: r.compile(unused)}
	for i := range doc.Statements {
		st := &doc.Statements[i]
		switch {
		case st.Effect != policy.Allow:
		case st.Action.Not:
			run.exclude(st)
		default:
			run.narrow(st)
		}
	}
	run.note(unused)
	return run
}

// result applies the edits and says what became of the policy.
func (r *run) result() (Result, error) {
	out := Result{Outcome: Unchanged, Edits: r.edits, Document: r.doc, Notes: r.notes}
	if len(r.edits) == 0 {
		return out, nil
	}
	gone := map[int]bool{}
	plain := make([]policy.Edit, len(r.edits))
	for i, e := range r.edits {
		plain[i] = e.Edit
		if e.Entry == policy.WholeStatement {
			gone[e.Statement] = true
		}
	}
	if len(gone) == len(r.doc.Statements) {
		out.Outcome, out.Document = Detach, nil
		return out, nil
	}
	if !r.allowLeft(gone) {
		out.Notes = append(out.Notes, Note{Kind: OnlyDenyLeft, Statement: -1})
	}
	var err error
	out.Outcome = Refined
	out.Document, err = r.doc.Apply(plain)
	return out, err
}

func (r *run) allowLeft(gone map[int]bool) bool {
	for i, st := range r.doc.Statements {
		if st.Effect == policy.Allow && !gone[i] {
			return true
		}
	}
	return false
}
