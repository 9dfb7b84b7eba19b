package report

import (
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/charmbracelet/x/ansi"
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/pare-iam/pare/policy"
	"github.com/pare-iam/pare/prove"
	"github.com/pare-iam/pare/refine"
)

// page is a text on the way, with the few styles that it uses.
type page struct{ strings.Builder }

func (p *page) linef(format string, args ...any) { fmt.Fprintf(&p.Builder, format+"\n", args...) }

// heading starts a part.
func (p *page) heading(title, rest string) {
	p.linef("%s %s", strong(title), rest)
}

func (p *page) writeTo(w io.Writer) error {
	_, err := io.WriteString(w, p.String())
	return err
}

func strong(s string) string { return ansi.NewStyle().Bold().Styled(s) }
func faint(s string) string  { return ansi.NewStyle().Faint().Styled(s) }
func good(s string) string   { return ansi.NewStyle().ForegroundColor(ansi.Green).Styled(s) }
func bad(s string) string    { return ansi.NewStyle().ForegroundColor(ansi.Red).Styled(s) }
func doubt(s string) string  { return ansi.NewStyle().ForegroundColor(ansi.Yellow).Styled(s) }
func place(s string) string  { return ansi.NewStyle().ForegroundColor(ansi.Cyan).Styled(s) }

// Text writes a recommendation for reading.
func Text(w io.Writer, r Recommendation) error {
	p := &page{}
	p.outcome(r)
	if r.Leaves() {
		p.diff(r)
		p.edits(r)
	}
	p.linef("")
	p.proof(r)
	p.linef("")
	p.footer(r)
	return p.writeTo(w)
}

// outcome is the first line: what to do.
func (p *page) outcome(r Recommendation) {
	name := Printable(r.Name)
	switch {
	case !r.Leaves():
		p.heading(bad("no recommendation"), fmt.Sprintf("for %s: the refined policy is not proved, so it isn't shown", name))
	case r.Result.Outcome == refine.Detach:
		p.heading("detach", name+": nothing that it allows is used")
	case r.Result.Outcome == refine.Refined:
		p.heading("refined", name)
	default:
		p.heading("unchanged", name+": nothing that it allows is unused")
	}
}

// edits says for each edited entry why it became what it became.
func (p *page) edits(r Recommendation) {
	if len(r.Result.Edits) == 0 {
		return
	}
	p.linef("")
	p.linef("%s", strong("why"))
	width := 0
	for _, e := range r.Result.Edits {
		width = max(width, len([]rune(editName(e))))
	}
	last := -1
	for _, e := range r.Result.Edits {
		if e.Statement != last {
			p.linef("  %s", place(statementName(r.Original, e.Statement)))
			last = e.Statement
		}
		p.linef("    %-*s  %s", min(width, maxName), editName(e), r.reasonText(e))
	}
}

// maxName is how wide the column of entries gets, at most.
const maxName = 48

func editName(e refine.Edit) string {
	switch {
	case e.Entry == policy.WholeStatement:
		return "all of it"
	case len(e.Out) == 0:
		return "NotAction"
	}
	return Printable(e.Out[0])
}

func printables(texts []string) []string {
	out := make([]string, len(texts))
	for i, s := range texts {
		out[i] = Printable(s)
	}
	return out
}

// proof is four lines, a claim each, and what refutes them.
func (p *page) proof(r Recommendation) {
	p.heading("proof", verdictText(r.verdict()))
	p.claims(r.proof(), r.shownClaims())
}

// shownClaims is how many of the claims are shown: nothing has a shape once it is
// detached, and several policies don't have that of one.
func (r Recommendation) shownClaims() int {
	if r.Result.Outcome == refine.Detach || r.Leaves() && len(r.Parts) > 0 {
		return accessClaims
	}
	return allClaims
}

func verdictText(v prove.Verdict) string {
	switch v {
	case prove.Proved:
		return good("proved")
	case prove.Refuted:
		return bad("refuted")
	case prove.Undecided:
		return doubt("undecided")
	}
	panic(fmt.Sprintf("report: unhandled verdict %d", v))
}

// How many claims there are, the one about the shape last.
const (
	accessClaims = 3
	allClaims    = 4
)

func (p *page) claims(proof Proof, n int) {
	for _, cl := range proof.claims()[:n] {
		p.linef("  %s %-18s  %s", markOf(cl.Verdict), cl.title, claimText(cl))
		if x := cl.Counterexample; x != nil {
			p.counterexample(proof, x)
		}
	}
}

func markOf(v prove.Verdict) string {
	switch v {
	case prove.Proved:
		return good("✓")
	case prove.Refuted:
		return bad("✗")
	case prove.Undecided:
		return doubt("?")
	}
	panic(fmt.Sprintf("report: unhandled verdict %d", v))
}

func claimText(cl claim) string {
	switch {
	case cl.Verdict == prove.Proved:
		return cl.holds
	case cl.Verdict == prove.Refuted && cl.Counterexample != nil:
		return "refuted by this request:"
	case cl.Verdict == prove.Refuted:
		return "refuted: " + Printable(cl.Reason)
	}
	return "undecided: " + Printable(cl.Reason)
}

// footer has sizes, warnings and what the result was made of.
func (p *page) footer(r Recommendation) {
	if r.Leaves() {
		p.heading("size", sizeText(r))
	}
	p.heading("catalog", catalogText(r.Catalog))
	for _, warning := range Warnings(r) {
		p.linef("%s %s", doubt("warning:"), warning)
	}
}

func sizeText(r Recommendation) string {
	before, after := r.sizes()
	of := fmt.Sprintf("of the %d characters of %s", r.Limit.Characters(), limits[r.Limit].what)
	if len(r.Parts) == 0 {
		return fmt.Sprintf("%d → %d %s", before, after, of)
	}
	sizes := make([]string, len(r.Parts))
	for i, part := range r.Parts {
		sizes[i] = strconv.Itoa(part.Size())
	}
	return fmt.Sprintf("%d → %s %s, as %d policies to be attached together", before, strings.Join(sizes, " + "), of, len(r.Parts))
}

// counterexample shows a request as `pare decide` reads it, and what becomes of it.
func (p *page) counterexample(proof Proof, x *prove.Counterexample) {
	p.request("      ", showRequest(proof.Catalog, proof.docs(), x.Request))
	p.linef("      old: %s   new: %s", decision(proof.docs()[:1], x.Request, x.Old), decision(proof.New, x.Request, x.New))
}

func (p *page) request(prefix string, req *shownRequest) {
	src, err := json.Marshal(req, jsontext.WithIndentPrefix(prefix), jsontext.WithIndent("  "))
	if err != nil {
		panic("report: a request is strings alone: " + err.Error())
	}
	p.linef("%s%s", prefix, src)
}
