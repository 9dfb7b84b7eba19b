package web

import (
	"slices"
	"strconv"
	"strings"

	"github.com/pare-iam/pare/internal/store"
)

// pager leads from one part of a list to others. The parts before are known by their
// tokens, which go along in the address.
type pager struct {
	First    string // "" on the first part
	Previous string // "" on the first part, and where the trail ends
	Next     string // "" after the last
	From, To int    // places of what is shown, from 1; 0 when not known
	Total    int    // how many there are; 0 when not known
}

// trail is how many parts back somebody can go one by one. Each is a token of about 150
// bytes in the address.
const trail = 20

// pageSizes are what can be chosen.
var pageSizes = [...]int{25, 50, 100, 250}

const usualSize = 50

// asked is the part of a list that the address asks for.
func (v *visit) asked() store.Page {
	size, err := strconv.Atoi(v.query("size"))
	if err != nil || !slices.Contains(pageSizes[:], size) {
		size = usualSize
	}
	return store.Page{Limit: size, Token: v.query("page")}
}

// pager leads on from the part of a list that the address asks for, shown items of it.
func (v *visit) pager(next string, shown int) pager {
	q := v.URL.Query()
	at, err := strconv.Atoi(q.Get("at"))
	if err != nil || at < 0 || q.Get("page") == "" {
		at = 0
	}
	var out pager
	if shown > 0 {
		out.From, out.To = at+1, at+shown
	}
	back := q["back"]
	if token := q.Get("page"); token != "" {
		out.First = v.pageAt("", nil, 0)
		if len(back) > 0 {
			last := len(back) - 1
			out.Previous = v.pageAt(back[last], back[:last], max(0, at-v.asked().Limit))
		} else if at <= v.asked().Limit {
			out.Previous = out.First
		}
		back = append(slices.Clone(back), token)
	}
	if next != "" {
		out.Next = v.pageAt(next, back[max(0, len(back)-trail):], at+shown)
	}
	return out
}

func (v *visit) pageAt(token string, back []string, at int) string {
	q := v.URL.Query()
	for _, name := range [...]string{"page", "back", "at", "done", "n"} {
		q.Del(name)
	}
	if token != "" {
		q.Set("page", token)
		q.Set("at", plainNumber(at))
	}
	for _, t := range back {
		q.Add("back", t)
	}
	return withQuery(v.URL.Path, q)
}

// List is the address of this list with some parameters changed, from its first part.
func (v *visit) List(parameters ...string) string {
	cleared := []string{"page", "", "back", "", "at", "", "done", "", "n", "", "format", ""}
	return v.Here(append(cleared, parameters...)...)
}

// heading is a column's heading, with the address of the list sorted by it.
type heading struct {
	Label string
	URL   string // "": the list isn't sorted by it
	Aria  string // "ascending", "descending"; "" when the list isn't sorted by it now
	Class string // "number"; ""
}

// sortable is a heading of a column; key is its value of the parameter sort, "-key" is the
// reverse. A column that is chosen begins as first says.
func (v *visit) sortable(label, key, now string, first direction) heading {
	h := heading{Label: label, URL: v.List("sort", string(first)+key)}
	switch now {
	case key:
		h.Aria, h.URL = "ascending", v.List("sort", "-"+key)
	case "-" + key:
		h.Aria, h.URL = "descending", v.List("sort", key)
	}
	return h
}

// direction is in which order a column is sorted.
type direction string

const (
	ascending  direction = ""
	descending direction = "-"
)

// option is a choice in a form.
type option struct {
	Value, Label string
	Selected     bool
}

// sizes are the choices of the page size.
func (v *visit) sizes() []option {
	now := v.asked().Limit
	var out []option
	for _, n := range pageSizes {
		out = append(out, option{plainNumber(n), plainNumber(n) + " a page", n == now})
	}
	return out
}

// export is a link to the list in another format.
type export struct{ Label, URL string }

// exportFormats are those of all lists, as they are called.
var exportFormats = [...]string{"CSV", "JSON", "SARIF"}

// exports are the links to the list as it is filtered now.
func (v *visit) exports() []export {
	var out []export
	for _, label := range exportFormats {
		out = append(out, export{label, v.List("format", strings.ToLower(label), "size", "")})
	}
	return out
}

// exportsOf are the links to a list that has its own address.
func (v *visit) exportsOf(path string, pairs ...string) []export {
	var out []export
	for _, label := range exportFormats {
		out = append(out, export{label, v.Link(path, append(slices.Clone(pairs), "format", strings.ToLower(label))...)})
	}
	return out
}
