package rewrite

import (
	"fmt"
	"slices"
	"strings"

	"github.com/pare-iam/pare/internal/iac"
	"github.com/pare-iam/pare/internal/iac/terraform"
)

// stated is an instance of a resource in a state.
type stated struct {
	state *terraform.State
	*terraform.StateResource
}

func statesByAddress(states []*terraform.State) map[string][]stated {
	out := map[string][]stated{}
	for _, state := range states {
		for i := range state.Resources {
			r := &state.Resources[i]
			out[r.Address] = append(out[r.Address], stated{state, r})
		}
	}
	return out
}

// inlineBlock is what follows a role's address in that of one of its inline_policy blocks.
const inlineBlock = ".inline_policy"

// ofState are the live policies that states have at the source's address.
func (m *matcher) ofState(s *subject) []*Live {
	address, _, inRole := strings.Cut(s.Address, inlineBlock)
	var out []*Live
	for _, r := range m.states[address] {
		if r.state.Root != "" && r.state.Root != s.Root || s.Type != r.Type {
			continue
		}
		found := m.instances(s, r, inRole)
		if len(found) == 0 {
			s.missing = append(s.missing, fmt.Sprintf("%s has %s, which isn't in the data of any account given", r.state.Name, r.title()))
		}
		out = append(out, found...)
	}
	return out
}

// title names an instance in messages, with what it is in AWS as far as it is known.
func (r stated) title() string {
	id := r.ARN
	if id == "" {
		id = r.ID
	}
	if id == "" {
		return r.Instance
	}
	return r.Instance + " (" + id + ")"
}

// instances are the live policies that an instance is.
func (m *matcher) instances(s *subject, r stated, inRole bool) []*Live {
	switch {
	case inRole:
		return m.inRole(s, r)
	case s.Holder == 0:
		if l := m.byARN[r.ARN]; l != nil {
			return []*Live{l}
		}
		return nil
	case s.Holder == iac.PermissionSet:
		return m.sets[r.PermissionSet]
	}
	return m.held(holder{s.Holder, r.Holder}, r.Account, func(l *Live) bool { return l.Name == r.Name })
}

// inRole are the inline policies that a role's blocks are. A state has them in no order, so
// that the source's is the one of its name, or of its content.
func (m *matcher) inRole(s *subject, r stated) []*Live {
	found := m.held(holder{iac.Role, r.Name}, r.Account, func(l *Live) bool {
		_, ok := fits(s.Name, l.Name)
		return ok && slices.Contains(r.Inline, l.Name)
	})
	if len(found) < 2 {
		return found
	}
	if equal := slices.DeleteFunc(slices.Clone(found), func(l *Live) bool { return !s.like(l).equal }); len(equal) == 1 {
		return equal
	}
	s.candidates = append(s.candidates, found...)
	s.doubt(fmt.Sprintf("%s has several inline policies that it could be", r.title()))
	return found
}

// held are inline policies of a holder in an account, or in whichever has it if the account
// is "".
func (m *matcher) held(h holder, account string, ok func(*Live) bool) []*Live {
	return slices.DeleteFunc(slices.Clone(m.inline[h]), func(l *Live) bool { return account != "" && l.Account != account || !ok(l) })
}
