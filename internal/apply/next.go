package apply

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// course is a target's way from one value to another, with what was done on it so far.
type course struct {
	target   Target
	from, to Value
	back     bool     // to is what was there before
	dropped  []string // ids of versions that a call was, or may have been, made to delete
}

// move is what comes next on a course: a call; or neither, when it has arrived; or why it
// can't go on.
type move struct {
	call     *Call
	conflict string
}

func (m move) arrived() bool { return m.call == nil && m.conflict == "" }

// next decides by what is there. It is pure, and calls nothing twice: what a call has
// done already shows.
func (c course) next(live Value) move {
	if p, ok := c.target.(Policy); ok {
		return c.nextOfPolicy(p, live)
	}
	switch {
	case same(c.target, live, c.to):
		return move{}
	case !same(c.target, live, c.from):
		return c.changed(live)
	}
	if next, ok := call(c.target, c.to); ok && !c.gone(live) {
		return move{call: &next}
	}
	return move{conflict: fmt.Sprintf("%s: it was deleted, and AWS doesn't give it back", c.target)}
}

// gone says whether what is to be changed was deleted for good.
func (c course) gone(live Value) bool {
	_, key := c.target.(AccessKey)
	return key && !live.There
}

func (c course) changed(live Value) move {
	return move{conflict: fmt.Sprintf("%s: somebody else changed it: found %s, want %s", c.target, live.text(), c.from.text())}
}

// maxVersions is how many versions AWS keeps of a policy.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
const maxVersions = 5

func (c course) nextOfPolicy(p Policy, live Value) move {
	switch {
	case !c.from.There && c.to.There: // make it
		switch {
		case same(p, live, c.to):
			return move{}
		case live.There:
			return c.changed(live)
		}
		return move{call: &Call{Op: OpCreatePolicy, Policy: p.ARN, Name: p.Name, Path: p.Path, Document: c.to.Document}}
	case !c.to.There: // take it away
		switch {
		case !live.There:
			return move{}
		case !same(p, live, c.from):
			return c.changed(live)
		case len(live.Others) > 0:
			return move{conflict: fmt.Sprintf("%s: somebody else gave it another version", p)}
		}
		return move{call: &Call{Op: OpDeletePolicy, Policy: p.ARN}}
	case c.back:
		return c.restore(p, live)
	}
	return c.renew(p, live)
}

// renew gives a policy a new default version. When there is no room for one more, the
// oldest that isn't the default goes first.
func (c course) renew(p Policy, live Value) move {
	switch {
	case same(p, live, c.to):
		return move{}
	case !same(p, live, c.from), c.from.Version != "" && live.Version != c.from.Version:
		return c.changed(live)
	case len(live.Others)+1 >= maxVersions:
		return move{call: &Call{Op: OpDeleteVersion, Policy: p.ARN, Version: live.Others[0].ID}}
	}
	return move{call: &Call{Op: OpCreateVersion, Policy: p.ARN, Document: c.to.Document, Default: true}}
}

// restore makes the old default version the default again, deletes the new one, and then
// makes anew those that were deleted for it. In that order there is room.
func (c course) restore(p Policy, live Value) move {
	if live.Version != c.to.Version {
		switch {
		case !live.There, !same(p, live, c.from), c.to.has(live.Version):
			return c.changed(live)
		case !live.has(c.to.Version):
			return move{conflict: fmt.Sprintf("%s: somebody else deleted its version %s", p, c.to.Version)}
		}
		return move{call: &Call{Op: OpSetDefault, Policy: p.ARN, Version: c.to.Version}}
	}
	for _, v := range slices.Backward(live.Others) {
		if ours := digest(v.Document) == digest(c.from.Document); ours && !c.to.has(v.ID) && count(live, v.Document) > count(c.to, v.Document) {
			return move{call: &Call{Op: OpDeleteVersion, Policy: p.ARN, Version: v.ID}}
		}
	}
	for _, v := range c.to.Others {
		if slices.Contains(c.dropped, v.ID) && c.lacks(v, live) {
			if len(live.Others)+1 >= maxVersions {
				return move{conflict: fmt.Sprintf("%s: no room to restore its version %s: somebody else made another", p, v.ID)}
			}
			return move{call: &Call{Op: OpCreateVersion, Policy: p.ARN, Document: v.Document}}
		}
	}
	return move{}
}

// lacks says whether fewer versions with the text of one are there than before.
func (c course) lacks(v Version, live Value) bool {
	return count(live, v.Document) < count(c.to, v.Document)
}

func count(v Value, doc string) int {
	n, want := 0, digest(doc)
	for _, other := range v.Others {
		if digest(other.Document) == want {
			n++
		}
	}
	return n
}

func (v Value) has(id string) bool {
	return v.Version == id || slices.ContainsFunc(v.Others, func(o Version) bool { return o.ID == id })
}

// after is what a call leaves of what was there. made is the id of the version that it
// made.
func after(t Target, live, to Value, c Call, made string) Value {
	if _, ok := t.(Policy); !ok {
		return to
	}
	out := live
	out.Others = slices.Clone(live.Others)
	switch c.Op {
	case OpCreatePolicy:
		return Value{There: true, Version: made, Document: c.Document}
	case OpDeletePolicy:
		return Value{}
	case OpDeleteVersion:
		out.Others = slices.DeleteFunc(out.Others, func(v Version) bool { return v.ID == c.Version })
	case OpSetDefault:
		i := slices.IndexFunc(out.Others, func(v Version) bool { return v.ID == c.Version })
		old := Version{out.Version, out.Document}
		out.Version, out.Document = out.Others[i].ID, out.Others[i].Document
		out.Others[i] = old
	case OpCreateVersion:
		if c.Default {
			out.Others = append(out.Others, Version{out.Version, out.Document})
			out.Version, out.Document = made, c.Document
		} else {
			out.Others = append(out.Others, Version{made, c.Document})
		}
	default:
		panic(fmt.Sprintf("apply: %s isn't about a policy", c.Op))
	}
	slices.SortFunc(out.Others, byAge)
	return out
}

// byAge sorts versions by their numbers: v9 is older than v10.
func byAge(a, b Version) int { return number(a.ID) - number(b.ID) }

func number(id string) int {
	n, err := strconv.Atoi(strings.TrimPrefix(id, "v"))
	if err != nil {
		return 0 // AWS's ids are v and a number; anything else is as old as can be
	}
	return n
}
