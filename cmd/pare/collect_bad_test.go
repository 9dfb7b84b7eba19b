package main

import (
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/pare-iam/pare/internal/awstest"
)

// clockAt is a server whose clock is off: its answers say so.
func clockAt(off time.Duration) awstest.Fault {
	return func(w http.ResponseWriter, _ awstest.Call) bool {
		w.Header().Set("Date", time.Now().Add(off).UTC().Format(http.TimeFormat))
		return false
	}
}

// What is wrong before anything is collected is said, with what to do, by collect and by
// doctor, and leaves no folder.
func TestWhatHindersCollecting(t *testing.T) {
	s := smallAccount(t)
	page := awstest.Say(http.StatusOK, "text/html", "<!doctype html><html><body>Welcome</body></html>")
	none := []string{"AWS_ACCESS_KEY_ID=", "AWS_SECRET_ACCESS_KEY="}
	for _, test := range []struct {
		name        string
		environment []string
		args        string
		fault       awstest.Fault
		code        int
		message     string
		hint        string
	}{
		{"no credentials", none, "", nil, exitError, "no AWS credentials: ", "log in (`aws sso login`"},
		{"expired credentials", nil, "", awstest.Refuse(403, "ExpiredToken", "The security token included in the request is expired"), exitError, "the AWS credentials have expired: ExpiredToken: ", "log in again"},
		{"keys that AWS doesn't know", nil, "", awstest.Refuse(403, "InvalidClientTokenId", "The security token included in the request is invalid."), exitError, "AWS doesn't know these credentials: they were deleted, or they are of another partition: ", "check --profile, and --region or --partition"},
		{"a secret of another key", nil, "", awstest.Refuse(403, "SignatureDoesNotMatch", "The request signature we calculated does not match"), exitError, "AWS refuses the signature: ", "check the credentials, and HTTPS_PROXY"},
		{"a clock that AWS refuses", nil, "", awstest.Refuse(403, "SignatureDoesNotMatch", "Signature expired: 20260101T000000Z is now earlier than 20260102T000000Z"), exitError, "this machine's clock is wrong: SignatureDoesNotMatch: ", "set it (timedatectl"},
		{"a clock that is ahead", nil, "", clockAt(-30 * aDay), exitError, "this machine's clock is wrong: it is 720h0m", "set it (timedatectl"},
		{"a clock that is behind", nil, "", clockAt(time.Hour), exitError, "this machine's clock is wrong: it is 1h0m", "set it (timedatectl"},
		{"a page in AWS's stead", nil, "", page, exitError, "the endpoint doesn't answer as AWS does: ", "check --endpoint-url"},
		{"a page that refuses", nil, "", awstest.Say(http.StatusForbidden, "text/html", "<html>Blocked by policy</html>"), exitError, "the endpoint doesn't answer as AWS does: HTTP status 403", "check --endpoint-url, AWS_ENDPOINT_URL and HTTPS_PROXY"},
		{"nobody listens", nil, "--endpoint-url http://127.0.0.1:1", nil, exitError, "the endpoint can't be reached: dial tcp 127.0.0.1:1: ", "check the network, HTTPS_PROXY and --endpoint-url"},
		{"a Region of another partition", nil, "--partition aws-cn --region us-east-1", nil, exitUsage, "--partition aws-cn: the Region us-east-1 is in aws; ", ""},
		{"no such profile", nil, "--profile nothing", nil, exitError, `no profile "nothing" in the AWS configuration`, "`aws configure list-profiles`"},
		{"no organization", nil, "--org", nil, exitError, "the account isn't in an organization: AWSOrganizationsNotInUseException: ", "leave --org out"},
		{"a role that isn't one", nil, "--role-arn arn:aws:iam::123456789012:user/ann", nil, exitUsage, `--role-arn "arn:aws:iam::123456789012:user/ann": want the ARN of a role`, ""},
		{"a role that can't be assumed", nil, "--role-arn arn:aws:iam::111122223333:role/pare-read", awstest.Deny, exitError, "the role can't be assumed: AccessDenied: ", "check its trust policy"},
	} {
		t.Run(test.name, func(t *testing.T) {
			for _, line := range test.environment {
				name, value, _ := strings.Cut(line, "=")
				t.Setenv(name, value)
			}
			s.SetFault(test.fault)
			defer s.SetFault(nil)
			dir := filepath.Join(t.TempDir(), "account")
			for _, verb := range []string{"collect --out " + dir, "doctor"} {
				stdout, stderr := wants(t, test.code, strings.Fields(verb+" "+test.args)...)
				if stdout != "" || !strings.HasPrefix(stderr, test.message) || !strings.Contains(stderr, "\nhint: "+test.hint) {
					t.Errorf("%s: got %s%s\nwant %s\nhint: %s", verb, stdout, stderr, test.message, test.hint)
				}
			}
			if _, err := os.Stat(filepath.Join(dir, ".collect.jsonl")); !errors.Is(err, os.ErrNotExist) {
				t.Errorf("there is a journal of nothing: %v", err)
			}
		})
	}
}

// A proxy is asked by the environment of a process, once: so each has one of its own.
func TestCollectThroughAProxyThatRefuses(t *testing.T) {
	s := awstest.Start(t, awstest.Options{})
	refusing := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		http.Error(w, "<html>Ask the help desk</html>", http.StatusForbidden)
	}))
	t.Cleanup(refusing.Close)
	for _, test := range []struct{ name, proxy, endpoint, want string }{
		{"it refuses to connect", "HTTPS_PROXY=" + refusing.URL, "https://iam.example.com", "the proxy refuses the connection: " + refusing.URL + " answers 403 Forbidden\nhint: check HTTPS_PROXY"},
		{"it answers in AWS's stead", "HTTP_PROXY=" + refusing.URL, "http://iam.example.com", "the endpoint doesn't answer as AWS does: HTTP status 403"},
		{"nobody listens", "HTTPS_PROXY=http://" + closedPort(t), "https://iam.example.com", "the endpoint can't be reached: proxyconnect tcp: dial tcp 127.0.0.1:"},
	} {
		t.Run(test.name, func(t *testing.T) {
			cmd := exec.CommandContext(t.Context(), "pare", "collect", "--out", filepath.Join(t.TempDir(), "account"), "--endpoint-url", test.endpoint)
			cmd.Env = append(s.Environment(), test.proxy, "GORACE=atexit_sleep_ms=0")
			out, err := cmd.CombinedOutput()
			exit, ok := errors.AsType[*exec.ExitError](err)
			if !ok || exit.ExitCode() != exitError || !strings.HasPrefix(string(out), test.want) {
				t.Errorf("%v\n%swant %s", err, out, test.want)
			}
		})
	}
}

// closedPort is an address that was free just now.
func closedPort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	}()
	return l.Addr().String()
}

// A journal that was cut in half, as by a power cut, is good up to there.
func TestCollectWithHalfAJournal(t *testing.T) {
	s := smallAccount(t)
	dir := filepath.Join(t.TempDir(), "account")
	bob := func(c awstest.Call) bool { return strings.HasSuffix(c.Params.Get("Arn"), "user/bob") }
	s.SetFault(awstest.On(bob, awstest.Deny))
	wants(t, exitPartial, "collect", "--out", dir)
	s.SetFault(nil)
	path := filepath.Join(dir, ".collect.jsonl")
	journal := readText(t, path)
	if err := os.WriteFile(path, []byte(journal[:len(journal)/2]), 0o600); err != nil {
		t.Fatal(err)
	}
	began := len(s.Calls())
	wants(t, exitOK, "collect", "--out", dir)
	if calls := callsAfter(t, s, began); calls["iam:GetAccountAuthorizationDetails"] != 0 || calls["iam:GenerateServiceLastAccessedDetails"] != 1 || calls["iam:ListAccessKeys"] == 0 {
		t.Errorf("what the half has and the files are was asked for again, or the rest wasn't: %v", calls)
	}
	wants(t, exitOK, "analyze", "--data", dir)
}
