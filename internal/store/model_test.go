package store_test

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/pare-iam/pare/analyzer"
	"github.com/pare-iam/pare/finding"
	"github.com/pare-iam/pare/internal/store"
	"github.com/pare-iam/pare/internal/store/storetest"
)

// model is what the store should hold, kept as slices and by the rules of the packages
// finding and analyzer alone.
type model struct {
	findings []finding.Finding // in the order in which they were found first
	rules    []finding.ArchiveRule
	events   map[string]int
}

func (m *model) run(current []finding.Finding, skipped []analyzer.Skipped, now time.Time) {
	for i := range current {
		finding.Archive(&current[i], m.rules)
	}
	before := map[string]finding.Finding{}
	for _, f := range m.findings {
		before[f.ID] = f
	}
	after := map[string]finding.Finding{}
	for _, f := range analyzer.Carry(m.findings, current, analyzer.Summary{Account: account, Skipped: skipped}, now) {
		was, there := before[f.ID]
		if there && was.Status == finding.Resolved && f.Status == finding.Resolved {
			f.Change = was.Change // the store doesn't touch it
		}
		after[f.ID] = f
		if f.Change != finding.Same && f.Change != finding.NotJudged && (!there || was.Status != finding.Resolved || f.Status != finding.Resolved) {
			m.events[f.ID]++
		}
	}
	// Carry drops what has been resolved for long; here that is Clean's to do.
	for i, f := range m.findings {
		if now, ok := after[f.ID]; ok {
			m.findings[i] = now
		}
	}
	for _, f := range current {
		if _, there := before[f.ID]; !there {
			m.findings = append(m.findings, after[f.ID])
		}
	}
}

func (m *model) set(to finding.Status, rule string, matches func(*finding.Finding) bool, now time.Time) int {
	n := 0
	for i := range m.findings {
		f := &m.findings[i]
		byHandAgain := to == finding.Archived && rule == "" && f.Status == finding.Archived && f.ArchivedBy != ""
		fits := to == finding.Active && f.Status == finding.Archived || to == finding.Archived && f.Status == finding.Active
		if (fits || byHandAgain) && matches(f) {
			f.Status, f.Change, f.ArchivedBy, f.UpdatedAt = to, finding.Updated, rule, now
			m.events[f.ID]++
			n++
		}
	}
	return n
}

func (m *model) list(q store.Query) []finding.Finding {
	out := []finding.Finding{}
	for _, v := range m.findings {
		about := q.Service == "" || slices.Contains(services(&v), q.Service)
		if (len(q.Filter) == 0 || q.Filter.Matches(&v)) && about && actions(&v) >= q.MinActions {
			out = append(out, v)
		}
	}
	slices.SortStableFunc(out, func(a, b finding.Finding) int { return compare(&a, &b, q.Sort.By) })
	if q.Sort.Descending {
		slices.Reverse(out)
	}
	return out
}

func compare(a, b *finding.Finding, by store.SortKey) int {
	switch by {
	case store.ByAccount:
		return cmp.Compare(a.Account, b.Account)
	case store.ByActions:
		return cmp.Compare(actions(a), actions(b))
	case store.ByAnalysis:
		return a.AnalyzedAt.Compare(b.AnalyzedAt)
	case store.ByCreation:
		return a.CreatedAt.Compare(b.CreatedAt)
	case store.ByID:
		return cmp.Compare(a.ID, b.ID)
	case store.ByResource:
		return cmp.Compare(a.Resource, b.Resource)
	case store.ByResourceType:
		return cmp.Compare(a.ResourceType(), b.ResourceType())
	case store.ByStatus:
		return cmp.Or(cmp.Compare(a.Status, b.Status), a.UpdatedAt.Compare(b.UpdatedAt))
	case store.ByType:
		return cmp.Compare(a.Type, b.Type)
	case store.ByUpdate, "":
		return a.UpdatedAt.Compare(b.UpdatedAt)
	}
	panic(by)
}

func actions(f *finding.Finding) int {
	n := 0
	for _, p := range f.Permissions {
		n += len(p.Actions)
	}
	return n
}

func services(f *finding.Finding) []string {
	var out []string
	for _, p := range f.Permissions {
		out = append(out, p.Namespace)
	}
	return out
}

var sortKeys = []store.SortKey{
	"", store.ByAccount, store.ByActions, store.ByAnalysis, store.ByCreation, store.ByID,
	store.ByResource, store.ByResourceType, store.ByStatus, store.ByType, store.ByUpdate,
}

// drawFindings draws what a run finds: each principal and type once.
func drawFindings(t *rapid.T, at int) []finding.Finding {
	var out []finding.Finding
	for n := range 6 {
		for _, typ := range finding.Types() {
			if !rapid.Bool().Draw(t, "found") {
				continue
			}
			f := plain(typ, n, at)
			if typ == finding.UnusedPermission {
				f = permission(n, at, rapid.SliceOfDistinct(rapid.SampledFrom([]string{"A", "B", "C"}), rapid.ID[string]).Draw(t, "actions")...)
			}
			out = append(out, f)
		}
	}
	return out
}

func drawSkipped(t *rapid.T) []analyzer.Skipped {
	var out []analyzer.Skipped
	for n := range 6 {
		if rapid.IntRange(0, 3).Draw(t, "skip") == 0 {
			out = append(out, analyzer.Skipped{
				Resource: plain(finding.UnusedIAMRole, n, 1).Resource, Reason: rapid.SampledFrom(analyzer.Reasons()).Draw(t, "why"),
				Type: rapid.SampledFrom(append([]finding.Type{""}, finding.Types()...)).Draw(t, "type"),
			})
		}
	}
	return out
}

func drawFilter(t *rapid.T) finding.Filter {
	values := map[string][]string{
		"findingType": {"UnusedIAMRole", "UnusedPermission", "unusediamrole"}, "status": {"ACTIVE", "ARCHIVED", "RESOLVED", "active"},
		"resource": {"r001", "R001", "role/r", "arn:aws:iam::123456789012:role/r002", "%", "_", ""}, "resourceOwnerAccount": {account, "9"},
		"resourceType": {"AWS::IAM::Role", "AWS::IAM::User"}, "id": {"UnusedIAMRole-003", "-00"}, "error": {"", "x"},
	}
	keys := []string{"error", "findingType", "id", "resource", "resourceOwnerAccount", "resourceType", "status"}
	out := finding.Filter{}
	for _, key := range rapid.SliceOfNDistinct(rapid.SampledFrom(keys), 0, 2, rapid.ID[string]).Draw(t, "keys") {
		some := rapid.SliceOfN(rapid.SampledFrom(values[key]), 0, 2)
		c := finding.Criterion{Eq: some.Draw(t, "eq"), Neq: some.Draw(t, "neq"), Contains: some.Draw(t, "contains")}
		if rapid.Bool().Draw(t, "exists?") {
			exists := rapid.Bool().Draw(t, "exists")
			c.Exists = &exists
		}
		out[key] = c
	}
	return out
}

// Whatever happens in whatever order, the store holds what the model does, and lists it
// under every filter, in every order, by pages of any size.
func TestTheStoreIsItsModel(t *testing.T) {
	for _, e := range storetest.Engines() {
		t.Run(string(e), func(t *testing.T) {
			s := open(t, storetest.New(t, e)) // each play leaves it empty
			rapid.Check(t, func(rt *rapid.T) { play(t, rt, s) })
		})
	}
}

func play(t *testing.T, rt *rapid.T, s *store.Store) {
	create(t, s)
	defer func() { check(t, s.DeleteAnalyzer(ctxOf(t), by(1), theARN, "")) }()
	m := &model{events: map[string]int{}}
	if rapid.Bool().Draw(rt, "many") {
		s.SetFew(-1, -1)
		defer s.SetFew(2000, 100)
	}
	for i := range rapid.IntRange(1, 8).Draw(rt, "steps") {
		at := (i + 1) * 20
		switch rapid.SampledFrom([]string{"run", "run", "run", "set", "rule", "clean"}).Draw(rt, "what") {
		case "run":
			current, skipped := drawFindings(rt, at), drawSkipped(rt)
			scanBut(t, s, at, skipped, current...)
			m.run(current, skipped, day(at))
		case "set":
			resource := plain(finding.UnusedIAMRole, rapid.IntRange(0, 5).Draw(rt, "of"), 1).Resource
			to := rapid.SampledFrom([]finding.Status{finding.Active, finding.Archived}).Draw(rt, "to")
			n := must(s.SetStatusOf(ctxOf(t), by(at), theARN, to, resource))(t)
			agree(rt, "set", m.set(to, "", func(f *finding.Finding) bool { return f.Resource == resource }, day(at)), n)
		case "rule":
			r := finding.ArchiveRule{Name: fmt.Sprintf("rule%d", i), Filter: finding.Filter{"resource": {Contains: []string{fmt.Sprintf("r00%d", i%6)}}}}
			check(t, s.CreateRule(ctxOf(t), by(at), theARN, r, ""))
			m.rules = append(m.rules, r)
			n := must(s.ApplyRule(ctxOf(t), by(at), theARN, r.Name))(t)
			agree(rt, "rule", m.set(finding.Archived, r.Name, r.Matches, day(at)), n)
		case "clean":
			done := must(s.Clean(ctxOf(t), store.Retention{Batch: 2, Resolved: 30 * 24 * time.Hour}, day(at)))(t)
			before := len(m.findings)
			m.findings = slices.DeleteFunc(m.findings, func(f finding.Finding) bool {
				over := f.Status == finding.Resolved && !f.UpdatedAt.After(day(at-30))
				if over {
					delete(m.events, f.ID)
				}
				return over
			})
			agree(rt, "cleaned", before-len(m.findings), done.Findings)
		}
		m.compare(t, rt, s)
	}
}

func (m *model) compare(t *testing.T, rt *rapid.T, s *store.Store) {
	f := drawFilter(rt)
	order := store.Sort{By: rapid.SampledFrom(sortKeys).Draw(rt, "sort"), Descending: rapid.Bool().Draw(rt, "descending")}
	q := store.Query{
		Analyzer: theARN, Filter: f, Sort: order,
		Service: rapid.SampledFrom([]string{"", "", "s3", "ec2", "none"}).Draw(rt, "service"), MinActions: rapid.SampledFrom([]int{0, 0, 1, 2, 9}).Draw(rt, "least"),
	}
	want := m.list(q)
	agree(rt, "export", want, exported(t, s, q))
	agree(rt, "count", len(want), must(s.Count(ctxOf(t), q))(t))
	m.compareGroups(t, rt, s, q)
	items := listed(t, s, q, rapid.IntRange(1, 9).Draw(rt, "page"))
	for i := range want {
		want[i].Permissions = nil
	}
	got := []finding.Finding{}
	for _, it := range items {
		got = append(got, it.Finding)
	}
	agree(rt, "list", want, got)
	var tally finding.Tally
	for i := range m.findings {
		tally.Add(&m.findings[i])
	}
	agree(rt, "statistics", tally.Statistics(), must(s.Statistics(ctxOf(t), theARN))(t))
	for id, n := range m.events {
		agree(rt, "history of "+id, n, len(must(s.History(ctxOf(t), theARN, id, store.Page{}))(t).Items))
	}
}

func (m *model) compareGroups(t *testing.T, rt *rapid.T, s *store.Store, q store.Query) {
	byService := map[string]int{}
	for _, f := range m.list(q) {
		for _, name := range services(&f) {
			byService[name]++
		}
	}
	got := map[string]int{}
	for _, g := range must(s.Services(ctxOf(t), q, 10))(t) {
		got[g.Value] = g.Count
	}
	agree(rt, "services", byService, got)
	counts := must(s.StatusCounts(ctxOf(t), q))(t)
	q.Filter = maps.Clone(q.Filter)
	delete(q.Filter, "status")
	var want store.StatusCount
	for _, f := range m.list(q) {
		switch f.Status {
		case finding.Active:
			want.Active++
		case finding.Archived:
			want.Archived++
		case finding.Resolved:
			want.Resolved++
		}
	}
	agree(rt, "by status", want, counts)
}

func agree[T any](t *rapid.T, what string, want, got T) {
	if diff := gocmp.Diff(want, got); diff != "" {
		t.Fatalf("%s: -model +store\n%s", what, diff)
	}
}
