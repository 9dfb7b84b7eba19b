package refine

import (
	"slices"
	"strings"

	"github.com/pare-iam/pare/internal/wildcard"
	"github.com/pare-iam/pare/policy"
)

// dropCovered takes from what comes in whatever an entry that stays, or another that
// comes in, allows already, and says how many entries the list has afterwards.
func dropCovered(entries []policy.ActionEntry, changes []change) (left int) {
	c := newCoverage(entries, changes)
	left = len(c.stays) + len(c.wide)
	if c.printed != nil {
		c.incoming = incomingWide(changes)
	}
	for i := range changes {
		ch := &changes[i]
		if ch.in == nil {
			continue
		}
		if !c.empty() {
			ch.in = slices.DeleteFunc(ch.in, c.covers)
		}
		if len(ch.in) == 0 {
			ch.reason.Kind = AlreadyCovered
		}
		left += len(ch.in)
	}
	return left
}

// coverage is the entries of a list against which those that come in are held.
type coverage struct {
	stays    []string               // exact actions that stay
	wide     []policy.ActionPattern // patterns that stay
	incoming []policy.ActionPattern // patterns that come in
	printed  map[string]bool        // by folded text; nil if one entry alone gives way, which prints nothing twice
}

func newCoverage(entries []policy.ActionEntry, changes []change) coverage {
	var c coverage
	incoming := 0
	for i, e := range entries {
		_, exact := e.Pattern.Name.Text()
		switch {
		case changes[i].in != nil:
			incoming++
		case changes[i].reason.Kind != 0:
		case exact:
			c.stays = append(c.stays, e.Text)
		default:
			c.wide = append(c.wide, e.Pattern)
		}
	}
	if incoming > 1 {
		c.printed = map[string]bool{}
	}
	return c
}

func incomingWide(changes []change) []policy.ActionPattern {
	var wide []policy.ActionPattern
	for _, ch := range changes {
		for _, text := range ch.in {
			if strings.ContainsAny(text, "*?") {
				wide = append(wide, mustPattern(text))
			}
		}
	}
	return wide
}

func (c *coverage) empty() bool { return len(c.stays) == 0 && len(c.wide) == 0 && c.printed == nil }

// covers says whether an entry needn't be printed, and notes that it was.
func (c *coverage) covers(text string) bool {
	if slices.ContainsFunc(c.stays, func(stay string) bool { return wildcard.EqualFold(stay, text) }) {
		return true
	}
	var folded string
	if c.printed != nil {
		folded = wildcard.Fold(text)
	}
	if c.printed[folded] {
		return true
	}
	if len(c.wide)+len(c.incoming) > 0 {
		p := mustPattern(text)
		if slices.ContainsFunc(c.wide, func(q policy.ActionPattern) bool { return q.Contains(p) }) ||
			slices.ContainsFunc(c.incoming, func(q policy.ActionPattern) bool { return q != p && q.Contains(p) }) {
			return true
		}
	}
	if c.printed != nil {
		c.printed[folded] = true
	}
	return false
}

// mustPattern reads a pattern that this package printed.
func mustPattern(text string) policy.ActionPattern {
	p, err := policy.ParseActionPattern(text)
	if err != nil {
		panic("refine: printed " + text + ": " + err.Error())
	}
	return p
}
