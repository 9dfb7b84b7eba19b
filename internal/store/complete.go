package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"iter"
	"slices"
	"sync"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/pare-iam/pare/analyzer"
	"github.com/pare-iam/pare/finding"
)

// Found is what a run found.
type Found struct {
	// Findings are those that the run found, each once, all of the run's account, as
	// analyzer.Findings reports them. Archive rules needn't have been applied.
	Findings iter.Seq2[finding.Finding, error]

	// Principals replace those of the account. nil: they stay.
	Principals iter.Seq2[Principal, error]

	// Closing says the rest. It is asked when both are at their ends.
	Closing func() Closing
}

// Closing is what is known of a run at its end.
type Closing struct {
	FinishedAt  time.Time
	WindowDays  int
	WindowEnd   time.Time // what Carry takes for now
	CatalogDate string
	Skipped     []analyzer.Skipped // what couldn't be judged: the findings about it stay
	Report      Report
}

// staged is a finding between the analysis and the database.
type staged struct {
	Finding  finding.Finding `json:"f"` // without Permissions
	Body     jsontext.Value  `json:"b"` // the permissions' text
	Services int             `json:"s"`
	Actions  int             `json:"a"`
	Set      string          `json:"u"` // digest of the names of what is unused, whenever it was last used
}

// CompleteRun makes the result of a run visible, all at once: its findings, carried on
// from the last run's as analyzer.Carry says and archived by the analyzer's rules, what
// changed, the principals, and the run itself. An error, be it one of the sequences', leaves
// everything as it was, the run running.
//
// The sequences are read to their ends before the database is touched, and are kept in a file
// meanwhile. The memory that is needed grows with the account's findings, without their
// permissions: 100 MB for 100,000.
//
// ErrConflict: the run isn't running, or a run whose window ends later has been completed
// for the same account. One whose window ends more than a day after this run doesn't count: it
// went by a clock that was wrong.
func (s *Store) CompleteRun(ctx context.Context, run int64, found Found) (Run, error) {
	findings, err := newSpool[staged](s.temp)
	if err != nil {
		return Run{}, err
	}
	principals, err := newSpool[Principal](s.temp)
	if err != nil {
		return Run{}, errors.Join(err, findings.close())
	}
	saved := 0
	err = fill(findings, found.Findings, stage)
	if err == nil && found.Principals != nil {
		err = fill(principals, found.Principals, checkPrincipal)
	}
	if err == nil {
		closing := found.Closing()
		err = s.write(ctx, func(tx *sql.Tx) error {
			c := completion{store: s, tx: tx, closing: closing, run: run}
			if err := c.begin(ctx); err != nil {
				return err
			}
			if found.Principals != nil {
				if err := c.principals(ctx, principals); err != nil {
					return err
				}
			}
			err := c.findings(ctx, findings)
			saved = c.saved
			return err
		})
	}
	if err == nil && s.dialect.statistics != "" && s.saved.many(saved) {
		_, err = exec(ctx, s.writer, sqlOf(s.dialect.statistics))
	}
	if err = errors.Join(err, findings.close(), principals.close()); err != nil {
		return Run{}, fmt.Errorf("run %d: %w", run, err)
	}
	return s.Run(ctx, run)
}

// stage checks a finding and takes its permissions apart.
func stage(f finding.Finding) (staged, error) {
	var out staged
	switch {
	case f.ID == "" || !slices.Contains(finding.Types(), f.Type):
		return out, invalid("finding %q of type %q: want an ID and one of %v", f.ID, f.Type, finding.Types())
	case len(f.Permissions) > 0 && f.Type != finding.UnusedPermission:
		return out, invalid("finding %q: a %s has no permissions", f.ID, f.Type)
	}
	if err := errors.Join(checkText(f.ID), checkText(f.Resource), checkText(f.ResourceID), checkText(f.AccessKeyID)); err != nil {
		return out, err
	}
	out.Services, out.Actions = countUnused(f.Permissions)
	if f.Type == finding.UnusedPermission {
		body, err := encodePermissions(f.Permissions)
		if err != nil {
			return out, err
		}
		out.Body, out.Set = jsontext.Value(body), unusedHash(f.Permissions)
	}
	f.Permissions = nil
	f.Status, f.ArchivedBy = finding.Active, "" // the rules of now decide
	f.AnalyzedAt, f.CreatedAt, f.UpdatedAt, f.LastAccessed = kept(f.AnalyzedAt), kept(f.CreatedAt), kept(f.UpdatedAt), kept(f.LastAccessed)
	out.Finding = f
	return out, nil
}

// completion is a run on its way into the database.
type completion struct {
	store    *Store
	tx       *sql.Tx
	run      int64
	owner    int64 // the analyzer
	account  string
	closing  Closing
	rules    []finding.ArchiveRule
	skipped  map[string][]analyzer.Skipped // by resource
	changes  map[finding.Change]int
	before   []record // the account's findings so far
	byID     map[string]*record
	seen     map[string]bool   // IDs of this run's
	last     string            // the last resource of the account's findings, by ARN
	saved    int               // findings that were written as a whole
	lines    map[happening]int // of history that were written
	prepared map[string]*sql.Stmt
}

// begin locks the analyzer for writing, and looks whether the run may be completed.
func (c *completion) begin(ctx context.Context) error {
	c.skipped, c.changes, c.seen, c.prepared, c.lines = map[string][]analyzer.Skipped{}, map[finding.Change]int{}, map[string]bool{}, map[string]*sql.Stmt{}, map[happening]int{}
	for _, skip := range c.closing.Skipped {
		c.skipped[skip.Resource] = append(c.skipped[skip.Resource], skip)
	}
	run, err := one(ctx, c.tx, sqlOf(`SELECT `+runColumns+` WHERE r.id = ?`, c.run), scanRun, notFound("run", decimal(c.run)))
	if err != nil {
		return err
	}
	if c.owner, err = c.store.lockAnalyzer(ctx, c.tx, run.Analyzer); err != nil {
		return err
	}
	n, err := exec(ctx, c.tx, sqlOf(`UPDATE runs SET state = 'complete', finished_at = ?, window_days = ?, window_end = ?, catalog_date = ?
		WHERE id = ? AND analyzer = ? AND state = 'running'`, // and not one that has the ARN since
		micros(c.closing.FinishedAt), c.closing.WindowDays, micros(c.closing.WindowEnd), clean(c.closing.CatalogDate), c.run, c.owner))
	if err != nil {
		return err
	}
	if n == 0 {
		return c.store.notRunning(ctx, c.tx, c.run)
	}
	later, err := one(ctx, c.tx, sqlOf(`SELECT COUNT(*) FROM runs WHERE analyzer = ? AND account = ? AND state = 'complete' AND window_end > ? AND window_end <= ?`,
		c.owner, run.Account, micros(c.closing.WindowEnd), micros(c.closing.FinishedAt.Add(day))), scanInt, nil)
	if err != nil {
		return err
	}
	if later > 0 {
		return fmt.Errorf("account %s has been looked at since: %w", run.Account, ErrConflict)
	}
	c.account = run.Account
	if c.rules, err = c.store.rulesOf(ctx, c.tx, c.owner); err != nil {
		return err
	}
	return c.load(ctx)
}

// manySaved is how many findings runs must change for the planner to be told at first, and
// mostSaved at most: it is told after twice as many each time, since it finds out by itself
// too, if late.
const (
	manySaved = 1000
	mostSaved = 32 * manySaved
)

// savings counts the findings that runs changed since the planner was told.
type savings struct {
	mu       sync.Mutex
	n, limit int
}

// many counts n more, and says whether it is time to tell.
func (s *savings) many(n int) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.n += n
	if s.n < max(s.limit, manySaved) {
		return false
	}
	s.n, s.limit = 0, min(2*max(s.limit, manySaved), mostSaved)
	return true
}

// findingBatch is how many findings are compared at a time.
const findingBatch = 500

// findings carries all findings on, and closes the run.
func (c *completion) findings(ctx context.Context, found *spool[staged]) error {
	if err := found.batches(findingBatch, func(batch []staged) error { return c.carry(ctx, batch) }); err != nil {
		return err
	}
	if err := c.leave(ctx); err != nil {
		return err
	}
	if err := recount(ctx, c.tx, c.owner, []string{c.account}); err != nil {
		return err
	}
	if err := countDays(ctx, c.tx, c.owner, c.at(), c.lines); err != nil {
		return err
	}
	report, err := encode(stored{c.closing.Report, c.changes})
	if err != nil {
		return err
	}
	if _, err := exec(ctx, c.tx, sqlOf(`UPDATE runs SET report = ? WHERE id = ?`, clean(report), c.run)); err != nil {
		return err
	}
	_, err = exec(ctx, c.tx, sqlOf(`UPDATE analyzers SET last_run_at = ?, last_resource = COALESCE(NULLIF(?, ''), last_resource) WHERE id = ?`,
		micros(c.closing.FinishedAt), c.last, c.owner))
	if err != nil {
		return err
	}
	_, err = exec(ctx, c.tx, sqlOf(`INSERT INTO account_states (analyzer, account, last_run, complete_run) VALUES (?, ?, ?, ?)
		ON CONFLICT (analyzer, account) DO UPDATE SET complete_run = excluded.complete_run`, c.owner, c.account, c.run, c.run))
	return err
}

// summary is what Carry needs to know of the run to judge some findings.
func (c *completion) summary(lists ...[]finding.Finding) analyzer.Summary {
	out := analyzer.Summary{Account: c.account}
	seen := map[string]bool{}
	for _, list := range lists {
		for i := range list {
			if r := list[i].Resource; !seen[r] {
				seen[r] = true
				out.Skipped = append(out.Skipped, c.skipped[r]...)
			}
		}
	}
	return out
}

// exec runs a statement that comes again and again.
func (c *completion) exec(ctx context.Context, st *statement) error {
	p, err := c.prepare(ctx, st)
	if err != nil {
		return err
	}
	_, err = p.ExecContext(ctx, st.args...)
	return err
}

// prepare has the database read a statement once; the transaction's end forgets it.
func (c *completion) prepare(ctx context.Context, st *statement) (*sql.Stmt, error) {
	text := st.String()
	if p := c.prepared[text]; p != nil {
		return p, nil
	}
	p, err := c.tx.PrepareContext(ctx, c.store.dialect.places(text))
	if err == nil {
		c.prepared[text] = p
	}
	return p, err
}
