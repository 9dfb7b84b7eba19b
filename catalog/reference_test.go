package catalog_test

import (
	"os"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pare-iam/pare/catalog"
)

func TestReadFS(t *testing.T) {
	c := reference(t)
	t.Run("knows every service of the folder", func(t *testing.T) {
		var got []string
		for _, s := range c.Services() {
			got = append(got, s.Prefix)
		}
		if diff := cmp.Diff([]string{"cloudsearch", "iam", "lambda", "rds-db", "s3", "vpc-lattice"}, got); diff != "" {
			t.Errorf("-want +got:\n%s", diff)
		}
	})
	t.Run("derives levels in AWS's order", func(t *testing.T) {
		want := map[string]string{
			"s3:GetObject": "Read", "s3:ListBucket": "List", "s3:PutObject": "Write",
			"s3:PutObjectTagging": "Tagging", "s3:PutBucketPolicy": "Permissions management",
		}
		got := map[string]string{}
		for name := range want {
			service, action, _ := strings.Cut(name, ":")
			got[name] = c.Lookup(service, action).Level.String()
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("-want +got:\n%s", diff)
		}
	})
	t.Run("reads what tracks an action", func(t *testing.T) {
		want := map[string]string{
			"GetFunction": "last accessed, policy generation", "InvokeFunction": "untracked", "TagResource": "policy generation",
		}
		got := map[string]string{}
		for name := range want {
			got[name] = c.Lookup("lambda", name).Tracked.String()
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("-want +got:\n%s", diff)
		}
	})
	t.Run("reads resource types and condition keys", func(t *testing.T) {
		a := c.Lookup("s3", "ListBucket")
		want := catalog.ActionDetails{
			Resources:     []catalog.ActionResource{{Name: "accesspoint"}, {Name: "bucket"}},
			ConditionKeys: []string{"s3:AccessGrantsInstanceArn", "s3:ResourceAccount", "s3:TlsVersion", "s3:authType"},
		}
		if diff := cmp.Diff(want, a.Details()); diff != "" {
			t.Errorf("-want +got:\n%s", diff)
		}
		if diff := cmp.Diff([]string{"arn:${Partition}:s3:::${BucketName}"}, a.Service.Details().Resource("bucket").ARNFormats); diff != "" {
			t.Errorf("ARN formats -want +got:\n%s", diff)
		}
	})
	t.Run("reads what an operation is authorized by", func(t *testing.T) {
		want := []catalog.AuthorizedAction{
			{Service: "s3", Name: "ListBucket"},
		}
		if diff := cmp.Diff(want, c.Service("s3").Details().Operation("HeadBucket").Authorized); diff != "" {
			t.Errorf("-want +got:\n%s", diff)
		}
	})
	t.Run("reads what a role is passed to", func(t *testing.T) {
		var passed []catalog.AuthorizedAction
		for _, a := range c.Service("lambda").Details().Operation("CreateFunction").Authorized {
			if a.Service == "iam" {
				passed = append(passed, a)
			}
		}
		want := []catalog.AuthorizedAction{{Service: "iam", Name: "PassRole", PassedTo: []string{"lambda.amazonaws.com"}}}
		if diff := cmp.Diff(want, passed); diff != "" {
			t.Errorf("-want +got:\n%s", diff)
		}
	})
}

// one wraps actions into a file of service x.
func one(version, actions string) string {
	return `{"Name":"x","Version":"` + version + `","Actions":[` + actions + `]}`
}

func TestReadFSRefuses(t *testing.T) {
	index := `[{"service":"x","url":"https://h/v1/x/x.json"},{"service":"y","url":"https://h/v1/y/y.json"}]`
	for _, tt := range []struct {
		name  string
		files map[string]string
		want  string // part of the error
	}{
		{"an empty folder", nil, "no AWS Service Reference files"},
		{"a folder without .json files", map[string]string{"README.md": "x"}, "no AWS Service Reference files"},
		{"another major version", map[string]string{"x.json": one("v2.0", "")}, `folder/x.json: Version "v2.0": this pare reads v1.x`},
		{"a version that only starts like ours", map[string]string{"x.json": one("v14", "")}, `Version "v14"`},
		{"no version", map[string]string{"x.json": `{"Name":"x","Actions":[]}`}, `Version ""`},
		{"a name that isn't the file's", map[string]string{"y.json": one("v1.4", "")}, `folder/y.json: Name "x": want "y"`},
		{"a file of something else", map[string]string{"x.json": `{}`}, "not an AWS Service Reference file"},
		{"a file that is cut short", map[string]string{"x.json": "{\"Name\":\"x\",\n\"Version\":\"v1.4\",\"Act"}, "folder/x.json:2:"},
		{"actions of the wrong type, with the place", map[string]string{"x.json": "{\"Name\":\"x\",\n \"Actions\":{}}"}, "folder/x.json:2:12: /Actions: found an object, want an array"},
		{"a flag of the wrong type", map[string]string{"x.json": one("v1.4", `{"Name":"A","SupportedBy":{"IAM Action Last Accessed":"yes"}}`)}, "/Actions/0/SupportedBy/IAM Action Last Accessed: found a string, want true or false"},
		{"a service in two files", map[string]string{"x.json": one("v1.4", ""), "v1/x/x.json": one("v1.4", "")}, "service x is also in folder/v1/x/x.json"},
		{"an action that IAM can't hold", map[string]string{"x.json": one("v1.4", `{"Name":"Get*"}`)}, `action "Get*" of x`},
		{"an action without a name", map[string]string{"x.json": one("v1.4", `{}`)}, `action "" of x`},
		{"a service that the index has and the folder hasn't", map[string]string{"x.json": one("v1.4", ""), "index.json": index}, "the index lists services without a file: y"},
		{"an empty index", map[string]string{"x.json": one("v1.4", ""), "index.json": "[]"}, "folder/index.json: no services"},
		{"an index of something else", map[string]string{"x.json": one("v1.4", ""), "index.json": "[1]"}, "folder/index.json:1:2: /0: found a number, want an object"},
		{"a text of two lines", map[string]string{"x.json": `{"Name":"x","Version":"v1.4","Operations":[{"Name":"a\nb"}]}`}, `"a\nb" of service x: want one line`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := catalog.ReadFS("folder", mapFS(tt.files))
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %v\nwant    %s", err, tt.want)
			}
		})
	}
}

func mapFS(files map[string]string) fstest.MapFS {
	fsys := fstest.MapFS{}
	for name, text := range files {
		fsys[name] = &fstest.MapFile{Data: []byte(text)}
	}
	return fsys
}

func TestReadFSAccepts(t *testing.T) {
	for _, tt := range []struct {
		name  string
		files map[string]string
		want  string // Facts in short
	}{
		{"unknown fields", map[string]string{"x.json": `{"Name":"x","Version":"v1.9","New":[1],"Actions":[{"Name":"Get","New":{}}]}`}, "x:Get Unknown untracked"},
		{"missing arrays", map[string]string{"x.json": `{"Name":"x","Version":"v1.4"}`}, ""},
		{"null arrays", map[string]string{"x.json": `{"Name":"x","Version":"v1.4","Actions":null,"Resources":null}`}, ""},
		{"a byte order mark", map[string]string{"x.json": "\ufeff" + one("v1", `{"Name":"Get"}`)}, "x:Get Unknown untracked"},
		{"the layout of the endpoint", map[string]string{"v1/x/x.json": one("v1.4", `{"Name":"Get"}`), "v1/mapping.json": `{"SDK":{}}`}, "x:Get Unknown untracked"},
		{"other files beside", map[string]string{"x.json": one("v1.4", `{"Name":"Get"}`), "LICENSE": "MIT"}, "x:Get Unknown untracked"},
		{"no properties as an unknown level", map[string]string{"x.json": one("v1.4", `{"Name":"Get","Annotations":{}}`)}, "x:Get Unknown untracked"},
		{"empty properties as read", map[string]string{"x.json": one("v1.4", `{"Name":"Get","Annotations":{"Properties":{}}}`)}, "x:Get Read untracked"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c, err := catalog.ReadFS("folder", mapFS(tt.files))
			if err != nil {
				t.Fatal(err)
			}
			var lines []string
			for id := range c.Len() {
				a := c.Action(id)
				lines = append(lines, a.String()+" "+a.Level.String()+" "+a.Tracked.String())
			}
			if diff := cmp.Diff(tt.want, strings.Join(lines, "\n")); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

func TestReadFSKeepsTheFirstOfNamesThatDifferInCaseAlone(t *testing.T) {
	tracked := `,"SupportedBy":{"IAM Action Last Accessed":true}}`
	c, err := catalog.ReadFS("folder", mapFS(map[string]string{
		"x.json": one("v1.4", `{"Name":"GetIt"`+tracked+`,{"Name":"getit"},{"Name":"Put"`+tracked+`,{"Name":"Put"`+tracked),
	}))
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"folder: action x:GetIt is given twice (getit); the first is kept",
		"folder: action x:Put is given twice (Put); the first is kept",
	}
	if diff := cmp.Diff(want, c.Warnings()); diff != "" {
		t.Errorf("warnings -want +got:\n%s", diff)
	}
	if c.Len() != 2 || c.Lookup("x", "getit").Name != "GetIt" {
		t.Errorf("%d actions, x:getit is %s", c.Len(), c.Lookup("x", "getit"))
	}
	if c.Lookup("x", "GetIt").Tracked != 0 || c.Lookup("x", "Put").Tracked != catalog.LastAccessed {
		t.Error("want only the tracking that both entries state")
	}
}

func TestReadFSDate(t *testing.T) {
	src := []byte(one("v1.4", ""))
	modified := time.Date(2026, 3, 4, 23, 0, 0, 0, time.UTC)
	for _, tt := range []struct {
		name, folder string
		files        fstest.MapFS
		want         string
	}{
		{"is in the folder's name", "aws-service-reference-20260213", fstest.MapFS{"x.json": {Data: src, ModTime: modified}}, "2026-02-13"},
		{"is in the archive's name, with hyphens", "/downloads/ref-2026-02-13.tar.gz", fstest.MapFS{"x.json": {Data: src}}, "2026-02-13"},
		{"is in the name of a folder inside", "ref", fstest.MapFS{"sr/ref-20260213/x.json": {Data: src, ModTime: modified}}, "2026-02-13"},
		{"isn't a number that is no date", "ref-20269999", fstest.MapFS{"x.json": {Data: src}}, ""},
		{"isn't a part of a longer number", "ref-1202602131", fstest.MapFS{"x.json": {Data: src}}, ""},
		{"is the newest file's where no name has one", "ref", fstest.MapFS{"x.json": {Data: src, ModTime: modified}}, "2026-03-04"},
		{"is empty where nothing says", "ref", fstest.MapFS{"x.json": {Data: src}}, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c, err := catalog.ReadFS(tt.folder, tt.files)
			if err != nil {
				t.Fatal(err)
			}
			if c.Date() != tt.want || c.FactsDate() != tt.want {
				t.Errorf("date %q, facts %q, want %q", c.Date(), c.FactsDate(), tt.want)
			}
		})
	}
}

func TestReadFSReportsAFolderThatIsNotThere(t *testing.T) {
	if _, err := catalog.ReadFS("gone", os.DirFS("testdata/gone")); err == nil || !strings.HasPrefix(err.Error(), "gone: ") {
		t.Errorf("error %v", err)
	}
}
