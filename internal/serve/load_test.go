package serve_test

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"text/tabwriter"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/go-json-experiment/json"

	"github.com/pare-iam/pare/catalog"
	"github.com/pare-iam/pare/finding"
	"github.com/pare-iam/pare/internal/serve"
	"github.com/pare-iam/pare/internal/store"
	"github.com/pare-iam/pare/internal/store/storetest"
)

// The sizes of issue 5: 100,000 findings of 10,000 principals in 200 accounts.
const (
	loadAccounts   = 200
	loadPrincipals = 50 // in each account
	loadFindings   = 10 // of each principal
	loadReaders    = 50
	loadARN        = "arn:aws:access-analyzer:us-east-1:111122223333:analyzer/unused"
)

// begun is when the first run was. Runs are as young as those of a server that is in use,
// since trends and resolved findings go by the calendar.
var begun = time.Now().UTC().Truncate(24*time.Hour).AddDate(0, 0, -40)

func loadDay(n int) time.Time { return begun.AddDate(0, 0, n) }

func loadBy(n int) store.By { return store.By{Who: "ann", Origin: "192.0.2.1", At: loadDay(n)} }

// grown are services with actions enough for patterns to be about.
var grown = sync.OnceValue(func() []*catalog.Service {
	var out []*catalog.Service
	for _, s := range catalog.Embedded().Services() {
		if len(s.Actions) >= 25 {
			out = append(out, s)
		}
	}
	return out[:60]
})

func loadAccount(acct int) string { return fmt.Sprintf("%012d", 100000000000+acct) }

func loadRole(acct, n int) string {
	return fmt.Sprintf("arn:aws:iam::%s:role/service/team-%d/app-%05d", loadAccount(acct), n%17, n)
}

func loadID(acct, i int) string {
	return fmt.Sprintf("%08x-0000-8000-8000-%06d%06d", (acct*7919+i*104729)%(1<<31), acct, i)
}

// loadPolicy is a policy with six statements of two services each; with a mark that nothing
// else has.
func loadPolicy(from int, mark string) string {
	type statement struct{ Sid, Effect, Action, Resource any }
	var all []statement
	for k := range 6 {
		a, b := grown()[(from+2*k)%60].Prefix, grown()[(from+2*k+1)%60].Prefix
		all = append(all, statement{fmt.Sprint("S", k, mark), "Allow", []string{a + ":*", b + ":Get*", b + ":List*", b + ":Create*"}, "*"})
	}
	src, err := json.Marshal(struct {
		Version   string
		Statement []statement
	}{"2012-10-17", all})
	if err != nil {
		panic(err)
	}
	return string(src)
}

// loadHeld are a principal's policies: one of AWS's, one of the account's, one of its own.
func loadHeld(acct, n int) []store.HeldPolicy {
	shared, base := fmt.Sprintf("Shared%02d", n%40), fmt.Sprintf("Base-%03d", acct)
	own := fmt.Sprintf("own-%d-%d", acct, n)
	return []store.HeldPolicy{
		{Kind: finding.AWSPolicy, Name: shared, ARN: "arn:aws:iam::aws:policy/" + shared, Policy: loadPolicy(n%40, shared)},
		{Kind: finding.CustomerPolicy, Name: base, ARN: "arn:aws:iam::" + loadAccount(acct) + ":policy/" + base, Policy: loadPolicy(acct, base)},
		{Kind: finding.InlinePolicy, Name: own, Policy: loadPolicy(n, own)},
	}
}

func loadPrincipal(acct, n int) store.Principal {
	p := store.Principal{
		ARN: loadRole(acct, n), ID: "AROA1", Kind: store.Role, Account: loadAccount(acct), Path: fmt.Sprintf("/service/team-%d/", n%17),
		Granted: 300 + n, Used: 10, Unused: 280 + n, After: 20, CreatedAt: loadDay(1), LastUsed: loadDay(2), Policies: loadHeld(acct, n),
	}
	for k := range 15 {
		p.Evidence = append(p.Evidence, store.Evidence{
			Service: grown()[(n+k*3)%60].Prefix, LastAccessed: loadDay(2), Source: "iam-last-accessed", Actions: k, Granted: 20, Unused: 20 - k,
		})
	}
	return p
}

// loadFinding is the i-th finding of an account, as a run on a day makes it.
func loadFinding(acct, i int, at time.Time, changed bool) finding.Finding {
	types := finding.Types()
	f := finding.Finding{
		ID: loadID(acct, i), Type: types[min(i%loadFindings, len(types)-1)], Status: finding.Active, Resource: loadRole(acct, i/loadFindings),
		ResourceID: "AROA1", Account: loadAccount(acct), AnalyzedAt: at, CreatedAt: at, UpdatedAt: at, Sources: []string{"iam"},
	}
	if f.Type != finding.UnusedPermission {
		return f
	}
	for k := range 8 {
		s := grown()[(i/loadFindings+k)%60]
		p := finding.Permissions{Namespace: s.Prefix, Granted: len(s.Actions), LastAccessed: loadDay(k), Source: "iam-last-accessed"}
		for a := range (i + k) % 5 {
			p.Actions = append(p.Actions, finding.Action{Name: s.Actions[a].String(), Source: "iam-last-accessed"})
		}
		f.Permissions = append(f.Permissions, p)
	}
	if changed {
		f.Permissions = f.Permissions[1:]
	}
	slices.SortFunc(f.Permissions, func(a, b finding.Permissions) int { return cmp.Compare(a.Namespace, b.Namespace) })
	return f
}

func sequence[T any](n int, item func(int) T) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		for i := range n {
			if !yield(item(i), nil) {
				return
			}
		}
	}
}

// loadRun completes a run over an account. One finding in change isn't as it was; 0 is none.
func loadRun(t testing.TB, s *store.Store, acct, change int, at time.Time) {
	t.Helper()
	run, err := s.StartRun(context.Background(), loadARN, loadAccount(acct), at)
	must(t, err)
	_, err = s.CompleteRun(context.Background(), run.ID, store.Found{
		Findings: sequence(loadPrincipals*loadFindings, func(i int) finding.Finding {
			return loadFinding(acct, i, at, change != 0 && i%change == 0)
		}),
		Principals: sequence(loadPrincipals, func(n int) store.Principal { return loadPrincipal(acct, n) }),
		Closing: func() store.Closing {
			return store.Closing{FinishedAt: at, WindowEnd: at, WindowDays: 90, CatalogDate: "2026-01-01", Report: store.Report{
				Roles: loadPrincipals, Granted: 16000, Used: 500, Unused: 15000, Removed: 9000,
				Sources: []store.SourceState{{Name: "iam-last-accessed", From: at.AddDate(0, 0, -90), Until: at}},
			}}
		},
	})
	must(t, err)
}

// filled is a database with everything: findings, principals, notes, recommendations, runs.
func filled(t testing.TB, e storetest.Engine) string {
	t.Helper()
	where := storetest.New(t, e)
	s, err := store.Open(t.Context(), where, store.Options{})
	must(t, err)
	ctx := t.Context()
	_, err = s.CreateAnalyzer(ctx, loadBy(0), store.NewAnalyzer{Analyzer: store.Analyzer{
		ARN: loadARN, Name: "unused", Type: store.OrganizationUnused, UnusedAge: 90, Status: "ACTIVE",
	}})
	must(t, err)
	for acct := range loadAccounts {
		must(t, s.PutAccount(ctx, loadBy(0), store.Account{ID: loadAccount(acct), Name: fmt.Sprint("account", acct)}))
		loadRun(t, s, acct, 0, loadDay(1+acct%28))
	}
	must(t, s.CreateRule(ctx, loadBy(30), loadARN, finding.ArchiveRule{Name: "team", Filter: finding.Filter{"resource": {Contains: []string{"/team-3/"}}}}, ""))
	_, err = s.ApplyRule(ctx, loadBy(30), loadARN, "team")
	must(t, err)
	for n := range loadPrincipals {
		id := loadID(1, n*loadFindings+5)
		must(t, s.AddNote(ctx, loadBy(31), loadARN, id, "seen"))
		made, err := s.StartRecommendation(ctx, loadBy(31), loadARN, id)
		must(t, err)
		own := loadHeld(1, n)[2]
		must(t, s.FinishRecommendation(ctx, made, store.Made{State: finding.Succeeded, At: loadDay(31), Advice: store.Advice{
			Verdict: "proved", Before: 300, After: 20, Steps: []finding.Step{
				{Action: finding.CreatePolicy, ExistingPolicyID: own.Name, RecommendedPolicy: strings.ReplaceAll(own.Policy, ":*", ":Get*"), RecommendedName: own.Name + "-pared"},
				{Action: finding.DetachPolicy, ExistingPolicyID: own.Name},
			},
		}}))
	}
	must(t, s.Close())
	return where
}

// loaded is the assembled server over it, without scans of its own.
func loaded(t testing.TB, e storetest.Engine) *asking {
	t.Helper()
	c := configured(t, filled(t, e))
	c.Accounts, c.Every, c.Log.Level = nil, 10*365*24*time.Hour, "info"
	s := start(t, c)
	must(t, s.Store.PutUser(t.Context(), loadBy(32), store.Person{Name: "ann", Role: store.Admin}))
	key, secret := serve.NewAccessKey("ann")
	must(t, s.Store.AddKey(t.Context(), loadBy(32), key, secret))
	out := &asking{running: s, credentials: aws.Credentials{AccessKeyID: key.ID, SecretAccessKey: secret}}
	out.http.Transport = &http.Transport{MaxIdleConnsPerHost: loadReaders}
	out.pages = slices.Concat(findingPages(), otherPages(), out.found(t), calls())
	return out
}

// asking is a server with those who ask.
type asking struct {
	*running
	http        http.Client
	credentials aws.Credentials
	pages       []question
	runs        int // written while it was asked
}

// question is something that is asked for. An n makes it another one each time.
type question struct {
	name string
	path func(n int) string
	body string // of a signed POST
	api  bool
}

func (a *asking) ask(ctx context.Context, q question, n int) (string, error) {
	method := http.MethodGet
	if q.body != "" {
		method = http.MethodPost
	}
	r, err := http.NewRequestWithContext(ctx, method, a.url+q.path(n), strings.NewReader(q.body))
	if err != nil {
		return "", err
	}
	if q.api {
		r.Header.Set("Content-Type", "application/json")
		sum := sha256.Sum256([]byte(q.body))
		if err := v4.NewSigner().SignHTTP(ctx, a.credentials, r, hex.EncodeToString(sum[:]), "access-analyzer", region, time.Now()); err != nil {
			return "", err
		}
	}
	resp, err := a.http.Do(r)
	if err != nil {
		return "", err
	}
	var body bytes.Buffer
	_, err = io.Copy(&body, resp.Body)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s %.300s", r.URL, resp.Status, body.String())
	}
	return body.String(), errors.Join(err, resp.Body.Close())
}

func page(name, path string) question {
	return question{name: name, path: func(int) string { return path }}
}

// findingPages are lists of findings by all that lists can be asked by, and findings.
func findingPages() []question {
	out := []question{page("overview", "/"), {name: "finding", path: func(n int) string { return "/findings/" + loadID(n%loadAccounts, n%500) }}}
	for _, list := range [][2]string{
		{"active", ""}, {"all", "?status=ALL"}, {"large", "?size=250"}, {"role", "?type=UnusedIAMRole"}, {"account", "?account=100000000001"},
		{"name rare", "?resource=0001:role/service/team-3/app-00020"}, {"name common", "?resource=team-5"}, {"name none", "?resource=nobody"},
		{"service", "?service=" + grown()[3].Prefix}, {"service none", "?service=nothing"}, {"actions common", "?actions=5"}, {"actions rare", "?actions=17"},
		{"name and service", "?resource=team-5&service=" + grown()[5].Prefix}, {"name and actions", "?resource=team-7&actions=16"},
		{"by actions", "?sort=-actions"}, {"by account", "?sort=account"}, {"by status", "?status=ALL&sort=status"}, {"by principal", "?sort=principal"},
		{"by id", "?sort=id"}, {"by creation", "?sort=-created"}, {"by type", "?sort=type"},
		{"grouped by account", "?group=account"}, {"grouped by type", "?group=type"}, {"grouped by principal", "?group=principal"},
		{"grouped by service", "?group=service"}, {"a name grouped by service", "?group=service&resource=team-5"}, {"a service grouped by principal", "?group=principal&service=" + grown()[3].Prefix},
	} {
		out = append(out, page("findings "+list[0], "/findings"+list[1]))
	}
	return out
}

func otherPages() []question {
	role := func(n int) string {
		return "/principal?arn=" + url.QueryEscape(loadRole(n%loadAccounts, n%loadPrincipals))
	}
	return []question{
		page("principals", "/principals"), page("principals by account", "/principals?sort=account"), page("principals of account", "/principals?account=100000000007"),
		page("principals name", "/principals?contains=team-5"), page("principals name none", "/principals?contains=nobody"), {name: "principal", path: role},
		page("policies", "/policies"), page("policies name", "/policies?contains=Shared"), page("policies name rare", "/policies?contains=own-77-7"),
		page("recommendations", "/recommendations"), page("recommendations proved", "/recommendations?verdict=proved"), page("recommendations stale", "/recommendations?age=stale"),
		page("accounts", "/accounts"), page("accounts large", "/accounts?size=250"), {name: "account", path: func(n int) string { return "/accounts/" + loadAccount(n%loadAccounts) }},
		page("runs", "/runs"), page("runs of account", "/runs?account=100000000007"), {name: "run", path: func(n int) string { return fmt.Sprint("/runs/", 1+n%loadAccounts) }},
		page("jobs", "/jobs"), page("rules", "/rules"), page("rule", "/rules/edit?rule=team"),
		page("rule preview", "/rules/edit?name=x&key=resource&op=contains&values=team-9"), page("rule preview neq", "/rules/edit?name=x&key=resourceOwnerAccount&op=neq&values=100000000007"),
		page("settings", "/settings"), page("settings analyzer", "/settings/analyzer"), page("settings user", "/settings/user?name=ann"), page("audit", "/audit"), page("audit who", "/audit?who=ann"),
	}
}

// linked gives the first address on a page that fits.
func (a *asking) linked(t testing.TB, at string, fits *regexp.Regexp) string {
	t.Helper()
	body, err := a.ask(t.Context(), page("", at), 0)
	must(t, err)
	m := fits.FindStringSubmatch(body)
	if m == nil {
		t.Fatalf("%s has no %v", at, fits)
	}
	return strings.ReplaceAll(m[1], "&amp;", "&")
}

// found are pages that are known by links alone: deep parts of lists, policies, pictures.
func (a *asking) found(t testing.TB) []question {
	t.Helper()
	next, policy, trie := regexp.MustCompile(`href="([^"]*)" rel="next"`), regexp.MustCompile(`href="(/policies/[0-9a-f]{64}[^"]*)"`), regexp.MustCompile(`src="(/findings/[^"]*/trie[^"]*)"`)
	deep := func(name, at string) question {
		for range 12 {
			at = a.linked(t, at, next)
		}
		return page(name, at)
	}
	finding := "/findings/" + loadID(1, 15)
	return []question{
		deep("findings deep", "/findings?size=250"), deep("findings deep by actions", "/findings?sort=-actions&size=250"), deep("findings deep with name", "/findings?resource=team-5"),
		deep("findings deep with service", "/findings?size=250&service="+grown()[3].Prefix),
		deep("principals deep", "/principals"), deep("policies deep", "/policies"), page("trie", a.linked(t, finding, trie)), page("finding advised", finding),
		page("policy of one", a.linked(t, "/policies?contains=own-7-7", policy)), page("policy of 50", a.linked(t, "/policies?contains=Base-007", policy)),
		page("policy of 250", a.linked(t, "/policies?contains=Shared07", policy)),
	}
}

// calls are those of the API.
func calls() []question {
	call := func(name, path, body string) question {
		return question{name: name, path: func(int) string { return path }, body: body, api: true}
	}
	list := func(name, more string) question {
		return call("ListFindingsV2 "+name, "/findingv2", `{"analyzerArn":"`+loadARN+`"`+more+`}`)
	}
	analyzer := "?analyzerArn=" + url.QueryEscape(loadARN)
	return []question{
		list("all", ``), list("active latest", `,"filter":{"status":{"eq":["ACTIVE"]}},"sort":{"attributeName":"updatedAt","orderBy":"DESC"}`),
		list("type", `,"filter":{"status":{"eq":["ACTIVE"]},"findingType":{"eq":["UnusedPermission"]}}`), list("account", `,"filter":{"resourceOwnerAccount":{"eq":["100000000009"]}}`),
		list("name common", `,"filter":{"resource":{"contains":["team-5"]}}`), list("name rare", `,"filter":{"resource":{"contains":["0001:role/service/team-3/app-00020"]}}`),
		list("not account", `,"filter":{"resourceOwnerAccount":{"neq":["100000000009"]},"status":{"neq":["RESOLVED"]}}`), list("by account", `,"sort":{"attributeName":"resourceOwnerAccount"}`),
		list("1000", `,"maxResults":1000`),
		{name: "GetFindingV2", path: func(n int) string { return "/findingv2/" + loadID(n%loadAccounts, n%500) + analyzer }, api: true},
		call("GetFindingRecommendation", "/recommendation/"+loadID(1, 15)+analyzer, ""), call("ListAnalyzers", "/analyzer", ""), call("GetAnalyzer", "/analyzer/unused", ""),
		call("ListArchiveRules", "/analyzer/unused/archive-rule", ""), call("GetFindingsStatistics", "/analyzer/findings/statistics", `{"analyzerArn":"`+loadARN+`"}`),
	}
}

// BenchmarkQuestions is each page and call alone, as the first after a change of an
// account. Postgres's own time isn't in cpu-ms.
func BenchmarkQuestions(b *testing.B) {
	for _, e := range storetest.Engines() {
		b.Run(string(e), func(b *testing.B) {
			a := loaded(b, e)
			for _, q := range a.pages {
				b.Run(strings.ReplaceAll(q.name, " ", "-"), func(b *testing.B) {
					n := 0
					var used time.Duration
					for b.Loop() {
						b.StopTimer()
						to := []finding.Status{finding.Archived, finding.Active}[n%2]
						_, err := a.Store.SetStatusOf(b.Context(), loadBy(33), loadARN, to, loadRole(n%loadAccounts, 7))
						must(b, err)
						before := processorTime(b)
						b.StartTimer()
						n++
						_, err = a.ask(b.Context(), q, n)
						must(b, err)
						used += processorTime(b) - before
					}
					b.ReportMetric(float64(used.Microseconds())/1000/float64(n), "cpu-ms/op")
				})
			}
		})
	}
}

// processorTime is what this process has used: the server's, and that of those who ask.
func processorTime(b *testing.B) time.Duration {
	var used syscall.Rusage
	must(b, syscall.Getrusage(syscall.RUSAGE_SELF, &used))
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}

// BenchmarkServerLoad has 50 readers ask for every page and every list of the API while a scan
// writes: people, who look at a page for a second before they ask for the next, beside a scan
// of all 200 accounts in 40 seconds; and programs, which ask without a pause, beside one
// that writes as fast as it can. It logs a table of all, and
// reports the 95th percentiles of all together and of the slowest. Who asks shares the
// processors with the server. Give it a number of requests, and -v for the table:
// -v -benchtime 5000x.
func BenchmarkServerLoad(b *testing.B) {
	for _, e := range storetest.Engines() {
		b.Run(string(e), func(b *testing.B) {
			a := loaded(b, e)
			b.Run("people", func(b *testing.B) { a.load(b, time.Second, 40*time.Second/loadAccounts) })
			b.Run("programs", func(b *testing.B) { a.load(b, 0, 0) })
		})
	}
}

// load has the readers ask b.N times together, each on average a pause after it was answered,
// beside runs that begin at least every so often.
func (a *asking) load(b *testing.B, pause, every time.Duration) {
	took := make([][]time.Duration, len(a.pages))
	var mu sync.Mutex
	stop := a.write(b, every)
	before := processorTime(b)
	b.ResetTimer()
	share(b.N, func(n int) {
		at := n * 31 % len(a.pages)
		time.Sleep(pause/2 + pause*time.Duration(n*7919%1000)/1000)
		began := time.Now()
		if _, err := a.ask(context.Background(), a.pages[at], n); err != nil {
			b.Error(a.pages[at].name, err)
		}
		d := time.Since(began)
		mu.Lock()
		took[at] = append(took[at], d)
		mu.Unlock()
	})
	b.StopTimer()
	used := processorTime(b) - before
	b.ReportMetric(float64(stop())/b.Elapsed().Seconds(), "runs/s")
	b.ReportMetric(float64(used.Microseconds())/1000/float64(b.N), "cpu-ms/op")
	a.report(b, took)
}

// write completes runs until it is stopped, one each time every is over, and says how many.
func (a *asking) write(b *testing.B, every time.Duration) (stop func() int) {
	end, runs := make(chan struct{}), 0
	var writer sync.WaitGroup
	writer.Go(func() {
		next := time.NewTicker(max(every, time.Microsecond))
		defer next.Stop()
		for {
			select {
			case <-end:
				return
			case <-next.C:
				at := loadDay(34).Add(time.Duration(a.runs) * time.Minute)
				loadRun(b, a.Store, runs%loadAccounts, 10*((1+runs/loadAccounts)%2), at)
				a.runs++
				runs++
			}
		}
	})
	return func() int {
		close(end)
		writer.Wait()
		return runs
	}
}

// share has the readers ask n times together.
func share(n int, do func(n int)) {
	var readers sync.WaitGroup
	var asked atomic.Int64
	for range loadReaders {
		readers.Go(func() {
			for i := asked.Add(1); i <= int64(n); i = asked.Add(1) {
				do(int(i))
			}
		})
	}
	readers.Wait()
}

// report logs the table; testing cuts it short without -v.
func (a *asking) report(b *testing.B, took [][]time.Duration) {
	b.Helper()
	if b.N < len(a.pages) { // a trial run
		return
	}
	var table bytes.Buffer
	w := tabwriter.NewWriter(&table, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "p95 ms\tp50 ms\tasked\tpage or call\t")
	order, above, slowest := make([]int, len(took)), 0, 0.0
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(i, j int) int { return cmp.Compare(percentile(took[j], 95), percentile(took[i], 95)) })
	var all []time.Duration
	for _, i := range order {
		p := percentile(took[i], 95)
		if slowest = max(slowest, p); p > 200 {
			above++
		}
		fmt.Fprintf(w, "%.0f\t%.0f\t%d\t%s\t\n", p, percentile(took[i], 50), len(took[i]), a.pages[i].name)
		all = append(all, took[i]...)
	}
	must(b, w.Flush())
	b.Logf("\n%s", table.String())
	b.ReportMetric(percentile(all, 50), "p50-ms")
	b.ReportMetric(percentile(all, 95), "p95-ms")
	b.ReportMetric(slowest, "slowest-p95-ms")
	b.ReportMetric(float64(above), "above-200-ms")
}

// percentile is in milliseconds.
func percentile(of []time.Duration, p int) float64 {
	if len(of) == 0 {
		return 0
	}
	slices.Sort(of)
	return float64(of[min(len(of)*p/100, len(of)-1)].Microseconds()) / 1000
}

// BenchmarkServerExport reports the memory that an export of all findings by HTTP adds.
func BenchmarkServerExport(b *testing.B) {
	for _, e := range storetest.Engines() {
		b.Run(string(e), func(b *testing.B) {
			a := loaded(b, e)
			for _, format := range []string{"csv", "json", "sarif"} {
				b.Run(format, func(b *testing.B) {
					anon, mapped := resident(b)
					most, mostMapped := 0.0, 0.0
					for b.Loop() {
						resp, err := a.http.Get(a.url + "/findings?status=ALL&format=" + format)
						must(b, err)
						for part := int64(8 << 20); err == nil; {
							_, err = io.CopyN(io.Discard, resp.Body, part)
							own, file := resident(b)
							most, mostMapped = max(most, own-anon), max(mostMapped, file-mapped)
						}
						if !errors.Is(err, io.EOF) || resp.StatusCode != http.StatusOK {
							b.Fatal(err, resp.Status)
						}
						must(b, resp.Body.Close())
					}
					b.ReportMetric(most, "MB-added")
					b.ReportMetric(mostMapped, "MB-of-the-file-mapped")
				})
			}
		})
	}
}

// resident is this process's own memory in MB, and what it has mapped of files, which the
// kernel has once for all and takes back when it wants.
func resident(b *testing.B) (own, mapped float64) {
	b.Helper()
	text, err := os.ReadFile("/proc/self/statm")
	must(b, err)
	var size, all, shared float64
	_, err = fmt.Sscan(string(text), &size, &all, &shared)
	must(b, err)
	page := float64(os.Getpagesize()) / 1e6
	return (all - shared) * page, shared * page
}
