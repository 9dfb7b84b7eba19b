package cloudtrail_test

import (
	"encoding/csv"
	"maps"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pare-iam/pare/cloudtrail"
	"github.com/pare-iam/pare/usage"
)

// csvOf is a table as CSV, header first.
func csvOf(rows ...[]string) string {
	var out strings.Builder
	w := csv.NewWriter(&out)
	if err := w.WriteAll(rows); err != nil {
		panic(err) // a strings.Builder takes everything
	}
	return out.String()
}

// The same call, whatever it is written in: a GetObject by a session of the role worker that
// Athena called for, denied.
func TestFormats(t *testing.T) {
	id := fields{"invokedBy": "athena.amazonaws.com"}
	maps.Copy(id, session)
	record := call("s3", "GetObject", object, fields{"userIdentity": id, "errorCode": "AccessDenied", "eventCategory": "Data", "managementEvent": false})
	const (
		identity = `{type=AssumedRole, principalid=AROAX:i-1, arn=arn:aws:sts::111122223333:assumed-role/worker/i-1, accountid=111122223333, ` +
			`invokedby=athena.amazonaws.com, accesskeyid=null, username=a, b=c, sessioncontext={attributes={mfaauthenticated=false, creationdate=2026-03-05T10:00:00Z}, ` +
			`sessionissuer={type=Role, principalid=AROAX, arn=arn:aws:iam::111122223333:role/service/worker, accountid=111122223333, username=worker}}}`
		objects = `[{arn=arn:aws:s3:::shop/a/b.txt, accountid=null, type=AWS::S3::Object}, {arn=arn:aws:s3:::shop, accountid=111122223333, type=AWS::S3::Bucket}]`
	)
	names := []string{"eventtime", "eventsource", "eventname", "awsregion", "useridentity", "errorcode", "requestparameters", "resources", "recipientaccountid", "readonly", "eventcategory"}
	row := []string{"2026-03-05T10:11:12Z", "s3.amazonaws.com", "GetObject", "eu-west-1", identity, "AccessDenied", `{"bucketName":"shop","key":"a/b.txt"}`, objects, "111122223333", "true", "Data"}
	asRow := fields{}
	for i, name := range names {
		asRow[name] = row[i]
	}
	lake := append([]string(nil), row...)
	lake[0], lake[7] = "2026-03-05 10:11:12.000", ""
	lake[6] = "{bucketName=shop, key=a/b.txt}"
	lakeNames := append([]string(nil), names...)
	lakeNames[4], lakeNames[6], lakeNames[0] = "userIdentity", "requestParameters", "eventTime"
	parts := []string{"eventtime", "eventsource", "eventname", "awsregion", "useridentity.type", "useridentity_arn", "useridentity.sessioncontext.sessionissuer.arn", "useridentity.invokedby", "errorcode", "resources", "recipientaccountid", "eventcategory"}
	partsRow := []string{row[0], row[1], row[2], row[3], "AssumedRole", "arn:aws:sts::111122223333:assumed-role/worker/i-1", worker, "athena.amazonaws.com", "AccessDenied", text(record["resources"]), row[8], "Data"}
	camel := fields{}
	maps.Copy(camel, record)
	camel["userIdentity"], camel["requestParameters"], camel["resources"] = identity, `{"bucketName":"shop","key":"a/b.txt"}`, objects

	formats := map[string]string{
		"a log file":                              log(record),
		"a log file, indented":                    strings.NewReplacer(",", " ,\n\t", ":{", " :\r\n {").Replace(strings.ReplaceAll(log(record), "2026-03-05T10:11:12Z", "2026-03-05T10:11:12Z")),
		"a log file with a byte order mark":       "\xef\xbb\xbf" + log(record),
		"an event a line":                         text(record) + "\n",
		"a log file a line":                       log() + "\n" + log(record) + "\n",
		"a list of events":                        "[" + text(record) + "]",
		"lookup-events":                           text(fields{"Events": []fields{{"EventId": "1", "EventName": "GetObject", "ReadOnly": "true", "CloudTrailEvent": text(record)}}, "NextToken": "x"}),
		"lookup-events, members in another order": `{"NextToken":"x","Events":[{"Username":"y","CloudTrailEvent":` + text(text(record)) + `}]}`,
		"Athena, CSV":                             csvOf(names, row),
		"Athena, CSV, CRLF":                       strings.ReplaceAll(csvOf(names, row), "\n", "\r\n"),
		"Athena, CSV with columns of parts":       csvOf(parts, partsRow),
		"Athena, CSV with the identity as JSON":   csvOf([]string{"eventtime", "eventsource", "eventname", "awsregion", "useridentity", "errorcode", "resources", "recipientaccountid", "eventcategory"}, []string{row[0], row[1], row[2], row[3], text(id), row[5], objects, row[8], "Data"}),
		"Athena, a row a line":                    text(asRow) + "\n",
		"Athena, a list of rows":                  "[" + text(asRow) + "]",
		"Lake, CSV":                               csvOf(lakeNames, lake),
		"Lake, CSV with whole events":             csvOf([]string{"eventID", "eventJson"}, []string{"1", text(record)}),
		"Lake, CSV with whole events as data":     csvOf([]string{"eventData"}, []string{text(record)}),
		"Lake, a row a line":                      text(camel) + "\n",
		"Lake, whole events in a list":            text([]fields{{"eventJson": text(record)}}),
	}
	want := usage.Use{
		Principal: worker, Action: "s3:GetObject", ResourceType: "object", Day: "2026-03-05", Primary: true, Count: 1, Denied: 1,
		FirstSeen: at("2026-03-05T10:11:12Z"), LastSeen: at("2026-03-05T10:11:12Z"), Via: []string{"athena.amazonaws.com"}, Resources: []string{"arn:aws:s3:::shop/a/b.txt"},
	}
	for name, file := range formats {
		t.Run(name, func(t *testing.T) {
			tally := read(t, cloudtrail.Options{}, file)
			var got []usage.Use
			for _, u := range tally.Uses() {
				if u.Primary && u.Action == want.Action {
					got = append(got, u)
				}
			}
			if diff := cmp.Diff([]usage.Use{want}, got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
			c := tally.Coverage()
			if diff := cmp.Diff([]string(nil), messages(c)); diff != "" {
				t.Errorf("broken:\n%s", diff)
			}
			if diff := cmp.Diff([]usage.DataCoverage{{Type: "AWS::S3::Object", Events: 1}}, c.Accounts[0].DataEvents); diff != "" {
				t.Errorf("data events, -want +got:\n%s", diff)
			}
			if c.Files != (usage.FileCounts{Read: 1}) || c.Records != (usage.RecordCounts{Read: 1, Used: 1}) {
				t.Errorf("%+v %+v", c.Files, c.Records)
			}
		})
	}
}

func TestRowsOverManyLines(t *testing.T) {
	names := []string{"eventtime", "eventsource", "eventname", "awsregion", "useridentity", "useragent", "recipientaccountid"}
	row := func(agent string) []string {
		return []string{"2026-03-05T10:11:12Z", "ec2.amazonaws.com", "DescribeInstances", "eu-west-1", text(user), agent, "111122223333"}
	}
	tally := read(t, cloudtrail.Options{}, csvOf(names, row("a\nb, \"c\""), row(""), row("d"))+"\n"+`"2026-03-05T10:11:12Z"`+"\n"+csvOf(row("e")))
	if diff := cmp.Diff([]string{"ec2:DescribeInstances 4"}, actions(tally.Uses())); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if diff := cmp.Diff([]string{"0.json 3: byte 809: 1 values: want 7, as in the header"}, messages(tally.Coverage())); diff != "" {
		t.Errorf("broken, -want +got:\n%s", diff)
	}
}

func TestInsightsFilesAreSkipped(t *testing.T) {
	// Which call it is about stands inside.
	insight := call("ec2", "RunInstances", fields{
		"eventSource": nil, "eventName": nil, "userIdentity": nil, "eventType": "AwsCloudTrailInsight", "eventCategory": "Insight",
		"insightDetails": fields{"state": "Start", "eventSource": "ec2.amazonaws.com", "eventName": "RunInstances"},
	})
	c := read(t, cloudtrail.Options{}, log(insight), log(insight, call("ec2", "RunInstances"))).Coverage()
	if c.Files != (usage.FileCounts{Read: 1, Skipped: 1}) || c.Records != (usage.RecordCounts{Read: 3, Used: 1, NoPermission: 2}) {
		t.Errorf("%+v %+v", c.Files, c.Records)
	}
}

func TestFilesThatArentCloudTrail(t *testing.T) {
	const foreign = `not CloudTrail: want {"Records": […]}, events one a line, an answer of lookup-events, a result of Athena or CloudTrail Lake as CSV or JSON, or a digest file`
	for name, tt := range map[string]struct{ file, want string }{
		"nothing":             {"", "0.json -1: empty: want events of CloudTrail"},
		"blanks":              {" \n", "0.json -1: empty: want events of CloudTrail"},
		"another object":      {`{"Version":"2012-10-17","Statement":[]}`, "0.json -1: " + foreign},
		"an empty object":     {`{}`, "0.json -1: " + foreign},
		"other lines":         {"{\"level\":\"info\"}\n{\"level\":\"info\"}\n", "0.json -1: " + foreign},
		"a picture":           {"\x89PNG\r\n\x1a\n", "0.json -1: " + foreign},
		"a table of others":   {"name,age\nAnn,7\n", "0.json -1: " + foreign},
		"text":                {"hello", "0.json -1: " + foreign},
		"gzip":                {"\x1f\x8b\x08", "0.json -1: " + foreign},
		"records that aren't": {`{"Records":[7]}`, `0.json 0: byte 12: '7': want an event record, which is an object`},
		"a list of numbers":   {`[1,2]`, `0.json 0: byte 1: '1': want an event record, which is an object`},
	} {
		t.Run(name, func(t *testing.T) {
			c := read(t, cloudtrail.Options{}, tt.file).Coverage()
			if diff := cmp.Diff([]string{tt.want}, messages(c)); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
			if c.Files != (usage.FileCounts{Broken: 1}) || c.Records.Read > 0 {
				t.Errorf("%+v %+v", c.Files, c.Records)
			}
		})
	}
	t.Run("no records", func(t *testing.T) {
		if c := read(t, cloudtrail.Options{}, log(), `{"Records":[]}`).Coverage(); c.Files != (usage.FileCounts{Read: 2}) || len(c.Broken) > 0 {
			t.Errorf("%+v %v", c.Files, c.Broken)
		}
	})
}
