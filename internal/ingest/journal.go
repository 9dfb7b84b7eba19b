package ingest

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"os"
	"time"

	"github.com/klauspost/compress/zstd"
)

// journalMagic begins a journal, with the version of its layout.
const journalMagic = "pare ingest journal 1\n"

// journalKey is what a journal belongs to: a version of pare, a catalog, the options.
type journalKey [32]byte

// fileID is what a log file is known by in a journal: a digest of its path, size and
// time of change, and of those of its copies.
type fileID [16]byte

// syncEvery is how often the journal is made to survive a power cut.
const syncEvery = 10 * time.Second

// headSize is the length of what stands before the first frame, and frameHead of what
// stands before a frame's content: its length and its CRC-32C.
const (
	headSize  = int64(len(journalMagic) + len(journalKey{}))
	frameHead = 8
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// journal is the file of batches that are done. The file is there from the first append
// on, or if an earlier run left it.
type journal struct {
	path   string
	key    func() journalKey
	file   *os.File // nil: not there yet
	synced time.Time
	packer *zstd.Encoder
}

// openJournal opens the journal that an earlier run has left at a path, if there is one,
// and calls visit for each whole frame of it. What is cut off is dropped, and so are frames
// of which visit says that they needn't stay. A journal with another key is cleared, and
// stale is true.
func openJournal(path string, key func() journalKey, visit func(content []byte) (stays bool)) (j *journal, stale bool, err error) {
	packer, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(1), zstd.WithEncoderCRC(false))
	if err != nil {
		return nil, false, err
	}
	j = &journal{path: path, key: key, packer: packer}
	file, err := os.OpenFile(path, os.O_RDWR, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return j, false, nil
	}
	if err != nil {
		return nil, false, fmt.Errorf("%s: %w", path, cause(err))
	}
	j.file = file
	stale, err = j.load(visit)
	if err != nil {
		return nil, false, errors.Join(fmt.Errorf("%s: %w", path, cause(err)), file.Close())
	}
	return j, stale, nil
}

// load reads the frames, and leaves the file ready to append to. Frames that stay move down
// over those that don't. If that is cut short, one is there twice, or has a wrong sum: neither
// counts.
func (j *journal) load(visit func([]byte) bool) (stale bool, err error) {
	if err := lock(j.file); err != nil {
		return false, err
	}
	there, err := j.file.Stat()
	if err != nil {
		return false, err
	}
	in := bufio.NewReaderSize(j.file, bufferSize)
	head := make([]byte, headSize)
	if _, err := io.ReadFull(in, head); err != nil || !bytes.Equal(head, j.head()) {
		return there.Size() > 0, j.clear()
	}
	end, kept := headSize, headSize
	for {
		content, frame := readFrame(in, there.Size()-end)
		if len(frame) == 0 {
			break
		}
		if visit(content) {
			if kept < end {
				if _, err := j.file.WriteAt(frame, kept); err != nil {
					return false, err
				}
			}
			kept += int64(len(frame))
		}
		end += int64(len(frame))
	}
	if kept < end {
		if err := j.file.Truncate(kept); err != nil {
			return false, err
		}
	}
	_, err = j.file.Seek(kept, io.SeekStart) // what is appended goes over the rest
	return false, err
}

func (j *journal) head() []byte {
	key := j.key()
	return append([]byte(journalMagic), key[:]...)
}

// clear makes an empty journal of the file.
func (j *journal) clear() error {
	if err := j.file.Truncate(0); err != nil {
		return err
	}
	if _, err := j.file.Seek(0, io.SeekStart); err != nil {
		return err
	}
	_, err := j.file.Write(j.head())
	return err
}

// readFrame reads a frame of at most left bytes: its content, and the frame as it is in the
// file. Both are nil at the end, and at a frame that isn't whole: what follows that is of no
// use.
func readFrame(in io.Reader, left int64) (content, frame []byte) {
	var head [frameHead]byte
	if _, err := io.ReadFull(in, head[:]); err != nil {
		return nil, nil
	}
	length := int64(binary.LittleEndian.Uint32(head[:]))
	if frameHead+length > left {
		return nil, nil
	}
	frame = append(make([]byte, 0, frameHead+length), head[:]...)[:frameHead+length]
	packed := frame[frameHead:]
	if _, err := io.ReadFull(in, packed); err != nil || crc32.Checksum(packed, castagnoli) != binary.LittleEndian.Uint32(head[4:]) {
		return nil, nil
	}
	unpacker, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1))
	if err != nil {
		return nil, nil
	}
	defer unpacker.Close()
	content, err = unpacker.DecodeAll(packed, nil)
	if err != nil {
		return nil, nil
	}
	return content, frame
}

// append adds a frame, making the file if need be.
func (j *journal) append(content []byte) error {
	if j.file == nil {
		if err := j.create(); err != nil {
			return fmt.Errorf("%s: %w", j.path, cause(err))
		}
	}
	frame := j.packer.EncodeAll(content, make([]byte, frameHead, frameHead+len(content)/4))
	packed := frame[frameHead:]
	binary.LittleEndian.PutUint32(frame, uint32(len(packed)))
	binary.LittleEndian.PutUint32(frame[4:], crc32.Checksum(packed, castagnoli))
	_, err := j.file.Write(frame)
	if err == nil && time.Since(j.synced) > syncEvery {
		j.synced = time.Now()
		err = j.file.Sync()
	}
	if err != nil {
		return fmt.Errorf("%s: %w", j.path, cause(err))
	}
	return nil
}

func (j *journal) create() error {
	file, err := os.OpenFile(j.path, os.O_RDWR|os.O_CREATE, 0o666)
	if err != nil {
		return err
	}
	j.file, j.synced = file, time.Now()
	if err := lock(file); err != nil {
		return err
	}
	return j.clear()
}

// close leaves the journal for the next run.
func (j *journal) close() error {
	if j.file == nil {
		return nil
	}
	return errors.Join(j.file.Sync(), j.file.Close())
}

// remove is for when the result is safe.
func (j *journal) remove() error {
	if j.file == nil {
		return nil
	}
	return errors.Join(j.file.Close(), os.Remove(j.path))
}
