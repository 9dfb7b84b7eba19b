package samplegen

import (
	"io"
	"slices"
	"strconv"
	"time"
)

// BulkLog writes the JSON of one log file with so many records, not gzip'd, for
// benchmarks: calls of the sample's principals, drawn by how often they are made, about
// 1.65 KB each. Seeds that follow one another make files of hours that do.
func BulkLog(w io.Writer, seed uint64, records int) error {
	world := bulkWorld()
	r := world.newRecorder()
	r.pcg.Seed(seed, 2)
	habits, weights := world.weights()
	hour := world.options.Now.Add(-time.Duration(seed%2880+1) * time.Hour)
	b := []byte(`{"Records":[`)
	for i := range records {
		h, _ := slices.BinarySearch(weights, int(r.pcg.Uint64()%uint64(weights[len(weights)-1]))+1)
		at := hour.Add(time.Duration(i) * time.Hour / time.Duration(records)).Truncate(time.Second)
		if i > 0 {
			b = append(b, ',')
		}
		b = r.appendEvent(b, event{habits[h], 0, at})
		if len(b) > 1<<16 {
			if _, err := w.Write(b); err != nil {
				return err
			}
			b = b[:0]
		}
	}
	_, err := w.Write(append(b, "]}"...))
	return err
}

// bulkCopies is how many of each role there are: in a large account many roles are alike.
const bulkCopies = 8

func bulkWorld() *World {
	a := readAccount()
	w := &World{options: Demo(), calls: readCalls(), root: a.Root, users: a.Users}
	for copied := range bulkCopies {
		for _, r := range a.Roles {
			twin := *r
			if copied > 0 {
				twin.Name += "-" + strconv.Itoa(copied+1)
			}
			w.roles = append(w.roles, &twin)
		}
	}
	w.settle()
	return w
}

// weights are the habits that a trail records, and the running sum of how often each
// shows in three months.
func (w *World) weights() ([]*habit, []int) {
	var habits []*habit
	var sums []int
	total := 0
	for _, p := range w.principals() {
		for _, h := range p.habits {
			if !logged(h) || h.until > 90 {
				continue
			}
			total += max(1, h.count*90/h.every)
			habits = append(habits, h)
			sums = append(sums, total)
		}
	}
	return habits, sums
}
