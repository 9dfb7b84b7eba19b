package store

import (
	"context"
	"database/sql"
	"strings"
	"time"
)

// Note is what somebody wrote about a finding. It is never changed, and goes with its finding
// alone.
type Note struct {
	Seq  int64 // grows with time
	At   time.Time
	Who  string
	Text string
}

// maxNote is how many bytes a note has at most.
const maxNote = 4000

// AddNote adds a note to a finding. ErrInvalid if it is empty, or has more than 4,000 bytes.
func (s *Store) AddNote(ctx context.Context, by By, analyzer, findingID, text string) error {
	text = strings.TrimSpace(clean(text))
	if text == "" || len(text) > maxNote {
		return invalid("a note of %d bytes: want 1 to %d", len(text), maxNote)
	}
	return s.write(ctx, func(tx *sql.Tx) error {
		key, _, err := s.findingKey(ctx, tx, analyzer, findingID)
		if err != nil {
			return err
		}
		if _, err := exec(ctx, tx, sqlOf(`INSERT INTO finding_notes (finding, at, who, body) VALUES (?, ?, ?, ?)`,
			key, micros(by.At), clean(by.Who), text)); err != nil {
			return err
		}
		return audit(ctx, tx, by, "AddNote", analyzer+"/"+findingID)
	})
}

// Notes lists a finding's notes, the first first.
func (s *Store) Notes(ctx context.Context, analyzer, findingID string, p Page) (Part[Note], error) {
	key, _, err := s.findingKey(ctx, s.reader, analyzer, findingID)
	if err != nil {
		return Part[Note]{}, err
	}
	return listing[Note]{
		of: "notes on " + analyzer + " " + findingID, order: []column{{"key", true}},
		query: sqlOf(`SELECT key, at, who, body FROM finding_notes WHERE finding = ?`, key),
		scan: func(r row) (n Note, err error) {
			err = r.Scan(&n.Seq, instant{&n.At}, &n.Who, &n.Text)
			return n, err
		},
		at: func(n Note) []string { return []string{decimal(n.Seq)} },
	}.read(ctx, s.reader, p)
}
