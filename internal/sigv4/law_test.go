package sigv4_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"maps"
	"net/http"
	"net/http/httputil"
	"net/url"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"pgregory.net/rapid"

	"github.com/pare-iam/pare/internal/sigv4"
)

const (
	testKey    = "AKIAIOSFODNN7EXAMPLE"
	testSecret = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
)

var testTime = time.Date(2026, 1, 31, 12, 0, 0, 0, time.UTC)

func options() sigv4.Options {
	return sigv4.Options{
		Keys: keys{testKey: testSecret}, Services: []string{"access-analyzer", "securityhub"},
		Now: func() time.Time { return testTime },
	}
}

// made is a request as a client makes it, before it is signed.
type made struct {
	method, path string
	query        url.Values
	header       http.Header
	body         string
}

// plain is a request that no test minds.
func plain() made {
	return made{method: http.MethodPost, path: "/findingv2", body: `{"analyzerArn":"a"}`}
}

func (m made) request() *http.Request {
	u := url.URL{Scheme: "http", Host: "pare.example:8443", Path: m.path, RawQuery: m.query.Encode()}
	r, err := http.NewRequest(m.method, u.String(), strings.NewReader(m.body))
	if err != nil {
		panic(err) // it is the tests that make it
	}
	maps.Copy(r.Header, m.header)
	return r
}

// signature is how the SDK is to sign.
type signature struct {
	id, secret, token, service string
	at                         time.Time
}

func properly() signature {
	return signature{id: testKey, secret: testSecret, service: "access-analyzer", at: testTime}
}

// signed is the request, signed by AWS's SDK, as a server reads it from the wire.
func (m made) signed(t rapid.TB, s signature) *http.Request {
	t.Helper()
	r := m.request()
	sum := sha256.Sum256([]byte(m.body))
	creds := aws.Credentials{AccessKeyID: s.id, SecretAccessKey: s.secret, SessionToken: s.token}
	if err := v4.NewSigner().SignHTTP(context.Background(), creds, r, hex.EncodeToString(sum[:]), s.service, "us-east-1", s.at); err != nil {
		t.Fatal(err)
	}
	return received(t, r)
}

func received(t rapid.TB, r *http.Request) *http.Request {
	t.Helper()
	wire, err := httputil.DumpRequestOut(r, true)
	if err != nil {
		t.Fatal(err)
	}
	out, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(wire)))
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func drawMade(t *rapid.T) made {
	text := rapid.StringOfN(rapid.RuneFrom([]rune("ab Z09-._~/:%+*=&?#é漢")), 0, 8, -1)
	segment := rapid.StringOfN(rapid.RuneFrom([]rune("abZ09-_~ :%+*=&é漢")), 1, 8, -1)
	m := made{
		method: rapid.SampledFrom([]string{"GET", "PUT", "POST", "DELETE"}).Draw(t, "method"),
		path:   "/" + strings.Join(rapid.SliceOfN(segment, 0, 4).Draw(t, "segments"), "/"),
		query:  url.Values{},
		header: http.Header{},
		body:   rapid.StringN(0, 40, -1).Draw(t, "body"),
	}
	for _, name := range rapid.SliceOfN(text, 0, 4).Draw(t, "names") {
		m.query[name] = rapid.SliceOfN(text, 1, 3).Draw(t, "values")
	}
	word := rapid.StringMatching(`[!-~]{1,3}( {0,3}[!-~]{1,3})?`)
	for _, name := range rapid.SliceOfN(rapid.SampledFrom([]string{"Content-Type", "X-Amz-Meta", "Amz-Sdk-Request", "X-Other"}), 0, 4).Draw(t, "headers") {
		m.header[name] = rapid.SliceOfN(word, 1, 3).Draw(t, "header")
	}
	return m
}

func TestWhatTheSDKSignsVerifies(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := drawMade(t)
		v, err := sigv4.New(options())
		if err != nil {
			t.Fatal(err)
		}
		got, err := v.Verify(m.signed(t, properly()), sigv4.Once)
		if err != nil {
			t.Fatalf("%+v: %v", m, err)
		}
		if string(got.Body) != m.body || got.Name != "owner of "+testKey || got.Service != "access-analyzer" || got.Region != "us-east-1" || !got.Time.Equal(testTime) {
			t.Fatalf("%+v", got)
		}
	})
}

// flip changes one byte of a text to another that may stand in a request.
func flip(t *rapid.T, s string) string {
	at := rapid.IntRange(0, len(s)-1).Draw(t, "at")
	to := rapid.ByteRange('!', '~').Filter(func(b byte) bool { return b != s[at] }).Draw(t, "to")
	return s[:at] + string(to) + s[at+1:]
}

// changes are the parts of a request that a signature covers, and a change of one byte of
// each. One that makes the request unreadable, or means the same, returns false.
var changes = map[string]func(t *rapid.T, r *http.Request) bool{
	"method": func(t *rapid.T, r *http.Request) bool {
		r.Method = flip(t, r.Method)
		return true
	},
	"path": func(t *rapid.T, r *http.Request) bool {
		path, query, found := strings.Cut(r.RequestURI, "?")
		if len(path) < 2 {
			return false
		}
		changed := "/" + flip(t, path[1:])
		if found {
			changed += "?" + query
		}
		u, err := url.ParseRequestURI(changed)
		if err != nil {
			return false
		}
		r.RequestURI, r.URL = changed, u
		return true
	},
	"query": func(t *rapid.T, r *http.Request) bool {
		if r.URL.RawQuery == "" {
			return false
		}
		before := r.URL.Query()
		r.URL.RawQuery = flip(t, r.URL.RawQuery)
		return !reflect.DeepEqual(before, r.URL.Query()) // %2f for %2F
	},
	"header": func(t *rapid.T, r *http.Request) bool {
		names := []string{"X-Amz-Date", "Content-Type", "X-Amz-Meta", "Amz-Sdk-Request", "X-Other", "X-Amz-Content-Sha256"}
		values := r.Header[rapid.SampledFrom(names).Draw(t, "name")]
		if len(values) == 0 {
			return false
		}
		i := rapid.IntRange(0, len(values)-1).Draw(t, "value")
		values[i] = flip(t, values[i])
		return true
	},
	"host": func(t *rapid.T, r *http.Request) bool {
		r.Host = flip(t, r.Host)
		return true
	},
	"body": func(t *rapid.T, r *http.Request) bool {
		var body bytes.Buffer
		if _, err := body.ReadFrom(r.Body); err != nil {
			t.Fatal(err)
		}
		if body.Len() == 0 {
			return false
		}
		r.Body = readCloser{strings.NewReader(flip(t, body.String()))}
		return true
	},
	"authorization": func(t *rapid.T, r *http.Request) bool {
		r.Header.Set("Authorization", flip(t, r.Header.Get("Authorization")))
		return true
	},
}

type readCloser struct{ *strings.Reader }

func (readCloser) Close() error { return nil }

func TestOneChangedByteFails(t *testing.T) {
	for name, change := range changes {
		t.Run(name, func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) {
				r := drawMade(t).signed(t, properly())
				if !change(t, r) {
					return
				}
				v, err := sigv4.New(options())
				if err != nil {
					t.Fatal(err)
				}
				_, err = v.Verify(r, sigv4.Once)
				if refusal := new(sigv4.Error); !errors.As(err, &refusal) {
					t.Fatalf("verified, or no Error: %v\n%s %s %v", err, r.Method, r.RequestURI, r.Header)
				}
			})
		})
	}
}

// FuzzAuthorization holds that no header makes a request verify that wasn't signed.
func FuzzAuthorization(f *testing.F) {
	good := plain().signed(f, properly()).Header.Get("Authorization")
	f.Add(good)
	f.Add("AWS4-HMAC-SHA256 Credential=,SignedHeaders=,Signature=")
	f.Add("AWS4-HMAC-SHA256 Credential=////,SignedHeaders=;;,Signature=00")
	f.Fuzz(func(t *testing.T, header string) {
		r := received(t, plain().request())
		r.Header.Set("X-Amz-Date", testTime.Format("20060102T150405Z"))
		r.Header["Authorization"] = []string{header}
		v := mustVerifier(t, options())
		_, err := v.Verify(r, sigv4.Once)
		if err == nil && normal(header) != normal(good) {
			t.Errorf("%q verified", header)
		}
	})
}

// normal drops the blanks that may stand between parameters.
func normal(header string) string { return strings.Join(strings.Fields(header), "") }
