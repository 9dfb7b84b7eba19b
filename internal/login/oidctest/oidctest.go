// Package oidctest is an OpenID provider for tests: discovery, keys, a page that lets everybody
// in, and tokens for codes, each good for once. It signs by RS256 and checks what a provider
// must. Tests change whom it lets in, and what is in its tokens.
//
// In: whom it shall let in, and the time. Out: a URL that is an issuer, and what its page
// answers to the URL that a browser was sent to.
//
// Limits: there is no page; whoever is sent there is let in.
//
// https://openid.net/specs/openid-connect-core-1_0.html#CodeFlowAuth
package oidctest

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"maps"
	"math/big"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
)

// Claims are those of an ID token.
type Claims map[string]any

// Provider is the provider. The fields are set before it is asked.
type Provider struct {
	*httptest.Server
	User  Claims              // whom it lets in
	Spoil func(Claims)        // changes a token's claims; nil: none
	Forge func(Claims) string // makes the token; nil: Signed, by Key
	Style string              // how the client must authenticate
	Now   func() time.Time

	Down atomic.Bool  // answers 500
	Asks atomic.Int64 // how often the discovery document was asked for

	t     testing.TB
	mu    sync.Mutex
	key   *rsa.PrivateKey // which it signs by
	keyID string
	codes map[string]url.Values
	wrong []string
}

// The client that it knows.
const (
	ClientID     = "pare"
	ClientSecret = "s3cret & more"
)

// New starts a provider that ends with the test.
func New(t testing.TB, now func() time.Time) *Provider {
	t.Helper()
	p := &Provider{t: t, Now: now, codes: map[string]url.Values{}, Style: "client_secret_basic", User: Claims{
		"email": "ann@example.com", "email_verified": true, "groups": []string{"everybody", "security"},
	}}
	p.key, p.keyID = firstKey(), "k1"
	mux := http.NewServeMux()
	mux.HandleFunc("GET /.well-known/openid-configuration", p.discovery)
	mux.HandleFunc("GET /keys", p.keys)
	mux.HandleFunc("POST /token", p.token)
	p.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if p.Down.Load() {
			http.Error(w, "down", http.StatusInternalServerError)
			return
		}
		mux.ServeHTTP(w, r)
	}))
	t.Cleanup(p.Close)
	return p
}

func (p *Provider) check(err error) {
	p.t.Helper()
	if err != nil {
		p.t.Fatal(err)
	}
}

// firstKey is what all providers sign by at first: making one takes long.
var firstKey = sync.OnceValue(NewKey)

// NewKey makes a key that it doesn't know.
func NewKey() *rsa.PrivateKey {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return key
}

// Key is what it signs by.
func (p *Provider) Key() *rsa.PrivateKey {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.key
}

// Wrong lists what was wrong with requests for tokens.
func (p *Provider) Wrong() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.wrong)
}

// Rotate has it sign by a new key, and know no other.
func (p *Provider) Rotate(id string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.key, p.keyID = NewKey(), id
}

func (p *Provider) answer(w http.ResponseWriter, status int, v any) {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	fmt.Fprintf(w, "%s", text)
}

func (p *Provider) discovery(w http.ResponseWriter, _ *http.Request) {
	p.Asks.Add(1)
	p.answer(w, http.StatusOK, map[string]any{
		"issuer": p.URL, "authorization_endpoint": p.URL + "/authorize", "token_endpoint": p.URL + "/token", "jwks_uri": p.URL + "/keys",
		"end_session_endpoint": p.URL + "/bye", "id_token_signing_alg_values_supported": []string{"RS256"},
		"token_endpoint_auth_methods_supported": []string{p.Style},
	})
}

func (p *Provider) keys(w http.ResponseWriter, _ *http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.answer(w, http.StatusOK, map[string]any{"keys": []map[string]string{{
		"kty": "RSA", "alg": "RS256", "use": "sig", "kid": p.keyID,
		"n": Encode(p.key.N.Bytes()), "e": Encode(big.NewInt(int64(p.key.E)).Bytes()),
	}}})
}

// Encode is base64 as it is in tokens.
func Encode(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

// Authorize is what the provider's page does once somebody has logged in there: it sends
// them back with a code.
func (p *Provider) Authorize(at string) string {
	p.t.Helper()
	u, err := url.Parse(at)
	p.check(err)
	q := u.Query()
	for key, want := range map[string]string{
		"response_type": "code", "client_id": ClientID, "code_challenge_method": "S256", "scope": "openid profile email",
	} {
		if got := q.Get(key); got != want {
			p.t.Errorf("%s: got %q, want %q", key, got, want)
		}
	}
	if u.Path != "/authorize" || len(q.Get("state")) < 22 || len(q.Get("nonce")) < 22 || len(q.Get("code_challenge")) != 43 {
		p.t.Fatalf("not a way to begin: %s", at)
	}
	code := rand.Text()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.codes[code] = q
	return q.Get("redirect_uri") + "?" + url.Values{"code": {code}, "state": {q.Get("state")}, "iss": {p.URL}}.Encode()
}

// token gives an ID token for a code.
func (p *Provider) token(w http.ResponseWriter, r *http.Request) {
	asked, ok := p.redeem(r)
	if !ok {
		p.answer(w, http.StatusBadRequest, map[string]string{"error": "invalid_grant"})
		return
	}
	c := Claims{"iss": p.URL, "aud": ClientID, "sub": "1", "nonce": asked.Get("nonce"), "iat": p.Now().Unix(), "exp": p.Now().Add(time.Minute).Unix()}
	maps.Copy(c, p.User)
	if p.Spoil != nil {
		p.Spoil(c)
	}
	make := func(c Claims) string { return p.Signed("RS256", p.Key(), c) }
	if p.Forge != nil {
		make = p.Forge
	}
	p.answer(w, http.StatusOK, map[string]any{"access_token": "a", "token_type": "Bearer", "expires_in": 60, "id_token": make(c)})
}

// redeem takes a code, which is gone then, and finds what was asked for under it. It isn't ok
// if anything is wrong with the request.
func (p *Provider) redeem(r *http.Request) (asked url.Values, ok bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	asked, ok = p.codes[r.PostFormValue("code")]
	delete(p.codes, r.PostFormValue("code"))
	for what, good := range map[string]bool{
		"code":   ok,
		"client": p.authenticated(r),
		"grant":  r.PostFormValue("grant_type") == "authorization_code",
		"way":    ok && r.PostFormValue("redirect_uri") == asked.Get("redirect_uri"),
		"proof":  ok && challenge(r.PostFormValue("code_verifier")) == asked.Get("code_challenge"),
	} {
		if !good {
			p.wrong = append(p.wrong, what)
			return nil, false
		}
	}
	return asked, true
}

func challenge(verifier string) string {
	sum := sha256.Sum256([]byte(verifier))
	return Encode(sum[:])
}

func (p *Provider) authenticated(r *http.Request) bool {
	id, secret, basic := r.BasicAuth()
	if p.Style == "client_secret_post" {
		return !basic && r.PostFormValue("client_id") == ClientID && r.PostFormValue("client_secret") == ClientSecret
	}
	return basic && id == ClientID && secret == url.QueryEscape(ClientSecret)
}

// Signed is a JWT that says it is signed by an algorithm, and is by RS256.
func (p *Provider) Signed(alg string, key *rsa.PrivateKey, c Claims) string {
	text := p.Unsigned(alg, c)
	sum := sha256.Sum256([]byte(text))
	signature, err := rsa.SignPKCS1v15(rand.Reader, key, crypto.SHA256, sum[:])
	p.check(err)
	return text + "." + Encode(signature)
}

// Unsigned is a JWT up to its signature.
func (p *Provider) Unsigned(alg string, c Claims) string {
	p.mu.Lock()
	id := p.keyID
	p.mu.Unlock()
	head, err := json.Marshal(map[string]string{"alg": alg, "kid": id, "typ": "JWT"})
	p.check(err)
	body, err := json.Marshal(c)
	p.check(err)
	return Encode(head) + "." + Encode(body)
}
