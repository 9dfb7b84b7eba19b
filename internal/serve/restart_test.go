package serve_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"github.com/pare-iam/pare/finding"
	"github.com/pare-iam/pare/internal/serve"
	"github.com/pare-iam/pare/internal/store"
	"github.com/pare-iam/pare/internal/store/storetest"
)

// answerWithin is how long an answer may take while the database is away: it says so, and
// doesn't hang.
const answerWithin = 20 * time.Second

// crowd is people and programs that ask a server on and on, whatever it answers.
type crowd struct {
	*running
	demo     serve.Demonstration
	database string
	client   http.Client

	served, refused, cut atomic.Int64
	slowest              atomic.Int64 // nanoseconds
	end                  chan struct{}
	all                  sync.WaitGroup

	mu    sync.Mutex
	wrong map[string]int // answers that nobody should get
}

// complain notes what is wrong with an answer.
func (c *crowd) complain(format string, args ...any) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.wrong[fmt.Sprintf(format, args...)]++
}

func (c *crowd) keepOn(ask func()) {
	c.all.Go(func() {
		for {
			select {
			case <-c.end:
				return
			default:
				ask()
			}
		}
	})
}

// got is what came of a request.
type got struct {
	what   string
	status int
	header http.Header
	body   string
	whole  bool // else the connection was cut
}

func (c *crowd) do(q *http.Request) (got, bool) {
	ctx, cancel := context.WithTimeout(context.Background(), answerWithin)
	defer cancel()
	begun := time.Now()
	out := got{what: q.Method + " " + q.URL.Path + " " + q.URL.Query().Get("format")}
	resp, err := c.client.Do(q.WithContext(ctx))
	if err != nil {
		c.complain("%s: %v", out.what, err)
		return out, false
	}
	body, err := io.ReadAll(resp.Body)
	_ = resp.Body.Close() // all was read that there is
	out.status, out.header, out.body, out.whole = resp.StatusCode, resp.Header, string(body), err == nil
	if took := int64(time.Since(begun)); took > c.slowest.Load() {
		c.slowest.Store(took)
	}
	return out, true
}

// count says whether an answer is one that was to be had, and counts it. Others are refusals, of
// which only those that say when to come back will do.
func (c *crowd) count(a got, refusals ...int) (served bool) {
	switch {
	case a.status == http.StatusOK && a.whole:
		c.served.Add(1)
		return true
	case !slices.Contains(refusals, a.status) || !a.whole || a.header.Get("Retry-After") == "":
		c.complain("%s: status %d, Retry-After %q, whole %v: %.200q", a.what, a.status, a.header.Get("Retry-After"), a.whole, a.body)
	default:
		c.refused.Add(1)
	}
	return false
}

// page asks for a page. It comes as a whole, or another one that says that it can't be had.
func (c *crowd) page(path string) {
	q, err := http.NewRequest(http.MethodGet, c.url+path, nil)
	if err != nil {
		c.complain("%v", err)
		return
	}
	a, ok := c.do(q)
	if !ok {
		return
	}
	c.count(a, http.StatusServiceUnavailable)
	if !strings.HasSuffix(strings.TrimSpace(a.body), "</html>") || a.status != http.StatusOK && !strings.Contains(a.body, "Not available now") {
		c.complain("%s: %d isn't a whole page: %.200q", a.what, a.status, a.body)
	}
}

// file asks for an export. It comes as a whole; or not at all; or the connection is cut.
func (c *crowd) file(path string) {
	q, err := http.NewRequest(http.MethodGet, c.url+path, nil)
	if err != nil {
		c.complain("%v", err)
		return
	}
	a, ok := c.do(q)
	switch {
	case !ok:
	case a.status == http.StatusOK && !a.whole:
		c.cut.Add(1)
	case c.count(a, http.StatusServiceUnavailable) && !jsontext.Value(a.body).IsValid():
		c.complain("%s isn't whole: …%.200q", a.what, a.body[max(0, len(a.body)-200):])
	}
}

// call asks the API, signed. An error is one that AWS's SDKs try again.
func (c *crowd) call(method, path, body string) {
	q, err := http.NewRequest(method, c.url+path, bytes.NewReader([]byte(body)))
	if err != nil {
		c.complain("%v", err)
		return
	}
	sum := sha256.Sum256([]byte(body))
	credentials := aws.Credentials{AccessKeyID: c.demo.KeyID, SecretAccessKey: c.demo.Secret}
	if err := v4.NewSigner().SignHTTP(context.Background(), credentials, q, hex.EncodeToString(sum[:]), "access-analyzer", region, time.Now()); err != nil {
		c.complain("%v", err)
		return
	}
	a, ok := c.do(q)
	if !ok {
		return
	}
	code := a.header.Get("X-Amzn-Errortype")
	switch {
	case c.count(a, http.StatusInternalServerError, http.StatusServiceUnavailable):
	case !slices.Contains([]string{"InternalServerException", "InternalFailure", "ServiceUnavailable"}, code):
		c.complain("%s: %d %s", a.what, a.status, code)
	}
	if !jsontext.Value(a.body).IsValid() {
		c.complain("%s: %d isn't JSON: %.200q", a.what, a.status, a.body)
	}
}

// come has all of them begin.
func (c *crowd) come(t *testing.T) {
	t.Helper()
	part, err := c.Store.Findings(t.Context(), store.Query{Analyzer: c.demo.Analyzer}, store.Page{Limit: 1})
	must(t, err)
	one := part.Items[0]
	for _, path := range []string{"/", "/findings?sort=-actions", "/findings/" + one.ID, "/principals", "/principal?arn=" + url.QueryEscape(one.Resource), "/policies", "/accounts", "/runs", "/jobs", "/audit"} {
		c.keepOn(func() { c.page(path) })
	}
	for _, path := range []string{"/findings?format=json", "/findings?format=sarif", "/audit?format=json", "/policies?format=sarif"} {
		c.keepOn(func() { c.file(path) })
	}
	body, err := json.Marshal(map[string]string{"analyzerArn": c.demo.Analyzer})
	must(t, err)
	c.keepOn(func() { c.call(http.MethodPost, "/findingv2", string(body)) })
	c.keepOn(func() { c.call(http.MethodGet, "/analyzer", "") })
	c.keepOn(func() {
		c.call(http.MethodGet, "/findingv2/"+one.ID+"?analyzerArn="+url.QueryEscape(c.demo.Analyzer), "")
	})
}

// more waits until so many more have been counted.
func more(t *testing.T, what string, n *atomic.Int64, more int64) {
	t.Helper()
	want := n.Load() + more
	until(t, what, func() bool { return n.Load() >= want })
}

// says waits until the health of the server is one.
func (c *crowd) says(t *testing.T, ready int) {
	t.Helper()
	until(t, fmt.Sprintf("it is ready: %d", ready), func() bool {
		resp, _ := c.get(t, "/readyz")
		return resp.StatusCode == ready
	})
	if resp, body := c.get(t, "/healthz"); resp.StatusCode != http.StatusOK {
		t.Errorf("while it is ready: %d, it is not healthy: %s %s", ready, resp.Status, body)
	}
}

// analyzing asks for a scan and waits until its run is under way.
func (c *crowd) analyzing(t *testing.T) {
	t.Helper()
	must(t, c.Jobs.Scan(t.Context(), store.By{Who: "test", At: time.Now()}, c.demo.Analyzer, sample))
	until(t, "a scan is under way", func() bool { return len(c.runs(t, store.Running)) > 0 })
}

// writing asks for a scan and waits until it is in the midst of writing what it found: there it
// stays, since somebody else holds one of the tables.
func (c *crowd) writing(t *testing.T) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), c.database)
	must(t, err)
	t.Cleanup(func() { _ = conn.Close(context.Background()) }) // the server has
	_, err = conn.Exec(t.Context(), `BEGIN; LOCK TABLE account_sums IN EXCLUSIVE MODE`)
	must(t, err)
	c.analyzing(t)
	until(t, "a scan writes", func() bool {
		waiting := 0
		must(t, conn.QueryRow(t.Context(), `SELECT COUNT(*) FROM pg_locks WHERE NOT granted AND relation = 'account_sums'::regclass`).Scan(&waiting))
		return waiting > 0
	})
}

func (c *crowd) runs(t *testing.T, state store.RunState) []store.Run {
	t.Helper()
	part, err := c.Store.FindRuns(t.Context(), store.RunQuery{Analyzer: c.demo.Analyzer, State: state}, store.Page{Limit: 1000})
	must(t, err)
	return part.Items
}

// scans are the jobs of that kind by their state.
func (c *crowd) scans(t *testing.T) map[string]int {
	t.Helper()
	part, err := c.Jobs.Jobs(t.Context(), store.Page{Limit: 1000})
	must(t, err)
	out := map[string]int{}
	for _, j := range part.Items {
		if j.Kind == "scan" {
			out[j.State]++
		}
	}
	return out
}

// found are the findings as a scan that changes nothing leaves them.
func (c *crowd) found(t *testing.T) map[string]finding.Status {
	t.Helper()
	out := map[string]finding.Status{}
	for f, err := range c.Store.Export(t.Context(), store.Query{Analyzer: c.demo.Analyzer}) {
		must(t, err)
		out[f.ID+" "+f.Resource+" "+string(f.Type)] = f.Status
	}
	return out
}

// TestPostgresIsRestartedUnderAServer ends the database of a server that many ask, in the midst
// of a scan, as an administrator does and as a failing machine does. Meanwhile everybody is
// told to come back, and then all is as it was; the scan is done, once.
func TestPostgresIsRestartedUnderAServer(t *testing.T) {
	database := storetest.Own(t)
	r := start(t, configured(t, database.URL()))
	c := &crowd{running: r, demo: r.scanned(t), database: database.URL(), end: make(chan struct{}), wrong: map[string]int{}}
	c.client.Transport = &http.Transport{MaxIdleConnsPerHost: 50}
	before := c.found(t)
	c.come(t)
	scans := 1
	until(t, "the first scan is done", func() bool { return cmp.Equal(c.scans(t), map[string]int{"done": scans}) }) // else the next is the same
	for _, round := range []struct {
		scan func(*testing.T)
		stop func(testing.TB)
	}{{c.writing, database.Stop}, {c.writing, database.Crash}, {c.analyzing, database.Crash}, {c.analyzing, database.Stop}} {
		more(t, "requests are served", &c.served, 100)
		round.scan(t)
		scans++
		round.stop(t)
		more(t, "requests are refused", &c.refused, 50)
		c.says(t, http.StatusServiceUnavailable)
		database.Start(t)
		c.says(t, http.StatusOK)
		more(t, "requests are served again", &c.served, 100)
		until(t, "the scan is done", func() bool { return cmp.Equal(c.scans(t), map[string]int{"done": scans}) })
	}
	close(c.end)
	c.all.Wait()
	c.settled(t, scans, before)
}

// settled checks what is left of it all.
func (c *crowd) settled(t *testing.T, scans int, before map[string]finding.Status) {
	t.Helper()
	t.Logf("%d served, %d refused, %d exports cut, %d runs failed, slowest %v", c.served.Load(), c.refused.Load(), c.cut.Load(),
		len(c.runs(t, store.Failed)), time.Duration(c.slowest.Load()))
	for what, n := range c.wrong {
		t.Errorf("%d times: %s", n, what)
	}
	if slowest := time.Duration(c.slowest.Load()); slowest >= answerWithin {
		t.Errorf("an answer took %v", slowest)
	}
	if strings.Contains(c.log.String(), "level=ERROR msg=panic") {
		t.Error("a request panicked")
	}
	if diff := cmp.Diff(before, c.found(t)); diff != "" {
		t.Errorf("the findings: -before +after\n%s", diff)
	}
	complete, failed, running := c.runs(t, store.Complete), c.runs(t, store.Failed), c.runs(t, store.Running)
	if len(complete) != scans || len(failed) < 2 || len(running) != 0 {
		t.Errorf("%d complete runs, %d failed and %d under way; want %d, those that were cut as they wrote, and none", len(complete), len(failed), len(running), scans)
	}
	for key := range before {
		id, _, _ := strings.Cut(key, " ")
		events, err := c.Store.History(t.Context(), c.demo.Analyzer, id, store.Page{})
		must(t, err)
		if len(events.Items) != 1 || events.Items[0].Change != finding.New {
			t.Fatalf("%s has the history %+v, want one event", id, events.Items)
		}
	}
	if done := c.scans(t); !cmp.Equal(done, map[string]int{"done": scans}) {
		t.Errorf("scans: %v", done)
	}
}
