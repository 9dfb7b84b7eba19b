package access

import (
	"fmt"
	"slices"

	"github.com/pare-iam/pare/internal/wildcard"
	"github.com/pare-iam/pare/policy"
)

// holds says whether one condition of a statement is true of the request's context.
//
// One value of the policy is enough to match; a negated operator is the negation of its
// positive twin, so that several values of the policy must all not match ("NOR").
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-logic-multiple-context-keys-or-values.html
//
// A key with several values and an operator without a qualifier is a policy that AWS
// says not to write. Here some value must match; for a negated operator none may.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-single-vs-multi-valued-context-keys.html
func holds(c policy.Condition, ctx Context) bool {
	actual := ctx[c.Key]
	if c.Operator.Comparison == policy.Null {
		return holdsNull(c.Values, len(actual) == 0)
	}
	if len(actual) == 0 {
		return holdsAbsent(c.Operator)
	}
	negated := c.Operator.Comparison.Negated()
	matches := func(v string) bool { return matchesAny(c, v, ctx) }
	passes := func(v string) bool { return matches(v) != negated }
	switch c.Operator.Qualifier {
	case policy.NoQualifier:
		return slices.ContainsFunc(actual, matches) != negated
	case policy.ForAllValues:
		return !slices.ContainsFunc(actual, func(v string) bool { return !passes(v) })
	case policy.ForAnyValue:
		return slices.ContainsFunc(actual, passes)
	}
	panic(fmt.Sprintf("access: unhandled qualifier %d", c.Operator.Qualifier))
}

// holdsNull is the Null operator: "true" wants the key absent, "false" wants it there.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html#Conditions_Null
func holdsNull(values []policy.ConditionValue, absent bool) bool {
	for _, v := range values {
		if want, ok := parseBool(v.Text); ok && want == absent {
			return true
		}
	}
	return false
}

// holdsAbsent is every other operator on a key that the request doesn't have: false,
// true if negated, true with IfExists and with ForAllValues, false with ForAnyValue.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html
func holdsAbsent(op policy.Operator) bool {
	switch {
	case op.IfExists, op.Qualifier == policy.ForAllValues:
		return true
	case op.Qualifier == policy.ForAnyValue:
		return false
	}
	return op.Comparison.Negated()
}

// matchesAny says whether a value of the request matches some value of the policy, by
// the positive twin of the condition's operator.
func matchesAny(c policy.Condition, actual string, ctx Context) bool {
	compare := c.Operator.Comparison.Positive()
	return slices.ContainsFunc(c.Values, func(v policy.ConditionValue) bool {
		if !compare.TakesVariables() {
			return compareTyped(compare, actual, v.Text)
		}
		want, ok := v.Template.Fill(ctx.single)
		return ok && comparePattern(compare, actual, want)
	})
}

// comparePattern is the comparisons whose values may have policy variables, which are
// filled in already. Letters are folded from A to Z only.
func comparePattern(compare policy.Comparison, actual string, want wildcard.Pattern) bool {
	switch compare {
	case policy.StringEquals, policy.StringLike: // only StringLike's pattern has wildcards
		return want.Match(actual)
	case policy.StringEqualsIgnoreCase:
		return want.Fold().Match(wildcard.Fold(actual))
	case policy.ArnEquals, policy.ArnLike:
		return matchARN(want, actual)
	case policy.Bool:
		text, _ := want.Text()
		wanted, ok1 := parseBool(text)
		is, ok2 := parseBool(actual)
		return ok1 && ok2 && is == wanted
	}
	panic(fmt.Sprintf("access: unhandled comparison %v", compare))
}

// matchARN compares the six parts of an ARN one by one. A wildcard stays inside its
// part, so that only one in the last part crosses colons.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html#Conditions_ARN
func matchARN(want wildcard.Pattern, actual string) bool {
	patterns, ok1 := parseARNPattern(want)
	parts, ok2 := parseARN(actual)
	if !ok1 || !ok2 {
		return false
	}
	for i := range parts {
		if !patterns[i].Match(parts[i]) {
			return false
		}
	}
	return true
}

// compareTyped is the comparisons whose values have neither variables nor wildcards. A
// value that isn't of the type, on either side, doesn't match.
func compareTyped(compare policy.Comparison, actual, want string) bool {
	switch compare {
	case policy.BinaryEquals:
		a, ok1 := parseBinary(actual)
		w, ok2 := parseBinary(want)
		return ok1 && ok2 && a == w
	case policy.IPAddress:
		a, ok1 := parseIP(actual)
		w, ok2 := parseIP(want)
		return ok1 && ok2 && a.IsSingleIP() && w.Contains(a.Addr())
	case policy.DateEquals, policy.DateLessThan, policy.DateLessThanEquals, policy.DateGreaterThan, policy.DateGreaterThanEquals:
		a, ok1 := parseDate(actual)
		w, ok2 := parseDate(want)
		return ok1 && ok2 && ordered(compare, a.Compare(w))
	case policy.NumericEquals, policy.NumericLessThan, policy.NumericLessThanEquals, policy.NumericGreaterThan, policy.NumericGreaterThanEquals:
		a, ok1 := parseNumber(actual)
		w, ok2 := parseNumber(want)
		return ok1 && ok2 && ordered(compare, a.Cmp(w))
	}
	panic(fmt.Sprintf("access: unhandled comparison %v", compare))
}

// ordered says whether a sign, of the request's value against the policy's, is one that
// the comparison asks for.
func ordered(compare policy.Comparison, sign int) bool {
	switch compare {
	case policy.NumericEquals, policy.DateEquals:
		return sign == 0
	case policy.NumericLessThan, policy.DateLessThan:
		return sign < 0
	case policy.NumericLessThanEquals, policy.DateLessThanEquals:
		return sign <= 0
	case policy.NumericGreaterThan, policy.DateGreaterThan:
		return sign > 0
	case policy.NumericGreaterThanEquals, policy.DateGreaterThanEquals:
		return sign >= 0
	}
	panic(fmt.Sprintf("access: unhandled comparison %v", compare))
}
