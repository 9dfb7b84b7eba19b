package login_test

import (
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pare-iam/pare/internal/login"
	"github.com/pare-iam/pare/internal/store"
)

func goodOIDC() *login.OIDC {
	return &login.OIDC{Issuer: "https://id.example.com", ClientID: "pare", Roles: map[string]login.Role{"security": store.Admin}}
}

func TestRequirements(t *testing.T) {
	proxy := prefixes("10.0.0.1/32")
	for name, c := range map[string]struct {
		setup login.Setup
		want  []string // in the error; nil: none
	}{
		"loopback needs nothing":        {login.Setup{Listen: "127.0.0.1:8080"}, nil},
		"IPv6 loopback":                 {login.Setup{Listen: "[::1]:8080"}, nil},
		"localhost":                     {login.Setup{Listen: "localhost:8080"}, nil},
		"loopback with a login":         {login.Setup{Listen: "127.0.0.1:8080", PasswordFile: "people"}, nil},
		"all addresses":                 {login.Setup{Listen: ":8080"}, []string{"listening on :8080 without a login", "--password-file", "without TLS", "--behind-proxy"}},
		"an address of the network":     {login.Setup{Listen: "192.0.2.1:8080"}, []string{"without a login", "without TLS"}},
		"a name of the network":         {login.Setup{Listen: "pare.example.com:8080"}, []string{"without a login", "without TLS"}},
		"a login without TLS":           {login.Setup{Listen: ":8080", PasswordFile: "people"}, []string{"without TLS"}},
		"TLS without a login":           {login.Setup{Listen: ":8080", TLS: true}, []string{"without a login"}},
		"a login and TLS":               {login.Setup{Listen: ":8080", PasswordFile: "people", TLS: true}, nil},
		"a login behind a proxy":        {login.Setup{Listen: ":8080", PasswordFile: "people", BehindProxy: true, TrustedProxies: proxy}, nil},
		"behind a proxy on loopback":    {login.Setup{Listen: "127.0.0.1:8080", BehindProxy: true, TrustedProxies: proxy}, []string{"behind a proxy without a login"}},
		"behind an unknown proxy":       {login.Setup{Listen: ":8080", PasswordFile: "people", BehindProxy: true}, []string{"--trusted-proxies"}},
		"a proxy that isn't there":      {login.Setup{Listen: "127.0.0.1:8080", TrustedProxies: proxy}, []string{"without --behind-proxy"}},
		"everybody is a proxy":          {login.Setup{Listen: ":1", PasswordFile: "p", BehindProxy: true, TrustedProxies: prefixes("0.0.0.0/0")}, []string{"that is everybody"}},
		"no proxy at all":               {login.Setup{Listen: ":1", PasswordFile: "p", BehindProxy: true, TrustedProxies: []netip.Prefix{{}}}, []string{"that is everybody"}},
		"no port":                       {login.Setup{Listen: "127.0.0.1"}, []string{"want host:port"}},
		"a provider":                    {login.Setup{Listen: ":8080", TLS: true, OIDC: goodOIDC(), PublicURL: "https://pare.example.com/"}, nil},
		"a provider without a way back": {login.Setup{Listen: ":8080", TLS: true, OIDC: goodOIDC()}, []string{"set public_url"}},
		"a way back that can be read":   {login.Setup{Listen: ":8080", TLS: true, OIDC: goodOIDC(), PublicURL: "http://pare.example.com"}, []string{"public URL", "want https://"}},
		"a way back with a path":        {login.Setup{Listen: ":8080", TLS: true, OIDC: goodOIDC(), PublicURL: "https://pare.example.com/pare"}, []string{"a host alone"}},
		"a provider without settings": {login.Setup{Listen: ":8080", TLS: true, OIDC: &login.OIDC{}, PublicURL: "https://pare.example.com"},
			[]string{"oidc.issuer", "oidc.client_id", "oidc.roles: nobody could log in"}},
		"a provider that can be listened to": {login.Setup{Listen: ":8080", TLS: true, PublicURL: "https://pare.example.com",
			OIDC: &login.OIDC{Issuer: "http://id.example.com", ClientID: "pare", Roles: map[string]login.Role{"a": "root"}}},
			[]string{"oidc.issuer", "want https://", `oidc.roles: a: role "root"`}},
	} {
		err := login.Requirements(c.setup)
		if (err == nil) != (c.want == nil) {
			t.Errorf("%s: %v", name, err)
		}
		for _, text := range c.want {
			if err == nil || !strings.Contains(err.Error(), text) {
				t.Errorf("%s: %v, want %q in it", name, err, text)
			}
		}
	}
}

func TestNewRefuses(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*testing.T, *login.Options)
		want   string
	}{
		"what Requirements refuses":      {func(_ *testing.T, o *login.Options) { o.Listen = "0.0.0.0:80" }, "without TLS"},
		"a file that isn't there":        {func(_ *testing.T, o *login.Options) { o.PasswordFile += "x" }, "no such file"},
		"a folder":                       {func(_ *testing.T, o *login.Options) { o.PasswordFile = filepath.Dir(o.PasswordFile) }, "want a file"},
		"an error in the file":           {func(t *testing.T, o *login.Options) { write(t, o.PasswordFile, "ann") }, "want name:role:hash"},
		"a file that the group can read": {func(t *testing.T, o *login.Options) { check(t, os.Chmod(o.PasswordFile, 0o640)) }, "type `chmod 600 "},
		"a file that others can write":   {func(t *testing.T, o *login.Options) { check(t, os.Chmod(o.PasswordFile, 0o602)) }, "type `chmod 600 "},
	} {
		o := options(t, newClock(), "sqlite:"+filepath.Join(t.TempDir(), "pare.db"))
		c.change(t, &o)
		if _, err := login.New(o); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q in it", name, err, c.want)
		}
	}
}
