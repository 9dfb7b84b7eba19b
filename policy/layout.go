package policy

import (
	"bytes"
	"iter"
	"slices"
	"strings"
)

// layout is the white space of one array. Gap i is what stands before entry i, the
// comma included; gap 0 stands after the opening bracket and the last gap before the
// closing one.
//
//	[ "a", "b"]    has the gaps    " "  ", "  ""
type layout struct {
	text  string // of the document
	list  Span
	elems []Span
	style func() style
}

func (d *Document) layout(list node, style func() style) layout {
	l := layout{text: d.tape.text, list: list.span(), elems: make([]Span, 0, list.count()), style: style}
	for elem := range list.list() {
		l.elems = append(l.elems, elem.span())
	}
	return l
}

func (l layout) gap(i int) string {
	from, to := l.list.Start+1, l.list.End-1
	if i > 0 {
		from = l.elems[i-1].End
	}
	if i < len(l.elems) {
		to = l.elems[i].Start
	}
	return l.text[from:to]
}

// splices appends the changes of a plan to out. Only what stands between two entries
// that stay is replaced, so that the splices of a nested list can stand inside an entry
// that stays.
func (l layout) splices(out []Splice, plan listPlan) []Splice {
	n := len(l.elems)
	kept := -1
	for next := 0; next <= n; next++ {
		if next < n && plan.goes(next) {
			continue
		}
		if next > kept+1 || len(plan.in[next]) > 0 {
			out = append(out, l.region(kept, next, plan))
		}
		kept = next
	}
	return out
}

// region replaces what stands between two entries that stay; -1 and the list's length
// are its brackets.
func (l layout) region(kept, next int, plan listPlan) Splice {
	n := len(l.elems)
	span := Span{l.list.Start + 1, l.list.End - 1}
	var text strings.Builder
	text.Grow(l.room(kept, next, plan))
	if kept >= 0 {
		span.Start = l.elems[kept].End
	} else {
		text.WriteString(l.gap(0))
	}
	first, prev := kept < 0, kept
	for place := kept + 1; place <= next; place++ {
		siblings := "" // what separates entries in this place
		for i, in := range plan.in[place] {
			switch {
			case i == 0 && !first:
				text.WriteString(l.between(prev, place))
			case i == 1:
				siblings = l.between(place, place)
			}
			text.WriteString(siblings)
			writeJSON(&text, in)
			first, prev = false, place
		}
	}
	switch {
	case next == n:
		text.WriteString(l.gap(n))
	case !first:
		text.WriteString(l.between(prev, next))
	}
	if next < n {
		span.End = l.elems[next].Start
	}
	return Splice{span, text.String()}
}

// room is about how long a region becomes.
func (l layout) room(kept, next int, plan listPlan) int {
	gap := 0
	for i := kept + 1; i <= next; i++ {
		gap = max(gap, len(l.gap(i)))
	}
	size := 2 * gap
	for _, in := range plan.in[kept+1 : next+1] {
		for _, text := range in {
			size += gap + len(text) + len(`""`)
		}
	}
	return size
}

// between separates an entry in place a from one in place b by the gap before b, or by
// one since a with more line breaks, so that neither a line nor a group of lines that
// lost its first entry joins the one before. Entries in one place are separated as its
// neighbours are.
func (l layout) between(a, b int) string {
	n := len(l.elems)
	if a == b || b == n {
		return l.typical(min(b, n-1))
	}
	sep := l.gap(b)
	for i := b - 1; i > a; i-- {
		if g := l.gap(i); strings.Count(g, "\n") > strings.Count(sep, "\n") {
			sep = g
		}
	}
	return sep
}

// typical separates new entries in place i: on one line if the entry there shares its
// line with another, else by a line break, without blank lines.
func (l layout) typical(i int) string {
	var near []string
	if i > 0 {
		near = append(near, l.gap(i))
	}
	if i+1 < len(l.elems) {
		near = append(near, l.gap(i+1))
	}
	for _, sep := range near {
		if !strings.Contains(sep, "\n") {
			return sep
		}
	}
	switch {
	case len(near) > 0:
		return withoutBlankLines(near[0])
	case strings.Contains(l.gap(0), "\n"):
		return withoutBlankLines("," + l.gap(0))
	}
	return l.style().inline
}

// withoutBlankLines leaves one line break of several, before the comma and after it.
func withoutBlankLines(sep string) string {
	before, after, _ := strings.Cut(sep, ",")
	return lastLine(before) + "," + lastLine(after)
}

func lastLine(space string) string {
	at := strings.LastIndexByte(space, '\n')
	if at > 0 && space[at-1] == '\r' {
		at--
	}
	return space[max(at, 0):]
}

// style is how a document writes its lists.
type style struct {
	inline string // what separates the entries of a list on one line
	listed bool   // lines and unit are those of a list
	lines  bool   // a list has one entry a line
	unit   string // by how much entries are indented against the line of their key
}

// style looks at the document's lists of actions, then at those of resources. The
// first that tells decides.
func (d *Document) style() style {
	var s style
	for l := range d.lists() {
		lines := strings.Contains(l.gap(0), "\n")
		if !s.listed && (lines || len(l.elems) > 1) {
			s.listed, s.lines = true, lines
			s.unit = indentUnit(lineIndent(d.src, l.list.Start), lineIndent(d.src, l.elems[0].Start))
		}
		if s.inline == "" && len(l.elems) > 1 && !strings.Contains(l.gap(1), "\n") {
			s.inline = l.gap(1)
		}
	}
	if s.inline == "" {
		s.inline = d.afterColon()
	}
	return s
}

// afterColon is a comma, with a space after it if one stands after the first colon.
func (d *Document) afterColon() string {
	if at := bytes.IndexByte(d.src, ':'); d.src[at+1] == ' ' {
		return ", "
	}
	return ","
}

// lists gives the lists of actions, then those of resources. None is empty.
func (d *Document) lists() iter.Seq[layout] {
	return func(yield func(layout) bool) {
		for _, name := range []int{elemAction, elemNotAction, elemResource, elemNotResource} {
			for _, st := range d.Statements {
				_, value := st.node.member(statementNames[name])
				if value.kind() == '[' && !yield(d.layout(value, nil)) {
					return
				}
			}
		}
	}
}

// scalar lays out what takes a scalar's place: a scalar if it is one, else a list.
func (d *Document) scalar(st *Statement, plan listPlan, style func() style) Splice {
	span, stays := st.Action.node.span(), !plan.goes(0)
	var text strings.Builder
	open, sep, shut := d.brackets(st, plan.left(1), style)
	text.WriteString(open)
	if stays {
		text.WriteString(d.tape.text[span.Start:span.End])
	}
	for i, in := range slices.Concat(plan.in[0], plan.in[1]) {
		if stays || i > 0 {
			text.WriteString(sep)
		}
		writeJSON(&text, in)
	}
	text.WriteString(shut)
	return Splice{span, text.String()}
}

// brackets is what stands around and between the entries of a new list in a statement; one
// entry is a scalar, and has nothing around it.
func (d *Document) brackets(st *Statement, entries int, style func() style) (open, sep, shut string) {
	if entries == 1 {
		return "", "", ""
	}
	if unit, lines := d.lines(st, style()); lines {
		outer := lineBreak(d.src) + lineIndent(d.src, st.Action.node.start())
		return "[" + outer + unit, "," + outer + unit, outer + "]"
	}
	return "[", style().inline, "]"
}

// lines says whether a new list in a statement stands one entry a line, and how far they
// are indented: as in the document's lists, or in a document without lists as the
// members of the statement. A statement on one line stays on it.
func (d *Document) lines(st *Statement, s style) (unit string, lines bool) {
	first := node{d.tape, st.node.at + 1}.start()
	switch {
	case !bytes.Contains(d.src[st.Start:st.End], []byte("\n")):
		return "", false
	case s.listed:
		return s.unit, s.lines
	}
	unit = indentUnit(lineIndent(d.src, st.Start), lineIndent(d.src, first))
	return unit, bytes.Contains(d.src[st.Start:first], []byte("\n"))
}

func lineBreak(src []byte) string {
	if bytes.Contains(src, []byte("\r\n")) {
		return "\r\n"
	}
	return "\n"
}

func indentUnit(outer, inner string) string {
	if unit, ok := strings.CutPrefix(inner, outer); ok && unit != "" {
		return unit
	}
	return "  "
}

// lineIndent is the white space at the start of the line that offset stands in.
func lineIndent(src []byte, offset int) string {
	line := src[bytes.LastIndexByte(src[:offset], '\n')+1 : offset]
	return string(line[:len(line)-len(bytes.TrimLeft(line, " \t"))])
}
