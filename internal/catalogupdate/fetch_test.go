package catalogupdate_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pare-iam/pare/catalog"
	"github.com/pare-iam/pare/internal/catalogupdate"
)

// endpoint serves a reference in the shape of AWS's endpoint. Each path answers with
// the handlers that trouble lists for it, one a request, and then as it should.
type endpoint struct {
	services []string
	trouble  map[string][]http.HandlerFunc

	mu    sync.Mutex
	asked map[string]int
}

func (e *endpoint) start(t *testing.T) string {
	t.Helper()
	e.asked = map[string]int{}
	server := httptest.NewServer(e)
	t.Cleanup(server.Close)
	return server.URL
}

func (e *endpoint) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	e.mu.Lock()
	n := e.asked[r.URL.Path]
	e.asked[r.URL.Path]++
	e.mu.Unlock()
	if n < len(e.trouble[r.URL.Path]) {
		e.trouble[r.URL.Path][n](w, r)
		return
	}
	if r.URL.Path == "/" {
		var entries []string
		for _, s := range e.services {
			entries = append(entries, fmt.Sprintf(`{"service":%q,"url":"https://servicereference.us-east-1.amazonaws.com/v1/%s/%s.json"}`, s, s, s))
		}
		fmt.Fprintf(w, "[%s]", strings.Join(entries, ","))
		return
	}
	for _, s := range e.services {
		if r.URL.Path == "/v1/"+s+"/"+s+".json" {
			fmt.Fprint(w, serviceFile(s, 3))
			return
		}
	}
	http.NotFound(w, r)
}

func serviceFile(service string, actions int) string {
	var list []string
	for i := range actions {
		list = append(list, fmt.Sprintf(`{"Name":"Get%d"}`, i))
	}
	return fmt.Sprintf(`{"Name":%q,"Version":"v1.4","Actions":[%s]}`, service, strings.Join(list, ","))
}

func status(code int) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "trouble", code) }
}

func body(text string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, text) }
}

// cutShort announces more than it sends.
func cutShort(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Length", "100000")
	fmt.Fprint(w, `{"Name":"b","Version":"v1.4","Actions":[`)
}

func always(h http.HandlerFunc) []http.HandlerFunc { return []http.HandlerFunc{h, h, h, h, h, h} }

func fetch(t *testing.T, e *endpoint) (*catalog.Catalog, error) {
	t.Helper()
	url := e.start(t)
	fetcher := catalogupdate.Fetcher{Client: http.DefaultClient, Endpoint: url}
	files, err := fetcher.Files(t.Context())
	if err != nil {
		return nil, errors.New(strings.ReplaceAll(err.Error(), url, "URL"))
	}
	return catalog.ReadFiles("fetched", files)
}

func TestFetcher(t *testing.T) {
	for _, tt := range []struct {
		name    string
		trouble map[string][]http.HandlerFunc
		want    string // part of the error; "" when all is got
		asked   int    // requests for service b
	}{
		{"gets every service of the index once", nil, "", 1},
		{"asks again after a 500", map[string][]http.HandlerFunc{"/v1/b/b.json": {status(500), status(503)}}, "", 3},
		{"asks again when told to slow down", map[string][]http.HandlerFunc{"/v1/b/b.json": {status(429)}}, "", 2},
		{"asks again for the index", map[string][]http.HandlerFunc{"/": {status(502), body("[]"), body("[{")}}, "", 1},
		{"asks again for a body that is cut short", map[string][]http.HandlerFunc{"/v1/b/b.json": {cutShort}}, "", 2},
		{"asks again for a body that is no JSON", map[string][]http.HandlerFunc{"/v1/b/b.json": {body("<html>")}}, "", 2},
		{"gives up after four attempts", map[string][]http.HandlerFunc{"/v1/b/b.json": always(status(500))}, "URL/v1/b/b.json: HTTP status 500 (4 attempts)", 4},
		{"gives up on a body that is always cut short", map[string][]http.HandlerFunc{"/v1/b/b.json": always(cutShort)}, "URL/v1/b/b.json: unexpected EOF (4 attempts)", 4},
		{"doesn't ask again for a service that is missing", map[string][]http.HandlerFunc{"/v1/b/b.json": always(status(404))}, "URL/v1/b/b.json: HTTP status 404", 1},
		{"refuses a file of another service", map[string][]http.HandlerFunc{"/v1/b/b.json": always(body(serviceFile("a", 1)))}, `b.json: Name "a": want "b"`, 4},
		{"refuses another major version", map[string][]http.HandlerFunc{"/v1/b/b.json": always(body(`{"Name":"b","Version":"v2.0"}`))}, `b.json: Version "v2.0"`, 4},
		{"refuses an index that isn't one", map[string][]http.HandlerFunc{"/": always(body(`{"Name":"b"}`))}, "want an array", 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			e := &endpoint{services: []string{"a", "b", "c"}, trouble: tt.trouble}
			c, err := fetch(t, e)
			got, wantActions := 0, 0
			if err == nil {
				got = c.Len()
			}
			if tt.want == "" {
				wantActions = 9
			}
			if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
				t.Fatalf("error %v\nwant    %q", err, tt.want)
			}
			if got != wantActions || e.asked["/v1/b/b.json"] != tt.asked {
				t.Errorf("%d actions, %d requests for b; want %d, %d", got, e.asked["/v1/b/b.json"], wantActions, tt.asked)
			}
		})
	}
}

func TestFetcherStaysAtTheEndpoint(t *testing.T) {
	mirror := &endpoint{services: []string{"a"}}
	url := mirror.start(t)
	prefixed := httptest.NewServer(http.StripPrefix("/mirror", mirror))
	defer prefixed.Close()
	for _, at := range []string{url, url + "/", prefixed.URL + "/mirror/"} {
		fetcher := catalogupdate.Fetcher{Client: http.DefaultClient, Endpoint: at}
		if _, err := fetcher.Files(t.Context()); err != nil {
			t.Errorf("%s: %v", at, err)
		}
	}
}

func TestFetcherRefusesAnEndpointThatIsNoURL(t *testing.T) {
	for _, at := range []string{"", "servicereference", "ftp://h/", "http://", ":"} {
		fetcher := catalogupdate.Fetcher{Client: http.DefaultClient, Endpoint: at}
		if _, err := fetcher.Files(t.Context()); err == nil || !strings.Contains(err.Error(), "want a URL such as") {
			t.Errorf("%q: error %v", at, err)
		}
	}
}

func TestFetcherStopsWhenItsContextDoes(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	e := &endpoint{services: []string{"a", "b"}, trouble: map[string][]http.HandlerFunc{
		"/v1/b/b.json": {func(w http.ResponseWriter, r *http.Request) { cancel(); <-r.Context().Done() }},
	}}
	fetcher := catalogupdate.Fetcher{Client: http.DefaultClient, Endpoint: e.start(t)}
	if _, err := fetcher.Files(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
}

func TestFetcherReportsProgressUpToTheTotal(t *testing.T) {
	e := &endpoint{services: []string{"a", "b", "c"}}
	var mu sync.Mutex
	seen := map[int]bool{}
	fetcher := catalogupdate.Fetcher{Client: http.DefaultClient, Endpoint: e.start(t), Progress: func(done, total int) {
		mu.Lock()
		defer mu.Unlock()
		seen[done] = total == 3
	}}
	if _, err := fetcher.Files(t.Context()); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[int]bool{1: true, 2: true, 3: true}, seen); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}
