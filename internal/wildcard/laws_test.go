package wildcard_test

import (
	"math/big"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/pare-iam/pare/internal/wildcard"
)

// language is a set of strings as bits: bit i is the i-th of a fixed list of strings.
func language(strs []string, in func(s string) bool) *big.Int {
	set := new(big.Int)
	for i, s := range strs {
		if in(s) {
			set.SetBit(set, i, 1)
		}
	}
	return set
}

func subset(a, b *big.Int) bool { return new(big.Int).AndNot(a, b).Sign() == 0 }

// TestMatchAll compares every pattern of up to five tokens with every string of up to
// six letters, one of them named by no pattern.
func TestMatchAll(t *testing.T) {
	t.Parallel()
	strs := words("abx", 6)
	for _, text := range words("ab?*", 5) {
		p := wildcard.Parse(text)
		for _, s := range strs {
			if got, want := p.Match(s), matches(text, s); got != want {
				t.Fatalf("%q matches %q = %v, want %v", text, s, got, want)
			}
		}
	}
}

// TestContainsAll decides the containment and the overlap of every two patterns of up
// to four tokens by listing their strings. Eight letters are enough for a
// counterexample to every pair that has one, and two of the letters are in no pattern.
func TestContainsAll(t *testing.T) {
	t.Parallel()
	strs := slices.Concat(words("abx", 8), words("abxy", 5))
	texts := words("ab?*", 4)
	patterns, sets := make([]wildcard.Pattern, len(texts)), make([]*big.Int, len(texts))
	for i, text := range texts {
		patterns[i] = wildcard.Parse(text)
		sets[i] = language(strs, patterns[i].Match)
	}
	for i, p := range patterns {
		for j, q := range patterns {
			if got, want := p.Contains(q), subset(sets[j], sets[i]); got != want {
				t.Fatalf("%q contains %q = %v, want %v", texts[i], texts[j], got, want)
			}
			if got, want := p.Overlaps(q), new(big.Int).And(sets[i], sets[j]).Sign() != 0; got != want {
				t.Fatalf("%q overlaps %q = %v, want %v", texts[i], texts[j], got, want)
			}
			if got, want := p == q, sets[i].Cmp(sets[j]) == 0; got != want {
				t.Fatalf("%q == %q is %v, want %v", texts[i], texts[j], got, want)
			}
		}
	}
}

// TestIntersectAll compares intersections, residuals and maximal patterns of every two
// patterns of up to three tokens with lists of strings.
func TestIntersectAll(t *testing.T) {
	t.Parallel()
	strs := words("abx", 6)
	texts := words("ab?*", 3)
	for _, a := range texts {
		p := wildcard.Parse(a)
		in := language(strs, p.Match)
		for _, b := range texts {
			q := wildcard.Parse(b)
			want := new(big.Int).And(in, language(strs, q.Match))
			got := p.Intersect(q)
			union := language(strs, func(s string) bool {
				return slices.ContainsFunc(got, func(r wildcard.Pattern) bool { return r.Match(s) })
			})
			if union.Cmp(want) != 0 {
				t.Fatalf("%q ∩ %q = %q: not the strings of both", a, b, got)
			}
			if len(wildcard.Maximal(got)) != len(got) {
				t.Fatalf("%q ∩ %q = %q: one contains another", a, b, got)
			}
		}
		for _, prefix := range words("abx", 3) {
			checkResiduals(t, p, prefix, words("abx", 4))
		}
	}
}

func checkResiduals(t testing.TB, p wildcard.Pattern, prefix string, tails []string) {
	t.Helper()
	offsets := p.Residuals(prefix)
	var left []wildcard.Pattern
	for _, at := range offsets {
		left = append(left, p.Suffix(at))
	}
	for _, tail := range tails {
		got := slices.ContainsFunc(left, func(r wildcard.Pattern) bool { return r.Match(tail) })
		if want := p.Match(prefix + tail); got != want {
			t.Fatalf("%q after %q is %q: matches %q = %v, want %v", p, prefix, left, tail, got, want)
		}
	}
	if !slices.IsSorted(offsets) || len(wildcard.Maximal(left)) != len(left) {
		t.Fatalf("%q after %q is %q at %v: unsorted, or one contains another", p, prefix, left, offsets)
	}
}

func patternTexts(alphabet string, length int) *rapid.Generator[string] {
	return rapid.StringOfN(rapid.SampledFrom([]rune(alphabet)), 0, length, -1)
}

// TestContainsLong compares long patterns with the automaton, which is slow and obvious.
func TestContainsLong(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		a := patternTexts("ab?**", 14).Draw(t, "p")
		b := patternTexts("aab?*", 14).Draw(t, "q")
		if got, want := wildcard.Parse(a).Contains(wildcard.Parse(b)), contains(a, b); got != want {
			t.Fatalf("%q contains %q = %v, want %v", a, b, got, want)
		}
	})
}

// TestContainsGeneralized draws q and widens it to p, so that most pairs are contained.
func TestContainsGeneralized(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		b := patternTexts("aéb?*", 16).Draw(t, "q")
		var a strings.Builder
		for _, r := range b {
			a.WriteString(rapid.SampledFrom([]string{string(r), string(r), string(r), "?", "*", "*" + string(r), ""}).Draw(t, "widened"))
		}
		p, q := wildcard.Parse(a.String()), wildcard.Parse(b)
		if got, want := p.Contains(q), contains(a.String(), b); got != want {
			t.Fatalf("%q contains %q = %v, want %v", a.String(), b, got, want)
		}
	})
}

func TestConcatLaw(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		parts := rapid.SliceOfN(patternTexts("aé?*", 4), 0, 4).Draw(t, "parts")
		var patterns []wildcard.Pattern
		for _, part := range parts {
			patterns = append(patterns, wildcard.Parse(part))
		}
		if got, want := wildcard.Concat(patterns...), wildcard.Parse(strings.Join(parts, "")); got != want {
			t.Fatalf("Concat(%q) = %q, want %q", parts, got, want)
		}
	})
}

// TestAdversarial has pairs that make subset constructions, backtracking and listing
// explode. It would not end if any of them were at work.
func TestAdversarial(t *testing.T) {
	t.Parallel()
	rep := strings.Repeat
	for _, tt := range []struct {
		name, p, q string
		want       bool
	}{
		{"many stars in more stars", rep("*a", 400) + "*", rep("*a", 500) + "*", true},
		{"more stars in many stars", rep("*a", 500) + "*", rep("*a", 400) + "*", false},
		{"many stars and one letter too many", rep("*a", 400) + "*b*", rep("*a", 500) + "*", false},
		{"a window over many gaps", "*a" + rep("?", 60) + "b*", rep("*a", 300) + rep("?", 60) + "b", true},
		{"a window over many gaps, from the end", "*a" + rep("?", 60) + "b*", "a" + rep("?", 60) + "b" + rep("*b", 300), true},
		{"a window that no gap has", "*a" + rep("?", 60) + "b*", rep("*a", 300) + rep("?", 59) + "b", false},
		{"question marks and stars in turn", rep("?*", 300), rep("a*", 300), true},
		{"windows in a row", rep("*a?b", 100) + "*", rep("*a*acb", 100) + "*", true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p, q := wildcard.Parse(tt.p), wildcard.Parse(tt.q)
			if got := p.Contains(q); got != tt.want {
				t.Errorf("contains = %v, want %v", got, tt.want)
			}
			if !p.Overlaps(q) {
				t.Error("doesn't overlap")
			}
			if got := len(p.Residuals(rep("a", 1000))); got > 400 {
				t.Errorf("%d residuals", got)
			}
		})
	}
}
