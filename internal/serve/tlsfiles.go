package serve

import (
	"crypto/tls"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"
)

// certificate is one in files, read again when they change. While what is there can't be
// read, the last that could be is used: half a renewal doesn't stop the server.
type certificate struct {
	cert, key string // paths
	log       *slog.Logger

	mu      sync.Mutex
	looked  time.Time
	changed [2]time.Time
	last    *tls.Certificate
}

// lookEvery is how often the files are looked at, at most.
const lookEvery = time.Second

// newTLS is a configuration with the certificate in two files, which must be readable now.
func newTLS(cert, key string, log *slog.Logger) (*tls.Config, error) {
	c := &certificate{cert: cert, key: key, log: log}
	if err := c.read(); err != nil {
		return nil, err
	}
	return &tls.Config{
		MinVersion:     tls.VersionTLS12,
		NextProtos:     []string{"h2", "http/1.1"},
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return c.current(time.Now()), nil },
	}, nil
}

func (c *certificate) current(now time.Time) *tls.Certificate {
	c.mu.Lock()
	defer c.mu.Unlock()
	if now.Sub(c.looked) >= lookEvery {
		c.looked = now
		if c.times() != c.changed {
			if err := c.read(); err != nil {
				c.log.Error("the certificate on disk isn't used", "error", err)
			}
		}
	}
	return c.last
}

// times are when the files changed; zero for one that isn't there.
func (c *certificate) times() (out [2]time.Time) {
	for i, path := range []string{c.cert, c.key} {
		if info, err := os.Stat(path); err == nil {
			out[i] = info.ModTime()
		}
	}
	return out
}

func (c *certificate) read() error {
	at := c.times()
	pair, err := tls.LoadX509KeyPair(c.cert, c.key)
	if err != nil {
		return fmt.Errorf("tls.cert_file %s, tls.key_file %s: %w", c.cert, c.key, err)
	}
	c.changed, c.last = at, &pair
	return nil
}
