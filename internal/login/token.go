package login

import (
	"crypto/rand"
	"errors"
	"net/http"
	"strings"

	"github.com/pare-iam/pare/internal/store"
)

// tokenPrefix lets people and secret scanners see what a text is.
const tokenPrefix = "pare_"

// NewToken makes an API token for store.AddToken: an ID to name it by, and the secret, with
// 128 random bits, which is shown once.
func NewToken() (id, secret string) {
	return strings.ToLower(rand.Text()[:10]), tokenPrefix + rand.Text()
}

// bearer is the token of a request; false if it has none. One that isn't ours is a token,
// too: who sends one doesn't mean to be known by a cookie.
// https://www.rfc-editor.org/rfc/rfc6750#section-2.1
func bearer(r *http.Request) (string, bool) {
	scheme, secret, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	return strings.TrimSpace(secret), strings.EqualFold(scheme, "Bearer")
}

// byToken is whose token a request has.
func (l *Login) byToken(r *http.Request, secret string) (Identity, error) {
	if !strings.HasPrefix(secret, tokenPrefix) {
		return Identity{}, errNobody
	}
	user, err := l.o.Store.TokenUser(r.Context(), secret, l.o.Now())
	if errors.Is(err, store.ErrNotFound) {
		l.note(r, subscriber(l.client(r)), store.Entry{Who: unknown, Action: "UseToken", Outcome: "no such token, or it has expired"})
		return Identity{}, errNobody
	}
	if err != nil {
		return Identity{}, err
	}
	return Identity{user.Name, user.Role, ViaToken}, nil
}
