package report

import (
	"encoding/xml"
	"errors"
	"io"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestPlotsGolden(t *testing.T) {
	golden(t, "bars.svg", func(w writer) error {
		_, err := io.WriteString(w, BarsSVG(Bars{ID: "a", Title: "Unused by <service>", Unit: "unused actions", Width: 560, Rows: []Total{{"s3", 148}, {hostile, 12}, {"sns", 0}}}))
		return err
	})
	golden(t, "pairs.svg", func(w writer) error {
		_, err := io.WriteString(w, PairsSVG(Pairs{
			ID: "b", Title: "Before & after", Unit: "granted actions", Before: "now", After: "after", Width: 560,
			Rows: []Pair{{"role/reporting", 412, 37}, {"role/" + hostile, 1, 1}, {"role/none", 0, 0}},
		}))
		return err
	})
}

func TestNoRowsNoPlot(t *testing.T) {
	if got := BarsSVG(Bars{}) + PairsSVG(Pairs{}); got != "" {
		t.Error(got)
	}
}

// A tick is a round number, there are few, and none more than needed.
func TestTicksAreRound(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		most := rapid.IntRange(0, 1_000_000).Draw(t, "most")
		step := tickStep(most)
		if digits := strconv.Itoa(step); !strings.Contains("125", digits[:1]) || strings.Trim(digits[1:], "0") != "" {
			t.Errorf("%d isn't round", step)
		}
		if lower := step * 2 / 5; step > 1 && lower*maxTicks >= most { // 5 is two and a half times 2
			t.Errorf("%d: %d would do instead of %d", most, lower, step)
		}
		p := newPlot(560, most)
		if ticks := p.end / p.step; p.end < most || ticks > maxTicks || p.end-p.step >= max(most, 1) {
			t.Errorf("%d: %d ticks of %d to %d", most, ticks, step, p.end)
		}
	})
}

// Whatever the names and numbers, a plot is well-formed; bars are in the picture, in
// proportion, and only nothing has none.
func TestPlotsAreWellFormed(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rows := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) Total {
			return Total{rapid.String().Draw(t, "name"), rapid.IntRange(0, 20000).Draw(t, "number")}
		}), 1, 30).Draw(t, "rows")
		widths := barWidths(t, BarsSVG(Bars{ID: "x", Title: "t", Unit: "u", Width: 560, Rows: rows}))
		if len(widths) != len(rows) {
			t.Fatalf("%d bars of %d rows", len(widths), len(rows))
		}
		for i, a := range rows {
			if (widths[i] > 0) != (a.Number > 0) || widths[i] > 560 {
				t.Errorf("%d is %d wide", a.Number, widths[i])
			}
			for j, b := range rows {
				if a.Number > b.Number && widths[i] < widths[j] {
					t.Errorf("%d is %d wide, %d is %d", a.Number, widths[i], b.Number, widths[j])
				}
			}
		}
	})
}

// barWidths are the widths of a picture's bars.
func barWidths(t *rapid.T, svg string) []int {
	var out []int
	dec := xml.NewDecoder(strings.NewReader(svg))
	for {
		token, err := dec.Token()
		if errors.Is(err, io.EOF) {
			return out
		}
		if err != nil {
			t.Fatalf("%v\n%s", err, svg)
		}
		if e, ok := token.(xml.StartElement); ok && e.Name.Local == "rect" {
			text, _ := attribute(e, "width")
			n, err := strconv.Atoi(text)
			if err != nil {
				t.Fatal(err)
			}
			out = append(out, n)
		}
	}
}
