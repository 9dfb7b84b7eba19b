package collect

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"sync"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/pare-iam/pare/internal/snapshot"
)

// The files of a run beside the snapshot's. Hidden names are none of a snapshot's.
const (
	journalFile = ".collect.jsonl"
	lockFile    = ".collect.lock"
)

// ResumeLimit is how long after its beginning a run can go on where it was. What it has
// would be too old for a window that ends later.
const ResumeLimit = 12 * time.Hour

// journal is what a run has, in a file: a line for each part, appended as the part is got.
// The first line is about the run itself. A last line that is cut off is as if it weren't
// there. It is safe for concurrent use.
type journal struct {
	run run

	mu    sync.Mutex
	file  *os.File
	parts map[string]jsontext.Value
}

// run is which run it is. Two with the same beginning, on the same account, are one.
type run struct {
	Began   time.Time `json:"began"`
	Account string    `json:"account,omitempty"` // "" for an organization
	Exclude string    `json:"exclude,omitempty"` // what Options.Exclude was; another run begins anew
}

func exclude(o Options) string {
	if reflect.ValueOf(o.Exclude).IsZero() {
		return ""
	}
	return fmt.Sprintf("%+v", o.Exclude)
}

func (r run) is(other run) bool { return r.Began.Equal(other.Began) && r.Account == other.Account }

// line is a line of the file after the first.
type line struct {
	Part  string         `json:"part"`
	Value jsontext.Value `json:"value"`
}

// The parts that aren't about one principal.
const (
	partComplete     = "complete" // nothing is missing
	partAlias        = "alias"
	partTrails       = "trails"
	partOrganization = "organization"
)

func decode(value jsontext.Value, into any) error {
	return json.Unmarshal(value, into)
}

// readRun is the run that a folder is from, and whether it is complete; false if there is none.
func readRun(dir string) (r run, complete, ok bool, err error) {
	j, _, err := readJournal(dir)
	if j == nil || err != nil {
		return run{}, false, false, err
	}
	_, complete = j.get(partComplete)
	return j.run, complete, true, nil
}

// readJournal reads a folder's journal, and how long it is up to the last whole line. No
// journal is nil; so is one of which the first line can't be read.
func readJournal(dir string) (*journal, int64, error) {
	src, err := os.ReadFile(filepath.Join(dir, journalFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, 0, nil
	}
	if err != nil {
		return nil, 0, err
	}
	j := &journal{parts: map[string]jsontext.Value{}}
	whole := 0
	for text := range bytes.Lines(src) {
		var l line
		switch {
		case text[len(text)-1] != '\n':
			return j.orNil(whole), int64(whole), nil
		case whole == 0:
			if decode(text, &j.run) != nil || j.run.Began.IsZero() {
				return nil, 0, nil
			}
		case decode(text, &l) != nil:
			return j, int64(whole), nil
		default:
			j.parts[l.Part] = l.Value
		}
		whole += len(text)
	}
	return j.orNil(whole), int64(whole), nil
}

func (j *journal) orNil(whole int) *journal {
	if whole == 0 {
		return nil
	}
	return j
}

// openJournal opens the journal of a run in a folder; if the folder isn't from this run,
// found is false and nothing is opened.
func openJournal(dir string, r run) (j *journal, found bool, err error) {
	j, whole, err := readJournal(dir)
	if err != nil || j == nil || !j.run.is(r) {
		return nil, false, err
	}
	j.file, err = os.OpenFile(filepath.Join(dir, journalFile), os.O_RDWR, 0)
	if err != nil {
		return nil, false, err
	}
	_, err = j.file.Seek(whole, io.SeekStart)
	if err = errors.Join(j.file.Truncate(whole), err); err != nil {
		return nil, false, errors.Join(err, j.file.Close())
	}
	return j, true, nil
}

// newJournal takes away what earlier runs have left in the folder, and begins a journal:
// it is there only once they are gone.
func newJournal(dir string, w *snapshot.Writer, r run) (*journal, error) {
	if err := clear(dir); err != nil {
		return nil, localError{err}
	}
	src, err := json.Marshal(r)
	if err != nil {
		return nil, err
	}
	if err := w.WriteFile(journalFile, func(out io.Writer) error { return writeLine(out, src) }); err != nil {
		return nil, localError{err}
	}
	j, found, err := openJournal(dir, r)
	if err == nil && !found {
		err = fmt.Errorf("%s: the file that was just written isn't there", filepath.Join(dir, journalFile))
	}
	return j, err
}

// clear removes what a run writes. The journal goes first: without it nothing is taken for
// a part of a run.
func clear(dir string) error {
	names := []string{
		journalFile, snapshot.InfoFile, snapshot.DetailsFile, snapshot.DetailsFolder, snapshot.ReportFile,
		"credential-report.json", snapshot.KeysFile, snapshot.LastAccessedFolder,
	}
	for _, name := range names {
		if err := os.RemoveAll(filepath.Join(dir, name)); err != nil {
			return err
		}
	}
	return nil
}

func (j *journal) get(part string) (jsontext.Value, bool) {
	j.mu.Lock()
	defer j.mu.Unlock()
	value, ok := j.parts[part]
	return value, ok
}

// put adds a part. A line in the file has no line break in it.
func (j *journal) put(part string, value jsontext.Value) error {
	value = slices.Clone(value)
	if err := value.Compact(jsontext.AllowDuplicateNames(true)); err != nil {
		return err
	}
	src, err := json.Marshal(line{part, value}, jsontext.AllowDuplicateNames(true))
	if err != nil {
		return err
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	if err := writeLine(j.file, src); err != nil {
		return localError{err}
	}
	j.parts[part] = value
	return nil
}

// putAs adds a part that is a Go value.
func (j *journal) putAs(part string, value any) error {
	src, err := json.Marshal(value)
	if err != nil {
		return err
	}
	return j.put(part, src)
}

func (j *journal) close() error { return errors.Join(j.file.Sync(), j.file.Close()) }

// began decides when the run on a folder began: if the last one isn't complete and isn't
// too old, it goes on.
func began(dir string, o Options) (time.Time, error) {
	now := o.Now().UTC()
	last, complete, ok, err := readRun(dir)
	age := now.Sub(last.Began)
	if err != nil || o.Fresh || !ok || complete || age < 0 || age > ResumeLimit || last.Exclude != exclude(o) {
		return now, err
	}
	return last.Began, nil
}

// lockFolder keeps other processes from the folder until the function that it gives is
// called, or the process ends.
func lockFolder(dir string) (unlock func() error, err error) {
	f, err := os.OpenFile(filepath.Join(dir, lockFile), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	if err := lock(f); err != nil {
		return nil, errors.Join(fmt.Errorf("%s: %w", dir, err), f.Close())
	}
	return f.Close, nil
}
