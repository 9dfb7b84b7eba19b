package gate

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/pare-iam/pare/internal/iac"
	"github.com/pare-iam/pare/internal/iac/tree"
	"github.com/pare-iam/pare/internal/report"
)

// Comment is a comment that ignores results of a rule: `# pare:ignore RULE reason` in HCL
// and YAML, or with `//` in HCL and JSON. It stands on the first line of a statement or of a
// resource, or on the lines above it that are comments alone. On a statement it is for
// what this statement allows, on a resource for all of its policies.
type Comment struct {
	Path   string
	Line   int // where it stands
	On     int // the line that it is for
	Rule   Rule
	Reason string

	used bool
}

func (c *Comment) where() string { return c.Path + ":" + itoa(c.Line) }

const marker = "pare:ignore"

// Comments are those of a file. The error names each that has no rule or no reason.
func Comments(f *iac.File) ([]Comment, error) {
	if !bytes.Contains(f.Src, []byte(marker)) {
		return nil, nil
	}
	lines := strings.Split(string(f.Src), "\n")
	isComment := commentsOf(f)
	var out []Comment
	var errs []error
	start := 0
	for i, line := range lines {
		text, at, ok := ignoring(f.Lang, line)
		at += start
		start += len(line) + 1
		if !ok || !isComment(at) {
			continue
		}
		c, err := parseComment(text)
		if err != nil {
			errs = append(errs, fmt.Errorf("%s:%d: %s: %w", report.Printable(f.Path), i+1, marker, err))
			continue
		}
		c.Path, c.Line, c.On = f.Path, i+1, i+1
		for c.On <= len(lines) && onlyComment(f.Lang, lines[c.On-1]) {
			c.On++
		}
		out = append(out, c)
	}
	return out, errors.Join(errs...)
}

// commentsOf says of a place whether a comment that is found there by its sign is one, and
// not a part of a text.
func commentsOf(f *iac.File) func(at int) bool {
	if f.Lang == iac.HCL && !bytes.HasPrefix(f.Src, []byte("\xef\xbb\xbf")) {
		tokens, _ := hclsyntax.LexConfig(f.Src, f.Path, hcl.InitialPos)
		return func(at int) bool {
			return slices.ContainsFunc(tokens, func(t hclsyntax.Token) bool {
				return t.Type == hclsyntax.TokenComment && t.Range.Start.Byte <= at && at < t.Range.End.Byte
			})
		}
	}
	root, err := tree.Parse(f)
	if err != nil {
		return func(int) bool { return true } // the file is a result by itself
	}
	return func(at int) bool { return !inText(root, at) }
}

// inText says whether a place is inside a text, or inside what isn't known.
func inText(v *iac.Value, at int) bool {
	if v.Kind == iac.Text || v.Kind == iac.Unknown {
		return v.Start <= at && at < v.End
	}
	return slices.ContainsFunc(v.Entries, func(e *iac.Value) bool { return inText(e, at) }) ||
		slices.ContainsFunc(v.Members, func(m iac.Member) bool { return inText(m.Value, at) })
}

// starts are what comments begin with.
func starts(lang iac.Lang) []string {
	switch lang {
	case iac.HCL:
		return []string{"#", "//"}
	case iac.YAML:
		return []string{"#"}
	case iac.JSON:
		return []string{"//"}
	}
	return nil
}

// ignoring is what stands behind the marker, if a comment of the line begins with it, and
// where in the line the comment begins. A line with an open quote before it is taken for
// a text.
func ignoring(lang iac.Lang, line string) (text string, at int, ok bool) {
	for _, start := range starts(lang) {
		for at, rest := 0, line; ; {
			i := strings.Index(rest, start)
			if i < 0 {
				break
			}
			at += i
			after, ok := strings.CutPrefix(strings.TrimLeft(line[at+len(start):], " \t"), marker)
			if ok && strings.Count(strings.ReplaceAll(line[:at], `\"`, ""), `"`)%2 == 0 {
				return after, at, true
			}
			at += len(start)
			rest = line[at:]
		}
	}
	return "", 0, false
}

func onlyComment(lang iac.Lang, line string) bool {
	for _, start := range starts(lang) {
		if strings.HasPrefix(strings.TrimSpace(line), start) {
			return true
		}
	}
	return false
}

func parseComment(text string) (Comment, error) {
	name, reason, _ := strings.Cut(strings.TrimSpace(text), " ")
	if name == "" {
		return Comment{}, errors.New("no rule: want # pare:ignore pare/new-access and the reason")
	}
	rule, err := ParseRule(name)
	if err != nil {
		return Comment{}, err
	}
	if reason = strings.TrimSpace(reason); reason == "" {
		return Comment{}, fmt.Errorf("no reason: want it behind %s", name)
	}
	return Comment{Rule: rule, Reason: reason}, nil
}

// byComment is the suppression by comments on the policy's resource, or on statements
// without which the result is gone.
func (c *checker) byComment(r *Result) *Suppression {
	var some excuse
	var why []*Comment
	for i := range c.in.Comments {
		comment := &c.in.Comments[i]
		if comment.Rule != r.Rule || r.policy == nil {
			continue
		}
		if comment.on(r.policy.At) {
			comment.used = true
			return &Suppression{ByComment, comment.Reason, comment.where()}
		}
		for n, place := range r.policy.Statements {
			if comment.on(place) {
				comment.used = true
				some.statements = append(some.statements, n)
				why = append(why, comment)
			}
		}
	}
	if len(why) == 0 || r.left == nil || r.left(r, some) {
		return nil
	}
	out := &Suppression{ByComment, why[0].Reason, why[0].where()}
	for _, comment := range why[1:] {
		out.Reason += "; " + comment.Reason
		out.Where += ", " + comment.where()
	}
	return out
}

func (c *Comment) on(p Place) bool { return p.Line > 0 && c.Path == p.Path && c.On == p.Line }
