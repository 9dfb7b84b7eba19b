package rewrite

import (
	"fmt"
	"slices"
	"strconv"

	"github.com/pare-iam/pare/catalog"
	"github.com/pare-iam/pare/internal/iac"
	"github.com/pare-iam/pare/policy"
)

// matcher is one matching on its way.
type matcher struct {
	subjects []*subject
	live     []*Live
	order    map[*Live]int

	byARN   map[string]*Live
	managed map[string][]*Live // by name
	inline  map[holder][]*Live // of a role, user or group, in any account
	sets    map[string][]*Live // by the name of the permission set
	kinds   map[iac.HolderKind][]*Live
	signed  map[string][]*Live // by signature
	roughly map[string][]*Live // by coarse signature

	states map[string][]stated // by address
	stacks []stackOf

	owner    map[*Live]string // place of the source that has it, or disputed
	siblings map[string]int   // how many sources are at a place
}

// holder is what an inline policy is in, whatever the account.
type holder struct {
	kind iac.HolderKind
	name string
}

// subject is a source that looks for its live policies.
type subject struct {
	*iac.Source
	catalog *catalog.Catalog // for names in reasons
	doc     *policy.Document // nil: not known
	place   string           // where its text stands: sources of one place are one text
	sure    bool             // every action of doc is known, so that its signature is
	likes   map[*Live]likeness
	settled map[string]bool // accounts in which it has something, or what it has is disputed

	live       []*Live
	by         By
	candidates []*Live
	doubts     []string // why candidates are no more than that
	near       []*Live  // of names that fit and other content, where nothing better is known
	missing    []string // instances that are known to be, and aren't among the live policies
	remarks    []string // for a source that comes out with nothing
}

func newMatcher(c *catalog.Catalog, sources []*iac.Source, live []*Live, k Known) *matcher {
	m := &matcher{
		live: live, order: map[*Live]int{}, byARN: map[string]*Live{}, managed: map[string][]*Live{}, inline: map[holder][]*Live{},
		sets: map[string][]*Live{}, kinds: map[iac.HolderKind][]*Live{}, signed: map[string][]*Live{}, roughly: map[string][]*Live{},
		owner: map[*Live]string{}, siblings: map[string]int{},
	}
	for i, l := range live {
		m.order[l] = i
		m.enter(l)
	}
	for i, s := range sources {
		m.subjects = append(m.subjects, newSubject(c, i, s))
		m.siblings[m.subjects[i].place]++
	}
	m.states = statesByAddress(k.States)
	m.stacks = m.rank(append(slices.Clone(k.Stacks), impliedStacks(live, k.Stacks)...), len(k.Stacks))
	return m
}

// enter puts a live policy under all that it is looked up by.
func (m *matcher) enter(l *Live) {
	switch {
	case l.Holder == 0:
		m.byARN[l.ARN] = l
		m.managed[l.Name] = append(m.managed[l.Name], l)
		m.kinds[0] = append(m.kinds[0], l)
	case l.PermissionSet != "":
		m.sets[l.PermissionSet] = append(m.sets[l.PermissionSet], l)
		m.kinds[iac.PermissionSet] = append(m.kinds[iac.PermissionSet], l)
	default:
		key := holder{l.Holder, l.HolderName}
		m.inline[key] = append(m.inline[key], l)
		m.kinds[l.Holder] = append(m.kinds[l.Holder], l)
	}
	if l.Document != nil {
		exact, rough := signature(l.Document, false), signature(l.Document, true)
		m.signed[exact], m.roughly[rough] = append(m.signed[exact], l), append(m.roughly[rough], l)
	}
}

func newSubject(c *catalog.Catalog, i int, source *iac.Source) *subject {
	s := &subject{Source: source, catalog: c, place: "#" + strconv.Itoa(i), likes: map[*Live]likeness{}, settled: map[string]bool{}}
	if source.Document == nil {
		return s
	}
	if d := source.Document; d.File != nil && d.End > d.Start {
		s.place = fmt.Sprintf("%s:%d-%d", d.File.Path, d.Start, d.End)
	}
	if p, err := source.Policy(); err == nil { // else the content isn't known, and whoever edits it says why
		s.doc, s.sure = p.Doc, !slices.ContainsFunc(p.Doc.Statements, unknownActions)
	}
	return s
}

// doubt says why candidates are no more than that.
func (s *subject) doubt(why string) { s.doubts = append(s.doubts, why) }

// remark says what was near.
func (s *subject) remark(what string) { s.remarks = append(s.remarks, what) }

// like compares the source's document with a live one, once.
func (s *subject) like(l *Live) likeness {
	if s.doc == nil || l.Document == nil {
		return likeness{reason: "one of them can't be read"}
	}
	out, ok := s.likes[l]
	if !ok {
		out = compare(s.catalog, s.doc, l.Document, seed(s.Source, l))
		s.likes[l] = out
	}
	return out
}

// equal is like(l).equal, if the documents have the same lists with the variables' texts:
// what is equal for a better reason isn't found, and costs no proof.
func (s *subject) equal(l *Live) bool {
	if s.doc == nil || l.Document == nil {
		return false
	}
	u := &unifier{bound: seed(s.Source, l)}
	return u.agree(s.doc, l.Document) && s.like(l).equal
}

// similar are the live policies whose documents may equal the source's.
func (m *matcher) similar(s *subject) []*Live {
	switch {
	case s.doc == nil:
		return nil
	case s.sure:
		return m.signed[signature(s.doc, false)]
	}
	return m.roughly[signature(s.doc, true)]
}
