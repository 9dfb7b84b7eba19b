package gate

import (
	"cmp"
	"io"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/owenrumney/go-sarif/v3/pkg/report/v210/sarif"

	"github.com/pare-iam/pare/internal/report"
)

// SARIF writes a report as SARIF 2.1.0, in a form that GitHub's code scanning takes too, the
// most severe results first. Fixes are the bytes that change.
func SARIF(w io.Writer, r *Report) error {
	results := slices.Clone(r.Results)
	slices.SortStableFunc(results, func(a, b Result) int { return cmp.Compare(b.Rule.Level(), a.Rule.Level()) })
	out := report.NewSARIFWriter(w, r.sarifRun)
	for _, x := range results {
		if err := out.Add(sarifResult(&x)); err != nil {
			return err
		}
	}
	return out.Close()
}

func (r *Report) sarifRun() *sarif.Run {
	run := sarif.NewRunWithInformationURI("pare", "https://github.com/pare-iam/pare").WithColumnKind("unicodeCodePoints")
	if r.Version != "" {
		run.Tool.Driver.WithVersion(r.Version)
	}
	run.WithAutomationDetails(sarif.NewRunAutomationDetails().WithID("pare/check/"))
	for _, rule := range Rules() {
		run.Tool.Driver.AddRule(sarifRule(rule))
	}
	run.AddInvocation(r.sarifInvocation())
	return run
}

func (r *Report) sarifInvocation() *sarif.Invocation {
	out := sarif.NewInvocation().WithExecutionSuccessful(true).WithEndTimeUtc(r.Now.UTC().Format(time.RFC3339))
	out.WithToolExecutionNotifications([]*sarif.Notification{})
	for _, note := range append(slices.Clone(r.Notes), report.SARIFRoom(len(r.Results))...) {
		out.AddToolExecutionNotification(sarif.NewNotification().WithLevel(sarif.LevelWarning).WithMessage(sarif.NewTextMessage(report.SARIFText(report.Printable(note)))))
	}
	return out
}

func sarifRule(r Rule) *sarif.ReportingDescriptor {
	text := func(s string) *sarif.MultiformatMessageString {
		return sarif.NewMultiformatMessageString().WithText(s)
	}
	properties := sarif.NewPropertyBag().Add("precision", "very-high").WithTags([]string{"aws", "iam", "security"})
	if severity := securitySeverity(r); severity != "" {
		properties.Add("security-severity", severity)
	}
	return sarif.NewRule(r.String()).WithName(r.String()).
		WithShortDescription(text(r.title())).WithFullDescription(text(r.help())).
		WithHelp(text(r.help()).WithMarkdown(r.help())).
		WithHelpURI("https://github.com/pare-iam/pare/blob/main/docs/ci.md").
		WithDefaultConfiguration(sarif.NewReportingConfiguration().WithLevel(sarifLevel(r))).
		WithProperties(properties)
}

// securitySeverity is on GitHub's scale: below 4 is low, below 7 medium, below 9 high. What
// can't be known has none.
func securitySeverity(r Rule) string {
	switch r {
	case NewAccess:
		return "5.0"
	case DeniedAccess:
		return "8.0"
	case UnusedAccess:
		return "2.0"
	case Unreadable:
		return ""
	}
	return ""
}

func sarifLevel(r Rule) string {
	switch r.Level() {
	case High:
		return sarif.LevelError
	case Medium:
		return sarif.LevelWarning
	case Low:
		return sarif.LevelNote
	}
	return sarif.LevelNote
}

func sarifResult(r *Result) *sarif.Result {
	out := sarif.NewRuleResult(r.Rule.String()).
		WithRuleIndex(slices.Index(Rules(), r.Rule)).
		WithLevel(sarifLevel(r.Rule)).
		WithMessage(sarif.NewTextMessage(report.SARIFText(report.Printable(r.title() + " " + r.Message)))).
		AddLocation(sarifLocation(r)).
		WithPartialFingerprints(map[string]string{"pareCheck/v1": r.Fingerprint})
	for _, f := range r.Fixes {
		out.AddFixe(sarifFix(f))
	}
	if s := r.Suppressed; s != nil {
		kind := "external"
		if s.By == ByComment {
			kind = "inSource"
		}
		out.AddSuppression(sarif.NewSuppression().WithKind(kind).WithStatus("accepted").WithJustification(report.SARIFText(report.Printable(s.Reason))))
	}
	return out
}

func sarifLocation(r *Result) *sarif.Location {
	file := sarif.NewPhysicalLocation().WithArtifactLocation(artifact(r.At.Path)).WithRegion(region(r.At))
	out := sarif.NewLocationWithPhysicalLocation(file)
	if r.Address != "" {
		out.AddLogicalLocation(sarif.NewLogicalLocation().WithName(r.Address).WithFullyQualifiedName(cmp.Or(r.Root, ".") + "#" + r.Address).WithKind("resource"))
	}
	return out
}

// artifact is a file by its path below the root, each component escaped.
func artifact(path string) *sarif.ArtifactLocation {
	parts := strings.Split(strings.TrimPrefix(path, "/"), "/")
	for i, part := range parts {
		parts[i] = url.PathEscape(part)
	}
	uri := strings.Join(parts, "/")
	if strings.HasPrefix(path, "/") {
		return sarif.NewSimpleArtifactLocation("file:///" + uri)
	}
	return sarif.NewSimpleArtifactLocation(uri).WithURIBaseID("%SRCROOT%")
}

// region is a place with an end; GitHub wants a line for a file too.
func region(p Place) *sarif.Region {
	if p.Line == 0 {
		p = Place{p.Path, 1, 1, 1, 1}
	}
	out := sarif.NewRegion().WithStartLine(p.Line).WithStartColumn(p.Column)
	if p.EndLine == 0 {
		return out.WithEndLine(p.Line).WithEndColumn(p.Column)
	}
	return out.WithEndLine(p.EndLine).WithEndColumn(p.EndColumn)
}

func sarifFix(f Fix) *sarif.Fix {
	out := sarif.NewFix().WithDescription(sarif.NewTextMessage(report.SARIFText(report.Printable(f.Description))))
	changes := map[string]*sarif.ArtifactChange{}
	for _, c := range f.Changes {
		change := changes[c.At.Path]
		if change == nil {
			change = sarif.NewArtifactChange().WithArtifactLocation(artifact(c.At.Path))
			changes[c.At.Path] = change
			out.AddArtifactChange(change)
		}
		change.AddReplacement(sarif.NewReplacement().
			WithDeletedRegion(region(c.At).WithByteOffset(c.Start).WithByteLength(c.End - c.Start)).
			WithInsertedContent(sarif.NewArtifactContent().WithText(c.Text)))
	}
	return out
}
