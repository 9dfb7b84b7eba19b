package report

import (
	"io"
	"strings"

	"github.com/aymanbagabas/go-udiff"

	"github.com/pare-iam/pare/refine"
)

// unified is the change of a policy as a unified diff; empty when nothing changes.
func (r Recommendation) unified() string {
	if r.Result.Outcome != refine.Refined {
		return ""
	}
	name := Printable(r.Name)
	return udiff.Unified(name, name+"\t(recommended)", string(r.Original.Bytes()), string(r.Result.Document.Bytes()))
}

func (p *page) diff(r Recommendation) {
	text := r.unified()
	if text == "" {
		return
	}
	p.linef("")
	p.coloured(text)
}

// Diff writes a unified diff with colours.
func Diff(w io.Writer, text string) error {
	p := &page{}
	p.coloured(text)
	return p.writeTo(w)
}

func (p *page) coloured(text string) {
	for line := range strings.Lines(text) {
		p.linef("%s", diffStyle(line)(strings.TrimSuffix(line, "\n")))
	}
}

func diffStyle(line string) func(string) string {
	switch {
	case strings.HasPrefix(line, "---"), strings.HasPrefix(line, "+++"):
		return strong
	case strings.HasPrefix(line, "@@"):
		return place
	case strings.HasPrefix(line, "-"):
		return bad
	case strings.HasPrefix(line, "+"):
		return good
	}
	return plain
}

func plain(s string) string { return s }
