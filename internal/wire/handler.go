package wire

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"net/http"
	"path"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/pare-iam/pare/catalog"
	"github.com/pare-iam/pare/internal/sigv4"
	"github.com/pare-iam/pare/internal/turns"
)

// Options are what the API is made of. All must be there but Partition, Turns and Checks.
type Options struct {
	Backend  Backend
	Verifier *sigv4.Verifier // for Services()
	Catalog  *catalog.Catalog

	// Allow says whether who signed a request may do what it asks for.
	Allow func(who sigv4.Identity, o Operation) bool

	// Report is told of errors that the client isn't told the cause of, for the log.
	Report func(ctx context.Context, f Failure)

	Region    string      // of ARNs: "us-east-1"
	Partition string      // of ARNs; "": "aws"
	TokenKey  []byte      // at least 32 secret bytes that sign nextTokens: the same on all servers
	Turns     turns.Turns // of calls that read; nil: they take them among themselves
	Checks    int         // how many policy checks run at a time, each on one processor; 0: 2
}

// Failure is a request that failed for a reason that is ours.
type Failure struct {
	RequestID string
	Operation string
	Err       error
}

// Handler serves the API. It is safe for concurrent use.
type Handler struct {
	o      Options
	mux    *http.ServeMux
	checks chan struct{}
}

// New makes a Handler. The error says what is missing.
func New(o Options) (*Handler, error) {
	const minKey = 32
	switch {
	case o.Backend == nil || o.Verifier == nil || o.Catalog == nil || o.Allow == nil || o.Report == nil:
		return nil, errors.New("wire: want Backend, Verifier, Catalog, Allow and Report")
	case o.Region == "":
		return nil, errors.New("wire: no Region: want the one of ARNs, such as us-east-1")
	case len(o.TokenKey) < minKey:
		return nil, fmt.Errorf("wire: TokenKey has %d bytes: want %d or more", len(o.TokenKey), minKey)
	}
	if o.Partition == "" {
		o.Partition = "aws"
	}
	if o.Turns == nil {
		o.Turns = turns.New()
	}
	if o.Checks < 1 {
		o.Checks = 2
	}
	h := &Handler{o: o, mux: http.NewServeMux(), checks: make(chan struct{}, o.Checks)}
	for _, r := range routes() {
		h.mux.HandleFunc(r.pattern, func(w http.ResponseWriter, req *http.Request) { h.run(r, w, req) })
	}
	unknown := func(w http.ResponseWriter, _ *http.Request) { unknownOperation().write(w) }
	h.mux.HandleFunc("/", unknown)
	h.mux.HandleFunc("/tags", unknown) // else it would be redirected
	return h, nil
}

const requestIDHeader = "X-Amzn-Requestid"

// ServeHTTP answers one request.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set(requestIDHeader, newUUID())
	if p := r.URL.EscapedPath(); !strings.HasPrefix(p, "/") || path.Clean(p) != p {
		unknownOperation().write(w) // the mux would redirect it
		return
	}
	h.mux.ServeHTTP(w, r)
}

// newUUID is a random UUID.
func newUUID() string {
	var b [16]byte
	rand.Read(b[:]) // never fails
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

// call is one request whose signature verified.
type call struct {
	*Handler
	route  route
	r      *http.Request
	signed sigv4.Signed
	end    func() // ends its turn
}

func (c *call) ctx() context.Context { return c.r.Context() }

// change is the change that the call asks for, with a client's token.
func (c *call) change(token string) Change {
	sum := sha256.New()
	for _, part := range [...]string{c.route.Name, c.r.URL.EscapedPath(), c.r.URL.RawQuery, string(c.signed.Body)} {
		fmt.Fprintf(sum, "%d:%s", len(part), part)
	}
	return Change{By: c.signed.Identity, Operation: c.route.Name, Token: token, Fingerprint: [32]byte(sum.Sum(nil))}
}

// run verifies a request, and serves its operation.
func (h *Handler) run(route route, w http.ResponseWriter, r *http.Request) {
	repeat := sigv4.Repeatable
	if route.Changes {
		repeat = sigv4.Once
	}
	signed, err := h.o.Verifier.Verify(r, repeat)
	if refusal, ok := errors.AsType[*sigv4.Error](err); ok {
		if refusal.Code == sigv4.InternalFailure {
			h.report(w, r, route, err)
		}
		refusal.Write(w)
		return
	}
	end := func() {}
	if !route.Changes { // those that change something may have to wait for a run that writes
		if end = h.o.Turns.Wait(r.Context()); end == nil {
			h.fail(w, r, route, r.Context().Err()) // the server is too busy, or who asked went away
			return
		}
	}
	defer end()
	out, err := h.serve(&call{h, route, r, signed, end})
	var body []byte
	if err == nil && out != nil {
		body, err = json.Marshal(out, json.Deterministic(true), jsontext.AllowInvalidUTF8(true))
	}
	if err != nil {
		h.fail(w, r, route, err)
		return
	}
	end()
	answer(w, http.StatusOK, body)
}

func (h *Handler) serve(c *call) (any, error) {
	switch {
	case c.signed.Service != c.route.Service:
		return nil, &Error{
			Code: string(sigv4.SignatureDoesNotMatch), Status: http.StatusForbidden,
			Message: fmt.Sprintf("Credential should be scoped to correct service: '%s'.", c.route.Service),
		}
	case !h.o.Allow(c.signed.Identity, c.route.Operation):
		return nil, denied(c.signed.Name, c.route.Action())
	case c.route.Refused != "":
		return nil, notSupported(c.route.Name + " " + c.route.Refused + ".")
	}
	return c.route.serve(c)
}

// fail answers with an error: the client's, or ours that the client isn't told.
func (h *Handler) fail(w http.ResponseWriter, r *http.Request, route route, err error) {
	told, ok := errors.AsType[*Error](err)
	if !ok {
		told = internalError()
		if r.Context().Err() == nil { // else the client is gone, and that is why
			h.report(w, r, route, err)
		}
	}
	if route.Service == hubService {
		told = hubError(told)
	}
	told.write(w)
}

func (h *Handler) report(w http.ResponseWriter, r *http.Request, route route, err error) {
	h.o.Report(r.Context(), Failure{w.Header().Get(requestIDHeader), route.Name, err})
}

// answer writes a response. No body is an answer without a document.
func answer(w http.ResponseWriter, status int, body []byte) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	if _, err := w.Write(body); err != nil {
		return // the client is gone, and there is nobody else to tell
	}
}
