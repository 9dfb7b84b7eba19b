package collect

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/pare-iam/pare/analyzer"
	"github.com/pare-iam/pare/internal/snapshot"
)

// Options say how accounts are collected. The zero value is the default.
type Options struct {
	Window     int                 // days that are meant to be looked back, 1 to 365; 0 is 90
	Exclude    analyzer.Exclusions // of these roles and users nobody asks what they used
	Fresh      bool                // ask for everything, whatever an earlier run has
	Principals int                 // roles and users of an account at a time; less than 1 is 64
	Accounts   int                 // accounts at a time; less than 1 is 4
	MaxRPS     float64             // calls of each operation a second and account, in place of the table's rates but for those that AWS documents; 0: the table's
	FirstWait  time.Duration       // before a report is asked for again; less than 1 is 0.3 s

	speed float64 // how many times faster than the table's rates; 0 is 1

	Now      func() time.Time // the clock; nil is the machine's
	Progress func(Progress)   // how far it is, whenever that has changed; one call at a time; nil: nobody looks
}

// Progress is how far a run is. The totals grow: how many roles and users an account has
// is known when it is begun.
type Progress struct {
	Accounts, AccountsDone int // done: collected, or given up
	Total, Done            int // roles and users
}

func (o Options) withDefaults() Options {
	if o.Window == 0 {
		o.Window = 90
	}
	if o.Principals < 1 {
		o.Principals = 64
	}
	if o.Accounts < 1 {
		o.Accounts = 4
	}
	if o.FirstWait < 1 {
		o.FirstWait = firstWait
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return o
}

// Result is what a run has come to.
type Result struct {
	Began    time.Time // of the run, this one or the one that it went on with
	Accounts []Account // by ID
}

// Account is what became of one account.
type Account struct {
	ID     string // "" if even that isn't known
	Name   string // in the organization, else its alias; may be empty
	Dir    string // the folder
	Roles  int
	Users  int
	Passed int // roles that are an AWS service's: nobody asks what those used

	Excluded int // roles and users that Options.Exclude leaves alone

	Missing []snapshot.Missing // what isn't in the folder, by What
	Err     error              // why there is no snapshot, or only half of one; nil: there is
}

// One collects the account that a configuration leads to. The error is for a run that
// couldn't end; what was left out is said in the result.
func One(ctx context.Context, cfg aws.Config, dir string, o Options) (Result, error) {
	o = o.withDefaults()
	start, err := began(dir, o)
	if err != nil {
		return Result{}, err
	}
	a := newAccount(cfg, dir, start, o)
	a.progress = &progress{report: o.Progress}
	a.progress.add(Progress{Accounts: 1})
	err = a.collect(ctx)
	a.progress.add(Progress{AccountsDone: 1})
	return Result{Began: start, Accounts: []Account{a.result}}, err
}

// Complete says whether nothing is missing.
func (r Result) Complete() bool {
	for _, a := range r.Accounts {
		if a.Err != nil || len(a.Missing) > 0 {
			return false
		}
	}
	return true
}
