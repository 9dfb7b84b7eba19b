package cloudtrail

import "maps"

// Merge adds what another tally has read, which stays as it is. Both are of the same
// Mapper. In whatever order and grouping tallies are merged, the answers are the same.
func (t *Tally) Merge(o *Tally) {
	maps.Copy(t.allData, o.allData)
	t.mergeCells(o)
	for id, u := range o.unmapped {
		own := t.eventID(o.events[id])
		if t.unmapped[own] == nil {
			t.unmapped[own] = &sighted{}
		}
		t.unmapped[own].join(*u)
	}
	for key, r := range o.regions {
		t.regionAt(key).merge(r)
	}
	t.records.Read += o.records.Read
	t.records.Used += o.records.Used
	t.records.NoPrincipal += o.records.NoPrincipal
	t.records.NoPermission += o.records.NoPermission
	t.records.Unmapped += o.records.Unmapped
	t.records.Answers += o.records.Answers
	t.files.Read += o.files.Read
	t.files.Digests += o.files.Digests
	t.files.Skipped += o.files.Skipped
	t.files.Broken += o.files.Broken
	t.broken = append(t.broken, o.broken...)
	t.digests.merge(&o.digests)
}

// mergeCells adds o's cells, whose numbers mean something else in t.
func (t *Tally) mergeCells(o *Tally) {
	principals, services := t.renumber(&t.principals, o.principals), t.renumber(&t.services, o.services)
	events := make([]int32, len(o.events))
	for id, e := range o.events {
		events[id] = t.eventID(e)
	}
	shapes := make([]int32, len(o.shapes))
	for id, types := range o.shapes {
		shapes[id] = t.shapeID(types)
	}
	for i := range o.cells {
		from := &o.cells[i]
		to := t.cellID(cellKey{
			principal: principals[from.principal], event: events[from.event], service: services[from.service],
			shape: shapes[from.shape], day: from.day,
		})
		t.mergeCell(&t.cells[to], o, from)
	}
}

func (t *Tally) renumber(to *names, from names) []int32 {
	out := make([]int32, len(from.list))
	for id, text := range from.list {
		out[id] = to.id(text)
	}
	return out
}

func (t *Tally) mergeCell(c *cell, o *Tally, from *cell) {
	c.join(from.sighted)
	c.denied += from.denied
	own := t.resources(c)
	for i, arns := range o.resources(from) {
		if len(arns) > 0 {
			own[i] = smallestOf(own[i], arns)
		}
	}
}

func (r *region) merge(o *region) {
	r.events += o.events
	r.reads += o.reads
	r.kms += o.kms
	r.changed = max(r.changed, o.changed)
	for kind, n := range o.data {
		*r.dataEvents([]byte(kind)) += *n
	}
	for day, h := range o.days {
		own := r.day(day)
		own.seen |= h.seen
		own.lost |= h.lost
	}
}
