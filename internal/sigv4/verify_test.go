package sigv4_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/iotest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pare-iam/pare/internal/sigv4"
)

// broken is a store of keys that can't be asked.
type broken struct{}

func (broken) Key(context.Context, string) (string, sigv4.Identity, error) {
	return "", sigv4.Identity{}, errors.New("the database is away")
}

// replace changes a text inside the Authorization header.
func replace(old, by string) func(*http.Request) {
	return func(r *http.Request) {
		r.Header.Set("Authorization", strings.ReplaceAll(r.Header.Get("Authorization"), old, by))
	}
}

func with(change func(*signature)) signature {
	s := properly()
	change(&s)
	return s
}

var refusals = []struct {
	name    string
	sign    signature
	options func(*sigv4.Options)
	change  func(*http.Request)
	code    sigv4.Code
	status  int
	says    string
}{
	{name: "not signed", change: func(r *http.Request) { r.Header.Del("Authorization") }, code: sigv4.MissingAuthenticationToken, status: 403, says: "missing"},
	{name: "empty header", change: func(r *http.Request) { r.Header.Set("Authorization", "") }, code: sigv4.MissingAuthenticationToken, status: 403, says: "missing"},
	{name: "signed twice", change: func(r *http.Request) { r.Header.Add("Authorization", "x") }, code: sigv4.IncompleteSignature, status: 403, says: "2 Authorization headers"},
	{name: "basic login", change: func(r *http.Request) { r.SetBasicAuth("a", "b") }, code: sigv4.IncompleteSignature, status: 403, says: "want AWS4-HMAC-SHA256"},
	{name: "SigV4A", change: replace("AWS4-HMAC-SHA256", "AWS4-ECDSA-P256-SHA256"), code: sigv4.IncompleteSignature, status: 403, says: "algorithm"},
	{name: "presigned", change: func(r *http.Request) { r.URL.RawQuery = "X-Amz-Signature=00" }, code: sigv4.IncompleteSignature, status: 403, says: "presigned"},
	{name: "no credential", change: replace("Credential=", "Other="), code: sigv4.IncompleteSignature, status: 403, says: "'Credential'"},
	{name: "no signature", change: replace("Signature=", "Other="), code: sigv4.IncompleteSignature, status: 403, says: "'Signature'"},
	{name: "no signed headers", change: replace("SignedHeaders=", "Other="), code: sigv4.IncompleteSignature, status: 403, says: "'SignedHeaders'"},
	{name: "credential twice", change: replace("SignedHeaders=", "Credential="), code: sigv4.IncompleteSignature, status: 403, says: "twice"},
	{name: "short scope", change: replace("/us-east-1", ""), code: sigv4.IncompleteSignature, status: 403, says: "5 slash-delimited"},
	{name: "another terminator", change: replace("aws4_request", "aws5_request"), code: sigv4.SignatureDoesNotMatch, status: 403, says: "terminator"},
	{name: "another service", sign: with(func(s *signature) { s.service = "s3" }), code: sigv4.SignatureDoesNotMatch, status: 403, says: "'access-analyzer' or 'securityhub'"},
	{name: "another region", options: func(o *sigv4.Options) { o.Region = "eu-west-1" }, code: sigv4.SignatureDoesNotMatch, status: 403, says: "region: 'eu-west-1'"},
	{name: "signature not hex", change: replace("Signature=", "Signature=zz"), code: sigv4.IncompleteSignature, status: 403, says: "64 hexadecimal"},
	{name: "signature in capitals", change: func(r *http.Request) {
		before, signature, _ := strings.Cut(r.Header.Get("Authorization"), "Signature=")
		r.Header.Set("Authorization", before+"Signature="+strings.ToUpper(signature))
	}, code: sigv4.IncompleteSignature, status: 403, says: "lower case"},
	{name: "headers not sorted", change: replace("SignedHeaders=", "SignedHeaders=z;"), code: sigv4.IncompleteSignature, status: 403, says: "sorted"},
	{name: "headers in capitals", change: replace("SignedHeaders=", "SignedHeaders=A;"), code: sigv4.IncompleteSignature, status: 403, says: "lower case"},
	{name: "host not signed", change: replace("host;", ""), code: sigv4.IncompleteSignature, status: 403, says: "'host'"},
	{name: "date not signed", change: replace(";x-amz-date", ""), code: sigv4.IncompleteSignature, status: 403, says: "'x-amz-date'"},
	{name: "an X-Amz header added", change: func(r *http.Request) { r.Header.Set("X-Amz-Extra", "1") }, code: sigv4.IncompleteSignature, status: 403, says: "'x-amz-extra'"},
	{name: "a content type added", change: func(r *http.Request) { r.Header.Set("Content-Type", "text/html") }, code: sigv4.IncompleteSignature, status: 403, says: "'content-type'"},
	{name: "a signed header that isn't there", change: replace(";host;", ";host;missing;"), code: sigv4.SignatureDoesNotMatch, status: 403, says: "'missing'"},
	{name: "no date", change: func(r *http.Request) { r.Header.Del("X-Amz-Date") }, code: sigv4.IncompleteSignature, status: 403, says: "X-Amz-Date"},
	{name: "two dates", change: func(r *http.Request) { r.Header.Add("X-Amz-Date", "20260131T120000Z") }, code: sigv4.IncompleteSignature, status: 403, says: "one 'X-Amz-Date'"},
	{name: "a date of another form", change: func(r *http.Request) { r.Header.Set("X-Amz-Date", "Sat, 31 Jan 2026 12:00:00 GMT") }, code: sigv4.IncompleteSignature, status: 403, says: "ISO-8601"},
	{name: "a scope of another day", change: replace("/20260131/", "/20260130/"), code: sigv4.SignatureDoesNotMatch, status: 403, says: "Date in Credential scope"},
	{name: "too old", sign: with(func(s *signature) { s.at = testTime.Add(-5*time.Minute - time.Second) }), code: sigv4.RequestExpired, status: 403, says: "expired: 20260131T115459Z is now earlier than 20260131T115500Z"},
	{name: "of the future", sign: with(func(s *signature) { s.at = testTime.Add(5*time.Minute + time.Second) }), code: sigv4.RequestExpired, status: 403, says: "not yet current"},
	{name: "less skew is set", sign: with(func(s *signature) { s.at = testTime.Add(-2 * time.Second) }), options: func(o *sigv4.Options) { o.Skew = time.Second }, code: sigv4.RequestExpired, status: 403, says: "expired"},
	{name: "session token", sign: with(func(s *signature) { s.token = "session" }), code: sigv4.UnrecognizedClient, status: 403, says: "session tokens"},
	{name: "unknown key", sign: with(func(s *signature) { s.id = "AKIANOBODY" }), code: sigv4.UnrecognizedClient, status: 403, says: "invalid"},
	{name: "key without a secret", sign: with(func(s *signature) { s.secret = "" }), options: func(o *sigv4.Options) { o.Keys = keys{testKey: ""} }, code: sigv4.UnrecognizedClient, status: 403, says: "invalid"},
	{name: "keys can't be looked up", options: func(o *sigv4.Options) { o.Keys = broken{} }, code: sigv4.InternalFailure, status: 500, says: "could not be verified."},
	{name: "another secret", sign: with(func(s *signature) { s.secret = "other" }), code: sigv4.SignatureDoesNotMatch, status: 403, says: "does not match"},
	{name: "a body that says it is too long", options: func(o *sigv4.Options) { o.MaxBody = 3 }, code: sigv4.RequestTooLarge, status: 413, says: "3 bytes"},
	{name: "a body that doesn't, and is", options: func(o *sigv4.Options) { o.MaxBody = 3 }, change: func(r *http.Request) { r.ContentLength = -1 }, code: sigv4.RequestTooLarge, status: 413, says: "3 bytes"},
	{name: "a body that breaks off", change: func(r *http.Request) { r.Body = io.NopCloser(iotest.TimeoutReader(iotest.OneByteReader(r.Body))) }, code: sigv4.Unreadable, status: 400, says: "could not be read"},
	{name: "unsigned payload", change: func(r *http.Request) {
		r.Header.Set("X-Amz-Content-Sha256", "UNSIGNED-PAYLOAD")
		replace("host;", "host;x-amz-content-sha256;")(r)
	}, code: sigv4.SignatureDoesNotMatch, status: 403, says: "SHA-256 of the body"},
}

func TestRequestsAreRefused(t *testing.T) {
	for _, c := range refusals {
		t.Run(c.name, func(t *testing.T) {
			o, s := options(), c.sign
			if s == (signature{}) {
				s = properly()
			}
			if c.options != nil {
				c.options(&o)
			}
			r := plain().signed(t, s)
			if c.change != nil {
				c.change(r)
			}
			_, err := mustVerifier(t, o).Verify(r, sigv4.Once)
			refusal, ok := errors.AsType[*sigv4.Error](err)
			if !ok {
				t.Fatalf("got %v, want an Error", err)
			}
			if refusal.Code != c.code || refusal.Status() != c.status || !strings.Contains(refusal.Message, c.says) {
				t.Errorf("got %d %v, want %d %s … %q", refusal.Status(), refusal, c.status, c.code, c.says)
			}
			if strings.Contains(refusal.Message, "away") {
				t.Errorf("tells the client what only the log should have: %q", refusal.Message)
			}
		})
	}
}

func TestTheEdgeOfTheSkewIsTaken(t *testing.T) {
	for _, by := range []time.Duration{-5 * time.Minute, 5 * time.Minute} {
		v := mustVerifier(t, options())
		if _, err := v.Verify(plain().signed(t, with(func(s *signature) { s.at = testTime.Add(by) })), sigv4.Once); err != nil {
			t.Errorf("%v: %v", by, err)
		}
	}
}

func TestATokenIsPassedOnWhenThatIsSet(t *testing.T) {
	o := options()
	o.Tokens = sigv4.PassTokens
	got, err := mustVerifier(t, o).Verify(plain().signed(t, with(func(s *signature) { s.token = "session" })), sigv4.Once)
	if err != nil || got.Token != "session" {
		t.Errorf("got %q, %v", got.Token, err)
	}
}

func TestARequestVerifiesOnce(t *testing.T) {
	v := mustVerifier(t, options())
	codes := make([]string, 20)
	var wg sync.WaitGroup
	for i := range codes {
		r := plain().signed(t, properly())
		wg.Go(func() { codes[i] = codeOf(v.Verify(r, sigv4.Once)) })
	}
	wg.Wait()
	count := map[string]int{}
	for _, c := range codes {
		count[c]++
	}
	if diff := cmp.Diff(map[string]int{"": 1, "RequestReplayed": 19}, count); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

func codeOf(_ sigv4.Signed, err error) string {
	if refusal, ok := errors.AsType[*sigv4.Error](err); ok {
		return string(refusal.Code)
	}
	return ""
}

func TestAReplayIsKnownByWhatIsSigned(t *testing.T) {
	v := mustVerifier(t, options())
	again := plain().signed(t, properly())
	again.Header.Set("User-Agent", "another") // which isn't signed
	replace(", ", ",")(again)
	got := []string{codeOf(v.Verify(plain().signed(t, properly()), sigv4.Once)), codeOf(v.Verify(again, sigv4.Once))}
	if diff := cmp.Diff([]string{"", "RequestReplayed"}, got); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

// TestMemoryIsBounded fills the memory, finds new requests refused and old ones still
// known, and room again once the old ones would be refused as too old.
func TestMemoryIsBounded(t *testing.T) {
	o := options()
	now := testTime
	o.Now = func() time.Time { return now }
	o.MaxRemembered = 3
	v := mustVerifier(t, o)
	try := func(n int, at time.Time) string {
		m := plain()
		m.body = fmt.Sprint(n)
		return codeOf(v.Verify(m.signed(t, with(func(s *signature) { s.at = at })), sigv4.Once))
	}
	late := testTime.Add(4 * time.Minute) // of a clock that is fast: it is good until 12:09
	got := []string{try(1, testTime), try(2, testTime), try(3, late), try(4, testTime), try(3, late)}
	now = testTime.Add(9 * time.Minute)
	got = append(got, try(3, late), try(5, now))
	now = testTime.Add(20 * time.Minute)
	got = append(got, try(6, now), try(7, now), try(8, now), try(9, now))
	want := []string{"", "", "", "ThrottlingException", "RequestReplayed", "RequestReplayed", "", "", "", "", "ThrottlingException"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

func TestARefusedRequestIsNotRemembered(t *testing.T) {
	o := options()
	o.MaxRemembered = 1
	v := mustVerifier(t, o)
	bad := plain().signed(t, with(func(s *signature) { s.secret = "other" }))
	got := []string{codeOf(v.Verify(bad, sigv4.Once)), codeOf(v.Verify(plain().signed(t, properly()), sigv4.Once))}
	if diff := cmp.Diff([]string{"SignatureDoesNotMatch", ""}, got); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

func TestAnErrorIsWrittenInAWSShape(t *testing.T) {
	w := httptest.NewRecorder()
	refusal := &sigv4.Error{Code: sigv4.UnrecognizedClient, Message: `no "key"`, Err: errors.New("secret detail")}
	refusal.Write(w)
	got := []string{fmt.Sprint(w.Code), w.Header().Get("Content-Type"), w.Header().Get("X-Amzn-ErrorType"), w.Body.String()}
	want := []string{"403", "application/json", "UnrecognizedClientException", `{"message":"no \"key\""}`}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

func TestOptionsThatCannotBe(t *testing.T) {
	for name, o := range map[string]sigv4.Options{
		"no Keys":     {Services: []string{"s"}},
		"no Services": {Keys: keys{}},
		"Skew":        {Keys: keys{}, Services: []string{"s"}, Skew: -1},
	} {
		if _, err := sigv4.New(o); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

func BenchmarkVerify(b *testing.B) {
	o := options()
	o.MaxRemembered = 1
	v := mustVerifier(b, o)
	r := plain().signed(b, properly())
	for b.Loop() {
		r.Body = io.NopCloser(strings.NewReader(plain().body))
		if _, err := v.Verify(r, sigv4.Once); err != nil && codeOf(sigv4.Signed{}, err) != "RequestReplayed" {
			b.Fatal(err)
		}
	}
}

func TestWhatChangesNothingMayBeRepeated(t *testing.T) {
	v := mustVerifier(t, options())
	r := func() *http.Request { return plain().signed(t, properly()) }
	got := []string{
		codeOf(v.Verify(r(), sigv4.Repeatable)), codeOf(v.Verify(r(), sigv4.Repeatable)),
		codeOf(v.Verify(r(), sigv4.Once)), codeOf(v.Verify(r(), sigv4.Once)),
	}
	if diff := cmp.Diff([]string{"", "", "", "RequestReplayed"}, got); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}
