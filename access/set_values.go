package access

import (
	"math/big"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/pare-iam/pare/internal/wildcard"
	"github.com/pare-iam/pare/policy"
)

// Candidates are texts of which one behaves like any given text, under the conditions on
// a key. Strings come from a partition by patterns; numbers, dates and addresses are
// ordered, so that the values in the conditions, what lies between them and what lies
// outside stand for all; and a text that is no value of the type stands for all such.

// family is a group of comparisons whose candidates are worked out together.
type family uint8

const (
	noFamily family = iota // Null asks nothing of a value
	stringFamily
	numberFamily
	dateFamily
	addressFamily
	binaryFamily
)

func familyOf(c policy.Comparison) family {
	switch {
	case c == policy.Null:
		return noFamily
	case policy.NumericEquals <= c && c <= policy.NumericGreaterThanEquals:
		return numberFamily
	case policy.DateEquals <= c && c <= policy.DateGreaterThanEquals:
		return dateFamily
	case c == policy.IPAddress || c == policy.NotIPAddress:
		return addressFamily
	case c == policy.BinaryEquals:
		return binaryFamily
	}
	return stringFamily // with ARNs and Booleans, which are compared as strings
}

// noValue is a text that is no number, date, address, Boolean or base64.
const noValue = "x"

// candidates lists texts that stand for all. Conditions of two families on one key are
// not decided, but what the candidates of each find is found.
func (k *keyClasses) candidates() []string {
	texts := map[family][]string{}
	for _, a := range k.atoms {
		f := familyOf(a.cond.Operator.Comparison)
		for _, v := range a.cond.Values {
			texts[f] = append(texts[f], v.Text)
		}
	}
	delete(texts, noFamily)
	if len(texts) > 1 {
		k.undecided = "conditions of different types on " + k.key
	}
	out := []string{noValue}
	out = append(out, k.stringCandidates()...)
	out = append(out, k.numberCandidates(texts[numberFamily])...)
	out = append(out, dateCandidates(texts[dateFamily])...)
	out = append(out, addressCandidates(texts[addressFamily])...)
	out = append(out, binaryCandidates(texts[binaryFamily])...)
	return out
}

// candidates lists the plain texts that a condition compares its key with.
func (a atom) candidates() []string {
	var out []string
	for _, v := range a.cond.Values {
		if p, ok := v.Template.Pattern(); ok {
			out = append(out, strings.NewReplacer("*", "x", "?", "x").Replace(p.String()))
		}
	}
	return out
}

// stringCandidates is one witness of each class of strings.
func (k *keyClasses) stringCandidates() []string {
	var strands []strand
	for n, a := range k.atoms {
		var mark stmtSet
		mark.add(n)
		c := a.cond.Operator.Comparison.Positive()
		if familyOf(c) != stringFamily {
			continue
		}
		for _, v := range a.cond.Values {
			p, ok := k.space.fill(v.Template)
			if !ok {
				continue
			}
			if toks, ok := valueTokens(c, p); ok {
				strands = append(strands, strand{toks, mark})
			}
		}
	}
	classes, ok := partitionStrings(strands, partitionOptions{limit: maxStates, effort: &k.space.effort})
	if !ok {
		k.undecided = "too many states: the conditions on " + k.key + " have too many wildcards"
	}
	var out []string
	for _, c := range classes {
		out = append(out, c.witness)
	}
	return out
}

// valueTokens is the strings that a comparison accepts for a value, as comparePattern
// decides it. It is false if there are none.
func valueTokens(c policy.Comparison, p wildcard.Pattern) ([]token, bool) {
	switch c {
	case policy.StringEqualsIgnoreCase:
		return folded(tokensOf(p)), true
	case policy.Bool:
		text, _ := p.Text()
		_, ok := parseBool(text)
		return folded(tokensOf(p)), ok
	case policy.ArnEquals, policy.ArnLike:
		return arnTokens(p)
	}
	return tokensOf(p), true
}

func folded(toks []token) []token {
	for i := range toks {
		toks[i].fold = true
	}
	return toks
}

// arnTokens keeps wildcards inside the first five parts of an ARN from matching a colon.
func arnTokens(p wildcard.Pattern) ([]token, bool) {
	toks := tokensOf(p)
	colons := 0
	for i := range toks {
		if toks[i].kind == tokChar {
			if toks[i].r == ':' {
				colons++
			}
			continue
		}
		toks[i].noColon = colons < arnResource
	}
	return toks, colons >= arnResource
}

// numberCandidates is the numbers, one between each two, one below and one above.
func (k *keyClasses) numberCandidates(texts []string) []string {
	var points []*big.Rat
	for _, text := range texts {
		if n, ok := parseNumber(text); ok {
			points = append(points, n)
		}
	}
	if len(points) == 0 {
		return nil
	}
	slices.SortFunc(points, (*big.Rat).Cmp)
	one, half := big.NewRat(1, 1), big.NewRat(1, 2)
	all := []*big.Rat{new(big.Rat).Sub(points[0], one)}
	for i, p := range points {
		if i > 0 {
			middle := new(big.Rat).Add(points[i-1], p)
			all = append(all, middle.Mul(middle, half))
		}
		all = append(all, p)
	}
	all = append(all, new(big.Rat).Add(points[len(points)-1], one))
	var out []string
	for _, n := range all {
		digits, _ := n.FloatPrec()
		text := n.FloatString(digits)
		if _, ok := parseNumber(text); !ok {
			k.undecided = "a number with too many digits in a condition on " + k.key
		}
		out = append(out, text)
	}
	return out
}

// dateCandidates is the dates and their neighbours: an instant is a whole number of
// nanoseconds, or where a year has more than four digits, of seconds.
func dateCandidates(texts []string) []string {
	var out []string
	for _, text := range texts {
		t, ok := parseDate(text)
		if !ok {
			continue
		}
		for _, d := range []time.Duration{-time.Second, -1, 0, 1, time.Second} {
			out = append(out, dateText(t.Add(d)))
		}
	}
	return out
}

// dateText writes an instant. Some years that don't have four digits in UTC do in a zone
// far to the east or west.
func dateText(t time.Time) string {
	const farthest = 23*3600 + 59*60
	for _, offset := range []int{0, farthest, -farthest} {
		if in := t.In(time.FixedZone("", offset)); 0 <= in.Year() && in.Year() <= 9999 {
			return in.Format(time.RFC3339Nano)
		}
	}
	return big.NewInt(t.Unix()).String()
}

// addressCandidates is the ends of the ranges, what lies next to them, and the lowest
// address of each kind.
func addressCandidates(texts []string) []string {
	if len(texts) == 0 {
		return nil
	}
	out := []string{"0.0.0.0", "::"}
	for _, text := range texts {
		p, ok := parseIP(text)
		if !ok {
			continue
		}
		for _, a := range []netip.Addr{p.Addr(), p.Addr().Prev(), lastAddr(p), lastAddr(p).Next()} {
			if a.IsValid() {
				out = append(out, a.String())
			}
		}
	}
	return out
}

// lastAddr is the highest address of a range.
func lastAddr(p netip.Prefix) netip.Addr {
	bytes := p.Masked().Addr().AsSlice()
	for bit := p.Bits(); bit < len(bytes)*8; bit++ {
		bytes[bit/8] |= 1 << (7 - bit%8)
	}
	a, _ := netip.AddrFromSlice(bytes)
	return a
}

// binaryCandidates is the values and one that is none of them.
func binaryCandidates(texts []string) []string {
	if len(texts) == 0 {
		return nil
	}
	other := "AAAA"
	for slices.Contains(texts, other) {
		other += "AAAA"
	}
	return append(slices.Clone(texts), other)
}
