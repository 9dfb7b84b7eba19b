package store_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/pare-iam/pare/finding"
	"github.com/pare-iam/pare/internal/store"
	"github.com/pare-iam/pare/internal/store/storetest"
)

func TestBackupAndRestore(t *testing.T) {
	folder := t.TempDir()
	path, backup, restored := filepath.Join(folder, "pare.db"), filepath.Join(folder, "backup.db"), filepath.Join(folder, "restored.db")
	s := open(t, path)
	create(t, s)
	scan(t, s, 1, permission(1, 1, "A"), permission(2, 1))
	want := exported(t, s, store.Query{})
	check(t, s.Backup(ctxOf(t), backup))
	same(t, "who may read it", "-rw-------", must(os.Stat(backup))(t).Mode().String())
	if err := s.Backup(ctxOf(t), backup); !errors.Is(err, store.ErrConflict) {
		t.Errorf("over another: %v", err)
	}
	scan(t, s, 2)
	if err := store.Restore(ctxOf(t), backup, path); !errors.Is(err, store.ErrConflict) {
		t.Errorf("over a database: %v", err)
	}
	check(t, store.Restore(ctxOf(t), backup, restored))
	same(t, "restored", want, exported(t, open(t, restored), store.Query{}))
	left, err := filepath.Glob(filepath.Join(folder, ".pare-*"))
	check(t, err)
	same(t, "left over", nil, left)
}

func TestBackupsThatAreNotRestored(t *testing.T) {
	folder := t.TempDir()
	path, good := filepath.Join(folder, "pare.db"), filepath.Join(folder, "good.db")
	s := open(t, path)
	create(t, s)
	scan(t, s, 1, permission(1, 1, "A"))
	check(t, s.Backup(ctxOf(t), good))
	text, err := os.ReadFile(good)
	check(t, err)
	scrambled := append([]byte{}, text...)
	for i := 4096; i < len(scrambled)-4096; i += 512 {
		scrambled[i] ^= 0xff
	}
	_, err = s.Connections().Writer.ExecContext(ctxOf(t), `INSERT INTO goose_db_version (version_id, is_applied) VALUES (999, 1)`)
	check(t, err)
	newer := filepath.Join(folder, "newer.db")
	check(t, s.Backup(ctxOf(t), newer))
	for name, c := range map[string]struct {
		content []byte
		want    error
	}{
		"an empty file": {nil, store.ErrDamaged}, "a text": {[]byte("not a database, but a text of more than a hundred bytes, which is what SQLite's header has, so that it is read"), store.ErrDamaged},
		"an index that has another ID": {bytes.Replace(text, []byte("UnusedPermission-001"), []byte("UnusedPermission-OO1"), 1), store.ErrDamaged},
		"a half":                       {text[:len(text)/2], store.ErrDamaged}, "scrambled pages": {scrambled, store.ErrDamaged}, "a newer one": {must(os.ReadFile(newer))(t), store.ErrNewer},
	} {
		from, to := filepath.Join(t.TempDir(), "from.db"), filepath.Join(folder, "to.db")
		check(t, os.WriteFile(from, c.content, 0o600))
		if err := store.Restore(ctxOf(t), from, to); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
		if _, err := os.Stat(to); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%s: a file is there: %v", name, err)
		}
	}
}

func TestDatabasesThatAreNotOpened(t *testing.T) {
	storetest.Each(t, func(t *testing.T, url string) {
		s := open(t, url)
		_, err := s.Connections().Writer.ExecContext(ctxOf(t), `INSERT INTO goose_db_version (version_id, is_applied) VALUES (999, $1)`, true)
		check(t, err)
		if _, err := store.Open(ctxOf(t), url, store.Options{}); !errors.Is(err, store.ErrNewer) {
			t.Errorf("a newer one: %v", err)
		}
	})
	text := filepath.Join(t.TempDir(), "notes.txt")
	check(t, os.WriteFile(text, []byte("a text"), 0o600))
	if _, err := store.Open(ctxOf(t), text, store.Options{}); !errors.Is(err, store.ErrDamaged) {
		t.Errorf("a text: %v", err)
	}
}

// Several servers that start at once on a new database all find it ready.
func TestManyOpenAtOnce(t *testing.T) {
	storetest.Each(t, func(t *testing.T, url string) {
		var all sync.WaitGroup
		for range 4 {
			all.Go(func() {
				s, err := store.Open(ctxOf(t), url, store.Options{})
				if err != nil {
					t.Error(err)
					return
				}
				if err := s.Close(); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
	})
}

// Who reads while a run is written sees all of the last one, and isn't kept waiting.
func TestReadersSeeWholeRuns(t *testing.T) {
	conform(t, func(t *testing.T, s *store.Store) {
		const n = 600
		all := func(at int) []finding.Finding {
			out := make([]finding.Finding, n)
			for i := range out {
				out[i] = permission(i, at, []string{"A", "B"}[at%2])
			}
			return out
		}
		scan(t, s, 1, all(1)...)
		done := make(chan struct{})
		var readers sync.WaitGroup
		for range 3 {
			readers.Go(func() {
				for {
					seen := map[string]int{}
					for _, f := range exported(t, s, store.Query{}) {
						seen[f.AnalyzedAt.String()+f.Permissions[1].Actions[0].Name]++
					}
					if len(seen) != 1 {
						t.Errorf("a mixture of runs: %v", seen)
					}
					select {
					case <-done:
						return
					default:
					}
				}
			})
		}
		var writers sync.WaitGroup
		for at := 2; at < 5; at++ {
			scan(t, s, at, all(at)...)
		}
		// Others' changes wait for their turn, and none is lost.
		for i := range 4 {
			writers.Go(func() {
				if _, err := s.SetStatus(ctxOf(t), by(6), theARN, finding.Archived, []string{permission(i, 1).ID}); err != nil {
					t.Error(err)
				}
			})
		}
		writers.Go(func() { scan(t, s, 5, all(5)...) })
		writers.Wait()
		close(done)
		readers.Wait()
		same(t, "archived", 4, must(s.Statistics(ctxOf(t), theARN))(t).Archived)
	})
}
