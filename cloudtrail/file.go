package cloudtrail

import (
	"bytes"
	"errors"
	"fmt"
	"io"
)

// file is a file that is being read.
type file struct {
	t    *Tally
	name string
	window
	index    int    // of the next record
	first    string // what records begin with: the name of the first member, in quotes
	insights int
	digests  int
	broken   int
	unknown  bool // something of unknown Region and time couldn't be read
	answer   bool // the current record is one of an answer: of lookup-events, of a query
	hours    map[touchKey]*touched
	last     touchKey
	current  *touched
}

type touchKey struct {
	*region
	day int32
}

// touched are the hours of a day that a file has events of.
type touched struct{ management, any uint32 }

// Read reads the text of a file and adds what it holds. The name is for messages, and
// its base name is what digest files know it by. What is broken is noted in
// [usage.Coverage], and the rest goes on. The error is that of r, which is noted too.
func (t *Tally) Read(name string, r io.Reader) error {
	f := &file{t: t, name: name, hours: map[touchKey]*touched{}, first: `"eventVersion"`}
	space, _ := t.mapper.spaces.Get().(*workspace)
	if space == nil {
		space = newWorkspace(t.mapper.window)
	}
	t.workspace = space
	f.window = window{r: r, buf: space.buf}
	clear(f.buf[:pad])
	f.read()
	if f.err != nil {
		f.breakFile(fmt.Errorf("byte %d: %w", f.base+int64(f.end), f.err))
	}
	f.finish()
	if len(f.buf) <= 4*windowSize {
		space.buf = f.buf
	}
	t.workspace = nil
	t.mapper.spaces.Put(space)
	return f.err
}

// Skip notes a file that wasn't read because its text was read under another name.
func (t *Tally) Skip(name string) {
	t.files.Skipped++
	t.delivered(name, true)
}

// delivered notes that a log file of a trail was read, and whether it was whole.
func (t *Tally) delivered(name string, whole bool) {
	if _, _, ok := deliveredHours(name); ok {
		t.digests.read(baseName(name), whole)
	}
}

// read reads all values of the file.
func (f *file) read() {
	if f.more(); bytes.HasPrefix(f.buf[:f.end], []byte("\xef\xbb\xbf")) {
		f.pos = 3
	}
	for first := true; ; first = false {
		c, ok := f.peek()
		switch {
		case !ok && first && f.err == nil:
			f.breakFile(errors.New("empty: want events of CloudTrail"))
			return
		case !ok:
			return
		case c == '{':
			ok = f.object(first)
		case c == '[':
			f.pos++
			ok = f.list()
		case first:
			f.csv()
			return
		default:
			f.breakRecord(f.offset(), errors.New("want an event record, which begins with {"))
			ok = f.nextLine()
		}
		if !ok {
			return
		}
	}
}

var errForeign = errors.New(`not CloudTrail: want {"Records": […]}, events one a line, an answer of lookup-events, a result of Athena or CloudTrail Lake as CSV or JSON, or a digest file`)

// object reads an object that isn't an element of a list: one with a list of records, an
// event, a row, a digest file. It says whether to go on.
func (f *file) object(first bool) bool {
	if f.atList() {
		return f.list() && f.members()
	}
	start := f.offset()
	r, ok := f.record()
	if !ok {
		return f.nextLine()
	}
	shape := &r.shape
	known := shape.event || shape.row || r.insight
	switch {
	case !known && shape.list > 0 && f.t.scanner.src[shape.list] == '[':
		f.pos = shape.list + 1
		return f.list() && f.members()
	case !known && shape.digest:
		if err := f.t.digest(f.name, f.text(start)); err != nil {
			f.breakFile(err)
		} else {
			f.digests++
		}
	case !known && first:
		f.breakFile(errForeign)
		return false
	default:
		f.take(start, r)
	}
	return true
}

// text is what has been read since an offset.
func (f *file) text(start int64) []byte { return f.buf[start-f.base : f.pos] }

// atList reads the beginning of an object whose first member is a list of records, up
// to the first of them. Otherwise it reads nothing and says so.
func (f *file) atList() bool {
	s := &f.t.scanner
	for {
		s.reset(f.buf, f.end)
		s.scratch, s.depth = s.scratch[:0], 0
		i := s.blank(f.pos + 1)
		next := s.key(i)
		if next >= 0 && next < f.end {
			name, _ := s.text(i)
			if s.src[next] == '[' && (string(name) == "Records" || string(name) == "Events") {
				f.pos = next + 1
				return true
			}
			return false
		}
		if next < 0 && !s.short() || !f.more() {
			return false
		}
	}
}

// members reads the rest of an object behind a list of records.
func (f *file) members() bool {
	for {
		c, _ := f.peek()
		switch c {
		case '}':
			f.pos++
			return true
		case ',':
			f.pos++
		default:
			f.breakRecord(f.offset(), errors.New("want a comma or a closing brace behind the records"))
			return f.nextLine()
		}
		if _, ok := f.peek(); !ok {
			continue // which is the default above
		}
		if !f.skipMember() {
			f.breakRecord(f.offset(), f.failure())
			return f.nextLine()
		}
	}
}

// skipMember reads a member of an object that doesn't count.
func (f *file) skipMember() bool {
	s := &f.t.scanner
	for {
		s.reset(f.buf, f.end)
		s.depth = 0
		next := s.key(f.pos)
		if next >= 0 {
			next = s.skip(next)
		}
		length := next - f.pos
		switch {
		case next >= 0 && (next < f.end || !f.more()): // a number at the end may go on
			f.pos += length
			return true
		case next < 0 && (!s.short() || !f.more()):
			return false
		}
	}
}

// list reads records up to the closing bracket, and says whether to go on behind it.
func (f *file) list() bool {
	c, ok := f.peek()
	for first := true; ok && (c != ']' || !first); first = false {
		start := f.offset()
		if r, read := f.record(); read {
			f.take(start, r)
		} else if f.pos++; f.nextRecord() {
			c, ok = f.peek()
			continue
		} else {
			return false
		}
		if c, ok = f.peek(); !ok {
			break
		}
		if c == ']' {
			break
		}
		if c != ',' {
			f.breakRecord(f.offset(), fmt.Errorf("%q: want a comma or a closing bracket", c))
			if !f.nextRecord() {
				return false
			}
			continue
		}
		f.pos++
		c, ok = f.peek()
	}
	if !ok {
		f.breakRecord(f.offset(), errors.New("the file ends inside the list of records"))
		return false
	}
	f.pos++
	return true
}

// record reads an object as a record, whatever else it may be. What is no object is
// noted as broken.
func (f *file) record() (*record, bool) {
	s, r := &f.t.scanner, &f.t.record
	for {
		s.reset(f.buf, f.end)
		if next := s.record(f.pos, r); next >= 0 {
			f.learn(s)
			f.pos = next
			return r, true
		}
		at := f.base + int64(s.at)
		if !s.short() || !f.more() {
			f.breakRecord(at, f.failure())
			return nil, false
		}
	}
}

func (f *file) failure() error {
	if s := &f.t.scanner; !s.short() || f.done {
		return errors.New(s.failure())
	}
	return fmt.Errorf("want a record of at most %d MB", maxRecord>>20)
}

// learn notes what the records of the file begin with.
func (f *file) learn(s *scanner) {
	if f.index > 0 {
		return
	}
	i := s.blank(f.pos + 1)
	if s.src[i] == '"' {
		next, _ := s.str(i + 1)
		f.first = string(s.src[i:next])
	}
}

// take counts a record that begins at an offset.
func (f *file) take(start int64, r *record) {
	var err error
	f.answer = false
	switch t := f.t; {
	case len(r.shape.embedded) > 0:
		err = f.inside(r.shape.embedded)
	case r.shape.row:
		err = f.row(f.text(start))
	default:
		err = t.add(f, &t.scanner, r)
	}
	if err != nil {
		f.note(start, err)
		return
	}
	f.index++
}

// inside counts an event that is a text inside another.
func (f *file) inside(text []byte) error {
	f.answer = true
	s := &f.t.inner
	s.src = append(append(s.src[:0], text...), make([]byte, pad)...)
	s.end = len(text)
	next := s.record(s.blank(0), &f.t.record)
	if next >= 0 && s.blank(next) < s.end {
		next = s.fail(s.blank(next), "the end of the event")
	}
	if next < 0 {
		f.unknown = true
		return fmt.Errorf("the event inside: %s", s.failure())
	}
	return f.t.add(f, s, &f.t.record)
}
