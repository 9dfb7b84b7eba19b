package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/pare-iam/pare/internal/git"
	"github.com/pare-iam/pare/internal/iac"
	"github.com/pare-iam/pare/internal/iac/tree"
	"github.com/pare-iam/pare/internal/rewrite"
)

// rewriteInput is what the flags of `pare rewrite` say.
type rewriteInput struct {
	analysisInput
	unused, patch, branch, format, outputFile string
	certificate                               string
	addresses, states                         []string
	write, check, commit, allowDirty          bool
	allowLeft                                 bool // what isn't rewritten doesn't count in the exit code
}

const rewriteLong = `Takes unused access out of policies where they are written: in Terraform, CloudFormation and
SAM templates, and JSON policy files. Only the lists of actions change; comments, layout and
every other byte stay. What the files then say is read back and proved for each live policy.

The policies of --data are matched with their sources: by Terraform's state and the resources
of stacks (--state), by name, by what they say. What could be several, or says something else
than the account has, is left and listed, never guessed. A source that several policies come of
loses what is unused of all of them.

  pare rewrite --data DIR                        prints a unified diff
  pare rewrite --data DIR --write                changes the files
  pare rewrite --data DIR --check                exit code 2 if something would change
  pare rewrite --data DIR --branch B --commit    commits to a new branch, and prints a text
                                                 for the pull request; the working tree stays
Without an account, --unused takes a list as "pare recommend" does, and --address says of which
policy, if there are several.

What can't be rewritten is listed with its place, the reason and the policy to paste: lists that
are computed, anchors, templates that CDK made, policies that would be empty. What was rewritten
and isn't deployed yet is told, and is in order.

An account of --data that can't be read, or not as a whole, may have any of the policies: then
all stay.

In a git repository all Terraform files of it are read, so that modules and what uses them are
known; only policies of PATH change, and of modules used there. A PATH that git ignores is
looked at by itself.

Exit codes, the first that holds:
  2  with --check: files would change
  4  a live policy isn't what its file says, or a change isn't proved; the others are rewritten
  3  some policies can't be rewritten, or some files or data can't be read; the others are rewritten
  0  otherwise
With --allow-left policies that aren't rewritten are told as ever, and don't count: 3 is of files
or data that can't be read.`

func newRewriteCommand() *cobra.Command {
	in := rewriteInput{format: "diff"}
	cmd := &cobra.Command{
		Use:   "rewrite [PATH…] --data DIR",
		Short: "Take unused access out of Terraform, CloudFormation and policy files",
		Long:  rewriteLong,
		Example: `  pare rewrite infra --data account
  pare rewrite infra --data account --state terraform.tfstate --write
  pare rewrite --data account --branch pare/less --commit > pull-request.md
  pare rewrite main.tf --unused unused.json --address aws_iam_policy.app`,
		RunE: func(cmd *cobra.Command, args []string) error { return in.run(cmd, args) },
	}
	in.addFlags(cmd)
	f := cmd.Flags()
	f.StringVar(&in.unused, "unused", "", "what is unused, as pare recommend takes it, instead of --data: a `file`")
	f.StringArrayVar(&in.addresses, "address", nil, "only the policy with this `address`, such as module.app.aws_iam_policy.app; * and ? as in policies; may be repeated")
	f.StringArrayVar(&in.states, "state", nil, "a `file` that says what came of what: terraform.tfstate, terraform show -json, aws cloudformation describe-stack-resources; may be repeated")
	f.BoolVar(&in.write, "write", false, "change the files")
	f.BoolVar(&in.check, "check", false, "print the names of files that would change; exit code 2 if there are any")
	f.StringVar(&in.patch, "patch", "", "write the diff to this `file`, for git apply")
	f.StringVar(&in.branch, "branch", "", "with --commit: the `name` of the new branch")
	f.BoolVar(&in.commit, "commit", false, "commit to the new --branch, and print a text for the pull request")
	f.StringVar(&in.certificate, "certificate", "", "write the claims about each live policy as SMT-LIB 2 files into folders in this `folder`, for cvc5 to check")
	f.BoolVar(&in.allowDirty, "allow-dirty", false, "go on though something is uncommitted")
	f.BoolVar(&in.allowLeft, "allow-left", false, "exit code 0 though some policies aren't rewritten, as for a hook; they are told all the same")
	f.StringVarP(&in.format, "output", "o", in.format, "the `format`: diff, json or md")
	f.StringVar(&in.outputFile, outputFileFlag, "", outputFileUsage)
	cmd.MarkFlagsMutuallyExclusive("data", "unused")
	cmd.MarkFlagsMutuallyExclusive("write", "check", "patch", "commit")
	complete(cmd, "output", "diff", "json", "md")
	return cmd
}

func (in *rewriteInput) run(cmd *cobra.Command, args []string) error {
	if err := in.together(); err != nil {
		return err
	}
	ctx := cmd.Context()
	repo, options, err := placeOf(ctx, args)
	if err != nil {
		return err
	}
	files, err := tree.Read(ctx, options)
	if err != nil {
		return plainError(err)
	}
	if !slices.ContainsFunc(files.Sources, files.Wanted) && !slices.ContainsFunc(files.Problems, files.Concerns) {
		return hintError{fmt.Errorf("no IAM policies in %s", strings.Join(orHere(args), ", ")), "pare looks into .tf, .tf.json, .yaml, .yml, .json and .template files; give the folder that has them"}
	}
	if err := in.addressed(files); err != nil {
		return err
	}
	work, partial, err := in.work(cmd, files)
	if err != nil {
		return err
	}
	plan, err := rewrite.Make(ctx, work)
	if err != nil {
		return refusedError{err}
	}
	partial = cmp.Or(partial, tellProblems(cmd, files))
	shown := rewritten{repo, files, plan}
	if err := in.use(cmd, shown); err != nil {
		return err
	}
	return cmp.Or(in.verdict(plan), partial)
}

// rewritten is what there is to show and to write.
type rewritten struct {
	repo  *git.Repo // nil outside of one
	files *tree.Tree
	plan  *rewrite.Plan
}

// together refuses flags that make no sense, by themselves or together.
func (in *rewriteInput) together() error {
	if err := oneOf("-o", in.format, "diff", "json", "md"); err != nil {
		return err
	}
	switch {
	case in.data == "" && in.unused == "":
		return hintError{usageError{errors.New("no --data: want the account whose unused access is to go")}, "pare rewrite --data account; or --unused unused.json with the list of what goes"}
	case in.commit && in.branch == "":
		return hintError{usageError{errors.New("--commit: want a new branch to commit to")}, "--branch pare/less --commit"}
	case in.branch != "" && !in.commit:
		return hintError{usageError{fmt.Errorf("--branch %s without --commit: nothing would be committed to it", in.branch)}, "--branch " + in.branch + " --commit"}
	}
	return nil
}

// tellProblems says what couldn't be read of the files asked for, and of what they need,
// and gives the error of it if there is any.
func tellProblems(cmd *cobra.Command, files *tree.Tree) error {
	problems := concerning(files)
	for _, problem := range problems {
		cmd.PrintErrf("not read: %s\n", forTerminal(problem.String()))
	}
	if len(problems) == 0 {
		return nil
	}
	return partialError{fmt.Errorf("%s couldn't be read", counted(len(problems), "place"))}
}

// use does what the flags say with the plan.
func (in *rewriteInput) use(cmd *cobra.Command, r rewritten) error {
	plan := r.plan
	tellLeft(cmd, r)
	switch {
	case in.check:
		for _, f := range plan.Changed() {
			cmd.Println(f.Path)
		}
		return nil
	case in.write, in.commit:
		if err := in.clean(cmd.Context(), r); err != nil {
			return err
		}
	}
	if in.certificate != "" {
		if err := in.certify(cmd, plan); err != nil {
			return err
		}
	}
	switch {
	case len(plan.Files) == 0:
		cmd.PrintErrln("nothing to change")
	case in.write:
		if err := r.files.Write(cmd.Context(), plan.Files); err != nil {
			return err
		}
		for _, f := range plan.Changed() {
			cmd.PrintErrf("wrote %s\n", filepath.Join(r.files.Root, filepath.FromSlash(f.Path)))
		}
	case in.commit:
		if err := in.commitTo(cmd, r.repo, plan); err != nil {
			return err
		}
	}
	if in.patch != "" {
		return sink{path: in.patch, inputs: in.inputsOf(r.files)}.write(cmd, func(w io.Writer) error {
			_, err := io.WriteString(w, plan.Diff())
			return err
		})
	}
	return sink{path: in.outputFile, inputs: in.inputsOf(r.files)}.write(cmd, func(w io.Writer) error { return in.render(cmd, w, r) })
}

// render writes the result. Without a change there is no pull request, and no text for one.
func (in *rewriteInput) render(cmd *cobra.Command, w io.Writer, r rewritten) error {
	switch {
	case in.format == "json":
		return rewrite.JSON(w, r.plan, concerning(r.files))
	case in.commit && len(r.plan.Files) == 0:
		return nil
	case in.format == "md" || in.commit:
		return rewrite.Markdown(w, r.plan)
	case in.write:
		return nil
	}
	return rewrite.Text(colored(cmd, w), r.plan)
}

// clean refuses to change a repository with uncommitted changes, in which nobody could
// tell these from others.
func (in *rewriteInput) clean(ctx context.Context, r rewritten) error {
	repo, plan := r.repo, r.plan
	if repo == nil {
		if in.commit {
			return usageError{errors.New("--commit: no git repository has these files")}
		}
		return nil
	}
	changes, err := repo.Changes(ctx)
	if err != nil {
		return err
	}
	var dirty []string
	for _, c := range changes {
		ours := slices.ContainsFunc(plan.Changed(), func(f *iac.File) bool { return f.Path == c.Path })
		switch {
		case in.commit && ours:
			return refusedError{fmt.Errorf("%s: has changes that aren't committed, which would be committed too", c.Path)}
		case in.commit && !c.Untracked && readOrGone(r.files, c.Path):
			return refusedError{fmt.Errorf("%s: has changes that aren't committed, and the policies were read with them: what is said of the commit wouldn't be of it", c.Path)}
		}
		if !c.Untracked || ours {
			dirty = append(dirty, c.Path)
		}
	}
	if len(dirty) == 0 || in.allowDirty {
		return nil
	}
	if len(dirty) > 3 {
		dirty = append(dirty[:3], fmt.Sprintf("and %d more", len(dirty)-3))
	}
	return hintError{refusedError{fmt.Errorf("uncommitted changes in %s: %s", repo.Root, strings.Join(dirty, ", "))}, "commit or stash them, or --allow-dirty"}
}

// readOrGone says whether a file of the repository that isn't as in HEAD was read, or is
// gone, so that what HEAD has of it wasn't read.
func readOrGone(files *tree.Tree, name string) bool {
	if files.Has(name) {
		return true
	}
	_, err := os.Lstat(filepath.Join(files.Root, filepath.FromSlash(name)))
	return err != nil
}

// commitTo commits the new files to the new branch.
func (in *rewriteInput) commitTo(cmd *cobra.Command, repo *git.Repo, plan *rewrite.Plan) error {
	files := map[string][]byte{}
	for f, src := range plan.Files {
		files[f.Path] = src
	}
	hash, err := repo.Commit(cmd.Context(), in.branch, rewrite.CommitMessage(plan), files)
	if err != nil {
		return err
	}
	cmd.PrintErrf("committed %s to branch %s; git push -u origin %s\n", hash[:12], in.branch, in.branch)
	return nil
}

// verdict is the exit code's error.
func (in *rewriteInput) verdict(plan *rewrite.Plan) error {
	if in.check && len(plan.Files) > 0 {
		return findingsError{fmt.Errorf("%s would change", counted(len(plan.Files), "file"))}
	}
	if in.allowLeft {
		return nil
	}
	refused, left := 0, 0
	for _, l := range plan.Left {
		if l.Kind.Refused() {
			refused++
		} else {
			left++
		}
	}
	switch {
	case refused > 0 && left > 0:
		return refusedError{fmt.Errorf("%s refused: not proved, or not what the account has; %s more not rewritten; see above", counted(refused, "policy"), grouped(left))}
	case refused > 0:
		return refusedError{fmt.Errorf("%s refused: not proved, or not what the account has; see above", counted(refused, "policy"))}
	case left > 0:
		return partialError{fmt.Errorf("%s not rewritten; see above", counted(left, "policy"))}
	}
	return nil
}

// tellLeft lists what is written already, and what isn't rewritten with what to paste.
func tellLeft(cmd *cobra.Command, r rewritten) {
	for _, m := range r.plan.Written {
		cmd.PrintErrf("written already: %s: %s: deploy it, and collect the account again\n", m.Source.Where(), m.Source.Title())
	}
	kinds := map[rewrite.LeftKind]bool{}
	for _, l := range r.plan.Left {
		kinds[l.Kind] = true
		cmd.PrintErrf("not rewritten: %s: %s: %s\n", l.Where, l.Source.Title(), forTerminal(l.Reason))
		for _, c := range l.Others() {
			cmd.PrintErrf("  could be %s\n", forTerminal(c.Title()))
		}
		for _, doc := range l.Paste {
			cmd.PrintErrf("  what the account has, without what is unused:\n%s\n", forTerminal(strings.TrimSpace(string(doc.Bytes()))))
		}
	}
	if kinds[rewrite.Ambiguous] {
		cmd.PrintErrln("hint: --state terraform.tfstate, or what describe-stack-resources prints, says which policy came of what")
	}
	if kinds[rewrite.Drifted] {
		cmd.PrintErrln("hint: deploy what the files say and collect the account again, or take what the account has into the files")
	}
	if n := len(r.plan.Unmatched); n > 0 {
		cmd.PrintErrf("%s of the files in no account of --data\n", counted(n, "policy"))
	}
}

// chosen says which sources --address and the paths name.
func (in *rewriteInput) chosen(files *tree.Tree) func(*iac.Source) bool {
	return func(s *iac.Source) bool {
		if len(in.addresses) == 0 || !files.Wanted(s) {
			return files.Wanted(s)
		}
		return slices.ContainsFunc(in.addresses, func(pattern string) bool {
			ok, err := path.Match(strings.NewReplacer(`\`, `\\`, "[", `\[`, "/", "\x00").Replace(pattern), strings.ReplaceAll(s.Address, "/", "\x00"))
			return err == nil && ok
		})
	}
}

// addressed refuses addresses of nothing: who mistypes one would take it that nothing of
// the policy is unused.
func (in *rewriteInput) addressed(files *tree.Tree) error {
	for _, address := range in.addresses {
		one := rewriteInput{addresses: []string{address}}
		if slices.ContainsFunc(files.Sources, func(s *iac.Source) bool { return files.Wanted(s) && one.chosen(files)(s) }) {
			continue
		}
		var there []string
		for _, s := range files.Sources {
			if files.Wanted(s) && s.Address != "" && !slices.Contains(there, s.Address) {
				there = append(there, s.Address)
			}
		}
		more := ""
		if len(there) > 5 {
			there, more = there[:5], fmt.Sprintf(" and %d more", len(there)-5)
		}
		return hintError{fmt.Errorf("--address %s: no such policy", address), "there are " + cmp.Or(strings.Join(there, ", ")+more, "policy files alone, which have no address")}
	}
	return nil
}

// work makes the matches: of the accounts of --data, or of the list of --unused.
func (in *rewriteInput) work(cmd *cobra.Command, files *tree.Tree) (rewrite.Work, error, error) {
	work := rewrite.Work{Tree: files, Chosen: in.chosen(files)}
	known, err := in.known(cmd)
	if err != nil {
		return work, nil, err
	}
	if in.unused != "" {
		return in.workOfList(cmd, work)
	}
	s, err := in.open(cmd)
	if err != nil {
		return work, nil, err
	}
	work.Catalog = s.catalog
	warn(cmd, s.accounts...)
	var live []*rewrite.Live
	var problems []string
	for _, a := range s.accounts {
		live = append(live, rewrite.Held(a)...)
		problems = append(problems, a.Problems...)
	}
	work.Matches = rewrite.MatchSources(s.catalog, files.Sources, live, known)
	partial := complain(cmd, append(problems, s.failed...))
	matched := rewrite.Matched(work.Matches)
	if err := rewrite.Judge(matched); err != nil {
		return work, partial, err
	}
	if why := s.whoElse(); why != "" {
		rewrite.Spare(matched, why)
	}
	return work, partial, nil
}

// whoElse says why somebody may have a policy who isn't known; "" if all are.
func (s *session) whoElse() string {
	var lacking []string
	for _, a := range s.accounts {
		if a.Inventory.Incomplete {
			lacking = append(lacking, a.Inventory.ID)
		}
	}
	switch {
	case len(lacking) > 0:
		return fmt.Sprintf("the files lack roles, users or groups of account %s, and one of them may have it too: mend that first", strings.Join(lacking, ", "))
	case len(s.failed) > 0:
		return "an account of --data couldn't be read, and may have it too: mend that, or take it out of the folder"
	}
	return ""
}

// inputsOf are the files that were read, which no result is written over.
func (in *rewriteInput) inputsOf(files *tree.Tree) []string {
	out := append([]string{in.unused}, in.states...)
	for _, f := range files.Files {
		out = append(out, filepath.Join(files.Root, filepath.FromSlash(f.Path)))
	}
	return out
}

// workOfList takes the list for what is unused of the one policy that is chosen.
func (in *rewriteInput) workOfList(cmd *cobra.Command, work rewrite.Work) (rewrite.Work, error, error) {
	unused, err := readUnused(cmd, in.unused)
	if err != nil {
		return work, nil, err
	}
	if work.Catalog, err = loadCatalog(cmd, in.catalog, ""); err != nil {
		return work, nil, err
	}
	var one *iac.Source
	var titles []string
	for _, s := range work.Tree.Sources {
		if work.Chosen(s) {
			one = s
			titles = append(titles, s.Title())
		}
	}
	switch {
	case one == nil:
		return work, nil, errors.New("no policy could be read in the files asked for")
	case len(titles) > 1:
		return work, nil, hintError{usageError{fmt.Errorf("--unused is of one policy, and there are %d: %s", len(titles), strings.Join(titles, ", "))}, "--address " + titles[0]}
	}
	work.Matches, err = rewrite.ByList(work.Tree.Sources, one, unused)
	return work, nil, err
}

// known reads the files of --state.
func (in *rewriteInput) known(cmd *cobra.Command) (rewrite.Known, error) {
	var known rewrite.Known
	for _, name := range in.states {
		label, src, err := readInput(cmd, name)
		if err != nil {
			return known, err
		}
		if err := known.Add(label, src); err != nil {
			return known, err
		}
	}
	return known, nil
}
