package cloudtrail

import (
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/pare-iam/pare/usage"
)

// The form of a Tally on disk: the header, then numbers as varints and texts with their
// length before, in the order of (*encoder).tally.
const header = "pare tally 2\n"

// MarshalBinary writes what was read for [Tally.UnmarshalBinary], options apart. The same
// tally gives the same bytes; there is no error.
func (t *Tally) MarshalBinary() ([]byte, error) {
	e := encoder{out: []byte(header)}
	e.text(t.mapper.fingerprint())
	e.tally(t)
	return e.out, nil
}

// UnmarshalBinary adds to t what MarshalBinary wrote. The error says that the text is
// damaged, or that another catalog or version made it: the files it stands for are to be read again.
// t is unchanged then.
func (t *Tally) UnmarshalBinary(src []byte) error {
	d := decoder{rest: src}
	if string(d.bytes(len(header))) != header {
		return errors.New("not what was read of CloudTrail by this version: want it read again")
	}
	if made := d.text(); made != t.mapper.fingerprint() {
		return fmt.Errorf("made by the catalog of %q, and this is %q: want it read again", made, t.mapper.fingerprint())
	}
	o := t.mapper.NewTally(Options{})
	d.tally(o)
	if d.bad || len(d.rest) > 0 {
		return errors.New("damaged: want what MarshalBinary wrote")
	}
	t.Merge(o)
	return nil
}

type encoder struct{ out []byte }

func (e *encoder) number(n int64) { e.out = binary.AppendVarint(e.out, n) }

func (e *encoder) flag(b bool) {
	if b {
		e.number(1)
	} else {
		e.number(0)
	}
}

func (e *encoder) text(s string) {
	e.number(int64(len(s)))
	e.out = append(e.out, s...)
}

func (e *encoder) texts(list []string) {
	e.number(int64(len(list)))
	for _, s := range list {
		e.text(s)
	}
}

func (e *encoder) sighted(s sighted) {
	e.number(int64(s.count))
	e.number(s.first)
	e.number(s.last - s.first)
}

func (e *encoder) interval(i interval) {
	e.number(i.from)
	e.number(i.to - i.from)
}

func (e *encoder) region(key regionKey) {
	e.text(key.account)
	e.text(key.name)
}

func (e *encoder) tally(t *Tally) {
	e.texts(t.principals.list)
	e.texts(t.services.list[1:])
	e.events(t)
	e.cells(t)
	e.number(int64(len(t.unmapped)))
	for _, id := range slices.Sorted(maps.Keys(t.unmapped)) {
		e.number(int64(id))
		e.sighted(*t.unmapped[id])
	}
	e.coverage(t)
	e.digests(&t.digests)
}

func (e *encoder) events(t *Tally) {
	e.number(int64(len(t.events)))
	for _, ev := range t.events {
		e.flag(ev.inferred)
		e.text(ev.source)
		e.text(ev.name)
		e.number(int64(ev.only))
	}
	e.number(int64(len(t.shapes) - 1))
	for _, types := range t.shapes[1:] {
		e.number(int64(len(types)))
		for _, n := range types {
			e.number(int64(n))
		}
	}
}

func (e *encoder) cells(t *Tally) {
	e.number(int64(len(t.cells)))
	for i := range t.cells {
		c := &t.cells[i]
		for _, n := range []int32{c.principal, c.event, c.service, c.shape, c.day} {
			e.number(int64(n))
		}
		e.sighted(c.sighted)
		e.number(int64(c.denied))
		for _, arns := range t.resources(c) {
			e.texts(arns)
		}
	}
}

func (e *encoder) coverage(t *Tally) {
	keys := slices.SortedFunc(maps.Keys(t.regions), compareRegions)
	e.number(int64(len(keys)))
	for _, key := range keys {
		r := t.regions[key]
		e.region(key)
		e.number(int64(r.events))
		e.number(int64(r.reads))
		e.number(int64(r.kms))
		e.number(r.changed)
		e.number(int64(len(r.days)))
		for _, day := range slices.Sorted(maps.Keys(r.days)) {
			e.number(int64(day))
			e.number(int64(r.days[day].seen))
			e.number(int64(r.days[day].lost))
		}
		e.number(int64(len(r.data)))
		for _, kind := range slices.Sorted(maps.Keys(r.data)) {
			e.text(kind)
			e.number(int64(*r.data[kind]))
		}
	}
	for _, n := range counters(t) {
		e.number(int64(*n))
	}
	e.number(int64(len(t.broken)))
	for _, b := range t.broken {
		e.text(b.File)
		e.number(int64(b.Record))
		e.text(b.Error)
	}
}

// counters are the counts of files and records, in the order in which they are written.
func counters(t *Tally) []*int {
	f, r := &t.files, &t.records
	return []*int{&f.Read, &f.Digests, &f.Skipped, &f.Broken, &r.Read, &r.Used, &r.NoPrincipal, &r.NoPermission, &r.Unmapped, &r.Answers}
}

func (e *encoder) digests(d *digests) {
	keys := slices.SortedFunc(maps.Keys(d.spans), compareRegions)
	e.number(int64(len(keys)))
	for _, key := range keys {
		e.region(key)
		e.number(int64(len(d.spans[key])))
		for _, span := range slices.SortedFunc(maps.Keys(d.spans[key]), compareIntervals) {
			e.interval(span)
		}
	}
	e.number(int64(len(d.listed)))
	for _, name := range slices.Sorted(maps.Keys(d.listed)) {
		e.text(name)
		e.region(d.listed[name].regionKey)
		e.interval(d.listed[name].hours)
	}
	e.number(int64(len(d.whole)))
	for _, name := range slices.Sorted(maps.Keys(d.whole)) {
		e.text(name)
		e.flag(d.whole[name])
	}
}

// decoder reads what an encoder wrote. At the first thing that can't be, it is bad and
// reads zeros.
type decoder struct {
	rest []byte
	bad  bool
}

func (d *decoder) number() int64 {
	n, size := binary.Varint(d.rest)
	if size <= 0 {
		d.bad, d.rest = true, nil
		return 0
	}
	d.rest = d.rest[size:]
	return n
}

// count reads how many of something follow, each of which has a byte at least.
func (d *decoder) count() int { return int(d.below(int64(len(d.rest)))) }

// below reads a number from 0 to a limit.
func (d *decoder) below(limit int64) int64 {
	n := d.number()
	if n < 0 || n > limit {
		d.bad, d.rest = true, nil
		return 0
	}
	return n
}

func (d *decoder) flag() bool { return d.below(1) == 1 }

func (d *decoder) bytes(n int) []byte {
	if n > len(d.rest) {
		d.bad, d.rest = true, nil
		return nil
	}
	b := d.rest[:n]
	d.rest = d.rest[n:]
	return b
}

func (d *decoder) text() string { return string(d.bytes(d.count())) }

func (d *decoder) texts() []string {
	var out []string
	for range d.count() {
		out = append(out, d.text())
	}
	return out
}

func (d *decoder) sighted() sighted {
	s := sighted{count: int(d.number()), first: d.number()}
	s.last = s.first + d.number()
	return s
}

func (d *decoder) interval() interval {
	from := d.number()
	return interval{from, from + d.below(maxDigest)}
}

func (d *decoder) region() regionKey { return regionKey{d.text(), d.text()} }

func (d *decoder) tally(t *Tally) {
	for _, s := range d.texts() {
		t.principals.id(s)
	}
	for _, s := range d.texts() {
		t.services.id(s)
	}
	d.events(t)
	d.cells(t)
	for range d.count() {
		id := int32(d.below(int64(len(t.events)) - 1))
		s := d.sighted()
		t.unmapped[id] = &s
	}
	d.coverage(t)
	d.digests(&t.digests)
}

func (d *decoder) events(t *Tally) {
	for range d.count() {
		inferred := d.flag()
		key := eventKey{source: d.text(), name: d.text(), only: uint64(d.number())}
		switch {
		case d.bad:
			return
		case inferred:
			t.eventID(t.mapper.passRole)
		default:
			t.eventID(t.mapper.event(key))
		}
	}
	for range d.count() {
		var types []int
		for range d.count() {
			types = append(types, int(d.below(1<<16-1)))
		}
		t.shapeID(types)
	}
}

func (d *decoder) cells(t *Tally) {
	for range d.count() {
		key := cellKey{principal: d.index(len(t.principals.list)), event: d.index(len(t.events)), service: d.index(len(t.services.list)), shape: d.index(len(t.shapes)), day: int32(d.below(yearTenThousand / daySeconds))}
		if d.bad || !d.fits(t, key) {
			return
		}
		c := &t.cells[t.cellID(key)]
		c.sighted = d.sighted()
		c.denied = int(d.number())
		own := t.resources(c)
		for i := range own {
			own[i] = d.texts()
		}
	}
}

// index reads an index into a list of n.
func (d *decoder) index(n int) int32 { return int32(d.below(int64(n) - 1)) }

// fits says whether the types of a cell are its event's.
func (d *decoder) fits(t *Tally, key cellKey) bool {
	types := t.shapes[key.shape]
	if len(types) > 0 && types[len(types)-1] >= len(t.events[key.event].types) {
		d.bad, d.rest = true, nil
	}
	return !d.bad
}

func (d *decoder) coverage(t *Tally) {
	for range d.count() {
		r := t.regionAt(d.region())
		r.events, r.reads, r.kms = int(d.number()), int(d.number()), int(d.number())
		r.changed = d.below(yearTenThousand)
		for range d.count() {
			h := r.day(int32(d.number()))
			h.seen, h.lost = uint32(d.number()), uint32(d.number())
		}
		for range d.count() {
			*r.dataEvents(d.bytes(d.count())) = int(d.number())
		}
	}
	for _, n := range counters(t) {
		*n = int(d.number())
	}
	for range d.count() {
		t.broken = append(t.broken, usage.Broken{File: d.text(), Record: int(d.number()), Error: d.text()})
	}
}

func (d *decoder) digests(g *digests) {
	for range d.count() {
		key := d.region()
		for range d.count() {
			g.span(key, d.interval())
		}
	}
	for range d.count() {
		g.list(d.text(), listing{d.region(), d.interval()})
	}
	for range d.count() {
		g.read(d.text(), d.flag())
	}
}
