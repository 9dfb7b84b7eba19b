package web

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/pare-iam/pare/finding"
	"github.com/pare-iam/pare/internal/report"
	"github.com/pare-iam/pare/internal/store"
	"github.com/pare-iam/pare/policy"
	"github.com/pare-iam/pare/refine"
	"github.com/pare-iam/pare/usage"
)

// trieView is the trie of an action pattern that changes.
type trieView struct {
	Policy  string // its name
	Where   string // "statement 1 (Sid)"
	Pattern string
	In      []string // what takes its place
	Matched int
	Unused  int
	Picture string // address
	Text    string // the same for reading

	root refine.Node
}

// mostTries is how many are shown; the others change alike.
const mostTries = 8

// unusedOf is what a finding says is unused, for refining by. A name that isn't an action's
// takes nothing away.
func unusedOf(f finding.Finding) usage.Unused {
	var actions []policy.Action
	var services []string
	for _, p := range f.Permissions {
		if len(p.Actions) == 0 {
			services = append(services, p.Namespace)
		}
		for _, a := range p.Actions {
			if action, err := policy.ParseAction(a.Name); err == nil {
				actions = append(actions, action)
			}
		}
	}
	return usage.Of(actions, services)
}

// tries are those of the patterns of a principal's own policies that match unused and used
// actions. What a group's policies lose depends on all its members, so they have none here.
func (v *visit) tries(f finding.Finding, p store.Principal) ([]trieView, error) {
	unused := unusedOf(f)
	var out []trieView
	for i, held := range p.Policies {
		if held.Group != "" || slices.ContainsFunc(p.Policies[:i], func(h store.HeldPolicy) bool { return h.Hash == held.Hash && h.Group == "" }) {
			continue
		}
		doc, err := policy.Parse(held.Name, []byte(held.Policy))
		if err != nil {
			continue // it isn't refined either
		}
		result, err := v.site.refiner.Policy(doc, unused)
		if err != nil {
			return nil, err
		}
		for _, e := range result.Edits {
			if e.Reason.Kind != refine.PartlyUnused || len(out) == mostTries {
				continue
			}
			t, ok := v.trie(held, doc, e, unused)
			if !ok {
				continue
			}
			t.Picture = v.Link("/findings/"+f.ID+"/trie", "policy", held.Hash, "statement", plainNumber(e.Statement), "entry", plainNumber(e.Entry))
			out = append(out, t)
		}
	}
	return out, nil
}

// trie is that of the entry that an edit replaces; false for an entry that has none.
func (v *visit) trie(held store.HeldPolicy, doc *policy.Document, e refine.Edit, unused usage.Unused) (trieView, bool) {
	statement := doc.Statements[e.Statement]
	entry := statement.Action.Entries[e.Entry]
	root, err := v.site.refiner.Trie(entry, unused)
	if err != nil {
		return trieView{}, false
	}
	t := trieView{
		Policy: held.Name, Where: fmt.Sprintf("statement %d", e.Statement+1), Pattern: entry.Text, In: e.In,
		Matched: root.Matched, Unused: root.Unused, root: root,
	}
	if statement.Sid != "" {
		t.Where += " (" + statement.Sid + ")"
	}
	var text strings.Builder
	if err := report.TrieText(&text, entry.Text, root); err != nil {
		return trieView{}, false
	}
	t.Text = plainText(text.String())
	return t, true
}

func (t trieView) svg(w io.Writer) error { return report.TrieSVG(w, t.Pattern, t.root) }

// theTrie is the one that the address names.
func (v *visit) theTrie() (trieView, error) {
	f, err := v.theFinding()
	if err != nil {
		return trieView{}, err
	}
	p, err := v.site.Store.Principal(v.Context(), v.analyzer.ARN, f.Resource)
	if err != nil {
		return trieView{}, err
	}
	all, err := v.tries(f, p)
	if err != nil {
		return trieView{}, err
	}
	for _, t := range all {
		if t.Picture == v.URL.RequestURI() {
			return t, nil
		}
	}
	return trieView{}, missing("no such pattern changes")
}

// plainText is a text for a terminal without its colours.
func plainText(s string) string {
	var out strings.Builder
	for {
		before, after, found := strings.Cut(s, "\x1b[")
		out.WriteString(before)
		if !found {
			return strings.TrimSpace(out.String())
		}
		_, s, _ = strings.Cut(after, "m")
	}
}
