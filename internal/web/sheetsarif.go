package web

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"net/url"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/owenrumney/go-sarif/v3/pkg/report/v210/sarif"

	"github.com/pare-iam/pare/internal/report"
)

// A list that isn't one of findings says nothing that would be wrong with its items, and
// SARIF has results for that too: of kind "informational", which have the level "none". A
// run or a job that failed did find something, and is of kind "fail".
// SARIF 2.1.0, 3.27.9 and 3.27.10:
// https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/sarif-v2.1.0-errata01-os-complete.html

// told is how SARIF tells of a list: a rule, and a result for each item.
type told[T any] struct {
	id    string // of the rule: "Policy"
	short string // what an item is, a sentence
	help  string // what it means, and where more of it is
	of    func(T) result
}

// result is what is said of an item.
type result struct {
	what   string   // it is: "resource", "run"
	name   string   // ARN; or else what it is called
	text   string   // sentences
	key    []string // no other item of the list has the same
	failed bool
}

const (
	informational = "informational"
	failing       = "fail"
)

// sheetSARIF writes a list as SARIF, in as many runs as its items need.
type sheetSARIF[T any] struct {
	sheet[T]
	version string // of pare
	now     time.Time
	enc     *jsontext.Encoder
	runs    int // begun
	room    int // for results, in the last of them
}

func (s *sheetSARIF[T]) write(w io.Writer) error {
	s.enc = jsontext.NewEncoder(w, jsontext.WithIndent("  "), jsontext.AllowInvalidUTF8(true))
	err := s.each(func(items []T, first bool) error {
		if first {
			if err := s.open(sarif.NewReport(), "runs"); err != nil {
				return err
			}
			if err := s.begin(); err != nil {
				return err
			}
		}
		for _, item := range items {
			if err := s.add(item); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	if err := s.closed(); err != nil { // the last run
		return err
	}
	return s.closed()
}

// begin begins a run.
func (s *sheetSARIF[T]) begin() error {
	run := sarif.NewRunWithInformationURI("pare", "https://github.com/pare-iam/pare")
	if s.version != "" {
		run.Tool.Driver.WithVersion(s.version)
	}
	run.Tool.Driver.AddRule(s.rule())
	run.AddInvocation(sarif.NewInvocation().WithExecutionSuccessful(true).WithEndTimeUtc(s.now.UTC().Format(time.RFC3339)))
	s.runs, s.room = s.runs+1, mostResults
	// Two runs of a file that have the same are refused by GitHub.
	run.WithAutomationDetails(sarif.NewRunAutomationDetails().WithID("pare/" + url.PathEscape(s.name) + "/" + plainNumber(s.runs)))
	return s.open(run, "results")
}

func (s *sheetSARIF[T]) rule() *sarif.ReportingDescriptor {
	text := func(t string) *sarif.MultiformatMessageString {
		return sarif.NewMultiformatMessageString().WithText(t)
	}
	return sarif.NewRule(s.told.id).WithName(s.told.id).WithShortDescription(text(s.told.short)).
		WithFullDescription(text(s.told.short + " " + s.told.help)).WithHelp(text(s.told.help)).
		WithDefaultConfiguration(sarif.NewReportingConfiguration().WithLevel(sarif.LevelNone))
}

// open begins an object that is written whole but for its last member, an array.
func (s *sheetSARIF[T]) open(object any, last string) error {
	var src bytes.Buffer
	if err := json.MarshalWrite(&src, object, json.Deterministic(true), jsontext.AllowInvalidUTF8(true)); err != nil {
		return err
	}
	dec := jsontext.NewDecoder(&src)
	if err := copyToken(s.enc, dec); err != nil { // {
		return err
	}
	if err := copyMembers(s.enc, dec, func(name string, _ jsontext.Value) (bool, error) { return name == last, nil }); err != nil {
		return err
	}
	if err := s.enc.WriteToken(jsontext.String(last)); err != nil {
		return err
	}
	return s.enc.WriteToken(jsontext.BeginArray)
}

// closed ends what open began.
func (s *sheetSARIF[T]) closed() error {
	if err := s.enc.WriteToken(jsontext.EndArray); err != nil {
		return err
	}
	return s.enc.WriteToken(jsontext.EndObject)
}

// add writes the result of an item, in a new run if the last one is full.
func (s *sheetSARIF[T]) add(item T) error {
	if s.room == 0 {
		if err := s.closed(); err != nil {
			return err
		}
		if err := s.begin(); err != nil {
			return err
		}
	}
	s.room--
	r := s.told.of(item)
	kind, level := informational, sarif.LevelNone
	if r.failed {
		kind, level = failing, sarif.LevelWarning
	}
	properties := sarif.NewPropertyBag()
	for _, c := range s.columns {
		properties.Add(c.name, plain(c.value(item)))
	}
	return json.MarshalEncode(s.enc, sarif.NewRuleResult(s.told.id).WithRuleIndex(0).WithKind(kind).WithLevel(level).
		WithMessage(sarif.NewTextMessage(report.SARIFText(report.Printable(r.text)))).
		AddLocation(sarif.NewLocation().AddLogicalLocation(sarif.NewLogicalLocation().WithKind(r.what).WithFullyQualifiedName(r.name))).
		WithPartialFingerprints(map[string]string{"pareItem/v1": fingerprint(r.key)}).WithProperties(properties), json.Deterministic(true))
}

// plain is a value as package sarif takes it.
func plain(t token) any {
	if t.Kind() == '"' {
		return t.String()
	}
	return jsontext.Value(t.String())
}

// fingerprint is the same for the same key alone.
func fingerprint(key []string) string {
	h := sha256.New()
	for _, part := range key {
		sum := sha256.Sum256([]byte(part))
		_, _ = h.Write(sum[:]) // no hash returns an error
	}
	return hex.EncodeToString(h.Sum(nil))
}
