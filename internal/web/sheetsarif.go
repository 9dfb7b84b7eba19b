package web

import (
	"crypto/sha256"
	"encoding/hex"
	"io"
	"net/url"
	"time"

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
}

func (s sheetSARIF[T]) write(w io.Writer) error {
	out := report.NewSARIFWriter(w, s.run)
	err := s.each(func(items []T, _ bool) error {
		for _, item := range items {
			if err := out.Add(s.result(item)); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	return out.Close()
}

// run is the run that the items are results of.
func (s sheetSARIF[T]) run() *sarif.Run {
	run := sarif.NewRunWithInformationURI("pare", "https://github.com/pare-iam/pare")
	if s.version != "" {
		run.Tool.Driver.WithVersion(s.version)
	}
	run.Tool.Driver.AddRule(s.rule())
	run.AddInvocation(sarif.NewInvocation().WithExecutionSuccessful(true).WithEndTimeUtc(s.now.UTC().Format(time.RFC3339)))
	return run.WithAutomationDetails(sarif.NewRunAutomationDetails().WithID("pare/" + url.PathEscape(s.name) + "/"))
}

func (s sheetSARIF[T]) rule() *sarif.ReportingDescriptor {
	text := func(t string) *sarif.MultiformatMessageString {
		return sarif.NewMultiformatMessageString().WithText(t)
	}
	return sarif.NewRule(s.told.id).WithName(s.told.id).WithShortDescription(text(s.told.short)).
		WithFullDescription(text(s.told.short + " " + s.told.help)).WithHelp(text(s.told.help)).
		WithDefaultConfiguration(sarif.NewReportingConfiguration().WithLevel(sarif.LevelNone))
}

func (s sheetSARIF[T]) result(item T) *sarif.Result {
	r := s.told.of(item)
	kind, level := informational, sarif.LevelNone
	if r.failed {
		kind, level = failing, sarif.LevelWarning
	}
	properties := sarif.NewPropertyBag()
	for _, c := range s.columns {
		properties.Add(c.name, plain(c.value(item)))
	}
	return sarif.NewRuleResult(s.told.id).WithRuleIndex(0).WithKind(kind).WithLevel(level).
		WithMessage(sarif.NewTextMessage(report.SARIFText(report.Printable(r.text)))).
		AddLocation(sarif.NewLocation().AddLogicalLocation(sarif.NewLogicalLocation().WithKind(r.what).WithFullyQualifiedName(r.name))).
		WithPartialFingerprints(map[string]string{"pareItem/v1": fingerprint(r.key)}).WithProperties(properties)
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
