package ingest

import (
	"crypto/sha256"
	"fmt"
	"slices"

	"github.com/pare-iam/pare/catalog"
)

// key is what a journal is of: under it the same files come to the same tallies.
func (o *Options) key(c *catalog.Catalog) journalKey {
	b := fmt.Appendf(nil, "%q %q %t %q %q", o.Version, slices.Sorted(slices.Values(o.AllData)), o.WholeAnswers, c.Date(), c.FactsDate())
	for _, s := range c.Services() {
		b = appendTexts(b, "service", s.Prefix)
		b = appendDetails(b, s)
	}
	return sha256.Sum256(b)
}

// appendDetails adds what a mapping of events depends on.
func appendDetails(b []byte, s *catalog.Service) []byte {
	for i := range s.Actions {
		a := &s.Actions[i]
		b = appendTexts(b, "action", a.Name, a.Level.String())
		for _, r := range a.Details().Resources {
			b = appendTexts(b, r.Name)
		}
	}
	for _, r := range s.Details().Resources {
		b = appendTexts(b, "resource", r.Name)
		b = appendTexts(b, r.ARNFormats...)
	}
	for _, op := range s.Details().Operations {
		b = appendTexts(b, "operation", op.Name)
		for _, a := range op.Authorized {
			b = appendTexts(b, a.Service, a.Name)
		}
	}
	return b
}

func appendTexts(b []byte, texts ...string) []byte {
	for _, text := range texts {
		b = append(append(b, text...), 0)
	}
	return b
}
