package report

import (
	"encoding/csv"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/pare-iam/pare/finding"
)

// csvHeader are the columns of FindingsCSV. A finding has a row; one of unused permissions
// has a row for each service, with the finding's own columns repeated. Times are RFC 3339
// in UTC, empty when never or not known. Lists are separated by spaces.
var csvHeader = [...]string{
	"finding_id", "type", "status", "change", "account", "resource", "resource_type",
	"last_accessed", "days_since", // of the role, key, password, or of what is unused of the service
	"access_key_id", "archived_by", "sources",
	"service", "whole_service", "unused_actions", "granted_actions", "kept_actions", "actions",
	"created_at", "updated_at", "analyzed_at",
}

// FindingsCSV writes findings for a spreadsheet: the columns of csvHeader. A field that a
// spreadsheet would take for a formula has an apostrophe before it, and what doesn't print is
// escaped.
func FindingsCSV(w io.Writer, r Findings) error {
	out := csv.NewWriter(w)
	if err := out.Write(csvHeader[:]); err != nil {
		return err
	}
	for _, f := range r.Findings {
		services := f.Permissions
		if len(services) == 0 {
			services = []finding.Permissions{{}}
		}
		for _, p := range services {
			if err := out.Write(guarded(r.csvRow(f, p))); err != nil {
				return err
			}
		}
	}
	out.Flush()
	return out.Error()
}

// csvRow is a row about a finding and a service; of a finding without services the
// service is the zero value.
func (r Findings) csvRow(f finding.Finding, p finding.Permissions) []string {
	last := f.LastAccessed
	service := make([]string, 6)
	if p.Namespace != "" {
		last, _ = lastOf(p)
		names := make([]string, len(p.Actions))
		for i, a := range p.Actions {
			names[i] = a.Name
		}
		service = []string{
			p.Namespace, strconv.FormatBool(len(p.Actions) == 0), strconv.Itoa(unusedActions(p)),
			strconv.Itoa(p.Granted), strconv.Itoa(p.Kept), strings.Join(names, " "),
		}
	}
	days := ""
	if !last.IsZero() {
		days = strconv.Itoa(daysSince(last, r.Window.Now))
	}
	row := []string{
		f.ID, string(f.Type), string(f.Status), string(f.Change), f.Account, f.Resource, f.ResourceType(),
		csvTime(last), days, f.AccessKeyID, f.ArchivedBy, strings.Join(f.Sources, " "),
	}
	row = append(row, service...)
	return append(row, csvTime(f.CreatedAt), csvTime(f.UpdatedAt), csvTime(f.AnalyzedAt))
}

func csvTime(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}

// guarded are fields none of which a spreadsheet takes for a formula, or writes to a
// terminal.
// https://owasp.org/www-community/attacks/CSV_Injection
func guarded(row []string) []string {
	for i, field := range row {
		row[i] = Printable(field)
		if strings.ContainsAny(first(field), "=+-@\t\r\n＝＋－＠") {
			row[i] = "'" + row[i]
		}
	}
	return row
}

// first is the first character of a text.
func first(s string) string {
	for _, c := range s {
		return string(c)
	}
	return ""
}
