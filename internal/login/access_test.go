package login_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/pare-iam/pare/internal/login"
	"github.com/pare-iam/pare/internal/store"
)

// local is a server on loopback without a login.
func local(o *login.Options) { o.PasswordFile = "" }

func TestOnLoopbackNobodyLogsIn(t *testing.T) {
	s := newServer(t, local)
	same(t, "who", "local admin loopback", s.browser().who())
	same(t, "the login page leads on", "/runs", s.browser().get("/login?next=/runs").location)
	same(t, "nothing to log out of", "/", s.browser().send("POST", "/logout", nil).location)
	same(t, "no passwords", http.StatusNotFound, s.browser().login("ann", annsPassword).status)
	same(t, "no provider", http.StatusNotFound, s.browser().get("/oidc/login").status)
	same(t, "no provider to come from", http.StatusNotFound, s.browser().get("/oidc/callback?state=a").status)
}

// A page of another site can have its name resolved to 127.0.0.1, and read what is there.
func TestOnLoopbackTheHostMustBeLoopback(t *testing.T) {
	s := newServer(t, local)
	for host, want := range map[string]int{
		"": 200, "localhost": 200, "LOCALHOST:8080": 200, "127.0.0.1": 200, "127.1.2.3:80": 200, "[::1]": 200, "[::1]:8080": 200, "[::ffff:127.0.0.1]:1": 200,
		"evil.example": 403, "evil.example:8080": 403, "localhost.evil.example": 403, "127.0.0.1.evil.example": 403, "192.0.2.1": 403, "0.0.0.0": 403,
		"[::]": 403, "[::1": 403, "localhost.": 403, "127.1": 403, "2130706433": 403, "[localhost]": 403,
	} {
		for _, path := range []string{"/", "/login"} {
			b := s.browser()
			b.host = host
			got := b.get(path).status
			if got == http.StatusSeeOther {
				got = http.StatusOK
			}
			same(t, fmt.Sprintf("%s of %q", path, host), want, got)
		}
	}
}

// A proxy on the same machine makes everybody local.
func TestOnLoopbackThereIsNoProxy(t *testing.T) {
	s := newServer(t, local)
	for _, name := range []string{"Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Real-IP", "Via"} {
		b := s.browser()
		b.header.Set(name, "192.0.2.1")
		a := b.get("/")
		if a.status != http.StatusForbidden || !strings.Contains(a.body, "--behind-proxy") {
			t.Errorf("with %s: %d\n%s", name, a.status, a.body)
		}
	}
}

func TestOtherSitesPagesChangeNothing(t *testing.T) {
	for name, s := range map[string]*server{"on loopback": newServer(t, local), "logged in": newServer(t, nil)} {
		b := s.browser()
		b.login("ann", annsPassword)
		for _, path := range []string{"/", "/login", "/logout"} {
			for _, header := range []http.Header{
				{"Sec-Fetch-Site": {"cross-site"}}, {"Sec-Fetch-Site": {"same-site"}}, {"Origin": {"https://evil.example"}}, {"Origin": {"null"}},
			} {
				b.header = header
				for _, method := range []string{"POST", "PUT", "PATCH", "DELETE"} {
					same(t, fmt.Sprint(name, method, path, header), http.StatusForbidden, b.send(method, path, nil).status)
				}
			}
		}
		for _, header := range []http.Header{{"Sec-Fetch-Site": {"same-origin"}}, {"Origin": {s.URL}}, {}} {
			b.header = header
			same(t, fmt.Sprint(name, header), http.StatusOK, b.send("POST", "/", nil).status)
		}
	}
}

// addToken gives somebody of the store a token, until tomorrow.
func (s *server) addToken(role login.Role) string {
	s.t.Helper()
	by := store.By{Who: "root", At: s.now()}
	name := "ci-" + string(role)
	check(s.t, s.store.PutUser(s.t.Context(), by, store.Person{Name: name, Role: role}))
	id, secret := login.NewToken()
	check(s.t, s.store.AddToken(s.t.Context(), by, store.APIToken{ID: id, User: name, ExpiresAt: s.now().Add(24 * time.Hour)}, secret))
	return secret
}

func TestTokens(t *testing.T) {
	s := newServer(t, nil)
	secret := s.addToken(store.Operator)
	b := s.browser()
	b.header = http.Header{"Authorization": {"Bearer " + secret}}
	same(t, "who", "ci-operator operator token", b.who())
	b.header.Set("Sec-Fetch-Site", "cross-site")
	same(t, "no other site can send it, so that none is refused", http.StatusOK, b.send("POST", "/", nil).status)
	b.header = http.Header{"Authorization": {"bEARER  " + secret}}
	same(t, "in any case", "ci-operator operator token", b.who())

	s.advance(24 * time.Hour)
	for name, header := range map[string]http.Header{
		"expired":         {"Authorization": {"Bearer " + secret}},
		"unknown":         {"Authorization": {"Bearer pare_" + strings.Repeat("A", 26)}},
		"empty":           {"Authorization": {"Bearer"}},
		"not one of ours": {"Authorization": {"Bearer " + strings.TrimPrefix(secret, "pare_")}},
	} {
		b.header = header
		a := b.get("/")
		same(t, name, http.StatusUnauthorized, a.status)
		same(t, name+": scheme", `Bearer realm="pare"`, a.header.Get("WWW-Authenticate"))
		same(t, name+": type", "application/json", a.header.Get("Content-Type"))
	}
	b.header = http.Header{"Cookie": {"pare=" + secret}, "Accept": {"text/html"}}
	same(t, "never from a cookie", "", b.who())
}

func TestABadTokenIsntReplacedByTheCookie(t *testing.T) {
	for name, s := range map[string]*server{"logged in": newServer(t, nil), "on loopback": newServer(t, local)} {
		b := s.browser()
		b.login("ann", annsPassword)
		for _, token := range []string{"pare_nonsense", "nonsense", ""} {
			b.header.Set("Authorization", "Bearer "+token)
			same(t, name+": "+token, http.StatusUnauthorized, b.get("/").status)
		}
	}
}

func TestProgramsGetJSONAndBrowsersThePage(t *testing.T) {
	s := newServer(t, nil)
	b := s.browser()
	b.header.Set("Accept", "application/json")
	a := b.get("/findings")
	same(t, "JSON", `401 {"message":"Log in, or send a token: Authorization: Bearer pare_…"}`, fmt.Sprint(a.status, " ", a.body))
	b.header.Set("Accept", "text/html,application/json;q=0.5")
	same(t, "a page", "/login?next=%2Ffindings", b.get("/findings").location)
	same(t, "after a form, there is nowhere to go on to", "/login", b.send("POST", "/findings", url.Values{}).location)
	b.header.Set("HX-Request", "true")
	a = b.get("/findings")
	same(t, "a part of a page", "401 /login", fmt.Sprint(a.status, " ", a.header.Get("HX-Redirect")))
}

// Each role may what the ones before it may, and no more.
func TestRoles(t *testing.T) {
	s := newServer(t, nil)
	for i, has := range login.Roles() {
		b := s.browser()
		b.header = http.Header{"Authorization": {"Bearer " + s.addToken(has)}}
		for j, needs := range login.Roles() {
			want := http.StatusForbidden
			if i >= j {
				want = http.StatusOK
			}
			same(t, fmt.Sprintf("%s asks for what needs %s", has, needs), want, b.get("/"+string(needs)).status)
		}
		same(t, "nobody", http.StatusSeeOther, s.browser().get("/"+string(has)).status)
	}
	for _, none := range []login.Identity{{}, {Name: "x", Role: "root"}, {Name: "x", Role: ""}} {
		same(t, "no role", false, none.May(store.Viewer) || none.May("") || none.May("root"))
	}
	same(t, "a role that isn't one", false, login.Identity{Role: store.Admin}.May("root"))
}

func TestWhoLacksARoleIsInTheAuditLog(t *testing.T) {
	s := newServer(t, nil)
	b := s.browser()
	b.login("bob", bobsPassword)
	a := b.get("/admin")
	if a.status != http.StatusForbidden || !strings.Contains(a.body, "needs the role admin; you have viewer") {
		t.Errorf("%d %s", a.status, a.body)
	}
	same(t, "audit log", "bob|127.0.0.1|Refused|GET /admin|needs the role admin", s.audited()[1])
	for range 100 {
		b.get("/admin")
	}
	same(t, "nobody fills it", 21, len(s.audited()))
}

func TestRequireWithoutTheMiddleware(t *testing.T) {
	called := false
	h := login.Require(store.Viewer, http.HandlerFunc(func(http.ResponseWriter, *http.Request) { called = true }))
	for _, c := range []struct {
		id   login.Identity
		want bool
	}{{login.Identity{}, false}, {login.Identity{Name: "ann", Role: store.Viewer}, true}} {
		called = false
		h.ServeHTTP(&discard{http.Header{}}, (&http.Request{Method: "GET"}).WithContext(login.With(t.Context(), c.id)))
		same(t, "called", c.want, called)
	}
}

type discard struct{ header http.Header }

func (d *discard) Header() http.Header         { return d.header }
func (d *discard) Write(b []byte) (int, error) { return len(b), nil }
func (d *discard) WriteHeader(int)             {}

func TestHeaders(t *testing.T) {
	want := map[string]string{
		"Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
		"X-Content-Type-Options":  "nosniff", "Referrer-Policy": "same-origin", "Cross-Origin-Opener-Policy": "same-origin", "Cache-Control": "no-store",
		"Strict-Transport-Security": "",
	}
	s := newServer(t, nil)
	for _, path := range []string{"/", "/login", "/nothing", "/oidc/callback"} {
		a := s.browser().get(path)
		for name, value := range want {
			same(t, path+" "+name, value, a.header.Get(name))
		}
		if !strings.Contains(a.header.Get("Permissions-Policy"), "camera=()") {
			t.Errorf("%s: Permissions-Policy: %q", path, a.header.Get("Permissions-Policy"))
		}
	}
	secure := newServer(t, func(o *login.Options) { o.TLS = true })
	same(t, "with TLS", "max-age=31536000", secure.browser().get("/login").header.Get("Strict-Transport-Security"))
}

// Behind a proxy, the address is the one that the proxy saw, whatever the client says.
func TestAddressesBehindAProxy(t *testing.T) {
	s := newServer(t, func(o *login.Options) { o.BehindProxy, o.TrustedProxies = true, prefixes("127.0.0.1/32") })
	for i := range 25 {
		b := s.browser()
		b.header.Set("X-Forwarded-For", fmt.Sprintf("10.0.0.%d, 203.0.113.9", i))
		want := http.StatusForbidden
		if i >= 20 {
			want = http.StatusTooManyRequests
		}
		same(t, fmt.Sprint("try ", i), want, b.login(fmt.Sprint("n", i), "wrong").status)
	}
	same(t, "audit log", "unknown|203.0.113.9|Login||unknown name", s.audited()[0])
	b := s.browser()
	b.header.Set("X-Forwarded-For", "203.0.113.10")
	same(t, "somebody else", http.StatusSeeOther, b.login("ann", annsPassword).status)

	direct := newServer(t, nil).browser()
	direct.header.Set("X-Forwarded-For", "203.0.113.9")
	direct.login("ann", annsPassword)
	if a := direct.get("/"); !strings.HasSuffix(a.body, " from 127.0.0.1") {
		t.Errorf("without a proxy: %s", a.body)
	}
}
