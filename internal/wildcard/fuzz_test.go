package wildcard_test

import (
	"testing"
	"unicode/utf8"

	"github.com/pare-iam/pare/internal/wildcard"
)

func seedPairs(f *testing.F) {
	for _, p := range []string{"", "*", "Get*", "*Object*", "a?*b", "*a?b*a?", "é*?\xff"} {
		for _, q := range []string{"GetObject", "Get*", "*a*", "?b??", "a*b\xfe"} {
			f.Add(p, q, "GetObject", "ab")
		}
	}
}

// FuzzMatch: Match is the definition, and print∘parse is normal form.
func FuzzMatch(f *testing.F) {
	for _, p := range []string{"", "*", "a*b?c", "*?a?b*", "\xff*é"} {
		f.Add(p, "axxbéc")
	}
	f.Fuzz(func(t *testing.T, pattern, s string) {
		if len(pattern) > 12 || len(s) > 40 {
			t.Skip("the definition is exponential")
		}
		p := wildcard.Parse(pattern)
		if got, want := p.Match(s), matches(string([]rune(pattern)), string([]rune(s))); got != want {
			t.Errorf("%q matches %q = %v, want %v", pattern, s, got, want)
		}
		if again := wildcard.Parse(p.String()); again != p {
			t.Errorf("%q prints as %q, which parses as %q", pattern, p, again)
		}
		if !wildcard.Literal(s).Match(s) {
			t.Errorf("Literal(%q) doesn't match its text", s)
		}
	})
}

// FuzzPairs: containment, overlap and intersection agree with Match on the strings
// given, and with each other.
func FuzzPairs(f *testing.F) {
	seedPairs(f)
	f.Fuzz(func(t *testing.T, a, b, s, tail string) {
		if len(a) > 12 || len(b) > 12 {
			t.Skip("intersections can be exponential")
		}
		p, q := wildcard.Parse(a), wildcard.Parse(b)
		both := p.Match(s) && q.Match(s)
		if p.Contains(q) && q.Match(s) && !p.Match(s) {
			t.Errorf("%q contains %q, but doesn't match %q", a, b, s)
		}
		if both && !p.Overlaps(q) {
			t.Errorf("%q and %q don't overlap, but both match %q", a, b, s)
		}
		parts := p.Intersect(q)
		if p.Overlaps(q) != (len(parts) > 0) || p.Overlaps(q) != q.Overlaps(p) {
			t.Errorf("%q and %q: overlap %v, intersection %q", a, b, p.Overlaps(q), parts)
		}
		found := false
		for _, part := range parts {
			if !p.Contains(part) || !q.Contains(part) {
				t.Errorf("%q ∩ %q has %q, which isn't in both", a, b, part)
			}
			found = found || part.Match(s)
		}
		if found != both {
			t.Errorf("%q ∩ %q = %q: matches %q = %v, want %v", a, b, parts, s, found, both)
		}
		if utf8.ValidString(s) {
			checkResiduals(t, p, s, []string{"", tail, s})
		}
	})
}

// FuzzFold: folding changes no offset, and folded patterns match folded strings.
func FuzzFold(f *testing.F) {
	f.Add("Get*Ob", "GetXOb")
	f.Add("É?Z", "ÉKZ")
	f.Fuzz(func(t *testing.T, pattern, s string) {
		p := wildcard.Parse(pattern)
		folded := p.Fold()
		if folded != wildcard.Parse(wildcard.Fold(pattern)) || folded.Fold() != folded || folded.Len() != p.Len() {
			t.Errorf("%q folds to %q", p, folded)
		}
		if p.Match(s) && !folded.Match(wildcard.Fold(s)) {
			t.Errorf("%q matches %q, but not when both are folded", pattern, s)
		}
		if len(wildcard.Fold(s)) != len(s) {
			t.Errorf("Fold(%q) has another length", s)
		}
		for _, at := range p.Residuals(p.Prefix()) {
			if got, want := folded.Suffix(at), p.Suffix(at).Fold(); got != want {
				t.Errorf("%q at %d folds to %q, want %q", pattern, at, got, want)
			}
		}
	})
}
