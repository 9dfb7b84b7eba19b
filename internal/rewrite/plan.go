package rewrite

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/pare-iam/pare/catalog"
	"github.com/pare-iam/pare/internal/iac"
	"github.com/pare-iam/pare/internal/iac/tree"
	"github.com/pare-iam/pare/policy"
	"github.com/pare-iam/pare/prove"
	"github.com/pare-iam/pare/refine"
	"github.com/pare-iam/pare/usage"
)

// Work is what a plan is made of.
type Work struct {
	Catalog *catalog.Catalog
	Tree    *tree.Tree
	Matches []Match // of the tree's sources, one each

	// Chosen says which sources may be changed; nil: those that are wanted.
	Chosen func(*iac.Source) bool
}

// Plan is what is to change in a tree, and what isn't and why.
type Plan struct {
	Rewrites  []Rewrite            // in the order of the tree's sources
	Left      []Left               // in the same order
	Written   []Match              // the files say already what is recommended, and it isn't deployed
	Unchanged []*iac.Source        // matched, and nothing of them is unused
	Unmatched []*iac.Source        // no live policy was found for them
	Files     map[*iac.File][]byte // the new bytes of the files that change
	Catalog   *catalog.Catalog
}

// Rewrite is a source that changes.
type Rewrite struct {
	Match
	Policy *iac.Policy   // the source's own document, with placeholders
	Unused usage.Unused  // of every live policy that changes with it
	Result refine.Result // of Policy
	After  []Instance    // of Match.Live, in the same order
	Shared []*iac.Source // others that share a list with it, and change with it
}

// Instance is one live policy as it will be.
type Instance struct {
	*Live
	Refined *policy.Document
	Proof   prove.Result // of this very policy
}

// Left is a source that isn't rewritten though something of it is, or may be, unused.
type Left struct {
	Match
	Kind   LeftKind
	Where  string // path:line:column of the reason
	Reason string
	Paste  []*policy.Document // what it should say, one for each different live policy; may be empty
}

// LeftKind is why a source is left. The zero value is none.
type LeftKind uint8

// The kinds.
const (
	Computed   LeftKind = iota + 1 // written so that it can't be changed in place
	Ambiguous                      // it isn't sure which live policy it is
	Drifted                        // the live policy isn't what the file says
	NotJudged                      // what is unused of a live policy isn't known
	SharedList                     // it shares a list with one that is left
	NothingIn                      // nothing it allows is used: a person removes it
	TooLarge                       // it wouldn't fit
	NotProved                      // its refinement isn't proved
)

// String is the kind as JSON has it.
func (k LeftKind) String() string {
	switch k {
	case Computed:
		return "computed"
	case Ambiguous:
		return "ambiguous"
	case Drifted:
		return "drifted"
	case NotJudged:
		return "not-judged"
	case SharedList:
		return "shared"
	case NothingIn:
		return "nothing-used"
	case TooLarge:
		return "too-large"
	case NotProved:
		return "not-proved"
	}
	return ""
}

// Refused says whether the kind is one that pare won't stand behind, rather than one that
// it can't do.
func (k LeftKind) Refused() bool { return k == Drifted || k == NotProved }

// Make plans. The error is of what must not happen: new files that don't say what was
// intended. Then there is no plan.
func Make(ctx context.Context, w Work) (*Plan, error) {
	if w.Chosen == nil {
		w.Chosen = w.Tree.Wanted
	}
	p := &planner{Work: w, refiner: refine.New(w.Catalog), plan: &Plan{Files: map[*iac.File][]byte{}, Catalog: w.Catalog}}
	for _, m := range w.Matches {
		p.cases = append(p.cases, p.newCase(m))
	}
	for _, group := range p.groups() {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		p.decide(group)
	}
	p.fit()
	if err := p.settle(ctx); err != nil {
		return nil, err
	}
	p.collect()
	return p.plan, nil
}

// planner makes one plan.
type planner struct {
	Work
	refiner *refine.Refiner
	cases   []*candidate // one for each match
	plan    *Plan
}

// candidate is a source on its way to a Rewrite or a Left.
type candidate struct {
	Rewrite
	group   []*candidate // those that share lists, itself included
	changes []iac.Change
	left    *Left // why it can't be
	written bool  // it isn't deployed, and else as is recommended
}

// leave says why the candidate isn't rewritten, unless that is said already.
func (c *candidate) leave(kind LeftKind, where, reason string) {
	if c.left == nil {
		c.left = &Left{Match: c.Match, Kind: kind, Where: cmp.Or(where, c.Source.Where()), Reason: reason}
	}
}

func (p *planner) newCase(m Match) *candidate {
	c := &candidate{Rewrite: Rewrite{Match: m}}
	switch {
	case m.Drift:
		c.leave(Drifted, "", m.Reason)
	case len(m.Candidates) > 0:
		c.leave(Ambiguous, "", m.Reason)
	case m.Source.Problem != "":
		c.leave(Computed, m.Source.ProblemAt, m.Source.Problem)
	}
	if m.Source.Document == nil {
		return c
	}
	own, err := m.Source.Policy()
	if err != nil {
		c.notEditable(err)
		return c
	}
	c.Policy = own
	return c
}

// notEditable leaves a candidate for the reason of an error of package iac.
func (c *candidate) notEditable(err error) {
	if why, ok := errors.AsType[*iac.NotEditableError](err); ok {
		c.leave(Computed, why.Where, why.Reason)
		return
	}
	c.leave(Computed, "", err.Error())
}

// decide works out what becomes of the sources of a group together.
func (p *planner) decide(group []*candidate) {
	var live []*Live
	for _, c := range group {
		live = append(live, c.Live...)
		c.group = group
	}
	written := p.written(group) // whoever was asked for
	for _, c := range group {
		p.keepTogether(c)
	}
	if written {
		return
	}
	p.spread(group)
	if group[0].left != nil || len(group[0].Live) == 0 {
		return
	}
	unused := unusedByAll(p.Catalog, live)
	for _, r := range []*refine.Refiner{p.refiner, p.refiner.Compact()} {
		larger := false
		for _, c := range group {
			p.refine(c, r, unused)
			larger = larger || c.tooLarge() != nil
		}
		if !larger {
			break
		}
	}
	for _, c := range group {
		p.judge(c)
	}
	p.spread(group)
}

// keepTogether leaves a source of which a part must stay because somebody has it of whom
// nothing is known.
func (p *planner) keepTogether(c *candidate) {
	if !p.Chosen(c.Source) {
		c.leave(SharedList, "", "it isn't among the files asked for")
	}
	for _, l := range c.Live {
		if l.Problem != "" {
			c.leave(NotJudged, "", l.Title()+": "+l.Problem)
		}
	}
	if len(c.Live) == 0 && len(c.group) > 1 {
		c.leave(SharedList, "", "no live policy was found for it")
	}
}

// spread leaves all sources of a group if one is left.
func (p *planner) spread(group []*candidate) {
	i := slices.IndexFunc(group, func(c *candidate) bool { return c.left != nil })
	if i < 0 {
		return
	}
	first := group[i]
	for _, c := range group {
		c.leave(SharedList, first.left.Where, fmt.Sprintf("shares a list with %s, which can't be changed: %s", first.Source.Title(), first.left.Reason))
	}
}

// refine refines a source and each of its live policies.
func (p *planner) refine(c *candidate, r *refine.Refiner, unused usage.Unused) {
	c.Unused, c.After = unused, nil
	var err error
	if c.Result, err = r.Policy(c.Policy.Doc, unused); err != nil {
		c.leave(Computed, "", err.Error())
		return
	}
	for _, l := range c.Live {
		result, err := r.Policy(l.Document, unused)
		if err != nil {
			c.leave(Computed, "", err.Error())
			return
		}
		c.After = append(c.After, Instance{Live: l, Refined: result.Document})
	}
}

// tooLarge gives the first instance that is over its limit by itself, and is larger than
// it was.
func (c *candidate) tooLarge() *Instance {
	for i, a := range c.After {
		if a.Refined != nil && a.Refined.Size() > max(a.limit(), a.Document.Size()) {
			return &c.After[i]
		}
	}
	return nil
}

// judge proves what was refined, and makes changes of it.
func (p *planner) judge(c *candidate) {
	if c.left != nil {
		return
	}
	if c.Result.Outcome == refine.Unchanged {
		p.hidden(c)
		return
	}
	if c.Result.Outcome == refine.Detach {
		c.leave(NothingIn, "", "nothing that it allows is used: remove it, and what attaches it")
		return
	}
	if a := c.tooLarge(); a != nil {
		c.leave(TooLarge, "", fmt.Sprintf("%s would have %d characters: %d are allowed", a.Title(), a.Refined.Size(), a.limit()))
		return
	}
	for i := range c.After {
		a := &c.After[i]
		if a.Refined == nil {
			c.leave(NothingIn, "", "nothing that "+a.Title()+" allows is used, and an entry of the file isn't known: remove it, and what attaches it")
			return
		}
		a.Proof = prove.Refinement(p.Catalog, a.Document, a.Refined, c.Unused)
		if a.Proof.Verdict != prove.Proved {
			c.leave(NotProved, "", a.Title()+": "+whyNot(a.Proof))
			return
		}
		if !sameLists(c.Result.Document, a) {
			c.leave(NotProved, "", "what the file would say isn't what is recommended for "+a.Title())
			return
		}
	}
	edits := make([]policy.Edit, len(c.Result.Edits))
	for i, e := range c.Result.Edits {
		edits[i] = e.Edit
	}
	var err error
	if c.changes, err = c.Policy.Changes(edits); err != nil {
		c.notEditable(err)
	}
}

// hidden leaves a source that doesn't change though a live policy would, unless it says
// already what that would be, which a denial can make the same as what it is.
func (p *planner) hidden(c *candidate) {
	written := false
	for i := range c.After {
		a := &c.After[i]
		if a.Refined != nil && string(a.Refined.Bytes()) == string(a.Document.Bytes()) {
			continue
		}
		if !p.says(c, a.Live, c.Unused) {
			c.leave(Computed, "", "something unused of "+a.Title()+" is in an entry that isn't known")
			return
		}
		written = true
	}
	c.written = written
}

// fit leaves what makes the inline policies of a role, user or group larger together than
// is allowed.
func (p *planner) fit() {
	grown := map[string]int{}
	for _, c := range p.cases {
		for _, a := range c.After {
			if a.Holder != 0 && a.Refined != nil {
				grown[a.HolderARN] += a.Refined.Size() - a.Document.Size()
			}
		}
	}
	for _, c := range p.cases {
		for _, a := range c.After {
			if size := a.HolderSize + grown[a.HolderARN]; a.Holder != 0 && a.Refined != nil && a.Refined.Size() > a.Document.Size() && size > a.limit() {
				c.leave(TooLarge, "", fmt.Sprintf("the inline policies of %s would have %d characters together: %d are allowed", a.HolderName, size, a.limit()))
				p.spread(c.group)
			}
		}
	}
}

// collect sorts the candidates into the plan.
func (p *planner) collect() {
	for _, c := range p.cases {
		switch {
		case c.written && p.Chosen(c.Source):
			p.plan.Written = append(p.plan.Written, c.Match)
		case c.left != nil:
			p.collectLeft(c)
		case len(c.Live) == 0:
			p.plan.Unmatched = append(p.plan.Unmatched, c.Source)
		case len(c.changes) == 0:
			p.plan.Unchanged = append(p.plan.Unchanged, c.Source)
		default:
			for _, o := range c.group {
				if o != c {
					c.Shared = append(c.Shared, o.Source)
				}
			}
			p.plan.Rewrites = append(p.plan.Rewrites, c.Rewrite)
		}
	}
}

// collectLeft tells of a source that is left, if anything of it is unused, or if it isn't
// known whether something is.
func (p *planner) collectLeft(c *candidate) {
	if !p.Chosen(c.Source) {
		return
	}
	left := *c.left
	for _, l := range c.Live {
		if l.Document == nil || l.Problem != "" || left.Kind == NothingIn {
			continue
		}
		result, err := p.refiner.Policy(l.Document, l.Unused)
		if err != nil || result.Outcome == refine.Unchanged {
			continue
		}
		if result.Document != nil && !slices.ContainsFunc(left.Paste, func(d *policy.Document) bool { return string(d.Bytes()) == string(result.Document.Bytes()) }) {
			left.Paste = append(left.Paste, result.Document)
		}
	}
	doubtful := left.Kind == Drifted || left.Kind == Ambiguous || left.Kind == NothingIn || left.Kind == NotProved || left.Kind == TooLarge
	switch {
	case doubtful || len(left.Paste) > 0:
		p.plan.Left = append(p.plan.Left, left)
	case len(c.Live) == 0:
		p.plan.Unmatched = append(p.plan.Unmatched, c.Source)
	case left.Kind == NotJudged:
		p.plan.Left = append(p.plan.Left, left)
	default:
		p.plan.Unchanged = append(p.plan.Unchanged, c.Source)
	}
}
