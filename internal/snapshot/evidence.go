package snapshot

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/pare-iam/pare/catalog"
	"github.com/pare-iam/pare/inventory"
	"github.com/pare-iam/pare/policy"
	"github.com/pare-iam/pare/usage"
)

// Evidence is all evidence of use in a folder. It is read-only and safe for concurrent
// use.
type Evidence struct {
	Sources  []SourceFile        // in the order: last accessed, CloudTrail, Access Analyzer
	Problems []inventory.Problem // what couldn't be read: it is left out, which keeps access

	lastAccessed map[string]*usage.LastAccessed // by ARN
	reported     map[string][]*usage.Reported   // by ARN
	trail        *usage.Trail                   // nil: no usage.jsonl
	coverage     usage.Coverage
	uses         int
}

// SourceFile is one source of evidence, over all principals.
type SourceFile struct {
	Kind       usage.Kind
	Principals int       // how many it speaks of
	From       time.Time // since when it knows of uses; zero: further back than any window
	Until      time.Time // up to when; zero: it doesn't say. Of several answers, the first to end
}

// EvidenceOptions say how evidence is read. The zero value is the default.
type EvidenceOptions struct {
	Denied      usage.DeniedCalls
	AnalyzerAge time.Duration // unused access age of the analyzer whose findings are there; 0: not known
	Workers     int           // how many files are read at a time; less than 1 is 1
	Progress    func()        // is called after each file that was read, one call at a time; may be nil
}

// EvidenceFiles is how many files Evidence reads.
func (f *Folder) EvidenceFiles() int { return len(f.LastAccessed) + len(f.Findings) }

// Evidence reads all evidence of the folder. What can't be read is a problem and is left
// out; the error is that of ctx. What the snapshot.json says about trails counts
// for the coverage of the logs.
func (f *Folder) Evidence(ctx context.Context, c *catalog.Catalog, account *inventory.Account, o EvidenceOptions) (*Evidence, error) {
	e := &Evidence{lastAccessed: map[string]*usage.LastAccessed{}, reported: map[string][]*usage.Reported{}}
	accessed, err := each(ctx, f.LastAccessed, o, usage.ParseLastAccessed)
	if err != nil {
		return nil, err
	}
	for i, got := range accessed {
		e.addLastAccessed(f.LastAccessed[i], account, got)
	}
	reported, err := each(ctx, f.Findings, o, func(name string, src []byte) (*usage.Reported, error) {
		return usage.ParseReported(name, src, o.AnalyzerAge)
	})
	if err != nil {
		return nil, err
	}
	for i, got := range reported {
		e.addReported(f.Findings[i], got)
	}
	if f.Usage.There() {
		e.readTrail(f, c, o)
	}
	e.listSources()
	return e, ctx.Err()
}

// parsed is a file that was read, or what was wrong with it.
type parsed[T any] struct {
	value T
	err   error
}

// each reads and parses files, several at a time; the results are in their order.
func each[T any](ctx context.Context, files []File, o EvidenceOptions, parse func(name string, src []byte) (T, error)) ([]parsed[T], error) {
	out := make([]parsed[T], len(files))
	done := make(chan struct{})
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(max(1, o.Workers) + 1)
	group.Go(func() error {
		for range files {
			select {
			case <-done:
			case <-ctx.Done():
				return ctx.Err()
			}
			if o.Progress != nil {
				o.Progress()
			}
		}
		return nil
	})
	for i, file := range files {
		group.Go(func() error {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			src, err := file.Read()
			if err == nil {
				out[i].value, err = parse(file.Path, src)
			}
			out[i].err = err
			select {
			case done <- struct{}{}:
			case <-ctx.Done():
			}
			return nil
		})
	}
	return out, group.Wait()
}

func (e *Evidence) problem(file, subject, format string, args ...any) {
	e.Problems = append(e.Problems, inventory.Problem{File: file, Subject: subject, Text: fmt.Sprintf(format, args...)})
}

// unread notes a file that couldn't be read, each of its errors with its own place.
func (e *Evidence) unread(file File, err error) {
	var many policy.Errors
	if !errors.As(err, &many) {
		e.problem(file.Path, "", "%v", err)
		return
	}
	for _, one := range many {
		e.problem("", "", "%v", one) // it names the file
	}
}

func (e *Evidence) addLastAccessed(file File, account *inventory.Account, got parsed[*usage.LastAccessed]) {
	l := got.value
	if got.err != nil {
		e.unread(file, got.err)
		return
	}
	if arn, err := policy.ParseARN(l.Principal); err != nil || arn.Account != account.ID {
		e.problem(file.Path, l.Principal, "the principal isn't of account %s: left out", account.ID)
		return
	}
	for _, w := range l.Warnings {
		e.problem(file.Path, l.Principal, "%s", w)
	}
	if before := e.lastAccessed[l.Principal]; before != nil {
		merged, err := before.Merge(l)
		if err != nil {
			e.problem(file.Path, l.Principal, "%v", err)
			return
		}
		l = merged
	}
	e.lastAccessed[l.Principal] = l
}

func (e *Evidence) addReported(file File, got parsed[*usage.Reported]) {
	if got.err != nil {
		e.unread(file, got.err)
		return
	}
	for _, w := range got.value.Warnings {
		e.problem(file.Path, got.value.Principal, "%s", w)
	}
	e.reported[got.value.Principal] = append(e.reported[got.value.Principal], got.value)
}

// readTrail reads usage.jsonl and its coverage. Whatever is wrong with either, uses that
// were read count, and that there were none isn't concluded.
func (e *Evidence) readTrail(f *Folder, c *catalog.Catalog, o EvidenceOptions) {
	coverage := e.readCoverage(f)
	uses, whole := e.readUses(f)
	if whole && coverage.Uses != 0 && coverage.Uses != len(uses) {
		e.problem(f.Usage.Path, "", "%d lines, and %s is about %d: they don't belong together; nothing counts as unused for want of a line. Make both again with pare ingest", len(uses), f.Coverage.Path, coverage.Uses)
		whole = false
	}
	if !whole {
		coverage = usage.Coverage{}
	}
	e.coverage, e.uses = coverage, len(uses)
	e.trail = usage.NewTrail(c, coverage, o.Denied)
	for _, u := range uses {
		if err := e.trail.Add(u); err != nil {
			e.problem(f.Usage.Path, u.Principal, "%v", err)
		}
	}
}

func (e *Evidence) readCoverage(f *Folder) usage.Coverage {
	if !f.Coverage.There() {
		return usage.Coverage{}
	}
	src, err := f.Coverage.Read()
	if err != nil {
		e.unread(f.Coverage, err)
		return usage.Coverage{}
	}
	coverage, err := usage.ParseCoverage(f.Coverage.Path, src)
	if err != nil {
		e.unread(f.Coverage, err)
		return usage.Coverage{}
	}
	f.addTrails(&coverage)
	return coverage
}

// addTrails marks the data events of which snapshot.json says that a trail records all.
func (f *Folder) addTrails(c *usage.Coverage) {
	for _, trail := range f.Info.Trails {
		for _, typ := range trail.DataEvents {
			for i := range c.Accounts {
				if c.Accounts[i].ID == f.Info.AccountID {
					recordAll(&c.Accounts[i], typ)
				}
			}
		}
	}
}

func recordAll(a *usage.AccountCoverage, typ string) {
	i, found := slices.BinarySearchFunc(a.DataEvents, typ, func(d usage.DataCoverage, typ string) int { return cmp.Compare(d.Type, typ) })
	if !found {
		a.DataEvents = slices.Insert(a.DataEvents, i, usage.DataCoverage{Type: typ})
	}
	a.DataEvents[i].All = true
}

// readUses reads the lines of usage.jsonl; whole is false if some couldn't be read.
func (e *Evidence) readUses(f *Folder) (uses []usage.Use, whole bool) {
	r, err := f.Usage.Open()
	if err != nil {
		e.unread(f.Usage, err)
		return nil, false
	}
	err = usage.ReadUses(r, func(u usage.Use) error {
		uses = append(uses, u)
		return nil
	})
	if err = errors.Join(err, r.Close()); err != nil {
		e.problem(f.Usage.Path, "", "%v: the lines before it count, and nothing counts as unused for want of a line", err)
	}
	return uses, err == nil
}

// Of gives the evidence about the principal with an ARN.
func (e *Evidence) Of(arn string) ([]usage.Source, error) {
	var out []usage.Source
	if l := e.lastAccessed[arn]; l != nil {
		out = append(out, l)
	}
	if e.trail != nil {
		out = append(out, e.trail.Of(arn))
	}
	for _, r := range e.reported[arn] {
		out = append(out, r)
	}
	return out, nil
}

// Until is the latest moment that any of the evidence reaches to; zero if none says. It is
// the end of the last window that something can be said about.
func (e *Evidence) Until() time.Time {
	var latest time.Time
	for _, l := range e.lastAccessed {
		latest = later(latest, l.Until)
	}
	for _, rs := range e.reported {
		for _, r := range rs {
			latest = later(latest, r.AnalyzedAt)
		}
	}
	for _, a := range e.coverage.Accounts {
		for _, r := range a.Regions {
			latest = later(latest, r.To)
		}
	}
	return latest
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

func (e *Evidence) listSources() {
	if len(e.lastAccessed) > 0 {
		s := SourceFile{Kind: usage.ActionLastAccessed, Principals: len(e.lastAccessed)}
		for _, l := range e.lastAccessed {
			s.Until = first(s.Until, l.Until)
		}
		e.Sources = append(e.Sources, s)
	}
	if e.trail != nil {
		s := SourceFile{Kind: usage.CloudTrail, Principals: len(e.trail.Principals())}
		for _, a := range e.coverage.Accounts {
			for _, r := range a.Regions {
				s.From, s.Until = later(s.From, r.From), first(s.Until, r.To)
			}
		}
		e.Sources = append(e.Sources, s)
	}
	if len(e.reported) > 0 {
		s := SourceFile{Kind: usage.AccessAnalyzer, Principals: len(e.reported)}
		for _, rs := range e.reported {
			for _, r := range rs {
				s.Until = first(s.Until, r.AnalyzedAt)
			}
		}
		e.Sources = append(e.Sources, s)
	}
}

// first is the earlier of two times that are known.
func first(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}
