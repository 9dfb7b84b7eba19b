package catalogupdate_test

import (
	"context"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pare-iam/pare/catalog"
	"github.com/pare-iam/pare/internal/catalogupdate"
)

// catalogOf builds a catalog of a date whose services have so many actions each.
func catalogOf(t *testing.T, date string, sizes map[string]int) *catalog.Catalog {
	t.Helper()
	var files []catalog.File
	for service, actions := range sizes {
		files = append(files, catalog.File{Path: service + ".json", Bytes: []byte(serviceFile(service, actions))})
	}
	c, err := catalog.ReadFiles(date, files)
	check(t, err)
	return c
}

func filesIn(t *testing.T, folder string) []string {
	t.Helper()
	entries, err := os.ReadDir(folder)
	check(t, err)
	names := []string{}
	for _, entry := range entries {
		names = append(names, entry.Name())
	}
	return names
}

func TestSaveWritesASnapshotThatReadsBack(t *testing.T) {
	path := filepath.Join(t.TempDir(), "new", "folder", catalogupdate.FileName)
	for _, date := range []string{"2026-02-13", "2026-03-01"} {
		check(t, catalogupdate.Save(t.Context(), path, catalogOf(t, date, map[string]int{"a": 3})))
		src, err := os.ReadFile(path)
		check(t, err)
		c, err := catalog.Read(path, src)
		check(t, err)
		if c.Date() != date || c.Len() != 3 {
			t.Errorf("date %s, %d actions; want %s, 3", c.Date(), c.Len(), date)
		}
	}
	if diff := cmp.Diff([]string{catalogupdate.FileName}, filesIn(t, filepath.Dir(path))); diff != "" {
		t.Errorf("files -want +got:\n%s", diff)
	}
}

func TestSaveLeavesNothingHalfWritten(t *testing.T) {
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	path := filepath.Join(t.TempDir(), catalogupdate.FileName)
	check(t, os.WriteFile(path, []byte("old"), 0o644))
	err := catalogupdate.Save(cancelled, path, catalogOf(t, "2026-02-13", map[string]int{"a": 3}))
	if !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
	src, err := os.ReadFile(path)
	check(t, err)
	if diff := cmp.Diff([]string{catalogupdate.FileName}, filesIn(t, filepath.Dir(path))); diff != "" || string(src) != "old" {
		t.Errorf("content %q, files -want +got:\n%s", src, diff)
	}
}

func TestSaveReportsAFolderThatIsAFile(t *testing.T) {
	path := filepath.Join(write(t, "file", nil), catalogupdate.FileName)
	if err := catalogupdate.Save(t.Context(), path, catalogOf(t, "2026-02-13", map[string]int{"a": 3})); err == nil {
		t.Error("no error")
	}
}

func TestCheckShrink(t *testing.T) {
	twenty := map[string]int{"big": 40, "small": 2}
	for i := range 20 {
		twenty[string(rune('a'+i))] = 10
	}
	without := func(change map[string]int) map[string]int {
		out := map[string]int{}
		maps.Copy(out, twenty)
		for service, n := range change {
			out[service] = n
			if n == 0 {
				delete(out, service)
			}
		}
		return out
	}
	const before, later, earlier = "2026-02-13", "2026-03-01", "2026-01-01"
	for _, tt := range []struct {
		name  string
		date  string
		after map[string]int
		want  []string
	}{
		{"accepts the same", later, twenty, nil},
		{"accepts more", later, without(map[string]int{"new": 50}), nil},
		{"accepts the loss of a service of many", later, without(map[string]int{"a": 0}), nil},
		{"accepts that a small service loses half", later, without(map[string]int{"small": 1}), nil},
		{"refuses the loss of a tenth of the services", later, without(map[string]int{"a": 0, "b": 0, "small": 0}), []string{"3 of 22 services"}},
		{"refuses the loss of a tenth of the actions", later, without(map[string]int{"a": 1, "b": 1, "c": 1}), []string{"27 of 242 actions"}},
		{"refuses that a large service loses half", later, without(map[string]int{"big": 20}), []string{"20 of 40 actions of big"}},
		{"accepts that an older catalog knew half of a service", earlier, without(map[string]int{"big": 20}), nil},
		{"refuses nothing but a name", later, map[string]int{"big": 1}, []string{"21 of 22 services", "241 of 242 actions", "39 of 40 actions of big"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			err := catalogupdate.CheckShrink(catalogOf(t, before, twenty), catalogOf(t, tt.date, tt.after))
			var lost []string
			if shrink, is := errors.AsType[*catalogupdate.ShrinkError](err); is {
				lost = shrink.Lost
			}
			if diff := cmp.Diff(tt.want, lost); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}
