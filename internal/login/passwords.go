package login

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"hash/maphash"
	"io"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
)

// maxFile bounds a password file: about 10,000 people.
const maxFile = 4 << 20

// maxWaiting is how many logins may wait for their turn to be computed.
const maxWaiting = 32

// errBusy says that more passwords are being checked than the server bears.
var errBusy = errors.New("too many logins at once")

// passwords is a password file that is read again when it changes.
type passwords struct {
	path    string
	turns   chan struct{} // holds who computes argon2id; each takes 64 MB
	waiting atomic.Int64
	seed    maphash.Seed

	mu    sync.Mutex
	stamp os.FileInfo // of what is in the next three; nil: nothing was read
	lines []PasswordLine
	named map[string]*PasswordLine
	err   error
}

func newPasswords(path string) *passwords {
	return &passwords{path: path, turns: make(chan struct{}, min(runtime.GOMAXPROCS(0), 4)), seed: maphash.MakeSeed()}
}

// current is the file as it is now. An error means that nobody is known.
func (p *passwords) current() ([]PasswordLine, map[string]*PasswordLine, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now, err := os.Stat(p.path)
	if err != nil {
		p.stamp = nil
		return nil, nil, err
	}
	if p.stamp == nil || !unchanged(p.stamp, now) {
		p.load()
	}
	return p.lines, p.named, p.err
}

func unchanged(a, b os.FileInfo) bool {
	return os.SameFile(a, b) && a.ModTime().Equal(b.ModTime()) && a.Size() == b.Size() && a.Mode() == b.Mode()
}

func (p *passwords) load() {
	p.lines, p.named = nil, nil
	var src []byte
	if src, p.stamp, p.err = readPrivate(p.path); p.err != nil {
		return
	}
	if p.lines, p.err = ParsePasswords(src, p.path); p.err != nil {
		return
	}
	p.named = make(map[string]*PasswordLine, len(p.lines))
	for i := range p.lines {
		p.named[p.lines[i].Name] = &p.lines[i]
	}
}

// readPrivate reads a file that nobody but its owner can, and how it was before.
func readPrivate(path string) (src []byte, before os.FileInfo, err error) {
	if before, err = os.Stat(path); err == nil && !before.Mode().IsRegular() {
		return nil, before, fmt.Errorf("%s: want a file", path) // opening a pipe would wait
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, nil, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	if before, err = f.Stat(); err != nil {
		return nil, nil, err
	}
	if runtime.GOOS != "windows" && before.Mode().Perm()&0o077 != 0 {
		return nil, before, fmt.Errorf("%s: others than its owner can read or write it (%v): type `chmod 600 %s`", path, before.Mode().Perm(), path)
	}
	if before.Size() > maxFile {
		return nil, before, fmt.Errorf("%s: %d bytes: want %d or fewer", path, before.Size(), maxFile)
	}
	src, err = io.ReadAll(io.LimitReader(f, maxFile))
	return src, before, err
}

// line is somebody's line; nil if there is none.
func (p *passwords) line(name string) (*PasswordLine, error) {
	_, named, err := p.current()
	return named[name], err
}

// check is somebody's line if the password is theirs, else nil. Somebody who isn't in the
// file takes as long as somebody who is. errBusy if too many wait.
func (p *passwords) check(ctx context.Context, name, password string) (*PasswordLine, error) {
	lines, named, err := p.current()
	if err != nil {
		return nil, err
	}
	line := named[name]
	h := p.decoy(lines, name)
	if line != nil {
		h = line.hash
	}
	ok, err := p.compute(ctx, &h, password)
	if err != nil || !ok || line == nil || len(password) > maxPassword {
		return nil, err
	}
	return line, nil
}

// decoy is a hash that no password matches, for a name that isn't there. Its cost is that of
// a line that the name stands for in this process, so that a name's time says nothing when
// costs differ.
func (p *passwords) decoy(lines []PasswordLine, name string) hashed {
	h := lines[maphash.String(p.seed, name)%uint64(len(lines))].hash
	h.sum = make([]byte, len(h.sum))
	_, _ = rand.Read(h.sum) // never fails
	return h
}

func (p *passwords) compute(ctx context.Context, h *hashed, password string) (bool, error) {
	defer p.waiting.Add(-1)
	if p.waiting.Add(1) > maxWaiting {
		return false, errBusy
	}
	select {
	case p.turns <- struct{}{}:
		defer func() { <-p.turns }()
	case <-ctx.Done():
		return false, context.Cause(ctx)
	}
	if len(password) > maxPassword {
		password = "" // can't be anybody's
	}
	return h.matches(password), nil
}

// mark changes when a line does.
func (p *PasswordLine) mark() string { return digest(p.String()) }

func digest(text string) string {
	sum := sha256.Sum256([]byte(text))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}
