package policy

import (
	"strings"

	"github.com/pare-iam/pare/internal/wildcard"
)

// Template is a text with wildcards and policy variables, in order. The empty text has
// no part.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html
type Template []Part

// Part is a piece of a Template: a pattern, or a variable if Key isn't "".
type Part struct {
	Pattern wildcard.Pattern

	Key        string // the variable's condition key, lower case: "aws:username"
	HasDefault bool   // ${key, 'default'}
	Default    string
}

// Pattern is the template's pattern when it has no variable, and false when it has.
func (t Template) Pattern() (wildcard.Pattern, bool) {
	switch {
	case len(t) == 0:
		return wildcard.Pattern{}, true
	case len(t) == 1 && t[0].Key == "":
		return t[0].Pattern, true
	}
	return wildcard.Pattern{}, false
}

// Keys lists the condition keys of the template's variables, in order, each as often as
// it stands there.
func (t Template) Keys() []string {
	var keys []string
	for _, part := range t {
		if part.Key != "" {
			keys = append(keys, part.Key)
		}
	}
	return keys
}

// Fill replaces every variable by the value that lookup gives for its key, taken
// literally, or by its default. It is false when a variable has neither.
func (t Template) Fill(lookup func(key string) (string, bool)) (wildcard.Pattern, bool) {
	if p, ok := t.Pattern(); ok {
		return p, true
	}
	parts := make([]wildcard.Pattern, len(t))
	for i, part := range t {
		if part.Key == "" {
			parts[i] = part.Pattern
			continue
		}
		value, ok := lookup(part.Key)
		if !ok && !part.HasDefault {
			return wildcard.Pattern{}, false
		}
		if !ok {
			value = part.Default
		}
		parts[i] = wildcard.Literal(value)
	}
	return wildcard.Concat(parts...), true
}

// parse reads text into t, which is empty and may have room; the second result says what
// is wrong with it, or nothing.
func (t Template) parse(text string, wildcards, variables bool) (Template, string) {
	literal := wildcard.Literal
	if wildcards {
		literal = wildcard.Parse
	}
	for variables {
		before, rest, found := strings.Cut(text, "${")
		if !found {
			break
		}
		body, after, closed := strings.Cut(rest, "}")
		if !closed {
			return nil, "a policy variable that isn't closed: want ${key}"
		}
		t = t.add(literal(before))
		switch body {
		case "*", "?", "$":
			t = t.add(wildcard.Literal(body))
		default:
			part, problem := parseVariable(body)
			if problem != "" {
				return nil, problem
			}
			t = append(t, part)
		}
		text = after
	}
	return t.add(literal(text)), ""
}

// add appends a pattern, joined to the one before it.
func (t Template) add(p wildcard.Pattern) Template {
	if p == (wildcard.Pattern{}) {
		return t
	}
	if n := len(t); n > 0 && t[n-1].Key == "" {
		t[n-1].Pattern = wildcard.Concat(t[n-1].Pattern, p)
		return t
	}
	return append(t, Part{Pattern: p})
}

// parseVariable reads what stands between ${ and }: a key, and 'a default' after a comma.
func parseVariable(body string) (Part, string) {
	key, dflt, has := strings.Cut(body, ",")
	part := Part{Key: wildcard.Fold(strings.TrimSpace(key)), HasDefault: has}
	if part.Key == "" {
		return Part{}, "an empty policy variable: want ${key}"
	}
	if has {
		dflt = strings.TrimSpace(dflt)
		inner, okL := strings.CutPrefix(dflt, "'")
		inner, okR := strings.CutSuffix(inner, "'")
		if !okL || !okR {
			return Part{}, "a variable's default stands in single quotes: want ${key, 'default'}"
		}
		part.Default = inner
	}
	return part, ""
}
