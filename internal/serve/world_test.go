package serve_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/accessanalyzer"
	"github.com/aws/smithy-go"

	"github.com/pare-iam/pare/catalog"
	"github.com/pare-iam/pare/internal/samplegen"
	"github.com/pare-iam/pare/internal/serve"
	"github.com/pare-iam/pare/internal/store"
)

const (
	sample = "111122223333" // the account of package samplegen
	region = "us-east-1"
	soon   = 30 * time.Second // longer than anything takes on a machine that is busy
)

// snapshot is the sample account's folder, written once for all tests.
var snapshot = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "pare-serve-test-")
	if err != nil {
		return "", err
	}
	return dir, samplegen.New(catalog.Embedded(), samplegen.Demo()).Snapshot(func(name string, content func(io.Writer) error) error {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		f, err := os.Create(path)
		if err != nil {
			return err
		}
		return errors.Join(content(f), f.Close())
	})
})

func TestMain(m *testing.M) {
	if url := os.Getenv(childDatabase); url != "" {
		fmt.Fprintln(os.Stderr, beChild(url))
		os.Exit(1)
	}
	code := m.Run()
	if dir, err := snapshot(); err == nil {
		_ = os.RemoveAll(dir)
	}
	os.Exit(code)
}

// lines is a log that tests read.
type lines struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// running is a service that runs, and how it is stopped.
type running struct {
	*serve.Service
	url  string
	log  *lines
	stop func() error // stops it, and returns what Run returned

	broken bool // the test has broken it, so that it can't stop well
}

// configured is a configuration with the sample's account.
func configured(t testing.TB, database string) serve.Config {
	t.Helper()
	dir, err := snapshot()
	if err != nil {
		t.Fatal(err)
	}
	c, _, err := serve.Load(serve.Sources{Flags: map[string]string{"listen": "127.0.0.1:0", "database": database, "data-dir": t.TempDir()}})
	if err != nil {
		t.Fatal(err)
	}
	c.Account, c.Accounts = sample, []serve.Account{{ID: sample, Name: "sample", Folder: dir}}
	return c
}

// start starts a service, and stops it when the test ends.
func start(t testing.TB, c serve.Config) *running {
	t.Helper()
	return startWith(t, c, serve.Limits{})
}

func startWith(t testing.TB, c serve.Config, limits serve.Limits) *running {
	t.Helper()
	log := new(lines)
	s, err := serve.Start(t.Context(), c, serve.World{
		Catalog: catalog.Embedded(), Log: slog.New(slog.NewTextHandler(log, nil)), Now: time.Now, Version: "test", Poll: 20 * time.Millisecond, Limits: limits,
	})
	if err != nil {
		t.Fatal(err)
	}
	r := &running{Service: s, url: s.URL(), log: log}
	ctx, cancel := context.WithCancel(context.Background()) // a test's own has ended when it cleans up
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	r.stop = sync.OnceValue(func() error {
		cancel()
		return <-ended
	})
	t.Cleanup(func() {
		if err := r.stop(); err != nil && !r.broken {
			t.Error(err)
		}
	})
	return r
}

// key is a new access key of somebody with a role.
func (r *running) key(t testing.TB, role store.UserRole) aws.CredentialsProvider {
	t.Helper()
	by := store.By{Who: "test", At: time.Now()}
	must(t, r.Store.PutUser(t.Context(), by, store.Person{Name: string(role), Role: role}))
	key, secret := serve.NewAccessKey(string(role))
	must(t, r.Store.AddKey(t.Context(), by, key, secret))
	return credentials.NewStaticCredentialsProvider(key.ID, secret, "")
}

// client is AWS's SDK for Go, with a new access key of somebody with a role.
func (r *running) client(t testing.TB, role store.UserRole) *accessanalyzer.Client {
	t.Helper()
	return accessanalyzer.New(accessanalyzer.Options{Region: region, BaseEndpoint: &r.url, Credentials: r.key(t, role)})
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// codeOf is AWS's code of an error; "" of none.
func codeOf(err error) string {
	if e, ok := errors.AsType[smithy.APIError](err); ok {
		return e.ErrorCode()
	}
	if err != nil {
		return err.Error()
	}
	return ""
}

// until waits for a condition.
func until(t testing.TB, what string, is func() bool) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(soon); !is(); <-tick.C {
		if time.Now().After(deadline) {
			t.Fatalf("it doesn't come to that: %s", what)
		}
	}
}
