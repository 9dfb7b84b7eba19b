package sigv4

import (
	"context"
	"crypto/hmac"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"
)

// Keys knows the secrets of access keys. It must be safe for concurrent use.
type Keys interface {
	// Key gives a key's secret and whose it is. The error wraps ErrUnknownKey if there is
	// no such key or it isn't to be taken any more; any other is an InternalFailure. An
	// empty secret is refused, as is a key that isn't known.
	Key(ctx context.Context, accessKeyID string) (secret string, who Identity, err error)
}

// ErrUnknownKey says that there is no such access key.
var ErrUnknownKey = errors.New("no such access key")

// Identity is whose key it is. It is handed on as Keys gave it.
type Identity struct {
	Account string // twelve digits: the account that the key speaks for
	Name    string // who it is, for the audit log
	Role    string // what they may do, in words of the caller's
}

// TokenPolicy says what becomes of requests with X-Amz-Security-Token. The zero value is
// the strict one.
type TokenPolicy uint8

// The policies.
const (
	RefuseTokens TokenPolicy = iota
	PassTokens               // the token is signed like any header, and handed on unchecked
)

// Options say which signatures are taken. Keys and Services must be there.
type Options struct {
	Keys          Keys
	Services      []string         // as signatures name them: "access-analyzer"
	Region        string           // that a signature must be for; "": any
	Skew          time.Duration    // how far the clocks may be apart; 0: 5 minutes. AWS itself: 15
	MaxBody       int64            // bytes of a body; 0: 1 MiB
	MaxRemembered int              // signatures that are remembered, 60 bytes each; 0: 131,072. More within twice the skew are refused
	Tokens        TokenPolicy      // session tokens
	Now           func() time.Time // nil: the machine's clock
}

// The defaults of Options.
const (
	DefaultSkew          = 5 * time.Minute
	DefaultMaxBody       = 1 << 20
	DefaultMaxRemembered = 1 << 17
)

// Verifier verifies requests. It is safe for concurrent use.
type Verifier struct {
	o    Options
	seen memory
}

// New makes a Verifier. The error says what is missing.
func New(o Options) (*Verifier, error) {
	switch {
	case o.Keys == nil:
		return nil, errors.New("sigv4: no Keys: nobody could be known")
	case len(o.Services) == 0:
		return nil, errors.New("sigv4: no Services: want the names that signatures are for, such as access-analyzer")
	case o.Skew < 0 || o.MaxBody < 0 || o.MaxRemembered < 0:
		return nil, errors.New("sigv4: Skew, MaxBody and MaxRemembered: want 0 or more")
	}
	if o.Skew == 0 {
		o.Skew = DefaultSkew
	}
	if o.MaxBody == 0 {
		o.MaxBody = DefaultMaxBody
	}
	if o.MaxRemembered == 0 {
		o.MaxRemembered = DefaultMaxRemembered
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return &Verifier{o: o, seen: memory{buckets: map[int64]map[[32]byte]struct{}{}, max: o.MaxRemembered}}, nil
}

// Signed is a request that was verified.
type Signed struct {
	Identity
	KeyID           string
	Service, Region string // that it was signed for
	Time            time.Time
	Token           string // session token, under PassTokens; nobody has checked it
	Body            []byte // all of it; the request's own has been read
}

// Repeat says whether a request may be made again, with the signature it had. The zero
// value is the strict one.
type Repeat uint8

// Whether a request may be repeated.
const (
	// Once is for requests that change something.
	Once Repeat = iota
	// Repeatable is for those that don't. Signatures have whole seconds and, unlike AWS's
	// SDK for Go, botocore signs nothing that is the request's alone: a script that looks at
	// something twice in a second sends the same bytes twice.
	Repeatable
)

// Verify reads the request's body and verifies its signature. The error is an *Error.
func (v *Verifier) Verify(r *http.Request, repeat Repeat) (Signed, error) {
	signed, err := v.verify(r, repeat)
	if err != nil {
		return Signed{}, err
	}
	return signed, nil
}

func (v *Verifier) verify(r *http.Request, repeat Repeat) (Signed, *Error) {
	a, err := parseAuthorization(r)
	if err != nil {
		return Signed{}, err
	}
	now := v.o.Now()
	at, err := v.checkScope(r, &a, now)
	if err != nil {
		return Signed{}, err
	}
	out := Signed{KeyID: a.keyID, Service: a.service, Region: a.region, Time: at}
	if out.Token, err = v.token(r); err != nil {
		return Signed{}, err
	}
	secret, who, err := v.key(r.Context(), a.keyID)
	if err != nil {
		return Signed{}, err
	}
	out.Identity = who
	if out.Body, err = v.body(r); err != nil {
		return Signed{}, err
	}
	signature, err := match(r, &a, secret, out.Body)
	if err != nil || repeat == Repeatable {
		return out, err
	}
	return out, v.first(signature, now, at)
}

// checkScope checks all that can be checked without a secret, and returns the time of the
// request.
func (v *Verifier) checkScope(r *http.Request, a *authorization, now time.Time) (time.Time, *Error) {
	const stamp = "20060102T150405Z"
	if !slices.Contains(v.o.Services, a.service) {
		return time.Time{}, refuse(SignatureDoesNotMatch, "Credential should be scoped to correct service: '%s'.", strings.Join(v.o.Services, "' or '"))
	}
	if v.o.Region != "" && a.region != v.o.Region {
		return time.Time{}, refuse(SignatureDoesNotMatch, "Credential should be scoped to a valid region: '%s'.", v.o.Region)
	}
	dates := r.Header.Values("X-Amz-Date")
	if len(dates) != 1 {
		return time.Time{}, refuse(IncompleteSignature, "Authorization header requires existence of one 'X-Amz-Date' header.")
	}
	at, err := time.Parse(stamp, dates[0])
	switch {
	case err != nil:
		return at, refuse(IncompleteSignature, "Date must be in ISO-8601 'basic format', such as 20260131T235959Z.")
	case at.Format("20060102") != a.date:
		return at, refuse(SignatureDoesNotMatch, "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP.")
	case at.Before(now.Add(-v.o.Skew)):
		return at, refuse(RequestExpired, "Signature expired: %s is now earlier than %s (%s - %s.)", dates[0], now.Add(-v.o.Skew).UTC().Format(stamp), now.UTC().Format(stamp), v.o.Skew)
	case at.After(now.Add(v.o.Skew)):
		return at, refuse(RequestExpired, "Signature not yet current: %s is still later than %s (%s + %s.)", dates[0], now.Add(v.o.Skew).UTC().Format(stamp), now.UTC().Format(stamp), v.o.Skew)
	}
	return at, a.checkHeaders(r)
}

func (v *Verifier) token(r *http.Request) (string, *Error) {
	token := r.Header.Get("X-Amz-Security-Token")
	if token != "" && v.o.Tokens != PassTokens {
		return "", refuse(UnrecognizedClient, "The security token included in the request is invalid: session tokens are not taken here, sign with a long-term key.")
	}
	return token, nil
}

func (v *Verifier) key(ctx context.Context, id string) (string, Identity, *Error) {
	secret, who, err := v.o.Keys.Key(ctx, id)
	switch {
	case errors.Is(err, ErrUnknownKey), err == nil && secret == "":
		return "", who, refuse(UnrecognizedClient, "The security token included in the request is invalid.")
	case err != nil:
		return "", who, &Error{Code: InternalFailure, Message: "The request could not be verified.", Err: err}
	}
	return secret, who, nil
}

// body reads the request's body, and compares it with what the request says of it.
func (v *Verifier) body(r *http.Request) ([]byte, *Error) {
	tooLarge := refuse(RequestTooLarge, "The body is longer than %d bytes.", v.o.MaxBody)
	if r.ContentLength > v.o.MaxBody {
		return nil, tooLarge
	}
	var body []byte
	if r.Body != nil {
		var err error
		if body, err = io.ReadAll(io.LimitReader(r.Body, v.o.MaxBody+1)); err != nil {
			return nil, &Error{Code: Unreadable, Message: "The body could not be read.", Err: err}
		}
	}
	if int64(len(body)) > v.o.MaxBody {
		return nil, tooLarge
	}
	if said := r.Header.Values("X-Amz-Content-Sha256"); len(said) > 1 || len(said) == 1 && said[0] != hash(body) {
		return nil, refuse(SignatureDoesNotMatch, "The provided 'x-amz-content-sha256' header does not match what was computed: want the SHA-256 of the body.")
	}
	return body, nil
}

// match compares the signature with that of the request as it arrived, and returns it.
func match(r *http.Request, a *authorization, secret string, body []byte) ([32]byte, *Error) {
	canonical, err := canonicalRequest(r, a.headers, hash(body))
	if err != nil {
		return [32]byte{}, err
	}
	want := sign(secret, r.Header.Get("X-Amz-Date"), a, canonical)
	if !hmac.Equal(want, a.signature) {
		return [32]byte{}, refuse(SignatureDoesNotMatch, "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method. Consult the service documentation for details.")
	}
	return [32]byte(want), nil
}

// first refuses a signature that was seen.
func (v *Verifier) first(signature [32]byte, now, at time.Time) *Error {
	switch v.seen.look(signature, now, at.Add(v.o.Skew)) {
	case before:
		return refuse(RequestReplayed, "The request was made before: sign each request anew.")
	case full:
		return refuse(Throttling, "Too many requests: Rate exceeded.")
	case unseen:
	}
	return nil
}
