package report

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/pare-iam/pare/catalog"
	"github.com/pare-iam/pare/finding"
	"github.com/pare-iam/pare/prove"
	"github.com/pare-iam/pare/usage"
)

// Findings is the result of an analysis, in the form that all renderers of findings take.
// It is rendered as given: nothing is filtered or sorted by identity, so that the caller
// decides what is shown. The zero values of times mean "not known".
type Findings struct {
	Version     string    // of pare; may be empty
	Accounts    []Account // sorted by ID
	Window      usage.Window
	CollectedAt time.Time        // when the oldest of the data was collected
	Catalog     *catalog.Catalog // nil: none was needed
	Sources     []Source         // of evidence, sorted by name
	LookedAt    []Count          // what was judged: "roles", "users"
	NotJudged   []Count          // what wasn't, and why
	Findings    []finding.Finding
	Advice      []Advice // sorted by Resource
	Problems    []string // what couldn't be read, a line each: the result is partial
	Most        int      // how many findings of each type the table lists; 0: all
}

// Account is an AWS account.
type Account struct {
	ID    string // twelve digits
	Alias string // may be empty
}

// Source is a source of evidence.
type Source struct {
	Name   string // as in finding.Finding.Sources
	Covers string // what of the window it could have shown, in words: "38 of 40 principals, up to 2026-11-22"
}

// Count is how many of something there are.
type Count struct {
	What   string // plural: "roles"
	Why    string // "service-linked"; may be empty
	Number int
}

// Advice is what is recommended for one principal, with all that is needed to show it.
type Advice struct {
	finding.Recommendation
	Proof    prove.Verdict // of all its steps, each by itself
	Reason   string        // why it isn't proved, a line; "" when it is
	Before   int           // how many of the catalog's actions the policies grant
	After    int           // how many they grant after the steps
	Existing []Existing    // the policies that the steps name, for diffs
	Notes    []string      // what the reader should know: who else has a policy
}

// Existing is a policy as it is now.
type Existing struct {
	ID    string // as in finding.Step.ExistingPolicyID
	Group string // as in finding.Step.Group
	Kind  finding.PolicyKind
	Text  string
}

// Leaves says whether the steps may leave as a recommendation: there are any, or none are
// needed, and each is proved. Steps of a recommendation that failed leave too: they don't
// take away all that is unused, but what they do holds.
func (a Advice) Leaves() bool {
	return a.Proof == prove.Proved && (a.Outcome == finding.Succeeded || a.partial())
}

// partial says whether the steps leave something unused that a step is missing for.
func (a Advice) partial() bool { return a.Outcome == finding.Failed && len(a.Steps) > 0 }

// existing is a step's policy as it is now; ok is false if it isn't known.
func (a Advice) existing(s finding.Step) (policy Existing, ok bool) {
	i := slices.IndexFunc(a.Existing, func(e Existing) bool { return e.ID == s.ExistingPolicyID && e.Group == s.Group })
	if i < 0 {
		return Existing{}, false
	}
	return a.Existing[i], true
}

// adviceFor is the advice for a finding: only unused permissions have any.
func (r Findings) adviceFor(f finding.Finding) (Advice, bool) {
	if f.Type != finding.UnusedPermission {
		return Advice{}, false
	}
	i := slices.IndexFunc(r.Advice, func(a Advice) bool { return a.Resource == f.Resource })
	if i < 0 {
		return Advice{}, false
	}
	return r.Advice[i], true
}

// group is the findings of one type, active ones first, else in the order given.
type group struct {
	Type     finding.Type
	Findings []finding.Finding
}

// groups are the findings by type, those types that have any.
func (r Findings) groups() []group {
	var out []group
	for _, t := range finding.Types() {
		g := group{Type: t}
		for _, f := range r.Findings {
			if f.Type == t {
				g.Findings = append(g.Findings, f)
			}
		}
		slices.SortStableFunc(g.Findings, func(a, b finding.Finding) int {
			return cmp.Compare(slices.Index(statuses[:], a.Status), slices.Index(statuses[:], b.Status))
		})
		if len(g.Findings) > 0 {
			out = append(out, g)
		}
	}
	return out
}

// statuses in the order in which they are shown.
var statuses = [...]finding.Status{finding.Active, finding.Archived, finding.Resolved}

// with counts the findings of a type and status.
func (r Findings) with(t finding.Type, s finding.Status) int {
	n := 0
	for _, f := range r.Findings {
		if f.Type == t && f.Status == s {
			n++
		}
	}
	return n
}

// status counts the findings of a status.
func (r Findings) status(s finding.Status) int {
	n := 0
	for _, t := range finding.Types() {
		n += r.with(t, s)
	}
	return n
}

// statistics are the counts of the findings, as the API has them.
func (r Findings) statistics() finding.Statistics {
	var t finding.Tally
	for i := range r.Findings {
		t.Add(&r.Findings[i])
	}
	return t.Statistics()
}

// minID is how many characters of an ID are shown at least.
const minID = 8

// idLength is how many leading characters tell all IDs apart.
func (r Findings) idLength() int {
	ids := make([]string, len(r.Findings))
	for i, f := range r.Findings {
		ids[i] = f.ID
	}
	slices.Sort(ids)
	ids = slices.Compact(ids)
	length := minID
	for i := 1; i < len(ids); i++ {
		length = max(length, shared(ids[i-1], ids[i])+1)
	}
	return length
}

// shared is how many leading bytes two texts have in common.
func shared(a, b string) int {
	n := 0
	for n < min(len(a), len(b)) && a[n] == b[n] {
		n++
	}
	return n
}

// shortID is an ID cut so that it can be typed.
func shortID(id string, length int) string {
	return Printable(strings.TrimRight(id[:min(length, len(id))], "-"))
}

// unusedActions is how many granted actions of a service are unused. Of a service that is
// unused as a whole they are those that the catalog knows.
func unusedActions(p finding.Permissions) int {
	if len(p.Actions) == 0 {
		return p.Granted
	}
	return len(p.Actions)
}

// lastOf is when any of what is unused of a service was last used, and whether all of it
// has a record of use.
func lastOf(p finding.Permissions) (last time.Time, all bool) {
	if len(p.Actions) == 0 {
		return p.LastAccessed, !p.LastAccessed.IsZero()
	}
	all = true
	for _, a := range p.Actions {
		if a.LastAccessed.After(last) {
			last = a.LastAccessed
		}
		all = all && !a.LastAccessed.IsZero()
	}
	return last, all
}

// Total is a name and a number, of a plot.
type Total struct {
	Name   string
	Number int
}

// unusedByService adds up the unused actions of active findings by service, the most
// first.
func (r Findings) unusedByService() []Total {
	totals := map[string]int{}
	for _, f := range r.active(finding.UnusedPermission) {
		for _, p := range f.Permissions {
			totals[p.Namespace] += unusedActions(p)
		}
	}
	return ordered(totals)
}

// unusedByPrincipal adds up the unused actions of active findings by principal, the most
// first.
func (r Findings) unusedByPrincipal() []Total {
	totals := map[string]int{}
	for _, f := range r.active(finding.UnusedPermission) {
		for _, p := range f.Permissions {
			totals[f.Resource] += unusedActions(p)
		}
	}
	return ordered(totals)
}

// overPrivilege is what the principals with a recommendation are granted before and after
// it, those that lose most first.
func (r Findings) overPrivilege() []Pair {
	var out []Pair
	for _, a := range r.Advice {
		if a.Leaves() && len(a.Steps) > 0 {
			out = append(out, Pair{a.Resource, a.Before, a.After})
		}
	}
	slices.SortFunc(out, func(a, b Pair) int {
		return cmp.Or(cmp.Compare(b.Before-b.After, a.Before-a.After), cmp.Compare(a.Name, b.Name))
	})
	totals := make([]Total, len(out))
	for i, p := range out {
		totals[i].Name = p.Name
	}
	for i, t := range named(totals) {
		out[i].Name = t.Name
	}
	return out
}

func (r Findings) active(t finding.Type) []finding.Finding {
	var out []finding.Finding
	for _, f := range r.Findings {
		if f.Type == t && f.Status == finding.Active {
			out = append(out, f)
		}
	}
	return out
}

func ordered(totals map[string]int) []Total {
	out := make([]Total, 0, len(totals))
	for name, n := range totals {
		out = append(out, Total{name, n})
	}
	slices.SortFunc(out, func(a, b Total) int {
		return cmp.Or(cmp.Compare(b.Number, a.Number), cmp.Compare(a.Name, b.Name))
	})
	return out
}
