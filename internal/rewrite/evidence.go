package rewrite

import (
	"cmp"
	"slices"
	"time"

	"github.com/pare-iam/pare/analyzer"
	"github.com/pare-iam/pare/catalog"
	"github.com/pare-iam/pare/usage"
)

// Seen is what is known of something that is taken away.
type Seen struct {
	What string    // "s3:GetObject", or "lambda:*" for a whole service
	Last time.Time // its last use by anybody who has the policy; zero when none is known
	By   []usage.Kind
}

// Evidence says, of what a rewrite takes away that its live policies allowed, when it was
// last used and who says that it wasn't used since, in the order of names.
func (r *Rewrite) Evidence(c *catalog.Catalog) ([]Seen, error) {
	all := map[string]*Seen{}
	for _, l := range r.Live {
		if l.Of == nil {
			continue
		}
		granted, services := granted(c, l, r.Unused)
		for _, arn := range l.Affects {
			sources, err := sourcesOf(l, arn)
			if err != nil {
				return nil, err
			}
			add(all, usage.Judge(granted, services, sources, l.Window), r.Unused)
		}
	}
	var out []Seen
	for _, s := range all {
		slices.Sort(s.By)
		out = append(out, *s)
	}
	slices.SortFunc(out, func(a, b Seen) int { return cmp.Compare(a.What, b.What) })
	return out, nil
}

// granted are the actions that go, so far as the live policy allows them, and the
// services that go as a whole.
func granted(c *catalog.Catalog, l *Live, unused usage.Unused) (actions []*catalog.Action, services []string) {
	set := newUnusedSet(c, &Live{Unused: unused, Document: l.Document})
	for a := range set.actions {
		if known := c.Lookup(a.Service, a.Name); known != nil && allowsSome(l.Document, a) {
			actions = append(actions, known)
			if !slices.Contains(services, a.Service) {
				services = append(services, a.Service)
			}
		}
	}
	slices.SortFunc(actions, func(a, b *catalog.Action) int { return cmp.Compare(a.ID, b.ID) })
	slices.Sort(services)
	return actions, services
}

// sourcesOf is the evidence about a principal, under every ARN by which it may be known.
func sourcesOf(l *Live, arn string) ([]usage.Source, error) {
	var out []usage.Source
	for _, alias := range analyzer.Aliases(arn) {
		sources, err := l.Of.Sources(alias)
		if err != nil {
			return nil, err
		}
		out = append(out, sources...)
	}
	return out, nil
}

// add adds what is known of one principal's use: a whole service as one, if it goes as one.
func add(all map[string]*Seen, j usage.Judgement, unused usage.Unused) {
	whole := unused.ServiceSet()
	for _, s := range j.Services {
		if slices.Contains(whole, s.Prefix) {
			see(all, s.Prefix+":*", s.Last, s.Source)
			continue
		}
		for _, a := range s.Actions {
			see(all, a.Action.String(), a.Last, a.Source)
		}
	}
}

func see(all map[string]*Seen, what string, last time.Time, by usage.Kind) {
	s := all[what]
	if s == nil {
		s = &Seen{What: what}
		all[what] = s
	}
	if last.After(s.Last) {
		s.Last = last
	}
	if by != usage.NoSource && !slices.Contains(s.By, by) {
		s.By = append(s.By, by)
	}
}
