package iac

import (
	"bytes"
	"regexp"
	"slices"
	"strconv"
	"unicode/utf8"
)

// MayHave says whether the texts of YAML or JSON may have one of some words, so that a file
// without any needn't be parsed. A word may be written with escapes.
func MayHave(src []byte, words ...string) bool {
	in := func(src []byte) bool {
		return slices.ContainsFunc(words, func(word string) bool { return bytes.Contains(src, []byte(word)) })
	}
	return in(src) || escape.Match(src) && in(escape.ReplaceAllFunc(src, unescape))
}

// escape is what stands in quotes for a character, or, where a line is broken in YAML, for none.
// https://yaml.org/spec/1.2.2/#57-escaped-characters
var escape = regexp.MustCompile(`\\(?:u[0-9A-Fa-f]{4}|x[0-9A-Fa-f]{2}|U[0-9A-Fa-f]{8}|\r?\n[ \t]*)`)

func unescape(escape []byte) []byte {
	n, err := strconv.ParseUint(string(escape[2:]), 16, 32)
	if err != nil { // a line's end
		return nil
	}
	return utf8.AppendRune(nil, rune(n))
}
