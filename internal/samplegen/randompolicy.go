package samplegen

import (
	"fmt"
	"strings"

	"github.com/pare-iam/pare/catalog"
)

// The shares below are those of AWS's own managed policies: of a hundred entries of
// action lists, 94 name one action, five end in a wildcard, and one is a whole service;
// one statement in ten has a condition; one document in a hundred has a NotAction, three
// have a Deny statement.

func (m *maker) statements() int { return 1 + m.rng.IntN(4) + m.rng.IntN(3) }

// policy makes a policy of so many statements, fewer if it would be longer than size
// characters, in one of four layouts.
func (m *maker) policy(statements, size int) string {
	style := m.rng.IntN(4)
	var parts []string
	total := 60
	for i := range statements {
		st := m.statement(i, style)
		if total += len(strings.Join(strings.Fields(st), "")) + 1; total > size && i > 0 {
			break
		}
		parts = append(parts, st)
	}
	if m.rng.IntN(33) == 0 {
		parts = append(parts, `{"Sid": "Guard", "Effect": "Deny", "Action": ["iam:CreateUser", "s3:DeleteBucket"], "Resource": "*"}`)
	}
	switch style {
	case 0:
		return `{"Version":"2012-10-17","Statement":[` + strings.Join(parts, ",") + `]}`
	case 1:
		return "{\n    \"Version\": \"2012-10-17\",\n    \"Statement\": [\n        " + strings.Join(parts, ",\n        ") + "\n    ]\n}"
	default:
		return "{\n  \"Version\": \"2012-10-17\",\n  \"Statement\": [\n    " + strings.Join(parts, ",\n    ") + "\n  ]\n}"
	}
}

func (m *maker) statement(i, style int) string {
	s := m.someService()
	element, entries := "Action", m.entries(s)
	if m.rng.IntN(300) == 0 {
		element, entries = "NotAction", []string{"iam:*", "organizations:*", s.Prefix + ":*"}
	}
	var list string
	switch {
	case len(entries) == 1 && style%2 == 0:
		list = fmt.Sprintf("%q", entries[0])
	case style == 0:
		list = `["` + strings.Join(entries, `","`) + `"]`
	case style == 3:
		list = `[ "` + strings.Join(entries, `", "`) + `" ]`
	default:
		list = "[\n        \"" + strings.Join(entries, "\",\n        \"") + "\"\n      ]"
	}
	resource := `"*"`
	if m.rng.IntN(3) == 0 {
		resource = fmt.Sprintf(`["arn:aws:%s:*:%s:*/team-%d/*"]`, s.Prefix, m.w.options.AccountID, m.rng.IntN(40))
	}
	condition := ""
	if m.rng.IntN(10) == 0 {
		condition = fmt.Sprintf(`, "Condition": {"StringEquals": {"aws:ResourceTag/team": "team-%02d"}}`, m.rng.IntN(40))
	}
	return fmt.Sprintf(`{"Sid": "Part%d", "Effect": "Allow", %q: %s, "Resource": %s%s}`, i+1, element, list, resource, condition)
}

func (m *maker) someService() *catalog.Service {
	if m.rng.IntN(4) > 0 {
		return m.services[m.rng.IntN(m.popular)]
	}
	return m.services[m.rng.IntN(len(m.services))]
}

// entries is an action list of one service, and now and then of a second one.
func (m *maker) entries(s *catalog.Service) []string {
	var out []string
	seen := map[string]bool{}
	for range 1 + m.rng.IntN(6) + m.rng.IntN(10) {
		a := &s.Actions[m.rng.IntN(len(s.Actions))]
		entry := a.String()
		switch kind := m.rng.IntN(100); {
		case kind == 0:
			entry = s.Prefix + ":*"
		case kind <= 5:
			entry = s.Prefix + ":" + firstWord(a.Name) + "*"
		case kind <= 15: // as people write it
			entry = s.Prefix + ":" + strings.ToLower(a.Name[:1]) + a.Name[1:]
		}
		if !seen[entry] {
			seen[entry] = true
			out = append(out, entry)
		}
	}
	return out
}

// firstWord is a name up to its second capital.
func firstWord(name string) string {
	for i := 1; i < len(name); i++ {
		if 'A' <= name[i] && name[i] <= 'Z' {
			return name[:i]
		}
	}
	return name
}
