package report

import (
	"io"
	"strings"

	"github.com/pare-iam/pare/finding"
)

// FindingsMarkdown writes findings for a pull request, a ticket or a wiki: counts, what
// they rest on, a table for each type, and the recommended steps.
func FindingsMarkdown(w io.Writer, r Findings) error {
	p := &page{}
	p.linef("## Unused access %s\n", Inert(r.headline()))
	if len(r.Findings) > 0 {
		p.linef("| what | active | archived | resolved |\n|---|--:|--:|--:|")
		for _, g := range r.groups() {
			p.linef("| %s | %d | %d | %d |", kindOf(g.Type).many, r.with(g.Type, finding.Active), r.with(g.Type, finding.Archived), r.with(g.Type, finding.Resolved))
		}
		p.linef("")
	}
	for _, l := range r.basis() {
		p.linef("- **%s**: %s", l.name, Inert(strings.Join(l.lines, "; ")))
	}
	for _, problem := range r.Problems {
		p.linef("- **warning**: %s", Inert(problem))
	}
	for _, g := range r.groups() {
		p.linef("\n### %s\n", titled(kindOf(g.Type).many))
		p.markdownTable(r, g)
	}
	p.markdownAdvice(r)
	return p.writeTo(w)
}

func (p *page) markdownTable(r Findings, g group) {
	ids := r.idLength()
	p.linef("| finding | IAM entity | account | last accessed | status | details |\n|---|---|---|---|---|---|")
	for _, f := range g.Findings {
		lines := r.detailLines(f)
		for i, line := range lines {
			lines[i] = Inert(line)
		}
		p.linef("| %s | %s | %s | %s | %s | %s |", Code(shortID(f.ID, ids)), Code(entityText(f.Resource)), Inert(f.Account),
			r.accessedText(f), statusText(f.Status), strings.Join(lines, "<br>"))
	}
}

func (p *page) markdownAdvice(r Findings) {
	if len(r.Advice) == 0 {
		return
	}
	p.linef("\n### Recommended steps")
	for _, a := range r.Advice {
		p.linef("\n#### %s\n", Code(entityText(a.Resource)))
		p.linef("%s", Inert(a.proofText()))
		if rest := a.restText(); rest != "" {
			p.linef("\n**%s**", Inert(rest))
		}
		if a.Leaves() {
			p.linef("\n%s.\n", titled(a.grantText()))
			for i, s := range a.Steps {
				p.linef("%d. `%s`: %s", i+1, s.Action, Inert(stepText(s)))
			}
			p.markdownDiffs(a)
		}
		for _, note := range a.Notes {
			p.linef("\nNote: %s", Inert(note))
		}
	}
}

func (p *page) markdownDiffs(a Advice) {
	for _, s := range a.Steps {
		text := a.diff(s)
		if text == "" {
			continue
		}
		fence := strings.Repeat("`", max(3, longestRun(text)+1))
		p.linef("\n%sdiff\n%s\n%s", fence, strings.TrimSuffix(text, "\n"), fence)
	}
}

// Inert is a text on one line in which nothing means anything to Markdown or HTML, and nobody
// is mentioned.
func Inert(s string) string {
	s = Printable(s)
	var out strings.Builder
	for i, c := range s {
		switch {
		case c == '<':
			out.WriteString("&lt;")
		case c == '&':
			out.WriteString("&amp;")
		case c == '@':
			out.WriteString("&#64;")
		case c == '_' && insideWord(s, i):
			out.WriteRune(c)
		case strings.ContainsRune("\\`*_[]#|~>!", c):
			out.WriteRune('\\')
			out.WriteRune(c)
		default:
			out.WriteRune(c)
		}
	}
	return out.String()
}

// insideWord says whether ASCII letters or digits are on both sides of a byte: an underscore
// there is no emphasis. https://github.github.com/gfm/#delimiter-run
func insideWord(s string, i int) bool {
	word := func(i int) bool {
		return i >= 0 && i < len(s) && (s[i] >= '0' && s[i] <= '9' || s[i]|0x20 >= 'a' && s[i]|0x20 <= 'z')
	}
	return word(i-1) && word(i+1)
}

// titled is a text with its first letter as a capital.
func titled(s string) string {
	return strings.ToUpper(first(s)) + s[len(first(s)):]
}
