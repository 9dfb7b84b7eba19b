package notify_test

import (
	"context"
	"crypto/x509"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/pare-iam/pare/finding"
	"github.com/pare-iam/pare/internal/notify"
)

const secret = "0123456789abcdef0123456789abcdef"

// receiver is a webhook over TLS on this machine that checks what it is sent.
type receiver struct {
	*httptest.Server
	t *testing.T

	// answer answers the request with a number, from 1; nil: all is well.
	answer func(n int, w http.ResponseWriter, r *http.Request)

	mu     sync.Mutex
	posts  []post
	inside int // requests that are being answered
	most   int // the most of them at a time
}

// post is a request as it came, whatever it was answered.
type post struct {
	header http.Header
	body   []byte
	ids    []string // of its events' findings
	keys   []string // of its events
	at     time.Time
}

func newReceiver(t *testing.T, answer func(int, http.ResponseWriter, *http.Request)) *receiver {
	t.Helper()
	r := &receiver{t: t, answer: answer}
	r.Server = httptest.NewUnstartedServer(r)
	r.Config.ErrorLog = log.New(io.Discard, "", 0) // what breaks is broken on purpose
	r.StartTLS()
	t.Cleanup(r.Close)
	return r
}

func (r *receiver) ServeHTTP(w http.ResponseWriter, request *http.Request) {
	body, err := io.ReadAll(request.Body)
	if err != nil {
		r.t.Errorf("the body of a request: %v", err)
	}
	if err := notify.Verify(secret, request.Header.Get(notify.SignatureHeader), body, time.Now()); err != nil {
		r.t.Errorf("the signature of a request: %v", err)
	}
	p := post{header: request.Header, body: body, at: time.Now()}
	var document struct {
		SchemaVersion int `json:"schemaVersion"`
		Events        []struct {
			ID      string          `json:"id"`
			Finding finding.Finding `json:"finding"`
		} `json:"events"`
	}
	if request.Header.Get("Content-Type") == "application/json" {
		if err := json.Unmarshal(body, &document); err != nil || document.SchemaVersion != 1 || request.Method != http.MethodPost {
			r.t.Errorf("a %s of schema version %d: %v", request.Method, document.SchemaVersion, err)
		}
	}
	for _, e := range document.Events {
		p.ids, p.keys = append(p.ids, e.Finding.ID), append(p.keys, e.ID)
	}
	r.mu.Lock()
	r.posts = append(r.posts, p)
	n := len(r.posts)
	r.inside++
	r.most = max(r.most, r.inside)
	r.mu.Unlock()
	defer func() {
		r.mu.Lock()
		r.inside--
		r.mu.Unlock()
	}()
	if r.answer != nil {
		r.answer(n, w, request)
	}
}

func (r *receiver) received() []post {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.posts)
}

func (r *receiver) roots() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(r.Certificate())
	return pool
}

// sink is the webhook for this receiver.
func (r *receiver) sink(change func(*notify.WebhookOptions)) *notify.Webhook {
	r.t.Helper()
	o := notify.WebhookOptions{URL: r.URL + "/hooks/pare?token=of-the-url", Secrets: []string{secret}, Roots: r.roots()}
	if change != nil {
		change(&o)
	}
	w, err := notify.NewWebhook(o)
	if err != nil {
		r.t.Fatal(err)
	}
	return w
}

func TestWebhookShape(t *testing.T) {
	r := newReceiver(t, nil)
	changes := life(t)
	if failures := r.sink(nil).Send(t.Context(), changes); len(failures) > 0 {
		t.Fatal(failures)
	}
	got := r.received()[0]
	src := jsontext.Value(slices.Clone(got.body))
	if err := src.Indent(); err != nil {
		t.Fatal(err)
	}
	golden(t, "webhook.json", append(src, '\n'))
	var keys []string
	for _, c := range changes {
		keys = append(keys, c.Key())
	}
	if diff := cmp.Diff(keys, got.keys); diff != "" {
		t.Errorf("ids of the events: -want +got\n%s", diff)
	}
	if got.header.Get("User-Agent") != "pare" || len(got.header.Get("Idempotency-Key")) != 32 {
		t.Errorf("headers %v", got.header)
	}
}

// docs/schema/webhook.json has every member that a body has, and of findings what
// findings.json says.
func TestWebhookIsAsTheSchemaSays(t *testing.T) {
	docs := filepath.Join("..", "..", "docs", "schema")
	ours, err := jsonschema.NewCompiler().Compile(filepath.Join(docs, "webhook.json"))
	if err != nil {
		t.Fatal(err)
	}
	r := newReceiver(t, nil)
	if failures := r.sink(nil).Send(t.Context(), life(t)); len(failures) > 0 {
		t.Fatal(failures)
	}
	body := parsed(t, string(r.received()[0].body))
	if err := ours.Validate(body); err != nil {
		t.Error(err)
	}
	event := ours.Properties["events"].Items2020
	for _, e := range body.(map[string]any)["events"].([]any) {
		for name := range e.(map[string]any) {
			if event.Properties[name] == nil || !slices.Contains(event.Required, name) {
				t.Errorf("%s isn't in the schema, or isn't required", name)
			}
		}
	}
	findings, err := os.ReadFile(filepath.Join(docs, "findings.json"))
	if err != nil {
		t.Fatal(err)
	}
	webhook, err := os.ReadFile(filepath.Join(docs, "webhook.json"))
	if err != nil {
		t.Fatal(err)
	}
	member := func(src []byte, path ...string) any {
		value := parsed(t, string(src))
		for _, name := range path {
			value = value.(map[string]any)[name]
		}
		return value
	}
	want := member(findings, "properties", "findings", "items")
	got := member(webhook, "properties", "events", "items", "properties", "finding")
	if diff := cmp.Diff(want, got); diff != "" || want == nil {
		t.Errorf("a finding: -findings.json +webhook.json\n%s", diff)
	}
}

func TestWebhookOfOCSFLines(t *testing.T) {
	r := newReceiver(t, nil)
	sink := r.sink(func(o *notify.WebhookOptions) { o.Format, o.Version = notify.FormatOCSF, "1.2.3" })
	changes := life(t)
	if failures := sink.Send(t.Context(), changes); len(failures) > 0 {
		t.Fatal(failures)
	}
	got := r.received()[0]
	if diff := cmp.Diff(strings.Join(ocsfLines(t, changes), "")+"\n", string(got.body)); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	if got.header.Get("Content-Type") != "application/x-ndjson" || got.header.Get("User-Agent") != "pare/1.2.3" {
		t.Errorf("headers %v", got.header)
	}
}

// The same change has the same key in every request, and a request of one event that event's.
func TestWebhookKeys(t *testing.T) {
	r := newReceiver(t, nil)
	sink := r.sink(nil)
	for range 2 {
		sink.Send(t.Context(), roles(1))
		sink.Send(t.Context(), roles(3))
	}
	posts := r.received()
	key := func(i int) string { return posts[i].header.Get("Idempotency-Key") }
	if key(0) != posts[0].keys[0] || key(0) != key(2) || key(1) != key(3) || key(0) == key(1) {
		t.Errorf("keys %s %s %s %s, of the first event %s", key(0), key(1), key(2), key(3), posts[0].keys[0])
	}
}

// 100 events or 512 KB a request, and two requests at a time.
func TestWebhookRequestsAreBounded(t *testing.T) {
	r := newReceiver(t, func(int, http.ResponseWriter, *http.Request) { time.Sleep(20 * time.Millisecond) })
	changes := roles(450)
	for i := 430; i < 450; i++ {
		changes[i].Finding.ResourceID = strings.Repeat("x", 200<<10)
	}
	if failures := r.sink(nil).Send(t.Context(), changes); len(failures) > 0 {
		t.Fatal(failures)
	}
	var sizes []int
	for _, p := range r.received() {
		sizes = append(sizes, len(p.ids))
		if len(p.body) > 513<<10 {
			t.Errorf("a body of %d bytes", len(p.body))
		}
	}
	slices.SortFunc(sizes, func(a, b int) int { return b - a })
	if sizes[0] != 100 || len(sizes) < 14 || r.most > 2 {
		t.Errorf("requests of %v events, %d at a time", sizes, r.most)
	}
}

func TestWebhookFailures(t *testing.T) {
	status := func(code int, header ...string) func(int, http.ResponseWriter, *http.Request) {
		return func(_ int, w http.ResponseWriter, _ *http.Request) {
			for i := 0; i+1 < len(header); i += 2 {
				w.Header().Set(header[i], header[i+1])
			}
			w.WriteHeader(code)
		}
	}
	for _, tt := range []struct {
		name   string
		answer func(int, http.ResponseWriter, *http.Request)
		want   string
		after  time.Duration
	}{
		{"accepted for later", status(202), "", 0},
		{"the server is in trouble", status(500), "finding raa: 500: the webhook answered 500 Internal Server Error", 0},
		{"the server asks to wait", status(503, "Retry-After", "17"), "finding raa: 503: the webhook answered 503 Service Unavailable", 17 * time.Second},
		{"too many", status(429, "Retry-After", "2"), "finding raa: 429: the webhook answered 429 Too Many Requests", 2 * time.Second},
		{"the server waited for us", status(408), "finding raa: 408: the webhook answered 408 Request Timeout", 0},
		{"a refusal", status(400, "Retry-After", "2"), "finding raa: 400: the webhook answered 400 Bad Request (for good)", 0},
		{"not known", status(401), "finding raa: 401: the webhook answered 401 Unauthorized", 0},
		{"too much", status(413), "finding raa: 413: the webhook answered 413 Request Entity Too Large (for good)", 0},
		{"not understood", status(422), "finding raa: 422: the webhook answered 422 Unprocessable Entity (for good)", 0},
		{"nobody there any more", status(410), "finding raa: 410: the webhook answered 410 Gone", 0},
		{"no answer in time", func(_ int, w http.ResponseWriter, _ *http.Request) {
			// A handler that returned would answer, at times while the client closes the connection.
			conn, _, err := http.NewResponseController(w).Hijack()
			if err != nil {
				t.Error(err)
				return
			}
			t.Cleanup(func() { _ = conn.Close() })
		}, "finding raa: context deadline exceeded (Client.Timeout exceeded while awaiting headers)", 0},
		{"the connection breaks", func(int, http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, "finding raa: EOF", 0},
		{"a redirect", status(307, "Location", "https://example.com/"),
			"finding raa: 307: the webhook answered 307 Temporary Redirect: redirects aren't followed: set the URL that it leads to", 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := newReceiver(t, tt.answer)
			failures := r.sink(func(o *notify.WebhookOptions) {
				if strings.Contains(tt.want, "Timeout exceeded") {
					o.Timeout = time.Second
				}
			}).Send(t.Context(), roles(1))
			if diff := cmp.Diff(tt.want, strings.Join(told(failures), "")); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
			if len(failures) > 0 && failures[0].After != tt.after {
				t.Errorf("asked to wait %v, want %v", failures[0].After, tt.after)
			}
			for _, f := range failures {
				if strings.Contains(f.Error(), "token") {
					t.Errorf("the failure shows the URL: %v", f)
				}
			}
		})
	}
}

// Nobody is led elsewhere: not to another host, and not to one's own other pages.
func TestWebhookFollowsNoRedirect(t *testing.T) {
	other := newReceiver(t, nil)
	for _, code := range []int{301, 302, 303, 307, 308} {
		r := newReceiver(t, nil)
		r.answer = func(n int, w http.ResponseWriter, request *http.Request) {
			http.Redirect(w, request, []string{other.URL, r.URL}[n%2], code)
		}
		sink := r.sink(nil)
		for range 2 {
			sink.Send(t.Context(), roles(1))
		}
		if n := len(r.received()); n != 2 {
			t.Errorf("%d: %d requests, want 2", code, n)
		}
	}
	if n := len(other.received()); n > 0 {
		t.Errorf("the other host got %d requests", n)
	}
}

// A server whose certificate isn't of a known authority gets nothing.
func TestWebhookChecksCertificates(t *testing.T) {
	r := newReceiver(t, nil)
	got := told(r.sink(func(o *notify.WebhookOptions) { o.Roots = nil }).Send(t.Context(), roles(1)))
	if len(got) != 1 || !strings.Contains(got[0], "certificate") || len(r.received()) > 0 {
		t.Errorf("%q, and %d requests", got, len(r.received()))
	}
}

// Addresses of private networks are refused before a connection is made, whatever the
// setting says of those that lead to credentials.
func TestWebhookRefusesPrivateAddresses(t *testing.T) {
	for _, tt := range []struct {
		url   string
		allow bool
		want  string
	}{
		{"https://10.0.0.1/", false, "10.0.0.1 isn't an address of the internet: allow private addresses if the webhook is on a network of yours"},
		{"https://[fd12::1]/", false, "fd12::1 isn't an address of the internet: allow private addresses if the webhook is on a network of yours"},
		{"https://0.0.0.0/", false, "0.0.0.0: a webhook may never connect to such an address"},
		{"https://169.254.169.254/latest/meta-data", true, "169.254.169.254: a webhook may never connect to such an address"},
	} {
		w, err := notify.NewWebhook(notify.WebhookOptions{URL: tt.url, Secrets: []string{secret}, AllowPrivate: tt.allow})
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.Join(told(w.Send(t.Context(), roles(1))), ""); !strings.HasSuffix(got, tt.want) || got == "" {
			t.Errorf("%s: %q, want %q", tt.url, got, tt.want)
		}
	}
}

func TestWebhookOptions(t *testing.T) {
	for _, tt := range []struct {
		name string
		o    notify.WebhookOptions
		want string
	}{
		{"no secret", notify.WebhookOptions{URL: "https://example.com/"}, "webhook: no secret: want one of 16 bytes or more, such as `openssl rand -hex 32` prints"},
		{"a short secret", notify.WebhookOptions{URL: "https://example.com/", Secrets: []string{secret, "hunter2"}}, "webhook: secret 2 has 7 bytes: want 16 or more, such as `openssl rand -hex 32` prints"},
		{"a format", notify.WebhookOptions{URL: "https://example.com/", Secrets: []string{secret}, Format: "xml"}, `webhook: format "xml": want pare or ocsf`},
		{"plain http", notify.WebhookOptions{URL: "http://example.com/", Secrets: []string{secret}}, "webhook: http: want https, or a host of this machine's own such as 127.0.0.1"},
	} {
		_, err := notify.NewWebhook(tt.o)
		if diff := cmp.Diff(tt.want, fmt.Sprint(err)); diff != "" {
			t.Errorf("%s: -want +got\n%s", tt.name, diff)
		}
	}
}

// A receiver that fails in all ways gets every event once it is well, in the order of each
// finding, and each signature is of its own time.
func TestWebhookThroughFaults(t *testing.T) {
	faults := []func(http.ResponseWriter, *http.Request){
		func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(500) },
		func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
		func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", "1")
			w.WriteHeader(429)
		},
		func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() },
	}
	var mu sync.Mutex
	answered := map[string]bool{} // ids of events that were taken
	r := newReceiver(t, nil)
	r.answer = func(n int, w http.ResponseWriter, request *http.Request) {
		if n <= len(faults) {
			faults[n-1](w, request)
			return
		}
		mu.Lock()
		defer mu.Unlock()
		for _, key := range r.received()[n-1].keys {
			answered[key] = true
		}
	}
	box := &notify.Memory{}
	changes := life(t)
	box.Add(changes...)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	d, err := notify.NewDispatcher(box, []notify.Sink{r.sink(func(o *notify.WebhookOptions) { o.Timeout = 2 * time.Second })}, notify.Options{
		MinWait: 10 * time.Millisecond,
		Report: func(r notify.Report) {
			if int(r.Position) == len(changes) {
				cancel()
			}
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	d.Run(ctx)
	for _, c := range changes {
		if !answered[c.Key()] {
			t.Errorf("version %d of finding %s never arrived", c.Version, c.Finding.ID)
		}
	}
	posts := r.received()
	if got := int(box.Acked("webhook")); got != len(changes) || len(posts) < len(faults)+3 {
		t.Errorf("position %d of %d after %d requests", got, len(changes), len(posts))
	}
	if wait := posts[3].at.Sub(posts[2].at); wait < time.Second {
		t.Errorf("came again after %v, and was asked to wait a second", wait)
	}
}
