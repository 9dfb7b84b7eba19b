package prove

import (
	"crypto/sha256"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/pare-iam/pare/internal/wildcard"
	"github.com/pare-iam/pare/policy"
)

// side is one or several documents that are in force together: what some statement
// allows and none denies.
type side struct {
	name string // "old"
	docs []*policy.Document
}

// documentName is "old", or "new 2" for the second of several.
func (s side) documentName(i int) string {
	if len(s.docs) == 1 {
		return s.name
	}
	return fmt.Sprintf("%s %d", s.name, i+1)
}

func (s side) statementName(document, statement int) string {
	return fmt.Sprintf("%s statement %d", s.documentName(document), statement)
}

// encoder writes what documents mean in SMT-LIB 2.6 with strings. It is written from
// docs/semantics.md and shares nothing with the automata of package access, so that the
// two can be held against each other.
//
// A request is: the constants action and resource, and for each condition key whether it
// is there and its value. A side is a function of the action; the resource and the keys
// are constants, of which the solver may choose the values.
type encoder struct {
	keys []*contextKey // sorted by name
	key  map[string]*contextKey

	services []string // that an action pattern names, sorted
	out      strings.Builder
}

// encode writes the declarations and definitions of the sides. After them
// `(NAME action)` says that a side allows the request.
func encode(sides ...side) (*encoder, error) {
	keys, err := survey(sides)
	if err != nil {
		return nil, err
	}
	e := &encoder{keys: keys, key: map[string]*contextKey{}, services: services(sides)}
	for _, k := range keys {
		e.key[k.name] = k
	}
	e.request()
	for _, s := range sides {
		if err := e.side(s); err != nil {
			return nil, err
		}
	}
	return e, nil
}

// services lists the services that some action pattern names.
func services(sides []side) []string {
	var names []string
	for _, s := range sides {
		for _, doc := range s.docs {
			for _, st := range doc.Statements {
				for _, entry := range st.Action.Entries {
					if !entry.Pattern.AllServices() {
						names = append(names, entry.Pattern.Service)
					}
				}
			}
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

func (e *encoder) comment(format string, args ...any) {
	for line := range strings.SplitSeq(fmt.Sprintf(format, args...), "\n") {
		e.out.WriteString(strings.TrimRight("; "+line, " ") + "\n")
	}
}

func (e *encoder) blank() { e.out.WriteByte('\n') }

func (e *encoder) command(t term) {
	t.print(&e.out, 0)
	e.out.WriteByte('\n')
}

func (e *encoder) declare(name term, sort string) {
	e.command(app("declare-const", name, atom(sort)))
}

func (e *encoder) assert(t term) { e.command(app("assert", t)) }

// define defines a Boolean, a function of the action if it is said to be one.
func (e *encoder) define(name string, parameters, body term) {
	head := "(define-fun " + name + " " + parameters.head + " Bool"
	e.out.WriteString(head)
	if len(head)+1+body.size() < width {
		e.out.WriteByte(' ')
	} else {
		e.out.WriteString("\n  ")
	}
	body.print(&e.out, 2)
	e.out.WriteString(")\n")
}

var (
	noParameter     = atom("()")
	actionParameter = atom("((action String))")
	action          = atom("action")
	resource        = atom("resource")
)

func (e *encoder) request() {
	e.comment("The request. A resource is any string but the empty one.")
	e.declare(action, "String")
	e.declare(resource, "String")
	e.assert(not(equal(resource, quote(""))))
	e.comment("The action is service:name. Patterns are in lower case, because IAM compares actions without case.\n" +
		"Nothing more needs to be said of it: a character or a service that no pattern names is as good\n" +
		"as any other. Only a service without a name isn't an action.")
	for _, service := range e.services {
		e.assert(not(equal(action, quote(service+":"))))
	}
	for _, k := range e.keys {
		e.declareKey(k)
	}
}

func (e *encoder) declareKey(k *contextKey) {
	e.blank()
	switch {
	case k.multi && len(k.slots) > 1:
		e.comment("Condition key %s, of up to %d values. More of them change nothing: for each of the conditions on it keep\n"+
			"one value that it turns on, and drop the rest.", oneLine(k.name), len(k.slots))
	case k.multi:
		e.comment("Condition key %s, of one value. More of them change nothing: one condition turns on one of them.", oneLine(k.name))
	default:
		e.comment("Condition key %s: whether the request has it, and its value. No condition takes it for a set of values,\n"+
			"so it has one.", oneLine(k.name))
	}
	for i, s := range k.slots {
		e.declare(s.used, "Bool")
		if i > 0 {
			e.assert(app("=>", s.used, k.slots[i-1].used))
		}
		e.declareValue(k.read, s)
	}
}

func (e *encoder) declareValue(r reading, s slot) {
	switch r {
	case 0:
	case asText:
		e.declare(s.value, "String")
	case asBytes:
		e.comment("Its bytes, in base64.")
		e.declare(s.value, "String")
	case asNumber:
		e.declare(s.valid, "Bool")
		e.declare(s.value, "Real")
	case asDate:
		e.comment("In nanoseconds since 1970.")
		e.declare(s.valid, "Bool")
		e.declare(s.value, "Int")
	case asAddress:
		e.comment("An IPv4 or IPv6 address as a number.")
		e.declare(s.valid, "Bool")
		e.declare(s.isV6, "Bool")
		e.declare(s.value, "Int")
		e.assert(app("<=", integer(0), s.value))
		e.assert(app("<", s.value, app("ite", s.isV6, number(powerOfTwo(128)), number(powerOfTwo(32)))))
	default:
		panic(fmt.Sprintf("prove: unhandled reading %d", r))
	}
}

// side defines what the documents allow together.
func (e *encoder) side(s side) error {
	var allow, deny []term
	for i, doc := range s.docs {
		e.blank()
		e.comment("---- %s: %s, SHA-256 %x", s.documentName(i), oneLine(doc.Name), sha256.Sum256(doc.Bytes()))
		for j := range doc.Statements {
			st, name := &doc.Statements[j], s.statementName(i, j)
			if err := e.statement(name, doc, st); err != nil {
				return err
			}
			if st.Effect == policy.Deny {
				deny = append(deny, app("|"+name+"|", action))
			} else {
				allow = append(allow, app("|"+name+"|", action))
			}
		}
	}
	e.blank()
	e.comment("What %s allows: what an Allow statement matches, and no Deny statement does.", s.name)
	e.define("|"+s.name+" denies|", actionParameter, or(deny...))
	e.define(s.name, actionParameter, and(or(allow...), not(app("|"+s.name+" denies|", action))))
	return nil
}

// statement defines which requests a statement matches: NAME, of an action. That is,
// the action matches its list (NAME action), and the rest of the request matches the rest
// of it (NAME applies).
func (e *encoder) statement(name string, doc *policy.Document, st *policy.Statement) error {
	if err := expressible(doc, st); err != nil {
		return err
	}
	e.blank()
	e.comment("%s%s: %s", name, sidComment(st), st.Effect)
	e.comment("%s: %s", st.Action.Element(), texts(st.Action.Entries, func(a policy.ActionEntry) string { return a.Text }))
	e.define("|"+name+" action|", actionParameter, actionTerm(st.Action))
	var parts []term
	if st.Resource.Present {
		matches, err := e.resources(doc, st)
		if err != nil {
			return err
		}
		e.define("|"+name+" resource|", noParameter, matches)
		parts = append(parts, symbol(name+" resource"))
	}
	for i, c := range st.Conditions {
		holds, err := e.condition(doc, c)
		if err != nil {
			return err
		}
		e.comment("Condition: %s %s: %s", c.Operator, oneLine(c.Key), texts(c.Values, func(v policy.ConditionValue) string { return v.Text }))
		condition := fmt.Sprintf("|%s condition %d|", name, i+1)
		e.define(condition, noParameter, holds)
		parts = append(parts, atom(condition))
	}
	e.define("|"+name+" applies|", noParameter, and(parts...))
	e.define("|"+name+"|", actionParameter, app("and", app("|"+name+" action|", action), symbol(name+" applies")))
	return nil
}

// expressible refuses what isn't a statement of an identity policy, and characters that
// SMT-LIB's strings don't have.
func expressible(doc *policy.Document, st *policy.Statement) error {
	if st.Principal.Present {
		return &NotExpressibleError{doc.Where(st.Start), "it names a principal: want an identity policy"}
	}
	check := func(at int, text string) error {
		if strings.ContainsFunc(text, func(r rune) bool { return r > maxCodePoint }) {
			return &NotExpressibleError{doc.Where(at), fmt.Sprintf("a character beyond U+%X, the last one that SMT-LIB has", maxCodePoint)}
		}
		return nil
	}
	for _, a := range st.Action.Entries {
		if err := check(a.Start, a.Text); err != nil {
			return err
		}
	}
	for _, r := range st.Resource.Entries {
		if err := check(r.Start, r.Text); err != nil {
			return err
		}
	}
	for _, c := range st.Conditions {
		for _, v := range c.Values {
			if err := check(v.Start, v.Text); err != nil {
				return err
			}
		}
	}
	return nil
}

// actionTerm says that an action matches a list, as one regular expression with the
// names under their services: solvers evaluate that faster than entry by entry.
func actionTerm(a policy.Actions) term {
	var order []string
	names := map[string][]wildcard.Pattern{}
	matches := no
	for _, entry := range a.Entries {
		service := entry.Pattern.Service
		if entry.Pattern.AllServices() {
			matches = yes
		}
		if names[service] == nil {
			order = append(order, service)
		}
		names[service] = append(names[service], entry.Pattern.Name)
	}
	switch {
	case matches.is("true"):
	case len(a.Entries) == 1:
		matches = matchAction(a.Entries[0].Pattern)
	default:
		var union []term
		for _, service := range order {
			union = append(union, serviceRe(service, names[service]))
		}
		matches = inRe(action, reUnion(union))
	}
	if a.Not {
		return not(matches)
	}
	return matches
}

// serviceRe is the regular expression of patterns of names in a service.
func serviceRe(service string, names []wildcard.Pattern) term {
	prefix := wildcard.Literal(service + ":")
	if len(names) == 1 {
		return patternRe(wildcard.Concat(prefix, names[0]))
	}
	var union []term
	for _, name := range names {
		union = append(union, patternRe(name))
	}
	return reConcat([]term{patternRe(prefix), reUnion(union)})
}

func matchAction(p policy.ActionPattern) term {
	if p.AllServices() {
		return yes
	}
	return matchPattern(action, wildcard.Concat(wildcard.Literal(p.Service+":"), p.Name))
}

func (e *encoder) resources(doc *policy.Document, st *policy.Statement) (term, error) {
	element := "Resource"
	if st.Resource.Not {
		element = "NotResource"
	}
	e.comment("%s: %s", element, texts(st.Resource.Entries, func(r policy.ResourceEntry) string { return r.Text }))
	var any []term
	for _, entry := range st.Resource.Entries {
		match, problem := e.matchTemplate(resource, entry.Template)
		if problem != "" {
			return term{}, &NotExpressibleError{doc.Where(entry.Start), problem}
		}
		any = append(any, match)
	}
	if st.Resource.Not {
		return not(or(any...)), nil
	}
	return or(any...), nil
}

func sidComment(st *policy.Statement) string {
	if st.Sid == "" {
		return ""
	}
	return ", Sid " + oneLine(st.Sid)
}

// maxListed is how many entries of a list a comment names.
const maxListed = 8

func texts[T any](entries []T, text func(T) string) string {
	var list []string
	for i, entry := range entries {
		if i == maxListed {
			list = append(list, fmt.Sprintf("… (%d in all)", len(entries)))
			break
		}
		list = append(list, oneLine(text(entry)))
	}
	return strings.Join(list, ", ")
}

// oneLine keeps what an author wrote from ending a comment.
func oneLine(text string) string {
	if strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r > '~' }) {
		return strconv.QuoteToASCII(text)
	}
	return text
}
