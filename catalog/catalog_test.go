package catalog_test

import (
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pare-iam/pare/catalog"
)

// reference reads the small copy of AWS's files.
func reference(t testing.TB) *catalog.Catalog {
	t.Helper()
	c, err := catalog.ReadFS("reference-20260213", os.DirFS("testdata/reference-20260213"))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestLookup(t *testing.T) {
	c := reference(t)
	for _, tt := range []struct {
		name, service, action string
		want                  string // "" when unknown
	}{
		{"finds AWS's own casing", "s3", "GetObject", "s3:GetObject"},
		{"finds any casing of the service and the action", "S3", "getOBJECT", "s3:GetObject"},
		{"finds names that start in lower case", "cloudsearch", "SEARCH", "cloudsearch:search"},
		{"finds a name with a hyphen", "vpc-lattice", "associateviaawsservice-eventsandstates", "vpc-lattice:AssociateViaAWSService-EventsAndStates"},
		{"finds a service with a hyphen and a single action", "RDS-DB", "Connect", "rds-db:connect"},
		{"finds the first action of the first service", "cloudsearch", "DescribeDomains", "cloudsearch:DescribeDomains"},
		{"finds the last action of the last service", "vpc-lattice", "GetService", "vpc-lattice:GetService"},
		{"doesn't know a prefix of a name", "s3", "GetObj", ""},
		{"doesn't know a name with more behind it", "s3", "GetObjects", ""},
		{"doesn't know a pattern", "s3", "Get*", ""},
		{"doesn't know an action of another service", "s3", "CreateRole", ""},
		{"doesn't know a service", "s4", "GetObject", ""},
		{"doesn't know the empty service", "", "GetObject", ""},
		{"doesn't know the empty action", "s3", "", ""},
		{"doesn't know letters that fold into ASCII", "s3", "\u212aetObject", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := ""
			if a := c.Lookup(tt.service, tt.action); a != nil {
				got = a.String()
			}
			if got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestActionsHaveDenseIDsInServiceOrder(t *testing.T) {
	for _, c := range []*catalog.Catalog{reference(t), catalog.Embedded()} {
		id := 0
		for _, s := range c.Services() {
			if s.First != id {
				t.Fatalf("%s: first id %d, want %d", s.Prefix, s.First, id)
			}
			for i := range s.Actions {
				if a := c.Action(id); a != &s.Actions[i] || a.ID != id || a.Service != s || a.Lower != strings.ToLower(a.Name) {
					t.Fatalf("action %d: %+v", id, a)
				}
				id++
			}
		}
		if id != c.Len() {
			t.Errorf("%d actions in services, want %d", id, c.Len())
		}
	}
}

func TestEveryActionIsFoundByItsOwnName(t *testing.T) {
	c := catalog.Embedded()
	for id := range c.Len() {
		a := c.Action(id)
		if c.Lookup(strings.ToUpper(a.Service.Prefix), strings.ToUpper(a.Name)) != a {
			t.Errorf("%s isn't found", a)
		}
	}
}

func TestZeroCatalogKnowsNothing(t *testing.T) {
	var c catalog.Catalog
	if c.Lookup("s3", "GetObject") != nil || c.Service("s3") != nil || c.Len() != 0 || c.Services() != nil {
		t.Error("the zero catalog knows something")
	}
	var a catalog.Action
	if got := a.Level.String() + ", " + a.Tracked.String(); got != "Unknown, untracked" {
		t.Errorf("zero facts: %s", got)
	}
}

func TestWithDate(t *testing.T) {
	c := reference(t)
	later, err := c.WithDate("2026-05-01")
	if err != nil {
		t.Fatal(err)
	}
	got := []string{c.Date(), c.FactsDate(), later.Date(), later.FactsDate()}
	if diff := cmp.Diff([]string{"2026-02-13", "2026-02-13", "2026-05-01", "2026-05-01"}, got); diff != "" {
		t.Errorf("dates -want +got:\n%s", diff)
	}
	if _, err := c.WithDate("1 May"); err == nil || !strings.Contains(err.Error(), "want YYYY-MM-DD") {
		t.Errorf("error %v", err)
	}
}

func TestEmbedded(t *testing.T) {
	c := catalog.Embedded()
	t.Run("is dated, and its tracked flags are older", func(t *testing.T) {
		got := []string{c.Source(), c.Date(), catalog.EmbeddedDate(), c.FactsDate()}
		if diff := cmp.Diff([]string{"embedded", "2026-09-26", "2026-09-26", "2026-02-13"}, got); diff != "" {
			t.Errorf("-want +got:\n%s", diff)
		}
	})
	t.Run("knows the actions of a service", func(t *testing.T) {
		if got := len(c.Service("s3").Actions); got < 168 {
			t.Errorf("%d actions of s3, want at least 168", got)
		}
	})
	t.Run("keeps actions that only the older source has", func(t *testing.T) {
		if a := c.Lookup("aws-mcp", "InvokeMcp"); a == nil {
			t.Error("aws-mcp:InvokeMcp isn't known")
		}
	})
	t.Run("leaves actions that only the newer source has untracked", func(t *testing.T) {
		a := c.Lookup("s3files", "CreateFileSystem")
		if a == nil || a.Tracked != 0 || a.Level != catalog.LevelWrite {
			t.Errorf("s3files:CreateFileSystem: %+v", a)
		}
	})
	t.Run("tracks what AWS tracks", func(t *testing.T) {
		tracked := map[string]catalog.Tracking{}
		for _, name := range []string{"GetObject", "PutBucketPolicy"} {
			tracked[name] = c.Lookup("s3", name).Tracked
		}
		tracked["PassRole"] = c.Lookup("iam", "PassRole").Tracked
		want := map[string]catalog.Tracking{"GetObject": 0, "PassRole": 0, "PutBucketPolicy": catalog.LastAccessed | catalog.PolicyGeneration}
		if diff := cmp.Diff(want, tracked); diff != "" {
			t.Errorf("-want +got:\n%s", diff)
		}
	})
	t.Run("decodes the details of every service", func(t *testing.T) {
		operations := 0
		for _, s := range c.Services() {
			d := s.Details()
			operations += len(d.Operations)
			if len(d.Actions) != len(s.Actions) {
				t.Errorf("%s: details of %d actions, want %d", s.Prefix, len(d.Actions), len(s.Actions))
			}
		}
		if operations < 17_000 {
			t.Errorf("%d operations, want more than 17,000", operations)
		}
	})
	t.Run("has no names that differ in case alone", func(t *testing.T) {
		for _, s := range c.Services() {
			sorted := slices.IsSortedFunc(s.Actions, func(a, b catalog.Action) int { return strings.Compare(a.Lower, b.Lower) })
			if !sorted || len(slices.CompactFunc(slices.Clone(s.Actions), func(a, b catalog.Action) bool { return a.Lower == b.Lower })) != len(s.Actions) {
				t.Errorf("%s: actions out of order or twice", s.Prefix)
			}
		}
	})
}

func TestCatalogIsSafeForConcurrentUse(t *testing.T) {
	c, err := catalog.Read("snapshot", snapshotOf(t, reference(t)))
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan int)
	for range 4 {
		go func() {
			n := 0
			for _, s := range c.Services() {
				n += len(s.Details().Operations)
			}
			done <- n
		}()
	}
	first := <-done
	for range 3 {
		if n := <-done; n != first {
			t.Errorf("%d operations, then %d", first, n)
		}
	}
}
