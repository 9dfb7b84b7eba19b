package notify_test

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"flag"
	"io"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	godiff "github.com/google/go-cmp/cmp"

	"github.com/pare-iam/pare/analyzer"
	"github.com/pare-iam/pare/catalog"
	"github.com/pare-iam/pare/finding"
	"github.com/pare-iam/pare/internal/notify"
	"github.com/pare-iam/pare/internal/samplegen"
	"github.com/pare-iam/pare/internal/snapshot"
	"github.com/pare-iam/pare/usage"
)

var update = flag.Bool("update", false, "write the golden files anew")

const (
	account  = "111122223333"
	region   = "eu-west-1"
	analyzed = "arn:aws:access-analyzer:eu-west-1:111122223333:analyzer/unused"
)

// sample are the findings of the sample account that is built in.
var sample = sync.OnceValues(func() ([]finding.Finding, error) {
	dir, err := os.MkdirTemp("", "notify")
	if err != nil {
		return nil, err
	}
	found, err := analyze(dir)
	return found, errors.Join(err, os.RemoveAll(dir))
})

func analyze(dir string) ([]finding.Finding, error) {
	options := samplegen.Demo()
	err := samplegen.New(catalog.Embedded(), options).Snapshot(func(name string, content func(io.Writer) error) error {
		path := filepath.Join(dir, filepath.FromSlash(name))
		var b bytes.Buffer
		return errors.Join(os.MkdirAll(filepath.Dir(path), 0o777), content(&b), os.WriteFile(path, b.Bytes(), 0o666))
	})
	if err != nil {
		return nil, err
	}
	folder, err := snapshot.Open(dir)
	if err != nil {
		return nil, err
	}
	inventory, _, err := folder.Inventory()
	if err != nil {
		return nil, err
	}
	evidence, err := folder.Evidence(context.Background(), catalog.Embedded(), inventory, snapshot.EvidenceOptions{})
	if err != nil {
		return nil, err
	}
	window := usage.Window{Age: 90 * usage.Day, Now: options.Now}
	analysis, err := analyzer.New(analyzer.Input{Account: inventory, Catalog: catalog.Embedded(), Window: window, Sources: evidence.Of}, analyzer.Settings{})
	if err != nil {
		return nil, err
	}
	var found []finding.Finding
	_, err = analysis.Findings(func(f finding.Finding) error {
		found = append(found, f)
		return nil
	})
	return found, err
}

func sampleFindings(t testing.TB) []finding.Finding {
	t.Helper()
	found, err := sample()
	if err != nil {
		t.Fatal(err)
	}
	return slices.Clone(found)
}

// life is a change of each kind: one finding of each type is new, the smallest of each; then
// the role is archived by hand, the permissions are fewer, the password is resolved and
// comes back, the key's finding is deleted.
func life(t testing.TB) []notify.Change {
	t.Helper()
	smallest := map[finding.Type]finding.Finding{}
	for _, f := range sampleFindings(t) {
		if known, ok := smallest[f.Type]; !ok || actions(f) > 0 && actions(f) < actions(known) {
			smallest[f.Type] = f
		}
	}
	var out []notify.Change
	add := func(kind finding.Type, previous, status finding.Status, version int) *notify.Change {
		f, ok := smallest[kind]
		if !ok {
			t.Fatalf("the sample has no %s", kind)
		}
		f.Status = status
		at := f.AnalyzedAt.Add(time.Duration(version) * time.Hour)
		if version > 1 {
			f.UpdatedAt = at
		}
		out = append(out, notify.Change{
			Finding: f, Previous: previous, Version: version, Analyzer: analyzed, Region: region, At: at,
		})
		return &out[len(out)-1]
	}
	for _, kind := range finding.Types() {
		add(kind, "", finding.Active, 1)
	}
	add(finding.UnusedIAMRole, finding.Active, finding.Archived, 2)
	fewer := add(finding.UnusedPermission, finding.Active, finding.Active, 2)
	fewer.Finding.Permissions = fewer.Finding.Permissions[1:]
	add(finding.UnusedIAMUserPassword, finding.Active, finding.Resolved, 2)
	add(finding.UnusedIAMUserPassword, finding.Resolved, finding.Active, 3)
	add(finding.UnusedIAMUserAccessKey, finding.Active, finding.Active, 2).Deleted = true
	return out
}

func actions(f finding.Finding) int {
	n := 0
	for _, p := range f.Permissions {
		n += len(p.Actions)
	}
	return n
}

// roles are changes of so many findings of their own.
func roles(n int) []notify.Change {
	at := time.Date(2026, 11, 23, 9, 30, 0, 0, time.UTC)
	out := make([]notify.Change, n)
	for i := range out {
		name := "r" + string(rune('a'+i/26%26)) + string(rune('a'+i%26))
		out[i] = notify.Change{
			Finding: finding.Finding{
				ID: name, Type: finding.UnusedIAMRole, Status: finding.Active, Account: account,
				Resource: "arn:aws:iam::" + account + ":role/" + name, CreatedAt: at, UpdatedAt: at, AnalyzedAt: at,
			},
			Version: 1, At: at, Analyzer: analyzed, Region: region,
		}
	}
	return out
}

// golden compares with a file, or writes it.
func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, got, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := godiff.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s: -want +got (go test ./internal/notify -update rewrites it)\n%s", path, diff)
	}
}

// told are the failures in a form to compare: id, code, reason, and whether for good.
func told(failures []notify.Failure) []string {
	var out []string
	for _, f := range failures {
		text := f.Error()
		if f.Final {
			text += " (for good)"
		}
		out = append(out, text)
	}
	slices.SortFunc(out, cmp.Compare)
	return out
}
