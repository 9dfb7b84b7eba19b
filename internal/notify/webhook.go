package notify

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"golang.org/x/sync/errgroup"
)

// What goes into one request.
const (
	maxPosted      = 100
	maxPostedBytes = 512 << 10
)

// minSecret is how many bytes a secret has at least.
const minSecret = 16

// WebhookOptions say where a webhook is and how it is called.
type WebhookOptions struct {
	Name string // of the sink; "": "webhook"

	// URL is where to post to: https, or http on this machine's loopback.
	URL string

	// Secrets sign each request, see [SignatureHeader]. There is one, of 16 bytes or more, and
	// another while it is being replaced.
	Secrets []string

	Format  Format // "": FormatPare
	Version string // pare's, for OCSF and the user agent; "": none is told

	// AllowPrivate lets the URL lead into private networks. What leads to a machine's own
	// credentials stays closed.
	AllowPrivate bool

	Roots       *x509.CertPool // that the server's certificate is checked against; nil: the system's
	Timeout     time.Duration  // of a request; 0: 10 s
	Concurrency int            // how many requests are under way at a time, at most; 0: 2
}

// Webhook is a Sink that posts JSON.
type Webhook struct {
	options WebhookOptions
	url     string
	client  *http.Client
}

// NewWebhook makes the sink. The error is of an option that is missing or wrong, and has no
// secret in it.
func NewWebhook(o WebhookOptions) (*Webhook, error) {
	u, err := target(o.URL)
	if err != nil {
		return nil, err
	}
	if o.Format == "" {
		o.Format = FormatPare
	}
	if o.Format != FormatPare && o.Format != FormatOCSF {
		return nil, fmt.Errorf("webhook: format %q: want %s or %s", o.Format, FormatPare, FormatOCSF)
	}
	if len(o.Secrets) == 0 {
		return nil, fmt.Errorf("webhook: no secret: want one of %d bytes or more, such as `openssl rand -hex 32` prints", minSecret)
	}
	for i, s := range o.Secrets {
		if len(s) < minSecret {
			return nil, fmt.Errorf("webhook: secret %d has %d bytes: want %d or more, such as `openssl rand -hex 32` prints", i+1, len(s), minSecret)
		}
	}
	if o.Name == "" {
		o.Name = "webhook"
	}
	if o.Timeout <= 0 {
		o.Timeout = 10 * time.Second
	}
	if o.Concurrency <= 0 {
		o.Concurrency = 2
	}
	return &Webhook{options: o, url: u.String(), client: newClient(o, reachOf(u, o.AllowPrivate))}, nil
}

// newClient makes a client that follows no redirect, to whatever host, and connects to no
// address out of reach.
func newClient(o WebhookOptions, r reach) *http.Client {
	dialer := &net.Dialer{Timeout: o.Timeout, Control: r.control}
	return &http.Client{
		Timeout:       o.Timeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{
			DialContext:            dialer.DialContext,
			TLSClientConfig:        &tls.Config{RootCAs: o.Roots, MinVersion: tls.VersionTLS12},
			TLSHandshakeTimeout:    o.Timeout,
			ForceAttemptHTTP2:      true,
			MaxIdleConnsPerHost:    o.Concurrency,
			IdleConnTimeout:        time.Minute,
			MaxResponseHeaderBytes: 64 << 10,
		},
	}
}

// Name implements [Sink].
func (w *Webhook) Name() string { return w.options.Name }

// Send implements [Sink]. 400, 413, 415 and 422 refuse the events for good. What fails
// otherwise is tried again: it is about who sends, where to, or when, which people mend.
func (w *Webhook) Send(ctx context.Context, changes []Change) []Failure {
	events := make([]shaped[[]byte], len(changes))
	for i, c := range changes {
		src := w.options.Format.eventBytes(c, w.options.Version)
		events[i] = shaped[[]byte]{c, src, len(src)}
	}
	var posts [][]shaped[[]byte]
	for batch := range batches(events, maxPosted, maxPostedBytes) {
		posts = append(posts, batch)
	}
	failed := make([][]Failure, len(posts))
	var group errgroup.Group
	group.SetLimit(w.options.Concurrency)
	for i, batch := range posts {
		group.Go(func() error {
			if f, ok := w.post(ctx, batch); !ok {
				failed[i] = failAll(changesOf(batch), f)
			}
			return nil
		})
	}
	_ = group.Wait() // failures are values here
	var out []Failure
	for _, f := range failed {
		out = append(out, f...)
	}
	return out
}

// post makes one request. The failure is without a change; ok says that there is none.
func (w *Webhook) post(ctx context.Context, batch []shaped[[]byte]) (f Failure, ok bool) {
	r, err := w.request(ctx, batch)
	if err != nil {
		return Failure{Reason: withoutURL(err)}, false
	}
	response, err := w.client.Do(r)
	if err != nil {
		return Failure{Reason: withoutURL(err)}, false
	}
	// A connection is used again if its answer was read.
	const most = 64 << 10
	_, readErr := io.CopyN(io.Discard, response.Body, most)
	closeErr := response.Body.Close()
	if response.StatusCode/100 == 2 {
		return Failure{}, true
	}
	f = refusal(response, time.Now())
	if readErr != nil && !errors.Is(readErr, io.EOF) || closeErr != nil {
		f.Reason += ", and its answer broke off"
	}
	return f, false
}

func (w *Webhook) request(ctx context.Context, batch []shaped[[]byte]) (*http.Request, error) {
	src := w.options.Format.bodyBytes(batch)
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, w.url, bytes.NewReader(src))
	if err != nil {
		return nil, err
	}
	agent := product
	if w.options.Version != "" {
		agent += "/" + w.options.Version
	}
	r.Header.Set("User-Agent", agent)
	r.Header.Set("Content-Type", w.options.Format.contentType())
	r.Header.Set("Idempotency-Key", batchKey(batch))
	r.Header.Set(SignatureHeader, sign(w.options.Secrets, time.Now(), src))
	return r, nil
}

// batchKey names a request by the events in it.
func batchKey(batch []shaped[[]byte]) string {
	if len(batch) == 1 {
		return batch[0].change.Key()
	}
	h := sha256.New()
	for _, s := range batch {
		h.Write([]byte(s.change.Key()))
	}
	const bytes = 16
	return hex.EncodeToString(h.Sum(nil)[:bytes])
}

// refusal is what an answer other than 2xx means.
func refusal(r *http.Response, now time.Time) Failure {
	f := Failure{Code: strconv.Itoa(r.StatusCode), Reason: "the webhook answered " + r.Status}
	switch r.StatusCode {
	case http.StatusBadRequest, http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType, http.StatusUnprocessableEntity:
		f.Final = true
	default:
		f.After = retryAfter(r.Header.Get("Retry-After"), now)
	}
	if r.StatusCode/100 == 3 {
		f.Reason += ": redirects aren't followed: set the URL that it leads to"
	}
	return f
}

// withoutURL is an error of the client without the URL, which may have a secret in it.
func withoutURL(err error) string {
	if wrapped, ok := errors.AsType[*url.Error](err); ok {
		err = wrapped.Err
	}
	return err.Error()
}
