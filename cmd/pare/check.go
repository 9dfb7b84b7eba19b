package main

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/pare-iam/pare/internal/gate"
	"github.com/pare-iam/pare/internal/git"
	"github.com/pare-iam/pare/internal/iac"
	"github.com/pare-iam/pare/internal/iac/terraform"
	"github.com/pare-iam/pare/internal/iac/tree"
	"github.com/pare-iam/pare/internal/rewrite"
	"github.com/pare-iam/pare/usage"
)

// checkInput is what the flags of `pare check` say.
type checkInput struct {
	analysisInput
	plans, states           []string
	base, baseDir           string
	baseline, writeBaseline string
	deny, ignore            string
	failOn, format          string
	outputFile              string
	exports                 []string // FORMAT=FILE

	read []string // files of the tree, which no result replaces
}

const checkLong = `Checks the IAM policies of Terraform, CloudFormation and SAM, and JSON policy files, before
they are deployed, and exits with 2 if there is something to look at:

  pare/new-access     the policy allows what it didn't at --base or in --base-dir, or no longer
                      denies it; with a request that shows it
  pare/denied-access  the policy allows what the list of --deny has
  pare/unused-access  nobody used it, by the account of --data; with the fix
  pare/unreadable     a file can't be read, or what a policy says can't be known: exit code 3

With --plan the policies are those of Terraform plans, with all values that Terraform knows,
and are compared with what is deployed; the files then only say where resources stand.

.pareignore.yaml beside the root of the tree, or --ignore-file, is a list of results that are
accepted. Each entry has rule, path or address (or both; * and ? as in policies), reason and
expires, the last day; and may have action and owner. So does a comment on a statement or a
resource, or above it:
  # pare:ignore pare/denied-access the deploy role passes the task role

A --baseline holds the results of a day: only what came later counts. Not looked at are who
has the policies, attachments of AWS's policies, and trust policies.`

const ignoreFileName = ".pareignore.yaml"

var (
	checkFormats = []string{"text", "json", "sarif", "md", "junit", "github"}
	checkLevels  = []string{"none", "low", "medium", "high", "any"}
)

func newCheckCommand() *cobra.Command {
	var in checkInput
	cmd := &cobra.Command{
		Use:   "check [PATH…]",
		Short: "Check policies before they are deployed: new, forbidden and unused access",
		Long:  checkLong,
		Example: `  pare check --base origin/main
  terraform show -json tf.plan > plan.json && pare check --plan plan.json
  pare check infra --base origin/main --deny deny.yaml -o github --export sarif=pare.sarif
  pare check infra --data account --fail-on medium
  pare check --deny deny.yaml --write-baseline pare-baseline.json
  pare check --deny deny.yaml --baseline pare-baseline.json`,
		RunE: func(cmd *cobra.Command, args []string) error { return in.run(cmd, args) },
	}
	in.addFlags(cmd)
	f := cmd.Flags()
	f.StringArrayVar(&in.plans, "plan", nil, "check what this plan does: a `file` with the output of terraform show -json PLAN; may be repeated")
	f.StringVar(&in.base, "base", "", "compare with the files at this git `revision`")
	f.StringVar(&in.baseDir, "base-dir", "", "compare with the files in this `folder`, a copy of the whole tree as it was")
	f.StringVar(&in.baseline, "baseline", "", "only what isn't in this `file` counts")
	f.StringVar(&in.writeBaseline, "write-baseline", "", "write the results to this `file`, for --baseline")
	f.StringVar(&in.deny, "deny", "", "access that no policy may give, a YAML or JSON `file`: a list of actions, resources and a reason")
	f.StringVar(&in.ignore, "ignore-file", "", "results that are accepted (default: "+ignoreFileName+" of the tree, if it is there), a `file`")
	f.StringArrayVar(&in.states, "state", nil, "with --data: a `file` that says what came of what: terraform.tfstate, terraform show -json, aws cloudformation describe-stack-resources; may be repeated")
	f.StringVar(&in.failOn, "fail-on", "any", "exit with 2 on results of this `severity` or above: none, low (unused), medium (new), high (denied), any")
	f.StringVarP(&in.format, "output", "o", "text", "the `format`: "+strings.Join(checkFormats, ", "))
	f.StringVar(&in.outputFile, outputFileFlag, "", outputFileUsage)
	f.StringArrayVar(&in.exports, "export", nil, "write the result in another format too, `FORMAT=FILE`; may be repeated")
	complete(cmd, "output", checkFormats...)
	complete(cmd, "fail-on", checkLevels...)
	return cmd
}

func (in *checkInput) run(cmd *cobra.Command, args []string) error {
	err := errors.Join(
		oneOf("-o", in.format, checkFormats...),
		oneOf("--fail-on", in.failOn, checkLevels...),
		in.checkExports(),
		onlyOneStdin(append(slices.Clone(in.plans), in.deny, in.ignore, in.baseline, in.catalog)...),
	)
	if err := cmp.Or(err, in.together()); err != nil {
		return err
	}
	input, partial, err := in.input(cmd, args)
	if err != nil {
		return err
	}
	result, err := gate.Check(cmd.Context(), input)
	if err != nil {
		return err
	}
	return in.deliver(cmd, result, partial)
}

// input reads all that there is to check and to check by. The second error is that some
// of the account's data couldn't be read.
func (in *checkInput) input(cmd *cobra.Command, args []string) (gate.Input, error, error) {
	out := gate.Input{Version: programVersion(), Now: cmp.Or(in.now.Time, time.Now())}
	repo, options, err := placeOf(cmd.Context(), args)
	if err != nil {
		return out, nil, err
	}
	files, err := tree.Read(cmd.Context(), options)
	if err != nil {
		return out, nil, plainError(err)
	}
	for _, f := range files.Files {
		in.read = append(in.read, filepath.Join(files.Root, filepath.FromSlash(f.Path)))
	}
	catErr := error(nil)
	out.Catalog, catErr = loadCatalog(cmd, in.catalog, "")
	if err := errors.Join(catErr, in.rules(cmd, files, &out)); err != nil {
		return out, nil, err
	}
	if err := in.policies(cmd, repo, files, &out); err != nil {
		return out, nil, err
	}
	if len(out.Pairs) == 0 && len(out.Problems) == 0 {
		return out, nil, in.empty(args)
	}
	if in.data == "" {
		return out, nil, nil
	}
	partial, err := in.unusedOf(cmd, files, &out)
	return out, partial, err
}

// together refuses flags that make no sense together.
func (in *checkInput) together() error {
	switch {
	case len(in.states) > 0 && in.data == "":
		return usageError{errors.New("--state without --data: it says which policy of the account a source is")}
	case in.base != "" && in.baseDir != "":
		return usageError{errors.New("--base and --base-dir: give one of them")}
	case len(in.plans) > 0 && in.base+in.baseDir != "":
		return usageError{errors.New("--plan and a base: a plan is compared with what is deployed; run twice for both")}
	case in.baseline+in.writeBaseline != "" && len(in.plans) == 0 && in.base+in.baseDir+in.deny+in.data == "":
		return hintError{usageError{errors.New("a baseline is of results, and there is nothing to check by: want --base, --base-dir, --plan, --deny or --data")}, "pare check --base origin/main --baseline pare-baseline.json"}
	}
	return nil
}

func (in *checkInput) checkExports() error {
	for _, export := range in.exports {
		format, path, _ := strings.Cut(export, "=")
		if err := oneOf("--export", format, checkFormats...); err != nil {
			return err
		}
		if path == "" {
			return usageError{fmt.Errorf("--export %s: want a format and a file, such as sarif=pare.sarif", export)}
		}
	}
	return nil
}

func (in *checkInput) empty(args []string) error {
	if len(in.plans) > 0 || in.base != "" || in.baseDir != "" {
		return nil // a plan without policies is in order, and so is a tree that had none either
	}
	return hintError{fmt.Errorf("no IAM policies in %s", strings.Join(orHere(args), ", ")), "pare looks into .tf, .tf.json, .yaml, .yml, .json and .template files; give the folder that has them"}
}

// rules reads what is forbidden, accepted and known.
func (in *checkInput) rules(cmd *cobra.Command, files *tree.Tree, out *gate.Input) error {
	var errs []error
	read := func(path string, parse func(name string, src []byte) error) {
		name, src, err := readInput(cmd, path)
		if err == nil {
			err = parse(name, src)
		}
		errs = append(errs, err)
	}
	if in.deny != "" {
		read(in.deny, func(name string, src []byte) (err error) {
			out.Deny, err = gate.ParseDeny(name, src)
			return err
		})
	}
	if in.baseline != "" {
		read(in.baseline, func(name string, src []byte) (err error) {
			out.Baseline, err = gate.ReadBaseline(name, src)
			return err
		})
	}
	if path := in.ignoreFile(files); path != "" {
		read(path, func(_ string, src []byte) (err error) {
			out.Ignore, err = gate.ParseIgnore(cmp.Or(in.ignore, ignoreFileName), src)
			return err
		})
	}
	for _, f := range files.Files {
		if !files.Concerns(iac.Problem{Where: f.Path}) {
			continue // nothing of it is checked
		}
		comments, err := gate.Comments(f)
		out.Comments, errs = append(out.Comments, comments...), append(errs, err)
	}
	return errors.Join(errs...)
}

// ignoreFile is the file of --ignore-file, or the tree's own if it has one.
func (in *checkInput) ignoreFile(files *tree.Tree) string {
	if in.ignore != "" {
		return in.ignore
	}
	path := filepath.Join(files.Root, ignoreFileName)
	if _, err := os.Lstat(path); errors.Is(err, os.ErrNotExist) {
		return ""
	}
	return path
}

// policies are those of the plans, or those of the files beside those of the base.
func (in *checkInput) policies(cmd *cobra.Command, repo *git.Repo, files *tree.Tree, out *gate.Input) error {
	now, err := policiesOf(files)
	if err != nil {
		return err
	}
	if len(in.plans) > 0 {
		return in.planned(cmd, now, out)
	}
	unread, problems, err := tree.Tofu(files.Options)
	if err != nil {
		return plainError(err)
	}
	out.Problems, out.Files = slices.Concat(concerning(files), problems), slices.Concat(files.Files, unread)
	if in.base == "" && in.baseDir == "" {
		out.Pairs = gate.Alone(now)
		if in.deny == "" && in.data == "" {
			cmd.PrintErrln("warning: nothing is compared: --base origin/main, --plan plan.json, --deny or --data says what to check by")
		}
		return nil
	}
	before, problems, err := in.before(cmd.Context(), repo, files.Options)
	if err != nil {
		return err
	}
	out.Before = problems
	out.Against = cmp.Or(in.base, in.baseDir)
	out.Pairs = gate.Pairs(now, before)
	return nil
}

func (in *checkInput) planned(cmd *cobra.Command, files []gate.Policy, out *gate.Input) error {
	out.Against = "what is deployed, by the plan"
	for _, path := range in.plans {
		name, src, err := readInput(cmd, path)
		if err != nil {
			return err
		}
		plan, err := terraform.ReadPlan(name, src)
		if err != nil {
			return err
		}
		out.Pairs = append(out.Pairs, gate.PlanPairs(filepath.ToSlash(name), plan)...)
		for _, what := range plan.Problems {
			out.Problems = append(out.Problems, iac.Problem{Where: name, What: what})
		}
	}
	gate.Locate(out.Pairs, files)
	return nil
}

// unusedOf looks for what nobody used, as `pare rewrite` does.
func (in *checkInput) unusedOf(cmd *cobra.Command, files *tree.Tree, out *gate.Input) (partial, err error) {
	rewriting := rewriteInput{analysisInput: in.analysisInput, states: in.states}
	work, partial, err := rewriting.work(cmd, files)
	if err != nil {
		return nil, err
	}
	plan, err := rewrite.Make(cmd.Context(), work)
	if err != nil {
		return nil, refusedError{err}
	}
	var window usage.Window
	for _, l := range rewrite.Matched(work.Matches) {
		window = l.Window
	}
	unused, notes, err := gate.UnusedOf(plan, window)
	out.Unused, out.Notes = unused, append(out.Notes, notes...)
	return partial, err
}

func (in *checkInput) deliver(cmd *cobra.Command, result *gate.Report, partial error) error {
	if in.writeBaseline != "" {
		err := sink{path: in.writeBaseline, inputs: in.inputs()}.write(cmd, func(w io.Writer) error { return gate.WriteBaseline(w, result) })
		if err != nil {
			return err
		}
		cmd.PrintErrf("wrote %s to %s\n", counted(len(result.Counting()), "result"), in.writeBaseline)
		return partial
	}
	for _, export := range append([]string{in.format + "=" + in.outputFile}, in.exports...) {
		format, path, _ := strings.Cut(export, "=")
		out := sink{path: path, inputs: in.inputs()}
		if err := out.write(cmd, func(w io.Writer) error { return renderCheck(w, format, result) }); err != nil {
			return err
		}
	}
	if n := result.Partial(); n > 0 {
		return partialError{fmt.Errorf("%s couldn't be known", counted(n, "policy or file"))}
	}
	if partial != nil {
		return partial
	}
	return in.verdict(result)
}

// inputs are the files that were read, and aren't replaced. A new baseline may replace the old
// one.
func (in *checkInput) inputs() []string {
	out := slices.Concat(in.read, in.plans, []string{in.deny, in.ignore, in.catalog})
	if in.writeBaseline == "" {
		out = append(out, in.baseline)
	}
	return out
}

func renderCheck(w io.Writer, format string, result *gate.Report) error {
	switch format {
	case "json":
		return gate.JSON(w, result)
	case "sarif":
		return gate.SARIF(w, result)
	case "md":
		return gate.Markdown(w, result)
	case "junit":
		return gate.JUnit(w, result)
	case "github":
		return gate.GitHub(w, result)
	}
	return gate.Text(w, result)
}

// verdict is the exit code's error of results that --fail-on names.
func (in *checkInput) verdict(result *gate.Report) error {
	level := gate.Low
	switch in.failOn {
	case "none":
		return nil
	case "medium":
		level = gate.Medium
	case "high":
		level = gate.High
	}
	if n := result.Failing(level); n > 0 {
		return findingsError{fmt.Errorf("%s at or above --fail-on %s", counted(n, "result"), in.failOn)}
	}
	return nil
}
