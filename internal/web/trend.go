package web

import (
	"fmt"
	"html/template"
	"strings"
	"time"

	"github.com/pare-iam/pare/finding"
	"github.com/pare-iam/pare/internal/store"
)

// The measures of the trend, in pixels.
const (
	trendWidth  = 640
	trendHeight = 190
	trendLeft   = 40
	trendRight  = 18
	trendMiddle = 84 // the axis: new findings above it, resolved ones below
	trendReach  = 66 // of the longest bar
)

// trendSVG draws how many findings were found and resolved each day, and says it in words.
// It holds nothing but numbers and dates.
func trendSVG(since time.Time, days int, counts []store.DayCount) (template.HTML, string) {
	found, gone := make([]int, days), make([]int, days)
	sumFound, sumGone, most := 0, 0, 1
	for _, c := range counts {
		i := int(c.Day.Sub(since) / day)
		if i < 0 || i >= days {
			continue
		}
		switch {
		case c.To == finding.Resolved:
			gone[i] += c.Count
			sumGone += c.Count
		case c.Change == finding.New, c.Change == finding.Reopened:
			found[i] += c.Count
			sumFound += c.Count
		}
		most = max(most, found[i], gone[i])
	}
	words := fmt.Sprintf("%s and %s in the last %d days", counted(sumFound, "new finding", "new findings"), counted(sumGone, "resolved", "resolved"), days)
	t := &trend{most: most, step: float64(trendWidth-trendLeft-trendRight) / float64(days)}
	t.linef(`<svg xmlns="http://www.w3.org/2000/svg" class="plot" viewBox="0 0 %d %d" width="%d" height="%d" role="img" aria-labelledby="trend-title trend-desc" font-size="11">`,
		trendWidth, trendHeight, trendWidth, trendHeight)
	t.linef(`<title id="trend-title">New and resolved findings a day</title><desc id="trend-desc">%s</desc>`, words)
	t.scale()
	for i := range days {
		t.day(i, since.AddDate(0, 0, i), found[i], gone[i])
	}
	t.linef(`<line class="axis" x1="%d" y1="%d" x2="%d" y2="%d"/>`, trendLeft, trendMiddle, trendWidth-trendRight, trendMiddle)
	t.key()
	t.linef(`</svg>`)
	return template.HTML(t.String()), words
}

// trend is a picture on the way.
type trend struct {
	strings.Builder
	most int
	step float64 // from day to day
}

func (t *trend) linef(format string, args ...any) { fmt.Fprintf(t, format+"\n", args...) }

// scale draws lines at the greatest number and names them.
func (t *trend) scale() {
	for _, y := range [...]int{trendMiddle - trendReach, trendMiddle + trendReach} {
		t.linef(`<line class="grid" x1="%d" y1="%d" x2="%d" y2="%d"/>`, trendLeft, y, trendWidth-trendRight, y)
		t.linef(`<text class="tick" x="%d" y="%d" text-anchor="end">%s</text>`, trendLeft-6, y+4, number(t.most))
	}
	t.linef(`<text class="tick" x="%d" y="%d" text-anchor="end">0</text>`, trendLeft-6, trendMiddle+4)
}

// day draws one day: its bars, and a date below each seventh.
func (t *trend) day(i int, date time.Time, found, gone int) {
	x, width := trendLeft+float64(i)*t.step+1.5, t.step-3
	text := date.Format(time.DateOnly)
	t.linef(`<g><title>%s: %s new, %s resolved</title>`, text, number(found), number(gone))
	t.linef(`<rect x="%.1f" y="%d" width="%.1f" height="%d" fill="transparent"/>`, x, trendMiddle-trendReach, width, 2*trendReach)
	if h := t.length(found); h > 0 {
		t.linef(`<rect class="new" x="%.1f" y="%.1f" width="%.1f" height="%.1f" rx="1.5"/>`, x, trendMiddle-h, width, h)
	}
	if h := t.length(gone); h > 0 {
		t.linef(`<rect class="gone" x="%.1f" y="%d" width="%.1f" height="%.1f" rx="1.5"/>`, x, trendMiddle, width, h)
	}
	t.linef(`</g>`)
	if i%7 == 1 {
		t.linef(`<text class="tick" x="%.1f" y="%d" text-anchor="middle">%s</text>`, x+width/2, trendMiddle+trendReach+16, date.Format("2 Jan"))
	}
}

// length is a bar's; what isn't nothing can be seen.
func (t *trend) length(n int) float64 {
	if n == 0 {
		return 0
	}
	return max(1.5, trendReach*float64(n)/float64(t.most))
}

func (t *trend) key() {
	y := trendHeight - 14
	t.linef(`<rect class="new" x="%d" y="%d" width="10" height="10" rx="2"/><text class="name" x="%d" y="%d">new (up)</text>`, trendLeft, y, trendLeft+15, y+9)
	t.linef(`<rect class="gone" x="%d" y="%d" width="10" height="10" rx="2"/><text class="name" x="%d" y="%d">resolved (down)</text>`, trendLeft+90, y, trendLeft+105, y+9)
}
