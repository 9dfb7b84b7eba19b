package login

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/go-json-experiment/json/jsontext"
	"golang.org/x/oauth2"
)

// OIDC is an OpenID provider.
type OIDC struct {
	Issuer       string // URL, as its discovery document has it
	ClientID     string
	ClientSecret string          // "": a public client, which PKCE protects alone
	Name         string          // for the button; "": the issuer's host
	UserClaim    string          // what somebody is called by; "": "email"
	GroupsClaim  string          // a list or a text; dots lead into objects; "": "groups"
	Roles        map[string]Role // by group; the highest wins, and who has none is refused
	Scopes       []string        // besides openid; nil: profile, email
	Client       *http.Client    // nil: one that waits for 10 s at most
}

// patience is how long a provider may take, and restraint is how long it isn't asked again
// after it didn't answer.
const (
	patience  = 10 * time.Second
	restraint = 5 * time.Second
)

// problems are what is wrong with the settings.
func (o *OIDC) problems(publicURL string) []error {
	var errs []error
	u, err := url.Parse(o.Issuer)
	if err != nil || u.Host == "" {
		errs = append(errs, fmt.Errorf("oidc.issuer %q: want the provider's URL, such as https://login.example.com/realms/main", o.Issuer))
	} else if err := checkScheme("oidc.issuer", u); err != nil {
		errs = append(errs, err)
	}
	if o.ClientID == "" {
		errs = append(errs, errors.New("oidc.client_id: want the ID that the provider gave the client"))
	}
	if publicURL == "" {
		errs = append(errs, errors.New("oidc: the provider must know where to send people back to: set public_url, such as https://pare.example.com"))
	}
	if len(o.Roles) == 0 {
		errs = append(errs, errors.New("oidc.roles: nobody could log in: map groups to roles, such as security: admin"))
	}
	for _, group := range sorted(o.Roles) {
		if rank(o.Roles[group]) < 0 {
			errs = append(errs, fmt.Errorf("oidc.roles: %s: role %q: want one of %s", group, o.Roles[group], roleNames()))
		}
	}
	return errs
}

// mark changes when the settings that make an identity do.
func (o *OIDC) mark() string {
	return digest(fmt.Sprintf("%q %q %q %q %q", o.Issuer, o.ClientID, o.UserClaim, o.GroupsClaim, o.Roles)) // package fmt sorts a map
}

// provider is an OpenID provider that is asked for its endpoints when somebody logs in
// first, so that the server starts without it.
type provider struct {
	OIDC
	redirect string
	now      func() time.Time

	mu     sync.Mutex
	found  *endpoints
	failed error
	again  time.Time // not asked before, after it failed
}

// endpoints are what a provider's discovery document says.
type endpoints struct {
	oauth      oauth2.Config
	verifier   *oidc.IDTokenVerifier
	endSession string // where to log out at the provider; ""
}

// newProvider takes settings that have no problems.
func newProvider(o OIDC, publicURL string, now func() time.Time) (*provider, error) {
	redirect, err := url.JoinPath(publicURL, callbackPath)
	if err != nil {
		return nil, err
	}
	if o.Name == "" {
		u, err := url.Parse(o.Issuer)
		if err != nil {
			return nil, err
		}
		o.Name = u.Hostname()
	}
	o.UserClaim = cmp.Or(o.UserClaim, emailClaim)
	o.GroupsClaim = cmp.Or(o.GroupsClaim, "groups")
	if o.Scopes == nil {
		o.Scopes = []string{"profile", "email"}
	}
	if o.Client == nil {
		o.Client = &http.Client{Timeout: patience}
	}
	return &provider{OIDC: o, redirect: redirect, now: now}, nil
}

// discover is the provider's endpoints. They are kept; an error is kept for a moment, so
// that a provider that is down isn't asked by each of many.
func (p *provider) discover(ctx context.Context) (*endpoints, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.found != nil {
		return p.found, nil
	}
	if p.failed != nil && p.now().Before(p.again) {
		return nil, p.failed
	}
	// Whoever asks first may go away; the answer is for all.
	ctx, cancel := context.WithTimeout(oidc.ClientContext(context.WithoutCancel(ctx), p.Client), patience)
	defer cancel()
	p.found, p.failed = p.ask(ctx)
	p.again = p.now().Add(restraint)
	return p.found, p.failed
}

// known is discover without asking; nil if nothing is known yet.
func (p *provider) known() *endpoints {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.found
}

func (p *provider) ask(ctx context.Context) (*endpoints, error) {
	issuer, err := oidc.NewProvider(ctx, p.Issuer)
	if err != nil {
		return nil, fmt.Errorf("oidc.issuer %s: %w", p.Issuer, err)
	}
	var more struct {
		EndSession string   `json:"end_session_endpoint"`
		Ways       []string `json:"token_endpoint_auth_methods_supported"`
	}
	if err := issuer.Claims(&more); err != nil {
		return nil, fmt.Errorf("oidc.issuer %s: %w", p.Issuer, err)
	}
	endpoint := issuer.Endpoint()
	endpoint.AuthStyle = p.style(more.Ways)
	if u, err := url.Parse(more.EndSession); err != nil || u.Host == "" || checkScheme("end_session_endpoint", u) != nil {
		more.EndSession = ""
	}
	return &endpoints{
		oauth: oauth2.Config{
			ClientID: p.ClientID, ClientSecret: p.ClientSecret, Endpoint: endpoint, RedirectURL: p.redirect,
			Scopes: append([]string{oidc.ScopeOpenID}, p.Scopes...),
		},
		verifier:   issuer.Verifier(&oidc.Config{ClientID: p.ClientID, Now: p.now}),
		endSession: more.EndSession,
	}, nil
}

// style is how the client says its secret. It isn't found out by trying, since a code is
// good for one try. A provider that says nothing takes Basic.
// https://openid.net/specs/openid-connect-discovery-1_0.html#ProviderMetadata
func (p *provider) style(ways []string) oauth2.AuthStyle {
	if p.ClientSecret == "" || len(ways) > 0 && !slices.Contains(ways, "client_secret_basic") {
		return oauth2.AuthStyleInParams
	}
	return oauth2.AuthStyleInHeader
}

// flow is a login that is under way. It is in the store, so that any server can end it.
type flow struct{ state, nonce, verifier, next string }

// page is where the provider asks who somebody is.
func (e *endpoints) page(f flow) string {
	return e.oauth.AuthCodeURL(f.state, oidc.Nonce(f.nonce), oauth2.S256ChallengeOption(f.verifier))
}

// logout is where somebody can log out at the provider, too; "" if it has no such page.
// https://openid.net/specs/openid-connect-rpinitiated-1_0.html
func (p *provider) logout() string {
	e := p.known()
	if e == nil || e.endSession == "" {
		return ""
	}
	u, err := url.Parse(e.endSession)
	if err != nil {
		return ""
	}
	q := u.Query()
	q.Set("client_id", p.ClientID)
	u.RawQuery = q.Encode()
	return u.String()
}

// redeem has the provider say who a code stands for: the claims of a token that is signed by
// it, made for us, not over, and for this very login.
func (p *provider) redeem(ctx context.Context, f flow, code string) (jsontext.Value, error) {
	e, err := p.discover(ctx)
	if err != nil {
		return nil, err
	}
	ctx = oidc.ClientContext(ctx, p.Client)
	tokens, err := e.oauth.Exchange(ctx, code, oauth2.VerifierOption(f.verifier))
	if err != nil {
		return nil, fmt.Errorf("the provider took no code: %w", err)
	}
	raw, ok := tokens.Extra("id_token").(string)
	if !ok {
		return nil, errors.New("the provider sent no ID token: is this an OAuth client without OpenID?")
	}
	id, err := e.verifier.Verify(ctx, raw)
	if err != nil {
		return nil, err
	}
	if !same(id.Nonce, f.nonce) {
		return nil, errors.New("the ID token is for another login: its nonce differs")
	}
	var claims jsontext.Value
	if err := id.Claims(&claims); err != nil {
		return nil, err
	}
	return claims, p.checkParty(claims, id.Audience)
}
