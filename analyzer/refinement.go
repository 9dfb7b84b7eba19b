package analyzer

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/pare-iam/pare/policy"
	"github.com/pare-iam/pare/prove"
	"github.com/pare-iam/pare/refine"
	"github.com/pare-iam/pare/usage"
)

// Refinement is a policy without what is unused of it, and the proof.
type Refinement struct {
	Original *policy.Document // nil: it couldn't be read, or isn't in the files
	Unused   usage.Unused     // what of the policy's permissions is unused
	Result   refine.Result    // zero when there is nothing to refine by
	Parts    []*policy.Document
	// Parts are the result split, when one policy is too large; else empty.

	Compacted bool         // written shorter than usual, to fit
	Proof     prove.Result // of the parts together, if there are

	granted grant // by the documents
}

// Leaves says whether the result may leave as a recommendation: every claim about access
// is proved and, where one document takes the place of another, so is its shape.
func (r Refinement) Leaves() bool {
	shaped := r.Result.Outcome == refine.Detach || len(r.Parts) > 0 || r.Proof.ShapeKept.Verdict == prove.Proved
	return r.Proof.Verdict == prove.Proved && shaped
}

// Documents are the policies to have in place of the original: none when it is to be
// detached.
func (r Refinement) Documents() []*policy.Document {
	switch {
	case len(r.Parts) > 0:
		return r.Parts
	case r.Result.Document != nil:
		return []*policy.Document{r.Result.Document}
	}
	return nil
}

// size is that of all documents together.
func (r Refinement) size() int {
	n := 0
	for _, doc := range r.Documents() {
		n += doc.Size()
	}
	return n
}

// fits says whether each document fits into a managed policy. What is left as it was does.
func (r Refinement) fits() bool {
	return r.Result.Outcome != refine.Refined || !slices.ContainsFunc(r.Documents(), func(doc *policy.Document) bool { return doc.Size() > policy.ManagedLimit })
}

// problem says why the result doesn't leave, or nothing.
func (r Refinement) problem() string {
	if r.Leaves() {
		return ""
	}
	for _, c := range []struct {
		what  string
		claim prove.Claim
	}{
		{"that it gives no new access", r.Proof.NoNewAccess}, {"that it keeps used access", r.Proof.UsedKept},
		{"that unused access is gone", r.Proof.UnusedGone}, {"that its shape is kept", r.Proof.ShapeKept},
	} {
		switch {
		case c.claim.Verdict == prove.Refuted && c.claim.Counterexample != nil:
			req := c.claim.Counterexample.Request
			return fmt.Sprintf("%s is refuted by the request %s on %s", c.what, req.Action, req.Resource)
		case c.claim.Verdict != prove.Proved:
			return fmt.Sprintf("%s isn't proved: %s", c.what, c.claim.Reason)
		}
	}
	return "it isn't proved"
}

// fit is how a refined policy is to be made to fit.
type fit uint8

const (
	fitPlain   fit = iota // as it comes: what fits is decided elsewhere
	fitCompact            // as short as it gets
	fitManaged            // within managed policies: as it comes, else short, else several
)

// refine takes what a verdict has of a policy out of it. The error is that of a policy
// that can't be edited, or can't be made to fit.
func (a *Analysis) refine(doc *policy.Document, v verdict, how fit) (Refinement, error) {
	key := memoKey(doc, v, how)
	if r, err, ok := a.memo.get(key); ok {
		r.Original = doc
		return r, err
	}
	r, err := a.refineAnew(doc, v, how)
	a.memo.put(key, r, err)
	return r, err
}

func (a *Analysis) refineAnew(doc *policy.Document, v verdict, how fit) (Refinement, error) {
	out := Refinement{Original: doc, Unused: a.unused(v)}
	err := a.whole(&out, how == fitCompact)
	if err == nil && how == fitManaged && !out.fits() {
		err = a.shrink(&out)
	}
	if err == nil {
		a.prove(&out)
		out.granted = grantOf(a.Catalog, out.Documents()...)
	}
	return out, err
}

// shrink makes a refined policy fit: by writing it shorter, if that may be enough, else
// by dividing it, if somebody can have all parts.
func (a *Analysis) shrink(r *Refinement) error {
	size := r.size()
	if size > attachedLimit*policy.ManagedLimit {
		return fmt.Errorf("%d characters, too large for as many as %d managed policies of %d", size, attachedLimit, policy.ManagedLimit)
	}
	if size <= 2*policy.ManagedLimit {
		short := *r
		if err := a.whole(&short, true); err == nil && short.fits() {
			if a.prove(&short); short.Leaves() {
				*r = short
				return nil
			}
		}
	}
	parts, err := refine.Split(r.Result.Document, policy.ManagedLimit)
	if errors.Is(err, refine.ErrTooLarge) {
		return fmt.Errorf("too large for managed policies: %w", err)
	}
	r.Parts = parts
	return err
}

// whole makes one policy.
func (a *Analysis) whole(r *Refinement, compact bool) (err error) {
	refiner := a.refiner
	if compact {
		refiner = a.compact
	}
	r.Compacted = compact
	r.Result, err = refiner.Policy(r.Original, r.Unused)
	return err
}

func (a *Analysis) prove(r *Refinement) {
	if len(r.Parts) > 0 {
		r.Proof = prove.Split(a.Catalog, r.Original, r.Parts, r.Unused)
		return
	}
	r.Proof = prove.Refinement(a.Catalog, r.Original, r.Result.Document, r.Unused)
}

// memo remembers refinements: many principals have the same policies and leave the same
// of them unused. It forgets all when it is full.
type memo struct {
	mu  sync.Mutex
	all map[[sha256.Size]byte]remembered
}

type remembered struct {
	Refinement
	err error
}

// memoSize bounds the memory: a refinement takes tens of kilobytes.
const memoSize = 4096

func (m *memo) get(key [sha256.Size]byte) (Refinement, error, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	r, ok := m.all[key]
	return r.Refinement, r.err, ok
}

func (m *memo) put(key [sha256.Size]byte, r Refinement, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.all == nil || len(m.all) >= memoSize {
		m.all = make(map[[sha256.Size]byte]remembered)
	}
	m.all[key] = remembered{r, err}
}

func memoKey(doc *policy.Document, v verdict, how fit) [sha256.Size]byte {
	b := []byte{byte(how)}
	b = binary.AppendUvarint(b, uint64(len(doc.Bytes())))
	b = append(b, doc.Bytes()...)
	for _, w := range v.actions {
		b = binary.LittleEndian.AppendUint64(b, w)
	}
	for _, s := range v.services {
		b = append(append(b, s...), 0)
	}
	return sha256.Sum256(b)
}
