package gate

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/pare-iam/pare/access"
	"github.com/pare-iam/pare/catalog"
	"github.com/pare-iam/pare/internal/iac"
	"github.com/pare-iam/pare/internal/report"
	"github.com/pare-iam/pare/policy"
	"github.com/pare-iam/pare/prove"
)

// Input is what is checked, and by what.
type Input struct {
	Catalog *catalog.Catalog
	Version string // of pare
	Now     time.Time
	Against string // what the policies were before: a revision or a folder; empty: nothing is known

	Pairs    []Pair
	Problems []iac.Problem // of files that can't be read
	Before   []iac.Problem // of files that couldn't be read as they were
	Files    []*iac.File   // of Problems, as far as they were opened: by their bytes a baseline knows them
	Notes    []string      // to pass on

	Deny   []Denial
	Unused []Unused

	Ignore   []Ignore
	Comments []Comment
	Baseline *Baseline // nil: none
}

// Unused is what nobody used of a policy.
type Unused struct {
	Policy   *Policy  // one of Pairs
	Actions  []string // entries that go: "s3:GetObject", or "s3:* in part"; sorted
	Covers   []string // what a baseline remembers of it
	Evidence string   // by what and in which window, a clause
	Fixes    []Fix
}

// Check checks policies. The error is ctx's, or that of a policy that can't be read again.
func Check(ctx context.Context, in Input) (*Report, error) {
	c := checker{in: in, report: &Report{Version: in.Version, Now: in.Now, Against: in.Against, Notes: slices.Clone(in.Notes)}}
	for _, p := range in.Problems {
		c.file(p)
	}
	for _, p := range in.Before {
		if !slices.Contains(in.Problems, p) {
			c.before(p)
		}
	}
	for i := range in.Pairs {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if err := c.pair(&in.Pairs[i]); err != nil {
			return nil, err
		}
	}
	for _, u := range in.Unused {
		c.unused(u)
	}
	c.finish()
	return c.report, nil
}

type checker struct {
	in     Input
	report *Report
}

func (c *checker) add(r Result) {
	if r.policy != nil {
		r.Root, r.Address = r.policy.Root, r.policy.Address
		if r.At == (Place{}) {
			r.At = r.policy.At
		}
	}
	r.Fingerprint = r.fingerprint()
	c.report.Results = append(c.report.Results, r)
}

// show gives a result the request that shows it; nil if there is none.
func (c *checker) show(r *Result, req *access.Request) {
	r.Request, r.action = req, ""
	if req != nil {
		r.action = c.actionName(r.policy, req.Action)
	}
}

// file is a file that can't be read.
func (c *checker) file(p iac.Problem) {
	at := parsePlace(p.Where)
	c.add(Result{Rule: Unreadable, At: at, Message: report.Printable(p.What), subject: p.What, covers: []string{digest(c.source(at.Path))}})
}

// source is a file's text, as far as it was opened.
func (c *checker) source(path string) string {
	for _, f := range c.in.Files {
		if f.Path == path {
			return string(f.Src)
		}
	}
	return ""
}

// before is a file that couldn't be read as it was, and now is otherwise.
func (c *checker) before(p iac.Problem) {
	at := Place{Path: parsePlace(p.Where).Path}
	c.add(Result{
		Rule: NewAccess, At: at, Undecided: true, subject: p.What, covers: []string{digest(p.String(), c.source(at.Path))},
		Message: "what its policies allowed and denied before is not known: " + report.Printable(p.String()),
	})
}

// parsePlace reads path:line:column, or a path alone.
func parsePlace(where string) Place {
	path, column, ok := cutNumber(where)
	if !ok {
		return Place{Path: where}
	}
	path, line, ok := cutNumber(path)
	if !ok {
		return Place{Path: where}
	}
	return Place{Path: path, Line: line, Column: column, EndLine: line, EndColumn: column}
}

func cutNumber(s string) (before string, n int, ok bool) {
	i := strings.LastIndexByte(s, ':')
	if i < 0 || i+1 == len(s) || len(s)-i > 10 {
		return s, 0, false
	}
	for _, c := range s[i+1:] {
		if c < '0' || c > '9' {
			return s, 0, false
		}
		n = 10*n + int(c-'0')
	}
	return s[:i], n, n > 0
}

func (c *checker) pair(p *Pair) error {
	if p.Old != nil && p.Old.Absent {
		p.Old = nil
	}
	if p.New != nil {
		c.report.Checked++
		if p.New.Document == nil {
			c.add(Result{Rule: Unreadable, policy: p.New, Message: report.Printable(p.New.Problem), covers: []string{digest(p.New.Problem, p.New.Text, p.New.When)}})
			return nil
		}
	}
	if !p.Alone {
		compared := *p
		if p.New != nil && p.New.Absent {
			compared.New = nil
		}
		if err := c.newAccess(&compared); err != nil {
			return err
		}
	}
	if p.New == nil {
		return nil
	}
	for i := range c.in.Deny {
		if err := c.denied(p.New, &c.in.Deny[i]); err != nil {
			return err
		}
	}
	return nil
}

func (c *checker) unused(u Unused) {
	c.add(Result{
		Rule: UnusedAccess, policy: u.Policy, Actions: u.Actions, Fixes: u.Fixes, covers: u.Covers,
		Message: "allows what nobody used: " + few(u.Actions, mostWords) + "; " + u.Evidence,
		left: func(_ *Result, e excuse) bool {
			return len(u.Actions) == 0 || slices.ContainsFunc(u.Actions, func(a string) bool { return !matchesAny(e.actions, strings.TrimSuffix(a, inPart)) })
		},
	})
}

// mostWords is how many of a list a message names.
const mostWords = 8

// few is a list, cut short after some.
func few(list []string, most int) string {
	if len(list) <= most {
		return strings.Join(list, ", ")
	}
	return strings.Join(list[:most], ", ") + " and " + itoa(len(list)-most) + " more"
}

// finish suppresses and sorts.
func (c *checker) finish() {
	c.suppress()
	slices.SortStableFunc(c.report.Results, func(a, b Result) int {
		return cmp.Or(
			cmp.Compare(a.Rule, b.Rule), cmp.Compare(a.At.Path, b.At.Path), cmp.Compare(a.At.Line, b.At.Line),
			cmp.Compare(a.At.Column, b.At.Column), cmp.Compare(a.Root, b.Root), cmp.Compare(a.Address, b.Address), cmp.Compare(a.Message, b.Message),
		)
	})
}

// requestText is a request in words.
func (c *checker) requestText(p *Policy, req access.Request) string {
	out := c.actionName(p, req.Action) + " on " + req.Resource
	var conditions []string
	for _, key := range slices.Sorted(maps.Keys(req.Context)) {
		conditions = append(conditions, key+" is "+strings.Join(req.Context[key], ", "))
	}
	if len(conditions) > 0 {
		out += " when " + strings.Join(conditions, " and ")
	}
	return report.Printable(p.shown(out))
}

// actionName is an action in the catalog's case, or else as the policy has it.
func (c *checker) actionName(p *Policy, a policy.Action) string {
	if known := c.in.Catalog.Lookup(a.Service, a.Name); known != nil {
		return known.String()
	}
	if p == nil || p.Document == nil {
		return a.String()
	}
	for i := range p.Document.Statements {
		for _, e := range p.Document.Statements[i].Action.Entries {
			if strings.EqualFold(e.Text, a.String()) {
				return e.Text
			}
		}
	}
	return a.String()
}

// counterexample is a claim's request, in the catalog's names and with placeholders for
// what other readings have.
func (c *checker) counterexample(claim prove.Claim, holes []string, docs ...*policy.Document) *access.Request {
	if claim.Counterexample == nil {
		return nil
	}
	req := prove.Name(c.in.Catalog, docs, claim.Counterexample.Request)
	req.Resource = known(req.Resource, holes)
	context := access.Context{}
	for key, values := range req.Context {
		for _, v := range values {
			context[key] = append(context[key], known(v, holes))
		}
	}
	req.Context = context
	return &req
}
