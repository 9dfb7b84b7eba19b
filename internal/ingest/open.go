package ingest

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"sync/atomic"

	"github.com/klauspost/compress/flate"
	"github.com/klauspost/compress/gzip"
)

// What can be wrong with a zipped file.
var (
	errCutOff  = errors.New("cut off: the gzip data end too early; copy the file again")
	errDamaged = errors.New("damaged")
)

// Meter counts what has been read, for a progress bar. It is safe for concurrent use.
type Meter struct {
	bytes, resumed, files atomic.Int64
}

// Bytes is how much has been read, as it lies on disk, and by an earlier run.
func (m *Meter) Bytes() int64 { return m.bytes.Load() }

// Resumed is how much of Bytes an earlier run has read.
func (m *Meter) Resumed() int64 { return m.resumed.Load() }

// Files is how many files have been read to their end.
func (m *Meter) Files() int64 { return m.files.Load() }

// opener opens one file after the other, with the same buffers.
type opener struct {
	ctx    context.Context // of streams
	inTime context.Context // of files
	stdin  io.Reader
	meter  *Meter
	raw    *bufio.Reader
	gzip   *gzip.Reader // nil until the first file that is zipped
}

// bufferSize suits disks and the gzip reader.
const bufferSize = 256 << 10

func newOpener(ctx, inTime context.Context, r *runner) *opener {
	return &opener{ctx: ctx, inTime: inTime, stdin: r.options.Stdin, meter: r.options.Meter, raw: bufio.NewReaderSize(nil, bufferSize)}
}

// open returns the text of a file, unzipped if its first bytes say that it is zipped. It
// is valid until the next open. Reading it ends with its context; the errors, that
// of opening the file too, say what to do.
func (o *opener) open(f *file) io.ReadCloser {
	in, err := o.openRaw(f)
	if err != nil {
		return io.NopCloser(failingReader{cause(err)})
	}
	o.raw.Reset(&countingReader{o.inTime, in, o.meter})
	text := &textReader{in: o.raw, file: in}
	magic, _ := o.raw.Peek(2) // an error comes again when the text is read
	if len(magic) == 2 && magic[0] == 0x1f && magic[1] == 0x8b {
		text.in, text.zipped = o.unzip(), true
	}
	return text
}

func (o *opener) openRaw(f *file) (io.ReadCloser, error) {
	switch {
	case f.name == Stdin && f.stream:
		return interruptible(o.ctx, func() (io.ReadCloser, error) { return io.NopCloser(o.stdin), nil }), nil
	case f.stream:
		return interruptible(o.ctx, func() (io.ReadCloser, error) { return os.Open(f.name) }), nil
	case f.store != nil:
		return f.store.Open(o.inTime, f.object())
	}
	return os.Open(f.path())
}

// unzip reads the raw buffer as gzip, all members of it. A header that isn't one is an
// error of the first read.
func (o *opener) unzip() io.Reader {
	if o.gzip == nil {
		o.gzip = new(gzip.Reader)
	}
	if err := o.gzip.Reset(o.raw); err != nil {
		return failingReader{err}
	}
	return o.gzip
}

// interruptible opens and reads a stream, which may wait for ever, until the context
// ends. A read that is waiting then is left to the end of the process.
func interruptible(ctx context.Context, open func() (io.ReadCloser, error)) io.ReadCloser {
	out, in := io.Pipe()
	go func() {
		stream, err := open()
		if err == nil {
			_, err = io.Copy(in, stream)
			err = errors.Join(err, stream.Close())
		}
		in.CloseWithError(cause(err))
	}()
	stop := context.AfterFunc(ctx, func() { in.CloseWithError(ctx.Err()) })
	return stoppingReader{out, stop}
}

// stoppingReader forgets the context when it is closed.
type stoppingReader struct {
	*io.PipeReader
	stop func() bool
}

func (r stoppingReader) Close() error {
	r.stop()
	return r.PipeReader.Close()
}

// countingReader counts bytes and ends with the context.
type countingReader struct {
	ctx   context.Context
	in    io.Reader
	meter *Meter
}

func (r *countingReader) Read(p []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	n, err := r.in.Read(p)
	r.meter.bytes.Add(int64(n))
	return n, err
}

// textReader says in words what is wrong with a file.
type textReader struct {
	in     io.Reader
	file   io.Closer
	zipped bool
}

func (r *textReader) Read(p []byte) (int, error) {
	n, err := r.in.Read(p)
	if err == nil || err == io.EOF {
		return n, err
	}
	return n, r.explain(err)
}

func (r *textReader) explain(err error) error {
	switch {
	case r.zipped && errors.Is(err, io.ErrUnexpectedEOF):
		return errCutOff
	case r.zipped && isGzipError(err):
		return fmt.Errorf("%w: %w; copy the file again", errDamaged, err)
	}
	return cause(err)
}

func (r *textReader) Close() error { return r.file.Close() }

// isGzipError says whether an error is about the gzip data, not about reading them.
func isGzipError(err error) bool {
	_, corrupt := errors.AsType[flate.CorruptInputError](err)
	return corrupt || errors.Is(err, gzip.ErrHeader) || errors.Is(err, gzip.ErrChecksum)
}

// failingReader has nothing but an error.
type failingReader struct{ err error }

func (r failingReader) Read([]byte) (int, error) { return 0, r.err }
