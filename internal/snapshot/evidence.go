package snapshot

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"
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
	Notes    []inventory.Problem // what was left out and harms nothing: answers about roles and users that are gone

	folder       *Folder
	account      *inventory.Account
	catalog      *catalog.Catalog
	known        map[string]bool                // ARNs of roles and users, those without their path too
	lastAccessed map[string]*usage.LastAccessed // by ARN, of all pages
	firstPage    map[string]File                // by ARN
	reported     map[string][]*usage.Reported   // by ARN
	answers      []answer                       // all that was read and not left out, in the order of the files
	trail        *usage.Trail                   // nil: no usage.jsonl
	coverage     usage.Coverage
	last         time.Time // of the latest use in usage.jsonl
}

// SourceFile is one source of evidence, over all principals.
type SourceFile struct {
	Kind       usage.Kind
	Principals int       // how many it speaks of
	From       time.Time // since when it knows of uses; zero: further back than any window
	Until      time.Time // up to when; zero: it doesn't say. Of several answers, the first to end
	Latest     time.Time // up to when the last of them knows; zero: none says
}

// Join is a source over the principals of both, of one kind.
func (s SourceFile) Join(other SourceFile) SourceFile {
	return SourceFile{
		Kind: other.Kind, Principals: s.Principals + other.Principals,
		From: later(s.From, other.From), Until: first(s.Until, other.Until), Latest: later(s.Latest, other.Latest),
	}
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
	e := &Evidence{
		folder: f, account: account, catalog: c, known: knownTo(account),
		lastAccessed: map[string]*usage.LastAccessed{}, firstPage: map[string]File{}, reported: map[string][]*usage.Reported{},
	}
	accessed, err := each(ctx, f.LastAccessed, o, usage.ParseLastAccessed)
	if err != nil {
		return nil, err
	}
	for i, got := range accessed {
		e.addLastAccessed(f.LastAccessed[i], got)
	}
	e.warnLastAccessed()
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
		e.readTrail(o)
	}
	e.noteGone()
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
		e.problem(file.Path, "", "%v", cause(err))
		return
	}
	for _, one := range many {
		e.problem("", "", "%v", one) // it names the file
	}
}

// cause is what is wrong with a file, without its name.
func cause(err error) error {
	if p, ok := errors.AsType[*fs.PathError](err); ok {
		return p.Err
	}
	return err
}

func (e *Evidence) addLastAccessed(file File, got parsed[*usage.LastAccessed]) {
	l := got.value
	if got.err != nil {
		e.unread(file, got.err)
		return
	}
	if !e.own(file, usage.ActionLastAccessed, l.Principal, l.Until) {
		return
	}
	if before := e.lastAccessed[l.Principal]; before != nil {
		merged, err := before.Merge(l)
		if err != nil {
			e.problem(file.Path, l.Principal, "%v", err)
			return
		}
		l = merged
	} else {
		e.firstPage[l.Principal] = file
	}
	e.lastAccessed[l.Principal] = l
}

// warnLastAccessed says what is strange about the answers, when all pages are together: a
// page that says there are more is no problem if they are here.
func (e *Evidence) warnLastAccessed() {
	for _, arn := range slices.Sorted(maps.Keys(e.lastAccessed)) {
		for _, w := range e.lastAccessed[arn].Warnings {
			e.problem(e.firstPage[arn].Path, arn, "%s", w)
		}
	}
}

func (e *Evidence) addReported(file File, got parsed[*usage.Reported]) {
	if got.err != nil {
		e.unread(file, got.err)
		return
	}
	r := got.value
	if !e.own(file, usage.AccessAnalyzer, r.Principal, r.AnalyzedAt) {
		return
	}
	for _, w := range r.Warnings {
		e.problem(file.Path, r.Principal, "%s", w)
	}
	e.reported[r.Principal] = append(e.reported[r.Principal], r)
}

// readTrail reads usage.jsonl and its coverage. Whatever is wrong with either, uses that
// were read count, and that there were none isn't concluded.
func (e *Evidence) readTrail(o EvidenceOptions) {
	f := e.folder
	coverage := e.readCoverage(f)
	uses, whole := e.readUses(f)
	if why := e.strange(coverage, uses); whole && why != "" {
		e.problem(f.Usage.Path, "", "%s", why)
		whole = false
	}
	if !whole {
		coverage = usage.Coverage{}
	}
	e.coverage = coverage
	e.trail = usage.NewTrail(e.catalog, coverage, o.Denied)
	for _, u := range uses {
		e.last = later(e.last, u.LastSeen)
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

// addTrails marks the data events of which snapshot.json says that trails record all: in
// every Region that the logs are of.
func (f *Folder) addTrails(c *usage.Coverage) {
	for i := range c.Accounts {
		a := &c.Accounts[i]
		if a.ID != f.Info.AccountID {
			continue
		}
		for typ, regions := range f.recorded() {
			elsewhere := func(r usage.RegionCoverage) bool { return !slices.Contains(regions, r.Name) }
			if slices.Contains(regions, "*") || !slices.ContainsFunc(a.Regions, elsewhere) {
				recordAll(a, typ)
			}
		}
	}
}

// recorded is where all data events of a type are recorded, by type.
func (f *Folder) recorded() map[string][]string {
	out := map[string][]string{}
	for _, trail := range f.Info.Trails {
		for _, typ := range trail.DataEvents {
			out[typ] = append(out[typ], trail.Regions...)
		}
	}
	return out
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
		const then = "the lines before it count, and nothing counts as unused for want of a line"
		if place, ok := strings.CutPrefix(cause(err).Error(), UsageFile+":"); ok {
			e.problem(f.Usage.Path+":"+place, "", then)
		} else {
			e.problem(f.Usage.Path, "", "%v: %s", cause(err), then)
		}
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
	for _, r := range e.regions() {
		latest = later(latest, r.To)
	}
	return latest
}

// regions is what the logs cover of the account.
func (e *Evidence) regions() []usage.RegionCoverage {
	for _, a := range e.coverage.Accounts {
		if a.ID == e.account.ID {
			return a.Regions
		}
	}
	return nil
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

func (e *Evidence) listSources() {
	if n := len(e.lastAccessed); n > 0 {
		e.addSource(SourceFile{Kind: usage.ActionLastAccessed, Principals: n})
	}
	if e.trail != nil {
		s := SourceFile{Kind: usage.CloudTrail, Principals: e.ownPrincipals()}
		for _, r := range e.regions() {
			s.From, s.Until, s.Latest = later(s.From, r.From), first(s.Until, r.To), later(s.Latest, r.To)
		}
		e.Sources = append(e.Sources, s)
	}
	if n := len(e.reported); n > 0 {
		e.addSource(SourceFile{Kind: usage.AccessAnalyzer, Principals: n})
	}
}

// addSource adds a source of answers.
func (e *Evidence) addSource(s SourceFile) {
	for _, a := range e.answers {
		if a.kind == s.Kind {
			s.Until, s.Latest = first(s.Until, a.until), later(s.Latest, a.until)
		}
	}
	e.Sources = append(e.Sources, s)
}

// ownPrincipals is how many of the account's principals have uses in the logs.
func (e *Evidence) ownPrincipals() int {
	n := 0
	for _, principal := range e.trail.Principals() {
		if arn, err := policy.ParseARN(principal); err == nil && arn.Account == e.account.ID {
			n++
		}
	}
	return n
}

// first is the earlier of two times that are known.
func first(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}
