package awstest

import (
	"encoding/base32"
	"fmt"
	"math/rand/v2"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// Fault may answer a call in moto's stead, and says whether it did. It is called by several
// goroutines at a time. nil answers none.
type Fault func(w http.ResponseWriter, c Call) bool

// SetFault sets what calls meet from now on.
func (s *Server) SetFault(f Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fault = f
}

// On is a fault of some calls.
func On(meant func(Call) bool, f Fault) Fault {
	return func(w http.ResponseWriter, c Call) bool { return meant(c) && f(w, c) }
}

// First is a fault of the first n calls that come to it.
func First(n int, f Fault) Fault {
	var seen atomic.Int64
	return func(w http.ResponseWriter, c Call) bool { return seen.Add(1) <= int64(n) && f(w, c) }
}

// Sometimes is a fault of a share of the calls that come to it, from 0 to 1, drawn by a
// seed: of calls made one after the other always the same.
func Sometimes(seed uint64, share float64, f Fault) Fault {
	var mu sync.Mutex
	random := rand.New(rand.NewPCG(seed, 0))
	return func(w http.ResponseWriter, c Call) bool {
		mu.Lock()
		drawn := random.Float64() < share
		mu.Unlock()
		return drawn && f(w, c)
	}
}

// Any is the first of several faults that answers.
func Any(faults ...Fault) Fault {
	return func(w http.ResponseWriter, c Call) bool {
		for _, f := range faults {
			if f(w, c) {
				return true
			}
		}
		return false
	}
}

// Refuse answers with an error, as the service that was called does.
// https://docs.aws.amazon.com/IAM/latest/APIReference/CommonErrors.html
func Refuse(status int, code, message string) Fault {
	return func(w http.ResponseWriter, c Call) bool {
		if c.Params != nil {
			fail(w, status, code, message)
			return true
		}
		return Say(status, "application/x-amz-json-1.1", fmt.Sprintf(`{"__type":%q,"message":%q}`, code, message))(w, c)
	}
}

// Deny answers that the caller hasn't the permission, and Throttle that there were too many
// calls.
var (
	Deny     = Refuse(http.StatusForbidden, "AccessDenied", "not authorized to perform this")
	Throttle = Refuse(http.StatusBadRequest, "Throttling", "Rate exceeded")
)

// Say answers with a text: what an endpoint says that isn't AWS's, or what moto can't.
func Say(status int, kind, text string) Fault {
	return func(w http.ResponseWriter, _ Call) bool {
		w.Header().Set("Content-Type", kind)
		w.WriteHeader(status)
		_, _ = w.Write([]byte(text)) // nobody is left to tell
		return true
	}
}

// Cut ends the connection without an answer.
func Cut(http.ResponseWriter, Call) bool { panic(http.ErrAbortHandler) }

// Delay lets a call wait, and answers none.
func Delay(d time.Duration) Fault {
	return func(http.ResponseWriter, Call) bool {
		time.Sleep(d)
		return false
	}
}

// accountOf is the account of an access key, which says it from its fifth character on:
// half of the number and 2³⁹, in base32, and then a character of the upper half of the
// alphabet if the number is odd. Keys that aren't AWS's are in moto's own account.
func accountOf(key string) string {
	const own, prefix, number, offset = "123456789012", 4, 8, 1 << 39
	if len(key) != 20 || key == defaultKey {
		return own
	}
	bytes, err := base32.StdEncoding.DecodeString(key[prefix : prefix+number])
	if err != nil {
		return own
	}
	half := int64(0)
	for _, b := range bytes {
		half = half<<8 | int64(b)
	}
	odd := int64(0)
	if c := key[prefix+number]; c >= 'Q' && c <= 'Z' || c >= '2' && c <= '7' {
		odd = 1
	}
	return fmt.Sprintf("%012d", 2*(half-offset)+odd)
}
