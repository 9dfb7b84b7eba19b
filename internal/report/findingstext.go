package report

import (
	"io"
	"slices"
	"strings"

	"github.com/pare-iam/pare/finding"
)

// FindingsText writes one of the findings with all its evidence, and what to do about it.
func FindingsText(w io.Writer, r Findings, f finding.Finding) error {
	p := &page{}
	p.heading(string(f.Type), statusStyle(f)(statusText(f.Status))+" "+place(Printable(f.ID)))
	p.linef("")
	for _, l := range r.identity(f) {
		p.labelled(l, 0)
	}
	if f.Type == finding.UnusedPermission {
		p.linef("")
		p.heading("unused", "")
		p.permissions(r, f)
	}
	p.linef("")
	p.heading("evidence", "")
	for _, s := range f.Sources {
		p.linef("  %s", trustText(s))
		p.coverage(r, s)
	}
	p.advice(r, f)
	return p.writeTo(w)
}

// identity is what a finding is about, and when.
func (r Findings) identity(f finding.Finding) []label {
	out := []label{{"entity", []string{Printable(f.Resource)}}}
	if f.ResourceID != "" {
		out = append(out, label{"entity ID", []string{Printable(f.ResourceID)}})
	}
	out = append(out, label{"account", []string{Printable(f.Account)}})
	if f.Type == finding.UnusedIAMUserAccessKey {
		out = append(out, label{"access key", []string{keyText(f)}})
	}
	if f.Type != finding.UnusedPermission {
		out = append(out, label{"last used", []string{lastText(f.LastAccessed, r.Window.Now)}})
	}
	out = append(out, label{"window", []string{r.windowText()}}, label{"found", []string{lifeDates(f)}})
	for _, note := range []string{archivedText(f), changeText(f.Change)} {
		if note != "" {
			out = append(out, label{"status", []string{note}})
		}
	}
	return out
}

// lifeDates are the dates of a finding that are known.
func lifeDates(f finding.Finding) string {
	var out []string
	if !f.CreatedAt.IsZero() {
		out = append(out, "first "+dayOf(f.CreatedAt))
	}
	if !f.UpdatedAt.IsZero() && !f.UpdatedAt.Equal(f.CreatedAt) {
		out = append(out, "changed "+dayOf(f.UpdatedAt))
	}
	if !f.AnalyzedAt.IsZero() {
		out = append(out, "last looked at "+dayOf(f.AnalyzedAt))
	}
	if len(out) == 0 {
		return "it isn't known when"
	}
	return strings.Join(out, ", ")
}

// permissions lists services and actions, each with when it was last used and who says so.
func (p *page) permissions(r Findings, f finding.Finding) {
	name := 0
	for _, s := range f.Permissions {
		for _, a := range s.Actions {
			name = max(name, len([]rune(Printable(a.Name))))
		}
	}
	name = min(name, maxName)
	for _, s := range f.Permissions {
		p.linef("  %s", strong(r.serviceText(s)))
		if note := grantedText(s); note != "" {
			p.linef("    %s", faint(note))
		}
		if len(s.Actions) == 0 {
			p.linef("    %s  %s", agoText(s.LastAccessed, r.Window.Now), faint(Printable(s.Source)))
		}
		for _, a := range s.Actions {
			p.linef("    %s  %s  %s", pad(Printable(a.Name), name), pad(lastText(a.LastAccessed, r.Window.Now), len("2006-01-02 (365 d)")), faint(Printable(a.Source)))
		}
	}
}

func (p *page) coverage(r Findings, source string) {
	i := slices.IndexFunc(r.Sources, func(s Source) bool { return s.Name == source })
	if i >= 0 && r.Sources[i].Covers != "" {
		p.linef("    %s", faint("covers "+Printable(r.Sources[i].Covers)))
	}
}

// advice is what to do, and for permissions the steps without their policies.
func (p *page) advice(r Findings, f finding.Finding) {
	p.linef("")
	if f.Type != finding.UnusedPermission || f.Status == finding.Resolved {
		p.heading("what to do", "")
		p.linef("  %s", remedyText(f))
		return
	}
	a, ok := r.adviceFor(f)
	switch {
	case !ok:
		p.heading("what to do", "")
		p.linef("  the steps: pare recommend --data DIR --principal %s", shellWord(f.Resource))
		return
	case !a.Leaves():
		p.heading(bad("no recommendation"), "")
		p.linef("  %s", a.proofText())
	default:
		p.heading("recommended steps", good("proved")+", "+a.grantText())
		for i, s := range a.Steps {
			p.linef("  %d. %-13s  %s", i+1, s.Action, stepText(s))
		}
		p.linef("  %s", faint(a.proofText()))
		if rest := a.restText(); rest != "" {
			p.linef("  %s", doubt(rest))
		}
	}
	for _, note := range a.Notes {
		p.linef("  %s %s", doubt("note:"), Printable(note))
	}
}

// shellWord is a text as a word of a shell's command.
func shellWord(s string) string {
	plainly := func(c rune) bool {
		return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.ContainsRune(":/+=,.@_-", c)
	}
	if s != "" && !strings.ContainsFunc(s, func(c rune) bool { return !plainly(c) }) {
		return s
	}
	return "'" + strings.ReplaceAll(Printable(s), "'", `'\''`) + "'"
}
