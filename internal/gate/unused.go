package gate

import (
	"fmt"
	"slices"
	"strings"

	"github.com/aymanbagabas/go-udiff"

	"github.com/pare-iam/pare/internal/iac"
	"github.com/pare-iam/pare/internal/iac/tree"
	"github.com/pare-iam/pare/internal/rewrite"
	"github.com/pare-iam/pare/policy"
	"github.com/pare-iam/pare/refine"
	"github.com/pare-iam/pare/usage"
)

// UnusedOf is what a rewrite of files takes out, with the fixes that do; and of what it
// can't rewrite, a note each. What isn't matched for sure is unused by nobody's word.
func UnusedOf(plan *rewrite.Plan, window usage.Window) (unused []Unused, notes []string, err error) {
	for i := range plan.Rewrites {
		u, err := unusedOf(&plan.Rewrites[i], window)
		if err != nil {
			return nil, nil, err
		}
		unused = append(unused, u)
	}
	for _, l := range plan.Left {
		if len(l.Paste) > 0 || l.Kind == rewrite.NothingIn {
			p := FromSource(l.Source)
			unused = append(unused, Unused{Policy: &p, Evidence: windowText(window) + ". It can't be changed in place: " + l.Reason})
			continue
		}
		notes = append(notes, l.Where+": "+l.Source.Title()+": no result for unused access: "+l.Reason)
	}
	return unused, notes, nil
}

func windowText(w usage.Window) string {
	return fmt.Sprintf("used by nobody who has it in the %d days up to %s", int(w.Age/usage.Day), w.Now.UTC().Format("2006-01-02"))
}

func unusedOf(r *rewrite.Rewrite, window usage.Window) (Unused, error) {
	p := FromSource(r.Source)
	out := Unused{Policy: &p, Evidence: windowText(window)}
	var edits []policy.Edit
	for _, e := range r.Result.Edits {
		edits = append(edits, e.Edit)
		actions, covers := words(e)
		out.Actions, out.Covers = append(out.Actions, actions...), append(out.Covers, covers...)
	}
	slices.Sort(out.Actions)
	out.Actions = slices.Compact(out.Actions)
	changes, err := r.Policy.Changes(edits)
	if err != nil {
		return out, err
	}
	fix := Fix{Description: "take out what nobody used"}
	for _, f := range filesOf(changes) {
		next, err := iac.Apply(f, changes, tree.Parse)
		if err != nil {
			return out, err
		}
		fix.Changes = append(fix.Changes, replacements(f, next)...)
	}
	if len(fix.Changes) > 0 {
		out.Fixes = []Fix{fix}
	}
	return out, nil
}

// inPart is behind an entry of which something stays.
const inPart = " in part"

// words are what an edit takes out, and covers says it so that more is something else.
func words(e refine.Edit) (words, covers []string) {
	for _, entry := range e.Out {
		if len(e.In) == 0 {
			words, covers = append(words, entry), append(covers, entry)
			continue
		}
		words, covers = append(words, entry+inPart), append(covers, entry+" but "+strings.Join(e.In, ", "))
	}
	return words, covers
}

func filesOf(changes []iac.Change) []*iac.File {
	var out []*iac.File
	for _, c := range changes {
		if f := fileOf(c); f != nil && !slices.Contains(out, f) {
			out = append(out, f)
		}
	}
	return out
}

// fileOf is the file that a change is in: that of the entry, since a list may be in
// several.
func fileOf(c iac.Change) *iac.File {
	if c.Entry < len(c.List.Entries) {
		return c.List.Entries[c.Entry].File
	}
	return c.List.File
}

// replacements are the bytes in which a file differs from what it is to be.
func replacements(f *iac.File, next []byte) []Replacement {
	var out []Replacement
	for _, e := range udiff.Bytes(f.Src, next) {
		span := policy.Span{Start: e.Start, End: e.End}
		out = append(out, Replacement{placeOf(f, span), span, e.New})
	}
	return out
}
