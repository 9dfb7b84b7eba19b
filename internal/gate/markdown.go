package gate

import (
	"bufio"
	"fmt"
	"io"

	"github.com/pare-iam/pare/internal/report"
)

// CommentMarker is the first line of Markdown's output: by it a comment in a pull request is
// found again and updated in place.
const CommentMarker = "<!-- pare check -->"

// mostShown is how many results of a rule Markdown lists: GitHub takes comments of 65,536
// characters.
const mostShown = 50

// Markdown writes a report as a comment for a pull request.
func Markdown(w io.Writer, r *Report) error {
	out := bufio.NewWriter(w)
	fmt.Fprintf(out, "%s\n### pare check\n\n%s.\n", CommentMarker, report.Inert(r.summary()))
	counting := r.Counting()
	for _, rule := range Rules() {
		var list []Result
		for _, x := range counting {
			if x.Rule == rule {
				list = append(list, x)
			}
		}
		markdownRule(out, rule, list)
	}
	if len(r.Results) > len(counting) {
		fmt.Fprint(out, "\n<details><summary>Suppressed</summary>\n\n")
		n := 0
		for _, x := range r.Results {
			if x.Suppressed == nil {
				continue
			}
			if n++; n <= mostShown {
				fmt.Fprintf(out, "- %s %s: %s (%s: %s)\n", report.Span(x.At.String()), x.Rule, report.Inert(x.title()), x.Suppressed.By, report.Inert(x.Suppressed.Reason))
			}
		}
		more(out, n)
		fmt.Fprint(out, "\n</details>\n")
	}
	if len(r.Notes) > 0 {
		fmt.Fprintln(out)
	}
	for i, note := range r.Notes {
		if i < mostShown {
			fmt.Fprintf(out, "> %s  \n", report.Inert(note))
		}
	}
	return out.Flush()
}

func markdownRule(out *bufio.Writer, rule Rule, list []Result) {
	if len(list) == 0 {
		return
	}
	fmt.Fprintf(out, "\n#### %s (%d)\n\n", rule.title(), len(list))
	for _, x := range list[:min(len(list), mostShown)] {
		fmt.Fprintf(out, "- %s %s %s\n", report.Span(x.At.String()), report.Span(x.title()), report.Inert(cut(x.Message)))
	}
	more(out, len(list))
	fmt.Fprintf(out, "\n%s\n", rule.help())
}

func more(out *bufio.Writer, n int) {
	if n > mostShown {
		fmt.Fprintf(out, "- and %d more: the job's output has them\n", n-mostShown)
	}
}

// cut shortens a text that would fill the comment.
func cut(s string) string {
	const most = 600
	if r := []rune(s); len(r) > most {
		return string(r[:most]) + " …"
	}
	return s
}
