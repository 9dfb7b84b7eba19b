package report

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/xml"
	"errors"
	"html"
	"io"
	"math"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

func htmlOf(t *testing.T, r Findings) string {
	t.Helper()
	return rendered(t, func(w writer) error { return FindingsHTML(w, r) })
}

// elements reads a page and returns its start tags; the test fails if they don't nest.
func elements(t *testing.T, page string) []xml.StartElement {
	t.Helper()
	_, rest, _ := strings.Cut(page, "<!doctype html>")
	dec := xml.NewDecoder(strings.NewReader(rest))
	dec.Strict, dec.AutoClose, dec.Entity = false, xml.HTMLAutoClose, xml.HTMLEntity
	var out []xml.StartElement
	for {
		token, err := dec.Token()
		if errors.Is(err, io.EOF) {
			return out
		}
		if err != nil {
			t.Fatal(err)
		}
		if start, ok := token.(xml.StartElement); ok {
			out = append(out, start.Copy())
		}
	}
}

func attribute(e xml.StartElement, name string) (string, bool) {
	for _, a := range e.Attr {
		if a.Name.Local == name {
			return a.Value, true
		}
	}
	return "", false
}

// A page loads nothing and runs nothing, whatever names are in it.
func TestHTMLNeedsNothing(t *testing.T) {
	ids := map[string]bool{}
	for _, e := range elements(t, htmlOf(t, sample(t))) {
		switch e.Name.Local {
		case "script", "link", "img", "iframe", "object", "embed", "image", "use", "form", "base", "i", "b":
			t.Errorf("element %s", e.Name.Local)
		}
		for _, a := range e.Attr {
			local := a.Name.Local == "href" && strings.HasPrefix(a.Value, "#")
			if strings.HasPrefix(a.Name.Local, "on") || a.Name.Local == "style" || a.Name.Local == "src" || a.Name.Local == "href" && !local {
				t.Errorf("%s has %s=%q", e.Name.Local, a.Name.Local, a.Value)
			}
		}
		if id, ok := attribute(e, "id"); ok {
			if ids[id] {
				t.Errorf("two elements have the id %s", id)
			}
			ids[id] = true
		}
	}
	for _, e := range elements(t, htmlOf(t, sample(t))) {
		href, _ := attribute(e, "href")
		labels, _ := attribute(e, "aria-labelledby")
		for _, id := range append(strings.Fields(labels), strings.TrimPrefix(href, "#")) {
			if id != "" && !ids[id] {
				t.Errorf("%s points to #%s, which isn't there", e.Name.Local, id)
			}
		}
	}
}

// A hostile name is text, and whole.
func TestHTMLShowsHostileNames(t *testing.T) {
	page := htmlOf(t, sample(t))
	text := html.UnescapeString(regexp.MustCompile(`<[^>]*>`).ReplaceAllString(page, ""))
	if n := strings.Count(text, Printable(hostile)); n < 5 {
		t.Errorf("the name is there %d times", n)
	}
	if strings.Contains(page, "<script") {
		t.Error("the name is an element")
	}
}

// The policy allows the page's own style, and nothing else.
func TestHTMLPolicyFitsItsStyle(t *testing.T) {
	page := htmlOf(t, sample(t))
	_, rest, _ := strings.Cut(page, "<style>")
	style, _, _ := strings.Cut(rest, "</style>")
	sum := sha256.Sum256([]byte(style))
	want := "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'; base-uri 'none'; form-action 'none'"
	for _, e := range elements(t, page) {
		if equiv, _ := attribute(e, "http-equiv"); equiv == "Content-Security-Policy" {
			if got, _ := attribute(e, "content"); got != want {
				t.Errorf("%s\nwant %s", got, want)
			}
			return
		}
	}
	t.Error("there is no policy")
}

// Headings go down one level at a time, tables say what their headers head, pictures say
// what they show.
func TestHTMLIsReadable(t *testing.T) {
	level := 0
	for _, e := range elements(t, htmlOf(t, sample(t))) {
		switch name := e.Name.Local; name {
		case "h1", "h2", "h3", "h4":
			n := int(name[1] - '0')
			if n > level+1 {
				t.Errorf("%s after h%d", name, level)
			}
			level = n
		case "th":
			if _, ok := attribute(e, "scope"); !ok {
				t.Error("a th without scope")
			}
		case "svg":
			role, _ := attribute(e, "role")
			if label, _ := attribute(e, "aria-labelledby"); role != "img" || len(strings.Fields(label)) != 2 {
				t.Errorf("%v", e)
			}
		case "html":
			if lang, _ := attribute(e, "lang"); lang != "en" {
				t.Error("no language")
			}
		}
	}
}

// Text has a contrast of 4.5 on what it stands on, parts of pictures 3: WCAG 2.2, AA.
// https://www.w3.org/TR/WCAG22/#contrast-minimum
func TestHTMLHasContrast(t *testing.T) {
	themes := regexp.MustCompile(`(?s):root \{(.*?)\}`).FindAllStringSubmatch(findingsCSS, -1)
	if len(themes) != 3 {
		t.Fatalf("%d themes, want light, dark and print", len(themes))
	}
	for i, theme := range themes {
		colors := map[string]string{}
		for _, m := range regexp.MustCompile(`--([a-z-]+): (#[0-9a-f]{6})`).FindAllStringSubmatch(theme[1], -1) {
			colors[m[1]] = m[2]
		}
		for _, pair := range []struct {
			on, of string
			least  float64
		}{
			{"paper", "ink faint accent good bad doubt", 4.5}, {"panel", "ink faint accent", 4.5}, {"good-back", "good ink", 4.5},
			{"bad-back", "bad", 4.5}, {"doubt-back", "doubt ink", 4.5}, {"hunk-back", "hunk", 4.5}, {"paper", "bar before after", 3},
		} {
			for of := range strings.FieldsSeq(pair.of) {
				if got := contrast(t, colors[of], colors[pair.on]); got < pair.least {
					t.Errorf("theme %d: %s on %s is %.2f, want %.1f", i, of, pair.on, got, pair.least)
				}
			}
		}
	}
}

func contrast(t *testing.T, a, b string) float64 {
	t.Helper()
	la, lb := luminance(t, a), luminance(t, b)
	return (max(la, lb) + 0.05) / (min(la, lb) + 0.05)
}

func luminance(t *testing.T, color string) float64 {
	t.Helper()
	n, err := strconv.ParseUint(strings.TrimPrefix(color, "#"), 16, 32)
	if err != nil {
		t.Fatalf("color %q: %v", color, err)
	}
	sum := 0.0
	for i, weight := range []float64{0.0722, 0.7152, 0.2126} {
		c := float64(n>>(8*i)&0xff) / 255
		if c <= 0.04045 {
			c /= 12.92
		} else {
			c = math.Pow((c+0.055)/1.055, 2.4)
		}
		sum += weight * c
	}
	return sum
}
