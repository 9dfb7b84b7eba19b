package policy

import "fmt"

// Version is the version of the policy language that a document is written in.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_version.html
type Version uint8

// The versions. A document without a Version element is of 2008, where `${…}` is text
// and not a policy variable.
const (
	Version2008 Version = iota // "2008-10-17", or absent
	Version2012                // "2012-10-17"
)

// Effect is what a statement does with the requests it matches. The zero value is no
// effect, and stands in no parsed document.
type Effect uint8

// The effects.
const (
	_ Effect = iota
	Allow
	Deny
)

func (e Effect) String() string {
	switch e {
	case Allow:
		return "Allow"
	case Deny:
		return "Deny"
	}
	return "no effect"
}

// Document is a parsed policy document. It is not changed after Parse; Apply makes a
// new one.
type Document struct {
	Name       string // as given to Parse, for messages
	Version    Version
	ID         string // the Id element; "" when absent
	Statements []Statement
	Unknown    []Unknown // elements that the grammar doesn't have, in order

	src        []byte
	tape       *tape
	statements node // the value of the Statement element
}

// Bytes is the document as it was read. The caller must not change it.
func (d *Document) Bytes() []byte { return d.src }

// Where says name:line:col of a byte offset, for messages.
func (d *Document) Where(offset int) string {
	line, column := Position(d.src, offset)
	return fmt.Sprintf("%s:%d:%d", d.Name, line, column)
}

// Unknown is an element that the policy grammar doesn't have. It is kept as written and
// means nothing.
type Unknown struct {
	Pointer string // JSON pointer to its value
	Key     string
	Span    // of the key
}

// Statement is one statement of a document.
type Statement struct {
	Index      int    // its place in the document, from 0
	Sid        string // "" when absent
	Effect     Effect
	Principal  Principals  // absent in an identity policy
	Action     Actions     // never empty
	Resource   Resources   // absent in a trust policy
	Conditions []Condition // all must hold; empty when absent
	Span                   // of the statement's object

	node node
}

// Actions is a statement's Action or NotAction element.
type Actions struct {
	Not     bool // NotAction: every action but these
	Entries []ActionEntry

	node node
}

// Match says whether the element matches the action.
func (a Actions) Match(action Action) bool {
	for _, e := range a.Entries {
		if e.Pattern.Match(action) {
			return !a.Not
		}
	}
	return a.Not
}

// Span is where the element's value stands: the list with its brackets, or the one
// string.
func (a Actions) Span() Span { return a.node.span() }

// Element is the name of the element: Action or NotAction.
func (a Actions) Element() string {
	if a.Not {
		return "NotAction"
	}
	return "Action"
}

// ActionEntry is one entry of an Action or NotAction list.
type ActionEntry struct {
	Text    string // as written, unquoted
	Pattern ActionPattern
	Span    // of the JSON string, quotes included
}

// Resources is a statement's Resource or NotResource element.
type Resources struct {
	Present bool
	Not     bool // NotResource: every resource but these
	Entries []ResourceEntry
}

// ResourceEntry is one entry of a Resource or NotResource list.
type ResourceEntry struct {
	Text     string // as written, unquoted
	Template Template
	Span     // of the JSON string, quotes included
}

// PrincipalKind is the key under which a principal stands.
type PrincipalKind uint8

// The kinds of principal.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html
const (
	PrincipalAny       PrincipalKind = iota // "Principal": "*"
	PrincipalAWS                            // an account, role, user, session, or "*"
	PrincipalService                        // such as lambda.amazonaws.com
	PrincipalFederated                      // an identity provider
	PrincipalCanonical                      // CanonicalUser
)

// Principals is a statement's Principal or NotPrincipal element.
type Principals struct {
	Present bool
	Not     bool // NotPrincipal: everyone but these
	Entries []PrincipalEntry
}

// PrincipalEntry is one principal that a statement names.
type PrincipalEntry struct {
	Kind PrincipalKind
	Text string // as written; "*" is everyone of the kind
	Span        // of the JSON string, quotes included
}

// Condition is one operator applied to one key: a condition block of two operators
// with two keys each is four of them. All of a statement's conditions must hold.
type Condition struct {
	Operator Operator
	Key      string           // lower case: names of condition keys have none
	KeyText  string           // as written
	Values   []ConditionValue // none when the list is empty: AWS accepts that
	Span                      // of the key
}

// ConditionValue is one value that a condition compares with. One is enough to match.
type ConditionValue struct {
	Text     string   // as written, unquoted; numbers and booleans may stand without quotes
	Template Template // Text with its wildcards and variables told apart
	Span
}
