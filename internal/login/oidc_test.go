package login_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/pare-iam/pare/internal/login"
	"github.com/pare-iam/pare/internal/login/oidctest"
	"github.com/pare-iam/pare/internal/store"
	"github.com/pare-iam/pare/internal/store/storetest"
)

// back is the path that a provider sends somebody back to.
func back(t testing.TB, to string) string {
	t.Helper()
	u, err := url.Parse(to)
	check(t, err)
	same(t, "where the provider sends somebody", "http://127.0.0.1:1/oidc/callback", u.Scheme+"://"+u.Host+u.Path)
	return u.RequestURI()
}

// loginAt is a whole login at the provider, and the last answer.
func (b *browser) loginAt(p *oidctest.Provider, next string) answer {
	b.s.t.Helper()
	a := b.get("/oidc/login?" + url.Values{"next": {next}}.Encode())
	if a.status != http.StatusSeeOther {
		return a
	}
	return b.get(back(b.s.t, p.Authorize(a.location)))
}

func TestALoginAtTheProvider(t *testing.T) {
	s, p := newOIDCServer(t, nil)
	b := s.browser()
	page := b.get("/login?next=/findings").body
	if !strings.Contains(page, `<a class="button" href="/oidc/login?next=%2Ffindings">Log in with Example</a>`) {
		t.Errorf("no way to the provider:\n%s", page)
	}
	same(t, "led on", "/findings?a=b", b.loginAt(p, "/findings?a=b").location)
	same(t, "the highest role", "ann@example.com operator oidc", b.who())
	out := b.send("POST", "/logout", nil)
	same(t, "logged out", "", b.who())
	if page := b.get(out.location).body; !strings.Contains(page, `<a href="`+p.URL+`/bye?client_id=pare">Log out at Example, too</a>`) {
		t.Errorf("no way to log out there:\n%s", page)
	}
	same(t, "audit log", []string{
		"ann@example.com|127.0.0.1|Login|oidc|", "ann@example.com|127.0.0.1|Logout|oidc|",
	}, s.audited())
	same(t, "nowhere else", "/", s.browser().loginAt(p, "//evil.example").location)
}

// What isn't good for a login, each with a whole and otherwise sound provider.
func TestLoginsAtTheProviderThatArentTaken(t *testing.T) {
	in := func(change func(*oidctest.Provider, oidctest.Claims)) func(*testing.T, *server, *oidctest.Provider, *browser) answer {
		return func(_ *testing.T, _ *server, p *oidctest.Provider, b *browser) answer {
			p.Spoil = func(c oidctest.Claims) { change(p, c) }
			return b.loginAt(p, "/findings")
		}
	}
	forged := func(forge func(*oidctest.Provider, oidctest.Claims) string) func(*testing.T, *server, *oidctest.Provider, *browser) answer {
		return func(_ *testing.T, _ *server, p *oidctest.Provider, b *browser) answer {
			p.Forge = func(c oidctest.Claims) string { return forge(p, c) }
			return b.loginAt(p, "/findings")
		}
	}
	claim := func(name string, v any) func(*testing.T, *server, *oidctest.Provider, *browser) answer {
		return in(func(_ *oidctest.Provider, c oidctest.Claims) { c[name] = v })
	}
	for name, c := range map[string]struct {
		do      func(*testing.T, *server, *oidctest.Provider, *browser) answer
		outcome string
		text    string
	}{
		"another login's token":       {claim("nonce", "other"), "isn't good", "isn't good"},
		"a token without nonce":       {in(func(_ *oidctest.Provider, c oidctest.Claims) { delete(c, "nonce") }), "isn't good", "isn't good"},
		"another client's":            {claim("aud", "other"), "isn't good", "isn't good"},
		"made for another":            {claim("azp", "other"), "isn't good", "isn't good"},
		"for several":                 {claim("aud", []string{oidctest.ClientID, "other"}), "isn't good", "isn't good"},
		"another issuer's":            {claim("iss", "https://evil.example"), "isn't good", "isn't good"},
		"over":                        {in(func(p *oidctest.Provider, c oidctest.Claims) { c["exp"] = p.Now().Add(-time.Second).Unix() }), "isn't good", "isn't good"},
		"no email":                    {in(func(_ *oidctest.Provider, c oidctest.Claims) { delete(c, "email") }), "isn't good", "isn't good"},
		"an odd name":                 {claim("email", "ann\n@example.com"), "isn't good", "isn't good"},
		"the server's own name":       {claim("email", "local"), "isn't good", "isn't good"},
		"not verified":                {claim("email_verified", false), "isn't good", "isn't good"},
		"not verified, in text":       {claim("email_verified", "false"), "isn't good", "isn't good"},
		"no group has a role":         {claim("groups", []string{"others"}), "no group has a role", "none of your groups has a role here"},
		"no groups":                   {in(func(_ *oidctest.Provider, c oidctest.Claims) { delete(c, "groups") }), "no group has a role", "none of your groups"},
		"groups of another form":      {claim("groups", map[string]any{"security": true}), "no group has a role", "none of your groups"},
		"a name of the password file": {claim("email", "bob"), "bob is in the password file", "Somebody else is called bob here"},
		"signed by another key": {forged(func(p *oidctest.Provider, c oidctest.Claims) string {
			return p.Signed("RS256", oidctest.NewKey(), c)
		}), "isn't good", "isn't good"},
		"not signed": {forged(func(p *oidctest.Provider, c oidctest.Claims) string { return p.Unsigned("none", c) + "." }), "isn't good", "isn't good"},
		"signed by what everybody knows": {forged(func(p *oidctest.Provider, c oidctest.Claims) string {
			text := p.Unsigned("HS256", c)
			mac := hmac.New(sha256.New, p.Key().N.Bytes())
			mac.Write([]byte(text))
			return text + "." + oidctest.Encode(mac.Sum(nil))
		}), "isn't good", "isn't good"},
		"changed after it was signed": {forged(func(p *oidctest.Provider, c oidctest.Claims) string {
			parts := strings.Split(p.Signed("RS256", p.Key(), c), ".")
			c["groups"] = []string{"root"}
			return p.Unsigned("RS256", c) + "." + parts[2]
		}), "isn't good", "isn't good"},
		"no token": {forged(func(*oidctest.Provider, oidctest.Claims) string { return "" }), "isn't good", "isn't good"},
		"another's state": {func(t *testing.T, s *server, p *oidctest.Provider, b *browser) answer {
			other := s.browser()
			theirs := p.Authorize(other.get("/oidc/login").location)
			b.get("/oidc/login")
			return b.get(back(t, theirs))
		}, "no such login is under way", "can&#39;t be finished"},
		"a link that somebody sent": {func(t *testing.T, s *server, p *oidctest.Provider, b *browser) answer {
			return b.get(back(t, p.Authorize(s.browser().get("/oidc/login").location)))
		}, "no such login is under way", "can&#39;t be finished"},
		"no state": {func(_ *testing.T, _ *server, _ *oidctest.Provider, b *browser) answer {
			b.get("/oidc/login")
			return b.get("/oidc/callback?code=1")
		}, "no such login is under way", "can&#39;t be finished"},
		"finished already": {func(t *testing.T, s *server, p *oidctest.Provider, b *browser) answer {
			to := back(t, p.Authorize(b.get("/oidc/login").location))
			b.get(to)
			b.send("POST", "/logout", nil)
			return b.get(to)
		}, "no such login is under way", "can&#39;t be finished"},
		"finished already, and the cookie was kept": {func(t *testing.T, s *server, p *oidctest.Provider, b *browser) answer {
			begun := b.get("/oidc/login")
			to := back(t, p.Authorize(begun.location))
			b.get(to)
			b.send("POST", "/logout", nil)
			thief := s.browser()
			thief.header.Set("Cookie", "pare-oidc="+cookie(t, begun).Value)
			return thief.get(to)
		}, "no such login is under way", "can&#39;t be finished"},
		"begun too long ago": {func(t *testing.T, s *server, p *oidctest.Provider, b *browser) answer {
			to := back(t, p.Authorize(b.get("/oidc/login").location))
			s.advance(10 * time.Minute)
			return b.get(to)
		}, "no such login is under way", "can&#39;t be finished"},
		"a code that was used": {func(t *testing.T, s *server, p *oidctest.Provider, b *browser) answer {
			first := p.Authorize(b.get("/oidc/login").location)
			b.get(back(t, first))
			b.send("POST", "/logout", nil)
			second := p.Authorize(b.get("/oidc/login").location)
			return b.get(strings.Replace(back(t, second), codeOf(t, second), codeOf(t, first), 1))
		}, "isn't good", "isn't good"},
		"another's code": {func(t *testing.T, s *server, p *oidctest.Provider, b *browser) answer {
			theirs := p.Authorize(s.browser().get("/oidc/login").location)
			ours := p.Authorize(b.get("/oidc/login").location)
			return b.get(strings.Replace(back(t, ours), codeOf(t, ours), codeOf(t, theirs), 1))
		}, "isn't good", "isn't good"},
		"another issuer's answer": {func(t *testing.T, s *server, p *oidctest.Provider, b *browser) answer {
			to := back(t, p.Authorize(b.get("/oidc/login").location))
			return b.get(strings.Replace(to, "iss=", "iss=x", 1))
		}, "isn't good", "isn't good"},
		"the provider says no": {func(t *testing.T, s *server, p *oidctest.Provider, b *browser) answer {
			u, err := url.Parse(b.get("/oidc/login").location)
			check(t, err)
			return b.get("/oidc/callback?error=access_denied&state=" + u.Query().Get("state"))
		}, "the provider said access_denied", "Example said: access_denied."},
		"the provider says something odd": {func(t *testing.T, s *server, p *oidctest.Provider, b *browser) answer {
			u, err := url.Parse(b.get("/oidc/login").location)
			check(t, err)
			return b.get("/oidc/callback?error=%3Cscript%3E&state=" + u.Query().Get("state"))
		}, "isn't good", "isn't good"},
	} {
		t.Run(name, func(t *testing.T) {
			s, p := newOIDCServer(t, nil)
			b := s.browser()
			a := c.do(t, s, p, b)
			same(t, "status", http.StatusForbidden, a.status)
			same(t, "who", "", b.who())
			if !strings.Contains(strings.ReplaceAll(a.body, "isn&#39;t", "isn't"), c.text) || !strings.Contains(a.body, "Log in again") || strings.Contains(a.body, "<script") {
				t.Errorf("the page doesn't say %q:\n%s", c.text, a.body)
			}
			lines := s.audited()
			if last := lines[len(lines)-1]; !strings.Contains(last, "|Login|oidc|") || !strings.Contains(last, c.outcome) {
				t.Errorf("audit log: %s", last)
			}
		})
	}
}

func codeOf(t testing.TB, to string) string {
	t.Helper()
	u, err := url.Parse(to)
	check(t, err)
	return u.Query().Get("code")
}

func TestHowRolesComeFromClaims(t *testing.T) {
	for name, c := range map[string]struct {
		user   oidctest.Claims
		change func(*login.OIDC)
		want   string
	}{
		"a single group as a text": {oidctest.Claims{"email": "a@b.c", "groups": "root"}, nil, "a@b.c admin oidc"},
		"a claim within another": {oidctest.Claims{"email": "a@b.c", "realm_access": oidctest.Claims{"roles": []string{"root"}}},
			func(o *login.OIDC) { o.GroupsClaim = "realm_access.roles" }, "a@b.c admin oidc"},
		"a claim whose name has dots": {oidctest.Claims{"email": "a@b.c", "https://example.com/groups": []string{"root"}},
			func(o *login.OIDC) { o.GroupsClaim = "https://example.com/groups" }, "a@b.c admin oidc"},
		"another name": {oidctest.Claims{"preferred_username": "Ann Lee", "email_verified": false, "groups": []string{"everybody"}},
			func(o *login.OIDC) { o.UserClaim = "preferred_username" }, "Ann Lee viewer oidc"},
		"a text that says true": {oidctest.Claims{"email": "a@b.c", "email_verified": "true", "groups": "security"}, nil, "a@b.c operator oidc"},
	} {
		s, p := newOIDCServer(t, func(o *login.Options) {
			if c.change != nil {
				c.change(o.OIDC)
			}
		})
		p.User = c.user
		b := s.browser()
		b.loginAt(p, "/")
		same(t, name, c.want, b.who())
	}
}

func TestTheServerStartsWithoutTheProvider(t *testing.T) {
	s, p := newOIDCServer(t, nil)
	p.Down.Store(true)
	b := s.browser()
	for range 5 {
		a := b.get("/oidc/login")
		same(t, "while it is down", http.StatusServiceUnavailable, a.status)
		same(t, "come again", "5", a.header.Get("Retry-After"))
	}
	same(t, "passwords go on", "/", s.browser().login("bob", bobsPassword).location)
	p.Down.Store(false)
	same(t, "it isn't asked at once", http.StatusServiceUnavailable, b.get("/oidc/login").status)
	s.advance(5 * time.Second)
	same(t, "when it is back", "/", b.loginAt(p, "/").location)
	b.loginAt(p, "/")
	same(t, "it is asked once", int64(1), p.Asks.Load())
}

func TestTheProviderMayChangeItsKeys(t *testing.T) {
	s, p := newOIDCServer(t, nil)
	s.browser().loginAt(p, "/")
	p.Rotate("k2")
	same(t, "by the new key", "/", s.browser().loginAt(p, "/").location)
}

func TestHowTheClientSaysItsSecret(t *testing.T) {
	for _, style := range []string{"client_secret_basic", "client_secret_post"} {
		s, p := newOIDCServer(t, nil)
		p.Style = style
		same(t, style, "/", s.browser().loginAt(p, "/").location)
		same(t, "at the first try", 0, len(p.Wrong()))
	}
}

func TestLoginsThatAreBegunAreLimited(t *testing.T) {
	s, _ := newOIDCServer(t, nil)
	for range 30 {
		same(t, "one", http.StatusSeeOther, s.browser().get("/oidc/login").status)
	}
	a := s.browser().get("/oidc/login")
	same(t, "one more", http.StatusTooManyRequests, a.status)
	same(t, "come again", "2", a.header.Get("Retry-After"))
}

// A login may begin on one server and end on another.
func TestSeveralServersShareLogins(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db string) {
		one, p := newOIDCServer(t, func(o *login.Options) { o.Store = openStore(t, db) })
		two, _ := newOIDCServer(t, func(o *login.Options) { o.Store, o.OIDC.Issuer = openStore(t, db), p.URL })
		b := one.browser()
		to := back(t, p.Authorize(b.get("/oidc/login").location))
		same(t, "finished elsewhere", "/", b.get(two.URL+to).location)
		same(t, "and known here", "ann@example.com operator oidc", b.who())
	})
}

// Who has no role by the new settings isn't let in by a session of the old ones.
func TestSessionsEndWhenTheMappingChanges(t *testing.T) {
	db := storetest.New(t, storetest.SQLite)
	before, p := newOIDCServer(t, func(o *login.Options) { o.Store = openStore(t, db) })
	b := before.browser()
	b.loginAt(p, "/")
	for name, c := range map[string]struct {
		change func(*login.Options)
		want   int
	}{
		"the same settings": {func(*login.Options) {}, http.StatusOK},
		"another mapping": {func(o *login.Options) {
			o.OIDC.Roles = map[string]login.Role{"everybody": store.Viewer}
		}, http.StatusSeeOther},
		"no provider": {func(o *login.Options) { o.OIDC = nil }, http.StatusSeeOther},
	} {
		b := before.browser()
		b.loginAt(p, "/")
		after, _ := newOIDCServer(t, func(o *login.Options) {
			o.Store, o.OIDC.Issuer = openStore(t, db), p.URL
			c.change(o)
		})
		same(t, name, c.want, b.get(after.URL+"/").status)
	}
}
