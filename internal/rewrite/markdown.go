package rewrite

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/pare-iam/pare/catalog"
	"github.com/pare-iam/pare/internal/report"
	"github.com/pare-iam/pare/policy"
	"github.com/pare-iam/pare/usage"
)

// Text writes the plan for reading: the diff, with colours.
func Text(w io.Writer, p *Plan) error { return report.Diff(w, p.Diff()) }

// CommitMessage is the message of the commit that a plan makes: a subject of at most 72
// characters, and what it takes from which policy.
func CommitMessage(p *Plan) string {
	var b strings.Builder
	fmt.Fprintf(&b, "iam: take unused access out of %s\n\n", counted(len(p.Rewrites), "policy", "policies"))
	for i := range p.Rewrites {
		r := &p.Rewrites[i]
		fmt.Fprintf(&b, "%s (%s): %s\n", r.Source.Title(), r.Source.File.Path, lost(r))
	}
	b.WriteString("\n")
	if w, ok := p.window(); ok {
		fmt.Fprintf(&b, "Not used from %s to %s. ", day(w.From()), day(w.Now))
	}
	b.WriteString("Proved for each policy that comes of this:\nno new access, used access kept, unused access gone.\n")
	return b.String()
}

// lost says in a few words what a source loses.
func lost(r *Rewrite) string {
	statements, gone, narrowed := 0, 0, 0
	for _, e := range r.Result.Edits {
		switch {
		case e.Entry == policy.WholeStatement:
			statements++
		case len(e.In) == 0:
			gone++
		default:
			narrowed++
		}
	}
	var out []string
	for _, part := range []struct {
		n         int
		one, many string
	}{{statements, "statement goes", "statements go"}, {gone, "entry goes", "entries go"}, {narrowed, "entry is narrowed", "entries are narrowed"}} {
		if part.n > 0 {
			out = append(out, counted(part.n, part.one, part.many))
		}
	}
	return strings.Join(out, ", ")
}

// window is that of the live policies, if there are any of an account.
func (p *Plan) window() (usage.Window, bool) {
	for _, r := range p.Rewrites {
		for _, l := range r.Live {
			if l.Of != nil {
				return l.Window, true
			}
		}
	}
	return usage.Window{}, false
}

// Markdown writes a text for a pull request: what goes from which policy, the evidence
// with dates, the proof, what isn't rewritten, and how to take it back.
func Markdown(w io.Writer, p *Plan) error {
	d := &markdown{}
	d.linef("## Take unused access out of %s\n", counted(len(p.Rewrites), "policy", "policies"))
	if window, ok := p.window(); ok {
		d.linef("What nobody used in the %d days from %s to %s goes. Everything that was used, and everything of which nobody can say, stays.\n", int(window.Age/(24*time.Hour)), day(window.From()), day(window.Now))
	}
	for i := range p.Rewrites {
		if err := d.rewrite(p, &p.Rewrites[i]); err != nil {
			return err
		}
	}
	d.left(p)
	d.linef("### How to take it back\n")
	d.linef("Revert this pull request and deploy as always: it changes these files and nothing else, and nothing was called in AWS to make it. Until the next deployment the accounts have what they had.")
	_, err := io.WriteString(w, d.String())
	return err
}

type markdown struct{ strings.Builder }

func (d *markdown) linef(format string, args ...any) { fmt.Fprintf(d, format+"\n", args...) }

func (d *markdown) rewrite(p *Plan, r *Rewrite) error {
	line, _ := policy.Position(r.Source.File.Src, r.Source.At)
	d.linef("### %s\n", report.Code(r.Source.Title()))
	if r.Live[0].Of == nil {
		d.linef("In %s, line %d. What is unused was given as a list; no account was looked at.", report.Code(r.Source.File.Path), line)
	} else {
		d.linef("In %s, line %d. Matched by %s:\n", report.Code(r.Source.File.Path), line, r.By)
		for _, a := range r.After {
			d.linef("- %s, which %s", report.Code(a.Title()), reaches(a.Affects))
		}
	}
	if len(r.Shared) > 0 {
		d.linef("\nIt shares a list with, and changes together with:\n")
		for _, s := range r.Shared {
			d.linef("- %s", report.Code(s.Title()))
		}
	}
	d.edits(r)
	if err := d.evidence(p.Catalog, r); err != nil {
		return err
	}
	d.proof(r)
	return nil
}

func reaches(arns []string) string {
	const most = 5
	shown := arns[:min(most, len(arns))]
	names := make([]string, len(shown))
	for i, arn := range shown {
		names[i] = report.Code(arn)
	}
	switch more := len(arns) - len(shown); {
	case len(arns) == 0:
		return "reaches nobody"
	case more > 0:
		return fmt.Sprintf("reaches %s and %d more", strings.Join(names, ", "), more)
	}
	return "reaches " + strings.Join(names, ", ")
}

func (d *markdown) edits(r *Rewrite) {
	d.linef("\n| statement | goes | comes |\n|---|---|---|")
	for _, e := range r.Result.Edits {
		name := r.Policy.Doc.Statements[e.Statement].Sid
		if name == "" {
			name = fmt.Sprintf("Statement[%d]", e.Statement)
		}
		out := codes(e.Out)
		if e.Entry == policy.WholeStatement {
			out = "all of it"
		}
		d.linef("| %s | %s | %s |", report.Code(name), out, codes(e.In))
	}
}

func codes(texts []string) string {
	out := make([]string, len(texts))
	for i, s := range texts {
		out[i] = report.Code(s)
	}
	return strings.Join(out, "<br>")
}

// evidence is a table of what goes with the day of its last use.
func (d *markdown) evidence(c *catalog.Catalog, r *Rewrite) error {
	seen, err := r.Evidence(c)
	if err != nil || len(seen) == 0 {
		return err
	}
	d.linef("\n<details><summary>Evidence: %s</summary>\n\n| unused | last used | says |\n|---|---|---|", counted(len(seen), "permission", "permissions"))
	for _, s := range seen {
		last := "never, as far as is known"
		if !s.Last.IsZero() {
			last = day(s.Last)
		}
		var by []string
		for _, k := range s.By {
			by = append(by, k.String())
		}
		d.linef("| %s | %s | %s |", report.Code(s.What), last, strings.Join(by, ", "))
	}
	d.linef("\n</details>")
	return nil
}

func (d *markdown) proof(r *Rewrite) {
	of := counted(len(r.After), "live policy", "live policies")
	if r.Live[0].Of == nil {
		of = "the policy as it is written"
	}
	d.linef("\n**Proof.** Of %s: no new access, used access kept, unused access gone, each *proved*. The changed file was read back, and says this.\n", of)
}

func (d *markdown) left(p *Plan) {
	if len(p.Left) == 0 {
		return
	}
	d.linef("### Not rewritten\n")
	for _, l := range p.Left {
		d.linef("- %s, %s: %s", report.Code(l.Source.Title()), report.Code(l.Where), oneLine(l.Reason))
		for _, c := range l.Candidates {
			d.linef("  - could be %s", report.Code(c.Title()))
		}
		for _, doc := range l.Paste {
			d.linef("\n  <details><summary>It should say</summary>\n\n  ```json\n%s\n  ```\n\n  </details>\n", indented(string(doc.Bytes())))
		}
	}
	d.linef("")
}

func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }

func indented(s string) string {
	lines := strings.Split(strings.TrimSpace(s), "\n")
	return "  " + strings.Join(lines, "\n  ")
}

func day(t time.Time) string { return t.UTC().Format(time.DateOnly) }

func counted(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}
