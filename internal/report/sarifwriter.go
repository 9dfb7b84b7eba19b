package report

import (
	"bytes"
	"fmt"
	"io"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/owenrumney/go-sarif/v3/pkg/report/v210/sarif"
)

// SARIFResults is how many results GitHub takes of a run, and SARIFRuns how many runs of a
// file. Both are hard limits: a file beyond them is refused.
// https://docs.github.com/en/code-security/code-scanning/troubleshooting-sarif-uploads/results-exceed-limit
const (
	SARIFResults = 25_000
	SARIFRuns    = 20
)

// SARIFWriter writes a SARIF 2.1.0 file result by result, in as many runs as they need, so
// that none is left out and none is held.
type SARIFWriter struct {
	enc  *jsontext.Encoder
	run  func() *sarif.Run
	runs int // begun
	room int // for results, in the last of them
}

// NewSARIFWriter writes to w. run makes a run without results; the automationDetails.id of
// one is the category under which GitHub keeps its alerts, and that of the n-th run of a
// file has "part-n/" after it, because GitHub refuses two runs with the same.
func NewSARIFWriter(w io.Writer, run func() *sarif.Run) *SARIFWriter {
	enc := jsontext.NewEncoder(w, jsontext.WithIndent("  "), jsontext.AllowInvalidUTF8(true))
	return &SARIFWriter{enc: enc, run: run}
}

// SARIFRoom is what is said of a file with so many results that GitHub refuses it; nil: it
// has fewer.
func SARIFRoom(results int) []string {
	if results <= SARIFResults*SARIFRuns {
		return nil
	}
	return []string{fmt.Sprintf("%d results are more than the %d that GitHub takes of a file; filter by account or type to have fewer", results, SARIFResults*SARIFRuns)}
}

// Add writes a result, in a new run if the last one is full.
func (s *SARIFWriter) Add(r *sarif.Result) error {
	if s.room == 0 {
		if err := s.begin(); err != nil {
			return err
		}
	}
	s.room--
	return json.MarshalEncode(s.enc, r, json.Deterministic(true))
}

// Close ends the file, which has a run even without results. It doesn't close what is
// written to.
func (s *SARIFWriter) Close() error {
	if s.runs == 0 {
		if err := s.begin(); err != nil {
			return err
		}
	}
	if err := s.end(); err != nil { // the last run
		return err
	}
	return s.end()
}

// begin begins a run, and the file if it is the first.
func (s *SARIFWriter) begin() error {
	var err error
	if s.runs == 0 {
		err = s.open(sarif.NewReport(), "runs")
	} else {
		err = s.end()
	}
	if err != nil {
		return err
	}
	s.runs, s.room = s.runs+1, SARIFResults
	run := s.run()
	if s.runs > 1 && run.AutomationDetails != nil && run.AutomationDetails.ID != nil {
		run.AutomationDetails.WithID(fmt.Sprintf("%spart-%d/", *run.AutomationDetails.ID, s.runs))
	}
	return s.open(run, "results")
}

// open begins an object that is written whole but for one member, an array, which comes last.
func (s *SARIFWriter) open(object any, last string) error {
	src, err := json.Marshal(object, json.Deterministic(true), jsontext.AllowInvalidUTF8(true))
	if err != nil {
		return err
	}
	dec := jsontext.NewDecoder(bytes.NewReader(src), jsontext.AllowInvalidUTF8(true))
	if _, err := dec.ReadToken(); err != nil { // {
		return err
	}
	if err := s.enc.WriteToken(jsontext.BeginObject); err != nil {
		return err
	}
	for dec.PeekKind() != '}' {
		name, err := dec.ReadValue()
		if err != nil {
			return err
		}
		skip := string(name) == `"`+last+`"`
		if !skip {
			if err := s.enc.WriteValue(name); err != nil {
				return err
			}
		}
		value, err := dec.ReadValue() // ends the life of name
		if err != nil {
			return err
		}
		if !skip {
			if err := s.enc.WriteValue(value); err != nil {
				return err
			}
		}
	}
	if err := s.enc.WriteToken(jsontext.String(last)); err != nil {
		return err
	}
	return s.enc.WriteToken(jsontext.BeginArray)
}

// end ends what open began.
func (s *SARIFWriter) end() error {
	if err := s.enc.WriteToken(jsontext.EndArray); err != nil {
		return err
	}
	return s.enc.WriteToken(jsontext.EndObject)
}
