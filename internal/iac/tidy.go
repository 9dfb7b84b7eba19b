package iac

// tidy takes away the white space that what went has left behind.
func (l *layout) tidy() {
	lines := l.lines()
	for i := range lines {
		lines[i].emptied = lines[i].lost && !lines[i].left
	}
	l.dropLines(lines)
	l.pullUp(lines)
	for from := 0; from < len(l.tokens); {
		to := from
		for to < len(l.tokens) && (l.tokens[to].kind != breakToken || l.tokens[to].gone()) {
			to++
		}
		l.tidyLine(from, to)
		from = to + 1
	}
}

// line is what became of a line: its tokens are from from up to to.
type line struct {
	from, to int
	lost     bool // something of it went
	left     bool // something of it, or a bracket, is there
	emptied  bool // lost, and nothing left
}

// blank says whether the line never had anything on it.
func (n line) blank() bool { return !n.lost && !n.left }

func (l *layout) lines() []line {
	var out []line
	for i, t := range l.tokens {
		if len(out) == t.line {
			out = append(out, line{from: i})
		}
		n := &out[t.line]
		n.to = i + 1
		n.lost = n.lost || t.gone()
		n.left = n.left || t.content()
	}
	return out
}

// dropLines drops the emptied lines, and of the blank lines around them all but one run.
func (l *layout) dropLines(lines []line) {
	for from := 0; from < len(lines); {
		to := from
		emptied := false
		for to < len(lines) && !lines[to].left {
			emptied = emptied || lines[to].emptied
			to++
		}
		if emptied {
			l.dropRun(lines, from, to)
		}
		from = to + 1
	}
}

// dropRun drops of a run of emptied and blank lines all but the longest run of blank lines:
// at the start of the list but those at its start, at the end but those at its end.
func (l *layout) dropRun(lines []line, from, to int) {
	keepFrom, keepTo := from, from
	start := from == 0 || l.only(lines[from-1], openToken)
	end := to == len(lines) || l.only(lines[to], shutToken)
	for i := from; i < to; i++ {
		run := i
		for run < to && lines[run].blank() {
			run++
		}
		if longest := run-i > keepTo-keepFrom; run > i && (start && i == from || end && run == to || !start && !end && longest) {
			keepFrom, keepTo = i, run
		}
		i = max(i, run-1)
	}
	for i := from; i < to; i++ {
		if i < keepFrom || i >= keepTo {
			l.dropTokens(lines[i].from, lines[i].to)
		}
	}
	if to == len(lines) { // dashes: the last line has no line break, so the one before it goes
		for i := lines[to-1].from - 1; i >= 0; i-- {
			if t := &l.tokens[i]; t.kind == breakToken && !t.gone() {
				t.drop()
				break
			}
		}
	}
}

// only says whether nothing but a bracket is left of a line.
func (l *layout) only(n line, bracket tokenKind) bool {
	found := false
	for _, t := range l.tokens[n.from:n.to] {
		if t.content() && t.kind != bracket {
			return false
		}
		found = found || t.kind == bracket
	}
	return found
}

func (l *layout) dropTokens(from, to int) {
	for i := from; i < to; i++ {
		if t := &l.tokens[i]; t.kind != openToken && t.kind != shutToken {
			t.drop()
		}
	}
}

// pullUp joins the bracket of a line that lost its entries with the entry after it, or
// before it.
func (l *layout) pullUp(lines []line) {
	if first := lines[0]; first.lost && l.only(first, openToken) {
		if next := l.content(first.to, 1); l.tokens[next].kind != commentToken {
			l.dropBreaks(first.from, next)
		}
	}
	if last := lines[len(lines)-1]; last.lost && l.only(last, shutToken) {
		if prev := l.content(last.from-1, -1); !l.tokens[prev].lineComment(l.file.Src) && l.tokens[prev].kind != openToken {
			l.dropBreaks(prev, last.from)
		}
	}
}

// content is the next token with content, or the last before.
func (l *layout) content(at, step int) int {
	for at > 0 && at < len(l.tokens)-1 && !l.tokens[at].content() {
		at += step
	}
	return min(max(at, 0), len(l.tokens)-1)
}

// dropBreaks drops line breaks, and the blanks of the lines that they end.
func (l *layout) dropBreaks(from, to int) {
	for i := from; i < to; i++ {
		if l.tokens[i].kind == breakToken {
			l.tokens[i].drop()
		}
	}
}

// tidyLine drops blanks beside what went: at the end of the line all, after its indentation
// or opening bracket those after what went, elsewhere those before it.
func (l *layout) tidyLine(from, to int) {
	last := -1 // the last token with content
	for i := from; i <= to; i++ {
		if i < to && !l.tokens[i].content() {
			continue
		}
		if last < 0 {
			from = l.afterDropped(from, i)
		}
		first, final := l.wentBetween(max(last+1, from), i)
		switch {
		case first < 0:
		case i == to && last >= 0:
			l.dropBlanks(last+1, i)
		case last < 0 || l.tokens[last].kind == openToken:
			l.dropBlanks(first, i)
		default:
			l.dropBlanks(last+1, final)
		}
		last = i
	}
}

// afterDropped is where the line begins whose tokens follow those of dropped lines.
func (l *layout) afterDropped(from, to int) int {
	for i := from; i < to; i++ {
		if l.tokens[i].kind == breakToken {
			from = i + 1
		}
	}
	return from
}

// wentBetween are the first and the last token in a range that went, or -1.
func (l *layout) wentBetween(from, to int) (first, final int) {
	first, final = -1, -1
	for i := from; i < to; i++ {
		if t := l.tokens[i]; t.gone() {
			final = i
			if first < 0 {
				first = i
			}
		}
	}
	return first, final
}

func (l *layout) dropBlanks(from, to int) {
	for i := from; i < to; i++ {
		if l.tokens[i].kind == blankToken {
			l.tokens[i].drop()
		}
	}
}
