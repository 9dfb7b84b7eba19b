package prove

import (
	"fmt"
	"strings"

	"github.com/pare-iam/pare/internal/wildcard"
)

// term is an SMT-LIB expression: an atom (no arguments) or an application.
// https://smt-lib.org/papers/smt-lib-reference-v2.6-r2021-05-12.pdf
type term struct {
	head string
	args []term
}

func atom(s string) term               { return term{head: s} }
func app(head string, a ...term) term  { return term{head: head, args: a} }
func (t term) is(head string) bool     { return t.head == head && len(t.args) == 0 }
func equal(a, b term) term             { return app("=", a, b) }
func symbol(name string) term          { return atom("|" + name + "|") }
func inRe(s, re term) term             { return app("str.in_re", s, re) }
func toRe(s string) term               { return app("str.to_re", quote(s)) }
func number(n fmt.Stringer) term       { return signed(n.String()) }
func (t term) size() int               { return len(t.line()) }
func reUnion(alternatives []term) term { return nary("re.union", "re.none", alternatives) }
func reConcat(parts []term) term       { return nary("re.++", `(str.to_re "")`, parts) }

func reRange(first, last string) term { return app("re.range", quote(first), quote(last)) }

var (
	yes = atom("true")
	no  = atom("false")
)

// signed is a numeral: SMT-LIB has no negative ones.
func signed(s string) term {
	if abs, ok := strings.CutPrefix(s, "-"); ok {
		return app("-", atom(abs))
	}
	return atom(s)
}

// nary applies an associative operator; empty is what it is of nothing.
func nary(head, empty string, args []term) term {
	switch len(args) {
	case 0:
		return atom(empty)
	case 1:
		return args[0]
	}
	return term{head: head, args: args}
}

// and, or and not leave out what can be seen to be constant.
func and(args ...term) term { return junction("and", yes, no, args) }
func or(args ...term) term  { return junction("or", no, yes, args) }

func junction(head string, neutral, zero term, args []term) term {
	var kept []term
	for _, a := range args {
		if a.is(zero.head) {
			return zero
		}
		if !a.is(neutral.head) {
			kept = append(kept, a)
		}
	}
	return nary(head, neutral.head, kept)
}

func not(t term) term {
	switch {
	case t.is("true"):
		return no
	case t.is("false"):
		return yes
	case t.head == "not":
		return t.args[0]
	}
	return app("not", t)
}

// maxCodePoint is the last character of SMT-LIB's alphabet, 2.6 and later.
// https://smt-lib.org/theories-UnicodeStrings.shtml
const maxCodePoint = 0x2ffff

// quote is the string literal of s: printable ASCII as it is, a quotation mark doubled,
// everything else, and the backslash that begins an escape, as `\u{…}`.
func quote(s string) term {
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range s {
		switch {
		case r == '"':
			b.WriteString(`""`)
		case r < ' ' || r > '~' || r == '\\':
			fmt.Fprintf(&b, `\u{%x}`, r)
		default:
			b.WriteRune(r)
		}
	}
	b.WriteByte('"')
	return atom(b.String())
}

// word is a name of an author's as one word of a symbol. Every other word of ours is
// without a colon and without `%`, and so are the symbols that SMT-LIB has: two names never
// share a symbol, nor a name and something else. What can't stand in a symbol, a space,
// `%`, and the first byte of a name that could be taken for another word, is `%XX`.
func word(name string) string {
	var b strings.Builder
	for i, c := range []byte(name) {
		first := i == 0 && !(isLetter(rune(c)) && strings.Contains(name, ":"))
		if first || c <= ' ' || c > '~' || strings.IndexByte(`|\%`, c) >= 0 {
			fmt.Fprintf(&b, "%%%02x", c)
			continue
		}
		b.WriteByte(c)
	}
	return b.String()
}

// run is a wildcard, or the characters between two.
type run struct {
	kind wildcard.TokenKind
	text string // of kind Char
}

func runs(p wildcard.Pattern) []run {
	var list []run
	for _, tok := range p.Tokens() {
		if n := len(list); tok.Kind == wildcard.Char && n > 0 && list[n-1].kind == wildcard.Char {
			list[n-1].text += string(tok.Char)
			continue
		}
		r := run{kind: tok.Kind}
		if tok.Kind == wildcard.Char {
			r.text = string(tok.Char)
		}
		list = append(list, r)
	}
	return list
}

// patternRe is the regular expression of a pattern.
func patternRe(p wildcard.Pattern) term {
	var parts []term
	for _, r := range runs(p) {
		switch r.kind {
		case wildcard.Char:
			parts = append(parts, toRe(r.text))
		case wildcard.Any:
			parts = append(parts, atom("re.allchar"))
		case wildcard.Star:
			parts = append(parts, atom("re.all"))
		}
	}
	return reConcat(parts)
}

// foldedRe is the regular expression of a text in which the letters A to Z have no case.
func foldedRe(text string) term {
	var parts []term
	from := 0
	for i, r := range text {
		if !isLetter(r) {
			continue
		}
		if from < i {
			parts = append(parts, toRe(text[from:i]))
		}
		parts = append(parts, reUnion([]term{toRe(lower(r)), toRe(upper(r))}))
		from = i + 1
	}
	if from < len(text) || text == "" {
		parts = append(parts, toRe(text[from:]))
	}
	return reConcat(parts)
}

func isLetter(r rune) bool { return 'a' <= r|0x20 && r|0x20 <= 'z' }
func lower(r rune) string  { return string(r | 0x20) }
func upper(r rune) string  { return string(r &^ 0x20) }

// width is the column at which print breaks a term.
const width = 110

// line is the term on one line.
func (t term) line() string {
	if len(t.args) == 0 {
		return t.head
	}
	var b strings.Builder
	t.write(&b)
	return b.String()
}

func (t term) write(b *strings.Builder) {
	if len(t.args) == 0 {
		b.WriteString(t.head)
		return
	}
	b.WriteString("(" + t.head)
	for _, a := range t.args {
		b.WriteByte(' ')
		a.write(b)
	}
	b.WriteByte(')')
}

// print is the term over as many lines as it needs, from a column on.
func (t term) print(b *strings.Builder, indent int) {
	if len(t.args) == 0 || indent+t.size() <= width {
		t.write(b)
		return
	}
	b.WriteString("(" + t.head)
	for _, a := range t.args {
		b.WriteString("\n" + strings.Repeat(" ", indent+2))
		a.print(b, indent+2)
	}
	b.WriteByte(')')
}
