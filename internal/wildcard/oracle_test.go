package wildcard_test

import (
	"fmt"
	"slices"
	"unicode/utf8"
)

// The oracles know nothing of the package: patterns are their texts.

// matches is the definition of a pattern, read aloud.
func matches(pattern, s string) bool {
	if pattern == "" {
		return s == ""
	}
	if pattern[0] == '*' {
		return matches(pattern[1:], s) || s != "" && matches(pattern, s[runeLen(s):])
	}
	if s == "" {
		return false
	}
	if pattern[0] == '?' {
		return matches(pattern[1:], s[runeLen(s):])
	}
	n := runeLen(pattern)
	return n <= len(s) && pattern[:n] == s[:n] && matches(pattern[n:], s[n:])
}

func runeLen(s string) int {
	_, n := utf8.DecodeRuneInString(s)
	return n
}

// contains runs p as a nondeterministic automaton over q. A `?` of q is a letter that
// p doesn't name, a `*` of q none, one, two, … of them, until the places of p that are
// reached are the same again. Exponential at worst.
func contains(p, q string) bool {
	return covers([]rune(p), []rune(q), closure([]rune(p), []int{0}), map[string]bool{})
}

func covers(p, q []rune, places []int, seen map[string]bool) bool {
	if len(q) == 0 {
		return slices.Contains(places, len(p))
	}
	if q[0] != '*' {
		return covers(p, q[1:], read(p, places, q[0]), seen)
	}
	key := fmt.Sprint(len(q), places)
	if seen[key] {
		return true
	}
	for {
		if !covers(p, q[1:], places, seen) {
			return false
		}
		next := read(p, places, '?')
		if slices.Equal(next, places) {
			seen[key] = true
			return true
		}
		places = next
	}
}

func read(p []rune, places []int, r rune) []int {
	var next []int
	for _, at := range places {
		switch {
		case at == len(p):
		case p[at] == '*':
			next = append(next, at)
		case p[at] == '?', p[at] == r:
			next = append(next, at+1)
		}
	}
	return closure(p, next)
}

func closure(p []rune, places []int) []int {
	for k := 0; k < len(places); k++ {
		if at := places[k]; at < len(p) && p[at] == '*' {
			places = append(places, at+1)
		}
	}
	slices.Sort(places)
	return slices.Compact(places)
}

// words lists every string over the alphabet of up to the length, shortest first.
func words(alphabet string, length int) []string {
	all := []string{""}
	for from := 0; length > 0; length-- {
		to := len(all)
		for _, w := range all[from:to] {
			for _, r := range alphabet {
				all = append(all, w+string(r))
			}
		}
		from = to
	}
	return all
}
