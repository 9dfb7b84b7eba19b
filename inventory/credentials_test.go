package inventory_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/pare-iam/pare/inventory"
)

const (
	header = "user,arn,user_creation_time,password_enabled,password_last_used,password_last_changed,password_next_rotation,mfa_active," +
		"access_key_1_active,access_key_1_last_rotated,access_key_1_last_used_date,access_key_1_last_used_region,access_key_1_last_used_service," +
		"access_key_2_active,access_key_2_last_rotated,access_key_2_last_used_date,access_key_2_last_used_region,access_key_2_last_used_service," +
		"cert_1_active,cert_1_last_rotated,cert_2_active,cert_2_last_rotated\n"
	root    = "<root_account>,arn:aws:iam::111111111111:root,2015-01-01T00:00:00+00:00,not_supported,2026-01-01T00:00:00+00:00,not_supported,not_supported,true,true,N/A,2026-03-01T00:00:00+00:00,us-east-1,s3,false,N/A,N/A,N/A,N/A,false,N/A,false,N/A\n"
	me      = "me,arn:aws:iam::111111111111:user/me,2026-01-02T03:04:05+00:00,"
	noPass  = "false,N/A,N/A,N/A,false,"
	noKey   = "false,N/A,N/A,N/A,N/A,"
	noCert  = "false,N/A,false,N/A\n"
	january = "true,2026-01-10T00:00:00+00:00,"
	march   = "true,2026-03-10T00:00:00+00:00,"
	never   = "N/A,N/A,N/A,"
	june    = "2026-06-01T00:00:00+00:00,eu-west-1,ec2,"
	may     = "2026-05-01T00:00:00+00:00,N/A,s3,"
)

// A user's password and keys, by the report, the answers about keys, and both.
func TestCredentials(t *testing.T) {
	const runReport = "run: aws iam generate-credential-report; aws iam get-credential-report --query Content --output text | base64 -d"
	list := func(keys ...string) string { return `{"AccessKeyMetadata": [` + strings.Join(keys, ", ") + "]}" }
	listed := func(id, status, made string) string {
		return `{"UserName": "me", "AccessKeyId": "` + id + `", "Status": "` + status + `", "CreateDate": "` + made + `"}`
	}
	last := func(id, used string) string {
		return `{"UserName": "me", "AccessKeyId": "` + id + `", "AccessKeyLastUsed": {` + used + `"Region": "N/A", "ServiceName": "N/A"}}`
	}
	const unused, inJuly = "", `"LastUsedDate": "2026-07-01T00:00:00Z", `
	for _, test := range []struct{ name, report, keys, want, problems string }{
		{"nothing is known", "", "", "  password unknown\n  perhaps more keys\n", ""},
		{"no credentials at all", header + root + me + noPass + noKey + noKey + noCert, "", "  no password\n", ""},
		{
			"true and false in capitals, line ends of Windows",
			strings.ReplaceAll(header+me+"TRUE,no_information,N/A,N/A,FALSE,"+noKey+noKey+noCert, "\n", "\r\n"), "",
			"  password set unknown, used never\n", "",
		},
		{
			"a password that was used", header + me + "true,2026-04-01T01:02:03+00:00,2026-01-03T00:00:00+00:00,N/A,true," + noKey + noKey + noCert, "",
			"  password set 2026-01-03 00:00:00, used 2026-04-01 01:02:03\n", "",
		},
		{
			"a password that is there and not applicable is of unknown use", header + me + "true,N/A,2026-01-03T00:00:00+00:00,N/A,true," + noKey + noKey + noCert, "",
			"  password set 2026-01-03 00:00:00, used unknown\n", "",
		},
		{
			"a password of which the report doesn't say", header + me + "not_supported,not_supported,not_supported,N/A,true," + noKey + noKey + noCert, "",
			"  password unknown\n", "",
		},
		{
			"fields that make no sense are not known", header + me + "true,last week,2026-01-03T00:00:00+00:00,N/A,true," + january + "soon,N/A,N/A," + noKey + noCert, "",
			"  password set 2026-01-03 00:00:00, used unknown\n  key \"\" slot 1 active, made 2026-01-10 00:00:00, used unknown\n  perhaps more keys\n",
			`report.csv:2:1: arn:aws:iam::111111111111:user/me: password_last_used: "last week": want a time, such as 2026-11-23T07:56:06+00:00, N/A or no_information; taken as not known` + "\n",
		},
		{
			"keys by the report alone", header + me + noPass + january + never + "false,2026-03-10T00:00:00+00:00," + june + noCert, "",
			"  no password\n  key \"\" slot 1 active, made 2026-01-10 00:00:00, used never\n  key \"\" slot 2 inactive, made 2026-03-10 00:00:00, used 2026-06-01 00:00:00 eu-west-1 by ec2\n", "",
		},
		{
			"an old report, without columns of use", "user,arn,password_enabled,access_key_1_active,access_key_1_last_rotated\nme,arn:aws:iam::111111111111:user/me,true,true,2026-01-10T00:00:00+00:00\n", "",
			"  password set unknown, used unknown\n  key \"\" slot 1 active, made 2026-01-10 00:00:00, used unknown\n  perhaps more keys\n", "",
		},
		{
			"more keys than the report has room for", strings.TrimSpace(header) + ",additional_credentials_info\n" + me + noPass + january + never + noKey + strings.TrimSpace(noCert) + `,"1, use ListAccessKeys"` + "\n", "",
			"  no password\n  key \"\" slot 1 active, made 2026-01-10 00:00:00, used never\n  perhaps more keys\n", "",
		},
		{
			"a report that breaks off", header + root + me + "true,no_infor", "",
			"  password unknown\n  perhaps more keys\n",
			"report.csv:3:1: : the line has 5 fields and is left out: want 22, as the first line has; " + runReport + "\n" +
				"report.csv:: arn:aws:iam::111111111111:user/me: the report has no line for this user: the password isn't judged, and keys only as far as other answers know them; " + runReport + "\n",
		},
		{
			"a line without an ARN", header + "me,me" + strings.Repeat(",N/A", 20) + "\n" + me + noPass + noKey + noKey + noCert, "",
			"  no password\n", `report.csv:2:1: me: the line is left out: arn: "me": want the ARN of an IAM user` + "\n",
		},
		{
			"a line about an earlier user of the same name", header + strings.Replace(me, "03:04:05", "03:04:06", 1) + noPass + january + never + noKey + noCert, "",
			"  password unknown\n  perhaps more keys\n",
			"report.csv:2:1: arn:aws:iam::111111111111:user/me: the line is about a user made at 2026-01-02T03:04:06Z, but this one was made at 2026-01-02T03:04:05Z: it is left out; " + runReport + "\n",
		},
		{
			"a line about a user who is gone", header + strings.ReplaceAll(me, "me", "you") + noPass + noKey + noKey + noCert + me + noPass + noKey + noKey + noCert, "",
			"  no password\n", "report.csv:2:1: arn:aws:iam::111111111111:user/you: the user isn't in details.json, and the line is left out: want both files of one moment\n",
		},
		{
			"keys by list-access-keys alone are of unknown use", "", list(listed("AKIA1", "Active", "2026-01-10T00:00:00Z"), listed("AKIA2", "Inactive", "2026-03-10T00:00:00Z")),
			"  password unknown\n  key \"AKIA1\" slot 0 active, made 2026-01-10 00:00:00, used unknown\n  key \"AKIA2\" slot 0 inactive, made 2026-03-10 00:00:00, used unknown\n", "",
		},
		{
			"both answers, in any order", "", "[" + last("AKIA1", inJuly) + "," + list(listed("AKIA1", "Active", "2026-01-10T00:00:00Z")) + "]",
			"  password unknown\n  key \"AKIA1\" slot 0 active, made 2026-01-10 00:00:00, used 2026-07-01 00:00:00\n", "",
		},
		{
			"both answers in one object", "", `{"UserName": "me", "AccessKeyId": "AKIA1", "Status": "Active", "CreateDate": "2026-01-10T00:00:00Z", "AccessKeyLastUsed": {"ServiceName": "s3", "LastUsedDate": "2026-07-01T00:00:00Z"}}`,
			"  password unknown\n  key \"AKIA1\" slot 0 active, made 2026-01-10 00:00:00, used 2026-07-01 00:00:00 by s3\n  perhaps more keys\n", "",
		},
		{
			"the last use of a key without its ID", "", last("", inJuly),
			"  password unknown\n  perhaps more keys\n",
			`keys.json:1:1: me: the answer doesn't say which key it is about, and is left out; run: aws iam get-access-key-last-used --access-key-id ID --query "merge(@, {AccessKeyId: 'ID'})" --output json` + "\n",
		},
		{
			"a first page of list-access-keys may not be all", "", `{"AccessKeyMetadata": [` + listed("AKIA1", "Active", "2026-01-10T00:00:00Z") + `], "IsTruncated": true}`,
			"  password unknown\n  key \"AKIA1\" slot 0 active, made 2026-01-10 00:00:00, used unknown\n  perhaps more keys\n", "",
		},
		{
			"the report's slots and the listed keys are joined by their dates, and the later use counts",
			header + me + noPass + march + never + january + june + noCert,
			list(listed("AKIA1", "Active", "2026-01-10T00:00:00.7Z"), listed("AKIA2", "Active", "2026-03-10T00:00:00Z")) + last("AKIA1", unused) + last("AKIA2", inJuly),
			"  no password\n  key \"AKIA1\" slot 2 active, made 2026-01-10 00:00:00, used 2026-06-01 00:00:00 eu-west-1 by ec2\n  key \"AKIA2\" slot 1 active, made 2026-03-10 00:00:00, used 2026-07-01 00:00:00\n", "",
		},
		{
			"where dates don't tell, each key is as young and in use as either slot",
			header + me + noPass + january + june + march + may + noCert,
			list(listed("AKIA1", "Active", "2026-01-01T00:00:00Z"), listed("AKIA2", "Inactive", "2026-02-02T00:00:00Z")),
			"  no password\n  key \"AKIA1\" slot 1 active, made 2026-03-10 00:00:00, used 2026-06-01 00:00:00 eu-west-1 by ec2\n  key \"AKIA2\" slot 2 inactive, made 2026-03-10 00:00:00, used 2026-06-01 00:00:00 eu-west-1 by ec2\n", "",
		},
		{
			"two keys of one second can't be told apart",
			header + me + noPass + january + never + january + june + noCert,
			list(listed("AKIA1", "Active", "2026-01-10T00:00:00Z"), listed("AKIA2", "Active", "2026-01-10T00:00:00Z")),
			"  no password\n  key \"AKIA1\" slot 1 active, made 2026-01-10 00:00:00, used 2026-06-01 00:00:00 eu-west-1 by ec2\n  key \"AKIA2\" slot 2 active, made 2026-01-10 00:00:00, used 2026-06-01 00:00:00 eu-west-1 by ec2\n", "",
		},
		{
			"two keys of one second of which the report has one there can't be told apart",
			header + me + noPass + january + june + march + never + noCert,
			list(listed("AKIA1", "Active", "2026-01-10T00:00:00Z"), listed("AKIA2", "Active", "2026-01-10T00:00:00Z")),
			"  no password\n  key \"AKIA1\" slot 1 active, made 2026-03-10 00:00:00, used 2026-06-01 00:00:00 eu-west-1 by ec2\n  key \"AKIA2\" slot 2 active, made 2026-03-10 00:00:00, used 2026-06-01 00:00:00 eu-west-1 by ec2\n", "",
		},
		{
			"a key that may be in a slot of unknown use is of unknown use",
			header + me + noPass + january + never + march + "not_supported,N/A,N/A," + noCert,
			list(listed("AKIA1", "Active", "2026-01-01T00:00:00Z"), listed("AKIA2", "Active", "2026-02-02T00:00:00Z")),
			"  no password\n  key \"AKIA1\" slot 1 active, made 2026-03-10 00:00:00, used unknown\n  key \"AKIA2\" slot 2 active, made 2026-03-10 00:00:00, used unknown\n", "",
		},
		{
			"one date that makes no sense makes the use unknown",
			header + me + noPass + january + never + noKey + noCert,
			list(listed("AKIA1", "Active", "2026-01-10T00:00:00Z")) + last("AKIA1", `"LastUsedDate": "1793", `),
			"  no password\n  key \"AKIA1\" slot 1 active, made 2026-01-10 00:00:00, used unknown\n",
			`keys.json:1:126: AKIA1: LastUsedDate: "1793": want a time, such as 2026-11-23T07:56:06+00:00; taken as not known` + "\n",
		},
		{
			"a key of a user who isn't there", "", strings.ReplaceAll(list(listed("AKIA1", "Active", "2026-01-10T00:00:00Z")), `"me"`, `"you"`),
			"  password unknown\n  perhaps more keys\n",
			`keys.json:1:1: AKIA1: the key's user, "you", isn't in details.json, and the key is left out: want files of one account and moment` + "\n",
		},
		{
			"answers about something else between them", "", list(listed("AKIA1", "Active", "2026-01-10T00:00:00Z")) + "\n{\"Color\": 1}\n5",
			"  password unknown\n  key \"AKIA1\" slot 0 active, made 2026-01-10 00:00:00, used unknown\n",
			"keys.json:2:1: : the answer is left out: no AccessKeyMetadata, no AccessKeyLastUsed and no AccessKeyId\nkeys.json:3:1: : the answer is left out: found a number, want an object\n",
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			a, problems, err := inventory.Parse(credentialFiles(test.report, test.keys))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, credentials(a.Users[0])); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
			if diff := cmp.Diff(test.problems, lines(problems)); diff != "" {
				t.Errorf("problems: -want +got\n%s", diff)
			}
		})
	}
}

func credentialFiles(report, keys string) inventory.Files {
	files := inventory.Files{Details: []inventory.File{details(users(user("me")))}}
	if report != "" {
		files.Report = file("report.csv", report)
	}
	if keys != "" {
		files.Keys = []inventory.File{file("keys.json", keys)}
	}
	return files
}

// Whichever key is in whichever slot, and whatever the dates of rotation are: no key is
// said to be less used than the slot that it really is in says.
func TestNoKeyIsLessUsedThanItsSlot(t *testing.T) {
	days := []string{"2026-01-10", "2026-01-11", "2026-01-12"}
	uses := []string{never, "not_supported,N/A,N/A,", may, june}
	ids := []string{"AKIA1", "AKIA2"}
	rapid.Check(t, func(t *rapid.T) {
		order := rapid.Permutation(ids).Draw(t, "key in slot")
		report, keys := header+me+noPass, ""
		truth := map[string]string{}
		for _, id := range order {
			rotated, use := rapid.SampledFrom(days).Draw(t, "rotated"), rapid.SampledFrom(uses).Draw(t, "use")
			made := rotated
			if rapid.Bool().Draw(t, "changed since") {
				made = "2026-01-09"
			}
			truth[id] = use
			report += "true," + rotated + "T00:00:00+00:00," + use
			keys += `{"UserName": "me", "AccessKeyId": "` + id + `", "CreateDate": "` + made + `T00:00:00Z"}`
		}
		a, _, err := inventory.Parse(credentialFiles(report+noCert, keys))
		if err != nil {
			t.Fatal(err)
		}
		for _, k := range a.Users[0].Keys {
			use, _, _ := strings.Cut(truth[k.ID], ",")
			if !k.LastUsed.Known {
				continue
			}
			if use == "not_supported" && k.LastUsed.At.IsZero() {
				t.Errorf("%s: never used, want unknown\n%s%s", k.ID, report, keys)
			}
			if at := k.LastUsed.At.Format("2006-01-02T15:04:05+00:00"); strings.HasPrefix(use, "2026") && at < use {
				t.Errorf("%s: used %s, want %s or later\n%s%s", k.ID, at, use, report, keys)
			}
		}
	})
}
