package jobs

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"reflect"
	"time"

	"github.com/riverqueue/river"

	"github.com/pare-iam/pare/analyzer"
	"github.com/pare-iam/pare/finding"
	"github.com/pare-iam/pare/internal/analyze"
	"github.com/pare-iam/pare/internal/store"
	"github.com/pare-iam/pare/usage"
)

// maxProblems is how many lines of problems a run keeps.
const maxProblems = 200

// scan looks at an account. What an earlier attempt left running is failed first, so that
// whoever may still be at it can't complete it any more.
func (j *Jobs) scan(ctx context.Context, job *river.Job[scanArgs]) error {
	args := job.Args
	a, err := j.store.Analyzer(ctx, args.Analyzer)
	if missing(err) {
		return pointlessError{err}
	}
	if err != nil {
		return err
	}
	account, err := j.account(ctx, args.Account)
	if err != nil {
		return err
	}
	last, err := j.lastRun(ctx, a.ARN, account.ID)
	if err != nil {
		return err
	}
	if last.State == store.Complete && (args.Due && !j.due(a, last) || job.Attempt > 1 && last.StartedAt.After(job.CreatedAt)) {
		return nil // it was done meanwhile, or by an attempt that was killed before it could say so
	}
	if err := j.failRunning(ctx, a.ARN, account.ID, "its server was stopped"); err != nil {
		return err
	}
	for range maxLooks {
		if err := j.lookAt(ctx, a, account); err != nil {
			return err
		}
		now, err := j.store.Analyzer(ctx, a.ARN)
		if err != nil || now.UnusedAge == a.UnusedAge && reflect.DeepEqual(now.Exclusions, a.Exclusions) {
			return ignoreMissing(err)
		}
		a = now // it was changed meanwhile, and whoever asked for a scan then got this one
	}
	return nil
}

// maxLooks is how often a scan begins anew because its analyzer was changed under it.
const maxLooks = 3

// lookAt is one run, from its start to its end.
func (j *Jobs) lookAt(ctx context.Context, a store.Analyzer, account store.Account) error {
	run, err := j.store.StartRun(ctx, a.ARN, account.ID, j.Now())
	if err != nil {
		return err
	}
	err = guarded(func() error { return j.complete(ctx, run, a, account) })
	switch {
	case errors.Is(err, store.ErrConflict): // another attempt has taken over, or a later window is there
		j.Logger.WarnContext(ctx, "the result of a scan isn't needed any more", "run", run.ID, "error", err)
		return j.failed(ctx, run, err)
	case err != nil:
		return errors.Join(err, j.failed(ctx, run, err))
	}
	return nil
}

// failed notes why a run has no result. That somebody else did so before is no error.
func (j *Jobs) failed(ctx context.Context, run store.Run, why error) error {
	text := why.Error()
	if cause := context.Cause(ctx); cause != nil {
		text = "interrupted: the server was stopped"
	}
	ctx, cancel := shortly(ctx)
	defer cancel()
	err := j.store.FailRun(ctx, run.ID, text, j.Now())
	if errors.Is(err, store.ErrConflict) || missing(err) {
		return nil
	}
	return err
}

// failRunning ends the runs of an account that nobody works on any more.
func (j *Jobs) failRunning(ctx context.Context, analyzer, account, why string) error {
	const recent = 20 // attempts come one after the other: more than the last few never run
	part, err := j.store.Runs(ctx, analyzer, account, store.Page{Limit: recent})
	if err != nil {
		return err
	}
	for _, run := range part.Items {
		if run.State != store.Running {
			continue
		}
		if err := j.store.FailRun(ctx, run.ID, why, j.Now()); err != nil && !errors.Is(err, store.ErrConflict) {
			return err
		}
	}
	return nil
}

// scanGaveUp ends what the attempts left behind.
func (j *Jobs) scanGaveUp(ctx context.Context, args scanArgs, why error) error {
	err := j.failRunning(ctx, args.Analyzer, args.Account, why.Error())
	if missing(err) {
		return nil
	}
	return err
}

// complete analyzes the account, and hands what is found to the store.
func (j *Jobs) complete(ctx context.Context, run store.Run, a store.Analyzer, account store.Account) error {
	dir, err := j.collect(ctx, account)
	if err != nil {
		return err
	}
	got, err := j.open(ctx, a, account, dir)
	if err != nil {
		return err
	}
	l := &looking{Account: got, ctx: ctx, report: store.Report{Settings: settingsOf(a)}, unused: map[string]map[string]int{}, removed: map[string]int{}}
	if l.unseen, err = j.unseen(ctx, a.ARN, got); err != nil {
		return err
	}
	done, err := j.store.CompleteRun(ctx, run.ID, store.Found{Findings: l.findings(), Principals: l.principals(), Closing: func() store.Closing { return l.closing(j.Now()) }})
	if err == nil {
		j.Logger.InfoContext(ctx, "scanned", "analyzer", a.ARN, "account", account.ID, "run", run.ID, "findings", l.summary.Findings, "took", done.FinishedAt.Sub(done.StartedAt))
	}
	return err
}

// unseen says which findings of an account aren't resolved because this look doesn't find them.
func (j *Jobs) unseen(ctx context.Context, arn string, got *analyze.Account) ([]analyzer.Skipped, error) {
	if !got.Partial() {
		return nil, nil
	}
	query := store.Query{Analyzer: arn, Filter: finding.Filter{"resourceOwnerAccount": {Eq: []string{got.Inventory.ID}}}, Sort: store.Sort{By: store.ByID}}
	var before []finding.Finding
	err := pages(ctx, func(ctx context.Context, p store.Page) (store.Part[store.Item], error) {
		return j.store.Findings(ctx, query, p)
	},
		func(item store.Item) error {
			before = append(before, item.Finding)
			return nil
		})
	return got.Unseen(before), err
}

// looking is an analysis on its way into the store.
type looking struct {
	*analyze.Account
	ctx     context.Context //nolint:containedctx // the sequences are read by who has no other
	unseen  []analyzer.Skipped
	summary analyzer.Summary
	unused  map[string]map[string]int // actions of a principal, by its ARN and by service
	removed map[string]int            // those that proved steps take away
	report  store.Report
}

// findings streams what the analysis finds.
func (l *looking) findings() iter.Seq2[finding.Finding, error] {
	return func(yield func(finding.Finding, error) bool) {
		enough := errors.New("enough") // whoever reads wants no more
		var err error
		l.summary, err = l.Findings(func(f finding.Finding) error {
			if f.Type == finding.UnusedPermission {
				l.unused[f.Resource] = unusedIn(f.Permissions)
			}
			if !yield(f, nil) {
				return enough
			}
			return l.ctx.Err()
		})
		if err != nil && !errors.Is(err, enough) {
			yield(finding.Finding{}, err)
		}
	}
}

// unusedIn counts actions by service, all that are granted of one that is unused as a whole.
func unusedIn(all []finding.Permissions) map[string]int {
	out := make(map[string]int, len(all))
	for _, p := range all {
		out[p.Namespace] = len(p.Actions)
		if len(p.Actions) == 0 {
			out[p.Namespace] = p.Granted
		}
	}
	return out
}

// closing is the rest of a run, when all has been read.
func (l *looking) closing(now time.Time) store.Closing {
	r := l.report
	r.Roles, r.Users = l.summary.Roles, l.summary.Users
	r.Skipped = map[string]int{}
	for _, reason := range analyzer.Reasons() {
		if n := l.summary.Count(reason); n > 0 {
			r.Skipped[reason.String()] = n
		}
	}
	r.Sources = l.sources()
	r.Problems = l.Problems
	if more := len(r.Problems) - maxProblems; more > 0 {
		r.Problems = append(r.Problems[:maxProblems:maxProblems], fmt.Sprintf("and %d more: `pare analyze --data %s` lists them", more, l.Folder.Dir))
	}
	return store.Closing{
		FinishedAt: now, WindowDays: int(l.Window.Age / usage.Day), WindowEnd: l.Window.Now, CatalogDate: l.Catalog.Date(),
		Skipped: append(l.summary.Skipped, l.unseen...), Report: r,
	}
}

// sources says what evidence there is, and what there isn't.
func (l *looking) sources() []store.SourceState {
	var out []store.SourceState
	for _, s := range l.Evidence.Sources {
		until := s.Until
		note := fmt.Sprintf("%d principals", s.Principals)
		if !s.Latest.Equal(s.Until) {
			note += ", some up to " + s.Latest.UTC().Format(time.DateOnly)
		}
		out = append(out, store.SourceState{Name: s.Kind.String(), From: s.From, Until: until, Note: note})
	}
	for _, missing := range l.Folder.Absent {
		out = append(out, store.SourceState{Name: missing.Name, Note: "not there: " + missing.Meaning})
	}
	return out
}
