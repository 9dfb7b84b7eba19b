package notify

import "github.com/pare-iam/pare/finding"

// OCSFVersion is the version of the schema that the events follow. Later ones only add to
// what is used here.
const OCSFVersion = "1.8.0"

// The class IAM Analysis Finding, and its category.
const (
	ocsfCategory = 2    // Findings
	ocsfClass    = 2008 // IAM Analysis Finding
)

// ocsfFinding is an event of class 2008, with the profile cloud. The schema requires
// activity_id, category_uid, class_uid, cloud (by the profile), finding_info with a uid,
// metadata with a product and a version, severity_id, time and type_uid; and one at least
// of access_analysis_result, identity_activity_metrics and permission_analysis_results. The
// rest is recommended or optional. Times are milliseconds since 1970.
//
// https://schema.ocsf.io/1.8.0/classes/iam_analysis_finding
type ocsfFinding struct {
	ActivityID   int               `json:"activity_id"`
	ActivityName string            `json:"activity_name"`
	CategoryUID  int               `json:"category_uid"`
	CategoryName string            `json:"category_name"`
	ClassUID     int               `json:"class_uid"`
	ClassName    string            `json:"class_name"`
	TypeUID      int               `json:"type_uid"` // class_uid·100 + activity_id
	TypeName     string            `json:"type_name"`
	Time         int64             `json:"time"`
	SeverityID   int               `json:"severity_id"`
	Severity     string            `json:"severity"`
	StatusID     int               `json:"status_id"`
	Status       string            `json:"status"`
	Message      string            `json:"message"`
	Metadata     ocsfMetadata      `json:"metadata"`
	Cloud        ocsfCloud         `json:"cloud"`
	Info         ocsfInfo          `json:"finding_info"`
	User         ocsfUser          `json:"user"`
	Activity     *ocsfMetrics      `json:"identity_activity_metrics,omitzero"` // of roles, keys and passwords
	Permissions  []ocsfPermissions `json:"permission_analysis_results,omitempty"`
	Remediation  ocsfRemediation   `json:"remediation"`
	Unmapped     ocsfUnmapped      `json:"unmapped"`
}

// ocsfMetadata: product and version are required.
type ocsfMetadata struct {
	Version  string      `json:"version"`
	UID      string      `json:"uid"` // the change's key: whoever sees it twice saw one event
	Profiles []string    `json:"profiles"`
	Product  ocsfProduct `json:"product"`
}

type ocsfProduct struct {
	Name    string `json:"name"`
	Vendor  string `json:"vendor_name"`
	Version string `json:"version,omitzero"`
}

// ocsfCloud: provider is required.
type ocsfCloud struct {
	Provider string      `json:"provider"`
	Region   string      `json:"region"`
	Account  ocsfAccount `json:"account"`
}

type ocsfAccount struct {
	UID    string `json:"uid"`
	Type   string `json:"type"`
	TypeID int    `json:"type_id"`
}

// ocsfInfo: uid is required.
type ocsfInfo struct {
	UID         string       `json:"uid"`
	Title       string       `json:"title"`
	Description string       `json:"desc"`
	Types       []string     `json:"types"`
	Created     int64        `json:"created_time"`
	Modified    int64        `json:"modified_time"`
	LastSeen    int64        `json:"last_seen_time"`
	Analytic    ocsfAnalytic `json:"analytic"`
	Sources     []string     `json:"data_sources,omitempty"`
}

// ocsfAnalytic: type_id is required.
type ocsfAnalytic struct {
	UID    string `json:"uid"`
	Name   string `json:"name"`
	Type   string `json:"type"`
	TypeID int    `json:"type_id"`
}

// ocsfUser is the role or user: one of account, name and uid is required.
type ocsfUser struct {
	UID     string      `json:"uid"`
	UIDAlt  string      `json:"uid_alt,omitzero"` // "AROA…", "AIDA…"
	Name    string      `json:"name"`
	Type    string      `json:"type"`
	TypeID  int         `json:"type_id"`
	Account ocsfAccount `json:"account"`
}

// ocsfMetrics is the use on record. Empty: there is none, which is what was found.
type ocsfMetrics struct {
	LastSeen     int64            `json:"last_seen_time,omitzero"`
	PasswordUsed int64            `json:"password_last_used_time,omitzero"`
	Credentials  []ocsfCredential `json:"programmatic_credentials,omitempty"`
}

// ocsfCredential: uid is required.
type ocsfCredential struct {
	UID      string `json:"uid"`
	Type     string `json:"type"`
	LastUsed int64  `json:"last_used_time,omitzero"`
}

type ocsfPermissions struct {
	UnusedActions  int `json:"unused_privileges_count"`
	UnusedServices int `json:"unused_services_count"`
}

// ocsfRemediation: desc is required.
type ocsfRemediation struct {
	Description string   `json:"desc"`
	References  []string `json:"references"`
}

// ocsfUnmapped is what the schema has no place for: the details as get-finding-v2 answers
// them, and the finding's state in AWS's words.
type ocsfUnmapped struct {
	Status         finding.Status  `json:"status"`
	PreviousStatus finding.Status  `json:"previousStatus"`
	Version        int             `json:"version"`
	Finding        finding.Finding `json:"finding"`
}
