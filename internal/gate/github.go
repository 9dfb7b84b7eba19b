package gate

import (
	"bufio"
	"fmt"
	"io"
	"strings"
)

// GitHub writes a report as workflow commands, of which GitHub makes annotations in a pull
// request. What is suppressed is left out.
// https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands
func GitHub(w io.Writer, r *Report) error {
	out := bufio.NewWriter(w)
	for _, x := range r.Counting() {
		properties := "file=" + property(x.At.Path)
		if x.At.Line > 0 {
			properties += ",line=" + itoa(x.At.Line) + ",endLine=" + itoa(max(x.At.Line, x.At.EndLine))
		}
		properties += ",title=" + property(x.Rule.String())
		fmt.Fprintf(out, "::%s %s::%s\n", command(x.Rule), properties, message(x.title()+" "+x.Message))
	}
	for _, note := range r.Notes {
		fmt.Fprintf(out, "::notice::%s\n", message(note))
	}
	return out.Flush()
}

func command(r Rule) string {
	switch r.Level() {
	case High:
		return "error"
	case Medium:
		return "warning"
	case Low:
		return "notice"
	}
	return "notice"
}

// message is a text behind the last two colons of a command.
func message(s string) string {
	return strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A").Replace(s)
}

// property is a text among a command's properties.
func property(s string) string {
	return strings.NewReplacer(":", "%3A", ",", "%2C").Replace(message(s))
}
