package wire_test

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/pare-iam/pare/finding"
	"github.com/pare-iam/pare/internal/wire"
)

// memory is a Backend in memory. Each analyzer of the sample's account has the sample's
// findings from the start.
type memory struct {
	sample analyzed

	mu        sync.Mutex
	analyzers map[wire.Ref]*kept
	done      map[string]donePart
	broken    error // what every method answers, if there is one
}

// kept is an analyzer and all that belongs to it.
type kept struct {
	wire.Analyzer
	rules           map[string]wire.Rule
	findings        map[string]finding.Finding
	recommendations map[string]*asked
	before          int // analyzers that there were when it was made
}

// asked is a recommendation that was asked for: the first look at it finds it unfinished.
type asked struct {
	wire.Recommendation
	looks int
}

// donePart is a change that was made, and its answer.
type donePart struct {
	fingerprint [32]byte
	answer      wire.Analyzer
}

var _ wire.Backend = (*memory)(nil)

func newMemory(s analyzed) *memory {
	return &memory{sample: s, analyzers: map[wire.Ref]*kept{}, done: map[string]donePart{}}
}

func now() time.Time { return time.Now().UTC().Truncate(time.Millisecond) }

// once makes a change unless it was made with this token before.
func (m *memory) once(c wire.Change, change func() (wire.Analyzer, error)) (wire.Analyzer, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.broken != nil {
		return wire.Analyzer{}, m.broken
	}
	key := c.By.Account + c.Operation + c.Token
	if d, ok := m.done[key]; ok && c.Token != "" {
		if d.fingerprint != c.Fingerprint {
			return wire.Analyzer{}, wire.Conflict(wire.KindAnalyzer, c.Token, "the clientToken was used for another request")
		}
		return d.answer, nil
	}
	answer, err := change()
	if err == nil {
		m.done[key] = donePart{c.Fingerprint, answer}
	}
	return answer, err
}

// within calls a function with an analyzer.
func (m *memory) within(ref wire.Ref, f func(*kept) error) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.broken != nil {
		return m.broken
	}
	return m.with(ref, f)
}

func (m *memory) with(ref wire.Ref, f func(*kept) error) error {
	k := m.analyzers[ref]
	if k == nil {
		return wire.NotFound(wire.KindAnalyzer, ref.Name)
	}
	return f(k)
}

// changing makes a change of an analyzer, once.
func (m *memory) changing(c wire.Change, ref wire.Ref, f func(*kept) error) error {
	_, err := m.once(c, func() (wire.Analyzer, error) { return wire.Analyzer{}, m.with(ref, f) })
	return err
}

func (m *memory) CreateAnalyzer(_ context.Context, c wire.Change, a wire.NewAnalyzer) (wire.Analyzer, error) {
	return m.once(c, func() (wire.Analyzer, error) {
		ref := wire.Ref{Account: c.By.Account, Name: a.Name}
		if m.analyzers[ref] != nil {
			return wire.Analyzer{}, wire.Conflict(wire.KindAnalyzer, a.Name, "exists already")
		}
		k := &kept{rules: map[string]wire.Rule{}, findings: map[string]finding.Finding{}, recommendations: map[string]*asked{}, before: len(m.analyzers)}
		k.Analyzer = wire.Analyzer{
			Name: a.Name, Type: a.Type, Status: wire.AnalyzerActive, CreatedAt: now(), ManagedBy: a.ManagedBy,
			Tags: maps.Clone(a.Tags), Configuration: a.Configuration,
		}
		if k.Tags == nil {
			k.Tags = map[string]string{}
		}
		for _, r := range a.Rules {
			k.rules[r.Name] = wire.Rule{ArchiveRule: r, CreatedAt: now(), UpdatedAt: now()}
		}
		for _, f := range m.sample.findings {
			if f.Account == ref.Account {
				f.AnalyzedAt, f.CreatedAt, f.UpdatedAt = now(), now(), now()
				finding.Archive(&f, a.Rules)
				k.findings[f.ID] = f
				k.LastResource, k.LastAt = f.Resource, f.AnalyzedAt
			}
		}
		m.analyzers[ref] = k
		return k.Analyzer, nil
	})
}

func (m *memory) Analyzer(_ context.Context, ref wire.Ref) (out wire.Analyzer, err error) {
	err = m.within(ref, func(k *kept) error {
		out = k.Analyzer
		out.Tags = maps.Clone(k.Tags)
		return nil
	})
	return out, err
}

func (m *memory) ListAnalyzers(_ context.Context, account string, typ wire.AnalyzerType, page wire.Page) ([]wire.Analyzer, string, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var all []wire.Analyzer
	for ref, k := range m.analyzers {
		if ref.Account == account && (typ == "" || k.Type == typ) {
			all = append(all, k.Analyzer)
		}
	}
	slices.SortFunc(all, func(a, b wire.Analyzer) int { return cmp.Compare(a.Name, b.Name) })
	out, next := paged(all, page)
	return out, next, m.broken
}

// paged is a page of a list, whose cursor is an index.
func paged[T any](all []T, page wire.Page) ([]T, string) {
	from, err := strconv.Atoi(cmp.Or(page.After, "0"))
	if err != nil || from > len(all) {
		panic("a cursor that wasn't given: " + page.After)
	}
	to := min(from+page.Max, len(all))
	if to == len(all) {
		return all[from:], ""
	}
	return all[from:to], strconv.Itoa(to)
}

func (m *memory) UpdateAnalyzer(_ context.Context, c wire.Change, ref wire.Ref, u wire.ConfigurationUpdate) (out wire.Configuration, err error) {
	err = m.changing(c, ref, func(k *kept) error {
		if u.Age != 0 {
			k.Age = u.Age
		}
		if u.Exclusions != nil {
			k.Exclusions = u.Exclusions
		}
		out = k.Configuration
		return nil
	})
	return out, err
}

func (m *memory) DeleteAnalyzer(_ context.Context, c wire.Change, ref wire.Ref) error {
	return m.changing(c, ref, func(*kept) error {
		delete(m.analyzers, ref)
		return nil
	})
}

func (m *memory) TagAnalyzer(_ context.Context, c wire.Change, ref wire.Ref, t wire.TagUpdate) error {
	return m.changing(c, ref, func(k *kept) error {
		for _, key := range t.Remove {
			delete(k.Tags, key)
		}
		maps.Copy(k.Tags, t.Set)
		return nil
	})
}

func (m *memory) CreateRule(_ context.Context, c wire.Change, ref wire.Ref, rule finding.ArchiveRule) error {
	return m.changing(c, ref, func(k *kept) error {
		if _, ok := k.rules[rule.Name]; ok {
			return wire.Conflict(wire.KindRule, rule.Name, "exists already")
		}
		k.rules[rule.Name] = wire.Rule{ArchiveRule: rule, CreatedAt: now(), UpdatedAt: now()}
		return nil
	})
}

// withRule calls a function with a rule.
func withRule(k *kept, name string, f func(*wire.Rule)) error {
	r, ok := k.rules[name]
	if !ok {
		return wire.NotFound(wire.KindRule, name)
	}
	f(&r)
	k.rules[name] = r
	return nil
}

func (m *memory) UpdateRule(_ context.Context, c wire.Change, ref wire.Ref, rule finding.ArchiveRule) error {
	return m.changing(c, ref, func(k *kept) error {
		return withRule(k, rule.Name, func(r *wire.Rule) { r.ArchiveRule, r.UpdatedAt = rule, now() })
	})
}

func (m *memory) DeleteRule(_ context.Context, c wire.Change, ref wire.Ref, name string) error {
	return m.changing(c, ref, func(k *kept) error {
		err := withRule(k, name, func(*wire.Rule) {})
		delete(k.rules, name)
		return err
	})
}

func (m *memory) ApplyRule(_ context.Context, c wire.Change, ref wire.Ref, name string) error {
	return m.changing(c, ref, func(k *kept) error {
		return withRule(k, name, func(r *wire.Rule) {
			for id, f := range k.findings {
				finding.Archive(&f, []finding.ArchiveRule{r.ArchiveRule})
				k.findings[id] = f
			}
		})
	})
}

func (m *memory) Rule(_ context.Context, ref wire.Ref, name string) (out wire.Rule, err error) {
	err = m.within(ref, func(k *kept) error { return withRule(k, name, func(r *wire.Rule) { out = *r }) })
	return out, err
}

func (m *memory) ListRules(_ context.Context, ref wire.Ref, page wire.Page) (out []wire.Rule, next string, err error) {
	err = m.within(ref, func(k *kept) error {
		all := slices.SortedFunc(maps.Values(k.rules), func(a, b wire.Rule) int { return cmp.Compare(a.Name, b.Name) })
		out, next = paged(all, page)
		return nil
	})
	return out, next, err
}

func (m *memory) ListFindings(_ context.Context, q wire.FindingQuery) (out []finding.Finding, next string, err error) {
	err = m.within(q.Analyzer, func(k *kept) error {
		var all []finding.Finding
		for _, f := range k.findings {
			if len(q.Filter) == 0 || q.Filter.Matches(&f) {
				all = append(all, f)
			}
		}
		slices.SortFunc(all, func(a, b finding.Finding) int {
			c := cmp.Compare(attribute(&a, q.Sort.By), attribute(&b, q.Sort.By))
			if q.Sort.Descending {
				c = -c
			}
			return cmp.Or(c, cmp.Compare(a.ID, b.ID))
		})
		out, next = paged(all, q.Page)
		return nil
	})
	return out, next, err
}

// attribute is what findings are sorted by.
func attribute(f *finding.Finding, name string) string {
	switch name {
	case "resource":
		return f.Resource
	case "findingType":
		return string(f.Type)
	case "status":
		return string(f.Status)
	}
	return ""
}

// withFinding calls a function with a finding.
func withFinding(k *kept, id string, f func(*finding.Finding)) error {
	found, ok := k.findings[id]
	if !ok {
		return wire.NotFound(wire.KindFinding, id)
	}
	f(&found)
	k.findings[id] = found
	return nil
}

func (m *memory) Finding(_ context.Context, ref wire.Ref, id string) (out finding.Finding, err error) {
	err = m.within(ref, func(k *kept) error { return withFinding(k, id, func(f *finding.Finding) { out = *f }) })
	return out, err
}

// FindingOfUID takes a finding's ID for Security Hub's.
func (m *memory) FindingOfUID(_ context.Context, account, uid string) (wire.Ref, finding.Finding, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var of wire.Ref // the analyzer that was made first, of those that found it
	for ref, k := range m.analyzers {
		if _, ok := k.findings[uid]; ok && ref.Account == account && (of.Name == "" || k.before < m.analyzers[of].before) {
			of = ref
		}
	}
	if of.Name == "" {
		return of, finding.Finding{}, wire.NotFound(wire.KindFinding, uid)
	}
	return of, m.analyzers[of].findings[uid], nil
}

func (m *memory) UpdateFindings(_ context.Context, c wire.Change, u wire.FindingUpdate) error {
	return m.changing(c, u.Analyzer, func(k *kept) error {
		ids := u.IDs
		for id, f := range k.findings {
			if u.Resource != "" && f.Resource == u.Resource {
				ids = append(ids, id)
			}
		}
		for _, id := range ids {
			if _, ok := k.findings[id]; !ok {
				return wire.NotFound(wire.KindFinding, id)
			}
		}
		for _, id := range ids {
			f := k.findings[id]
			f.Status, f.UpdatedAt = u.Status, now()
			k.findings[id] = f
		}
		return nil
	})
}

func (m *memory) Statistics(_ context.Context, ref wire.Ref) (out finding.Statistics, at time.Time, err error) {
	err = m.within(ref, func(k *kept) error {
		var tally finding.Tally
		for _, f := range k.findings {
			tally.Add(&f)
		}
		out, at = tally.Statistics(), k.LastAt
		return nil
	})
	return out, at, err
}

func (m *memory) GenerateRecommendation(_ context.Context, c wire.Change, ref wire.Ref, id string) error {
	return m.changing(c, ref, func(k *kept) error {
		return withFinding(k, id, func(f *finding.Finding) {
			a := &asked{}
			a.Resource, a.StartedAt = f.Resource, now()
			k.recommendations[id] = a
		})
	})
}

func (m *memory) Recommendation(_ context.Context, ref wire.Ref, id string) (out wire.Recommendation, err error) {
	err = m.within(ref, func(k *kept) error {
		a := k.recommendations[id]
		if a == nil {
			return wire.NotFound(wire.KindRecommendation, id)
		}
		if a.looks++; a.looks == 2 {
			if err := m.finish(a); err != nil {
				return err
			}
		}
		out = a.Recommendation
		return nil
	})
	return out, err
}

// finish makes a recommendation, with the texts of the policies that it replaces.
func (m *memory) finish(a *asked) error {
	r, err := m.sample.Recommend(a.Resource)
	if err != nil {
		return err
	}
	a.Recommendation.Recommendation, a.CompletedAt = r.Recommendation, now()
	for _, s := range r.Steps {
		text := ""
		for _, p := range r.Policies {
			if (p.ARN == s.ExistingPolicyID || p.Name == s.ExistingPolicyID) && p.Original != nil {
				text = strings.TrimSpace(string(p.Original.Bytes()))
			}
		}
		a.Existing = append(a.Existing, text)
	}
	return nil
}
