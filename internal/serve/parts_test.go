package serve

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"log/slog"
	"math/big"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
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
