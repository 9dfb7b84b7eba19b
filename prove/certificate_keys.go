package prove

import (
	"fmt"
	"maps"
	"math/bits"
	"slices"
	"strings"

	"github.com/pare-iam/pare/policy"
)

// NotExpressibleError says why policies have no certificate. A certificate that says
// something near to what they mean is never written.
type NotExpressibleError struct {
	Where  string // name:line:col
	Reason string
}

func (e *NotExpressibleError) Error() string {
	return fmt.Sprintf("%s: not expressible as a certificate: %s", e.Where, e.Reason)
}

// reading is a way in which operators read the values of a condition key.
type reading uint8

const (
	asText reading = 1 << iota
	asNumber
	asDate
	asAddress
	asBytes
)

func (r reading) String() string {
	switch r {
	case asText:
		return "text"
	case asNumber:
		return "a number"
	case asDate:
		return "a date"
	case asAddress:
		return "an address"
	case asBytes:
		return "bytes"
	}
	return "nothing"
}

func readingOf(c policy.Comparison) reading {
	switch c {
	case policy.Null:
		return 0
	case policy.NumericEquals, policy.NumericNotEquals, policy.NumericLessThan, policy.NumericLessThanEquals,
		policy.NumericGreaterThan, policy.NumericGreaterThanEquals:
		return asNumber
	case policy.DateEquals, policy.DateNotEquals, policy.DateLessThan, policy.DateLessThanEquals,
		policy.DateGreaterThan, policy.DateGreaterThanEquals:
		return asDate
	case policy.IPAddress, policy.NotIPAddress:
		return asAddress
	case policy.BinaryEquals:
		return asBytes
	case policy.StringEquals, policy.StringNotEquals, policy.StringEqualsIgnoreCase, policy.StringNotEqualsIgnoreCase,
		policy.StringLike, policy.StringNotLike, policy.Bool,
		policy.ArnEquals, policy.ArnNotEquals, policy.ArnLike, policy.ArnNotLike:
		return asText
	}
	panic(fmt.Sprintf("prove: unhandled comparison %d", c))
}

// contextKey is a condition key of the request: absent, or present with its values.
//
// A key that some condition uses with ForAllValues or ForAnyValue may have several
// values. It is given a slot for one value for each different condition on it, which is
// enough for any number of them: whatever request there is, keep for each condition one
// value that matches it, or one that doesn't where that decides it, and drop the rest;
// then each condition is as it was. A key that is a policy variable too is given two
// at least, because only a key with exactly one value can be one.
// Any other key has one value, as AWS defines it.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-single-vs-multi-valued-context-keys.html
type contextKey struct {
	name     string
	read     reading
	multi    bool
	variable bool // stands in a policy variable
	slots    []slot
	atoms    map[string]bool // the different conditions on it, but Null
}

// slot is a place for one value of a key, read in the one way in which the documents
// read it.
type slot struct {
	used  term // whether there is a value here; of slots in use the first come first
	value term // text, number, nanoseconds since 1970, address as a number, or base64
	valid term // whether it is a number, date or address at all
	isV6  term // of a valid address
}

func (k *contextKey) present() term { return k.slots[0].used }

// single says whether the key has exactly one value, which is then in the first slot.
func (k *contextKey) single() term {
	if len(k.slots) == 1 {
		return k.present()
	}
	return and(k.present(), not(k.slots[1].used))
}

// survey finds the keys that the documents use, and how.
func survey(sides []side) ([]*contextKey, error) {
	s := surveyor{keys: map[string]*contextKey{}}
	for _, side := range sides {
		for _, doc := range side.docs {
			for i := range doc.Statements {
				if err := s.statement(doc, &doc.Statements[i]); err != nil {
					return nil, err
				}
			}
		}
	}
	var keys []*contextKey
	for _, name := range slices.Sorted(maps.Keys(s.keys)) {
		k := s.keys[name]
		k.makeSlots()
		keys = append(keys, k)
	}
	return keys, nil
}

type surveyor struct{ keys map[string]*contextKey }

func (s *surveyor) key(name string) *contextKey {
	k := s.keys[name]
	if k == nil {
		k = &contextKey{name: name, atoms: map[string]bool{}}
		s.keys[name] = k
	}
	return k
}

func (s *surveyor) statement(doc *policy.Document, st *policy.Statement) error {
	for _, entry := range st.Resource.Entries {
		if err := s.variables(doc, entry.Start, entry.Template); err != nil {
			return err
		}
	}
	for _, c := range st.Conditions {
		k := s.key(c.Key)
		k.read |= readingOf(c.Operator.Comparison)
		if c.Operator.Comparison != policy.Null {
			k.atoms[c.Operator.String()+valueTexts(doc, c)] = true
		}
		k.multi = k.multi || c.Operator.Qualifier != policy.NoQualifier
		for _, v := range c.Values {
			if err := s.variables(doc, v.Start, v.Template); err != nil {
				return err
			}
		}
		if err := s.consistent(doc, c.Start, k); err != nil {
			return err
		}
	}
	return nil
}

func (s *surveyor) variables(doc *policy.Document, at int, t policy.Template) error {
	for _, name := range t.Keys() {
		k := s.key(name)
		k.read |= asText
		k.variable = true
		if err := s.consistent(doc, at, k); err != nil {
			return err
		}
	}
	return nil
}

func (s *surveyor) consistent(doc *policy.Document, at int, k *contextKey) error {
	if bits.OnesCount8(uint8(k.read)) > 1 {
		return &NotExpressibleError{doc.Where(at), fmt.Sprintf("the key %s is read in two ways, here as another than before", oneLine(k.name))}
	}
	return nil
}

// valueTexts tells conditions with one operator apart. What a text means depends on the
// version of its document.
func valueTexts(doc *policy.Document, c policy.Condition) string {
	var b strings.Builder
	fmt.Fprint(&b, doc.Version)
	for _, v := range c.Values {
		fmt.Fprintf(&b, " %q", v.Text)
	}
	return b.String()
}

func (k *contextKey) makeSlots() {
	n := 1
	if k.multi {
		n = max(1, len(k.atoms))
		if k.variable {
			n = max(2, n)
		}
	}
	for i := range n {
		name := word(k.name)
		if k.multi {
			name = fmt.Sprintf("%s %d", name, i+1)
		}
		k.slots = append(k.slots, slot{
			used:  symbol("has " + name),
			value: symbol(name),
			valid: symbol(name + " is " + k.read.String()),
			isV6:  symbol(name + " is IPv6"),
		})
	}
}
