package samplegen

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"time"
)

// habit is that a principal makes a call count times on each every-th day of a stretch
// of days, counted back from the last one, which is 0 days ago.
type habit struct {
	number       int // among all habits of the world: picks its random numbers
	owner        *principal
	call         *call
	count        int
	since, until int // days ago
	every        int
	denied       bool
	via, region  string
	by           string // a user's credential: "key1", "key2", "console", "federated"
}

// event is one occurrence of a habit.
type event struct {
	habit *habit
	ago   int // whole days before now
	at    time.Time
}

// parseHabits reads a line such as
//
//	s3:GetObject,PutObject 4 every=80 until=32 since=300 via=athena.amazonaws.com region=us-east-1 by=key1 denied
//
// one habit for each call. Without since, it began before the trail did, or with the
// principal.
func (w *World) parseHabits(p *principal, line string) []*habit {
	bad := func() { panic(fmt.Sprintf("samplegen: account.json: %s: bad use %q", p.Name, line)) }
	fields := strings.Fields(line)
	service, names, _ := strings.Cut(fields[0], ":")
	if len(fields) < 2 || names == "" {
		bad()
	}
	proto := habit{every: 1, since: -1, region: w.calls.region(service), by: "key1"}
	proto.count = number(fields[1], bad)
	for _, f := range fields[2:] {
		name, value, _ := strings.Cut(f, "=")
		switch name {
		case "every":
			proto.every = number(value, bad)
		case "until":
			proto.until = number(value, bad)
		case "since":
			proto.since = number(value, bad)
		case "via":
			proto.via = value
		case "region":
			proto.region = value
		case "by":
			proto.by = value
		case "denied":
			proto.denied = true
		default:
			bad()
		}
	}
	if proto.since < 0 {
		proto.since = max(w.options.Days+30, proto.until)
	}
	proto.since = min(proto.since, p.Created-1)
	var habits []*habit
	for name := range strings.SplitSeq(names, ",") {
		h := proto
		h.call = w.calls.call(service + ":" + name)
		habits = append(habits, &h)
	}
	return habits
}

func number(s string, bad func()) int {
	n, err := strconv.Atoi(s)
	if err != nil || n < 0 {
		bad()
	}
	return n
}

// active says whether the habit shows so many days ago. A habit of every working day
// rests on Saturdays and Sundays.
func (h *habit) active(now time.Time, ago int) bool {
	if ago < h.until || ago > h.since || (ago-h.until)%h.every != 0 {
		return false
	}
	if h.owner.Hours != "office" || h.every > 1 {
		return true
	}
	d := now.Add(-time.Duration(ago+1) * day).Weekday()
	return d != time.Saturday && d != time.Sunday
}

// events appends the occurrences of a day that is active.
func (w *World) events(out []event, h *habit, ago int) []event {
	var pcg rand.PCG
	pcg.Seed(w.options.Seed, uint64(h.number)<<16|uint64(ago))
	midnight := w.options.Now.Add(-time.Duration(ago+1) * day)
	for range h.count {
		second := int(pcg.Uint64() % lastSecond)
		if h.owner.Hours == "office" {
			second = 8*3600 + second*10/24
		}
		out = append(out, event{h, ago, midnight.Add(time.Duration(second) * time.Second)})
	}
	return out
}

// lastSecond of a day is before its log file is delivered.
const lastSecond = 86400 - 300

// day lists the events of a day of those habits that count, in order of time and then of
// habits.
func (w *World) day(ago int, counts func(*habit) bool) []event {
	var out []event
	for _, p := range w.principals() {
		for _, h := range p.habits {
			if h.active(w.options.Now, ago) && counts(h) {
				out = w.events(out, h, ago)
			}
		}
	}
	slices.SortFunc(out, func(a, b event) int {
		return cmp.Or(a.at.Compare(b.at), cmp.Compare(a.habit.number, b.habit.number))
	})
	return out
}

// last is the newest event of a habit; ok is false if there is none.
func (w *World) last(h *habit) (e event, ok bool) {
	for ago := h.until; ago <= h.since; ago++ {
		if !h.active(w.options.Now, ago) {
			continue
		}
		events := w.events(nil, h, ago)
		if len(events) == 0 {
			return event{}, false
		}
		return slices.MaxFunc(events, func(a, b event) int { return a.at.Compare(b.at) }), true
	}
	return event{}, false
}

// oldest is how many days ago the first habit began.
func (w *World) oldest() int {
	oldest := w.options.Days - 1
	for _, p := range w.principals() {
		for _, h := range p.habits {
			oldest = max(oldest, h.since)
		}
	}
	return oldest
}
