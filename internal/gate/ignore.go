package gate

import (
	"slices"
	"strings"
	"time"

	"github.com/pare-iam/pare/internal/report"
)

// Ignore is an entry of an ignore file: results that were looked at and accepted, for a
// reason and until a day. Path and Address are patterns in which `*` matches any
// characters, slashes and dots too, and `?` one.
type Ignore struct {
	Rule    string `yaml:"rule"`
	Path    string `yaml:"path"`    // of the file; this or Address, or both
	Address string `yaml:"address"` // of the policy
	Action  string `yaml:"action"`  // only these actions, a pattern as in a policy; empty is all
	Reason  string `yaml:"reason"`
	Expires string `yaml:"expires"` // the last day on which it holds, in UTC: 2027-03-31
	Owner   string `yaml:"owner"`   // whom to ask; may be empty

	where string // path:line
	rule  Rule
	until time.Time // when it no longer holds
	used  bool
}

// ParseIgnore reads an ignore file, YAML: a list of entries. The error names every entry
// that is wrong, with its line.
func ParseIgnore(name string, src []byte) ([]Ignore, error) {
	list, lines, err := readList[Ignore](name, src)
	if err != nil {
		return nil, err
	}
	var problems problems
	for i := range list {
		e := &list[i]
		e.where = name + ":" + itoa(lines[i])
		for _, what := range e.check() {
			problems.add(name, lines[i], what)
		}
	}
	return list, problems.err()
}

// check says what is wrong with an entry.
func (e *Ignore) check() (wrong []string) {
	var err error
	if e.rule, err = ParseRule(e.Rule); err != nil {
		wrong = append(wrong, "rule: "+err.Error())
	}
	if e.Path == "" && e.Address == "" {
		wrong = append(wrong, "neither path nor address: want at least one, such as address: module.app.*")
	}
	if strings.TrimSpace(e.Reason) == "" {
		wrong = append(wrong, "no reason: say why this is ignored")
	}
	day, err := time.Parse(time.DateOnly, e.Expires)
	if err != nil {
		wrong = append(wrong, "expires: want the last day on which this is ignored, such as 2027-03-31")
	}
	e.until = day.AddDate(0, 0, 1)
	if _, err := denying([]string{e.Action}); e.Action != "" && err != nil {
		wrong = append(wrong, "action: want service:name, such as iam:PassRole or s3:*")
	}
	return wrong
}

func (e *Ignore) matches(r *Result) bool {
	return e.rule == r.Rule &&
		(e.Address == "" || r.Address != "" && matches(e.Address, r.Address))
}

// reach is what of a result an entry's path is for: all, if it has all that the result is
// of, or else what statements in its files allow. A result may show one statement of several.
func (e *Ignore) reach(r *Result) (all bool, statements []int) {
	here := e.Path == "" || matches(e.Path, r.At.Path)
	if e.Path == "" || r.policy == nil || r.left == nil || r.At == r.policy.At {
		return here, nil
	}
	for n, place := range r.policy.Statements {
		if matches(e.Path, place.Path) {
			statements = append(statements, n)
		}
	}
	return here && len(statements) == len(r.policy.Statements), statements
}

// suppress marks the results that don't count. A comment in the source comes before the
// ignore file, and that before the baseline.
func (c *checker) suppress() {
	for i := range c.report.Results {
		r := &c.report.Results[i]
		if r.Suppressed = c.byComment(r); r.Suppressed != nil {
			continue
		}
		if r.Suppressed = c.byFile(r); r.Suppressed != nil {
			continue
		}
		if c.in.Baseline.has(r) {
			r.Suppressed = &Suppression{By: ByBaseline, Reason: "it was there when the baseline was written"}
		}
	}
	c.noteIgnores()
}

// byFile is the suppression by entries of the ignore file. Those for some actions or
// statements alone suppress together, if nothing else is left of the result.
func (c *checker) byFile(r *Result) *Suppression {
	var some excuse
	var why []*Ignore
	for i := range c.in.Ignore {
		e := &c.in.Ignore[i]
		if !e.matches(r) || !c.in.Now.Before(e.until) {
			continue
		}
		switch all, statements := e.reach(r); {
		case all && e.Action == "":
			e.used = true
			return e.suppression()
		case all:
			some.actions = append(some.actions, e.Action)
		case e.Action == "" && len(statements) > 0:
			some.statements = append(some.statements, statements...)
		default:
			continue
		}
		why = append(why, e)
	}
	if len(why) == 0 || r.left == nil || r.left(r, some) {
		for _, e := range why {
			e.used = true // it matches, and isn't enough
		}
		return nil
	}
	out := why[0].suppression()
	for _, e := range why {
		e.used = true
		if e != why[0] {
			out.Reason += "; " + report.Printable(e.Reason)
			out.Where += ", " + e.where
		}
	}
	return out
}

func (e *Ignore) suppression() *Suppression {
	reason := report.Printable(e.Reason) + ", until " + e.Expires
	if e.Owner != "" {
		reason += ", " + report.Printable(e.Owner)
	}
	return &Suppression{By: ByFile, Reason: reason, Where: e.where}
}

// noteIgnores says which entries and comments have expired or do nothing.
func (c *checker) noteIgnores() {
	for i := range c.in.Ignore {
		e := &c.in.Ignore[i]
		switch {
		case !c.in.Now.Before(e.until):
			c.note(e.where + ": expired after " + e.Expires + ", and ignores nothing: " + report.Printable(e.Reason))
		case !e.used && c.looked(e.rule):
			c.note(e.where + ": ignores nothing: there is no such result")
		}
	}
	for i := range c.in.Comments {
		if comment := &c.in.Comments[i]; !comment.used && c.looked(comment.Rule) {
			c.note(comment.where() + ": ignores nothing: there is no such result on this statement or resource")
		}
	}
}

// looked says whether results of a rule were looked for. If there is nothing unused, that
// isn't known.
func (c *checker) looked(rule Rule) bool {
	switch rule {
	case NewAccess:
		return slices.ContainsFunc(c.in.Pairs, func(p Pair) bool { return !p.Alone })
	case DeniedAccess:
		return len(c.in.Deny) > 0
	case UnusedAccess:
		return len(c.in.Unused) > 0
	case Unreadable:
		return true
	}
	return true
}

func (c *checker) note(text string) { c.report.Notes = append(c.report.Notes, text) }
