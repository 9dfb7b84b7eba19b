package main

import (
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/pare-iam/pare/usage"
)

// windowFlag is a --window: 90d, 90, 12w.
// https://docs.aws.amazon.com/access-analyzer/latest/APIReference/API_UnusedAccessConfiguration.html
type windowFlag struct{ days int }

const (
	windowUsage = "how far to look back: 1d to 365d, or weeks as in 12w; what is unused that long or longer is found"
	defaultDays = 90
	mostDays    = 365
)

func (w *windowFlag) String() string { return strconv.Itoa(w.days) + "d" }
func (w *windowFlag) Type() string   { return "days" }

func (w *windowFlag) Set(s string) error {
	text, unit := strings.TrimSuffix(s, "d"), 1
	if number, weeks := strings.CutSuffix(s, "w"); weeks {
		text, unit = number, 7
	}
	n, err := strconv.Atoi(text)
	if err != nil || n*unit < 1 || n > mostDays || n*unit > mostDays {
		return errors.New("want 1d to 365d, such as 90d or 12w")
	}
	w.days = n * unit
	return nil
}

func (w *windowFlag) age() time.Duration { return time.Duration(w.days) * usage.Day }

// timeFlag is a --now: a moment, or a day, which is its beginning in UTC.
type timeFlag struct{ time.Time }

func (t *timeFlag) String() string {
	if t.IsZero() {
		return ""
	}
	return t.Format(time.RFC3339)
}

func (t *timeFlag) Type() string { return "time" }

func (t *timeFlag) Set(s string) error {
	for _, layout := range []string{time.RFC3339, time.DateOnly} {
		if at, err := time.Parse(layout, s); err == nil {
			t.Time = at.UTC()
			return nil
		}
	}
	return errors.New("want a time as in RFC 3339, such as 2026-11-01T00:00:00Z, or a day, 2026-11-01")
}
