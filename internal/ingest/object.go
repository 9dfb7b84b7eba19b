package ingest

import (
	"bufio"
	"context"
	"io"
	"iter"
	"path/filepath"
	"slices"
	"strconv"
	"time"
)

// Object is a log file that lies in a store: an object of a bucket.
type Object struct {
	Folder  string    // as it is shown, up to its last slash: "s3://trail/AWSLogs/…/2026/05/01/"
	Name    string    // without a slash
	Size    int64     // bytes
	Changed time.Time // when it was written
	Tag     string    // is another when the content is another: S3's ETag
	Store   Store
}

// Path is what an object is shown as.
func (o Object) Path() string { return o.Folder + o.Name }

// Store is what objects are read from. It is safe for concurrent use.
type Store interface {
	// Open returns the bytes of an object, which end with the context. An error, of Open and
	// of a read, is final, in words: the store has tried again what may be tried again.
	Open(ctx context.Context, o Object) (io.ReadCloser, error)
}

// Add adds objects to what is to be read, each path once. Those that are no log files by
// their names are passed over, as in folders.
func (l *Listing) Add(objects []Object) {
	for _, o := range objects {
		if !logName(o.Name) {
			l.PassedOver.add(o.Path())
			continue
		}
		l.files = append(l.files, file{
			dir: o.Folder, name: o.Name, size: o.Size, changed: o.Changed.UnixNano(), stem: stemLength(o.Name),
			tag: o.Tag, store: o.Store,
		})
	}
	l.arrange()
}

// Objects reports whether any of the files lie in a store.
func (l *Listing) Objects() bool {
	return slices.ContainsFunc(l.files, func(f file) bool { return f.store != nil })
}

func (f *file) object() Object {
	return Object{Folder: f.dir, Name: f.name, Size: f.size, Changed: time.Unix(0, f.changed).UTC(), Tag: f.tag, Store: f.store}
}

// LogFile is a file of a listing, to be read otherwise than by [Run].
type LogFile struct{ file *file }

// LogFiles are the files of a listing, copies too, in a fixed order. Streams aren't among
// them.
func (l *Listing) LogFiles() iter.Seq[LogFile] {
	return func(yield func(LogFile) bool) {
		for i := range l.files {
			if !l.files[i].stream && !yield(LogFile{&l.files[i]}) {
				return
			}
		}
	}
}

// Path is what the file is shown as.
func (f LogFile) Path() string { return filepath.ToSlash(f.file.path()) }

// Version is another when the file is another: by its path, size, time of change and tag.
func (f LogFile) Version() string {
	return f.Path() + "\x00" + strconv.FormatInt(f.file.size, 10) + " " + strconv.FormatInt(f.file.changed, 10) + " " + f.file.tag
}

// Open returns the text of the file, unzipped. Reading it ends with the context; the
// errors, that of opening too, say what is wrong.
func (f LogFile) Open(ctx context.Context) io.ReadCloser {
	o := opener{ctx: ctx, inTime: ctx, meter: new(Meter), raw: bufio.NewReaderSize(nil, bufferSize)}
	return o.open(f.file)
}

// Problems calls visit for each folder and link that couldn't be looked into, with why.
func (l *Listing) Problems(visit func(path string, err error)) {
	for _, u := range l.unreadable {
		visit(filepath.ToSlash(u.path), u.err)
	}
}
