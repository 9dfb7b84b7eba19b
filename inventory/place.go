package inventory

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// reader reads the JSON values of a file one by one and knows where each stands.
type reader struct {
	name string
	want string // what the file should hold, for messages
	src  []byte
	dec  *jsontext.Decoder

	// where the last place was that somebody asked for: the next is mostly behind it
	offset, line, column int
}

// open looks at what a file begins with. Names that stand twice in an object aren't
// refused here: one broken policy shouldn't take the file with it.
func open(f File, want string) (*reader, error) {
	src := bytes.TrimPrefix(f.Bytes, []byte("\ufeff"))
	switch {
	case bytes.HasPrefix(src, []byte("\xff\xfe")), bytes.HasPrefix(src, []byte("\xfe\xff")):
		return nil, fmt.Errorf("%s: is UTF-16, as an older PowerShell's > writes it: want UTF-8; write it by: … | Out-File -Encoding utf8 %s", f.Name, f.Name)
	case len(bytes.TrimSpace(src)) == 0:
		return nil, fmt.Errorf("%s: the file is empty: want %s", f.Name, want)
	}
	dec := jsontext.NewDecoder(bytes.NewBuffer(src), jsontext.AllowDuplicateNames(true))
	return &reader{name: f.Name, want: want, src: src, dec: dec, line: 1, column: 1}, nil
}

// where says line:column of a byte offset, both from 1, columns in characters.
func (r *reader) where(offset int) string {
	if offset < r.offset {
		r.offset, r.line, r.column = 0, 1, 1
	}
	between := r.src[r.offset:offset]
	if n := bytes.Count(between, []byte("\n")); n > 0 {
		r.line += n
		r.column = 1
		between = between[bytes.LastIndexByte(between, '\n')+1:]
	}
	r.column += utf8.RuneCount(between)
	r.offset = offset
	return fmt.Sprintf("%d:%d", r.line, r.column)
}

// errorf is an error at an offset that says what the file should hold.
func (r *reader) errorf(offset int, format string, args ...any) error {
	return fmt.Errorf("%s:%s: %s: want %s", r.name, r.where(offset), fmt.Sprintf(format, args...), r.want)
}

// syntax is the error for a text that isn't JSON.
func (r *reader) syntax(err error) error {
	if errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) {
		return r.errorf(len(r.src), "the file breaks off here")
	}
	if syntactic, ok := errors.AsType[*jsontext.SyntacticError](err); ok {
		return r.errorf(int(syntactic.ByteOffset), "not JSON: %v", syntactic.Err)
	}
	return fmt.Errorf("%s: %w", r.name, err)
}

// next reads a value and says where it stands.
func (r *reader) next() (place, error) {
	value, err := r.dec.ReadValue()
	if err != nil {
		return place{}, r.syntax(err)
	}
	end := int(r.dec.InputOffset())
	return place{r, end - len(value), end}, nil
}

// ahead is the offset at which the next token starts.
func (r *reader) ahead() int {
	from := int(r.dec.InputOffset())
	for from < len(r.src) && strings.IndexByte(" \t\r\n,:", r.src[from]) >= 0 {
		from++
	}
	return from
}

// each calls read before every value of the file: one after another, or in an array.
func (r *reader) each(read func() error) error {
	for {
		switch r.dec.PeekKind() {
		case 0:
			if _, err := r.dec.ReadToken(); err != nil && !errors.Is(err, io.EOF) {
				return r.syntax(err)
			}
			return nil
		case '[':
			if err := r.array(read); err != nil {
				return err
			}
		default:
			if err := read(); err != nil {
				return err
			}
		}
	}
}

// array calls read before every value of an array, which must be next.
func (r *reader) array(read func() error) error {
	if kind, at := r.dec.PeekKind(), r.ahead(); kind != '[' && kind != 0 {
		return r.errorf(at, "found %s where a list should be", kindName(kind))
	}
	if _, err := r.dec.ReadToken(); err != nil {
		return r.syntax(err)
	}
	for r.dec.PeekKind() != ']' {
		if err := read(); err != nil {
			return err
		}
	}
	_, err := r.dec.ReadToken()
	return err
}

// place is where a JSON value stands.
type place struct {
	r          *reader
	start, end int
}

func (p place) where() string { return p.r.where(p.start) }

func (p place) raw() jsontext.Value { return p.r.src[p.start:p.end] }

// at is the place of a value inside p, or of the innermost around it where there is none.
func (p place) at(pointer jsontext.Pointer) place {
	inner := &reader{src: p.raw(), dec: jsontext.NewDecoder(bytes.NewBuffer(p.raw()), jsontext.AllowDuplicateNames(true))}
	here := 0
	for token := range pointer.Tokens() {
		if !inner.enter(token) {
			break
		}
		inner.dec.PeekKind()
		here = inner.ahead()
	}
	return place{p.r, p.start + here, p.end}
}

// enter goes into the next value, up to the member or element of that name. A text has
// none, be it a policy's, URL-encoded.
func (r *reader) enter(name string) bool {
	open, err := r.dec.ReadToken()
	if err != nil {
		return false
	}
	kind := open.Kind() // the token is void once the next is read
	if kind != '{' && kind != '[' {
		return false
	}
	for i := 0; ; i++ {
		next := strconv.Itoa(i)
		if kind == '{' {
			token, err := r.dec.ReadToken()
			if err != nil || token.Kind() != '"' {
				return false
			}
			next = token.String()
		}
		if next == name {
			return r.dec.PeekKind() != ']'
		}
		if err := r.dec.SkipValue(); err != nil {
			return false
		}
	}
}

// decode reads the value into a wire type. What is wrong is an error without a place.
func (p place) decode(into any) error {
	err := json.Unmarshal(p.raw(), into)
	if syntactic, ok := errors.AsType[*jsontext.SyntacticError](err); ok {
		return fmt.Errorf("%s: %w", syntactic.JSONPointer, syntactic.Err)
	}
	semantic, ok := errors.AsType[*json.SemanticError](err)
	if !ok {
		return err
	}
	wrong := semantic.Err
	if wrong == nil {
		wrong = fmt.Errorf("found %s, want %s", kindName(semantic.JSONKind), typeName(semantic.GoType))
	}
	if semantic.JSONPointer == "" {
		return wrong
	}
	return fmt.Errorf("%s: %w", semantic.JSONPointer, wrong)
}

func kindName(k jsontext.Kind) string {
	switch k {
	case jsontext.KindNull:
		return "null"
	case jsontext.KindTrue, jsontext.KindFalse:
		return "true or false"
	case jsontext.KindString:
		return "a string"
	case jsontext.KindNumber:
		return "a number"
	case jsontext.KindBeginObject:
		return "an object"
	case jsontext.KindBeginArray:
		return "a list"
	default:
		return "something else"
	}
}

// typeName names the JSON that a Go type of this package is read from.
func typeName(t reflect.Type) string {
	if t == nil {
		return "something else"
	}
	switch t.Kind() {
	case reflect.Pointer:
		return typeName(t.Elem())
	case reflect.String:
		return "a string"
	case reflect.Bool:
		return "true or false"
	case reflect.Int:
		return "a whole number"
	case reflect.Slice:
		return "a list"
	default:
		return "an object"
	}
}
