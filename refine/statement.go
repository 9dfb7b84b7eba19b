package refine

import (
	"cmp"
	"maps"
	"slices"

	"github.com/pare-iam/pare/internal/wildcard"
	"github.com/pare-iam/pare/policy"
	"github.com/pare-iam/pare/usage"
)

// run is the refinement of one policy.
type run struct {
	*Refiner
	doc    *policy.Document
	unused compiled
	edits  []Edit
	notes  []Note

	changes []change // of the statement that is being narrowed
}

// compiled is a set of unused permissions, resolved in the catalog.
type compiled struct {
	services map[string]bool    // unused as a whole, known to the catalog or not
	counts   map[string][]int32 // running counts of the unused actions of each other service
	unknown  []usage.Action     // actions that the catalog doesn't have
}

func (r *Refiner) compile(unused usage.Unused) compiled {
	c := compiled{counts: map[string][]int32{}}
	if len(unused.Services) > 0 {
		c.services = make(map[string]bool, len(unused.Services))
	}
	for _, s := range unused.Services {
		c.services[s.Prefix] = true
	}
	var t *trie        // of the service of the action before
	var counts []int32 // and its counts
	for _, a := range unused.Actions {
		if c.services[a.Service] {
			continue
		}
		if t == nil || t.service != a.Service {
			t, counts = r.trieOf(a.Service), c.counts[a.Service]
		}
		if t == nil {
			c.unknown = append(c.unknown, a)
			continue
		}
		i, known := t.index[a.Name]
		if !known {
			c.unknown = append(c.unknown, a)
			continue
		}
		if counts == nil {
			counts = make([]int32, len(t.actions)+1)
			c.counts[a.Service] = counts
		}
		counts[i+1] = 1
	}
	for _, counts := range c.counts {
		for i := 1; i < len(counts); i++ {
			counts[i] += counts[i-1]
		}
	}
	return c
}

// trieOf is the trie of a service, nil if the catalog doesn't know it.
func (r *Refiner) trieOf(service string) *trie {
	lazy, known := r.services[service]
	if !known {
		return nil
	}
	return lazy.trie()
}

// countsOf is the running counts of a service's unused actions, all 0 if it has none.
func (r *run) countsOf(t *trie, service string) []int32 {
	if counts := r.unused.counts[service]; counts != nil {
		return counts
	}
	return t.none
}

// change is what becomes of one entry. The zero value leaves it.
type change struct {
	reason Reason // Kind 0: the entry stays
	todo   []task // what comes in its place
	in     []string
}

// task is something to print: a text, or what covers the kept actions of M.
type task struct {
	text string
	trie *trie
	p    written
	m    marks
}

// narrow refines the Action list of an Allow statement.
func (r *run) narrow(st *policy.Statement) {
	r.changes = r.changes[:0]
	stays := 0
	for i := range st.Action.Entries {
		c := r.entry(st, i)
		r.changes = append(r.changes, c)
		if c.reason.Kind == 0 {
			stays++
		}
	}
	changes := r.changes
	if stays == len(changes) {
		return
	}
	known := r.known(st.Action.Entries)
	for i := range changes {
		known = r.print(&changes[i], known)
		if len(changes[i].todo) > 0 && len(changes[i].in) == 0 {
			changes[i].reason.Kind = AlreadyCovered
		}
	}
	left := dropCovered(st.Action.Entries, changes)
	if left == 0 {
		r.drop(st)
		return
	}
	if r.edits == nil {
		r.edits = make([]Edit, 0, len(r.doc.Statements)) // about one each
	}
	for i, e := range st.Action.Entries {
		if c := changes[i]; c.reason.Kind != 0 {
			r.edits = append(r.edits, Edit{
				Edit:   policy.Edit{Statement: st.Index, Entry: i, Out: []string{e.Text}, In: c.in},
				Reason: c.reason,
			})
		}
	}
}

// known is the entries that stay, for a compact cover; a plain one doesn't ask.
func (r *run) known(entries []policy.ActionEntry) []policy.ActionPattern {
	var known []policy.ActionPattern
	for i, e := range entries {
		if r.compact && r.changes[i].reason.Kind == 0 {
			known = append(known, e.Pattern)
		}
	}
	return known
}

// print does what a change has to do. A compact cover leaves out what entries known so
// far allow.
func (r *run) print(c *change, known []policy.ActionPattern) []policy.ActionPattern {
	if len(c.todo) > 0 {
		c.in = make([]string, 0, c.reason.Matched-c.reason.Unused) // each text covers an action of its own
	}
	for _, t := range c.todo {
		switch {
		case t.trie == nil:
			c.in = append(c.in, t.text)
		case r.compact:
			c.in = append(c.in, t.trie.coverCompact(t.p, t.m, known)...)
		default:
			c.in = t.trie.cover(c.in, t.p, t.m)
		}
	}
	if r.compact {
		for _, text := range c.in {
			known = append(known, mustPattern(text))
		}
	}
	return known
}

// drop removes a statement of which nothing is left.
func (r *run) drop(st *policy.Statement) {
	e := Edit{
		Edit:   policy.Edit{Statement: st.Index, Entry: policy.WholeStatement},
		Reason: Reason{Kind: StatementUnused},
	}
	for _, entry := range st.Action.Entries {
		e.Out = append(e.Out, entry.Text)
	}
	r.edits = append(r.edits, e)
}

// entry decides what becomes of one pattern of an Action list.
func (r *run) entry(st *policy.Statement, i int) change {
	e := st.Action.Entries[i]
	p := e.Pattern
	if p.AllServices() {
		return r.everything(st, i)
	}
	lazy, known := r.services[p.Service]
	switch {
	case r.unused.services[p.Service]:
		reason := Reason{Kind: ServiceUnused}
		if known {
			t := lazy.trie()
			m := t.mark(p.Name, r.countsOf(t, p.Service))
			reason.Matched, _ = m.count(0, len(t.actions))
			reason.Unused = reason.Matched
		}
		return change{reason: reason}
	case !known:
		r.noteAt(UnknownService, st, i)
		return change{}
	}
	t := lazy.trie()
	m := t.mark(p.Name, r.countsOf(t, p.Service))
	var reason Reason
	reason.Matched, reason.Unused = m.count(0, len(t.actions))
	switch {
	case reason.Matched == 0:
		r.noteAt(UnknownAction, st, i)
		return change{}
	case reason.Unused == 0:
		return change{}
	case reason.Unused == reason.Matched:
		reason.Kind = AllUnused
		return change{reason: reason}
	}
	reason.Kind = PartlyUnused
	return change{reason: reason, todo: []task{{trie: t, p: asWritten(e), m: m}}}
}

// everything splits the bare `*` by service.
func (r *run) everything(st *policy.Statement, entry int) change {
	if len(r.unused.services) == 0 && len(r.unused.counts) == 0 {
		return change{}
	}
	c := change{reason: Reason{Kind: PartlyUnused, Matched: r.catalog.Len()}, todo: make([]task, 0, len(r.ordered))}
	all := written{wildcard.Parse("*"), wildcard.Parse("*")}
	for _, lazy := range r.ordered {
		prefix, n := lazy.service.Prefix, len(lazy.service.Actions)
		counts := r.unused.counts[prefix]
		switch {
		case r.unused.services[prefix]:
			c.reason.Unused += n
		case counts == nil && n > 0:
			c.todo = append(c.todo, task{text: prefix + ":*"})
		case counts != nil:
			t := lazy.trie()
			c.reason.Unused += int(counts[n])
			c.todo = append(c.todo, task{trie: t, p: all, m: t.mark(all.folded, counts)})
		}
	}
	if c.reason.Unused == c.reason.Matched {
		return change{reason: Reason{AllUnused, c.reason.Matched, c.reason.Unused}}
	}
	r.noteAt(UnknownDropped, st, entry)
	return c
}

// exclude refines an Allow statement with NotAction, which allows what it doesn't name:
// the unused actions and services that it doesn't name yet join the list, exactly and
// without a wildcard that would take more than was reported.
func (r *run) exclude(st *policy.Statement) {
	var in []string
	reason := Reason{Kind: NotActionUnused}
	for _, service := range slices.Sorted(maps.Keys(r.unused.services)) {
		all := policy.ActionPattern{Service: service, Name: wildcard.Parse("*")}
		if !named(st.Action.Entries, all) {
			in = append(in, service+":*")
		}
	}
	for _, service := range slices.Sorted(maps.Keys(r.unused.counts)) {
		t := r.services[service].trie()
		m := marks{hi: len(t.actions), unused: r.unused.counts[service]}
		for i, a := range t.actions {
			one := policy.ActionPattern{Service: service, Name: wildcard.Literal(a.Lower)}
			if !m.keeps(i) && !named(st.Action.Entries, one) {
				in = append(in, t.names[i])
			}
		}
	}
	if len(in) == 0 {
		return
	}
	slices.SortStableFunc(in, func(a, b string) int {
		return cmp.Compare(wildcard.Fold(a), wildcard.Fold(b))
	})
	reason.Matched, reason.Unused = len(in), len(in)
	r.edits = append(r.edits, Edit{
		Edit:   policy.Edit{Statement: st.Index, Entry: len(st.Action.Entries), In: in},
		Reason: reason,
	})
}

func named(entries []policy.ActionEntry, p policy.ActionPattern) bool {
	return slices.ContainsFunc(entries, func(e policy.ActionEntry) bool { return e.Pattern.Contains(p) })
}

func (r *run) noteAt(kind NoteKind, st *policy.Statement, entry int) {
	r.notes = append(r.notes, Note{Kind: kind, Statement: st.Index, Entry: entry, Text: st.Action.Entries[entry].Text})
}

// note adds what concerns the document and the unused list as a whole.
func (r *run) note(unused usage.Unused) {
	for _, a := range r.unused.unknown {
		r.noteUnknown(UnusedUnknown, a.Service, a.String(), a.Pointer)
	}
	for _, s := range unused.Services {
		if r.services[s.Prefix] == nil {
			r.noteUnknown(0, s.Prefix, s.Prefix, s.Pointer)
		}
	}
	for _, u := range r.doc.Unknown {
		r.notes = append(r.notes, Note{Kind: UnknownElement, Statement: -1, Text: u.Key, Pointer: u.Pointer})
	}
}

// noteUnknown notes what is reported as unused and isn't in the catalog, as of that
// kind if the policy names its service, which is then no slip of the pen.
func (r *run) noteUnknown(kind NoteKind, service, text, pointer string) {
	if r.services[service] == nil && !r.mentions(service) {
		kind = UnusedNowhere
	}
	if kind != 0 {
		r.notes = append(r.notes, Note{Kind: kind, Statement: -1, Text: text, Pointer: pointer})
	}
}

// mentions says whether some entry of the document names the service.
func (r *run) mentions(service string) bool {
	for _, st := range r.doc.Statements {
		for _, e := range st.Action.Entries {
			if e.Pattern.Service == service {
				return true
			}
		}
	}
	return false
}
