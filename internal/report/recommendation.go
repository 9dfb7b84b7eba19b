package report

import (
	"fmt"
	"io"
	"slices"

	"github.com/pare-iam/pare/catalog"
	"github.com/pare-iam/pare/policy"
	"github.com/pare-iam/pare/prove"
	"github.com/pare-iam/pare/refine"
	"github.com/pare-iam/pare/usage"
)

// Recommendation is what became of one policy, and the proof.
type Recommendation struct {
	Name     string           // of the policy, for titles
	Catalog  *catalog.Catalog // that it was refined against
	Original *policy.Document
	Unused   usage.Unused
	Result   refine.Result
	Parts    []*policy.Document // the result split, when one policy is too large; else empty
	Proof    prove.Result       // of the parts together, if there are
	Limit    Limit
}

// Leaves says whether the result may leave as a recommendation: every claim about
// access is proved and, where one document takes the place of another, so is its shape.
func (r Recommendation) Leaves() bool {
	shaped := r.Result.Outcome == refine.Detach || len(r.Parts) > 0 || r.Proof.ShapeKept.Verdict == prove.Proved
	return r.Proof.Verdict == prove.Proved && shaped
}

// Documents are the policies to have in place of the original: none when it is to be
// detached, or when the result doesn't leave.
func (r Recommendation) Documents() []*policy.Document {
	if !r.Leaves() {
		return nil
	}
	return r.candidates()
}

// candidates are the policies that the proof is about.
func (r Recommendation) candidates() []*policy.Document {
	switch {
	case len(r.Parts) > 0:
		return r.Parts
	case r.Result.Document != nil:
		return []*policy.Document{r.Result.Document}
	}
	return nil
}

// Policy writes the recommended policy alone, its exact bytes: nothing when it is to be
// detached, or doesn't leave; one document after another when it is split.
func Policy(w io.Writer, r Recommendation) error {
	for i, doc := range r.Documents() {
		if i > 0 {
			if _, err := io.WriteString(w, "\n"); err != nil {
				return err
			}
		}
		if _, err := w.Write(doc.Bytes()); err != nil {
			return err
		}
	}
	return nil
}

// Warnings are what the reader should know, a line each: access that was kept or lost
// because something is unknown, and a policy that is too large.
func Warnings(r Recommendation) []string {
	var out []string
	for i := range r.Result.Notes {
		out = append(out, r.noteText(i))
	}
	return append(out, r.sizeWarnings()...)
}

func (r Recommendation) sizeWarnings() []string {
	limit := limits[r.Limit]
	if _, after := r.sizes(); r.Limit != Managed && r.Leaves() && !r.fits() {
		return []string{fmt.Sprintf("%d characters, more than the %d of %s: --compact writes it shorter; several managed policies have room for more (--limit managed --split)",
			after, limit.characters, limit.what)}
	}
	var out []string
	for _, doc := range r.Documents() {
		if size := doc.Size(); size > limit.characters {
			out = append(out, fmt.Sprintf("%d characters, and %s has room for %d: --compact writes it shorter, --split makes several policies of it",
				size, limit.what, limit.characters))
		}
	}
	return out
}

// proof is the proof and what it is about.
func (r Recommendation) proof() Proof {
	out := Proof{Catalog: r.Catalog, Old: r.Original, Unused: r.Unused, Result: r.Proof}
	out.New = r.candidates()
	return out
}

// verdict is the proof's, lowered to what the shape allows.
func (r Recommendation) verdict() prove.Verdict {
	if r.Proof.Verdict == prove.Proved && !r.Leaves() {
		return r.Proof.ShapeKept.Verdict
	}
	return r.Proof.Verdict
}

// sizes is the policy's size before and after, by IAM's rule, parts added up; 0 is no
// policy.
func (r Recommendation) sizes() (before, after int) {
	for _, doc := range r.candidates() {
		after += doc.Size()
	}
	return r.Original.Size(), after
}

// fits says whether each managed policy is within the limit, or all inline policies
// together are: to split those doesn't help.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
func (r Recommendation) fits() bool {
	if _, after := r.sizes(); r.Limit != Managed {
		return after <= r.Limit.Characters()
	}
	return !slices.ContainsFunc(r.candidates(), func(doc *policy.Document) bool { return doc.Size() > r.Limit.Characters() })
}

// Limit is what a policy is attached as, which limits its size. The zero value is a
// managed policy.
type Limit uint8

// The limits.
const (
	Managed Limit = iota
	RoleInline
	UserInline
	GroupInline
)

var limits = [...]struct {
	name, what string
	characters int
}{
	Managed:     {"managed", "a managed policy", policy.ManagedLimit},
	RoleInline:  {"role", "all inline policies of a role together", policy.RoleInlineLimit},
	UserInline:  {"user", "all inline policies of a user together", policy.UserInlineLimit},
	GroupInline: {"group", "all inline policies of a group together", policy.GroupInlineLimit},
}

// ParseLimit reads managed, role, user or group.
func ParseLimit(name string) (Limit, bool) {
	for i, l := range limits {
		if l.name == name {
			return Limit(i), true
		}
	}
	return Managed, false
}

func (l Limit) String() string { return limits[l].name }

// Characters is how many characters fit, white space not counted.
func (l Limit) Characters() int { return limits[l].characters }
