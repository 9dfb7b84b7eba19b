package gate

import (
	"encoding/xml"
	"io"
	"time"
)

// The elements of JUnit's XML that CI systems read. A rule and a policy are a test case.

type suitesXML struct {
	XMLName  xml.Name `xml:"testsuites"`
	Name     string   `xml:"name,attr"`
	Tests    int      `xml:"tests,attr"`
	Failures int      `xml:"failures,attr"`
	Errors   int      `xml:"errors,attr"`
	Suite    suiteXML `xml:"testsuite"`
}

type suiteXML struct {
	Name      string    `xml:"name,attr"`
	Tests     int       `xml:"tests,attr"`
	Failures  int       `xml:"failures,attr"`
	Errors    int       `xml:"errors,attr"`
	Skipped   int       `xml:"skipped,attr"`
	Timestamp string    `xml:"timestamp,attr"`
	Cases     []caseXML `xml:"testcase"`
	Output    string    `xml:"system-out,omitempty"`
}

type caseXML struct {
	Class   string      `xml:"classname,attr"`
	Name    string      `xml:"name,attr"`
	File    string      `xml:"file,attr,omitempty"`
	Line    int         `xml:"line,attr,omitempty"`
	Failure *failureXML `xml:"failure"`
	Error   *failureXML `xml:"error"`
	Skipped *failureXML `xml:"skipped"`
}

type failureXML struct {
	Message string `xml:"message,attr"`
	Type    string `xml:"type,attr,omitempty"`
	Text    string `xml:",chardata"`
}

// JUnit writes a report as JUnit's XML: results are failures, what can't be known is an
// error, what is suppressed is skipped. A report without results has one case that
// passed, since some systems take a file without any for a broken one.
func JUnit(w io.Writer, r *Report) error {
	suite := suiteXML{Name: "pare check", Timestamp: r.Now.UTC().Format(time.RFC3339)}
	for i := range r.Results {
		suite.add(&r.Results[i])
	}
	if len(suite.Cases) == 0 {
		suite.Cases = []caseXML{{Class: "pare", Name: r.summary()}}
	}
	suite.Tests = len(suite.Cases)
	for _, note := range r.Notes {
		suite.Output += note + "\n"
	}
	if _, err := io.WriteString(w, xml.Header); err != nil {
		return err
	}
	enc := xml.NewEncoder(w)
	enc.Indent("", "  ")
	if err := enc.Encode(suitesXML{Name: "pare", Tests: suite.Tests, Failures: suite.Failures, Errors: suite.Errors, Suite: suite}); err != nil {
		return err
	}
	_, err := io.WriteString(w, "\n")
	return err
}

func (s *suiteXML) add(r *Result) {
	c := caseXML{Class: r.Rule.String(), Name: r.title(), File: r.At.Path, Line: r.At.Line}
	why := &failureXML{Message: r.Message, Type: r.Rule.String(), Text: r.At.String() + ": " + r.title() + " " + r.Message}
	switch {
	case r.Suppressed != nil:
		c.Skipped = &failureXML{Message: r.Suppressed.By.String() + ": " + r.Suppressed.Reason}
		s.Skipped++
	case r.Rule == Unreadable:
		c.Error = why
		s.Errors++
	default:
		c.Failure = why
		s.Failures++
	}
	s.Cases = append(s.Cases, c)
}
