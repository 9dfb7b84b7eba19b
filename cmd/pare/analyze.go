package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/charmbracelet/x/term"
	"github.com/spf13/cobra"

	"github.com/pare-iam/pare/analyzer"
	"github.com/pare-iam/pare/finding"
	"github.com/pare-iam/pare/internal/analyze"
	"github.com/pare-iam/pare/internal/report"
)

// analyzeInput is what the flags of `pare analyze` and `pare report` say.
type analyzeInput struct {
	analysisInput
	format     string
	outputFile string
	state      string
	failOn     string
	most       int
	findings   bool // findings alone
}

const analyzeLong = `Reads an account's IAM data and the evidence of use, and finds what nobody uses: roles,
access keys, passwords, and permissions of those who are used. For each role and user with
unused permissions it works out what to do, step by step, and proves it.

The folder is one that the AWS CLI alone can fill:
  authorization-details.json  aws iam get-account-authorization-details
  credential-report.csv       aws iam get-credential-report, decoded
  access-keys.json            aws iam list-access-keys, get-access-key-last-used
  last-accessed/*.json        aws iam get-service-last-accessed-details, a principal a file
  usage.jsonl                 pare ingest, of CloudTrail's log files
  findings/*.json             aws accessanalyzer get-finding-v2
Only the first must be there. What isn't there is kept: pare says what it couldn't judge,
and why. A folder of such folders is an organization.

What can't be read, is of another account or ends more than a day before the window does is
a problem: it is named, nothing is called unused by it, the rest goes on, and the exit code
is 3. Without the authorization details, or with a snapshot.json that can't be read, there
is no result and the exit code is 1; in an organization that leaves out the one account.

--state FILE keeps the findings from run to run: what is new, updated, partly fixed,
resolved. "pare findings" lists and archives them.

By default the window ends when the data was collected, so that the same data gives the
same findings. With an earlier --now what was used since counts as used; with a later one
old data calls nothing unused.`

func newAnalyzeCommand() *cobra.Command {
	in := analyzeInput{format: "table"}
	cmd := &cobra.Command{
		Use:   "analyze --data DIR",
		Short: "Find the unused access of an account, from files",
		Long:  analyzeLong,
		Example: `  pare analyze --data account
  pare analyze --data account --window 180d --state findings.json
  pare analyze --data account -o html --output-file report.html
  pare analyze --data account -o sarif --output-file pare.sarif --fail-on medium
  pare analyze --data organization --exclude-tag team=security --exclude-path /break-glass/`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error { return in.run(cmd) },
	}
	in.addAnalyzeFlags(cmd)
	cmd.Flags().BoolVar(&in.findings, "no-recommendations", false, "find, and leave out what to do")
	return cmd
}

const reportLong = `Analyzes as "pare analyze" does, with the same flags, and writes a report to pass on: by
default one HTML file with plots, which needs nothing beside it.`

func newReportCommand() *cobra.Command {
	in := analyzeInput{format: "html"}
	cmd := &cobra.Command{
		Use:   "report --data DIR",
		Short: "Write a report of an account's unused access",
		Long:  reportLong,
		Example: `  pare report --data account --output-file report.html
  pare report --data account -o md >> "$GITHUB_STEP_SUMMARY"
  pare report --data account -o csv --output-file findings.csv`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error { return in.run(cmd) },
	}
	in.addAnalyzeFlags(cmd)
	return cmd
}

var findingFormats = []string{"table", "json", "csv", "md", "sarif", "html"}

func (in *analyzeInput) addAnalyzeFlags(cmd *cobra.Command) {
	in.addFlags(cmd)
	f := cmd.Flags()
	f.StringVarP(&in.format, "output", "o", in.format, "the `format`: table, json, csv, md, sarif or html")
	f.StringVar(&in.outputFile, outputFileFlag, "", outputFileUsage)
	f.StringVar(&in.state, "state", "", "the findings of the last run, a `file`: compared with, and written anew")
	f.StringVar(&in.rules, "archive-rules", "", "archive findings by the rules in this `file`, as list-archive-rules answers them")
	f.IntVar(&in.most, "most", 0, "with -o table: list at most this `number` of findings of each type (default: all)")
	f.StringVar(&in.failOn, "fail-on", "none", "exit with 2 on active findings of this `severity` or above: none, low (permissions), medium (roles, keys, passwords), any")
	complete(cmd, "output", findingFormats...)
	complete(cmd, "fail-on", failLevels...)
}

var failLevels = []string{"none", "low", "medium", "any"}

func (in *analyzeInput) run(cmd *cobra.Command) error {
	err := errors.Join(
		oneOf("-o", in.format, append([]string{"text"}, findingFormats...)...),
		oneOf("--fail-on", in.failOn, failLevels...),
		onlyOneStdin(in.catalog, in.rules),
	)
	if err == nil && in.state != "" && in.state == in.outputFile {
		err = usageError{fmt.Errorf("--state and --%s are both %s: want two files", outputFileFlag, in.state)}
	}
	if err != nil {
		return err
	}
	s, err := in.open(cmd)
	if err != nil {
		return err
	}
	previous, err := readState(in.state, mayBeMissing)
	if err == nil {
		err = s.sameAccounts(in.state, previous)
	}
	if err != nil {
		return err
	}
	want := withRecommendations
	if in.findings || in.format == "csv" || in.format == "sarif" {
		want = withoutRecommendations
	}
	result, summaries, err := s.analyze(want)
	if err != nil {
		return err
	}
	if in.state != "" {
		s.carry(&result, previous, summaries)
	}
	return in.deliver(cmd, s, result)
}

// sameAccounts refuses a state that has nothing of the accounts that are looked at.
func (s *session) sameAccounts(state string, previous report.Findings) error {
	if len(previous.Accounts) == 0 || len(s.failed) > 0 {
		return nil
	}
	for _, a := range previous.Accounts {
		if s.lookedAt(a.ID) {
			return nil
		}
	}
	return hintError{
		fmt.Errorf("%s: has the findings of account %s, and %s is of %s: want the state of the same account", state, previous.Accounts[0].ID, s.data, s.accounts[0].Inventory.ID),
		"give --state another name, one an account or an organization",
	}
}

func (s *session) lookedAt(id string) bool {
	return slices.ContainsFunc(s.accounts, func(a *analyze.Account) bool { return a.Inventory.ID == id })
}

// carry compares the findings with those of the last run. Those of an account that this
// run didn't look at stay.
func (s *session) carry(result *report.Findings, previous report.Findings, summaries []analyzer.Summary) {
	all := previous.Findings
	for i, summary := range summaries {
		own, _ := ofAccount(result.Findings, summary.Account)
		before, others := ofAccount(all, summary.Account)
		summary.Skipped = slices.Concat(summary.Skipped, s.accounts[i].Unseen(before))
		all = append(others, analyzer.Carry(before, own, summary, result.Window.Now)...)
	}
	for i := range all {
		if !s.lookedAt(all[i].Account) {
			all[i].Change = finding.NotJudged
		}
	}
	for _, a := range previous.Accounts {
		if !s.lookedAt(a.ID) {
			result.Accounts = append(result.Accounts, a)
		}
	}
	slices.SortStableFunc(result.Accounts, func(a, b report.Account) int { return strings.Compare(a.ID, b.ID) })
	result.Findings = all
}

// ofAccount divides findings into those of an account and the others.
func ofAccount(findings []finding.Finding, id string) (own, others []finding.Finding) {
	for _, f := range findings {
		if f.Account == id {
			own = append(own, f)
		} else {
			others = append(others, f)
		}
	}
	return own, others
}

func (in *analyzeInput) deliver(cmd *cobra.Command, s *session, result report.Findings) error {
	warn(cmd, s.accounts...)
	partial := complain(cmd, result.Problems)
	result.Most = in.most
	out := sink{path: in.outputFile, inputs: append(s.inputs(), in.rules)}
	if err := out.write(cmd, func(w io.Writer) error { return renderFindings(cmd, w, in.format, result) }); err != nil {
		return err
	}
	if in.state != "" {
		if err := writeState(cmd, in.state, result); err != nil {
			return err
		}
	}
	if in.format == "sarif" {
		for _, line := range report.SARIFWarnings(result) {
			cmd.PrintErrf("warning: %s\n", line)
		}
	}
	if partial != nil {
		return partial
	}
	return in.verdict(result)
}

// verdict is the exit code's error of findings that --fail-on names.
func (in *analyzeInput) verdict(result report.Findings) error {
	n := 0
	for _, f := range result.Findings {
		if f.Status == finding.Active && (in.failOn == "any" || in.failOn == "low" || in.failOn == "medium" && f.Type != finding.UnusedPermission) {
			n++
		}
	}
	if in.failOn != "none" && n > 0 {
		return findingsError{fmt.Errorf("%s at or above --fail-on %s", counted(n, "active finding"), in.failOn)}
	}
	return nil
}

func renderFindings(cmd *cobra.Command, w io.Writer, format string, result report.Findings) error {
	switch format {
	case "json":
		return report.FindingsJSON(w, result)
	case "csv":
		return report.FindingsCSV(w, result)
	case "md":
		return report.FindingsMarkdown(w, result)
	case "sarif":
		return report.FindingsSARIF(w, result)
	case "html":
		return report.FindingsHTML(w, result)
	}
	return report.FindingsTable(colored(cmd, w), result, width(w))
}

// width is how many columns a terminal has; 0 for what isn't one.
func width(w io.Writer) int {
	file, ok := w.(*os.File)
	if !ok || !term.IsTerminal(file.Fd()) {
		return 0
	}
	columns, _, err := term.GetSize(file.Fd())
	if err != nil {
		return 0
	}
	return columns
}

// stateFile says whether a state file may be missing: before the first run it is.
type stateFile uint8

const (
	mustBeThere stateFile = iota
	mayBeMissing
)

// readState reads the findings that a run saved, or that -o json printed.
func readState(path string, need stateFile) (report.Findings, error) {
	if path == "" {
		return report.Findings{}, nil
	}
	src, err := os.ReadFile(path)
	switch {
	case errors.Is(err, os.ErrNotExist) && need == mayBeMissing:
		return report.Findings{}, nil
	case errors.Is(err, os.ErrNotExist):
		return report.Findings{}, hintError{plainError(err), "pare analyze --data DIR --state " + path + " writes it"}
	case err != nil:
		return report.Findings{}, plainError(err)
	case strings.TrimSpace(string(src)) == "":
		return report.Findings{}, fmt.Errorf("%s: empty: want the findings that pare analyze --state wrote; to begin anew, remove it", path)
	}
	return report.ReadFindings(path, src)
}

// writeState saves the findings for the next run, without what to do about them.
func writeState(cmd *cobra.Command, path string, result report.Findings) error {
	result.Advice = nil
	return sink{path: path}.write(cmd, func(w io.Writer) error { return report.FindingsJSON(w, result) })
}
