package notify

import (
	"fmt"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/pare-iam/pare/finding"
	"github.com/pare-iam/pare/policy"
)

// named is a value of an enumeration of OCSF and its caption.
type named struct {
	id   int
	name string
}

// maxOCSFText is how long a description may be; the schema has no limit.
const maxOCSFText = 4096

// ocsf is the change as an event of the class IAM Analysis Finding. The version is pare's;
// "" if it isn't known.
func ocsf(c Change, version string) ocsfFinding {
	f := &c.Finding
	activity, severity, status := ocsfActivity(c), ocsfSeverity(severityOf(f.Type)), ocsfStatus(c)
	const class = "IAM Analysis Finding"
	out := ocsfFinding{
		ActivityID: activity.id, ActivityName: activity.name,
		CategoryUID: ocsfCategory, CategoryName: "Findings", ClassUID: ocsfClass, ClassName: class,
		TypeUID: ocsfClass*100 + activity.id, TypeName: class + ": " + activity.name,
		Time: millis(c.At), SeverityID: severity.id, Severity: severity.name, StatusID: status.id, Status: status.name,
		Message: c.title(),
		Metadata: ocsfMetadata{
			Version: OCSFVersion, UID: c.Key(), Profiles: []string{"cloud"},
			Product: ocsfProduct{Name: product, Vendor: product, Version: version},
		},
		Cloud: ocsfCloud{Provider: "AWS", Region: c.Region, Account: awsAccount(f.Account)},
		Info: ocsfInfo{
			UID: f.ID, Title: c.title(), Description: c.description(maxOCSFText), Types: []string{string(f.Type)},
			Created: millis(c.created()), Modified: millis(c.updated()), LastSeen: millis(c.analyzed()),
			Analytic: analytic(c.Analyzer), Sources: f.Sources,
		},
		User:        ocsfUserOf(c),
		Remediation: ocsfRemediation{Description: remedy(f.Type), References: []string{helpURL}},
		Unmapped:    ocsfUnmapped{Status: f.Status, PreviousStatus: c.Previous, Version: c.Version, Finding: *f},
	}
	out.addAnalysis(c)
	return out
}

// ocsfActivity: a finding that comes back is an update, so that each is created once.
func ocsfActivity(c Change) named {
	switch {
	case c.Deleted || c.Finding.Status == finding.Resolved:
		return named{3, "Close"}
	case c.Previous == "":
		return named{1, "Create"}
	default:
		return named{2, "Update"}
	}
}

func ocsfSeverity(s severity) named {
	//exhaustive:enforce
	switch s {
	case low:
		return named{2, "Low"}
	case medium:
		return named{3, "Medium"}
	}
	panic(fmt.Sprintf("notify: unhandled severity %d", s))
}

func ocsfStatus(c Change) named {
	if c.Deleted {
		return named{6, "Deleted"}
	}
	//exhaustive:enforce
	switch c.Finding.Status {
	case finding.Active:
		return named{1, "New"}
	case finding.Resolved:
		return named{4, "Resolved"}
	case finding.Archived:
		return named{5, "Archived"}
	}
	panic(fmt.Sprintf("notify: unhandled status %q", c.Finding.Status))
}

func awsAccount(id string) ocsfAccount { return ocsfAccount{UID: id, Type: "AWS Account", TypeID: 10} }

// analytic is the analyzer, which is a rule in OCSF's words.
func analytic(arn string) ocsfAnalytic {
	out := ocsfAnalytic{UID: arn, Name: arn, Type: "Rule", TypeID: 1}
	if parsed, err := policy.ParseARN(arn); err == nil {
		out.Name = parsed.Name()
	}
	return out
}

// ocsfUserOf is the role or user. OCSF has no type for roles.
func ocsfUserOf(c Change) ocsfUser {
	f, arn := &c.Finding, c.resource()
	out := ocsfUser{UID: f.Resource, UIDAlt: f.ResourceID, Name: arn.Name(), Type: "User", TypeID: 1, Account: awsAccount(f.Account)}
	if f.ResourceType() == "AWS::IAM::Role" {
		out.Type, out.TypeID = "AWS IAM Role", 99
	}
	return out
}

// addAnalysis adds the part that every event must have one of.
func (o *ocsfFinding) addAnalysis(c Change) {
	f := &c.Finding
	last := millis(f.LastAccessed)
	//exhaustive:enforce
	switch f.Type {
	case finding.UnusedIAMRole:
		o.Activity = &ocsfMetrics{LastSeen: last}
	case finding.UnusedIAMUserPassword:
		o.Activity = &ocsfMetrics{PasswordUsed: last}
	case finding.UnusedIAMUserAccessKey:
		o.Activity = &ocsfMetrics{Credentials: []ocsfCredential{{UID: c.keyID(), Type: "AWS Access Key", LastUsed: last}}}
	case finding.UnusedPermission:
		services, actions := c.unused()
		o.Permissions = []ocsfPermissions{{UnusedActions: actions, UnusedServices: services}}
	}
}

// millis is a time in OCSF; 0: it isn't known.
func millis(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

// ocsfLine is the event as JSON, without a line break.
func ocsfLine(c Change, version string) []byte { return must(json.Marshal(ocsf(c, version))) }
