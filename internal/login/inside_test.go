package login

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/pare-iam/pare/internal/store"
	"github.com/pare-iam/pare/internal/store/storetest"
)

var proxies = []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("fd00::/8")}

func from(remote string, forwarded ...string) *http.Request {
	return &http.Request{RemoteAddr: remote, Header: http.Header{"X-Forwarded-For": forwarded}}
}

func TestClientAddress(t *testing.T) {
	for name, c := range map[string]struct {
		r    *http.Request
		want string
	}{
		"whoever connected":                           {from("192.0.2.1:5"), "192.0.2.1"},
		"not what somebody says who isn't a proxy":    {from("192.0.2.1:5", "203.0.113.9"), "192.0.2.1"},
		"what a proxy says":                           {from("10.0.0.1:5", "203.0.113.9"), "203.0.113.9"},
		"the last that isn't a proxy":                 {from("10.0.0.1:5", "1.1.1.1, 203.0.113.9, 10.0.0.2"), "203.0.113.9"},
		"several headers are one":                     {from("10.0.0.1:5", "1.1.1.1", "203.0.113.9", "10.0.0.2"), "203.0.113.9"},
		"a proxy that says nothing":                   {from("10.0.0.1:5"), "10.0.0.1"},
		"nonsense ends the list":                      {from("10.0.0.1:5", "203.0.113.9, nonsense, 10.0.0.2"), "10.0.0.2"},
		"the first proxy, if there are only proxies":  {from("10.0.0.1:5", "10.0.0.3, 10.0.0.2"), "10.0.0.3"},
		"with a port":                                 {from("10.0.0.1:5", "203.0.113.9:1234"), "203.0.113.9"},
		"IPv6":                                        {from("[fd00::1]:5", "2001:db8::1"), "2001:db8::1"},
		"IPv6 with a port":                            {from("[fd00::1]:5", "[2001:db8::1]:7"), "2001:db8::1"},
		"an IPv4 address in the clothes of IPv6":      {from("[::ffff:10.0.0.1]:5", "::ffff:203.0.113.9"), "203.0.113.9"},
		"no more hops than anybody has":               {from("10.0.0.1:5", "203.0.113.9"+strings.Repeat(",10.0.0.2", 40)), "10.0.0.2"},
		"a connection without an address, and nobody": {from("@"), "invalid IP"},
	} {
		if got := clientAddress(c.r, proxies).String(); got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
}

// Whatever a client writes into the header, the proxy's word decides.
func TestClientAddressLaw(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		said := rapid.SliceOf(rapid.OneOf(rapid.SampledFrom([]string{"10.0.0.9", "fd00::9", "", ",", "198.51.100.1"}), rapid.String())).Draw(t, "said")
		r := from("10.0.0.1:5", append(said, "203.0.113.9")...)
		if got := clientAddress(r, proxies).String(); got != "203.0.113.9" {
			t.Fatalf("%q: %s", said, got)
		}
	})
}

func TestSubscriber(t *testing.T) {
	for addr, want := range map[string]string{"192.0.2.1": "192.0.2.1", "2001:db8:0:1:2:3:4:5": "2001:db8:0:1::/64"} {
		if diff := cmp.Diff(want, subscriber(netip.MustParseAddr(addr))); diff != "" {
			t.Error(diff)
		}
	}
}

// The reference implementation's own example.
// https://github.com/P-H-C/phc-winner-argon2/blob/master/src/test.c
func TestArgon2AsItsAuthorsHaveIt(t *testing.T) {
	h := hashed{cost: cost{memory: 1 << 16, passes: 2, threads: 1}, salt: []byte("somesalt"), sum: make([]byte, 32)}
	h.sum = h.of("password")
	const want = "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc"
	if diff := cmp.Diff(want, h.String()); diff != "" {
		t.Error(diff)
	}
}

func TestPasswordFileParsePrintLaw(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 5).Draw(t, "lines")
		want := make([]PasswordLine, n)
		var text strings.Builder
		for i := range want {
			strong := rapid.SampledFrom(enough[:]).Draw(t, "cost")
			want[i] = PasswordLine{
				Name: fmt.Sprintf("%s%d", rapid.StringMatching(`[A-Za-z0-9._@+-]{1,20}`).Draw(t, "name"), i),
				Role: rapid.SampledFrom(Roles()).Draw(t, "role"),
				hash: hashed{
					cost: cost{strong.memory + rapid.Uint32Range(0, 9999).Draw(t, "m"), strong.passes + rapid.Uint32Range(0, 9).Draw(t, "t"), rapid.Uint8Range(1, 32).Draw(t, "p")},
					salt: rapid.SliceOfN(rapid.Byte(), minSalt, maxSalt).Draw(t, "salt"),
					sum:  rapid.SliceOfN(rapid.Byte(), minSum, maxSum).Draw(t, "sum"),
				},
			}
			text.WriteString(rapid.SampledFrom([]string{"", "\n", "# remark\n", "  \t"}).Draw(t, "before"))
			text.WriteString(want[i].String() + rapid.SampledFrom([]string{"\n", "\r\n", " \n"}).Draw(t, "end"))
		}
		got, err := ParsePasswords([]byte(text.String()), "people")
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got, cmp.AllowUnexported(PasswordLine{}, hashed{}, cost{})); diff != "" {
			t.Fatalf("-want +got\n%s", diff)
		}
	})
}

// peopleFile is a file of one whose password is "correct horse battery".
func peopleFile(t *testing.T) string {
	t.Helper()
	text, err := hashWith(cost{memory: 7 << 10, passes: 5, threads: 1}, "correct horse battery")
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "people")
	if err := os.WriteFile(path, []byte("ann:admin:"+text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestOnlySoManyPasswordsAreCheckedAtOnce(t *testing.T) {
	p := newPasswords(peopleFile(t))
	for range cap(p.turns) {
		p.turns <- struct{}{} // somebody else's
	}
	var all sync.WaitGroup
	for range maxWaiting {
		all.Go(func() {
			if line, err := p.check(t.Context(), "ann", "correct horse battery"); line == nil || err != nil {
				t.Errorf("who waited: %v, %v", line, err)
			}
		})
	}
	for p.waiting.Load() < maxWaiting {
		time.Sleep(time.Millisecond) // until all wait
	}
	soon, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if _, err := p.check(soon, "ann", "correct horse battery"); !errors.Is(err, errBusy) {
		t.Errorf("one more: %v", err)
	}
	for range cap(p.turns) {
		<-p.turns
	}
	all.Wait()
}

// A request that was under way when somebody logged out doesn't bring the session back.
func TestALogoutIsFinal(t *testing.T) {
	db, err := store.Open(t.Context(), storetest.New(t, storetest.SQLite), store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	}()
	l, err := New(Options{Setup: Setup{Listen: "127.0.0.1:0", PasswordFile: peopleFile(t)}, Store: db, Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	w := httptest.NewRecorder()
	if err := l.sessions.begin(w, httptest.NewRequest("GET", "/", nil), session{Identity: Identity{Name: "ann"}}); err != nil {
		t.Fatal(err)
	}
	token := w.Result().Cookies()[0].Value
	r := httptest.NewRequest("GET", "/", nil)
	r.AddCookie(&http.Cookie{Name: "pare", Value: token})
	if _, ok, err := l.sessions.find(r); !ok || err != nil {
		t.Fatalf("logged in: %v %v", ok, err)
	}
	if _, _, err := l.sessions.end(httptest.NewRecorder(), r); err != nil {
		t.Fatal(err)
	}
	if err := l.sessions.see(t.Context(), token, "ann"); err != nil {
		t.Fatal(err)
	}
	if _, ok, err := l.sessions.find(r); ok || err != nil {
		t.Errorf("logged out: %v %v", ok, err)
	}
}

// What a browser does with an address that it is led to, as far as it matters here.
// https://url.spec.whatwg.org/#url-parsing
func staysHere(location string) bool {
	location = strings.TrimFunc(location, func(r rune) bool { return r <= ' ' })
	location = strings.NewReplacer("\t", "", "\n", "", "\r", "", `\`, "/").Replace(location)
	return strings.HasPrefix(location, "/") && !strings.HasPrefix(location, "//")
}

func TestLocalPathLaw(t *testing.T) {
	piece := rapid.SampledFrom([]string{"/", "//", `\`, "evil.example", "https:", "javascript:", "\t", "\n", "\r", "\x00", " ", "@", "?", "#", "a", "..", ".", "%2f", "%5c", "%09", "é", "\u2028", "\xff", ":", "login"})
	rapid.Check(t, func(t *rapid.T) {
		next := rapid.OneOf(rapid.String(), rapid.Custom(func(t *rapid.T) string {
			return strings.Join(rapid.SliceOf(piece).Draw(t, "pieces"), "")
		})).Draw(t, "next")
		got := LocalPath(next)
		if !staysHere(got) || strings.ContainsAny(got, "\t\r\n\\\x00") {
			t.Fatalf("%q leads to %q", next, got)
		}
		if LocalPath(got) != got {
			t.Fatalf("%q leads to %q, and that to %q", next, got, LocalPath(got))
		}
		// What is sent stays here as well.
		w := httptest.NewRecorder()
		http.Redirect(w, httptest.NewRequest("GET", "/login", nil), got, http.StatusSeeOther)
		if sent := w.Header().Get("Location"); !staysHere(sent) {
			t.Fatalf("%q is sent as %q", next, sent)
		}
	})
}

func TestLocalPath(t *testing.T) {
	for next, want := range map[string]string{
		"/":                                "/",
		"/findings?status=A&q=a%2F":        "/findings?status=A&q=a%2F",
		"/a#b":                             "/a#b",
		"":                                 "/",
		"findings":                         "/",
		"//evil":                           "/",
		"///evil":                          "/",
		`/\evil`:                           "/",
		`\\evil`:                           "/",
		"https://evil":                     "/",
		"https:evil":                       "/",
		"javascript:alert(1)":              "/",
		"/\t/evil":                         "/",
		"/\n/evil":                         "/",
		"/a\u2028b":                        "/",
		"/a\r\nSet-Cookie: a=b":            "/",
		"/%zz":                             "/",
		"/login":                           "/",
		"/logout?a":                        "/",
		"/oidc/callback?code=1":            "/",
		"/" + strings.Repeat("a", maxNext): "/",
	} {
		if got := LocalPath(next); got != want {
			t.Errorf("%q: %q, want %q", next, got, want)
		}
	}
}
