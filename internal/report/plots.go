package report

import (
	"fmt"
	"strconv"
	"strings"
)

// Plots are pictures that need nothing beside them. They name their colours, for light
// paper, in attributes, which a page's style overrides by class: no style of their own,
// so that a page's content security policy needs no exception. The same values give the
// same bytes. A name is cut to its column and stands whole in its row's title.

// Bars is a plot of horizontal bars, one a row.
type Bars struct {
	ID    string // of the picture in its page
	Title string
	Unit  string // of the axis: "unused actions"
	Width int    // in pixels
	Rows  []Total
}

// Pairs is a plot of pairs of horizontal bars, one a row.
type Pairs struct {
	ID     string
	Title  string
	Unit   string
	Before string // what the first bar of a pair is: "now"
	After  string
	Width  int
	Rows   []Pair
}

// Pair is a row of Pairs.
type Pair struct {
	Name          string
	Before, After int
}

// The measures of plots, in pixels.
const (
	plotRow    = 26 // of a bar with the space to the next
	plotBar    = 16
	pairRow    = 40
	pairBar    = 13
	plotTop    = 8
	plotLegend = 26
	plotAxis   = 44  // under the bars: ticks and the unit
	plotValue  = 58  // right of the longest bar, for its number
	plotLetter = 7.2 // a letter's width, on the wide side
	maxNames   = 300 // for the names, left of the bars
)

// The colours of plots on light paper; findings.css has those on dark.
const (
	inkColor    = "#1f2328"
	faintColor  = "#59636e"
	gridColor   = "#d1d9e0"
	barColor    = "#0969da"
	beforeColor = "#818b98"
	afterColor  = "#1a7f37"
)

// BarsSVG draws bars as SVG; empty if there are no rows.
func BarsSVG(b Bars) string {
	if len(b.Rows) == 0 {
		return ""
	}
	most := 0
	words := make([]string, len(b.Rows))
	for i, row := range b.Rows {
		most = max(most, row.Number)
		words[i] = Printable(row.Name) + " " + grouped(row.Number)
	}
	p := newPlot(b.Width, most)
	p.open(b.ID, b.Title, strings.Join(words, ", "), plotTop+len(b.Rows)*plotRow+plotAxis)
	p.axis(plotTop, plotTop+len(b.Rows)*plotRow, b.Unit)
	for i, row := range b.Rows {
		y := plotTop + i*plotRow + (plotRow-plotBar)/2
		p.row(row.Name, grouped(row.Number), y+plotBar/2)
		p.bar(row.Number, y, plotBar, class2{"bar", barColor})
		p.linef("  </g>")
	}
	p.linef("</svg>")
	return p.String()
}

// PairsSVG draws pairs of bars as SVG; empty if there are no rows.
func PairsSVG(b Pairs) string {
	if len(b.Rows) == 0 {
		return ""
	}
	most := 0
	words := make([]string, len(b.Rows))
	for i, row := range b.Rows {
		most = max(most, row.Before, row.After)
		words[i] = fmt.Sprintf("%s %s to %s", Printable(row.Name), grouped(row.Before), grouped(row.After))
	}
	p := newPlot(b.Width, most)
	top := plotTop + plotLegend
	p.open(b.ID, b.Title, strings.Join(words, ", "), top+len(b.Rows)*pairRow+plotAxis)
	p.key(b.Before, b.After)
	p.axis(top, top+len(b.Rows)*pairRow, b.Unit)
	for i, row := range b.Rows {
		y := top + i*pairRow + (pairRow-2*pairBar-2)/2
		p.row(row.Name, fmt.Sprintf("%s: %s, %s: %s", b.Before, grouped(row.Before), b.After, grouped(row.After)), y+pairBar+1)
		p.bar(row.Before, y, pairBar, class2{"bar-before", beforeColor})
		p.bar(row.After, y+pairBar+2, pairBar, class2{"bar-after", afterColor})
		p.linef("  </g>")
	}
	p.linef("</svg>")
	return p.String()
}

// class2 is a class and the colour that it has without a style.
type class2 struct{ name, color string }

// plot is a plot on the way: bars begin at left, and the axis ends at a round number.
type plot struct {
	page
	width, left, right int
	step, end          int // of the axis' ticks
}

func newPlot(width, most int) *plot {
	step := tickStep(most)
	end := max(step, (most+step-1)/step*step)
	return &plot{width: width, left: min(width*2/5, maxNames), right: width - plotValue, step: step, end: end}
}

// maxTicks is how many steps an axis has at most.
const maxTicks = 5

// tickStep is the least of 1, 2, 5, 10, 20, 50, … that reaches a number in a few steps.
func tickStep(most int) int {
	for unit := 1; ; unit *= 10 {
		for _, n := range [...]int{1, 2, 5} {
			if n*unit*maxTicks >= most {
				return n * unit
			}
		}
	}
}

func (p *plot) x(n int) int { return p.left + n*(p.right-p.left)/p.end }

func (p *plot) open(id, title, words string, height int) {
	p.linef(`<svg xmlns="http://www.w3.org/2000/svg" class="plot" viewBox="0 0 %d %d" width="%d" height="%d" role="img" aria-labelledby="%s-title %s-desc" font-family="system-ui, -apple-system, 'Segoe UI', Roboto, 'DejaVu Sans', sans-serif" font-size="12">`,
		p.width, height, p.width, height, escaped(id), escaped(id))
	p.linef(`  <title id="%s-title">%s</title>`, escaped(id), escaped(title))
	p.linef(`  <desc id="%s-desc">%s</desc>`, escaped(id), escaped(words))
}

// axis draws ticks from top to bottom, their numbers and the unit.
func (p *plot) axis(top, bottom int, unit string) {
	for n := 0; n <= p.end; n += p.step {
		p.linef(`  <line class="grid" x1="%d" y1="%d" x2="%d" y2="%d" stroke="%s"/>`, p.x(n), top, p.x(n), bottom, gridColor)
		p.linef(`  <text class="tick" x="%d" y="%d" text-anchor="middle" font-size="11" fill="%s">%s</text>`, p.x(n), bottom+15, faintColor, grouped(n))
	}
	p.linef(`  <text class="tick" x="%d" y="%d" text-anchor="middle" font-size="11" fill="%s">%s</text>`, (p.left+p.right)/2, bottom+34, faintColor, escaped(unit))
}

// row opens a row: its name left of the bars at a height, and a title with what it shows.
func (p *plot) row(name, value string, y int) {
	shown := cut(Printable(name), int(float64(p.left-10)/plotLetter))
	p.linef(`  <g>`)
	p.linef(`    <title>%s: %s</title>`, escaped(Printable(name)), escaped(value))
	p.linef(`    <text class="name" x="%d" y="%d" text-anchor="end" fill="%s">%s</text>`, p.left-8, y+4, inkColor, escaped(shown))
}

// bar draws a bar and its number. What isn't nothing is at least a pixel.
func (p *plot) bar(n, y, height int, c class2) {
	length := p.x(n) - p.left
	if n > 0 {
		length = max(1, length)
	}
	p.linef(`    <rect class="%s" x="%d" y="%d" width="%d" height="%d" rx="2" fill="%s"/>`, c.name, p.left, y, length, height, c.color)
	p.linef(`    <text class="value" x="%d" y="%d" font-size="11" fill="%s">%s</text>`, p.left+length+6, y+height/2+4, inkColor, grouped(n))
}

// grouped is a number, of 0 or more, with a comma after each three digits.
func grouped(n int) string {
	out := strconv.Itoa(n)
	for i := len(out) - 3; i > 0; i -= 3 {
		out = out[:i] + "," + out[i:]
	}
	return out
}

// key says which bar of a pair is which, in their order.
func (p *plot) key(before, after string) {
	p.linef(`  <rect class="bar-before" x="%d" y="%d" width="12" height="12" rx="2" fill="%s"/>`, p.left, plotTop, beforeColor)
	p.linef(`  <text class="name" x="%d" y="%d" fill="%s">%s</text>`, p.left+18, plotTop+10, inkColor, escaped(before))
	x := p.left + 18 + int(float64(len([]rune(before)))*plotLetter) + 24
	p.linef(`  <rect class="bar-after" x="%d" y="%d" width="12" height="12" rx="2" fill="%s"/>`, x, plotTop, afterColor)
	p.linef(`  <text class="name" x="%d" y="%d" fill="%s">%s</text>`, x+18, plotTop+10, inkColor, escaped(after))
}
