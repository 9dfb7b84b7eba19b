package catalog

import (
	"encoding/binary"
	"fmt"
	"strings"
)

// The core is columns, so that it packs well and unpacks into one string that all
// names share:
//
//	number of services; number of actions
//	for each service: prefix, a line feed
//	for each service: number of its actions; length of its details
//	for each action: name, a line feed
//	for each action: one byte, level and tracking × 8
//
// Services are sorted by prefix, actions of a service by lower-case name.

func encodeCore(c *Catalog, detailSizes []int) []byte {
	b := binary.AppendUvarint(nil, uint64(len(c.services)))
	b = binary.AppendUvarint(b, uint64(len(c.actions)))
	for _, s := range c.services {
		b = append(append(b, s.Prefix...), '\n')
	}
	for i, s := range c.services {
		b = binary.AppendUvarint(b, uint64(len(s.Actions)))
		b = binary.AppendUvarint(b, uint64(detailSizes[i]))
	}
	for i := range c.actions {
		b = append(append(b, c.actions[i].Name...), '\n')
	}
	for i := range c.actions {
		b = append(b, byte(c.actions[i].Level)|byte(c.actions[i].Tracked)<<3)
	}
	return b
}

// decodeCore returns the catalog without details, and the length of each service's details.
func decodeCore(core string) (*Catalog, []int, error) {
	in := cursor{rest: core}
	c := &Catalog{services: make([]*Service, in.count())}
	actions := in.count()
	if actions > len(core)/3 { // a name, a line feed, a flag byte
		return nil, nil, errMalformed
	}
	c.actions = make([]Action, actions)
	services := make([]Service, len(c.services))
	for i := range services {
		services[i].Prefix = in.line()
		c.services[i] = &services[i]
	}
	sizes, err := decodeCounts(&in, c)
	if err != nil {
		return nil, nil, err
	}
	decodeNames(&in, c)
	decodeFlags(&in, c)
	if in.failed || in.rest != "" {
		return nil, nil, errMalformed
	}
	return c, sizes, checkSorted(c)
}

// decodeCounts gives each service its part of the actions.
func decodeCounts(in *cursor, c *Catalog) ([]int, error) {
	sizes := make([]int, len(c.services))
	first := 0
	for i, s := range c.services {
		n := in.index(len(c.actions) - first + 1)
		sizes[i] = in.index(maxPlain)
		s.First = first
		s.Actions = c.actions[first : first+n : first+n]
		first += n
	}
	if in.failed || first != len(c.actions) {
		return nil, errMalformed
	}
	return sizes, nil
}

// decodeNames cuts every name, and its lower-case form, out of one string.
func decodeNames(in *cursor, c *Catalog) {
	names := in.rest
	lower := lowerASCII(names)
	for _, s := range c.services {
		for i := range s.Actions {
			at := len(names) - len(in.rest)
			name := in.line()
			s.Actions[i] = Action{ID: s.First + i, Service: s, Name: name, Lower: lower[at : at+len(name)]}
		}
	}
}

func decodeFlags(in *cursor, c *Catalog) {
	flags := in.take(len(c.actions))
	for i := range len(flags) {
		level, tracked := Level(flags[i]&7), Tracking(flags[i]>>3)
		if level >= levels || tracked&^allTracking != 0 {
			in.fail()
			return
		}
		c.actions[i].Level, c.actions[i].Tracked = level, tracked
	}
}

// checkSorted refuses what binary search couldn't find: names out of order, given
// twice, or such as IAM can't hold.
func checkSorted(c *Catalog) error {
	for i, s := range c.services {
		if !validName(s.Prefix) || s.Prefix != strings.ToLower(s.Prefix) || i > 0 && c.services[i-1].Prefix >= s.Prefix {
			return fmt.Errorf("service %q: %w", s.Prefix, errMalformed)
		}
		for j := range s.Actions {
			a := &s.Actions[j]
			if !validName(a.Name) || j > 0 && s.Actions[j-1].Lower >= a.Lower {
				return fmt.Errorf("action %q: %w", a, errMalformed)
			}
		}
	}
	return nil
}

// lowerASCII is strings.ToLower for what is known to be ASCII, or will be refused.
func lowerASCII(s string) string {
	b := []byte(s)
	for i, c := range b {
		if 'A' <= c && c <= 'Z' {
			b[i] = c + 'a' - 'A'
		}
	}
	return string(b)
}
