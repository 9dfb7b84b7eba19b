package notify

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/pare-iam/pare/finding"
	"github.com/pare-iam/pare/policy"
)

// Change is one step in the life of a finding, with the finding as it is after it.
type Change struct {
	Finding  finding.Finding
	Previous finding.Status // before the change; "" when the finding is new
	Version  int            // of the finding: 1 when it is new, one more with every change
	At       time.Time      // when it changed
	Analyzer string         // ARN of the analyzer that has the finding
	Region   string         // of the analyzer: "eu-west-1"
	Deleted  bool           // the finding is gone, with its analyzer or after its retention: the last change, which leaves the status
}

// Key names the change: 32 hexadecimal digits, the same however often it is told, and
// another for every change of every finding of every analyzer. A finding that comes back after
// it was removed counts its versions anew, and so the time is in it.
func (c Change) Key() string {
	const digits = 32
	sum := sha256.Sum256([]byte(c.subject() + "\n" + strconv.Itoa(c.Version) + "\n" + strconv.FormatInt(c.At.UnixMicro(), 10)))
	return hex.EncodeToString(sum[:])[:digits]
}

// subject names what the change is about: changes with the same one are told in order.
func (c Change) subject() string { return c.Analyzer + "\n" + c.Finding.ID }

// Check says what of a change is missing or out of range; such a change is never told.
func (c Change) Check() error {
	_, err := policy.ParseARN(c.Analyzer)
	switch {
	case err != nil:
		return fmt.Errorf("analyzer %q: %w", c.Analyzer, err)
	case c.Finding.ID == "":
		return errors.New("a finding without an id")
	case c.Version < 1:
		return fmt.Errorf("finding %s: version %d: want 1 or more", c.Finding.ID, c.Version)
	case c.At.IsZero():
		return fmt.Errorf("finding %s: no time of the change", c.Finding.ID)
	case c.Region == "":
		return fmt.Errorf("finding %s: no region: want the analyzer's, such as us-east-1", c.Finding.ID)
	case c.Finding.Account == "":
		return fmt.Errorf("finding %s: no account", c.Finding.ID)
	}
	return checkFinding(c.Finding)
}

func checkFinding(f finding.Finding) error {
	if !slices.Contains(finding.Types(), f.Type) {
		return fmt.Errorf("finding %s: unknown type %q", f.ID, f.Type)
	}
	if f.Status != finding.Active && f.Status != finding.Archived && f.Status != finding.Resolved {
		return fmt.Errorf("finding %s: unknown status %q", f.ID, f.Status)
	}
	if _, err := policy.ParseARN(f.Resource); err != nil {
		return fmt.Errorf("finding %s: resource %q: %w", f.ID, f.Resource, err)
	}
	return nil
}

// resource is the role or user. Check has seen that it parses.
func (c Change) resource() policy.ARN {
	arn, err := policy.ParseARN(c.Finding.Resource)
	if err != nil {
		panic(fmt.Sprintf("notify: an unchecked change: %v", err))
	}
	return arn
}

// unused counts the services that are unused as a whole, and the unused actions of others.
// Both are 0 unless the finding is of unused permissions.
func (c Change) unused() (services, actions int) {
	for _, p := range c.Finding.Permissions {
		if len(p.Actions) == 0 {
			services++
		}
		actions += len(p.Actions)
	}
	return services, actions
}

// updated is when the finding's status or details last changed.
func (c Change) updated() time.Time { return c.orAt(c.Finding.UpdatedAt) }

// created is when the finding was first found.
func (c Change) created() time.Time { return c.orAt(c.Finding.CreatedAt) }

// analyzed is when the role or user was last looked at.
func (c Change) analyzed() time.Time { return c.orAt(c.Finding.AnalyzedAt) }

// orAt is a time of the finding; one that isn't known is the change's.
func (c Change) orAt(t time.Time) time.Time {
	if t.IsZero() {
		return c.At
	}
	return t
}
