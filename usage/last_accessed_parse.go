package usage

import (
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/pare-iam/pare/policy"
)

// ParseLastAccessed reads an answer of `aws iam get-service-last-accessed-details` about a
// role or a user. The answer doesn't say whom it is about: the ARN is looked for in a
// member "Arn" (or "arn", "PrincipalArn") that was added to it, else in the entities that
// called the services, if they are one role or user. The error is a policy.Errors; the
// name is for messages and isn't opened.
func ParseLastAccessed(name string, src []byte) (*LastAccessed, error) {
	r := &lastReader{text: text{name: name, src: src, empty: wantLast}}
	var in lastAnswer
	if !r.decode(src, "", wantLast, &in) || !r.complete(&in) {
		return nil, r.err()
	}
	out := &LastAccessed{
		Until:     in.JobCompletionDate.Time,
		Actions:   in.JobType == "ACTION_LEVEL",
		Truncated: in.IsTruncated,
		services:  make(map[string]*lastService, len(*in.ServicesLastAccessed)),
	}
	if out.Until.IsZero() {
		out.Until = in.JobCreationDate.Time
	}
	for i := range *in.ServicesLastAccessed {
		r.service(out, i, &(*in.ServicesLastAccessed)[i])
	}
	r.principal(out, &in)
	r.warn(out)
	if err := r.err(); err != nil {
		return nil, err
	}
	return out, nil
}

const (
	morePages  = "IsTruncated: there are more pages, and services that aren't listed are kept; fetch all pages"
	wantLast   = "an answer of aws iam get-service-last-accessed-details"
	addTheARN  = `add it: aws iam get-service-last-accessed-details --job-id ID --query "merge(@, {Arn: 'arn:aws:iam::123456789012:role/Name'})"`
	wantMember = `the ARN of the role or user that the job was made for, as "arn:aws:iam::123456789012:role/Name"`
)

// lastAnswer is the answer as the AWS CLI and boto print it.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetServiceLastAccessedDetails.html
type lastAnswer struct {
	ARN                  string         `json:"Arn"`
	LowerARN             string         `json:"arn"`
	PrincipalARN         string         `json:"PrincipalArn"`
	JobID                string         `json:"JobId"` // alone in an answer of generate-service-last-accessed-details
	JobStatus            string         `json:"JobStatus"`
	JobType              string         `json:"JobType"`
	JobCreationDate      instant        `json:"JobCreationDate"`
	JobCompletionDate    instant        `json:"JobCompletionDate"`
	ServicesLastAccessed *[]lastListed  `json:"ServicesLastAccessed"`
	IsTruncated          bool           `json:"IsTruncated"`
	EntityDetailsList    jsontext.Value `json:"EntityDetailsList"` // of get-service-last-accessed-details-with-entities
	AccessDetails        jsontext.Value `json:"AccessDetails"`     // of get-organizations-access-report
	Error                struct {
		Message string `json:"Message"`
	} `json:"Error"`
}

type lastListed struct {
	ServiceNamespace           string       `json:"ServiceNamespace"`
	LastAuthenticated          instant      `json:"LastAuthenticated"`
	LastAuthenticatedEntity    string       `json:"LastAuthenticatedEntity"`
	TotalAuthenticatedEntities int          `json:"TotalAuthenticatedEntities"`
	TrackedActions             []lastAction `json:"TrackedActionsLastAccessed"`
}

type lastAction struct {
	ActionName       string  `json:"ActionName"`
	LastAccessedTime instant `json:"LastAccessedTime"`
}

// instant is a date as the AWS CLI and boto write it. The zero value is none.
type instant struct{ time.Time }

// dates are the forms of a date in a string: the AWS CLI's, and what Python makes of one.
var dates = [...]string{time.RFC3339, "2006-01-02 15:04:05Z07:00"}

// UnmarshalJSON reads a string with date, time and zone, or seconds since 1970. A date
// that isn't one is an error and never "no date", which would mean "never used".
func (t *instant) UnmarshalJSON(src []byte) error {
	want := wantError("want a date with its zone, such as \"2026-06-30T12:00:00Z\", or seconds since 1970")
	switch jsontext.Value(src).Kind() {
	case 'n':
		return nil
	case '0':
		seconds, err := strconv.ParseFloat(string(src), 64)
		if err != nil {
			return want
		}
		whole, part := math.Modf(seconds)
		if math.Abs(whole) > 1e11 {
			return want
		}
		t.Time = time.Unix(int64(whole), int64(part*1e9)).UTC()
	case '"':
		var s string
		if err := json.Unmarshal(src, &s); err != nil {
			return err
		}
		for _, form := range dates {
			if at, err := time.Parse(form, s); err == nil {
				t.Time = at.UTC()
			}
		}
	}
	if t.Year() < 2000 || t.Year() > 2200 {
		return want
	}
	return nil
}

// lastReader reads an answer, and collects what is wrong with it.
type lastReader struct{ text }

// complete says whether the answer is of the right kind and of a job that is done.
func (r *lastReader) complete(in *lastAnswer) bool {
	switch {
	case in.EntityDetailsList != nil:
		r.report("/EntityDetailsList", "an answer of get-service-last-accessed-details-with-entities, which is about one service: want "+wantLast)
	case in.AccessDetails != nil:
		r.report("/AccessDetails", "an answer of get-organizations-access-report, which is about accounts: want "+wantLast)
	case in.JobStatus == "IN_PROGRESS":
		r.report("/JobStatus", "the job wasn't done: ask again, aws iam get-service-last-accessed-details --job-id ID, until JobStatus is COMPLETED")
	case in.JobStatus == "FAILED":
		r.report("/JobStatus", "the job failed%s: make a new one, aws iam generate-service-last-accessed-details --arn ARN --granularity ACTION_LEVEL", because(in.Error.Message))
	case in.JobStatus == "" && in.ServicesLastAccessed == nil && in.JobID != "":
		r.report("/JobId", "an answer of generate-service-last-accessed-details, which has only the number of the job: want the job's result, aws iam get-service-last-accessed-details --job-id ID")
	case in.ServicesLastAccessed == nil:
		r.report("", "no ServicesLastAccessed: want "+wantLast)
	case in.JobStatus != "COMPLETED":
		r.report("", "JobStatus %q: want a job that is COMPLETED", in.JobStatus)
	}
	return len(r.errs) == 0
}

func because(message string) string {
	if message == "" {
		return ""
	}
	return " (" + strconv.Quote(message) + ")"
}

// service adds the i-th listed service. One that is listed twice counts once, by its last
// use.
func (r *lastReader) service(out *LastAccessed, i int, in *lastListed) {
	at := "/ServicesLastAccessed/" + strconv.Itoa(i)
	if _, err := policy.ParseActionPattern(in.ServiceNamespace + ":*"); err != nil {
		r.report(at, `ServiceNamespace %q: want a service, such as "s3"`, in.ServiceNamespace)
		return
	}
	prefix := strings.ToLower(in.ServiceNamespace)
	s := out.services[prefix]
	if s == nil {
		s = &lastService{start: trackingStart(prefix)}
		out.services[prefix] = s
	}
	s.at = later(s.at, in.LastAuthenticated.Time)
	if s.actions == nil && len(in.TrackedActions) > 0 {
		s.actions = make(map[string]time.Time, len(in.TrackedActions))
	}
	for j, tracked := range in.TrackedActions {
		a, err := policy.ParseAction(prefix + ":" + tracked.ActionName)
		if err != nil || strings.Contains(a.Name, ":") {
			r.report(at+"/TrackedActionsLastAccessed/"+strconv.Itoa(j), `ActionName %q: want the name of an action, such as "GetBucketAcl"`, tracked.ActionName)
			continue
		}
		s.add(a.Name, tracked.LastAccessedTime.Time)
	}
}

// principal finds out whom the answer is about.
func (r *lastReader) principal(out *LastAccessed, in *lastAnswer) {
	for _, member := range []struct{ name, arn string }{{"Arn", in.ARN}, {"arn", in.LowerARN}, {"PrincipalArn", in.PrincipalARN}} {
		switch {
		case member.arn == "":
		case !isPrincipal(member.arn):
			r.report("/"+member.name, "%q: want %s; a job for a group or a policy doesn't say who used what", member.arn, wantMember)
		case out.Principal != "" && out.Principal != member.arn:
			r.report("/"+member.name, "%q, and %q before: want one principal", member.arn, out.Principal)
		default:
			out.Principal = member.arn
		}
	}
	if out.Principal == "" && len(r.errs) == 0 {
		r.fromEntities(out, *in.ServicesLastAccessed)
	}
}

// fromEntities takes the principal from the entities that called the services. In a job
// for a role or user they are all that role or user; of a group or policy they may be
// anybody.
func (r *lastReader) fromEntities(out *LastAccessed, services []lastListed) {
	for i, s := range services {
		at := "/ServicesLastAccessed/" + strconv.Itoa(i)
		switch entity := s.LastAuthenticatedEntity; {
		case s.TotalAuthenticatedEntities > 1:
			r.report(at+"/TotalAuthenticatedEntities", "%d: a job for a group or a policy, which doesn't say who used what: want a job for each role and user", s.TotalAuthenticatedEntities)
			return
		case entity == "":
		case !isPrincipal(entity):
			r.report(at+"/LastAuthenticatedEntity", "%q: want a role or a user; if the job was for one, %s", entity, addTheARN)
			return
		case out.Principal != "" && out.Principal != entity:
			r.report(at+"/LastAuthenticatedEntity", "%q, and %q before: a job for a group or a policy; want one for each role and user", entity, out.Principal)
			return
		default:
			out.Principal = entity
		}
	}
	if out.Principal == "" {
		r.report("", "no ARN of the role or user that the job was made for, and no service was used by anybody: "+addTheARN)
		return
	}
	out.Warnings = append(out.Warnings, "the principal isn't named and is taken from LastAuthenticatedEntity: if the job was for a group or a policy, this is wrong; "+addTheARN)
}

func (r *lastReader) warn(out *LastAccessed) {
	if out.Truncated {
		out.Warnings = append(out.Warnings, morePages)
	}
	if out.Until.IsZero() {
		out.Warnings = append(out.Warnings, "no JobCompletionDate: nothing is taken for unused")
	}
	slices.Sort(out.Warnings)
}

// isPrincipal says whether a text is the ARN of a role or user.
func isPrincipal(s string) bool {
	arn, err := policy.ParseARN(s)
	return err == nil && arn.Service == "iam" && arn.Account != "" && arn.ID() != "" && (arn.Type() == "role" || arn.Type() == "user")
}

// mergeWarnings is the warnings of both, sorted, each once; that there are more pages only
// if it is true of both.
func mergeWarnings(a, b *LastAccessed) []string {
	all := slices.Concat(a.Warnings, b.Warnings)
	if !a.Truncated || !b.Truncated {
		all = slices.DeleteFunc(all, func(w string) bool { return w == morePages })
	}
	slices.Sort(all)
	return slices.Compact(all)
}
