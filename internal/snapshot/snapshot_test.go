package snapshot_test

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pare-iam/pare/internal/snapshot"
	"github.com/pare-iam/pare/policy"
)

const (
	command = "aws iam get-account-authorization-details --output json > "
	details = `{"RoleDetailList": [{"RoleName": "app", "Arn": "arn:aws:iam::111111111111:role/app", "CreateDate": "2026-01-02T03:04:05Z",
		"AssumeRolePolicyDocument": {"Statement": {"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}}, "RoleLastUsed": {}}]}`
	info = `{"schemaVersion": 1, "accountId": "111111111111"}`
)

// folder makes a folder of files by name.
func folder(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(text), 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// relative takes the folder's path out of a text, and makes its slashes those of Unix.
func relative(dir, text string) string {
	return filepath.ToSlash(strings.ReplaceAll(text, dir, "DIR"))
}

func paths(dir string, files ...snapshot.File) string {
	var names []string
	for _, f := range files {
		names = append(names, relative(dir, f.Path))
	}
	return strings.Join(names, " ")
}

func TestAFolderWithEverything(t *testing.T) {
	dir := folder(t, map[string]string{
		"snapshot.json":                 info,
		"authorization-details.json":    details,
		"authorization-details/2.json":  details,
		"authorization-details/1.json":  details,
		"authorization-details/list.md": "",
		"authorization-details.bak":     "",
		"credential-report.csv":         "user",
		"credential-report.json":        "{}",
		"access-keys.json":              "[]",
		"last-accessed/b.json":          "b",
		"last-accessed/a.json":          "a",
		"last-accessed/.c.json.1.tmp":   "",
		"usage.jsonl":                   "",
		"usage.coverage.json":           "{}",
		"findings/f.json":               "{}",
		"organizations.json":            "{}",
		"credentials.csv":               "",
		".DS_Store":                     "",
	})
	f, err := snapshot.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	got := strings.Join([]string{
		"details " + paths(dir, f.Details...),
		"report " + paths(dir, f.Report),
		"keys " + paths(dir, f.Keys),
		"last accessed " + paths(dir, f.LastAccessed...),
		"usage " + paths(dir, f.Usage, f.Coverage),
		"findings " + paths(dir, f.Findings...),
		"organizations " + paths(dir, f.Organizations),
		"others " + strings.Join(f.Others, " "),
		fmt.Sprint("absent ", f.Absent),
		"account " + f.Info.AccountID,
	}, "\n")
	want := `details DIR/authorization-details.json DIR/authorization-details/1.json DIR/authorization-details/2.json
report DIR/credential-report.csv
keys DIR/access-keys.json
last accessed DIR/last-accessed/a.json DIR/last-accessed/b.json
usage DIR/usage.jsonl DIR/usage.coverage.json
findings DIR/findings/f.json
organizations DIR/organizations.json
others authorization-details.bak authorization-details/list.md credentials.csv
absent []
account 111111111111`
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	src, err := f.LastAccessed[1].Read()
	if err != nil || string(src) != "b" {
		t.Errorf("last-accessed/b.json: %q, %v", src, err)
	}
}

func TestWhatIsAbsentAndWhatThatMeans(t *testing.T) {
	meaning := func(files map[string]string) string {
		f, err := snapshot.Open(folder(t, files))
		if err != nil {
			t.Fatal(err)
		}
		var b strings.Builder
		for _, a := range f.Absent {
			fmt.Fprintf(&b, "no %s: %s\n", a.Name, a.Meaning)
		}
		return b.String()
	}
	alone := meaning(map[string]string{"authorization-details.json": details})
	if diff := cmp.Diff(`no snapshot.json: when the files were collected isn't known
no credential-report.csv: passwords aren't judged, and access keys only as far as access-keys.json knows them
no access-keys.json: access keys are known by the credential report alone, and without their IDs
no last-accessed: permissions aren't judged by IAM's last accessed information
no usage.jsonl: permissions aren't judged by CloudTrail
`, alone); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	uncovered := meaning(map[string]string{
		"snapshot.json": info, "authorization-details.json": details, "credential-report.json": "{}", "access-keys.json": "[]",
		"last-accessed/a.json": "{}", "usage.jsonl": "",
	})
	if diff := cmp.Diff("no usage.coverage.json: usage.jsonl shows what was used, and never that something wasn't\n", uncovered); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

func TestInventory(t *testing.T) {
	f, err := snapshot.Open(folder(t, map[string]string{
		"snapshot.json":                "\ufeff" + info,
		"authorization-details/1.json": details,
		"authorization-details/2.json": `{"IsTruncated": true, "UserDetailList": [{"UserName": "me", "Arn": "arn:aws:iam::111111111111:user/me"}]}`,
		"credential-report.csv":        "user,arn,password_enabled\nme,arn:aws:iam::111111111111:user/me,true\n",
		"access-keys.json":             `{"AccessKeyId": "AKIA1", "UserName": "me"}`,
	}))
	if err != nil {
		t.Fatal(err)
	}
	a, problems, err := f.Inventory()
	if err != nil || problems != nil {
		t.Fatal(err, problems)
	}
	got := fmt.Sprintln(a.ID, a.Roles[0].Name, a.Users[0].Name, a.Users[0].Password.Enabled, a.Users[0].Keys[0].ID)
	if want := "111111111111 app me true AKIA1\n"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestAFolderThatIsNotWhatItShouldBe(t *testing.T) {
	const wantInfo = `want {"schemaVersion": 1, "accountId": "123456789012", "collectedAt": "2026-11-23T07:56:06Z", …}, or no such file`
	with := func(snapshot string) map[string]string {
		return map[string]string{"authorization-details.json": details, "snapshot.json": snapshot}
	}
	for _, test := range []struct {
		name  string
		files map[string]string
		want  string
	}{
		{"no details", map[string]string{"usage.jsonl": ""}, "DIR: no authorization-details.json: want what this prints: " + command + "DIR/authorization-details.json"},
		{"no pages", map[string]string{"authorization-details/x.txt": ""}, "DIR: no authorization-details.json: want what this prints: " + command + "DIR/authorization-details.json"},
		{"a file where a folder should be", map[string]string{"last-accessed": ""}, "DIR/last-accessed: a file: want the folder that it is in, or one of this name"},
		{"empty details", map[string]string{"authorization-details.json": ""}, "DIR/authorization-details.json: the file is empty: want what this prints: aws iam get-account-authorization-details --output json"},
		{"truncated details", map[string]string{"authorization-details.json": details[:40]}, "DIR/authorization-details.json:1:41: the file breaks off here: want what this prints: aws iam get-account-authorization-details --output json"},
		{
			"details of two accounts", map[string]string{"authorization-details.json": details, "authorization-details/2.json": strings.ReplaceAll(details, "111111111111", "222222222222")},
			"DIR/authorization-details/2.json: arn:aws:iam::222222222222:role/app is of account 222222222222 (aws), but DIR/authorization-details.json is of account 111111111111 (aws): want the files of one account in a folder",
		},
		{"snapshot.json of another account", with(`{"schemaVersion": 1, "accountId": "222222222222"}`), "DIR/snapshot.json: accountId 222222222222, but DIR/authorization-details.json is of account 111111111111: want the files of one account in a folder"},
		{"snapshot.json of another partition", with(`{"schemaVersion": 1, "partition": "aws-cn"}`), "DIR/snapshot.json: partition aws-cn, but DIR/authorization-details.json is of partition aws: want the files of one account in a folder"},
		{"snapshot.json empty", with("\n"), "DIR/snapshot.json: the file is empty: " + wantInfo},
		{"snapshot.json truncated", with(`{"schemaVersion": 1,`), "DIR/snapshot.json:1:21: the file breaks off here: " + wantInfo},
		{"snapshot.json not JSON", with("schemaVersion: 1"), "DIR/snapshot.json:1:1: not JSON: invalid character 's' at start of value: " + wantInfo},
		{"snapshot.json with a wrong type", with("{\"schemaVersion\": 1,\n \"window\": \"90d\"}"), "DIR/snapshot.json:2:12: /window: found a string: " + wantInfo},
		{"snapshot.json with a time that isn't one", with(`{"schemaVersion": 1, "collectedAt": "today"}`), `DIR/snapshot.json:1:37: /collectedAt: parsing time "today" as "2006-01-02T15:04:05Z07:00": cannot parse "today" as "2006"`},
		{"snapshot.json without a version", with(`{}`), "DIR/snapshot.json: /schemaVersion: 0: want 1"},
		{"snapshot.json of a newer pare", with(`{"schemaVersion": 2}`), "DIR/snapshot.json: /schemaVersion: 2: this pare reads 1; update pare"},
		{"snapshot.json with an account that isn't one", with(`{"schemaVersion": 1, "accountId": "prod"}`), `DIR/snapshot.json: /accountId: "prod": want twelve digits`},
		{"snapshot.json with a window too long", with(`{"schemaVersion": 1, "window": 400}`), "DIR/snapshot.json: /window: 400: want days, 1 to 365"},
		{
			"snapshot.json with a broken service control policy", with(`{"schemaVersion": 1, "serviceControlPolicies": [[{"Statement": {"Effect": "Allow", "Action": "s3", "Resource": "*"}}]]}`),
			`DIR/snapshot.json:1:50: /serviceControlPolicies/0/0: policy:1:45: /Statement/Action: "s3": want service:name, such as "s3:GetObject", or "*"`,
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			dir := folder(t, test.files)
			f, err := snapshot.Open(dir)
			if err == nil {
				_, _, err = f.Inventory()
			}
			if diff := cmp.Diff(test.want, relative(dir, fmt.Sprint(err))); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
		})
	}
}

func TestFind(t *testing.T) {
	for _, test := range []struct {
		name, below string
		files       map[string]string
		want        string
	}{
		{"an account", "", map[string]string{"authorization-details.json": "", "prod/authorization-details.json": ""}, "[DIR] <nil>"},
		{"an account in pages", "", map[string]string{"authorization-details/1.json": ""}, "[DIR] <nil>"},
		{
			"an organization", "",
			map[string]string{"prod/authorization-details.json": "", "dev/authorization-details/1.json": "", "notes/x": "", "x.txt": "", ".old/authorization-details.json": ""},
			"[DIR/dev DIR/prod] <nil>",
		},
		{"an account of several without details", "", map[string]string{"prod/authorization-details.json": "", "dev/snapshot.json": "", "notes/x": ""}, "[DIR/dev DIR/prod] <nil>"},
		{"no account with details", "", map[string]string{"dev/snapshot.json": ""}, "[] DIR: no authorization-details.json here or in a folder below: want what this prints: " + command + "DIR/authorization-details.json"},
		{"nothing", "", map[string]string{"a/b/authorization-details.json": ""}, "[] DIR: no authorization-details.json here or in a folder below: want what this prints: " + command + "DIR/authorization-details.json"},
		{"no folder", "/x", nil, "[] DIR/x: no such folder: want one with authorization-details.json in it, as this makes it: " + command + "DIR/x/authorization-details.json"},
		{"a file", "/authorization-details.json", map[string]string{"authorization-details.json": ""}, "[] DIR/authorization-details.json: a file: want the folder that it is in, or one of this name"},
	} {
		t.Run(test.name, func(t *testing.T) {
			dir := folder(t, test.files)
			found, err := snapshot.Find(dir + filepath.FromSlash(test.below))
			if diff := cmp.Diff(test.want, relative(dir, fmt.Sprint(found, " ", err))); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
		})
	}
}

func TestWhatIsWrittenIsRead(t *testing.T) {
	doc, err := policy.Parse("scp", []byte(`{"Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}`))
	if err != nil {
		t.Fatal(err)
	}
	want := snapshot.Info{
		SchemaVersion: snapshot.Version, AccountID: "111111111111", AccountAlias: "prod", Partition: "aws",
		CollectedAt: time.Date(2026, 11, 23, 7, 56, 6, 0, time.UTC), Window: 90,
		Missing:                 []snapshot.Missing{{What: "credential report", Why: "AccessDenied"}},
		Trails:                  []snapshot.Trail{{ARN: "arn:aws:cloudtrail:us-east-1:111111111111:trail/t", Regions: []string{"*"}, DataEvents: []string{"AWS::S3::Object"}, ReadEvents: true}},
		ServiceControlPolicies:  [][]snapshot.Policy{{{Document: doc}}, {}},
		ResourceControlPolicies: [][]snapshot.Policy{{{Document: doc}}},
	}
	dir := filepath.Join(t.TempDir(), "new", "folder")
	w, err := snapshot.NewWriter(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{snapshot.DetailsFile, snapshot.LastAccessedFolder + "/app.json", snapshot.DetailsFile} {
		if err := w.WriteFile(name, func(out io.Writer) error { _, err := io.WriteString(out, details); return err }); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.WriteInfo(want); err != nil {
		t.Fatal(err)
	}
	f, err := snapshot.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	size := cmp.Comparer(func(a, b *policy.Document) bool {
		return a.Size() == b.Size() && len(a.Statements) == len(b.Statements)
	})
	if diff := cmp.Diff(want, f.Info, size); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	if _, _, err := f.Inventory(); err != nil {
		t.Error(err)
	}
	if got := paths(dir, f.LastAccessed...); got != "DIR/last-accessed/app.json" {
		t.Errorf("last accessed: %s", got)
	}
}

func TestAWriteThatFailsLeavesTheFolderAsItWas(t *testing.T) {
	dir := folder(t, map[string]string{"authorization-details.json": details})
	w, err := snapshot.NewWriter(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct{ name, want string }{
		{"authorization-details.json", "the network is gone"},
		{"../elsewhere.json", "../elsewhere.json: want a name inside DIR"},
		{"/etc/elsewhere.json", "/etc/elsewhere.json: want a name inside DIR"},
	} {
		err := w.WriteFile(test.name, func(out io.Writer) error {
			_, err := io.WriteString(out, "half")
			return errors.Join(err, errors.New("the network is gone"))
		})
		if diff := cmp.Diff(test.want, relative(dir, fmt.Sprint(err))); diff != "" {
			t.Errorf("%s: -want +got\n%s", test.name, diff)
		}
	}
	for name, want := range map[string]string{"11": "/accountId: \"11\": want twelve digits", "": "/window: -1: want days, 1 to 365"} {
		window := map[bool]int{true: -1}[name == ""]
		err := w.WriteInfo(snapshot.Info{AccountID: name, Window: window})
		if diff := cmp.Diff("snapshot.json: "+want, fmt.Sprint(err)); diff != "" {
			t.Errorf("-want +got\n%s", diff)
		}
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 1 {
		t.Fatal(err, entries)
	}
	src, err := os.ReadFile(filepath.Join(dir, entries[0].Name()))
	if err != nil || string(src) != details {
		t.Errorf("%s: %s, %v", entries[0].Name(), src, err)
	}
}
