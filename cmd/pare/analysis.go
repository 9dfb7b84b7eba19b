package main

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/pare-iam/pare/analyzer"
	"github.com/pare-iam/pare/catalog"
	"github.com/pare-iam/pare/finding"
	"github.com/pare-iam/pare/internal/analyze"
	"github.com/pare-iam/pare/internal/report"
	"github.com/pare-iam/pare/internal/snapshot"
	"github.com/pare-iam/pare/usage"
)

// analysisInput is what the flags of all commands say that analyze a --data folder.
type analysisInput struct {
	data, catalog string
	window        windowFlag
	now           timeFlag
	analyzerAge   windowFlag
	rules         string
	accounts      []string // excluded
	excludeFlags

	identityCenter, anyPolicyAge, ignoreDenied bool
	workers                                    int
	quiet                                      bool
}

const dataUsage = "the account's `folder`: authorization-details.json and what else there is; or a folder of such folders"

// addFlags adds them all.
func (in *analysisInput) addFlags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVar(&in.data, "data", "", dataUsage)
	f.StringVar(&in.catalog, "catalog", "", catalogFlagUsage)
	in.addWindowFlags(cmd)
	f.StringSliceVar(&in.accounts, "exclude-account", nil, "leave this account alone, by its `id`; may be repeated, as the next three")
	in.addExcludeFlags(cmd)
	f.BoolVar(&in.identityCenter, "identity-center", false, "judge the roles of IAM Identity Center too")
}

// excludeFlags say which roles and users are left alone.
type excludeFlags struct{ tags, paths, names []string }

func (in *excludeFlags) addExcludeFlags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringSliceVar(&in.tags, "exclude-tag", nil, "leave roles and users with this `tag` alone: key, or key=value")
	f.StringSliceVar(&in.paths, "exclude-path", nil, "leave roles and users below this `path` alone: /service/")
	f.StringSliceVar(&in.names, "exclude-name", nil, "leave roles and users of this `name` alone; * and ? as in policies")
}

func (in *excludeFlags) check() error {
	for _, path := range in.paths {
		if !strings.HasPrefix(path, "/") || !strings.HasSuffix(path, "/") {
			return usageError{fmt.Errorf("--exclude-path %s: want a path that begins and ends with a slash, such as /service/", path)}
		}
	}
	return nil
}

func (in *excludeFlags) exclusions() analyzer.Exclusions {
	out := analyzer.Exclusions{Paths: in.paths, Names: in.names}
	for _, tag := range in.tags {
		key, value, _ := strings.Cut(tag, "=")
		out.Tags = append(out.Tags, analyzer.Tag{Key: key, Value: value})
	}
	return out
}

// addWindowFlags adds those that say what counts as unused.
func (in *analysisInput) addWindowFlags(cmd *cobra.Command) {
	in.window.days = defaultDays
	f := cmd.Flags()
	f.Var(&in.window, "window", windowUsage)
	f.Var(&in.now, "now", "the end of the window, as in RFC 3339 (default: when the data was collected)")
	f.BoolVar(&in.anyPolicyAge, "any-policy-age", false, "judge what policies grant that were changed within the window too")
	f.BoolVar(&in.ignoreDenied, "ignore-denied", false, "calls that CloudTrail shows as denied are no use; AWS counts them")
	f.Var(&in.analyzerAge, "analyzer-age", "unused access age of the analyzer that findings/ is from, if it is known")
	f.IntVar(&in.workers, "workers", runtime.NumCPU(), "work on this `number` of principals at a time")
	f.BoolVar(&in.quiet, "quiet", false, "no progress")
}

// check refuses what makes no sense.
func (in *analysisInput) check() error {
	switch {
	case in.data == "":
		return hintError{usageError{errors.New("no --data: want the folder with authorization-details.json")}, "aws iam get-account-authorization-details > account/authorization-details.json, then --data account"}
	case in.workers < 1:
		return usageError{fmt.Errorf("--workers %d: want 1 or more", in.workers)}
	}
	for _, id := range in.accounts {
		if len(id) != 12 || strings.Trim(id, "0123456789") != "" {
			return usageError{fmt.Errorf("--exclude-account %s: want the twelve digits of an account", id)}
		}
	}
	return in.excludeFlags.check()
}

func (in *analysisInput) settings(rules []finding.ArchiveRule) analyzer.Settings {
	exclude := in.exclusions()
	exclude.Accounts = in.accounts
	return analyzer.Settings{
		Exclude: exclude, Rules: rules,
		IdentityCenter: in.identityCenter, AnyPolicyAge: in.anyPolicyAge, Workers: in.workers,
	}
}

func (in *analysisInput) evidenceOptions() snapshot.EvidenceOptions {
	o := snapshot.EvidenceOptions{AnalyzerAge: in.analyzerAge.age(), Workers: in.workers}
	if in.ignoreDenied {
		o.Denied = usage.DeniedIgnored
	}
	return o
}

// session is the analysis of all accounts of a --data folder.
type session struct {
	*analysisInput
	cmd      *cobra.Command
	catalog  *catalog.Catalog
	settings analyzer.Settings
	accounts []*analyze.Account
	failed   []string // accounts that couldn't be read, a line each or more
}

// open reads the folder and prepares the analyses. What can't be read of an account is
// among its problems. An account of which nothing can be read is an error if it is the
// only one, and a problem beside others.
func (in *analysisInput) open(cmd *cobra.Command) (*session, error) {
	if err := in.check(); err != nil {
		return nil, err
	}
	rules, rulesErr := in.readRules(cmd)
	cat, catErr := loadCatalog(cmd, in.catalog, "")
	dirs, dirsErr := snapshot.Find(in.data)
	if err := errors.Join(rulesErr, catErr, dirsErr); err != nil {
		return nil, err
	}
	s := &session{analysisInput: in, cmd: cmd, catalog: cat, settings: in.settings(rules)}
	var errs []error
	for _, dir := range dirs {
		a, err := s.account(cmd.Context(), dir)
		switch {
		case cmd.Context().Err() != nil:
			return nil, cmd.Context().Err()
		case err != nil:
			errs = append(errs, err)
			s.failed = append(s.failed, strings.Split(fmt.Sprintf("%v: left out, the account as a whole", err), "\n")...)
			continue
		}
		if i := slices.IndexFunc(s.accounts, func(b *analyze.Account) bool { return b.Inventory.ID == a.Inventory.ID }); i >= 0 {
			return nil, fmt.Errorf("%s and %s are both of account %s: want one folder an account", s.accounts[i].Folder.Dir, dir, a.Inventory.ID)
		}
		s.accounts = append(s.accounts, a)
	}
	if len(s.accounts) == 0 {
		return nil, errors.Join(errs...)
	}
	return s, nil
}

func (in *analysisInput) readRules(cmd *cobra.Command) ([]finding.ArchiveRule, error) {
	if in.rules == "" {
		return nil, nil
	}
	name, src, err := readInput(cmd, in.rules)
	if err != nil {
		return nil, err
	}
	return finding.ParseArchiveRules(name, src)
}

// account reads one account's folder.
func (s *session) account(ctx context.Context, dir string) (*analyze.Account, error) {
	a, err := analyze.Open(ctx, dir, analyze.Options{
		Catalog: s.catalog, Age: s.window.age(), End: s.now.Time, Clock: time.Now(),
		Settings: s.settings, Evidence: s.evidenceOptions(), Reading: s.reading(ctx),
	})
	if _, ok := errors.AsType[*analyze.ClockError](err); ok {
		return nil, hintError{err, "--now 2026-11-01T00:00:00Z, when the data was collected"}
	}
	return a, err
}

// reading shows how many files of evidence have been read; nil if nobody wants to know.
func (s *session) reading(ctx context.Context) func(int) (each, done func()) {
	if s.quiet {
		return nil
	}
	return func(total int) (each, done func()) {
		progress, finish := newProgress(ctx, s.cmd.ErrOrStderr(), "files of evidence", quietly)
		read := 0
		return func() {
			read++
			progress(read, total)
		}, finish
	}
}

func day(t time.Time) string { return t.UTC().Format(time.DateOnly) }

// recommendations says how much is worked out beside the findings.
type recommendations bool

const (
	withRecommendations    recommendations = true
	withoutRecommendations recommendations = false
)

// analyze runs the analyses, one account after the other.
func (s *session) analyze(want recommendations) (report.Findings, []analyzer.Summary, error) {
	out := report.Findings{Version: programVersion(), Catalog: s.catalog}
	var summaries []analyzer.Summary
	for _, a := range s.accounts {
		summary, err := a.Findings(func(f finding.Finding) error {
			out.Findings = append(out.Findings, f)
			return s.cmd.Context().Err()
		})
		if err != nil {
			return out, nil, err
		}
		summaries = append(summaries, summary)
		out.Accounts = append(out.Accounts, report.Account{ID: a.Inventory.ID, Alias: a.Folder.Info.AccountAlias})
		out.Window = usage.Window{Age: a.Window.Age, Now: latest(out.Window.Now, a.Window.Now)}
		out.CollectedAt = earliest(out.CollectedAt, a.Folder.Info.CollectedAt)
	}
	out.Problems = s.problems()
	out.Sources = s.sources()
	if want == withRecommendations {
		if err := s.advise(&out); err != nil {
			return out, nil, err
		}
	}
	out.LookedAt, out.NotJudged = report.Judged(summaries, out.Findings)
	return out, summaries, nil
}

func (s *session) advise(out *report.Findings) error {
	total := 0
	for _, f := range out.Findings {
		if f.Type == finding.UnusedPermission {
			total++
		}
	}
	progress, finish := func(int, int) {}, func() {}
	if !s.quiet && total > 0 {
		progress, finish = newProgress(s.cmd.Context(), s.cmd.ErrOrStderr(), "recommendations", quietly)
	}
	defer finish()
	for _, a := range s.accounts {
		err := a.Recommendations(func(r analyzer.Recommendation) error {
			out.Advice = append(out.Advice, report.AdviceOf(r))
			progress(min(len(out.Advice), total), total)
			return s.cmd.Context().Err()
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// inputs are the files that were read, which no result replaces.
func (s *session) inputs() []string {
	out := []string{s.analysisInput.catalog}
	for _, a := range s.accounts {
		out = append(out, a.Folder.Paths()...)
	}
	return out
}

// problems are those of all accounts.
func (s *session) problems() []string {
	out := slices.Clone(s.failed)
	for _, a := range s.accounts {
		out = append(out, a.Problems...)
	}
	return out
}

// sources says what evidence there was, of all accounts together.
func (s *session) sources() []report.Source { return sourcesOf(s.accounts...) }

// sourcesOf adds up the sources of accounts: what it says of each holds for all of them.
func sourcesOf(accounts ...*analyze.Account) []report.Source {
	var out []report.Source
	for _, kind := range []usage.Kind{usage.ActionLastAccessed, usage.CloudTrail, usage.AccessAnalyzer} {
		var all snapshot.SourceFile
		has := 0
		for _, a := range accounts {
			for _, source := range a.Evidence.Sources {
				if source.Kind == kind {
					all = all.Join(source)
					has++
				}
			}
		}
		if has > 0 {
			out = append(out, report.Source{Name: kind.String(), Covers: covers(all, has, len(accounts))})
		}
	}
	return out
}

// covers says what a source shows, in words; has is how many of the accounts have it.
func covers(s snapshot.SourceFile, has, accounts int) string {
	out := counted(s.Principals, "principal")
	if accounts > 1 {
		out += fmt.Sprintf(" of %d of the %d accounts", has, accounts)
	}
	if !s.From.IsZero() {
		out += ", from " + day(s.From)
	}
	if !s.Until.IsZero() {
		out += ", up to " + day(s.Until)
	}
	if day(s.Latest) != day(s.Until) {
		out += " at least, some up to " + day(s.Latest)
	}
	return out
}

// warn says on standard error what accounts lack and what that means, and what else is
// worth knowing, a line each.
func warn(cmd *cobra.Command, accounts ...*analyze.Account) {
	for _, a := range accounts {
		tell(cmd, "warning", a.Warnings())
	}
}

// tell says lines of a kind on standard error.
func tell(cmd *cobra.Command, kind string, lines []string) {
	for _, line := range lines {
		cmd.PrintErrf("%s: %s\n", kind, forTerminal(line))
	}
}

// complain says on standard error what couldn't be read, a line each, and returns the
// error that the result is partial, if it is.
func complain(cmd *cobra.Command, problems []string) error {
	tell(cmd, "problem", problems)
	if n := len(problems); n > 0 {
		return partialError{fmt.Errorf("%s with the data: the result is partial, and what couldn't be read is kept", counted(n, "problem"))}
	}
	return nil
}

// quietly is how long work may take before lines tell how far it is.
const quietly = 5 * time.Second

func latest(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// earliest is the earlier of two times that are known.
func earliest(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}
