package report

import (
	"fmt"
	"html/template"
	"strings"

	"github.com/pare-iam/pare/finding"
	"github.com/pare-iam/pare/prove"
)

// viewOf is a principal's steps; those that don't leave are not in it.
func viewOf(a Advice, id string) viewAdvice {
	out := viewAdvice{ID: id, Entity: entityText(a.Resource), ARN: Printable(a.Resource), Proof: a.proofText(), Rest: a.restText(), Notes: printables(a.Notes)}
	out.Verdict, out.Mark = a.mark()
	if !a.Leaves() {
		return out
	}
	out.Grant = titled(a.grantText())
	for _, s := range a.Steps {
		step := viewStep{Action: string(s.Action), Text: stepText(s), Diff: diffLines(a.diff(s))}
		for _, arn := range s.Affects {
			step.Affects = append(step.Affects, entityText(arn))
		}
		if s.Action == finding.CreatePolicy && len(step.Diff) == 0 {
			step.Policy = printableLines(s.RecommendedPolicy)
		}
		out.Steps = append(out.Steps, step)
	}
	return out
}

// mark is the class of a principal's verdict, and the word for it.
func (a Advice) mark() (class, word string) {
	switch {
	case a.partial() && a.Leaves():
		return "undecided", "✓ proved, not complete"
	case a.Outcome == finding.Failed:
		return "failed", "no recommendation"
	}
	//exhaustive:enforce
	switch a.Proof {
	case prove.Proved:
		return "proved", "✓ proved"
	case prove.Refuted:
		return "refuted", "✗ refuted"
	case prove.Undecided:
		return "undecided", "? undecided"
	}
	panic(fmt.Sprintf("report: unhandled verdict %d", a.Proof))
}

// diffLines are a unified diff's lines with their classes.
func diffLines(diff string) []diffLine {
	var out []diffLine
	for line := range strings.Lines(diff) {
		line = strings.TrimSuffix(line, "\n")
		class := "same"
		switch {
		case len(out) < 2: // the names of the two files
			class = "file"
		case strings.HasPrefix(line, "@@"):
			class = "hunk"
		case strings.HasPrefix(line, "-"):
			class = "out"
		case strings.HasPrefix(line, "+"):
			class = "in"
		}
		out = append(out, diffLine{class, line})
	}
	return out
}

// The measures of a page's plots.
const (
	maxBars   = 20
	halfWidth = 560
	fullWidth = 1100
)

// figures are the plots of a page; those without anything to show aren't there.
func (r Findings) figures() []figure {
	services, principals, pairs := r.unusedByService(), named(r.unusedByPrincipal()), r.overPrivilege()
	var out []figure
	add := func(title, unit string, rows []Total, id string) {
		if len(rows) == 0 {
			return
		}
		shown := rows[:min(len(rows), maxBars)]
		svg := BarsSVG(Bars{ID: id, Title: title, Unit: unit, Width: halfWidth, Rows: shown})
		out = append(out, figure{Title: title, Note: shownText(len(shown), len(rows), "active findings"), SVG: template.HTML(svg)})
	}
	add("Unused by service", "unused actions, added up over principals", services, "by-service")
	add("Unused by principal", "unused actions", principals, "by-principal")
	if len(pairs) > 0 {
		shown := pairs[:min(len(pairs), maxBars)]
		title := "Granted before and after the recommended steps"
		svg := PairsSVG(Pairs{ID: "over-privilege", Title: title, Unit: "granted actions", Before: "now", After: "after the steps", Width: fullWidth, Rows: shown})
		out = append(out, figure{Title: title, Note: shownText(len(shown), len(pairs), "principals whose steps are proved"), Wide: true, SVG: template.HTML(svg)})
	}
	return out
}

// shownText says what of a plot is shown.
func shownText(shown, all int, of string) string {
	text := "The catalog's actions, " + of
	if shown < all {
		text += fmt.Sprintf(": the first %d of %d rows", shown, all)
	}
	return text + "."
}

// named are totals of principals under names that are short and still differ.
func named(totals []Total) []Total {
	out := make([]Total, len(totals))
	seen := map[string]int{}
	for _, t := range totals {
		seen[entityText(t.Name)]++
	}
	for i, t := range totals {
		out[i] = Total{entityText(t.Name), t.Number}
		if seen[out[i].Name] > 1 {
			out[i].Name = Printable(t.Name)
		}
	}
	return out
}
