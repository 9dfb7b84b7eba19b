package iac

// comments drops the comments that go with their entries.
func (l *layout) comments() {
	for i := range l.tokens {
		t := &l.tokens[i]
		if t.kind == commentToken && l.allGo(l.owners(i)) {
			t.drop()
		}
	}
}

// allGo says whether all of some entries go, and there are some.
func (l *layout) allGo(entries []int) bool {
	for _, entry := range entries {
		if !l.goes(entry) {
			return false
		}
	}
	return len(entries) > 0
}

// owners are the entries that a comment belongs to.
func (l *layout) owners(at int) []int {
	t := l.tokens[at]
	before := t.entry > 0 && l.tokens[l.pos[t.entry-1]].line == t.line
	after := t.entry < len(l.pos) && l.tokens[l.pos[t.entry]].line == t.line
	switch {
	case before && after && !l.after(at, commaToken):
		return []int{t.entry - 1}
	case after:
		return []int{t.entry}
	case before:
		return l.sharing(at)
	}
	switch {
	case t.entry < len(l.pos) && l.after(at, dashToken):
		return []int{t.entry}
	case !l.lineHas(t.line, commentToken):
		return nil
	case l.deeper(at):
		return []int{t.entry - 1}
	}
	return l.headed(at)
}

// after says whether a token of a kind stands between the last entry and this token.
func (l *layout) after(at int, kind tokenKind) bool {
	for at--; at >= 0 && l.tokens[at].kind != entryToken; at-- {
		if l.tokens[at].kind == kind {
			return true
		}
	}
	return false
}

// sharing are the entries that end on the line that a comment is at the end of.
func (l *layout) sharing(at int) []int {
	start := lineStart(l.file.Src, l.tokens[at].Start)
	var out []int
	for i := l.tokens[at].entry - 1; i >= 0; i-- {
		if end := l.tokens[l.pos[i]].End; end <= start {
			break
		}
		out = append(out, i)
		if l.tokens[l.pos[i]].Start < start { // an object that began above
			break
		}
	}
	return out
}

// lineHas says whether all that stands on a line, blanks aside, is of a kind, and
// something is.
func (l *layout) lineHas(line int, kind tokenKind) bool {
	found := false
	for _, t := range l.onLine(line) {
		switch t.kind {
		case blankToken, breakToken:
		case kind:
			found = true
		default:
			return false
		}
	}
	return found
}

// onLine are the tokens of a line.
func (l *layout) onLine(line int) []token {
	from := 0
	for from < len(l.tokens) && l.tokens[from].line < line {
		from++
	}
	to := from
	for to < len(l.tokens) && l.tokens[to].line == line {
		to++
	}
	return l.tokens[from:to]
}

// deeper says whether a comment on its own line is indented deeper than the list's dashes
// and stands below an entry.
func (l *layout) deeper(at int) bool {
	t := l.tokens[at]
	return l.list.Form == Dashes && t.entry > 0 && column(l.file.Src, t.Start) > l.dashColumn()
}

// headed are the entries that a comment on a line of its own stands above: none unless
// only such lines are between it and the next entry.
func (l *layout) headed(at int) []int {
	t := l.tokens[at]
	if t.entry == len(l.pos) {
		return nil
	}
	for line := t.line + 1; line < l.firstLine(t.entry); line++ {
		if !l.lineHas(line, commentToken) {
			return nil
		}
	}
	out := []int{t.entry}
	for i := t.entry + 1; i < len(l.pos) && !l.parted(i); i++ {
		out = append(out, i)
	}
	return out
}

// firstLine is the line of an entry, or of the dash before it.
func (l *layout) firstLine(entry int) int {
	for _, t := range l.gap(entry) {
		if t.kind == dashToken {
			return t.line
		}
	}
	return l.tokens[l.pos[entry]].line
}

// parted says whether a blank line or a comment line stands before an entry.
func (l *layout) parted(entry int) bool {
	from := l.pos[entry-1]
	for line := l.tokens[from].line + 1; line < l.firstLine(entry); line++ {
		if !l.lineHas(line, commentToken) || !l.deeperLine(line) {
			return true
		}
	}
	return false
}

// deeperLine says whether a line of comments belongs to the entry above it.
func (l *layout) deeperLine(line int) bool {
	for i, t := range l.tokens {
		if t.line == line && t.kind == commentToken {
			return l.deeper(i)
		}
	}
	return false
}
