package usage

import (
	"slices"
	"strings"
	"time"

	"github.com/pare-iam/pare/catalog"
	"github.com/pare-iam/pare/policy"
)

// recording is how uses of an action come to be in CloudTrail's log files.
type recording uint8

const (
	notRecorded  recording = iota // they don't, or nobody says that they do
	asWrite                       // management events that write
	asRead                        // management events that only read, or may be counted as such
	asKMS                         // management events of KMS, which a trail may leave out
	excludable                    // management events that a trail may leave out without its showing
	asS3Object                    // data events, of the types of dataTypes
	asFunction                    //
	asTable                       //
	asQueue                       //
	recordingEnd                  // how many there are
)

// dataType is CloudTrail's name of a resource type whose data events a trail records.
// https://docs.aws.amazon.com/awscloudtrail/latest/userguide/logging-data-events-with-cloudtrail.html
func dataType(r recording) string {
	switch r {
	case asS3Object:
		return "AWS::S3::Object"
	case asFunction:
		return "AWS::Lambda::Function"
	case asTable:
		return "AWS::DynamoDB::Table"
	case asQueue:
		return "AWS::SQS::Queue"
	default:
		return ""
	}
}

// dataActions are the actions whose every use is a data event, as AWS's pages list them.
// Left out is what a call needs without there being an event that says so: a GetObject
// that finds nothing needs s3:ListBucket to say so, replication works by events of its
// own, a call of a function's URL isn't an Invoke.
//
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/cloudtrail-logging-s3-info.html
// https://docs.aws.amazon.com/lambda/latest/dg/logging-using-cloudtrail.html
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/logging-using-cloudtrail.html
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/logging-using-cloudtrail.html
var dataActions = [...]struct {
	as      recording
	prefix  string
	actions string
}{
	{asS3Object, "s3", "AbortMultipartUpload DeleteObject DeleteObjectVersion GetObject GetObjectAcl GetObjectAttributes GetObjectTagging " +
		"GetObjectVersion GetObjectVersionAcl GetObjectVersionTagging ListBucketMultipartUploads ListMultipartUploadParts PutObject PutObjectAcl PutObjectTagging " +
		"PutObjectVersionAcl PutObjectVersionTagging RestoreObject"},
	{asFunction, "lambda", "InvokeFunction"},
	{asTable, "dynamodb", "BatchGetItem BatchWriteItem ConditionCheckItem DeleteItem GetItem PartiQLDelete PartiQLInsert PartiQLSelect " +
		"PartiQLUpdate PutItem Query Scan UpdateItem"},
	{asQueue, "sqs", "ChangeMessageVisibility DeleteMessage ReceiveMessage SendMessage"},
}

// recordings says of every action of a catalog how its uses are recorded, by id.
func recordings(c *catalog.Catalog) []recording {
	out := make([]recording, c.Len())
	led := led(c)
	for id := range out {
		if a := c.Action(id); a.Tracked.Has(catalog.PolicyGeneration) && led[id] {
			out[id] = managed(a)
		}
	}
	for _, row := range dataActions {
		for name := range strings.FieldsSeq(row.actions) {
			if a := c.Lookup(row.prefix, name); a != nil {
				out[a.ID] = row.as
			}
		}
	}
	for _, silent := range unheard {
		if a := c.Lookup(silent.Service, silent.Name); a != nil {
			out[a.ID] = notRecorded
		}
	}
	return out
}

// unheard are actions that are needed without an event that says so, although AWS counts
// them among those that it finds in management events: what replicates DynamoDB's tables
// is needed by calls that make data events, of tables and of streams.
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/logging-using-cloudtrail.html
var unheard = [...]policy.Action{passRole, {Service: "dynamodb", Name: "readdataforreplication"}, {Service: "dynamodb", Name: "writedataforreplication"}}

// led says, by id, which actions an event can lead to: one that is named like the action,
// or an operation that needs it. Where the catalog has operations of a service, an action
// that none leads to wouldn't be recognized in the logs.
func led(c *catalog.Catalog) []bool {
	out := make([]bool, c.Len())
	note := func(service, name string) {
		if a := c.Lookup(service, name); a != nil {
			out[a.ID] = true
		}
	}
	for _, s := range c.Services() {
		operations := s.Details().Operations
		for _, o := range operations {
			note(s.Prefix, o.Name)
			for _, a := range o.Authorized {
				note(a.Service, a.Name)
			}
		}
		for i := range s.Actions {
			if len(operations) == 0 {
				out[s.Actions[i].ID] = true
			}
		}
	}
	return out
}

// managed says how an action's management events are recorded. A trail may be set to
// record writes alone, and CloudTrail's idea of what only reads isn't IAM's: AssumeRole
// and Decrypt count as reads there. When in doubt it is a read, for whose recording the
// logs must speak.
// https://docs.aws.amazon.com/awscloudtrail/latest/userguide/logging-management-events-with-cloudtrail.html
func managed(a *catalog.Action) recording {
	switch {
	case a.Service.Prefix == "kms":
		return asKMS
	case a.Service.Prefix == "rds-data":
		return excludable
	case a.Level == catalog.LevelRead, a.Level == catalog.LevelList, a.Level == catalog.LevelUnknown, a.Service.Prefix == "sts", readsByName(a.Lower):
		return asRead
	}
	return asWrite
}

func readsByName(lower string) bool {
	return slices.ContainsFunc([]string{"get", "list", "describe", "batchget", "search", "query", "select", "lookup", "check", "validate", "test", "preview", "simulate", "download", "view"},
		func(verb string) bool { return strings.HasPrefix(lower, verb) })
}

// recording is how uses of an action are recorded. The action may be of another catalog.
func (t *Trail) recording(a *catalog.Action) recording {
	if known := t.known(a); known != nil {
		return t.recorded[known.ID]
	}
	return notRecorded
}

// known is an action, which may be of another catalog, in that of t; nil if it isn't there.
func (t *Trail) known(a *catalog.Action) *catalog.Action {
	if a.ID < len(t.recorded) && t.catalog.Action(a.ID) == a {
		return a
	}
	return t.catalog.Lookup(a.Service.Prefix, a.Lower)
}

// covered says of one account and window what the logs would have shown.
type covered struct {
	until  time.Time            // the end of the Region's logs that ends first; zero: there are none
	gap    string               // why not all of the window is covered; "" if it is
	missed []string             // Regions that global services are logged in, of those that the logs don't have
	whys   [recordingEnd]Why    // NeverSeen: uses would have been seen
	notes  [recordingEnd]string // what a why is about
}

func (c *covered) read(p *trailSource, w Window) {
	arn, err := policy.ParseARN(p.arn)
	account := p.trail.accounts[arn.Account]
	c.until, c.gap = span(account, w)
	if err != nil {
		c.gap = "no ARN, and so no account"
	}
	if c.gap == "" && p.trail.lines < p.trail.expected {
		c.gap = "usage.jsonl has fewer lines than were written"
	}
	c.missed = slices.DeleteFunc(homes(arn.Partition), func(home string) bool {
		return slices.ContainsFunc(account.Regions, func(r RegionCoverage) bool { return r.Name == home })
	})
	c.kinds(account)
}

// span says up to when all Regions of an account are covered, and what of the window isn't.
func span(account AccountCoverage, w Window) (until time.Time, gap string) {
	if len(account.Regions) == 0 {
		return time.Time{}, "no logs of the account"
	}
	for _, r := range account.Regions {
		until = earliest(until, r.To)
		if gap != "" {
			continue
		}
		switch hole := slices.IndexFunc(r.Gaps, func(g Gapped) bool { return g.To.After(w.From()) && g.From.Before(w.Now) }); {
		case r.From.After(w.From()):
			gap = r.Name + " begins " + stamp(r.From)
		case w.Now.Sub(r.To) > Day:
			gap = r.Name + " ends " + stamp(r.To)
		case hole >= 0:
			gap = r.Name + " " + stamp(r.Gaps[hole].From) + " to " + stamp(r.Gaps[hole].To)
		}
	}
	if gap == "" && account.Changed.After(w.From()) {
		gap = "what trails record was changed " + stamp(account.Changed)
	}
	return until, gap
}

// kinds says which kinds of events the logs of an account hold.
func (c *covered) kinds(account AccountCoverage) {
	events, reads, kms := 0, 0, 0
	for _, r := range account.Regions {
		events += r.Events
		reads += r.Reads
		kms += r.KMS
	}
	c.whys = [recordingEnd]Why{notRecorded: NotTracked, asWrite: NeverSeen, asRead: NeverSeen, asKMS: NeverSeen, excludable: NotRecorded}
	c.notes[excludable] = "a trail may leave them out"
	if events == reads { // which may be none at all, where digest files are of a trail of data events
		c.whys[asWrite], c.notes[asWrite] = NotRecorded, "no events that write"
	}
	if reads == 0 {
		c.whys[asRead], c.notes[asRead] = NotRecorded, "no events that read"
		c.whys[asKMS], c.notes[asKMS] = NotRecorded, "no events that read"
	}
	if kms == 0 {
		c.whys[asKMS], c.notes[asKMS] = NotRecorded, "no events of KMS"
	}
	for as := asS3Object; as < recordingEnd; as++ {
		all := slices.ContainsFunc(account.DataEvents, func(d DataCoverage) bool { return d.All && d.Type == dataType(as) })
		if c.whys[as] = DataEvents; all {
			c.whys[as] = NeverSeen
		}
		c.notes[as] = dataType(as)
	}
}

// why says why a use of an action so recorded would not have been seen, and what that is
// about; NeverSeen if it would.
func (c *covered) why(as recording, prefix string) (Why, string) {
	switch why := c.whys[as]; {
	case why == NotTracked:
		return why, ""
	case c.gap != "":
		return Gap, c.gap
	case why != NeverSeen:
		return why, c.notes[as]
	}
	for _, home := range c.missed {
		if recordedIn(home, prefix) {
			return Gap, "no logs of " + home + ", where calls of global services are"
		}
	}
	return NeverSeen, ""
}

// homes are the Regions of a partition in which CloudTrail records calls of services that
// have no Region of their own.
// https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-concepts.html, "Global service events"
func homes(partition string) []string {
	switch partition {
	case "aws-cn":
		return []string{"cn-north-1", "cn-northwest-1"}
	case "aws-us-gov":
		return []string{"us-gov-west-1"}
	default:
		return []string{"us-east-1", "us-west-2"}
	}
}

// recordedIn says whether calls of a service are, or may be, recorded in one of its
// partition's homes alone.
// https://docs.aws.amazon.com/general/latest/gr/aws-service-information.html, endpoints of each service
func recordedIn(home, prefix string) bool {
	switch prefix {
	case "account", "aws-marketplace", "aws-marketplace-management", "aws-portal", "bcm-data-exports", "billing", "billingconductor", "budgets", "ce", "cloudfront",
		"consolidatedbilling", "cost-optimization-hub", "cur", "freetier", "health", "iam", "importexport", "invoicing", "organizations", "payments", "purchase-orders", "route53",
		"route53domains", "savingsplans", "shield", "sts", "support", "supportplans", "tax", "trustedadvisor", "waf":
		return home != "us-west-2"
	case "devicefarm", "globalaccelerator", "networkmanager", "route53-recovery-control-config", "route53-recovery-readiness":
		return home != "us-east-1"
	}
	return false
}
