package samplegen

import (
	_ "embed"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

//go:embed noise.json
var noiseFile []byte

// noise is a kind of event that isn't a use of an action by a principal of the account:
// services at work, sign-ins that fail, callers of other accounts, roles being assumed.
type noise struct {
	Name   string         `json:"name"`
	Hourly bool           `json:"hourly"` // in each hour, in each Region: so no hour is without an event
	Every  int            `json:"every"`  // else on each n-th day; 0 is never
	Global bool           `json:"global"` // in the Region of global services
	Trust  string         `json:"trust"`  // at the first event of a day of a role with such a trust
	Record jsontext.Value `json:"record"`

	call *call // its params are the whole record
}

func readNoise() []*noise {
	var list []*noise
	if err := json.Unmarshal(noiseFile, &list, json.RejectUnknownMembers(true)); err != nil {
		panic("samplegen: noise.json: " + err.Error())
	}
	for _, n := range list {
		n.call = &call{params: newTemplate(n.Record)}
	}
	return list
}

// noise lists what goes on in a Region on a day besides the principals' events.
func (r *recorder) noise(region string, ago int, events []event) []event {
	midnight := r.w.options.Now.Add(-time.Duration(ago+1) * day)
	nobody := &principal{Name: "nobody"}
	var out []event
	add := func(n *noise, owner *principal, at time.Time) {
		out = append(out, event{&habit{number: -1, owner: owner, call: n.call, region: region}, ago, at})
	}
	for _, n := range r.kinds {
		home := region == homeRegion
		switch {
		case n.Hourly:
			for hour := range 24 {
				add(n, nobody, midnight.Add(time.Duration(hour)*time.Hour+r.within(54*time.Minute)))
			}
		case n.Every > 0 && home != n.Global && ago%n.Every == 0:
			add(n, nobody, midnight.Add(r.within(lastSecond*time.Second)))
		}
	}
	met := map[*principal]bool{}
	for _, e := range events {
		p := e.habit.owner
		if met[p] || !p.role {
			continue
		}
		met[p] = true
		if n := r.assumed(p); n != nil {
			add(n, p, maxTime(midnight, e.at.Add(-r.within(5*time.Minute))))
		}
	}
	return out
}

// assumed is the kind of event by which somebody who isn't a principal of the account
// takes a role; nil if only principals do.
func (r *recorder) assumed(p *principal) *noise {
	kind, id, _ := strings.Cut(p.Trust, ":")
	switch {
	case kind == "role" || kind == "user" || kind == "account" && id == r.w.options.AccountID:
		return nil
	case strings.Contains(kind, "."):
		kind = "service"
	}
	for _, n := range r.kinds {
		if n.Trust == kind {
			return n
		}
	}
	return nil
}

// within is a random number of whole seconds below a bound.
func (r *recorder) within(bound time.Duration) time.Duration {
	return time.Duration(r.pcg.Uint64()%uint64(bound/time.Second)) * time.Second
}

func maxTime(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
