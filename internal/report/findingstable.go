package report

import (
	"fmt"
	"io"
	"strings"

	"github.com/charmbracelet/x/ansi"

	"github.com/pare-iam/pare/finding"
	"github.com/pare-iam/pare/usage"
)

// FindingsTable writes findings for a terminal: first what was looked at and how sure the
// answer is, then a table for each type. The width is in columns, 0 for as wide as needed.
func FindingsTable(w io.Writer, r Findings, width int) error {
	p := &page{}
	p.summary(r, width)
	for _, g := range r.groups() {
		p.linef("")
		p.heading(kindOf(g.Type).many, faint(string(g.Type)))
		p.findings(r, g, width)
	}
	if len(r.Findings) > 0 {
		p.linef("")
		p.linef("%s", faint("one finding with its evidence: pare findings show ID"))
	}
	return p.writeTo(w)
}

// summary is what the findings rest on, a line each.
func (p *page) summary(r Findings, width int) {
	p.heading("unused access", r.headline())
	for _, t := range finding.Types() {
		if n := r.countsText(t); n != "" {
			p.linef("  %s", n)
		}
	}
	p.linef("")
	for _, l := range r.basis() {
		p.labelled(l, width)
	}
	for _, problem := range r.Problems {
		p.wrapped(doubt("problem: "), 9, Printable(problem), width)
	}
}

// headline is the result in a sentence.
func (r Findings) headline() string {
	where := "in " + accountsText(r.Accounts)
	if len(r.Findings) == 0 {
		return where + ": nothing found, of " + r.lookedAtText()
	}
	counts := []string{count(r.status(finding.Active), "active finding", "active findings")}
	for _, s := range statuses[1:] {
		if n := r.status(s); n > 0 {
			counts = append(counts, fmt.Sprintf("%d %s", n, statusText(s)))
		}
	}
	return where + ": " + strings.Join(counts, ", ")
}

func accountsText(accounts []Account) string {
	switch len(accounts) {
	case 0:
		return "no account"
	case 1:
		return accountText(accounts[0])
	}
	return fmt.Sprintf("%d accounts", len(accounts))
}

func accountText(a Account) string {
	if a.Alias == "" {
		return Printable(a.ID)
	}
	return fmt.Sprintf("%s (%s)", Printable(a.ID), Printable(a.Alias))
}

func (r Findings) lookedAtText() string {
	if len(r.LookedAt) == 0 {
		return "nothing that could be judged"
	}
	return strings.Join(countTexts(r.LookedAt), ", ")
}

func countTexts(counts []Count) []string {
	out := make([]string, len(counts))
	for i, c := range counts {
		out[i] = fmt.Sprintf("%d %s", c.Number, Printable(c.what()))
		if c.Why != "" {
			out[i] += ": " + Printable(c.Why)
		}
	}
	return out
}

// countsText is how many findings of a type there are; empty when there are none.
func (r Findings) countsText(t finding.Type) string {
	var parts []string
	all := 0
	for _, s := range statuses {
		if n := r.with(t, s); n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, statusText(s)))
			all += n
		}
	}
	if all == 0 {
		return ""
	}
	k := kindOf(t)
	text := strong(count(all, k.one, k.many))
	if all == r.with(t, finding.Active) {
		return text
	}
	return text + " " + faint(strings.Join(parts, ", "))
}

// label is a line of the summary, or several under one name.
type label struct {
	name  string
	lines []string
}

// basis is what the answer rests on, in the order in which it is shown.
func (r Findings) basis() []label {
	out := []label{
		{"window", []string{r.windowText()}},
		{"looked at", []string{r.lookedAtText()}},
	}
	sources := []string{"none: nothing is known of any use"}
	if len(r.Sources) > 0 {
		sources = sources[:0]
	}
	for _, s := range r.Sources {
		line := Printable(s.Name)
		if s.Covers != "" {
			line += ": " + Printable(s.Covers)
		}
		sources = append(sources, line)
	}
	out = append(out, label{"sources", sources}, label{"data", []string{r.collectedText()}})
	if r.Catalog != nil {
		out = append(out, label{"catalog", []string{catalogText(r.Catalog)}})
	}
	if len(r.NotJudged) > 0 {
		out = append(out, label{"not judged", countTexts(r.NotJudged)})
	}
	return out
}

func (r Findings) windowText() string {
	days := daysSince(r.Window.From(), r.Window.Now)
	return fmt.Sprintf("%s, %s to %s", count(days, "day", "days"), dayOf(r.Window.From()), dayOf(r.Window.Now))
}

// collectedText is how old the data is.
func (r Findings) collectedText() string {
	if r.CollectedAt.IsZero() {
		return "it isn't known when it was collected"
	}
	if after := r.CollectedAt.Sub(r.Window.Now); after >= usage.Day {
		return fmt.Sprintf("collected %s, %s after: what was used since the window's end counts as used", dayOf(r.CollectedAt), count(int(after/usage.Day), "day", "days"))
	}
	age := daysSince(r.CollectedAt, r.Window.Now)
	if age == 0 {
		return fmt.Sprintf("collected %s, less than a day before", dayOf(r.CollectedAt))
	}
	return fmt.Sprintf("collected %s, %s before", dayOf(r.CollectedAt), count(age, "day", "days"))
}

const labelWidth = 12

func (p *page) labelled(l label, width int) {
	for i, line := range l.lines {
		name := ""
		if i == 0 {
			name = l.name
		}
		p.wrapped(faint(fmt.Sprintf("%-*s", labelWidth, name)), labelWidth, line, width)
	}
}

// wrapped writes a text behind a prefix of so many columns, in as many lines as it takes.
func (p *page) wrapped(prefix string, columns int, text string, width int) {
	for i, line := range wrap(text, width-columns) {
		if i > 0 {
			prefix = strings.Repeat(" ", columns)
		}
		p.linef("%s%s", prefix, line)
	}
}

// minWrap is the narrowest that text is wrapped to; what is narrower isn't wrapped.
const minWrap = 20

func wrap(text string, width int) []string {
	if width < minWrap {
		return []string{text}
	}
	return strings.Split(ansi.Wrap(text, width, ""), "\n")
}

// The measures of a table, in columns.
const (
	gap        = 2
	minEntity  = 24 // an entity's name isn't cut shorter
	minDetails = 32 // what is narrower stands on lines of its own
)

// column is a column of a table.
type column struct {
	title string
	cell  func(finding.Finding) string
	style func(finding.Finding) func(string) string
	width int
}

func noStyle(finding.Finding) func(string) string { return plain }

// columns are those of a type's table but for the details, which take what is left. An
// account is named if there are several. When a principal with unused permissions was
// last accessed itself isn't what is found: the details say it of each service.
func (r Findings) columns(t finding.Type) []column {
	ids := r.idLength()
	out := []column{
		{title: "FINDING", cell: func(f finding.Finding) string { return shortID(f.ID, ids) }, style: func(finding.Finding) func(string) string { return place }},
		{title: "IAM ENTITY", cell: func(f finding.Finding) string { return entityText(f.Resource) }, style: noStyle},
	}
	if len(r.Accounts) > 1 {
		out = append(out, column{title: "ACCOUNT", cell: func(f finding.Finding) string { return Printable(f.Account) }, style: noStyle})
	}
	if t != finding.UnusedPermission {
		out = append(out, column{title: "LAST ACCESSED", cell: r.accessedText, style: noStyle})
	}
	return append(out, column{title: "STATUS", cell: func(f finding.Finding) string { return statusText(f.Status) }, style: statusStyle})
}

// accessedText is when a finding's entity was last accessed. Who has unused permissions
// was used in the window, or would be an unused role.
func (r Findings) accessedText(f finding.Finding) string {
	if f.Type == finding.UnusedPermission {
		return "in the window"
	}
	return lastText(f.LastAccessed, r.Window.Now)
}

func statusStyle(f finding.Finding) func(string) string {
	//exhaustive:enforce
	switch f.Status {
	case finding.Active:
		return doubt
	case finding.Archived:
		return faint
	case finding.Resolved:
		return good
	}
	panic(fmt.Sprintf("report: unhandled status %q", f.Status))
}

// fit sets the columns' widths and returns what is left for the details; 0: they stand on
// lines of their own.
func fit(columns []column, findings []finding.Finding, width int) int {
	used := 2
	for i := range columns {
		c := &columns[i]
		c.width = len(c.title)
		for _, f := range findings {
			c.width = max(c.width, ansi.StringWidth(c.cell(f)))
		}
		used += c.width + gap
	}
	if width <= 0 {
		return 1 << 16
	}
	entity := &columns[1]
	if over := used + minDetails - width; over > 0 && entity.width-over >= minEntity {
		entity.width -= over
		used -= over
	}
	if left := width - used; left >= minDetails {
		return left
	}
	if over := used - gap - width; over > 0 {
		entity.width = max(min(entity.width, minEntity), entity.width-over)
	}
	return 0
}

func (p *page) findings(r Findings, g group, width int) {
	columns := r.columns(g.Type)
	details := fit(columns, r.Findings, width)
	titles := []string{faint("DETAILS")}
	if details == 0 {
		titles = nil
	}
	p.row(columns, func(c column) string { return faint(pad(c.title, c.width)) }, titles)
	listed := g.Findings
	if r.Most > 0 && len(listed) > r.Most {
		listed = listed[:r.Most]
	}
	for _, f := range listed {
		cell := func(c column) string { return c.style(f)(pad(cut(c.cell(f), c.width), c.width)) }
		lines := r.detailLines(f)
		if details > 0 {
			p.row(columns, cell, wrapAll(lines, details))
			continue
		}
		p.row(columns, cell, nil)
		for _, line := range wrapAll(lines, width-6) {
			p.linef("      %s", line)
		}
	}
	if more := len(g.Findings) - len(listed); more > 0 {
		p.linef("  %s", faint(fmt.Sprintf("… and %d more", more)))
	}
}

// row writes cells, and details beside them that go on below.
func (p *page) row(columns []column, cell func(column) string, details []string) {
	line, indent := "  ", 2
	for _, c := range columns {
		line += cell(c) + strings.Repeat(" ", gap)
		indent += c.width + gap
	}
	for i, d := range details {
		if i > 0 {
			line = strings.Repeat(" ", indent)
		}
		p.linef("%s", strings.TrimRight(line+d, " "))
	}
	if len(details) == 0 {
		p.linef("%s", strings.TrimRight(line, " "))
	}
}

func wrapAll(lines []string, width int) []string {
	var out []string
	for _, line := range lines {
		for i, part := range wrap(line, width-gap) {
			if i > 0 {
				part = strings.Repeat(" ", gap) + part
			}
			out = append(out, part)
		}
	}
	return out
}

func pad(s string, width int) string {
	return s + strings.Repeat(" ", max(0, width-ansi.StringWidth(s)))
}

// cut shortens a text in its middle: names differ at their ends.
func cut(s string, width int) string {
	if ansi.StringWidth(s) <= width {
		return s
	}
	head := (width - 1) / 2
	return ansi.Truncate(s, head, "") + "…" + ansi.TruncateLeft(s, ansi.StringWidth(s)-(width-1-head), "")
}
