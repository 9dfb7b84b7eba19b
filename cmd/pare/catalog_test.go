package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/pare-iam/pare/catalog"
)

// everything serves the built-in catalog in the shape of AWS's endpoint, with one
// action more; trouble answers first, and says whether it did.
func everything(trouble func(w http.ResponseWriter, r *http.Request) bool) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if trouble(w, r) {
			return
		}
		if r.URL.Path == "/" {
			var entries []string
			for _, s := range catalog.Embedded().Services() {
				entries = append(entries, fmt.Sprintf(`{"service":%q,"url":"https://example.com/v1/%s/%s.json"}`, s.Prefix, s.Prefix, s.Prefix))
			}
			fmt.Fprintf(w, "[%s]", strings.Join(entries, ","))
			return
		}
		prefix := strings.TrimSuffix(filepath.Base(r.URL.Path), ".json")
		actions := []string{}
		for _, a := range catalog.Embedded().Service(prefix).Actions {
			actions = append(actions, fmt.Sprintf(`{"Name":%q}`, a.Name))
		}
		if prefix == "s3" {
			actions = append(actions, `{"Name":"GetNewThing"}`)
		}
		fmt.Fprintf(w, `{"Name":%q,"Version":"v1.4","Actions":[%s]}`, prefix, strings.Join(actions, ","))
	}
}

// update runs the command against a server and returns what it printed and left.
func update(t *testing.T, ctx context.Context, handler http.HandlerFunc) (stdout, stderr string, left []string, err error) {
	t.Helper()
	server := httptest.NewServer(handler)
	defer server.Close()
	cache := filepath.Join(t.TempDir(), "cache")
	var out, errs bytes.Buffer
	err = run(ctx, []string{"catalog", "update", "--endpoint-url", server.URL, "--cache-dir", cache}, strings.NewReader(""), &out, &errs)
	entries, readErr := os.ReadDir(cache)
	if readErr != nil && !errors.Is(readErr, os.ErrNotExist) {
		t.Fatal(readErr)
	}
	for _, entry := range entries {
		left = append(left, entry.Name())
	}
	return out.String(), errs.String(), left, err
}

func TestCatalogUpdateFromAnEndpoint(t *testing.T) {
	var failures atomic.Int32
	stdout, stderr, left, err := update(t, t.Context(), everything(func(w http.ResponseWriter, r *http.Request) bool {
		if r.URL.Path != "/v1/s3/s3.json" || failures.Add(1) > 1 {
			return false
		}
		http.Error(w, "trouble", http.StatusInternalServerError)
		return true
	}))
	if err != nil {
		t.Fatalf("%v\n%s", err, stderr)
	}
	if !strings.Contains(stdout, "457 services, 22143 actions; against embedded of 2026-09-26: actions +1 -0") {
		t.Errorf("stdout %s", stdout)
	}
	if !strings.Contains(stderr, "457 of 457 services\n") {
		t.Errorf("stderr %s", stderr)
	}
	if fmt.Sprint(left) != "[catalog.pare]" {
		t.Errorf("left %v", left)
	}
}

func TestCatalogUpdateLeavesNothingWhenItFails(t *testing.T) {
	for _, tt := range []struct {
		name    string
		trouble func(w http.ResponseWriter, r *http.Request) bool
		code    int
		want    string
	}{
		{"for a service that is missing", func(w http.ResponseWriter, r *http.Request) bool {
			if r.URL.Path != "/v1/iam/iam.json" {
				return false
			}
			http.NotFound(w, r)
			return true
		}, exitError, "/v1/iam/iam.json: HTTP status 404"},
		{"for a list that shrinks sharply", func(w http.ResponseWriter, r *http.Request) bool {
			if r.URL.Path != "/v1/s3/s3.json" {
				return false
			}
			fmt.Fprint(w, `{"Name":"s3","Version":"v1.4","Actions":[{"Name":"GetObject"}]}`)
			return true
		}, exitRefused, "of s3\nhint: nothing was changed"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, stderr, left, err := update(t, t.Context(), everything(tt.trouble))
			if exitCode(err, false) != tt.code || !strings.Contains(stderr, tt.want) {
				t.Errorf("exit code %d, stderr %s\nwant %d, %s", exitCode(err, false), stderr, tt.code, tt.want)
			}
			if left != nil {
				t.Errorf("left %v", left)
			}
		})
	}
}

func TestCatalogUpdateLeavesNothingWhenInterrupted(t *testing.T) {
	ctx, interrupt := context.WithCancel(t.Context())
	_, _, left, err := update(t, ctx, everything(func(_ http.ResponseWriter, r *http.Request) bool {
		if r.URL.Path == "/v1/s3/s3.json" {
			interrupt()
		}
		return false
	}))
	if exitCode(err, false) != exitInterrupted || left != nil {
		t.Errorf("error %v, left %v", err, left)
	}
}
