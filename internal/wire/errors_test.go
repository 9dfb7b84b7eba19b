package wire_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/google/go-cmp/cmp"

	"github.com/pare-iam/pare/finding"
	"github.com/pare-iam/pare/internal/wire"
)

// fault is an error as it came over the wire.
type fault struct {
	Message  string       `json:"message"`
	Reason   string       `json:"reason"`
	Fields   []wire.Field `json:"fieldList"`
	ID       string       `json:"resourceId"`
	Resource string       `json:"resourceType"`
}

func faultOf(t testing.TB, a answer) fault {
	t.Helper()
	var out fault
	if err := json.Unmarshal([]byte(a.body), &out); err != nil {
		t.Fatalf("%v\n%s", err, a.body)
	}
	return out
}

// brief is a fault as a table has it: status, code, reason and fields.
func brief(t testing.TB, a answer) string {
	t.Helper()
	f := faultOf(t, a)
	parts := []string{fmt.Sprint(a.status), a.header.Get("X-Amzn-ErrorType")}
	if f.Reason != "" {
		parts = append(parts, f.Reason)
	}
	for _, field := range f.Fields {
		parts = append(parts, field.Name)
		if !strings.Contains(f.Message, field.Message) {
			t.Errorf("%q doesn't say %q", f.Message, field.Message)
		}
	}
	return strings.Join(parts, " ")
}

const testARN = "arn:aws:access-analyzer:us-east-1:111122223333:analyzer/unused"

// bad are requests that break a constraint. ARN stands for the analyzer's, ID for a
// finding's.
var bad = []struct{ name, method, target, body, want string }{
	{"not JSON", "PUT", "/analyzer", `{`, "400 SerializationException"},
	{"a wrong type", "PUT", "/analyzer", `{"analyzerName": 1}`, "400 SerializationException"},
	{"a number as a string", "POST", "/findingv2", `{"analyzerArn":"ARN","maxResults":"1"}`, "400 SerializationException"},
	{"nothing that is needed", "PUT", "/analyzer", ``, "400 ValidationException fieldValidationFailed analyzerName type"},
	{"a name that begins with a digit", "PUT", "/analyzer", `{"analyzerName":"1a","type":"ACCOUNT_UNUSED_ACCESS"}`, "400 ValidationException fieldValidationFailed analyzerName"},
	{"a name that is too long", "PUT", "/analyzer", `{"analyzerName":"` + strings.Repeat("a", 256) + `","type":"ACCOUNT_UNUSED_ACCESS"}`, "400 ValidationException fieldValidationFailed analyzerName"},
	{"a name that is reserved", "PUT", "/analyzer", `{"analyzerName":"_AccessAnalyzerForMe","type":"ACCOUNT_UNUSED_ACCESS"}`, "400 ValidationException fieldValidationFailed analyzerName"},
	{"a type that there isn't", "PUT", "/analyzer", `{"analyzerName":"a","type":"ALL"}`, "400 ValidationException fieldValidationFailed type"},
	{"a type of external access", "PUT", "/analyzer", `{"analyzerName":"a","type":"ORGANIZATION"}`, "400 ValidationException notSupported"},
	{"an age of no days", "PUT", "/analyzer", `{"analyzerName":"a","type":"ACCOUNT_UNUSED_ACCESS","configuration":{"unusedAccess":{"unusedAccessAge":0}}}`, "400 ValidationException fieldValidationFailed configuration.unusedAccess.unusedAccessAge"},
	{"an age of over a year", "PUT", "/analyzer/unused", `{"configuration":{"unusedAccess":{"unusedAccessAge":366}}}`, "400 ValidationException fieldValidationFailed configuration.unusedAccess.unusedAccessAge"},
	{"a configuration of internal access", "PUT", "/analyzer", `{"analyzerName":"a","type":"ACCOUNT_UNUSED_ACCESS","configuration":{"internalAccess":{}}}`, "400 ValidationException fieldValidationFailed configuration"},
	{"a type of internal access, and its configuration", "PUT", "/analyzer", `{"analyzerName":"a","type":"ACCOUNT_INTERNAL_ACCESS","configuration":{"internalAccess":{}}}`, "400 ValidationException notSupported"},
	{"resource policies", "POST", "/policy/check-no-new-access", `{"policyType":"RESOURCE_POLICY","newPolicyDocument":"{\"Version\":\"2012-10-17\",\"Statement\":{\"Effect\":\"Allow\",\"Principal\":\"*\",\"Action\":\"s3:GetObject\",\"Resource\":\"*\"}}","existingPolicyDocument":"{}"}`, "400 ValidationException notSupported"},
	{"access by a resource policy", "POST", "/policy/check-access-not-granted", `{"policyType":"RESOURCE_POLICY","policyDocument":"{\"Version\":\"2012-10-17\",\"Statement\":{\"Effect\":\"Allow\",\"Principal\":\"*\",\"Action\":\"s3:GetObject\",\"Resource\":\"*\"}}","access":[{"actions":["s3:GetObject"]}]}`, "400 ValidationException notSupported"},
	{"accounts of an account's analyzer", "PUT", "/analyzer", `{"analyzerName":"a","type":"ACCOUNT_UNUSED_ACCESS","configuration":{"unusedAccess":{"analysisRule":{"exclusions":[{"accountIds":["222233334444"]}]}}}}`, "400 ValidationException fieldValidationFailed configuration.unusedAccess.analysisRule.exclusions.1.member.accountIds"},
	{"the owner's account", "PUT", "/analyzer/unused", `{"configuration":{"unusedAccess":{"analysisRule":{"exclusions":[{"accountIds":["111122223333"]}]}}}}`, "400 ValidationException fieldValidationFailed configuration.unusedAccess.analysisRule.exclusions.1.member.accountIds"},
	{"an account that is none", "PUT", "/analyzer/unused", `{"configuration":{"unusedAccess":{"analysisRule":{"exclusions":[{"accountIds":["1"]}]}}}}`, "400 ValidationException fieldValidationFailed configuration.unusedAccess.analysisRule.exclusions.1.member.accountIds"},
	{"an exclusion of nothing", "PUT", "/analyzer/unused", `{"configuration":{"unusedAccess":{"analysisRule":{"exclusions":[{}]}}}}`, "400 ValidationException fieldValidationFailed configuration.unusedAccess.analysisRule.exclusions.1.member"},
	{"another age of a service-linked analyzer", "PUT", "/service-linked-analyzer", `{"type":"ACCOUNT_UNUSED_ACCESS","configuration":{"unusedAccess":{"unusedAccessAge":30}}}`, "400 ValidationException fieldValidationFailed configuration.unusedAccess.unusedAccessAge"},
	{"a tag of AWS's", "POST", "/tags/" + testARN, `{"tags":{"aws:a":"b"}}`, "400 ValidationException fieldValidationFailed tags"},
	{"a tag that is too long", "POST", "/tags/" + testARN, `{"tags":{"a":"` + strings.Repeat("b", 257) + `"}}`, "400 ValidationException fieldValidationFailed tags"},
	{"no tags", "POST", "/tags/" + testARN, `{}`, "400 ValidationException fieldValidationFailed tags"},
	{"no tag keys", "DELETE", "/tags/" + testARN, ``, "400 ValidationException fieldValidationFailed tagKeys"},
	{"tags of a role", "GET", "/tags/" + announced, ``, "400 ValidationException fieldValidationFailed resourceArn"},
	{"tags of nothing", "GET", "/tags/", ``, "404 UnknownOperationException"},
	{"tags of less than nothing", "GET", "/tags", ``, "404 UnknownOperationException"},
	{"a rule without a filter", "PUT", "/analyzer/unused/archive-rule", `{"ruleName":"a"}`, "400 ValidationException fieldValidationFailed filter"},
	{"a filter key that there isn't", "PUT", "/analyzer/unused/archive-rule", `{"ruleName":"a","filter":{"isPublic":{"eq":["true"]}}}`, "400 ValidationException fieldValidationFailed filter"},
	{"a rule on the status", "PUT", "/analyzer/unused/archive-rule", `{"ruleName":"a","filter":{"status":{"eq":["ACTIVE"]}}}`, "400 ValidationException fieldValidationFailed filter"},
	{"a criterion without an operator", "PUT", "/analyzer/unused/archive-rule/dev", `{"filter":{"resource":{}}}`, "400 ValidationException fieldValidationFailed filter.resource"},
	{"a criterion with an empty list", "PUT", "/analyzer/unused/archive-rule/dev", `{"filter":{"resource":{"eq":[]}}}`, "400 ValidationException fieldValidationFailed filter.resource.eq"},
	{"a criterion with 21 values", "PUT", "/analyzer/unused/archive-rule/dev", `{"filter":{"resource":{"neq":[` + strings.Repeat(`"a",`, 20) + `"a"]}}}`, "400 ValidationException fieldValidationFailed filter.resource.neq"},
	{"two rules of a name", "PUT", "/analyzer", `{"analyzerName":"a","type":"ACCOUNT_UNUSED_ACCESS","archiveRules":[{"ruleName":"r","filter":{"id":{"exists":true}}},{"ruleName":"r","filter":{"id":{"exists":true}}}]}`, "400 ValidationException fieldValidationFailed archiveRules.2.member.ruleName"},
	{"a rule there is", "PUT", "/analyzer/unused/archive-rule", `{"ruleName":"dev","filter":{"id":{"exists":true}}}`, "409 ConflictException"},
	{"a rule there isn't", "DELETE", "/analyzer/unused/archive-rule/other", ``, "404 ResourceNotFoundException"},
	{"an analyzer there isn't", "GET", "/analyzer/other", ``, "404 ResourceNotFoundException"},
	{"an analyzer of another account", "POST", "/findingv2", `{"analyzerArn":"arn:aws:access-analyzer:us-east-1:444455556666:analyzer/unused"}`, "404 ResourceNotFoundException"},
	{"an analyzer of another Region", "POST", "/findingv2", `{"analyzerArn":"arn:aws:access-analyzer:eu-west-1:111122223333:analyzer/unused"}`, "404 ResourceNotFoundException"},
	{"no analyzer", "POST", "/findingv2", `{}`, "400 ValidationException fieldValidationFailed analyzerArn"},
	{"no ARN", "POST", "/findingv2", `{"analyzerArn":"unused"}`, "400 ValidationException fieldValidationFailed analyzerArn"},
	{"no results", "POST", "/findingv2", `{"analyzerArn":"ARN","maxResults":0}`, "400 ValidationException fieldValidationFailed maxResults"},
	{"too many results", "GET", "/analyzer?maxResults=1001", ``, "400 ValidationException fieldValidationFailed maxResults"},
	{"results that are no number", "GET", "/analyzer?maxResults=ten", ``, "400 ValidationException fieldValidationFailed maxResults"},
	{"a token that isn't one", "GET", "/analyzer?nextToken=MQ", ``, "400 ValidationException fieldValidationFailed nextToken"},
	{"a sort key that there isn't", "POST", "/findingv2", `{"analyzerArn":"ARN","sort":{"attributeName":"color"}}`, "400 ValidationException fieldValidationFailed sort.attributeName"},
	{"an order that there isn't", "POST", "/findingv2", `{"analyzerArn":"ARN","sort":{"orderBy":"UP"}}`, "400 ValidationException fieldValidationFailed sort.orderBy"},
	{"a finding there isn't", "GET", "/findingv2/none?analyzerArn=ARN", ``, "404 ResourceNotFoundException"},
	{"a finding of no analyzer", "GET", "/findingv2/ID", ``, "400 ValidationException fieldValidationFailed analyzerArn"},
	{"a finding's ID that is too long", "POST", "/recommendation/" + strings.Repeat("a", 2049) + "?analyzerArn=ARN", ``, "400 ValidationException fieldValidationFailed id"},
	{"a recommendation nobody asked for", "GET", "/recommendation/ROLE?analyzerArn=ARN", ``, "404 ResourceNotFoundException"},
	{"a recommendation about an unused role", "POST", "/recommendation/ROLE?analyzerArn=ARN", ``, "400 ValidationException other"},
	{"findings made resolved", "PUT", "/finding", `{"analyzerArn":"ARN","status":"RESOLVED","ids":["ID"]}`, "400 ValidationException fieldValidationFailed status"},
	{"no findings to update", "PUT", "/finding", `{"analyzerArn":"ARN","status":"ACTIVE"}`, "400 ValidationException fieldValidationFailed ids"},
	{"findings and a resource", "PUT", "/finding", `{"analyzerArn":"ARN","status":"ACTIVE","ids":["ID"],"resourceArn":"arn:aws:iam::1:role/a"}`, "400 ValidationException fieldValidationFailed resourceArn"},
	{"findings of a resource that has no ARN", "PUT", "/finding", `{"analyzerArn":"ARN","status":"ACTIVE","resourceArn":"a"}`, "400 ValidationException fieldValidationFailed resourceArn"},
	{"a service-linked analyzer deleted as another", "DELETE", "/analyzer/_AccessAnalyzerForX-1", ``, "400 ValidationException other"},
	{"an analyzer deleted as a service-linked one", "DELETE", "/service-linked-analyzer/unused", ``, "400 ValidationException other"},
	{"an operation there isn't", "PATCH", "/analyzer", ``, "404 UnknownOperationException"},
	{"a path there isn't", "GET", "/analyzers", ``, "404 UnknownOperationException"},
	{"a path with dots", "GET", "/analyzer/../analyzer", ``, "404 UnknownOperationException"},
	{"a path with two slashes", "GET", "//analyzer", ``, "404 UnknownOperationException"},
}

func TestBadRequestsAreRefusedInAWSsWords(t *testing.T) {
	s := stand(t)
	role := sample(t).of(t, "UnusedIAMRole").ID
	for _, b := range bad {
		t.Run(b.name, func(t *testing.T) {
			target := strings.NewReplacer("ARN", url.QueryEscape(s.arn), "ID", url.PathEscape(s.id), "ROLE", url.PathEscape(role)).Replace(b.target)
			body := strings.NewReplacer("ARN", s.arn, `"ID"`, `"`+s.id+`"`).Replace(b.body)
			if got := brief(t, s.send(t, request{method: b.method, target: target, body: body})); got != b.want {
				t.Errorf("got  %s\nwant %s", got, b.want)
			}
		})
	}
}

func TestMessagesAreAWSs(t *testing.T) {
	s := stand(t)
	a := s.send(t, request{method: "GET", target: "/analyzer/1a"})
	message := "Value '1a' at 'analyzerName' failed to satisfy constraint: Member must satisfy regular expression pattern: [A-Za-z_][A-Za-z0-9_.-]*"
	want := fault{Message: "1 validation error detected: " + message, Reason: "fieldValidationFailed", Fields: []wire.Field{{Name: "analyzerName", Message: message}}}
	if diff := cmp.Diff(want, faultOf(t, a)); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	a = s.send(t, request{method: "GET", target: "/analyzer/other"})
	want = fault{Message: `Analyzer "other": was not found.`, ID: "other", Resource: "AWS::AccessAnalyzer::Analyzer"}
	if diff := cmp.Diff(want, faultOf(t, a)); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	if id := a.header.Get("X-Amzn-RequestId"); len(id) != 36 {
		t.Errorf("request ID %q", id)
	}
}

func TestUnknownMembersAreIgnored(t *testing.T) {
	s := stand(t)
	if a := s.send(t, request{method: "POST", target: "/findingv2", body: `{"analyzerArn":"` + s.arn + `","color":{"a":[1]}}`}); a.status != http.StatusOK {
		t.Errorf("got %d %s", a.status, a.body)
	}
}

// TestFilterKeysAreThoseOfFindings has a rule on every key that package finding can look at.
func TestFilterKeysAreThoseOfFindings(t *testing.T) {
	s := stand(t)
	var all []string
	for _, key := range []string{"error", "findingType", "id", "resource", "resourceOwnerAccount", "resourceType"} {
		all = append(all, fmt.Sprintf(`%q:{"exists":true}`, key))
	}
	rule := `{"ruleName":"all","filter":{` + strings.Join(all, ",") + `}}`
	if a := s.send(t, request{method: "PUT", target: "/analyzer/unused/archive-rule", body: rule}); a.status != http.StatusOK {
		t.Errorf("%d %s", a.status, a.body)
	}
	if _, err := finding.ParseArchiveRules("rule", []byte("["+rule+"]")); err != nil {
		t.Error(err)
	}
}

func TestATokenIsGoodForItsListAlone(t *testing.T) {
	s := stand(t)
	list := func(by owner, target string) answer { return s.send(t, request{method: "GET", target: target, by: by}) }
	var first struct {
		Next string `json:"nextToken"`
	}
	if err := json.Unmarshal([]byte(list(admin, "/analyzer?maxResults=1").body), &first); err != nil || first.Next == "" {
		t.Fatalf("%q, %v", first.Next, err)
	}
	token := url.QueryEscape(first.Next)
	got := []int{
		list(admin, "/analyzer?maxResults=5&nextToken="+token).status,
		list(viewer, "/analyzer?nextToken="+token).status, // of the same account
		list(stranger, "/analyzer?nextToken="+token).status,
		list(admin, "/analyzer?type=ACCOUNT_UNUSED_ACCESS&nextToken="+token).status,
		list(admin, "/analyzer/unused/archive-rule?nextToken="+token).status,
		list(admin, "/analyzer?nextToken=A"+token[1:]).status,
	}
	if diff := cmp.Diff([]int{200, 200, 400, 400, 400, 400}, got); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	end := len(first.Next) - 1
	for _, other := range letters { // some of which stand for the same bytes
		tampered := first.Next[:end] + string(other)
		if status := list(admin, "/analyzer?nextToken="+tampered).status; (status == http.StatusOK) != (tampered == first.Next) {
			t.Errorf("a token that ends with %c and not %s: %d", other, first.Next[end:], status)
		}
	}
}

// An error says what isn't there, whatever bytes that is made of.
func TestAnErrorAboutNoTextHasAMessage(t *testing.T) {
	s := stand(t)
	a := s.send(t, request{method: "GET", target: "/findingv2/a%FFb?analyzerArn=" + url.QueryEscape(s.arn)})
	if got := faultOf(t, a); a.status != http.StatusNotFound || got.Resource != string(wire.KindFinding) || got.Message == "" {
		t.Errorf("%d: %+v", a.status, got)
	}
}

// TestATokenIsOfItsOperation takes a token of the analyzers of a type to the rules of an
// analyzer that is named like the type.
func TestATokenIsOfItsOperation(t *testing.T) {
	s := stand(t)
	const typ = "ACCOUNT_UNUSED_ACCESS"
	s.send(t, request{method: "PUT", target: "/analyzer", body: `{"analyzerName":"` + typ + `","type":"` + typ + `"}`})
	var list struct {
		Next string `json:"nextToken"`
	}
	if err := json.Unmarshal([]byte(s.send(t, request{method: "GET", target: "/analyzer?maxResults=1&type=" + typ}).body), &list); err != nil || list.Next == "" {
		t.Fatalf("%q, %v", list.Next, err)
	}
	a := s.send(t, request{method: "GET", target: "/analyzer/" + typ + "/archive-rule?nextToken=" + url.QueryEscape(list.Next)})
	if got := brief(t, a); got != "400 ValidationException fieldValidationFailed nextToken" {
		t.Errorf("got %s", got)
	}
}

func TestAClientTokenMakesAChangeOnce(t *testing.T) {
	s := start(t)
	body := `{"analyzerName":"a","type":"ACCOUNT_UNUSED_ACCESS","clientToken":"t"}`
	create := func(body string, at time.Time) string {
		a := s.send(t, request{method: "PUT", target: "/analyzer", body: body, at: at})
		if a.status == http.StatusOK {
			return a.body
		}
		return brief(t, a)
	}
	now := time.Now()
	got := []string{
		create(body, now), create(body, now.Add(-time.Second)),
		create(strings.Replace(body, `"a"`, `"b"`, 1), now), create(strings.Replace(body, `"t"`, `"u"`, 1), now),
	}
	made := `{"arn":"arn:aws:access-analyzer:us-east-1:111122223333:analyzer/a"}`
	if diff := cmp.Diff([]string{made, made, "409 ConflictException", "409 ConflictException"}, got); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

func TestOurFaultsAreReportedAndNotTold(t *testing.T) {
	s := stand(t)
	s.backend.broken = errors.New("the database at 10.0.0.7 is away")
	a := s.send(t, request{method: "GET", target: "/analyzer/unused"})
	if got := brief(t, a); got != "500 InternalServerException" || strings.Contains(a.body, "10.0.0.7") {
		t.Errorf("got %s %s", got, a.body)
	}
	want := []wire.Failure{{RequestID: a.header.Get("X-Amzn-RequestId"), Operation: "GetAnalyzer", Err: s.backend.broken}}
	if diff := cmp.Diff(want, s.failures, cmp.Comparer(errors.Is)); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	s.backend.broken = fmt.Errorf("wrapped: %w", wire.Throttled(1500*time.Millisecond))
	a = s.send(t, request{method: "GET", target: "/analyzer/unused"})
	if got := brief(t, a) + " " + a.header.Get("Retry-After"); got != "429 ThrottlingException 2" {
		t.Errorf("got %s", got)
	}
}
