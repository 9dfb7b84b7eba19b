package web

import (
	"cmp"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/pare-iam/pare/internal/store"
	"github.com/pare-iam/pare/internal/wire"
	"github.com/pare-iam/pare/policy"
)

// analyzerForm is an analyzer as a form has it.
type analyzerForm struct {
	Name, Type, Age, Every string
	Accounts, Tags         string // what is left out: one a line
	Types, Schedules       []option
	Fixed                  string // why what is left out can't be changed here; ""
	Wrong                  map[string]string

	analyzer store.Analyzer
}

const usualAge = "90" // days, as AWS

func newAnalyzerForm() analyzerForm {
	return analyzerForm{Type: string(store.AccountUnused), Age: usualAge}
}

// schedules are how often an analyzer may look at its accounts.
var schedules = [...]time.Duration{time.Hour, 6 * time.Hour, 12 * time.Hour, day, 7 * day}

func formOfAnalyzer(a store.Analyzer) analyzerForm {
	out := analyzerForm{Name: a.Name, Type: string(a.Type), Age: plainNumber(a.UnusedAge), analyzer: a}
	if a.Every != 0 {
		out.Every = a.Every.String()
	}
	out.Accounts, out.Tags, out.Fixed = exclusionTexts(a.Exclusions)
	return out
}

// exclusionTexts are exclusions line by line: who meets one of all is left out, whatever
// list it stands in. A key with "=" can't be told from its value, and is left as it is.
func exclusionTexts(all []store.Exclusion) (accounts, tags, fixed string) {
	var ids, pairs []string
	for _, e := range all {
		ids = append(ids, e.AccountIDs...)
		for _, set := range e.ResourceTags {
			for _, key := range slices.Sorted(maps.Keys(set)) {
				if strings.ContainsAny(key, "=\n\r") || strings.ContainsAny(set[key], "\n\r") || strings.TrimSpace(key) != key || strings.TrimSpace(set[key]) != set[key] {
					fixed = "a tag that is left out can't be written on a line; change the exclusions by the API"
				}
				pairs = append(pairs, key+"="+set[key])
			}
		}
	}
	return strings.Join(ids, "\n"), strings.Join(pairs, "\n"), fixed
}

// fill adds the choices.
func (f *analyzerForm) fill() {
	f.Types = []option{
		{string(store.AccountUnused), "One account", f.Type == string(store.AccountUnused)},
		{string(store.OrganizationUnused), "All accounts of the organization", f.Type == string(store.OrganizationUnused)},
	}
	f.Schedules = []option{{"", "As the server is set up", f.Every == ""}}
	for _, d := range schedules {
		f.Schedules = append(f.Schedules, option{d.String(), "every " + spanText(d), f.Every == d.String()})
	}
	if !slices.ContainsFunc(f.Schedules, func(o option) bool { return o.Selected }) {
		f.Schedules = append(f.Schedules, option{f.Every, "every " + f.Every, true})
	}
}

// readAnalyzer reads the form that was sent into an analyzer, one that is there or a new
// one without a name. What is wrong is noted by the fields' names.
func (v *visit) readAnalyzer(a store.Analyzer) analyzerForm {
	get := func(name string) string { return strings.TrimSpace(v.PostForm.Get(name)) }
	f := analyzerForm{
		Name: cmp.Or(a.Name, get("name")), Type: cmp.Or(string(a.Type), get("type")), Age: get("age"), Every: get("every"),
		Accounts: strings.Join(lines(get("accounts")), "\n"), Tags: strings.Join(lines(get("tags")), "\n"), Wrong: map[string]string{},
	}
	was := formOfAnalyzer(a)
	if f.Fixed = was.Fixed; f.Fixed != "" {
		f.Accounts, f.Tags = was.Accounts, was.Tags
	}
	if !analyzerName(f.Name) {
		f.Wrong["name"] = "want a letter or _ first, then letters, digits, and any of _.-, at most 255"
	} else if a.ARN == "" && strings.HasPrefix(f.Name, wire.LinkedPrefix) {
		f.Wrong["name"] = "names that begin with " + wire.LinkedPrefix + " are those of service-linked analyzers, which the API makes"
	}
	if f.Type != string(store.AccountUnused) && f.Type != string(store.OrganizationUnused) {
		f.Wrong["type"] = "want one of those offered"
	}
	age, err := strconv.Atoi(f.Age)
	if err != nil || age < 1 || age > 365 {
		f.Wrong["age"] = "want 1 to 365 days"
	} else if a.LinkedService != "" && age != a.UnusedAge {
		f.Wrong["age"] = "want " + strconv.Itoa(a.UnusedAge) + ": the age of service-linked analyzers is fixed"
	}
	a.Name, a.Type, a.UnusedAge = f.Name, store.AnalyzerType(f.Type), age
	f.readSchedule(&a)
	if f.Accounts != was.Accounts || f.Tags != was.Tags { // else they stay as they are written
		a.Exclusions = f.exclusions()
		f.checkAccounts(v.ownerOf(a), a.Exclusions)
	}
	f.analyzer = a
	return f
}

// ownerOf is the account whose an analyzer is, or will be; "" if that isn't known.
func (v *visit) ownerOf(a store.Analyzer) string {
	name := a.ARN
	if name == "" && v.site.AnalyzerARN != nil {
		name = v.site.AnalyzerARN(a.Name)
	}
	arn, err := policy.ParseARN(name)
	if err != nil {
		return ""
	}
	return arn.Account
}

// checkAccounts refuses what the API refuses of accounts that are left out.
func (f *analyzerForm) checkAccounts(owner string, all []store.Exclusion) {
	for _, e := range all {
		switch n := len(e.AccountIDs); {
		case n == 0:
		case f.Type == string(store.AccountUnused):
			f.Wrong["accounts"] = "want none: an analyzer of one account looks at no other"
		case n > wire.MaxExcluded:
			f.Wrong["accounts"] = "these are " + number(n) + " accounts: want " + number(wire.MaxExcluded) + " at most"
		case slices.Contains(e.AccountIDs, owner):
			f.Wrong["accounts"] = owner + " is the account whose the analyzer is, which can't be left out"
		}
	}
}

func (f *analyzerForm) readSchedule(a *store.Analyzer) {
	if a.Every = 0; f.Every == "" {
		return
	}
	every, err := time.ParseDuration(f.Every)
	if err != nil || every < time.Minute {
		f.Wrong["every"] = "want one of those offered"
		return
	}
	a.Every = every
}

// exclusions reads what is left out.
func (f *analyzerForm) exclusions() []store.Exclusion {
	var out store.Exclusion
	for _, id := range lines(f.Accounts) {
		if len(id) != 12 || strings.Trim(id, "0123456789") != "" {
			f.Wrong["accounts"] = id + " is no account ID: want twelve digits, one ID a line"
			continue
		}
		out.AccountIDs = append(out.AccountIDs, id)
	}
	for _, pair := range lines(f.Tags) {
		key, value, _ := strings.Cut(pair, "=")
		if key = strings.TrimSpace(key); key == "" {
			f.Wrong["tags"] = pair + " has no key: want key=value, or key= for any value, one a line"
			continue
		}
		out.ResourceTags = append(out.ResourceTags, map[string]string{key: strings.TrimSpace(value)})
	}
	if len(out.AccountIDs)+len(out.ResourceTags) == 0 {
		return nil
	}
	return []store.Exclusion{out}
}

// analyzerName follows the pattern of CreateAnalyzer.
// https://docs.aws.amazon.com/access-analyzer/latest/APIReference/API_CreateAnalyzer.html
func analyzerName(s string) bool {
	for i, c := range s {
		letter := 'a' <= c|0x20 && c|0x20 <= 'z' || c == '_'
		if !letter && (i == 0 || !strings.ContainsRune("0123456789.-", c)) {
			return false
		}
	}
	return s != "" && len(s) <= 255
}
