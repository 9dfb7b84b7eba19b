package web

import (
	"fmt"
	"html/template"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/pare-iam/pare/finding"
	"github.com/pare-iam/pare/policy"
)

// functions are what templates may call beside the methods of frame.
func functions(a assets) template.FuncMap {
	return template.FuncMap{
		"asset":      func(name string) (string, error) { return a.url(name) },
		"num":        number,
		"count":      counted,
		"percent":    percent,
		"type":       typeText,
		"types":      typesText,
		"badge":      badge,
		"time":       timeTag,
		"since":      sinceTag,
		"both":       bothTag,
		"status":     statusText,
		"entity":     entityText,
		"entityKind": entityKind,
		"bytes":      func(b []byte) string { return string(b) },
		"lower":      strings.ToLower,
	}
}

func (a assets) url(name string) (string, error) {
	u, ok := a.urls[name]
	if !ok {
		return "", fmt.Errorf("there is no file %s below static", name)
	}
	return u, nil
}

// instant is a time as it is shown: in UTC, and how long ago. The zero value is never, or
// not known.
type instant struct {
	Machine string // RFC 3339
	Text    string // "2026-11-23 14:05 UTC"
	Ago     string // "3 days ago"
}

// At is how a time is shown on this page.
func (v *visit) At(t time.Time) instant {
	if t.IsZero() {
		return instant{}
	}
	t = t.UTC()
	return instant{t.Format(time.RFC3339), t.Format("2006-01-02 15:04") + " UTC", agoText(v.now.Sub(t))}
}

// Day is how a date is shown on this page.
func (v *visit) Day(t time.Time) instant {
	i := v.At(t)
	if i.Machine != "" {
		i.Machine, i.Text = t.UTC().Format(time.DateOnly), t.UTC().Format(time.DateOnly)
	}
	return i
}

// What follows has nothing in it that would need escaping. It is in every row of most tables,
// and made here many times faster than by a template.

// timeTag shows a time.
func timeTag(i instant) template.HTML { return i.tag(i.Text, i.Ago) }

// sinceTag shows how long ago a time was.
func sinceTag(i instant) template.HTML { return i.tag(i.Ago, i.Text) }

func (i instant) tag(shown, title string) template.HTML {
	if i.Machine == "" {
		return `<span class="faint">never</span>`
	}
	return template.HTML(`<time datetime="` + i.Machine + `" title="` + title + `">` + shown + `</time>`)
}

// bothTag shows a time and how long ago it was.
func bothTag(i instant) template.HTML {
	if i.Machine == "" {
		return `<span class="faint">never, or not known</span>`
	}
	return template.HTML(`<time datetime="` + i.Machine + `">` + i.Text + `</time> <span class="faint">(` + i.Ago + `)</span>`)
}

// badge shows a status.
func badge(s finding.Status) template.HTML {
	class, text := template.HTMLEscapeString(strings.ToLower(string(s))), template.HTMLEscapeString(statusText(s))
	return template.HTML(`<span class="badge ` + class + `">` + text + `</span>`)
}

// agoText is how long ago something was; of the future, how long it takes.
func agoText(d time.Duration) string {
	if d < 0 {
		return "in " + spanText(-d)
	}
	if d < time.Minute {
		return "just now"
	}
	return spanText(d) + " ago"
}

const day = 24 * time.Hour

// spanText is a length of time by its largest unit, up to days: of what is unused, days count.
func spanText(d time.Duration) string {
	switch {
	case d < time.Hour:
		return counted(int(d/time.Minute), "minute", "minutes")
	case d < 2*day:
		return counted(int(d/time.Hour), "hour", "hours")
	}
	return counted(int(d/day), "day", "days")
}

// number writes a number with a comma after each three digits.
func number(n int) string {
	digits := plainNumber(n)
	sign := ""
	if n < 0 {
		sign, digits = "-", digits[1:]
	}
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return sign + digits
}

func plainNumber(n int) string { return strconv.Itoa(n) }

func counted(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return number(n) + " " + many
}

// percent is what part is of whole, in whole percents; only nothing is 0 % and only all is
// 100 %. Of nothing it is a dash.
func percent(part, whole int) string {
	if whole <= 0 {
		return "–"
	}
	p := int(math.Round(100 * float64(part) / float64(whole)))
	if part > 0 {
		p = max(p, 1)
	}
	if part < whole {
		p = min(p, 99)
	}
	return plainNumber(p) + " %"
}

func typeText(t finding.Type) string {
	switch t {
	case finding.UnusedIAMRole:
		return "Unused role"
	case finding.UnusedIAMUserAccessKey:
		return "Unused access key"
	case finding.UnusedIAMUserPassword:
		return "Unused password"
	case finding.UnusedPermission:
		return "Unused permissions"
	}
	return string(t)
}

func typesText(t finding.Type) string {
	if t == finding.UnusedPermission {
		return typeText(t)
	}
	return typeText(t) + "s"
}

func statusText(s finding.Status) string {
	switch s {
	case finding.Active:
		return "Active"
	case finding.Archived:
		return "Archived"
	case finding.Resolved:
		return "Resolved"
	}
	return string(s)
}

// entityText is the name of a role or user, with its path: what of an ARN tells it from
// others of an account.
func entityText(arn string) string {
	a, err := policy.ParseARN(arn)
	if err != nil {
		return arn
	}
	if a.Name() == "" {
		return arn
	}
	return a.Name()
}

// entityKind is "role" or "user".
func entityKind(arn string) string {
	a, err := policy.ParseARN(arn)
	if err != nil {
		return "entity"
	}
	return a.Type()
}

// noticeText says what was done, at the top of the page that somebody comes back to. A
// done that it doesn't know says nothing, so that an address can put no words on the page.
func noticeText(done, n string) string {
	count, err := strconv.Atoi(n)
	if err != nil {
		count = 0
	}
	switch done {
	case "archived":
		return counted(count, "finding is", "findings are") + " archived now."
	case "unarchived":
		return counted(count, "finding is", "findings are") + " active again."
	case "recommend":
		return counted(count, "recommendation is", "recommendations are") + " being made."
	case "scan":
		return "A new run is asked for."
	case "retry":
		return "The job is tried again."
	case "saved":
		return "It is saved."
	case "deleted":
		return "It is deleted."
	case "added":
		return "It is added."
	case "nothing":
		return "Nothing was selected, so nothing changed."
	}
	return ""
}
