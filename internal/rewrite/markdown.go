package rewrite

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/pare-iam/pare/catalog"
	"github.com/pare-iam/pare/internal/analyze"
	"github.com/pare-iam/pare/internal/report"
	"github.com/pare-iam/pare/policy"
	"github.com/pare-iam/pare/refine"
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
// with dates, the proof and how to check it, what isn't rewritten, and how to take it back.
func Markdown(w io.Writer, p *Plan) error {
	d := &markdown{}
	d.linef("## Take unused access out of %s\n", counted(len(p.Rewrites), "policy", "policies"))
	if window, ok := p.window(); ok {
		d.linef("What nobody used in the %d days from %s to %s goes. Everything that was used, and everything of which nobody can say, stays.\n", int(window.Age/usage.Day), day(window.From()), day(window.Now))
		d.sources(p)
	}
	for i := range p.Rewrites {
		if err := d.rewrite(p, &p.Rewrites[i]); err != nil {
			return err
		}
	}
	d.left(p)
	d.check(p)
	d.linef("### How to take it back\n")
	d.linef("Revert this pull request and deploy as always: it changes these files and nothing else, and nothing was called in AWS to make it. Until the next deployment the accounts have what they had.")
	_, err := io.WriteString(w, d.String())
	return err
}

type markdown struct{ strings.Builder }

func (d *markdown) linef(format string, args ...any) { fmt.Fprintf(d, format+"\n", args...) }

// sources says what is known of use in each account, and up to when.
func (d *markdown) sources(p *Plan) {
	for _, a := range p.accounts() {
		var known []string
		for _, s := range a.Evidence.Sources {
			text := kindText(s.Kind)
			if !s.From.IsZero() {
				text += " from " + day(s.From)
			}
			if !s.Until.IsZero() {
				text += " up to " + day(s.Until)
			}
			known = append(known, text)
		}
		d.linef("- Account %s: %s", report.Code(a.Inventory.ID), cmp.Or(strings.Join(known, "; "), "nothing is known of any use"))
	}
	d.linef("")
}

// accounts are those of the policies that change, in their order.
func (p *Plan) accounts() []*analyze.Account {
	var out []*analyze.Account
	for _, r := range p.Rewrites {
		for _, l := range r.Live {
			if l.Of != nil && !slices.Contains(out, l.Of) {
				out = append(out, l.Of)
			}
		}
	}
	return out
}

func kindText(k usage.Kind) string {
	switch k {
	case usage.NoSource:
		return "no source"
	case usage.ServiceLastAccessed:
		return "IAM's last accessed services"
	case usage.ActionLastAccessed:
		return "IAM's last accessed information"
	case usage.CloudTrail:
		return "CloudTrail"
	case usage.AccessAnalyzer:
		return "IAM Access Analyzer's findings"
	}
	panic(fmt.Sprintf("rewrite: unhandled kind %d", k))
}

func (d *markdown) rewrite(p *Plan, r *Rewrite) error {
	line, _ := policy.Position(r.Source.File.Src, r.Source.At)
	d.linef("### %s\n", report.Code(r.Source.Title()))
	if r.Live[0].Of == nil {
		d.linef("In %s, line %d. What is unused was given as a list; no account was looked at.", report.Code(r.Source.File.Path), line)
	} else {
		d.linef("In %s, line %d. Matched by %s with\n", report.Code(r.Source.File.Path), line, r.By)
		for _, a := range r.After {
			d.linef("- %s", whose(a.Live))
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

// whose names a live policy and who has it.
func whose(l *Live) string {
	name := report.Code(l.ARN)
	if l.ARN == "" {
		name = fmt.Sprintf("the policy %s of %s", report.Code(l.Name), report.Code(l.HolderARN))
	}
	others := slices.DeleteFunc(slices.Clone(l.Affects), func(arn string) bool { return arn == l.HolderARN })
	switch {
	case len(l.Affects) == 0:
		return name + ", which nobody has"
	case len(others) == 0:
		return name
	}
	const most = 5
	shown := codes(others[:min(most, len(others))], ", ")
	if more := len(others) - most; more > 0 {
		shown += fmt.Sprintf(" and %d more", more)
	}
	return fmt.Sprintf("%s, which %s", name, counted(len(others), "role or user has", "roles and users have")) + ": " + shown
}

// edits is a table of what goes, a row for each statement, or for each entry that others
// come for.
func (d *markdown) edits(r *Rewrite) {
	narrowed := slices.ContainsFunc(r.Result.Edits, func(e refine.Edit) bool { return len(e.In) > 0 })
	header := "\n| statement | goes |\n|---|---|"
	if narrowed {
		header = "\n| statement | goes | comes |\n|---|---|---|"
	}
	d.linef("%s", header)
	for i, edits := 0, r.Result.Edits; i < len(edits); {
		first := edits[i]
		var out []string
		for ; i < len(edits) && edits[i].Statement == first.Statement && (len(out) == 0 || !narrowed); i++ {
			out = append(out, edits[i].Out...)
		}
		goes := codes(out, "<br>")
		if first.Entry == policy.WholeStatement {
			goes = "all of it"
		}
		name := cmp.Or(r.Policy.Doc.Statements[first.Statement].Sid, fmt.Sprintf("Statement[%d]", first.Statement))
		if narrowed {
			d.linef("| %s | %s | %s |", report.Code(name), goes, codes(first.In, "<br>"))
		} else {
			d.linef("| %s | %s |", report.Code(name), goes)
		}
	}
}

func codes(texts []string, between string) string {
	out := make([]string, len(texts))
	for i, s := range texts {
		out[i] = report.Code(s)
	}
	return strings.Join(out, between)
}

// evidence is a table of what goes with the day of its last use.
func (d *markdown) evidence(c *catalog.Catalog, r *Rewrite) error {
	seen, err := r.Evidence(c)
	if err != nil || len(seen) == 0 {
		return err
	}
	d.linef("\n<details><summary>Evidence: %s</summary>\n\n| unused | last used | by |\n|---|---|---|", counted(len(seen), "permission", "permissions"))
	for _, s := range seen {
		last := "no use on record"
		if !s.Last.IsZero() {
			last = day(s.Last)
		}
		var by []string
		for _, k := range s.By {
			by = append(by, kindText(k))
		}
		d.linef("| %s | %s | %s |", report.Code(s.What), last, strings.Join(by, ", "))
	}
	d.linef("\n</details>")
	return nil
}

func (d *markdown) proof(r *Rewrite) {
	of := "this policy as the account has it"
	switch {
	case r.Live[0].Of == nil:
		of = "the policy as it is written"
	case len(r.After) > 1:
		of = fmt.Sprintf("each of these %d policies as the account has it", len(r.After))
	}
	d.linef("\n**Proof.** For %s: no new access, used access kept, unused access gone, each *proved* for every request there could be. The changed file was read back, and says this.\n", of)
}

func (d *markdown) left(p *Plan) {
	if len(p.Left) == 0 {
		return
	}
	d.linef("### Not rewritten\n")
	for _, l := range p.Left {
		d.linef("- %s, %s: %s", report.Code(l.Source.Title()), report.Code(l.Where), report.Inert(oneLine(l.Reason)))
		for _, c := range l.Others() {
			d.linef("  - could be %s", report.Code(c.Title()))
		}
		for _, doc := range l.Paste {
			d.linef("\n  <details><summary>What the account has, without what is unused</summary>\n\n  ```json\n%s\n  ```\n\n  </details>\n", indented(string(doc.Bytes())))
		}
	}
	d.linef("")
}

// Others are the candidates that the reason doesn't name.
func (l *Left) Others() []*Live {
	return slices.DeleteFunc(slices.Clone(l.Candidates), func(c *Live) bool { return strings.Contains(l.Reason, c.Title()) })
}

// check says how a reviewer comes to the same without us.
func (d *markdown) check(p *Plan) {
	d.linef("### How to check it\n")
	d.linef("- `pare check --base` with the commit before finds no new access in these files. It needs no account.")
	if len(p.accounts()) > 0 {
		d.linef("- `pare rewrite --data` on the commit before gives the same diff, byte for byte, with the same data and the catalog of %s. `-o json` has each policy as it will be; `--certificate FOLDER` has the claims about each for a solver, such as cvc5, to check without pare.", p.Catalog.Date())
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
