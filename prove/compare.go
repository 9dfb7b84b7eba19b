package prove

import (
	"github.com/pare-iam/pare/access"
	"github.com/pare-iam/pare/catalog"
	"github.com/pare-iam/pare/policy"
)

// Relation is what two policies allow, seen from the first. The zero value is the safe
// one.
type Relation uint8

// The relations.
const (
	UndecidedRelation Relation = iota
	Equal                      // the same requests
	Narrower                   // a allows strictly less than b
	Wider                      // a allows strictly more than b
	Incomparable               // each allows something that the other doesn't
)

func (r Relation) String() string {
	switch r {
	case Equal:
		return "equal"
	case Narrower:
		return "narrower"
	case Wider:
		return "wider"
	case Incomparable:
		return "incomparable"
	}
	return "undecided"
}

// Comparison is the relation of two policies and a request each way.
type Comparison struct {
	Relation     Relation
	OnlyA, OnlyB *access.Request // allowed by one alone; nil if there is none, or none was found
	Reason       string          // why it is undecided
}

// Compare says how what two identity policies allow compares, over all action strings,
// resources and contexts.
func Compare(a, b *policy.Document) Comparison {
	space := access.NewSpace([]*policy.Document{a}, []*policy.Document{b})
	onlyA, onlyB := space.Find(access.A, access.Scope{}), space.Find(access.B, access.Scope{})
	out := Comparison{OnlyA: replayed(&onlyA, a, b), OnlyB: replayed(&onlyB, b, a)}
	switch {
	case onlyA.Undecided != "":
		out.Reason = onlyA.Undecided
	case onlyB.Undecided != "":
		out.Reason = onlyB.Undecided
	case onlyA.Found && onlyB.Found:
		out.Relation = Incomparable
	case onlyA.Found:
		out.Relation = Wider
	case onlyB.Found:
		out.Relation = Narrower
	default:
		out.Relation = Equal
	}
	return out
}

// replayed is an answer's request, once Decide confirms that it is allowed by one policy
// and not by the other.
func replayed(answer *access.Answer, allowed, denied *policy.Document) *access.Request {
	if !answer.Found {
		return nil
	}
	if !access.Allows(allowed, answer.Request) || access.Allows(denied, answer.Request) {
		answer.Undecided = "a request was found that doesn't replay: " + errReplay.Error()
		return nil
	}
	return &answer.Request
}

// Name gives a request an action of the catalog, in place of one that it doesn't know,
// if there is one that every statement of the documents matches alike. Requests read
// better so, and mean the same.
func Name(c *catalog.Catalog, docs []*policy.Document, req access.Request) access.Request {
	if c == nil || c.Lookup(req.Action.Service, req.Action.Name) != nil {
		return req
	}
	services := c.Services()
	if s := c.Service(req.Action.Service); s != nil {
		services = []*catalog.Service{s}
	} else if named(docs, req.Action.Service) {
		return req
	}
	for _, s := range services {
		for i := range s.Actions {
			a := policy.Action{Service: s.Prefix, Name: s.Actions[i].Lower}
			if matchedAlike(docs, a, req.Action) {
				req.Action = a
				return req
			}
		}
	}
	return req
}

// named says whether some statement names the service.
func named(docs []*policy.Document, service string) bool {
	for _, d := range docs {
		for _, st := range d.Statements {
			for _, e := range st.Action.Entries {
				if e.Pattern.Service == service {
					return true
				}
			}
		}
	}
	return false
}

func matchedAlike(docs []*policy.Document, a, b policy.Action) bool {
	for _, d := range docs {
		for _, st := range d.Statements {
			if st.Action.Match(a) != st.Action.Match(b) {
				return false
			}
		}
	}
	return true
}
