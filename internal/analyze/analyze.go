// Package analyze makes an analysis of a snapshot folder: what the command line and the
// server both do before they ask for findings and recommendations.
//
// In: a folder as package snapshot describes it, a catalog, a window's length, settings.
// Out: an Account, which is the analysis with everything that it was made of, and what
// couldn't be read, a line each.
//
// What can't be read is left out, and never makes anything unused. Without readable
// authorization details there is no Account.
//
// Limits: an Account is as large as the folder; it doesn't follow what changes there
// afterwards, but for the files that Folder opens when it is asked.
package analyze

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/pare-iam/pare/analyzer"
	"github.com/pare-iam/pare/catalog"
	"github.com/pare-iam/pare/finding"
	"github.com/pare-iam/pare/internal/snapshot"
	"github.com/pare-iam/pare/inventory"
	"github.com/pare-iam/pare/policy"
	"github.com/pare-iam/pare/usage"
)

// Options say how a folder is analyzed.
type Options struct {
	Catalog *catalog.Catalog
	Age     time.Duration // length of the window: whole days, 1 to 365
	End     time.Time     // end of the window; zero: as the data says
	Clock   time.Time     // now: for data that has no date, or one to come

	Settings analyzer.Settings
	Evidence snapshot.EvidenceOptions // its Progress isn't looked at

	// Reading is told how many files of evidence are going to be read. It returns what is
	// called after each of them, one call at a time, and what is called after the last. nil:
	// nobody wants to know.
	Reading func(files int) (each, done func())
}

// Account is one account's data, read, and its analysis.
type Account struct {
	*analyzer.Analysis
	Folder    *snapshot.Folder
	Inventory *inventory.Account
	Evidence  *snapshot.Evidence
	Window    usage.Window
	Problems  []string // what couldn't be read, a line each
	Doubtful  bool     // some of the evidence couldn't be had: less unused than before means nothing
}

// ClockError says that data is dated more than a day after Options.Clock. Options.End is
// the way out.
type ClockError struct {
	Dir       string
	Collected time.Time
	Clock     time.Time
}

// Error is "DIR: by its dates …".
func (e *ClockError) Error() string {
	return fmt.Sprintf("%s: by its dates the data was collected %s, and by the clock of this machine it is %s: one of them is wrong", e.Dir, day(e.Collected), day(e.Clock))
}

// Open reads a folder and prepares its analysis. Errors are those of a folder or inventory
// that can't be read at all, of ctx, of options out of range, and *ClockError.
func Open(ctx context.Context, dir string, o Options) (*Account, error) {
	folder, err := snapshot.Open(dir)
	if err != nil {
		return nil, plain(err)
	}
	inv, problems, err := folder.Inventory()
	if err != nil {
		return nil, plain(err)
	}
	a := &Account{Folder: folder, Inventory: inv}
	if a.Evidence, err = evidence(ctx, folder, inv, o); err != nil {
		return nil, err
	}
	now, err := a.end(o)
	if err != nil {
		return nil, err
	}
	a.Window = usage.Window{Age: o.Age, Now: now}
	a.note(problems)
	a.Analysis, err = analyzer.New(analyzer.Input{
		Account: inv, Catalog: o.Catalog, Window: a.Window, Sources: a.Evidence.Of,
		Earlier:        func(p *inventory.ManagedPolicy) *policy.Document { return p.AsOf(a.Window.From()) },
		ServiceControl: levels(folder.Info.ServiceControlPolicies),
	}, o.Settings)
	return a, err
}

func evidence(ctx context.Context, folder *snapshot.Folder, inv *inventory.Account, o Options) (*snapshot.Evidence, error) {
	options := o.Evidence
	options.Progress = nil
	if total := folder.EvidenceFiles(); total > 0 && o.Reading != nil {
		each, done := o.Reading(total)
		defer done()
		options.Progress = each
	}
	return folder.Evidence(ctx, o.Catalog, inv, options)
}

// end is the end of the window: as it was given, else when the data was collected, else
// up to when the evidence reaches, else the latest date there is. Only a folder without
// any date ends now.
func (a *Account) end(o Options) (time.Time, error) {
	if !o.End.IsZero() {
		return o.End, nil
	}
	now := o.Clock.UTC().Truncate(time.Second)
	for _, t := range []time.Time{a.Folder.Info.CollectedAt, a.Evidence.Until(), snapshot.Newest(a.Inventory)} {
		if t.Sub(now) > usage.Day {
			return t, &ClockError{Dir: a.Folder.Dir, Collected: t, Clock: now}
		}
		if !t.IsZero() {
			return t.UTC(), nil
		}
	}
	return now, nil
}

// note gathers what couldn't be read, and what that means.
func (a *Account) note(problems []inventory.Problem) {
	short := a.Evidence.Short(a.Window)
	noLogs := slices.ContainsFunc(a.Folder.Info.Missing, func(m snapshot.Missing) bool { return m.What == snapshot.TrailEvidence })
	a.Doubtful = len(a.Evidence.Problems)+len(short) > 0 || noLogs
	for _, p := range slices.Concat(problems, a.Evidence.Problems, short, a.Folder.Outdated(a.Inventory, a.Window)) {
		a.Problems = append(a.Problems, problemLine(p))
	}
	for _, m := range a.Folder.Info.Missing {
		a.Problems = append(a.Problems, fmt.Sprintf("%s: %s wasn't collected: %s", filepath.Join(a.Folder.Dir, snapshot.InfoFile), m.What, m.Why))
	}
}

// Warnings say what the folder lacks and what that means, and what else is worth knowing,
// a line each. Nothing of it makes the result partial.
func (a *Account) Warnings() []string {
	var out []string
	for _, missing := range a.Folder.Absent {
		out = append(out, fmt.Sprintf("%s: no %s: %s (%s)", a.Folder.Dir, missing.Name, missing.Meaning, missing.Command))
	}
	for _, name := range a.Folder.Others {
		out = append(out, fmt.Sprintf("%s: not a name of a snapshot: nobody looked at it", filepath.Join(a.Folder.Dir, name)))
	}
	for _, p := range a.Evidence.Remarks(a.Window) {
		out = append(out, problemLine(p))
	}
	return out
}

// Partial says that the run may have found less than there is: for want of evidence, or because
// roles or users are left out.
func (a *Account) Partial() bool { return a.Doubtful || a.Inventory.Incomplete }

// Unseen says which findings of earlier runs aren't resolved because this one doesn't find
// them: less unused permissions than before may be for want of evidence, and who isn't among
// the account's roles and users may be one of those that are left out. It is to be added to
// what the run couldn't judge.
func (a *Account) Unseen(before []finding.Finding) []analyzer.Skipped {
	if !a.Partial() {
		return nil
	}
	there := map[string]bool{}
	for _, r := range a.Inventory.Roles {
		there[r.ARN] = true
	}
	for _, u := range a.Inventory.Users {
		there[u.ARN] = true
	}
	var out []analyzer.Skipped
	for _, f := range before {
		switch {
		case a.Inventory.Incomplete && !there[f.Resource]:
			out = append(out, analyzer.Skipped{Resource: f.Resource, ResourceID: f.ResourceID, Reason: analyzer.Unreadable})
		case a.Doubtful && f.Type == finding.UnusedPermission:
			out = append(out, analyzer.Skipped{Resource: f.Resource, ResourceID: f.ResourceID, Type: f.Type, Reason: analyzer.NoEvidence})
		}
	}
	return out
}

func levels(in [][]snapshot.Policy) [][]*policy.Document {
	var out [][]*policy.Document
	for _, level := range in {
		var docs []*policy.Document
		for _, p := range level {
			docs = append(docs, p.Document)
		}
		out = append(out, docs)
	}
	return out
}

// problemLine is "file:where: subject: text", as far as there is each.
func problemLine(p inventory.Problem) string {
	place := p.File
	if p.Where != "" {
		place += ":" + p.Where
	}
	return strings.Join(slices.DeleteFunc([]string{place, p.Subject, p.Text}, func(s string) bool { return s == "" }), ": ")
}

// plain is an error about a file without the name of the system call.
func plain(err error) error {
	if p, ok := errors.AsType[*fs.PathError](err); ok {
		return fmt.Errorf("%s: %w", p.Path, p.Err)
	}
	return err
}

func day(t time.Time) string { return t.UTC().Format(time.DateOnly) }
