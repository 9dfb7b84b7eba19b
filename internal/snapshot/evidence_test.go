package snapshot_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pare-iam/pare/catalog"
	"github.com/pare-iam/pare/internal/snapshot"
	"github.com/pare-iam/pare/inventory"
	"github.com/pare-iam/pare/policy"
	"github.com/pare-iam/pare/usage"
)

const (
	role = "arn:aws:iam::111111111111:role/app"

	accessed = `{"Arn": "arn:aws:iam::111111111111:role/app", "JobStatus": "COMPLETED", "JobType": "ACTION_LEVEL", "JobCompletionDate": "2026-11-01T00:00:00Z",
		"ServicesLastAccessed": [{"ServiceNamespace": "s3", "LastAuthenticated": "2026-10-31T10:00:00Z",
			"TrackedActionsLastAccessed": [{"ActionName": "CreateBucket", "LastAccessedTime": "2026-10-31T10:00:00Z"}, {"ActionName": "DeleteBucket"}]}]}`
	uses = `{"principal":"arn:aws:iam::111111111111:role/app","action":"s3:CreateBucket","resourceType":"bucket","day":"2026-10-31","primary":true,"count":2,"denied":0,"firstSeen":"2026-10-31T09:00:00Z","lastSeen":"2026-10-31T10:00:00Z"}
`
	coverage = `{"schemaVersion": 1, "uses": 1, "accounts": [{"id": "111111111111", "dataEvents": [], "regions": [
		{"name": "us-east-1", "basis": "digests", "from": "2026-07-01T00:00:00Z", "to": "2026-11-01T00:00:00Z", "gaps": [], "events": 1000, "reads": 500, "kms": 5}]}],
		"files": {}, "records": {}, "unmapped": [], "broken": []}`
	reported = `{"resource": "arn:aws:iam::111111111111:role/app", "analyzedAt": "2026-11-01T00:00:00Z", "status": "ACTIVE", "findingType": "UnusedPermission",
		"findingDetails": [{"unusedPermissionDetails": {"serviceNamespace": "s3", "actions": [{"action": "GetBucketAcl", "lastAccessed": "2026-02-01T00:00:00Z"}]}}]}`
	trails = `{"schemaVersion": 1, "accountId": "111111111111", "trails": [{"arn": "t", "regions": %s, "dataEvents": ["AWS::S3::Object"], "readEvents": true, "managementEvents": true}]}`
)

var window = usage.Window{Age: 90 * usage.Day, Now: time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)}

// whole are the files of a folder with evidence of every kind, changed in one of them.
func whole(name, text string) map[string]string {
	files := map[string]string{
		"snapshot.json": info, "authorization-details.json": details, "last-accessed/app.json": accessed,
		"usage.jsonl": uses, "usage.coverage.json": coverage, "findings/app.json": reported,
	}
	if name != "" {
		files[name] = text
	}
	return files
}

// read reads a folder's evidence.
func read(t *testing.T, dir string) *snapshot.Evidence {
	t.Helper()
	f, err := snapshot.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	account, _, err := f.Inventory()
	if err != nil {
		t.Fatal(err)
	}
	e, err := f.Evidence(t.Context(), catalog.Embedded(), account, snapshot.EvidenceOptions{Workers: 2})
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func lines(dir string, problems []inventory.Problem) string {
	var b strings.Builder
	for _, p := range problems {
		fmt.Fprintf(&b, "%s\n", relative(dir, strings.Join(slices.DeleteFunc([]string{p.File, p.Where, p.Subject, p.Text}, func(s string) bool { return s == "" }), ": ")))
	}
	return b.String()
}

// asked are the actions of which the tests ask what is known.
var asked = []string{"s3:CreateBucket", "s3:DeleteBucket", "s3:GetBucketAcl", "s3:PutBucketAcl", "s3:GetObject", "sqs:CreateQueue"}

// unusedBy lists which of the asked actions a source calls unused, and whose word it is.
func unusedBy(t *testing.T, e *snapshot.Evidence, arn string) []string {
	t.Helper()
	sources, err := e.Of(arn)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, source := range sources {
		for _, name := range asked {
			a, err := policy.ParseAction(name)
			if err != nil {
				t.Fatal(err)
			}
			if s := source.Action(a, window); s.State == usage.NotUsed {
				out = append(out, s.Source.String()+" "+name)
			}
		}
	}
	return out
}

func TestEvidenceOfEveryKind(t *testing.T) {
	e := read(t, folder(t, whole("", "")))
	if e.Problems != nil || e.Notes != nil || e.Short(window) != nil || e.Remarks(window) != nil {
		t.Error(e.Problems, e.Notes, e.Short(window), e.Remarks(window))
	}
	at := window.Now
	want := []snapshot.SourceFile{
		{Kind: usage.ActionLastAccessed, Principals: 1, Until: at, Latest: at},
		{Kind: usage.CloudTrail, Principals: 1, From: time.Date(2026, 7, 1, 0, 0, 0, 0, time.UTC), Until: at, Latest: at},
		{Kind: usage.AccessAnalyzer, Principals: 1, Until: at, Latest: at},
	}
	if diff := cmp.Diff(want, e.Sources); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	if !e.Until().Equal(at) {
		t.Errorf("until %s", e.Until())
	}
	unused := []string{
		"iam-last-accessed-actions s3:DeleteBucket",
		"cloudtrail s3:DeleteBucket", "cloudtrail s3:GetBucketAcl", "cloudtrail s3:PutBucketAcl", "cloudtrail sqs:CreateQueue",
		"access-analyzer s3:GetBucketAcl",
	}
	if diff := cmp.Diff(unused, unusedBy(t, e, role)); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	if got := unusedBy(t, e, "arn:aws:iam::222222222222:role/app"); got != nil {
		t.Errorf("of another account: %v", got)
	}
}

// What is wrong with a file takes what it would have shown as unused away, and adds nothing.
func TestEvidenceThatIsNotWhatItShouldBe(t *testing.T) {
	other := func(s string) string { return strings.ReplaceAll(s, "111111111111", "222222222222") }
	const apart = ": they don't belong together; nothing counts as unused for want of a line. Make both again with pare ingest\n"
	before := unusedBy(t, read(t, folder(t, whole("", ""))), role)
	for _, test := range []struct {
		name, file, text string
		lost             string // the source that says nothing any more
		want             string
	}{
		{"last accessed, empty", "last-accessed/app.json", "", "iam-last-accessed-actions", "DIR/last-accessed/app.json:1:1: empty: want an answer of aws iam get-service-last-accessed-details\n"},
		{"last accessed, of another account", "last-accessed/app.json", other(accessed), "iam-last-accessed-actions", "DIR/last-accessed/app.json: arn:aws:iam::222222222222:role/app: it isn't of account 111111111111: left out; want the files of one account in a folder\n"},
		{"a finding, broken off", "findings/app.json", reported[:40], "access-analyzer", "DIR/findings/app.json:1:41: ends in the middle of a value: want an answer of aws accessanalyzer get-finding-v2, closed\n"},
		{"a finding of another account", "findings/app.json", other(reported), "access-analyzer", "DIR/findings/app.json: arn:aws:iam::222222222222:role/app: it isn't of account 111111111111: left out; want the files of one account in a folder\n"},
		{"uses, broken off", "usage.jsonl", uses[:60], "cloudtrail", "DIR/usage.jsonl:1: ends in the middle of a value: want a use as pare ingest writes it; make the file anew: pare ingest PATH… --out usage.jsonl: the lines before it count, and nothing counts as unused for want of a line\n"},
		{"uses, a line short", "usage.jsonl", "", "cloudtrail", "DIR/usage.jsonl: 0 lines, and DIR/usage.coverage.json is about 1" + apart},
		{"uses of another account", "usage.jsonl", other(uses), "cloudtrail", "DIR/usage.jsonl: its lines are of account 222222222222, of which DIR/usage.coverage.json says nothing" + apart},
		{"coverage of another account", "usage.coverage.json", other(coverage), "cloudtrail", "DIR/usage.jsonl: its lines are of account 111111111111, of which DIR/usage.coverage.json says nothing" + apart},
		{"coverage of no account", "usage.coverage.json", `{"schemaVersion": 1}`, "cloudtrail", "DIR/usage.coverage.json:1:1: no accounts: want a usage.coverage.json as pare ingest writes it beside usage.jsonl\n"},
	} {
		t.Run(test.name, func(t *testing.T) {
			dir := folder(t, whole(test.file, test.text))
			e := read(t, dir)
			if diff := cmp.Diff(test.want, lines(dir, e.Problems)); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
			want := slices.DeleteFunc(slices.Clone(before), func(s string) bool { return strings.HasPrefix(s, test.lost+" ") })
			if diff := cmp.Diff(want, unusedBy(t, e, role)); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
		})
	}
}

func TestLogsOfAnotherAccountAlone(t *testing.T) {
	files := whole("usage.jsonl", strings.ReplaceAll(uses, "111111111111", "222222222222"))
	files["usage.coverage.json"] = strings.ReplaceAll(coverage, "111111111111", "222222222222")
	dir := folder(t, files)
	e := read(t, dir)
	const want = "DIR/usage.jsonl: the logs behind it hold nothing of account 111111111111: nothing is judged by it; want those of the account's own trail\n"
	if diff := cmp.Diff(want, lines(dir, e.Problems)); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	if e.Sources[1].Principals != 0 {
		t.Errorf("principals of the account: %d", e.Sources[1].Principals)
	}
}

// Data events are all there only if the trails record them wherever the logs are from.
func TestTrailsOfSomeRegions(t *testing.T) {
	for regions, want := range map[string]bool{`["*"]`: true, `["us-east-1", "eu-west-1"]`: true, `["eu-west-1"]`: false, `[]`: false} {
		e := read(t, folder(t, whole("snapshot.json", fmt.Sprintf(trails, regions))))
		if got := slices.Contains(unusedBy(t, e, role), "cloudtrail s3:GetObject"); got != want {
			t.Errorf("%s: s3:GetObject is unused: %v", regions, got)
		}
	}
}

func TestAnswersAboutNobody(t *testing.T) {
	gone := func(name string) string { return strings.ReplaceAll(accessed, "role/app", "role/"+name) }
	files := whole("findings/app.json", strings.ReplaceAll(reported, "role/app", "role/gone"))
	for _, name := range []string{"b", "c", "d", "e"} {
		files["last-accessed/"+name+".json"] = gone(name)
	}
	dir := folder(t, files)
	e := read(t, dir)
	const arn = "arn:aws:iam::111111111111:role/"
	want := "DIR/last-accessed: 4 answers are about someone not in authorization-details.json, and left out: " + arn + "b, " + arn + "c, " + arn + "d and 1 more\n" +
		"DIR/findings: 1 answer is about someone not in authorization-details.json, and left out: " + arn + "gone\n"
	if diff := cmp.Diff(want, lines(dir, e.Remarks(window))); diff != "" || e.Problems != nil {
		t.Errorf("%v -want +got\n%s", e.Problems, diff)
	}
	if len(e.Sources) != 2 || e.Sources[0].Principals != 1 {
		t.Errorf("%+v", e.Sources)
	}
}

func TestEvidenceAtAWindow(t *testing.T) {
	late := func(s, old, now string) string { return strings.ReplaceAll(s, old, now) }
	for _, test := range []struct{ name, file, text, short, remarks string }{
		{"a day early is in time", "last-accessed/app.json", late(accessed, "2026-11-01T", "2026-10-31T"), "", ""},
		{
			"last accessed ends in the window", "last-accessed/app.json", late(accessed, "2026-11-01T", "2026-10-30T"),
			"DIR/last-accessed/app.json: ends 2026-10-30, more than a day before the window does (2026-11-01): nothing is unused by its word; collect anew, or give --now 2026-10-30T00:00:00Z\n", "",
		},
		{
			"a finding from before the window", "findings/app.json", late(reported, "2026-11-01T", "2026-08-03T"),
			"DIR/findings/app.json: ends 2026-08-03, before the window begins (2026-08-03): nothing is unused by its word; collect anew, or give --now 2026-08-03T00:00:00Z\n", "",
		},
		{
			"logs that end", "usage.coverage.json", late(coverage, "2026-11-01T", "2026-10-30T"),
			"DIR/usage.coverage.json: the logs end 2026-10-30, more than a day before the window does (2026-11-01): nothing is unused by its word; collect anew, or give --now 2026-10-30T00:00:00Z\n", "",
		},
		{
			"logs that begin late", "usage.coverage.json", late(coverage, "2026-07-01T", "2026-08-04T"), "",
			"DIR/usage.coverage.json: the logs of us-east-1 begin 2026-08-04, after the window does (2026-08-03): CloudTrail shows what was used, and calls nothing unused\n",
		},
		{
			"logs with a gap", "usage.coverage.json", late(coverage, `"gaps": []`, `"gaps": [{"from": "2026-07-02T00:00:00Z", "to": "2026-07-02T05:00:00Z"}, {"from": "2026-09-02T03:00:00Z", "to": "2026-09-02T04:00:00Z"}]`), "",
			"DIR/usage.coverage.json: the logs lack 1 hour of the window, the first of them us-east-1, 2026-09-02 03:00: CloudTrail shows what was used, and calls nothing unused\n",
		},
		{
			"uses to come", "usage.jsonl", late(uses, "2026-10-31", "2026-11-03"), "",
			"DIR/usage.jsonl: uses as late as 2026-11-03, after the window's end (2026-11-01): they count as uses\n",
		},
		{
			"accesses to come", "last-accessed/app.json", late(accessed, "2026-10-31", "2026-11-03"), "",
			"DIR/last-accessed: uses as late as 2026-11-03, after the window's end (2026-11-01): they count as uses\n",
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			dir := folder(t, whole(test.file, test.text))
			e := read(t, dir)
			if diff := cmp.Diff(test.short, lines(dir, e.Short(window))); diff != "" {
				t.Errorf("short: -want +got\n%s", diff)
			}
			if diff := cmp.Diff(test.remarks, lines(dir, e.Remarks(window))); diff != "" {
				t.Errorf("remarks: -want +got\n%s", diff)
			}
			if slices.Contains(unusedBy(t, e, role), "cloudtrail s3:CreateBucket") {
				t.Error("what was used is unused")
			}
		})
	}
}

func TestEvidenceEndsWhenItIsTold(t *testing.T) {
	f, err := snapshot.Open(folder(t, whole("", "")))
	if err != nil {
		t.Fatal(err)
	}
	account, _, err := f.Inventory()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if e, err := f.Evidence(ctx, catalog.Embedded(), account, snapshot.EvidenceOptions{}); err == nil {
		t.Errorf("%+v", e)
	}
	n := 0
	if _, err := f.Evidence(t.Context(), catalog.Embedded(), account, snapshot.EvidenceOptions{Progress: func() { n++ }}); err != nil || n != f.EvidenceFiles() {
		t.Errorf("%d files of %d: %v", n, f.EvidenceFiles(), err)
	}
}

const (
	me = `{"UserDetailList": [{"UserName": "me", "Arn": "arn:aws:iam::111111111111:user/me", "CreateDate": "2026-01-02T03:04:05Z"}],
		"RoleDetailList": [{"RoleName": "app", "Arn": "arn:aws:iam::111111111111:role/app", "CreateDate": "2026-01-02T03:04:05Z", "RoleLastUsed": {"LastUsedDate": "2026-10-30T00:00:00Z"},
			"AssumeRolePolicyDocument": {"Statement": {"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}}}]}`
	report = "user,arn,user_creation_time,password_enabled,password_last_used,password_last_changed\nme,arn:aws:iam::111111111111:user/me,2026-01-02T03:04:05Z,true,no_information,2026-01-02T03:04:05Z\n"
	keys   = `{"AccessKeyMetadata": [{"UserName": "me", "AccessKeyId": "AKIA1", "Status": "Active", "CreateDate": "2026-01-02T03:04:05Z"}]}
		{"UserName": "me", "AccessKeyId": "AKIA1", "AccessKeyLastUsed": {"LastUsedDate": "2026-10-31T00:00:00Z"}}`
)

// Of credentials that can't be read it isn't known that they weren't used; the rest of the
// account is read.
func TestCredentialsThatCannotBeRead(t *testing.T) {
	known := func(a *inventory.Account) string {
		u := a.Users[0]
		var text strings.Builder
		fmt.Fprintf(&text, "password %v keys %v", u.Password.LastUsed.Known, u.KeysKnown)
		for _, k := range u.Keys {
			fmt.Fprintf(&text, " %s %v %s", k.ID, k.LastUsed.Known, k.LastUsed.At.Format(time.DateOnly))
		}
		return text.String()
	}
	for _, test := range []struct{ name, report, keys, want, problem string }{
		{"as they should be", report, keys, "password true keys true AKIA1 true 2026-10-31", ""},
		{"an empty report", "", keys, "password false keys false AKIA1 false 2026-10-31", "DIR/credential-report.csv: the file is empty: want a credential report"},
		{"a report of another account", strings.ReplaceAll(report, "111111111111", "222222222222"), keys, "password false keys false AKIA1 false 2026-10-31", "DIR/credential-report.csv: arn:aws:iam::222222222222:user/me is of account 222222222222 (aws)"},
		{"keys that break off", report, keys[:60], "password false keys false", "DIR/access-keys.json:1:61: the file breaks off here: want answers of list-access-keys"},
	} {
		t.Run(test.name, func(t *testing.T) {
			dir := folder(t, map[string]string{"authorization-details.json": me, "credential-report.csv": test.report, "access-keys.json": test.keys})
			f, err := snapshot.Open(dir)
			if err != nil {
				t.Fatal(err)
			}
			account, problems, err := f.Inventory()
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, known(account)); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
			if got := lines(dir, problems); !strings.HasPrefix(got, test.problem) || (test.problem == "") != (got == "") {
				t.Errorf("got %s", got)
			}
		})
	}
}

// Data that is older than the window's end says nothing of disuse.
func TestOutdated(t *testing.T) {
	dir := folder(t, map[string]string{
		"snapshot.json":              `{"schemaVersion": 1, "collectedAt": "2026-10-30T23:59:59Z"}`,
		"authorization-details.json": me, "credential-report.csv": report, "access-keys.json": keys,
	})
	f, err := snapshot.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	account, _, err := f.Inventory()
	if err != nil {
		t.Fatal(err)
	}
	if got := f.Outdated(account, usage.Window{Age: window.Age, Now: window.Now.Add(-time.Minute)}); got != nil || !account.Roles[0].LastUsed.Known {
		t.Errorf("in time: %v", got)
	}
	const want = "DIR: collected 2026-10-30, more than a day before the window ends (2026-11-01): no role, key or password is called unused; collect anew, or give --now 2026-10-30T23:59:59Z\n"
	if diff := cmp.Diff(want, lines(dir, f.Outdated(account, window))); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	u := account.Users[0]
	if account.Roles[0].LastUsed.Known || u.KeysKnown || u.Keys[0].LastUsed.Known || u.Password.LastUsed.Known {
		t.Errorf("%+v %+v", account.Roles[0], u)
	}
	if got := snapshot.Newest(account); !got.Equal(time.Date(2026, 10, 31, 0, 0, 0, 0, time.UTC)) {
		t.Errorf("the newest date is %s", got)
	}
}
