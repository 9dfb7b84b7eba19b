package rewrite

import (
	"slices"
	"strings"

	"github.com/pare-iam/pare/internal/iac"
	"github.com/pare-iam/pare/policy"
)

// certain is what a whole name tells, and telling is how many letters and digits of a name
// have to be known for it to tell anything.
const (
	certain = 1000
	telling = 3
)

// fits says whether a name can be what a file has for it, and how much of the name the
// file tells: certain, some letters and digits, or nothing. What a file doesn't tell fits
// every name.
func fits(v *iac.Value, name string) (told int, ok bool) {
	if v == nil || v.Kind != iac.Text {
		return 0, true
	}
	ps := piecesOf(v.Text)
	if !hasHole(ps) {
		return certain, v.Text == name
	}
	for _, p := range ps {
		for _, c := range p.literal {
			if alphanumeric(c) {
				told++
			}
		}
	}
	return told, new(unifier{bound: map[string][]string{}}).text(ps, name, func() bool { return true })
}

func alphanumeric(c rune) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
}

// generated says whether CloudFormation may have made a name for a resource that has none:
// the stack's name, the logical ID, and some 12 letters and digits. Names that were cut
// short to fit aren't recognized.
// https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-properties-name.html
func generated(logicalID, name string) bool {
	i := strings.LastIndexByte(name, '-')
	if i < 0 || len(name)-i-1 < 8 || len(name)-i-1 > 16 || strings.ContainsFunc(name[i+1:], func(c rune) bool { return !alphanumeric(c) }) {
		return false
	}
	stack, ok := strings.CutSuffix(name[:i], "-"+logicalID)
	return ok && stack != ""
}

// fitsMade is fits, for what may be left to CloudFormation to name.
func fitsMade(v *iac.Value, logicalID, name string) (told int, ok bool) {
	if v == nil && logicalID != "" {
		return telling, generated(logicalID, name)
	}
	return fits(v, name)
}

// holdersOf are all whom a source embeds its policy in.
func holdersOf(s *iac.Source) []iac.Holder {
	if len(s.Holders) > 0 {
		return s.Holders
	}
	return []iac.Holder{{Kind: s.Holder, Name: s.HolderName, LogicalID: s.HolderLogicalID}}
}

// fits says whether a live policy is of the kind that the source makes and can have its
// names, and how much the names tell. A policy file is of any kind.
func (s *subject) fits(l *Live) (told int, ok bool) {
	switch {
	case s.Type == "":
		return 0, true
	case s.Holder == 0:
		told, ok = fitsMade(s.Name, s.LogicalID, l.Name)
		return told, ok && l.Holder == 0
	case s.Holder == iac.PermissionSet:
		told, ok = fits(s.HolderName, l.PermissionSet)
		return told, ok && l.PermissionSet != ""
	case l.PermissionSet != "":
		return 0, false
	}
	own, ok := fits(s.Name, l.Name)
	if !ok {
		return 0, false
	}
	best := -1
	for _, h := range holdersOf(s.Source) {
		if told, ok := fitsMade(h.Name, h.LogicalID, l.HolderName); ok && l.Holder == h.Kind {
			best = max(best, told)
		}
	}
	return own + best, best >= 0
}

// ofName are the live policies whose names are told in full: a managed policy's, or an
// inline one's with its holder's.
func (m *matcher) ofName(s *subject) []*Live {
	var near []*Live
	switch {
	case s.Type == "":
	case s.Holder == 0:
		near = m.managed[whole(s.Name)]
	case s.Holder == iac.PermissionSet:
		near = m.sets[whole(s.HolderName)]
	case whole(s.Name) != "":
		for _, h := range holdersOf(s.Source) {
			near = append(near, m.inline[holder{h.Kind, whole(h.Name)}]...)
		}
	}
	return slices.DeleteFunc(slices.Clone(near), func(l *Live) bool { return s.settled[l.Account] || !s.may(l) })
}

// may says whether a live policy can have the source's names.
func (s *subject) may(l *Live) bool {
	_, ok := s.fits(l)
	return ok
}

// whole is a name without holes; "" if it isn't known as a whole.
func whole(v *iac.Value) string {
	if v == nil || v.Kind != iac.Text || len(v.Holes) > 0 || hasHole(piecesOf(v.Text)) {
		return ""
	}
	return v.Text
}

// ofPattern are the live policies that a name of which only a part is told fits, and whose
// content is the source's. Of a source that may make several, those of other content
// count too, in accounts where nothing better is known: somebody may have changed them.
func (m *matcher) ofPattern(s *subject) []*Live {
	if s.Type == "" || s.named() {
		return nil
	}
	var out, others []*Live
	for _, l := range m.ofKind(s) {
		told, ok := s.fits(l)
		owner := m.owner[l]
		switch {
		case !ok, told < telling, owner != "" && owner != s.place, slices.Contains(s.live, l):
		case s.doc == nil && !s.settled[l.Account], s.equal(l):
			out = append(out, l)
		case !s.settled[l.Account]:
			others = append(others, l)
		}
	}
	switch {
	case len(others) == 0:
	case s.Repeated && s.doc != nil:
		out = append(out, others...)
	case len(out) == 0 && len(s.live) == 0 && len(others) == 1:
		s.remark(others[0].Title() + " has a name that fits, and isn't what the file says: " + s.like(others[0]).reason)
	}
	if !s.Repeated {
		s.near = others
	}
	return out
}

// older are the policies near a source that has others: no source claims them, and they have
// actions of the file's, or couldn't be read. They may have come of it before it was changed,
// as in a workspace or an account to which it isn't deployed yet, and what they use the file
// must still say.
func (m *matcher) older(s *subject) []*Live {
	if s.doc == nil || len(s.live) == 0 {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(s.near), func(l *Live) bool {
		owner := m.owner[l]
		return owner != "" && owner != disputed || s.isIn(l) || l.Document != nil && !haveInCommon(s.doc, l.Document)
	})
}

func whyOlder(l *Live) string {
	if l.Document == nil {
		return "couldn't be read: it may come of the file too"
	}
	return "actions of the file's, and isn't what the file says: it may come of the file as it was before"
}

// isIn says whether a source has a policy, or another inline one of the same role, user or
// group, of which it makes one in each.
func (s *subject) isIn(l *Live) bool {
	return slices.ContainsFunc(s.live, func(o *Live) bool { return o == l || l.Holder != 0 && o.HolderARN == l.HolderARN })
}

// haveInCommon says whether two policies allow by the same text somewhere.
func haveInCommon(a, b *policy.Document) bool {
	return slices.ContainsFunc(a.Statements, func(st policy.Statement) bool {
		return st.Effect == policy.Allow && slices.ContainsFunc(patterns(st), func(entry string) bool { return has(b, entry) })
	})
}

// named says whether all names of the source are told in full.
func (s *subject) named() bool {
	switch s.Holder {
	case 0:
		return whole(s.Name) != ""
	case iac.PermissionSet:
		return whole(s.HolderName) != ""
	case iac.Role, iac.User, iac.Group:
	}
	return whole(s.Name) != "" && !slices.ContainsFunc(holdersOf(s.Source), func(h iac.Holder) bool { return whole(h.Name) == "" })
}

// ofKind are the live policies of the kinds that a source makes.
func (m *matcher) ofKind(s *subject) []*Live {
	var out []*Live
	var kinds []iac.HolderKind
	for _, h := range holdersOf(s.Source) {
		if !slices.Contains(kinds, h.Kind) {
			kinds = append(kinds, h.Kind)
			out = append(out, m.kinds[h.Kind]...)
		}
	}
	return out
}

// ofContent are the live policies whose content is the source's, if no name is told that
// says otherwise, and none of its variables would stand for a wildcard. How many a source
// that may make several has made can't be told so.
func (m *matcher) ofContent(s *subject) []*Live {
	if s.Type == "" && m.siblings[s.place] > 1 {
		return nil // what reads the file says what comes of it
	}
	var out []*Live
	for _, l := range m.similar(s) {
		switch {
		case s.settled[l.Account], m.owner[l] != "", !s.may(l), !s.equal(l):
		case s.like(l).wild:
			s.remark(l.Title() + " would be what the file says, if one of its variables were a text with wildcards")
		default:
			out = append(out, l)
		}
	}
	switch {
	case len(out) > 0 && s.Repeated:
		s.doubt("it may make several policies, and neither a state nor their names say which")
	case s.Type == "" && len(kindsOf(out)) > 1:
		s.doubt("policies of several kinds are what the file says")
	default:
		return out
	}
	s.candidates = append(s.candidates, out...)
	return nil
}

func kindsOf(live []*Live) []iac.HolderKind {
	var out []iac.HolderKind
	for _, l := range live {
		if !slices.Contains(out, l.Holder) {
			out = append(out, l.Holder)
		}
	}
	return out
}

// seed is what a live policy's names tell of a source's placeholders: a name with one of
// them says what it stands for.
func seed(s *iac.Source, l *Live) map[string][]string {
	u := &unifier{bound: map[string][]string{}}
	learn := func(v *iac.Value, name string) {
		if v == nil || v.Kind != iac.Text {
			return
		}
		if ps := piecesOf(v.Text); holesIn(ps) == 1 {
			u.text(ps, name, func() bool { return true }) // true leaves it bound
		}
	}
	learn(s.Name, l.Name)
	for _, h := range holdersOf(s) {
		if h.Kind == iac.PermissionSet {
			learn(h.Name, l.PermissionSet)
		} else if len(s.Holders) == 0 {
			learn(h.Name, l.HolderName)
		}
	}
	return u.bound
}

func holesIn(ps []piece) int {
	n := 0
	for _, p := range ps {
		if p.hole != "" {
			n++
		}
	}
	return n
}
