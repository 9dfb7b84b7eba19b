package inventory_test

import (
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/pare-iam/pare/inventory"
)

// The specimen is what AWS CLI 1.45.11 printed of an account in moto 5.2.1. Real answers
// have a PolicyName and a PolicyId in each of Policies, and a Region in RoleLastUsed.
func TestWhatTheCommandLinePrints(t *testing.T) {
	a, problems, err := inventory.Parse(inventory.Files{
		Details: []inventory.File{mustRead(t, "authorization-details.json")},
		Report:  mustRead(t, "credential-report.csv"),
		Keys:    []inventory.File{mustRead(t, "access-keys.json")},
	})
	if err != nil || problems != nil {
		t.Fatal(err, problems)
	}
	want := `account aws 123456789012
role arn:aws:iam::123456789012:role/idle "idle" made 2026-11-23 07:56:29; used never, profiles [], trust of 1
role arn:aws:iam::123456789012:role/service/app "app" made 2026-11-23 07:56:29, tag team=web & co, boundary arn:aws:iam::123456789012:policy/boundary, inline "inline+odd" of 1, attached reports-read known; used 2026-11-23 07:56:31, profiles [app-profile], trust of 1
user arn:aws:iam::123456789012:user/people/alice "alice" made 2026-11-23 07:56:29, tag owner=alice; in [admins]
  password set 2026-11-23 07:56:29, used never
  key "AKIARZPUZDIKM46TRHBE" slot 1 active, made 2026-11-23 07:56:29, used 2026-11-23 07:56:31 us-east-1 by s3
  key "AKIARZPUZDIKAWYKVUAB" slot 2 inactive, made 2026-11-23 07:56:30, used never
user arn:aws:iam::123456789012:user/people/bob "bob" made 2026-11-23 07:56:29, tag owner=bob, inline "own" of 1; in []
  no password
  key "AKIARZPUZDIKAOYEJVXD" slot 1 active, made 2026-11-23 07:56:30, used never
group arn:aws:iam::123456789012:group/admins "admins" made 2026-11-23 07:56:29, inline "all" of 1, attached reports-read known; with [alice]
policy arn:aws:iam::123456789012:policy/boundary v1 made 2026-11-23 07:56:29, updated 2026-11-23 07:56:29, attached 0, boundary of -1: of 1
policy arn:aws:iam::123456789012:policy/team/reports-read v2 made 2026-11-23 07:56:29, updated 2026-11-23 07:56:29, attached 2, boundary of -1: of 1
`
	if diff := cmp.Diff(want, describe(a)); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

func TestTheReportMayBeTheAnswerOrItsContent(t *testing.T) {
	parse := func(report inventory.File) *inventory.Account {
		a, problems, err := inventory.Parse(inventory.Files{Details: []inventory.File{mustRead(t, "authorization-details.json")}, Report: report})
		if err != nil || problems != nil {
			t.Fatal(err, problems)
		}
		return a
	}
	want := parse(mustRead(t, "credential-report.csv"))
	answer := mustRead(t, "credential-report.json")
	encoded := strings.Split(string(answer.Bytes), `"`)[3]
	for _, report := range []inventory.File{answer, file("content.txt", encoded+"\n")} {
		if diff := cmp.Diff(want, parse(report), documents); diff != "" {
			t.Errorf("%s: -want +got\n%s", report.Name, diff)
		}
	}
}

func TestADocumentMayHaveAnyForm(t *testing.T) {
	const (
		statement = `{"Effect": "Allow", "Action": "s3:Get*", "Resource": "arn:aws:s3:::a+b/50%20c"}`
		plain     = `{"Version": "2012-10-17", "Statement": ` + statement + "}"
	)
	for _, test := range []struct{ name, written, want string }{
		{"an object, as the command line prints it", plain, plain},
		{"a plain string", strconv.Quote(plain), plain},
		{"a string URL-encoded by RFC 3986, as the API sends it", strconv.Quote(strings.ReplaceAll(url.QueryEscape(plain), "+", "%20")), plain},
		{"a string whose blanks and plus signs aren't encoded", strconv.Quote(strings.ReplaceAll(url.PathEscape(plain), "%20a", " a")), plain},
		{
			"an object loses the margin that it has in the answer",
			"{\n            \"Statement\":\n              " + statement + "\n        }",
			"{\n    \"Statement\":\n      " + statement + "\n}",
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			a, problems, err := inventory.Parse(inventory.Files{Details: []inventory.File{details(roles(
				role("app", `"RolePolicyList": [{"PolicyName": "in", "PolicyDocument": `+test.written+`}]`)))}})
			if err != nil || problems != nil {
				t.Fatal(err, problems)
			}
			in := a.Roles[0].Inline[0]
			got := []string{in.Name, in.Document.Name, string(in.Document.Bytes())}
			if diff := cmp.Diff([]string{"in", "arn:aws:iam::111111111111:role/app#in", test.want}, got); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
		})
	}
}

// An answer cut into pages, as files or one after another or in an array, is the answer.
func TestPagesInAnyOrderAreTheSameAccount(t *testing.T) {
	entities := []struct{ list, text string }{
		{"RoleDetailList", role("a", `"AttachedManagedPolicies": [{"PolicyName": "p", "PolicyArn": "arn:aws:iam::111111111111:policy/p"}]`)},
		{"RoleDetailList", role("b", `"RoleLastUsed": {}`)},
		{"UserDetailList", user("u", `"GroupList": ["g", "h"]`)},
		{"UserDetailList", user("v", `"GroupList": ["g"]`)},
		{"GroupDetailList", `{"GroupName": "g", "Arn": "arn:aws:iam::111111111111:group/g"}`},
		{"Policies", `{"PolicyName": "p", "Arn": "arn:aws:iam::111111111111:policy/p", "DefaultVersionId": "v1", "PolicyVersionList": [{"VersionId": "v1", "Document": ` + trust + `}]}`},
	}
	rapid.Check(t, func(t *rapid.T) {
		pages := make([][]string, rapid.IntRange(1, 4).Draw(t, "pages"))
		for i, e := range rapid.Permutation(entities).Draw(t, "order") {
			into := rapid.IntRange(0, len(pages)-1).Draw(t, fmt.Sprint("page of ", i))
			copies := rapid.IntRange(1, 2).Draw(t, fmt.Sprint("copies of ", i))
			pages[into] = append(pages[into], slices.Repeat([]string{fmt.Sprintf("%q: [%s]", e.list, e.text)}, copies)...)
		}
		var files []inventory.File
		var all []string
		for i, members := range pages {
			text := page(append(members, `"GroupDetailList": []`, fmt.Sprintf(`"IsTruncated": %v`, i > 0))...)
			files = append(files, file(fmt.Sprintf("%d.json", i), text))
			all = append(all, text)
		}
		whole := []inventory.File{details(roles(entities[0].text, entities[1].text), users(entities[2].text, entities[3].text), groups(entities[4].text), `"Policies": [`+entities[5].text+"]")}
		want, _, err := inventory.Parse(inventory.Files{Details: whole})
		if err != nil {
			t.Fatal(err)
		}
		for _, details := range [][]inventory.File{
			files,
			{file("array.json", "["+strings.Join(all, ",")+"]")},
			{file("sequence.json", strings.Join(all, "\n"))},
		} {
			got, problems, err := inventory.Parse(inventory.Files{Details: details})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, got, documents); diff != "" {
				t.Fatalf("-want +got\n%s", diff)
			}
			missing := details[0].Name + `::h: the group isn't in the files, but has members (u): what it grants isn't known; run: aws iam get-account-authorization-details --output json` + "\n"
			if diff := cmp.Diff(missing, strings.ReplaceAll(lines(problems), "json:: h", "json::h")); diff != "" {
				t.Fatalf("-want +got\n%s", diff)
			}
		}
	})
}

func TestAFileThatIsNotWhatItShouldBe(t *testing.T) {
	const (
		want       = "want what this prints: aws iam get-account-authorization-details --output json"
		wantReport = "want a credential report, as this prints it: aws iam generate-credential-report; aws iam get-credential-report --query Content --output text | base64 -d"
		wantKeys   = `want answers of list-access-keys (aws iam list-access-keys --user-name USER --output json) and of get-access-key-last-used (aws iam get-access-key-last-used --access-key-id ID --query "merge(@, {AccessKeyId: 'ID'})" --output json)`
	)
	good := details(roles(role("app")))
	whole := mustRead(t, "authorization-details.json").Bytes
	of := func(src string) inventory.Files {
		return inventory.Files{Details: []inventory.File{file("d.json", src)}}
	}
	report := func(src string) inventory.Files {
		return inventory.Files{Details: []inventory.File{good}, Report: file("r.csv", src)}
	}
	keys := func(src string) inventory.Files {
		return inventory.Files{Details: []inventory.File{good}, Keys: []inventory.File{file("k.json", src)}}
	}
	for _, test := range []struct {
		name  string
		files inventory.Files
		want  string
	}{
		{"missing", inventory.Files{}, "no authorization details: " + want},
		{"empty", of(" \n"), "d.json: the file is empty: " + want},
		{"truncated", of(string(whole[:3000])), "d.json:93:9: the file breaks off here: " + want},
		{"truncated between entities", of(`{"RoleDetailList": [` + role("a")), "d.json:1:258: the file breaks off here: " + want},
		{"truncated between members", of(`{"RoleDetailList": []`), "d.json:1:22: the file breaks off here: " + want},
		{"truncated inside an array of pages", of(`[{"RoleDetailList": []}`), "d.json:1:24: the file breaks off here: " + want},
		{"not JSON", of("USERDETAILLIST\talice\n"), "d.json:1:1: not JSON: invalid character 'U' at start of value: " + want},
		{"more behind the answer", of(`{"RoleDetailList": []} done`), "d.json:1:24: not JSON: invalid character 'd' at start of value: " + want},
		{"UTF-16", of("\xff\xfe{\x00"), "d.json: is UTF-16, as an older PowerShell's > writes it: want UTF-8; write it by: … | Out-File -Encoding utf8 d.json"},
		{"list-roles", of(`{"Roles": []}`), "d.json:1:1: no RoleDetailList, but Roles: that is of list-roles: " + want},
		{"list-policies", of(`{"Policies": []}`), "d.json:1:1: no RoleDetailList, but Policies: that is of list-policies: " + want},
		{"a policy document", of(trust), "d.json:1:1: no RoleDetailList, but Statement: that is of a policy document: " + want},
		{"something else", of("\n {}"), "d.json:2:2: no RoleDetailList, UserDetailList or GroupDetailList: " + want},
		{"a list that isn't one", of(`{"RoleDetailList": {"a": 1}}`), "d.json:1:20: found an object where a list should be: " + want},
		{"a list of names", of(`["a"]`), "d.json:1:2: found a string: " + want},
		{"no answers", of(`[]`), "d.json:1:1: no answer in it: " + want},
		{
			"another account", inventory.Files{Details: []inventory.File{good, file("other.json", strings.ReplaceAll(string(good.Bytes), "111111111111", "222222222222"))}},
			"other.json: arn:aws:iam::222222222222:role/app is of account 222222222222 (aws), but details.json is of account 111111111111 (aws): want the files of one account in a folder",
		},
		{
			"another partition", inventory.Files{Details: []inventory.File{good, file("other.json", strings.ReplaceAll(string(good.Bytes), "arn:aws:", "arn:aws-cn:"))}},
			"other.json: arn:aws-cn:iam::111111111111:role/app is of account 111111111111 (aws-cn), but details.json is of account 111111111111 (aws): want the files of one account in a folder",
		},
		{
			"a role that is described twice, and otherwise", inventory.Files{Details: []inventory.File{good, file("later.json", page(roles(role("app", `"Path": "/x/"`))))}},
			"later.json:1:21: arn:aws:iam::111111111111:role/app is described otherwise at details.json:1:21: want files of one moment; run again: aws iam get-account-authorization-details --output json",
		},
		{"an empty report", report(""), "r.csv: the file is empty: " + wantReport},
		{"a report that isn't one", report("name,age\n"), `r.csv:1:1: no column "user": ` + wantReport},
		{"a report's state", report(`{"State": "COMPLETE"}`), "r.csv:1:1: no Content: " + wantReport},
		{"a report's broken answer", report(`{"Content": "dXNlc`), "r.csv:1:19: the file breaks off here: " + wantReport},
		{"a report's broken base64", report("dXNlc"), "r.csv:1:1: neither a CSV nor one in base64: illegal base64 data at input byte 4: " + wantReport},
		{
			"a report of another account", report("user,arn,password_enabled\n<root_account>,arn:aws:iam::222222222222:root,not_supported\n"),
			"r.csv: arn:aws:iam::222222222222:root is of account 222222222222 (aws), but details.json is of account 111111111111 (aws): want the files of one account in a folder",
		},
		{
			"two reports in a file", report("user,arn,password_enabled\na,arn:aws:iam::111111111111:user/a,true\na,arn:aws:iam::111111111111:user/a,true\n"),
			"r.csv:3:1: arn:aws:iam::111111111111:user/a has two lines: want one report in the file, as this prints it: aws iam generate-credential-report; aws iam get-credential-report --query Content --output text | base64 -d",
		},
		{"empty access keys", keys(""), "k.json: the file is empty: " + wantKeys},
		{"truncated access keys", keys(`{"AccessKeyMetadata": [`), "k.json:1:24: the file breaks off here: " + wantKeys},
		{"nothing about access keys", keys(`[{"Users": []}]`), "k.json:1:2: nothing about access keys: " + wantKeys},
		{
			"a key of two users", keys(`{"AccessKeyId": "AKIA1", "UserName": "a"} {"AccessKeyId": "AKIA1", "UserName": "b"}`),
			"k.json:1:43: the key AKIA1 is of user b here, and of a at k.json:1:1: want answers of one account",
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			a, problems, err := inventory.Parse(test.files)
			if a != nil || problems != nil {
				t.Error("an account, or problems, beside an error")
			}
			if diff := cmp.Diff(test.want, fmt.Sprint(err)); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
		})
	}
}
