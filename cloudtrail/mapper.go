package cloudtrail

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/pare-iam/pare/catalog"
)

// Mapper knows by a catalog which IAM actions a call may need. Its answers never change,
// and it is safe for concurrent use.
type Mapper struct {
	catalog  *catalog.Catalog
	passRole *event
	known    sync.Map      // of eventKey to *event: answers given before
	window   int           // bytes of text in memory at first
	spaces   sync.Pool     // of *workspace
	tallies  atomic.Uint64 // how many there were
}

// NewMapper returns a mapper by a catalog.
func NewMapper(c *catalog.Catalog) *Mapper {
	m := &Mapper{catalog: c, window: windowSize}
	m.passRole = &event{eventKey: eventKey{source: "iam.amazonaws.com", name: "PassRole"}, inferred: true}
	m.passRole.setActions(c, []eventAction{{service: "iam", name: "PassRole"}})
	return m
}

// eventKey is what the mapping of an event goes by.
type eventKey struct {
	source, name string
	only         uint64 // when not 0, which of the event's actions its parameters ask for, as bits; or tagging
}

// tagging, as an only, is not the event itself but the tagging of what it makes.
const tagging = 1 << 63

// event is an event by its name, and the actions that it may need.
type event struct {
	eventKey
	inferred bool // not an event of its own: the passing of a role
	free     bool // needs no permission
	mayPass  bool // may need iam:PassRole, when it names a role
	mayTag   bool // may need an action that tags and isn't among actions, when it has tags
	actions  []eventAction
	types    []resourceType // what the actions can be limited to
	params   paramKind      // how requestParameters name the resource
	choice   choice         // how requestParameters say which of the actions are needed
}

// eventAction is an action that an event may need.
type eventAction struct {
	service, name string
	primary       bool
	takes         []int // event.types that the action can be limited to, the most specific first
}

func (a eventAction) String() string { return a.service + ":" + a.name }

// paramKind says which parameters name a resource without its ARN.
type paramKind uint8

const (
	noParams paramKind = iota
	bucketParams
	functionParams
	tableParams
)

// choice says which parameters tell the needed actions.
type choice uint8

const (
	noChoice choice = iota
	byStatement
	byMember
)

// event returns what is known of an event.
func (m *Mapper) event(key eventKey) *event {
	if e, ok := m.known.Load(key); ok {
		return e.(*event)
	}
	e := m.find(eventKey{source: key.source, name: key.name})
	switch key.only {
	case 0:
	case tagging:
		e = m.taggingOf(e)
	default:
		e = e.restrict(m.catalog, key.only)
	}
	stored, _ := m.known.LoadOrStore(key, e)
	return stored.(*event)
}

func (m *Mapper) find(key eventKey) *event {
	e := &event{eventKey: key}
	names := prefixes(key.source)
	if names[0] == "signin" || free[names[0]+":"+key.name] {
		e.free = true
		return e
	}
	var services []*catalog.Service
	for _, prefix := range names {
		if s := m.catalog.Service(prefix); s != nil {
			services = append(services, s)
		}
	}
	for _, name := range spellings(key.name) {
		if list, listed := m.needed(services, name); len(list) > 0 || listed {
			e.mayPass = !listed && names[0] != "sts" || slices.ContainsFunc(list, isPassRole)
			list = slices.DeleteFunc(list, isPassRole)
			m.markPrimary(list, names, name)
			e.setActions(m.catalog, list)
			e.setParams(names[0], name)
			e.mayTag = m.tagsUntold(e, names[0], name)
			return e
		}
	}
	if list := otherNames[names[0]+":"+key.name]; list != nil {
		e.setActions(m.catalog, exactly(list))
		e.setParams(names[0], key.name)
	}
	return e
}

// makers are how operations begin that make something, which may be given tags at once.
var makers = [...]string{"Allocate", "Copy", "Create", "Distribute", "Import", "Publish", "Put", "Register", "Replicate", "Request", "Restore", "Run", "Start", "Update"}

// tagsUntold says whether an operation may make something with tags, while the catalog
// doesn't say which action that takes. AWS's lists have it of most, not of all.
func (m *Mapper) tagsUntold(e *event, prefix, name string) bool {
	tags := func(a eventAction) bool {
		known := m.catalog.Lookup(a.service, a.name)
		return known != nil && known.Level == catalog.LevelTagging
	}
	begins := func(verb string) bool { return strings.HasPrefix(name, verb) }
	return slices.ContainsFunc(makers[:], begins) && !slices.ContainsFunc(e.actions, tags) && len(m.addsTags(prefix)) > 0
}

// addsTags lists the actions of a service that give tags.
func (m *Mapper) addsTags(prefix string) []eventAction {
	var out []eventAction
	if s := m.catalog.Service(prefix); s != nil {
		for i := range s.Actions {
			a := &s.Actions[i]
			takes := strings.HasPrefix(a.Lower, "untag") || strings.HasPrefix(a.Lower, "remove") || strings.HasPrefix(a.Lower, "delete")
			if a.Level == catalog.LevelTagging && !takes {
				out = append(out, eventAction{service: s.Prefix, name: a.Name})
			}
		}
	}
	return out
}

// taggingOf is the tagging of what an event makes: it may need any action of the service
// that gives tags.
func (m *Mapper) taggingOf(e *event) *event {
	out := &event{eventKey: eventKey{e.source, e.name, tagging}}
	out.setActions(m.catalog, m.addsTags(prefixes(e.source)[0]))
	return out
}

func isPassRole(a eventAction) bool { return a.service == "iam" && a.name == "PassRole" }

// exactly returns actions that are all needed.
func exactly(list []string) []eventAction {
	var out []eventAction
	for _, text := range list {
		service, name, _ := strings.Cut(text, ":")
		out = append(out, eventAction{service: service, name: name, primary: true})
	}
	return out
}

// needed returns what an operation may be checked for, by the catalog's list, with the
// action of the operation's own name, if there is one. Listed says that there is a list.
// The lists are upper bounds. Where several services with one source have an operation or
// an action of that name, the record doesn't say whose was called: all of them count,
// but for S3, whose other services have sources of their own.
func (m *Mapper) needed(services []*catalog.Service, name string) (list []eventAction, listed bool) {
	add := func(service, name string) {
		same := func(a eventAction) bool { return a.service == service && strings.EqualFold(a.name, name) }
		if !slices.ContainsFunc(list, same) {
			list = append(list, eventAction{service: service, name: name})
		}
	}
	for _, s := range services {
		if op := s.Details().Operation(name); op != nil && len(op.Authorized) > 0 {
			for _, a := range op.Authorized {
				add(a.Service, a.Name)
			}
			listed = true
			if s.Prefix == "s3" {
				break
			}
		}
	}
	for _, s := range services {
		if own := s.Lookup(name); own != nil {
			add(s.Prefix, own.Name)
			if s.Prefix == "s3" {
				break
			}
		}
	}
	return list, listed
}

// markPrimary marks the action of the operation's name; else those known to be needed in
// any case; else the only one of the service that does more than tagging.
func (m *Mapper) markPrimary(list []eventAction, prefixes []string, name string) {
	mark := func(pick func(eventAction) bool) bool {
		found := false
		for i := range list {
			if pick(list[i]) {
				list[i].primary, found = true, true
			}
		}
		return found
	}
	for _, prefix := range prefixes {
		if mark(func(a eventAction) bool { return a.service == prefix && strings.EqualFold(a.name, name) }) {
			return
		}
	}
	main := mainActions[prefixes[0]+":"+name]
	sole := len(list) == 1
	if mark(func(a eventAction) bool { return sole || slices.Contains(main, a.String()) }) {
		return
	}
	working := func(a eventAction) bool {
		known := m.catalog.Lookup(a.service, a.name)
		return a.service == prefixes[0] && (known == nil || known.Level != catalog.LevelTagging)
	}
	n := 0
	for _, a := range list {
		if working(a) {
			n++
		}
	}
	if n == 1 {
		mark(working)
	}
}

// setActions gives e its actions, with the types of resources that they take.
func (e *event) setActions(c *catalog.Catalog, list []eventAction) {
	slices.SortFunc(list, func(a, b eventAction) int {
		return cmp.Or(cmp.Compare(a.service, b.service), cmp.Compare(a.name, b.name))
	})
	e.actions = list
	index := map[string]int{} // of e.types
	for i := range list {
		a := &list[i]
		known := c.Lookup(a.service, a.name)
		if known == nil {
			continue
		}
		for _, r := range known.Details().Resources {
			key := a.service + ":" + r.Name
			n, ok := index[key]
			if !ok {
				n = len(e.types)
				index[key] = n
				e.types = append(e.types, newResourceType(known.Service, r.Name))
			}
			a.takes = append(a.takes, n)
		}
		slices.SortStableFunc(a.takes, func(x, y int) int { return cmp.Compare(e.types[y].literal, e.types[x].literal) })
	}
}

// setParams says how the parameters of an operation are read.
func (e *event) setParams(prefix, name string) {
	switch prefix {
	case "s3":
		e.params = bucketParams
	case "lambda":
		e.params = functionParams
	case "dynamodb":
		e.params = tableParams
	}
	if prefix != "dynamodb" {
		return
	}
	switch name {
	case "ExecuteStatement", "BatchExecuteStatement", "ExecuteTransaction":
		e.choice = byStatement
	case "TransactWriteItems":
		e.choice = byMember
	}
}

// restrict returns e with some of its actions; a single one is then what the event is for.
func (e *event) restrict(c *catalog.Catalog, only uint64) *event {
	restricted := *e
	restricted.only, restricted.types = only, nil
	var list []eventAction
	for i, a := range e.actions {
		if only>>i&1 != 0 {
			list = append(list, eventAction{service: a.service, name: a.name, primary: a.primary})
		}
	}
	if len(list) == 1 {
		list[0].primary = true
	}
	restricted.setActions(c, list)
	return &restricted
}

// typeOf picks the type of resource that an action was used on: the most specific that it
// takes and that is among those found, which are sorted; none is -1.
func (a eventAction) typeOf(found []int) int {
	for _, t := range a.takes {
		if _, ok := slices.BinarySearch(found, t); ok {
			return t
		}
	}
	return -1
}

// fingerprint tells catalogs apart.
func (m *Mapper) fingerprint() string {
	return fmt.Sprintf("%s %s %d", m.catalog.Date(), m.catalog.FactsDate(), m.catalog.Len())
}
