package analyzer_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pare-iam/pare/analyzer"
	"github.com/pare-iam/pare/catalog"
	"github.com/pare-iam/pare/finding"
	"github.com/pare-iam/pare/policy"
	"github.com/pare-iam/pare/refine"
)

// everyOther is the evidence that of some services every n-th action is used, and the
// others aren't. Refined policies get long by it.
func everyOther(c *catalog.Catalog, n int, services ...string) listed {
	out := listed{actions: map[policy.Action]bool{}}
	for _, prefix := range services {
		for i, a := range c.Service(prefix).Actions {
			if i%n != 0 {
				out.actions[policy.Action{Service: prefix, Name: a.Lower}] = true
			}
		}
	}
	return out
}

// big is a world with the catalog of all services.
func big(t testing.TB) *world {
	w := newWorld(t)
	w.input.Catalog = catalog.Embedded()
	return w
}

func TestManagedPoliciesAreMadeToFit(t *testing.T) {
	w := big(t)
	r := w.role("r", everyOther(w.input.Catalog, 2, "ec2", "iam"))
	w.managed("aws", "Large", allow(t, "ec2:*", "iam:*"), &r.Entity)
	w.managed("aws", "Middle", allow(t, "iam:*"), &r.Entity)
	got := w.recommend(r.ARN)
	if got.Outcome != finding.Succeeded {
		t.Fatalf("%s: %s", got.Outcome, got.Error)
	}
	large, middle := got.Policies[0], got.Policies[1]
	if n := len(large.Parts); n < 2 || n != len(large.Names) || large.Compacted {
		t.Errorf("%d parts, %d names, compacted: %v", n, len(large.Names), large.Compacted)
	}
	if len(middle.Parts) > 0 || middle.Compacted {
		t.Errorf("a policy that fits: %d parts, compacted: %v", len(middle.Parts), middle.Compacted)
	}
	for _, p := range got.Policies {
		proved(t, p.Name, p.Refinement)
		for _, doc := range p.Documents() {
			if doc.Size() > policy.ManagedLimit {
				t.Errorf("%s: %d characters", p.Name, doc.Size())
			}
		}
	}
	if want := []string{"Large-recommended", "Large-recommended-2"}; !cmp.Equal(want, large.Names[:2]) {
		t.Errorf("names: %v", large.Names)
	}
	want := []string{fmt.Sprintf("divided into %d policies, to fit", len(large.Parts))}
	if diff := cmp.Diff(want, noteTexts(large.Notes)); diff != "" {
		t.Errorf("notes: -want +got\n%s", diff)
	}
}

// In place there is room for one policy only.
func TestInPlaceIsNeverSplit(t *testing.T) {
	w := big(t)
	r := w.role("r", everyOther(w.input.Catalog, 2, "ec2", "iam"))
	w.customer("Large", allow(t, "ec2:*", "iam:*"), &r.Entity)
	p := w.recommend(r.ARN).Policies[0]
	if p.Problem != "" || len(p.Parts) < 2 {
		t.Errorf("for this role: %d parts, %q", len(p.Parts), p.Problem)
	}
	if want := fmt.Sprintf("it takes %d policies to fit", len(p.Parts)); p.InPlace.Problem != want || p.InPlace.Changes() {
		t.Errorf("in place: %q, want %q", p.InPlace.Problem, want)
	}
}

// A NotAction list can't be divided.
func TestWhatCantBeMadeToFitFails(t *testing.T) {
	w := big(t)
	source := everyOther(w.input.Catalog, 2, "ec2", "iam", "s3")
	r := w.role("r", source)
	w.managed("aws", "AllBut", parse(t, `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","NotAction":["sts:*"],"Resource":"*"}]}`), &r.Entity)
	w.managed("aws", "Small", allow(t, "s3:Get*"), &r.Entity)
	got := w.recommend(r.ARN)
	if want := "AWS managed policy AllBut: too large for managed policies: "; got.Outcome != finding.Failed || !strings.HasPrefix(got.Error, want) {
		t.Errorf("%s: %q, want it to begin %q", got.Outcome, got.Error, want)
	}
	var about []string
	for _, s := range got.Steps {
		about = append(about, string(s.Action)+" "+s.ExistingPolicyID)
	}
	want := []string{"CREATE_POLICY arn:aws:iam::aws:policy/Small", "DETACH_POLICY arn:aws:iam::aws:policy/Small"}
	if diff := cmp.Diff(want, about); diff != "" {
		t.Errorf("steps: -want +got\n%s", diff)
	}
}

func TestInlinePoliciesFitTogether(t *testing.T) {
	c := catalog.Embedded()
	tests := []struct {
		name     string
		user     bool
		policies [][]string
		n        int // every n-th action is used
		as       []finding.PolicyKind
		compact  []bool
		notes    [][]string
	}{
		{"with room for all", false, [][]string{{"sqs:*"}, {"sns:*"}}, 2,
			[]finding.PolicyKind{finding.InlinePolicy, finding.InlinePolicy}, []bool{false, false}, [][]string{nil, nil}},
		{"one grows beyond what a user has room for, and is written shorter", true, [][]string{{"sqs:*"}, {"iam:*"}}, 2,
			[]finding.PolicyKind{finding.InlinePolicy, finding.InlinePolicy}, []bool{false, true}, [][]string{nil, {"written shorter than usual, to fit"}}},
		{"that isn't short enough", true, [][]string{{"sqs:*"}, {"ec2:Describe*", "ec2:Get*"}}, 2,
			[]finding.PolicyKind{finding.InlinePolicy, finding.CustomerPolicy}, []bool{true, false}, [][]string{{"written shorter than usual, to fit"}, {"to become a managed policy: the inline policies have no room for it"}}},
		{"the one that grows most gives way", true, [][]string{{"iam:*"}, {"ec2:*"}}, 3,
			[]finding.PolicyKind{finding.InlinePolicy, finding.CustomerPolicy}, []bool{true, true}, [][]string{
				{"written shorter than usual, to fit"},
				{"to become a managed policy: the inline policies have no room for it", "written shorter than usual, to fit"},
			}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := big(t)
			source := everyOther(c, tt.n, "ec2", "iam", "sns", "sqs")
			e := &w.role("r", source).Entity
			limit := policy.RoleInlineLimit
			if tt.user {
				e, limit = &w.user("u", source).Entity, policy.UserInlineLimit
			}
			for i, actions := range tt.policies {
				inline(e, fmt.Sprintf("p%d", i), allow(t, actions...))
			}
			got := w.recommend(e.ARN)
			total := 0
			for i, p := range got.Policies {
				proved(t, p.Name, p.Refinement)
				if p.Result.Outcome != refine.Refined || p.As != tt.as[i] || p.Compacted != tt.compact[i] {
					t.Errorf("%s: %s as %s, compacted: %v", p.Name, p.Result.Outcome, p.As, p.Compacted)
				}
				if diff := cmp.Diff(tt.notes[i], noteTexts(p.Notes)); diff != "" {
					t.Errorf("%s: notes: -want +got\n%s", p.Name, diff)
				}
				for _, doc := range p.Documents() {
					if p.As == finding.InlinePolicy {
						total += doc.Size()
					} else if doc.Size() > policy.ManagedLimit {
						t.Errorf("%s: %d characters", p.Name, doc.Size())
					}
				}
			}
			if got.Outcome != finding.Succeeded || total > limit {
				t.Errorf("%s %s: %d characters inline, limit %d", got.Outcome, got.Error, total, limit)
			}
		})
	}
}

func TestRoomOnTheWay(t *testing.T) {
	w := newWorld(t)
	u := w.user("u", tracking([]string{"s3"}, "s3:GetObject"))
	long := allow(t, append(slicesOf("s3:GetObject", 90), "s3:PutObject")...)
	inline(&u.Entity, "long", long)
	for i := range 10 {
		w.customer(fmt.Sprintf("p%d", i), allow(t, "s3:GetObject", "s3:PutObject"), &u.Entity)
	}
	got := w.recommend(u.ARN)
	for i, p := range got.Policies {
		want := []string{"on the way 11 managed policies are attached: the quota is 10 unless it was raised"}
		if i == 10 {
			want = []string{"the old and the new inline policies don't fit together in 2048 characters: put the new text under the old name"}
		}
		if diff := cmp.Diff(want, noteTexts(p.Notes)); diff != "" {
			t.Errorf("%s: -want +got\n%s", p.Name, diff)
		}
	}
}

func slicesOf(s string, n int) []string { return strings.Split(strings.Repeat(s+" ", n-1)+s, " ") }

func TestLongNames(t *testing.T) {
	w := newWorld(t)
	r := w.role("r", tracking([]string{"s3"}, "s3:GetObject"))
	name := strings.Repeat("n", 128)
	w.customer(name, allow(t, "s3:GetObject", "s3:PutObject"), &r.Entity)
	w.customer(name[:116]+"-recommended", allow(t, "s3:GetObject"))
	p := w.recommend(r.ARN).Policies[0]
	if want := []string{name[:114] + "-recommended-2"}; !cmp.Equal(want, p.Names) || len(p.Names[0]) != 128 {
		t.Errorf("got %v, want %v", p.Names, want)
	}
}

// A result that isn't proved doesn't leave, and says which claim fails.
func TestLeaves(t *testing.T) {
	if (analyzer.Refinement{Result: refine.Result{Outcome: refine.Refined}}).Leaves() {
		t.Error("what nobody proved leaves")
	}
}
