package notify

import (
	"fmt"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/pare-iam/pare/finding"
)

// Format is what a webhook's body looks like.
type Format string

// The formats.
const (
	// FormatPare is one JSON object, {"schemaVersion": 1, "events": […]}. Members are only
	// added.
	FormatPare Format = "pare"
	// FormatOCSF is one OCSF event a line.
	FormatOCSF Format = "ocsf"
)

const schemaVersion = 1

// event is a change in a webhook's body.
type event struct {
	ID       string          `json:"id"` // the same each time the event comes
	At       time.Time       `json:"time"`
	Analyzer string          `json:"analyzerArn"`
	Region   string          `json:"region"`
	Previous finding.Status  `json:"previousStatus"` // "" of a new finding
	Status   finding.Status  `json:"status"`
	Version  int             `json:"version"`
	Deleted  bool            `json:"isDeleted"`
	Finding  finding.Finding `json:"finding"` // as get-finding-v2 answers it
}

// body is a webhook's body.
type body struct {
	SchemaVersion int              `json:"schemaVersion"`
	Events        []jsontext.Value `json:"events"`
}

// eventBytes is a change in a format, by itself.
func (f Format) eventBytes(c Change, version string) []byte {
	//exhaustive:enforce
	switch f {
	case FormatPare:
		return must(json.Marshal(event{
			ID: c.Key(), At: c.At.UTC(), Analyzer: c.Analyzer, Region: c.Region, Previous: c.Previous, Status: c.Finding.Status,
			Version: c.Version, Deleted: c.Deleted, Finding: c.Finding,
		}))
	case FormatOCSF:
		return append(ocsfLine(c, version), '\n')
	}
	panic(fmt.Sprintf("notify: unhandled format %q", f))
}

// bodyBytes is the body of the events in it.
func (f Format) bodyBytes(batch []shaped[[]byte]) []byte {
	//exhaustive:enforce
	switch f {
	case FormatPare:
		out := body{SchemaVersion: schemaVersion}
		for _, s := range batch {
			out.Events = append(out.Events, s.item)
		}
		return must(json.Marshal(out))
	case FormatOCSF:
		var out []byte
		for _, s := range batch {
			out = append(out, s.item...)
		}
		return out
	}
	panic(fmt.Sprintf("notify: unhandled format %q", f))
}

// contentType is the body's.
func (f Format) contentType() string {
	if f == FormatOCSF {
		return "application/x-ndjson"
	}
	return "application/json"
}

// must is for values of our own types, which can always be written.
func must(src []byte, err error) []byte {
	if err != nil {
		panic(fmt.Sprintf("notify: %v", err))
	}
	return src
}
