package usage

import "time"

// Use is a line of usage.jsonl: that a principal used an action on a type of resource on
// a day (UTC). Lines are sorted by the first five fields, which no two share.
type Use struct {
	Principal    string    `json:"principal"`    // ARN of the IAM role, IAM user or account root
	Action       string    `json:"action"`       // "s3:GetObject", in the catalog's casing
	ResourceType string    `json:"resourceType"` // the catalog's: "object"; "" when the event has no resource that says
	Day          string    `json:"day"`          // YYYY-MM-DD
	Primary      bool      `json:"primary"`      // the action that the event is named for; else one that the call may have needed too
	Count        int       `json:"count"`        // events, denied ones included
	Denied       int       `json:"denied"`       // of them, refused for lack of permission
	FirstSeen    time.Time `json:"firstSeen"`
	LastSeen     time.Time `json:"lastSeen"`
	Inferred     bool      `json:"inferred,omitzero"`   // not an event of its own: iam:PassRole, from a call that passes a role
	Via          []string  `json:"via,omitempty"`       // services that called for the principal, sorted: "cloudformation.amazonaws.com"
	Resources    []string  `json:"resources,omitempty"` // ARNs that the events name, sorted; the first MaxResources of them
}

// MaxResources is how many ARNs a Use lists.
const MaxResources = 10

// Coverage is what the log files that a usage.jsonl was made of could have shown. It
// lies beside it, as usage.coverage.json. Without it a usage.jsonl shows uses, and never
// that there were none.
type Coverage struct {
	SchemaVersion int               `json:"schemaVersion"` // 1
	Uses          int               `json:"uses,omitzero"` // lines of the usage.jsonl beside it, so that one cut short shows; 0: not known, or none
	Accounts      []AccountCoverage `json:"accounts"`      // sorted by ID
	Files         FileCounts        `json:"files"`
	Records       RecordCounts      `json:"records"`
	Unmapped      []Unmapped        `json:"unmapped"` // events without a known IAM action, sorted by name
	Broken        []Broken          `json:"broken"`   // what couldn't be read, sorted by file and record
}

// AccountCoverage is what the logs hold of one account.
type AccountCoverage struct {
	ID         string           `json:"id"`
	Regions    []RegionCoverage `json:"regions"`    // sorted by name
	DataEvents []DataCoverage   `json:"dataEvents"` // sorted by type

	// Changed is the last call that changed which events trails of the account record. Of
	// the time before it the logs don't say what they would have shown. Zero: none was seen.
	Changed time.Time `json:"changed,omitzero"`
}

// RegionCoverage is what the logs hold of one Region of an account.
type RegionCoverage struct {
	Name   string    `json:"name"`
	Basis  string    `json:"basis"` // "digests": every log file that was delivered is accounted for; "events": each hour not in Gaps has an event
	From   time.Time `json:"from"`  // the hour of the first event or digest
	To     time.Time `json:"to"`    // the end of the hour of the last
	Gaps   []Gapped  `json:"gaps"`  // hours between From and To of which nothing is known, in order
	Events int       `json:"events"`
	Reads  int       `json:"reads"` // management events that only read; 0 may mean that the trail records writes alone
	KMS    int       `json:"kms"`   // events of KMS, which a trail may leave out
}

// Gapped is a stretch of whole hours.
type Gapped struct {
	From time.Time `json:"from"`
	To   time.Time `json:"to"` // exclusive
}

// DataCoverage says of one resource type whether its data events are in the logs.
type DataCoverage struct {
	Type   string `json:"type"` // CloudTrail's: "AWS::S3::Object"
	Events int    `json:"events"`
	All    bool   `json:"all"` // somebody who knows the event selectors said that all are recorded
}

// FileCounts counts log files.
type FileCounts struct {
	Read    int `json:"read"`
	Digests int `json:"digests"` // hold no events; they say which files were delivered
	Skipped int `json:"skipped"` // Insights, and files given twice
	Broken  int `json:"broken"`
}

// RecordCounts counts event records. Read is the sum of Used, NoPrincipal, NoPermission and
// Unmapped.
type RecordCounts struct {
	Read         int `json:"read"`
	Used         int `json:"used"`         // led to at least one Use
	NoPrincipal  int `json:"noPrincipal"`  // an AWS service, another account's caller, someone not signed in by IAM
	NoPermission int `json:"noPermission"` // sign-ins, service events, calls that need no permission
	Unmapped     int `json:"unmapped"`
	Answers      int `json:"answers,omitzero"` // management events of answers to questions, which show uses and no disuse
}

// Unmapped is an event that no IAM action is known for.
type Unmapped struct {
	Event    string    `json:"event"`            // "codecatalyst.amazonaws.com:CreateSpace"
	Service  string    `json:"service,omitzero"` // the IAM namespace of the event's source; "" when not known: then what stands before the first dot
	Count    int       `json:"count"`
	LastSeen time.Time `json:"lastSeen"`
}

// Broken is a place that couldn't be read.
type Broken struct {
	File   string `json:"file"`
	Record int    `json:"record"` // 0-based; -1 for the file as a whole
	Error  string `json:"error"`
}
