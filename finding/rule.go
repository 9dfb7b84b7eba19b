package finding

import (
	"slices"
	"strings"
)

// Filter is criteria by key. A finding that meets all of them is met; nothing meets an
// empty filter.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/access-analyzer-reference-filter-keys.html
type Filter map[string]Criterion

// ArchiveRule archives findings that meet all criteria.
// https://docs.aws.amazon.com/access-analyzer/latest/APIReference/API_InlineArchiveRule.html
type ArchiveRule struct {
	Name   string
	Filter Filter // never empty
}

// Criterion is met if each of its members that are set is. One that has none isn't met.
// Texts are compared as they are written, case and all.
// https://docs.aws.amazon.com/access-analyzer/latest/APIReference/API_Criterion.html
type Criterion struct {
	Eq       []string // one of them
	Neq      []string // none of them
	Contains []string // has one of them as a part
	Exists   *bool    // there is a value, or there is none
}

// filterKey is something of a finding that a filter can look at.
type filterKey struct {
	name    string
	listing bool // for lists alone: AWS has no archive rules on it
	value   func(*Finding) string
}

// filterKeys are those of AWS's page that findings of unused access have. These findings
// are made without errors, so that error never exists.
var filterKeys = [...]filterKey{
	{"error", false, func(*Finding) string { return "" }},
	{"findingType", false, func(f *Finding) string { return string(f.Type) }},
	{"id", false, func(f *Finding) string { return f.ID }},
	{"resource", false, func(f *Finding) string { return f.Resource }},
	{"resourceOwnerAccount", false, func(f *Finding) string { return f.Account }},
	{"resourceType", false, (*Finding).ResourceType},
	{"status", true, func(f *Finding) string { return string(f.Status) }},
}

func keyNamed(name string) (filterKey, bool) {
	i := slices.IndexFunc(filterKeys[:], func(k filterKey) bool { return k.name == name })
	if i < 0 {
		return filterKey{}, false
	}
	return filterKeys[i], true
}

// Matches says whether the rule archives the finding.
func (r ArchiveRule) Matches(f *Finding) bool { return r.Filter.Matches(f) }

// Matches says whether the finding meets every criterion. A key that there isn't is never
// met.
func (filter Filter) Matches(f *Finding) bool {
	for name, c := range filter {
		key, ok := keyNamed(name)
		if !ok || !c.met(key.value(f)) {
			return false
		}
	}
	return len(filter) > 0
}

func (c Criterion) met(value string) bool {
	switch {
	case c.empty(),
		len(c.Eq) > 0 && !slices.Contains(c.Eq, value),
		slices.Contains(c.Neq, value),
		len(c.Contains) > 0 && !slices.ContainsFunc(c.Contains, func(part string) bool { return strings.Contains(value, part) }),
		c.Exists != nil && *c.Exists != (value != ""):
		return false
	}
	return true
}

func (c Criterion) empty() bool {
	return len(c.Eq) == 0 && len(c.Neq) == 0 && len(c.Contains) == 0 && c.Exists == nil
}

// Archive sets the status of an active finding by the first rule that matches it.
func Archive(f *Finding, rules []ArchiveRule) {
	if f.Status != Active {
		return
	}
	for _, r := range rules {
		if r.Matches(f) {
			f.Status, f.ArchivedBy = Archived, r.Name
			return
		}
	}
}
