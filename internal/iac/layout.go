package iac

import (
	"bytes"
	"strings"
)

// layout changes one list of brackets or dashes in its own layout. These are its rules.
//
// What comes for an entry stands in its place, the first text on its line with what else
// stands there, the others as its neighbours do: on the same line if a neighbour shares it,
// else each on a line of its own below.
//
// A line that loses its last entry goes with its line break. Of blank lines on both sides of
// what went, the longer run stays, and none at the list's ends that wasn't there before.
// A comma after the last entry stays if there was one, and none comes if there was none.
//
// A comment belongs to
//
//   - the entry, between entries on one line: the one before it, up to the comma, else the
//     one after it;
//   - the entries of its line, at the line's end: it goes when all of them have gone;
//   - the entries below it, on a line of its own directly above an entry: those up to the next
//     blank line or comment line. It goes when all of them have gone: so one above a single
//     entry goes with it, and one that heads a group stays as long as one of the group does;
//   - the entry above it, if it is indented deeper than the list's dashes.
//
// Any other comment stays: one after a blank line, at the list's end, or on the line of
// its bracket.
type layout struct {
	file   *File
	list   *Value
	in     [][]string // what comes for each entry, nil for one that stays; at last what is appended
	style  func() style
	tokens []token
	pos    []int // the token of each entry
}

// splices are the changes of the list's bytes, in order.
func (l *layout) splices() ([]Splice, error) {
	if err := l.read(); err != nil {
		return nil, err
	}
	l.comments() // while lines still have their entries
	l.entries()
	l.commas()
	l.additions()
	l.tidy()
	return spliced(l.tokens), nil
}

// read cuts the list into tokens.
func (l *layout) read() (err error) {
	l.tokens, err = tokenize(l.file, l.list)
	for i := range l.tokens {
		if l.tokens[i].kind == entryToken {
			l.pos = append(l.pos, i)
		}
	}
	return err
}

// spliced are the splices of tokens, one for those that follow each other.
func spliced(tokens []token) []Splice {
	var out []Splice
	add := func(s Splice) {
		if n := len(out); n > 0 && out[n-1].End == s.Start {
			out[n-1].End = s.End
			out[n-1].Text += s.Text
			return
		}
		out = append(out, s)
	}
	for _, t := range tokens {
		if t.changed {
			add(Splice{Span: t.Span, Text: t.text})
		}
		if t.after != "" {
			t.Start = t.End
			add(Splice{Span: t.Span, Text: t.after})
		}
	}
	return out
}

// goes says whether an entry goes without anything in its place.
func (l *layout) goes(entry int) bool { return l.in[entry] != nil && len(l.in[entry]) == 0 }

// entries drops the entries that go, with their dashes, and replaces others.
func (l *layout) entries() {
	for i := range l.tokens {
		t := &l.tokens[i]
		switch {
		case t.kind == dashToken && l.goes(t.entry), t.kind == entryToken && l.goes(t.entry):
			t.drop()
		case t.kind == entryToken && l.in[t.entry] != nil:
			t.changed, t.text = true, l.write(t.entry, l.in[t.entry][0])
		}
	}
}

func (l *layout) write(entry int, text string) string {
	return quotingOf(l.file, l.list.Entries[entry]).write(text)
}

// gap are the tokens between two entries, before entry i.
func (l *layout) gap(i int) []token {
	from, to := 0, len(l.tokens)
	if i > 0 {
		from = l.pos[i-1] + 1
	}
	if i < len(l.pos) {
		to = l.pos[i]
	}
	return l.tokens[from:to]
}

func (l *layout) breaks(gap int) int {
	n := 0
	for _, t := range l.gap(gap) {
		if t.kind == breakToken {
			n++
		}
	}
	return n
}

func (l *layout) bytes(t token) string { return string(l.file.Src[t.Start:t.End]) }

// commas leaves one comma between entries that stay.
func (l *layout) commas() {
	if l.list.Form == Dashes {
		return
	}
	n, last := len(l.pos), -1
	for next := 0; next <= n; next++ {
		if next < n && l.goes(next) {
			continue
		}
		l.oneComma(last, next)
		last = next
	}
}

// oneComma drops the commas between two entries that stay but one; -1 and n are the
// list's ends, where one stays only if it stood after the last entry before.
func (l *layout) oneComma(last, next int) {
	keep := -1
	switch n := len(l.pos); {
	case last < 0:
	case next < n && l.leads(next):
		keep = next
	case next < n, l.has(n, commaToken) && !l.leads(last+1):
		keep = last + 1
	case l.has(n, commaToken):
		keep = n
	}
	for gap := last + 1; gap <= next; gap++ {
		tokens := l.gap(gap)
		for i := range tokens {
			if tokens[i].kind == commaToken && gap != keep {
				tokens[i].drop()
			}
		}
	}
}

func (l *layout) has(gap int, kind tokenKind) bool {
	for _, t := range l.gap(gap) {
		if t.kind == kind {
			return true
		}
	}
	return false
}

// leads says whether the comma before an entry stands on the entry's own line, below
// the entry before it: commas first.
func (l *layout) leads(gap int) bool {
	broken := false
	for _, t := range l.gap(gap) {
		switch t.kind {
		case breakToken:
			broken = true
		case commaToken:
			return broken
		}
	}
	return false
}

// additions puts in the texts that come after the first of an entry, and what is appended
// after the last entry that stays.
func (l *layout) additions() {
	n := len(l.pos)
	last := n - 1
	for l.goes(last) {
		last--
	}
	for i := range l.pos {
		var more []string
		if l.in[i] != nil && !l.goes(i) {
			more = l.in[i][1:]
		}
		if i == last {
			more = append(more[:len(more):len(more)], l.in[n]...)
		}
		if len(more) > 0 {
			l.add(i, more)
		}
	}
}

// add puts texts after an entry that stays.
func (l *layout) add(entry int, more []string) {
	texts := make([]string, len(more))
	for i, text := range more {
		texts[i] = l.write(entry, text)
	}
	sep, inline := l.separator(entry)
	if inline {
		l.tokens[l.pos[entry]].after = sep + strings.Join(texts, sep)
		return
	}
	spot := l.lineEnd(entry)
	switch followed := l.followed(entry, spot); {
	case followed:
		sep = strings.Replace(sep, ",", "", 1) // the commas of other lines may come first
		l.tokens[spot].after = sep + strings.Join(texts, ","+sep) + ","
	case l.list.Form == Dashes, strings.Contains(sep, ","):
		l.tokens[spot].after = sep + strings.Join(texts, sep)
	case spot == l.pos[entry]:
		l.tokens[spot].after = "," + sep + strings.Join(texts, ","+sep)
	default:
		l.tokens[l.pos[entry]].after = ","
		l.tokens[spot].after = sep + strings.Join(texts, ","+sep)
	}
}

// followed says whether a comma stands between an entry and the end of its line.
func (l *layout) followed(entry, spot int) bool {
	for _, t := range l.tokens[l.pos[entry] : spot+1] {
		if t.kind == commaToken && !t.gone() {
			return true
		}
	}
	return false
}

// lineEnd is the last token with content on an entry's line, but for the bracket.
func (l *layout) lineEnd(entry int) int {
	at := l.pos[entry]
	for i := at + 1; i < len(l.tokens) && l.tokens[i].line == l.tokens[at].line; i++ {
		if l.tokens[i].content() && l.tokens[i].kind != shutToken {
			at = i
		}
	}
	return at
}

// separator is what stands between an entry and a new one after it: inline, a comma with its
// blanks; else a line break and what stands before the entry on its line.
func (l *layout) separator(entry int) (sep string, inline bool) {
	if l.list.Form == Dashes {
		return lineBreak(l.file.Src) + l.dashLead(entry), false
	}
	n := len(l.pos)
	for _, gap := range []int{entry, entry + 1} {
		if gap > 0 && gap < n && l.breaks(gap) == 0 {
			return l.inline(gap), true
		}
	}
	if n == 1 && l.breaks(0) == 0 {
		return l.style().inline, true
	}
	return lineBreak(l.file.Src) + l.lead(entry), false
}

// inline is the comma of a gap on one line, with the blanks around it.
func (l *layout) inline(gap int) string {
	var sep strings.Builder
	for _, t := range l.gap(gap) {
		if t.kind == commentToken {
			return ", "
		}
		sep.WriteString(l.bytes(t))
	}
	return sep.String()
}

// lead is what stands before an entry that begins its line: of this one, or the next one that
// does. Where commas stand first, the list's first entry lacks one, and another is asked.
func (l *layout) lead(entry int) string {
	commaFirst := false
	for i := 1; i < len(l.pos); i++ {
		commaFirst = commaFirst || l.leads(i)
	}
	for _, i := range append([]int{entry}, upTo(len(l.pos))...) {
		if l.breaks(i) > 0 && (!commaFirst || l.leads(i)) {
			return l.before(i)
		}
	}
	return ""
}

func upTo(n int) []int {
	out := make([]int, n)
	for i := range out {
		out[i] = i
	}
	return out
}

// before is what stands before an entry on its line, without comments.
func (l *layout) before(entry int) string {
	var b strings.Builder
	for _, t := range l.gap(entry) {
		switch t.kind {
		case breakToken:
			b.Reset()
		case blankToken, commaToken:
			b.WriteString(l.bytes(t))
		}
	}
	return b.String()
}

// dashLead is the indentation of a list's dashes, a dash and what stands after it.
func (l *layout) dashLead(entry int) string {
	space := " "
	for i, t := range l.gap(entry) {
		if t.kind == dashToken && l.gap(entry)[i+1].kind == blankToken && i+2 == len(l.gap(entry)) {
			space = l.bytes(l.gap(entry)[i+1])
		}
	}
	return strings.Repeat(" ", l.dashColumn()) + "-" + space
}

// dashColumn is how far the list's dashes are indented, in characters.
func (l *layout) dashColumn() int {
	for _, t := range l.gap(0) {
		if t.kind == dashToken {
			return column(l.file.Src, t.Start)
		}
	}
	return 0
}

// column counts the characters before an offset on its line. A byte order mark is none.
func column(src []byte, offset int) int {
	line := bytes.TrimPrefix(src[lineStart(src, offset):offset], []byte("\uFEFF"))
	return len([]rune(string(line)))
}
