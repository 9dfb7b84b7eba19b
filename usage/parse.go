package usage

import (
	"bytes"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/pare-iam/pare/policy"
)

// ParseUnused reads a list of unused permissions in any of three forms:
//
//	[{"serviceNamespace": "s3", "actions": ["GetBucketAcl", …]}, …]   no actions: the whole service
//	{"findingDetails": [{"unusedPermissionDetails": {…}}, …], …}      what get-finding-v2 answers
//	["s3:GetBucketAcl", "lambda:*", …]
//
// An empty list of actions is no action, not the whole service. The error is a
// policy.Errors with everything that is wrong; the name is for messages and isn't
// opened.
func ParseUnused(name string, src []byte) (Unused, error) {
	s := &source{text: text{name: name, src: src, empty: "a list of unused permissions; when nothing is unused, []"}, out: Unused{name: name, src: src}}
	if dec := jsontext.NewDecoder(bytes.NewReader(src)); dec.PeekKind() == '{' {
		s.finding()
	} else {
		s.list(jsontext.Value(src), "")
	}
	if len(s.errs) > 0 {
		return Unused{}, s.errs
	}
	return s.out, nil
}

// source is a list that is being read, and what was read so far.
type source struct {
	text
	out Unused
}

const wantList = `a list of unused permissions, ["s3:GetBucketAcl", "lambda:*"] or [{"serviceNamespace": "s3", "actions": ["GetBucketAcl"]}]`

func (s *source) list(value jsontext.Value, pointer string) {
	var items []jsontext.Value
	if !s.decode(value, pointer, wantList, &items) {
		return
	}
	if items == nil {
		s.report(pointer, "null: want %s", wantList)
	}
	for i, item := range items {
		at := pointer + "/" + strconv.Itoa(i)
		switch item.Kind() {
		case '"':
			var text string
			if s.decode(item, at, `"service:Action" or "service:*"`, &text) {
				s.entry(text, at)
			}
		case '{':
			var d details
			if s.decode(item, at, `{"serviceNamespace": "s3", "actions": ["GetBucketAcl"]}`, &d) {
				s.details(d, at)
			}
		default:
			s.report(at, `%s: want "service:Action", "service:*" or {"serviceNamespace": …}`, kindName(item.Kind()))
		}
	}
}

// entry reads "service:Action" or "service:*".
func (s *source) entry(text, at string) {
	p, err := policy.ParseActionPattern(text)
	switch name, exact := p.Name.Text(); {
	case err != nil:
		s.report(at, "%q: %v", text, err)
	case p.AllServices():
		s.report(at, `%q: want "service:Action" or "service:*"; name each service that is unused`, text)
	case p.Whole():
		s.out.Services = append(s.out.Services, Service{p.Service, at})
	case !exact:
		s.report(at, `%q: want "service:Action" or "service:*"; name each action that is unused`, text)
	default:
		s.out.Actions = append(s.out.Actions, Action{policy.Action{Service: p.Service, Name: name}, at})
	}
}

// details is a service and what of it is unused: Access Analyzer's
// UnusedPermissionDetails, and the form of the announcement.
// https://docs.aws.amazon.com/access-analyzer/latest/APIReference/API_UnusedPermissionDetails.html
type details struct {
	ServiceNamespace string                    `json:"serviceNamespace"`
	Actions          jsontext.Value            `json:"actions"`      // a list; nil when it isn't there
	LastAccessed     jsontext.Value            `json:"lastAccessed"` // isn't looked at
	Rest             map[string]jsontext.Value `json:",embed"`       // members that the form doesn't have
}

const wantDetails = `want {"serviceNamespace": "s3", "actions": ["GetBucketAcl"]}, or without actions for the whole service`

// misspelled reports a member that the form doesn't have and that may stand for one which
// is missing. An "Actions" that was read over would make the whole service unused.
func (s *source) misspelled(d details, at, missing string) bool {
	for _, name := range slices.Sorted(maps.Keys(d.Rest)) {
		s.report(string(jsontext.Pointer(at).AppendToken(name)), "%q is no member of the form, and %s isn't there: %s", name, missing, wantDetails)
		return true
	}
	return false
}

func (s *source) details(d details, at string) {
	switch {
	case d.ServiceNamespace == "" && s.misspelled(d, at, "serviceNamespace"),
		d.Actions == nil && s.misspelled(d, at, "actions"):
		return
	}
	if _, err := policy.ParseActionPattern(d.ServiceNamespace + ":*"); err != nil {
		s.report(at, `serviceNamespace %q: want a service, such as "s3"`, d.ServiceNamespace)
		return
	}
	if d.Actions == nil {
		s.entry(d.ServiceNamespace+":*", at)
		return
	}
	if d.Actions.Kind() == 'n' {
		s.report(at+"/actions", `null: list the unused actions, or leave "actions" out if the whole service is unused`)
		return
	}
	var actions []jsontext.Value
	if !s.decode(d.Actions, at+"/actions", `{"serviceNamespace": "s3", "actions": ["GetBucketAcl"]}`, &actions) {
		return
	}
	for i, value := range actions {
		here := at + "/actions/" + strconv.Itoa(i)
		name, ok := s.actionName(value, here)
		if !ok {
			continue
		}
		if !strings.Contains(name, ":") {
			name = d.ServiceNamespace + ":" + name
		}
		a, err := policy.ParseAction(name)
		if err != nil {
			s.report(here, "%q: want the name of one action", name)
			continue
		}
		s.out.Actions = append(s.out.Actions, Action{a, here})
	}
}

// actionName reads "GetBucketAcl" or {"action": "GetBucketAcl", "lastAccessed": …}.
func (s *source) actionName(value jsontext.Value, at string) (string, bool) {
	const want = `an action, "GetBucketAcl" or {"action": "GetBucketAcl"}`
	var object struct {
		Action string `json:"action"`
	}
	ok := false
	if value.Kind() == '{' {
		ok = s.decode(value, at, want, &object)
	} else {
		ok = s.decode(value, at, want, &object.Action)
	}
	if ok && object.Action == "" {
		s.report(at, "no action: want %s", want)
	}
	return object.Action, ok && object.Action != ""
}

// finding reads an answer of get-finding-v2.
// https://docs.aws.amazon.com/access-analyzer/latest/APIReference/API_GetFindingV2.html
func (s *source) finding() {
	var f struct {
		FindingDetails *[]struct {
			UnusedPermissionDetails *details `json:"unusedPermissionDetails"`
		} `json:"findingDetails"`
		Findings    jsontext.Value `json:"findings"`
		FindingType string         `json:"findingType"`
		NextToken   string         `json:"nextToken"`
	}
	if !s.decode(s.src, "", "an answer of get-finding-v2", &f) {
		return
	}
	switch {
	case f.FindingType != "" && f.FindingType != "UnusedPermission":
		s.report("/findingType", "%q: want a finding of type UnusedPermission, which names unused actions", f.FindingType)
		return
	case f.FindingDetails == nil && f.Findings != nil:
		s.report("/findings", "a list of findings, which doesn't name actions: want one of them, aws accessanalyzer get-finding-v2 --analyzer-arn ARN --id ID")
		return
	case f.FindingDetails == nil:
		s.report("", "no findingDetails: want an answer of get-finding-v2, or %s", wantList)
		return
	case f.NextToken != "":
		s.report("/nextToken", "there are more pages: fetch them all and join their findingDetails")
		return
	}
	for i, d := range *f.FindingDetails {
		at := "/findingDetails/" + strconv.Itoa(i)
		if d.UnusedPermissionDetails == nil {
			s.report(at, "no unusedPermissionDetails: want a finding of type UnusedPermission")
			continue
		}
		s.details(*d.UnusedPermissionDetails, at+"/unusedPermissionDetails")
	}
}
