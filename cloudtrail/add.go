package cloudtrail

import (
	"errors"
	"fmt"
	"slices"
	"time"
)

const (
	hourSeconds = 3600
	daySeconds  = 24 * hourSeconds
)

func instant(seconds int64) time.Time { return time.Unix(seconds, 0).UTC() }

// seconds reads a time as records have it, RFC 3339, mostly 2023-07-19T21:17:28Z.
func seconds(text []byte) (int64, bool) {
	if s, ok := utcSeconds(text); ok {
		return s, true
	}
	return parsedSeconds(string(text))
}

func parsedSeconds(text string) (int64, bool) {
	at, err := time.Parse(time.RFC3339, text)
	return at.Unix(), err == nil
}

// utcSeconds reads the common form alone.
func utcSeconds(b []byte) (int64, bool) {
	if len(b) != len("2023-07-19T21:17:28Z") || b[4] != '-' || b[7] != '-' || b[10] != 'T' || b[13] != ':' || b[16] != ':' || b[19] != 'Z' {
		return 0, false
	}
	century, ok0 := twoDigits(b[0], b[1])
	year, ok1 := twoDigits(b[2], b[3])
	month, ok2 := twoDigits(b[5], b[6])
	day, ok3 := twoDigits(b[8], b[9])
	hour, ok4 := twoDigits(b[11], b[12])
	minute, ok5 := twoDigits(b[14], b[15])
	second, ok6 := twoDigits(b[17], b[18])
	if !(ok0 && ok1 && ok2 && ok3 && ok4 && ok5 && ok6) || century+year == 0 || month < 1 || month > 12 || day < 1 || day > monthDays[month] || hour > 23 || minute > 59 || second > 59 {
		return 0, false // package time knows what is wrong, or that it is February 29
	}
	return daysTo(century*100+year, month, day)*daySeconds + hour*hourSeconds + minute*60 + second, true
}

// monthDays has the days of each month from 1 on, but for leap years.
var monthDays = [13]int64{0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31}

func twoDigits(a, b byte) (int64, bool) {
	a, b = a-'0', b-'0'
	return int64(a)*10 + int64(b), a <= 9 && b <= 9
}

// daysTo counts the days from 1970-01-01 in the Gregorian calendar. A year begins in
// March here, so that the leap day is its last.
func daysTo(year, month, day int64) int64 {
	if month <= 2 {
		year--
		month += 12
	}
	return 365*year + year/4 - year/100 + year/400 + (153*(month-3)+2)/5 + day - 719469
}

// floorDiv divides by a positive number, down also below zero.
func floorDiv(a, b int64) int64 {
	if a < 0 {
		return -((-a + b - 1) / b)
	}
	return a / b
}

var (
	errTime   = errors.New("want the time of the call, as 2023-07-19T21:17:28Z")
	errSource = errors.New(`no eventSource: want the service called, such as "s3.amazonaws.com"`)
	errName   = errors.New(`no eventName: want the operation called, such as "GetObject"`)
)

// yearTenThousand is when times no longer have a form in RFC 3339.
const yearTenThousand = 253402300800

// add counts a record. The error says what it lacks.
func (t *Tally) add(f *file, s *scanner, r *record) error {
	if r.insights() { // which has no eventSource of its own
		t.records.Read++
		t.records.NoPermission++
		f.insights++
		return nil
	}
	at, ok := seconds(r.time)
	if !ok || at < 0 || at >= yearTenThousand {
		return fmt.Errorf("eventTime %q: %w", r.time, errTime)
	}
	reg := t.region(r)
	switch {
	case len(r.source) == 0:
		f.lost(reg, at)
		return errSource
	case len(r.name) == 0:
		f.lost(reg, at)
		return errName
	}
	t.records.Read++
	t.cover(f, reg, r, at)
	t.use(s, r, at)
	return nil
}

// use counts a record for its principal.
func (t *Tally) use(s *scanner, r *record, at int64) {
	if string(r.eventType) == "AwsServiceEvent" || string(r.eventType) == "AwsConsoleSignIn" {
		t.records.NoPermission++
		return
	}
	id := t.eventOf(r.source, r.name)
	e := t.events[id]
	if e.free {
		t.records.NoPermission++
		return
	}
	key := cellKey{principal: t.principalOf(&r.identity), event: id, day: int32(floorDiv(at, daySeconds))}
	if key.principal < 0 {
		t.records.NoPrincipal++
		return
	}
	if n := len(r.identity.invokedBy); n > 0 && n <= maxText {
		key.service = t.services.idOf(r.identity.invokedBy)
	}
	passed := t.count(s, r, key, at)
	switch {
	case len(e.actions) > 0 || passed:
		t.records.Used++
	default:
		t.records.Unmapped++
		u := t.unmapped[id]
		if u == nil {
			u = &sighted{}
			t.unmapped[id] = u
		}
		u.at(at)
	}
}

// count counts a record in its cells, and says whether it passes a role.
func (t *Tally) count(s *scanner, r *record, key cellKey, at int64) (passed bool) {
	e := t.events[key.event]
	tags := eventKey{e.source, e.name, 0}
	m := matches{event: e, found: t.found.types[:0], arns: t.found.typed[:0]}
	for i := range r.resources {
		m.add(r.resources[i].arn)
	}
	if e.wants(r.params, len(m.found) > 0) {
		t.found.look(s, e, r.params)
		if len(m.found) == 0 {
			m.guess(&t.found, r, t.principals.list[key.principal])
		}
		passed = e.mayPass && t.found.passes
		if t.found.tags {
			tags.only = tagging
		}
		if only := t.found.only; only != 0 {
			restricted := t.mapper.event(eventKey{e.source, e.name, only})
			key.event = t.eventID(restricted)
			m = m.under(restricted)
		}
	}
	t.found.types, t.found.typed = m.found, m.arns
	denied := denied(r.errorCode)
	if len(e.actions) > 0 {
		t.put(key, &m, at, denied)
	}
	if tags.only != 0 {
		key.event = t.eventID(t.mapper.event(tags))
		t.put(key, &matches{event: t.events[key.event]}, at, denied)
	}
	if passed {
		t.pass(key, at, denied)
	}
	return passed
}

// put counts in one cell.
func (t *Tally) put(key cellKey, m *matches, at int64, denied bool) {
	key.shape = t.shapeID(m.types())
	c := t.cell(key)
	c.at(at)
	if denied {
		c.denied++
	}
	for i, n := range m.found {
		list := &t.lists[int(c.list)+slices.Index(t.shapes[key.shape], n)]
		*list = smallest(*list, m.arns[i])
	}
}

// pass counts a use of iam:PassRole, with the roles found.
func (t *Tally) pass(key cellKey, at int64, denied bool) {
	key.event = t.eventID(t.mapper.passRole)
	m := matches{event: t.mapper.passRole}
	for _, arn := range t.found.roles {
		m.add(arn)
	}
	t.put(key, &m, at, denied)
}

// matches are the resources of a record that have a type which an action of its event takes.
type matches struct {
	event  *event
	found  []int // types, an element for each match
	arns   [][]byte
	sorted []int
}

func (m *matches) add(arn []byte) {
	if len(m.event.types) == 0 || len(arn) > maxText {
		return
	}
	parts, ok := cutARN(arn)
	if !ok {
		return
	}
	for n := range m.event.types {
		if m.event.types[n].match(parts) {
			m.found = append(m.found, n)
			m.arns = append(m.arns, arn)
		}
	}
}

// types returns the types found, sorted, each once.
func (m *matches) types() []int {
	if len(m.found) < 2 {
		return m.found
	}
	sorted := append(m.sorted[:0], m.found...)
	slices.Sort(sorted)
	return slices.Compact(sorted)
}

// under returns the matches of the same ARNs for another event.
func (m *matches) under(e *event) matches {
	other := matches{event: e}
	var last []byte
	for i, arn := range m.arns {
		if i == 0 || string(arn) != string(last) {
			other.add(arn)
		}
		last = arn
	}
	return other
}
