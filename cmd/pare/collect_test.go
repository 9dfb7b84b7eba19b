package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/go-cmp/cmp"

	"github.com/pare-iam/pare/internal/awstest"
	"github.com/pare-iam/pare/internal/collect"
)

// useAWS gives the command, in this process, the environment of a server.
func useAWS(t *testing.T, s *awstest.Server) {
	t.Helper()
	for _, line := range s.Environment() {
		if name, value, _ := strings.Cut(line, "="); strings.HasPrefix(name, "AWS_") {
			t.Setenv(name, value)
		}
	}
}

// inAccount is a key of an account's administrator.
func inAccount(s *awstest.Server, id string) awstest.Key {
	session := s.SetUp(awstest.Key{}, "sts", "AssumeRole", "RoleArn", "arn:aws:iam::"+id+":role/setup", "RoleSessionName", "setup")
	return awstest.Key{ID: session.Text("AccessKeyId"), Session: session.Text("SessionToken")}
}

// everybodyReads was last seen in spring.
func everybodyReads(string) ([]awstest.Service, bool) {
	used := awstest.Use{At: time.Date(2026, time.March, 5, 12, 0, 0, 0, time.UTC), Region: "us-east-1"}
	return []awstest.Service{{Namespace: "s3", Used: used, Actions: []awstest.Action{{Name: "GetBucketAcl", Used: used}, {Name: "GetBucketCORS"}}}}, true
}

// smallAccount has four roles and two users with keys.
func smallAccount(t *testing.T) *awstest.Server {
	t.Helper()
	s := awstest.Start(t, awstest.Options{LastAccessed: everybodyReads, Polls: func(string) int { return 1 }})
	for i := range 4 {
		role := fmt.Sprintf("role%d", i)
		s.SetUp(awstest.Key{}, "iam", "CreateRole", "RoleName", role, "AssumeRolePolicyDocument", trust)
		s.SetUp(awstest.Key{}, "iam", "PutRolePolicy", "RoleName", role, "PolicyName", "own", "PolicyDocument", allow(`"s3:GetBucketAcl"`))
	}
	for _, user := range []string{"ann", "bob"} {
		s.SetUp(awstest.Key{}, "iam", "CreateUser", "UserName", user)
		s.SetUp(awstest.Key{}, "iam", "CreateAccessKey", "UserName", user)
	}
	useAWS(t, s)
	return s
}

// callsAfter counts the calls after the first n, and checks that each is one that collect
// may make: none of them writes.
func callsAfter(t *testing.T, s *awstest.Server, n int) map[string]int {
	t.Helper()
	may := map[string]bool{"sts:GetCallerIdentity": true}
	for _, p := range collect.Permissions() {
		may[p.Action] = true
	}
	reads := regexp.MustCompile(`:(Get|List|Describe|Lookup)|^sts:AssumeRole$|^iam:Generate(CredentialReport|ServiceLastAccessedDetails)$`)
	out := map[string]int{}
	for _, c := range s.Calls()[n:] {
		name := c.Service + ":" + c.Operation
		out[name]++
		if !may[name] || !reads.MatchString(name) {
			t.Errorf("%s was called", name)
		}
	}
	return out
}

// wants runs pare and checks its exit code.
func wants(t *testing.T, code int, args ...string) (stdout, stderr string) {
	t.Helper()
	stdout, stderr, got := command(t, "", args...)
	if got != code {
		t.Fatalf("pare %s: exit code %d, want %d\n%s%s", strings.Join(args, " "), got, code, stdout, stderr)
	}
	return stdout, stderr
}

// What pare collects is what the AWS CLI collects, and its analysis is the same.
func TestCollectedAsByTheCLI(t *testing.T) {
	s := awstest.Start(t, awstest.Options{
		Ago: 200 * aDay, ManagedPolicies: true, LastAccessed: unchanging(liveLastAccessed),
		Polls: func(arn string) int { return strings.Count(arn, "role/app") },
	})
	key := liveDays(s)
	useAWS(t, s)
	ours, theirs := filepath.Join(t.TempDir(), "account"), filepath.Join(t.TempDir(), "account")
	stdout, stderr := wants(t, exitOK, "collect", "--out", ours)
	if want := "123456789012: 6 roles, 2 users, of which 1 role of AWS's services weren't asked about: " + ours + "\n"; stdout != want || stderr != "" {
		t.Errorf("got %s%s, want %s", stdout, stderr, want)
	}
	callsAfter(t, s, 0)
	if out, err := collectByCLI(t, s, theirs); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, same := range []struct {
		what string
		of   func(*testing.T, string) any
	}{
		{"authorization details", func(t *testing.T, dir string) any { return answers(t, dir, "authorization-details.json") }},
		{"credential report", func(t *testing.T, dir string) any {
			return strings.Split(strings.TrimSpace(readText(t, filepath.Join(dir, "credential-report.csv"))), "\n")
		}},
		{"access keys", lastUses},
		{"last accessed", lastAccessedOf},
	} {
		if diff := cmp.Diff(same.of(t, theirs), same.of(t, ours)); diff != "" {
			t.Errorf("%s: -AWS CLI +pare\n%s", same.what, diff)
		}
	}
	for _, dir := range []string{ours, theirs} {
		stdout, _ := wants(t, exitOK, "analyze", "--data", dir, "-o", "json")
		got := strings.ReplaceAll(liveLines(t, stdout), " ", "") // the CLI prints policies with white space of its own
		if diff := cmp.Diff(strings.ReplaceAll(strings.ReplaceAll(liveFindings, "KEY", key), " ", ""), got); diff != "" {
			t.Errorf("analysis of %s: -want +got\n%s", dir, diff)
		}
	}
}

// unchanging gives the same answer about an entity every time.
func unchanging(of func(string) ([]awstest.Service, bool)) func(string) ([]awstest.Service, bool) {
	var mu sync.Mutex
	known := map[string]func() ([]awstest.Service, bool){}
	return func(arn string) ([]awstest.Service, bool) {
		mu.Lock()
		if known[arn] == nil {
			known[arn] = sync.OnceValues(func() ([]awstest.Service, bool) { return of(arn) })
		}
		answer := known[arn]
		mu.Unlock()
		return answer()
	}
}

// answers are the JSON values of a file, with times in one form.
func answers(t *testing.T, dir, pattern string) (out []any) {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, pattern))
	if err != nil || len(names) == 0 {
		t.Fatalf("%s: %q, %v", pattern, names, err)
	}
	for _, name := range names {
		src := regexp.MustCompile(`(T\d\d:\d\d:\d\d)(\.\d+)?(Z|\+00:00)"`).ReplaceAllString(readText(t, name), `$1"`)
		for rest := []byte(src); len(bytes.TrimSpace(rest)) > 0; {
			var v any
			d := jsontext.NewDecoder(bytes.NewReader(rest))
			if err := json.UnmarshalDecode(d, &v); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			rest = rest[d.InputOffset():]
			out = append(out, v)
		}
	}
	return out
}

// at is what a path of member names leads to; nil if there is nothing.
func at(v any, path ...string) any {
	for _, name := range path {
		object, ok := v.(map[string]any)
		if !ok {
			return nil
		}
		v = object[name]
	}
	return v
}

// lastUses are the last uses by key, in either form of access-keys.json.
func lastUses(t *testing.T, dir string) any {
	out := map[string]any{}
	for _, v := range answers(t, dir, "access-keys.json") {
		list, ok := v.([]any)
		if !ok {
			list = []any{v}
		}
		for _, one := range list {
			if id, ok := at(one, "AccessKeyId").(string); ok {
				out[id] = at(one, "AccessKeyLastUsed")
			}
		}
	}
	return out
}

// lastAccessedOf are the services of each principal's report, all pages together.
func lastAccessedOf(t *testing.T, dir string) any {
	out := map[string][]any{}
	for _, page := range answers(t, dir, "last-accessed/*.json") {
		arn, services := fmt.Sprint(at(page, "Arn"), at(page, "JobStatus"), at(page, "JobType")), at(page, "ServicesLastAccessed")
		if list, ok := services.([]any); ok {
			out[arn] = append(out[arn], list...)
		}
	}
	return out
}

// Collecting goes on after SIGKILL, and asks only for what isn't there.
func TestCollectIsKilledAndGoesOn(t *testing.T) {
	s := smallAccount(t)
	dir := filepath.Join(t.TempDir(), "account")
	for n := 1; n <= 4; n++ {
		ctx, kill := context.WithTimeout(t.Context(), time.Minute)
		dead := make(chan struct{})
		killed := exec.CommandContext(ctx, "pare", "collect", "--out", dir)
		killed.Env = append(s.Environment(), "GORACE=atexit_sleep_ms=0")
		pages := func(c awstest.Call) bool { return c.Operation == "GetServiceLastAccessedDetails" }
		var first atomic.Value // the job that is asked for first
		s.SetFault(awstest.On(pages, func(w http.ResponseWriter, c awstest.Call) bool {
			// The first job is answered; the others wait until its report is there.
			job := c.Params.Get("JobId")
			first.CompareAndSwap(nil, job)
			for end := time.Now().Add(10 * time.Second); first.Load() != job && written(t, dir) < n && time.Now().Before(end); {
				time.Sleep(time.Millisecond)
			}
			if written(t, dir) < n {
				return false
			}
			kill()
			<-dead
			return awstest.Cut(w, c)
		}))
		out, err := killed.CombinedOutput()
		close(dead)
		kill()
		if exit, ok := errors.AsType[*exec.ExitError](err); !ok || exit.ExitCode() != -1 {
			t.Fatalf("it wasn't killed: %v\n%s", err, out)
		}
	}
	s.SetFault(nil)
	have := written(t, dir)
	if have < 4 || have > 5 {
		t.Fatalf("%d reports are there: want 4 or 5 of 6", have)
	}
	began := len(s.Calls())
	wants(t, exitOK, "collect", "--out", dir)
	calls := callsAfter(t, s, began)
	if want := 6 - have; calls["iam:GenerateServiceLastAccessedDetails"] != want || calls["iam:GetAccountAuthorizationDetails"] != 0 {
		t.Errorf("%d reports were missing, and these calls made: %v", want, calls)
	}
	wants(t, exitOK, "analyze", "--data", dir)
	began = len(s.Calls())
	wants(t, exitOK, "collect", "--out", dir)
	if calls := callsAfter(t, s, began); calls["iam:GenerateServiceLastAccessedDetails"] != 6 {
		t.Errorf("after a complete run everything is asked for again; these calls were made: %v", calls)
	}
}

// written is how many reports are there.
func written(t *testing.T, dir string) int {
	names, err := filepath.Glob(filepath.Join(dir, "last-accessed", "*.json"))
	if err != nil {
		t.Error(err)
	}
	return len(names)
}

// A full disk ends collecting, and with room it goes on. The limit of the process on the
// size of files stands in for the disk.
func TestCollectOnAFullDisk(t *testing.T) {
	s := smallAccount(t)
	dir := filepath.Join(t.TempDir(), "account")
	limited := exec.CommandContext(t.Context(), "sh", "-c", `ulimit -f 1 && exec pare "$@"`, "sh", "collect", "--out", dir)
	limited.Env = append(s.Environment(), "GORACE=atexit_sleep_ms=0")
	out, err := limited.CombinedOutput()
	exit, ok := errors.AsType[*exec.ExitError](err)
	if !ok || exit.ExitCode() != exitError || !strings.Contains(string(out), "the disk is full, or a quota or limit is reached: ") || !strings.Contains(string(out), "hint: make room") {
		t.Errorf("%v\n%s", err, out)
	}
	if names, err := filepath.Glob(filepath.Join(dir, "*.json")); len(names) > 0 || err != nil {
		t.Errorf("it left %q, %v", names, err)
	}
	wants(t, exitOK, "collect", "--out", dir)
	wants(t, exitOK, "analyze", "--data", dir)
}

// The partition is the caller's, and goes into the ARNs.
func TestCollectInOtherPartitions(t *testing.T) {
	s := smallAccount(t)
	for _, test := range []struct{ region, partition string }{
		{"cn-north-1", "aws-cn"}, {"us-gov-west-1", "aws-us-gov"},
	} {
		t.Run(test.partition, func(t *testing.T) {
			t.Setenv("AWS_REGION", "")
			t.Setenv("AWS_DEFAULT_REGION", "")
			s.SetUp(awstest.Key{}, "iam", "CreateRole", "RoleName", test.partition, "AssumeRolePolicyDocument", trust)
			dir := filepath.Join(t.TempDir(), "several")
			began := len(s.Calls())
			wants(t, exitOK, "collect", "--out", dir, "--partition", test.partition, "--accounts", "111122223333,123456789012", "--max-rps", "1e6")
			for _, c := range s.Calls()[began:] {
				if want := "arn:" + test.partition + ":iam::111122223333:role/pare-read"; c.Operation == "AssumeRole" && c.Params.Get("RoleArn") != want {
					t.Errorf("the role %s was assumed, want %s", c.Params.Get("RoleArn"), want)
				}
			}
			info := readText(t, filepath.Join(dir, "123456789012", "snapshot.json"))
			if want := `"partition": "` + test.partition + `"`; !strings.Contains(info, want) {
				t.Errorf("no %s in %s", want, info)
			}
			stdout, _ := wants(t, exitOK, "doctor", "--region", test.region)
			if want := "partition " + test.partition + "\n"; !strings.Contains(stdout, want) {
				t.Errorf("no %q in %s", want, stdout)
			}
		})
	}
}

// Two at once on one folder: the second is refused and harms nothing.
func TestTwoCollectAtOnce(t *testing.T) {
	s := smallAccount(t)
	dir := filepath.Join(t.TempDir(), "account")
	alias := func(c awstest.Call) bool { return c.Operation == "ListAccountAliases" }
	s.SetFault(awstest.On(alias, awstest.First(1, func(http.ResponseWriter, awstest.Call) bool {
		_, stderr := wants(t, exitError, "collect", "--out", dir)
		if want := dir + ": another pare collect is at work on this folder: wait for it, or give another --out\n"; stderr != want {
			t.Errorf("got %s, want %s", stderr, want)
		}
		return false
	})))
	wants(t, exitOK, "collect", "--out", dir)
	wants(t, exitOK, "analyze", "--data", dir)
}

// Doctor says what a limited principal lacks, and collect leaves out just that.
func TestDoctorOfALimitedPrincipal(t *testing.T) {
	s := smallAccount(t)
	stdout, stderr := wants(t, exitOK, "doctor")
	if stderr != "" || strings.Contains(stdout, "denied") || !strings.HasPrefix(stdout, "account    123456789012, partition aws\nidentity   arn:aws:") {
		t.Errorf("%s%s", stdout, stderr)
	}
	callsAfter(t, s, 0)
	operation := func(name string) awstest.Fault {
		return awstest.On(func(c awstest.Call) bool { return c.Operation == name }, awstest.Deny)
	}
	broken := awstest.On(func(c awstest.Call) bool { return c.Operation == "LookupEvents" }, awstest.Say(http.StatusBadGateway, "text/html", "<html>"))
	s.SetFault(broken)
	_, stderr = wants(t, exitPartial, "doctor")
	if !strings.HasPrefix(stderr, "AWS didn't answer 1 call\nhint: ") {
		t.Errorf("got %s", stderr)
	}
	s.SetFault(awstest.Any(operation("GetCredentialReport"), operation("DescribeTrails"), broken))
	stdout, stderr = wants(t, exitPartial, "doctor", "-o", "json")
	if !strings.HasPrefix(stderr, "2 permissions denied\nhint: ") {
		t.Errorf("got %s", stderr)
	}
	var d diagnosisJSON
	if err := json.Unmarshal([]byte(stdout), &d); err != nil {
		t.Fatal(err)
	}
	verdicts := map[string]string{}
	for _, c := range d.Checks {
		verdicts[c.Action] = c.Verdict + " " + c.Why
	}
	want := map[string]string{
		"iam:GetAccountAuthorizationDetails": "allowed ", "iam:GenerateServiceLastAccessedDetails": "allowed ", "iam:GetServiceLastAccessedDetails": "allowed ",
		"iam:GenerateCredentialReport": "allowed ", "iam:GetCredentialReport": "denied AccessDenied: not authorized to perform this",
		"iam:ListAccessKeys": "allowed ", "iam:GetAccessKeyLastUsed": "allowed ", "iam:ListAccountAliases": "allowed ",
		"cloudtrail:DescribeTrails":    "denied AccessDenied: not authorized to perform this",
		"cloudtrail:GetTrailStatus":    "not tried there is nothing to try it on",
		"cloudtrail:GetEventSelectors": "not tried there is nothing to try it on",
		"cloudtrail:LookupEvents":      "no answer HTTP status 502: invalid character '<' looking for beginning of value",
	}
	if diff := cmp.Diff(want, verdicts); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	stdout, _ = wants(t, exitPartial, "collect", "--out", filepath.Join(t.TempDir(), "account"))
	for _, missing := range []string{"missing: credential report: AccessDenied", "missing: CloudTrail trails: AccessDenied"} {
		if !strings.Contains(stdout, missing) {
			t.Errorf("no %q in %s", missing, stdout)
		}
	}
	s.SetFault(operation("GetAccountAuthorizationDetails"))
	stdout, stderr = wants(t, exitError, "doctor")
	if !strings.Contains(stdout, "denied     iam:GetAccountAuthorizationDetails\n           left out: everything\n") || !strings.HasPrefix(stderr, "iam:GetAccountAuthorizationDetails is denied: nothing can be collected\n") {
		t.Errorf("%s%s", stdout, stderr)
	}
}
