package access

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/pare-iam/pare/internal/wildcard"
	"github.com/pare-iam/pare/policy"
)

// Request is one request to AWS: who does what to which resource, and what else is
// known of it.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/intro-structure.html#intro-structure-request
type Request struct {
	Principal       string // an ARN, or a service's name; "" is nobody in particular
	Action          policy.Action
	Resource        string // an ARN, or "*" for an action without a resource
	ResourceAccount string // "": the account in Resource, else the principal's
	Context         Context
}

// Context is the values of condition keys, by their names in lower case. A key that
// isn't there is absent, and so is one with no values. Only what stands here is known:
// nothing is derived from the other fields of a request, such as aws:PrincipalArn from
// its principal.
type Context map[string][]string

// single is the value of a key that has exactly one: a key with several can't be used as
// a policy variable.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-single-vs-multi-valued-context-keys.html
func (c Context) single(key string) (string, bool) {
	if values := c[key]; len(values) == 1 {
		return values[0], true
	}
	return "", false
}

// ParseRequest reads a request from JSON:
//
//	{"principal": "arn:…", "action": "s3:GetObject", "resource": "arn:…",
//	 "resourceAccount": "123456789012", "context": {"aws:TagKeys": ["a", "b"]}}
//
// Action and resource must be there. A context value is a string, a number or a boolean,
// or a list of them; an empty list is a key that is absent. The name is for messages and
// isn't opened. The error is a policy.Errors with everything that is wrong.
func ParseRequest(name string, src []byte) (Request, error) {
	r := &requestReader{name: name, src: src, dec: jsontext.NewDecoder(bytes.NewReader(src), jsontext.AllowDuplicateNames(true))}
	r.read()
	if len(r.errs) > 0 {
		return Request{}, r.errs
	}
	return r.req, nil
}

// requestReader reads token by token, so that each mistake has its place. A text that
// isn't JSON ends it at the first.
type requestReader struct {
	name string
	src  []byte
	dec  *jsontext.Decoder
	req  Request
	errs policy.Errors
}

func (r *requestReader) at(offset int, pointer, format string, args ...any) {
	line, column := policy.Position(r.src, offset)
	r.errs = append(r.errs, &policy.Error{
		Name: r.name, Line: line, Column: column, Pointer: pointer, Message: fmt.Sprintf(format, args...),
	})
}

// next is the offset at which the next token starts.
func (r *requestReader) next() int {
	from := int(r.dec.InputOffset())
	for from < len(r.src) && strings.IndexByte(" \t\r\n,:", r.src[from]) >= 0 {
		from++
	}
	return from
}

func (r *requestReader) read() {
	start := r.next()
	if kind := r.dec.PeekKind(); kind != '{' && kind != 0 {
		r.at(start, "", `%s: want a request, {"principal": …, "action": …, "resource": …, "context": {…}}`, kindName(kind))
		return
	}
	if err := r.members("", r.field); err != nil {
		r.syntax(err)
		return
	}
	end := r.next()
	if _, err := r.dec.ReadToken(); err == nil {
		r.at(end, "", "more after the request's end: want one JSON object")
	} else if !errors.Is(err, io.EOF) {
		r.syntax(err)
	}
	if len(r.errs) > 0 {
		return
	}
	if r.req.Action == (policy.Action{}) {
		r.at(start, "", `no action: want "action": "service:Name"`)
	}
	if r.req.Resource == "" {
		r.at(start, "", `no resource: want "resource": "arn:…", or "*" for an action without one`)
	}
}

func (r *requestReader) syntax(err error) {
	var syn *jsontext.SyntacticError
	switch {
	case errors.Is(err, io.ErrUnexpectedEOF):
		r.at(len(r.src), "", "ends in the middle of a value: want one JSON object, closed")
	case errors.Is(err, io.EOF):
		r.at(0, "", "empty: want a request, a JSON object")
	case errors.As(err, &syn) && syn.Err != nil:
		r.at(int(syn.ByteOffset), string(syn.JSONPointer), "not JSON: %v", syn.Err)
	default:
		r.at(r.next(), "", "not JSON: %v", err)
	}
}

// requestMember is a key on the way to its value.
type requestMember struct {
	key, pointer string
	offset       int // of the key
}

// members hands each member of the next object to visit, which reads its value.
func (r *requestReader) members(pointer string, visit func(requestMember) error) error {
	if _, err := r.dec.ReadToken(); err != nil {
		return err
	}
	seen := map[string]bool{}
	for r.dec.PeekKind() != '}' {
		offset := r.next()
		tok, err := r.dec.ReadToken()
		if err != nil {
			return err
		}
		key := tok.String()
		m := requestMember{key, pointer + "/" + strings.NewReplacer("~", "~0", "/", "~1").Replace(key), offset}
		if seen[key] {
			r.at(offset, m.pointer, "key %q stands twice in one object: keep one", key)
		}
		seen[key] = true
		if err := visit(m); err != nil {
			return err
		}
	}
	_, err := r.dec.ReadToken()
	return err
}

func (r *requestReader) field(m requestMember) error {
	switch m.key {
	case "principal":
		return r.text(m, func(s string, _ int) { r.req.Principal = s })
	case "action":
		return r.text(m, func(s string, offset int) { r.action(s, m.pointer, offset) })
	case "resource":
		return r.text(m, func(s string, _ int) { r.req.Resource = s })
	case "resourceAccount":
		return r.text(m, func(s string, offset int) {
			account, ok := parseAccount(s)
			if !ok {
				r.at(offset, m.pointer, "%q: want an account's number, twelve digits", s)
			}
			r.req.ResourceAccount = account
		})
	case "context":
		return r.context(m)
	}
	r.at(m.offset, m.pointer, "unknown element %q: want principal, action, resource, resourceAccount or context", m.key)
	return r.dec.SkipValue()
}

// text reads a string that isn't empty.
func (r *requestReader) text(m requestMember, use func(s string, offset int)) error {
	offset := r.next()
	if kind := r.dec.PeekKind(); kind != '"' {
		if kind != 0 {
			r.at(offset, m.pointer, "%s: want a string", kindName(kind))
		}
		return r.dec.SkipValue()
	}
	tok, err := r.dec.ReadToken()
	if err != nil {
		return err
	}
	s := tok.String()
	if s == "" {
		r.at(offset, m.pointer, "empty string: want a value, or leave the element out")
		return nil
	}
	use(s, offset)
	return nil
}

func (r *requestReader) action(s, pointer string, offset int) {
	action, err := policy.ParseAction(s)
	if err != nil {
		r.at(offset, pointer, "%q: %v", s, err)
	}
	r.req.Action = action
}

func (r *requestReader) context(m requestMember) error {
	offset := r.next()
	if kind := r.dec.PeekKind(); kind != '{' {
		if kind != 0 {
			r.at(offset, m.pointer, `%s: want an object of condition keys and their values, {"aws:SourceIp": "203.0.113.7"}`, kindName(kind))
		}
		return r.dec.SkipValue()
	}
	r.req.Context = Context{}
	first := map[string]string{} // keys as written, by their names in lower case
	return r.members(m.pointer, func(m requestMember) error {
		key := wildcard.Fold(m.key)
		if other, dup := first[key]; dup && other != m.key {
			r.at(m.offset, m.pointer, "key %q is the key %q in other letters, and condition keys have no case: keep one", m.key, other)
		}
		first[key] = m.key
		values, err := r.values(m)
		if len(values) > 0 {
			r.req.Context[key] = values
		}
		return err
	})
}

// values reads a scalar, or a list of scalars.
func (r *requestReader) values(m requestMember) ([]string, error) {
	if r.dec.PeekKind() != '[' {
		s, err := r.scalar(m.pointer)
		return []string{s}, err
	}
	if _, err := r.dec.ReadToken(); err != nil {
		return nil, err
	}
	var out []string
	for r.dec.PeekKind() != ']' {
		s, err := r.scalar(m.pointer + "/" + strconv.Itoa(len(out)))
		if err != nil {
			return nil, err
		}
		out = append(out, s)
	}
	_, err := r.dec.ReadToken()
	return out, err
}

// scalar reads a string, or a number or a boolean as its text.
func (r *requestReader) scalar(pointer string) (string, error) {
	offset := r.next()
	switch kind := r.dec.PeekKind(); kind {
	case '"', '0', 't', 'f', 0:
		tok, err := r.dec.ReadToken()
		if err != nil {
			return "", err
		}
		return tok.String(), nil
	default:
		r.at(offset, pointer, "%s: want a string, number or boolean, or a list of them", kindName(kind))
		return "", r.dec.SkipValue()
	}
}

// kindName names a kind of JSON value in messages.
func kindName(kind jsontext.Kind) string {
	switch kind {
	case '{':
		return "an object"
	case '[':
		return "a list"
	case '"':
		return "a string"
	case '0':
		return "a number"
	}
	return kind.String()
}
