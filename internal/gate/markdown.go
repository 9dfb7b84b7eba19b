package gate

import (
	"bufio"
	"fmt"
	"io"
	"strings"
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
	fmt.Fprintf(out, "%s\n### pare check\n\n%s.\n", CommentMarker, inert(r.summary()))
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
				fmt.Fprintf(out, "- %s %s: %s (%s: %s)\n", code(x.At.String()), x.Rule, inert(x.title()), x.Suppressed.By, inert(x.Suppressed.Reason))
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
			fmt.Fprintf(out, "> %s  \n", inert(note))
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
		fmt.Fprintf(out, "- %s %s %s\n", code(x.At.String()), code(x.title()), inert(cut(x.Message)))
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

// code is a text as code in a line, whatever backticks are in it.
func code(s string) string {
	s = oneLine(s)
	longest, run := 0, 0
	for _, c := range s {
		if c != '`' {
			run = 0
			continue
		}
		run++
		longest = max(longest, run)
	}
	fence := strings.Repeat("`", longest+1)
	if longest > 0 {
		return fence + " " + s + " " + fence
	}
	return fence + s + fence
}

// inert is a text of which nothing is markup, a mention or a link.
func inert(s string) string {
	var out strings.Builder
	for _, c := range oneLine(s) {
		switch {
		case strings.ContainsRune("\\`*_{}[]<>()#+!|~", c):
			out.WriteRune('\\')
			out.WriteRune(c)
		case c == '@':
			out.WriteString("&#64;")
		case c == '&':
			out.WriteString("&amp;")
		default:
			out.WriteRune(c)
		}
	}
	return out.String()
}
