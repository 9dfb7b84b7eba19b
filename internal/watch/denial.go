package watch

import (
	"bytes"
	"cmp"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/pare-iam/pare/cloudtrail"
	"github.com/pare-iam/pare/internal/apply"
	"github.com/pare-iam/pare/policy"
)

// Verdict is what explains a denial.
type Verdict string

// The verdicts.
const (
	Removed   Verdict = "removed"    // a step took away what the call needs
	GivenBack Verdict = "given back" // one did, and was taken back since
	NotByPare Verdict = "not by pare"
)

// Denial is a denied call of a principal that the plan changed.
type Denial struct {
	EventID   string    `json:"eventId"`
	Time      time.Time `json:"time"`
	Principal string    `json:"principal"` // ARN of the role or user
	Session   string    `json:"session,omitempty"`
	Source    string    `json:"eventSource"`
	Name      string    `json:"eventName"`
	Region    string    `json:"region,omitempty"`
	Code      string    `json:"errorCode"`
	Message   string    `json:"errorMessage,omitempty"`
	Needs     []string  `json:"needs"` // actions that the call may need, those that it always needs first; empty: none is known
	Verdict   Verdict   `json:"verdict"`
	Actions   []string  `json:"actions"`        // of Needs, what a step took away
	Steps     []string  `json:"steps"`          // ids of the steps that did
	Deny      string    `json:"deny,omitempty"` // where AWS says that an explicit deny is: "service control policy"

	who principal
}

// Who is the principal in words: "role app".
func (d *Denial) Who() string { return d.who.String() }

// What AWS says in the message of a denied call.
var (
	saysAction   = regexp.MustCompile(`not authorized to perform: ([a-zA-Z0-9-]+:[a-zA-Z0-9]+)`)
	saysResource = regexp.MustCompile(`on resource: "?(arn:[^\s"]+)`)
	saysDeny     = regexp.MustCompile(`with an explicit deny(?: in an? ([a-zA-Z -]+?(?:policy|boundary)))?`)
)

// denial is a record as the denial of a principal that the plan changed; nil: it isn't one.
func (c *Changes) denial(m *cloudtrail.Mapper, r record) *Denial {
	who, ok := principalOf(r.caller())
	if !ok || !r.refused() || !slices.ContainsFunc(c.steps, func(s step) bool { return slices.Contains(s.who, who) }) {
		return nil
	}
	d := &Denial{
		EventID: r.ID, Time: r.Time.UTC(), Principal: r.caller(), Source: r.Source, Name: r.Name, Region: r.Region,
		Code: r.Code, Message: r.Message, Needs: []string{}, Actions: []string{}, Steps: []string{}, who: who,
	}
	if r.Identity.ARN != d.Principal {
		d.Session = r.Identity.ARN
	}
	sure, perhaps := needs(m, r)
	d.Needs = append(append(d.Needs, sure...), perhaps...)
	if deny := saysDeny.FindStringSubmatch(r.Message); deny != nil {
		d.Deny = cmp.Or(deny[1], someDeny)
	}
	resource := ""
	if said := saysResource.FindStringSubmatch(r.Message); said != nil {
		resource = strings.TrimRight(said[1], ".,")
	}
	if c.explain(d, sure, resource); d.Verdict == NotByPare {
		c.explain(d, perhaps, resource)
	}
	return d
}

// needs are the actions that a call always needs, and those that it may need. The one that
// AWS names is what it was denied for.
func needs(m *cloudtrail.Mapper, r record) (sure, perhaps []string) {
	if said := saysAction.FindStringSubmatch(r.Message); said != nil {
		return []string{said[1]}, nil
	}
	t := m.NewTally(cloudtrail.Options{})
	_ = t.Read(r.ID, bytes.NewReader(r.text)) // it is in memory
	for _, use := range t.Uses() {
		if use.Primary {
			sure = append(sure, use.Action)
		} else {
			perhaps = append(perhaps, use.Action)
		}
	}
	return slices.Compact(sure), slices.Compact(perhaps)
}

// explain looks for the steps that took any of the actions away from the caller.
func (c *Changes) explain(d *Denial, actions []string, resource string) {
	d.Verdict = NotByPare
	for _, text := range actions {
		action, err := policy.ParseAction(text)
		if err != nil {
			continue
		}
		for i := range c.steps {
			s := &c.steps[i]
			when := s.at(d.Time)
			if when == before || !slices.Contains(s.who, d.who) || !s.explains(d, action, resource) {
				continue
			}
			switch {
			case when == during && d.Verdict != Removed:
				d.Verdict, d.Actions, d.Steps = Removed, nil, nil
			case when == since && d.Verdict == Removed:
				continue
			case when == since:
				d.Verdict = GivenBack
			}
			d.Actions, d.Steps = with(d.Actions, text), with(d.Steps, s.ID)
		}
	}
}

// someDeny is a Denial's Deny when AWS doesn't say of which kind the policy is.
const someDeny = "policy"

func with(list []string, text string) []string {
	if slices.Contains(list, text) {
		return list
	}
	return append(list, text)
}

// explains says whether the step took an action away. The resource is what AWS names, or "".
func (s *step) explains(d *Denial, action policy.Action, resource string) bool {
	quarantine := s.quarantines()
	if d.Deny != "" {
		return quarantine && (d.Deny == someDeny || d.Deny == "identity-based policy")
	}
	return quarantine || s.takes(action, resource)
}

// quarantines says whether the step denies everything.
func (s *step) quarantines() bool {
	return slices.ContainsFunc(s.Actions, func(a apply.Action) bool {
		inline, ok := a.Target.(apply.Inline)
		return ok && inline.Name == apply.QuarantinePolicy && a.Leave.There
	})
}

// takes says whether what the step replaced allows the action on the resource, and what it
// left doesn't.
func (s *step) takes(action policy.Action, resource string) bool {
	had, has := false, false
	for _, a := range s.Actions {
		switch a.Target.(type) {
		case apply.Policy, apply.Attachment, apply.Inline:
			had = had || a.Expect.There && allows(a.Expect.Document, action, resource)
			has = has || a.Leave.There && allows(a.Leave.Document, action, resource)
		case apply.RoleTag, apply.AccessKey, apply.Password, apply.ProfileRole, apply.Role:
		}
	}
	return had && !has
}

// allows says whether a document allows an action on a resource, under some conditions or
// none. "" is any resource.
func allows(doc string, action policy.Action, resource string) bool {
	parsed, err := policy.Parse("policy", []byte(doc))
	if err != nil {
		return false
	}
	return slices.ContainsFunc(parsed.Statements, func(st policy.Statement) bool {
		return st.Effect == policy.Allow && st.Action.Match(action) && (resource == "" || reaches(st.Resource, resource))
	})
}

// reaches says whether a resource is among those of a statement, or may be.
func reaches(list policy.Resources, resource string) bool {
	if !list.Present || list.Not {
		return true
	}
	return slices.ContainsFunc(list.Entries, func(e policy.ResourceEntry) bool {
		pattern, known := e.Template.Pattern()
		return !known || pattern.Match(resource)
	})
}

// Rollback is what takes back the steps that explain a denial, as arguments of `pare
// rollback`: by what they took away, if no other step took it, else by the steps' ids.
func (c *Changes) Rollback(d *Denial) []string {
	names := d.Actions
	for _, text := range d.Actions {
		action, err := policy.ParseAction(text)
		for i := range c.steps {
			s := &c.steps[i]
			if mine := slices.Contains(d.Steps, s.ID); err != nil || mine != (s.quarantines() || s.takes(action, "")) {
				names = d.Steps
			}
		}
	}
	var out []string
	for _, name := range names {
		out = append(out, "--action", name)
	}
	return out
}

// Title is what a step does, in words.
func (c *Changes) Title(id string) string {
	for _, s := range c.steps {
		if s.ID == id {
			return s.Step.Title
		}
	}
	return ""
}

func byTime(a, b *Denial) int {
	return cmp.Or(a.Time.Compare(b.Time), strings.Compare(a.EventID, b.EventID))
}
