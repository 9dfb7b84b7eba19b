package usage

import (
	"bufio"
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"
	"strconv"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/pare-iam/pare/policy"
)

// maxLine is how long a line of a usage.jsonl may be, in bytes.
const maxLine = 1 << 20

// ReadUses reads a usage.jsonl, a Use a line, and gives each to yield. It stops at the
// first error, of the file or of yield; an error of the file says usage.jsonl:LINE. A
// file that is empty has no uses. The order of lines isn't looked at.
func ReadUses(r io.Reader, yield func(Use) error) error {
	in := bufio.NewScanner(r)
	in.Buffer(make([]byte, 0, 64<<10), maxLine)
	line := 0
	for in.Scan() {
		line++
		if len(bytes.TrimSpace(in.Bytes())) == 0 {
			continue
		}
		u, err := parseUse(in.Bytes())
		if err != nil {
			return fmt.Errorf("usage.jsonl:%d: %w", line, err)
		}
		if err := yield(u); err != nil {
			return err
		}
	}
	if errors.Is(in.Err(), bufio.ErrTooLong) {
		return fmt.Errorf("usage.jsonl:%d: longer than %d bytes: want a use a line, as pare ingest writes it", line+1, maxLine)
	}
	return in.Err()
}

const wantUse = "a use as pare ingest writes it; make the file anew: pare ingest PATH… --out usage.jsonl"

func parseUse(src []byte) (Use, error) {
	var u Use
	if err := json.Unmarshal(src, &u); err != nil {
		return Use{}, fmt.Errorf("%s: want %s", jsonTrouble(err), wantUse)
	}
	u.FirstSeen, u.LastSeen = u.FirstSeen.UTC(), u.LastSeen.UTC()
	if problem := u.problem(); problem != "" {
		return Use{}, errors.New(problem)
	}
	return u, nil
}

// jsonTrouble says where and why a value isn't JSON of the form that was wanted.
func jsonTrouble(err error) string {
	var sem *json.SemanticError
	var syn *jsontext.SyntacticError
	switch {
	case errors.Is(err, io.ErrUnexpectedEOF):
		return "ends in the middle of a value"
	case errors.As(err, &syn):
		return fmt.Sprintf("byte %d: not JSON", syn.ByteOffset)
	case errors.As(err, &sem):
		return fmt.Sprintf("%s: %s of the wrong form", sem.JSONPointer, kindName(sem.JSONKind))
	}
	return err.Error()
}

// problem says what is wrong with a use, or nothing.
func (u *Use) problem() string { return cmp.Or(u.badNames(), u.badFigures()) }

// problemAfter is problem for a use that comes after another, which has none; before the
// first it is a zero one.
func (u *Use) problemAfter(last *Use) string {
	if last.Count > 0 && u.Principal == last.Principal && u.Action == last.Action {
		return u.badFigures()
	}
	return u.problem()
}

// badNames is problem for the principal and the action alone.
func (u *Use) badNames() string {
	arn, err := policy.ParseARN(u.Principal)
	if err != nil || arn.Account == "" {
		return fmt.Sprintf(`principal %q: want the ARN of a role, a user or an account's root`, u.Principal)
	}
	if _, err := policy.ParseAction(u.Action); err != nil {
		return fmt.Sprintf("action %q: %v", u.Action, err)
	}
	return ""
}

// badFigures is problem for the rest.
func (u *Use) badFigures() string {
	switch {
	case u.Count < 1 || u.Denied < 0 || u.Denied > u.Count:
		return fmt.Sprintf("count %d, denied %d: want at least one event, and no more denied than there are", u.Count, u.Denied)
	case u.FirstSeen.After(u.LastSeen):
		return fmt.Sprintf("firstSeen %s, lastSeen %s: want them in order", stamp(u.FirstSeen), stamp(u.LastSeen))
	case !onDay(u.FirstSeen, u.Day) || !onDay(u.LastSeen, u.Day):
		return fmt.Sprintf("day %q, firstSeen %s, lastSeen %s: want both on that day, in UTC", u.Day, stamp(u.FirstSeen), stamp(u.LastSeen))
	}
	return ""
}

// onDay says whether a time is of a day, YYYY-MM-DD.
func onDay(at time.Time, day string) bool {
	var text [len(time.DateOnly) + 8]byte // a year may have more digits
	return string(at.AppendFormat(text[:0], time.DateOnly)) == day
}

// Compare is the order of the lines of a usage.jsonl: by principal, action, resource type
// and day, the primary ones first.
func (u Use) Compare(other Use) int {
	return cmp.Or(
		cmp.Compare(u.Principal, other.Principal), cmp.Compare(u.Action, other.Action),
		cmp.Compare(u.ResourceType, other.ResourceType), cmp.Compare(u.Day, other.Day),
		cmp.Compare(number(!u.Primary), number(!other.Primary)),
	)
}

func number(b bool) int {
	if b {
		return 1
	}
	return 0
}

// WriteUses writes a usage.jsonl. Uses come in the order of Compare, no two the same by
// it; others are an error, and so are those that ReadUses would refuse.
func WriteUses(w io.Writer, uses iter.Seq[Use]) error {
	out := bufio.NewWriter(w)
	var last Use
	line := 0
	for u := range uses {
		line++
		u.FirstSeen, u.LastSeen = u.FirstSeen.UTC(), u.LastSeen.UTC()
		if problem := u.problemAfter(&last); problem != "" {
			return fmt.Errorf("usage.jsonl:%d: %s", line, problem)
		}
		if line > 1 && last.Compare(u) >= 0 {
			return fmt.Errorf("usage.jsonl:%d: %s %s %s: want the lines sorted, each once", line, u.Principal, u.Action, u.Day)
		}
		text, err := u.appendLine(out.AvailableBuffer())
		if err != nil {
			return fmt.Errorf("usage.jsonl:%d: %w", line, err)
		}
		if _, err := out.Write(text); err != nil {
			return err
		}
		last = u
	}
	return out.Flush()
}

// appendLine appends u as json.Marshal writes it, and a line feed, in a quarter of the time.
func (u *Use) appendLine(line []byte) ([]byte, error) {
	o := objectWriter{text: line, next: '{'}
	o.string(`"principal":`, u.Principal)
	o.string(`"action":`, u.Action)
	o.string(`"resourceType":`, u.ResourceType)
	o.string(`"day":`, u.Day)
	o.bool(`"primary":`, u.Primary)
	o.int(`"count":`, u.Count)
	o.int(`"denied":`, u.Denied)
	o.time(`"firstSeen":`, u.FirstSeen)
	o.time(`"lastSeen":`, u.LastSeen)
	if u.Inferred {
		o.bool(`"inferred":`, true)
	}
	if len(u.Via) > 0 {
		o.strings(`"via":`, u.Via)
	}
	if len(u.Resources) > 0 {
		o.strings(`"resources":`, u.Resources)
	}
	return append(o.text, "}\n"...), o.err
}

// objectWriter appends the members of an object. A name comes in quotes, with its colon.
type objectWriter struct {
	text []byte
	next byte  // stands before the next member: the bracket or a comma
	err  error // the first: a text that isn't UTF-8, a time that RFC 3339 can't tell
}

func (o *objectWriter) name(name string) {
	o.text = append(append(o.text, o.next), name...)
	o.next = ','
}

func (o *objectWriter) quote(s string) {
	text, err := jsontext.AppendQuote(o.text, s)
	o.text, o.err = text, cmp.Or(o.err, err)
}

func (o *objectWriter) string(name, s string) {
	o.name(name)
	o.quote(s)
}

func (o *objectWriter) strings(name string, list []string) {
	o.name(name)
	next := byte('[')
	for _, s := range list {
		o.text = append(o.text, next)
		o.quote(s)
		next = ','
	}
	o.text = append(o.text, ']')
}

func (o *objectWriter) bool(name string, b bool) {
	o.name(name)
	o.text = strconv.AppendBool(o.text, b)
}

func (o *objectWriter) int(name string, n int) {
	o.name(name)
	o.text = strconv.AppendInt(o.text, int64(n), 10)
}

func (o *objectWriter) time(name string, at time.Time) {
	o.name(name)
	text, err := at.AppendText(append(o.text, '"'))
	o.text, o.err = append(text, '"'), cmp.Or(o.err, err)
}

// ParseCoverage reads a usage.coverage.json. The error is a policy.Errors; the name is for
// messages and isn't opened.
func ParseCoverage(name string, src []byte) (Coverage, error) {
	t := &text{name: name, src: src, empty: wantCoverage}
	var c Coverage
	if !t.decode(src, "", wantCoverage, &c) {
		return Coverage{}, t.err()
	}
	if c.SchemaVersion != 1 {
		t.report("", "schemaVersion %d: want 1, "+wantCoverage, c.SchemaVersion)
	} else if c.Accounts == nil {
		t.report("", "no accounts: want "+wantCoverage)
	}
	for i, a := range c.Accounts {
		t.account(fmt.Sprintf("/accounts/%d", i), a, c.Accounts[:i])
	}
	if err := t.err(); err != nil {
		return Coverage{}, err
	}
	return c, nil
}

const wantCoverage = "a usage.coverage.json as pare ingest writes it beside usage.jsonl"

// account checks an account's coverage. What isn't there must not read as "no gaps".
func (s *text) account(at string, a AccountCoverage, before []AccountCoverage) {
	if slices.ContainsFunc(before, func(b AccountCoverage) bool { return b.ID == a.ID }) || a.ID == "" {
		s.report(at, "id %q: want each account once, by its number", a.ID)
	}
	for i, r := range a.Regions {
		here := fmt.Sprintf("%s/regions/%d", at, i)
		switch {
		case r.Name == "" || slices.ContainsFunc(a.Regions[:i], func(b RegionCoverage) bool { return b.Name == r.Name }):
			s.report(here, "name %q: want each Region once", r.Name)
		case r.Basis != "digests" && r.Basis != "events":
			s.report(here, `basis %q: want "digests" or "events"`, r.Basis)
		case r.From.IsZero() || r.To.Before(r.From):
			s.report(here, "from %s to %s: want a beginning and an end after it", stamp(r.From), stamp(r.To))
		case r.Gaps == nil:
			s.report(here, "no gaps: want the hours of which nothing is known, [] when there are none")
		case slices.ContainsFunc(r.Gaps, func(g Gapped) bool { return !g.From.Before(g.To) }):
			s.report(here, "a gap that ends before it begins: want whole hours")
		case r.Events < 0 || r.Reads < 0 || r.KMS < 0:
			s.report(here, "a negative count: want how many events there are")
		}
	}
}

// WriteCoverage writes a usage.coverage.json, indented.
func WriteCoverage(w io.Writer, c Coverage) error {
	if err := json.MarshalWrite(w, c, jsontext.WithIndent("  ")); err != nil {
		return err
	}
	_, err := io.WriteString(w, "\n")
	return err
}
