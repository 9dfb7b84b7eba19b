package policy

import "strings"

// Kind is what a document is used as.
type Kind uint8

// The kinds of document.
const (
	Identity Kind = iota // attached to a user, group or role; boundaries, SCPs and session policies have its grammar too
	Resource             // attached to a resource, such as a bucket or a queue; a role's trust policy
)

// Check reports what the grammar allows but a document of this kind can't have, as
// Errors: an identity policy has no Principal, names a resource in every
// statement, and has Sids of letters and digits.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html#policies-grammar-notes
func (d *Document) Check(kind Kind) error {
	r := &reporter{name: d.Name, src: d.src}
	for i := range d.Statements {
		st := &d.Statements[i]
		switch kind {
		case Identity:
			checkIdentity(r, st)
		case Resource:
			if !st.Principal.Present {
				r.at(st.Start, "no Principal: a statement of a resource policy names who it is for")
			}
		}
	}
	return r.err(d.tape)
}

func checkIdentity(r *reporter, st *Statement) {
	for _, name := range []string{statementNames[elemPrincipal], statementNames[elemNotPrincipal]} {
		if key, _ := st.node.member(name); key.kind() != 0 {
			r.at(key.start(), "%s: an identity policy has none; its principal is the user, group or role it is attached to; is this a resource policy, or a role's trust policy?", name)
		}
	}
	if !st.Resource.Present {
		r.at(st.Start, "no Resource or NotResource: every statement of an identity policy has one")
	}
	if strings.ContainsFunc(st.Sid, func(c rune) bool { return !letter(c) && !digit(c) }) {
		_, sid := st.node.member(statementNames[elemSid])
		r.at(sid.start(), "Sid %s: want letters and digits only", sid.what())
	}
}

func letter(c rune) bool { return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' }

func digit(c rune) bool { return '0' <= c && c <= '9' }
