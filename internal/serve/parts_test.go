package serve

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"iter"
	"log/slog"
	"math/big"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pare-iam/pare/finding"
	"github.com/pare-iam/pare/internal/jobs"
	"github.com/pare-iam/pare/internal/notify"
	"github.com/pare-iam/pare/internal/store"
)

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestAPanicIsAnAnswerWithAnID(t *testing.T) {
	var log bytes.Buffer
	s := &Server{o: Options{Log: slog.New(slog.NewTextHandler(&log, nil))}, metrics: newMetrics("test")}
	before := s.observed(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic("the secret of the house") }))
	w := httptest.NewRecorder()
	before.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/x?token=t0ken", nil))
	id := w.Header().Get("X-Request-Id")
	if w.Code != http.StatusInternalServerError || id == "" || !strings.Contains(w.Body.String(), id) || strings.Contains(w.Body.String(), "secret") {
		t.Errorf("got %d %s", w.Code, w.Body)
	}
	if !strings.Contains(log.String(), id) || !strings.Contains(log.String(), "the secret of the house") || strings.Contains(log.String(), "t0ken") {
		t.Error(log.String())
	}
	half := s.observed(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte("half an answer"))
		panic("late")
	}))
	srv := httptest.NewServer(half)
	defer srv.Close()
	resp, err := srv.Client().Get(srv.URL)
	if err == nil {
		_, err = bytes.NewBuffer(nil).ReadFrom(resp.Body)
		_ = resp.Body.Close()
	}
	if err == nil {
		t.Error("half an answer came as a whole one")
	}
}

// selfSigned writes a certificate with a serial number, and its key.
func selfSigned(t *testing.T, dir string, serial int64) (cert, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	check(t, err)
	template := &x509.Certificate{SerialNumber: big.NewInt(serial), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
	check(t, err)
	secret, err := x509.MarshalPKCS8PrivateKey(private)
	check(t, err)
	cert, key = filepath.Join(dir, "tls.crt"), filepath.Join(dir, "tls.key")
	check(t, os.WriteFile(cert, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600))
	check(t, os.WriteFile(key, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret}), 0o600))
	at := time.Unix(serial, 0)
	check(t, errors.Join(os.Chtimes(cert, at, at), os.Chtimes(key, at, at)))
	return cert, key
}

func TestACertificateThatChangesIsUsed(t *testing.T) {
	dir := t.TempDir()
	cert, key := selfSigned(t, dir, 1)
	c := &certificate{cert: cert, key: key, log: slog.New(slog.DiscardHandler)}
	check(t, c.read())
	now := time.Now()
	serial := func(after time.Duration) int64 {
		got, err := x509.ParseCertificate(c.current(now.Add(after)).Certificate[0])
		check(t, err)
		return got.SerialNumber.Int64()
	}
	if got := serial(0); got != 1 {
		t.Errorf("got %d", got)
	}
	selfSigned(t, dir, 2)
	if got := serial(lookEvery / 2); got != 1 {
		t.Errorf("looked at again too soon: got %d", got)
	}
	if got := serial(lookEvery); got != 2 {
		t.Errorf("renewed: got %d", got)
	}
	check(t, os.WriteFile(key, []byte("half"), 0o600))
	if got := serial(2 * lookEvery); got != 2 {
		t.Errorf("with half a key: got %d", got)
	}
	selfSigned(t, dir, 3)
	if got := serial(3 * lookEvery); got != 3 {
		t.Errorf("mended: got %d", got)
	}
}

func TestAKeyIsMadeOnceAndForItsOwner(t *testing.T) {
	path := filepath.Join(t.TempDir(), "data", "key")
	var all sync.WaitGroup
	keys := make([][]byte, 16)
	for i := range keys {
		all.Go(func() {
			var err error
			if keys[i], err = ReadKey(path); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	for _, key := range keys {
		if len(key) != 32 || !bytes.Equal(key, keys[0]) {
			t.Fatalf("got %x and %x", keys[0], key)
		}
	}
	info, err := os.Stat(path)
	check(t, err)
	if info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v", info.Mode())
	}
	left, err := filepath.Glob(filepath.Join(filepath.Dir(path), "*"))
	check(t, err)
	hidden, err := filepath.Glob(filepath.Join(filepath.Dir(path), ".key-*"))
	check(t, err)
	if len(left) != 1 || len(hidden) != 0 {
		t.Errorf("left behind: %v %v", left, hidden)
	}
	check(t, os.Chmod(path, 0o640))
	if _, err := ReadKey(path); err == nil || !strings.Contains(err.Error(), "chmod 600 "+path) {
		t.Errorf("others may read it: %v", err)
	}
	short := filepath.Join(t.TempDir(), "short")
	check(t, os.WriteFile(short, []byte("c2hvcnQ="), 0o600))
	if _, err := ReadKey(short); err == nil || !strings.Contains(err.Error(), "openssl rand -base64 32") {
		t.Errorf("a short one: %v", err)
	}
}

// sink is told changes, and refuses the first so many times.
type sink struct {
	name    string
	refuses atomic.Int32
	final   bool
	mu      sync.Mutex
	told    []string
}

func (s *sink) Name() string { return s.name }

func (s *sink) Send(_ context.Context, changes []notify.Change) []notify.Failure {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []notify.Failure
	for _, c := range changes {
		if s.final || s.refuses.Add(-1) >= 0 {
			out = append(out, notify.Failure{Change: c, Reason: "no", Final: s.final})
			continue
		}
		s.told = append(s.told, c.Finding.ID)
	}
	return out
}

// TestEachSinkIsToldAll has one sink fail at first and one refuse all.
func TestEachSinkIsToldAll(t *testing.T) {
	const n = 2*atOnce + 7
	good, slow, never := &sink{name: "good"}, &sink{name: "slow"}, &sink{name: "never", final: true}
	slow.refuses.Store(1)
	e := &events{sinks: []notify.Sink{good, slow, never}, region: "us-east-1", log: slog.New(slog.DiscardHandler), metrics: newMetrics("test")}
	check(t, e.tell(t.Context(), run, some(n)))
	if len(good.told) != n || len(slow.told) != n || len(never.told) != 0 {
		t.Errorf("told %d, %d, %d of %d", len(good.told), len(slow.told), len(never.told), n)
	}
	broken := errors.New("broken")
	if err := e.tell(t.Context(), run, func(yield func(jobs.Change, error) bool) { yield(jobs.Change{}, broken) }); !errors.Is(err, broken) {
		t.Errorf("got %v", err)
	}
	stopped, cancel := context.WithCancel(t.Context())
	cancel()
	if err := e.tell(stopped, run, some(1)); !errors.Is(err, context.Canceled) {
		t.Errorf("stopped: got %v, want that it is told again", err)
	}
}

var run = store.Run{Analyzer: "arn:aws:access-analyzer:us-east-1:111122223333:analyzer/a"}

// some are changes of different findings.
func some(n int) iter.Seq2[jobs.Change, error] {
	return func(yield func(jobs.Change, error) bool) {
		for i := range n {
			f := finding.Finding{
				ID: newID() + string(rune('a'+i%26)), Type: finding.UnusedIAMRole, Status: finding.Active, Account: "111122223333", Resource: "arn:aws:iam::111122223333:role/r",
			}
			if !yield(jobs.Change{Finding: f, Event: store.Event{At: time.Now()}, Version: 1}, nil) {
				return
			}
		}
	}
}
