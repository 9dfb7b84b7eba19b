package notify

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// SignatureHeader says who sent a webhook's request and when:
//
//	Pare-Signature: t=1795424400,v1=6d1f…
//
// t is in seconds since 1970. Each v1 is the HMAC-SHA256 of t, a point and the body, under
// one of the sender's secrets, in hexadecimal.
const SignatureHeader = "Pare-Signature"

// Tolerance is how far a signature's time may be from the receiver's. Whatever is older may
// be a replay.
const Tolerance = 5 * time.Minute

// sign is the header's value, with one v1 a secret: while a secret is being replaced, both
// the old and the new one find theirs.
func sign(secrets []string, at time.Time, body []byte) string {
	t := strconv.FormatInt(at.Unix(), 10)
	var b strings.Builder
	b.WriteString("t=" + t)
	for _, secret := range secrets {
		b.WriteString(",v1=" + hex.EncodeToString(mac(secret, t, body)))
	}
	return b.String()
}

func mac(secret, t string, body []byte) []byte {
	h := hmac.New(sha256.New, []byte(secret))
	h.Write([]byte(t + "."))
	h.Write(body)
	return h.Sum(nil)
}

// Verify is for receivers: it says why a request with this [SignatureHeader] and body isn't
// from somebody who knows the secret, or is older or younger than [Tolerance]. Within that
// time, the events' ids tell a repetition.
func Verify(secret, header string, body []byte, now time.Time) error {
	t, signatures, err := parseSignature(header)
	if err != nil {
		return err
	}
	want := mac(secret, t, body)
	good := false
	for _, signature := range signatures {
		got, err := hex.DecodeString(signature)
		good = err == nil && hmac.Equal(want, got) || good
	}
	if secret == "" || !good {
		return errors.New("the signature isn't of this secret and body")
	}
	seconds, err := strconv.ParseInt(t, 10, 64)
	if err != nil {
		return fmt.Errorf("t=%q: want seconds since 1970", t)
	}
	if age := now.Sub(time.Unix(seconds, 0)); age.Abs() > Tolerance {
		return fmt.Errorf("signed %v from now: want at most %v", age.Round(time.Second), Tolerance)
	}
	return nil
}

// parseSignature reads the header's value. Members that it doesn't know may be added later.
func parseSignature(header string) (t string, signatures []string, err error) {
	for member := range strings.SplitSeq(header, ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(member), "=")
		switch {
		case name == "t" && t != "":
			return "", nil, errors.New("the signature has two times")
		case name == "t":
			t = value
		case name == "v1":
			signatures = append(signatures, value)
		}
	}
	if t == "" || len(signatures) == 0 {
		return "", nil, fmt.Errorf("want a %s such as t=1795424400,v1=6d1f…", SignatureHeader)
	}
	return t, signatures, nil
}
