package inventory

import (
	"bytes"
	"encoding/base64"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/pare-iam/pare/policy"
)

// The credential report is a CSV with a line for every user and one for the root user. Its
// columns are found by name; of those that a report lacks nothing is known.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_getting-report.html
//
//	password_last_used   no_information: never, or not since October 2014; N/A: no password
//	access_key_N_…_date  N/A: never, or not since April 2015, or no such key
//	anything             not_supported: the report doesn't say

// reportRow is what the report says of a user.
type reportRow struct {
	name    string
	where   string
	created time.Time // zero: not known
	pass    Password
	keys    []keyFacts // of the slots that hold a key
	allKeys bool       // the user has no others
}

const rootUser = "<root_account>"

// report reads the credential report.
func (p *parser) report(f File) error {
	r, err := open(f, "a credential report, as this prints it: "+reportCommand)
	if err != nil {
		return err
	}
	src, err := reportCSV(r)
	if err != nil {
		return err
	}
	c := csv.NewReader(bytes.NewReader(src))
	c.FieldsPerRecord, c.LazyQuotes, c.ReuseRecord = -1, true, true
	header, err := c.Read()
	if err != nil {
		return fmt.Errorf("%s: %w", f.Name, err)
	}
	columns := map[string]int{}
	for i, name := range header {
		columns[name] = i
	}
	for _, name := range []string{"user", "arn", "password_enabled"} {
		if _, ok := columns[name]; !ok {
			return r.errorf(0, "no column %q", name)
		}
	}
	p.rows = map[string]reportRow{}
	for {
		fields, err := c.Read()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("%s: %w: want %s", f.Name, err, r.want)
		}
		line, column := c.FieldPos(0)
		rd := rowReader{file: f.Name, where: fmt.Sprintf("%d:%d", line, column), columns: columns, fields: fields, want: len(header)}
		if err := p.row(&rd); err != nil {
			return err
		}
	}
}

// reportCSV gives the CSV out of the forms in which people have it.
func reportCSV(r *reader) ([]byte, error) {
	encoded := string(bytes.TrimSpace(r.src))
	switch {
	case strings.HasPrefix(encoded, "{"):
		var answer struct{ Content string }
		value, err := r.next()
		if err != nil {
			return nil, err
		}
		if err := value.decode(&answer); err != nil {
			return nil, r.errorf(value.start, "%v", err)
		}
		if answer.Content == "" {
			return nil, r.errorf(value.start, "no Content")
		}
		encoded = answer.Content
	case strings.ContainsAny(encoded, ", "):
		return r.src, nil
	}
	src, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil {
		return nil, r.errorf(0, "neither a CSV nor one in base64: %v", err)
	}
	return src, nil
}

// rowReader reads the fields of one line.
type rowReader struct {
	file, where string
	columns     map[string]int
	fields      []string
	want        int    // how many fields the header has
	bad         string // the first field that makes no sense; "" when there is none
}

// text is a field; "" when the report hasn't got it or says that it doesn't say.
func (r *rowReader) text(column string) string {
	i, ok := r.columns[column]
	if !ok || r.fields[i] == "not_supported" {
		return ""
	}
	return r.fields[i]
}

func (r *rowReader) wrong(column, want string) {
	if r.bad == "" {
		r.bad = fmt.Sprintf("%s: %q: want %s", column, r.text(column), want)
	}
}

// truth is a field with true or false. It isn't known where there is neither.
func (r *rowReader) truth(column string) (value, known bool) {
	switch text := r.text(column); {
	case strings.EqualFold(text, "true"):
		return true, true
	case strings.EqualFold(text, "false"):
		return false, true
	case text != "" && text != "N/A":
		r.wrong(column, "true or false")
	}
	return false, false
}

// date is a field with a time; zero where there is none.
func (r *rowReader) date(column string) (when time.Time, ok bool) {
	text := r.text(column)
	if text == "N/A" || text == "no_information" {
		return time.Time{}, true
	}
	if when, ok = parseTime(text); !ok {
		r.wrong(column, "a time, such as 2026-11-23T07:56:06+00:00, N/A or no_information")
	}
	return when, ok
}

// last is a field that says when something was used last, and whose value is none where it
// never was.
func (r *rowReader) last(column, none string) (last LastUsed, doubt bool) {
	when, ok := r.date(column)
	text := r.text(column)
	return LastUsed{Known: ok && (text == none || !when.IsZero()), At: when}, !ok
}

// row reads a line. What doesn't make sense in it isn't known of that user.
func (p *parser) row(r *rowReader) error {
	if len(r.fields) != r.want {
		p.problem(Problem{File: r.file, Where: r.where, Text: fmt.Sprintf(
			"the line has %d fields and is left out: want %d, as the first line has; run: %s", len(r.fields), r.want, reportCommand)})
		return nil
	}
	arn, err := policy.ParseARN(r.text("arn"))
	if err != nil || !accountID(arn.Account) {
		p.problem(Problem{File: r.file, Where: r.where, Subject: r.text("user"), Text: fmt.Sprintf("the line is left out: arn: %q: want the ARN of an IAM user", r.text("arn"))})
		return nil
	}
	if err := p.own(r.file, arn); err != nil {
		return err
	}
	if r.text("user") == rootUser {
		return nil
	}
	row := r.user()
	if r.bad != "" {
		p.problem(Problem{File: r.file, Where: r.where, Subject: arn.String(), Text: r.bad + "; taken as not known"})
	}
	if _, twice := p.rows[arn.String()]; twice {
		return fmt.Errorf("%s:%s: %s has two lines: want one report in the file, as this prints it: %s", r.file, r.where, arn, reportCommand)
	}
	p.rows[arn.String()] = row
	return nil
}

func (r *rowReader) user() reportRow {
	row := reportRow{name: r.text("user"), where: r.where}
	row.created, _ = r.date("user_creation_time")
	row.pass.Enabled, row.pass.Known = r.truth("password_enabled")
	row.pass.ChangedAt, _ = r.date("password_last_changed")
	row.pass.LastUsed, _ = r.last("password_last_used", "no_information")
	for slot := 1; slot <= 2; slot++ {
		if key, there := r.slot(slot); there {
			row.keys = append(row.keys, key)
		}
	}
	_, first := r.columns["access_key_1_active"]
	_, second := r.columns["access_key_2_active"]
	more := given(r.text("additional_credentials_info"))
	row.allKeys = first && second && r.bad == "" && (more == "" || more == "0")
	return row
}

// slot reads the columns of a key. A key that isn't active has a date of rotation; one
// that isn't there has none.
func (r *rowReader) slot(n int) (key keyFacts, there bool) {
	column := func(name string) string { return fmt.Sprintf("access_key_%d_%s", n, name) }
	var dated bool
	key.slot = n
	key.active, _ = r.truth(column("active"))
	key.created, dated = r.date(column("last_rotated"))
	key.last, key.doubt = r.last(column("last_used_date"), "N/A")
	key.last.Region = given(r.text(column("last_used_region")))
	key.service = given(r.text(column("last_used_service")))
	there = key.active || key.doubt || !dated || !key.created.IsZero() || !key.last.At.IsZero()
	return key, there
}

// given is a value, or "" for N/A.
func given(text string) string {
	if text == "N/A" {
		return ""
	}
	return text
}
