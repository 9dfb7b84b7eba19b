package cloudtrail

import (
	"io"
)

const (
	windowSize = 128 << 10
	maxRecord  = 16 << 20 // bytes of one record
)

// window is the part of a file that is in memory: buf[pos:end] is unread, and pad zero
// bytes follow it. It grows only for a record that is longer.
type window struct {
	r    io.Reader
	buf  []byte
	pos  int
	end  int
	base int64 // offset of buf[0] in the file
	done bool  // r has no more
	err  error // why, unless it is the end
}

func (w *window) offset() int64 { return w.base + int64(w.pos) }

// more gets more text and keeps what is unread, which moves to the front. It says
// whether there was any; there is none at the end and when a record gets too long.
func (w *window) more() bool {
	if w.done {
		return false
	}
	copy(w.buf, w.buf[w.pos:w.end])
	w.base += int64(w.pos)
	w.pos, w.end = 0, w.end-w.pos
	if w.end+pad == len(w.buf) {
		if len(w.buf) >= maxRecord {
			return false
		}
		w.buf = append(w.buf, make([]byte, len(w.buf))...)
	}
	start, idle := w.end, 0
	for w.end+pad < len(w.buf) && !w.done {
		n, err := w.r.Read(w.buf[w.end : len(w.buf)-pad])
		w.end += n
		switch {
		case err == io.EOF:
			w.done = true
		case err != nil:
			w.done, w.err = true, err
		case n > 0:
			idle = 0
		default:
			if idle++; idle == maxIdle {
				w.done, w.err = true, io.ErrNoProgress
			}
		}
	}
	clear(w.buf[w.end : w.end+pad])
	return w.end > start
}

// maxIdle is how often a reader may give nothing.
const maxIdle = 100

// peek skips white space and returns the byte after it, which stays; ok is false at
// the end.
func (w *window) peek() (c byte, ok bool) {
	for {
		for space(w.buf[w.pos]) {
			w.pos++
		}
		if w.pos < w.end {
			return w.buf[w.pos], true
		}
		if !w.more() {
			return 0, false
		}
	}
}
