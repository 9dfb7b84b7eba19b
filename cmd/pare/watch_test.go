package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/google/go-cmp/cmp"

	"github.com/pare-iam/pare/internal/awstest"
	"github.com/pare-iam/pare/internal/trail"
	"github.com/pare-iam/pare/internal/watch"
)

// deniedEvent is a record of a denied call of a role's session.
func deniedEvent(id, role, source, name string, at time.Time) string {
	return fmt.Sprintf(`{"eventVersion":"1.09","userIdentity":{"type":"AssumedRole","arn":"arn:aws:sts::123456789012:assumed-role/%[2]s/i-1","accountId":"123456789012",`+
		`"sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::123456789012:role/%[2]s"}}},"eventTime":"%[5]s","eventSource":"%[3]s","eventName":"%[4]s","awsRegion":"us-east-1",`+
		`"errorCode":"AccessDenied","errorMessage":"Access Denied","requestParameters":null,"eventID":"%[1]s","readOnly":true,"eventType":"AwsApiCall","managementEvent":true,"recipientAccountId":"123456789012"}`,
		id, role, source, name, at.UTC().Format(time.RFC3339)) + "\n"
}

// inline is the text of the inline policy Own of the role app, from moto.
func (a *applying) inline() string {
	return a.s.SetUp(awstest.Key{}, "iam", "GetRolePolicy", "RoleName", "app", "PolicyName", "Own").Text("PolicyDocument")
}

func (a *applying) write(name, text string) {
	a.Helper()
	path := a.path(name)
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		a.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
		a.Fatal(err)
	}
}

// newWatched is an account with the plan for the role app applied.
func newWatched(t *testing.T) (a *applying, journal string) {
	t.Helper()
	a = newApplying(t)
	a.ok("apply", "--data", a.path("data"), "--principal", "app", "--plan", a.path("app.plan.json"))
	a.ok("apply", a.path("app.plan.json"), "--yes")
	return a, a.path("app.journal.jsonl")
}

// A plan is applied, calls are denied, and watch says what gives it back, and gives it back.
func TestWatch(t *testing.T) {
	a, journal := newWatched(t)
	for _, part := range []struct {
		name string
		test func(a *applying, journal string)
	}{
		{"the history, without log files", watchHistory}, {"files, once", watchFiles}, {"a bucket, again and again", watchBucket},
	} {
		t.Run(part.name, func(t *testing.T) { part.test(&applying{t, a.s, a.dir}, journal) })
	}
}

// What is denied is told once with its command, and given back if that is wanted.
func watchFiles(a *applying, journal string) {
	t := a.T
	narrow := a.inline()
	if strings.Contains(narrow, "GetBucketPolicy") {
		t.Fatalf("not applied: %s", narrow)
	}
	args := []string{"watch", journal, a.path("logs"), "--once", "--catalog", "embedded"}
	a.write("logs/empty.json", `{"Records":[]}`)
	began := len(a.s.Calls())
	out, errs, code := a.run(args...)
	if code != exitOK || out != "" || !strings.Contains(errs, "looking for calls denied to 1 principal, since ") || !strings.Contains(errs, "nothing new was denied") {
		t.Errorf("nothing denied: exit code %d\n%s%s", code, out, errs)
	}

	at := time.Now().Add(time.Second)
	a.write("logs/one.json", deniedEvent("e1", "app", "s3.amazonaws.com", "GetBucketPolicy", at)+
		deniedEvent("e2", "app", "s3.amazonaws.com", "DeleteBucket", at.Add(time.Second))+deniedEvent("e3", "twin", "s3.amazonaws.com", "GetBucketPolicy", at))
	out, errs, code = a.run(args...)
	want := fmt.Sprintf(`%s  role app  s3.amazonaws.com GetBucketPolicy  AccessDenied  us-east-1
  needs s3:GetBucketPolicy, which was taken away:
    s3 role app: narrow the inline policy Own
  pare rollback %s --action s3:GetBucketPolicy
%s  role app  s3.amazonaws.com DeleteBucket  AccessDenied  us-east-1
  not by pare: nothing that was taken away allowed s3:DeleteBucket; the policies before denied it too
`, at.UTC().Format(time.RFC3339), journal, at.Add(time.Second).UTC().Format(time.RFC3339))
	if diff := cmp.Diff(want, out); diff != "" || code != exitFindings {
		t.Errorf("exit code %d, -want +got\n%s%s", code, diff, errs)
	}
	out, _, _ = a.run(append(args, "-o", "json")...)
	var first struct{ Kind, EventID, Verdict, Rollback string }
	line, rest, _ := strings.Cut(out, "\n")
	if err := json.Unmarshal([]byte(line), &first, json.MatchCaseInsensitiveNames(true)); err != nil || strings.Count(rest, "\n") != 1 {
		t.Errorf("%v: %s", err, out)
	}
	if diff := cmp.Diff("pare rollback "+journal+" --action s3:GetBucketPolicy denial e1 removed", strings.Join([]string{first.Rollback, first.Kind, first.EventID, first.Verdict}, " ")); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	if wrote := a.writes(began); wrote != nil || a.inline() != narrow {
		t.Errorf("watching wrote %v", wrote)
	}

	a.write("logs/foreign.json", "{}")
	if out, errs, code = a.run("watch", journal, a.path("logs/foreign.json"), "--once", "--catalog", "embedded"); code != exitError || out != "" || !strings.Contains(errs, "none of the logs could be read") {
		t.Errorf("a broken file alone: exit code %d\n%s%s", code, out, errs)
	}
	if _, errs, code = a.run(args...); code != exitPartial || !strings.Contains(errs, "foreign.json: not a log of CloudTrail") {
		t.Errorf("a broken file: exit code %d\n%s", code, errs)
	}
	if err := os.Remove(a.path("logs/foreign.json")); err != nil {
		t.Fatal(err)
	}

	unlock, err := lockAccount("123456789012")
	if err != nil {
		t.Fatal(err)
	}
	a.refused("another apply or rollback is running", append(args, "--auto-restore")...)
	if err := unlock(); err != nil {
		t.Fatal(err)
	}
	out, errs, code = a.run(append(args, "--auto-restore", "-o", "json")...)
	if code != exitFindings || !strings.Contains(out, `"kind":"restore","steps":["s3"],"actions":[{"action":"a5","target":"inline policy Own of role app","outcome":"taken back"}]`) {
		t.Errorf("given back: exit code %d\n%s%s", code, out, errs)
	}
	if got := a.inline(); !strings.Contains(got, "GetBucketPolicy") {
		t.Errorf("not given back: %s", got)
	}
	out, errs, code = a.run(append(args, "--auto-restore")...)
	if code != exitOK || strings.Contains(out, "GetBucketPolicy") || !strings.Contains(errs, "1 denied call before what they needed was given back") {
		t.Errorf("a second time: exit code %d\n%s%s", code, out, errs)
	}
}

// lines is an output that tells when it has a text.
type lines struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// Log files of a bucket are watched again and again: what is denied is given back once, and
// then it is quiet, until somebody interrupts.
func watchBucket(a *applying, journal string) {
	t := a.T
	l := newBucket(t, a.s, a.dir)
	folder := "AWSLogs/123456789012/CloudTrail/us-east-1/" + time.Now().UTC().Format("2006/01/02/")
	l.put(folder+"a.json.gz", []byte(`{"Records":[]}`))

	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	var out, errs lines
	done := make(chan error, 1)
	go func() {
		done <- run(ctx, []string{"watch", journal, "s3://" + logBucket, "--auto-restore", "--interval", "20ms", "--catalog", "embedded"}, strings.NewReader(""), &out, &errs)
	}()
	until := func(what string, there func() bool) {
		t.Helper()
		for !there() {
			select {
			case <-ctx.Done():
				t.Fatalf("not %s\n%s%s", what, out.String(), errs.String())
			case err := <-done:
				t.Fatalf("it ended: %v\n%s%s", err, out.String(), errs.String())
			case <-time.After(10 * time.Millisecond):
			}
		}
	}
	until("looking", func() bool { return strings.Contains(errs.String(), "nothing new was denied") })
	l.put(folder+"b.json.gz", []byte(deniedEvent("e1", "app", "sqs.amazonaws.com", "ListQueues", time.Now())))
	until("given back", func() bool { return strings.Contains(out.String(), "taken back") })
	attached := a.s.SetUp(awstest.Key{}, "iam", "ListAttachedRolePolicies", "RoleName", "app")
	if !strings.Contains(string(attached), "policy/Queues<") {
		t.Errorf("not given back: %s", attached)
	}
	said := out.String()
	l.put(folder+"c.json.gz", []byte(deniedEvent("e1", "app", "sqs.amazonaws.com", "ListQueues", time.Now())))
	before := strings.Count(errs.String(), "nothing new")
	until("quiet", func() bool { return strings.Count(errs.String(), "nothing new") >= before+3 })
	cancel()
	if err := <-done; exitCode(err, true) != exitInterrupted {
		t.Errorf("got %v", err)
	}
	if diff := cmp.Diff(said, out.String()); diff != "" {
		t.Errorf("it said more: %s", diff)
	}
}

// Without log files CloudTrail's history is asked, in the Regions that matter.
func watchHistory(a *applying, journal string) {
	t, at := a.T, time.Now()
	a.s.SetEvents(func(region string) []string {
		if region != "us-east-1" {
			return nil
		}
		return []string{deniedEvent("e1", "app", "sqs.amazonaws.com", "ListQueues", at.Add(time.Minute)), deniedEvent("e2", "app", "s3.amazonaws.com", "GetBucketPolicy", at.Add(time.Minute))}
	})
	out, errs, code := a.run("watch", journal, "--once", "--region", "eu-central-1", "--catalog", "embedded")
	if code != exitFindings || strings.Count(out, "which was taken away") != 2 || !strings.Contains(errs, "CloudTrail's history of eu-central-1, us-east-1 has no data events") {
		t.Errorf("exit code %d\n%s%s", code, out, errs)
	}
	out, errs, code = a.run("watch", journal, "--once", "--regions", "eu-central-1", "--quiet", "--catalog", "embedded")
	if code != exitOK || out+errs != "" {
		t.Errorf("another Region: exit code %d\n%s%s", code, out, errs)
	}
}

// What couldn't be read is told in words, with what to do.
func TestWatchProblems(t *testing.T) {
	for _, tt := range []struct {
		err      error
		text, do string
	}{
		{&watch.HistoryError{Region: "us-east-1", Err: errors.New("x")}, "CloudTrail's history of us-east-1: x", "it takes cloudtrail:LookupEvents"},
		{&trail.Error{Message: "no", Do: "this"}, "no", "this"},
		{fmt.Errorf("a.json: %w", io.ErrUnexpectedEOF), "a.json: unexpected EOF", ""},
	} {
		if text, do := problem(tt.err); text != tt.text || !strings.HasPrefix(do, tt.do) {
			t.Errorf("%v: got %q, %q", tt.err, text, do)
		}
	}
}

func TestWatchUsage(t *testing.T) {
	journal := filepath.Join(t.TempDir(), "j")
	for _, test := range []struct {
		args string
		code int
		want string
	}{
		{"watch", exitUsage, "arg(s)"},
		{"watch j -", exitUsage, "watch reads again and again"},
		{"watch j logs --regions us-east-1", exitUsage, "--regions is about CloudTrail's history"},
		{"watch j --interval 0s", exitUsage, "--interval 0s: want a time"},
		{"watch j -o xml", exitUsage, "-o xml"},
		{"watch j --requester-pays", exitUsage, "--requester-pays is about log files in S3"},
		{"watch j s3://", exitUsage, "want s3://bucket/prefix"},
		{"watch " + journal + " . --once", exitError, journal + ": no such file"},
	} {
		var errs bytes.Buffer
		err := run(t.Context(), strings.Fields(test.args), strings.NewReader(""), io.Discard, &errs)
		if code := exitCode(err, false); code != test.code || !strings.Contains(errs.String(), test.want) {
			t.Errorf("%s: exit code %d, want %d and %q\n%s", test.args, code, test.code, test.want, errs.String())
		}
	}
	if got := quoted("it's"); got != `'it'\''s'` || quoted("a/b-1.jsonl") != "a/b-1.jsonl" {
		t.Errorf("got %s", got)
	}
}
