package login

import (
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"golang.org/x/crypto/argon2"
)

// Bounds of a password: runes at least, bytes at most. The upper one keeps a request from
// having us hash megabytes.
const (
	minPassword = 12
	maxPassword = 4096
)

// cost is what argon2id takes to compute.
type cost struct {
	memory  uint32 // KiB
	passes  uint32
	threads uint8
}

// ownCost is what Hash uses: the second recommendation of RFC 9106, for machines where
// memory is dear.
var ownCost = cost{memory: 64 << 10, passes: 3, threads: 4}

// enough are the least costs that OWASP calls equally strong. One of them must be met in
// both memory and passes.
var enough = [...]cost{
	{memory: 46 << 10, passes: 1}, {memory: 19 << 10, passes: 2}, {memory: 12 << 10, passes: 3},
	{memory: 9 << 10, passes: 4}, {memory: 7 << 10, passes: 5},
}

// maxCost is what one login may take of the server.
var maxCost = cost{memory: 1 << 20, passes: 32, threads: 32}

const (
	minSalt, maxSalt = 16, 64 // bytes
	minSum, maxSum   = 16, 64
	ownSalt, ownSum  = 16, 32
)

// hashed is a password as argon2id leaves it.
type hashed struct {
	cost
	salt, sum []byte
}

// Hash makes the part of a password file's line that stands for a password: argon2id with a
// new salt, as a PHC string. A password has 12 characters or more, and 4096 bytes at most.
// https://github.com/P-H-C/phc-string-format/blob/master/phc-sf-spec.md
func Hash(password string) (string, error) {
	return hashWith(ownCost, password)
}

func hashWith(c cost, password string) (string, error) {
	n := utf8.RuneCountInString(password)
	switch {
	case !utf8.ValidString(password):
		return "", errors.New("password: want UTF-8 text")
	case strings.ContainsAny(password, "\x00\r\n"):
		return "", errors.New("password: it has a line end or a NUL in it, which a login page can't send: leave it out")
	case n < minPassword:
		return "", fmt.Errorf("password: %d characters: want %d or more; several words are easy to remember", n, minPassword)
	case len(password) > maxPassword:
		return "", fmt.Errorf("password: %d bytes: want %d or fewer", len(password), maxPassword)
	}
	h := hashed{cost: c, salt: make([]byte, ownSalt), sum: make([]byte, ownSum)}
	_, _ = rand.Read(h.salt) // never fails
	h.sum = h.of(password)
	return h.String(), nil
}

// of computes what a password comes to under the same cost and salt.
func (h *hashed) of(password string) []byte {
	return argon2.IDKey([]byte(password), h.salt, h.passes, h.memory, h.threads, uint32(len(h.sum)))
}

// matches compares in a time that doesn't depend on where the difference is.
func (h *hashed) matches(password string) bool {
	return subtle.ConstantTimeCompare(h.of(password), h.sum) == 1
}

// String is the PHC string.
func (h *hashed) String() string {
	enc := base64.RawStdEncoding
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, h.memory, h.passes, h.threads,
		enc.EncodeToString(h.salt), enc.EncodeToString(h.sum))
}

// remedy is what to type for a hash that can't be taken.
const remedy = "make a new one with `pare serve password`"

// parseHash reads a PHC string, and refuses what is weaker than OWASP's advice, what would
// take too much of the server, and other algorithms.
func parseHash(text string) (hashed, error) {
	parts := strings.Split(text, "$")
	if len(parts) != 6 || parts[0] != "" || parts[1] != "argon2id" {
		return hashed{}, errors.New("want a hash of argon2id, $argon2id$v=19$m=…,t=…,p=…$salt$hash: " + remedy)
	}
	if parts[2] != "v="+strconv.Itoa(argon2.Version) {
		return hashed{}, fmt.Errorf("argon2id %q: want v=%d: %s", parts[2], argon2.Version, remedy)
	}
	h := hashed{}
	var err error
	if h.cost, err = parseCost(parts[3]); err != nil {
		return hashed{}, err
	}
	if h.salt, err = parseBytes("salt", parts[4], minSalt, maxSalt); err != nil {
		return hashed{}, err
	}
	h.sum, err = parseBytes("hash", parts[5], minSum, maxSum)
	return h, err
}

func parseBytes(what, text string, least, most int) ([]byte, error) {
	out, err := base64.RawStdEncoding.Strict().DecodeString(text)
	if err != nil || len(out) < least || len(out) > most || strings.ContainsAny(text, "\r\n") {
		return nil, fmt.Errorf("the %s: want %d to %d bytes in base64 without padding: %s", what, least, most, remedy)
	}
	return out, nil
}

func parseCost(text string) (cost, error) {
	fields := strings.Split(text, ",")
	if len(fields) != 3 {
		return cost{}, fmt.Errorf("parameters %q: want m=…,t=…,p=…: %s", text, remedy)
	}
	var n [3]uint64
	for i, name := range []string{"m=", "t=", "p="} {
		digits, ok := strings.CutPrefix(fields[i], name)
		v, err := strconv.ParseUint(digits, 10, 32)
		if !ok || err != nil || strconv.FormatUint(v, 10) != digits {
			return cost{}, fmt.Errorf("parameter %q: want %sa number: %s", fields[i], name, remedy)
		}
		n[i] = v
	}
	if n[0] > uint64(maxCost.memory) || n[1] > uint64(maxCost.passes) || n[2] > uint64(maxCost.threads) {
		return cost{}, fmt.Errorf("parameters %q: they take too much of the server: at most m=%d,t=%d,p=%d: %s",
			text, maxCost.memory, maxCost.passes, maxCost.threads, remedy)
	}
	c := cost{uint32(n[0]), uint32(n[1]), uint8(n[2])}
	if !c.strong() {
		return cost{}, fmt.Errorf("parameters %q: they are weak: want at least m=19456,t=2,p=1: %s", text, remedy)
	}
	return c, nil
}

func (c cost) strong() bool {
	if c.threads == 0 || c.memory < 8*uint32(c.threads) { // RFC 9106, section 3.1
		return false
	}
	for _, least := range enough {
		if c.memory >= least.memory && c.passes >= least.passes {
			return true
		}
	}
	return false
}
