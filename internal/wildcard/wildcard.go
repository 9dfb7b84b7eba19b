// Package wildcard is the algebra of IAM patterns: strings in which `*` stands for
// any number of characters and `?` for exactly one.
//
// A character is a Unicode code point. Nothing is folded: callers that compare
// without case fold both sides first (Pattern.Fold, Fold).
//
// Source of the rule: "You can use wildcards in a string: an asterisk (*) represents
// any combination of characters and a question mark (?) represents any single
// character", https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_resource.html
package wildcard

import (
	"strings"
	"unicode/utf8"
)

// The two wildcards inside an encoded pattern. Neither byte occurs in valid UTF-8,
// so an encoded pattern is unambiguous, comparable, and searched with strings.Index.
const (
	star = 0xFF
	any1 = 0xFE

	starText = "\xff"
)

// Pattern is a set of strings. The zero value matches the empty string alone.
// Patterns are normalised (`**` is `*`, `*?` is `?*`), so that two are the same set
// exactly when they are ==.
type Pattern struct{ enc string }

// Parse reads s with `*` and `?` as wildcards. Every string is a pattern.
// Every byte that isn't UTF-8 is read as U+FFFD.
func Parse(s string) Pattern {
	if strings.IndexByte(s, '*') < 0 && strings.IndexByte(s, '?') < 0 {
		return Literal(s)
	}
	s = valid(s)
	var short [64]byte // so that short patterns are copied once
	buf := short[:0]
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '*':
			buf = appendStar(buf)
		case '?':
			buf = appendAny(buf)
		default:
			buf = append(buf, s[i])
		}
	}
	return Pattern{string(buf)}
}

// Literal is the pattern that matches s and nothing else.
// Every byte that isn't UTF-8 is read as U+FFFD.
func Literal(s string) Pattern { return Pattern{valid(s)} }

// Concat is the pattern of the strings of the first followed by one of the second, and
// so on.
func Concat(patterns ...Pattern) Pattern {
	var buf []byte
	for _, p := range patterns {
		for i := 0; i < len(p.enc); i++ {
			switch c := p.enc[i]; c {
			case star:
				buf = appendStar(buf)
			case any1:
				buf = appendAny(buf)
			default:
				buf = append(buf, c)
			}
		}
	}
	return Pattern{string(buf)}
}

func valid(s string) string {
	if utf8.ValidString(s) {
		return s
	}
	return string([]rune(s))
}

func appendStar(buf []byte) []byte {
	if n := len(buf); n > 0 && buf[n-1] == star {
		return buf
	}
	return append(buf, star)
}

// appendAny keeps `?` before a `*` that it follows: `*?` and `?*` are the same set.
func appendAny(buf []byte) []byte {
	if n := len(buf); n > 0 && buf[n-1] == star {
		buf[n-1] = any1
		return append(buf, star)
	}
	return append(buf, any1)
}

// Fold lower-cases A to Z, which is how IAM compares action names.
func Fold(s string) string {
	for i := 0; i < len(s); i++ {
		if 'A' <= s[i] && s[i] <= 'Z' {
			return fold(s)
		}
	}
	return s
}

func fold(s string) string {
	var folded strings.Builder
	folded.Grow(len(s))
	var chunk [64]byte
	for at := 0; at < len(s); {
		n := copy(chunk[:], s[at:])
		for i, c := range chunk[:n] {
			chunk[i] = lower(c)
		}
		folded.Write(chunk[:n])
		at += n
	}
	return folded.String()
}

// EqualFold says whether Fold gives the same for both, without folding either.
func EqualFold(a, b string) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range len(a) {
		if lower(a[i]) != lower(b[i]) {
			return false
		}
	}
	return true
}

func lower(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		return c + 'a' - 'A'
	}
	return c
}

// Fold is the pattern with its letters A to Z lower-cased. Offsets into it
// (Residuals) are the same as into p.
func (p Pattern) Fold() Pattern { return Pattern{Fold(p.enc)} }

// String prints the pattern with `*` and `?`. A literal asterisk or question mark
// can't be told from a wildcard in it.
func (p Pattern) String() string {
	if strings.IndexByte(p.enc, star) < 0 && strings.IndexByte(p.enc, any1) < 0 {
		return p.enc
	}
	buf := []byte(p.enc)
	for i, c := range buf {
		switch c {
		case star:
			buf[i] = '*'
		case any1:
			buf[i] = '?'
		}
	}
	return string(buf)
}

// Text is the one string that p matches, and false if p has a wildcard.
func (p Pattern) Text() (string, bool) {
	if prefix := p.Prefix(); len(prefix) == len(p.enc) {
		return prefix, true
	}
	return "", false
}

// Prefix is the longest literal with which every string of p starts.
func (p Pattern) Prefix() string {
	for i := 0; i < len(p.enc); i++ {
		if p.enc[i] >= any1 {
			return p.enc[:i]
		}
	}
	return p.enc
}

// IsPrefix says whether p is a literal followed by one `*`, such as `Get*` or `*`.
func (p Pattern) IsPrefix() bool {
	n := len(p.enc)
	return n > 0 && p.enc[n-1] == star && len(p.Prefix()) == n-1
}

// All says whether p is `*`, the pattern of all strings.
func (p Pattern) All() bool { return p.enc == starText }

// Len is the length of the pattern as String prints it, in bytes.
func (p Pattern) Len() int { return len(p.enc) }

// Token is one element of a pattern.
type Token struct {
	Kind TokenKind
	Char rune // of a Char token
}

// TokenKind tells the three kinds of token apart.
type TokenKind uint8

// The kinds of token.
const (
	Char TokenKind = iota // one given character
	Any                   // `?`, any one character
	Star                  // `*`, any number of characters
)

// Tokens lists the pattern's elements in order.
func (p Pattern) Tokens() []Token {
	toks := make([]Token, 0, len(p.enc))
	for i := 0; i < len(p.enc); {
		tok, n := decode(p.enc[i:])
		toks = append(toks, tok)
		i += n
	}
	return toks
}

func decode(enc string) (Token, int) {
	switch enc[0] {
	case star:
		return Token{Kind: Star}, 1
	case any1:
		return Token{Kind: Any}, 1
	}
	r, n := utf8.DecodeRuneInString(enc)
	return Token{Kind: Char, Char: r}, n
}
