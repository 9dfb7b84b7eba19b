package apply

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/aymanbagabas/go-udiff"
)

// WriteText writes the plan for a reader: what becomes of what, with the policies' texts as
// differences, and what is left as it is.
func (p *Plan) WriteText(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "plan for account %s, made %s", p.Account, p.MadeAt.UTC().Format(time.RFC3339))
	if !p.Evidence.IsZero() {
		fmt.Fprintf(&b, ", from evidence up to %s", p.Evidence.UTC().Format(time.RFC3339))
	}
	fmt.Fprintf(&b, "\n%d steps, %d actions\n", len(p.Steps), len(p.Actions()))
	for i := range p.Steps {
		p.Steps[i].write(&b)
	}
	if len(p.Left) > 0 {
		b.WriteString("\nleft as it is\n")
	}
	for _, l := range p.Left {
		fmt.Fprintf(&b, "  %s: %s: %s\n", printable(l.What), l.Kind, printable(l.Why))
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func (s *Step) write(b *strings.Builder) {
	fmt.Fprintf(b, "\n%s  %s\n", s.ID, printable(s.Title))
	if s.Finding != "" {
		fmt.Fprintf(b, "    finding  %s\n", printable(s.Finding))
	}
	for _, arn := range s.Affects {
		fmt.Fprintf(b, "    affects  %s\n", printable(arn))
	}
	for _, a := range s.Actions {
		fmt.Fprintf(b, "    %-4s %s\n", a.ID, printable(a.text()))
		if diff := a.diff(); diff != "" {
			for line := range strings.Lines(diff) {
				b.WriteString("         " + line)
			}
		}
	}
}

// text is the action in words.
func (a Action) text() string {
	switch t := a.Target.(type) {
	case Policy:
		if !a.Expect.There {
			return "create the " + t.String()
		}
		return "new default version of the " + t.String() + ", now " + a.Expect.Version
	case Attachment:
		verb := "detach the policy " + t.Policy + " from the "
		if a.Leave.There {
			verb = "attach the policy " + t.Policy + " to the "
		}
		return verb + t.Of.String()
	case Inline:
		if !a.Leave.There {
			return "delete the " + t.String()
		}
		return "put the " + t.String()
	case RoleTag:
		return "tag the role " + t.Role + " with " + t.Key + "=" + a.Leave.Text
	case AccessKey:
		if !a.Leave.There {
			return "delete the " + t.String() + ", for good"
		}
		return "set the " + t.String() + " to " + a.Leave.Text
	case Password:
		return "delete the " + t.String() + ", for good"
	case ProfileRole:
		return "take the " + t.String() + " out of it"
	case Role:
		return "delete the " + t.String() + "; taken back, it has a new unique ID, which policies elsewhere that name it don't know"
	}
	panic(fmt.Sprintf("apply: unhandled %T", a.Target))
}

// diff is the change of a document; empty for what changes none.
func (a Action) diff() string {
	switch t := a.Target.(type) {
	case Policy:
		return udiff.Unified(t.Name, t.Name, lines(a.Expect.Document), lines(a.Leave.Document))
	case Inline:
		return udiff.Unified(t.Name, t.Name, lines(a.Expect.Document), lines(a.Leave.Document))
	case Attachment, RoleTag, AccessKey, Password, ProfileRole, Role:
		return ""
	}
	panic(fmt.Sprintf("apply: unhandled %T", a.Target))
}

// lines is a document that ends in a line break, so that a difference has whole lines.
func lines(doc string) string {
	if doc == "" || strings.HasSuffix(doc, "\n") {
		return doc
	}
	return doc + "\n"
}

// printable is text from the account without what moves a terminal's cursor.
func printable(s string) string {
	return strings.Map(func(c rune) rune {
		if c < ' ' || c >= 0x7f && c < 0xa0 {
			return '\uFFFD'
		}
		return c
	}, s)
}
