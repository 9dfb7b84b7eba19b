package web

import (
	"fmt"
	"strings"

	"github.com/pare-iam/pare/finding"
	"github.com/pare-iam/pare/internal/jobs"
	"github.com/pare-iam/pare/internal/store"
)

// What SARIF says of the items of lists that aren't findings.

// sentences are those of some texts that say something.
func sentences(texts ...string) string {
	var out []string
	for _, t := range texts {
		if t != "" {
			out = append(out, strings.TrimRight(t, ".")+".")
		}
	}
	return strings.Join(out, " ")
}

// because is a text with a reason, if one is known.
func because(text, reason string) string {
	if reason == "" {
		return text
	}
	return text + ": " + reason
}

var policyTold = told[store.PolicyItem]{
	"Policy", "A text of a policy under a name, and how many roles and users have it.",
	"A policy that several have can lose only what nobody of them uses. The dashboard's page about it says what that is.",
	func(p store.PolicyItem) result {
		name := p.ARN
		if name == "" {
			name = p.Name
		}
		return result{
			what: "resource", name: name, key: []string{p.Hash, p.Name, string(p.Kind), p.ARN},
			text: sentences(fmt.Sprintf("The policy %s (%s) is held by %s", p.Name, p.Kind, counted(p.Holders, "principal", "principals"))),
		}
	},
}

var principalTold = told[store.Principal]{
	"Principal", "A role or user, and how much of what it is granted it doesn't use.",
	"What isn't used is a finding of its own. Of who wasn't judged it isn't known what is unused.",
	func(p store.Principal) result {
		unused := counted(p.Unused, "action is", "actions are") + " unused"
		if p.Unjudged {
			unused = "It isn't known what of that is unused: the account's last run didn't judge it"
		}
		return result{
			what: "resource", name: p.ARN, key: []string{p.ARN},
			text: sentences(fmt.Sprintf("The %s %s is granted %s", p.Kind, p.ARN, counted(p.Granted, "action", "actions")), unused),
		}
	},
}

var adviceTold = told[store.Advised]{
	"Recommendation", "A recommendation for a finding: policies without what is unused, and the proof.",
	"A recommendation is stale when what is unused, or a policy, isn't what it was: its steps would undo somebody's change. " +
		"Make it anew then. That none can be made says nothing against the role or user.",
	func(a store.Advised) result {
		return result{
			what: "resource", name: a.Resource, key: []string{a.FindingID, a.Resource}, text: sentences(adviceText(a), staleText(a)),
		}
	},
}

func adviceText(a store.Advised) string {
	about := "The recommendation for " + a.Resource
	switch a.State {
	case store.InProgress:
		return about + " is being made"
	case finding.Failed:
		return because(about+" wasn't made", a.Error)
	case finding.Succeeded:
		return fmt.Sprintf("%s is %s. %s of %s stay after %s", about, a.Verdict, number(a.After), counted(a.Before, "action", "actions"), counted(len(a.Steps), "step", "steps"))
	}
	return about + " is " + string(a.State)
}

func staleText(a store.Advised) string {
	if !a.Stale {
		return ""
	}
	return "It is stale"
}

var accountTold = told[store.AccountState]{
	"Account", "An account that is looked at, and its last runs.",
	"What is said of an account is as old as its last complete run. One that failed leaves everything as it was.",
	func(a store.AccountState) result {
		last, complete := "No run has begun", "None is complete"
		if a.Last.ID != 0 {
			last = "Its last run, " + plainNumber(int(a.Last.ID)) + ", " + runText(a.Last)
		}
		if a.Complete.ID != 0 {
			of := a.Complete.Report
			complete = fmt.Sprintf("The last complete run, %d, saw %s and %s", a.Complete.ID, counted(of.Roles, "role", "roles"), counted(of.Users, "user", "users"))
		}
		return result{
			what: "resource", name: a.ID, key: []string{a.ID}, text: sentences("The account "+strings.TrimSpace(a.ID+" "+a.Name)+" is looked at", last, complete),
		}
	},
}

var runTold = told[store.Run]{
	"Run", "A look of the analyzer at an account.",
	"A run is visible wholly or not at all. One that failed leaves all findings of its account as they were; the next one is by the schedule, or when somebody asks for it.",
	func(r store.Run) result {
		text := sentences(fmt.Sprintf("The run %d over the account %s %s", r.ID, r.Account, runText(r)))
		return result{what: "run", name: "run " + plainNumber(int(r.ID)), text: text, key: []string{plainNumber(int(r.ID))}, failed: r.State == store.Failed}
	},
}

// runText says what became of a run.
func runText(r store.Run) string {
	switch r.State {
	case store.Running:
		return "is under way"
	case store.Failed:
		return because("failed", r.Failure)
	case store.Complete:
		return fmt.Sprintf("is complete, with %s, %s resolved and %s not judged, and %s", counted(r.Changes[finding.New], "new finding", "new findings"),
			number(r.Changes[finding.Fixed]), number(r.Changes[finding.NotJudged]), counted(len(r.Report.Problems), "problem", "problems"))
	}
	return "is " + string(r.State)
}

var jobTold = told[jobs.Job]{
	"Job", "Work that a server of pare does, did or will do.",
	"A job that failed was tried as often as it may be. An operator can have it tried again, on the dashboard's page of jobs.",
	func(j jobs.Job) result {
		about := []string{fmt.Sprintf("The job %d, %s", j.ID, j.Kind)}
		for _, part := range [...]struct{ word, of string }{{"", j.Subject}, {"account ", j.Account}, {"finding ", j.Finding}} {
			if part.of != "" {
				about = append(about, part.word+part.of)
			}
		}
		state := fmt.Sprintf("is %s, in attempt %d of %d", j.State, j.Attempt, j.MaxAttempts)
		return result{
			what: "job", name: "job " + plainNumber(int(j.ID)), key: []string{plainNumber(int(j.ID))}, failed: j.State == "failed",
			text: sentences(because(strings.Join(about, ", ")+", "+state, j.Error)),
		}
	},
}

var ruleTold = told[store.Rule]{
	"ArchiveRule", "An archive rule: which findings are archived.",
	"A finding that meets all criteria of a rule is archived by the run that finds it; one that was there before, when the rule is applied.",
	func(r store.Rule) result {
		var criteria []string
		for _, c := range criteriaTexts(r.Filter) {
			criteria = append(criteria, strings.TrimSpace(c.Key+" "+c.Operator+" "+strings.Join(c.Values, " or ")))
		}
		return result{
			what: "archive-rule", name: r.Name, key: []string{r.Name},
			text: sentences("The rule " + r.Name + " archives findings of which this holds: " + strings.Join(criteria, "; ")),
		}
	},
}

var auditTold = told[store.Entry]{
	"AuditEntry", "A line of the audit log: what was changed, or refused, by whom and from where.",
	"Lines are never changed. One with an outcome says why something wasn't done.",
	func(e store.Entry) result {
		text := e.Who + ": " + e.Action
		if e.Target != "" {
			text += " of " + e.Target
		}
		if e.Origin != "" {
			text += ", from " + e.Origin
		}
		refused := ""
		if e.Outcome != "" {
			refused = "It wasn't done: " + e.Outcome
		}
		line := plainNumber(int(e.Seq))
		return result{what: "audit-entry", name: "line " + line, key: []string{line}, text: sentences(text, refused)}
	},
}
