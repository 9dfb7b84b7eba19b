package report

import (
	"fmt"

	"github.com/owenrumney/go-sarif/v3/pkg/report/v210/sarif"

	"github.com/pare-iam/pare/finding"
)

// severity is GitHub's scale: below 4 is low, below 7 medium, below 9 high.
type severity float64

// severityOf is how bad a finding of a type is. AWS gives unused permissions LOW and an
// unused role MEDIUM (40 of 100) in Security Hub; long-lived credentials are above a role,
// which can't be stolen while nobody uses it.
func severityOf(t finding.Type) severity {
	//exhaustive:enforce
	switch t {
	case finding.UnusedIAMRole:
		return 4.0
	case finding.UnusedIAMUserAccessKey, finding.UnusedIAMUserPassword:
		return 5.0
	case finding.UnusedPermission:
		return 2.0
	}
	panic(fmt.Sprintf("report: unhandled type %q", t))
}

func levelOf(t finding.Type) string {
	if severityOf(t) < 4 {
		return sarif.LevelNote
	}
	return sarif.LevelWarning
}

// helpOf says what a finding of a type means; what to do is kindOf's remedy.
func helpOf(t finding.Type) string {
	//exhaustive:enforce
	switch t {
	case finding.UnusedIAMRole:
		return "Nobody used this role in the window. Whoever may assume it has its access all the same."
	case finding.UnusedIAMUserAccessKey:
		return "Nobody used this access key in the window. It stays valid until it is deactivated, wherever it is kept."
	case finding.UnusedIAMUserPassword:
		return "Nobody signed in to the console with this password in the window."
	case finding.UnusedPermission:
		return "The principal is in use, and its policies grant actions or services that it didn't use in the window. " +
			"Only what a source of evidence would have seen is reported."
	}
	panic(fmt.Sprintf("report: unhandled type %q", t))
}

func sarifRule(t finding.Type) *sarif.ReportingDescriptor {
	k := kindOf(t)
	help := helpOf(t) + " " + k.remedy
	properties := sarif.NewPropertyBag().
		Add("security-severity", fmt.Sprintf("%.1f", severityOf(t))).
		Add("precision", "high").
		WithTags([]string{"aws", "iam", "security", "unused-access"})
	return sarif.NewRule(string(t)).
		WithName(string(t)).
		WithShortDescription(sarif.NewMultiformatMessageString().WithText(titled(k.one))).
		WithFullDescription(sarif.NewMultiformatMessageString().WithText(helpOf(t))).
		WithHelp(sarif.NewMultiformatMessageString().WithText(help).WithMarkdown(help)).
		WithHelpURI("https://docs.aws.amazon.com/IAM/latest/UserGuide/access-analyzer-findings-remediate.html").
		WithDefaultConfiguration(sarif.NewReportingConfiguration().WithLevel(levelOf(t))).
		WithProperties(properties)
}
