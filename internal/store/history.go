package store

import (
	"context"
	"time"

	"github.com/pare-iam/pare/finding"
)

// Event is something that happened to a finding. It is never changed.
type Event struct {
	Seq        int64 // grows with time
	At         time.Time
	Change     finding.Change // Updated when somebody archives it, or takes it back
	From       finding.Status // "" when it was found
	To         finding.Status
	Run        int64  // the run that did it; 0 when somebody did
	Who        string // who did it; "" when a run did
	ArchivedBy string // the archive rule; ""

	// Before is what was unused until then, when that changed; else nil. What was unused
	// afterwards is the Before of a later event, or what the finding says now.
	Before []finding.Permissions
}

// History lists what happened to a finding, the first first.
func (s *Store) History(ctx context.Context, analyzer, id string, p Page) (Part[Event], error) {
	key, _, err := s.findingKey(ctx, s.reader, analyzer, id)
	if err != nil {
		return Part[Event]{}, err
	}
	return listing[Event]{
		of: "history of " + analyzer + " " + id,
		query: sqlOf(`SELECT key, at, change, from_status, to_status, run, who, archived_by, details_before
			FROM finding_history WHERE finding = ?`, key),
		order: []column{{"key", true}},
		scan:  scanEvent,
		at:    func(e Event) []string { return []string{decimal(e.Seq)} },
	}.read(ctx, s.reader, p)
}

func scanEvent(r row) (Event, error) {
	var e Event
	var before string
	err := r.Scan(&e.Seq, instant{&e.At}, &e.Change, &e.From, &e.To, &e.Run, &e.Who, &e.ArchivedBy, &before)
	if err == nil && before != "" {
		e.Before, err = decodePermissions(before)
	}
	return e, err
}

// findingKey finds a finding's key, and its analyzer's.
func (s *Store) findingKey(ctx context.Context, q querier, analyzer, id string) (key, owner int64, err error) {
	if owner, err = s.analyzerID(ctx, q, analyzer); err != nil {
		return 0, 0, err
	}
	key, err = one(ctx, q, sqlOf(`SELECT key FROM findings WHERE analyzer = ? AND id = ?`, owner, id), scanInt, notFound("finding", id))
	return key, owner, err
}
