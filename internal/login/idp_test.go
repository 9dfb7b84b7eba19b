package login_test

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
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/pare-iam/pare/internal/login"
	"github.com/pare-iam/pare/internal/store"
)

// claims are those of an ID token.
type claims map[string]any

// idp is an OpenID provider: discovery, keys, a page that lets everybody in as user, and
// tokens for codes, each good for once. It signs by RS256 and checks what a provider must.
// https://openid.net/specs/openid-connect-core-1_0.html#CodeFlowAuth
type idp struct {
	*httptest.Server
	t    testing.TB
	now  func() time.Time
	down atomic.Bool  // answers 500
	asks atomic.Int64 // how often the discovery document was asked for

	mu    sync.Mutex
	key   *rsa.PrivateKey // which it signs by
	keyID string
	user  claims              // whom it lets in
	spoil func(claims)        // changes a token's claims; nil: none
	forge func(claims) string // makes the token; nil: signed
	codes map[string]url.Values
	style string // how the client must authenticate
	wrong []string
}

const (
	clientID     = "pare"
	clientSecret = "s3cret & more"
)

func newIDP(t testing.TB, now func() time.Time) *idp {
	t.Helper()
	p := &idp{t: t, now: now, codes: map[string]url.Values{}, style: "client_secret_basic", user: claims{
		"email": "ann@example.com", "email_verified": true, "groups": []string{"everybody", "security"},
	}}
	p.key, p.keyID = firstKey(), "k1"
	mux := http.NewServeMux()
	mux.HandleFunc("GET /.well-known/openid-configuration", p.discovery)
	mux.HandleFunc("GET /keys", p.keys)
	mux.HandleFunc("POST /token", p.token)
	p.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if p.down.Load() {
			http.Error(w, "down", http.StatusInternalServerError)
			return
		}
		mux.ServeHTTP(w, r)
	}))
	t.Cleanup(p.Close)
	return p
}

// firstKey is what all providers sign by at first: making one takes long.
var firstKey = sync.OnceValue(newKey)

func newKey() *rsa.PrivateKey {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return key
}

// rotate has it sign by a new key, and know no other.
func (p *idp) rotate(id string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.key, p.keyID = newKey(), id
}

func (p *idp) answer(w http.ResponseWriter, status int, v any) {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	fmt.Fprintf(w, "%s", text)
}

func (p *idp) discovery(w http.ResponseWriter, _ *http.Request) {
	p.asks.Add(1)
	p.answer(w, http.StatusOK, map[string]any{
		"issuer": p.URL, "authorization_endpoint": p.URL + "/authorize", "token_endpoint": p.URL + "/token", "jwks_uri": p.URL + "/keys",
		"end_session_endpoint": p.URL + "/bye", "id_token_signing_alg_values_supported": []string{"RS256"},
		"token_endpoint_auth_methods_supported": []string{p.style},
	})
}

func (p *idp) keys(w http.ResponseWriter, _ *http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.answer(w, http.StatusOK, map[string]any{"keys": []map[string]string{{
		"kty": "RSA", "alg": "RS256", "use": "sig", "kid": p.keyID,
		"n": encode(p.key.N.Bytes()), "e": encode(big.NewInt(int64(p.key.E)).Bytes()),
	}}})
}

func encode(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

// authorize is what the provider's page does once somebody has logged in there: it sends
// them back with a code.
func (p *idp) authorize(at string) string {
	p.t.Helper()
	u, err := url.Parse(at)
	check(p.t, err)
	q := u.Query()
	for key, want := range map[string]string{
		"response_type": "code", "client_id": clientID, "code_challenge_method": "S256", "scope": "openid profile email",
	} {
		same(p.t, key, want, q.Get(key))
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
func (p *idp) token(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	asked, ok := p.codes[r.PostFormValue("code")]
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
			p.answer(w, http.StatusBadRequest, map[string]string{"error": "invalid_grant"})
			return
		}
	}
	c := claims{"iss": p.URL, "aud": clientID, "sub": "1", "nonce": asked.Get("nonce"), "iat": p.now().Unix(), "exp": p.now().Add(time.Minute).Unix()}
	maps.Copy(c, p.user)
	if p.spoil != nil {
		p.spoil(c)
	}
	make := func(c claims) string { return p.signed("RS256", p.key, c) }
	if p.forge != nil {
		make = p.forge
	}
	p.answer(w, http.StatusOK, map[string]any{"access_token": "a", "token_type": "Bearer", "expires_in": 60, "id_token": make(c)})
}

func challenge(verifier string) string {
	sum := sha256.Sum256([]byte(verifier))
	return encode(sum[:])
}

func (p *idp) authenticated(r *http.Request) bool {
	id, secret, basic := r.BasicAuth()
	if p.style == "client_secret_post" {
		return !basic && r.PostFormValue("client_id") == clientID && r.PostFormValue("client_secret") == clientSecret
	}
	return basic && id == clientID && secret == url.QueryEscape(clientSecret)
}

// signed is a JWT that says it is signed by an algorithm, and is by RS256.
func (p *idp) signed(alg string, key *rsa.PrivateKey, c claims) string {
	text := p.unsigned(alg, c)
	sum := sha256.Sum256([]byte(text))
	signature, err := rsa.SignPKCS1v15(rand.Reader, key, crypto.SHA256, sum[:])
	check(p.t, err)
	return text + "." + encode(signature)
}

// unsigned is a JWT up to its signature.
func (p *idp) unsigned(alg string, c claims) string {
	head, err := json.Marshal(map[string]string{"alg": alg, "kid": p.keyID, "typ": "JWT"})
	check(p.t, err)
	body, err := json.Marshal(c)
	check(p.t, err)
	return encode(head) + "." + encode(body)
}

// newOIDCServer is a server whose people log in at the provider, or by the password file.
func newOIDCServer(t testing.TB, change func(*login.Options)) (*server, *idp) {
	t.Helper()
	var p *idp
	s := newServer(t, func(o *login.Options) {
		p = newIDP(t, o.Now)
		o.PublicURL = "http://127.0.0.1:1" // what back looks for
		o.OIDC = &login.OIDC{
			Issuer: p.URL, ClientID: clientID, ClientSecret: clientSecret, Name: "Example",
			Roles: map[string]login.Role{"everybody": store.Viewer, "security": store.Operator, "root": store.Admin},
		}
		if change != nil {
			change(o)
		}
	})
	return s, p
}
