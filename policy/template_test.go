package policy_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pare-iam/pare/policy"
)

// show prints a template: patterns with their literal wildcards told apart, keys in
// angle brackets.
func show(t policy.Template) string {
	var parts []string
	for _, p := range t {
		switch text, literal := p.Pattern.Text(); {
		case p.Key != "" && p.HasDefault:
			parts = append(parts, fmt.Sprintf("<%s|%s>", p.Key, p.Default))
		case p.Key != "":
			parts = append(parts, "<"+p.Key+">")
		case literal:
			parts = append(parts, "="+text)
		default:
			parts = append(parts, p.Pattern.String())
		}
	}
	return strings.Join(parts, " ")
}

func TestTemplates(t *testing.T) {
	const v2008, v2012 = `"2008-10-17"`, `"2012-10-17"`
	for _, tt := range []struct{ name, version, operator, text, want string }{
		{"wildcards", v2012, "StringLike", "a*b?", "a*b?"},
		{"no wildcards where the operator has none", v2012, "StringEquals", "a*b?", "=a*b?"},
		{"a variable", v2012, "StringLike", "a*/${aws:UserName}/*", "a*/ <aws:username> /*"},
		{"a variable alone", v2012, "StringEquals", "${aws:username}", "<aws:username>"},
		{"variables side by side", v2012, "StringEquals", "${a:b}${a:c}", "<a:b> <a:c>"},
		{"a default", v2012, "ArnLike", "${aws:PrincipalTag/team, 'company, wide'}*", "<aws:principaltag/team|company, wide> *"},
		{"an empty default", v2012, "ArnLike", "${a:b,''}", "<a:b|>"},
		{"variables of 2008 are text", v2008, "StringLike", "${aws:username}*", "${aws:username}*"},
		{"what isn't a variable in 2008 is text too", v2008, "StringLike", "${", "=${"},
		{"no variables where the operator has none", v2012, "DateLessThan", "${aws:username}", "=${aws:username}"},
		{"escaped wildcards", v2012, "StringLike", "a${*}b${?}c${$}", "=a*b?c$"},
		{"escaped and plain wildcards", v2012, "StringLike", "${*}*", "**"},
		{"escapes where the operator has no wildcards", v2012, "StringEquals", "a${*}b", "=a*b"},
		{"a dollar is a dollar", v2012, "StringLike", "$a$", "=$a$"},
		{"the empty text", v2012, "StringEquals", "", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			doc := parse(t, fmt.Sprintf(`{"Statement": {"Effect": "Deny", "Action": "*", "Condition": {%q: {"a:b": %q}}}, "Version": %s}`,
				tt.operator, tt.text, tt.version))
			value := doc.Statements[0].Conditions[0].Values[0]
			if diff := cmp.Diff(tt.want, show(value.Template)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestFill(t *testing.T) {
	doc := parse(t, `{"Version": "2012-10-17", "Statement": {"Effect": "Deny", "Action": "*", "Resource": [
		"plain*", "${aws:username}", "a/${AWS:UserName}/*", "${x:none}", "${x:none, 'd*'}?", "${x:none,''}${aws:username}"]}}`)
	values := map[string]string{"aws:username": "jo*"}
	lookup := func(key string) (string, bool) { v, ok := values[key]; return v, ok }
	for i, tt := range []struct {
		keys    []string
		ok      bool
		yes, no string
	}{
		{nil, true, "plain ", "plai"},
		{[]string{"aws:username"}, true, "jo*", "joe"},
		{[]string{"aws:username"}, true, "a/jo*/x", "a/joe/x"},
		{[]string{"x:none"}, false, "", ""},
		{[]string{"x:none"}, true, "d*x", "dxx"},
		{[]string{"x:none", "aws:username"}, true, "jo*", ""},
	} {
		entry := doc.Statements[0].Resource.Entries[i]
		if diff := cmp.Diff(tt.keys, entry.Template.Keys()); diff != "" {
			t.Errorf("keys of %q (-want +got):\n%s", entry.Text, diff)
		}
		p, ok := entry.Template.Fill(lookup)
		if ok != tt.ok || ok && (!p.Match(tt.yes) || p.Match(tt.no)) {
			t.Errorf("%q filled is %q, %v: want a match of %q and none of %q", entry.Text, p, ok, tt.yes, tt.no)
		}
		if _, plain := entry.Template.Pattern(); plain != (tt.keys == nil) {
			t.Errorf("%q is a pattern: %v", entry.Text, plain)
		}
	}
}

func TestOperators(t *testing.T) {
	for name, want := range map[string]policy.Operator{
		"StringEquals":                  {Comparison: policy.StringEquals},
		"stringnotlike":                 {Comparison: policy.StringNotLike},
		"ARNLikeIfExists":               {Comparison: policy.ArnLike, IfExists: true},
		"FORANYVALUE:ipaddressIFEXISTS": {Qualifier: policy.ForAnyValue, Comparison: policy.IPAddress, IfExists: true},
		"ForAllValues:Bool":             {Qualifier: policy.ForAllValues, Comparison: policy.Bool},
		"Null":                          {Comparison: policy.Null},
	} {
		doc := parse(t, fmt.Sprintf(`{"Statement": {"Effect": "Deny", "Action": "*", "Condition": {%q: {"a:b": "c"}}}}`, name))
		got := doc.Statements[0].Conditions[0].Operator
		if got != want {
			t.Errorf("%s is %v, want %v", name, got, want)
		}
		if !strings.EqualFold(got.String(), name) {
			t.Errorf("%s prints as %s", name, got)
		}
	}
}

func TestComparisons(t *testing.T) {
	for c := policy.StringEquals; c <= policy.Null; c++ {
		name := c.String()
		if got, want := c.Negated(), strings.Contains(name, "Not"); got != want {
			t.Errorf("%s is negated: %v", name, got)
		}
		if got, want := c.Positive().String(), strings.Replace(name, "Not", "", 1); got != want {
			t.Errorf("%s negates %s, want %s", name, got, want)
		}
		if got, want := c.TakesWildcards(), strings.HasSuffix(name, "Like") || strings.HasPrefix(name, "Arn"); got != want {
			t.Errorf("%s takes wildcards: %v", name, got)
		}
		if got, want := c.TakesVariables(), strings.HasPrefix(name, "String") || strings.HasPrefix(name, "Arn") || name == "Bool"; got != want {
			t.Errorf("%s takes variables: %v", name, got)
		}
	}
}
