package notify

import (
	"encoding/hex"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

const (
	secretOne = "a secret of more than 16 bytes"
	secretTwo = "another secret of that length"
)

func TestVerify(t *testing.T) {
	now := time.Unix(1795424400, 0)
	text := []byte(`{"schemaVersion":1,"events":[]}`)
	header := sign([]string{secretOne, secretTwo}, now, text)
	const not = "the signature isn't of this secret and body"
	const wanted = "want a Pare-Signature such as t=1795424400,v1=6d1f…"
	for _, tt := range []struct {
		name           string
		secret, header string
		body           string
		now            time.Time
		want           string
	}{
		{"the newer secret", secretOne, header, string(text), now, ""},
		{"the older secret", secretTwo, header, string(text), now, ""},
		{"as old as may be", secretOne, header, string(text), now.Add(Tolerance), ""},
		{"members that are new", secretOne, header + ",v2=00", string(text), now, ""},
		{"a replay", secretOne, header, string(text), now.Add(Tolerance + time.Second), "signed 5m1s from now: want at most 5m0s"},
		{"from times to come", secretOne, header, string(text), now.Add(-Tolerance - time.Second), "signed -5m1s from now: want at most 5m0s"},
		{"another body", secretOne, header, string(text) + " ", now, not},
		{"another secret", secretOne + "x", header, string(text), now, not},
		{"no secret", "", sign([]string{""}, now, text), string(text), now, not},
		{"another time", secretOne, strings.Replace(header, "t=17", "t=18", 1), string(text), now, not},
		{"two times", secretOne, header + ",t=1", string(text), now, "the signature has two times"},
		{"no time", secretOne, strings.TrimPrefix(header, "t=1795424400,"), string(text), now, wanted},
		{"no signature", secretOne, "t=1795424400", string(text), now, wanted},
		{"no header", secretOne, "", string(text), now, wanted},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := ""
			if err := Verify(tt.secret, tt.header, []byte(tt.body), tt.now); err != nil {
				got = err.Error()
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
		})
	}
}

// The signature of a known text, made by another program:
// printf '1795424400.{}' | openssl dgst -sha256 -hmac 'a secret of more than 16 bytes'
func TestSignatureIsWhatOpensslMakes(t *testing.T) {
	const want = "t=1795424400,v1=92f716f018829cdfa488ef0c967c7e517d0142498ceea9452a060e9ac4da3391"
	if got := sign([]string{secretOne}, time.Unix(1795424400, 0), []byte("{}")); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// What is signed verifies; no other body, time or header does.
func FuzzVerify(f *testing.F) {
	f.Add("t=1,v1=00", []byte("{}"), int64(1795424400), byte(1))
	f.Add("v1=,t=", []byte(""), int64(0), byte(0))
	f.Fuzz(func(t *testing.T, forged string, body []byte, at int64, flip byte) {
		at &= 1<<40 - 1
		now := time.Unix(at, 0)
		if Verify(secretOne, forged, body, now) == nil {
			stated, _, err := parseSignature(forged)
			if err != nil || !strings.Contains(strings.ToLower(forged), hex.EncodeToString(mac(secretOne, stated, body))) {
				t.Fatalf("%q passes", forged)
			}
		}
		header := sign([]string{secretTwo, secretOne}, now, body)
		if err := Verify(secretOne, header, body, now); err != nil {
			t.Fatal(err)
		}
		if len(body) > 0 && flip != 0 {
			body[int(flip)%len(body)] ^= flip
			if Verify(secretOne, header, body, now) == nil {
				t.Fatal("another body passes")
			}
		}
	})
}
