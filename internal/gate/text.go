package gate

import (
	"bufio"
	"fmt"
	"io"

	"github.com/pare-iam/pare/internal/report"
)

// Text writes a report for people.
func Text(w io.Writer, r *Report) error {
	out := bufio.NewWriter(w)
	for _, x := range r.Counting() {
		fmt.Fprintf(out, "%s: %s: %s %s\n", report.Printable(x.At.String()), x.Rule, report.Printable(x.title()), x.Message)
		for _, f := range x.Fixes {
			fmt.Fprintf(out, "    fix: %s\n", f.Description)
		}
	}
	fmt.Fprintln(out, r.summary())
	for _, note := range r.Notes {
		fmt.Fprintf(out, "note: %s\n", note)
	}
	return out.Flush()
}

// summary is the report in a line.
func (r *Report) summary() string {
	counting := r.Counting()
	out := counted(len(counting), "result") + " in " + counted(r.Checked, "policy")
	if r.Against != "" {
		out += ", compared with " + report.Printable(r.Against)
	}
	if n := len(r.Results) - len(counting); n > 0 {
		out += "; " + itoa(n) + " suppressed"
	}
	return out
}
