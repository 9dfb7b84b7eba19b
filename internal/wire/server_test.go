package wire_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/accessanalyzer"

	"github.com/pare-iam/pare/catalog"
	"github.com/pare-iam/pare/internal/sigv4"
	"github.com/pare-iam/pare/internal/wire"
)

// The keys that the server knows, by who has them.
var (
	admin    = owner{"AKIAADMINEXAMPLE0001", sigv4.Identity{Account: sampleAccount, Name: "ann", Role: "admin"}}
	viewer   = owner{"AKIAVIEWEREXAMPLE001", sigv4.Identity{Account: sampleAccount, Name: "vic", Role: "viewer"}}
	stranger = owner{"AKIASTRANGEREXAMPLE1", sigv4.Identity{Account: "444455556666", Name: "sam", Role: "admin"}}
)

const region = "us-east-1"

// owner has a key.
type owner struct {
	key string
	sigv4.Identity
}

func (o owner) secret() string { return "secret of " + o.Name }

func (o owner) credentials() aws.Credentials {
	return aws.Credentials{AccessKeyID: o.key, SecretAccessKey: o.secret()}
}

type knownKeys struct{}

func (knownKeys) Key(_ context.Context, id string) (string, sigv4.Identity, error) {
	for _, o := range []owner{admin, viewer, stranger} {
		if o.key == id {
			return o.secret(), o.Identity, nil
		}
	}
	return "", sigv4.Identity{}, sigv4.ErrUnknownKey
}

// server is the API over a memory, and what it said and reported.
type server struct {
	*httptest.Server
	backend *memory

	mu       sync.Mutex
	failures []wire.Failure
}

// options are those of a server; change may change them.
func options(t testing.TB, s *server) wire.Options {
	t.Helper()
	v, err := sigv4.New(sigv4.Options{Keys: knownKeys{}, Services: wire.Services(), MaxBody: 1 << 16})
	if err != nil {
		t.Fatal(err)
	}
	return wire.Options{
		Backend: s.backend, Verifier: v, Catalog: catalog.Embedded(), Region: region, TokenKey: bytes.Repeat([]byte("k"), 32),
		Allow: func(who sigv4.Identity, o wire.Operation) bool { return who.Role == "admin" || !o.Changes },
		Report: func(_ context.Context, f wire.Failure) {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.failures = append(s.failures, f)
		},
	}
}

func start(t testing.TB) *server {
	t.Helper()
	s := &server{backend: newMemory(sample(t))}
	h, err := wire.New(options(t, s))
	if err != nil {
		t.Fatal(err)
	}
	s.Server = httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s
}

// client is AWS's SDK for Go, pointed at the server.
func (s *server) client(o owner) *accessanalyzer.Client {
	return accessanalyzer.New(accessanalyzer.Options{
		Region: region, BaseEndpoint: &s.URL, Credentials: credentials.NewStaticCredentialsProvider(o.key, o.secret(), ""),
		HTTPClient: s.Client(),
	})
}

// request is one that a test signs by itself, for what no SDK would send.
type request struct {
	method, target, body string
	by                   owner
	service              string
	at                   time.Time
}

func (s *server) signed(t testing.TB, q request) *http.Request {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), q.method, s.URL+q.target, bytes.NewReader([]byte(q.body)))
	if err != nil {
		t.Fatal(err)
	}
	if q.by.key == "" {
		q.by = admin
	}
	if q.service == "" {
		q.service = "access-analyzer"
	}
	if q.at.IsZero() {
		q.at = time.Now()
	}
	sum := sha256.Sum256([]byte(q.body))
	if err := v4.NewSigner().SignHTTP(t.Context(), q.by.credentials(), r, hex.EncodeToString(sum[:]), q.service, region, q.at); err != nil {
		t.Fatal(err)
	}
	return r
}

// answer is what the server said.
type answer struct {
	status int
	header http.Header
	body   string
}

func (s *server) do(t testing.TB, r *http.Request) answer {
	t.Helper()
	res, err := s.Client().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	if err := res.Body.Close(); err != nil {
		t.Fatal(err)
	}
	return answer{res.StatusCode, res.Header, string(body)}
}

func (s *server) send(t testing.TB, q request) answer {
	t.Helper()
	return s.do(t, s.signed(t, q))
}
