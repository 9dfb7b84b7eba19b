package wire_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/accessanalyzer"
	"github.com/google/go-cmp/cmp"

	"github.com/pare-iam/pare/finding"
	"github.com/pare-iam/pare/internal/sigv4"
	"github.com/pare-iam/pare/internal/wire"
)

// concrete is a path of each operation: its pattern with the wildcards filled in.
func concrete(pattern string) (method, target string) {
	method, target, _ = strings.Cut(pattern, " ")
	return method, strings.NewReplacer("{analyzerName}", "unused", "{ruleName}", "dev", "{id}", "x", "{resourceArn...}", testARN, "{MetadataUid}", "x", "{jobId}", "x", "{accessPreviewId}", "x").Replace(target)
}

// patterns are the places of all operations, as AWS's model has them.
var patterns = []string{
	"PUT /archive-rule", "PUT /policy/generation/{jobId}", "POST /policy/check-access-not-granted", "POST /policy/check-no-new-access",
	"POST /policy/check-no-public-access", "PUT /access-preview", "PUT /analyzer", "PUT /analyzer/{analyzerName}/archive-rule",
	"PUT /service-linked-analyzer", "DELETE /analyzer/{analyzerName}", "DELETE /analyzer/{analyzerName}/archive-rule/{ruleName}",
	"DELETE /service-linked-analyzer/{analyzerName}", "POST /recommendation/{id}", "GET /access-preview/{accessPreviewId}",
	"GET /analyzed-resource", "GET /analyzer/{analyzerName}", "GET /analyzer/{analyzerName}/archive-rule/{ruleName}", "GET /finding/{id}",
	"GET /recommendation/{id}", "GET /findingv2/{id}", "POST /analyzer/findings/statistics", "GET /policy/generation/{jobId}",
	"POST /access-preview/{accessPreviewId}", "GET /access-preview", "POST /analyzed-resource", "GET /analyzer",
	"GET /analyzer/{analyzerName}/archive-rule", "POST /finding", "POST /findingv2", "GET /policy/generation", "GET /tags/{resourceArn...}",
	"PUT /policy/generation", "POST /resource/scan", "POST /tags/{resourceArn...}", "DELETE /tags/{resourceArn...}",
	"PUT /analyzer/{analyzerName}", "PUT /analyzer/{analyzerName}/archive-rule/{ruleName}", "PUT /finding", "POST /policy/validation",
	"POST /recommendedPolicyV2/{MetadataUid}", "GET /recommendedPolicyV2/{MetadataUid}",
}

func TestNoOperationAnswersWithoutAGoodSignature(t *testing.T) {
	s := start(t)
	if len(patterns) != len(wire.Operations()) {
		t.Fatalf("%d patterns, want %d", len(patterns), len(wire.Operations()))
	}
	for i, o := range wire.Operations() {
		method, target := concrete(patterns[i])
		q := request{method: method, target: target, service: o.Service}
		unsigned := s.signed(t, q)
		unsigned.Header.Del("Authorization")
		changed := s.signed(t, q)
		changed.URL.RawQuery += "&a=b"
		other := map[string]string{"access-analyzer": "securityhub", "securityhub": "access-analyzer"}
		nobody := q
		nobody.by = owner{key: "AKIANOBODY"}
		late, foreign, elsewhere := q, q, q
		late.at, foreign.service, elsewhere.service = time.Now().Add(-6*time.Minute), other[o.Service], "s3"
		got := []string{
			brief(t, s.do(t, unsigned)), brief(t, s.do(t, changed)), brief(t, s.send(t, nobody)),
			brief(t, s.send(t, late)), brief(t, s.send(t, foreign)), brief(t, s.send(t, elsewhere)),
		}
		want := []string{
			"403 MissingAuthenticationToken", "403 SignatureDoesNotMatch", "403 UnrecognizedClientException",
			"403 RequestExpired", "403 SignatureDoesNotMatch", "403 SignatureDoesNotMatch",
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: -want +got\n%s", o.Name, diff)
		}
	}
}

// TestEveryOperationAsksForLeave calls every operation as a viewer, who may change
// nothing.
func TestEveryOperationAsksForLeave(t *testing.T) {
	for _, o := range wire.Operations() {
		if o.Service != "access-analyzer" {
			continue
		}
		s := stand(t)
		out := reflect.ValueOf(s.client(viewer)).MethodByName(o.Name).Call([]reflect.Value{reflect.ValueOf(t.Context()), reflect.ValueOf(s.inputs()[o.Name])})
		err, _ := out[1].Interface().(error)
		want := ""
		switch {
		case o.Changes:
			want = "AccessDeniedException"
		case o.Refused != "":
			want = "ValidationException"
		}
		if got := codeOf(err); got != want {
			t.Errorf("%s: got %q, want %q", o.Name, got, want)
		}
		if want == "AccessDeniedException" && !strings.Contains(err.Error(), "User: vic is not authorized to perform: "+o.Action()) {
			t.Errorf("%s: %v", o.Name, err)
		}
	}
}

// TestOthersSeeNothing calls every operation that is about something as somebody of
// another account.
func TestOthersSeeNothing(t *testing.T) {
	mine := map[string]bool{ // about nothing of somebody's, or about one's own
		"CreateAnalyzer": true, "CreateServiceLinkedAnalyzer": true, "ListAnalyzers": true, "CheckNoNewAccess": true, "CheckAccessNotGranted": true,
	}
	s := stand(t)
	for _, o := range wire.Operations() {
		if o.Service != "access-analyzer" || o.Refused != "" || mine[o.Name] {
			continue
		}
		out := reflect.ValueOf(s.client(stranger)).MethodByName(o.Name).Call([]reflect.Value{reflect.ValueOf(t.Context()), reflect.ValueOf(s.inputs()[o.Name])})
		err, _ := out[1].Interface().(error)
		if got := codeOf(err); got != "ResourceNotFoundException" {
			t.Errorf("%s: got %v", o.Name, err)
		}
	}
	list, err := s.client(stranger).ListAnalyzers(t.Context(), &accessanalyzer.ListAnalyzersInput{})
	if err != nil || len(list.Analyzers) > 0 {
		t.Errorf("got %+v, %v", list, err)
	}
}

func TestAChangeIsNotMadeAgainByItsBytes(t *testing.T) {
	s := stand(t)
	change := request{method: "POST", target: "/tags/" + testARN, body: `{"tags":{"a":"b"}}`, at: time.Now()}
	look := request{method: "GET", target: "/tags/" + testARN, at: time.Now()}
	got := []int{s.send(t, change).status, s.send(t, look).status, s.send(t, change).status, s.send(t, look).status}
	if diff := cmp.Diff([]int{200, 200, 403, 200}, got); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

func TestBodiesHaveALimit(t *testing.T) {
	s := start(t)
	r := s.signed(t, request{method: "PUT", target: "/analyzer", body: `{"a":"` + strings.Repeat("a", 1<<16) + `"}`})
	if got := brief(t, s.do(t, r)); got != "413 RequestEntityTooLarge" {
		t.Errorf("got %s", got)
	}
	deep := strings.Repeat(`[`, 60000)
	if got := brief(t, s.send(t, request{method: "PUT", target: "/analyzer", body: deep})); got != "400 SerializationException" {
		t.Errorf("got %s", got)
	}
}

// TestSlowClientsEndWithTheServersTimeout sends half of a body and no more: the
// http.Server's ReadTimeout, which its owner sets, ends the wait.
func TestSlowClientsEndWithTheServersTimeout(t *testing.T) {
	s := start(t)
	slow := http.Server{Handler: s.Config.Handler, ReadTimeout: 200 * time.Millisecond}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go func() { _ = slow.Serve(listener) }()
	t.Cleanup(func() { _ = slow.Close() })
	at := server{Server: s.Server, backend: s.backend}
	r := at.signed(t, request{method: "PUT", target: "/analyzer", body: `{"analyzerName":"a"}`})
	r.URL.Host = listener.Addr().String()
	r.Host = s.Listener.Addr().String() // as signed
	pipe, feed := io.Pipe()
	defer func() { _ = feed.Close() }()
	go func() { _, _ = feed.Write([]byte(`{"anal`)) }()
	r.Body = pipe
	began := time.Now()
	res, err := s.Client().Do(r)
	if err == nil {
		_ = res.Body.Close()
		if res.StatusCode != http.StatusBadRequest {
			t.Errorf("got %d", res.StatusCode)
		}
	}
	if took := time.Since(began); took > soon/2 {
		t.Errorf("took %v", took)
	}
}

// TestSlashesInPaths asks for a finding whose ID has slashes, as the SDK for JavaScript
// escapes them, and for tags of an ARN, escaped and not.
func TestSlashesInPaths(t *testing.T) {
	s := stand(t)
	const odd = "a/b//c ../é%2F"
	for _, k := range s.backend.analyzers {
		f := k.findings[s.id]
		f.ID = odd
		k.findings[odd] = f
	}
	for _, target := range []string{
		"/findingv2/" + url.PathEscape(odd) + "?analyzerArn=" + url.QueryEscape(s.arn),
		"/tags/" + s.arn, "/tags/" + url.PathEscape(s.arn), "/tags/" + url.QueryEscape(s.arn),
	} {
		if a := s.send(t, request{method: "GET", target: target}); a.status != http.StatusOK || strings.HasPrefix(target, "/f") && !strings.Contains(a.body, odd) {
			t.Errorf("%s: %d %s", target, a.status, a.body)
		}
	}
}

func TestOptionsThatCannotBe(t *testing.T) {
	s := &server{backend: newMemory(sample(t))}
	for name, change := range map[string]func(*wire.Options){
		"Backend":  func(o *wire.Options) { o.Backend = nil },
		"Verifier": func(o *wire.Options) { o.Verifier = nil },
		"Allow":    func(o *wire.Options) { o.Allow = nil },
		"Region":   func(o *wire.Options) { o.Region = "" },
		"TokenKey": func(o *wire.Options) { o.TokenKey = bytes.Repeat([]byte("k"), 31) },
	} {
		o := options(t, s)
		change(&o)
		if _, err := wire.New(o); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

// noKeys is a store of keys that is away.
type noKeys struct{}

func (noKeys) Key(context.Context, string) (string, sigv4.Identity, error) {
	return "", sigv4.Identity{}, errors.New("the store of keys is away")
}

func TestKeysThatCannotBeLookedUpAreReported(t *testing.T) {
	s := start(t)
	o := options(t, s)
	v, err := sigv4.New(sigv4.Options{Keys: noKeys{}, Services: wire.Services()})
	if err != nil {
		t.Fatal(err)
	}
	o.Verifier = v
	if s.Config.Handler, err = wire.New(o); err != nil {
		t.Fatal(err)
	}
	if got := brief(t, s.send(t, request{method: "GET", target: "/analyzer"})); got != "500 InternalFailure" || len(s.failures) != 1 {
		t.Errorf("got %s, reported %v", got, s.failures)
	}
}

// TestNamesAreText puts what may stand in a page's or a query's place into every text that
// a client chooses, and finds it again as it was.
func TestNamesAreText(t *testing.T) {
	s := stand(t)
	const nasty = `<script>alert("1")</script>' OR 1=1 -- {{.}} ${x} \u0000`
	body := fmt.Sprintf(`{"filter":{"resource":{"eq":[%q]}}}`, nasty)
	if a := s.send(t, request{method: "PUT", target: "/analyzer/unused/archive-rule/dev", body: body}); a.status != http.StatusOK {
		t.Fatalf("%d %s", a.status, a.body)
	}
	rule, err := s.backend.Rule(t.Context(), wire.Ref{Account: sampleAccount, Name: testAnalyzer}, testRule)
	if diff := cmp.Diff(finding.Filter{"resource": {Eq: []string{nasty}}}, rule.Filter); diff != "" || err != nil {
		t.Errorf("%v -want +got\n%s", err, diff)
	}
	for _, target := range []string{"/analyzer/" + url.PathEscape(nasty), "/findingv2/" + url.PathEscape(nasty) + "?analyzerArn=" + url.QueryEscape(s.arn)} {
		a := s.send(t, request{method: "GET", target: target})
		if a.status != http.StatusBadRequest && a.status != http.StatusNotFound || a.header.Get("Content-Type") != "application/json" {
			t.Errorf("%s: %d %s %s", target, a.status, a.header.Get("Content-Type"), a.body)
		}
	}
}
