package notify

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
)

// OCSFOptions are of the sinks that write OCSF events, one a line.
type OCSFOptions struct {
	Name    string // of the sink; "": "ocsf"
	Version string // pare's, for the events; "": none is told
}

// OCSFWriter is a Sink that writes to an open stream, such as standard output.
type OCSFWriter struct {
	options OCSFOptions
	mu      sync.Mutex
	w       io.Writer
}

// NewOCSFWriter makes the sink.
func NewOCSFWriter(w io.Writer, o OCSFOptions) *OCSFWriter {
	return &OCSFWriter{options: o.filled(), w: w}
}

func (o OCSFOptions) filled() OCSFOptions {
	if o.Name == "" {
		o.Name = "ocsf"
	}
	return o
}

// Name implements [Sink].
func (s *OCSFWriter) Name() string { return s.options.Name }

// Send implements [Sink]. All changes are one write.
func (s *OCSFWriter) Send(ctx context.Context, changes []Change) []Failure {
	s.mu.Lock()
	defer s.mu.Unlock()
	err := ctx.Err()
	if err == nil {
		_, err = s.w.Write(s.options.lines(changes))
	}
	return failedWrite(changes, err)
}

func (o OCSFOptions) lines(changes []Change) []byte {
	var b bytes.Buffer
	for _, c := range changes {
		b.Write(ocsfLine(c, o.Version))
		b.WriteByte('\n')
	}
	return b.Bytes()
}

func failedWrite(changes []Change, err error) []Failure {
	if err == nil {
		return nil
	}
	return failAll(changes, Failure{Reason: err.Error()})
}

// OCSFFile is a Sink that appends to a file. The file is opened each time, so that it may be
// rotated away, and is on disk before the changes count as told. Only one process may write
// it.
type OCSFFile struct {
	options OCSFOptions
	mu      sync.Mutex
	path    string
}

// NewOCSFFile makes the sink. The file is made when there is something to write, readable by
// its owner alone.
func NewOCSFFile(path string, o OCSFOptions) (*OCSFFile, error) {
	if path == "" {
		return nil, errors.New("ocsf: no file: want the path of the file to append to")
	}
	return &OCSFFile{options: o.filled(), path: path}, nil
}

// Name implements [Sink].
func (s *OCSFFile) Name() string { return s.options.Name }

// Send implements [Sink].
func (s *OCSFFile) Send(ctx context.Context, changes []Change) []Failure {
	s.mu.Lock()
	defer s.mu.Unlock()
	err := ctx.Err()
	if err == nil {
		err = s.append(s.options.lines(changes))
	}
	return failedWrite(changes, err)
}

// append adds lines, or leaves the file as it was. A line that a crash left unfinished is
// ended first, so that it spoils no other.
func (s *OCSFFile) append(lines []byte) (err error) {
	f, err := os.OpenFile(s.path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	end, err := f.Seek(0, io.SeekEnd)
	if err != nil {
		return err
	}
	if end > 0 {
		var last [1]byte
		if _, err := f.ReadAt(last[:], end-1); err != nil {
			return err
		}
		if last[0] != '\n' {
			lines = append([]byte("\n"), lines...)
		}
	}
	if _, err = f.Write(lines); err == nil {
		err = f.Sync()
	}
	if err != nil {
		return errors.Join(fmt.Errorf("%s: %w", s.path, err), f.Truncate(end))
	}
	return nil
}
