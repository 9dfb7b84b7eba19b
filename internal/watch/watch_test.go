package watch_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pare-iam/pare/catalog"
	"github.com/pare-iam/pare/cloudtrail"
	"github.com/pare-iam/pare/internal/apply"
	"github.com/pare-iam/pare/internal/ingest"
	"github.com/pare-iam/pare/internal/watch"
)

// event is a denied call of a session of the role app, half an hour after the first change.
type event struct {
	id, arn, issuer string
	at              time.Time
	source, name    string
	code, message   string
}

func (e event) String() string {
	if e.id == "" {
		e.id = "e1"
	}
	if e.at.IsZero() {
		e.at = began.Add(30 * time.Minute)
	}
	if e.arn == "" {
		e.arn, e.issuer = "arn:aws:sts::111122223333:assumed-role/app/i-1", account+"role/service/app"
	}
	if e.code == "" {
		e.code = "AccessDenied"
	}
	kind, session := "IAMUser", ""
	if e.issuer != "" {
		kind, session = "AssumedRole", `,"sessionContext":{"sessionIssuer":{"type":"Role","arn":"`+e.issuer+`"}}`
	}
	return fmt.Sprintf(`{"eventVersion":"1.09","userIdentity":{"type":"%s","arn":"%s","accountId":"111122223333"%s},"eventTime":"%s","eventSource":"%s","eventName":"%s",`+
		`"awsRegion":"us-east-1","errorCode":"%s","errorMessage":%q,"requestParameters":null,"responseElements":null,"eventID":"%s","readOnly":true,"eventType":"AwsApiCall","managementEvent":true,"recipientAccountId":"111122223333"}`,
		kind, e.arn, session, e.at.Format(time.RFC3339), e.source, e.name, e.code, e.message, e.id)
}

// looking is a watcher of a journal on disk with one source.
func looking(t *testing.T, source watch.Source, lines ...apply.Line) *watch.Watcher {
	t.Helper()
	path := filepath.Join(t.TempDir(), "journal.jsonl")
	if err := os.WriteFile(path, journal(t, lines...), 0o600); err != nil {
		t.Fatal(err)
	}
	return &watch.Watcher{Journal: path, Mapper: cloudtrail.NewMapper(catalog.Embedded()), Sources: []watch.Source{source}}
}

// texts is a source of texts, which are all there at each look.
type texts []string

func (s texts) Read(_ context.Context, _ time.Time, visit watch.Visit, problem func(error)) error {
	for i, text := range s {
		if err := visit(fmt.Sprint(i), strings.NewReader(text)); err != nil {
			problem(err)
		}
	}
	return nil
}

func look(t *testing.T, w *watch.Watcher) *watch.Look {
	t.Helper()
	l, err := w.Look(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// What a denied call is put down to, and what gives it back.
func TestDenials(t *testing.T) {
	const s3, sqs = "s3.amazonaws.com", "sqs.amazonaws.com"
	const notAllowed = "User: arn:aws:sts::111122223333:assumed-role/app/i-1 is not authorized to perform: "
	for _, tt := range []struct {
		name  string
		event event
		after []apply.Line
		want  string // who, verdict, actions, steps, the rollback; "" is no denial of theirs
	}{
		{"by the call's name", event{source: s3, name: "GetBucketAcl"}, nil, "role app removed s3:GetBucketAcl s1 --action s1"},
		{"by what AWS says", event{source: s3, name: "GetBucketThing", message: notAllowed + "s3:GetBucketAcl on resource: \"arn:aws:s3:::b\" because no identity-based policy allows the s3:GetBucketAcl action"}, nil, "role app removed s3:GetBucketAcl s1 --action s1"},
		{"an action that two steps took", event{source: s3, name: "GetBucketPolicy"}, nil, "role app removed s3:GetBucketPolicy s1,s4 --action s1 --action s4"},
		{"one of two, by the resource", event{source: s3, name: "GetBucketPolicy", message: notAllowed + "s3:GetBucketPolicy on resource: arn:aws:s3:::other"}, nil, "role app removed s3:GetBucketPolicy s1 --action s1"},
		{"a user that a step affects", event{arn: account + "user/ann", source: sqs, name: "SendMessage", code: "AccessDenied"}, nil, "user ann removed sqs:SendMessage s2 --action s2"},
		{"a service's own code", event{source: sqs, name: "SendMessage", code: "Client.UnauthorizedOperation"}, nil, "role app removed sqs:SendMessage s2 --action s2"},
		{"a role in quarantine", event{arn: account + "role/idle", source: "ec2.amazonaws.com", name: "RunInstances", message: "x with an explicit deny in an identity-based policy"}, nil, "role idle removed ec2:RunInstances s3 --action ec2:RunInstances"},
		{"an explicit deny of nobody knows what", event{arn: account + "role/idle", source: s3, name: "ListBuckets", message: "x with an explicit deny"}, nil, "role idle removed s3:ListAllMyBuckets s3 --action s3:ListAllMyBuckets"},
		{"a session without its role's path", event{arn: "arn:aws:sts::111122223333:assumed-role/app/x", source: s3, name: "GetBucketAcl"}, nil, "role app removed s3:GetBucketAcl s1 --action s1"},

		{"what the call may need, when nothing that it always needs was taken", event{source: s3, name: "PutObject"}, nil, "role app removed s3:PutObjectTagging s4 --action s4"},

		{"what no policy had allowed", event{source: s3, name: "DeleteBucket"}, nil, "role app not by pare"},
		{"what is still allowed", event{source: s3, name: "ListObjects"}, nil, "role app not by pare"},
		{"another resource than the policy's", event{source: s3, name: "GetObject", message: notAllowed + `s3:GetObject on resource: "arn:aws:s3:::open/key"`}, nil, "role app not by pare"},
		{"the policy's resource", event{source: s3, name: "GetObject", message: notAllowed + `s3:GetObject on resource: "arn:aws:s3:::secrets/key".`}, nil, "role app removed s3:GetObject s4 --action s4"},
		{"what an organization denies", event{source: s3, name: "GetBucketAcl", message: notAllowed + "s3:GetBucketAcl with an explicit deny in a service control policy"}, nil, "role app not by pare"},
		{"what a boundary denies", event{arn: account + "role/idle", source: s3, name: "GetBucketAcl", message: "x with an explicit deny in a permissions boundary"}, nil, "role idle not by pare"},
		{"a user whom another step didn't touch", event{arn: account + "user/ann", source: s3, name: "GetBucketAcl"}, nil, "user ann not by pare"},
		{"a call that nobody knows", event{source: "new.amazonaws.com", name: "DoIt"}, nil, "role app not by pare"},

		{"before the step", event{source: s3, name: "GetObject", at: began.Add(2 * time.Minute)}, nil, "role app not by pare"},
		{"before any step", event{source: s3, name: "GetBucketAcl", at: began.Add(-2 * time.Minute)}, nil, ""},
		{"another role", event{arn: account + "role/other", source: s3, name: "GetBucketAcl"}, nil, ""},
		{"a role of that name in another account", event{arn: "arn:aws:iam::999999999999:role/app", source: s3, name: "GetBucketAcl"}, nil, ""},
		{"another error", event{source: s3, name: "GetBucketAcl", code: "NoSuchBucket"}, nil, ""},

		{"before it was taken back", event{source: s3, name: "GetBucketAcl"}, undone("a1"), "role app given back s3:GetBucketAcl s1 --action s1"},
		{"after it was taken back", event{source: s3, name: "GetBucketAcl", at: began.Add(2 * time.Hour)}, undone("a1"), "role app not by pare"},
		{"one step of two was taken back", event{source: s3, name: "GetBucketPolicy"}, undone("a1"), "role app removed s3:GetBucketPolicy s4 --action s4"},
		{"half of a step was taken back", event{source: sqs, name: "SendMessage"}, undone("a2"), "role app removed sqs:SendMessage s2 --action s2"},
		{"the other half was", event{source: sqs, name: "SendMessage"}, undone("a3"), "role app removed sqs:SendMessage s2 --action s2"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			l := look(t, looking(t, texts{tt.event.String()}, append(applied(), tt.after...)...))
			var parts []string
			for _, d := range l.Denials {
				parts = append(parts, d.Who(), string(d.Verdict), strings.Join(d.Actions, ","), strings.Join(d.Steps, ","))
				parts = append(parts, l.Changes.Rollback(d)...)
			}
			got := strings.TrimSpace(strings.Join(parts, " "))
			if got != tt.want || len(l.Problems) > 0 {
				t.Errorf("got %q, %v, want %q", got, l.Problems, tt.want)
			}
		})
	}
}

// The command is by what was taken away where that means the same steps: not where another
// principal's quarantine took everything.
func TestRollbackByName(t *testing.T) {
	p := plan()
	p.Steps = append(p.Steps[:2:2], p.Steps[3])
	for _, tt := range []struct{ name, message, want string }{
		{"GetBucketAcl", "", "--action s3:GetBucketAcl"},
		{"GetBucketPolicy", "", "--action s3:GetBucketPolicy"},
		{"GetBucketPolicy", "not authorized to perform: s3:GetBucketPolicy on resource: arn:aws:s3:::other", "--action s1"},
	} {
		w := looking(t, texts{event{source: "s3.amazonaws.com", name: tt.name, message: tt.message}.String()})
		lines := slices.DeleteFunc(applied(), func(l apply.Line) bool { return l.Action == "a4" })
		if err := os.WriteFile(w.Journal, journalOf(t, p, lines...), 0o600); err != nil {
			t.Fatal(err)
		}
		l := look(t, w)
		if len(l.Denials) != 1 || strings.Join(l.Changes.Rollback(l.Denials[0]), " ") != tt.want {
			t.Errorf("%+v: got %+v", tt, l.Denials)
		}
	}
}

// Everything that the record says of a denial is told.
func TestDenialInFull(t *testing.T) {
	l := look(t, looking(t, texts{event{source: "sqs.amazonaws.com", name: "SendMessage", message: "no"}.String()}, applied()...))
	want := []watch.Denial{{
		EventID: "e1", Time: began.Add(30 * time.Minute), Principal: account + "role/service/app", Session: "arn:aws:sts::111122223333:assumed-role/app/i-1",
		Source: "sqs.amazonaws.com", Name: "SendMessage", Region: "us-east-1", Code: "AccessDenied", Message: "no",
		Needs: []string{"sqs:SendMessage"}, Verdict: watch.Removed, Actions: []string{"sqs:SendMessage"}, Steps: []string{"s2"},
	}}
	var got []watch.Denial
	for _, d := range l.Denials {
		got = append(got, *d)
	}
	if diff := cmp.Diff(want, got, cmp.FilterPath(func(p cmp.Path) bool { return p.Last().String() == ".who" }, cmp.Ignore())); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	if got := l.Changes.Title("s2"); got != "detach Queues" {
		t.Errorf("the step is %q", got)
	}
}

// An event is reported once, however often it is read, and the later ones after the earlier.
func TestEventsAreReportedOnce(t *testing.T) {
	late := event{id: "e2", source: "s3.amazonaws.com", name: "GetBucketAcl", at: began.Add(40 * time.Minute)}
	early := event{id: "e1", source: "s3.amazonaws.com", name: "GetBucketAcl"}
	w := looking(t, texts{late.String(), early.String(), `{"Records":[` + late.String() + `]}`}, applied()...)
	l := look(t, w)
	if len(l.Denials) != 2 || l.Denials[0].EventID != "e1" || l.Denials[1].EventID != "e2" {
		t.Errorf("got %+v", l.Denials)
	}
	if again := look(t, w); len(again.Denials) != 0 || again.Texts != 3 {
		t.Errorf("again: %+v", again)
	}
}

// Before the first change nothing is read.
func TestNothingAppliedYet(t *testing.T) {
	if l := look(t, looking(t, texts{"no log"})); l.Texts+len(l.Denials)+len(l.Problems) != 0 {
		t.Errorf("got %+v", l)
	}
	w := watch.Watcher{Journal: filepath.Join(t.TempDir(), "none")}
	if _, err := w.Look(t.Context()); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("got %v", err)
	}
}

// Records come in the forms of log files, of lookup-events, and one after the other.
func TestForms(t *testing.T) {
	one := event{source: "s3.amazonaws.com", name: "GetBucketAcl"}.String()
	inside := fmt.Sprintf(`{"EventId":"e1","CloudTrailEvent":%q}`, one)
	for _, tt := range []struct {
		name, text string
		want       int
		problem    string
	}{
		{"a log file", `{"Records":[` + one + `]}`, 1, ""},
		{"a log file with more members", `{"a":[1],"Records":[` + one + `],"b":{}}`, 1, ""},
		{"an answer of lookup-events", `{"Events":[` + inside + `]}`, 1, ""},
		{"events of lookup-events one by one", inside + "\n" + inside, 1, ""},
		{"events a line", one + "\n" + one, 1, ""},
		{"a list", "[" + one + "]", 1, ""},
		{"a log file of none", `{"Records":[]}`, 0, ""},
		{"a digest", `{"digestStartTime":"2026-05-01T10:00:00Z","logFiles":[]}`, 0, ""},
		{"an event without an error", `{"eventTime":"2026-05-01T10:00:00Z","eventName":"X"}`, 0, ""},
		{"cut off", `{"Records":[` + one + `,` + one[:80], 1, "unexpected EOF"},
		{"something else", `{"a":1}`, 0, "not a log of CloudTrail"},
		{"no JSON", "eventtime,eventname\n", 0, "not a log of CloudTrail"},
		{"a number", "7", 0, "not a log of CloudTrail"},
		{"nothing", "", 0, "not a log of CloudTrail"},
		{"an event of another type", `{"eventTime":7,"errorCode":"AccessDenied"}`, 0, "an event record: "},
	} {
		t.Run(tt.name, func(t *testing.T) {
			l := look(t, looking(t, texts{tt.text}, applied()...))
			problem := ""
			if len(l.Problems) > 0 {
				problem = l.Problems[0].Error()
			}
			if len(l.Denials) != tt.want || (tt.problem == "") != (problem == "") || !strings.Contains(problem, tt.problem) {
				t.Errorf("got %d denials, %q, want %d, %q", len(l.Denials), problem, tt.want, tt.problem)
			}
		})
	}
}

// Codes that package cloudtrail counts as denied are refusals here.
func TestCodes(t *testing.T) {
	mapper := cloudtrail.NewMapper(catalog.Embedded())
	counted := 0
	for _, code := range []string{
		"AccessDenied", "AccessDeniedException", "AccessDeniedFault", "Client.AccessDenied", "UnauthorizedOperation", "Client.UnauthorizedOperation",
		"UnauthorizedAccess", "UnauthorizedException", "AuthorizationError", "AuthorizationErrorException", "NotAuthorized", "VpceAccessDenied", "NoSuchBucket", "ThrottlingException",
	} {
		text := event{source: "s3.amazonaws.com", name: "GetBucketAcl", code: code}.String()
		tally := mapper.NewTally(cloudtrail.Options{})
		if err := tally.Read("x", strings.NewReader(text)); err != nil {
			t.Fatal(err)
		}
		denied := tally.Uses()[0].Denied > 0
		if denied {
			counted++
		}
		if got := len(look(t, looking(t, texts{text}, applied()...)).Denials) == 1; got != denied {
			t.Errorf("%s: %v, want %v", code, got, denied)
		}
	}
	if counted != 12 {
		t.Errorf("%d codes are denials", counted)
	}
}

// Files are read once, and again when they are others; what couldn't be read is tried again.
func TestFiles(t *testing.T) {
	dir := t.TempDir()
	put := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	put("a.json", event{source: "s3.amazonaws.com", name: "GetBucketAcl"}.String())
	put("b.json", `{"Records":[`)
	var asked []time.Time
	now := began.Add(50 * time.Hour)
	files := &watch.Files{Now: func() time.Time { return now }, List: func(ctx context.Context, since time.Time) (*ingest.Listing, error) {
		asked = append(asked, since)
		return ingest.Find(ctx, []string{dir}, nil)
	}}
	w := looking(t, files, applied()...)
	for i, want := range []struct{ denials, texts, problems int }{{1, 1, 1}, {0, 0, 1}, {1, 1, 0}, {0, 0, 0}} {
		if l := look(t, w); len(l.Denials) != want.denials || l.Texts != want.texts || len(l.Problems) != want.problems {
			t.Errorf("look %d: %+v, want %+v", i, l, want)
		}
		if i == 1 {
			put("b.json", event{id: "e2", source: "s3.amazonaws.com", name: "GetBucketAcl"}.String())
		}
	}
	if diff := cmp.Diff([]time.Time{began, began, began, now.Add(-24 * time.Hour)}, asked); diff != "" {
		t.Errorf("asked for files since: -want +got\n%s", diff)
	}
	files.List = func(context.Context, time.Time) (*ingest.Listing, error) { return nil, io.ErrUnexpectedEOF }
	if l := look(t, w); len(l.Problems) != 1 {
		t.Errorf("a listing that fails: %+v", l)
	}
}
