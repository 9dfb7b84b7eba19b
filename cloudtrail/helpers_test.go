package cloudtrail_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/pare-iam/pare/catalog"
	"github.com/pare-iam/pare/cloudtrail"
	"github.com/pare-iam/pare/usage"
)

// fields are members of an event record.
type fields map[string]any

const (
	ann    = "arn:aws:iam::111122223333:user/Ann"
	worker = "arn:aws:iam::111122223333:role/service/worker"
)

// user is the identity of the IAM user Ann, session that of a session of the role worker.
var (
	user    = fields{"type": "IAMUser", "arn": ann, "accountId": "111122223333", "principalId": "AIDAEXAMPLE", "userName": "Ann"}
	session = fields{
		"type": "AssumedRole", "arn": "arn:aws:sts::111122223333:assumed-role/worker/i-1", "accountId": "111122223333",
		"sessionContext": fields{"sessionIssuer": fields{"type": "Role", "arn": worker, "accountId": "111122223333"}},
	}
)

// call is a record of a call by Ann, with members changed; nil takes one away.
func call(source, name string, changes ...fields) fields {
	r := fields{
		"eventVersion": "1.11", "userIdentity": user, "eventTime": "2026-03-05T10:11:12Z", "eventSource": source + ".amazonaws.com",
		"eventName": name, "awsRegion": "eu-west-1", "requestParameters": nil, "readOnly": true, "eventType": "AwsApiCall",
		"managementEvent": true, "recipientAccountId": "111122223333", "eventCategory": "Management",
	}
	for _, c := range changes {
		maps.Copy(r, c)
	}
	return r
}

func text(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err) // fields are made of what JSON has
	}
	return string(b)
}

// log is the text of a log file.
func log(records ...fields) string { return text(fields{"Records": append([]fields{}, records...)}) }

// mapper is of the embedded catalog.
func mapper() *cloudtrail.Mapper { return cloudtrail.NewMapper(catalog.Embedded()) }

// read reads texts into one tally; they are called 0.json, 1.json and so on.
func read(t testing.TB, o cloudtrail.Options, texts ...string) *cloudtrail.Tally {
	t.Helper()
	tally := mapper().NewTally(o)
	for i, s := range texts {
		if err := tally.Read(fmt.Sprintf("%d.json", i), strings.NewReader(s)); err != nil {
			t.Fatal(err)
		}
	}
	return tally
}

// actions are the uses without principals and days, "s3:GetObject object 2", a * before
// those that aren't primary, in order.
func actions(uses []usage.Use) []string {
	out := []string{}
	for _, u := range uses {
		s := u.Action
		if !u.Primary {
			s = "*" + s
		}
		if u.ResourceType != "" {
			s += " " + u.ResourceType
		}
		if u.Count > 1 {
			s += fmt.Sprintf(" %d", u.Count)
		}
		out = append(out, s)
	}
	slices.Sort(out)
	return out
}

func messages(c usage.Coverage) []string {
	var out []string
	for _, b := range c.Broken {
		out = append(out, fmt.Sprintf("%s %d: %s", b.File, b.Record, b.Error))
	}
	return out
}
