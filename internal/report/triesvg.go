package report

import (
	"encoding/xml"
	"fmt"
	"io"
	"strings"

	"github.com/pare-iam/pare/refine"
)

// The measures of the picture, in pixels. The font is monospaced, so that the width of a
// text is known.
const (
	rowHeight = 22
	indent    = 22
	margin    = 16
	letter    = 7.3
	headRows  = 3
)

// svgStyle has the colours for light and dark; shapes differ too, so that no colour is
// needed to read it. There are no CSS variables, which rsvg-convert doesn't know.
const svgStyle = `  <style>
    text { font: 12px ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; fill: #1f2328 }
    .back { fill: #ffffff }
    .title { font-weight: bold }
    .faint { fill: #59636e }
    .line { fill: none; stroke: #b7bec7 }
    .safe { fill: #1a7f37 }
    .unsafe { fill: none; stroke: #c21c2c; stroke-width: 2 }
    .printed { fill: #dafbe1; stroke: #1a7f37 }
    .result { fill: #1a7f37; font-weight: bold }
    @media (prefers-color-scheme: dark) {
      text { fill: #e6edf3 }
      .back { fill: #0d1117 }
      .faint { fill: #9198a1 }
      .line { stroke: #4b535d }
      .safe { fill: #4ac26b }
      .unsafe { stroke: #ff7b72 }
      .printed { fill: #12361f; stroke: #4ac26b }
      .result { fill: #4ac26b }
    }
  </style>
`

// drawing is a picture on the way.
type drawing struct {
	strings.Builder
	lines strings.Builder // under everything else
	row   int
	width float64
}

// TrieSVG draws the trie of an action pattern as a picture that needs nothing beside it.
func TrieSVG(w io.Writer, pattern string, root refine.Node) error {
	d := &drawing{row: headRows}
	d.twig(twigOf(root), 0)
	title := fmt.Sprintf("%s matches %s, %d of them unused", Printable(pattern), count(root.Matched, "action", "actions"), root.Unused)
	d.fit(margin, title)
	width, height := int(d.width)+margin, d.row*rowHeight+margin
	p := &page{}
	p.linef(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" width="%d" height="%d" role="img" aria-labelledby="title desc">`, width, height, width, height)
	p.linef("  <title id=\"title\">%s</title>", escaped(title))
	p.linef("  <desc id=\"desc\">%s</desc>", escaped(description(root)))
	p.WriteString(svgStyle)
	p.linef(`  <rect class="back" width="%d" height="%d"/>`, width, height)
	p.linef(`  <text class="title" x="%d" y="%d">%s</text>`, margin, rowHeight, escaped(title))
	p.legend()
	p.WriteString(d.lines.String())
	p.WriteString(d.String())
	p.linef("</svg>")
	return p.writeTo(w)
}

func (p *page) legend() {
	y := 2*rowHeight - 2
	p.linef(`  <circle class="safe" cx="%d" cy="%d" r="5"/>`, margin+5, y-4)
	p.linef(`  <text class="faint" x="%d" y="%d">safe: no unused action lies under it</text>`, margin+16, y)
	p.linef(`  <path class="unsafe" d="%s"/>`, cross(margin+305, y-4))
	p.linef(`  <text class="faint" x="%d" y="%d">not safe</text>`, margin+316, y)
	p.linef(`  <rect class="printed" x="%d" y="%d" width="16" height="14" rx="3"/>`, margin+400, y-11)
	p.linef(`  <text class="faint" x="%d" y="%d">takes the pattern's place</text>`, margin+422, y)
}

// twig draws a node and what is under it, each a row, and returns its row.
func (d *drawing) twig(t twig, depth int) int {
	row := d.row
	d.row++
	x, y := margin+depth*indent, row*rowHeight+rowHeight/2
	if t.kind == safe {
		fmt.Fprintf(&d.Builder, `  <circle class="safe" cx="%d" cy="%d" r="5"/>`+"\n", x+5, y)
	} else {
		fmt.Fprintf(&d.Builder, `  <path class="unsafe" d="%s"/>`+"\n", cross(x+5, y))
	}
	at := d.text(float64(x+16), y, class(t), t.label())
	if counts := t.counts(); counts != "" {
		at = d.text(at+letter, y, "faint", counts)
	}
	if len(t.Printed) > 0 {
		d.printed(at+2*letter, y, strings.Join(printables(t.Printed), "  "))
	}
	if t.kind == gone && t.Matched > 1 {
		for _, line := range t.names(100) {
			d.text(float64(x+indent+16), d.row*rowHeight+rowHeight/2, "faint", line)
			d.row++
		}
		return row
	}
	for _, c := range t.children {
		child := d.twig(c, depth+1)
		fmt.Fprintf(&d.lines, `  <path class="line" d="M%d %dV%dH%d"/>`+"\n", x+5, y+8, child*rowHeight+rowHeight/2, x+indent-2)
	}
	return row
}

func class(t twig) string {
	if t.kind == gone {
		return "faint"
	}
	return "name"
}

// text writes a text and returns where it ends.
func (d *drawing) text(x float64, y int, class, s string) float64 {
	fmt.Fprintf(&d.Builder, `  <text class="%s" x="%.1f" y="%d">%s</text>`+"\n", class, x, y+4, escaped(s))
	return d.fit(x, s)
}

func (d *drawing) printed(x float64, y int, s string) {
	width := float64(len([]rune(s)))*letter + 12
	fmt.Fprintf(&d.Builder, `  <rect class="printed" x="%.1f" y="%d" width="%.1f" height="18" rx="4"/>`+"\n", x, y-9, width)
	d.text(x+6, y, "result", s)
	d.width = max(d.width, x+width)
}

// fit makes room for a text and returns where it ends.
func (d *drawing) fit(x float64, s string) float64 {
	end := x + float64(len([]rune(s)))*letter
	d.width = max(d.width, end, legendWidth)
	return end
}

const legendWidth = 640

func cross(x, y int) string {
	return fmt.Sprintf("M%d %dl8 8m0 -8l-8 8", x-4, y-4)
}

// description says in words what the picture shows.
func description(root refine.Node) string {
	var entries []string
	var visit func(n refine.Node)
	visit = func(n refine.Node) {
		entries = append(entries, printables(n.Printed)...)
		for _, c := range n.Children {
			visit(c)
		}
	}
	visit(root)
	if len(entries) == 0 {
		return "The trie of the action names. Every one is unused, so nothing takes the pattern's place."
	}
	return "The trie of the action names. What takes the pattern's place: " + strings.Join(entries, ", ") + "."
}

func escaped(s string) string {
	var out strings.Builder
	if err := xml.EscapeText(&out, []byte(s)); err != nil {
		panic("report: a builder takes every write: " + err.Error())
	}
	return out.String()
}
