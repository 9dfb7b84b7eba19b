package wildcard_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pare-iam/pare/internal/wildcard"
)

func TestMatch(t *testing.T) {
	for _, tt := range []struct {
		name, pattern string
		yes, no       []string
	}{
		{"a literal is itself", "GetObject", []string{"GetObject"}, []string{"", "getobject", "GetObjects", "GetObjec"}},
		{"the empty pattern is the empty string", "", []string{""}, []string{"a"}},
		{"a star is everything", "*", []string{"", "a", "a:b/c*?", "é"}, nil},
		{"stars in a row are one star", "a***b", []string{"ab", "axxb"}, []string{"a", "abx"}},
		{"a star at the end is a prefix", "Get*", []string{"Get", "GetObject"}, []string{"Ge", "xGet"}},
		{"a star at the start is a suffix", "*Tags", []string{"Tags", "DescribeTags"}, []string{"TagsX", "ags"}},
		{"stars on both sides find a part", "*Table*", []string{"Table", "GetTables"}, []string{"GetTabl"}},
		{"start and end may not share characters", "aba*aba", []string{"abaaba", "abaxaba"}, []string{"aba", "ababa"}},
		{"a part in the middle is searched further left and right", "a*bc*bd", []string{"abcbd", "abbcbcbd"}, []string{"abcbcd", "abd"}},
		{"a question mark is one character", "a?c", []string{"abc", "a?c", "aéc"}, []string{"ac", "abbc"}},
		{"question marks around a star count characters", "?*?", []string{"ab", "abc", "éé"}, []string{"", "a", "é"}},
		{"a question mark inside a searched part", "*a?c*", []string{"abc", "aabc", "xxaacyy", "aéc"}, []string{"ac", "abbc", "aéé"}},
		{"a question mark before the end", "*a?", []string{"ab", "aab", "aé"}, []string{"a", "abb"}},
		{"a character is a code point", "?", []string{"é", "世", "😀", "\x00"}, []string{"", "e\u0301"}},
		{"a byte that isn't UTF-8 is one U+FFFD", "a?b", []string{"a\xffb", "a\xe9b", "a\uFFFDb"}, []string{"a\xff\xffb", "a\xe9\x80b"}},
		{"a pattern's bad bytes are U+FFFD too", "*\xff", []string{"\xfe", "x\uFFFD"}, []string{"x"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := wildcard.Parse(tt.pattern)
			for _, s := range tt.yes {
				if !p.Match(s) {
					t.Errorf("%q doesn't match %q", tt.pattern, s)
				}
			}
			for _, s := range tt.no {
				if p.Match(s) {
					t.Errorf("%q matches %q", tt.pattern, s)
				}
			}
		})
	}
}

func TestMatchLongSegments(t *testing.T) {
	t.Parallel()
	part := strings.Repeat("a", 70) + "?" + strings.Repeat("b", 80) // more places than a word has bits
	text := strings.Replace(part, "?", "é", 1)
	p := wildcard.Parse("*" + part + "*x*")
	for text, want := range map[string]bool{
		"--" + text + "-x-":                       true,
		strings.Repeat("a", 500) + text + "x":     true,
		text[1:] + "x":                            false,
		strings.Replace(text, "é", "éé", 1) + "x": false,
	} {
		if got := p.Match(text); got != want {
			t.Errorf("match of %q = %v, want %v", text, got, want)
		}
	}
}

func TestContains(t *testing.T) {
	for _, tt := range []struct {
		name, p, q string
		want       bool
	}{
		{"equal patterns", "Get*", "Get*", true},
		{"everything", "*", "a?*b", true},
		{"nothing but everything contains everything", "a*", "*", false},
		{"a literal in a prefix", "Get*", "GetObject", true},
		{"a longer prefix in a shorter one", "Get*", "GetBucket*", true},
		{"a shorter prefix in a longer one", "GetBucket*", "Get*", false},
		{"a prefix in a part", "*Object*", "GetObject*", true},
		{"a part in a prefix", "Get*", "*Object*", false},
		{"one character in many", "a*", "a?", true},
		{"many characters in one", "a?", "a*", false},
		{"one character in one given", "a", "?", false},
		{"at least two in at least one", "?*", "??*", true},
		{"at least one in at least two", "??*", "?*", false},
		{"a count that q's letters make up", "??*", "*a*b*", true},
		{"a count with a letter short", "???*", "*a*b*", false},
		{"letters on both sides of a star can't be relied on", "*ab*", "a*b", false},
		{"letters counted off from a star's far side", "a?*", "a*b", true},
		{"letters counted off twice", "*a?*b*", "a*b", false},
		{"letters counted off over two stars", "a??*", "a*b*c", true},
		{"a part longer than the end after q's star", "*ab", "*b", false},
		{"an end that q's star can't lengthen away", "*b?", "*bc", true},
		{"an end that needs characters before it", "*?b", "*b", false},
		{"a fixed length in another", "a?c", "ab?", false},
		{"fixed lengths that differ", "a??", "a?", false},
		{"a literal star is not a wildcard", "a?", "a*", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := wildcard.Parse(tt.p).Contains(wildcard.Parse(tt.q)); got != tt.want {
				t.Errorf("%q contains %q = %v, want %v", tt.p, tt.q, got, tt.want)
			}
		})
	}
}

func TestLiteralWildcards(t *testing.T) {
	t.Parallel()
	star := wildcard.Literal("a*")
	if !star.Match("a*") || star.Match("ab") {
		t.Error("Literal(a*) isn't the one string a*")
	}
	if !wildcard.Parse("a*").Contains(star) || star.Contains(wildcard.Parse("a*")) {
		t.Error("Literal(a*) isn't strictly inside Parse(a*)")
	}
	if got, ok := star.Text(); got != "a*" || !ok {
		t.Errorf("Text = %q, %v", got, ok)
	}
}

func TestIntersect(t *testing.T) {
	for _, tt := range []struct {
		name, p, q string
		want       []string
	}{
		{"everything leaves the other", "*", "a?b*", []string{"a?b*"}},
		{"a literal inside", "Get*", "GetObject", []string{"GetObject"}},
		{"a literal outside", "Get*", "PutObject", nil},
		{"prefixes one inside the other", "Get*", "GetObject*", []string{"GetObject*"}},
		{"prefixes apart", "Get*", "Put*", nil},
		{"a prefix and a part", "Get*", "*Object*", []string{"Get*Object*"}},
		{"a prefix that ends where a part begins", "GetOb*", "*Object*", []string{"GetObject*", "GetOb*Object*"}},
		{"a prefix and an end", "De*", "*Des", []string{"Des", "De*Des"}},
		{"two parts in either order", "*a*", "*b*", []string{"*a*b*", "*b*a*"}},
		{"two parts that share letters", "*ab*", "*ba*", []string{"*aba*", "*ab*ba*", "*bab*", "*ba*ab*"}},
		{"a count and a letter", "??", "*a", []string{"?a"}},
		{"a count and a prefix", "??*", "a*", []string{"a?*"}},
		{"question marks take the other's letters", "?b?", "a??", []string{"ab?"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := texts(wildcard.Parse(tt.p).Intersect(wildcard.Parse(tt.q)))
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("%q ∩ %q (-want +got):\n%s", tt.p, tt.q, diff)
			}
			if got := wildcard.Parse(tt.p).Overlaps(wildcard.Parse(tt.q)); got != (tt.want != nil) {
				t.Errorf("overlaps = %v", got)
			}
		})
	}
}

func TestMaximal(t *testing.T) {
	for _, tt := range []struct {
		name     string
		in, want []string
	}{
		{"keeps the order of what stays", []string{"b*", "ab", "a*"}, []string{"b*", "a*"}},
		{"of equal ones the first stays", []string{"a", "a*?", "a?*", "a"}, []string{"a", "a?*"}},
		{"a chain leaves its widest", []string{"abc", "ab*", "a*", "*"}, []string{"*"}},
		{"nothing of nothing", nil, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var in []wildcard.Pattern
			for _, s := range tt.in {
				in = append(in, wildcard.Parse(s))
			}
			if diff := cmp.Diff(tt.want, texts(wildcard.Maximal(in))); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestResiduals(t *testing.T) {
	for _, tt := range []struct {
		name, pattern, prefix string
		want                  []string
	}{
		{"nothing read yet", "Get*", "", []string{"Get*"}},
		{"a letter read", "Get*", "G", []string{"et*"}},
		{"at the star", "Get*", "Get", []string{"*"}},
		{"in the star", "Get*", "GetObject", []string{"*"}},
		{"a prefix that doesn't belong", "Get*", "Put", nil},
		{"more than the pattern takes", "Get", "Gets", nil},
		{"the whole of a literal", "Get", "Get", []string{""}},
		{"a part not begun", "*Object*", "Get", []string{"*Object*"}},
		{"a part begun, or still to come", "*Object*", "GetOb", []string{"*Object*", "ject*"}},
		{"a part done makes the rest free", "*Object*", "GetObject", []string{"*"}},
		{"a part begun twice", "*aba", "aba", []string{"*aba", "ba", ""}},
		{"code points, not bytes", "*é?世", "éé", []string{"*é?世", "?世", "世"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := wildcard.Parse(tt.pattern)
			var got []string
			for _, at := range p.Residuals(tt.prefix) {
				got = append(got, p.Suffix(at).String())
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("%q after %q (-want +got):\n%s", tt.pattern, tt.prefix, diff)
			}
		})
	}
}

func TestParts(t *testing.T) {
	for _, tt := range []struct {
		pattern, normal string
		prefix          string
		isPrefix, all   bool
	}{
		{"", "", "", false, false},
		{"Get", "Get", "Get", false, false},
		{"Get*", "Get*", "Get", true, false},
		{"*", "*", "", true, true},
		{"***", "*", "", true, true},
		{"*?", "?*", "", false, false},
		{"a*?*?b", "a??*b", "a", false, false},
		{"Get*Tags*", "Get*Tags*", "Get", false, false},
		{"Get?", "Get?", "Get", false, false},
	} {
		t.Run(tt.pattern, func(t *testing.T) {
			p := wildcard.Parse(tt.pattern)
			type parts struct {
				String, Prefix string
				IsPrefix, All  bool
				Len            int
			}
			got := parts{p.String(), p.Prefix(), p.IsPrefix(), p.All(), p.Len()}
			want := parts{tt.normal, tt.prefix, tt.isPrefix, tt.all, len(tt.normal)}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestTokens(t *testing.T) {
	t.Parallel()
	want := []wildcard.Token{{Char: 'a'}, {Kind: wildcard.Any}, {Kind: wildcard.Star}, {Char: 'é'}}
	if diff := cmp.Diff(want, wildcard.Parse("a*?é").Tokens()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestFold(t *testing.T) {
	for in, want := range map[string]string{
		"": "", "getobject": "getobject", "GetObject": "getobject", "getObjectACL": "getobjectacl",
		"\u00c9COLE": "\u00c9cole", "\u212a": "\u212a", "A\xffZ": "a\xffz", "@AZ[": "@az[",
	} {
		if got := wildcard.Fold(in); got != want {
			t.Errorf("Fold(%q) = %q, want %q", in, got, want)
		}
	}
}

func texts(patterns []wildcard.Pattern) []string {
	var out []string
	for _, p := range patterns {
		out = append(out, p.String())
	}
	return out
}
