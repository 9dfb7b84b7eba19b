package cloudtrail

import (
	"bytes"
	"errors"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// valueKind is what a value is.
type valueKind uint8

const (
	absent valueKind = iota
	scalar
	list
	object
)

// value is a value of a column that has a structure: JSON, or a struct as Athena prints
// it, {type=IAMUser, arn=arn:aws:iam::123456789012:user/Ann}. Names are in lower case but
// for those of JSON inside.
type value struct {
	kind    valueKind
	text    string
	members map[string]value
	order   []string // the members' names as written
	items   []value
}

func (v value) at(path ...string) value {
	for _, name := range path {
		v = v.members[name]
	}
	return v
}

func (v value) bytes() []byte {
	if v.kind != scalar {
		return nil
	}
	return []byte(v.text)
}

// String is the text of a scalar, and JSON of the rest.
func (v value) String() string {
	if v.kind == scalar {
		return v.text
	}
	return string(v.json(nil))
}

// json appends v as JSON. Numbers become texts.
func (v value) json(out []byte) []byte {
	switch v.kind {
	case scalar:
		return appendQuoted(out, v.text)
	case list:
		out = append(out, '[')
		for i, item := range v.items {
			if i > 0 {
				out = append(out, ',')
			}
			out = item.json(out)
		}
		return append(out, ']')
	case object:
		out = append(out, '{')
		for i, name := range v.order {
			if i > 0 {
				out = append(out, ',')
			}
			out = appendQuoted(out, name)
			out = append(out, ':')
			out = v.members[strings.ToLower(name)].json(out)
		}
		return append(out, '}')
	case absent:
	}
	return append(out, "null"...)
}

// appendQuoted appends a text in quotes. What isn't UTF-8 becomes U+FFFD.
func appendQuoted(out []byte, text string) []byte {
	quoted, err := jsontext.AppendQuote(out, strings.ToValidUTF8(text, "\uFFFD"))
	if err != nil {
		panic(err) // all UTF-8 can be quoted
	}
	return quoted
}

func (v *value) set(name string, member value) {
	if v.members == nil {
		v.members = map[string]value{}
	}
	lower := strings.ToLower(name)
	if _, ok := v.members[lower]; !ok {
		v.order = append(v.order, name)
	}
	v.members[lower] = member
}

// parseValue reads the text of a column.
func parseValue(text string) (value, error) {
	switch text = strings.TrimSpace(text); {
	case text == "" || text == "null" || text == "-":
		return value{}, nil
	case jsontext.Value(text).IsValid(jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true)):
		return parseJSON([]byte(text))
	}
	p := structParser{rest: text}
	v := p.value(0)
	if p.rest != "" || p.bad {
		return value{}, errors.New("want JSON, or a struct as Athena prints it: {type=…, arn=…}")
	}
	return v, nil
}

func parseJSON(text []byte) (value, error) {
	dec := jsontext.NewDecoder(bytes.NewReader(text), jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
	return decodeValue(dec)
}

func decodeValue(dec *jsontext.Decoder) (value, error) {
	tok, err := dec.ReadToken()
	if err != nil {
		return value{}, err
	}
	v := value{}
	switch tok.Kind() {
	case 'n':
	case '{':
		v.kind = object
		for dec.PeekKind() == '"' {
			name, err := dec.ReadToken()
			if err != nil {
				return v, err
			}
			key := name.String()
			member, err := decodeValue(dec)
			if err != nil {
				return v, err
			}
			v.set(key, member)
		}
		_, err = dec.ReadToken()
	case '[':
		v.kind = list
		for dec.PeekKind() != ']' {
			item, err := decodeValue(dec)
			if err != nil {
				return v, err
			}
			v.items = append(v.items, item)
		}
		_, err = dec.ReadToken()
	default:
		v.kind, v.text = scalar, tok.String()
	}
	return v, err
}

// structParser reads what Athena prints for a struct or an array of them. Values aren't
// quoted: one ends before ", name=" and before the bracket that closes its struct.
type structParser struct {
	rest string
	bad  bool
}

func (p *structParser) value(depth int) value {
	switch {
	case depth > 100:
		p.bad = true
		return value{}
	case strings.HasPrefix(p.rest, "{"):
		return p.fields(depth)
	case strings.HasPrefix(p.rest, "["):
		return p.list(depth)
	}
	end := p.scalarEnd()
	text := p.rest[:end]
	p.rest = p.rest[end:]
	if text == "null" || text == "" {
		return value{}
	}
	return value{kind: scalar, text: text}
}

func (p *structParser) fields(depth int) value {
	v := value{kind: object}
	p.rest = p.rest[1:]
	for !p.take("}") {
		name, rest, ok := strings.Cut(p.rest, "=")
		if !ok || !identifier(name) {
			p.bad, p.rest = true, ""
			return v
		}
		p.rest = rest
		v.set(name, p.value(depth+1))
		p.take(", ")
	}
	return v
}

func (p *structParser) list(depth int) value {
	v := value{kind: list}
	p.rest = p.rest[1:]
	for !p.take("]") {
		before := len(p.rest)
		v.items = append(v.items, p.value(depth+1))
		p.take(", ")
		if len(p.rest) == before {
			p.bad, p.rest = true, ""
			return v
		}
	}
	return v
}

func (p *structParser) take(text string) bool {
	rest, ok := strings.CutPrefix(p.rest, text)
	p.rest = rest
	return ok
}

// scalarEnd is where an unquoted value ends.
func (p *structParser) scalarEnd() int {
	for i := 0; i < len(p.rest); i++ {
		switch p.rest[i] {
		case '}', ']':
			return i
		case ',':
			after, ok := strings.CutPrefix(p.rest[i:], ", ")
			if !ok {
				continue
			}
			if name, _, ok := strings.Cut(after, "="); ok && identifier(name) || strings.HasPrefix(after, "{") {
				return i
			}
		}
	}
	return len(p.rest)
}

// identifier says whether a text may be a member's name.
func identifier(name string) bool {
	for i := range len(name) {
		if c := name[i] | ' '; (c < 'a' || c > 'z') && (name[i] < '0' || name[i] > '9') && name[i] != '_' && name[i] != '-' {
			return false
		}
	}
	return name != ""
}
