package samplegen

import (
	_ "embed"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

//go:embed calls.json
var callsFile []byte

// callTable is calls.json: what isn't as a call's name suggests, and the parameters of
// the common ones.
type callTable struct {
	sources map[string]string // host of a service's events, where it isn't the prefix
	regions map[string]string // of services with one Region for all
	written map[string]writtenCall
	calls   map[string]*call // made so far
}

// writtenCall is a member of calls.json. Every string but Like may hold ${names}.
type writtenCall struct {
	Like      string         `json:"like"`   // a call that this one is the same as, but for what it says itself
	Event     string         `json:"event"`  // name of the event; "" is the call's
	Action    string         `json:"action"` // "" is the call's name; "-" is none
	Type      string         `json:"type"`   // "" is AwsApiCall
	Data      string         `json:"data"`   // resource type of data events; "-": no trail has the call
	Free      bool           `json:"free"`   // needs no permission
	Passes    bool           `json:"passes"` // passes a role
	Read      bool           `json:"read"`
	Params    jsontext.Value `json:"params"`
	Response  jsontext.Value `json:"response"`
	Extra     jsontext.Value `json:"extra"`
	Resources jsontext.Value `json:"resources"`
}

// call is a kind of API call.
type call struct {
	source, event, kind string
	action              string // "" when it isn't one
	data                string
	read, free, passes  bool
	params, response    template // empty: null
	extra, resources    template // empty: absent
}

func readCalls() *callTable {
	var file struct {
		Sources map[string]string      `json:"sources"`
		Regions map[string]string      `json:"regions"`
		Calls   map[string]writtenCall `json:"calls"`
	}
	if err := json.Unmarshal(callsFile, &file, json.RejectUnknownMembers(true)); err != nil {
		panic("samplegen: calls.json: " + err.Error())
	}
	return &callTable{file.Sources, file.Regions, file.Calls, map[string]*call{}}
}

// The Regions of every world.
const (
	homeRegion   = "eu-west-1"
	globalRegion = "us-east-1" // where global services log
)

func (t *callTable) region(service string) string {
	if r := t.regions[service]; r != "" {
		return r
	}
	return homeRegion
}

// call returns the call of a name such as "s3:GetObject".
func (t *callTable) call(name string) *call {
	if c := t.calls[name]; c != nil {
		return c
	}
	written := t.written[name]
	if written.Like != "" {
		written = written.over(t.written[written.Like])
	}
	service, event, _ := strings.Cut(name, ":")
	source := service
	if s := t.sources[service]; s != "" {
		source = s
	}
	c := &call{
		source: source + ".amazonaws.com", event: event, kind: "AwsApiCall", action: name, data: written.Data,
		free: written.Free, passes: written.Passes, read: written.Read || reads(event),
		params: newTemplate(written.Params), response: newTemplate(written.Response),
		extra: newTemplate(written.Extra), resources: newTemplate(written.Resources),
	}
	if written.Event != "" {
		c.event = written.Event
	}
	if written.Type != "" {
		c.kind = written.Type
	}
	switch written.Action {
	case "":
	case "-":
		c.action = ""
	default:
		c.action = written.Action
	}
	t.calls[name] = c
	return c
}

// over is other with what c says itself.
func (c writtenCall) over(other writtenCall) writtenCall {
	other.Action = c.Action
	other.Event = c.Event
	if c.Data != "" {
		other.Data = c.Data
	}
	if c.Params != nil {
		other.Params = c.Params
	}
	if c.Response != nil {
		other.Response = c.Response
	}
	return other
}

func reads(event string) bool {
	for _, word := range []string{"Get", "List", "Describe", "Head", "Lookup", "BatchGet", "Query", "Scan", "Filter"} {
		if strings.HasPrefix(event, word) {
			return true
		}
	}
	return false
}

// template is JSON text with places to fill in: texts[0], names[0], texts[1], …
type template struct {
	texts, names []string
}

// newTemplate cuts a value at its ${names}. "${#5}" with its quotes is a number of five
// digits.
func newTemplate(v jsontext.Value) template {
	if v == nil {
		return template{}
	}
	v = v.Clone() // Compact writes to it, and several calls may share it
	if err := v.Compact(); err != nil {
		panic("samplegen: calls.json: " + err.Error())
	}
	text := strings.ReplaceAll(string(v), `"${#`, `${#`)
	var t template
	for {
		before, rest, found := strings.Cut(text, "${")
		t.texts = append(t.texts, before)
		if !found {
			return t
		}
		name, after, _ := strings.Cut(rest, "}")
		if strings.HasPrefix(name, "#") {
			after = strings.TrimPrefix(after, `"`)
		}
		t.names = append(t.names, name)
		text = after
	}
}
