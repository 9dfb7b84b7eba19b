package cloudtrail

import (
	"bytes"
	"fmt"

	"github.com/pare-iam/pare/usage"
)

// nextRecord goes on to the next text that looks like the beginning of a record, and
// says whether there is one.
func (f *file) nextRecord() bool {
	const brace = 256 // how far it may stand before the first member's name
	for {
		from := f.pos
		for {
			i := bytes.Index(f.buf[from:f.end], []byte(f.first))
			if i < 0 {
				break
			}
			k := from + i
			for k > f.pos && space(f.buf[k-1]) {
				k--
			}
			if k > f.pos && f.buf[k-1] == '{' {
				f.pos = k - 1
				return true
			}
			from += i + 1
		}
		f.pos = max(f.pos, f.end-len(f.first)-brace)
		if !f.more() {
			f.pos = f.end
			return false
		}
	}
}

// nextLine goes on to the next line that begins with a brace, and says whether there is
// one.
func (f *file) nextLine() bool {
	for {
		if i := bytes.Index(f.buf[f.pos:f.end], []byte("\n{")); i >= 0 {
			f.pos += i + 1
			return true
		}
		f.pos = max(f.pos, f.end-1)
		if !f.more() {
			f.pos = f.end
			return false
		}
	}
}

// maxNotes is how many broken records of one file are listed.
const maxNotes = 1000

// breakRecord notes a record that couldn't be read at all.
func (f *file) breakRecord(offset int64, err error) {
	f.unknown = true
	f.note(offset, err)
}

// note notes the current record as broken.
func (f *file) note(offset int64, err error) {
	if f.broken++; f.broken <= maxNotes {
		f.t.broken = append(f.t.broken, usage.Broken{File: f.name, Record: f.index, Error: fmt.Sprintf("byte %d: %v", offset, err)})
	}
	f.index++
}

// breakFile notes the file as broken.
func (f *file) breakFile(err error) {
	f.broken++
	f.unknown = true
	f.t.broken = append(f.t.broken, usage.Broken{File: f.name, Record: -1, Error: err.Error()})
}

// touch notes that the file has an event of an hour.
func (f *file) touch(reg *region, at int64, management bool) {
	day := floorDiv(at, daySeconds)
	if key := (touchKey{reg, int32(day)}); f.current == nil || key != f.last {
		f.last = key
		if f.current = f.hours[key]; f.current == nil {
			f.current = &touched{}
			f.hours[key] = f.current
		}
	}
	bit := uint32(1) << ((at - day*daySeconds) / hourSeconds)
	f.current.any |= bit
	if management {
		f.current.management |= bit
	}
}

// lost notes that an event of an hour couldn't be read.
func (f *file) lost(reg *region, at int64) {
	if reg == nil {
		f.unknown = true
		return
	}
	day := floorDiv(at, daySeconds)
	reg.day(int32(day)).lost |= 1 << ((at - day*daySeconds) / hourSeconds)
}

// finish counts the file. If nobody knows where what is broken belongs, it may belong to
// any hour of the file.
func (f *file) finish() {
	t := f.t
	for key, h := range f.hours {
		day := key.region.day(key.day)
		day.seen |= h.management
		if f.unknown {
			day.lost |= h.any
		}
	}
	if key, hours, ok := deliveredHours(f.name); ok && f.unknown {
		for h := hours.from; h < hours.to; h++ {
			f.lost(t.regionAt(key), h*hourSeconds)
		}
	}
	if f.broken > maxNotes {
		t.broken = append(t.broken, usage.Broken{File: f.name, Record: -1, Error: fmt.Sprintf("%d more broken records", f.broken-maxNotes)})
	}
	t.delivered(f.name, f.broken == 0)
	switch {
	case f.broken > 0:
		t.files.Broken++
	case f.digests > 0:
		t.files.Digests++
	case f.insights > 0 && f.insights == f.index:
		t.files.Skipped++
	default:
		t.files.Read++
	}
}
