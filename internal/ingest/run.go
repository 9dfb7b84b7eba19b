package ingest

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pare-iam/pare/catalog"
	"github.com/pare-iam/pare/cloudtrail"
	"github.com/pare-iam/pare/usage"
)

// Options say how to read. The zero value reads with all processors and can't be resumed.
type Options struct {
	Workers      int           // how many files are read at a time; 0: GOMAXPROCS
	AllData      []string      // see cloudtrail.Options
	WholeAnswers bool          // see cloudtrail.Options
	Journal      string        // path of the journal; "" for none
	Fresh        bool          // what an earlier run has left in the journal isn't used
	Keep         bool          // the journal stays when the result is saved, for a run of other files, many of them the same
	Version      string        // of pare, which the journal is of
	Checkpoint   time.Duration // how much work of a worker an interruption may cost; 0: two seconds
	Stdin        io.Reader     // what Stdin reads; needed if it is among the paths
	Meter        *Meter        // counts, if it isn't nil
	Warn         func(string)  // gets what the user should know of the journal; needed with Journal
}

// Result is what the files came to.
type Result struct {
	Uses     []usage.Use
	Coverage usage.Coverage
	Resumed  int // files that an earlier run had read

	journal *journal
	keep    bool // see Options
}

// Run reads the files of a listing. When the context ends it stops soon, with the
// context's error and the journal on disk. The other errors are those of the journal;
// a log file that can't be read is part of the result.
func Run(ctx context.Context, c *catalog.Catalog, l *Listing, o Options) (*Result, error) {
	o.Workers = cmp.Or(o.Workers, runtime.GOMAXPROCS(0))
	o.Checkpoint = cmp.Or(o.Checkpoint, 2*time.Second)
	if o.Meter == nil {
		o.Meter = new(Meter)
	}
	r := &runner{list: l, options: o, mapper: cloudtrail.NewMapper(c), done: make([]bool, len(l.jobs))}
	if o.Journal != "" {
		if err := r.resume(c); err != nil {
			return nil, err
		}
	}
	err := r.readAll(ctx)
	if err != nil {
		return nil, errors.Join(err, r.closeJournal())
	}
	r.merge(r.newTally()) // so that there is one
	for _, u := range l.unreadable {
		r.noteUnreadable(u)
	}
	out := &Result{Uses: r.total.Uses(), Coverage: r.total.Coverage(), Resumed: r.resumed, journal: r.journal, keep: o.Keep}
	out.Coverage.Uses = len(out.Uses) // so that lines that get lost are missed
	return out, nil
}

// runner is one run.
type runner struct {
	list    *Listing
	options Options
	mapper  *cloudtrail.Mapper
	journal *journal          // nil: none
	total   *cloudtrail.Tally // nil before the first
	done    []bool            // by job: its tally is in total
	resumed int
	next    atomic.Int64 // job that nobody has begun
}

func (r *runner) newTally() *cloudtrail.Tally {
	return r.mapper.NewTally(cloudtrail.Options{AllData: r.options.AllData, WholeAnswers: r.options.WholeAnswers})
}

// merge adds a tally that nobody else goes on with.
func (r *runner) merge(t *cloudtrail.Tally) {
	if r.total == nil {
		r.total = t
		return
	}
	r.total.Merge(t)
}

func (r *runner) noteUnreadable(u unreadable) {
	_ = r.total.Read(filepath.ToSlash(u.path), failingReader{u.err}) // it notes the error
}

// batch is what a worker has read since its last.
type batch struct {
	jobs  []int
	tally *cloudtrail.Tally
	last  bool // the worker has come to its end
}

// readAll has the workers read, and adds up their batches. The last batch of a worker
// goes into the journal only if the run is interrupted or the journal is kept: else there is
// nothing to resume.
func (r *runner) readAll(ctx context.Context) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	batches := make(chan batch)
	var workers sync.WaitGroup
	for range r.options.Workers {
		workers.Go(func() { r.work(ctx, batches) })
	}
	go func() {
		workers.Wait()
		close(batches)
	}()
	var last []batch
	for b := range batches {
		if b.last {
			last = append(last, b)
			continue
		}
		if err := r.add(b); err != nil {
			cancel(err) // the workers end, and their batches are taken
		}
	}
	err := context.Cause(ctx)
	for _, b := range last {
		switch {
		case err == nil && !r.options.Keep:
			r.merge(b.tally)
		case err == nil || errors.Is(err, context.Canceled):
			if addErr := r.add(b); addErr != nil {
				return addErr
			}
		}
	}
	return err
}

// add puts a batch into the journal and the total.
func (r *runner) add(b batch) error {
	if r.lasting(b) {
		content, err := r.encode(b)
		if err == nil {
			err = r.journal.append(content)
		}
		if err != nil {
			return err
		}
	}
	r.merge(b.tally)
	return nil
}

// lasting says whether a batch belongs into the journal. One that is kept has no file that
// couldn't be read: the next run tries it again.
func (r *runner) lasting(b batch) bool {
	if r.journal == nil || len(b.jobs) == 0 || r.list.files[r.list.jobs[b.jobs[0]].from].stream {
		return false
	}
	if !r.options.Keep {
		return true
	}
	c := b.tally.Coverage()
	return c.Files.Broken == 0 && len(c.Broken) == 0
}

// grace is how long a file that is being read may go on after an interruption.
const grace = 500 * time.Millisecond

// work reads one job after the other. When the context ends, the file at hand is read to
// its end if that doesn't take long; else the batch is lost, for the part of a file is in
// it. A stream has a batch of its own, since it can't be resumed.
func (r *runner) work(ctx context.Context, batches chan<- batch) {
	inTime, late := context.WithCancel(context.WithoutCancel(ctx))
	defer late()
	defer context.AfterFunc(ctx, func() { time.AfterFunc(grace, late) })()
	files := newOpener(ctx, inTime, r)
	b := batch{tally: r.newTally()}
	began := time.Now()
	hand := func(last bool) {
		b.last = last
		batches <- b
		b, began = batch{tally: r.newTally()}, time.Now()
	}
	for {
		i := int(r.next.Add(1)) - 1
		if i >= len(r.list.jobs) || ctx.Err() != nil {
			hand(true)
			return
		}
		if r.done[i] {
			continue
		}
		stream := r.list.files[r.list.jobs[i].from].stream
		if len(b.jobs) > 0 && (stream || time.Since(began) >= r.options.Checkpoint) {
			hand(false)
		}
		r.readJob(b.tally, files, r.list.jobs[i])
		if inTime.Err() != nil || stream && ctx.Err() != nil {
			return
		}
		b.jobs = append(b.jobs, i)
		r.options.Meter.files.Add(1)
		if stream {
			hand(false)
		}
	}
}

// readJob reads a file that has no copies; of copies the first that is whole, or else
// the one with the most records.
func (r *runner) readJob(t *cloudtrail.Tally, files *opener, j job) {
	copies := r.list.files[j.from:j.to]
	if len(copies) == 1 {
		read(t, files, &copies[0])
		return
	}
	var best *cloudtrail.Tally
	most, chosen := -1, 0
	for i := range copies {
		one := r.newTally()
		read(one, files, &copies[i])
		c := one.Coverage()
		if c.Records.Read > most {
			best, most, chosen = one, c.Records.Read, i
		}
		if len(c.Broken) == 0 {
			best, chosen = one, i
			r.options.Meter.bytes.Add(sizeOf(copies[i+1:]))
			break
		}
	}
	t.Merge(best)
	for i := range copies {
		if i != chosen {
			t.Skip(filepath.ToSlash(copies[i].path()))
		}
	}
}

// read reads a file into a tally, which notes what is wrong with it.
func read(t *cloudtrail.Tally, files *opener, f *file) {
	name := filepath.ToSlash(f.path())
	if f.stream && f.name == Stdin {
		name = "stdin"
	}
	text := files.open(f)
	_ = t.Read(name, text) // it notes the error
	_ = text.Close()       // nothing was written
}

// resume adds up what an earlier run left in the journal.
func (r *runner) resume(c *catalog.Catalog) error {
	if r.options.Fresh {
		if err := os.Remove(r.options.Journal); err != nil && !errors.Is(err, os.ErrNotExist) {
			return fmt.Errorf("%s: %w", r.options.Journal, cause(err))
		}
	}
	var jobs map[fileID]int
	damaged := false
	visit := func(content []byte) (stays bool) {
		if jobs == nil {
			jobs = r.jobsByID()
		}
		taken, err := r.take(jobs, content)
		damaged = err != nil || damaged
		return taken || !r.options.Keep
	}
	key := sync.OnceValue(func() journalKey { return r.options.key(c) })
	var stale bool
	var err error
	r.journal, stale, err = openJournal(r.options.Journal, key, visit)
	switch {
	case err != nil:
		return err
	case stale:
		r.options.Warn(r.options.Journal + ": what an earlier run left is of another version of pare, catalog or --data-events: all files are read again")
	case damaged:
		r.options.Warn(r.options.Journal + ": part of what an earlier run left can't be used: those files are read again")
	}
	return nil
}

func (r *runner) closeJournal() error {
	if r.journal == nil {
		return nil
	}
	return r.journal.close()
}

// jobsByID returns the jobs that can be resumed.
func (r *runner) jobsByID() map[fileID]int {
	out := make(map[fileID]int, len(r.list.jobs))
	for i := range r.list.jobs {
		if !r.list.files[r.list.jobs[i].from].stream {
			out[r.id(i)] = i
		}
	}
	return out
}

// id is what a job is known by in the journal.
func (r *runner) id(i int) fileID {
	j := r.list.jobs[i]
	var b []byte
	for k := range r.list.files[j.from:j.to] {
		f := &r.list.files[j.from+k]
		path := f.path()
		second := f.tag
		if f.store == nil {
			second = absolute(path)
		}
		b = append(append(append(append(b, path...), 0), second...), 0)
		b = binary.LittleEndian.AppendUint64(b, uint64(f.size))
		b = binary.LittleEndian.AppendUint64(b, uint64(f.changed))
	}
	sum := sha256.Sum256(b)
	return fileID(sum[:len(fileID{})])
}

func absolute(path string) string {
	abs, err := filepath.Abs(path)
	if err != nil {
		return path // the working folder has gone; what is relative still differs from what isn't
	}
	return abs
}

// encode is a batch as a frame of the journal.
func (r *runner) encode(b batch) ([]byte, error) {
	tally, err := b.tally.MarshalBinary()
	if err != nil {
		return nil, err
	}
	content := binary.AppendUvarint(nil, uint64(len(b.jobs)))
	for _, i := range b.jobs {
		id := r.id(i)
		content = append(content, id[:]...)
	}
	return append(content, tally...), nil
}

var errFrame = errors.New("a frame of the journal has fewer file ids than it says")

// take adds a frame to the total if all its files are still as they were, and none has
// been taken yet; else took is false.
func (r *runner) take(jobs map[fileID]int, content []byte) (took bool, err error) {
	n, size := binary.Uvarint(content)
	if size <= 0 || n > uint64(len(content)-size)/uint64(len(fileID{})) {
		return false, errFrame
	}
	content = content[size:]
	var taken []int
	for range n {
		i, ok := jobs[fileID(content)]
		if !ok || r.done[i] {
			return false, nil
		}
		taken = append(taken, i)
		content = content[len(fileID{}):]
	}
	one := r.newTally()
	if err := one.UnmarshalBinary(content); err != nil {
		return false, err
	}
	r.merge(one)
	r.resumed += len(taken)
	r.options.Meter.files.Add(int64(len(taken)))
	for _, i := range taken {
		r.done[i] = true
		n := sizeOf(r.list.files[r.list.jobs[i].from:r.list.jobs[i].to])
		r.options.Meter.bytes.Add(n)
		r.options.Meter.resumed.Add(n)
	}
	return true, nil
}
