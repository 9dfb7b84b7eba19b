package prove

import (
	"fmt"
	"strings"

	"github.com/pare-iam/pare/internal/wildcard"
	"github.com/pare-iam/pare/policy"
)

// condition says that a condition holds. On a key that is absent a condition is false,
// or true if it is negated, has IfExists or is ForAllValues.
func (e *encoder) condition(doc *policy.Document, c policy.Condition) (term, error) {
	k := e.key[c.Key]
	if c.Operator.Comparison == policy.Null {
		return nullCondition(k, c.Values), nil
	}
	negated := c.Operator.Comparison.Negated()
	var some, all []term // slots whose value passes; slots that aren't in use or pass
	for _, s := range k.slots {
		matches, err := e.matchesAny(doc, c, s)
		if err != nil {
			return term{}, err
		}
		if negated {
			matches = not(matches)
		}
		some = append(some, and(s.used, matches))
		all = append(all, or(not(s.used), matches))
	}
	switch {
	case c.Operator.Qualifier == policy.ForAllValues:
		return and(all...), nil
	case c.Operator.Qualifier == policy.ForAnyValue && c.Operator.IfExists:
		return or(not(k.present()), or(some...)), nil
	case c.Operator.Qualifier == policy.ForAnyValue:
		return or(some...), nil
	case negated: // of several values none may match
		return and(all...), nil
	case c.Operator.IfExists:
		return or(not(k.present()), or(some...)), nil
	}
	return or(some...), nil
}

func nullCondition(k *contextKey, values []policy.ConditionValue) term {
	holds := no
	for _, v := range values {
		switch absent, ok := readBool(v.Text); {
		case !ok:
		case absent:
			holds = or(holds, not(k.present()))
		default:
			holds = or(holds, k.present())
		}
	}
	return holds
}

// matchesAny says that the value in a slot matches one of the condition's, by the
// operator or the one that it negates.
func (e *encoder) matchesAny(doc *policy.Document, c policy.Condition, s slot) (term, error) {
	var any []term
	for _, v := range c.Values {
		match, problem := e.matchesValue(c.Operator.Comparison.Positive(), v, s)
		if problem != "" {
			return term{}, &NotExpressibleError{doc.Where(v.Start), fmt.Sprintf("%s: %s", c.Operator, problem)}
		}
		any = append(any, match)
	}
	return or(any...), nil
}

func (e *encoder) matchesValue(compare policy.Comparison, v policy.ConditionValue, s slot) (match term, problem string) {
	switch compare {
	case policy.StringEquals, policy.StringLike:
		return e.matchTemplate(s.value, v.Template)
	case policy.StringEqualsIgnoreCase:
		return e.matchFolded(s.value, v.Template), ""
	case policy.ArnEquals, policy.ArnLike:
		return e.matchARN(s.value, v.Template)
	case policy.Bool:
		return e.matchBool(s.value, v.Template), ""
	case policy.BinaryEquals:
		text, ok := canonicalBase64(v.Text)
		if !ok {
			return no, ""
		}
		return equal(s.value, quote(text)), ""
	case policy.IPAddress:
		r, ok := readRange(v.Text)
		if !ok {
			return no, ""
		}
		return inRange(s, r), ""
	case policy.NumericEquals, policy.NumericLessThan, policy.NumericLessThanEquals,
		policy.NumericGreaterThan, policy.NumericGreaterThanEquals:
		constant, ok, problem := realConstant(v.Text)
		return ordered(compare, s, constant, ok), problem
	case policy.DateEquals, policy.DateLessThan, policy.DateLessThanEquals, policy.DateGreaterThan, policy.DateGreaterThanEquals:
		constant, ok, problem := dateConstant(v.Text)
		return ordered(compare, s, constant, ok), problem
	}
	panic(fmt.Sprintf("prove: unhandled comparison %v", compare))
}

// ordered compares a number or date with a constant. What isn't one matches nothing.
func ordered(compare policy.Comparison, s slot, constant term, ok bool) term {
	if !ok {
		return no
	}
	return and(s.valid, app(orderOperator(compare), s.value, constant))
}

func inRange(s slot, r addressRange) term {
	version := not(s.isV6)
	if r.v6 {
		version = s.isV6
	}
	return and(s.valid, version, app("<=", number(r.first), s.value, number(r.last)))
}

// matchFolded compares without case, of the letters A to Z.
func (e *encoder) matchFolded(subject term, t policy.Template) term {
	if p, ok := t.Pattern(); ok {
		text, _ := p.Text()
		return inRe(subject, foldedRe(text))
	}
	list, available := e.pieces(t)
	return and(available, equal(app("str.to_lower", subject), app("str.to_lower", joined(list))))
}

// joined is the text of a template without wildcards.
func joined(list []piece) term {
	text := list[0].text
	for _, p := range list[1:] {
		text = concat(text, p.text)
	}
	return text
}

// matchBool compares truth values, which may be written in any case.
func (e *encoder) matchBool(subject term, t policy.Template) term {
	is := func(subject term, word string) term { return inRe(subject, foldedRe(word)) }
	if p, ok := t.Pattern(); ok {
		text, _ := p.Text()
		switch want, ok := readBool(text); {
		case !ok:
			return no
		case want:
			return is(subject, "true")
		}
		return is(subject, "false")
	}
	list, available := e.pieces(t)
	wanted := joined(list)
	return and(available, or(and(is(subject, "true"), is(wanted, "true")), and(is(subject, "false"), is(wanted, "false"))))
}

// arnColons is how many colons stand between the six parts of an ARN. The last part may
// have more.
const arnColons = 5

var notColon = reUnion([]term{reRange("\x00", "9"), reRange(";", string(rune(maxCodePoint)))})

// matchARN compares ARNs part by part: a wildcard in one of the first five parts stays
// inside it. What has fewer parts, on either side, doesn't match.
func (e *encoder) matchARN(subject term, t policy.Template) (match term, problem string) {
	if p, ok := t.Pattern(); ok {
		return matchARNPattern(subject, p), ""
	}
	if first := t[0]; first.Key == "" && colons(first.Pattern) >= arnColons && !wildBeforeColons(first.Pattern) {
		return e.matchTemplate(subject, t) // the first five parts are one constant
	}
	return term{}, "a policy variable in an ARN behind a wildcard in one of its first five parts, or inside them"
}

func colons(p wildcard.Pattern) int {
	n := 0
	for _, tok := range p.Tokens() {
		if tok.Kind == wildcard.Char && tok.Char == ':' {
			n++
		}
	}
	return n
}

// wildBeforeColons says whether a wildcard stands in one of the first five parts.
func wildBeforeColons(p wildcard.Pattern) bool {
	n := 0
	for _, tok := range p.Tokens() {
		switch {
		case n == arnColons:
			return false
		case tok.Kind != wildcard.Char:
			return true
		case tok.Char == ':':
			n++
		}
	}
	return false
}

// matchARNPattern is matchARN of a pattern without variables.
func matchARNPattern(subject term, p wildcard.Pattern) term {
	switch {
	case colons(p) < arnColons:
		return no
	case !wildBeforeColons(p):
		return matchPattern(subject, p)
	}
	var parts []term
	n := 0
	for _, run := range runs(p) {
		inner := n < arnColons
		switch {
		case run.kind == wildcard.Char:
			parts = append(parts, toRe(run.text))
			n += strings.Count(run.text, ":")
		case run.kind == wildcard.Star && inner:
			parts = append(parts, app("re.*", notColon))
		case run.kind == wildcard.Star:
			parts = append(parts, atom("re.all"))
		case inner:
			parts = append(parts, notColon)
		default:
			parts = append(parts, atom("re.allchar"))
		}
	}
	return inRe(subject, reConcat(parts))
}
