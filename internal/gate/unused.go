package gate

import (
	"fmt"
	"slices"
	"strings"

	"github.com/aymanbagabas/go-udiff"

	"github.com/pare-iam/pare/internal/iac"
	"github.com/pare-iam/pare/internal/iac/tree"
	"github.com/pare-iam/pare/internal/report"
	"github.com/pare-iam/pare/internal/rewrite"
	"github.com/pare-iam/pare/policy"
	"github.com/pare-iam/pare/refine"
	"github.com/pare-iam/pare/usage"
)

// UnusedOf is what a rewrite of files takes out, with the fixes that do, and what nobody
// used of the policies that it can't change; of what it doesn't know anything of, a note
// each. What isn't matched for sure is unused by nobody's word.
func UnusedOf(plan *rewrite.Plan, window usage.Window) (unused []Unused, notes []string, err error) {
	for i := range plan.Rewrites {
		u, err := unusedOf(&plan.Rewrites[i], window)
		if err != nil {
			return nil, nil, err
		}
		unused = append(unused, u)
	}
	refiner := refine.New(plan.Catalog)
	for i := range plan.Left {
		l := &plan.Left[i]
		u, err := leftOf(refiner, l, window)
		if err != nil {
			return nil, nil, err
		}
		if len(u.Actions) > 0 {
			unused = append(unused, u)
			continue
		}
		notes = append(notes, l.Where+": "+l.Source.Title()+": no result for unused access: "+l.Reason)
	}
	return unused, notes, nil
}

// leftOf is what is unused of the live policies of a source that isn't changed, and why it
// isn't. Of one that several live policies come of it says which of them gives what.
func leftOf(refiner *refine.Refiner, l *rewrite.Left, window usage.Window) (Unused, error) {
	p := FromSource(l.Source)
	out := Unused{Policy: &p}
	var of []string
	for _, live := range l.Live {
		if live.Document == nil || live.Problem != "" {
			continue
		}
		result, err := refiner.Policy(live.Document, live.Unused)
		if err != nil {
			return out, fmt.Errorf("%s: %w", live.Title(), err)
		}
		if actions := out.take(live.Document, result); len(actions) > 0 {
			of = append(of, live.Title()+": "+few(actions, mostWords))
		}
	}
	out.Evidence = windowText(window)
	if len(l.Live) > 1 && len(of) > 0 {
		out.Evidence += ", of " + strings.Join(of, "; of ")
	}
	out.Evidence += ". There is no fix: " + l.Reason
	if l.Where != l.Source.Where() {
		out.Evidence += " (" + l.Where + ")"
	}
	out.Evidence = report.Printable(out.Evidence)
	return out, nil
}

// take adds what a refinement takes out of a policy, and gives what that is, sorted.
func (u *Unused) take(doc *policy.Document, result refine.Result) []string {
	var all []string
	for _, e := range result.Edits {
		actions, covers := words(doc, e)
		all = append(all, actions...)
		u.Covers = append(u.Covers, covers...)
	}
	slices.Sort(all)
	u.Actions = slices.Concat(u.Actions, all)
	slices.Sort(u.Actions)
	u.Actions = slices.Compact(u.Actions)
	return slices.Compact(all)
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
	}
	out.take(r.Policy.Doc, r.Result)
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

// words are what an edit takes out, and covers says it so that more is something else. What
// is added to the exceptions of a NotAction is what goes.
func words(doc *policy.Document, e refine.Edit) (words, covers []string) {
	if doc.Statements[e.Statement].Action.Not {
		return e.In, e.In
	}
	for _, entry := range e.Out {
		switch {
		case len(e.In) > 0:
			words, covers = append(words, entry+inPart), append(covers, entry+" but "+strings.Join(e.In, ", "))
		case e.Reason.Kind == refine.AlreadyCovered:
			words, covers = append(words, entry+inPart), append(covers, entry)
		default:
			words, covers = append(words, entry), append(covers, entry)
		}
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
