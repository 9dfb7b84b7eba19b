package gate

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/go-json-experiment/json"
	"go.yaml.in/yaml/v4"

	"github.com/pare-iam/pare/internal/report"
	"github.com/pare-iam/pare/policy"
	"github.com/pare-iam/pare/prove"
)

// Denial is an entry of a deny list: access that no policy may give.
type Denial struct {
	Actions   []string `yaml:"actions"`   // patterns, as in a policy; at least one
	Resources []string `yaml:"resources"` // patterns; empty is all
	Reason    string   `yaml:"reason"`    // why, for the result

	access prove.Access
}

// ParseDeny reads a deny list, YAML or JSON: a list of entries with actions, resources and
// reason. The error names every entry that is wrong, with its line.
func ParseDeny(name string, src []byte) ([]Denial, error) {
	list, lines, err := readList[Denial](name, src)
	if err != nil {
		return nil, err
	}
	var problems problems
	for i := range list {
		d := &list[i]
		if len(d.Actions) == 0 {
			problems.add(name, lines[i], "no actions: want at least one, such as iam:PassRole")
		}
		if strings.TrimSpace(d.Reason) == "" {
			problems.add(name, lines[i], "no reason: say why nobody may do this")
		}
		if d.access, err = prove.AccessTo(d.Actions, d.Resources); err != nil {
			problems.add(name, lines[i], err.Error())
		}
	}
	return list, problems.err()
}

// readList reads a list of YAML, strictly, and the line of each entry. An empty file is an
// empty list.
func readList[T any](name string, src []byte) (list []T, lines []int, err error) {
	loader, err := yaml.NewLoader(bytes.NewReader(src))
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", name, err)
	}
	var doc yaml.Node
	switch err := loader.Load(&doc); {
	case errors.Is(err, io.EOF):
		return nil, nil, nil
	case err != nil:
		return nil, nil, fmt.Errorf("%s: want a list of entries: %w", name, err)
	}
	for _, root := range doc.Content {
		for _, entry := range root.Content {
			lines = append(lines, entry.Line)
		}
	}
	if err := yaml.Load(src, &list, yaml.WithKnownFields()); err != nil {
		return nil, nil, fmt.Errorf("%s: want a list of entries: %s", name, report.Printable(err.Error())) // it quotes keys
	}
	if len(list) != len(lines) {
		return nil, nil, fmt.Errorf("%s: want a list of entries and nothing else", name)
	}
	return list, lines, nil
}

// denied looks for access of a policy that is on the deny list.
func (c *checker) denied(p *Policy, d *Denial) error {
	found, err := c.granted(p.Document, d, excuse{})
	if err != nil || found == nil {
		return err
	}
	blamed, err := c.blamed(p.Document, d)
	if err != nil {
		return err
	}
	key, err := json.Marshal([][]string{d.Actions, d.Resources})
	if err != nil {
		return err
	}
	r := Result{Rule: DeniedAccess, policy: p, At: p.At, Actions: d.Actions, subject: string(key), left: func(r *Result, e excuse) bool {
		found, err := c.granted(p.Document, d, e)
		if err == nil && found != nil {
			c.tellDenied(r, p, d, found)
		}
		return err != nil || found != nil
	}}
	c.tellDenied(&r, p, d, found)
	if len(blamed) > 0 {
		r.At = p.place(blamed[0])
	}
	r.covers = coversOf(p.Document, blamed)
	c.add(r)
	return nil
}

func (c *checker) tellDenied(r *Result, p *Policy, d *Denial, found *grant) {
	r.Undecided, r.Message = found.claim.Verdict == prove.Undecided || found.widest, c.deniedText(p, d, found)
	c.show(r, found.request)
}

// coversOf are statements that give access, each with all that the document denies: if
// less is denied they give more.
func coversOf(doc *policy.Document, blamed []int) []string {
	if len(blamed) == 0 {
		return []string{digest(canonical(doc.Bytes()))}
	}
	text := func(i int) string {
		return canonical(doc.Bytes()[doc.Statements[i].Start:doc.Statements[i].End])
	}
	denied := []string{""}
	for i := range doc.Statements {
		if doc.Statements[i].Effect == policy.Deny {
			denied = append(denied, text(i))
		}
	}
	var out []string
	for _, i := range blamed {
		denied[0] = text(i)
		out = append(out, digest(denied...))
	}
	return out
}

// grant is access on the deny list that a policy gives.
type grant struct {
	opening
	widest bool // only for some of what its placeholders may stand for
}

// granted is what of a denial a policy allows; nil: nothing.
func (c *checker) granted(doc *policy.Document, d *Denial, e excuse) (*grant, error) {
	doc, err := keep(doc, func(i int) bool { return !contains(e.statements, i) })
	if err != nil {
		return nil, err
	}
	outside, err := denying(e.actions)
	if err != nil {
		return nil, err
	}
	readings := []*policy.Document{doc}
	if hasUnknown(doc) {
		wide, err := widest(doc)
		if err != nil {
			return nil, err
		}
		readings = append(readings, wide)
	}
	for i, reading := range readings {
		docs := []*policy.Document{reading}
		if outside != nil {
			docs = append(docs, outside)
		}
		if claim := prove.NotGranted(c.in.Catalog, docs, d.access); claim.Verdict != prove.Proved {
			return &grant{opening{claim: claim, request: c.counterexample(claim, nil, reading)}, i > 0}, nil
		}
	}
	return nil, nil
}

// blamed are the Allow statements of which each, without the others, gives the access.
func (c *checker) blamed(doc *policy.Document, d *Denial) ([]int, error) {
	var out []int
	for i := range doc.Statements {
		if doc.Statements[i].Effect != policy.Allow {
			continue
		}
		alone, err := keep(doc, func(j int) bool { return i == j })
		if err != nil {
			return nil, err
		}
		found, err := c.granted(alone, d, excuse{})
		if err != nil {
			return nil, err
		}
		if found != nil {
			out = append(out, i)
		}
	}
	return out, nil
}

func (c *checker) deniedText(p *Policy, d *Denial, g *grant) string {
	request := strings.Join(d.Actions, ", ")
	if g.request != nil {
		request = c.requestText(p, *g.request)
	}
	verb := "allows "
	switch {
	case g.claim.Verdict == prove.Undecided:
		return "it could not be decided whether it allows " + strings.Join(d.Actions, ", ") + " (" + g.claim.Reason + "), which the deny list has: " + report.Printable(d.Reason)
	case g.widest:
		verb = "may allow, by what isn't known of it, "
	}
	return verb + request + ", which the deny list has: " + report.Printable(d.Reason)
}
