package gate

import (
	"bytes"
	"errors"
	"fmt"
	"strings"

	"github.com/pare-iam/pare/internal/iac"
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
	var out []Comment
	var errs []error
	for i, line := range lines {
		text, ok := ignoring(f.Lang, line)
		if !ok {
			continue
		}
		c, err := parseComment(text)
		if err != nil {
			errs = append(errs, fmt.Errorf("%s:%d: %s: %w", f.Path, i+1, marker, err))
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

// ignoring is what stands behind the marker, if a comment of the line begins with it. A
// line with an open quote before it is taken for a text.
func ignoring(lang iac.Lang, line string) (text string, ok bool) {
	for _, start := range starts(lang) {
		for at, rest := 0, line; ; {
			i := strings.Index(rest, start)
			if i < 0 {
				break
			}
			at += i
			after, ok := strings.CutPrefix(strings.TrimLeft(line[at+len(start):], " \t"), marker)
			if ok && strings.Count(strings.ReplaceAll(line[:at], `\"`, ""), `"`)%2 == 0 {
				return after, true
			}
			at += len(start)
			rest = line[at:]
		}
	}
	return "", false
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
