package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/pare-iam/pare/finding"
)

// RunState is how far a run is.
type RunState string

// The states.
const (
	Running  RunState = "running"
	Complete RunState = "complete"
	Failed   RunState = "failed"
)

// Run is an analyzer's look at one account.
type Run struct {
	ID         int64
	Analyzer   string // ARN
	Account    string
	State      RunState
	StartedAt  time.Time
	FinishedAt time.Time // zero while it is running

	// Of a complete one:

	WindowDays  int
	WindowEnd   time.Time
	CatalogDate string
	Report      Report
	Changes     map[finding.Change]int // how many findings changed how; those it didn't judge too

	Failure string // why it failed
}

// Report is what there is to say of a run beside its findings.
type Report struct {
	Roles    int            `json:"roles,omitzero"`
	Users    int            `json:"users,omitzero"`
	Granted  int            `json:"granted,omitzero"` // actions of all principals that were judged
	Used     int            `json:"used,omitzero"`
	Unused   int            `json:"unused,omitzero"`
	Removed  int            `json:"removed,omitzero"`   // unused ones that proved recommendations take away
	Skipped  map[string]int `json:"skipped,omitempty"`  // principals that weren't judged, by the reason
	Sources  []SourceState  `json:"sources,omitempty"`  // the evidence that there was
	Problems []string       `json:"problems,omitempty"` // what couldn't be read, and what that means
	Settings string         `json:"settings,omitzero"`  // names the analyzer's settings that it went by; "": not noted
}

// SourceState is what one source of evidence covers.
type SourceState struct {
	Name  string    `json:"name"`
	From  time.Time `json:"from,omitzero"`
	Until time.Time `json:"until,omitzero"`
	Note  string    `json:"note,omitzero"` // gaps, what isn't recorded
}

// stored is what of a run is kept as JSON.
type stored struct {
	Report  Report                 `json:"report"`
	Changes map[finding.Change]int `json:"changes,omitempty"`
}

// StartRun notes that an analyzer begins to look at an account. It isn't an error that
// another run does the same: the one whose window ends last counts.
func (s *Store) StartRun(ctx context.Context, analyzer, account string, at time.Time) (Run, error) {
	if err := checkText(account); err != nil || account == "" {
		return Run{}, invalid("run without an account")
	}
	out := Run{Analyzer: analyzer, Account: account, State: Running, StartedAt: kept(at)}
	err := s.write(ctx, func(tx *sql.Tx) error {
		owner, err := s.analyzerID(ctx, tx, analyzer)
		if err != nil {
			return err
		}
		out.ID, err = one(ctx, tx, sqlOf(`INSERT INTO runs (analyzer, account, state, started_at, finished_at, window_days, window_end, catalog_date, failure, report)
			VALUES (?, ?, 'running', ?, 0, 0, 0, '', '', '{"report":{}}') RETURNING id`, owner, account, micros(at)), scanInt, nil)
		if err != nil {
			return err
		}
		_, err = exec(ctx, tx, sqlOf(`INSERT INTO account_states (analyzer, account, last_run, complete_run) VALUES (?, ?, ?, 0)
			ON CONFLICT (analyzer, account) DO UPDATE SET last_run = excluded.last_run`, owner, account, out.ID))
		return err
	})
	return out, err
}

// FailRun ends a run without a result. What was there before stays. ErrConflict if the
// run isn't running.
func (s *Store) FailRun(ctx context.Context, run int64, why string, at time.Time) error {
	return s.write(ctx, func(tx *sql.Tx) error {
		n, err := exec(ctx, tx, sqlOf(`UPDATE runs SET state = 'failed', failure = ?, finished_at = ? WHERE id = ? AND state = 'running'`,
			clean(why), micros(at), run))
		if err == nil && n == 0 {
			return s.notRunning(ctx, tx, run)
		}
		return err
	})
}

func (s *Store) notRunning(ctx context.Context, q querier, run int64) error {
	state, err := one(ctx, q, sqlOf(`SELECT state FROM runs WHERE id = ?`, run), scanText, notFound("run", decimal(run)))
	if err != nil {
		return err
	}
	return fmt.Errorf("run %d is %s: %w", run, state, ErrConflict)
}

// FailRuns ends all runs that began before a time and are still running: those of a server
// that was killed. It says how many.
func (s *Store) FailRuns(ctx context.Context, before time.Time, why string, at time.Time) (int, error) {
	var n int64
	err := s.write(ctx, func(tx *sql.Tx) (err error) {
		n, err = exec(ctx, tx, sqlOf(`UPDATE runs SET state = 'failed', failure = ?, finished_at = ? WHERE state = 'running' AND started_at < ?`,
			clean(why), micros(at), micros(before)))
		return err
	})
	return int(n), err
}

const runColumns = `r.id, a.arn, r.account, r.state, r.started_at, r.finished_at, r.window_days, r.window_end, r.catalog_date, r.failure, r.report
	FROM runs r JOIN analyzers a ON a.id = r.analyzer AND a.gone_arn = ''`

func scanRun(r row) (Run, error) {
	var out Run
	var more stored
	err := r.Scan(&out.ID, &out.Analyzer, &out.Account, &out.State, instant{&out.StartedAt}, instant{&out.FinishedAt},
		&out.WindowDays, instant{&out.WindowEnd}, &out.CatalogDate, &out.Failure, decoded[stored]{&more})
	out.Report, out.Changes = more.Report, more.Changes
	return out, err
}

// Run is a run by its ID.
func (s *Store) Run(ctx context.Context, id int64) (Run, error) {
	return one(ctx, s.reader, sqlOf(`SELECT `+runColumns+` WHERE r.id = ?`, id), scanRun, notFound("run", decimal(id)))
}

// RunQuery says which runs. What is empty lets all through.
type RunQuery struct {
	Analyzer string // ARN
	Account  string
	State    RunState
}

// Runs lists the runs of an analyzer, the last first; of one account, if it is given.
func (s *Store) Runs(ctx context.Context, analyzer, account string, p Page) (Part[Run], error) {
	if _, err := s.analyzerID(ctx, s.reader, analyzer); err != nil {
		return Part[Run]{}, err
	}
	return s.FindRuns(ctx, RunQuery{Analyzer: analyzer, Account: account}, p)
}

// FindRuns lists runs, the last first.
func (s *Store) FindRuns(ctx context.Context, q RunQuery, p Page) (Part[Run], error) {
	if err := errors.Join(checkText(q.Analyzer), checkText(q.Account), checkText(string(q.State))); err != nil {
		return Part[Run]{}, err
	}
	st := sqlOf(`SELECT ` + runColumns + ` WHERE 1 = 1`)
	if q.Analyzer != "" {
		st.add(` AND r.analyzer = (SELECT id FROM analyzers WHERE arn = ?)`, q.Analyzer)
	}
	if q.Account != "" {
		st.add(` AND r.account = ?`, q.Account)
	}
	if q.State != "" {
		st.add(` AND r.state = ?`, string(q.State))
	}
	return listing[Run]{
		of: fmt.Sprintf("runs %+q", q), query: st, descending: true,
		order: []column{{"r.id", true}}, scan: scanRun, at: func(r Run) []string { return []string{decimal(r.ID)} },
	}.read(ctx, s.reader, p)
}

// LatestRuns lists the last complete run of each account, by account.
func (s *Store) LatestRuns(ctx context.Context, analyzer string, p Page) (Part[Run], error) {
	id, err := s.analyzerID(ctx, s.reader, analyzer)
	if err != nil {
		return Part[Run]{}, err
	}
	return listing[Run]{
		of: "latest runs of " + analyzer,
		query: sqlOf(`SELECT `+runColumns+` WHERE r.id IN
			(SELECT complete_run FROM account_states WHERE analyzer = ?)`, id),
		order: []column{{name: "r.account"}}, scan: scanRun, at: func(r Run) []string { return []string{r.Account} },
	}.read(ctx, s.reader, p)
}
