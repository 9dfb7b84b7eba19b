package web

import (
	"slices"
	"strings"
	"time"

	"github.com/pare-iam/pare/finding"
	"github.com/pare-iam/pare/internal/store"
)

// serviceRow is what is unused of one service, with the evidence.
type serviceRow struct {
	Namespace string
	All       bool // the whole service is unused
	Last      time.Time
	Source    string // whose word it is; several are separated by commas
	Granted   int
	Unused    int
	Kept      int // nobody would know, so they stay
	Actions   []actionGroup

	Whole, Partly int // of a sum: services
}

// Share is how much of what is granted is unused, of 100.
func (s serviceRow) Share() int { return share(s.Unused, s.Granted) }

// KeptShare is how much of what is granted is kept though nobody is known to use it.
func (s serviceRow) KeptShare() int { return share(s.Kept, s.Granted) }

func share(part, whole int) int {
	if whole <= 0 {
		return 0
	}
	return min(100, (100*part+whole-1)/whole)
}

// actionGroup is actions that were last used on the same day, by the word of the same
// source: most often there are many.
type actionGroup struct {
	Last   time.Time
	Source string
	Names  []string // without the service
}

func rowOf(p finding.Permissions) serviceRow {
	out := serviceRow{
		Namespace: p.Namespace, All: len(p.Actions) == 0, Last: p.LastAccessed, Source: p.Source,
		Granted: p.Granted, Unused: len(p.Actions), Kept: p.Kept,
	}
	if out.All {
		out.Unused = p.Granted
	}
	for _, a := range p.Actions {
		date := a.LastAccessed.UTC().Truncate(day)
		i := slices.IndexFunc(out.Actions, func(g actionGroup) bool { return g.Source == a.Source && g.Last.Equal(date) })
		if i < 0 {
			i = len(out.Actions)
			out.Actions = append(out.Actions, actionGroup{Last: date, Source: a.Source})
		}
		_, name, _ := strings.Cut(a.Name, ":")
		out.Actions[i].Names = append(out.Actions[i].Names, name)
	}
	slices.SortStableFunc(out.Actions, func(a, b actionGroup) int { return b.Last.Compare(a.Last) })
	for _, g := range out.Actions {
		if out.Source == "" || !slices.Contains(strings.Split(out.Source, ", "), g.Source) {
			out.Source = strings.TrimPrefix(out.Source+", "+g.Source, ", ")
		}
	}
	return out
}

// sumOf adds services up. Actions of services that are unused as a whole aren't in Unused.
func sumOf(all []finding.Permissions) serviceRow {
	var out serviceRow
	for _, p := range all {
		out.Granted, out.Kept = out.Granted+p.Granted, out.Kept+p.Kept
		if len(p.Actions) == 0 {
			out.Whole++
		} else {
			out.Partly++
			out.Unused += len(p.Actions)
		}
	}
	return out
}

// fillServices lists the services, part by part.
func (v *visit) fillServices(p *findingPage) error {
	if p.Type != finding.UnusedPermission {
		return nil
	}
	p.Sum = sumOf(p.Permissions)
	asked := v.asked()
	part, err := v.site.Store.Permissions(v.Context(), v.analyzer.ARN, p.ID, store.Page{Limit: asked.Limit, Token: asked.Token})
	if err != nil {
		return err
	}
	for _, s := range part.Items {
		p.Services = append(p.Services, rowOf(s))
	}
	p.Pager = v.pager(part.Next, len(part.Items))
	return nil
}
