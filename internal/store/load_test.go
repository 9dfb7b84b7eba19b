package store_test

import (
	"context"
	"fmt"
	"iter"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pare-iam/pare/finding"
	"github.com/pare-iam/pare/internal/store"
	"github.com/pare-iam/pare/internal/store/storetest"
)

// manyOf are the principals of an account, with policies and evidence of usual size.
func manyOf(acct, principals int) iter.Seq2[store.Principal, error] {
	id := fmt.Sprintf("%012d", 100000000000+acct)
	statement := strings.Repeat(`{"Effect":"Allow","Action":["service01:Describe*"],"Resource":"*"},`, 12)
	return func(yield func(store.Principal, error) bool) {
		for n := range principals {
			p := store.Principal{
				ARN: fmt.Sprintf("arn:aws:iam::%s:role/service/team-%d/app-%05d", id, n%17, n), ID: "AROA1", Kind: store.Role, Account: id,
				Path: fmt.Sprintf("/service/team-%d/", n%17), Granted: 300 + n, Used: 10, Unused: 280 + n, After: 20, CreatedAt: day(1), LastUsed: day(2),
			}
			for k := range 3 {
				shared := fmt.Sprintf("Shared%02d", (n*7+k*3)%40)
				p.Policies = append(p.Policies, store.HeldPolicy{Kind: finding.AWSPolicy, Name: shared, ARN: "arn:aws:iam::aws:policy/" + shared, Policy: shared + statement})
			}
			own := fmt.Sprintf("own-%d-%d", acct, n)
			p.Policies = append(p.Policies, store.HeldPolicy{Kind: finding.InlinePolicy, Name: own, Policy: own + statement})
			for k := range 15 {
				p.Evidence = append(p.Evidence, store.Evidence{Service: fmt.Sprintf("service%02d", (n+k*3)%60), LastAccessed: day(2), Source: "iam-last-accessed", Actions: k, Granted: 20, Unused: 20 - k})
			}
			if !yield(p, nil) {
				return
			}
		}
	}
}

// loaded is a store with everything: findings as full has them, principals, notes,
// recommendations and runs.
func loaded(t testing.TB, e storetest.Engine, accounts, principals int) *store.Store {
	t.Helper()
	s := open(t, storetest.New(t, e))
	create(t, s)
	for acct := range accounts {
		check(t, s.PutAccount(ctxOf(t), by(1), store.Account{ID: fmt.Sprintf("%012d", 100000000000+acct), Name: fmt.Sprint("account", acct)}))
		loadedRun(t, s, acct, principals, 1+acct%28, 0)
	}
	rule := finding.ArchiveRule{Name: "team", Filter: finding.Filter{"resource": {Contains: []string{"/team-3/"}}}}
	check(t, s.CreateRule(ctxOf(t), by(40), theARN, rule, ""))
	must(s.ApplyRule(ctxOf(t), by(40), theARN, rule.Name))(t)
	for i := range principals {
		id := manyID(1, i*manyFindings+5)
		check(t, s.AddNote(ctxOf(t), by(41), theARN, id, "seen"))
		made := must(s.StartRecommendation(ctxOf(t), by(41), theARN, id))(t)
		check(t, s.FinishRecommendation(ctxOf(t), made, store.Made{State: finding.Succeeded, At: day(41), Advice: store.Advice{Verdict: "proved"}}))
	}
	return s
}

func loadedRun(t testing.TB, s *store.Store, acct, principals, at, change int) {
	t.Helper()
	run := must(s.StartRun(context.Background(), theARN, fmt.Sprintf("%012d", 100000000000+acct), day(at)))(t)
	in := found(at, nil)
	in.Findings, in.Principals = many(acct, principals, at, change), manyOf(acct, principals)
	must(s.CompleteRun(context.Background(), run.ID, in))(t)
}

func manyID(acct, i int) string {
	return fmt.Sprintf("%08x-0000-8000-8000-%06d%06d", (acct*7919+i*104729)%(1<<31), acct, i)
}

// call is something that a page or a client asks of the store.
type call struct {
	name string
	ask  func(ctx context.Context, s *store.Store, n int) error // n: another each time
}

func listCall(name string, q store.Query) call {
	q.Analyzer = theARN
	return call{name, func(ctx context.Context, s *store.Store, n int) error {
		first, err := s.Findings(ctx, q, store.Page{Limit: 50})
		if err == nil && n%2 == 0 {
			_, err = s.Findings(ctx, q, store.Page{Limit: 50, Token: first.Next})
		}
		return err
	}}
}

func countCall(name string, q store.Query) call {
	q.Analyzer = theARN
	return call{name, func(ctx context.Context, s *store.Store, _ int) error { return again(s.StatusCounts(ctx, q)) }}
}

// calls are all of them.
func calls() []call {
	active := finding.Filter{"status": {Eq: []string{"ACTIVE"}}}
	with := func(key string, c finding.Criterion) finding.Filter {
		return finding.Filter{"status": active["status"], key: c}
	}
	latest := store.Sort{Descending: true}
	const oneAccount, oneRole = "100000000001", "arn:aws:iam::100000000001:role/service/team-3/app-00003"
	return slices.Concat(findingCalls(), []call{
		listCall("list-latest", store.Query{Sort: latest}),
		listCall("list-active", store.Query{Sort: latest, Filter: active}),
		listCall("list-type", store.Query{Sort: latest, Filter: with("findingType", finding.Criterion{Eq: []string{"UnusedIAMRole"}})}),
		listCall("list-account", store.Query{Sort: latest, Filter: with("resourceOwnerAccount", finding.Criterion{Eq: []string{oneAccount}})}),
		listCall("list-name-rare", store.Query{Sort: latest, Filter: with("resource", finding.Criterion{Contains: []string{"0001:role/service/team-3/app-00020"}})}),
		listCall("list-name-common", store.Query{Sort: latest, Filter: with("resource", finding.Criterion{Contains: []string{"team-5"}})}),
		listCall("list-name-none", store.Query{Sort: latest, Filter: with("resource", finding.Criterion{Contains: []string{"nobody"}})}),
		listCall("list-service", store.Query{Sort: latest, Filter: active, Service: "service03"}),
		listCall("list-service-none", store.Query{Sort: latest, Filter: active, Service: "nothing"}),
		listCall("list-least-common", store.Query{Sort: latest, Filter: active, MinActions: 5}),
		listCall("list-least-rare", store.Query{Sort: latest, Filter: active, MinActions: 20}),
		listCall("list-most-unused", store.Query{Sort: store.Sort{By: store.ByActions, Descending: true}, Filter: active}),
		listCall("list-by-account", store.Query{Sort: store.Sort{By: store.ByAccount}}),
		listCall("list-by-status", store.Query{Sort: store.Sort{By: store.ByStatus}}),
		countCall("tabs", store.Query{}),
		countCall("tabs-account", store.Query{Filter: finding.Filter{"resourceOwnerAccount": {Eq: []string{oneAccount}}}}),
		countCall("tabs-name", store.Query{Filter: finding.Filter{"resource": {Contains: []string{"team-5"}}}}),
		countCall("tabs-service", store.Query{Service: "service03"}),
		{"statistics", func(ctx context.Context, s *store.Store, _ int) error { return again(s.Statistics(ctx, theARN)) }},
		{"trend", func(ctx context.Context, s *store.Store, _ int) error { return again(s.Trend(ctx, theARN, day(1))) }},
		{"by-account", func(ctx context.Context, s *store.Store, _ int) error {
			return again(s.Groups(ctx, store.Query{Analyzer: theARN, Filter: active}, store.ByAccount, 50))
		}},
		{"by-service", func(ctx context.Context, s *store.Store, _ int) error {
			return again(s.Services(ctx, store.Query{Analyzer: theARN, Filter: active}, 50))
		}},
		{"principals", func(ctx context.Context, s *store.Store, _ int) error {
			return again(s.FindPrincipals(ctx, store.PrincipalQuery{Analyzer: theARN, By: store.PrincipalsByUnused}, store.Page{Limit: 50}))
		}},
		{"principals-name", func(ctx context.Context, s *store.Store, _ int) error {
			return again(s.FindPrincipals(ctx, store.PrincipalQuery{Analyzer: theARN, Contains: "nobody"}, store.Page{Limit: 50}))
		}},
		{"principal", func(ctx context.Context, s *store.Store, _ int) error {
			return again(s.Principal(ctx, theARN, oneRole))
		}},
		{"policies", func(ctx context.Context, s *store.Store, _ int) error {
			return again(s.Policies(ctx, theARN, "", store.Page{Limit: 50}))
		}},
		{"policies-name", func(ctx context.Context, s *store.Store, _ int) error {
			return again(s.Policies(ctx, theARN, "Shared", store.Page{Limit: 50}))
		}},
		{"recommendations", func(ctx context.Context, s *store.Store, _ int) error {
			return again(s.Advised(ctx, store.AdviceQuery{Verdict: "proved"}, store.Page{Limit: 50}))
		}},
		{"recommendations-stale", func(ctx context.Context, s *store.Store, _ int) error {
			return again(s.Advised(ctx, store.AdviceQuery{Age: store.Stale}, store.Page{Limit: 50}))
		}},
		{"untold", func(ctx context.Context, s *store.Store, _ int) error { return again(s.Untold(ctx, "new", 100)) }},
		{"lags", func(ctx context.Context, s *store.Store, _ int) error { return again(s.Lags(ctx)) }},
		{"runs", func(ctx context.Context, s *store.Store, _ int) error {
			return again(s.FindRuns(ctx, store.RunQuery{}, store.Page{Limit: 50}))
		}},
		{"accounts", func(ctx context.Context, s *store.Store, _ int) error {
			return again(s.AccountStates(ctx, theARN, store.Page{Limit: 50}))
		}},
		{"privilege-accounts", func(ctx context.Context, s *store.Store, _ int) error {
			return again(s.PrivilegeByAccount(ctx, theARN, store.Page{Limit: 20}))
		}},
		{"privilege-services", func(ctx context.Context, s *store.Store, _ int) error {
			return again(s.PrivilegeByService(ctx, theARN, "", store.Page{Limit: 20}))
		}},
		{"audit", func(ctx context.Context, s *store.Store, _ int) error {
			return again(s.FindAudit(ctx, store.AuditQuery{Who: "ann"}, store.Page{Limit: 50}))
		}},
	})
}

// findingCalls are those of a finding's page.
func findingCalls() []call {
	id := func(n int) string { return manyID(1, n%100) }
	return []call{
		{"finding", func(ctx context.Context, s *store.Store, n int) error { return again(s.Finding(ctx, theARN, id(n))) }},
		{"history", func(ctx context.Context, s *store.Store, n int) error {
			return again(s.History(ctx, theARN, id(n), store.Page{}))
		}},
		{"notes", func(ctx context.Context, s *store.Store, n int) error {
			return again(s.Notes(ctx, theARN, id(n), store.Page{}))
		}},
		{"of-resource", listCall("", store.Query{Filter: finding.Filter{"resource": {Eq: []string{"arn:aws:iam::100000000001:role/service/team-3/app-00003"}}}}).ask},
	}
}

// BenchmarkCalls is each call alone, as the first after a change: nothing is remembered.
func BenchmarkCalls(b *testing.B) {
	for _, e := range storetest.Engines() {
		s := loaded(b, e, manyAccounts, manyPrincipals)
		for _, c := range calls() {
			b.Run(c.name+"/"+string(e), func(b *testing.B) {
				n := 0
				for b.Loop() {
					b.StopTimer()
					must(s.SetStatusOf(ctxOf(b), by(60), theARN, finding.Archived, "arn:none"))(b)
					b.StartTimer()
					n++
					check(b, c.ask(ctxOf(b), s, n))
				}
			})
		}
	}
}

const readersAtOnce = 50

// BenchmarkLoad has 50 readers ask everything, one call after the other without a pause,
// while runs are completed one after the other. It reports the 95th percentile of each call
// that is above 20 ms, and of all. Give it a number of calls: -benchtime 20000x.
func BenchmarkLoad(b *testing.B) {
	for _, e := range storetest.Engines() {
		s := loaded(b, e, manyAccounts, manyPrincipals)
		b.Run(string(e), func(b *testing.B) { load(b, s) })
	}
}

func load(b *testing.B, s *store.Store) {
	end := make(chan struct{})
	var writer sync.WaitGroup
	runs := 0
	writer.Go(func() {
		for at := 50; ; at++ {
			select {
			case <-end:
				return
			default:
				loadedRun(b, s, at%manyAccounts, manyPrincipals, at, 10*(at%2))
				runs++
			}
		}
	})
	asked := calls()
	took := make([]map[string][]time.Duration, readersAtOnce)
	b.ResetTimer()
	share(b.N, func(reader, n int) {
		if took[reader] == nil {
			took[reader] = map[string][]time.Duration{}
		}
		c := asked[(n*31+reader*7)%len(asked)]
		begun := time.Now()
		if err := c.ask(context.Background(), s, n); err != nil {
			b.Error(c.name, err)
		}
		took[reader][c.name] = append(took[reader][c.name], time.Since(begun))
	})
	b.StopTimer()
	close(end)
	writer.Wait()
	report(b, asked, took)
	b.ReportMetric(float64(runs)/b.Elapsed().Seconds(), "runs/s")
}

// share has the readers do n calls together.
func share(n int, do func(reader, n int)) {
	next := make(chan int)
	var readers sync.WaitGroup
	for r := range readersAtOnce {
		readers.Go(func() {
			for i := range next {
				do(r, i)
			}
		})
	}
	for i := range n {
		next <- i
	}
	close(next)
	readers.Wait()
}

func report(b *testing.B, asked []call, took []map[string][]time.Duration) {
	var all []time.Duration
	for _, c := range asked {
		var of []time.Duration
		for _, reader := range took {
			of = append(of, reader[c.name]...)
		}
		all = append(all, of...)
		if p := percentile(of, 95); p > 20 {
			b.ReportMetric(p, c.name+"-p95-ms")
		}
	}
	b.ReportMetric(percentile(all, 95), "p95-ms")
	b.ReportMetric(percentile(all, 50), "p50-ms")
}

// percentile is in milliseconds.
func percentile(of []time.Duration, p int) float64 {
	if len(of) == 0 {
		return 0
	}
	slices.Sort(of)
	return float64(of[len(of)*p/100-len(of)*p/100/len(of)].Microseconds()) / 1000
}

// BenchmarkExport reports the memory that an export of everything adds, as the system sees it.
func BenchmarkExport(b *testing.B) {
	for _, e := range storetest.Engines() {
		s := full(b, e)
		b.Run(string(e), func(b *testing.B) {
			before, most := resident(b), 0.0
			for b.Loop() {
				n := 0
				for _, err := range s.Export(ctxOf(b), store.Query{Analyzer: theARN, Sort: store.Sort{Descending: true}}) {
					check(b, err)
					if n++; n%1000 == 0 {
						most = max(most, resident(b)-before)
					}
				}
				if n != manyAccounts*manyPrincipals*manyFindings {
					b.Fatalf("%d findings", n)
				}
			}
			b.ReportMetric(most, "MB-added")
		})
	}
}

// resident is this process's memory in MB.
func resident(b *testing.B) float64 {
	b.Helper()
	text, err := os.ReadFile("/proc/self/statm")
	check(b, err)
	var size, pages float64
	_, err = fmt.Sscan(string(text), &size, &pages)
	check(b, err)
	return pages * float64(os.Getpagesize()) / 1e6
}
