package cloudtrail

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"time"
)

// columns are a row of a query's result: texts by the names of the columns, in lower
// case. What is NULL isn't there.
type columns map[string]string

// row counts an object that is a row of a query's result.
func (f *file) row(text []byte) error {
	root, err := parseJSON(text)
	if err != nil {
		f.unknown = true
		return err
	}
	cols := columns{}
	for name, v := range root.members {
		if v.kind != absent {
			cols[name] = v.String()
		}
	}
	return f.takeColumns(cols)
}

// takeColumns counts a row.
func (f *file) takeColumns(cols columns) error {
	f.answer = true
	for _, name := range []string{"cloudtrailevent", "eventjson", "eventdata"} {
		if text := strings.TrimSpace(cols[name]); strings.HasPrefix(text, "{") {
			return f.inside([]byte(text))
		}
	}
	s := &f.t.inner
	if err := cols.record(s, &f.t.record); err != nil {
		f.unknown = true
		return err
	}
	return f.t.add(f, s, &f.t.record)
}

// record makes a record of the columns of Athena's table, or of CloudTrail Lake's.
// https://docs.aws.amazon.com/athena/latest/ug/create-cloudtrail-table.html
func (cols columns) record(s *scanner, r *record) error {
	r.reset()
	text := func(name string) []byte { return []byte(cols[name]) }
	r.time, r.source, r.name = cols.time(), text("eventsource"), text("eventname")
	r.region, r.account = text("awsregion"), text("recipientaccountid")
	r.errorCode, r.eventType, r.category = text("errorcode"), text("eventtype"), text("eventcategory")
	r.readOnly = strings.EqualFold(cols["readonly"], "true")
	r.notManagement = strings.EqualFold(cols["managementevent"], "false")
	r.insight = cols["insightdetails"] != ""
	id, err := parseValue(cols["useridentity"])
	if err != nil {
		return fmt.Errorf("column useridentity: %w", err)
	}
	r.identity = cols.identity(id)
	list, err := parseValue(cols["resources"])
	if err != nil {
		return fmt.Errorf("column resources: %w", err)
	}
	for _, v := range list.items {
		r.resources = append(r.resources, resource{arn: v.at("arn").bytes(), kind: v.at("type").bytes()})
	}
	params, err := parseValue(cols["requestparameters"])
	if err != nil {
		return fmt.Errorf("column requestparameters: %w", err)
	}
	if params.kind == object {
		raw := params.json(nil)
		s.src, s.end = append(raw, make([]byte, pad)...), len(raw)
		r.params = s.src[:s.end]
	}
	return nil
}

// time is the eventtime, in the form that records have. Lake's is 2023-07-19 21:17:28.000, in UTC.
func (cols columns) time() []byte {
	text := cols["eventtime"]
	for _, form := range []string{"2006-01-02 15:04:05", "2006-01-02 15:04:05 UTC"} {
		if at, err := time.Parse(form, text); err == nil {
			return at.AppendFormat(nil, time.RFC3339)
		}
	}
	return []byte(text)
}

// identity takes userIdentity from its column, or from columns of its parts, called
// useridentity.arn or useridentity_arn.
func (cols columns) identity(v value) identity {
	part := func(path ...string) []byte {
		if b := v.at(path...).bytes(); len(b) > 0 {
			return b
		}
		for _, dot := range []string{".", "_"} {
			if text := cols["useridentity"+dot+strings.Join(path, dot)]; text != "" {
				return []byte(text)
			}
		}
		return nil
	}
	return identity{
		kind: part("type"), arn: part("arn"), account: part("accountid"), invokedBy: part("invokedby"),
		issuer: part("sessioncontext", "sessionissuer", "arn"),
	}
}

// csv reads rows of comma-separated values below their columns' names.
func (f *file) csv() {
	header, ok := f.csvRow()
	if !ok || !knownColumns(header) {
		f.breakFile(errForeign)
		return
	}
	for {
		start := f.offset()
		fields, ok := f.csvRow()
		if !ok {
			if f.pos < f.end || !f.done {
				f.breakRecord(start, fmt.Errorf("want a row of at most %d MB", maxRecord>>20))
			}
			return
		}
		if len(fields) == 1 && fields[0] == "" {
			continue // an empty line
		}
		if err := f.csvRecord(header, fields); err != nil {
			f.note(start, err)
			continue
		}
		f.index++
	}
}

func (f *file) csvRecord(header, fields []string) error {
	if len(fields) != len(header) {
		f.unknown = true
		return fmt.Errorf("%d values: want %d, as in the header", len(fields), len(header))
	}
	cols := columns{}
	for i, name := range header {
		if fields[i] != "" {
			cols[name] = fields[i]
		}
	}
	return f.takeColumns(cols)
}

// knownColumns says whether these are columns that tell of events, and lower-cases them.
func knownColumns(header []string) bool {
	for i, name := range header {
		header[i] = strings.ToLower(strings.TrimSpace(name))
	}
	has := func(name string) bool { return slices.Contains(header, name) }
	return has("eventtime") && has("eventsource") && has("eventname") || has("eventjson") || has("eventdata") || has("cloudtrailevent")
}

// csvRow reads a row; ok is false at the end and for one that is too long. A line feed
// in quotes doesn't end it.
// https://www.rfc-editor.org/rfc/rfc4180
func (f *file) csvRow() (fields []string, ok bool) {
	for {
		length := rowLength(f.buf[f.pos:f.end])
		if length < 0 && f.more() {
			continue
		}
		if length < 0 {
			if length = f.end - f.pos; length == 0 || !f.done {
				return nil, false
			}
		}
		fields = splitRow(bytes.TrimRight(f.buf[f.pos:f.pos+length], "\r\n"))
		f.pos += length
		return fields, true
	}
}

// rowLength is where the next row begins, or -1 if that isn't in the text.
func rowLength(text []byte) int {
	quoted := false
	for i := 0; ; i++ {
		k := bytes.IndexAny(text[i:], "\"\n")
		if k < 0 {
			return -1
		}
		i += k
		switch {
		case text[i] == '"':
			quoted = !quoted
		case !quoted:
			return i + 1
		}
	}
}

// splitRow cuts a row at its commas and takes the quotes off.
func splitRow(row []byte) []string {
	var fields []string
	var field []byte
	quoted := false
	for i := 0; i < len(row); i++ {
		switch c := row[i]; {
		case c == '"' && quoted && i+1 < len(row) && row[i+1] == '"':
			field = append(field, '"')
			i++
		case c == '"':
			quoted = !quoted
		case c == ',' && !quoted:
			fields = append(fields, string(field))
			field = field[:0]
		default:
			field = append(field, c)
		}
	}
	return append(fields, string(field))
}
