package store

import (
	"context"
	"database/sql"
	"maps"
	"slices"
)

// Tags are the tags of whatever has an ARN; never nil.
func (s *Store) Tags(ctx context.Context, arn string) (map[string]string, error) {
	out := map[string]string{}
	err := each(ctx, s.reader, sqlOf(`SELECT name, value FROM tags WHERE arn = ?`, arn), func(r row) error {
		var name, value string
		err := r.Scan(&name, &value)
		out[name] = value
		return err
	})
	return out, err
}

// SetTags adds tags, or changes those that are there.
func (s *Store) SetTags(ctx context.Context, by By, arn string, tags map[string]string) error {
	return s.write(ctx, func(tx *sql.Tx) error {
		if err := putTags(ctx, tx, arn, tags); err != nil {
			return err
		}
		return audit(ctx, tx, by, "TagResource", arn)
	})
}

func putTags(ctx context.Context, tx *sql.Tx, arn string, tags map[string]string) error {
	for _, name := range slices.Sorted(maps.Keys(tags)) {
		if _, err := exec(ctx, tx, sqlOf(`INSERT INTO tags (arn, name, value) VALUES (?, ?, ?)
			ON CONFLICT (arn, name) DO UPDATE SET value = excluded.value`, arn, name, tags[name])); err != nil {
			return err
		}
	}
	return nil
}

// RemoveTags removes tags. One that isn't there is no error, as with AWS.
func (s *Store) RemoveTags(ctx context.Context, by By, arn string, names []string) error {
	return s.write(ctx, func(tx *sql.Tx) error {
		for _, name := range names {
			if _, err := exec(ctx, tx, sqlOf(`DELETE FROM tags WHERE arn = ? AND name = ?`, arn, name)); err != nil {
				return err
			}
		}
		return audit(ctx, tx, by, "UntagResource", arn)
	})
}
