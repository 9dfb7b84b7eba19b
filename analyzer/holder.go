package analyzer

import (
	"cmp"
	"slices"
	"strings"

	"github.com/pare-iam/pare/finding"
	"github.com/pare-iam/pare/inventory"
	"github.com/pare-iam/pare/policy"
	"github.com/pare-iam/pare/refine"
)

// holder is a principal or one of its groups, with the advice on the policies that it
// has itself.
type holder struct {
	*inventory.Entity
	limit  int // characters of all its inline policies together
	advice []*PolicyAdvice
}

// holders lists the principal and its groups.
func (r *recommending) holders() []*holder {
	own := &holder{Entity: r.p.Entity, limit: policy.RoleInlineLimit}
	if r.p.user != nil {
		own.limit = policy.UserInlineLimit
	}
	all := []*holder{own}
	for _, g := range r.p.groups {
		all = append(all, &holder{Entity: &g.Entity, limit: policy.GroupInlineLimit})
	}
	for i := range r.out.Policies {
		p := &r.out.Policies[i]
		at := 0
		if p.Group != "" {
			at = slices.IndexFunc(all, func(h *holder) bool { return h.ARN == p.Group })
		}
		all[at].advice = append(all[at].advice, p)
	}
	return all
}

// growth is by how much longer an inline policy gets; what gets no longer gets shorter.
func growth(p *PolicyAdvice) int { return p.size() - p.Original.Size() }

// inlineSize is the size of all inline policies after the steps. What couldn't be read
// counts nothing.
func (h *holder) inlineSize() int {
	n := 0
	for _, p := range h.advice {
		switch {
		case p.As != finding.InlinePolicy || p.Original == nil:
		case p.Changes():
			n += p.size()
		default:
			n += p.Original.Size()
		}
	}
	return n
}

// fitInline makes the refined inline policies fit into what a holder has room for: it
// writes those shorter that grow, those that grow most first, and then makes managed
// policies of them. Before, they fit; so that they do once none has grown.
func (h *holder) fitInline(a *Analysis) {
	for _, how := range [...]fit{fitCompact, fitManaged} {
		var growing []*PolicyAdvice
		for _, p := range h.advice {
			if p.As == finding.InlinePolicy && p.Original != nil && p.Changes() && p.Result.Outcome == refine.Refined && growth(p) > 0 {
				growing = append(growing, p)
			}
		}
		slices.SortStableFunc(growing, func(p, q *PolicyAdvice) int { return cmp.Compare(growth(q), growth(p)) })
		for _, p := range growing {
			if h.inlineSize() <= h.limit {
				return
			}
			p.refineTo(a, p.unused, how)
			if how == fitManaged {
				p.As = finding.CustomerPolicy
				p.Notes = append(p.Notes, Note{Kind: NowManaged})
			}
		}
	}
}

// name names the documents to be made.
func (h *holder) name(managed takenNames) {
	inline := takenNames{map[string]bool{}, map[string]bool{}}
	for _, in := range h.Inline {
		inline.since[strings.ToLower(in.Name)] = true
	}
	for _, p := range h.advice {
		switch {
		case !p.Changes():
		case p.As == finding.InlinePolicy:
			p.Names = inline.next(p.Name, len(p.Documents()))
		default:
			p.Names = managed.next(p.Name, len(p.Documents()))
		}
	}
}

// room notes where there is no room to create before detaching.
func (h *holder) room() {
	characters, attached := 0, len(h.Attached)
	for _, p := range h.advice {
		if p.Kind == finding.InlinePolicy && p.Original != nil {
			characters += p.Original.Size()
		}
	}
	for _, p := range h.advice {
		if !p.Changes() {
			continue
		}
		if p.As == finding.InlinePolicy {
			characters += p.size()
			if len(p.Documents()) > 0 && characters > h.limit {
				p.Notes = append(p.Notes, Note{Kind: NoRoomForBoth, Count: h.limit})
			}
		} else {
			attached += len(p.Documents())
			if len(p.Documents()) > 0 && attached > attachedLimit {
				p.Notes = append(p.Notes, Note{Kind: ManyAttached, Count: attached})
			}
		}
		if p.Kind == finding.InlinePolicy {
			characters -= p.Original.Size()
		} else {
			attached--
		}
	}
}
