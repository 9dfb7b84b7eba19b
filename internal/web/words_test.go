package web

import (
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func TestNumbersAndShares(t *testing.T) {
	for _, c := range []struct{ got, want string }{
		{number(0), "0"}, {number(999), "999"}, {number(1000), "1,000"}, {number(-1234567), "-1,234,567"},
		{counted(1, "day", "days"), "1 day"}, {counted(2000, "day", "days"), "2,000 days"},
		{percent(0, 0), "–"}, {percent(0, 9), "0 %"}, {percent(1, 10000), "1 %"}, {percent(9999, 10000), "99 %"}, {percent(7, 7), "100 %"},
		{agoText(0), "just now"}, {agoText(90 * time.Second), "1 minute ago"}, {agoText(47 * time.Hour), "47 hours ago"}, {agoText(72 * time.Hour), "3 days ago"}, {agoText(-time.Hour), "in 1 hour"},
	} {
		if c.got != c.want {
			t.Errorf("%q, want %q", c.got, c.want)
		}
	}
}

func TestANumberWithoutItsCommasIsTheNumber(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.Int().Draw(t, "n")
		if got := strings.ReplaceAll(number(n), ",", ""); got != plainNumber(n) {
			t.Errorf("%d is shown as %s", n, number(n))
		}
	})
}

func TestNoticesSayNothingThatIsntOurs(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		done, n := rapid.String().Draw(t, "done"), rapid.String().Draw(t, "n")
		if got := noticeText(done, n); len(done) > 12 && got != "" || len(n) > 25 && strings.Contains(got, n) {
			t.Errorf("done=%q n=%q says %q", done, n, got)
		}
	})
}

// fewLines draws a text of few different lines, so that many are the same.
var fewLines = rapid.Map(rapid.SliceOfN(rapid.SampledFrom([]string{"{", "}", `  "a",`, `  "b",`, `    "c"`, "<b>", ""}), 2, 40), func(l []string) string { return strings.Join(l, "\n") })

// TestADiffHoldsBothTexts reads the two texts back from each form of a diff; what isn't
// shown is the same in both.
func TestADiffHoldsBothTexts(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		before, after := "[\n"+fewLines.Draw(t, "before"), "[\n"+fewLines.Draw(t, "after")
		d, err := diffOf(before, after)
		if err != nil {
			t.Fatal(err)
		}
		if d == nil {
			if ended(before) != ended(after) {
				t.Fatal("no diff of texts that differ")
			}
			return
		}
		oldLines, newLines := strings.Split(ended(before), "\n"), strings.Split(ended(after), "\n")
		shownOld, shownNew := map[int]bool{}, map[int]bool{}
		indent := indentOf(d, oldLines, newLines)
		for _, p := range d.Pairs {
			if p.Old > 0 && p.OldText != oldLines[p.Old-1][min(indent, len(oldLines[p.Old-1])):] {
				t.Fatalf("line %d before is shown as %q, is %q", p.Old, p.OldText, oldLines[p.Old-1])
			}
			if p.New > 0 && p.NewText != newLines[p.New-1][min(indent, len(newLines[p.New-1])):] {
				t.Fatalf("line %d after is shown as %q, is %q", p.New, p.NewText, newLines[p.New-1])
			}
			shownOld[p.Old], shownNew[p.New] = true, true
		}
		if diff := cmp.Diff(rest(oldLines, shownOld), rest(newLines, shownNew)); diff != "" {
			t.Fatalf("what isn't shown differs: %s", diff)
		}
		out, in := 0, 0
		for _, l := range d.Lines {
			switch l.Kind {
			case lineKind("out"):
				out++
			case lineKind("in"):
				in++
			case same, place:
			}
		}
		if out != d.Out || in != d.In || len(newLines)-len(oldLines) != in-out {
			t.Fatalf("%d lines go and %d come, of %d and %d", out, in, len(oldLines), len(newLines))
		}
	})
}

// indentOf is how much the pairs' texts were moved to the left.
func indentOf(d *diffView, before, after []string) int {
	for _, p := range d.Pairs {
		if p.OldText != "" {
			return len(before[p.Old-1]) - len(p.OldText)
		}
		if p.NewText != "" {
			return len(after[p.New-1]) - len(p.NewText)
		}
	}
	return 0
}

func rest(all []string, shown map[int]bool) []string {
	var out []string
	for i, l := range all {
		if !shown[i+1] {
			out = append(out, l)
		}
	}
	return out
}

func TestAPolicyInOneLineIsShownInSeveral(t *testing.T) {
	d, err := diffOf(`{"Statement":[{"Action":["s3:Get*"]}]}`, `{"Statement":[{"Action":["s3:GetObject"]}]}`)
	if err != nil || d == nil || !d.Broken || d.Out != 1 || d.In != 1 {
		t.Errorf("%+v, %v", d, err)
	}
	if d, err := diffOf("{}", "{}"); d != nil || err != nil {
		t.Errorf("a diff of nothing: %+v, %v", d, err)
	}
}

func TestShellQuotedWordsHaveNoMeaning(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"arn:aws:iam::111122223333:role/a_b-c.d@e", "arn:aws:iam::111122223333:role/a_b-c.d@e"},
		{"", "''"}, {"a b", "'a b'"}, {"it's", `'it'\''s'`}, {"$(x)", "'$(x)'"}, {"a\nb", "'a\nb'"}, {"é", "'é'"},
	} {
		if got := shellQuoted(c.in); got != c.want {
			t.Errorf("%q is quoted as %s, want %s", c.in, got, c.want)
		}
	}
}

func TestIndentedKeepsTheDocument(t *testing.T) {
	for _, text := range []string{`{"a":[1,{"b":"<c>"}]}`, "not JSON", ""} {
		got := indented(text)
		if text == "not JSON" || text == "" {
			if got != text {
				t.Errorf("%q became %q", text, got)
			}
			continue
		}
		value := jsontext.Value(got)
		if err := value.Compact(); err != nil || string(value) != text {
			t.Errorf("%q became %q: %v", text, got, err)
		}
		var doc map[string]jsontext.Value
		if err := json.Unmarshal([]byte(got), &doc); err != nil {
			t.Error(err)
		}
	}
}
