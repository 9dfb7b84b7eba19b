package policy

import (
	"slices"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/pare-iam/pare/internal/wildcard"
)

// Parse reads a policy document. The name is for messages and isn't opened.
//
// The error is an Errors with everything that is wrong: for a text that isn't JSON the
// first place, else every duplicate key, wrong type, missing element and bad value.
// The document keeps src; the caller must not change it afterwards.
func Parse(name string, src []byte) (*Document, error) {
	r := &reporter{name: name, src: src}
	t := parseJSON(r)
	if t == nil {
		return nil, r.err(nil)
	}
	p := &parser{reporter: r, doc: &Document{Name: name, src: src, tape: t}, index: outside}
	p.document(node{tape: t})
	if err := r.err(t); err != nil {
		return nil, err
	}
	return p.doc, nil
}

type parser struct {
	*reporter
	doc   *Document
	index int      // of the statement that is being read, or outside
	slots Template // rooms for templates that are still to be given out
}

const outside = -1

// pointer is the JSON pointer of the object that is being read.
func (p *parser) pointer() string {
	switch {
	case p.index == outside:
		return ""
	case p.doc.statements.kind() == '{':
		return "/" + documentNames[elemStatement]
	}
	return "/" + documentNames[elemStatement] + "/" + strconv.Itoa(p.index)
}

// The elements of a document and of a statement, by index into the names.
const (
	elemVersion = iota
	elemID
	elemStatement
	documentElements
)

const (
	elemSid = iota
	elemEffect
	elemAction
	elemNotAction
	elemResource
	elemNotResource
	elemPrincipal
	elemNotPrincipal
	elemCondition
	statementElements
)

var documentNames = [documentElements]string{"Version", "Id", "Statement"}

var statementNames = [statementElements]string{
	"Sid", "Effect", "Action", "NotAction", "Resource", "NotResource", "Principal", "NotPrincipal", "Condition",
}

// element is one member of an object; both nodes are none when it is absent.
type element struct{ key, value node }

func (e element) present() bool { return e.key.kind() != 0 }

// elements sorts an object's members by their names into found. A key that the grammar
// doesn't have is noted; one that differs from a known name only in case is refused,
// because it can't be known what its author and AWS make of it.
func (p *parser) elements(object node, names []string, found []element) {
	for key, value := range object.members() {
		text := key.text()
		if i := slices.Index(names, text); i >= 0 {
			found[i] = element{key, value}
			continue
		}
		near := slices.IndexFunc(names, func(name string) bool { return len(name) == len(text) && strings.EqualFold(name, text) })
		if near >= 0 {
			p.at(key.start(), "element %s: write %q", quote(text), names[near])
			continue
		}
		pointer := p.pointer() + "/" + escapePointer(text)
		p.doc.Unknown = append(p.doc.Unknown, Unknown{Pointer: pointer, Key: text, Span: key.span()})
	}
}

const wantDocument = `want a policy document, {"Version": "2012-10-17", "Statement": […]}`

func (p *parser) document(root node) {
	if root.kind() != '{' {
		p.at(root.start(), "%s: %s%s", root.what(), wantDocument, textHint(root))
		return
	}
	var found [documentElements]element
	p.elements(root, documentNames[:], found[:])
	if v := found[elemVersion]; v.present() {
		p.doc.Version = p.version(v.value)
	}
	if id := found[elemID]; id.present() {
		p.doc.ID = p.str(id.value)
	}
	if st := found[elemStatement]; st.present() {
		p.doc.statements = st.value
		p.statementList(st.value)
		return
	}
	if key, advice := wrapped(root); advice != "" {
		p.at(key.start(), "%s", advice)
		return
	}
	p.at(root.start(), "no Statement: %s%s", wantDocument, p.slip(0, "Statement"))
}

// slip names an element of the present object that the grammar doesn't have and that
// may be meant for one which is missing. known is how many such elements the document
// had before this object.
func (p *parser) slip(known int, missing ...string) string {
	for _, u := range p.doc.Unknown[known:] {
		for _, name := range missing {
			if commonPrefix(u.Key, name) >= 2 {
				return "; is " + quote(u.Key).String() + " meant for " + name + "?"
			}
		}
	}
	return ""
}

func (p *parser) version(n node) Version {
	switch n.text() {
	case "2012-10-17":
		return Version2012
	case "2008-10-17":
		return Version2008
	}
	p.at(n.start(), `%s: want "2012-10-17" or "2008-10-17"`, n.what())
	return Version2008
}

// str reads a string, which may be empty: IAM's console writes empty Sids.
func (p *parser) str(n node) string {
	if n.kind() != '"' {
		p.at(n.start(), "%s: want a string", n.what())
		return ""
	}
	return n.text()
}

// each reads a string or a list of them. It refuses an empty list, and reports what
// isn't a string or is empty.
func (p *parser) each(n node, want string, read func(n node)) {
	if n.kind() == '[' && n.empty() {
		p.at(n.start(), "empty list: want at least one %s", want)
		return
	}
	for elem := range n.list() {
		switch {
		case elem.kind() != '"':
			p.at(elem.start(), "%s: want a string, one %s", elem.what(), want)
		case elem.text() == "":
			p.at(elem.start(), "empty string: want one %s", want)
		default:
			read(elem)
		}
	}
}

func (p *parser) statementList(n node) {
	switch {
	case n.kind() != '[' && n.kind() != '{':
		p.at(n.start(), "%s: want a statement (an object) or a list of them", n.what())
		return
	case n.kind() == '[' && n.empty():
		p.at(n.start(), "empty list: want at least one statement")
		return
	}
	p.doc.Statements = make([]Statement, 0, n.count())
	var sids nameSet
	for elem := range n.list() {
		if elem.kind() != '{' {
			p.at(elem.start(), "%s: want a statement, an object", elem.what())
			continue
		}
		p.statement(elem, &sids)
	}
}

func (p *parser) statement(n node, sids *nameSet) {
	p.index = len(p.doc.Statements)
	var found [statementElements]element
	known := len(p.doc.Unknown)
	p.elements(n, statementNames[:], found[:])
	st := Statement{Index: p.index, Span: n.span(), node: n}
	if e := found[elemSid]; e.present() {
		st.Sid = p.sid(e.value, sids)
	}
	if e := found[elemEffect]; e.present() {
		st.Effect = p.effect(e.value)
	} else {
		p.at(n.start(), "no Effect: every statement has one%s", p.slip(known, "Effect"))
	}
	if e, not := p.oneOf(found[:], elemAction); e.present() {
		st.Action = p.actions(e.value, not)
	} else {
		p.at(n.start(), "no Action or NotAction: every statement has one%s", p.slip(known, "Action", "NotAction"))
	}
	if e, not := p.oneOf(found[:], elemResource); e.present() {
		st.Resource = p.resources(e.value, not)
	}
	if e, not := p.oneOf(found[:], elemPrincipal); e.present() {
		st.Principal = p.principals(e.value, not)
	}
	if e := found[elemCondition]; e.present() {
		st.Conditions = p.conditions(e.value)
	}
	p.doc.Statements = append(p.doc.Statements, st)
}

// oneOf picks an element or its negation, which follows it in the list of names, and
// says whether it is the negation. Both together are refused.
func (p *parser) oneOf(found []element, which int) (e element, not bool) {
	e, negation := found[which], found[which+1]
	if !negation.present() {
		return e, false
	}
	if e.present() {
		second := max(e.key.start(), negation.key.start())
		p.at(second, "both %[1]s and Not%[1]s: want one of them", statementNames[which])
	}
	return negation, true
}

func (p *parser) sid(n node, sids *nameSet) string {
	sid := p.str(n)
	if sid != "" && !sids.add(sid) {
		p.at(n.start(), "Sid %s stands in an earlier statement too: Sids are unique in a document", quote(sid))
	}
	return sid
}

func (p *parser) effect(n node) Effect {
	switch {
	case n.kind() == '"' && n.text() == "Allow":
		return Allow
	case n.kind() == '"' && n.text() == "Deny":
		return Deny
	}
	p.at(n.start(), `%s: want "Allow" or "Deny", exactly so`, n.what())
	return 0
}

func (p *parser) actions(n node, not bool) Actions {
	a := Actions{Not: not, node: n, Entries: make([]ActionEntry, 0, n.count())}
	list := n.span()
	lower := wildcard.Fold(n.tape.text[list.Start:list.End]) // of all entries at once: they share it
	p.each(n, "action", func(n node) {
		text, span := n.text(), n.span()
		folded := lower[span.Start+1-list.Start : span.End-1-list.Start]
		if n.escaped() {
			folded = wildcard.Fold(text)
		}
		pattern, err := parseFolded(folded)
		if err != nil {
			p.at(n.start(), "%s: %v", quote(text), err)
			return
		}
		a.Entries = append(a.Entries, ActionEntry{Text: text, Pattern: pattern, Span: span})
	})
	return a
}

func (p *parser) resources(n node, not bool) Resources {
	rs := Resources{Present: true, Not: not, Entries: make([]ResourceEntry, 0, n.count())}
	p.each(n, "resource", func(n node) {
		rs.Entries = append(rs.Entries, ResourceEntry{Text: n.text(), Template: p.template(n, true, true), Span: n.span()})
	})
	return rs
}

func (p *parser) principals(n node, not bool) Principals {
	ps := Principals{Present: true, Not: not}
	switch {
	case n.kind() == '"' && n.text() == "*":
		ps.Entries = []PrincipalEntry{{Kind: PrincipalAny, Text: "*", Span: n.span()}}
	case n.kind() == '{' && !n.empty():
		for key, value := range n.members() {
			kind, ok := principalKind(key.text())
			if !ok {
				p.at(key.start(), "principal kind %s: want AWS, Service, Federated or CanonicalUser", key.what())
				continue
			}
			p.each(value, "principal", func(n node) {
				ps.Entries = append(ps.Entries, PrincipalEntry{Kind: kind, Text: n.text(), Span: n.span()})
			})
		}
	default:
		p.at(n.start(), `%s: want "*" or an object such as {"AWS": "arn:aws:iam::123456789012:role/name"}`, n.what())
	}
	return ps
}

func principalKind(key string) (PrincipalKind, bool) {
	switch key {
	case "AWS":
		return PrincipalAWS, true
	case "Service":
		return PrincipalService, true
	case "Federated":
		return PrincipalFederated, true
	case "CanonicalUser":
		return PrincipalCanonical, true
	}
	return PrincipalAny, false
}

func (p *parser) conditions(n node) []Condition {
	if n.kind() != '{' {
		p.at(n.start(), `%s: want an object such as {"StringEquals": {"aws:RequestedRegion": "eu-west-1"}}`, n.what())
		return nil
	}
	var out []Condition
	for operator, keys := range n.members() {
		op, ok := parseOperator(operator.text())
		if !ok {
			p.at(operator.start(), "operator %s: %s", operator.what(), wantOperator(operator.text()))
			continue
		}
		if keys.kind() != '{' {
			p.at(keys.start(), `%s: want an object of condition keys and their values`, keys.what())
			continue
		}
		for key, values := range keys.members() {
			out = append(out, p.condition(op, key, values))
		}
	}
	return out
}

func (p *parser) condition(op Operator, key, values node) Condition {
	text := key.text()
	if !strings.Contains(text, ":") {
		p.at(key.start(), `condition key %s: want prefix:name, such as "aws:SourceIp"`, quote(text))
	}
	c := Condition{Operator: op, Key: wildcard.Fold(text), KeyText: text, Span: key.span()}
	if values.kind() == '[' && values.empty() {
		return c
	}
	c.Values = make([]ConditionValue, 0, values.count())
	for v := range values.list() {
		if !scalar(v.kind()) {
			p.at(v.start(), "%s: want a string, number or boolean", v.what())
			continue
		}
		t := p.template(v, op.Comparison.TakesWildcards(), op.Comparison.TakesVariables())
		c.Values = append(c.Values, ConditionValue{Text: v.text(), Template: t, Span: v.span()})
	}
	return c
}

// scalar says whether a value of the kind may stand in a condition.
func scalar(kind jsontext.Kind) bool {
	switch kind {
	case '"', '0', 't', 'f':
		return true
	}
	return false
}

// slot is an empty template with room for one part, which is what most have. Rooms are
// made a few at a time.
func (p *parser) slot() Template {
	if len(p.slots) == 0 {
		p.slots = make(Template, 8)
	}
	slot := p.slots[:0:1]
	p.slots = p.slots[1:]
	return slot
}

// template reads a text's wildcards and, from version 2012 on, its policy variables.
func (p *parser) template(n node, wildcards, variables bool) Template {
	text := n.text()
	if text == "" {
		return nil
	}
	t, problem := p.slot().parse(text, wildcards, variables && p.doc.Version == Version2012)
	if problem != "" {
		p.at(n.start(), "%s: %s", n.what(), problem)
	}
	return t
}
