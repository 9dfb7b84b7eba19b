package samplegen

import (
	"math/rand/v2"
	"strconv"
	"strings"
	"time"
)

const (
	hexDigits = "0123456789abcdef"
	base36    = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	base64    = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
	digits    = "0123456789"
)

// appendValue appends a template filled in for an event; the empty one is null.
func (r *recorder) appendValue(b []byte, t template, e event) []byte {
	if t.texts == nil {
		return append(b, "null"...)
	}
	key := r.pcg.Uint64() // one ${key} for all places of a record
	for i, text := range t.texts {
		b = append(b, text...)
		if i < len(t.names) {
			b = r.appendNamed(b, t.names[i], e, key)
		}
	}
	return b
}

// appendNamed appends what a name of a template stands for: something of the event, a
// variable of its principal, or random characters, as many as its number says.
func (r *recorder) appendNamed(b []byte, name string, e event, key uint64) []byte {
	switch name {
	case "account":
		return append(b, r.w.options.AccountID...)
	case "region":
		return append(b, e.habit.region...)
	case "name":
		return append(b, e.habit.owner.Name...)
	case "session":
		return append(b, r.sessionName(e)...)
	case "year":
		return strconv.AppendInt(b, int64(e.at.Year()), 10)
	case "time":
		return appendTime(b, e.at)
	case "arn":
		return append(b, e.habit.owner.arn...)
	case "principal":
		return append(b, e.habit.owner.id...)
	case "trust":
		return append(b, strings.TrimPrefix(e.habit.owner.Trust, "account:")...)
	case "key":
		return appendKey(b, e.at, key)
	case "uuid":
		return r.appendUUID(b)
	}
	if v, ok := e.habit.owner.Vars[name]; ok {
		return append(b, v...)
	}
	return r.appendSized(b, name)
}

// appendSized appends random characters for a name such as "hex8".
func (r *recorder) appendSized(b []byte, name string) []byte {
	kind := strings.TrimRight(name, digits)
	n, err := strconv.Atoi(name[len(kind):])
	switch {
	case err != nil:
		return append(append(b, "shop-"...), name...) // a variable that the principal doesn't set
	case kind == "hex":
		return r.appendRandom(b, hexDigits, n)
	case kind == "base":
		return r.appendRandom(b, base64, n)
	case kind == "id":
		return r.appendRandom(b, base32, n)
	case kind == "#":
		return r.appendRandom(append(b, '1'+byte(r.pcg.Uint64()%9)), digits, n-1)
	default: // "n": digits
		return r.appendRandom(b, digits, n)
	}
}

// appendKey appends an object's key, as a data set partitioned by day has them.
func appendKey(b []byte, at time.Time, n uint64) []byte {
	b = at.AppendFormat(b, "2006/01/02/")
	var pcg rand.PCG
	pcg.Seed(n, 0)
	b = appendRandom(append(b, "part-"...), &pcg, hexDigits, 12)
	return append(b, ".parquet"...)
}

func (r *recorder) appendRandom(b []byte, alphabet string, n int) []byte {
	return appendRandom(b, &r.pcg, alphabet, n)
}

// appendRandom appends n characters of an alphabet of at most 64. Each takes 6 bits of
// a random number, which favours a few characters of an odd alphabet; nobody minds.
func appendRandom(b []byte, pcg *rand.PCG, alphabet string, n int) []byte {
	var bits uint64
	for i := range n {
		if i%10 == 0 {
			bits = pcg.Uint64()
		}
		b = append(b, alphabet[int(bits&63)%len(alphabet)])
		bits >>= 6
	}
	return b
}

func (r *recorder) appendUUID(b []byte) []byte {
	for i, n := range [...]int{8, 4, 4, 4, 12} {
		if i > 0 {
			b = append(b, '-')
		}
		b = r.appendRandom(b, hexDigits, n)
	}
	return b
}

// hex is n hexadecimal digits, at most 32, that depend on the name.
func (w *World) hex(name string, n int) string {
	var pcg rand.PCG
	pcg.Seed(hash(w.options.Seed, name), 1)
	return string(appendRandom(nil, &pcg, hexDigits, n))
}

// jitter is a number from 0 that a principal keeps for a session.
func jitter(principal int, at time.Time) time.Duration {
	var pcg rand.PCG
	pcg.Seed(uint64(principal), uint64(at.Unix()))
	return time.Duration(pcg.Uint64() % 100_000)
}
