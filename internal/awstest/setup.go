package awstest

import (
	"bytes"
	"encoding/xml"
	"io"
	"net/http"
	"net/url"
	"strings"
)

// Key is an access key, or those of a session. The zero value is the account's
// administrator.
type Key struct{ ID, Session string }

// Answer is what an operation of the query protocol answered.
type Answer []byte

// Text is the text of the answer's first element of a name; empty if there is none.
func (a Answer) Text(name string) string {
	d := xml.NewDecoder(bytes.NewReader(a))
	for {
		token, err := d.Token()
		if err != nil {
			return ""
		}
		if start, ok := token.(xml.StartElement); ok && start.Name.Local == name {
			var text string
			if err := d.DecodeElement(&text, &start); err != nil {
				return ""
			}
			return text
		}
	}
}

// SetUp calls an operation of IAM or STS, such as "iam" "CreateUser", straight at moto, so
// that it isn't recorded. The parameters are names and values in turn. An error ends the
// test.
func (s *Server) SetUp(as Key, service, operation string, params ...string) Answer {
	s.t.Helper()
	form := url.Values{"Action": {operation}}
	for i := 0; i+1 < len(params); i += 2 {
		form.Add(params[i], params[i+1])
	}
	r, err := http.NewRequestWithContext(s.t.Context(), http.MethodPost, s.moto.url.String(), strings.NewReader(form.Encode()))
	if err != nil {
		s.t.Fatal(err)
	}
	sign(r, as, service)
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		s.t.Fatal(err)
	}
	body, err := io.ReadAll(response.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	if err := response.Body.Close(); err != nil {
		s.t.Fatal(err)
	}
	if response.StatusCode != http.StatusOK {
		s.t.Fatalf("%s %v: %s\n%s", operation, params, response.Status, body)
	}
	return body
}

// sign says who calls which service. The signature is none: moto doesn't check it.
func sign(r *http.Request, as Key, service string) {
	if as.ID == "" {
		as.ID = defaultKey
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential="+as.ID+"/20260101/us-east-1/"+service+"/aws4_request, SignedHeaders=host, Signature=0")
	if as.Session != "" {
		r.Header.Set("X-Amz-Security-Token", as.Session)
	}
}
