package catalog

import (
	"encoding/binary"
	"slices"
	"strings"
	"sync"
)

// The details of a service are a table of texts, then numbers that point into it:
//
//	texts:       number; each followed by a line feed
//	resources:   number; each: name, ARN formats, condition keys
//	conditions:  number; each: name, types
//	actions:     for each action of the service: number of resources, each: name,
//	             condition keys; condition keys
//	same:        length; bits, one for each action: an operation of that name exists and
//	             is authorized by that action alone
//	operations:  the others: number; each: name, number of authorized actions, each:
//	             2 × position in the service, or 2 × number + 1 of texts "service" and
//	             "name" in the table; then what the role is passed to
//
// A list is its length and its members.

// encodeDetails returns the details of all services, one after the other, and the
// length of each.
func encodeDetails(c *Catalog) ([]byte, []int) {
	var b []byte
	sizes := make([]int, 0, len(c.services))
	for _, s := range c.services {
		e := detailsEncoder{service: s, at: map[string]uint64{}}
		e.all(s.Details())
		start := len(b)
		b = binary.AppendUvarint(b, uint64(len(e.texts)))
		for _, text := range e.texts {
			b = append(append(b, text...), '\n')
		}
		b = append(b, e.out...)
		sizes = append(sizes, len(b)-start)
	}
	return b, sizes
}

type detailsEncoder struct {
	service *Service
	at      map[string]uint64 // text → position in texts
	texts   []string
	out     []byte
}

func (e *detailsEncoder) number(n uint64) { e.out = binary.AppendUvarint(e.out, n) }

func (e *detailsEncoder) position(text string) uint64 {
	i, known := e.at[text]
	if !known {
		i = uint64(len(e.texts))
		e.at[text] = i
		e.texts = append(e.texts, text)
	}
	return i
}

func (e *detailsEncoder) text(text string) { e.number(e.position(text)) }

func (e *detailsEncoder) list(list []string) {
	e.number(uint64(len(list)))
	for _, text := range list {
		e.text(text)
	}
}

func (e *detailsEncoder) all(d *Details) {
	e.number(uint64(len(d.Resources)))
	for _, r := range d.Resources {
		e.text(r.Name)
		e.list(r.ARNFormats)
		e.list(r.ConditionKeys)
	}
	e.number(uint64(len(d.Conditions)))
	for _, k := range d.Conditions {
		e.text(k.Name)
		e.list(k.Types)
	}
	e.actions(d.Actions)
	e.operations(d.Operations)
}

func (e *detailsEncoder) actions(actions []ActionDetails) {
	for _, a := range actions {
		e.number(uint64(len(a.Resources)))
		for _, r := range a.Resources {
			e.text(r.Name)
			e.list(r.ConditionKeys)
		}
		e.list(a.ConditionKeys)
	}
}

func (e *detailsEncoder) operations(operations []Operation) {
	same := make([]byte, (len(e.service.Actions)+7)/8)
	var others []Operation
	for _, o := range operations {
		if i, is := e.sameAction(o); is {
			same[i/8] |= 1 << (i % 8)
		} else {
			others = append(others, o)
		}
	}
	for len(same) > 0 && same[len(same)-1] == 0 {
		same = same[:len(same)-1]
	}
	e.number(uint64(len(same)))
	e.out = append(e.out, same...)
	e.number(uint64(len(others)))
	for _, o := range others {
		e.text(o.Name)
		e.number(uint64(len(o.Authorized)))
		for _, a := range o.Authorized {
			e.authorized(a)
		}
	}
}

// sameAction returns the position of the action of the operation's name, when it is
// all that authorizes the operation.
func (e *detailsEncoder) sameAction(o Operation) (int, bool) {
	if len(o.Authorized) != 1 || len(o.Authorized[0].PassedTo) != 0 || o.Authorized[0].Name != o.Name {
		return 0, false
	}
	return e.own(o.Authorized[0])
}

// own returns the position of an action that the service has in exactly that casing.
func (e *detailsEncoder) own(a AuthorizedAction) (int, bool) {
	if a.Service != e.service.Prefix {
		return 0, false
	}
	action := e.service.Lookup(a.Name)
	if action == nil || action.Name != a.Name {
		return 0, false
	}
	return action.ID - e.service.First, true
}

func (e *detailsEncoder) authorized(a AuthorizedAction) {
	if i, own := e.own(a); own {
		e.number(2 * uint64(i))
	} else {
		e.number(2*e.position(a.Service) + 1)
		e.text(a.Name)
	}
	e.list(a.PassedTo)
}

// attachDetails makes each service decode its part of the section when it is asked;
// the section is unpacked for the first that is.
func attachDetails(c *Catalog, packed []byte, plain int, sizes []int) {
	section := sync.OnceValues(func() (string, error) { return unpack(packed, plain) })
	start := 0
	for i, s := range c.services {
		from, to := start, start+sizes[i]
		s.details = sync.OnceValue(func() *Details {
			all, err := section()
			if err != nil {
				return &Details{err: err}
			}
			if to > len(all) || i == len(sizes)-1 && to != len(all) {
				return &Details{err: errMalformed}
			}
			return decodeDetails(s, all[from:to])
		})
		start = to
	}
}

func decodeDetails(s *Service, section string) *Details {
	d := &detailsDecoder{service: s, cursor: cursor{rest: section}}
	d.texts = make([]string, d.count())
	for i := range d.texts {
		d.texts[i] = d.line()
	}
	out := &Details{Resources: d.resources(), Conditions: d.conditions(), Actions: d.actions()}
	out.Operations = d.operations()
	if d.failed || d.rest != "" {
		return &Details{err: errMalformed}
	}
	return out
}

type detailsDecoder struct {
	cursor
	service *Service
	texts   []string
}

func (d *detailsDecoder) text() string   { return d.ref(d.texts) }
func (d *detailsDecoder) list() []string { return d.refs(d.texts) }

func (d *detailsDecoder) resources() []ResourceType {
	return decodeList(d, func() ResourceType {
		return ResourceType{Name: d.text(), ARNFormats: d.list(), ConditionKeys: d.list()}
	})
}

func (d *detailsDecoder) conditions() []ConditionKey {
	return decodeList(d, func() ConditionKey { return ConditionKey{Name: d.text(), Types: d.list()} })
}

func (d *detailsDecoder) actions() []ActionDetails {
	out := make([]ActionDetails, len(d.service.Actions))
	for i := range out {
		out[i].Resources = decodeList(d, func() ActionResource {
			return ActionResource{Name: d.text(), ConditionKeys: d.list()}
		})
		out[i].ConditionKeys = d.list()
	}
	return out
}

func (d *detailsDecoder) operations() []Operation {
	same := d.take(d.index((len(d.service.Actions)+7)/8 + 1))
	var out []Operation
	for i := range d.service.Actions {
		if i/8 < len(same) && same[i/8]&(1<<(i%8)) != 0 {
			name := d.service.Actions[i].Name
			out = append(out, Operation{Name: name, Authorized: []AuthorizedAction{{Service: d.service.Prefix, Name: name}}})
		}
	}
	out = append(out, decodeList(d, func() Operation {
		return Operation{Name: d.text(), Authorized: decodeList(d, d.authorized)}
	})...)
	slices.SortFunc(out, func(a, b Operation) int { return strings.Compare(a.Name, b.Name) })
	for i := 1; i < len(out); i++ {
		if out[i].Name == out[i-1].Name {
			d.fail()
		}
	}
	return out
}

func (d *detailsDecoder) authorized() AuthorizedAction {
	var out AuthorizedAction
	if n := d.uvarint(); n%2 == 0 {
		out.Service, out.Name = d.service.Prefix, d.ownName(n/2)
	} else {
		out.Service, out.Name = d.textAt(n/2), d.text()
	}
	out.PassedTo = d.list()
	return out
}

func (d *detailsDecoder) ownName(i uint64) string {
	if i >= uint64(len(d.service.Actions)) {
		d.fail()
		return ""
	}
	return d.service.Actions[i].Name
}

func (d *detailsDecoder) textAt(i uint64) string {
	if i >= uint64(len(d.texts)) {
		d.fail()
		return ""
	}
	return d.texts[i]
}

// decodeList reads a number and that many entries; nil when it is 0.
func decodeList[T any](d *detailsDecoder, entry func() T) []T {
	n := d.count()
	if n == 0 {
		return nil
	}
	out := make([]T, 0, n)
	for range n {
		out = append(out, entry())
	}
	return out
}
