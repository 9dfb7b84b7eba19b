package cloudtrail_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pare-iam/pare/cloudtrail"
	"github.com/pare-iam/pare/usage"
)

// timed is a call at a time of 2026-03-05, "10:11".
func timed(clock string, changes ...fields) fields {
	return call("ec2", "DescribeInstances", append([]fields{{"eventTime": "2026-03-05T" + clock + ":00Z"}}, changes...)...)
}

var data = fields{"eventCategory": "Data", "managementEvent": false}

// digest is the text of a digest file of eu-west-1 for a stretch of 2026-03-05 with log
// files, "name oldest newest".
func digest(from, to string, files ...string) string {
	var list []fields
	for _, f := range files {
		p := strings.Fields(f)
		list = append(list, fields{"s3Object": "AWSLogs/111122223333/CloudTrail/eu-west-1/2026/03/05/" + p[0], "oldestEventTime": "2026-03-05T" + p[1] + ":00Z", "newestEventTime": "2026-03-05T" + p[2] + ":00Z", "hashValue": "0"})
	}
	return text(fields{
		"awsAccountId": "111122223333", "digestStartTime": "2026-03-05T" + from + ":31Z", "digestEndTime": "2026-03-05T" + to + ":31Z",
		"digestS3Bucket": "logs", "logFiles": list, "previousDigestSignature": nil,
		"digestS3Object": "AWSLogs/111122223333/CloudTrail-Digest/eu-west-1/2026/03/05/111122223333_CloudTrail-Digest_eu-west-1_trail_us-east-1_20260305T000131Z.json.gz",
	})
}

// shown is a Region's coverage in short: "events 10-13 gaps 11-12, 3 events".
func shown(c usage.Coverage) string {
	var out []string
	for _, a := range c.Accounts {
		for _, r := range a.Regions {
			var s strings.Builder
			s.WriteString(fmt.Sprintf("%s %s %s-%s", r.Name, r.Basis, r.From.Format("15"), r.To.Format("15")))
			for _, g := range r.Gaps {
				s.WriteString(fmt.Sprintf(" gap %s-%s", g.From.Format("15"), g.To.Format("15")))
			}
			out = append(out, s.String())
		}
	}
	return strings.Join(out, "; ")
}

func TestHoursOfARegion(t *testing.T) {
	const name = "111122223333_CloudTrail_eu-west-1_20260305T1115Z_abc.json"
	broken := log(timed("11:05"), timed("11:06", fields{"eventSource": nil}))
	tests := []struct {
		name  string
		files []string // after "name:", or 0.json and so on
		want  string
	}{
		{"each hour with an event", []string{log(timed("10:59"), timed("11:00"), timed("12:30"))}, "eu-west-1 events 10-13"},
		{"an hour without events", []string{log(timed("10:59"), timed("12:30"))}, "eu-west-1 events 10-13 gap 11-12"},
		{"two Regions", []string{log(timed("10:59"), timed("12:30", fields{"awsRegion": "us-east-1"}))}, "eu-west-1 events 10-11; us-east-1 events 12-13"},
		{"data events alone say nothing", []string{log(timed("10:59", data))}, ""},
		{"data events fill no gap", []string{log(timed("10:59"), timed("11:00", data), timed("12:30"))}, "eu-west-1 events 10-13 gap 11-12"},
		{"a record that lacks its source loses its hour", []string{log(timed("10:05"), timed("12:05")), broken}, "eu-west-1 events 10-13 gap 11-12"},
		{"a record that can't be read loses the hours of its file", []string{log(timed("10:05"), timed("13:05")), log(timed("11:05"), timed("12:05"))[:600]}, "eu-west-1 events 10-14 gap 11-13"},
		{"an unreadable file loses the hours that its name tells", []string{log(timed("09:05"), timed("10:05"), timed("11:05"), timed("12:05")), name + ":{"}, "eu-west-1 events 09-13 gap 10-12"},
		{"a digest covers an hour without events", []string{log(timed("10:05"), timed("12:05")), digest("10:01", "11:01"), digest("11:01", "12:01"), digest("12:01", "13:01")}, "eu-west-1 digests 10-13"},
		{"a digest alone", []string{digest("10:01", "11:01")}, "eu-west-1 digests 10-11"},
		{"digests without a break", []string{digest("12:01", "13:01"), digest("10:01", "11:01"), digest("11:01", "12:01")}, "eu-west-1 digests 10-13"},
		{"a digest that is missing", []string{digest("10:01", "11:01"), digest("12:01", "13:01")}, "eu-west-1 digests 10-13 gap 11-13"},
		{"a digest that is missing, with events", []string{log(timed("11:05"), timed("12:05")), digest("10:01", "11:01"), digest("12:01", "13:01")}, "eu-west-1 digests 10-13 gap 11-13"},
		{"events outside of the digests", []string{log(timed("08:05"), timed("09:05"), timed("14:05")), digest("10:01", "11:01")}, "eu-west-1 digests 08-15 gap 11-14"},
		{"a log file that is listed and was read", []string{name + ":" + log(timed("11:05")), digest("11:01", "12:01", name+".gz 11:02 11:10")}, "eu-west-1 digests 11-12"},
		{"a log file that is listed and wasn't read", []string{digest("10:01", "11:01"), log(timed("11:05")), digest("11:01", "12:01", name+".gz 11:02 11:10")}, "eu-west-1 digests 10-12 gap 11-12"},
		{"a log file that is listed, and is broken", []string{digest("10:01", "11:01"), name + ":" + log(timed("11:05"))[:300], digest("11:01", "12:01", name+".gz 11:02 11:10")}, "eu-west-1 digests 10-12 gap 10-12"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tally := mapper().NewTally(cloudtrail.Options{})
			for i, f := range tt.files {
				file, text, ok := strings.Cut(f, ":")
				if !ok || file != name {
					file, text = fmt.Sprintf("%d.json", i), f
				}
				mustRead(t, tally, "some/folder/"+file, strings.NewReader(text))
			}
			if got := shown(tally.Coverage()); got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
		})
	}
}

func TestASkippedFileCountsAsRead(t *testing.T) {
	const name = "111122223333_CloudTrail_eu-west-1_20260305T1115Z_abc.json.gz"
	tally := read(t, cloudtrail.Options{}, digest("11:01", "12:01", name+" 11:02 11:10"))
	tally.Skip("other/" + name)
	c := tally.Coverage()
	if got, want := shown(c), "eu-west-1 digests 11-12"; got != want || c.Files != (usage.FileCounts{Digests: 1, Skipped: 1}) {
		t.Errorf("got %s, want %s; %+v", got, want, c.Files)
	}
}

// A copy of a broken log file that was skipped doesn't make it whole.
func TestASkippedCopyOfABrokenFile(t *testing.T) {
	const name = "111122223333_CloudTrail_eu-west-1_20260305T1315Z_abc.json.gz"
	for _, order := range [][]string{{"read", "skip"}, {"skip", "read"}} {
		tally := read(t, cloudtrail.Options{}, digest("10:01", "11:01", name+" 10:02 10:10"))
		for _, do := range order {
			if do == "skip" {
				tally.Skip(name)
			} else {
				mustRead(t, tally, name, strings.NewReader("{"))
			}
		}
		if got, want := shown(tally.Coverage()), "eu-west-1 digests 10-14 gap 10-14"; got != want {
			t.Errorf("%v: got %s, want %s", order, got, want)
		}
	}
}

func TestCoverageCounts(t *testing.T) {
	write := fields{"readOnly": false}
	kms := fields{"eventSource": "kms.amazonaws.com", "eventName": "Decrypt"}
	other := fields{"recipientAccountId": "999999999999"}
	old := fields{"recipientAccountId": nil}
	got := read(t, cloudtrail.Options{AllData: []string{"AWS::S3::Object", "AWS::SNS::Topic"}}, log(
		timed("10:00"), timed("10:00", write), timed("10:00", kms), timed("10:00", kms, other), timed("10:00", old),
		timed("10:00", data, fields{"eventSource": "s3.amazonaws.com"}), timed("10:00", data, object),
		timed("10:00", data, fields{"eventSource": "lambda.amazonaws.com"}),
		timed("10:00", fields{"eventCategory": nil, "managementEvent": false}, resources(fields{"type": "AWS::DynamoDB::Table"})),
		timed("10:00", fields{"eventCategory": "NetworkActivity"}),
	)).Coverage().Accounts
	hour := usage.RegionCoverage{Name: "eu-west-1", Basis: "events", From: at("2026-03-05T10:00:00Z"), To: at("2026-03-05T11:00:00Z"), Gaps: []usage.Gapped{}}
	first, second := hour, hour
	first.Events, first.Reads, first.KMS = 4, 3, 1
	second.Events, second.Reads, second.KMS = 1, 1, 1
	want := []usage.AccountCoverage{
		{ID: "111122223333", Regions: []usage.RegionCoverage{first}, DataEvents: []usage.DataCoverage{
			{Type: "AWS::DynamoDB::Table", Events: 1}, {Type: "AWS::Lambda::Function", Events: 1}, {Type: "AWS::S3::Object", Events: 2, All: true}, {Type: "AWS::SNS::Topic", All: true},
		}},
		{ID: "999999999999", Regions: []usage.RegionCoverage{second}, DataEvents: []usage.DataCoverage{{Type: "AWS::S3::Object", All: true}, {Type: "AWS::SNS::Topic", All: true}}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// A call that changes what a trail records is noted by its account: not one that failed, and
// not one of another service.
func TestChangesOfATrail(t *testing.T) {
	at := func(clock string, more ...fields) []fields {
		return append([]fields{{"eventTime": "2026-03-05T" + clock + ":00Z"}}, more...)
	}
	for _, tt := range []struct{ name, log, want string }{
		{"none", log(timed("10:00")), "0001-01-01T00:00:00Z"},
		{"the last one", log(call("cloudtrail", "PutEventSelectors", at("10:30")...), call("cloudtrail", "StopLogging", at("10:10")...), timed("11:00")), "2026-03-05T10:30:00Z"},
		{"one that failed", log(call("cloudtrail", "UpdateTrail", at("10:30", fields{"errorCode": "TrailNotFoundException"})...)), "0001-01-01T00:00:00Z"},
		{"a look at them", log(call("cloudtrail", "GetEventSelectors", at("10:30")...)), "0001-01-01T00:00:00Z"},
		{"another service's", log(call("ec2", "CreateTrail", at("10:30")...)), "0001-01-01T00:00:00Z"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := read(t, cloudtrail.Options{}, tt.log).Coverage().Accounts[0].Changed
			if diff := cmp.Diff(tt.want, got.Format(time.RFC3339)); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

// Digest files of one trail don't say that the log files of another are complete.
func TestDigestsOfAnotherTrail(t *testing.T) {
	const theirs, ours = "111122223333_CloudTrail_eu-west-1_20260305T0605Z_data.json", "111122223333_CloudTrail_eu-west-1_20260305T1015Z_management.json"
	of := func(files ...string) string {
		tally := mapper().NewTally(cloudtrail.Options{})
		mustRead(t, tally, theirs+".gz", strings.NewReader(log(timed("06:00", data))))
		mustRead(t, tally, ours+".gz", strings.NewReader(log(timed("10:05"))))
		mustRead(t, tally, "digest.json", strings.NewReader(digest("00:00", "20:00", files...)))
		return shown(tally.Coverage())
	}
	if got := of(theirs+".gz 06:00 06:00", ours+".gz 10:05 10:05"); got != "eu-west-1 digests 00-20" {
		t.Errorf("a trail with both files: %s", got)
	}
	if got := of(theirs + ".gz 06:00 06:00"); got != "eu-west-1 events 10-11" {
		t.Errorf("a trail of data events, whose digest files don't list the other's log file: %s", got)
	}
}

// What somebody asked CloudTrail or a query for shows uses. It doesn't show what wasn't asked
// for, and so it says of no hour that nothing else was done.
func TestAnswersCoverNothing(t *testing.T) {
	record := timed("10:00", fields{"recipientAccountId": "111122223333", "readOnly": true})
	for name, file := range map[string]string{
		"lookup-events":  text(fields{"Events": []fields{{"CloudTrailEvent": text(record)}}}),
		"a row a line":   text(fields{"eventtime": "2026-03-05T10:00:00Z", "eventsource": "ec2.amazonaws.com", "eventname": "DescribeInstances", "awsregion": "eu-west-1", "useridentity": text(user), "readonly": "true", "eventcategory": "Management", "recipientaccountid": "111122223333"}),
		"CSV":            csvOf([]string{"eventtime", "eventsource", "eventname", "awsregion", "useridentity", "readonly", "recipientaccountid"}, []string{"2026-03-05T10:00:00Z", "ec2.amazonaws.com", "DescribeInstances", "eu-west-1", text(user), "true", "111122223333"}),
		"events in rows": csvOf([]string{"eventJson"}, []string{text(record)}),
	} {
		t.Run(name, func(t *testing.T) {
			alone := read(t, cloudtrail.Options{}, file)
			if got := shown(alone.Coverage()); got != "" || len(alone.Uses()) == 0 {
				t.Errorf("covers %q, %d uses: want uses alone", got, len(alone.Uses()))
			}
			beside := read(t, cloudtrail.Options{}, file, log(timed("11:00", fields{"readOnly": false})), file)
			r := beside.Coverage().Accounts[0].Regions[0]
			if got := shown(beside.Coverage()); got != "eu-west-1 events 11-12" || r.Events != 1 || r.Reads != 0 {
				t.Errorf("beside a log file: %s, %d events, %d reads: want what the log file alone says", got, r.Events, r.Reads)
			}
			if n := beside.Coverage().Records.Answers; n != 2 {
				t.Errorf("%d events of answers, want 2", n)
			}
			whole := read(t, cloudtrail.Options{WholeAnswers: true}, file).Coverage()
			if got := shown(whole); got != "eu-west-1 events 10-11" || whole.Records.Answers != 0 {
				t.Errorf("when it leaves nothing out: %s, %d events of answers", got, whole.Records.Answers)
			}
		})
	}
}

func TestBrokenDigests(t *testing.T) {
	for _, file := range []string{`{"digestStartTime":"x"}`, strings.Replace(digest("10:01", "11:01"), "2026-03-05T11", "2027-03-05T11", 1), strings.Replace(digest("10:01", "11:01"), "CloudTrail-Digest_eu", "x", 1), `{"logFiles":7}`} {
		c := read(t, cloudtrail.Options{}, file).Coverage()
		if len(c.Broken) != 1 || c.Broken[0].Record != -1 || !strings.HasPrefix(c.Broken[0].Error, "not a digest file: want ") || c.Files.Broken != 1 || len(c.Accounts) > 0 {
			t.Errorf("%s: %+v", file, c)
		}
	}
}

func TestOnlyTenResourcesAreListed(t *testing.T) {
	var records []fields
	for i := range 30 {
		records = append(records, call("s3", "GetObject", resources(fields{"ARN": fmt.Sprintf("arn:aws:s3:::shop/%02d", (i*7)%30)})))
	}
	for _, u := range read(t, cloudtrail.Options{}, log(records...)).Uses() {
		if u.ResourceType == "object" && (len(u.Resources) != usage.MaxResources || u.Resources[0] != "arn:aws:s3:::shop/00" || u.Resources[9] != "arn:aws:s3:::shop/09") {
			t.Errorf("%s: %v", u.Action, u.Resources)
		}
	}
}
