package cloudtrail

import (
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/pare-iam/pare/usage"
)

type regionKey struct{ account, name string }

// region is what the logs hold of one Region of an account.
type region struct {
	regionKey
	days               map[int32]*hours // by day from 1970-01-01
	data               map[string]*int  // data events by resource type
	events, reads, kms int
	changed            int64 // the last call that changed what a trail records, in seconds; 0: none
}

// hours are hours of a day, as bits.
type hours struct {
	seen uint32 // have a management event
	lost uint32 // an event of theirs, or more, couldn't be read
}

// region returns where a record belongs: the account whose log it is in, or of the
// caller in old records, and the Region. It is nil when the record doesn't say.
func (t *Tally) region(r *record) *region {
	account := r.account
	if len(account) == 0 {
		account = r.identity.account
	}
	if len(account) == 0 || len(r.region) == 0 {
		return nil
	}
	t.key = append(append(append(t.key[:0], account...), 0), r.region...)
	reg := t.byRegion[string(t.key)]
	if reg == nil {
		reg = t.regionAt(regionKey{string(account), string(r.region)})
		t.byRegion[string(t.key)] = reg
	}
	return reg
}

func (t *Tally) regionAt(key regionKey) *region {
	reg := t.regions[key]
	if reg == nil {
		reg = &region{regionKey: key, days: map[int32]*hours{}, data: map[string]*int{}}
		t.regions[key] = reg
	}
	return reg
}

func (r *region) day(day int32) *hours {
	h := r.days[day]
	if h == nil {
		h = &hours{}
		r.days[day] = h
	}
	return h
}

// cover counts a record as a sign that the logs have its hour. Only management events
// are such a sign: a trail of data events says nothing about the others. An answer to a
// question isn't one, unless somebody says so: it leaves out what wasn't asked for.
func (t *Tally) cover(f *file, reg *region, r *record, at int64) {
	if reg == nil {
		return
	}
	if r.changesTrail() {
		reg.changed = max(reg.changed, at)
	}
	management, answer := r.management(), f.answer && !t.whole
	f.touch(reg, at, management && !answer)
	switch {
	case management && answer:
		t.records.Answers++
		return
	case management:
		reg.events++
		if r.readOnly {
			reg.reads++
		}
	case r.data():
		if kind := r.dataType(); len(kind) > 0 {
			*reg.dataEvents(kind)++
		}
	}
	if string(r.source) == "kms.amazonaws.com" {
		reg.kms++
	}
}

// changesTrail says whether a call changed which events CloudTrail records, or may have:
// what the logs hold after it says nothing about what they would have held before.
// https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_Operations.html
func (r *record) changesTrail() bool {
	if string(r.source) != "cloudtrail.amazonaws.com" || len(r.errorCode) > 0 {
		return false
	}
	switch string(r.name) {
	case "CreateEventDataStore", "CreateTrail", "DeleteEventDataStore", "DeleteTrail", "PutEventSelectors", "RestoreEventDataStore", "StartEventDataStoreIngestion",
		"StartLogging", "StopEventDataStoreIngestion", "StopLogging", "UpdateEventDataStore", "UpdateTrail":
		return true
	}
	return false
}

// dataEvents is the count of the data events of a type.
func (r *region) dataEvents(kind []byte) *int {
	n := r.data[string(kind)]
	if n == nil {
		n = new(int)
		r.data[string(kind)] = n
	}
	return n
}

// dataType is the resource type of a data event: what it has beside the bucket, for S3.
func (r *record) dataType() []byte {
	const bucket = "AWS::S3::Bucket"
	var kind []byte
	for i := range r.resources {
		switch k := r.resources[i].kind; {
		case len(k) == 0:
		case string(k) != bucket:
			return k
		default:
			kind = k
		}
	}
	if len(kind) > 0 {
		return kind
	}
	switch string(r.source) {
	case "s3.amazonaws.com":
		return []byte("AWS::S3::Object")
	case "lambda.amazonaws.com":
		return []byte("AWS::Lambda::Function")
	case "dynamodb.amazonaws.com":
		return []byte("AWS::DynamoDB::Table")
	}
	return nil
}

// Coverage says what the files could have shown, and what was broken.
//
// An hour of a Region is known by a management event in it. Between the first and the
// last digest file of the Region it is known if digest files cover it whole, events or
// not, unless some log files there are of a trail without digest files. It isn't known,
// events or not, if a log file that a digest file lists for it wasn't read, or if something
// that belongs to it, or may, couldn't be read.
func (t *Tally) Coverage() usage.Coverage {
	c := usage.Coverage{
		SchemaVersion: 1, Accounts: t.accounts(), Files: t.files, Records: t.records,
		Unmapped: []usage.Unmapped{}, Broken: slices.Clone(t.broken),
	}
	if c.Broken == nil {
		c.Broken = []usage.Broken{}
	}
	slices.SortFunc(c.Broken, compareBroken)
	for id, u := range t.unmapped {
		e := t.events[id]
		c.Unmapped = append(c.Unmapped, usage.Unmapped{Event: e.source + ":" + e.name, Service: prefixes(e.source)[0], Count: u.count, LastSeen: instant(u.last)})
	}
	slices.SortFunc(c.Unmapped, func(a, b usage.Unmapped) int { return strings.Compare(a.Event, b.Event) })
	return c
}

func compareBroken(a, b usage.Broken) int {
	if order := strings.Compare(a.File, b.File); order != 0 {
		return order
	}
	if a.Record != b.Record {
		return a.Record - b.Record
	}
	return strings.Compare(a.Error, b.Error)
}

func (t *Tally) accounts() []usage.AccountCoverage {
	byID := map[string]*usage.AccountCoverage{}
	account := func(id string) *usage.AccountCoverage {
		a := byID[id]
		if a == nil {
			a = &usage.AccountCoverage{ID: id, Regions: []usage.RegionCoverage{}}
			byID[id] = a
		}
		return a
	}
	digested := t.digests.intervals()
	for key := range t.digests.others(digested) {
		delete(digested, key)
	}
	missing := t.digests.missing()
	keys := map[regionKey]bool{}
	for key := range t.regions {
		keys[key] = true
	}
	for key := range digested {
		keys[key] = true
	}
	for key := range keys {
		a := account(key.account)
		if r, ok := t.regionCoverage(key, digested[key], missing[key]); ok {
			a.Regions = append(a.Regions, r)
		}
		if reg := t.regions[key]; reg != nil && reg.changed > 0 && instant(reg.changed).After(a.Changed) {
			a.Changed = instant(reg.changed)
		}
	}
	out := []usage.AccountCoverage{}
	for _, id := range slices.Sorted(maps.Keys(byID)) {
		a := byID[id]
		slices.SortFunc(a.Regions, func(x, y usage.RegionCoverage) int { return strings.Compare(x.Name, y.Name) })
		a.DataEvents = t.dataCoverage(id)
		out = append(out, *a)
	}
	return out
}

// dataCoverage says which data events of an account there are or, by the options, would
// be.
func (t *Tally) dataCoverage(account string) []usage.DataCoverage {
	counts := map[string]int{}
	for kind := range t.allData {
		counts[kind] = 0
	}
	for key, reg := range t.regions {
		if key.account == account {
			for kind, n := range reg.data {
				counts[kind] += *n
			}
		}
	}
	out := []usage.DataCoverage{}
	for _, kind := range slices.Sorted(maps.Keys(counts)) {
		out = append(out, usage.DataCoverage{Type: kind, Events: counts[kind], All: t.allData[kind]})
	}
	return out
}

// regionCoverage says what is known of one Region; ok is false if that is nothing.
func (t *Tally) regionCoverage(key regionKey, digested, missing []interval) (c usage.RegionCoverage, ok bool) {
	known := map[int64]bool{} // hours from 1970: false for those that were touched and aren't known
	reg := t.regions[key]
	if reg == nil {
		reg = &region{}
	}
	for day, h := range reg.days {
		for n := range int64(24) {
			if h.seen>>n&1 != 0 {
				known[int64(day)*24+n] = true
			}
		}
	}
	c = usage.RegionCoverage{Name: key.name, Basis: "events", Gaps: []usage.Gapped{}, Events: reg.events, Reads: reg.reads, KMS: reg.kms}
	if len(digested) > 0 {
		c.Basis = "digests"
		applyDigests(known, digested)
	}
	for _, m := range missing {
		for h := m.from; h < m.to; h++ {
			known[h] = false
		}
	}
	for day, h := range reg.days {
		for n := range int64(24) {
			if h.lost>>n&1 != 0 {
				known[int64(day)*24+n] = false
			}
		}
	}
	if len(known) == 0 {
		return c, false
	}
	c.From, c.To, c.Gaps = gaps(known)
	return c, true
}

// gaps returns the first and the last hour, and what isn't known between them.
func gaps(known map[int64]bool) (from, to time.Time, gaps []usage.Gapped) {
	all := slices.Sorted(maps.Keys(known))
	first, end := all[0], all[len(all)-1]+1
	gaps = []usage.Gapped{}
	next := first // the first hour after the last known one
	gap := func(until int64) {
		if next < until {
			gaps = append(gaps, usage.Gapped{From: instant(next * hourSeconds), To: instant(until * hourSeconds)})
		}
	}
	for _, h := range all {
		if known[h] {
			gap(h)
			next = h + 1
		}
	}
	gap(end)
	return instant(first * hourSeconds), instant(end * hourSeconds), gaps
}
