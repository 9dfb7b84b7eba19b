package report

import (
	"cmp"
	"fmt"
	"io"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/owenrumney/go-sarif/v3/pkg/report/v210/sarif"

	"github.com/pare-iam/pare/finding"
	"github.com/pare-iam/pare/policy"
)

// FindingsSARIF writes findings as SARIF 2.1.0, in a form that GitHub's code scanning takes
// too, the most severe first. What is resolved is left out, so that its alert closes; what
// is archived is suppressed. SARIFWarnings are in the file as well.
func FindingsSARIF(w io.Writer, r Findings) error {
	out := NewSARIFWriter(w, r.SARIFRun)
	for _, f := range r.sarifFindings() {
		if err := out.Add(r.SARIFResult(f)); err != nil {
			return err
		}
	}
	return out.Close()
}

// SARIFRun is the run that findings are results of, without them.
func (r Findings) SARIFRun() *sarif.Run {
	run := sarif.NewRunWithInformationURI("pare", "https://github.com/pare-iam/pare")
	if r.Version != "" {
		run.Tool.Driver.WithVersion(r.Version)
	}
	run.WithAutomationDetails(sarif.NewRunAutomationDetails().WithID(r.sarifCategory()))
	for _, t := range finding.Types() {
		run.Tool.Driver.AddRule(sarifRule(t))
	}
	run.AddInvocation(r.sarifInvocation())
	return run
}

// SARIFWarnings are what a reader of the SARIF file should know, a line each: the problems
// of the analysis, and that there are more findings than GitHub takes.
func SARIFWarnings(r Findings) []string {
	return append(slices.Clone(r.Problems), SARIFRoom(len(r.unresolved()))...)
}

// sarifCategory keeps the runs of several accounts apart.
func (r Findings) sarifCategory() string {
	if len(r.Accounts) != 1 {
		return "pare/unused-access/"
	}
	return "pare/unused-access/" + url.PathEscape(r.Accounts[0].ID) + "/"
}

func (r Findings) unresolved() []finding.Finding {
	return slices.DeleteFunc(slices.Clone(r.Findings), func(f finding.Finding) bool { return f.Status == finding.Resolved })
}

// sarifFindings are those that are written, the most severe first.
func (r Findings) sarifFindings() []finding.Finding {
	out := r.unresolved()
	slices.SortStableFunc(out, func(a, b finding.Finding) int {
		return cmp.Or(
			cmp.Compare(slices.Index(statuses[:], a.Status), slices.Index(statuses[:], b.Status)),
			cmp.Compare(severityOf(b.Type), severityOf(a.Type)),
		)
	})
	return out
}

// SARIFResult is a finding as a result of SARIFRun.
func (r Findings) SARIFResult(f finding.Finding) *sarif.Result {
	out := sarif.NewRuleResult(string(f.Type)).
		WithRuleIndex(slices.Index(finding.Types(), f.Type)).
		WithLevel(levelOf(f.Type)).
		WithMessage(sarif.NewTextMessage(SARIFText(r.sarifMessage(f)))).
		AddLocation(sarifLocation(f)).
		WithPartialFingerprints(map[string]string{"pareFinding/v1": f.ID})
	if state := baselineState(f.Change); state != "" {
		out.WithBaselineState(state)
	}
	if f.Status == finding.Archived {
		s := sarif.NewSuppression().WithKind("external").WithStatus("accepted")
		out.AddSuppression(s.WithJustification(SARIFText(archivedText(f))))
	}
	return out
}

func (r Findings) sarifMessage(f finding.Finding) string {
	return fmt.Sprintf("%s in account %s: %s. Window: %s. Evidence: %s.",
		entityText(f.Resource), Printable(f.Account), strings.Join(r.detailLines(f), "; "), r.windowText(), evidenceText(f))
}

func evidenceText(f finding.Finding) string {
	if len(f.Sources) == 0 {
		return "not named"
	}
	return Printable(strings.Join(f.Sources, ", "))
}

// SARIFText is a text in which nothing is a placeholder or a link (SARIF 2.1.0, 3.11).
func SARIFText(s string) string {
	return strings.NewReplacer("{", "{{", "}", "}}", `\`, `\\`, "[", `\[`, "]", `\]`).Replace(s)
}

// sarifLocation is where a finding is: the IAM entity, and, as GitHub wants a file, the
// path of one that would hold it.
func sarifLocation(f finding.Finding) *sarif.Location {
	name, kind := f.Resource, "resource"
	if a, err := policy.ParseARN(f.Resource); err == nil {
		name = a.Name()
		if a.Type() != "" {
			kind = a.Type()
		}
	}
	entity := sarif.NewLogicalLocation().WithName(name).WithFullyQualifiedName(f.Resource).WithKind(kind)
	file := sarif.NewPhysicalLocation().
		WithArtifactLocation(sarif.NewSimpleArtifactLocation(sarifPath(f))).
		WithRegion(sarif.NewRegion().WithStartLine(1).WithStartColumn(1).WithEndLine(1).WithEndColumn(2))
	return sarif.NewLocationWithPhysicalLocation(file).AddLogicalLocation(entity)
}

// sarifPath is "iam/ACCOUNT/role/path/NAME.json", each component escaped.
func sarifPath(f finding.Finding) string {
	resource := f.Resource
	if a, err := policy.ParseARN(f.Resource); err == nil {
		resource = a.Resource
	}
	parts := append([]string{"iam", f.Account}, strings.Split(resource, "/")...)
	for i, part := range parts {
		parts[i] = url.PathEscape(part)
		if strings.Trim(part, ".") == "" {
			parts[i] = strings.Repeat("_", max(1, len(part))) // no component may lead upwards
		}
	}
	return strings.Join(parts, "/") + ".json"
}

// baselineState is a change as SARIF names it; empty: there was no last run.
func baselineState(c finding.Change) string {
	//exhaustive:enforce
	switch c {
	case finding.New, finding.Reopened:
		return "new"
	case finding.Same, finding.NotJudged:
		return "unchanged"
	case finding.Updated, finding.PartlyFixed:
		return "updated"
	case finding.Fixed:
		return "absent"
	case "":
		return ""
	}
	panic(fmt.Sprintf("report: unhandled change %q", c))
}

func (r Findings) sarifInvocation() *sarif.Invocation {
	out := sarif.NewInvocation().WithExecutionSuccessful(true).WithEndTimeUtc(r.Window.Now.UTC().Format(time.RFC3339))
	out.WithToolExecutionNotifications([]*sarif.Notification{})
	for _, l := range r.basis() {
		out.AddToolExecutionNotification(notification(sarif.LevelNote, l.name+": "+strings.Join(l.lines, "; ")))
	}
	for _, warning := range SARIFWarnings(r) {
		out.AddToolExecutionNotification(notification(sarif.LevelWarning, Printable(warning)))
	}
	return out
}

func notification(level, text string) *sarif.Notification {
	return sarif.NewNotification().WithLevel(level).WithMessage(sarif.NewTextMessage(SARIFText(text)))
}
