package web

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/pare-iam/pare/access"
	"github.com/pare-iam/pare/finding"
	"github.com/pare-iam/pare/internal/store"
	"github.com/pare-iam/pare/policy"
)

// sharedUse is what all principals that have a policy use of it together, and what nobody of
// them uses.
//
// An action can go for all at once only if it is unused by each. A holder of whom that
// isn't known keeps everything: who has no finding of unused permissions wasn't judged or
// uses all; whose finding is archived keeps the access on purpose; whose finding is older
// than the account's last run wasn't judged by that run.
type sharedUse struct {
	Holders  int
	TooMany  bool // there are more holders: nothing was worked out
	TooMuch  bool // more is unused than can be compared while somebody waits
	Unjudged int  // holders of whom it isn't known what they don't use
	Unread   string
	Granted  int // actions that the policy grants
	Unused   int // of them, unused by every holder; 0 if one isn't judged
	Services []sharedService

	not map[string]string // why holders aren't judged, by ARN
}

// sharedService is a service that the policy grants something of.
type sharedService struct {
	Name    string
	Granted int
	Unused  []string // by every holder
	Whole   bool     // so is all that is granted, and it is too much to be listed
	Last    time.Time
	Users   int // holders that have used the service at some time, by whatever policy
}

// How many holders are looked at, and how many actions their findings may name together: a
// hundred administrators who use hardly anything have two million.
const (
	mostHolders = 100
	mostActions = 200_000
)

// sharedUse works it out for the text of a policy, given the list of its holders.
func (v *visit) sharedUse(src string, list func(store.Page) (store.Part[store.Principal], error)) (sharedUse, error) {
	part, err := list(store.Page{Limit: mostHolders})
	if err != nil {
		return sharedUse{}, err
	}
	out := sharedUse{Holders: len(part.Items), TooMany: part.Next != "", not: map[string]string{}}
	if out.TooMany {
		return out, nil
	}
	if err := v.whyNot(&out, part.Items); err != nil {
		return out, err
	}
	out.Unjudged = len(out.not)
	doc, err := policy.Parse("policy", []byte(src))
	if err != nil {
		out.Unread = err.Error()
		return out, nil
	}
	everywhere := map[policy.Action]bool{}
	granted := access.Actions(v.site.Catalog, doc)
	if out.Unjudged == 0 && !out.TooMuch {
		for _, a := range granted.Actions {
			everywhere[policy.Action{Service: a.Service.Prefix, Name: a.Lower}] = true
		}
		if err := v.keepUnused(everywhere, part.Items); err != nil {
			return out, err
		}
	}
	out.fill(granted, everywhere, part.Items)
	return out, nil
}

// permissionsOf asks for the findings of unused permissions of principals.
func (v *visit) permissionsOf(all []store.Principal) store.Query {
	arns := make([]string, len(all))
	for i, p := range all {
		arns[i] = p.ARN
	}
	return store.Query{Analyzer: v.analyzer.ARN, Filter: finding.Filter{
		"resource": {Eq: arns}, "findingType": {Eq: []string{string(finding.UnusedPermission)}},
	}}
}

// whyNot says of whom it isn't known what they don't use.
func (v *visit) whyNot(out *sharedUse, holders []store.Principal) error {
	found := map[string]store.Item{}
	part, err := v.site.Store.Findings(v.Context(), v.permissionsOf(holders), store.Page{Limit: partSize})
	if err != nil {
		return err
	}
	total := 0
	for _, f := range part.Items {
		total += f.UnusedActions
		if had, ok := found[f.Resource]; !ok || had.Status == finding.Resolved {
			found[f.Resource] = f
		}
	}
	out.TooMuch = total > mostActions
	runs, err := latestRuns(v.Context(), v.site.Store, v.analyzer.ARN)
	if err != nil {
		return err
	}
	last := map[string]time.Time{}
	for _, r := range runs {
		last[r.Account] = r.WindowEnd
	}
	for _, p := range holders {
		f, ok := found[p.ARN]
		until, ran := last[p.Account]
		switch {
		case p.Unjudged:
			out.not[p.ARN] = "the account's last run didn't judge its permissions"
		case !ok || f.Status == finding.Resolved:
			out.not[p.ARN] = "no finding of unused permissions: it uses all it has, or wasn't judged"
		case f.Status == finding.Archived:
			out.not[p.ARN] = "its finding is archived, so the access is kept on purpose"
		case !ran || f.AnalyzedAt.Before(until):
			out.not[p.ARN] = "the account's last run couldn't judge it"
		}
	}
	return nil
}

// keepUnused leaves those actions that are unused by every holder. Each has one finding.
func (v *visit) keepUnused(actions map[policy.Action]bool, holders []store.Principal) error {
	seen := map[string]bool{}
	for f, err := range v.site.Store.Export(v.Context(), v.permissionsOf(holders)) {
		if err != nil {
			return err
		}
		if f.Status != finding.Active {
			continue
		}
		seen[f.Resource] = true
		unused := unusedOf(f)
		names, services := setOf(unused.ActionSet()), setOf(unused.ServiceSet())
		for a := range actions {
			if !names[a] && !services[a.Service] {
				delete(actions, a)
			}
		}
	}
	for _, p := range holders {
		if !seen[p.ARN] { // it went meanwhile
			clear(actions)
		}
	}
	return nil
}

func setOf[T comparable](list []T) map[T]bool {
	out := make(map[T]bool, len(list))
	for _, v := range list {
		out[v] = true
	}
	return out
}

// mostNames is how many actions are listed of a service of which all are unused.
const mostNames = 50

// fill counts service by service, those with the most unused first.
func (s *sharedUse) fill(granted access.Granted, unused map[policy.Action]bool, holders []store.Principal) {
	rows := map[string]*sharedService{}
	for _, name := range granted.Services {
		rows[name] = &sharedService{Name: name}
	}
	for _, a := range granted.Actions {
		row := rows[a.Service.Prefix]
		if row == nil {
			continue
		}
		row.Granted++
		if unused[policy.Action{Service: a.Service.Prefix, Name: a.Lower}] {
			row.Unused = append(row.Unused, a.Name)
		}
	}
	for _, p := range holders {
		for _, e := range p.Evidence {
			if row := rows[e.Service]; row != nil && !e.LastAccessed.IsZero() {
				row.Last, row.Users = later(row.Last, e.LastAccessed), row.Users+1
			}
		}
	}
	for _, row := range rows {
		row.Whole = len(row.Unused) == row.Granted && row.Granted > mostNames
		s.Granted, s.Unused = s.Granted+row.Granted, s.Unused+len(row.Unused)
		s.Services = append(s.Services, *row)
	}
	slices.SortFunc(s.Services, func(a, b sharedService) int {
		return cmp.Or(cmp.Compare(len(b.Unused), len(a.Unused)), cmp.Compare(b.Granted, a.Granted), strings.Compare(a.Name, b.Name))
	})
}
