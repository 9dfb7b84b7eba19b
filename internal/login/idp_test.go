package login_test

import (
	"testing"

	"github.com/pare-iam/pare/internal/login"
	"github.com/pare-iam/pare/internal/login/oidctest"
	"github.com/pare-iam/pare/internal/store"
)

// newOIDCServer is a server whose people log in at the provider, or by the password file.
func newOIDCServer(t testing.TB, change func(*login.Options)) (*server, *oidctest.Provider) {
	t.Helper()
	var p *oidctest.Provider
	s := newServer(t, func(o *login.Options) {
		p = oidctest.New(t, o.Now)
		o.PublicURL = "http://127.0.0.1:1" // what back looks for
		o.OIDC = &login.OIDC{
			Issuer: p.URL, ClientID: oidctest.ClientID, ClientSecret: oidctest.ClientSecret, Name: "Example",
			Roles: map[string]login.Role{"everybody": store.Viewer, "security": store.Operator, "root": store.Admin},
		}
		if change != nil {
			change(o)
		}
	})
	return s, p
}
