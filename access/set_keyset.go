package access

import (
	"bytes"
	"hash/maphash"
)

// keySet is a set of byte strings that only grows: a hash table with open addressing
// over one buffer. A map[string]bool would allocate each key.
type keySet struct {
	seed  maphash.Seed
	slots []int32 // number of a key, from 1; 0 is free; a power of two of them
	ends  []int32 // where each key ends in text
	text  []byte
}

func newKeySet() *keySet { return &keySet{seed: maphash.MakeSeed(), slots: make([]int32, 256)} }

// add is false when the key was in the set already.
func (s *keySet) add(key []byte) bool {
	if 2*len(s.ends) >= len(s.slots) {
		s.grow()
	}
	slot := s.find(key)
	if s.slots[slot] != 0 {
		return false
	}
	s.text = append(s.text, key...)
	s.ends = append(s.ends, int32(len(s.text)))
	s.slots[slot] = int32(len(s.ends))
	return true
}

// find is the slot of a key, or the free one where it belongs.
func (s *keySet) find(key []byte) int {
	mask := len(s.slots) - 1
	for slot := int(maphash.Bytes(s.seed, key)) & mask; ; slot = (slot + 1) & mask {
		if n := s.slots[slot]; n == 0 || bytes.Equal(s.key(n), key) {
			return slot
		}
	}
}

func (s *keySet) key(n int32) []byte {
	start := int32(0)
	if n > 1 {
		start = s.ends[n-2]
	}
	return s.text[start:s.ends[n-1]]
}

func (s *keySet) grow() {
	s.slots = make([]int32, 4*len(s.slots))
	for i := range s.ends {
		s.slots[s.find(s.key(int32(i+1)))] = int32(i + 1)
	}
}
