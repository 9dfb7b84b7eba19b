package jobs

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/riverdriver/riversqlite"
	"github.com/riverqueue/river/rivertype"

	"github.com/pare-iam/pare/catalog"
	"github.com/pare-iam/pare/internal/store"
)

// Options are what the work needs. Source and Catalog must be there; the zero of all else is
// the default.
type Options struct {
	Source  Source
	Catalog *catalog.Catalog
	Now     func() time.Time // the clock; nil: the machine's
	Logger  *slog.Logger     // nil: nothing is logged

	Every     time.Duration   // how often an analyzer looks at its accounts that doesn't say; 0: 24 hours
	Retention store.Retention // of what is over

	Scans           int // at a time, each with an account in memory; 0: 1
	Recommendations int // at a time; 0: 2
	Workers         int // principals of one scan at a time; 0: 2
	Opened          int // accounts that are kept in memory for recommendations; 0: 2

	Beat  time.Duration // how often a server says that it is there; 0: 5 s
	Stray time.Duration // how long a job is this server's by the database alone, before it is begun anew; 0: 2 min
	Look  time.Duration // how often schedules are looked at; 0: 30 s
	Poll  time.Duration // how often the queue is looked at; 0: 1 s
	Grace time.Duration // how long jobs may go on when the server stops; 0: 10 s
}

// Jobs is the queue and who works on it. It is safe for concurrent use.
type Jobs struct {
	Options
	store   *store.Store
	client  client
	reader  client // that reads alone, and waits for nobody who writes
	servers *servers
	opened  *opened
	turns   turns

	mu      sync.Mutex
	running map[int64]context.CancelCauseFunc // by the job's ID
	strays  map[attempt]time.Time             // since when

	stopLoops context.CancelFunc
	loops     sync.WaitGroup
}

// client is River's, whatever the database.
type client interface {
	ID() string
	Start(ctx context.Context) error
	Stop(ctx context.Context) error
	Insert(ctx context.Context, args river.JobArgs, o *river.InsertOpts) (*rivertype.JobInsertResult, error)
	JobGet(ctx context.Context, id int64) (*rivertype.JobRow, error)
	JobList(ctx context.Context, p *river.JobListParams) (*river.JobListResult, error)
	JobRetry(ctx context.Context, id int64) (*rivertype.JobRow, error)
}

// New makes the queue ready, and brings its tables up to date. Work begins with Start.
func New(ctx context.Context, s *store.Store, o Options) (*Jobs, error) {
	if o.Source == nil || o.Catalog == nil {
		return nil, errors.New("jobs: want a Source and a Catalog")
	}
	j := &Jobs{Options: o.withDefaults(), store: s, running: map[int64]context.CancelCauseFunc{}}
	j.opened = newOpened(j.Opened)
	at := s.Connections()
	if err := migrate(ctx, at); err != nil {
		return nil, err
	}
	var err error
	reading := at.Reader
	if at.Pool != nil {
		j.client, err = river.NewClient(riverpgxv5.New(at.Pool), j.config())
		j.reader = j.client
	} else {
		config := j.config()
		config.PollOnly = true // River would ask the only connection that writes 20 times a second
		var readErr error
		j.client, err = river.NewClient(riversqlite.New(at.Writer), config)
		j.reader, readErr = river.NewClient(riversqlite.New(reading), &river.Config{Logger: warnings(j.Logger)})
		err = errors.Join(err, readErr)
	}
	if err != nil {
		return nil, err
	}
	j.servers = &servers{db: at.Writer, read: reading, postgres: at.Pool != nil, id: j.client.ID(), limit: 4 * j.Beat}
	return j, nil
}

func (o Options) withDefaults() Options {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	orElse(&o.Every, 24*time.Hour)
	orElse(&o.Beat, 5*time.Second)
	orElse(&o.Stray, 2*time.Minute)
	orElse(&o.Look, 30*time.Second)
	orElse(&o.Poll, time.Second)
	orElse(&o.Grace, 10*time.Second)
	orElse(&o.Scans, 1)
	orElse(&o.Recommendations, 2)
	orElse(&o.Workers, 2)
	orElse(&o.Opened, 2)
	return o
}

func orElse[T int | time.Duration](v *T, otherwise T) {
	if *v == 0 {
		*v = otherwise
	}
}

// config is River's. Its own rescue of jobs leaves those without a time limit alone, which
// all of ours are: a scan of a large account takes hours.
func (j *Jobs) config() *river.Config {
	return &river.Config{
		Logger:                      warnings(j.Logger),
		Workers:                     j.workers(),
		JobTimeout:                  -1,
		SoftStopTimeout:             j.Grace,
		FetchPollInterval:           j.Poll,
		FetchCooldown:               min(j.Poll, 100*time.Millisecond),
		CompletedJobRetentionPeriod: 2 * 24 * time.Hour,
		CancelledJobRetentionPeriod: 30 * 24 * time.Hour,
		DiscardedJobRetentionPeriod: 30 * 24 * time.Hour,
		Queues: map[string]river.QueueConfig{
			scanQueue: {MaxWorkers: j.Scans}, recommendQueue: {MaxWorkers: j.Recommendations}, otherQueue: {MaxWorkers: 2},
		},
	}
}

func (j *Jobs) workers() *river.Workers {
	all := river.NewWorkers()
	river.AddWorker(all, &worker[scanArgs]{jobs: j, do: j.scan, gaveUp: j.scanGaveUp})
	river.AddWorker(all, &worker[recommendArgs]{jobs: j, do: j.recommend, gaveUp: j.recommendGaveUp})
	river.AddWorker(all, &worker[ruleArgs]{jobs: j, do: j.applyRule})
	river.AddWorker(all, &worker[cleanArgs]{jobs: j, do: j.clean})
	return all
}

// Start begins to work, until Stop. It is done once.
func (j *Jobs) Start(ctx context.Context) error {
	if _, err := j.servers.beat(ctx); err != nil {
		return err
	}
	ctx = context.WithoutCancel(ctx)
	if err := j.client.Start(ctx); err != nil {
		return err
	}
	ctx, j.stopLoops = context.WithCancel(ctx)
	j.loops.Go(func() { j.each(ctx, j.Beat, j.beat) })
	j.loops.Go(func() { j.each(ctx, j.Look, j.look) })
	return nil
}

// each calls f at once, and then again and again. Its errors are logged: they are the
// database's, and the next time it may answer.
func (j *Jobs) each(ctx context.Context, every time.Duration, f func(context.Context) error) {
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	for {
		if err := f(ctx); err != nil && ctx.Err() == nil {
			j.Logger.ErrorContext(ctx, "job queue", "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

// Stop ends the work: no job is begun, those that run have Grace to end, and are then
// interrupted and available to others. The error is that of ctx, when it ends before.
func (j *Jobs) Stop(ctx context.Context) error {
	if j.stopLoops == nil {
		return nil
	}
	err := j.client.Stop(ctx)
	j.stopLoops()
	j.loops.Wait()
	if err != nil {
		return err
	}
	return j.servers.leave(ctx)
}

// Alive says whether this server has lately told the others that it is there. While the
// database doesn't answer it is not.
func (j *Jobs) Alive() bool { return j.servers.alive() }
