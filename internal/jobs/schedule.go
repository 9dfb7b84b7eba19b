package jobs

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"

	"github.com/riverqueue/river"

	"github.com/pare-iam/pare/internal/store"
)

// look queues what is due: scans, recommendations that have no job, the daily cleaning.
func (j *Jobs) look(ctx context.Context) error {
	return errors.Join(j.schedule(ctx), j.sweep(ctx), j.insert(ctx, cleanArgs{}))
}

// schedule queues the scans that are due.
func (j *Jobs) schedule(ctx context.Context) error {
	return pages(ctx, func(ctx context.Context, p store.Page) (store.Part[store.Analyzer], error) {
		return j.store.Analyzers(ctx, "", p)
	},
		func(a store.Analyzer) error {
			if a.Status != "ACTIVE" {
				return nil
			}
			err := j.scheduleOf(ctx, a)
			if missing(err) { // it was deleted meanwhile
				return nil
			}
			return err
		})
}

// scheduleOf queues an analyzer's scans that are due. The last complete runs are read together,
// and what came after them only of accounts that they make due.
func (j *Jobs) scheduleOf(ctx context.Context, a store.Analyzer) error {
	accounts, err := j.accountsOf(ctx, a)
	if err != nil {
		return err
	}
	complete := map[string]store.Run{}
	err = pages(ctx, func(ctx context.Context, p store.Page) (store.Part[store.Run], error) {
		return j.store.LatestRuns(ctx, a.ARN, p)
	},
		func(r store.Run) error {
			complete[r.Account] = r
			return nil
		})
	if err != nil {
		return err
	}
	left, err := j.farewells(ctx, a, complete)
	if err != nil {
		return err
	}
	for _, account := range slices.Concat(accounts, left) {
		if !j.due(a, complete[account]) {
			continue
		}
		last, err := j.lastRun(ctx, a.ARN, account)
		if err != nil {
			return err
		}
		if !j.due(a, last) {
			continue
		}
		if err := j.insert(ctx, scanArgs{Analyzer: a.ARN, Account: account, Due: true}); err != nil {
			return err
		}
	}
	return nil
}

// due says whether an account is to be looked at again after its last run; it is if there was
// none, and if that one went by other settings. Runs that failed count: River tries again by
// itself, and who still fails waits. A run that is as far in the future was begun by a clock that
// was wrong, and is waited for no longer.
func (j *Jobs) due(a store.Analyzer, last store.Run) bool {
	every := a.Every
	if every == 0 {
		every = j.Every
	}
	ago := j.Now().Sub(last.StartedAt)
	return last.ID == 0 || ago >= every || ago <= -every || last.State == store.Complete && wentByOthers(a, last)
}

// wentByOthers says whether an analyzer was changed after a run looked at its settings. Who
// changes it asks for a scan; but that is the one that runs already, if that one has looked for
// changes and isn't over, and none if the server is killed in between.
func wentByOthers(a store.Analyzer, run store.Run) bool {
	return run.Report.Settings != "" && run.Report.Settings != settingsOf(a)
}

// settingsOf names what of an analyzer makes its findings others.
func settingsOf(a store.Analyzer) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%d %q", a.UnusedAge, a.Exclusions))
	return hex.EncodeToString(sum[:16])
}

// farewells are the accounts that an analyzer leaves alone by now, and that it has looked at
// before that: one more look resolves what it found there.
func (j *Jobs) farewells(ctx context.Context, a store.Analyzer, complete map[string]store.Run) ([]string, error) {
	var out []string
	for _, id := range exclusions(a).Accounts {
		run, ran := complete[id]
		if !ran || !wentByOthers(a, run) {
			continue
		}
		switch _, err := j.store.Account(ctx, id); {
		case err == nil:
			out = append(out, id)
		case !missing(err):
			return nil, err
		}
	}
	slices.Sort(out)
	return slices.Compact(out), nil
}

// lastRun is the last run of an account, in whatever state; zero if there was none.
func (j *Jobs) lastRun(ctx context.Context, analyzer, account string) (store.Run, error) {
	part, err := j.store.Runs(ctx, analyzer, account, store.Page{Limit: 1})
	if err != nil || len(part.Items) == 0 {
		return store.Run{}, err
	}
	return part.Items[0], nil
}

// sweep queues recommendations that are in progress and have no job, because somebody was killed
// between the two. Those that have one stay as they are.
func (j *Jobs) sweep(ctx context.Context) error {
	return pages(ctx, func(ctx context.Context, p store.Page) (store.Part[store.Analyzer], error) {
		return j.store.Analyzers(ctx, "", p)
	},
		func(a store.Analyzer) error {
			err := pages(ctx, func(ctx context.Context, p store.Page) (store.Part[store.Recommendation], error) {
				return j.store.Recommendations(ctx, a.ARN, store.InProgress, p)
			}, func(r store.Recommendation) error {
				return j.insert(ctx, recommendArgs{ID: r.ID, Analyzer: a.ARN, Finding: r.FindingID})
			})
			if missing(err) {
				return nil
			}
			return err
		})
}

// clean removes what is over.
func (j *Jobs) clean(ctx context.Context, _ *river.Job[cleanArgs]) error {
	done, err := j.store.Clean(ctx, j.Retention, j.Now())
	if err == nil {
		j.Logger.InfoContext(ctx, "cleaned", "findings", done.Findings, "runs", done.Runs, "policies", done.Policies, "tokens", done.Tokens, "sessions", done.Sessions)
	}
	return err
}

// applyRule archives the findings that a rule matches. Done twice, it is done.
func (j *Jobs) applyRule(ctx context.Context, job *river.Job[ruleArgs]) error {
	args := job.Args
	_, err := j.store.ApplyRule(ctx, store.By{Who: args.Who, Origin: args.Origin, At: j.Now()}, args.Analyzer, args.Rule)
	if missing(err) {
		return pointlessError{err}
	}
	return err
}
