package rewrite

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"

	"github.com/pare-iam/pare/internal/iac"
	"github.com/pare-iam/pare/internal/iac/tree"
	"github.com/pare-iam/pare/policy"
	"github.com/pare-iam/pare/prove"
)

// apply lays the changes out: first group by group, so that one that can't be made leaves
// its group alone, then all of a file together, where several groups change one.
func (p *planner) apply(ctx context.Context) error {
	clear(p.plan.Files) // of what was tried before
	of := map[*iac.File][]iac.Change{}
	groups := map[*iac.File]int{}
	for _, c := range p.cases {
		if err := ctx.Err(); err != nil {
			return err
		}
		if c.group == nil || c.group[0] != c {
			continue
		}
		var changes []iac.Change
		for _, o := range c.group {
			if o.left == nil {
				changes = append(changes, o.changes...)
			}
		}
		files, err := edited(changes)
		if err != nil {
			c.notEditable(err)
			p.spread(c.group)
			continue
		}
		for f, src := range files {
			p.plan.Files[f] = src
			of[f] = append(of[f], changes...)
			groups[f]++
		}
	}
	for _, f := range p.plan.Changed() {
		if groups[f] == 1 {
			continue
		}
		src, err := iac.Apply(f, of[f], tree.Parse)
		if err != nil {
			return err
		}
		p.plan.Files[f] = src
	}
	return nil
}

// edited is the new bytes of every file that changes reach.
func edited(changes []iac.Change) (map[*iac.File][]byte, error) {
	out := map[*iac.File][]byte{}
	for _, f := range filesOf(changes) {
		src, err := iac.Apply(f, changes, tree.Parse)
		if err != nil {
			return nil, err
		}
		out[f] = src
	}
	return out, nil
}

// filesOf are the files of what changes, in the order of the changes.
func filesOf(changes []iac.Change) []*iac.File {
	var out []*iac.File
	for _, c := range changes {
		if f := fileOf(c); !slices.Contains(out, f) {
			out = append(out, f)
		}
	}
	return out
}

// fileOf is the file that a change is in: blocks of one list may stand in several.
func fileOf(c iac.Change) *iac.File {
	if c.List.Form == iac.Blocks {
		return c.List.Entries[c.Entry].File
	}
	return c.List.File
}

// identity names a source across two readings of a tree.
func identity(s *iac.Source) string {
	return s.File.Path + "\x00" + s.Root + "\x00" + s.Address
}

// statements is what each source says, or is to say, laid out so that one text is one
// meaning. What couldn't be known says why, without places.
func statements(sources []*iac.Source, intended map[string]*policy.Document) (map[string]string, error) {
	out := map[string]string{}
	for _, s := range sources {
		name := identity(s)
		for _, twice := out[name]; twice; _, twice = out[name] {
			name += "\x00again"
		}
		if doc := intended[name]; doc != nil {
			text, err := plainText(doc)
			if err != nil {
				return nil, err
			}
			out[name] = text
			continue
		}
		out[name] = "unknown"
		if s.Document == nil {
			continue
		}
		own, err := s.Policy()
		if err != nil {
			out[name] = treeText(s.Document)
			continue
		}
		if out[name], err = plainText(own.Doc); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// treeText is what a document says that can't be read as a policy, as far as it is known.
func treeText(v *iac.Value) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d%q", v.Kind, v.Text)
	for _, entry := range v.Entries {
		fmt.Fprintf(&b, "[%s]", treeText(entry))
	}
	for _, m := range v.Members {
		fmt.Fprintf(&b, "{%q%s}", m.Key, treeText(m.Value))
	}
	return b.String()
}

// plainText is a policy with its keys sorted and lists of one text as the text.
func plainText(doc *policy.Document) (string, error) {
	var v any
	if err := json.Unmarshal(doc.Bytes(), &v); err != nil {
		return "", err
	}
	out, err := json.Marshal(plainValue(v), json.Deterministic(true))
	return string(out), err
}

func plainValue(v any) any {
	switch v := v.(type) {
	case []any:
		if len(v) == 1 {
			return plainValue(v[0])
		}
		for i := range v {
			v[i] = plainValue(v[i])
		}
	case map[string]any:
		for k := range v {
			v[k] = plainValue(v[k])
		}
	}
	return v
}

// sameLists says whether a source, as it will be, allows and denies by the same actions
// as one of its live policies, statement by statement. An entry that the source doesn't
// know may be one that the live policy keeps as it was.
func sameLists(source *policy.Document, a *Instance) bool {
	return slices.EqualFunc(source.Statements, a.Refined.Statements, func(x, y policy.Statement) bool {
		unknown := 0
		left := patterns(y)
		for _, e := range patterns(x) {
			i, ok := slices.BinarySearch(left, e)
			switch {
			case ok:
				left = slices.Delete(left, i, i+1)
			case strings.HasPrefix(e, placeholderPrefix):
				unknown++
			default:
				return false
			}
		}
		kept := !slices.ContainsFunc(left, func(e string) bool { return !has(a.Document, e) })
		return x.Effect == y.Effect && x.Action.Not == y.Action.Not && len(left) <= unknown && kept
	})
}

// patterns are the entries of a statement's list, folded and sorted.
func patterns(st policy.Statement) []string {
	var out []string
	for _, e := range st.Action.Entries {
		out = append(out, e.Pattern.String())
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// has says whether some list of a policy has an entry.
func has(doc *policy.Document, entry string) bool {
	return slices.ContainsFunc(doc.Statements, func(st policy.Statement) bool { return slices.Contains(patterns(st), entry) })
}

// whyNot is the reason of the first claim that isn't proved.
func whyNot(r prove.Result) string {
	for _, claim := range []struct {
		name string
		prove.Claim
	}{{"no new access", r.NoNewAccess}, {"used access kept", r.UsedKept}, {"unused access gone", r.UnusedGone}} {
		if claim.Verdict != prove.Proved {
			return fmt.Sprintf("%s: %s: %s", claim.name, claim.Verdict, cmp.Or(claim.Reason, "a request shows it"))
		}
	}
	return r.Verdict.String()
}
