package collect_test

import (
	"context"
	"errors"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/pare-iam/pare/analyzer"
	"github.com/pare-iam/pare/internal/awstest"
	"github.com/pare-iam/pare/internal/collect"
	"github.com/pare-iam/pare/internal/snapshot"
	"github.com/pare-iam/pare/usage"
)

// world is a populated account whose reports come in pages and aren't ready at once.
func world(t *testing.T) *front {
	t.Helper()
	f := newFront(t, awstest.Options{LastAccessed: everybody, Polls: func(string) int { return 1 }, Page: 1})
	populate(f.Server, awstest.Key{})
	return f
}

// The CLI fills the same folder: what is in the files is what it prints.
func TestAnAccountIsWrittenAsTheCLIPrintsIt(t *testing.T) {
	f, dir := world(t), t.TempDir()
	f.with(nil)
	result := f.collect(t, dir, options())
	f.onlyReads(t)
	if !result.Complete() {
		t.Fatalf("%+v", result)
	}
	got := result.Accounts[0]
	same(t, "result", collect.Account{ID: own, Name: "shop", Dir: dir, Roles: 3, Users: 2, Passed: 1}, got)
	same(t, "files", []string{
		"access-keys.json", "authorization-details.json", "credential-report.csv",
		"last-accessed/role-app.json", "last-accessed/role-idle.json", "last-accessed/user-ann.json", "last-accessed/user-bob.json",
		"snapshot.json",
	}, names(t, dir))
	printed := cli(t, f.Server, "get-account-authorization-details", "--filter", "User", "Group", "Role", "LocalManagedPolicy", "AWSManagedPolicy")
	same(t, "authorization details", values(t, printed), values(t, read(t, dir, snapshot.DetailsFile)))
	keys := values(t, read(t, dir, snapshot.KeysFile)).([]any)
	same(t, "keys of ann", values(t, cli(t, f.Server, "list-access-keys", "--user-name", "ann")), keys[0])
	if !strings.Contains(read(t, dir, snapshot.DetailsFile), spaced) {
		t.Errorf("a policy has lost its white space")
	}
	same(t, "info", snapshot.Info{
		SchemaVersion: 1, AccountID: own, AccountAlias: "shop", Partition: "aws", Window: 90, CollectedAt: open(t, dir).Info.CollectedAt,
	}, open(t, dir).Info)
	if age := result.Began.Sub(open(t, dir).Info.CollectedAt); age < 0 || age > 1e9 {
		t.Errorf("collected %v before the run began: want the same second", age)
	}
}

// The report of a job is one answer, whatever pages it came in.
func TestLastAccessedIsOneAnswer(t *testing.T) {
	f, dir := world(t), t.TempDir()
	f.collect(t, dir, options())
	path := filepath.Join(dir, "last-accessed", "role-app.json")
	src, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := usage.ParseLastAccessed(path, src)
	if err != nil {
		t.Fatal(err)
	}
	same(t, "principal", "arn:aws:iam::"+own+":role/service/app", parsed.Principal)
	same(t, "warnings", nil, parsed.Warnings)
	answer := values(t, string(src)).(map[string]any)
	same(t, "services", values(t, `[
		{"ServiceName": "Amazon S3", "LastAuthenticated": "2026-03-05T12:00:00.250000+00:00", "ServiceNamespace": "s3",
		 "LastAuthenticatedEntity": "arn:aws:iam::123456789012:role/service/app", "LastAuthenticatedRegion": "eu-west-1", "TotalAuthenticatedEntities": 1,
		 "TrackedActionsLastAccessed": [
		   {"ActionName": "GetBucketAcl", "LastAccessedEntity": "arn:aws:iam::123456789012:role/service/app", "LastAccessedTime": "2026-03-05T12:00:00.250000+00:00", "LastAccessedRegion": "eu-west-1"},
		   {"ActionName": "GetBucketCORS"}]},
		{"ServiceName": "Amazon SQS", "ServiceNamespace": "sqs", "TotalAuthenticatedEntities": 0}]`), answer["ServicesLastAccessed"])
}

// starters begin the parts that are got as a whole, or not at all.
var starters = []string{"iam:GetAccountAuthorizationDetails", "iam:ListAccountAliases", "iam:GenerateCredentialReport", "cloudtrail:DescribeTrails", "iam:ListAccessKeys", "iam:GenerateServiceLastAccessedDetails"}

// Stopped at any call, a run has what it had, and goes on with the part it was at.
func TestAStoppedRunAsksOnlyForWhatIsMissing(t *testing.T) {
	f, want := world(t), t.TempDir()
	f.with(nil)
	f.collect(t, want, options()) // the first report is made anew, later ones are there
	f.with(nil)
	fresh := options()
	fresh.Fresh = true
	f.collect(t, want, fresh)
	all := f.taken()
	if len(all) < 20 || all[0] != "sts:GetCallerIdentity" {
		t.Fatalf("%q", all)
	}
	for n := 1; n <= len(all); n++ {
		dir := t.TempDir()
		ctx, cancel := context.WithCancel(t.Context())
		f.with(cancelAt(n, cancel))
		if _, err := collect.One(ctx, f.config(), dir, options()); !errors.Is(err, context.Canceled) {
			t.Errorf("stopped at call %d: got the error %v", n, err)
		}
		same(t, "calls before it was stopped", all[:n], f.taken())
		f.with(nil)
		if result := f.collect(t, dir, options()); !result.Complete() {
			t.Errorf("stopped at call %d: %+v", n, result)
		}
		start := 1
		for i := range n {
			if name, _, _ := strings.Cut(all[i], " "); slices.Contains(starters, name) {
				start = i
			}
		}
		same(t, "calls of the run that goes on", slices.Concat(all[:1], all[start:]), f.taken())
		same(t, "files", contents(t, want), contents(t, dir))
	}
}

// A folder is from one run: what an earlier one has left goes, and what isn't its own stays.
func TestANewRunTakesTheOldOnesFilesAway(t *testing.T) {
	f, dir := world(t), t.TempDir()
	f.collect(t, dir, options())
	for _, name := range []string{"last-accessed/role-gone.json", "usage.jsonl"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("{}"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	f.with(func(w http.ResponseWriter, c call) bool {
		return c.name == "iam:GetAccountAuthorizationDetails" && refuse(w, http.StatusForbidden, "AccessDenied", "not you")
	})
	before := names(t, dir)
	if _, err := collect.One(t.Context(), f.config(), dir, options()); err == nil || collect.Why(err) != "AccessDenied: not you" {
		t.Errorf("got %v", err)
	}
	same(t, "files after a run that got nothing", before, names(t, dir))
	f.with(nil)
	f.collect(t, dir, options())
	same(t, "files", slices.DeleteFunc(before, func(name string) bool { return name == "last-accessed/role-gone.json" }), names(t, dir))
}

// A run that is too old begins anew, and so does one that is complete.
func TestWhenARunGoesOn(t *testing.T) {
	f, dir := world(t), t.TempDir()
	deny := func(w http.ResponseWriter, c call) bool {
		return c.name == "iam:ListAccountAliases" && refuse(w, http.StatusForbidden, "AccessDenied", "no")
	}
	f.with(deny)
	first := f.collect(t, dir, options())
	same(t, "missing", []snapshot.Missing{{What: "account alias", Why: "AccessDenied: no"}}, first.Accounts[0].Missing)
	same(t, "missing in the file", first.Accounts[0].Missing, open(t, dir).Info.Missing)

	f.with(nil)
	second := f.collect(t, dir, options())
	same(t, "calls", []string{"sts:GetCallerIdentity", "iam:ListAccountAliases"}, f.taken())
	same(t, "beginning", first.Began, second.Began)
	same(t, "missing", nil, open(t, dir).Info.Missing)

	f.with(deny)
	third := f.collect(t, dir, options()) // the second was complete
	if !third.Began.After(second.Began) || len(f.taken()) < 10 {
		t.Errorf("a complete run went on: %q", f.taken())
	}
	late := options()
	late.Now = func() time.Time { return third.Began.Add(collect.ResumeLimit + 1) }
	f.with(nil)
	if fourth := f.collect(t, dir, late); !fourth.Began.Equal(late.Now()) || len(f.taken()) < 10 {
		t.Errorf("a run of %v went on at %v: %q", third.Began, late.Now(), f.taken())
	}
}

func read(t *testing.T, dir, name string) string {
	t.Helper()
	src, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(src)
}

// values decodes JSON, with times in one form.
func values(t *testing.T, src string) any {
	t.Helper()
	src = regexp.MustCompile(`(T\d\d:\d\d:\d\d(\.\d+)?)(Z|\+00:00)"`).ReplaceAllString(src, `$1"`)
	var v any
	if err := json.Unmarshal([]byte(src), &v); err != nil {
		t.Fatalf("%v: %s", err, src)
	}
	return v
}

// contents are the files of a folder without what differs from run to run.
func contents(t *testing.T, dir string) map[string]string {
	t.Helper()
	out := map[string]string{}
	for _, name := range names(t, dir) {
		out[name] = regexp.MustCompile(`"(JobC\w+Date|collectedAt)": ?"[^"]*"`).ReplaceAllString(read(t, dir, name), `"$1": ""`)
	}
	return out
}

// cli runs `aws iam`.
func cli(t *testing.T, s *awstest.Server, args ...string) string {
	t.Helper()
	cmd := exec.Command(awstest.Need(t, awstest.AWS), append([]string{"iam", "--output", "json"}, args...)...)
	cmd.Env = s.Environment()
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return string(out)
}

// Of who is excluded nobody asks what they used; with other exclusions a run begins anew.
func TestExclusions(t *testing.T) {
	f, dir := world(t), t.TempDir()
	o := options()
	o.Exclude = analyzer.Exclusions{Names: []string{"ap*"}}
	f.with(nil)
	got := f.collect(t, dir, o)
	if !got.Complete() || got.Accounts[0].Excluded != 1 {
		t.Errorf("%+v", got)
	}
	for _, call := range f.taken() {
		if strings.Contains(call, "/app") {
			t.Errorf("%s was called", call)
		}
	}
	f.with(func(w http.ResponseWriter, c call) bool { return c.name == "iam:ListAccountAliases" && deny(w) })
	f.collect(t, dir, o)
	o.Exclude = analyzer.Exclusions{}
	f.with(nil)
	if got := f.collect(t, dir, o); !got.Complete() || got.Accounts[0].Excluded != 0 {
		t.Errorf("%+v", got)
	}
	if calls := strings.Join(f.taken(), "\n"); !strings.Contains(calls, "GetAccountAuthorizationDetails") || !strings.Contains(calls, "/app") {
		t.Errorf("it went on with the other run:\n%s", calls)
	}
}
