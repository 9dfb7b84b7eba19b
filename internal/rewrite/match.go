package rewrite

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/pare-iam/pare/access"
	"github.com/pare-iam/pare/catalog"
	"github.com/pare-iam/pare/internal/iac"
	"github.com/pare-iam/pare/internal/iac/terraform"
)

// By is what a match rests on, what is trusted most first. The zero value is nothing.
type By uint8

// What a match can rest on.
const (
	ByState   By = iota + 1 // the address in a Terraform state
	ByStack                 // the logical ID in a stack, given or told by tags
	ByName                  // names, or patterns of names and the content
	ByContent               // the content alone
)

// String is "state", "stack", "name" or "content", and "nothing" of no match.
func (b By) String() string {
	switch b {
	case ByState:
		return "state"
	case ByStack:
		return "stack"
	case ByName:
		return "name"
	case ByContent:
		return "content"
	}
	return "nothing"
}

// Known is what was said of which policy came of which source. The zero value is nothing.
type Known struct {
	States []*terraform.State
	Stacks []Stack
}

// Match says which live policies come of a source. If Reason is empty, then Live is all
// that come of it in the accounts given, and each is what the file says, or there is none;
// of a source whose document isn't known, the content wasn't looked at.
type Match struct {
	Source     *iac.Source
	Live       []*Live // in the order in which they were given
	By         By      // what is trusted most of what Live rests on
	Candidates []*Live // it could be these, and which isn't certain: then Live is empty
	Drift      bool    // some of Live isn't what the file says
	Reason     string  // why it isn't certain, or how it differs; or, of no match, what was near

	Differs *Live           // the first that isn't what the file says; nil without Drift
	Request *access.Request // that it or the file alone allows; nil if none was found
}

// MatchSources says of each source, in their order, which live policies come of it. In an
// account it goes by what is trusted most: a state's address, a stack's logical ID, names,
// patterns of names with the content, the content alone. A live policy comes of one
// source, or of several that are one text; if sources dispute it, then it goes to the one
// whose document equals it, or else to none. A source that makes one policy an account
// has one there, or none.
//
// More instances can only mean that less is unused. So a policy that a pattern of names
// fits, and whose content equals the source's, counts as an instance beside those that a
// state tells of. The converse is a limit: an instance in no account given isn't known of,
// unless a state or a stack names it.
//
// The catalog is for the names of actions in reasons.
func MatchSources(c *catalog.Catalog, sources []*iac.Source, live []*Live, k Known) []Match {
	m := newMatcher(c, sources, live, k)
	m.round(ByState, m.ofState)
	m.round(ByStack, m.ofStack)
	m.round(ByName, m.ofName)
	m.round(ByName, m.ofPattern)
	m.round(ByContent, m.ofContent)
	out := make([]Match, len(m.subjects))
	for i, s := range m.subjects {
		out[i] = m.finish(s)
	}
	m.lend(out)
	return out
}

// Unclaimed lists the live policies that no source is matched with, nor could be.
func Unclaimed(matches []Match, live []*Live) []*Live {
	claimed := map[*Live]bool{}
	for _, m := range matches {
		for _, l := range slices.Concat(m.Live, m.Candidates) {
			claimed[l] = true
		}
	}
	var out []*Live
	for _, l := range live {
		if !claimed[l] {
			out = append(out, l)
		}
	}
	return out
}

// round lets each source claim live policies in accounts where it has none yet.
func (m *matcher) round(by By, find func(*subject) []*Live) {
	claimants := map[*Live][]*subject{}
	offers := make([][]*Live, len(m.subjects))
	for i, s := range m.subjects {
		for _, l := range unique(find(s)) {
			if owner := m.owner[l]; owner == "" || owner == s.place {
				offers[i] = append(offers[i], l)
				claimants[l] = append(claimants[l], s)
			}
		}
	}
	for i, s := range m.subjects {
		var mine []*Live
		for _, l := range offers[i] {
			switch winner := m.winner(l, claimants[l]); winner {
			case s.place:
				mine = append(mine, l)
			case "":
				s.dispute(l, claimants[l])
			default:
				s.remark(fmt.Sprintf("%s is what %s says", l.Title(), titleOf(claimants[l], winner)))
			}
		}
		m.accept(s, by, mine)
	}
	for i, s := range m.subjects {
		for _, l := range offers[i] {
			s.settled[l.Account] = true
			m.owner[l] = cmp.Or(m.winner(l, claimants[l]), disputed)
		}
	}
}

// disputed is the owner of what nobody gets. No place is so.
const disputed = "\x00"

// winner is the place of the source that a live policy goes to; "" if that isn't certain.
func (m *matcher) winner(l *Live, claimants []*subject) string {
	places := placesWhere(claimants, func(*subject) bool { return true })
	if len(places) > 1 {
		places = placesWhere(claimants, func(s *subject) bool { return s.like(l).equal })
	}
	if len(places) == 1 {
		return places[0]
	}
	return ""
}

func placesWhere(all []*subject, ok func(*subject) bool) []string {
	var out []string
	for _, s := range all {
		if !slices.Contains(out, s.place) && ok(s) {
			out = append(out, s.place)
		}
	}
	return out
}

func titleOf(all []*subject, place string) string {
	for _, s := range all {
		if s.place == place {
			return s.Title()
		}
	}
	return ""
}

// dispute keeps a live policy that other sources may make as well.
func (s *subject) dispute(l *Live, claimants []*subject) {
	s.candidates = append(s.candidates, l)
	for _, o := range claimants {
		if o.place != s.place {
			s.doubt(fmt.Sprintf("%s could come of %s (%s) too", l.Title(), o.Title(), o.Where()))
			return
		}
	}
}

// accept takes what is undisputed, account by account, if it isn't too much.
func (m *matcher) accept(s *subject, by By, mine []*Live) {
	for _, account := range accountsOf(mine) {
		here := slices.DeleteFunc(slices.Clone(mine), func(l *Live) bool { return l.Account != account })
		if most := m.most(s, by); len(here) > most && !s.settled[account] {
			equal := slices.DeleteFunc(slices.Clone(here), func(l *Live) bool { return !s.like(l).equal })
			if len(equal) == 0 || len(equal) > most {
				s.candidates = append(s.candidates, here...)
				s.doubt(fmt.Sprintf("it makes one policy, and %d of account %s could be it", len(here), account))
				continue
			}
			here = equal
		}
		s.live = append(s.live, here...)
		s.by = cmp.Or(s.by, by) // rounds go by trust
	}
}

// most is how many policies of an account can come of a source.
func (m *matcher) most(s *subject, by By) int {
	if s.Repeated || s.Holder == iac.PermissionSet || len(s.Holders) > 1 || by == ByState || by == ByStack {
		return len(m.live)
	}
	return m.siblings[s.place]
}

func accountsOf(live []*Live) []string {
	var out []string
	for _, l := range live {
		if !slices.Contains(out, l.Account) {
			out = append(out, l.Account)
		}
	}
	return out
}

// unique are live policies without repetition.
func unique(live []*Live) []*Live {
	seen := map[*Live]bool{}
	var out []*Live
	for _, l := range live {
		if !seen[l] {
			seen[l] = true
			out = append(out, l)
		}
	}
	return out
}

// finish is what became of a source.
func (m *matcher) finish(s *subject) Match {
	out := Match{Source: s.Source, Live: m.inOrder(s.live), By: s.by}
	if len(s.live) > 0 {
		s.missing = append(s.missing, s.holdersMissing()...)
	}
	for _, l := range m.older(s) {
		s.candidates = append(s.candidates, l)
		s.doubt(l.Title() + " has a name that fits, and " + whyOlder(l))
	}
	switch {
	case len(s.candidates) > 0, len(s.missing) > 0:
		out.Candidates = m.inOrder(slices.Concat(s.live, s.candidates))
		out.Live, out.By = nil, 0
		out.Reason = strings.Join(unrepeated(slices.Concat(s.missing, s.doubts)), "; ")
		return out
	case len(s.live) == 0:
		out.Reason = strings.Join(unrepeated(s.remarks), "; ")
		return out
	}
	for _, l := range out.Live {
		if like := s.like(l); s.doc != nil && l.Document != nil && !like.equal {
			out.Drift, out.Differs, out.Request = true, l, like.request
			out.Reason = fmt.Sprintf("%s isn't what the file says: %s", l.Title(), like.reason)
			return out
		}
	}
	return out
}

// holdersMissing says in whom a source embeds its policy and no live policy is known for it.
// Each has one of its own.
func (s *subject) holdersMissing() []string {
	if len(s.Holders) <= 1 {
		return nil
	}
	var out []string
	for _, h := range s.Holders {
		if !slices.ContainsFunc(s.live, func(l *Live) bool {
			_, ok := fitsMade(h.Name, h.LogicalID, l.HolderName)
			return ok && l.Holder == h.Kind
		}) {
			out = append(out, fmt.Sprintf("it is of %s too, which isn't in the data of any account given", holderTitle(h)))
		}
	}
	if out == nil && len(s.live) < len(s.Holders) {
		out = []string{fmt.Sprintf("it is of %d roles, users and groups, and only %d of them are known", len(s.Holders), len(s.live))}
	}
	return out
}

func holderTitle(h iac.Holder) string {
	return fmt.Sprintf("the %s %s", h.Kind, cmp.Or(whole(h.Name), h.LogicalID, "whose name isn't known"))
}

func unrepeated(texts []string) []string {
	var out []string
	for _, t := range texts {
		if !slices.Contains(out, t) {
			out = append(out, t)
		}
	}
	return out
}

func (m *matcher) inOrder(live []*Live) []*Live {
	out := unique(live)
	slices.SortFunc(out, func(a, b *Live) int { return cmp.Compare(m.order[a], m.order[b]) })
	return out
}

// lend gives a policy file that resources read, and that isn't matched for itself, what
// they have: it is the same text.
func (m *matcher) lend(all []Match) {
	for i, s := range m.subjects {
		if s.Type != "" || m.siblings[s.place] == 1 {
			continue
		}
		own := &all[i]
		for j, o := range m.subjects {
			if o.place != s.place || o.Type == "" {
				continue
			}
			own.Live = m.inOrder(slices.Concat(own.Live, all[j].Live))
			own.Candidates = m.inOrder(slices.Concat(own.Candidates, all[j].Candidates))
			own.By = cmp.Or(own.By, all[j].By)
			if all[j].Drift && !own.Drift {
				own.Drift, own.Differs, own.Request = true, all[j].Differs, all[j].Request
			}
			own.Reason = cmp.Or(own.Reason, all[j].Reason)
		}
		if len(own.Candidates) > 0 {
			own.Candidates, own.Live, own.By = m.inOrder(slices.Concat(own.Candidates, own.Live)), nil, 0
		}
	}
}
