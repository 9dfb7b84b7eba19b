package iac

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/pare-iam/pare/policy"
)

// NotEditableError says that a policy in a file can't be read or changed, and why. The
// policy itself may be in order.
type NotEditableError struct {
	Where  string // path:line:column; "" if it is written nowhere
	Reason string
}

// Error is "where: reason".
func (e *NotEditableError) Error() string {
	if e.Where == "" {
		return e.Reason
	}
	return e.Where + ": " + e.Reason
}

func notEditable(v *Value, format string, args ...any) error {
	return &NotEditableError{v.Where(), fmt.Sprintf(format, args...)}
}

// Policy is a source's policy as IAM has it.
type Policy struct {
	// Doc is the policy as a JSON document with placeholders for what isn't known. An entry
	// of an action list that isn't known, wholly or in part, is an action of no service,
	// "pare-unknown-0123456789abcdef:x".
	Doc *policy.Document

	source     *Source
	statements *Value   // a List
	actions    []*Value // of each statement: a List
}

// Policy reads the source's document. The error is a *NotEditableError if it has none, if
// what isn't known could be anything (a statement, its effect or its actions as a whole,
// its principal, the version), or if it isn't a policy.
func (s *Source) Policy() (*Policy, error) {
	if s.Document == nil {
		reason := s.Problem
		if reason == "" {
			reason = "the policy isn't known"
		}
		return nil, &NotEditableError{s.problemAt(), reason}
	}
	r := &policyReader{writer: newWriter(placeholder), p: &Policy{source: s}}
	if err := r.document(s.Document); err != nil {
		return nil, err
	}
	doc, err := policy.Parse(s.File.Path, r.bytes())
	if err != nil {
		return nil, s.located(err)
	}
	r.p.Doc = doc
	return r.p, nil
}

func (s *Source) problemAt() string {
	if s.ProblemAt == "" {
		return s.Where()
	}
	return s.ProblemAt
}

// located turns the first error of the JSON that was made into one of the file.
func (s *Source) located(err error) error {
	where, reason := s.Where(), err.Error()
	if all, ok := errors.AsType[policy.Errors](err); ok {
		reason = all[0].Message
		if at := s.Document.lookup(all[0].Pointer).Where(); at != "" {
			where = at
		}
	}
	return &NotEditableError{where, reason}
}

// lookup is the innermost value that a JSON pointer leads to.
func (v *Value) lookup(pointer string) *Value {
	for token := range jsontext.Pointer(pointer).Tokens() {
		next := v.Get(token)
		if i, err := strconv.Atoi(token); next == nil && err == nil && i < len(asList(v).Entries) {
			next = asList(v).Entries[i]
		}
		if next == nil {
			break
		}
		v = next
	}
	return v
}

// asList is a list, or one value where a list may stand as a list.
func asList(v *Value) *Value {
	if v.Kind == List {
		return v
	}
	return &Value{Kind: List, Form: Alone, File: v.File, Span: v.Span, Lang: v.Lang, Entries: []*Value{v}, Why: v.Why}
}

// placeholder is what a value is in the document.
func placeholder(v *Value) string {
	if v.Kind == Unknown {
		return Placeholder("", v.expr())
	}
	return v.Text
}

// policyReader writes a source's tree as a policy document.
type policyReader struct {
	*writer
	p *Policy
}

func (r *policyReader) document(v *Value) error {
	if v.Kind != Object || v.Get("Statement") == nil {
		return notEditable(v, "not a policy: want an object with a Statement%s", because(v))
	}
	r.put(jsontext.BeginObject)
	for _, m := range v.Members {
		r.put(jsontext.String(m.Key))
		switch m.Key {
		case "Statement":
			if err := r.statementList(m.Value); err != nil {
				return err
			}
		case "Version":
			if err := r.certain(m); err != nil {
				return err
			}
		default:
			r.value(m.Value)
		}
	}
	r.put(jsontext.EndObject)
	return nil
}

// certain writes a text that must be known.
func (r *policyReader) certain(m Member) error {
	if m.Value.Kind == Unknown || len(m.Value.Holes) > 0 {
		return notEditable(m.Value, "%s isn't known%s", m.Key, because(m.Value))
	}
	r.value(m.Value)
	return nil
}

func because(v *Value) string {
	if v.Kind != Unknown || v.Why == "" {
		return ""
	}
	return ": " + v.Why
}

func (r *policyReader) statementList(v *Value) error {
	if v.Kind == Unknown {
		return notEditable(v, "the statements aren't known%s", because(v))
	}
	r.p.statements = asList(v)
	r.put(jsontext.BeginArray)
	for _, st := range r.p.statements.Entries {
		if err := r.statement(st); err != nil {
			return err
		}
	}
	r.put(jsontext.EndArray)
	return nil
}

func (r *policyReader) statement(v *Value) error {
	switch v.Kind {
	case Unknown:
		return notEditable(v, "a statement isn't known%s", because(v))
	case Text, Literal, List:
		return notEditable(v, "not a statement: want an object")
	case Object:
	}
	r.p.actions = append(r.p.actions, nil)
	r.put(jsontext.BeginObject)
	for _, m := range v.Members {
		r.put(jsontext.String(m.Key))
		if err := r.element(m); err != nil {
			return err
		}
	}
	r.put(jsontext.EndObject)
	return nil
}

// element writes the value of a statement's element.
func (r *policyReader) element(m Member) error {
	switch m.Key {
	case "Effect":
		return r.certain(m)
	case "Principal", "NotPrincipal":
		if m.Value.Kind == Unknown {
			return notEditable(m.Value, "%s isn't known%s", m.Key, because(m.Value))
		}
		r.value(m.Value)
	case "Action", "NotAction":
		if m.Value.Kind == Unknown {
			return notEditable(m.Value, "%s isn't known%s", m.Key, because(m.Value))
		}
		r.actionList(m.Value)
	case "Condition":
		r.condition(m.Value)
	default:
		r.value(m.Value)
	}
	return nil
}

// actionList writes a list of actions, one that isn't known as one of no service.
func (r *policyReader) actionList(v *Value) {
	list := asList(v)
	r.p.actions[len(r.p.actions)-1] = list
	r.put(jsontext.BeginArray)
	for _, entry := range list.Entries {
		switch {
		case entry.Kind == Unknown, len(entry.Holes) > 0:
			r.put(jsontext.String(Placeholder("", entry.written()) + ":x"))
		default:
			r.value(entry)
		}
	}
	r.put(jsontext.EndArray)
}

// condition writes a condition. One that isn't known in whole, or of an operator, is one
// of a key that nobody has.
func (r *policyReader) condition(v *Value) {
	switch v.Kind {
	case Unknown:
		r.put(jsontext.BeginObject, jsontext.String("StringEquals"))
		r.keys(v)
		r.put(jsontext.EndObject)
	case Object:
		r.put(jsontext.BeginObject)
		for _, operator := range v.Members {
			r.put(jsontext.String(operator.Key))
			r.keys(operator.Value)
		}
		r.put(jsontext.EndObject)
	case Text, Literal, List: // which policy.Parse refuses
		r.value(v)
	}
}

// keys writes what an operator is applied to. A key that isn't known in whole gets the colon
// that every condition key has.
func (r *policyReader) keys(v *Value) {
	switch v.Kind {
	case Unknown:
		r.put(jsontext.BeginObject, jsontext.String(placeholder(v)+":x"), jsontext.String(placeholder(v)), jsontext.EndObject)
	case Object:
		r.put(jsontext.BeginObject)
		for _, m := range v.Members {
			key := m.Key
			if strings.HasPrefix(key, unknownPrefix) && !strings.Contains(key, ":") {
				key += ":x"
			}
			r.put(jsontext.String(key))
			r.value(m.Value)
		}
		r.put(jsontext.EndObject)
	case Text, Literal, List: // which policy.Parse refuses
		r.value(v)
	}
}

// Changes are the changes of the files' lists that edits of Doc are. The error is a
// *NotEditableError for a list that can't be changed; it wraps policy.ErrEmpty if a list
// or the policy would be left empty; any other error means that the edits aren't of Doc.
func (p *Policy) Changes(edits []policy.Edit) ([]Change, error) {
	if _, err := p.Doc.Splices(edits); err != nil {
		return nil, err
	}
	if p.source.Problem != "" {
		return nil, &NotEditableError{p.source.problemAt(), p.source.Problem}
	}
	out := make([]Change, 0, len(edits))
	for _, e := range edits {
		c := Change{List: p.statements, Entry: e.Statement}
		if e.Entry != policy.WholeStatement {
			c = Change{List: p.actions[e.Statement], Entry: e.Entry, In: e.In}
		}
		if err := p.editable(e, c); err != nil {
			return nil, err
		}
		out = append(out, c)
	}
	return out, nil
}

// editable says why a change can't be made, if so.
func (p *Policy) editable(e policy.Edit, c Change) error {
	around := []*Value{p.source.Document, p.statements}
	if e.Entry != policy.WholeStatement {
		around = append(around, p.statements.Entries[e.Statement], c.List)
	}
	for _, v := range around {
		if v.Why != "" {
			return notEditable(v, "%s", v.Why)
		}
	}
	if c.List.WhyWhole != "" {
		return notEditable(c.List, "%s", c.List.WhyWhole)
	}
	if c.List.Form != Blocks && c.List.File == nil {
		return &NotEditableError{p.source.Where(), "the list isn't written in a file"}
	}
	if c.Entry == len(c.List.Entries) {
		return nil
	}
	entry := c.List.Entries[c.Entry]
	switch {
	case e.Entry == policy.WholeStatement:
		return pinned(entry)
	case entry.Kind != Text || len(entry.Holes) > 0:
		return notEditable(entry, "%s isn't known%s", strings.TrimSpace(entry.written()), because(entry))
	case entry.Why != "":
		return notEditable(entry, "%s", entry.Why)
	}
	return nil
}

// pinned says why a value can't be taken away with all that is in it, if so: a value in it
// is known, but must stay as it is.
func pinned(v *Value) error {
	if v.Kind != Unknown && v.Why != "" {
		return notEditable(v, "%s", v.Why)
	}
	for _, entry := range v.Entries {
		if err := pinned(entry); err != nil {
			return err
		}
	}
	for _, m := range v.Members {
		if err := pinned(m.Value); err != nil {
			return err
		}
	}
	return nil
}
