package cloudtrail

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// seen is a record's fields as text, to compare two readers of it.
type seen struct {
	Time, Source, Name, Region, Account, Error, Type, Category string
	Kind, ARN, IDAccount, InvokedBy, Issuer                    string
	ReadOnly, NotManagement, Insight                           bool
	Params                                                     any
	Resources                                                  []string
	Texts                                                      []string // in params, in order, with their names
}

// scanned is what the scanner makes of a text that is a record and nothing else.
func scanned(s *scanner, text []byte) (seen, bool) {
	s.reset(append(bytes.Clone(text), make([]byte, pad)...), len(text))
	var r record
	next := s.record(s.blank(0), &r)
	if next < 0 || s.blank(next) != len(text) {
		return seen{}, false
	}
	out := seen{
		Time: string(r.time), Source: string(r.source), Name: string(r.name), Region: string(r.region), Account: string(r.account),
		Error: string(r.errorCode), Type: string(r.eventType), Category: string(r.category),
		Kind: string(r.identity.kind), ARN: string(r.identity.arn), IDAccount: string(r.identity.account), InvokedBy: string(r.identity.invokedBy),
		Issuer: string(r.identity.issuer), ReadOnly: r.readOnly, NotManagement: r.notManagement, Insight: r.insight,
	}
	if r.params != nil {
		out.Params, _ = decoded(r.params)
		s.parameters(r.params, func([]byte) {}, func(p parameter) { out.Texts = append(out.Texts, string(p.name)+"="+string(p.text)) })
	}
	for _, x := range r.resources {
		out.Resources = append(out.Resources, string(x.arn)+" "+string(x.kind))
	}
	return out, true
}

func decoded(text []byte) (any, error) {
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.UseNumber()
	var v any
	if err := dec.Decode(&v); err != nil {
		return nil, err
	}
	if _, err := dec.Token(); err != io.EOF {
		return nil, errors.New("more than one value")
	}
	return v, nil
}

// unmarshaled is what encoding/json makes of it.
func unmarshaled(text []byte) (seen, bool) {
	v, err := decoded(text)
	m, ok := v.(map[string]any)
	if err != nil || !ok {
		return seen{}, false
	}
	get := func(v any, path ...string) string {
		for _, name := range path {
			m, _ := v.(map[string]any)
			v = m[name]
		}
		s, _ := v.(string)
		return s
	}
	id := m["userIdentity"]
	_, insight := m["insightDetails"]
	out := seen{
		Time: get(m, "eventTime"), Source: get(m, "eventSource"), Name: get(m, "eventName"), Region: get(m, "awsRegion"), Account: get(m, "recipientAccountId"),
		Error: get(m, "errorCode"), Type: get(m, "eventType"), Category: get(m, "eventCategory"),
		Kind: get(id, "type"), ARN: get(id, "arn"), IDAccount: get(id, "accountId"), InvokedBy: get(id, "invokedBy"),
		Issuer: get(id, "sessionContext", "sessionIssuer", "arn"), ReadOnly: m["readOnly"] == true, NotManagement: m["managementEvent"] == false, Insight: insight,
	}
	if params, ok := m["requestParameters"].(map[string]any); ok {
		out.Params = params
		out.Texts = textsIn(text)
	}
	if list, ok := m["resources"].([]any); ok {
		for _, x := range list {
			out.Resources = append(out.Resources, get(x, "ARN")+" "+get(x, "type"))
		}
	}
	return out, true
}

// textsIn lists the texts of the last requestParameters in order.
func textsIn(record []byte) []string {
	dec := json.NewDecoder(bytes.NewReader(record))
	dec.UseNumber()
	var out []string
	mustToken(dec)
	for dec.More() {
		name := mustToken(dec)
		if name == "requestParameters" {
			out = nil
			walkTexts(dec, "", &out)
			continue
		}
		walkTexts(dec, "", new([]string))
	}
	return out
}

func mustToken(dec *json.Decoder) json.Token {
	tok, err := dec.Token()
	if err != nil {
		panic(err) // it was decoded before
	}
	return tok
}

func walkTexts(dec *json.Decoder, name string, out *[]string) {
	switch tok := mustToken(dec); tok {
	case json.Delim('{'):
		for dec.More() {
			walkTexts(dec, mustToken(dec).(string), out)
		}
		mustToken(dec)
	case json.Delim('['):
		for dec.More() {
			walkTexts(dec, name, out)
		}
		mustToken(dec)
	default:
		if s, ok := tok.(string); ok {
			*out = append(*out, name+"="+s)
		}
	}
}

var seeds = []string{
	`{"eventVersion":"1.11","userIdentity":{"type":"AssumedRole","arn":"a","accountId":"1","invokedBy":"x","sessionContext":{"sessionIssuer":{"arn":"i"}}},"eventTime":"2026-03-05T10:11:12Z","eventSource":"s3.amazonaws.com","eventName":"GetObject","awsRegion":"r","errorCode":"AccessDenied","readOnly":true,"managementEvent":false,"resources":[{"ARN":"b","type":"t"},7,{}],"requestParameters":{"a":{"b":["c","d",{"e":"f"},"g"]}},"recipientAccountId":"2","eventType":"e","eventCategory":"c"}`,
	`{"eventName":"\u0041\ud83d\ude00\ud83d\/\"\\\b\f\n\r\t","\u0065ventSource":"x"}`,
	"{\"eventName\":\"\xff\xc3\xa9\", \"eventSource\" : \"y\"\n}",
	`{"eventName":"a","eventName":5,"userIdentity":{"arn":"a"},"userIdentity":{"type":"b"},"resources":[{"ARN":"x"}],"resources":{}}`,
	`{"a":[1,-0,0.5,1e9,-1.25E-3,true,false,null,[[],{}],{"b":{}}]}`,
	`{"a":01}`, `{"a":1.}`, `{"a":"\x"}`, `{"a":tru}`, `{"a":[1,]}`, `{"a":{"b"}}`, `{,}`, `{"a":1,}`, `[]`, `{`, ``, `{"a":"` + "\x00" + `"}`, `{"a":[}`, `{"a":{]}`,
	// One after the other: names and values that are much like the ones before.
	`{"recipientAccountId":"1","eventSource":"a","x":12,"eventType":"b"}`, `{"recipientXccountId":"1","eventSourc_":"a","x":123,"eventTypo":"b"}`,
	`{"xecipientAccountId":"1"}`, `{"recipientAccountId":"1","eventSource":"a","x":{"y":null},"eventType":"b"}`, `{"recipientAccountId":"1","eventSource":"a","x":{"y":nul}}`,
	// Runs of members that were there before, whole or not, and what may follow them.
	`{"x":"","eventType":"b","managementEvent":false,"recipientAccountId":"1"}`, `{"x":"","eventType":"b","managementEvent":false,"recipientAccountId":"1","eventType":"c","eventCategory":7}`,
	`{"x":"","eventType":"b","managementEvent":true}`, `{"x":"","eventType":"b","managementEvent":truer}`, `{"x":"","eventType":"b","managementEvent":true "y":1}`, `{"x":"","eventType":"b","managementEvent":true,}`,
	`{"x":"","eventType":"\u0062","managementEvent":1}`, `{"x":"","eventType":"é","managementEvent":12}`, `{"x":"","eventType":"\u0062","eventCategory":"c"}`, "{\"x\":\"\",\"eventType\":\"\xff\",\"eventCategory\":\"c\"}", `{"x":"","eventCategory":null,"eventType":"b"}`, `{"x":"","eventType":"b","y":{"eventType":"c"}}`,
	`{"sessionContext":1,"userIdentity":{"sessionContext":{"sessionIssuer":{"arn":"x"}},"sessionContext":{}}}`,
	`{"userIdentity":{"sessionContext":{"sessionIssuer":{"arn":"x"},"sessionIssuer":null}},"insightDetails":null,"requestParameters":{},"requestParameters":1}`,
}

// FuzzScanner: for any text, the scanner finds in a record what encoding/json finds, or
// both refuse it; also when it has just read another record, whose names, values and
// identity it remembers.
func FuzzScanner(f *testing.F) {
	for _, s := range seeds {
		f.Add([]byte(s))
		f.Add([]byte(strings.Replace(s, `"accountId":"1"`, `"accountId":"`+strings.Repeat("1", 300)+`"`, 1)))
	}
	used := scanner{sessions: newSessions()}
	f.Fuzz(func(t *testing.T, text []byte) {
		want, wantOK := unmarshaled(text)
		for _, s := range []*scanner{{}, &used, &used} {
			got, ok := scanned(s, text)
			if ok != wantOK {
				t.Fatalf("accepted: %v, by encoding/json: %v (at %d: %s)", ok, wantOK, s.at, s.want)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Fatalf("-encoding/json +scanner:\n%s", diff)
			}
		}
	})
}

// Every text that begins a record and isn't all of it is refused as short.
func TestScannerWantsMore(t *testing.T) {
	text := []byte(seeds[0])
	for n := range text {
		var s scanner
		if _, ok := scanned(&s, text[:n]); ok || !s.short() && n > 0 {
			t.Errorf("%q: accepted: %v, wants more: %v", text[:n], ok, s.short())
		}
	}
}

func TestScannerLimitsDepth(t *testing.T) {
	for depth, want := range map[int]bool{9999: true, 10000: false} {
		text := []byte(`{"a":` + strings.Repeat("[", depth) + strings.Repeat("]", depth) + `}`)
		var s scanner
		_, got := scanned(&s, text)
		if _, std := unmarshaled(text); got != want || std != want {
			t.Errorf("depth %d: accepted: %v, by encoding/json: %v, want %v", depth, got, std, want)
		}
	}
}

// The common form of a time is read as package time reads it.
func FuzzSeconds(f *testing.F) {
	for _, s := range []string{"2026-03-05T10:11:12Z", "2024-02-29T00:00:00Z", "2023-02-29T00:00:00Z", "1969-12-31T23:59:59Z", "0000-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "2026-13-01T00:00:00Z", "2026-03-05T10:11:12+01:00", "2026-04-31T10:11:12Z"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got, ok := utcSeconds([]byte(text))
		if !ok {
			return
		}
		want, wantOK := parsedSeconds(text)
		if !wantOK || got != want {
			t.Errorf("%q: %d, want %d, %v", text, got, want, wantOK)
		}
	})
}
