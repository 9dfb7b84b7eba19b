package web_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pare-iam/pare/analyzer"
	"github.com/pare-iam/pare/catalog"
	"github.com/pare-iam/pare/finding"
	"github.com/pare-iam/pare/internal/analyze"
	"github.com/pare-iam/pare/internal/jobs"
	"github.com/pare-iam/pare/internal/report"
	"github.com/pare-iam/pare/internal/samplegen"
	"github.com/pare-iam/pare/internal/store"
	"github.com/pare-iam/pare/internal/web"
	"github.com/pare-iam/pare/inventory"
	"github.com/pare-iam/pare/prove"
)

const (
	theARN  = "arn:aws:access-analyzer:us-east-1:111122223333:analyzer/unused"
	account = "111122223333"
	hostile = "444455556666" // an account whose names are attacks
	myRole  = "arn:aws:iam::111122223333:role/MyRole"
	attack  = `<script>alert(1)</script>"'><img src=x onerror=alert(2)>`
)

// sample is the demo account, analyzed once for all tests.
type sample struct {
	account    *analyze.Account
	catalog    *catalog.Catalog
	findings   []finding.Finding
	principals []store.Principal
	summary    analyzer.Summary
	now        time.Time
}

var theSample = sync.OnceValues(makeSample)

func makeSample() (*sample, error) {
	dir, err := os.MkdirTemp("", "pare-web-")
	if err != nil {
		return nil, err
	}
	s, err := sampleIn(dir)
	return s, errors.Join(err, os.RemoveAll(dir))
}

func sampleIn(dir string) (*sample, error) {
	options := samplegen.Demo()
	s := &sample{now: options.Now, catalog: catalog.Embedded()}
	err := samplegen.New(s.catalog, options).Snapshot(func(name string, content func(io.Writer) error) error {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
			return err
		}
		f, err := os.Create(path)
		if err != nil {
			return err
		}
		return errors.Join(content(f), f.Close())
	})
	if err != nil {
		return nil, err
	}
	s.account, err = analyze.Open(context.Background(), dir, analyze.Options{
		Catalog: s.catalog, Age: 90 * 24 * time.Hour, Clock: options.Now, Settings: analyzer.Settings{Workers: 2},
	})
	if err != nil {
		return nil, err
	}
	s.summary, err = s.account.Findings(func(f finding.Finding) error {
		s.findings = append(s.findings, f)
		return nil
	})
	s.principals = principalsOf(s.account)
	for i := range s.principals {
		p := &s.principals[i]
		judge(p, s.findings)
		p.Unjudged = slices.ContainsFunc(s.summary.Skipped, func(skip analyzer.Skipped) bool {
			return skip.Resource == p.ARN && skip.Type == "" && skip.Reason != analyzer.Unreadable
		})
	}
	return s, err
}

// principalsOf are the roles and users of an account, with their policies.
func principalsOf(a *analyze.Account) []store.Principal {
	var out []store.Principal
	for _, r := range a.Inventory.Roles {
		out = append(out, principal(store.Role, r.Entity, a.Inventory.ID, r.LastUsed.At))
	}
	groups := map[string]*inventory.Group{}
	for _, g := range a.Inventory.Groups {
		groups[g.Name] = g
	}
	for _, u := range a.Inventory.Users {
		p := principal(store.User, u.Entity, a.Inventory.ID, u.Password.LastUsed.At)
		for _, name := range u.Groups {
			p.Policies = append(p.Policies, held(groups[name].Entity, groups[name].ARN)...)
		}
		out = append(out, p)
	}
	return out
}

// judge fills in how much a principal is granted, as far as a finding says it.
func judge(p *store.Principal, findings []finding.Finding) {
	for _, f := range findings {
		if f.Resource != p.ARN {
			continue
		}
		for _, s := range f.Permissions {
			unused := len(s.Actions)
			if unused == 0 {
				unused = s.Granted
			}
			p.Granted, p.Unused = p.Granted+s.Granted, p.Unused+unused
			p.Used += s.Granted - unused - s.Kept
			p.Evidence = append(p.Evidence, store.Evidence{
				Service: s.Namespace, LastAccessed: s.LastAccessed, Source: s.Source, Actions: s.Granted - unused - s.Kept, Granted: s.Granted, Unused: unused,
			})
		}
	}
}

func principal(kind store.PrincipalKind, e inventory.Entity, account string, used time.Time) store.Principal {
	return store.Principal{
		ARN: e.ARN, ID: e.ID, Kind: kind, Account: account, Path: e.Path, Tags: e.Tags, CreatedAt: e.CreatedAt, LastUsed: used,
		Policies: held(e, ""),
	}
}

func held(e inventory.Entity, group string) []store.HeldPolicy {
	var out []store.HeldPolicy
	for _, p := range e.Inline {
		if p.Document != nil {
			out = append(out, store.HeldPolicy{Kind: finding.InlinePolicy, Name: p.Name, Group: group, Policy: string(p.Document.Bytes())})
		}
	}
	for _, a := range e.Attached {
		if a.Policy == nil || a.Policy.Document == nil {
			continue
		}
		kind := finding.CustomerPolicy
		if a.Policy.AWSManaged() {
			kind = finding.AWSPolicy
		}
		out = append(out, store.HeldPolicy{Kind: kind, Name: a.Name, ARN: a.ARN, Group: group, Policy: string(a.Policy.Document.Bytes())})
	}
	return out
}

// made is the recommendation for a finding of the sample, with proofs and certificates.
func (s *sample) made(t testing.TB, f finding.Finding) store.Made {
	t.Helper()
	r, err := s.account.Recommend(f.Resource)
	check(t, err)
	advice := report.AdviceOf(r)
	out := store.Made{
		State: r.Outcome, Error: r.Error, At: s.now, Certificates: map[string][]byte{},
		Advice: store.Advice{Steps: r.Steps, Verdict: advice.Proof.String(), Notes: advice.Notes, Before: r.Before, After: r.After},
	}
	for i, p := range r.Policies {
		if !p.Changes() {
			continue
		}
		proof := store.Proof{Policy: p.Name, Verdict: p.Proof.Verdict.String(), Certificate: fmt.Sprintf("policy-%d", i+1)}
		if p.ARN != "" {
			proof.Policy = p.ARN
		}
		certificates, err := prove.Certificates(s.catalog, p.Original, p.Documents(), p.Unused)
		check(t, err)
		for _, c := range certificates {
			out.Certificates[proof.Certificate+"/"+c.Name] = c.Text
		}
		out.Proofs = append(out.Proofs, proof)
	}
	return out
}

// testSite is the dashboard over a store with the sample in it.
type testSite struct {
	*sample
	http.Handler
	store *store.Store
	queue *queue
}

// newSite makes one. With the sample's findings come those of an account whose names are
// attacks, and runs that say what they lack.
func newSite(t testing.TB) *testSite {
	t.Helper()
	s := emptySite(t)
	s.analyzer(t, theARN, "unused")
	s.run(t, account, s.findings, s.principals, store.Report{
		Roles: s.summary.Roles, Users: s.summary.Users, Granted: 4000, Used: 900, Unused: 2100, Removed: 1800,
		Sources: []store.SourceState{{Name: "iam-last-accessed", From: s.now.AddDate(0, 0, -400), Until: s.now}},
	})
	bad, principals := attacks(s.now)
	s.run(t, hostile, bad, principals, store.Report{
		Roles: 2, Users: 1, Granted: 40, Used: 4, Unused: 30,
		Sources: []store.SourceState{{Name: "cloudtrail", Until: s.now.AddDate(0, 0, -2), Note: attack}}, Problems: []string{"credential-report.csv: " + attack},
	})
	return s
}

// emptySite is one without an analyzer.
func emptySite(t testing.TB) *testSite {
	t.Helper()
	smp, err := theSample()
	check(t, err)
	db, err := store.Open(t.Context(), filepath.Join(t.TempDir(), "pare.db"), store.Options{})
	check(t, err)
	t.Cleanup(func() { check(t, db.Close()) })
	s := &testSite{sample: smp, store: db}
	s.queue = &queue{site: s, t: t}
	s.Handler = web.New(web.Options{
		Store: db, Queue: s.queue, Catalog: smp.catalog, Version: "v0.0.0-test",
		Now:      func() time.Time { return smp.now.Add(6 * time.Hour) },
		Who:      whoOf,
		Log:      slog.New(slog.NewTextHandler(testLog{t}, nil)),
		Settings: []web.Setting{{Name: "retention.resolved", Value: "90d", Origin: "default", Help: "how long resolved findings are kept"}},
	})
	return s
}

func (s *testSite) by() store.By { return store.By{Who: "setup", At: s.now} }

func (s *testSite) analyzer(t testing.TB, arn, name string) {
	t.Helper()
	_, err := s.store.CreateAnalyzer(t.Context(), s.by(), store.NewAnalyzer{Analyzer: store.Analyzer{
		ARN: arn, Name: name, Type: store.OrganizationUnused, UnusedAge: 90, Status: "ACTIVE",
	}})
	check(t, err)
}

func (s *testSite) run(t testing.TB, account string, findings []finding.Finding, principals []store.Principal, r store.Report) {
	t.Helper()
	run, err := s.store.StartRun(t.Context(), theARN, account, s.now)
	check(t, err)
	_, err = s.store.CompleteRun(t.Context(), run.ID, store.Found{
		Findings: sequence(findings), Principals: sequence(principals),
		Closing: func() store.Closing {
			return store.Closing{FinishedAt: s.now, WindowDays: 90, WindowEnd: s.now, CatalogDate: "2026-11-01", Report: r}
		},
	})
	check(t, err)
}

func sequence[T any](all []T) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		for _, v := range all {
			if !yield(v, nil) {
				return
			}
		}
	}
}

// attacks are findings and principals whose names are attacks.
func attacks(now time.Time) ([]finding.Finding, []store.Principal) {
	arn := "arn:aws:iam::" + hostile + ":role/" + attack
	text := `{"Version":"2012-10-17","Statement":[{"Sid":"` + `<script>alert(3)</script>` + `","Effect":"Allow","Action":["s3:Get*"],"Resource":"*"}]}`
	base := finding.Finding{
		Status: finding.Active, Resource: arn, Account: hostile, AnalyzedAt: now, CreatedAt: now, UpdatedAt: now, Sources: []string{attack},
	}
	permission, role := base, base
	permission.ID, permission.Type = "attack-permission", finding.UnusedPermission
	permission.Permissions = []finding.Permissions{
		{Namespace: attack, Source: attack, Granted: 3},
		{Namespace: "s3", Source: attack, Granted: 9, Kept: 2, Actions: []finding.Action{{Name: "s3:GetBucketAcl", Source: attack}, {Name: "s3:" + attack}}},
	}
	role.ID, role.Type = "attack-role", finding.UnusedIAMRole
	return []finding.Finding{permission, role}, []store.Principal{{
		ARN: arn, Kind: store.Role, Account: hostile, Path: "/" + attack + "/", Tags: map[string]string{attack: attack}, CreatedAt: now.AddDate(-1, 0, 0),
		Policies: []store.HeldPolicy{{Kind: finding.InlinePolicy, Name: attack, Policy: text}},
		Evidence: []store.Evidence{{Service: attack, Source: attack, LastAccessed: now}},
	}}
}

// hostileMade is a recommendation of which every text is an attack.
func hostileMade(f finding.Finding) store.Made {
	return store.Made{
		State: finding.Failed, ErrorCode: attack, Error: attack, At: f.AnalyzedAt, Certificates: map[string][]byte{attack: []byte(attack)},
		Advice: store.Advice{
			Verdict: "undecided", Notes: []string{attack}, Proofs: []store.Proof{{Policy: attack, Verdict: attack, Reason: attack}},
			Steps: []finding.Step{
				{Action: finding.CreatePolicy, ExistingPolicyID: attack, RecommendedName: attack, RecommendedPolicy: `{"Sid":"` + attack + `"}`, Affects: []string{attack}},
				{Action: finding.DetachPolicy, ExistingPolicyID: attack, Group: attack},
			},
		},
	}
}

// queue is work that is done at once, or held until it is let go.
type queue struct {
	site  *testSite
	t     testing.TB
	mu    sync.Mutex
	held  bool     // recommendations stay in progress
	more  int      // jobs that there are instead of a few
	asked []string // what was asked for, in order
}

func (q *queue) note(text string) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.asked = append(q.asked, text)
}

func (q *queue) log() []string {
	q.mu.Lock()
	defer q.mu.Unlock()
	return slices.Clone(q.asked)
}

func (q *queue) Scan(_ context.Context, by store.By, analyzer, account string) error {
	q.note(fmt.Sprintf("scan %s %s by %s", analyzer, account, by.Who))
	return nil
}

func (q *queue) Recommend(ctx context.Context, by store.By, analyzer, id string) error {
	making, err := q.site.store.StartRecommendation(ctx, by, analyzer, id)
	if err != nil {
		return err
	}
	q.note(fmt.Sprintf("recommend %s by %s", id, by.Who))
	if q.held {
		return nil
	}
	return q.finish(ctx, making, id)
}

func (q *queue) finish(ctx context.Context, making int64, id string) error {
	f, err := q.site.store.Finding(ctx, theARN, id)
	if err != nil {
		return err
	}
	if f.Account == hostile {
		return q.site.store.FinishRecommendation(ctx, making, hostileMade(f))
	}
	return q.site.store.FinishRecommendation(ctx, making, q.site.made(q.t, f))
}

func (q *queue) Jobs(_ context.Context, at store.Page) (store.Part[jobs.Job], error) {
	if q.more > 0 {
		return q.manyJobs(at)
	}
	return store.Part[jobs.Job]{Items: []jobs.Job{
		{ID: 9, Kind: "recommend", Analyzer: "arn:gone", Finding: attack, State: "done", Attempt: 1, MaxAttempts: 3, CreatedAt: q.site.now},
		{ID: 8, Kind: "recommend", Analyzer: theARN, Finding: q.site.findings[0].ID, State: "done", Attempt: 1, MaxAttempts: 3, CreatedAt: q.site.now},
		{ID: 7, Kind: "scan", Subject: attack, Analyzer: theARN, Account: account, State: "failed", Attempt: 3, MaxAttempts: 3, Error: attack, CreatedAt: q.site.now},
	}}, nil
}

// manyJobs is a part of a long list; its token is the ID of the job before.
func (q *queue) manyJobs(at store.Page) (out store.Part[jobs.Job], err error) {
	last := q.more + 1
	if at.Token != "" {
		if last, err = strconv.Atoi(at.Token); err != nil {
			return out, err
		}
	}
	for id := last - 1; id > 0 && len(out.Items) < at.Limit; id-- {
		out.Items = append(out.Items, jobs.Job{ID: int64(id), Kind: "scan", Analyzer: theARN, Account: account, State: "done", Attempt: 1, MaxAttempts: 3, CreatedAt: q.site.now})
	}
	if first := int(out.Items[len(out.Items)-1].ID); first > 1 {
		out.Next = strconv.Itoa(first)
	}
	return out, nil
}

func (q *queue) Retry(_ context.Context, by store.By, job int64) error {
	q.note(fmt.Sprintf("retry %d by %s", job, by.Who))
	return nil
}

// idOf is the ID of the sample's finding about a principal.
func (s *testSite) idOf(t testing.TB, resource string, typ finding.Type) string {
	t.Helper()
	for _, f := range s.findings {
		if f.Resource == resource && f.Type == typ {
			return f.ID
		}
	}
	t.Fatalf("the sample has no %s of %s", typ, resource)
	return ""
}

// testLog writes a log to a test's.
type testLog struct{ t testing.TB }

func (l testLog) Write(p []byte) (int, error) {
	l.t.Logf("%s", strings.TrimSpace(string(p)))
	return len(p), nil
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// Who asks is in the context, put there by as.

type whoKey struct{}

func whoOf(ctx context.Context) (string, store.UserRole, bool) {
	role, ok := ctx.Value(whoKey{}).(store.UserRole)
	return "ann-" + string(role), role, ok
}

// as has a handler asked by somebody with a role; "" is nobody.
func as(role store.UserRole, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if role != "" {
			r = r.WithContext(context.WithValue(r.Context(), whoKey{}, role))
		}
		next.ServeHTTP(w, r)
	})
}

// get asks for a page as somebody with a role.
func (s *testSite) get(t testing.TB, role store.UserRole, url string) *httptest.ResponseRecorder {
	t.Helper()
	return s.getAs(t, role, url, "")
}

// getAs asks for a page; htmx says "true" of itself.
func (s *testSite) getAs(t testing.TB, role store.UserRole, url, htmx string) *httptest.ResponseRecorder {
	t.Helper()
	w := httptest.NewRecorder()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	r.Header.Set("HX-Request", htmx)
	as(role, s).ServeHTTP(w, r)
	return w
}

// post sends a form, as a browser on one of our pages does.
func (s *testSite) post(t testing.TB, role store.UserRole, url, form string) *httptest.ResponseRecorder {
	t.Helper()
	return s.send(t, role, url, form, map[string]string{"Sec-Fetch-Site": "same-origin"})
}

// send sends a form with headers.
func (s *testSite) send(t testing.TB, role store.UserRole, url, form string, headers map[string]string) *httptest.ResponseRecorder {
	t.Helper()
	w := httptest.NewRecorder()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, url, strings.NewReader(form))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	for name, value := range headers {
		r.Header.Set(name, value)
	}
	as(role, s).ServeHTTP(w, r)
	return w
}
