package report

import (
	"io"
	"strings"
	"testing"
	"unicode"

	"github.com/charmbracelet/x/ansi"
	"pgregory.net/rapid"

	"github.com/pare-iam/pare/finding"
	"github.com/pare-iam/pare/prove"
)

type writer = io.Writer

// plainLines are a text's lines without their styles.
func plainLines(s string) []string { return strings.Split(ansi.Strip(s), "\n") }

func TestTableKeepsToItsWidth(t *testing.T) {
	r := sample(t)
	for _, width := range []int{80, 100, 120, 160, 240} {
		for _, line := range plainLines(rendered(t, func(w writer) error { return FindingsTable(w, r, width) })) {
			if n := ansi.StringWidth(line); n > width {
				t.Errorf("%d columns of %d: %s", n, width, line)
			}
		}
	}
}

// Whatever the width, every finding is in the table, once.
func TestTableHasEveryFinding(t *testing.T) {
	r := sample(t)
	rapid.Check(t, func(t *rapid.T) {
		width := rapid.IntRange(-1, 300).Draw(t, "width")
		var out strings.Builder
		if err := FindingsTable(&out, r, width); err != nil {
			t.Fatal(err)
		}
		for _, f := range r.Findings {
			if n := strings.Count(out.String(), f.ID[:minID]); n != 1 {
				t.Errorf("%s is there %d times", f.ID, n)
			}
		}
	})
}

// A cut text is as wide as it may be, and keeps both its ends.
func TestCut(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := rapid.StringMatching(`[a-z/]{0,40}`).Draw(t, "text")
		width := rapid.IntRange(3, 40).Draw(t, "width")
		got := cut(s, width)
		if want := min(width, len(s)); ansi.StringWidth(got) != want {
			t.Errorf("%q is %d wide, not %d", got, ansi.StringWidth(got), want)
		}
		head, tail, _ := strings.Cut(got, "…")
		if !strings.HasPrefix(s, head) || !strings.HasSuffix(s, tail) {
			t.Errorf("%q of %q", got, s)
		}
	})
}

// Short IDs tell all findings apart, and lead back to them.
func TestShortIDsDiffer(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		ids := rapid.SliceOfDistinct(rapid.StringMatching(`[01]{12}`), rapid.ID[string]).Draw(t, "ids")
		var r Findings
		for _, id := range ids {
			r.Findings = append(r.Findings, finding.Finding{ID: id})
		}
		seen := map[string]bool{}
		for _, id := range ids {
			short := shortID(id, r.idLength())
			if seen[short] || !strings.HasPrefix(id, short) || len(short) < minID {
				t.Errorf("%s is short for %s", short, id)
			}
			seen[short] = true
		}
	})
}

// Hostile names can't write to a terminal, in any format.
func TestFindingsAreInert(t *testing.T) {
	r := sample(t)
	texts := map[string]string{}
	for _, rr := range renderers {
		texts[rr.name] = rendered(t, func(w writer) error { return rr.render(w, r) })
	}
	for _, f := range r.Findings {
		texts["show "+f.ID] = rendered(t, func(w writer) error { return FindingsText(w, r, f) })
	}
	for name, text := range texts {
		if strings.Contains(text, "\x1b[31m\u202e") || strings.Contains(text, "\u202e") && !strings.HasSuffix(name, ".sarif") && name != ".json" {
			t.Errorf("%s holds a name as it is", name)
		}
		for line := range strings.Lines(ansi.Strip(text)) {
			if strings.ContainsFunc(strings.TrimSuffix(line, "\n"), unicode.IsControl) {
				t.Errorf("%s: %q", name, line)
			}
		}
	}
}

// A policy that isn't proved is in no format.
func TestWhatIsNotProvedIsNotShown(t *testing.T) {
	r := sample(t)
	proved := sample(t)
	proved.Advice[3].Proof = prove.Proved
	for _, rr := range renderers {
		if strings.Contains(rendered(t, func(w writer) error { return rr.render(w, r) }), "not be shown") {
			t.Errorf("%s shows steps that aren't proved", rr.name)
		}
	}
	if !strings.Contains(rendered(t, func(w writer) error { return FindingsHTML(w, proved) }), "not be shown") {
		t.Error("were they proved, they would be shown: the check above checks nothing")
	}
}

func TestNamesWithABlankAreQuotedForAShell(t *testing.T) {
	for in, want := range map[string]string{
		"arn:aws:iam::1:role/a+b=c,d.e@f_g-h": "arn:aws:iam::1:role/a+b=c,d.e@f_g-h", "": "''", "a b": "'a b'", "it's": `'it'\''s'`, "$(x)": "'$(x)'", "\x1b": `'\x1b'`,
	} {
		if got := shellWord(in); got != want {
			t.Errorf("%q: %s, want %s", in, got, want)
		}
	}
}
