package cloudtrail

import (
	"cmp"
	"errors"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
)

// digests is what digest files say: which log files were delivered when.
//
// A digest file lists the log files of about an hour in its start and end time, which are no
// full hours. Those of a Region follow each other without a break, so that a break is a
// digest file that wasn't read.
type digests struct {
	spans  map[regionKey]map[interval]bool // seconds
	listed map[string]listing              // log files by base name
	whole  map[string]bool                 // log files that were read, by base name: whether they were whole
}

// interval is from, and up to but without to.
type interval struct{ from, to int64 }

// listing is a log file that a digest lists, and the hours of its oldest and newest
// event.
type listing struct {
	regionKey
	hours interval
}

func newDigests() digests {
	return digests{spans: map[regionKey]map[interval]bool{}, listed: map[string]listing{}, whole: map[string]bool{}}
}

func (d *digests) merge(o *digests) {
	for key, spans := range o.spans {
		for span := range spans {
			d.span(key, span)
		}
	}
	for name, l := range o.listed {
		d.list(name, l)
	}
	for name, whole := range o.whole {
		d.read(name, whole)
	}
}

// read notes that a log file was read. What was broken once stays so.
func (d *digests) read(name string, whole bool) {
	before, known := d.whole[name]
	d.whole[name] = whole && (before || !known)
}

// list notes a log file that a digest lists. Of two that disagree on its Region the
// first in order counts, of two that disagree on its hours both do.
func (d *digests) list(name string, l listing) {
	if old, ok := d.listed[name]; ok {
		switch cmp.Or(cmp.Compare(old.account, l.account), cmp.Compare(old.name, l.name)) {
		case -1:
			l = old
		case 0:
			l.hours = interval{min(old.hours.from, l.hours.from), max(old.hours.to, l.hours.to)}
		}
	}
	d.listed[name] = l
}

func (d *digests) span(key regionKey, span interval) {
	if d.spans[key] == nil {
		d.spans[key] = map[interval]bool{}
	}
	d.spans[key][span] = true
}

// intervals returns what the digest files of each Region cover, in order, without
// overlaps, in seconds.
func (d *digests) intervals() map[regionKey][]interval {
	out := map[regionKey][]interval{}
	for key, spans := range d.spans {
		sorted := slices.SortedFunc(maps.Keys(spans), compareIntervals)
		joined := sorted[:1]
		for _, s := range sorted[1:] {
			last := &joined[len(joined)-1]
			if s.from <= last.to {
				last.to = max(last.to, s.to)
			} else {
				joined = append(joined, s)
			}
		}
		out[key] = joined
	}
	return out
}

func compareIntervals(a, b interval) int {
	return cmp.Or(cmp.Compare(a.from, b.from), cmp.Compare(a.to, b.to))
}

// missing returns the hours of the log files that are listed and weren't read whole.
func (d *digests) missing() map[regionKey][]interval {
	out := map[regionKey][]interval{}
	for name, l := range d.listed {
		if !d.whole[name] {
			out[l.regionKey] = append(out[l.regionKey], l.hours)
		}
	}
	return out
}

// others returns the Regions that have log files of a trail without digest files, beside
// those of one that has them: a log file that no digest file lists, delivered well within
// the time that digest files cover. Those digest files say nothing about the other trail,
// which may be the one with the management events.
func (d *digests) others(covered map[regionKey][]interval) map[regionKey]bool {
	out := map[regionKey]bool{}
	for name := range d.whole {
		key, hours, ok := deliveredHours(name)
		if _, listed := d.listed[name]; !ok || listed {
			continue
		}
		if slices.ContainsFunc(covered[key], func(c interval) bool {
			return c.from <= (hours.from-1)*hourSeconds && (hours.to+1)*hourSeconds <= c.to
		}) {
			out[key] = true
		}
	}
	return out
}

// applyDigests notes which hours digest files cover. Those that a break touches aren't
// known. The hour in which the first one begins counts; that in which the last one ends
// doesn't, unless it is the same.
func applyDigests(known map[int64]bool, covered []interval) {
	first := floorDiv(covered[0].from, hourSeconds)
	end := max(floorDiv(covered[len(covered)-1].to, hourSeconds), first+1)
	for _, c := range covered {
		for h := floorDiv(c.from, hourSeconds); h*hourSeconds < c.to && h < end; h++ {
			known[h] = true
		}
	}
	for i, c := range covered[1:] {
		for h := floorDiv(covered[i].to, hourSeconds); h*hourSeconds < c.from; h++ {
			known[h] = false
		}
	}
}

// digestFile is a digest file, as far as it counts.
// https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-log-file-validation-digest-file-structure.html
type digestFile struct {
	Account string `json:"awsAccountId"`
	Start   string `json:"digestStartTime"`
	End     string `json:"digestEndTime"`
	Object  string `json:"digestS3Object"`
	Files   []struct {
		Object string `json:"s3Object"`
		Newest string `json:"newestEventTime"`
		Oldest string `json:"oldestEventTime"`
	} `json:"logFiles"`
}

var errDigest = errors.New("not a digest file: want awsAccountId, digestStartTime, digestEndTime and digestS3Object")

// maxDigest bounds the time that one digest file may cover.
const maxDigest = 31 * daySeconds

// digest notes what a digest file says.
func (t *Tally) digest(name string, text []byte) error {
	var d digestFile
	if err := json.Unmarshal(text, &d); err != nil {
		return errors.Join(errDigest, err)
	}
	from, ok1 := seconds([]byte(d.Start))
	to, ok2 := seconds([]byte(d.End))
	region := digestRegion(d.Object)
	if region == "" {
		region = digestRegion(name)
	}
	if !ok1 || !ok2 || to < from || to-from > maxDigest || d.Account == "" || region == "" {
		return errDigest
	}
	key := regionKey{d.Account, region}
	for _, f := range d.Files {
		oldest, ok1 := seconds([]byte(f.Oldest))
		newest, ok2 := seconds([]byte(f.Newest))
		if !ok1 || !ok2 || newest < oldest || newest-oldest > maxDigest {
			oldest, newest = from, to // as far as anybody knows
		}
		t.digests.list(baseName(f.Object), listing{key, interval{floorDiv(oldest, hourSeconds), floorDiv(newest, hourSeconds) + 1}})
	}
	t.digests.span(key, interval{from, to})
	return nil
}

// digestRegion is the Region in the name of a digest file,
// 123456789012_CloudTrail-Digest_us-east-2_trail_us-east-2_20230719T210131Z.json.gz.
func digestRegion(path string) string { return nameField(path, "CloudTrail-Digest") }

// nameField is the Region in the name of a file that CloudTrail made; empty if it isn't.
func nameField(path, kind string) string {
	fields := strings.Split(baseName(path), "_")
	if len(fields) < 4 || fields[1] != kind {
		return ""
	}
	return fields[2]
}

// baseName is a file's name without folders, and without the .gz that it had.
func baseName(path string) string {
	path = path[strings.LastIndexAny(path, `/\`)+1:]
	return strings.TrimSuffix(path, ".gz")
}

// deliveredHours returns where a log file belongs by its name and the hours that it may
// hold: that of its delivery and the one before.
// https://docs.aws.amazon.com/awscloudtrail/latest/userguide/get-and-view-cloudtrail-log-files.html
func deliveredHours(path string) (key regionKey, hours interval, ok bool) {
	fields := strings.Split(baseName(path), "_")
	if len(fields) < 5 || fields[1] != "CloudTrail" {
		return key, hours, false
	}
	at, err := time.Parse("20060102T1504Z", fields[3])
	if err != nil {
		return key, hours, false
	}
	h := floorDiv(at.Unix(), hourSeconds)
	return regionKey{fields[0], fields[2]}, interval{h - 1, h + 1}, true
}

func compareRegions(a, b regionKey) int {
	return cmp.Or(strings.Compare(a.account, b.account), strings.Compare(a.name, b.name))
}
