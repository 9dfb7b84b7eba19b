package web

import (
	"slices"
	"strings"

	"github.com/aymanbagabas/go-udiff"
	"github.com/go-json-experiment/json/jsontext"
)

// A policy's change, line by line: unified, and side by side.

// diffView is what a policy was and what it is to be.
type diffView struct {
	Lines  []diffLine
	Pairs  []diffPair
	Broken bool // the texts are shown with line breaks that they don't have
	Out    int  // lines that go
	In     int  // lines that come
}

// diffLine is a line of a unified diff.
type diffLine struct {
	Kind lineKind
	Text string
}

// lineKind is what becomes of a line.
type lineKind string

const (
	same  lineKind = "same"
	out   lineKind = "out"
	in    lineKind = "in"
	place lineKind = "place" // not a line: where the next ones stand
)

// diffPair is a row of lines side by side; number 0 where there is none.
type diffPair struct {
	Place    string // of a row that says where the next ones stand
	Old, New int
	OldText  string
	NewText  string
	Changed  bool
}

// around is how many lines around a change are shown.
const around = 4

// diffOf compares two policies; nil if they are the same.
func diffOf(before, after string) (*diffView, error) {
	v := &diffView{}
	if !strings.Contains(strings.TrimSpace(before+after), "\n") {
		before, after, v.Broken = indented(before), indented(after), true
	}
	before, after = ended(before), ended(after)
	d, err := udiff.ToUnifiedDiff("", "", before, udiff.Lines(before, after), around)
	if err != nil {
		return nil, err
	}
	for _, h := range d.Hunks {
		v.add(h)
	}
	if len(v.Lines) == 0 {
		return nil, nil
	}
	v.dedent()
	return v, nil
}

// dedent takes from the lines side by side, which have little room, the indentation that
// all of them have.
func (v *diffView) dedent() {
	least := -1
	for _, p := range v.Pairs {
		for _, text := range [...]string{p.OldText, p.NewText} {
			if n := len(text) - len(strings.TrimLeft(text, " ")); text != "" && (least < 0 || n < least) {
				least = n
			}
		}
	}
	for i := range v.Pairs {
		p := &v.Pairs[i]
		p.OldText, p.NewText = p.OldText[min(least, len(p.OldText)):], p.NewText[min(least, len(p.NewText)):]
	}
}

// add adds a hunk to both.
func (v *diffView) add(h *udiff.Hunk) {
	text := "from line " + number(h.FromLine)
	v.Lines = append(v.Lines, diffLine{place, text})
	v.Pairs = append(v.Pairs, diffPair{Place: text})
	oldAt, newAt := h.FromLine, h.ToLine
	var gone, come []string
	flush := func() {
		for i := range max(len(gone), len(come)) {
			p := diffPair{Changed: true}
			if i < len(gone) {
				p.Old, p.OldText = oldAt, gone[i]
				oldAt++
			}
			if i < len(come) {
				p.New, p.NewText = newAt, come[i]
				newAt++
			}
			v.Pairs = append(v.Pairs, p)
		}
		v.Out, v.In = v.Out+len(gone), v.In+len(come)
		gone, come = nil, nil
	}
	for _, line := range h.Lines {
		text := strings.TrimRight(line.Content, "\r\n")
		switch line.Kind {
		case udiff.Delete:
			v.Lines = append(v.Lines, diffLine{out, text})
			gone = append(gone, text)
		case udiff.Insert:
			v.Lines = append(v.Lines, diffLine{in, text})
			come = append(come, text)
		case udiff.Equal:
			flush()
			v.Lines = append(v.Lines, diffLine{same, text})
			v.Pairs = append(v.Pairs, diffPair{Old: oldAt, New: newAt, OldText: text, NewText: text})
			oldAt, newAt = oldAt+1, newAt+1
		}
	}
	flush()
}

// indented is a document with a line for each member, or as it is if it isn't JSON.
func indented(text string) string {
	value := jsontext.Value(slices.Clone([]byte(text)))
	if err := value.Indent(jsontext.WithIndent("  ")); err != nil {
		return text
	}
	return string(value)
}

func ended(text string) string { return strings.TrimRight(text, "\r\n") + "\n" }
