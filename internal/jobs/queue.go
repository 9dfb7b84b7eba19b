package jobs

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"

	"github.com/pare-iam/pare/internal/store"
)

// Job is a job as it is shown.
type Job struct {
	ID          int64
	Kind        string // "scan", "recommend", "apply-rule", "clean"
	Subject     string // what it is about, in words; "" where Account and Finding say it
	Analyzer    string // ARN; ""
	Account     string // ""
	Finding     string // ID; ""
	State       string // "waiting", "running", "retrying", "done", "failed", "cancelled"
	Attempt     int    // from 1; 0 before the first
	MaxAttempts int
	Error       string // of the last attempt; ""
	Who         string // who asked; "" the schedule
	CreatedAt   time.Time
	StartedAt   time.Time // of the last attempt; zero before the first
	FinishedAt  time.Time // zero while it isn't over
	NextAt      time.Time // of the next attempt; zero when there is none
}

// CanRetry says whether somebody can have the job tried again.
func (j Job) CanRetry() bool {
	return j.State == "failed" || j.State == "cancelled" || j.State == "retrying"
}

// Count is how many jobs of a kind are in a state.
type Count struct {
	Kind  string
	State string // River's: "available", "running", "completed", "retryable", "discarded", "cancelled", "scheduled"
	N     int
}

// insert queues a job, unless the same is there.
func (j *Jobs) insert(ctx context.Context, args river.JobArgs) error {
	_, err := j.client.Insert(ctx, args, nil)
	return err
}

// Scan queues a look of an analyzer, by its ARN, at an account; at all of its accounts, if the
// account is "". One that waits or runs already is the same. store.ErrNotFound: there is no
// such analyzer, or the account isn't looked at.
func (j *Jobs) Scan(ctx context.Context, by store.By, analyzer, account string) error {
	a, err := j.store.Analyzer(ctx, analyzer)
	if err != nil {
		return err
	}
	accounts := []string{account}
	if account == "" {
		accounts, err = j.accountsOf(ctx, a)
	} else {
		_, err = j.store.Account(ctx, account)
	}
	if err != nil {
		return err
	}
	for _, id := range accounts {
		if err := j.insert(ctx, scanArgs{Analyzer: a.ARN, Account: id, asker: asker{by.Who, by.Origin}}); err != nil {
			return err
		}
	}
	target := a.ARN
	if account != "" {
		target += "/" + account
	}
	return j.audit(ctx, by, "StartScan", target)
}

func (j *Jobs) audit(ctx context.Context, by store.By, action, target string) error {
	return j.store.Audit(ctx, store.Entry{At: by.At, Who: by.Who, Origin: by.Origin, Action: action, Target: target})
}

// Recommend begins the making of a finding's recommendation anew, unless one is being made.
// Errors are those of store.StartRecommendation: store.ErrConflict for a finding that has none.
func (j *Jobs) Recommend(ctx context.Context, by store.By, analyzer, finding string) error {
	now, err := j.store.Recommendation(ctx, analyzer, finding)
	if err != nil && !missing(err) {
		return err
	}
	args := recommendArgs{ID: now.ID, Analyzer: analyzer, Finding: finding, asker: asker{by.Who, by.Origin}}
	if err != nil || now.State != store.InProgress {
		if args.ID, err = j.store.StartRecommendation(ctx, by, analyzer, finding); err != nil {
			return err
		}
	}
	return j.insert(ctx, args)
}

// ApplyRule queues the archiving of the findings there are that a rule matches.
// store.ErrNotFound: there is no such analyzer or rule.
func (j *Jobs) ApplyRule(ctx context.Context, by store.By, analyzer, rule string) error {
	if _, err := j.store.Rule(ctx, analyzer, rule); err != nil {
		return err
	}
	return j.insert(ctx, ruleArgs{Analyzer: analyzer, Rule: rule, asker: asker{by.Who, by.Origin}})
}

// Jobs lists the jobs, the newest first. Those that are over are there for two days, those
// that failed for thirty.
func (j *Jobs) Jobs(ctx context.Context, page store.Page) (store.Part[Job], error) {
	const most, usual = 1000, 100
	limit := min(page.Limit, most)
	if limit <= 0 {
		limit = usual
	}
	params := river.NewJobListParams().OrderBy(river.JobListOrderByID, river.SortOrderDesc).First(limit + 1)
	if page.Token != "" {
		before, err := strconv.ParseInt(page.Token, 10, 64)
		if err != nil {
			return store.Part[Job]{}, fmt.Errorf("%w: %w", store.ErrToken, err)
		}
		params = params.Where("id < @before", river.NamedArgs{"before": before})
	}
	got, err := j.reader.JobList(ctx, params)
	if err != nil {
		return store.Part[Job]{}, err
	}
	out := store.Part[Job]{Items: []Job{}}
	for i, row := range got.Jobs {
		if i == limit {
			out.Next = strconv.FormatInt(got.Jobs[i-1].ID, 10)
			break
		}
		view, err := viewOf(row)
		if err != nil {
			return out, err
		}
		out.Items = append(out.Items, view)
	}
	return out, nil
}

// anyArgs is what jobs of all kinds are about.
type anyArgs struct {
	Analyzer string `json:"analyzer"`
	Account  string `json:"account"`
	Finding  string `json:"finding"`
	Rule     string `json:"rule"`
	Who      string `json:"who"`
}

func (a anyArgs) subject(kind string) string {
	switch kind {
	case scanArgs{}.Kind(), recommendArgs{}.Kind():
		return ""
	case ruleArgs{}.Kind():
		return "archive rule " + a.Rule
	}
	return "what is over"
}

// stateOf is River's state in words.
func stateOf(s rivertype.JobState) string {
	switch s {
	case rivertype.JobStateAvailable, rivertype.JobStatePending, rivertype.JobStateScheduled:
		return "waiting"
	case rivertype.JobStateRunning:
		return "running"
	case rivertype.JobStateRetryable:
		return "retrying"
	case rivertype.JobStateCompleted:
		return "done"
	case rivertype.JobStateDiscarded:
		return "failed"
	case rivertype.JobStateCancelled:
		return "cancelled"
	}
	return string(s)
}

func viewOf(row *rivertype.JobRow) (Job, error) {
	var args anyArgs
	if err := json.Unmarshal(row.EncodedArgs, &args); err != nil {
		return Job{}, fmt.Errorf("job %d: %w", row.ID, err)
	}
	out := Job{
		ID: row.ID, Kind: row.Kind, Subject: args.subject(row.Kind), Analyzer: args.Analyzer, Account: args.Account, Finding: args.Finding, State: stateOf(row.State),
		Attempt: row.Attempt, MaxAttempts: row.MaxAttempts, Who: args.Who,
		CreatedAt: row.CreatedAt.UTC(), StartedAt: timeOf(row.AttemptedAt), FinishedAt: timeOf(row.FinalizedAt),
	}
	if n := len(row.Errors); n > 0 && row.State != rivertype.JobStateCompleted {
		out.Error = row.Errors[n-1].Error
	}
	if row.FinalizedAt == nil && row.State != rivertype.JobStateRunning {
		out.NextAt = row.ScheduledAt.UTC()
	}
	return out, nil
}

func timeOf(t *time.Time) time.Time {
	if t == nil {
		return time.Time{}
	}
	return t.UTC()
}

// over says whether a job failed for good.
func over(s rivertype.JobState) bool {
	return s == rivertype.JobStateDiscarded || s == rivertype.JobStateCancelled
}

// Retry does a job again that failed, or one at once that waits to be tried again.
// store.ErrNotFound: it isn't there any more; store.ErrConflict: it hasn't failed, or the same
// waits or runs.
func (j *Jobs) Retry(ctx context.Context, by store.By, job int64) error {
	row, err := j.reader.JobGet(ctx, job)
	if errors.Is(err, river.ErrNotFound) {
		return fmt.Errorf("job %d: %w", job, store.ErrNotFound)
	}
	if err != nil {
		return err
	}
	if !over(row.State) && row.State != rivertype.JobStateRetryable {
		return fmt.Errorf("job %d is %s: want one that failed: %w", job, row.State, store.ErrConflict)
	}
	if err := j.again(ctx, by, row); err != nil {
		return err
	}
	return j.audit(ctx, by, "RetryJob", strconv.FormatInt(job, 10))
}

// again does what a job was for: what is unique while it isn't over is asked for anew.
func (j *Jobs) again(ctx context.Context, by store.By, row *rivertype.JobRow) error {
	var args anyArgs
	if err := json.Unmarshal(row.EncodedArgs, &args); err != nil {
		return fmt.Errorf("job %d: %w", row.ID, err)
	}
	if over(row.State) {
		switch row.Kind {
		case scanArgs{}.Kind():
			return j.Scan(ctx, by, args.Analyzer, args.Account)
		case recommendArgs{}.Kind():
			return j.Recommend(ctx, by, args.Analyzer, args.Finding)
		case ruleArgs{}.Kind():
			return j.ApplyRule(ctx, by, args.Analyzer, args.Rule)
		}
	}
	_, err := j.client.JobRetry(ctx, row.ID)
	return err
}

// Counts is how many jobs there are, by kind and state: a few dozen lines at most.
func (j *Jobs) Counts(ctx context.Context) ([]Count, error) {
	rows, err := j.servers.read.QueryContext(ctx, `SELECT kind, CAST(state AS TEXT), COUNT(*) FROM river_job GROUP BY kind, state ORDER BY kind, 2`)
	if err != nil {
		return nil, err
	}
	var out []Count
	for err == nil && rows.Next() {
		var c Count
		err = rows.Scan(&c.Kind, &c.State, &c.N)
		out = append(out, c)
	}
	return out, errors.Join(err, rows.Err(), rows.Close())
}
