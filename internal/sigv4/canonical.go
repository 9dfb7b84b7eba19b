package sigv4

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"net/textproto"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// canonicalRequest is what is hashed and signed of a request:
//
//	method, path, query, a line for each signed header, an empty line, their names, hash of the body
//
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html#create-canonical-request
func canonicalRequest(r *http.Request, headers []string, bodyHash string) (string, *Error) {
	query, err := canonicalQuery(r.URL.RawQuery)
	if err != nil {
		return "", err
	}
	lines := []string{r.Method, canonicalPath(r), query}
	for _, name := range headers {
		value, ok := headerValue(r, name)
		if !ok {
			return "", refuse(SignatureDoesNotMatch, "The signed header '%s' is not in the request.", name)
		}
		lines = append(lines, name+":"+value)
	}
	lines = append(lines, "", strings.Join(headers, ";"), bodyHash)
	return strings.Join(lines, "\n"), nil
}

// canonicalPath is the path as it was sent, its bytes encoded once more.
func canonicalPath(r *http.Request) string {
	path, _, _ := strings.Cut(r.RequestURI, "?")
	if !strings.HasPrefix(path, "/") {
		path = r.URL.EscapedPath() // a request that no server read, or one made to a proxy
	}
	if path == "" {
		return "/"
	}
	return encode(path, "/")
}

// canonicalQuery is each name and value decoded and encoded anew, in the order of what
// that gives.
func canonicalQuery(raw string) (string, *Error) {
	values, err := url.ParseQuery(raw)
	if err != nil {
		return "", refuse(IncompleteSignature, "The query can't be read: it has a bad escape or a semicolon.")
	}
	type pair struct{ name, value string }
	var pairs []pair
	for name, all := range values {
		for _, value := range all {
			pairs = append(pairs, pair{encode(name, ""), encode(value, "")})
		}
	}
	slices.SortFunc(pairs, func(a, b pair) int {
		if c := strings.Compare(a.name, b.name); c != 0 {
			return c
		}
		return strings.Compare(a.value, b.value)
	})
	texts := make([]string, len(pairs))
	for i, p := range pairs {
		texts[i] = p.name + "=" + p.value
	}
	return strings.Join(texts, "&"), nil
}

// encode writes every byte as %XX but letters, digits, - . _ ~ and those of keep.
func encode(s, keep string) string {
	const digits = "0123456789ABCDEF"
	var out strings.Builder
	for i := range len(s) {
		c := s[i]
		if 'a' <= c|0x20 && c|0x20 <= 'z' || '0' <= c && c <= '9' || strings.IndexByte("-._~", c) >= 0 || strings.IndexByte(keep, c) >= 0 {
			out.WriteByte(c)
			continue
		}
		out.Write([]byte{'%', digits[c>>4], digits[c&15]})
	}
	return out.String()
}

// headerValue is a header's values, trimmed, with single blanks inside, and commas
// between.
func headerValue(r *http.Request, name string) (string, bool) {
	values := r.Header[textproto.CanonicalMIMEHeaderKey(name)]
	switch {
	case name == "host": // net/http takes it out of the headers
		values = []string{r.Host}
	case name == "content-length" && len(values) == 0 && r.ContentLength >= 0:
		values = []string{strconv.FormatInt(r.ContentLength, 10)}
	}
	out := make([]string, len(values))
	for i, v := range values {
		out[i] = strings.Join(strings.FieldsFunc(v, func(c rune) bool { return c == ' ' }), " ")
	}
	return strings.Join(out, ","), len(values) > 0
}

// sign is the signature of a canonical request. The time is as in X-Amz-Date.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html#calculate-signature
func sign(secret, time string, a *authorization, canonical string) []byte {
	key := []byte("AWS4" + secret)
	for _, part := range [...]string{a.date, a.region, a.service, terminator} {
		key = mac(key, part)
	}
	return mac(key, strings.Join([]string{algorithm, time, a.scope(), hash([]byte(canonical))}, "\n"))
}

func mac(key []byte, text string) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(text))
	return h.Sum(nil)
}

// hash is SHA-256 in hexadecimal.
func hash(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}
