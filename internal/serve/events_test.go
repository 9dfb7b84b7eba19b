package serve_test

import (
	"bufio"
	"cmp"
	"context"
	"fmt"
	"io"
	"iter"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/accessanalyzer"
	"github.com/aws/aws-sdk-go-v2/service/accessanalyzer/types"
	"github.com/go-json-experiment/json"

	"github.com/pare-iam/pare/catalog"
	"github.com/pare-iam/pare/finding"
	"github.com/pare-iam/pare/internal/notify"
	"github.com/pare-iam/pare/internal/serve"
	"github.com/pare-iam/pare/internal/store"
	"github.com/pare-iam/pare/internal/store/storetest"
)

const hookSecret = "a secret of the webhook's tests"

// happened is an event as a receiver reads it.
type happened struct {
	ID       string `json:"id"`
	Previous string `json:"previousStatus"`
	Status   string `json:"status"`
	Version  int    `json:"version"`
	Finding  struct {
		ID string `json:"id"`
	} `json:"finding"`

	from string // the user agent
}

// hook is a receiver that checks signatures.
type hook struct {
	*httptest.Server
	secret string // path of its file
	before func() // before it answers; nil: nothing

	mu  sync.Mutex
	all []happened
}

func newHook(t *testing.T, before func()) *hook {
	t.Helper()
	h := &hook{secret: filepath.Join(t.TempDir(), "secret"), before: before}
	must(t, os.WriteFile(h.secret, []byte(hookSecret+"\n"), 0o600))
	h.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err == nil {
			err = notify.Verify(hookSecret, r.Header.Get(notify.SignatureHeader), body, time.Now())
		}
		var in struct {
			Events []happened `json:"events"`
		}
		if err == nil {
			err = json.Unmarshal(body, &in)
		}
		if err != nil {
			t.Error(err)
		}
		h.mu.Lock()
		for _, e := range in.Events {
			e.from = r.UserAgent()
			h.all = append(h.all, e)
		}
		h.mu.Unlock()
		if h.before != nil {
			h.before()
		}
	}))
	t.Cleanup(h.Close)
	return h
}

func (h *hook) events() []happened {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.all)
}

// inOrder says of each finding that its events came in their order, from the first one that
// came; again the same ones if they may come twice.
func (h *hook) inOrder(t *testing.T) {
	t.Helper()
	last := map[string]int{}
	for _, e := range h.events() {
		if v := last[e.Finding.ID]; v != 0 && e.Version != v+1 && e.Version != v {
			t.Errorf("finding %s: version %d after %d", e.Finding.ID, e.Version, v)
		}
		last[e.Finding.ID] = e.Version
	}
}

// has says whether a finding's change to a status came.
func (h *hook) has(id, status string) bool {
	return slices.ContainsFunc(h.events(), func(e happened) bool { return e.Finding.ID == id && e.Status == status })
}

// TestEventsArrive has the API, the dashboard's way, a rule and a scan change findings.
func TestEventsArrive(t *testing.T) {
	storetest.Each(t, func(t *testing.T, url string) {
		h := newHook(t, nil)
		c := configured(t, url)
		c.Notify.WebhookURL, c.Notify.WebhookSecretFile = h.URL, h.secret
		s := start(t, c)
		l := &life{t, s.client(t, store.Admin), ""}
		l.create()
		count := func() int { return len(l.list(nil)) }
		until(t, "the scan is told", func() bool { n := count(); return n > 0 && len(h.events()) == n })
		found := count()
		_, err := l.c.UpdateFindings(t.Context(), &accessanalyzer.UpdateFindingsInput{
			AnalyzerArn: &l.arn, Ids: []string{*l.about(announced).Id}, Status: types.FindingStatusUpdateArchived,
		})
		must(t, err)
		until(t, "archived by the API", func() bool { return h.has(*l.about(announced).Id, "ARCHIVED") })
		_, err = s.Store.SetStatus(t.Context(), store.By{Who: "ann", At: time.Now()}, l.arn, finding.Active, []string{*l.about(announced).Id})
		must(t, err)
		until(t, "taken back in the dashboard", func() bool { e := h.events(); return e[len(e)-1].Previous == "ARCHIVED" })
		_, err = l.c.CreateArchiveRule(t.Context(), &accessanalyzer.CreateArchiveRuleInput{
			AnalyzerName: aws.String("unused"), RuleName: aws.String("roles"), Filter: map[string]types.Criterion{"findingType": {Eq: []string{"UnusedIAMRole"}}},
		})
		must(t, err)
		_, err = l.c.ApplyArchiveRule(t.Context(), &accessanalyzer.ApplyArchiveRuleInput{AnalyzerArn: &l.arn, RuleName: aws.String("roles")})
		must(t, err)
		until(t, "archived by a rule", func() bool { return h.has(*l.ofType("UnusedIAMRole"), "ARCHIVED") })
		until(t, "nothing is left to tell", func() bool { lags, err := s.Store.Lags(t.Context()); return err == nil && lags[0].Untold == 0 })
		h.inOrder(t)
		ids := map[string]bool{}
		for _, e := range h.events() {
			ids[e.ID] = true
		}
		if n := len(h.events()); n != len(ids) || n < found+3 {
			t.Errorf("%d events with %d ids", n, len(ids))
		}
	})
}

// TestASinkThatHangsHoldsUpNoOther has a receiver that never answers, and a file.
func TestASinkThatHangsHoldsUpNoOther(t *testing.T) {
	open := make(chan struct{})
	h := newHook(t, func() { <-open })
	defer close(open)
	c := configured(t, filepath.Join(t.TempDir(), "db"))
	c.Notify.WebhookURL, c.Notify.WebhookSecretFile = h.URL, h.secret
	c.Notify.OCSFFile = filepath.Join(t.TempDir(), "events.jsonl")
	s := start(t, c)
	l := &life{t, s.client(t, store.Admin), ""}
	l.create()
	until(t, "the file has all", func() bool {
		text, err := os.ReadFile(c.Notify.OCSFFile)
		n := len(l.list(nil))
		return err == nil && n > 0 && strings.Count(string(text), "\n") == n
	})
	until(t, "it is noted", func() bool {
		lags, err := s.Store.Lags(t.Context())
		return err == nil && lags[0].Sink == "ocsf" && lags[0].Untold == 0
	})
	_, metrics := s.get(t, "/metrics")
	for _, want := range []string{
		`pare_events_untold{sink="ocsf"} 0`, `pare_events_lag_seconds{sink="ocsf"} 0`, `pare_events_lag_seconds{sink="webhook"} `,
		fmt.Sprintf(`pare_events_untold{sink="webhook"} %d`, len(l.list(nil))),
	} {
		if !strings.Contains(metrics, want) {
			t.Errorf("want %s in\n%s", want, metrics)
		}
	}
}

// A child is this test's program as a server that tells a webhook: its database, where to, and
// what it calls itself.
const (
	childDatabase = "PARE_SERVE_CHILD"
	childHook     = "PARE_SERVE_HOOK"
	childSecret   = "PARE_SERVE_SECRET"
	childVersion  = "PARE_SERVE_VERSION"
)

// beChild serves until the process is killed.
func beChild(url string) error {
	dir, err := os.MkdirTemp("", "pare-serve-child-")
	if err != nil {
		return err
	}
	c, _, err := serve.Load(serve.Sources{Flags: map[string]string{"listen": "127.0.0.1:0", "database": url, "data-dir": dir}})
	if err != nil {
		return err
	}
	c.Notify.WebhookURL, c.Notify.WebhookSecretFile = os.Getenv(childHook), os.Getenv(childSecret)
	_, err = serve.Start(context.Background(), c, serve.World{
		Catalog: catalog.Embedded(), Log: slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn})), Now: time.Now,
		Version: os.Getenv(childVersion), Poll: 20 * time.Millisecond, Beat: 250 * time.Millisecond,
	})
	if err != nil {
		return err
	}
	fmt.Println(dir)
	select {}
}

// child is a server that is going to be killed.
type child struct {
	*exec.Cmd
	kill func()
}

func (h *hook) child(t *testing.T, url, version string) child {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childDatabase+"="+url, childHook+"="+h.URL, childSecret+"="+h.secret, childVersion+"="+version)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	must(t, err)
	must(t, cmd.Start())
	dir, err := bufio.NewReader(out).ReadString('\n')
	must(t, err)
	c := child{cmd, sync.OnceFunc(func() {
		if err := cmd.Process.Kill(); err != nil {
			t.Error(err)
		}
		_ = cmd.Wait() // it was killed
		if err := os.RemoveAll(strings.TrimSpace(dir)); err != nil {
			t.Error(err)
		}
	})}
	t.Cleanup(c.kill)
	return c
}

// watched is a store whose findings a webhook is told of.
func watched(t *testing.T, url string) (s *store.Store, arn string) {
	t.Helper()
	s, err := store.Open(t.Context(), url, store.Options{})
	must(t, err)
	t.Cleanup(func() { must(t, s.Close()) })
	arn, err = s.CreateAnalyzer(t.Context(), store.By{Who: "ann", At: time.Now()}, store.NewAnalyzer{Analyzer: store.Analyzer{
		ARN: "arn:aws:access-analyzer:us-east-1:111122223333:analyzer/a", Name: "a", Type: store.AccountUnused, UnusedAge: 90, Status: "ACTIVE",
	}})
	must(t, err)
	must(t, s.AddSink(t.Context(), "webhook"))
	return s, arn
}

func role(i int) finding.Finding {
	return finding.Finding{
		ID: fmt.Sprintf("f%d", i), Type: finding.UnusedIAMRole, Resource: fmt.Sprintf("arn:aws:iam::%s:role/r%d", sample, i), Account: sample,
		AnalyzedAt: time.Now(), CreatedAt: time.Now(), UpdatedAt: time.Now(),
	}
}

// find is a run that finds some unused roles.
func find(t *testing.T, s *store.Store, arn string, n int) {
	t.Helper()
	run, err := s.StartRun(t.Context(), arn, sample, time.Now())
	must(t, err)
	var all iter.Seq2[finding.Finding, error] = func(yield func(finding.Finding, error) bool) {
		for i := range n {
			if !yield(role(i), nil) {
				return
			}
		}
	}
	_, err = s.CompleteRun(t.Context(), run.ID, store.Found{Findings: all, Closing: func() store.Closing {
		return store.Closing{FinishedAt: time.Now(), WindowEnd: time.Now(), WindowDays: 90}
	}})
	must(t, err)
}

// flip archives a finding and takes it back.
func flip(t *testing.T, s *store.Store, arn string, i int) {
	t.Helper()
	for _, to := range []finding.Status{finding.Archived, finding.Active} {
		_, err := s.SetStatus(t.Context(), store.By{Who: "ann", At: time.Now()}, arn, to, []string{role(i).ID})
		must(t, err)
	}
}

// TestAKillBetweenTellingAndNoting kills a server when the receiver has the events and
// hasn't answered. The next server tells them again, and what happened meanwhile.
func TestAKillBetweenTellingAndNoting(t *testing.T) {
	storetest.Each(t, func(t *testing.T, url string) {
		const n = 5
		arrived, answer := make(chan struct{}, 1), make(chan struct{})
		h := newHook(t, func() {
			select {
			case arrived <- struct{}{}:
			default:
			}
			<-answer
		})
		s, arn := watched(t, url)
		find(t, s, arn, n)
		first := h.child(t, url, "first")
		<-arrived
		first.kill()
		close(answer)
		flip(t, s, arn, 0)
		if lags, err := s.Lags(t.Context()); err != nil || lags[0].Untold != n+2 {
			t.Errorf("after the kill: %v %v", lags, err)
		}
		h.child(t, url, "second")
		until(t, "all is told", func() bool { lags, err := s.Lags(t.Context()); return err == nil && lags[0].Untold == 0 })
		h.inOrder(t)
		times := map[string]int{}
		for _, e := range h.events() {
			times[fmt.Sprint(e.Finding.ID, ".", e.Version, " ", e.ID)]++
		}
		twice := 0
		for _, k := range times {
			if k > 1 {
				twice++
			}
		}
		if len(times) != n+2 || twice != n {
			t.Errorf("want %d events, the first %d of them twice: %v", n+2, n, times)
		}
	})
}

// TestTwoServersTellASinkOnce has two servers on one database, and kills the one that tells.
func TestTwoServersTellASinkOnce(t *testing.T) {
	url := storetest.New(t, storetest.Postgres)
	h := newHook(t, nil)
	s, arn := watched(t, url)
	servers := map[string]child{"pare/a": h.child(t, url, "a"), "pare/b": h.child(t, url, "b")}
	find(t, s, arn, 3)
	const flips = 10
	for i := range flips {
		flip(t, s, arn, i%3)
	}
	settled := func(n int) {
		t.Helper()
		until(t, fmt.Sprintf("%d events", n), func() bool { return len(h.events()) >= n })
		until(t, "all is noted", func() bool { lags, err := s.Lags(t.Context()); return err == nil && lags[0].Untold == 0 })
	}
	settled(3 + 2*flips)
	before := h.events()
	teller := before[0].from
	if slices.ContainsFunc(before, func(e happened) bool { return e.from != teller }) || len(before) != 3+2*flips {
		t.Errorf("%d events, of several servers: want %d of one", len(before), 3+2*flips)
	}
	servers[teller].kill()
	flip(t, s, arn, 1)
	settled(len(before) + 2)
	h.inOrder(t)
	for _, e := range h.events()[len(before):] {
		if e.from == teller || cmp.Compare(e.Version, 1) <= 0 {
			t.Errorf("after the kill: %+v", e)
		}
	}
}
