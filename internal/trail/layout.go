package trail

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Window is the time whose log files are wanted.
type Window struct{ From, Until time.Time }

// dayLayout is how keys have days, which makes their order that of time.
const dayLayout = "2006/01/02/"

// first and end are what stands behind a Region in the first key of the window and in the
// first one after it. Files arrive late: the day after the window is in it.
func (w Window) first() string { return w.From.UTC().Format(dayLayout) }
func (w Window) end() string   { return w.Until.UTC().AddDate(0, 0, 2).Format(dayLayout) }

// level is a depth of CloudTrail's layout: what the folders directly below are.
type level uint8

const (
	outside  level = iota // above AWSLogs
	owners                // organizations and accounts
	accounts              // of an organization
	kinds                 // log files, digests, and what other services put there
	regions
	dates
)

// awsLogs is the folder in which AWS puts logs.
const awsLogs = "AWSLogs"

// below is the level that a folder leads to from l; false: it isn't CloudTrail's.
func (l level) below(name string) (level, bool) {
	switch l {
	case outside:
		return owners, name == awsLogs
	case owners:
		if strings.HasPrefix(name, "o-") {
			return accounts, true
		}
		return kinds, isAccount(name)
	case accounts:
		return kinds, isAccount(name)
	case kinds:
		return regions, name == "CloudTrail" || name == "CloudTrail-Digest"
	case regions:
		return dates, name != ""
	case dates:
		return dates, name != "" && strings.Trim(name, "0123456789") == ""
	}
	panic(fmt.Sprintf("trail: unhandled level %d", l))
}

func isAccount(name string) bool { return len(name) == 12 && strings.Trim(name, "0123456789") == "" }

// folder is a part of the bucket with its level.
type folder struct {
	prefix string // of keys, with a slash at its end unless it is all of the bucket
	region string // from the level of dates on: the prefix up to the Region, with its slash
	level  level
}

// child is a folder below; false: it isn't CloudTrail's.
func (f folder) child(name string) (folder, bool) {
	next, ok := f.level.below(name)
	out := folder{prefix: f.prefix + name + "/", region: f.region, level: next}
	if f.level == regions {
		out.region = out.prefix
	}
	return out, ok
}

// locate is the folder of a prefix, by its names from the last AWSLogs on. False: there is
// something below AWSLogs that CloudTrail doesn't make.
func locate(prefix string) (folder, bool) {
	var names []string
	if prefix != "" {
		names = strings.Split(prefix, "/")
	}
	from := len(names)
	if i := lastIndex(names, awsLogs); i >= 0 {
		from = i
	}
	f, ok := folder{}, true
	if from > 0 {
		f.prefix = strings.Join(names[:from], "/") + "/"
	}
	for _, name := range names[from:] {
		if f, ok = f.child(name); !ok {
			return f, false
		}
	}
	return f, true
}

func lastIndex(names []string, name string) int {
	for i, n := range slices.Backward(names) {
		if n == name {
			return i
		}
	}
	return -1
}
