package watch

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// record is what counts of an event record for a denial.
type record struct {
	ID       string    `json:"eventID"`
	Time     time.Time `json:"eventTime"`
	Source   string    `json:"eventSource"`
	Name     string    `json:"eventName"`
	Region   string    `json:"awsRegion"`
	Code     string    `json:"errorCode"`
	Message  string    `json:"errorMessage"`
	Identity struct {
		ARN     string `json:"arn"`
		Session struct {
			Issuer struct {
				ARN string `json:"arn"`
			} `json:"sessionIssuer"`
		} `json:"sessionContext"`
	} `json:"userIdentity"`

	text jsontext.Value // all of it
}

// caller is the ARN of the role or user that called; of a session, that behind it.
func (r *record) caller() string {
	if arn := r.Identity.Session.Issuer.ARN; arn != "" {
		return arn
	}
	return r.Identity.ARN
}

// refusals are what codes of denied calls have in them, in lower case. They are more than
// those that package cloudtrail counts: services have their own, and here none may be missed.
var refusals = []string{"accessdenied", "unauthorized", "notauthorized", "authorizationerror", "forbidden"}

func (r *record) refused() bool {
	code := strings.ToLower(r.Code)
	for _, part := range refusals {
		if strings.Contains(code, part) {
			return true
		}
	}
	return false
}

var errForeign = errors.New(`not a log of CloudTrail: want {"Records": […]}, events one a line, or an answer of lookup-events`)

// options take what AWS's files may have.
func options() []jsontext.Options {
	return []jsontext.Options{jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true)}
}

// readRecords calls visit for each record of a text that has an error code, until the text
// ends: a log file, events one after the other, an answer of lookup-events. Of a digest file
// there is none.
func readRecords(in io.Reader, visit func(record)) error {
	dec := jsontext.NewDecoder(in, options()...)
	for first := true; ; first = false {
		var err error
		switch dec.PeekKind() {
		case '{':
			err = object(dec, visit)
		case '[':
			err = list(dec, visit)
		default:
			_, err = dec.ReadToken()
			if err == nil {
				err = errForeign
			}
		}
		switch syntax, wrong := errors.AsType[*jsontext.SyntacticError](err); {
		case errors.Is(err, io.EOF) && !first:
			return nil
		case errors.Is(err, io.EOF), wrong && first && syntax.ByteOffset == 0:
			return errForeign
		case err != nil:
			return err
		}
	}
}

// object reads an object that holds a list of records, or is one.
func object(dec *jsontext.Decoder, visit func(record)) error {
	if _, err := dec.ReadToken(); err != nil {
		return err
	}
	rest := []byte{'{'} // its members, but for lists of records
	found := false
	for dec.PeekKind() != '}' {
		name, err := dec.ReadValue()
		if err != nil {
			return err
		}
		text := string(name) // the next look at the text may move it
		if dec.PeekKind() == '[' && (text == `"Records"` || text == `"Events"`) {
			if err := list(dec, visit); err != nil {
				return err
			}
			found = true
			continue
		}
		if len(rest) > 1 {
			rest = append(rest, ',')
		}
		rest = append(append(rest, text...), ':')
		value, err := dec.ReadValue()
		if err != nil {
			return err
		}
		rest = append(rest, value...)
	}
	if _, err := dec.ReadToken(); err != nil || found {
		return err
	}
	return one(append(rest, '}'), visit)
}

// list reads a list of records.
func list(dec *jsontext.Decoder, visit func(record)) error {
	if _, err := dec.ReadToken(); err != nil {
		return err
	}
	for dec.PeekKind() != ']' {
		value, err := dec.ReadValue()
		if err != nil {
			return err
		}
		if err := one(value, visit); err != nil {
			return err
		}
	}
	_, err := dec.ReadToken()
	return err
}

// one reads a record, also inside an event of lookup-events.
func one(value []byte, visit func(record)) error {
	switch {
	case bytes.Contains(value, []byte(`"CloudTrailEvent"`)):
		var outer struct{ CloudTrailEvent string }
		if err := json.Unmarshal(value, &outer, options()...); err == nil && outer.CloudTrailEvent != "" {
			return one([]byte(outer.CloudTrailEvent), visit)
		}
	case bytes.Contains(value, []byte(`"digestStartTime"`)):
		return nil
	case !bytes.Contains(value, []byte(`"eventTime"`)):
		return errForeign
	case !bytes.Contains(value, []byte(`"errorCode"`)):
		return nil
	}
	r := record{text: bytes.Clone(value)}
	if err := json.Unmarshal(value, &r, options()...); err != nil {
		return fmt.Errorf("an event record: %w", err)
	}
	visit(r)
	return nil
}
