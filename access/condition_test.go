package access_test

import (
	"fmt"
	"testing"

	"github.com/pare-iam/pare/access"
)

// holds says whether one condition, as JSON, is true of a context, as JSON.
func holds(t *testing.T, operator, key, values, context string) bool {
	t.Helper()
	doc := document(t, "p.json", fmt.Sprintf(`{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "*",
		"Resource": "*", "Condition": {%q: {%q: %s}}}}`, operator, key, values))
	return access.Allows(doc, request(t, `{"action": "s3:GetObject", "resource": "*", "context": `+context+`}`))
}

// The outcomes of an operator and of its negated twin, for a key whose value matches,
// for one whose value doesn't, for an absent key and for a key with both values.
//
// Absent keys, IfExists and Null:
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html
// ForAllValues and ForAnyValue:
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-single-vs-multi-valued-context-keys.html
// Both values without a qualifier: AWS is silent; docs/semantics.md, "Keys with several values".
var grids = map[bool][]struct {
	prefix, suffix                string
	matching, other, absent, both bool
}{
	false: {
		{"", "", true, false, false, true},
		{"", "IfExists", true, false, true, true},
		{"ForAllValues:", "", true, false, true, false},
		{"ForAllValues:", "IfExists", true, false, true, false},
		{"ForAnyValue:", "", true, false, false, true},
		{"ForAnyValue:", "IfExists", true, false, true, true},
	},
	true: {
		{"", "", false, true, true, false},
		{"", "IfExists", false, true, true, false},
		{"ForAllValues:", "", false, true, true, false},
		{"ForAllValues:", "IfExists", false, true, true, false},
		{"ForAnyValue:", "", false, true, false, true},
		{"ForAnyValue:", "IfExists", false, true, true, true},
	},
}

func TestConditionGrid(t *testing.T) {
	for _, op := range []struct {
		name            string
		negated         bool
		values          string // of the policy
		matching, other string // by the positive operator
	}{
		{"StringEquals", false, `["blue", "green"]`, "green", "Blue"},
		{"StringNotEquals", true, `["blue", "green"]`, "green", "Blue"},
		{"StringEqualsIgnoreCase", false, `"Blue"`, "bLUE", "blues"},
		{"StringNotEqualsIgnoreCase", true, `"Blue"`, "bLUE", "blues"},
		{"StringLike", false, `["bl?e", "*green*"]`, "evergreens", "ble"},
		{"StringNotLike", true, `["bl?e", "*green*"]`, "evergreens", "ble"},
		{"NumericEquals", false, `["10", 20]`, "1e1", "10.5"},
		{"NumericNotEquals", true, `["10", 20]`, "20.0", "11"},
		{"NumericLessThan", false, `10`, "9.99", "10"},
		{"NumericLessThanEquals", false, `"10"`, "10", "10.01"},
		{"NumericGreaterThan", false, `"-1"`, "0", "-1"},
		{"NumericGreaterThanEquals", false, `"10"`, "10", "9"},
		{"DateEquals", false, `"2020-01-01T00:00:00Z"`, "2020-01-01T01:00:00+01:00", "2020-01-01T00:00:01Z"},
		{"DateNotEquals", true, `"2020-01-01T00:00:00Z"`, "1577836800", "2021"},
		{"DateLessThan", false, `"2020-01-01"`, "2019-12-31T23:59:59Z", "2020-01-01"},
		{"DateLessThanEquals", false, `"2020"`, "2020-01-01T00:00Z", "2020-01-01T00:00:00.5Z"},
		{"DateGreaterThan", false, `"2020-01-01T00:00:01Z"`, "1577836802", "1577836801"},
		{"DateGreaterThanEquals", false, `1577836800`, "2020-01", "2019-12"},
		{"Bool", false, `"true"`, "true", "false"},
		{"BinaryEquals", false, `"QmluYXJ5VmFsdWVJbkJhc2U2NA=="`, "QmluYXJ5VmFsdWVJbkJhc2U2NA==", "QmluYXJ5"},
		{"IpAddress", false, `["203.0.113.0/24", "2001:DB8:1234:5678::/64"]`, "2001:db8:1234:5678::1", "203.0.114.1"},
		{"NotIpAddress", true, `["203.0.113.0/24", "2001:DB8:1234:5678::/64"]`, "203.0.113.255", "198.51.100.7"},
		{"ArnEquals", false, `"arn:aws:sns:*:123456789012:t?pic"`, "arn:aws:sns:eu-west-1:123456789012:topic", "arn:aws:sns:eu-west-1:123456789012:Topic"},
		{"ArnLike", false, `"arn:aws:sns:*:123456789012:t?pic"`, "arn:aws:sns:eu-west-1:123456789012:topic", "arn:aws:sns:eu-west-1:123456789012:Topic"},
		{"ArnNotEquals", true, `"arn:aws:sns:*:123456789012:*"`, "arn:aws:sns:eu-west-1:123456789012:topic", "arn:aws:sqs:eu-west-1:123456789012:topic"},
		{"ArnNotLike", true, `"arn:aws:sns:*:123456789012:*"`, "arn:aws:sns:eu-west-1:123456789012:topic", "arn:aws:sqs:eu-west-1:123456789012:topic"},
	} {
		for _, g := range grids[op.negated] {
			operator := g.prefix + op.name + g.suffix
			for _, c := range []struct {
				name, context string
				want          bool
			}{
				{"matching", fmt.Sprintf(`{"t:key": %q}`, op.matching), g.matching},
				{"other", fmt.Sprintf(`{"t:key": %q}`, op.other), g.other},
				{"absent", `{"t:other": "x"}`, g.absent},
				{"empty list", `{"t:key": []}`, g.absent},
				{"both", fmt.Sprintf(`{"t:key": [%q, %q]}`, op.other, op.matching), g.both},
			} {
				if got := holds(t, operator, "T:Key", op.values, c.context); got != c.want {
					t.Errorf("%s %s: %v, want %v", operator, c.name, got, c.want)
				}
			}
		}
	}
}

func TestConditionValues(t *testing.T) {
	for _, c := range []struct {
		name, operator, values, actual string // JSON
		want                           bool
	}{
		// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html#Conditions_ARN
		{"StringLike crosses colons", "StringLike", `"arn:aws:someservice:*:111122223333:finance/*"`,
			`"arn:aws:someservice:us-east-2:999999999999:store/abc:111122223333:finance/document.txt"`, true},
		{"ArnLike doesn't", "ArnLike", `"arn:aws:someservice:*:111122223333:finance/*"`,
			`"arn:aws:someservice:us-east-2:999999999999:store/abc:111122223333:finance/document.txt"`, false},
		{"ArnLike crosses colons in the last part", "ArnLike", `"arn:aws:lambda:*:*:function:*"`,
			`"arn:aws:lambda:eu-west-1:123456789012:function:f:PROD"`, true},
		{"ArnEquals takes wildcards", "ArnEquals", `"arn:aws:s3:::b*"`, `"arn:aws:s3:::bucket"`, true},
		{"ArnLike with fewer than six parts matches nothing", "ArnLike", `"*"`, `"arn:aws:s3:::bucket"`, false},
		{"a value that is no ARN isn't like one", "ArnLike", `"*:*:*:*:*:*"`, `"bucket"`, false},
		{"ArnNotLike is the negation", "ArnNotLike", `"arn:aws:s3:::*"`, `"bucket"`, true},
		{"StringEquals has no wildcards", "StringEquals", `"b*"`, `"bucket"`, false},
		{"a literal asterisk", "StringEquals", `"b*"`, `"b*"`, true},
		{"an escaped asterisk", "StringLike", `"b${*}${?}${$}*"`, `"b*?$x"`, true},
		{"an escaped asterisk isn't a wildcard", "StringLike", `"b${*}"`, `"bucket"`, false},
		{"an empty string is a value", "StringLike", `["", "home/"]`, `""`, true},
		{"ForAllValues on an empty string", "ForAllValues:StringEquals", `"a"`, `[""]`, false},
		{"a policy without values matches nothing", "StringEquals", `[]`, `"a"`, false},
		{"and its negation everything", "StringNotEquals", `[]`, `"a"`, true},
		// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html#Conditions_Numeric
		{"decimals compare exactly", "NumericEquals", `"0.3"`, `"0.30"`, true},
		{"and aren't rounded", "NumericEquals", `"9007199254740993"`, `9007199254740992`, false},
		{"a number without quotes", "NumericLessThanEquals", `10`, `10`, true},
		{"not a number", "NumericLessThan", `"10"`, `"ten"`, false},
		{"not a number, negated", "NumericNotEquals", `"10"`, `"ten"`, true},
		{"a huge exponent is no number", "NumericGreaterThan", `"1"`, `1e999999999`, false},
		{"hexadecimals and fractions are no numbers", "NumericGreaterThan", `"1"`, `["0x10", "20/2", "Inf"]`, false},
		// https://www.w3.org/TR/NOTE-datetime
		{"a date without a zone is no date", "DateLessThan", `"2030"`, `"2020-01-01T00:00:00"`, false},
		{"its negation", "DateNotEquals", `"2030"`, `"2020-01-01T00:00:00"`, true},
		{"no 30th of February", "DateLessThan", `"2030"`, `"2020-02-30"`, false},
		{"nanoseconds", "DateLessThan", `"2020-01-01T00:00:00.000000002Z"`, `"2020-01-01T00:00:00.000000001Z"`, true},
		{"four digits are a year", "DateGreaterThan", `"2019"`, `"2020"`, true},
		{"five are seconds", "DateLessThan", `"2019"`, `"20200"`, true},
		// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html#Conditions_IPAddress
		{"an address alone is /32", "IpAddress", `"203.0.113.7"`, `"203.0.113.8"`, false},
		{"an address alone", "IpAddress", `"203.0.113.7"`, `"203.0.113.7"`, true},
		{"bits behind the prefix don't count", "IpAddress", `"203.0.113.7/24"`, `"203.0.113.200"`, true},
		{"0.0.0.0/0 is IPv4 only", "IpAddress", `"0.0.0.0/0"`, `"2001:db8::1"`, false},
		{"forms of IPv6", "IpAddress", `"2001:0DB8:0:0:0:0:0:0001"`, `"2001:db8::1"`, true},
		{"a request comes from an address, not a range", "IpAddress", `"203.0.113.0/24"`, `"203.0.113.0/25"`, false},
		{"no address", "IpAddress", `"0.0.0.0/0"`, `"localhost"`, false},
		{"no address, negated", "NotIpAddress", `"0.0.0.0/0"`, `"localhost"`, true},
		{"no range", "IpAddress", `"203.0.113.0/33"`, `"203.0.113.0"`, false},
		// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html#Conditions_Boolean
		{"a boolean without quotes", "Bool", `true`, `true`, true},
		{"booleans have no case", "Bool", `"False"`, `"false"`, true},
		{"no boolean", "Bool", `"yes"`, `"yes"`, false},
		{"no base64", "BinaryEquals", `"a!"`, `"a!"`, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := holds(t, c.operator, "t:key", c.values, `{"t:key": `+c.actual+`}`); got != c.want {
				t.Errorf("%s %s of %s: %v, want %v", c.operator, c.values, c.actual, got, c.want)
			}
		})
	}
}

// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html#Conditions_Null
func TestConditionNull(t *testing.T) {
	for _, c := range []struct {
		values, context string
		want            bool
	}{
		{`"true"`, `{}`, true},
		{`"true"`, `{"t:key": "x"}`, false},
		{`"false"`, `{}`, false},
		{`false`, `{"t:key": "x"}`, true},
		{`"false"`, `{"T:KEY": ["x", "y"]}`, true},
		{`"true"`, `{"t:key": []}`, true},
		{`"false"`, `{"t:key": ""}`, true},
		{`["true", "false"]`, `{}`, true},
		{`"maybe"`, `{}`, false},
	} {
		if got := holds(t, "Null", "t:key", c.values, c.context); got != c.want {
			t.Errorf("Null %s of %s: %v, want %v", c.values, c.context, got, c.want)
		}
	}
}

// Policy variables. A variable without a value is null: "There is no equal or like
// value", and a resource with one matches no resource.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html#policy-vars-no-value
// "You can't use a multivalued context key as a policy variable":
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-single-vs-multi-valued-context-keys.html
func TestVariables(t *testing.T) {
	const home = `"Resource": "arn:aws:s3:::b/${aws:username}/*"`
	for _, c := range []struct {
		name, version, rest, context string
		want                         bool
	}{
		{"a resource", "2012-10-17", home, `{"aws:UserName": "ann"}`, true},
		{"of someone else", "2012-10-17", home, `{"aws:username": "bob"}`, false},
		{"a value's asterisk isn't a wildcard", "2012-10-17", home, `{"aws:username": "*"}`, false},
		{"an absent key matches no resource", "2012-10-17", home, `{}`, false},
		{"a key with two values fills nothing", "2012-10-17", home, `{"aws:username": ["ann", "ann"]}`, false},
		{"not before 2012", "2008-10-17", home, `{"aws:username": "ann"}`, false},
		{"a default", "2012-10-17", `"Resource": "arn:aws:s3:::b/${aws:username, 'ann'}/*"`, `{}`, true},
		{"a default isn't for a key that is there", "2012-10-17", `"Resource": "arn:aws:s3:::b/${aws:username, 'ann'}/*"`, `{"aws:username": "bob"}`, false},
		{"NotResource without a value excepts nothing", "2012-10-17", `"NotResource": "arn:aws:s3:::b/${aws:username}/*"`, `{}`, true},
		{"NotResource", "2012-10-17", `"NotResource": "arn:aws:s3:::b/${aws:username}/*"`, `{"aws:username": "ann"}`, false},
		{"a condition", "2012-10-17", `"Resource": "*", "Condition": {"StringEquals": {"t:a": "${t:b}"}}`, `{"t:a": "x", "t:b": "x"}`, true},
		{"a condition without a value", "2012-10-17", `"Resource": "*", "Condition": {"StringLike": {"t:a": "${t:b}*"}}`, `{"t:a": "x"}`, false},
		{"a negated one", "2012-10-17", `"Resource": "*", "Condition": {"StringNotEquals": {"t:a": "${t:b}"}}`, `{"t:a": "x"}`, true},
		{"another value of the list", "2012-10-17", `"Resource": "*", "Condition": {"StringEquals": {"t:a": ["${t:b}", "x"]}}`, `{"t:a": "x"}`, true},
		{"a Boolean", "2012-10-17", `"Resource": "*", "Condition": {"Bool": {"t:a": "${t:b}"}}`, `{"t:a": "true", "t:b": "true"}`, true},
		{"an ARN", "2012-10-17", `"Resource": "*", "Condition": {"ArnLike": {"t:a": "arn:aws:iam::*:user/${t:b}"}}`,
			`{"t:a": "arn:aws:iam::123456789012:user/ann", "t:b": "ann"}`, true},
		{"a number takes none", "2012-10-17", `"Resource": "*", "Condition": {"NumericEquals": {"t:a": "${t:b}"}}`, `{"t:a": "1", "t:b": "1"}`, false},
		{"a tag", "2012-10-17", `"Resource": "arn:aws:s3:::b/${aws:PrincipalTag/Team}/*"`, `{"aws:principaltag/team": "ann"}`, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			doc := document(t, "p.json", `{"Version": "`+c.version+`", "Statement": {"Effect": "Allow", "Action": "s3:*", `+c.rest+`}}`)
			req := request(t, `{"action": "s3:GetObject", "resource": "arn:aws:s3:::b/ann/key", "context": `+c.context+`}`)
			if got := access.Allows(doc, req); got != c.want {
				t.Errorf("%v, want %v", got, c.want)
			}
		})
	}
}
