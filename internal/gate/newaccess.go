package gate

import (
	"fmt"

	"github.com/go-json-experiment/json"

	"github.com/pare-iam/pare/access"
	"github.com/pare-iam/pare/internal/report"
	"github.com/pare-iam/pare/policy"
	"github.com/pare-iam/pare/prove"
)

// A policy opens nothing, whatever policies are beside it, if
//
//	what it allows and doesn't deny itself, it allowed before, and
//	what it denied before, it denies.
//
// For what all policies together allow is what some allow without what some deny. The
// second claim is the first of two policies that allow everything but what these deny.

// question is one of the two claims, about one reading of the placeholders.
type question struct {
	old, next *policy.Document
	denies    bool     // it is the second claim
	holes     []string // the placeholders, if it isn't them that are in the documents
}

// newAccess looks for what a policy newly allows.
func (c *checker) newAccess(p *Pair) error {
	shown := p.New
	if shown == nil {
		shown = p.Old
	}
	if p.Old != nil && p.Old.Document == nil {
		message := "what it allowed before is not known: "
		if p.New == nil {
			message = "is gone, and what it denied is not known: "
		}
		c.add(Result{Rule: NewAccess, policy: shown, Undecided: true, Message: message + report.Printable(p.Old.Problem), covers: coversNew(p.New)})
		return nil
	}
	if p.Old != nil && documentText(p.New) == documentText(p.Old) {
		c.comesOrGoes(p)
		return nil
	}
	found, err := c.opened(p, excuse{})
	if err != nil {
		return err
	}
	if found == nil {
		c.comesOrGoes(p)
		return nil
	}
	r := Result{Rule: NewAccess, policy: shown, covers: coversNew(p.New), left: func(r *Result, e excuse) bool {
		found, err := c.opened(p, e)
		if err == nil && found != nil {
			c.tellNewAccess(r, p, found)
		}
		return err != nil || found != nil
	}}
	c.tellNewAccess(&r, p, found)
	c.add(r)
	return nil
}

// comesOrGoes tells of a policy that may be there where it wasn't, or no longer where it
// was, though it says nothing that is new.
func (c *checker) comesOrGoes(p *Pair) {
	if p.New == nil || p.Old == nil || p.New.When == p.Old.When {
		return
	}
	c.add(Result{
		Rule: NewAccess, policy: p.New, Undecided: true, covers: coversNew(p.New),
		Message: "it could not be decided whether it allows more than before: what says where it is there has changed (count, for_each, a condition, or what they refer to)",
	})
}

// coversNew is all that new access depends on: what the policy says, and whether it is there.
func coversNew(p *Policy) []string {
	if p == nil {
		return []string{digest("")}
	}
	return []string{digest(documentText(p), p.When)}
}

// tellNewAccess writes down what a policy opens.
func (c *checker) tellNewAccess(r *Result, p *Pair, found *opening) {
	r.Undecided, r.At, r.Message = found.claim.Verdict == prove.Undecided, r.policy.At, c.newAccessText(p, found)
	c.show(r, found.request)
	if r.Request != nil && p.New != nil && !found.denies {
		r.At = p.New.place(allowing(p.New.Document, found.claim.Counterexample.Request))
	}
}

func documentText(p *Policy) string {
	if p == nil {
		return ""
	}
	return canonical(p.Document.Bytes())
}

// opening is a claim that isn't proved.
type opening struct {
	question
	claim   prove.Claim
	request *access.Request
}

// opened is the first claim of a pair that isn't proved; nil: all are. What is excused is
// left aside.
func (c *checker) opened(p *Pair, e excuse) (*opening, error) {
	questions, undecided, err := questionsOf(p, e)
	if err != nil {
		return nil, err
	}
	outside, err := denying(e.actions)
	if err != nil {
		return nil, err
	}
	for _, q := range questions {
		docs := []*policy.Document{q.next}
		if outside != nil {
			docs = append(docs, outside)
		}
		if claim := prove.NoNewAccess(c.in.Catalog, q.old, docs); claim.Verdict != prove.Proved {
			return &opening{q, claim, c.counterexample(claim, q.holes, q.old, q.next)}, nil
		}
	}
	if undecided {
		return &opening{claim: exceptionChanged()}, nil
	}
	return nil, nil
}

// denying denies actions; nil: none.
func denying(actions []string) (*policy.Document, error) {
	if len(actions) == 0 {
		return nil, nil
	}
	src, err := json.Marshal(map[string]any{"Statement": statementJSON{Effect: "Deny", Action: actions, Resource: texts{"*"}}})
	if err != nil {
		return nil, err
	}
	return policy.Parse("ignored", src)
}

// questionsOf are the questions about a pair; undecided says that their answers aren't
// enough.
func questionsOf(p *Pair, e excuse) (out []question, undecided bool, err error) {
	old, next := nothing(), nothing()
	if p.Old != nil {
		old = p.Old.Document
	}
	if p.New != nil {
		if next, err = keep(p.New.Document, func(i int) bool { return !contains(e.statements, i) }); err != nil {
			return nil, false, err
		}
	}
	ceilings := p.Old != nil && denies(old)
	if out, err = questions(old, next, p.New != nil, ceilings); err != nil {
		return nil, false, err
	}
	oldLeft, nextLeft, changed, err := unexcepted(old, next)
	if err != nil || oldLeft == nil {
		return out, changed, err
	}
	left, err := questions(oldLeft, nextLeft, p.New != nil, ceilings)
	return append(out, left...), false, err
}

// questions are those about two documents: the first claim, and the second if old denies
// something.
func questions(old, next *policy.Document, stays, ceilings bool) ([]question, error) {
	out := []question{{old: old, next: next}}
	if ceilings {
		oldCeiling, err := ceiling(old)
		if err != nil {
			return nil, err
		}
		nextCeiling := everything()
		if stays {
			if nextCeiling, err = ceiling(next); err != nil {
				return nil, err
			}
		}
		out = append(out, question{old: oldCeiling, next: nextCeiling, denies: true})
	}
	return withOthers(out)
}

// withOthers adds each question with other texts in the place of placeholders.
func withOthers(list []question) ([]question, error) {
	for _, q := range list {
		if !hasUnknown(q.old) && !hasUnknown(q.next) {
			continue
		}
		for _, as := range readings {
			old, next, err := as.read(q.old, q.next)
			if err != nil {
				return nil, err
			}
			list = append(list, question{old, next, q.denies, holesOf(q.old, q.next)})
		}
	}
	return list, nil
}

func denies(doc *policy.Document) bool {
	for i := range doc.Statements {
		if doc.Statements[i].Effect == policy.Deny {
			return true
		}
	}
	return false
}

// nothing is a policy that allows nothing, everything one that allows all.
func nothing() *policy.Document    { return fixed("Deny") }
func everything() *policy.Document { return fixed("Allow") }

func fixed(effect string) *policy.Document {
	doc, err := policy.Parse(effect, fmt.Appendf(nil, `{"Statement": {"Effect": %q, "Action": "*", "Resource": "*"}}`, effect))
	if err != nil {
		panic("gate: " + err.Error()) // the text is ours
	}
	return doc
}

// keep is a document without those of its Allow statements that fn leaves out.
func keep(doc *policy.Document, fn func(statement int) bool) (*policy.Document, error) {
	var edits []policy.Edit
	for i := range doc.Statements {
		if doc.Statements[i].Effect == policy.Allow && !fn(i) {
			edits = append(edits, policy.Edit{Statement: i, Entry: policy.WholeStatement})
		}
	}
	switch len(edits) {
	case 0:
		return doc, nil
	case len(doc.Statements):
		return nothing(), nil
	}
	return doc.Apply(edits)
}

// allowing is the statement that allows a request; -1 if it isn't one alone.
func allowing(doc *policy.Document, req access.Request) int {
	for i := range doc.Statements {
		if st := &doc.Statements[i]; st.Effect == policy.Allow && access.Matches(st, req) {
			return i
		}
	}
	return -1
}

func (c *checker) newAccessText(p *Pair, o *opening) string {
	request := "a request that was not found"
	shown := p.New
	if shown == nil {
		shown = p.Old
	}
	if o.request != nil {
		request = c.requestText(shown, *o.request)
	}
	switch {
	case o.claim.Verdict == prove.Undecided:
		return "it could not be decided whether it allows more than before: " + o.claim.Reason
	case p.New == nil:
		return "is gone, and no longer denies " + request
	case o.denies:
		return "no longer denies " + request
	case p.Old == nil:
		return "is new: everything that it allows is, such as " + request
	}
	return "newly allows " + request
}
