package usage

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/pare-iam/pare/policy"
)

// text is a JSON text that is being read, and what was wrong so far.
type text struct {
	name  string
	src   []byte
	empty string // what was wanted of an empty text
	errs  policy.Errors
}

// err is what was wrong, or nil.
func (s *text) err() error {
	if len(s.errs) == 0 {
		return nil
	}
	return s.errs
}

func (s *text) report(pointer, format string, args ...any) {
	s.reportAt(locate(s.src, pointer), pointer, format, args...)
}

func (s *text) reportAt(offset int, pointer, format string, args ...any) {
	line, column := policy.Position(s.src, offset)
	s.errs = append(s.errs, &policy.Error{
		Name: s.name, Line: line, Column: column, Pointer: pointer, Message: fmt.Sprintf(format, args...),
	})
}

// locate finds where the value of a JSON pointer begins, or 0.
func locate(src []byte, pointer string) int {
	dec := jsontext.NewDecoder(bytes.NewReader(src))
	for {
		before := int(dec.InputOffset())
		if _, err := dec.ReadToken(); err != nil {
			return 0
		}
		if string(dec.StackPointer()) == pointer {
			if kind, n := dec.StackIndex(dec.StackDepth()); kind == '{' && n%2 == 1 {
				continue // the key: its value comes next
			}
			for before < len(src) && strings.IndexByte(" \t\r\n,:", src[before]) >= 0 {
				before++
			}
			return before
		}
	}
}

// decode reads value, which stands at pointer, into out and reports why it couldn't.
func (s *text) decode(value jsontext.Value, pointer, want string, out any) bool {
	err := json.Unmarshal(value, out)
	if err == nil {
		return true
	}
	var sem *json.SemanticError
	var syn *jsontext.SyntacticError
	var wanted wantError
	switch {
	case len(bytes.TrimSpace(s.src)) == 0:
		s.reportAt(0, "", "empty: want %s", s.empty)
	case errors.Is(err, io.ErrUnexpectedEOF):
		s.reportAt(len(s.src), "", "ends in the middle of a value: want %s, closed", want)
	case errors.As(err, &syn):
		at := int(syn.ByteOffset)
		s.reportAt(at, string(syn.JSONPointer), "not JSON: %s%s", strings.TrimPrefix(syn.Err.Error(), "jsontext: "), s.hint(at))
	case errors.As(err, &sem) && errors.As(sem.Err, &wanted):
		s.report(pointer+string(sem.JSONPointer), "%s", wanted)
	case errors.As(err, &sem):
		s.report(pointer+string(sem.JSONPointer), "%s: want %s", kindName(sem.JSONKind), want)
	default:
		s.report(pointer, "%v: want %s", err, want)
	}
	return false
}

// hint says what to type instead of what isn't JSON, or nothing.
func (s *text) hint(at int) string {
	before, rest := strings.TrimSpace(string(s.src[:at])), string(s.src[at:])
	switch {
	case before == "" && strings.IndexAny(rest, "-abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ") == 0, before == "-":
		return "; want JSON, which begins with a bracket: YAML isn't read"
	case strings.HasPrefix(rest, ",") && strings.IndexAny(strings.TrimLeft(rest[1:], " \t\r\n"), "]}") == 0:
		return "; no comma stands before a closing bracket"
	}
	return ""
}

func kindName(k jsontext.Kind) string {
	switch k {
	case '{', '}':
		return "an object"
	case '[', ']':
		return "a list"
	case '"':
		return "a string"
	case '0':
		return "a number"
	}
	return k.String()
}

// wantError says what was wanted of a value, and is the whole message about it.
type wantError string

func (e wantError) Error() string { return string(e) }
