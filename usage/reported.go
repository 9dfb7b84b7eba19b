package usage

import (
	"strconv"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/pare-iam/pare/catalog"
	"github.com/pare-iam/pare/policy"
)

// Reported is an unused access finding of Access Analyzer about one role or user: a Source
// of what AWS says. It is read-only.
//
// What the finding doesn't list is Unknown: AWS may not track it. What it lists was last
// used when it says, and not between then and when it was analyzed:
//
//   - with a time before the window it is NotUsed, with one in the window InUse;
//   - without a time, AWS says no more than that it wasn't used at the analyzer's unused
//     access age. Whether that is the whole window depends on the age, which isn't in the
//     finding: Age.
//
// Only a finding that is ACTIVE or ARCHIVED and was analyzed at most a day before the end
// of the window makes anything NotUsed.
//
// https://docs.aws.amazon.com/access-analyzer/latest/APIReference/API_GetFindingV2.html
// https://docs.aws.amazon.com/access-analyzer/latest/APIReference/API_UnusedPermissionDetails.html
type Reported struct {
	Principal  string        // ARN of the role or user
	AnalyzedAt time.Time     // when AWS looked; zero: not known, and nothing is unused
	Status     string        // ACTIVE, ARCHIVED or RESOLVED
	Age        time.Duration // the analyzer's unused access age, whole days; 0: not known
	Truncated  bool          // there are more pages; each page is a source of its own
	Warnings   []string      // what a reader should know; mostly empty

	services map[string]*reportedService // by prefix
}

// reportedService is what is unused of a service.
type reportedService struct {
	whole   bool
	last    time.Time            // of the service; zero when the finding doesn't say
	actions map[string]time.Time // by name in lower case; zero when the finding doesn't say
}

const (
	wantReported = "an answer of aws accessanalyzer get-finding-v2"
	onePage      = "nextToken: there are more pages, and what isn't listed is kept; fetch all pages"
)

// reportedAnswer is the answer as the AWS CLI prints it.
type reportedAnswer struct {
	Resource       string  `json:"resource"`
	AnalyzedAt     instant `json:"analyzedAt"`
	Status         string  `json:"status"`
	FindingType    string  `json:"findingType"`
	Error          string  `json:"error"`
	NextToken      string  `json:"nextToken"`
	FindingDetails *[]struct {
		UnusedPermissionDetails *details `json:"unusedPermissionDetails"`
	} `json:"findingDetails"`
}

// ParseReported reads an answer of `aws accessanalyzer get-finding-v2` about unused
// permissions. The age is the analyzer's unused access age (`aws accessanalyzer
// get-analyzer`, unusedAccessAge), 0 if it isn't known. The error is a policy.Errors; the
// name is for messages and isn't opened.
func ParseReported(name string, src []byte, age time.Duration) (*Reported, error) {
	r := &reportedReader{source: source{text: text{name: name, src: src, empty: wantReported}}}
	var in reportedAnswer
	if !r.decode(src, "", wantReported, &in) || !r.complete(&in) {
		return nil, r.err()
	}
	out := &Reported{
		Principal: in.Resource, AnalyzedAt: in.AnalyzedAt.Time, Status: in.Status, Age: age,
		Truncated: in.NextToken != "", services: map[string]*reportedService{},
	}
	if out.Truncated {
		out.Warnings = append(out.Warnings, onePage)
	}
	for i, d := range *in.FindingDetails {
		at := "/findingDetails/" + strconv.Itoa(i)
		if d.UnusedPermissionDetails == nil {
			r.report(at, "no unusedPermissionDetails: want a finding of type UnusedPermission")
			continue
		}
		r.service(out, *d.UnusedPermissionDetails, at+"/unusedPermissionDetails")
	}
	if err := r.err(); err != nil {
		return nil, err
	}
	return out, nil
}

type reportedReader struct{ source }

// complete says whether the answer is of the right kind.
func (r *reportedReader) complete(in *reportedAnswer) bool {
	switch {
	case in.FindingType != "" && in.FindingType != "UnusedPermission":
		r.report("/findingType", "%q: want a finding of type UnusedPermission, which names unused actions", in.FindingType)
	case in.FindingDetails == nil:
		r.report("", "no findingDetails: want "+wantReported)
	case in.Error != "":
		r.report("/error", "%q: AWS couldn't make the finding; want one without an error", in.Error)
	case !isPrincipal(in.Resource):
		r.report("", "resource %q: want the ARN of a role or a user", in.Resource)
	}
	return len(r.errs) == 0
}

// service adds what is unused of one service. A service that stands twice is unused as a
// whole only if both say so.
func (r *reportedReader) service(out *Reported, d details, at string) {
	wrong := len(r.errs)
	r.details(d, at)
	var last instant
	if len(r.errs) > wrong || d.LastAccessed != nil && !r.decode(d.LastAccessed, at+"/lastAccessed", "a date", &last) {
		return
	}
	pattern, err := policy.ParseActionPattern(d.ServiceNamespace + ":*")
	if err != nil {
		r.report(at, "serviceNamespace %q: %v", d.ServiceNamespace, err)
		return
	}
	s := &reportedService{whole: d.Actions == nil, last: last.Time, actions: map[string]time.Time{}}
	r.actions(s, pattern.Service, d.Actions, at+"/actions")
	if before := out.services[pattern.Service]; before != nil {
		s.join(before)
	}
	out.services[pattern.Service] = s
}

// actions adds the actions of a list that details has read without an error.
func (r *reportedReader) actions(s *reportedService, prefix string, list jsontext.Value, at string) {
	var items []jsontext.Value
	if list == nil || !r.decode(list, at, "a list of actions", &items) {
		return
	}
	for i, item := range items {
		here := at + "/" + strconv.Itoa(i)
		var object struct {
			LastAccessed instant `json:"lastAccessed"`
		}
		if item.Kind() == '{' && !r.decode(item, here, "a date", &object) {
			continue
		}
		// Every item is one entry of out.Actions, and these are the last ones.
		a := r.out.Actions[len(r.out.Actions)-len(items)+i].Action
		if a.Service != prefix {
			r.report(here, "%q: want an action of %s", a, prefix)
			continue
		}
		s.actions[a.Name] = later(s.actions[a.Name], object.LastAccessed.Time)
	}
}

func (s *reportedService) join(other *reportedService) {
	s.whole = s.whole && other.whole
	s.last = later(s.last, other.last)
	for name, at := range other.actions {
		s.actions[name] = later(s.actions[name], at)
	}
}

// Action implements Source.
func (r *Reported) Action(a policy.Action, w Window) Sighting { return r.view(w).Action(a, false) }

// Service implements Source.
func (r *Reported) Service(prefix string, w Window) Sighting { return r.view(w).Whole(prefix) }

func (r *Reported) view(w Window) *reportedView { return &reportedView{r, w} }

// reportedView is a Reported at one window.
type reportedView struct {
	r *Reported
	w Window
}

func (v *reportedView) Whole(prefix string) Sighting {
	o := outcome{source: AccessAnalyzer}
	if s := v.r.services[prefix]; s != nil {
		o.last = s.last
		if s.whole || v.w.Used(s.last) {
			o = v.reported(s.last)
		}
	}
	return v.sighting(o)
}

// sighting is an outcome with the notes that a reader of it needs.
func (v *reportedView) sighting(o outcome) Sighting {
	out := o.sighting()
	out.Until = v.r.AnalyzedAt
	switch {
	case o.why == EndsEarly:
		out.Note = "analyzed " + stamp(v.r.AnalyzedAt)
	case o.why == ShorterWindow && v.r.Age == 0:
		out.Note = "the analyzer's unused access age isn't known"
	case o.why == ShorterWindow:
		out.Note = "unused access age " + strconv.Itoa(int(v.r.Age/Day)) + " days"
	case o.why == NotListed && !v.standing():
		out.Note = "the finding is " + v.r.Status
	}
	return out
}

func (v *reportedView) Action(a policy.Action, doubted bool) Sighting {
	return v.sighting(v.one(v.r.services[a.Service], a, doubted))
}

func (v *reportedView) Each(actions []*catalog.Action, doubted bool, out []outcome) {
	if len(actions) == 0 {
		return
	}
	s := v.r.services[actions[0].Service.Prefix]
	for i, a := range actions {
		out[i] = v.one(s, policy.Action{Service: a.Service.Prefix, Name: a.Lower}, doubted)
	}
}

// one decides one action of a service; s is nil if the finding doesn't have the service.
func (v *reportedView) one(s *reportedService, a policy.Action, doubted bool) outcome {
	if s == nil {
		return outcome{source: AccessAnalyzer}
	}
	at, listed := s.actions[a.Name]
	switch {
	case listed && (a != passRole || v.w.Used(at)):
		return v.reported(at)
	case a == passRole:
		return outcome{source: AccessAnalyzer, why: NotTracked}
	case !s.whole || v.w.Used(s.last):
		return outcome{source: AccessAnalyzer}
	case doubted:
		return outcome{source: AccessAnalyzer, why: Contradicted}
	}
	o := v.reported(s.last)
	o.last = time.Time{} // that of the service isn't the action's
	return o
}

// standing says whether the finding still says that something is unused.
func (v *reportedView) standing() bool { return v.r.Status == "ACTIVE" || v.r.Status == "ARCHIVED" }

// reported decides what is listed with the time of its last use, zero if there is none.
func (v *reportedView) reported(last time.Time) outcome {
	o := outcome{source: AccessAnalyzer, last: last}
	begin := v.r.AnalyzedAt.Add(-v.r.Age) // unused since then
	if !last.IsZero() {
		begin = last
	}
	switch {
	case v.w.Used(last):
		o.state, o.why = InUse, Seen
	case !v.standing():
		o.why = NotListed
	case v.r.AnalyzedAt.IsZero() || v.w.Now.Sub(v.r.AnalyzedAt) > Day:
		o.why = EndsEarly
	case last.IsZero() && v.r.Age == 0, begin.After(v.w.From()):
		o.why = ShorterWindow
	default:
		return unused(AccessAnalyzer, last)
	}
	return o
}
