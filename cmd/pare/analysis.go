package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/pare-iam/pare/analyzer"
	"github.com/pare-iam/pare/catalog"
	"github.com/pare-iam/pare/finding"
	"github.com/pare-iam/pare/internal/report"
	"github.com/pare-iam/pare/internal/snapshot"
	"github.com/pare-iam/pare/inventory"
	"github.com/pare-iam/pare/policy"
	"github.com/pare-iam/pare/usage"
)

// analysisInput is what the flags of all commands say that analyze a --data folder.
type analysisInput struct {
	data, catalog string
	window        windowFlag
	now           timeFlag
	analyzerAge   windowFlag
	rules         string
	accounts      []string
	tags          []string
	paths, names  []string

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
	f.StringSliceVar(&in.tags, "exclude-tag", nil, "leave roles and users with this `tag` alone: key, or key=value")
	f.StringSliceVar(&in.paths, "exclude-path", nil, "leave roles and users below this `path` alone: /service/")
	f.StringSliceVar(&in.names, "exclude-name", nil, "leave roles and users of this `name` alone; * and ? as in policies")
	f.BoolVar(&in.identityCenter, "identity-center", false, "judge the roles of IAM Identity Center too")
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
	for _, path := range in.paths {
		if !strings.HasPrefix(path, "/") || !strings.HasSuffix(path, "/") {
			return usageError{fmt.Errorf("--exclude-path %s: want a path that begins and ends with a slash, such as /service/", path)}
		}
	}
	return nil
}

func (in *analysisInput) settings(rules []finding.ArchiveRule) analyzer.Settings {
	s := analyzer.Settings{
		Exclude: analyzer.Exclusions{Accounts: in.accounts, Paths: in.paths, Names: in.names},
		Rules:   rules, IdentityCenter: in.identityCenter, AnyPolicyAge: in.anyPolicyAge, Workers: in.workers,
	}
	for _, tag := range in.tags {
		key, value, _ := strings.Cut(tag, "=")
		s.Exclude.Tags = append(s.Exclude.Tags, analyzer.Tag{Key: key, Value: value})
	}
	return s
}

func (in *analysisInput) evidenceOptions() snapshot.EvidenceOptions {
	o := snapshot.EvidenceOptions{AnalyzerAge: in.analyzerAge.age(), Workers: in.workers}
	if in.ignoreDenied {
		o.Denied = usage.DeniedIgnored
	}
	return o
}

// account is one account's data, read, and its analysis.
type account struct {
	*analyzer.Analysis
	folder    *snapshot.Folder
	inventory *inventory.Account
	evidence  *snapshot.Evidence
	window    usage.Window
	problems  []string // what couldn't be read, a line each
}

// session is the analysis of all accounts of a --data folder.
type session struct {
	*analysisInput
	cmd      *cobra.Command
	catalog  *catalog.Catalog
	settings analyzer.Settings
	accounts []*account
}

// open reads the folder and prepares the analyses. What can't be read of an account is
// among its problems; an account of which nothing can be read is an error if it is the
// only one.
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
	byID := map[string]string{}
	for _, dir := range dirs {
		a, err := s.account(cmd.Context(), dir)
		if err != nil {
			return nil, err
		}
		if other := byID[a.inventory.ID]; other != "" {
			return nil, fmt.Errorf("%s and %s are both of account %s: want one folder an account", other, dir, a.inventory.ID)
		}
		byID[a.inventory.ID] = dir
		s.accounts = append(s.accounts, a)
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
func (s *session) account(ctx context.Context, dir string) (*account, error) {
	folder, err := snapshot.Open(dir)
	if err != nil {
		return nil, plainError(err)
	}
	inv, problems, err := folder.Inventory()
	if err != nil {
		return nil, plainError(err)
	}
	evidence, err := s.evidence(ctx, folder, inv)
	if err != nil {
		return nil, err
	}
	a := &account{folder: folder, inventory: inv, evidence: evidence}
	for _, p := range slices.Concat(problems, evidence.Problems) {
		a.problems = append(a.problems, problemLine(p))
	}
	for _, m := range folder.Info.Missing {
		a.problems = append(a.problems, fmt.Sprintf("%s: %s wasn't collected: %s", filepath.Join(dir, snapshot.InfoFile), m.What, m.Why))
	}
	a.window = usage.Window{Age: s.window.age(), Now: s.end(a)}
	for _, source := range evidence.Sources {
		if early := endsEarly(source, a.window); early != "" {
			a.problems = append(a.problems, dir+": "+early)
		}
	}
	a.Analysis, err = analyzer.New(analyzer.Input{
		Account: inv, Catalog: s.catalog, Window: a.window, Sources: evidence.Of,
		Earlier:        func(p *inventory.ManagedPolicy) *policy.Document { return p.AsOf(a.window.From()) },
		ServiceControl: levels(folder.Info.ServiceControlPolicies),
	}, s.settings)
	return a, err
}

func (s *session) evidence(ctx context.Context, folder *snapshot.Folder, inv *inventory.Account) (*snapshot.Evidence, error) {
	options := s.evidenceOptions()
	total := folder.EvidenceFiles()
	if total > 0 && !s.quiet {
		progress, finish := newProgress(ctx, s.cmd.ErrOrStderr(), "files of evidence", quietly)
		defer finish()
		done := 0
		options.Progress = func() {
			done++
			progress(done, total)
		}
	}
	return folder.Evidence(ctx, s.catalog, inv, options)
}

// end is the end of the window: as it was given, else when the data was collected, else
// up to when the evidence reaches. Only a folder that says nothing of it ends now.
func (s *session) end(a *account) time.Time {
	for _, t := range []time.Time{s.now.Time, a.folder.Info.CollectedAt, a.evidence.Until()} {
		if !t.IsZero() {
			return t.UTC()
		}
	}
	return time.Now().UTC().Truncate(time.Second)
}

// endsEarly says that a source knows nothing of the window's end, so that nothing of what
// it doesn't show counts as unused.
func endsEarly(source snapshot.SourceFile, w usage.Window) string {
	switch {
	case source.Until.IsZero() || w.Now.Sub(source.Until) <= usage.Day:
		return ""
	case !source.Until.After(w.From()):
		return fmt.Sprintf("%s ends %s, before the window begins (%s): it says nothing about the window; collect anew, or give --now",
			source.Kind, day(source.Until), day(w.From()))
	}
	return fmt.Sprintf("%s ends %s, more than a day before the window does (%s): nothing is unused by its word; collect anew, or give --now %s",
		source.Kind, day(source.Until), day(w.Now), source.Until.UTC().Format(time.RFC3339))
}

func day(t time.Time) string { return t.UTC().Format(time.DateOnly) }

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
		out.Accounts = append(out.Accounts, report.Account{ID: a.inventory.ID, Alias: a.folder.Info.AccountAlias})
		out.Problems = append(out.Problems, a.problems...)
		out.Window = usage.Window{Age: a.window.Age, Now: latest(out.Window.Now, a.window.Now)}
		out.CollectedAt = earliest(out.CollectedAt, a.folder.Info.CollectedAt)
	}
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

// sources says what evidence there was, and what there wasn't.
func (s *session) sources() []report.Source {
	var out []report.Source
	for _, a := range s.accounts {
		for _, source := range a.evidence.Sources {
			covers := fmt.Sprintf("%d principals", source.Principals)
			if !source.From.IsZero() {
				covers += ", from " + day(source.From)
			}
			if !source.Until.IsZero() {
				covers += ", up to " + day(source.Until)
			}
			if len(s.accounts) > 1 {
				covers = a.inventory.ID + ": " + covers
			}
			out = append(out, report.Source{Name: source.Kind.String(), Covers: covers})
		}
	}
	return out
}

// absences are what the folders lack and what that means, a line each.
func (s *session) absences() []string {
	var out []string
	for _, a := range s.accounts {
		for _, missing := range a.folder.Absent {
			out = append(out, fmt.Sprintf("%s: no %s: %s (%s)", a.folder.Dir, missing.Name, missing.Meaning, missing.Command))
		}
		for _, name := range a.folder.Others {
			out = append(out, fmt.Sprintf("%s: not a name of a snapshot: nobody looked at it", filepath.Join(a.folder.Dir, name)))
		}
	}
	return out
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
