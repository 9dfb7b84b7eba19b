package serve_test

import (
	"bufio"
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"

	"github.com/pare-iam/pare/internal/jobs"
	"github.com/pare-iam/pare/internal/serve"
	"github.com/pare-iam/pare/internal/store"
	"github.com/pare-iam/pare/internal/wire"
)

// small is a service on SQLite.
func small(t testing.TB) *running {
	t.Helper()
	return start(t, configured(t, filepath.Join(t.TempDir(), "pare.db")))
}

// get gets a page, without following where it leads.
func (r *running) get(t testing.TB, path string) (*http.Response, string) {
	t.Helper()
	q, err := http.NewRequestWithContext(t.Context(), http.MethodGet, r.url+path, nil)
	must(t, err)
	return r.do(t, q)
}

func (r *running) do(t testing.TB, q *http.Request) (*http.Response, string) {
	t.Helper()
	c := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	resp, err := c.Do(q)
	must(t, err)
	body, err := io.ReadAll(resp.Body)
	must(t, errors.Join(err, resp.Body.Close()))
	return resp, string(body)
}

// ofAPI says whether the API has answered.
func ofAPI(r *http.Response) bool { return r.Header.Get("X-Amzn-Requestid") != "" }

func TestTheAPIAnswersBelowItsRootsAndWhatIsSigned(t *testing.T) {
	s := small(t)
	for _, root := range wire.Roots() {
		for _, path := range []string{"/" + root, "/" + root + "/x", "/" + root + "/x/y"} {
			if resp, _ := s.get(t, path); !ofAPI(resp) {
				t.Errorf("%s: answered by another", path)
			}
		}
	}
	for _, path := range []string{"/", "/findings", "/healthz", "/login", "/analyzers", "/policyx", "/static/x.css"} {
		if resp, _ := s.get(t, path); ofAPI(resp) {
			t.Errorf("%s: answered by the API", path)
		}
		q, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.url+path, nil)
		must(t, err)
		q.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=x")
		if resp, _ := s.do(t, q); !ofAPI(resp) {
			t.Errorf("%s, signed: answered by another", path)
		}
	}
}

var link = regexp.MustCompile(`(?:href|action|src)="(/[^"#]*)`)

// TestNoPageIsBelowTheAPIsRoots follows the links of the dashboard, of each kind of page some.
func TestNoPageIsBelowTheAPIsRoots(t *testing.T) {
	s := small(t)
	s.scanned(t)
	seen, queue := map[string]bool{"/": true}, []string{"/"}
	perKind := map[string]int{}
	for len(queue) > 0 {
		path := queue[0]
		queue = queue[1:]
		resp, body := s.get(t, path)
		if ofAPI(resp) || resp.StatusCode >= 500 {
			t.Errorf("%s: %s", path, resp.Status)
		}
		for _, m := range link.FindAllStringSubmatch(body, -1) {
			next := strings.ReplaceAll(m[1], "&amp;", "&")
			kind, _, _ := strings.Cut(strings.TrimPrefix(next, "/"), "?")
			kind, _, _ = strings.Cut(kind, "/")
			if _, found := slices.BinarySearch(wire.Roots(), kind); found {
				t.Errorf("%s leads to %s, which the API answers", path, next)
			}
			if perKind[kind]++; perKind[kind] < 20 && !seen[next] {
				seen[next], queue = true, append(queue, next)
			}
		}
	}
	if len(seen) < 10 {
		t.Errorf("only %d pages", len(seen))
	}
}

// scanned makes an analyzer and waits for its first scan.
func (r *running) scanned(t testing.TB) serve.Demonstration {
	t.Helper()
	d, err := r.Demo(t.Context())
	must(t, err)
	return d
}

func TestHealthFollowsTheServersLife(t *testing.T) {
	s := small(t)
	for path, want := range map[string]string{"/healthz": "200 OK ok\n", "/readyz": "200 OK ready\n"} {
		if resp, body := s.get(t, path); resp.Status+" "+body != want {
			t.Errorf("%s: %s %s", path, resp.Status, body)
		}
	}
	s.broken = true
	must(t, s.Store.Close())
	if resp, body := s.get(t, "/readyz"); resp.StatusCode != http.StatusServiceUnavailable || !strings.Contains(body, "database") {
		t.Errorf("without a database: %s %s", resp.Status, body)
	}
	if resp, _ := s.get(t, "/healthz"); resp.StatusCode != http.StatusOK {
		t.Errorf("without a database: %s", resp.Status)
	}
}

// halfSent is a connection on which half of a form has been sent.
func (r *running) halfSent(t testing.TB) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(r.url, "http://"))
	must(t, err)
	t.Cleanup(func() { _ = conn.Close() })
	_, err = fmt.Fprintf(conn, "POST /findings HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 6\r\n\r\na=1")
	must(t, err)
	return conn
}

func TestAStopLetsRequestsEnd(t *testing.T) {
	c := configured(t, filepath.Join(t.TempDir(), "pare.db"))
	c.Drain = 300 * time.Millisecond
	s := start(t, c)
	conn := s.halfSent(t)
	until(t, "the request is under way", func() bool {
		_, body := s.get(t, "/metrics")
		return strings.Contains(body, "pare_http_requests_in_flight 2")
	})
	ended := make(chan error, 1)
	go func() { ended <- s.stop() }()
	until(t, "it says that it stops", func() bool {
		resp, body := s.get(t, "/readyz")
		return resp.StatusCode == http.StatusServiceUnavailable && body == "stopping\n"
	})
	until(t, "it takes no more connections", func() bool {
		other, err := net.Dial("tcp", strings.TrimPrefix(s.url, "http://"))
		if err == nil {
			_ = other.Close()
		}
		return err != nil
	})
	_, err := io.WriteString(conn, "&b=")
	must(t, err)
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	must(t, err)
	_ = resp.Body.Close()
	if resp.StatusCode >= 500 {
		t.Errorf("the request that was under way: %s", resp.Status)
	}
	must(t, <-ended)
}

func TestAStopCutsWhatTakesTooLong(t *testing.T) {
	c := configured(t, filepath.Join(t.TempDir(), "pare.db"))
	c.Grace = 50 * time.Millisecond
	s := start(t, c)
	s.broken = true
	s.halfSent(t)
	until(t, "the request is under way", func() bool {
		_, body := s.get(t, "/metrics")
		return strings.Contains(body, "pare_http_requests_in_flight 2")
	})
	if err := s.stop(); err == nil || !strings.Contains(err.Error(), "cut after 50ms") {
		t.Errorf("got %v", err)
	}
	r, err := store.Open(t.Context(), c.Database, store.Options{})
	must(t, err) // the database was closed
	must(t, r.Close())
}

// TestSlowClientsAreCut sends a header, and a body, byte by byte.
func TestSlowClientsAreCut(t *testing.T) {
	s := startWith(t, configured(t, filepath.Join(t.TempDir(), "pare.db")), serve.Limits{Header: 100 * time.Millisecond, Read: 200 * time.Millisecond})
	for name, begin := range map[string]string{
		"header": "GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow: ",
		"body":   "POST /findings HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 100000\r\n\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			conn, err := net.Dial("tcp", strings.TrimPrefix(s.url, "http://"))
			must(t, err)
			t.Cleanup(func() { _ = conn.Close() })
			_, err = io.WriteString(conn, begin)
			must(t, err)
			ended := make(chan struct{})
			go func() {
				defer close(ended)
				_, _ = io.Copy(io.Discard, conn) // until the server is through with it
			}()
			tick := time.NewTicker(10 * time.Millisecond)
			defer tick.Stop()
			for deadline := time.Now().Add(soon); ; {
				select {
				case <-ended:
					return
				case <-tick.C:
					_, _ = io.WriteString(conn, "a")
				}
				if time.Now().After(deadline) {
					t.Fatal("it isn't cut")
				}
			}
		})
	}
}

func TestBodiesThatAreTooLargeAreRefused(t *testing.T) {
	s := small(t)
	d := s.scanned(t)
	large := bytes.Repeat([]byte("a"), 1<<20+100)
	form := func(body io.Reader) *http.Request {
		q, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.url+"/findings", body)
		must(t, err)
		q.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		return q
	}
	api, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.url+"/findingv2", bytes.NewReader(large))
	must(t, err)
	sum := sha256.Sum256(large)
	must(t, v4.NewSigner().SignHTTP(t.Context(), aws.Credentials{AccessKeyID: d.KeyID, SecretAccessKey: d.Secret}, api, hex.EncodeToString(sum[:]), "access-analyzer", region, time.Now()))
	for name, q := range map[string]*http.Request{
		"a form that says its length": form(bytes.NewReader(large)), "one that doesn't": form(io.MultiReader(bytes.NewReader(large))), "a signed request": api,
	} {
		if resp, body := s.do(t, q); resp.StatusCode != http.StatusRequestEntityTooLarge {
			t.Errorf("%s: %s %.200s", name, resp.Status, body)
		}
	}
	header := form(nil)
	header.Header.Set("X-Long", strings.Repeat("a", 64<<10))
	if resp, _ := s.do(t, header); resp.StatusCode != http.StatusRequestHeaderFieldsTooLarge {
		t.Errorf("a long header: %s", resp.Status)
	}
}

var routeLabel = regexp.MustCompile(`pare_http_requests_total\{code="(\d+)",route="([^"]*)"\}`)

// TestLabelsOfMetricsAreBounded asks for many things that aren't there.
func TestLabelsOfMetricsAreBounded(t *testing.T) {
	s := small(t)
	s.scanned(t)
	until(t, "the scan's job is over, as its run is", func() bool {
		counts, err := s.Jobs.Counts(t.Context())
		must(t, err)
		return slices.Contains(counts, jobs.Count{Kind: "scan", State: "completed", N: 1})
	})
	for i := range 200 {
		for _, path := range []string{"/x%d", "/findings/x%d", "/analyzer/x%d", "/policy/x%d/y", "/static/x%d.css", "/login?next=x%d"} {
			s.get(t, fmt.Sprintf(path, i))
		}
	}
	_, body := s.get(t, "/metrics")
	labels := map[string]bool{}
	for _, m := range routeLabel.FindAllStringSubmatch(body, -1) {
		labels[m[2]] = true
	}
	if len(labels) < 5 || len(labels) > 20 {
		t.Errorf("%d routes: %v", len(labels), labels)
	}
	for _, want := range []string{
		`pare_findings{analyzer="unused-access",status="ACTIVE",type="UnusedIAMRole"}`, `pare_data_age_seconds{account="111122223333",analyzer="unused-access"}`,
		`pare_jobs{kind="scan",state="completed"} 1`, `pare_build_info{version="test"} 1`, "pare_database_up 1", `route="GET /analyzer/{analyzerName}"`,
	} {
		if !strings.Contains(body, want) {
			t.Errorf("no %s", want)
		}
	}
	if strings.Contains(body, "x17") {
		t.Error("paths are among the labels")
	}
}

func TestMetricsAreForThisMachineAndWhoHasTheToken(t *testing.T) {
	c := configured(t, filepath.Join(t.TempDir(), "pare.db"))
	c.MetricsTokenFile = file(t, "the-token-of-the-scraper\n")
	s := start(t, c)
	for name, q := range map[string]struct {
		header map[string]string
		want   int
	}{
		"this machine":                     {nil, http.StatusOK},
		"through a proxy":                  {map[string]string{"X-Forwarded-For": "192.0.2.1"}, http.StatusForbidden},
		"through a proxy, with the token":  {map[string]string{"X-Forwarded-For": "192.0.2.1", "Authorization": "Bearer the-token-of-the-scraper"}, http.StatusOK},
		"through a proxy, with another's":  {map[string]string{"X-Forwarded-For": "192.0.2.1", "Authorization": "Bearer another"}, http.StatusUnauthorized},
		"through a proxy, an empty header": {map[string]string{"X-Forwarded-For": "192.0.2.1", "Authorization": "Bearer "}, http.StatusUnauthorized},
	} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.url+"/metrics", nil)
		must(t, err)
		for k, v := range q.header {
			r.Header.Set(k, v)
		}
		if resp, _ := s.do(t, r); resp.StatusCode != q.want {
			t.Errorf("%s: %s, want %d", name, resp.Status, q.want)
		}
	}
}

func TestTheLogHasNoQueries(t *testing.T) {
	s := small(t)
	resp, _ := s.get(t, "/oidc/callback?code=s3cr3t&state=s3cr3t")
	id := cmp.Or(resp.Header.Get("X-Request-Id"), "none")
	until(t, "the request is in the log", func() bool { return strings.Contains(s.log.String(), "id="+id) })
	if strings.Contains(s.log.String(), "s3cr3t") || !strings.Contains(s.log.String(), "path=/oidc/callback") {
		t.Error(s.log.String())
	}
}
