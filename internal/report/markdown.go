package report

import (
	"io"
	"strings"

	"github.com/pare-iam/pare/policy"
	"github.com/pare-iam/pare/refine"
)

// Markdown writes a recommendation for a pull request: the diff, the edits with their
// reasons, the proof, the sizes.
func Markdown(w io.Writer, r Recommendation) error {
	p := &page{}
	p.linef("### %s: %s", Code(r.Name), markdownOutcome(r))
	if r.Leaves() {
		p.fencedDiff(r)
		p.editTable(r)
	}
	p.linef("\n**Proof: %s**\n", r.verdict())
	for _, cl := range r.proof().claims()[:r.shownClaims()] {
		p.linef("- %s: %s", cl.title, claimText(cl))
		if x := cl.Counterexample; x != nil {
			p.linef("\n  ```json")
			p.request("  ", showRequest(r.Catalog, r.proof().docs(), x.Request))
			p.linef("  ```\n")
		}
	}
	p.markdownFooter(r)
	return p.writeTo(w)
}

func markdownOutcome(r Recommendation) string {
	switch {
	case !r.Leaves():
		return "no recommendation, because the refined policy is not proved"
	case r.Result.Outcome == refine.Detach:
		return "detach it, nothing that it allows is used"
	}
	return r.Result.Outcome.String()
}

func (p *page) fencedDiff(r Recommendation) {
	text := r.unified()
	if text == "" {
		return
	}
	fence := strings.Repeat("`", max(3, longestRun(text)+1))
	p.linef("\n%sdiff\n%s\n%s", fence, strings.TrimSuffix(text, "\n"), fence)
}

func (p *page) editTable(r Recommendation) {
	if len(r.Result.Edits) == 0 {
		return
	}
	p.linef("\n| statement | entry | now | why |\n|---|---|---|---|")
	for _, e := range r.Result.Edits {
		p.linef("| %s | %s | %s | %s |", Code(statementName(r.Original, e.Statement)), codes(e.Out), markdownNow(e), cell(r.reasonText(e)))
	}
}

func markdownNow(e refine.Edit) string {
	if e.Entry == policy.WholeStatement || len(e.In) == 0 {
		return "removed"
	}
	return codes(e.In)
}

func (p *page) markdownFooter(r Recommendation) {
	if r.Leaves() {
		p.linef("\nSize: %s.", sizeText(r))
	}
	p.linef("\nCatalog of %s.", catalogText(r.Catalog))
	warnings := Warnings(r)
	if len(warnings) > 0 {
		p.linef("\n**Warnings**\n")
	}
	for _, warning := range warnings {
		p.linef("- %s", warning)
	}
}

// Code is a text as Markdown's code, whatever is in it; it doesn't end a table's cell, and
// holds no control characters.
func Code(s string) string {
	return Span(cell(Printable(s)))
}

// Span is a text as code in a line that isn't a table's.
func Span(s string) string {
	s = Printable(s)
	fence := strings.Repeat("`", longestRun(s)+1)
	if strings.HasPrefix(s, "`") || strings.HasSuffix(s, "`") {
		s = " " + s + " "
	}
	return fence + s + fence
}

func codes(texts []string) string {
	out := make([]string, len(texts))
	for i, s := range texts {
		out[i] = Code(s)
	}
	return strings.Join(out, "<br>")
}

// cell is a text that doesn't end a table's cell.
func cell(s string) string { return strings.ReplaceAll(s, "|", `\|`) }

// longestRun is the most backticks that stand side by side.
func longestRun(s string) int {
	longest, run := 0, 0
	for _, c := range s {
		if c != '`' {
			run = 0
			continue
		}
		run++
		longest = max(longest, run)
	}
	return longest
}
