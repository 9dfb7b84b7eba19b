package store_test

import (
	"errors"
	"testing"

	"github.com/pare-iam/pare/finding"
	"github.com/pare-iam/pare/internal/store"
)

// TestAChangeThatIsAskedForAgainIsMadeOnce asks for each change twice with the same token, and
// then for something else with it.
func TestAChangeThatIsAskedForAgainIsMadeOnce(t *testing.T) {
	rule := finding.ArchiveRule{Name: "roles", Filter: finding.Filter{"resourceType": {Eq: []string{"AWS::IAM::Role"}}}}
	changes := []struct {
		name string
		do   func(s *store.Store, by store.By) error
	}{
		{"CreateArchiveRule", func(s *store.Store, by store.By) error { return s.CreateRule(t.Context(), by, theARN, rule, "") }},
		{"UpdateArchiveRule", func(s *store.Store, by store.By) error { return s.UpdateRule(t.Context(), by, theARN, rule) }},
		{"UpdateFindings", func(s *store.Store, by store.By) error {
			return again(s.SetStatusOf(t.Context(), by, theARN, finding.Archived, "arn:aws:iam::123456789012:role/R"))
		}},
		{"ApplyArchiveRule", func(s *store.Store, by store.By) error { return again(s.ApplyRule(t.Context(), by, theARN, "roles")) }},
		{"DeleteArchiveRule", func(s *store.Store, by store.By) error { return s.DeleteRule(t.Context(), by, theARN, "roles") }},
		{"DeleteAnalyzer", func(s *store.Store, by store.By) error { return s.DeleteAnalyzer(t.Context(), by, theARN, "") }},
	}
	conform(t, func(t *testing.T, s *store.Store) {
		for n, c := range changes {
			first := by(n + 2)
			first.Ask = store.Ask{Token: "t", Operation: c.name, Input: [32]byte{1}}
			check(t, c.do(s, first))
			before := len(must(s.AuditLog(t.Context(), "", store.Page{}))(t).Items)
			check(t, c.do(s, first))
			if after := len(must(s.AuditLog(t.Context(), "", store.Page{}))(t).Items); after != before {
				t.Errorf("%s: done again: %d entries, then %d", c.name, before, after)
			}
			other := first
			other.Ask.Input = [32]byte{2}
			if err := c.do(s, other); !errors.Is(err, store.ErrReused) || !errors.Is(err, store.ErrConflict) {
				t.Errorf("%s with the token of another: %v", c.name, err)
			}
		}
	})
}

func TestAChangeThatFailedMayBeAskedForAgain(t *testing.T) {
	conform(t, func(t *testing.T, s *store.Store) {
		asked := by(2)
		asked.Ask = store.Ask{Token: "t", Operation: "DeleteArchiveRule", Input: [32]byte{1}}
		if err := s.DeleteRule(t.Context(), asked, theARN, "r"); !errors.Is(err, store.ErrNotFound) {
			t.Fatal(err)
		}
		check(t, s.CreateRule(t.Context(), by(2), theARN, finding.ArchiveRule{Name: "r", Filter: finding.Filter{"id": {Eq: []string{"1"}}}}, ""))
		check(t, s.DeleteRule(t.Context(), asked, theARN, "r"))
	})
}
