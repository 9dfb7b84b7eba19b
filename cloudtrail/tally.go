package cloudtrail

import (
	"slices"
	"sort"

	"github.com/pare-iam/pare/usage"
)

// Options say what the files don't.
type Options struct {
	AllData []string // types of data events that somebody says are recorded in full: "AWS::S3::Object"

	// WholeAnswers says that answers of lookup-events and results of queries have all
	// management events of the hours of which they have one: nothing was filtered out.
	WholeAnswers bool
}

// Tally is what has been read so far. It isn't safe for concurrent use.
//
// It counts events, not actions: a cell for each principal, event, day and so on. What
// actions they come to is said when somebody asks ([Tally.Uses]).
type Tally struct {
	mapper  *Mapper
	allData map[string]bool
	whole   bool // Options.WholeAnswers

	principals names
	services   names // that called for a principal; 0 is none
	events     []*event
	eventIDs   map[*event]int32
	shapes     [][]int // sets of indices into event.types, sorted; 0 is the empty one
	shapeIDs   map[string]int32

	cells    []cell
	lists    [][]string // of cells: the smallest ARNs of a type
	cellIDs  map[cellKey]int32
	unmapped map[int32]*sighted // by event

	regions map[regionKey]*region
	records usage.RecordCounts
	files   usage.FileCounts
	broken  []usage.Broken
	digests digests

	resolved map[string]int32   // principals by the ARN of an identity; none is -1
	byName   map[string]int32   // events by source and name
	byRegion map[string]*region // by account and name
	serial   uint64             // different for each tally of the mapper
	*workspace
}

// workspace is memory for reading, which a tally borrows for a file.
type workspace struct {
	buf     []byte
	scanner scanner
	inner   scanner // for texts inside texts
	found   found
	record  record
	key     []byte
	cells   [1 << 14]int32 // numbers of the cells that were asked for last, by digest; perhaps of another tally
}

func newWorkspace(window int) *workspace {
	return &workspace{buf: make([]byte, window), scanner: scanner{sessions: newSessions()}}
}

// cellKey is what a cell counts.
type cellKey struct {
	principal, event, service, shape, day int32 // day counts from 1970-01-01
}

// cell is small and has no pointers, since there are many.
type cell struct {
	cellKey
	list int32 // the first of its lists in Tally.lists, which has one for each type of the shape
	sighted
	denied int
}

// sighted counts, with the first and the last time in seconds from 1970.
type sighted struct {
	count       int
	first, last int64
}

func (s *sighted) at(seconds int64) { s.join(sighted{1, seconds, seconds}) }

func (s *sighted) join(o sighted) {
	if s.count == 0 {
		*s = o
		return
	}
	s.count += o.count
	s.first, s.last = min(s.first, o.first), max(s.last, o.last)
}

// names gives texts numbers.
type names struct {
	list []string
	ids  map[string]int32
}

func (n *names) id(text string) int32 {
	if id, ok := n.ids[text]; ok {
		return id
	}
	id := int32(len(n.list))
	n.list = append(n.list, text)
	n.ids[text] = id
	return id
}

// idOf is id without an allocation for what is known.
func (n *names) idOf(text []byte) int32 {
	if id, ok := n.ids[string(text)]; ok {
		return id
	}
	return n.id(string(text))
}

// NewTally returns an empty tally.
func (m *Mapper) NewTally(o Options) *Tally {
	t := &Tally{
		mapper:     m,
		allData:    map[string]bool{},
		whole:      o.WholeAnswers,
		principals: names{ids: map[string]int32{}},
		services:   names{ids: map[string]int32{}},
		eventIDs:   map[*event]int32{},
		shapes:     [][]int{nil},
		shapeIDs:   map[string]int32{"": 0},
		cellIDs:    map[cellKey]int32{},
		unmapped:   map[int32]*sighted{},
		regions:    map[regionKey]*region{},
		digests:    newDigests(),
		resolved:   map[string]int32{},
		byName:     map[string]int32{},
		byRegion:   map[string]*region{},
		serial:     m.tallies.Add(1),
	}
	t.services.id("")
	for _, kind := range o.AllData {
		t.allData[kind] = true
	}
	return t
}

// eventID returns the number of an event in t.
func (t *Tally) eventID(e *event) int32 {
	id, ok := t.eventIDs[e]
	if !ok {
		id = int32(len(t.events))
		t.events = append(t.events, e)
		t.eventIDs[e] = id
	}
	return id
}

// eventOf returns the number of the event of a source and name.
func (t *Tally) eventOf(source, name []byte) int32 {
	t.key = append(append(append(t.key[:0], source...), 0), name...)
	id, ok := t.byName[string(t.key)]
	if !ok {
		id = t.eventID(t.mapper.event(eventKey{source: string(source), name: string(name)}))
		t.byName[string(t.key)] = id
	}
	return id
}

// maxText is how long the ARN of a principal or a resource may be, and the name of a
// service: AWS's are shorter, and a record that has a longer one doesn't count for it.
const maxText = 2048

// maxResolved bounds the memory for sessions, whose names may be without number.
const maxResolved = 1 << 14

// principalOf returns the number of the principal that an identity counts for, or -1.
func (t *Tally) principalOf(id *identity) int32 {
	if id.session == nil {
		return t.resolve(id.principal())
	}
	if e := id.session; e.tally != t.serial {
		e.principal, e.tally = t.resolve(id.principal()), t.serial
	}
	return id.session.principal
}

func (t *Tally) resolve(arn []byte) int32 {
	if len(arn) == 0 || len(arn) > maxText {
		return -1
	}
	if n, ok := t.resolved[string(arn)]; ok {
		return n
	}
	if len(t.resolved) >= maxResolved {
		clear(t.resolved)
	}
	n := int32(-1)
	if principal, ok := resolve(string(arn)); ok {
		n = t.principals.id(principal)
	}
	t.resolved[string(arn)] = n
	return n
}

// shapeID returns the number of a set of types, which are sorted.
func (t *Tally) shapeID(types []int) int32 {
	if len(types) == 0 {
		return 0
	}
	var buf [64]byte
	key := buf[:0]
	for _, n := range types {
		key = append(key, byte(n), byte(n>>8))
	}
	id, ok := t.shapeIDs[string(key)]
	if !ok {
		id = int32(len(t.shapes))
		t.shapes = append(t.shapes, slices.Clone(types))
		t.shapeIDs[string(key)] = id
	}
	return id
}

// digest tells most keys apart by its upper bits.
func (k *cellKey) digest() uint64 {
	const odd = 0x9E3779B97F4A7C15 // 2^64 over the golden ratio
	a := uint64(uint32(k.principal))<<32 | uint64(uint32(k.event))
	b := uint64(uint32(k.service))<<48 ^ uint64(uint32(k.shape))<<24 ^ uint64(uint32(k.day))
	return (a*odd ^ b) * odd
}

// cell returns the cell of a key, which is empty when it is new. The pointer is good
// until the next call. A file asks for the same ones again and again, which is quicker
// without the map.
func (t *Tally) cell(key cellKey) *cell {
	id := &t.workspace.cells[key.digest()>>(64-14)]
	if int(*id) >= len(t.cells) || t.cells[*id].cellKey != key {
		*id = t.cellID(key)
	}
	return &t.cells[*id]
}

// cellID returns the number of a cell, making it if need be.
func (t *Tally) cellID(key cellKey) int32 {
	id, ok := t.cellIDs[key]
	if !ok {
		id = int32(len(t.cells))
		t.cells = append(t.cells, cell{cellKey: key, list: int32(len(t.lists))})
		t.lists = append(t.lists, make([][]string, len(t.shapes[key.shape]))...)
		t.cellIDs[key] = id
	}
	return id
}

// resources are the lists of a cell.
func (t *Tally) resources(c *cell) [][]string {
	return t.lists[c.list:][:len(t.shapes[c.shape])]
}

// smallest adds a text to a sorted list of different ones, of which the first
// usage.MaxResources stay.
func smallest(list []string, text []byte) []string {
	if len(list) == usage.MaxResources && string(text) >= list[len(list)-1] {
		return list
	}
	i := sort.Search(len(list), func(i int) bool { return list[i] >= string(text) })
	if i < len(list) && list[i] == string(text) {
		return list
	}
	list = slices.Insert(list, i, string(text))
	return list[:min(len(list), usage.MaxResources)]
}

// smallestOf is a list as smallest makes it of the texts of two such lists, a new one.
func smallestOf(a, b []string) []string {
	all := slices.Concat(a, b)
	slices.Sort(all)
	all = slices.Compact(all)
	return all[:min(len(all), usage.MaxResources)]
}
