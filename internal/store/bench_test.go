package store_test

import (
	"fmt"
	"iter"
	"testing"

	"github.com/pare-iam/pare/finding"
	"github.com/pare-iam/pare/internal/store"
	"github.com/pare-iam/pare/internal/store/storetest"
)

// The sizes of issue 5: 100,000 findings of 10,000 principals in 200 accounts.
const (
	manyAccounts   = 200
	manyPrincipals = 50 // in each account
	manyFindings   = 10 // of each principal
)

// many are the findings of an account: most of permissions, with the services and actions
// of a usual role. A run on another day sees the same, but for one finding in change; 0 is
// none.
func many(acct, principals, at, change int) iter.Seq2[finding.Finding, error] {
	types := finding.Types()
	return func(yield func(finding.Finding, error) bool) {
		for i := range principals * manyFindings {
			n := i / manyFindings
			typ := types[min(i%manyFindings, len(types)-1)]
			f := plain(typ, n, at)
			f.Account = fmt.Sprintf("%012d", 100000000000+acct)
			f.Resource = fmt.Sprintf("arn:aws:iam::%s:role/service/team-%d/app-%05d", f.Account, n%17, n)
			f.ID = fmt.Sprintf("%08x-0000-8000-8000-%06d%06d", (acct*7919+i*104729)%(1<<31), acct, i)
			if typ == finding.UnusedPermission {
				f.Permissions = manyPermissions(i, change != 0 && i%change == 0)
			}
			if !yield(f, nil) {
				return
			}
		}
	}
}

func manyPermissions(i int, changed bool) []finding.Permissions {
	out := make([]finding.Permissions, 0, 8)
	for k := range 8 {
		p := finding.Permissions{Namespace: fmt.Sprintf("service%02d", k*3+i%3), Granted: 20, LastAccessed: day(k + 1), Source: "iam-last-accessed"}
		for a := range (i + k) % 5 {
			p.Actions = append(p.Actions, finding.Action{Name: fmt.Sprintf("%s:DescribeSomething%d", p.Namespace, a), Source: "iam-last-accessed"})
		}
		out = append(out, p)
	}
	if changed {
		out = out[1:]
	}
	return out
}

func manyRun(b testing.TB, s *store.Store, acct, principals, at, change int) {
	b.Helper()
	id := fmt.Sprintf("%012d", 100000000000+acct)
	run := must(s.StartRun(ctxOf(b), theARN, id, day(at)))(b)
	in := found(at, nil)
	in.Findings = many(acct, principals, at, change)
	must(s.CompleteRun(ctxOf(b), run.ID, in))(b)
}

// full is a store with all of them, a few archived and resolved.
func full(b *testing.B, e storetest.Engine) *store.Store {
	b.Helper()
	s := open(b, storetest.New(b, e))
	create(b, s)
	for acct := range manyAccounts {
		manyRun(b, s, acct, manyPrincipals, 1+acct%28, 0)
	}
	rule := finding.ArchiveRule{Name: "team", Filter: finding.Filter{"resource": {Contains: []string{"/team-3/"}}}}
	check(b, s.CreateRule(ctxOf(b), by(40), theARN, rule, ""))
	must(s.ApplyRule(ctxOf(b), by(40), theARN, rule.Name))(b)
	manyRun(b, s, 3, 40, 41, 0) // ten principals are gone
	return s
}

func BenchmarkRead(b *testing.B) {
	for _, e := range storetest.Engines() {
		s := full(b, e)
		for _, c := range []struct {
			name string
			q    store.Query
		}{
			{"latest", store.Query{Sort: store.Sort{Descending: true}}},
			{"active", store.Query{Filter: finding.Filter{"status": {Eq: []string{"ACTIVE"}}}, Sort: store.Sort{Descending: true}}},
			{"resolved", store.Query{Filter: finding.Filter{"status": {Eq: []string{"RESOLVED"}}}}},
			{"type", store.Query{Filter: finding.Filter{"status": {Eq: []string{"ACTIVE"}}, "findingType": {Eq: []string{"UnusedIAMRole"}}}, Sort: store.Sort{Descending: true}}},
			{"account", store.Query{Filter: finding.Filter{"resourceOwnerAccount": {Eq: []string{"100000000077"}}}, Sort: store.Sort{Descending: true}}},
			{"account-by-actions", store.Query{Filter: finding.Filter{"resourceOwnerAccount": {Eq: []string{"100000000077"}}, "status": {Neq: []string{"RESOLVED"}}}, Sort: store.Sort{By: store.ByActions}}},
			{"resource", store.Query{Filter: finding.Filter{"resource": {Eq: []string{"arn:aws:iam::100000000077:role/service/team-3/app-00020"}}}}},
			{"contains-rare", store.Query{Filter: finding.Filter{"resource": {Contains: []string{"100000000077:role/service/team-3/app-00020"}}}}},
			{"by-resource", store.Query{Sort: store.Sort{By: store.ByResource}}},
			{"by-id", store.Query{Sort: store.Sort{By: store.ByID}}},
			{"by-account", store.Query{Sort: store.Sort{By: store.ByAccount}}},
			{"by-status", store.Query{Sort: store.Sort{By: store.ByStatus}}},
			{"by-type", store.Query{Sort: store.Sort{By: store.ByType}}},
			{"by-resource-type", store.Query{Sort: store.Sort{By: store.ByResourceType}}},
			{"by-analysis", store.Query{Sort: store.Sort{By: store.ByAnalysis}}},
		} {
			c.q.Analyzer = theARN
			b.Run(fmt.Sprintf("list/%s/%s", c.name, e), func(b *testing.B) {
				next := ""
				for b.Loop() {
					part := must(s.Findings(ctxOf(b), c.q, store.Page{Limit: 50, Token: next}))(b)
					next = part.Next
				}
			})
		}
		b.Run("statistics/"+string(e), func(b *testing.B) {
			for b.Loop() {
				must(s.Statistics(ctxOf(b), theARN))(b)
			}
		})
		b.Run("count-active/"+string(e), func(b *testing.B) {
			for b.Loop() {
				must(s.Count(ctxOf(b), store.Query{Analyzer: theARN, Filter: finding.Filter{"status": {Eq: []string{"ACTIVE"}}}}))(b)
			}
		})
		b.Run("finding/"+string(e), func(b *testing.B) {
			for b.Loop() {
				must(s.Finding(ctxOf(b), theARN, fmt.Sprintf("%08x-0000-8000-8000-%06d%06d", 77*7919+42*104729, 77, 42)))(b)
			}
		})
		b.Run("export/"+string(e), func(b *testing.B) {
			for b.Loop() {
				n := 0
				for _, err := range s.Export(ctxOf(b), store.Query{Analyzer: theARN}) {
					check(b, err)
					n++
				}
				if n != manyAccounts*manyPrincipals*manyFindings {
					b.Fatalf("%d findings", n)
				}
			}
		})
	}
}

// BenchmarkCompleteRun completes runs of 100,000 findings of one account.
func BenchmarkCompleteRun(b *testing.B) {
	for _, e := range storetest.Engines() {
		for _, c := range []struct {
			name   string
			change int // every how many findings change
		}{{"new", -1}, {"unchanged", 0}, {"half-changed", 2}} {
			b.Run(c.name+"/"+string(e), func(b *testing.B) {
				s := open(b, storetest.New(b, e))
				create(b, s)
				at := 1
				if c.change >= 0 {
					manyRun(b, s, 1, 10000, at, 0)
				}
				for b.Loop() {
					at++
					change := c.change
					if change == 2 && at%2 == 1 {
						change = 0
					}
					if change < 0 {
						manyRun(b, s, at, 10000, at, 0)
					} else {
						manyRun(b, s, 1, 10000, at, change)
					}
				}
			})
		}
	}
}
