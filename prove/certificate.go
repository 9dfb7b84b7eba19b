package prove

import (
	"crypto/sha256"
	"fmt"
	"slices"
	"strings"

	"github.com/pare-iam/pare/catalog"
	"github.com/pare-iam/pare/policy"
	"github.com/pare-iam/pare/usage"
)

// Certificate is one claim about a refinement as an SMT-LIB 2 file. It asks for a request
// that breaks the claim, in one or several questions. A solver must answer `unsat` to
// each: there is none.
//
//	cvc5 --lang=smt2 --strings-exp no-new-access.smt2
type Certificate struct {
	Name  string // of the file: "no-new-access.smt2"
	Claim string // what `unsat` says
	Text  []byte
}

// Certificates states the claims of a refinement so that anybody can check them with a
// solver for strings and without us: no new access, used access kept, unused access
// gone. Several new documents are taken together, as after a split; none is a policy
// that is detached. Unused actions that the catalog doesn't know are not claimed about.
//
// A NotExpressibleError says why the policies have no certificate. The same input gives
// the same bytes.
func Certificates(c *catalog.Catalog, old *policy.Document, new []*policy.Document, unused usage.Unused) ([]Certificate, error) {
	r := &certified{catalog: c, old: side{"old", []*policy.Document{old}}, new: side{"new", new}}
	r.split(unused)
	var out []Certificate
	for _, write := range []func() (Certificate, error){r.noNewAccess, r.usedKept, r.unusedGone} {
		cert, err := write()
		if err != nil {
			return nil, err
		}
		out = append(out, cert)
	}
	return out, nil
}

// certified is a refinement whose certificates are written.
type certified struct {
	catalog  *catalog.Catalog
	old, new side
	used     []policy.Action // of the catalog and not unused
	unused   []policy.Action // of the catalog, not of a service that is unused as a whole
	services []string        // unused as a whole
}

func (r *certified) split(unused usage.Unused) {
	whole := map[string]bool{}
	for _, s := range unused.Services {
		if !whole[s.Prefix] {
			r.services = append(r.services, s.Prefix)
		}
		whole[s.Prefix] = true
	}
	slices.Sort(r.services)
	gone := map[policy.Action]bool{}
	for _, a := range unused.Actions {
		gone[a.Action] = true
	}
	for id := range r.catalog.Len() {
		known := r.catalog.Action(id)
		switch a := (policy.Action{Service: known.Service.Prefix, Name: known.Lower}); {
		case whole[a.Service]:
		case gone[a]:
			r.unused = append(r.unused, a)
		default:
			r.used = append(r.used, a)
		}
	}
}

func (r *certified) noNewAccess() (Certificate, error) {
	e, err := encode(r.old, r.new)
	if err != nil {
		return Certificate{}, err
	}
	e.section("The opposite of the claim: a request that new allows and old doesn't. Whatever new allows, some entry of an\n" +
		"Action list, or some NotAction list, of an Allow statement matches. They are taken one by one.")
	asked := false
	for i, doc := range r.new.docs {
		for _, st := range doc.Statements {
			if st.Effect == policy.Allow {
				e.eachEntry(r.new.statementName(i, st.Index), st)
				asked = true
			}
		}
	}
	if !asked {
		e.ask(app("new", action))
	}
	const claim = "Every request that the new policy allows, the old one allows: over all action names, resources and\n" +
		"contexts, also those that nobody has heard of."
	return r.certificate("no-new-access.smt2", claim, e), nil
}

// eachEntry asks, for each entry by which an Allow statement of new matches an action,
// for a request that new allows and old doesn't. Asking for all at once takes a solver
// a time that grows with the square of their number.
func (e *encoder) eachEntry(name string, st policy.Statement) {
	matches := []term{app("|"+name+" action|", action)}
	if !st.Action.Not {
		matches = nil
		for _, entry := range st.Action.Entries {
			matches = append(matches, matchAction(entry.Pattern))
		}
	}
	for _, m := range matches {
		e.ask(and(m, symbol(name+" applies"), not(app("|new denies|", action)), not(app("old", action))))
	}
}

// ask asks for a request.
func (e *encoder) ask(t term) {
	e.command(atom("(push 1)"))
	e.assert(t)
	e.command(atom("(check-sat)"))
	e.command(atom("(pop 1)"))
}

func (r *certified) usedKept() (Certificate, error) {
	e, err := encode(r.old, r.new)
	if err != nil {
		return Certificate{}, err
	}
	granted, others := partitionBy(r.used, func(a policy.Action) bool { return r.old.grants(a) })
	e.section("The actions that stay: those of the catalog that aren't unused. %d actions that no Allow statement of\n"+
		"old matches are left out: old allows none of them.", len(others))
	breaks := r.groups(e, granted, []side{r.old, r.new}, func(a term) term { return and(app("old", a), not(app("new", a))) })
	e.section("The opposite of the claim: a group isn't as it says, or old allows its first action on something and\n" +
		"new doesn't.")
	e.ask(or(breaks...))
	claim := fmt.Sprintf("Every request with an action of the catalog of %s that isn't unused, if the old policy allows it, the\n"+
		"new one allows it.", r.date())
	return r.certificate("used-kept.smt2", claim, e), nil
}

func (r *certified) unusedGone() (Certificate, error) {
	e, err := encode(r.new)
	if err != nil {
		return Certificate{}, err
	}
	e.section("The actions that go: the unused ones that are in the catalog, and all of unused services.")
	breaks := r.groups(e, r.unused, []side{r.new}, func(a term) term { return app("new", a) })
	for _, s := range r.services {
		name := "|service " + word(s+":") + "|"
		e.blank()
		e.comment("Service %s, unused as a whole: new allows an action of it, known or not.", oneLine(s))
		e.define(name, noParameter, and(inRe(action, app("re.++", toRe(s+":"), atom("re.all"))), app("new", action)))
		breaks = append(breaks, atom(name))
	}
	e.section("The opposite of the claim: a group isn't as it says, or new allows its first action on something, or\n" +
		"new allows something of an unused service.")
	e.ask(or(breaks...))
	claim := fmt.Sprintf("The new policy allows no unused action of the catalog of %s, and nothing of an unused service, on any\n"+
		"resource and in any context.", r.date())
	return r.certificate("unused-gone.smt2", claim, e), nil
}

func (r *certified) date() string {
	if d := r.catalog.Date(); d != "" {
		return d
	}
	return "unknown date"
}

// grants says whether some Allow statement matches the action.
func (s side) grants(a policy.Action) bool {
	return slices.ContainsFunc(s.docs, func(doc *policy.Document) bool {
		return slices.ContainsFunc(doc.Statements, func(st policy.Statement) bool {
			return st.Effect == policy.Allow && st.Action.Match(a)
		})
	})
}

func partitionBy(list []policy.Action, in func(policy.Action) bool) (yes, no []policy.Action) {
	for _, a := range list {
		if in(a) {
			yes = append(yes, a)
		} else {
			no = append(no, a)
		}
	}
	return yes, no
}

// groups divides actions by which statements match them, and defines for each group
// that it is so, action by action. What the sides allow depends on the action by
// nothing else, so that it is enough to look at one action of each. The result is what
// breaks the claim: a group that isn't as it says, or its first action.
func (r *certified) groups(e *encoder, actions []policy.Action, sides []side, broken func(action term) term) []term {
	var order []string
	members := map[string][]policy.Action{}
	for _, a := range actions {
		key := matchedBy(sides, a)
		if members[key] == nil {
			order = append(order, key)
		}
		members[key] = append(members[key], a)
	}
	var breaks []term
	for i, key := range order {
		name := fmt.Sprintf("group %d", i+1)
		group := members[key]
		e.blank()
		e.comment("%s: %d actions, alike in which statements match them.", name, len(group))
		e.define("|"+name+" alike|", actionParameter, alike(sides, key))
		var each []term
		for _, a := range group {
			each = append(each, app("|"+name+" alike|", quote(a.String())))
		}
		e.define("|"+name+"|", noParameter, and(each...))
		breaks = append(breaks, not(symbol(name)), broken(quote(group[0].String())))
	}
	return breaks
}

// matchedBy says of each statement in turn whether it matches the action, as 1 or 0.
func matchedBy(sides []side, a policy.Action) string {
	var b strings.Builder
	for _, s := range sides {
		for _, doc := range s.docs {
			for _, st := range doc.Statements {
				if st.Action.Match(a) {
					b.WriteByte('1')
				} else {
					b.WriteByte('0')
				}
			}
		}
	}
	return b.String()
}

// alike says of an action what matchedBy says.
func alike(sides []side, key string) term {
	var parts []term
	for _, s := range sides {
		for i, doc := range s.docs {
			for _, st := range doc.Statements {
				matches := app("|"+s.statementName(i, st.Index)+" action|", action)
				if key[len(parts)] == '0' {
					matches = not(matches)
				}
				parts = append(parts, matches)
			}
		}
	}
	return and(parts...)
}

func (r *certified) certificate(name, claim string, e *encoder) Certificate {
	body := e.out.String()
	e.out.Reset()
	e.comment("Claim: %s", claim)
	e.blank()
	e.comment("old: %s", described(r.old))
	e.comment("new: %s", described(r.new))
	e.comment("A policy allows what an Allow statement of it matches and no Deny statement does. Policies that stand\n" +
		"together allow what one of them allows and none denies.")
	e.blank()
	e.comment("Written by pare (https://github.com/pare-iam/pare); to be checked without it:\n"+
		"  cvc5 --lang=smt2 --strings-exp %s\n"+
		"Every answer must be unsat: no request breaks the claim.", name)
	e.blank()
	e.command(app("set-option", atom(":incremental true")))
	e.command(app("set-logic", atom("ALL")))
	e.blank()
	e.out.WriteString(body)
	return Certificate{Name: name, Claim: strings.ReplaceAll(claim, "\n", " "), Text: []byte(e.out.String())}
}

func described(s side) string {
	if len(s.docs) == 0 {
		return "no policy; it is detached"
	}
	var list []string
	for _, doc := range s.docs {
		list = append(list, fmt.Sprintf("%s, SHA-256 %x", oneLine(doc.Name), sha256.Sum256(doc.Bytes())))
	}
	return strings.Join(list, "\nand: ")
}

// section begins a part of the file with a comment.
func (e *encoder) section(format string, args ...any) {
	e.blank()
	e.comment(format, args...)
}
