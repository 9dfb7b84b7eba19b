package login_test

import (
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/pare-iam/pare/internal/login"
	"github.com/pare-iam/pare/internal/store"
	"github.com/pare-iam/pare/internal/store/storetest"
)

func TestALoginFromItsPageToItsEnd(t *testing.T) {
	storetest.Each(t, func(t *testing.T, url string) {
		s := newServerOn(t, url, nil)
		b := s.browser()
		same(t, "before", "", b.who())
		same(t, "the login page is asked for", "/login?next=%2Ffindings%3Fstatus%3DACTIVE", b.get("/findings?status=ACTIVE").location)
		same(t, "a wrong password", http.StatusForbidden, b.login("ann", "wrong").status)
		same(t, "still nobody", "", b.who())
		a := b.login("ann", annsPassword)
		same(t, "led on", "/", a.location)
		same(t, "logged in", "ann admin password", b.who())
		same(t, "the login page leads on", "/runs", b.get("/login?next=/runs").location)
		out := b.send("POST", "/logout", nil)
		same(t, "led out", "/login?out=1", out.location)
		same(t, "logged out", "", b.who())
		if page := b.get(out.location).body; !strings.Contains(page, "You are logged out.") {
			t.Errorf("the page after a logout: %s", page)
		}
		same(t, "audit log", []string{
			"ann|127.0.0.1|Login||wrong password", "ann|127.0.0.1|Login|password|", "ann|127.0.0.1|Logout|password|",
		}, s.audited())
	})
}

func TestTheFormLeadsToWhereSomebodyWanted(t *testing.T) {
	s := newServer(t, nil)
	for next, want := range map[string]string{"/findings?a=b": "/findings?a=b", "//evil.example": "/", "/\\evil.example": "/", "/logout": "/"} {
		a := s.browser().send("POST", "/login", url.Values{"name": {"ann"}, "password": {annsPassword}, "next": {next}})
		same(t, next, want, a.location)
	}
}

// cookie is the only one of an answer that has a value.
func cookie(t *testing.T, a answer) *http.Cookie {
	t.Helper()
	all := (&http.Response{Header: a.header}).Cookies()
	if len(all) != 1 {
		t.Fatalf("cookies: %v", all)
	}
	return all[0]
}

func TestCookies(t *testing.T) {
	plain := cookie(t, newServer(t, nil).browser().login("ann", annsPassword))
	same(t, "on loopback", "pare / true false true\n", described(plain))
	same(t, "it goes with the browser", 0, plain.MaxAge)
	secure := newServer(t, func(o *login.Options) { o.TLS = true })
	same(t, "with TLS", "__Host-pare / true true true\n", described(cookie(t, secure.browser().login("ann", annsPassword))))
}

func described(c *http.Cookie) string {
	return fmt.Sprintln(c.Name, c.Path, c.HttpOnly, c.Secure, c.SameSite == http.SameSiteLaxMode)
}

// A session that somebody else put into the browser isn't the one that is logged in.
func TestALoginMakesANewSession(t *testing.T) {
	s := newServer(t, nil)
	b := s.browser()
	first := cookie(t, b.login("ann", annsPassword))
	second := cookie(t, b.login("bob", bobsPassword))
	if first.Value == second.Value {
		t.Error("the token stays as it was")
	}
	same(t, "now", "bob viewer password", b.who())
	thief := s.browser()
	thief.header.Set("Cookie", first.Name+"="+first.Value)
	same(t, "the first session", "", thief.who())
}

func TestSessionsEnd(t *testing.T) {
	for name, c := range map[string]struct {
		happens func(*testing.T, *server, *browser)
		want    string
	}{
		"not when they are used within the idle time": {func(_ *testing.T, s *server, b *browser) {
			for range 11 {
				s.advance(59 * time.Minute)
				b.who()
			}
		}, "ann admin password"},
		"when they are idle": {func(_ *testing.T, s *server, _ *browser) { s.advance(time.Hour) }, ""},
		"when they are old, though used": {func(_ *testing.T, s *server, b *browser) {
			for range 12 * 6 {
				s.advance(10 * time.Minute)
				b.who()
			}
		}, ""},
		"when the password changes": {func(t *testing.T, s *server, _ *browser) {
			write(t, s.passwords, "ann:admin:"+hashOf(annsPassword, "c"))
		}, ""},
		"when the role changes": {func(t *testing.T, s *server, _ *browser) {
			write(t, s.passwords, strings.Replace(people(), "ann:admin", "ann:viewer", 1))
		}, ""},
		"when the line goes": {func(t *testing.T, s *server, _ *browser) {
			write(t, s.passwords, "bob:viewer:"+hashOf(bobsPassword, "b"))
		}, ""},
		"for good, though the line comes back": {func(t *testing.T, s *server, b *browser) {
			write(t, s.passwords, "bob:viewer:"+hashOf(bobsPassword, "b"))
			b.who()
			write(t, s.passwords, people())
		}, ""},
		"not when another line changes": {func(t *testing.T, s *server, _ *browser) {
			write(t, s.passwords, "# new\n"+strings.Replace(people(), "bob:viewer", "bob:admin", 1))
		}, "ann admin password"},
		"when all of somebody's are ended": {func(t *testing.T, s *server, _ *browser) {
			check(t, s.store.EndSessions(t.Context(), store.By{Who: "bob", At: s.now()}, "ann"))
		}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			s := newServer(t, nil)
			b := s.browser()
			b.login("ann", annsPassword)
			same(t, "before", "ann admin password", b.who())
			c.happens(t, s, b)
			same(t, "after", c.want, b.who())
		})
	}
}

// A scan that writes for long keeps nobody from reading, and logs nobody out.
func TestABusyDatabase(t *testing.T) {
	storetest.Each(t, func(t *testing.T, url string) {
		s := newServerOn(t, url, nil)
		b := s.browser()
		b.Timeout = 10 * time.Second
		b.login("ann", annsPassword)
		s.advance(10 * time.Minute)
		busy, err := s.store.Connections().Writer.BeginTx(t.Context(), nil)
		check(t, err)
		_, err = busy.ExecContext(t.Context(), "UPDATE sessions SET data = data")
		check(t, err)
		same(t, "while it is busy", "ann admin password", b.who())
		check(t, busy.Rollback())
		s.advance(10 * time.Minute)
		for range 20 { // it is tried again after some seconds, and one of these has the time for it
			s.advance(10 * time.Second)
			same(t, "afterwards", "ann admin password", b.who())
		}
		s.advance(59 * time.Minute)
		same(t, "it was noted that she was there", "ann admin password", b.who())
	})
}

// A file that can't be read gives nobody access, and says so; sessions go on once it is mended.
func TestABrokenPasswordFile(t *testing.T) {
	for name, breakIt := range map[string]func(t *testing.T, path string){
		"an error in a line": func(t *testing.T, path string) { write(t, path, people()+"carl:admin") },
		"it is gone":         func(t *testing.T, path string) { check(t, os.Remove(path)) },
		"others can read it": func(t *testing.T, path string) { check(t, os.Chmod(path, 0o644)) },
	} {
		t.Run(name, func(t *testing.T) {
			s := newServer(t, nil)
			b := s.browser()
			b.login("ann", annsPassword)
			breakIt(t, s.passwords)
			same(t, "who is logged in", "503", b.who())
			same(t, "a login", http.StatusServiceUnavailable, s.browser().login("bob", bobsPassword).status)
			write(t, s.passwords, people())
			same(t, "mended", "ann admin password", b.who())
		})
	}
}

func TestWhoTriesTooOftenWaits(t *testing.T) {
	s := newServer(t, nil)
	b := s.browser()
	for range 10 {
		same(t, "a try", http.StatusForbidden, b.login("ann", "wrong").status)
	}
	a := b.login("ann", annsPassword)
	same(t, "the eleventh, though it is right", http.StatusTooManyRequests, a.status)
	same(t, "wait", "30", a.header.Get("Retry-After"))
	same(t, "another name from here", http.StatusSeeOther, s.browser().login("bob", bobsPassword).status)
	for range 10 {
		b.login("nobody", "wrong")
	}
	same(t, "another name, too often from here", http.StatusTooManyRequests, b.login("bob", bobsPassword).status)
	same(t, "in the audit log: ten of ann, bob, and nine of nobody", 20, len(s.audited()))
	s.advance(30 * time.Second)
	same(t, "later", http.StatusSeeOther, b.login("ann", annsPassword).status)
}

func TestLoginsThatSucceedCountForNothing(t *testing.T) {
	s := newServer(t, nil)
	for range 25 {
		same(t, "login", http.StatusSeeOther, s.browser().login("bob", bobsPassword).status)
	}
}

// Nothing tells whether a name is known: not the answer, and not the time.
func TestNamesCantBeFoundOut(t *testing.T) {
	s := newServer(t, nil)
	fastest := map[string]time.Duration{"ann": time.Hour, "eve": time.Hour}
	answers := map[string]string{}
	for range 8 {
		for name, least := range fastest {
			start := time.Now()
			a := s.browser().login(name, "wrong")
			fastest[name] = min(least, time.Since(start))
			answers[name] = strings.ReplaceAll(a.body, name, "NAME")
		}
	}
	same(t, "the answer", answers["ann"], answers["eve"])
	if fastest["eve"] < fastest["ann"]/2 {
		t.Errorf("an unknown name takes %v, a known one %v", fastest["eve"], fastest["ann"])
	}
	if lines := strings.Join(s.audited(), "\n"); strings.Contains(lines, "eve") || !strings.Contains(lines, "unknown|127.0.0.1|Login||unknown name") {
		t.Errorf("what was typed isn't for the audit log:\n%s", lines)
	}
}

func TestOddForms(t *testing.T) {
	s := newServer(t, nil)
	for name, c := range map[string]struct {
		form url.Values
		want int
	}{
		"nothing typed":        {url.Values{}, http.StatusForbidden},
		"a very long password": {url.Values{"name": {"ann"}, "password": {strings.Repeat("a", 5000)}}, http.StatusForbidden},
		"a body too large":     {url.Values{"name": {"ann"}, "password": {strings.Repeat("a", 70000)}}, http.StatusBadRequest},
		"markup as a name":     {url.Values{"name": {`"><script>alert(1)</script>`}, "password": {"x"}}, http.StatusForbidden},
	} {
		a := s.browser().send("POST", "/login", c.form)
		same(t, name, c.want, a.status)
		if strings.Contains(a.body, "<script") {
			t.Errorf("%s: a script in the page:\n%s", name, a.body)
		}
	}
	a := s.browser().send("POST", "/login?password="+url.QueryEscape(annsPassword), url.Values{"name": {"ann"}})
	same(t, "a password in the address isn't taken", http.StatusForbidden, a.status)
}

func TestTheLoginPage(t *testing.T) {
	s := newServer(t, func(o *login.Options) { o.Stylesheet = "/static/other.css" })
	fresh := s.browser().get("/login?next=/findings").body
	for _, text := range []string{
		`<html lang="en">`, `href="/static/other.css"`, `<label for="name">`, `<label for="password">`, `autocomplete="current-password"`,
		`name="next" value="/findings"`, `content="light dark"`, `class="login"`, `class="field"`, `class="button"`,
	} {
		if !strings.Contains(fresh, text) {
			t.Errorf("no %s in the page:\n%s", text, fresh)
		}
	}
	failed := s.browser().login("ann", "wrong").body
	for _, text := range []string{`class="error" id="login-error" role="alert"`, `aria-describedby="login-error"`, `value="ann"`} {
		if !strings.Contains(failed, text) || strings.Contains(fresh, text) {
			t.Errorf("%s: want it in the page after a mistake alone:\n%s", text, failed)
		}
	}
	for _, text := range []string{"<script", "style=", "onclick", "Log in with"} {
		if strings.Contains(fresh+failed, text) {
			t.Errorf("%s is in the page", text)
		}
	}
}
