package report

import (
	"strconv"
	"strings"
	"unicode"

	"github.com/aymanbagabas/go-udiff"

	"github.com/pare-iam/pare/finding"
)

// diff is what a step changes of a policy as a unified diff; empty if the step makes none,
// if several take the policy's place, or if it isn't known what was there. Lines are
// printable.
func (a Advice) diff(s finding.Step) string {
	old, ok := a.existing(s)
	if s.Action != finding.CreatePolicy || !ok || a.parts(s) > 1 {
		return ""
	}
	name, made := policyText(s.ExistingPolicyID), Printable(s.RecommendedName)
	if made == "" {
		made = name + "\t(recommended)"
	}
	return printableLines(udiff.Unified(name, made, ended(old.Text), ended(s.RecommendedPolicy)))
}

// parts is how many policies take the place of a step's.
func (a Advice) parts(s finding.Step) int {
	n := 0
	for _, other := range a.Steps {
		if other.Action == finding.CreatePolicy && other.ExistingPolicyID == s.ExistingPolicyID && other.Group == s.Group {
			n++
		}
	}
	return n
}

// printableLines are the lines of a document, each printable and ended.
func printableLines(s string) string {
	var out strings.Builder
	for line := range strings.Lines(s) {
		text := strings.TrimSuffix(strings.TrimSuffix(line, "\n"), "\r")
		out.WriteString(printableLine(strings.ReplaceAll(text, "\t", "    ")) + "\n")
	}
	return out.String()
}

// printableLine is a line of a document with only what a terminal wouldn't print escaped.
func printableLine(s string) string {
	var out strings.Builder
	for _, c := range s {
		if unicode.IsPrint(c) {
			out.WriteRune(c)
		} else {
			out.WriteString(strings.Trim(strconv.QuoteRune(c), "'"))
		}
	}
	return out.String()
}

// ended is a text that ends its last line.
func ended(s string) string {
	return strings.TrimSuffix(s, "\n") + "\n"
}
