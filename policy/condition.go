package policy

import "strings"

// Comparison is what a condition operator does with one value of the request and one of
// the policy. The zero value is no comparison.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html
type Comparison uint8

// The comparisons. Each "Not" is the negation of the one before it.
const (
	_ Comparison = iota
	StringEquals
	StringNotEquals
	StringEqualsIgnoreCase
	StringNotEqualsIgnoreCase
	StringLike
	StringNotLike
	NumericEquals
	NumericNotEquals
	NumericLessThan
	NumericLessThanEquals
	NumericGreaterThan
	NumericGreaterThanEquals
	DateEquals
	DateNotEquals
	DateLessThan
	DateLessThanEquals
	DateGreaterThan
	DateGreaterThanEquals
	Bool
	BinaryEquals
	IPAddress
	NotIPAddress
	ArnEquals
	ArnNotEquals
	ArnLike
	ArnNotLike
	Null
)

var comparisonNames = [...]string{
	StringEquals: "StringEquals", StringNotEquals: "StringNotEquals",
	StringEqualsIgnoreCase: "StringEqualsIgnoreCase", StringNotEqualsIgnoreCase: "StringNotEqualsIgnoreCase",
	StringLike: "StringLike", StringNotLike: "StringNotLike",
	NumericEquals: "NumericEquals", NumericNotEquals: "NumericNotEquals",
	NumericLessThan: "NumericLessThan", NumericLessThanEquals: "NumericLessThanEquals",
	NumericGreaterThan: "NumericGreaterThan", NumericGreaterThanEquals: "NumericGreaterThanEquals",
	DateEquals: "DateEquals", DateNotEquals: "DateNotEquals",
	DateLessThan: "DateLessThan", DateLessThanEquals: "DateLessThanEquals",
	DateGreaterThan: "DateGreaterThan", DateGreaterThanEquals: "DateGreaterThanEquals",
	Bool: "Bool", BinaryEquals: "BinaryEquals",
	IPAddress: "IpAddress", NotIPAddress: "NotIpAddress",
	ArnEquals: "ArnEquals", ArnNotEquals: "ArnNotEquals", ArnLike: "ArnLike", ArnNotLike: "ArnNotLike",
	Null: "Null",
}

func (c Comparison) String() string { return comparisonNames[c] }

// Qualifier says how a condition treats a key with several values.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-single-vs-multi-valued-context-keys.html
type Qualifier uint8

// The qualifiers.
const (
	NoQualifier  Qualifier = iota
	ForAllValues           // every value of the request matches; true when there is none
	ForAnyValue            // some value of the request matches; false when there is none
)

// Operator is a condition operator with its qualifier and suffix.
type Operator struct {
	Qualifier  Qualifier
	Comparison Comparison
	IfExists   bool // true when the key is absent
}

func (o Operator) String() string {
	var b strings.Builder
	switch o.Qualifier {
	case ForAllValues:
		b.WriteString("ForAllValues:")
	case ForAnyValue:
		b.WriteString("ForAnyValue:")
	case NoQualifier:
	}
	b.WriteString(o.Comparison.String())
	if o.IfExists {
		b.WriteString("IfExists")
	}
	return b.String()
}

// Negated says whether the comparison is the negation of another, which is then true
// when the key is absent.
func (c Comparison) Negated() bool {
	switch c {
	case StringNotEquals, StringNotEqualsIgnoreCase, StringNotLike, NumericNotEquals, DateNotEquals,
		NotIPAddress, ArnNotEquals, ArnNotLike:
		return true
	}
	return false
}

// Positive is the comparison that c negates, or c itself. ArnNotEquals gives ArnEquals.
func (c Comparison) Positive() Comparison {
	if c.Negated() {
		return c - 1
	}
	return c
}

// TakesVariables says whether policy variables may stand in the operator's values:
// in string, ARN and Boolean operators.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html#policy-vars-wheretouse
func (c Comparison) TakesVariables() bool {
	return StringEquals <= c && c <= StringNotLike || ArnEquals <= c && c <= ArnNotLike || c == Bool
}

// TakesWildcards says whether `*` and `?` are wildcards in the operator's values.
func (c Comparison) TakesWildcards() bool {
	return c == StringLike || c == StringNotLike || ArnEquals <= c && c <= ArnNotLike
}

// parseOperator reads an operator's name, in any case: AWS's own examples write both
// ArnLike and ARNLike.
func parseOperator(s string) (Operator, bool) {
	op, name := cutOperator(s)
	for i, known := range comparisonNames[1:] {
		if len(known) == len(name) && strings.EqualFold(known, name) {
			op.Comparison = Comparison(i + 1)
			plain := !op.IfExists && op.Qualifier == NoQualifier
			return op, plain || op.Comparison != Null
		}
	}
	return Operator{}, false
}

// cutOperator splits an operator's name off its qualifier and suffix.
func cutOperator(s string) (op Operator, name string) {
	name = s
	if rest, ok := cutPrefixFold(name, "ForAllValues:"); ok {
		op.Qualifier, name = ForAllValues, rest
	} else if rest, ok := cutPrefixFold(name, "ForAnyValue:"); ok {
		op.Qualifier, name = ForAnyValue, rest
	}
	const suffix = "IfExists"
	if n := len(name) - len(suffix); n >= 0 && strings.EqualFold(name[n:], suffix) {
		op.IfExists, name = true, name[:n]
	}
	return op, name
}

func cutPrefixFold(s, prefix string) (rest string, ok bool) {
	if len(s) < len(prefix) || !strings.EqualFold(s[:len(prefix)], prefix) {
		return s, false
	}
	return s[len(prefix):], true
}

// wantOperator says what to type instead of an operator that there isn't.
func wantOperator(s string) string {
	_, name := cutOperator(s)
	if strings.EqualFold(name, comparisonNames[Null]) {
		return "Null takes no ForAllValues:, ForAnyValue: or IfExists"
	}
	best, common := "", 3
	for _, known := range comparisonNames[1:] {
		if n := commonPrefix(known, name); n > common {
			best, common = known, n
		}
	}
	if best != "" {
		return "there is none of that name; is it " + best + "?"
	}
	return "want String…, Numeric…, Date…, Arn…, Bool, BinaryEquals, IpAddress, NotIpAddress or Null, such as StringEquals"
}

// commonPrefix is the number of bytes with which both begin, case ignored.
func commonPrefix(a, b string) int {
	n := 0
	for n < min(len(a), len(b)) && a[n]|0x20 == b[n]|0x20 {
		n++
	}
	return n
}
