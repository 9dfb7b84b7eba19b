package awstest

import (
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"slices"
	"sync"
	"testing"
	"time"
)

// Options say what a Server is like. The zero value is moto as it is, with the machine's
// clock, and nothing last accessed.
type Options struct {
	// LastAccessed is what IAM's last accessed information says of the entity with an ARN;
	// false: there is no such entity. Calls of it may be concurrent. nil knows none.
	LastAccessed func(arn string) ([]Service, bool)

	// Entities are the roles and users that used a service by the policies of the group or
	// policy with an ARN, or the role or user itself. nil: none.
	Entities func(arn, namespace string) []Entity

	// Polls is how often the job about the entity with an ARN answers IN_PROGRESS before it
	// is COMPLETED. nil: never.
	Polls func(arn string) int

	Page int // most items in a page, however many are asked for, as IAM may do; 0: no such limit

	// ManagedPolicies loads AWS's managed policies into moto, some 1,500, attached or not.
	// It takes 200 MB.
	ManagedPolicies bool

	// Ago is how far the clock is behind the machine's when the server starts; [Server.SetAgo]
	// moves it. 0: it can't be moved, and faketime isn't needed.
	Ago time.Duration
}

// Server is an AWS that runs until the test ends. It is safe for concurrent use.
type Server struct {
	URL string // endpoint of every service

	t       testing.TB
	options Options
	moto    *moto
	proxy   *httputil.ReverseProxy

	mu     sync.Mutex
	ago    time.Duration
	calls  []Call
	fault  Fault
	jobs   map[string]*job              // by ID
	events func(region string) []string // nil: none
}

// Start starts a Server. Parts that are missing end the test, as [Need] says.
func Start(t testing.TB, o Options) *Server {
	t.Helper()
	s := &Server{t: t, options: o, moto: startMoto(t, o), ago: o.Ago, jobs: map[string]*job{}}
	s.proxy = &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(s.moto.url)
		r.Out.Host = r.In.Host // what moto answers with a URL in it leads here too
	}}
	front := httptest.NewServer(s)
	t.Cleanup(front.Close)
	s.URL = front.URL
	return s
}

// SetAgo sets how far the clock is behind the machine's.
func (s *Server) SetAgo(ago time.Duration) {
	s.t.Helper()
	s.moto.setAgo(s.t, ago)
	s.mu.Lock()
	s.ago = ago
	s.mu.Unlock()
}

// Now is the time by the server's clock.
func (s *Server) Now() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return time.Now().Add(-s.ago).UTC()
}

// Call is a call that was made through the front, whoever answered it.
type Call struct {
	Service   string     // as the signature names it: "iam"; empty: the call isn't signed
	Account   string     // of the key that it is signed with; moto's own if that isn't known
	Operation string     // "GetUser"; for REST services, method and path: "GET /bucket"
	Params    url.Values // of the query protocol; else nil
}

// Calls are the calls through the front so far, in their order.
func (s *Server) Calls() []Call {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.calls)
}

// Environment is the environment for a program that shall use this server: somebody's
// own configuration is out of its reach.
func (s *Server) Environment() []string {
	return append(plainEnvironment(),
		"AWS_ENDPOINT_URL="+s.URL,
		"AWS_ACCESS_KEY_ID="+defaultKey, "AWS_SECRET_ACCESS_KEY=secret",
		"AWS_REGION=us-east-1", "AWS_DEFAULT_REGION=us-east-1",
		"AWS_CONFIG_FILE="+nowhere, "AWS_SHARED_CREDENTIALS_FILE="+nowhere,
		"AWS_EC2_METADATA_DISABLED=true", "AWS_MAX_ATTEMPTS=1", "AWS_PAGER=",
	)
}

// defaultKey is a key of moto's own account.
const defaultKey = "AKIATESTTESTTESTTEST"

// nowhere is a file with nothing in it.
const nowhere = "/dev/null"
