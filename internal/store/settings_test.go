package store_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/pare-iam/pare/finding"
	"github.com/pare-iam/pare/internal/store"
)

func TestAnalyzersAreMadeOnce(t *testing.T) {
	conform(t, func(t *testing.T, s *store.Store) {
		a := store.NewAnalyzer{Token: "t1", Analyzer: store.Analyzer{
			ARN: theARN + "2", Name: "second", Type: store.OrganizationUnused, UnusedAge: 30, Status: "ACTIVE", LinkedService: "securityhub.amazonaws.com",
			Every: time.Hour, Tags: map[string]string{"team": "a", "env": ""},
			Exclusions: []store.Exclusion{{AccountIDs: []string{account}}, {ResourceTags: []map[string]string{{"k": "v"}}}},
		}, Rules: []finding.ArchiveRule{{Name: "dev", Filter: finding.Filter{"resource": {Contains: []string{"dev"}}}}}}
		for range 2 {
			same(t, "ARN", a.ARN, must(s.CreateAnalyzer(ctxOf(t), by(2), a))(t))
		}
		want := a.Analyzer
		want.CreatedAt = day(2)
		same(t, "by name", want, must(s.Analyzer(ctxOf(t), "second"))(t))
		same(t, "its rules", a.Rules[0], must(s.Rules(ctxOf(t), a.ARN, store.Page{}))(t).Items[0].ArchiveRule)
		same(t, "of a type", []store.Analyzer{want}, must(s.Analyzers(ctxOf(t), store.OrganizationUnused, store.Page{}))(t).Items)

		other, taken := a, a
		other.UnusedAge = 31
		taken.Token = "t2"
		slower := a
		slower.Every = 2 * time.Hour
		for name, in := range map[string]store.NewAnalyzer{"the token, other input": other, "the name again": taken, "the token, another interval": slower} {
			if _, err := s.CreateAnalyzer(ctxOf(t), by(3), in); !errors.Is(err, store.ErrConflict) {
				t.Errorf("%s: %v", name, err)
			}
		}
		want.UnusedAge, want.Exclusions = 45, []store.Exclusion{}
		check(t, s.UpdateAnalyzer(ctxOf(t), by(4), want))
		same(t, "updated", want, must(s.Analyzer(ctxOf(t), want.ARN))(t))
		for range 2 {
			check(t, s.DeleteAnalyzer(ctxOf(t), by(5), want.ARN, "t3"))
		}
		for name, err := range map[string]error{
			"get": again(s.Analyzer(ctxOf(t), want.ARN)), "delete": s.DeleteAnalyzer(ctxOf(t), by(5), want.ARN, ""),
			"update": s.UpdateAnalyzer(ctxOf(t), by(5), want), "list": again(s.Findings(ctxOf(t), store.Query{Analyzer: want.ARN}, store.Page{})),
		} {
			if !errors.Is(err, store.ErrNotFound) {
				t.Errorf("%s: %v", name, err)
			}
		}
		same(t, "tags", map[string]string{}, must(s.Tags(ctxOf(t), want.ARN))(t))
		var said []string
		for _, e := range must(s.AuditLog(ctxOf(t), want.ARN, store.Page{}))(t).Items {
			said = append(said, e.Action+" by "+e.Who+" from "+e.Origin)
		}
		same(t, "audit log", []string{
			"DeleteAnalyzer by ann from 192.0.2.1", "UpdateAnalyzer by ann from 192.0.2.1", "CreateAnalyzer by ann from 192.0.2.1",
		}, said)
	})
}

func TestArchiveRules(t *testing.T) {
	conform(t, func(t *testing.T, s *store.Store) {
		scan(t, s, 1, permission(1, 1, "A"), permission(2, 1, "A"))
		r := finding.ArchiveRule{Name: "one", Filter: finding.Filter{"resource": {Contains: []string{"r001"}}}}
		check(t, s.CreateRule(ctxOf(t), by(2), theARN, r, "t"))
		check(t, s.CreateRule(ctxOf(t), by(2), theARN, r, "t"))
		if err := s.CreateRule(ctxOf(t), by(2), theARN, r, ""); !errors.Is(err, store.ErrConflict) {
			t.Errorf("twice: %v", err)
		}
		status := finding.ArchiveRule{Name: "two", Filter: finding.Filter{"status": {Eq: []string{"ACTIVE"}}}}
		if err := s.CreateRule(ctxOf(t), by(2), theARN, status, ""); !errors.Is(err, store.ErrInvalid) {
			t.Errorf("on the status: %v", err)
		}
		same(t, "not yet", finding.Active, must(s.Finding(ctxOf(t), theARN, permission(1, 1).ID))(t).Status)
		scan(t, s, 3, permission(1, 3, "A"), permission(2, 3, "A"))
		f := must(s.Finding(ctxOf(t), theARN, permission(1, 1).ID))(t)
		same(t, "by the next run", "ARCHIVED by one", string(f.Status)+" by "+f.ArchivedBy)
		r.Filter = finding.Filter{"resource": {Contains: []string{"r00"}}}
		check(t, s.UpdateRule(ctxOf(t), by(4), theARN, r))
		got := must(s.Rule(ctxOf(t), theARN, "one"))(t)
		same(t, "times", []time.Time{day(2), day(4)}, []time.Time{got.CreatedAt, got.UpdatedAt})
		same(t, "applied", 1, must(s.ApplyRule(ctxOf(t), by(5), theARN, "one"))(t))
		check(t, s.DeleteRule(ctxOf(t), by(6), theARN, "one"))
		if err := s.DeleteRule(ctxOf(t), by(6), theARN, "one"); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("deleted twice: %v", err)
		}
	})
}

func TestStatusByHand(t *testing.T) {
	conform(t, func(t *testing.T, s *store.Store) {
		scan(t, s, 1, permission(1, 1, "A"), permission(2, 1, "A"), permission(3, 1, "A"))
		ids := []string{permission(1, 1).ID, permission(2, 1).ID}
		same(t, "archived", 2, must(s.SetStatus(ctxOf(t), by(2), theARN, finding.Archived, ids))(t))
		same(t, "again", 0, must(s.SetStatus(ctxOf(t), by(3), theARN, finding.Archived, ids))(t))
		same(t, "back", 1, must(s.SetStatus(ctxOf(t), by(4), theARN, finding.Active, ids[:1]))(t))
		for to, err := range map[finding.Status]error{finding.Archived: store.ErrNotFound, finding.Resolved: store.ErrInvalid} {
			if _, got := s.SetStatus(ctxOf(t), by(5), theARN, to, []string{ids[0], map[bool]string{true: "none", false: ids[1]}[to == finding.Archived]}); !errors.Is(got, err) {
				t.Errorf("%s: %v, want %v", to, got, err)
			}
		}
		same(t, "nothing half done", finding.Active, must(s.Finding(ctxOf(t), theARN, ids[0]))(t).Status)
		h := must(s.History(ctxOf(t), theARN, ids[0], store.Page{}))(t).Items
		same(t, "history", []string{"", "ann", "ann"}, []string{h[0].Who, h[1].Who, h[2].Who})
		scan(t, s, 6, permission(2, 6, "A"))
		same(t, "it stays archived", finding.Archived, must(s.Finding(ctxOf(t), theARN, ids[1]))(t).Status)
		trend := must(s.Trend(ctxOf(t), theARN, day(2)))(t)
		same(t, "trend", store.DayCount{Day: day(6).Truncate(24 * time.Hour), Change: finding.Fixed, To: finding.Resolved, Count: 2}, trend[len(trend)-1])
		groups := must(s.Groups(ctxOf(t), store.Query{Analyzer: theARN}, store.ByStatus, 10))(t)
		same(t, "groups", []store.Group{{Value: "RESOLVED", Count: 2}, {Value: "ARCHIVED", Count: 1}}, groups)
	})
}

func TestTokensOfLists(t *testing.T) {
	conform(t, func(t *testing.T, s *store.Store) {
		scan(t, s, 1, permission(1, 1, "A"), permission(2, 1, "A"), permission(3, 1, "A"))
		q := store.Query{Analyzer: theARN, Filter: finding.Filter{"status": {Eq: []string{"ACTIVE"}}}}
		next := must(s.Findings(ctxOf(t), q, store.Page{Limit: 2}))(t).Next
		for name, c := range map[string]store.Query{
			"another filter": {Analyzer: theARN, Filter: finding.Filter{"status": {Neq: []string{"ACTIVE"}}}},
			"no filter":      {Analyzer: theARN}, "another order": {Analyzer: theARN, Filter: q.Filter, Sort: store.Sort{Descending: true}},
		} {
			if _, err := s.Findings(ctxOf(t), c, store.Page{Token: next}); !errors.Is(err, store.ErrToken) {
				t.Errorf("%s: %v", name, err)
			}
		}
		for _, odd := range []string{"x", "e30", next + "A", strings.ToUpper(next)} {
			if _, err := s.Findings(ctxOf(t), q, store.Page{Token: odd}); !errors.Is(err, store.ErrToken) {
				t.Errorf("%q: %v", odd, err)
			}
		}
		if _, err := s.Findings(ctxOf(t), store.Query{Analyzer: theARN, Filter: finding.Filter{"nonsense": {Eq: []string{"1"}}}}, store.Page{}); !errors.Is(err, store.ErrInvalid) {
			t.Errorf("an unknown key: %v", err)
		}
		if _, err := s.Count(ctxOf(t), store.Query{Analyzer: theARN, Filter: finding.Filter{"resource": {Eq: []string{"a\x00b"}}}}); !errors.Is(err, store.ErrInvalid) {
			t.Errorf("a zero byte: %v", err)
		}
		id := permission(1, 1).ID
		part := must(s.Permissions(ctxOf(t), theARN, id, store.Page{Limit: 1}))(t)
		same(t, "first service", "ec2", part.Items[0].Namespace)
		part = must(s.Permissions(ctxOf(t), theARN, id, store.Page{Limit: 1, Token: part.Next}))(t)
		same(t, "second service", "s3", part.Items[0].Namespace)
		same(t, "no third", "", part.Next)
	})
}
