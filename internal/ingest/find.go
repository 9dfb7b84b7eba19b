package ingest

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Stdin is the path that means standard input.
const Stdin = "-"

// file is a log file, or a stream, to read.
type file struct {
	dir     string // as it is shown; "" with the whole path in name for an argument
	name    string
	size    int64 // bytes, 0 for a stream
	changed int64 // ns since 1970
	stem    int   // of name, see stemLength
	stream  bool  // standard input or a pipe: read once, never resumed
	tag     string
	store   Store // what an object is read from; nil for what is on this machine
}

// path is what is opened, and shown.
func (f *file) path() string {
	if f.dir == "" || f.store != nil {
		return f.dir + f.name
	}
	return filepath.Join(f.dir, f.name)
}

// key is equal for copies of a file, and for no others.
func (f *file) key() string {
	if f.stem > 0 {
		return filepath.Base(f.name)[:f.stem]
	}
	return f.path()
}

// Listing is what there is to read.
type Listing struct {
	files      []file
	jobs       []job // each file in one of them; streams come last
	unreadable []unreadable

	Copies     Names    // files that another path has under the same CloudTrail name
	PassedOver Names    // files of folders that are no log files by their names
	Empty      []string // folders that were asked for and hold no log file, sorted
}

// job is one log file with its copies: files[from:to].
type job struct{ from, to int }

// unreadable is a folder or a link that couldn't be looked into.
type unreadable struct {
	path string
	err  error
}

// Names counts paths and keeps the first few.
type Names struct {
	Count int
	First []string // sorted, at most MaxNames
}

// MaxNames is how many paths a Names keeps.
const MaxNames = 20

func (n *Names) add(path string) {
	n.Count++
	if len(n.First) < MaxNames {
		n.First = append(n.First, filepath.ToSlash(path))
	}
}

// Files is how many files there are to read, copies not counted.
func (l *Listing) Files() int { return len(l.jobs) }

// Bytes is the size of all files; streams have none.
func (l *Listing) Bytes() int64 { return sizeOf(l.files) }

// Streams reports whether standard input or pipes are among them.
func (l *Listing) Streams() bool {
	return len(l.files) > 0 && l.files[len(l.files)-1].stream
}

func sizeOf(files []file) int64 {
	var sum int64
	for i := range files {
		sum += files[i].size
	}
	return sum
}

// Find finds the log files that paths name: files, folders with all below them, patterns
// with * ? [, pipes, and [Stdin]. Links are followed; each file and folder is found once.
// The files of outputs aren't found. Find returns an error for a path that isn't there,
// a pattern without a match, and an output as a path; a folder below that can't be read
// is kept for the result.
func Find(ctx context.Context, paths, outputs []string) (*Listing, error) {
	f := finder{ctx: ctx, walked: map[string]bool{}, outputs: map[string][]string{}}
	for _, out := range outputs {
		if err := f.exclude(out); err != nil {
			return nil, err
		}
	}
	expanded, err := expand(paths)
	if err != nil {
		return nil, err
	}
	for _, path := range expanded {
		if err := f.argument(path); err != nil {
			return nil, err
		}
	}
	if err := f.addSingles(); err != nil {
		return nil, err
	}
	f.list.arrange()
	return &f.list, nil
}

// expand replaces patterns by what they match, and sorts.
func expand(paths []string) ([]string, error) {
	var out []string
	var errs []error
	for _, path := range paths {
		_, err := os.Lstat(path)
		if path == Stdin || err == nil || !strings.ContainsAny(path, "*?[") {
			out = append(out, clean(path))
			continue
		}
		matches, err := filepath.Glob(path)
		switch {
		case err != nil:
			errs = append(errs, fmt.Errorf("%s: no such file, and no pattern: want a ] for each [", path))
		case matches == nil:
			errs = append(errs, fmt.Errorf("%s: no such file, and as a pattern it matches none", path))
		}
		out = append(out, matches...)
	}
	slices.Sort(out)
	return slices.Compact(out), errors.Join(errs...)
}

func clean(path string) string {
	if path == "" {
		return path // filepath.Clean would make it the working folder
	}
	return filepath.Clean(path)
}

// finder walks folders into a listing.
type finder struct {
	ctx     context.Context
	list    Listing
	walked  map[string]bool     // real paths of folders
	outputs map[string][]string // names, by real path of their folder
	singles []single
}

// single is a file that was found by an argument or a link.
type single struct {
	file
	real   string // its path without links
	listed bool   // its folder lists it if it is walked: by name it is a log file
}

func (f *finder) exclude(out string) error {
	dir, err := realPath(filepath.Dir(out))
	if err != nil {
		return fmt.Errorf("%s: %w", out, cause(err))
	}
	f.outputs[dir] = append(f.outputs[dir], filepath.Base(out))
	if real, err := realPath(out); err == nil { // it is there, perhaps as a link
		f.outputs[filepath.Dir(real)] = append(f.outputs[filepath.Dir(real)], filepath.Base(real))
	}
	return nil
}

func (f *finder) excluded(real string) bool {
	return slices.Contains(f.outputs[filepath.Dir(real)], filepath.Base(real))
}

// argument adds what a path of the command line names.
func (f *finder) argument(path string) error {
	if path == Stdin {
		f.list.files = append(f.list.files, file{name: Stdin, stream: true})
		return nil
	}
	there, err := os.Stat(path)
	switch {
	case err != nil:
		return fmt.Errorf("%s: %w", path, cause(err))
	case there.IsDir():
		before := len(f.list.files) + len(f.singles)
		walked, err := f.folder(path)
		if walked && len(f.list.files)+len(f.singles) == before {
			f.list.Empty = append(f.list.Empty, filepath.ToSlash(path))
		}
		return err
	case !there.Mode().IsRegular():
		f.list.files = append(f.list.files, file{name: path, stream: true})
		return nil
	}
	return f.single(path, there)
}

// single adds a regular file, once it is known that no folder has it too.
func (f *finder) single(path string, there fs.FileInfo) error {
	real, err := realPath(path)
	if err != nil {
		return fmt.Errorf("%s: %w", path, cause(err))
	}
	if f.excluded(real) {
		return fmt.Errorf("%s: is the output, and isn't read", path)
	}
	f.singles = append(f.singles, single{newFile("", path, there), real, logName(filepath.Base(real))})
	return nil
}

// addSingles adds the files that no walked folder has listed.
func (f *finder) addSingles() error {
	seen := map[string]bool{}
	for _, s := range f.singles {
		if seen[s.real] || s.listed && f.walked[filepath.Dir(s.real)] {
			continue
		}
		seen[s.real] = true
		f.list.files = append(f.list.files, s.file)
	}
	return f.ctx.Err()
}

func newFile(dir, name string, there fs.FileInfo) file {
	return file{
		dir: dir, name: name, size: there.Size(), changed: there.ModTime().UnixNano(),
		stem: stemLength(filepath.Base(name)),
	}
}

// folder adds the log files of a folder and of those below it. It reports whether it was
// walked now, rather than before under this or another path.
func (f *finder) folder(dir string) (walked bool, err error) {
	if err := f.ctx.Err(); err != nil {
		return false, err
	}
	real, err := realPath(dir)
	if err != nil {
		f.note(dir, err)
		return true, nil
	}
	if f.walked[real] {
		return false, nil
	}
	f.walked[real] = true
	entries, err := os.ReadDir(dir)
	if err != nil {
		f.note(dir, err) // the entries read so far are looked at
	}
	outputs := f.outputs[real]
	for _, entry := range entries {
		if slices.Contains(outputs, entry.Name()) {
			continue
		}
		if err := f.entry(dir, entry); err != nil {
			return true, err
		}
	}
	return true, nil
}

func (f *finder) note(path string, err error) {
	f.list.unreadable = append(f.list.unreadable, unreadable{path, cause(err)})
}

// entry adds what a folder lists.
func (f *finder) entry(dir string, entry fs.DirEntry) error {
	path := filepath.Join(dir, entry.Name())
	switch {
	case entry.IsDir():
		_, err := f.folder(path)
		return err
	case entry.Type()&fs.ModeSymlink != 0:
		return f.link(path)
	case !entry.Type().IsRegular() || !logName(entry.Name()):
		f.list.PassedOver.add(path)
		return nil
	}
	there, err := entry.Info()
	if err != nil { // it has gone since
		f.note(path, err)
		return nil
	}
	f.list.files = append(f.list.files, newFile(dir, entry.Name(), there))
	return nil
}

// link adds what a symbolic link of a folder leads to.
func (f *finder) link(path string) error {
	there, err := os.Stat(path)
	switch {
	case err == nil && there.IsDir():
		_, err := f.folder(path)
		return err
	case !logName(path) || err == nil && !there.Mode().IsRegular():
		f.list.PassedOver.add(path)
		return nil
	case err != nil:
		f.note(path, err)
		return nil
	}
	if real, err := realPath(path); err == nil && f.excluded(real) {
		return nil
	}
	return f.single(path, there)
}

// arrange sorts the files, copies side by side and streams last, and makes the jobs.
func (l *Listing) arrange() {
	l.jobs, l.Copies = nil, Names{}
	slices.SortFunc(l.files, func(a, b file) int {
		if a.stream != b.stream {
			if a.stream {
				return 1
			}
			return -1
		}
		return cmp.Or(strings.Compare(a.key(), b.key()), strings.Compare(a.path(), b.path()))
	})
	l.files = slices.CompactFunc(l.files, func(a, b file) bool { // of two places, one in the other
		return a.store != nil && b.store != nil && a.path() == b.path()
	})
	for i := range l.files {
		if i > 0 && l.files[i].stem > 0 && l.files[i-1].stem > 0 && l.files[i].key() == l.files[i-1].key() {
			l.jobs[len(l.jobs)-1].to = i + 1
			l.Copies.add(l.files[i].path())
		} else {
			l.jobs = append(l.jobs, job{i, i + 1})
		}
	}
}

// realPath is the absolute path without links.
func realPath(path string) (string, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return "", err
	}
	return filepath.EvalSymlinks(abs)
}

// cause is what is wrong, without the system call and the path.
func cause(err error) error {
	if p, ok := errors.AsType[*fs.PathError](err); ok {
		return p.Err
	}
	return err
}
