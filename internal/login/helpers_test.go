package login_test

import (
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/crypto/argon2"

	"github.com/pare-iam/pare/internal/login"
	"github.com/pare-iam/pare/internal/store"
	"github.com/pare-iam/pare/internal/store/storetest"
)

const (
	annsPassword = "correct horse battery"
	bobsPassword = "purple monkey dishwasher"
)

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func same[T any](t testing.TB, what string, want, got T) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s: -want +got\n%s", what, diff)
	}
}

// clock is a time that stands still until a test moves it.
type clock struct{ at atomic.Int64 }

func newClock() *clock {
	c := &clock{}
	c.at.Store(time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC).UnixNano())
	return c
}

func (c *clock) now() time.Time          { return time.Unix(0, c.at.Load()).UTC() }
func (c *clock) advance(d time.Duration) { c.at.Add(int64(d)) }

// hashOf is what the password file has of a password, at a cost that tests can bear. It is
// made without the package.
func hashOf(password, salt string) string {
	salt = (salt + "----------------")[:16]
	sum := argon2.IDKey([]byte(password), []byte(salt), 5, 7<<10, 1, 32)
	enc := base64.RawStdEncoding.EncodeToString
	return "$argon2id$v=19$m=7168,t=5,p=1$" + enc([]byte(salt)) + "$" + enc(sum)
}

func people() string {
	return "ann:admin:" + hashOf(annsPassword, "a") + "\nbob:viewer:" + hashOf(bobsPassword, "b") + "\n"
}

// write replaces a file as a whole, as an editor does.
func write(t testing.TB, path, text string) {
	t.Helper()
	check(t, os.WriteFile(path+"~", []byte(text), 0o600))
	check(t, os.Rename(path+"~", path))
}

// server is a whole server: the login pages, and pages behind them.
type server struct {
	*httptest.Server
	*clock
	t         testing.TB
	store     *store.Store
	passwords string // path of the file
}

func openStore(t testing.TB, url string) *store.Store {
	t.Helper()
	s, err := store.Open(t.Context(), url, store.Options{})
	check(t, err)
	t.Cleanup(func() { check(t, s.Close()) })
	return s
}

// options are those of a server with a password file, reached on loopback.
func options(t testing.TB, c *clock, url string) login.Options {
	path := filepath.Join(t.TempDir(), "people")
	write(t, path, people())
	return login.Options{
		Setup: login.Setup{Listen: "127.0.0.1:0", PasswordFile: path},
		Store: openStore(t, url), Now: c.now, Idle: time.Hour, Lifetime: 12 * time.Hour,
	}
}

func newServer(t testing.TB, change func(*login.Options)) *server {
	t.Helper()
	return newServerOn(t, storetest.New(t, storetest.SQLite), change)
}

func newServerOn(t testing.TB, url string, change func(*login.Options)) *server {
	t.Helper()
	c := newClock()
	o := options(t, c, url)
	if change != nil {
		change(&o)
	}
	l, err := login.New(o)
	check(t, err)
	s := &server{Server: httptest.NewUnstartedServer(nil), clock: c, t: t, store: o.Store, passwords: o.PasswordFile}
	s.Config.Handler = site(l, c)
	if o.TLS {
		s.StartTLS()
	} else {
		s.Start()
	}
	t.Cleanup(s.Close)
	return s
}

// site is what stands behind a login: each path says who asks, and from where.
func site(l *login.Login, c *clock) http.Handler {
	whoami := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id, _ := login.From(r.Context())
		fmt.Fprintf(w, "%s %s %s from %s", id.Name, id.Role, id.Via, login.By(r, c.now()).Origin)
	})
	inner := http.NewServeMux()
	inner.Handle("/", whoami)
	for _, role := range login.Roles() {
		inner.Handle("/"+string(role), login.Require(role, whoami))
	}
	mux := http.NewServeMux()
	for _, path := range []string{"/login", "/logout", "/oidc/"} {
		mux.Handle(path, l.Handler())
	}
	mux.Handle("/", l.Headers(l.Middleware(inner)))
	return mux
}

// browser keeps cookies, and doesn't follow redirects.
type browser struct {
	*http.Client
	s      *server
	header http.Header // of each request
	host   string      // of each request; "": the server's
}

func (s *server) browser() *browser {
	s.t.Helper()
	jar, err := cookiejar.New(nil)
	check(s.t, err)
	c := *s.Client()
	c.Jar = jar
	c.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &browser{Client: &c, s: s, header: http.Header{"Accept": {"text/html"}}}
}

// answer is what a test looks at.
type answer struct {
	status   int
	location string
	body     string
	header   http.Header
}

func (b *browser) send(method, path string, form url.Values) answer {
	b.s.t.Helper()
	if !strings.HasPrefix(path, "http") {
		path = b.s.URL + path
	}
	var body io.Reader
	if form != nil {
		body = strings.NewReader(form.Encode())
	}
	r, err := http.NewRequestWithContext(context.WithoutCancel(b.s.t.Context()), method, path, body)
	check(b.s.t, err)
	r.Header = b.header.Clone()
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	r.Host = b.host
	resp, err := b.Do(r)
	check(b.s.t, err)
	text, err := io.ReadAll(resp.Body)
	check(b.s.t, err)
	check(b.s.t, resp.Body.Close())
	return answer{resp.StatusCode, resp.Header.Get("Location"), string(text), resp.Header}
}

func (b *browser) get(path string) answer { b.s.t.Helper(); return b.send("GET", path, nil) }

func (b *browser) login(name, password string) answer {
	b.s.t.Helper()
	return b.send("POST", "/login", url.Values{"name": {name}, "password": {password}})
}

// who is what the site says of a browser: "" if it must log in.
func (b *browser) who() string {
	b.s.t.Helper()
	a := b.get("/")
	if a.status == http.StatusSeeOther && strings.HasPrefix(a.location, "/login") {
		return ""
	}
	if a.status != http.StatusOK {
		return fmt.Sprint(a.status)
	}
	name, _, _ := strings.Cut(a.body, " from ")
	return name
}

// audited are the lines of the audit log, the oldest first.
func (s *server) audited() []string {
	s.t.Helper()
	part, err := s.store.AuditLog(s.t.Context(), "", store.Page{Limit: 1000})
	check(s.t, err)
	out := make([]string, len(part.Items))
	for i, e := range part.Items {
		out[len(out)-1-i] = strings.Join([]string{e.Who, e.Origin, e.Action, e.Target, e.Outcome}, "|")
	}
	return out
}

func prefixes(texts ...string) []netip.Prefix {
	var out []netip.Prefix
	for _, text := range texts {
		out = append(out, netip.MustParsePrefix(text))
	}
	return out
}
