package catalog

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Facts is a catalog as plain values: what [Build] makes a Catalog of. Nothing in it
// needs to be sorted.
type Facts struct {
	Date      string // YYYY-MM-DD; empty means that nobody says
	FactsDate string // YYYY-MM-DD, of tracking and operations; empty when nobody says
	NamesOnly bool   // the services hold names and nothing else
	Services  []ServiceFacts
}

// ServiceFacts is what one source says about one service.
type ServiceFacts struct {
	Prefix     string
	Actions    []ActionFacts
	Resources  []ResourceType
	Conditions []ConditionKey
	Operations []Operation
}

// ActionFacts is what one source says about one action.
type ActionFacts struct {
	Name    string
	Level   Level
	Tracked Tracking
	ActionDetails
}

// Build makes a catalog of plain values; source becomes [Catalog.Source]. It sorts
// everything, and keeps the first of names that differ in case alone, with a warning;
// of two entries for one action, only the tracking both state is kept. A name that
// IAM can't hold, a service given twice and a malformed date are errors, all reported.
func Build(source string, facts Facts) (*Catalog, error) {
	b := builder{source: source}
	b.dates(facts)
	services := make([]ServiceFacts, 0, len(facts.Services))
	for _, s := range facts.Services {
		services = append(services, b.service(s))
	}
	slices.SortFunc(services, func(a, b ServiceFacts) int { return strings.Compare(a.Prefix, b.Prefix) })
	for i := 1; i < len(services); i++ {
		if services[i].Prefix == services[i-1].Prefix {
			b.errorf("service %q is given twice", services[i].Prefix)
		}
	}
	if err := errors.Join(b.errs...); err != nil {
		return nil, err
	}
	c := assemble(services)
	c.source, c.date, c.factsDate, c.namesOnly = source, facts.Date, facts.FactsDate, facts.NamesOnly
	c.warnings = b.warnings
	return c, nil
}

// assemble lays out sorted services; details stay where they are.
func assemble(services []ServiceFacts) *Catalog {
	total := 0
	for _, s := range services {
		total += len(s.Actions)
	}
	c := &Catalog{actions: make([]Action, 0, total), services: make([]*Service, 0, len(services))}
	for _, facts := range services {
		details := facts.details()
		s := &Service{Prefix: facts.Prefix, First: len(c.actions), details: func() *Details { return details }}
		for _, a := range facts.Actions {
			c.actions = append(c.actions, Action{
				ID: len(c.actions), Service: s, Name: a.Name, Lower: strings.ToLower(a.Name), Level: a.Level, Tracked: a.Tracked,
			})
		}
		s.Actions = c.actions[s.First:len(c.actions):len(c.actions)]
		c.services = append(c.services, s)
	}
	return c
}

func (s ServiceFacts) details() *Details {
	d := &Details{Resources: s.Resources, Conditions: s.Conditions, Operations: s.Operations}
	d.Actions = make([]ActionDetails, 0, len(s.Actions))
	for _, a := range s.Actions {
		d.Actions = append(d.Actions, a.ActionDetails)
	}
	return d
}

// Facts returns the catalog as plain values, sorted; [Build] of them is the same catalog.
func (c *Catalog) Facts() Facts {
	facts := Facts{Date: c.date, FactsDate: c.factsDate, NamesOnly: c.namesOnly}
	for _, s := range c.services {
		d := s.Details()
		out := ServiceFacts{Prefix: s.Prefix, Resources: d.Resources, Conditions: d.Conditions, Operations: d.Operations}
		for i := range s.Actions {
			a := &s.Actions[i]
			out.Actions = append(out.Actions, ActionFacts{Name: a.Name, Level: a.Level, Tracked: a.Tracked, ActionDetails: a.Details()})
		}
		facts.Services = append(facts.Services, out)
	}
	return facts
}

// builder normalizes facts and collects what is wrong with them.
type builder struct {
	source   string
	errs     []error
	warnings []string
}

func (b *builder) errorf(format string, args ...any) {
	b.errs = append(b.errs, fmt.Errorf("%s: "+format, append([]any{b.source}, args...)...))
}

func (b *builder) dates(facts Facts) {
	for _, date := range []string{facts.Date, facts.FactsDate} {
		if date == "" {
			continue
		}
		if err := checkDate(date); err != nil {
			b.errs = append(b.errs, fmt.Errorf("%s: %w", b.source, err))
		}
	}
}

func (b *builder) service(in ServiceFacts) ServiceFacts {
	out := ServiceFacts{Prefix: strings.ToLower(in.Prefix)}
	if !validName(in.Prefix) {
		b.errorf("service %q: want a prefix such as s3", in.Prefix)
	}
	out.Actions = b.actions(out.Prefix, in.Actions)
	out.Resources = normalResources(in.Resources)
	out.Conditions = normalConditions(in.Conditions)
	out.Operations = normalOperations(in.Operations)
	b.texts(out)
	return out
}

// texts refuses line feeds, which end a text in a snapshot.
func (b *builder) texts(s ServiceFacts) {
	var texts []string
	for _, r := range s.Resources {
		texts = append(append(append(texts, r.Name), r.ARNFormats...), r.ConditionKeys...)
	}
	for _, k := range s.Conditions {
		texts = append(append(texts, k.Name), k.Types...)
	}
	for _, o := range s.Operations {
		texts = append(texts, o.Name)
		for _, a := range o.Authorized {
			texts = append(append(texts, a.Service, a.Name), a.PassedTo...)
		}
	}
	for _, a := range s.Actions {
		texts = append(texts, a.ConditionKeys...)
		for _, r := range a.Resources {
			texts = append(append(texts, r.Name), r.ConditionKeys...)
		}
	}
	for _, text := range texts {
		if strings.Contains(text, "\n") {
			b.errorf("%q of service %s: want one line", text, s.Prefix)
		}
	}
}

func (b *builder) actions(prefix string, in []ActionFacts) []ActionFacts {
	var out []ActionFacts
	at := make(map[string]int, len(in)) // lower-case name → position in out
	for _, a := range in {
		if !validName(a.Name) {
			b.errorf("action %q of %s: want a name such as GetObject", a.Name, prefix)
			continue
		}
		lower := strings.ToLower(a.Name)
		if i, twice := at[lower]; twice {
			b.warnings = append(b.warnings, fmt.Sprintf("%s: action %s:%s is given twice (%s); the first is kept", b.source, prefix, out[i].Name, a.Name))
			out[i].Tracked &= a.Tracked
			continue
		}
		at[lower] = len(out)
		a.ActionDetails = normalAction(a.ActionDetails)
		out = append(out, a)
	}
	slices.SortFunc(out, func(a, b ActionFacts) int {
		return strings.Compare(strings.ToLower(a.Name), strings.ToLower(b.Name))
	})
	return out
}

func normalAction(in ActionDetails) ActionDetails {
	resources := mergeSorted(in.Resources, func(r ActionResource) string { return r.Name },
		func(a, b ActionResource) ActionResource {
			a.ConditionKeys = append(slices.Clip(a.ConditionKeys), b.ConditionKeys...)
			return a
		})
	for i := range resources {
		resources[i].ConditionKeys = sortedSet(resources[i].ConditionKeys)
	}
	return ActionDetails{Resources: resources, ConditionKeys: sortedSet(in.ConditionKeys)}
}

func normalResources(in []ResourceType) []ResourceType {
	out := mergeSorted(in, func(r ResourceType) string { return r.Name }, func(a, b ResourceType) ResourceType {
		a.ARNFormats = append(slices.Clip(a.ARNFormats), b.ARNFormats...)
		a.ConditionKeys = append(slices.Clip(a.ConditionKeys), b.ConditionKeys...)
		return a
	})
	for i := range out {
		out[i].ARNFormats = sortedSet(out[i].ARNFormats)
		out[i].ConditionKeys = sortedSet(out[i].ConditionKeys)
	}
	return out
}

func normalConditions(in []ConditionKey) []ConditionKey {
	out := mergeSorted(in, func(k ConditionKey) string { return k.Name }, func(a, b ConditionKey) ConditionKey {
		a.Types = append(slices.Clip(a.Types), b.Types...)
		return a
	})
	for i := range out {
		out[i].Types = sortedSet(out[i].Types)
	}
	return out
}

func normalOperations(in []Operation) []Operation {
	out := mergeSorted(in, func(o Operation) string { return o.Name }, func(a, b Operation) Operation {
		a.Authorized = append(slices.Clip(a.Authorized), b.Authorized...)
		return a
	})
	for i := range out {
		out[i].Authorized = normalAuthorized(out[i].Authorized)
	}
	return out
}

// normalAuthorized merges entries for one action: an entry that limits nothing wins.
func normalAuthorized(in []AuthorizedAction) []AuthorizedAction {
	out := mergeSorted(in, func(a AuthorizedAction) string { return a.Service + "\x00" + a.Name },
		func(a, b AuthorizedAction) AuthorizedAction {
			if len(a.PassedTo) == 0 || len(b.PassedTo) == 0 {
				a.PassedTo = nil
				return a
			}
			a.PassedTo = append(slices.Clip(a.PassedTo), b.PassedTo...)
			return a
		})
	for i := range out {
		out[i].PassedTo = sortedSet(out[i].PassedTo)
	}
	return out
}

// mergeSorted returns a sorted copy in which entries of one name are merged; nil when empty.
func mergeSorted[T any](in []T, name func(T) string, merge func(a, b T) T) []T {
	sorted := slices.Clone(in)
	slices.SortStableFunc(sorted, func(a, b T) int { return cmp.Compare(name(a), name(b)) })
	var out []T
	for _, v := range sorted {
		if n := len(out); n > 0 && name(out[n-1]) == name(v) {
			out[n-1] = merge(out[n-1], v)
			continue
		}
		out = append(out, v)
	}
	return out
}

// sortedSet returns a sorted copy without repetitions; nil when empty.
func sortedSet(in []string) []string {
	if len(in) == 0 {
		return nil
	}
	return slices.Compact(slices.Sorted(slices.Values(in)))
}

// validName reports whether IAM could hold the name: printable ASCII without what
// policies give a meaning (* ? : " \) or split names at.
func validName(name string) bool {
	for i := range len(name) {
		if !nameBytes[name[i]] {
			return false
		}
	}
	return name != ""
}

// nameBytes are the bytes that names may hold.
var nameBytes = func() (valid [256]bool) {
	for b := byte('!'); b <= '~'; b++ {
		valid[b] = strings.IndexByte("*?:\"\\", b) < 0
	}
	return valid
}()

func checkDate(date string) error {
	if _, err := time.Parse(time.DateOnly, date); err != nil {
		return fmt.Errorf("date %q: want YYYY-MM-DD, such as 2026-09-26", date)
	}
	return nil
}
