package notify_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pare-iam/pare/internal/notify"
)

// Two changes have one key only if they are one: another analyzer, finding, version or time
// each makes another. What the finding says doesn't.
func TestKeyNamesTheChange(t *testing.T) {
	one := roles(1)[0]
	again, version, id, analyzer, later := one, one, one, one, one
	again.Finding.Sources = []string{"iam"}
	later.At = later.At.Add(time.Microsecond)
	version.Version = 2
	id.Finding.ID = "other"
	analyzer.Analyzer += "-180"
	if one.Key() != again.Key() || len(one.Key()) != 32 {
		t.Errorf("the same change has the keys %s and %s", one.Key(), again.Key())
	}
	seen := map[string]bool{one.Key(): true}
	for _, c := range []notify.Change{version, id, analyzer, later} {
		if seen[c.Key()] {
			t.Errorf("another change has the key %s too", c.Key())
		}
		seen[c.Key()] = true
	}
}

func TestCheckSaysWhatIsMissing(t *testing.T) {
	const arn = `want an ARN, such as "arn:aws:iam::123456789012:role/Name"`
	for _, tt := range []struct {
		name  string
		spoil func(*notify.Change)
		want  string
	}{
		{"a whole one", func(*notify.Change) {}, ""},
		{"an analyzer by name", func(c *notify.Change) { c.Analyzer = "unused" }, `analyzer "unused": ` + arn},
		{"no id", func(c *notify.Change) { c.Finding.ID = "" }, "a finding without an id"},
		{"no version", func(c *notify.Change) { c.Version = 0 }, "finding raa: version 0: want 1 or more"},
		{"no time", func(c *notify.Change) { c.At = time.Time{} }, "finding raa: no time of the change"},
		{"no region", func(c *notify.Change) { c.Region = "" }, "finding raa: no region: want the analyzer's, such as us-east-1"},
		{"no account", func(c *notify.Change) { c.Finding.Account = "" }, "finding raa: no account"},
		{"a type of external access", func(c *notify.Change) { c.Finding.Type = "ExternalAccess" }, `finding raa: unknown type "ExternalAccess"`},
		{"no status", func(c *notify.Change) { c.Finding.Status = "" }, `finding raa: unknown status ""`},
		{"a role by name", func(c *notify.Change) { c.Finding.Resource = "app" }, `finding raa: resource "app": ` + arn},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := roles(1)[0]
			tt.spoil(&c)
			got := ""
			if err := c.Check(); err != nil {
				got = err.Error()
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
		})
	}
	for _, f := range sampleFindings(t) {
		c := roles(1)[0]
		c.Finding = f
		if err := c.Check(); err != nil {
			t.Errorf("a finding of the sample: %v", err)
		}
	}
}

func TestFailureSaysWhichFindingAndWhy(t *testing.T) {
	c := roles(1)[0]
	got := []string{
		notify.Failure{Change: c, Reason: "no route"}.Error(),
		notify.Failure{Change: c, Code: "503", Reason: "busy"}.Error(),
	}
	if want := "finding raa: no route|finding raa: 503: busy"; strings.Join(got, "|") != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
