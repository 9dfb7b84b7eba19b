package refine

import (
	"errors"
	"fmt"
	"slices"

	"github.com/pare-iam/pare/policy"
)

// ErrTooLarge is the error of a policy that can't be split into policies that fit.
var ErrTooLarge = errors.New("doesn't fit in any number of policies")

// Split distributes the statements of a policy over several, each of at most limit
// characters as policy.Document.Size counts them, that together decide as it does: a
// request is allowed if some statement allows it and none denies it, whichever policy
// the statements are in. A policy that fits comes back alone. Statements stay in order
// and whole, but for one that doesn't fit by itself: its Action list is divided.
//
// The error wraps ErrTooLarge when a statement can't be divided enough: by its NotAction,
// or because all that stands beside its actions is too long.
func Split(doc *policy.Document, limit int) ([]*policy.Document, error) {
	if doc.Size() <= limit {
		return []*policy.Document{doc}, nil
	}
	var out []*policy.Document
	var current part
	for i := range doc.Statements {
		pieces, err := divide(doc, i, limit)
		if err != nil {
			return nil, err
		}
		for _, p := range pieces {
			if len(current) > 0 && !current.accepts(doc, p, limit) {
				out = append(out, current.document(doc))
				current = nil
			}
			current = append(current, p)
		}
	}
	return append(out, current.document(doc)), nil
}

// piece is a statement with the entries from lo to hi of its action list.
type piece struct{ statement, lo, hi int }

// part is the statements of one policy. A statement is in it once, so that no Sid
// stands twice.
type part []piece

func (p part) accepts(doc *policy.Document, next piece, limit int) bool {
	if p[len(p)-1].statement == next.statement {
		return false
	}
	return append(slices.Clone(p), next).document(doc).Size() <= limit
}

// document cuts the part out of the policy. The edits are of the policy's own lists, so
// applying them can't fail.
func (p part) document(doc *policy.Document) *policy.Document {
	var edits []policy.Edit
	for i := range doc.Statements {
		at := slices.IndexFunc(p, func(q piece) bool { return q.statement == i })
		if at < 0 {
			edits = append(edits, policy.Edit{Statement: i, Entry: policy.WholeStatement})
			continue
		}
		for k, e := range doc.Statements[i].Action.Entries {
			if k < p[at].lo || k >= p[at].hi {
				edits = append(edits, policy.Edit{Statement: i, Entry: k, Out: []string{e.Text}})
			}
		}
	}
	out, err := doc.Apply(edits)
	if err != nil {
		panic("refine: part of a policy: " + err.Error())
	}
	return out
}

// divide cuts a statement into pieces that fit, each as long as it can be.
func divide(doc *policy.Document, statement, limit int) ([]piece, error) {
	st := &doc.Statements[statement]
	whole := piece{statement, 0, len(st.Action.Entries)}
	var out []piece
	for whole.lo < whole.hi {
		longest := whole
		for longest.hi > longest.lo && (part{longest}).document(doc).Size() > limit {
			if st.Action.Not || longest.hi == longest.lo+1 {
				return nil, fmt.Errorf("statement %d takes %d characters by itself, with %d entries of its %s list: %w of %d",
					statement, part{longest}.document(doc).Size(), longest.hi-longest.lo, st.Action.Element(), ErrTooLarge, limit)
			}
			longest.hi -= max(1, (longest.hi-longest.lo)/8)
		}
		out = append(out, longest)
		whole.lo = longest.hi
	}
	return out, nil
}
