package collect_test

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/pare-iam/pare/internal/awstest"
	"github.com/pare-iam/pare/internal/collect"
	"github.com/pare-iam/pare/internal/snapshot"
)

// on is a fault of the calls whose text begins so.
func on(prefix string, answer func(w http.ResponseWriter) bool) fault {
	return func(w http.ResponseWriter, c call) bool { return strings.HasPrefix(c.String(), prefix) && answer(w) }
}

// first is a fault of the first n of the calls whose text begins so. It is counted before
// it is answered, which may end the connection.
func first(n int, prefix string, answer func(w http.ResponseWriter) bool) fault {
	var seen atomic.Int64
	return on(prefix, func(w http.ResponseWriter) bool { return seen.Add(1) <= int64(n) && answer(w) })
}

func deny(w http.ResponseWriter) bool { return refuse(w, http.StatusForbidden, "AccessDenied", "no") }
func throttle(w http.ResponseWriter) bool {
	return refuse(w, http.StatusBadRequest, "Throttling", "Rate exceeded")
}

// cut ends the connection without an answer.
func cut(http.ResponseWriter) bool { panic(http.ErrAbortHandler) }

func strange(w http.ResponseWriter) bool {
	w.WriteHeader(http.StatusBadGateway)
	fmt.Fprint(w, "<html>no such luck</html>")
	return true
}

// What fails for good is said and left out, the rest is there, and the next run asks for
// nothing but that.
func TestWhatFailsIsLeftOutAndAskedForAgain(t *testing.T) {
	f := world(t)
	whole := t.TempDir()
	f.collect(t, whole, options())
	const app = "arn:aws:iam::" + own + ":role/service/app"
	for _, test := range []struct {
		name    string
		fault   fault
		missing []snapshot.Missing
		absent  string // the file that isn't there
		again   string // the calls of the next run, but for who one is
	}{
		{name: "throttled twice is tried again", fault: first(2, "iam:ListAccessKeys", throttle)},
		{name: "a connection that ends is tried again", fault: first(1, "iam:GetServiceLastAccessedDetails", cut)},
		{name: "an answer that isn't AWS's is tried again", fault: first(2, "cloudtrail:DescribeTrails", strange)},
		{
			name: "throttled for good", fault: on("iam:GenerateServiceLastAccessedDetails "+app, throttle),
			missing: []snapshot.Missing{{What: "last-accessed of " + app, Why: "Throttling: Rate exceeded"}}, absent: "last-accessed/role-app.json",
			again: "iam:GenerateServiceLastAccessedDetails " + app + ", iam:GetServiceLastAccessedDetails, iam:GetServiceLastAccessedDetails, iam:GetServiceLastAccessedDetails",
		},
		{
			name: "no credential report", fault: on("iam:GenerateCredentialReport", deny),
			missing: []snapshot.Missing{{What: "credential report", Why: "AccessDenied: no"}}, absent: "credential-report.csv",
			again: "iam:GenerateCredentialReport, iam:GetCredentialReport",
		},
		{
			name: "no trails", fault: on("cloudtrail:DescribeTrails", strange),
			missing: []snapshot.Missing{{What: "CloudTrail trails", Why: "HTTP status 502: invalid character '<' looking for beginning of value"}},
			again:   "cloudtrail:DescribeTrails",
		},
		{
			name: "a key's last use alone", fault: on("iam:GetAccessKeyLastUsed", deny),
			missing: []snapshot.Missing{
				{What: "access keys of arn:aws:iam::" + own + ":user/ann", Why: "AccessDenied: no"},
				{What: "access keys of arn:aws:iam::" + own + ":user/bob", Why: "AccessDenied: no"},
			},
			again: "iam:ListAccessKeys ann, iam:GetAccessKeyLastUsed, iam:ListAccessKeys bob, iam:GetAccessKeyLastUsed",
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			dir := t.TempDir()
			f.with(test.fault)
			result := f.collect(t, dir, options())
			f.onlyReads(t)
			same(t, "missing", test.missing, result.Accounts[0].Missing)
			same(t, "missing in the file", test.missing, open(t, dir).Info.Missing)
			if _, err := os.Stat(filepath.Join(dir, test.absent)); test.absent != "" && !errors.Is(err, os.ErrNotExist) {
				t.Errorf("%s: %v", test.absent, err)
			}
			if test.missing == nil {
				same(t, "files", contents(t, whole), contents(t, dir))
				return
			}
			f.with(nil)
			if again := f.collect(t, dir, options()); !again.Complete() {
				t.Errorf("%+v", again)
			}
			same(t, "calls", "sts:GetCallerIdentity, "+test.again, strings.Join(f.taken(), ", "))
			same(t, "files", contents(t, whole), contents(t, dir))
		})
	}
}

// An operation that is denied again and again isn't called any more.
func TestADeniedOperationIsntCalledForEverybody(t *testing.T) {
	f := newFront(t, awstest.Options{LastAccessed: everybody})
	for i := range 30 {
		f.SetUp(awstest.Key{}, "iam", "CreateUser", "UserName", fmt.Sprintf("user%02d", i))
	}
	f.with(func(w http.ResponseWriter, c call) bool {
		return (c.name == "iam:ListAccessKeys" || c.name == "iam:GenerateServiceLastAccessedDetails") && deny(w)
	})
	result := f.collect(t, t.TempDir(), options())
	const first = "arn:aws:iam::" + own + ":user/user00, arn:aws:iam::" + own + ":user/user01, arn:aws:iam::" + own + ":user/user02 and 27 more"
	same(t, "missing", []snapshot.Missing{{What: "access keys of " + first, Why: "AccessDenied: no"}, {What: "last-accessed of " + first, Why: "AccessDenied: no"}}, result.Accounts[0].Missing)
	count := map[string]int{}
	for _, c := range f.taken() {
		name, _, _ := strings.Cut(c, " ")
		count[name]++
	}
	same(t, "calls", map[string]int{
		"sts:GetCallerIdentity": 1, "iam:GetAccountAuthorizationDetails": 1, "iam:ListAccountAliases": 1, "iam:GenerateCredentialReport": 2, "iam:GetCredentialReport": 1,
		"cloudtrail:DescribeTrails": 1, "iam:ListAccessKeys": 5, "iam:GenerateServiceLastAccessedDetails": 5,
	}, count)
}

// When nothing more can succeed the run ends, and goes on later.
func TestARunEndsWhenNothingMoreCanSucceed(t *testing.T) {
	f := world(t)
	whole := t.TempDir()
	f.collect(t, whole, options())
	expire := func(w http.ResponseWriter) bool { return refuse(w, http.StatusForbidden, "ExpiredToken", "late") }
	for _, test := range []struct {
		name, want string
		fault      fault
	}{
		{"the credentials expire", "ExpiredToken: late", on("iam:GetServiceLastAccessedDetails", expire)},
		{"they are deleted", "InvalidClientTokenId: late", on("iam:ListAccessKeys bob", func(w http.ResponseWriter) bool {
			return refuse(w, http.StatusForbidden, "InvalidClientTokenId", "late")
		})},
	} {
		t.Run(test.name, func(t *testing.T) {
			dir := t.TempDir()
			f.with(test.fault)
			if _, err := collect.One(t.Context(), f.config(), dir, options()); err == nil || collect.Why(err) != test.want {
				t.Errorf("got %v, want %s", err, test.want)
			}
			if _, err := os.Stat(filepath.Join(dir, snapshot.InfoFile)); !errors.Is(err, os.ErrNotExist) {
				t.Errorf("%s: %v", snapshot.InfoFile, err)
			}
			f.with(nil)
			f.collect(t, dir, options())
			same(t, "files", contents(t, whole), contents(t, dir))
		})
	}
}

// A folder that can't be written ends the run, and nothing is taken for collected.
func TestAFolderThatCantBeWritten(t *testing.T) {
	f, dir := world(t), t.TempDir()
	blocked := filepath.Join(dir, "last-accessed")
	f.with(func(_ http.ResponseWriter, c call) bool {
		if c.name == "cloudtrail:DescribeTrails" {
			if err := os.WriteFile(blocked, nil, 0o600); err != nil {
				t.Error(err)
			}
		}
		return false
	})
	if _, err := collect.One(t.Context(), f.config(), dir, options()); err == nil || !strings.Contains(err.Error(), blocked) {
		t.Errorf("got %v, want an error about %s", err, blocked)
	}
	if err := os.Remove(blocked); err != nil {
		t.Fatal(err)
	}
	f.with(nil)
	if again := f.collect(t, dir, options()); !again.Complete() {
		t.Errorf("%+v", again)
	}
}

// Two at once don't mix.
func TestAFolderIsWorkedOnByOneRun(t *testing.T) {
	f, dir := world(t), t.TempDir()
	var second error
	f.with(first(1, "iam:ListAccountAliases", func(http.ResponseWriter) bool {
		_, second = collect.One(t.Context(), f.config(), dir, options())
		return false
	}))
	f.collect(t, dir, options())
	const want = "another pare collect is at work on this folder"
	if second == nil || !strings.Contains(second.Error(), want) {
		t.Errorf("got %v, want %s", second, want)
	}
}

// One account's folder isn't another's, nor that of several.
func TestAFolderOfAnotherAccount(t *testing.T) {
	f, dir := world(t), t.TempDir()
	info := `{"schemaVersion": 1, "accountId": "999999999999"}`
	if err := os.WriteFile(filepath.Join(dir, snapshot.InfoFile), []byte(info), 0o600); err != nil {
		t.Fatal(err)
	}
	f.with(nil)
	_, err := collect.One(t.Context(), f.config(), dir, options())
	const want = "a snapshot of account 999999999999 is there, and this is account " + own
	if err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("got %v, want %s", err, want)
	}
	same(t, "files", []string{snapshot.InfoFile}, names(t, dir))
	same(t, "the file", info, read(t, dir, snapshot.InfoFile))
}

// The journal's last line may be cut off anywhere.
func TestAJournalThatIsCutOff(t *testing.T) {
	f, dir := world(t), t.TempDir()
	f.with(on("iam:GenerateServiceLastAccessedDetails arn:aws:iam::"+own+":user/bob", deny))
	f.collect(t, dir, options())
	journal := read(t, dir, ".collect.jsonl")
	f.with(nil)
	whole := t.TempDir()
	f.collect(t, whole, options())
	for n := 0; n < len(journal); n += 1 + len(journal)/40 {
		if err := os.WriteFile(filepath.Join(dir, ".collect.jsonl"), []byte(journal[:n]), 0o600); err != nil {
			t.Fatal(err)
		}
		if result := f.collect(t, dir, options()); !result.Complete() {
			t.Errorf("cut off at byte %d: %+v", n, result)
		}
		same(t, fmt.Sprintf("files, cut off at byte %d", n), contents(t, whole), contents(t, dir))
	}
}
