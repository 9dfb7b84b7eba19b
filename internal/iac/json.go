package iac

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/pare-iam/pare/policy"
)

// maxDepth is how deep JSON may nest. A template with policies in it needs a dozen levels.
const maxDepth = 64

// Embedded says what isn't JSON in JSON that is part of a template of Terraform. The zero
// value is plain JSON.
type Embedded struct {
	// Holes are the interpolations, and directives such as %{ if x }, in order: places in
	// the file, with their braces.
	Holes []policy.Span

	// Value is what hole i is. Text and Literal stand as if they were written there; List and
	// Object too, but not inside a string; Unknown is a hole of the string, or an Unknown
	// value, and its Text is the expression as written. Without Value all are unknown.
	Value func(i int) *Value

	// Scope is that of the placeholders.
	Scope string

	// Unescape undoes the template's escapes in a part of a string without holes: "$${" is
	// "${". Without it there are none.
	Unescape func(string) string
}

// ParseJSON reads a part of a file as one JSON value. Comments and trailing commas are
// taken, as is a byte order mark; a key that stands twice isn't, nor a text that isn't
// UTF-8. The error says path:line:column.
func ParseJSON(f *File, span policy.Span, e Embedded) (*Value, error) {
	src := f.Src[span.Start:span.End]
	if bytes.HasPrefix(src, []byte("\uFEFF")) {
		span.Start += len("\uFEFF")
		src = f.Src[span.Start:span.End]
	}
	if !utf8.Valid(src) {
		return nil, fmt.Errorf("%s: not UTF-8: save the file as UTF-8", f.Where(span.Start+invalidUTF8(src)))
	}
	m := &masker{file: f, span: span, holes: e.Holes, out: bytes.Clone(src), whole: map[int]int{}}
	if err := m.mask(); err != nil {
		return nil, err
	}
	r := &jsonReader{masker: m, Embedded: e, dec: jsontext.NewDecoder(bytes.NewBuffer(m.out), jsontext.AllowDuplicateNames(true))}
	v, err := r.value()
	if err != nil {
		return nil, r.where(err)
	}
	if _, more, err := r.token(); err == nil {
		return nil, fmt.Errorf("%s: more after the end of the JSON value", f.Where(span.Start+more.Start))
	} else if !errors.Is(err, io.EOF) {
		return nil, r.where(err)
	}
	return v, nil
}

func invalidUTF8(src []byte) int {
	at := 0
	for at < len(src) {
		r, n := utf8.DecodeRune(src[at:])
		if r == utf8.RuneError && n == 1 {
			break
		}
		at += n
	}
	return at
}

// masker makes plain JSON of the same length: comments and trailing commas become blanks,
// and holes become letters, in quotes where they stand outside a string.
type masker struct {
	file  *File
	span  policy.Span
	holes []policy.Span
	out   []byte
	whole map[int]int // the hole, by its place in out, of those outside strings

	at    int // in out
	hole  int // the next one
	comma int // place of the last comma, if nothing but blanks came since; else -1
	value bool
	depth int
}

func (m *masker) mask() error {
	m.comma = -1
	for m.at < len(m.out) {
		switch c := m.out[m.at]; {
		case m.inHole():
			if err := m.outside(); err != nil {
				return err
			}
		case c == '"':
			m.str()
			m.comma, m.value = -1, true
		case c == '/':
			m.comment()
		case c == ' ', c == '\t', c == '\r', c == '\n':
			m.at++
		default:
			if err := m.punctuation(c); err != nil {
				return err
			}
			m.at++
		}
	}
	return nil
}

// punctuation takes a byte outside strings that isn't blank.
func (m *masker) punctuation(c byte) error {
	switch c {
	case ',':
		m.comma = -1
		if m.value {
			m.comma = m.at
		}
		m.value = false
		return nil
	case '{', '[':
		if m.depth++; m.depth > maxDepth {
			return fmt.Errorf("%s: nested more than %d levels deep", m.file.Where(m.span.Start+m.at), maxDepth)
		}
		m.value = false
	case '}', ']':
		if m.comma >= 0 {
			m.out[m.comma] = ' '
		}
		m.depth--
		m.value = true
	default:
		m.value = c != ':'
	}
	m.comma = -1
	return nil
}

// inHole says whether the next hole begins here.
func (m *masker) inHole() bool {
	for m.hole < len(m.holes) && m.holes[m.hole].Start < m.span.Start+m.at {
		m.hole++ // it stood in a comment, or before the span
	}
	return m.hole < len(m.holes) && m.holes[m.hole].Start == m.span.Start+m.at
}

// outside masks a hole outside strings by a string.
func (m *masker) outside() error {
	if m.out[m.at] == '%' {
		return fmt.Errorf("%s: a template's directive outside a string: what it leaves isn't known", m.file.Where(m.span.Start+m.at))
	}
	from := m.at
	m.whole[from] = m.hole
	m.skipHole()
	m.out[from], m.out[m.at-1] = '"', '"'
	m.comma, m.value = -1, true
	return nil
}

// skipHole writes letters over a hole; it has two bytes or more.
func (m *masker) skipHole() {
	end := min(m.holes[m.hole].End-m.span.Start, len(m.out))
	for ; m.at < end; m.at++ {
		m.out[m.at] = 'x'
	}
	m.hole++
}

// str goes to the end of a string.
func (m *masker) str() {
	for m.at++; m.at < len(m.out); {
		switch {
		case m.inHole():
			m.skipHole()
		case m.out[m.at] == '\\':
			m.at++
			if m.at < len(m.out) && !m.inHole() {
				m.at++
			}
		case m.out[m.at] == '"':
			m.at++
			return
		default:
			m.at++
		}
	}
}

// comment writes blanks over a comment; a lone slash stays, and isn't JSON.
func (m *masker) comment() {
	n := commentLen(m.out[m.at:], JSON)
	if n == 0 {
		m.at++
		m.comma = -1
		return
	}
	for end := m.at + n; m.at < end; m.at++ {
		if c := m.out[m.at]; c != '\n' && c != '\r' {
			m.out[m.at] = ' '
		}
	}
}

// jsonReader makes values of the masked text, which is plain JSON.
type jsonReader struct {
	*masker
	Embedded
	dec *jsontext.Decoder
}

// where adds the place to an error of the decoder.
func (r *jsonReader) where(err error) error {
	syn, ok := errors.AsType[*jsontext.SyntacticError](err)
	switch {
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return fmt.Errorf("%s: JSON that ends too early", r.file.Where(r.span.End))
	case ok:
		return fmt.Errorf("%s: not JSON: %w", r.file.Where(r.span.Start+int(syn.ByteOffset)), syn.Err)
	}
	return err
}

// token reads a token and says where it stands in out.
func (r *jsonReader) token() (jsontext.Token, policy.Span, error) {
	from := int(r.dec.InputOffset())
	tok, err := r.dec.ReadToken()
	if err != nil {
		return tok, policy.Span{}, err
	}
	for strings.IndexByte(" \t\r\n,:", r.out[from]) >= 0 {
		from++
	}
	return tok, policy.Span{Start: from, End: int(r.dec.InputOffset())}, nil
}

// value reads one value. The recursion is as deep as the masker allows.
func (r *jsonReader) value() (*Value, error) {
	tok, span, err := r.token()
	if err != nil {
		return nil, err
	}
	v := &Value{File: r.file, Lang: JSON, Span: policy.Span{Start: r.span.Start + span.Start, End: r.span.Start + span.End}}
	switch tok.Kind() {
	case '{':
		v.Kind = Object
		return v, r.members(v)
	case '[':
		v.Kind, v.Form = List, Brackets
		return v, r.entries(v)
	case '"':
		return r.text(v)
	default:
		v.Kind, v.Text = Literal, string(r.out[span.Start:span.End])
		return v, nil
	}
}

func (r *jsonReader) members(v *Value) error {
	keys := map[string]bool{}
	for r.dec.PeekKind() != '}' {
		key, err := r.value()
		if err != nil {
			return err
		}
		if key.Kind != Text {
			return fmt.Errorf("%s: a key that is computed: want one that is written here", r.file.Where(key.Start))
		}
		value, err := r.value()
		if err != nil {
			return err
		}
		if keys[key.Text] {
			return fmt.Errorf("%s: key %s stands twice in one object: keep one", r.file.Where(key.Start), key.Text)
		}
		keys[key.Text] = true
		v.Members = append(v.Members, Member{Key: key.Text, At: key.Span, Value: value})
	}
	return r.end(v)
}

func (r *jsonReader) entries(v *Value) error {
	for r.dec.PeekKind() != ']' {
		entry, err := r.value()
		if err != nil {
			return err
		}
		v.Entries = append(v.Entries, entry)
	}
	return r.end(v)
}

func (r *jsonReader) end(v *Value) error {
	_, span, err := r.token()
	v.End = r.span.Start + span.End
	return err
}

// text reads a string, or the hole that the masker made one of.
func (r *jsonReader) text(v *Value) (*Value, error) {
	if hole, ok := r.whole[v.Start-r.span.Start]; ok {
		return r.standsFor(v, hole), nil
	}
	v.Kind = Text
	at := v.Start + 1
	first, _ := slices.BinarySearchFunc(r.holes, v.Start, func(s policy.Span, at int) int { return s.Start - at })
	for i := first; i < len(r.holes) && r.holes[i].Start < v.End; i++ {
		if err := r.piece(v, at, r.holes[i].Start); err != nil {
			return nil, err
		}
		if why := r.fill(v, i); why != "" {
			return &Value{File: v.File, Span: v.Span, Lang: JSON, Text: string(r.file.Src[v.Start:v.End]), Why: why}, nil
		}
		at = r.holes[i].End
	}
	return v, r.piece(v, at, v.End-1)
}

// piece adds to a text what the file has between two places of a string.
func (r *jsonReader) piece(v *Value, from, to int) error {
	raw := string(r.file.Src[from:to])
	if r.Unescape != nil {
		raw = r.Unescape(raw)
	}
	text, err := jsontext.AppendUnquote(nil, `"`+raw+`"`)
	if err != nil {
		return fmt.Errorf("%s: a string that isn't JSON: %w", r.file.Where(from), err)
	}
	v.Text += string(text)
	return nil
}

func (r *jsonReader) hole(i int) *Value {
	if r.Value == nil {
		return &Value{Text: string(r.file.Src[r.holes[i].Start:r.holes[i].End])}
	}
	return r.Value(i)
}

// fill adds to a text what stands in one of its holes. Why is what makes the text unknown.
func (r *jsonReader) fill(v *Value, i int) (why string) {
	if r.file.Src[r.holes[i].Start] == '%' {
		return "a template's directive"
	}
	known := r.hole(i)
	switch known.Kind {
	case Unknown:
		start := len(v.Text)
		v.Text += Placeholder(r.Scope, known.Text)
		v.Holes = append(v.Holes, Hole{Span: policy.Span{Start: start, End: len(v.Text)}, Expr: known.Text})
	case Text, Literal:
		if strings.ContainsFunc(known.Text, func(c rune) bool { return c < ' ' || c == '"' || c == '\\' }) {
			return "an interpolation of a text with quotes, backslashes or line breaks"
		}
		for _, h := range known.Holes {
			h.Start, h.End = h.Start+len(v.Text), h.End+len(v.Text)
			v.Holes = append(v.Holes, h)
		}
		v.Text += known.Text
	case List, Object:
		return "an interpolation of a list or an object in a string"
	}
	return ""
}

// standsFor is the value of a hole outside strings.
func (r *jsonReader) standsFor(v *Value, i int) *Value {
	known := r.hole(i)
	switch known.Kind {
	case List, Object, Literal:
		return known
	case Text:
		return &Value{File: v.File, Span: v.Span, Lang: JSON, Text: string(r.file.Src[v.Start:v.End]), Why: "an interpolation outside quotes"}
	case Unknown:
	}
	why := known.Why
	if why == "" {
		why = "an interpolation"
	}
	return &Value{File: v.File, Span: v.Span, Lang: JSON, Text: known.Text, Why: why}
}
