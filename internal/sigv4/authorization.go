package sigv4

import (
	"encoding/hex"
	"net/http"
	"slices"
	"strings"
)

const (
	algorithm  = "AWS4-HMAC-SHA256"
	terminator = "aws4_request"
)

// authorization is what a request says of its signature.
type authorization struct {
	keyID                 string
	date, region, service string   // the credential scope; the date is YYYYMMDD
	headers               []string // names of the signed headers: lower case, sorted
	signature             []byte
}

// scope is the credential scope, as it is signed.
func (a *authorization) scope() string {
	return strings.Join([]string{a.date, a.region, a.service, terminator}, "/")
}

// parseAuthorization reads the Authorization header:
//
//	AWS4-HMAC-SHA256 Credential=ID/20260131/us-east-1/access-analyzer/aws4_request, SignedHeaders=host;x-amz-date, Signature=…
func parseAuthorization(r *http.Request) (authorization, *Error) {
	if q := r.URL.Query(); q.Has("X-Amz-Signature") || q.Has("X-Amz-Algorithm") || q.Has("X-Amz-Credential") {
		return authorization{}, refuse(IncompleteSignature, "The request is signed in its query (presigned), which is not taken here: sign it in the Authorization header.")
	}
	values := r.Header.Values("Authorization")
	switch {
	case len(values) == 0 || len(values) == 1 && values[0] == "":
		return authorization{}, refuse(MissingAuthenticationToken, "Request is missing Authentication Token")
	case len(values) > 1:
		return authorization{}, refuse(IncompleteSignature, "The request has %d Authorization headers: want one.", len(values))
	}
	name, rest, _ := strings.Cut(values[0], " ")
	if name != algorithm {
		return authorization{}, refuse(IncompleteSignature, "Unsupported AWS 'algorithm': want %s.", algorithm)
	}
	return parseParameters(rest)
}

// parseParameters reads what follows the algorithm: three parameters in any order, with
// commas between.
func parseParameters(s string) (authorization, *Error) {
	found := map[string]string{}
	for part := range strings.SplitSeq(s, ",") {
		name, value, _ := strings.Cut(strings.Trim(part, " "), "=")
		if _, twice := found[name]; twice {
			return authorization{}, refuse(IncompleteSignature, "The Authorization header has '%s' twice.", name)
		}
		found[name] = value
	}
	for _, name := range [...]string{"Credential", "Signature", "SignedHeaders"} {
		if found[name] == "" {
			return authorization{}, refuse(IncompleteSignature, "Authorization header requires '%s' parameter.", name)
		}
	}
	a := authorization{headers: strings.Split(found["SignedHeaders"], ";")}
	if err := a.setCredential(found["Credential"]); err != nil {
		return a, err
	}
	if !properNames(a.headers) {
		return a, refuse(IncompleteSignature, "SignedHeaders must be names in lower case, sorted, each once.")
	}
	signature, err := hex.DecodeString(found["Signature"])
	if err != nil || len(signature) != 32 || strings.ToLower(found["Signature"]) != found["Signature"] {
		return a, refuse(IncompleteSignature, "Signature must be 64 hexadecimal digits in lower case.")
	}
	a.signature = signature
	return a, nil
}

func (a *authorization) setCredential(s string) *Error {
	parts := strings.Split(s, "/")
	if len(parts) != 5 || slices.Contains(parts, "") {
		return refuse(IncompleteSignature, "Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term.")
	}
	if parts[4] != terminator {
		return refuse(SignatureDoesNotMatch, "Credential should be scoped with a valid terminator: '%s'.", terminator)
	}
	a.keyID, a.date, a.region, a.service = parts[0], parts[1], parts[2], parts[3]
	return nil
}

func properNames(names []string) bool {
	for i, name := range names {
		if name == "" || name != strings.ToLower(name) || i > 0 && names[i-1] >= name {
			return false
		}
	}
	return true
}

// checkHeaders says which header the signature leaves out though it mustn't.
func (a *authorization) checkHeaders(r *http.Request) *Error {
	must := []string{"host", "x-amz-date"}
	for name := range r.Header {
		if lower := strings.ToLower(name); strings.HasPrefix(lower, "x-amz-") || lower == "content-type" {
			must = append(must, lower)
		}
	}
	slices.Sort(must)
	for _, name := range must {
		if _, ok := slices.BinarySearch(a.headers, name); !ok {
			return refuse(IncompleteSignature, "'%s' must be a 'SignedHeader' in the AWS Authorization.", name)
		}
	}
	return nil
}
