package main

import (
	"errors"
	"fmt"
	"io"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/pare-iam/pare/catalog"
	"github.com/pare-iam/pare/internal/report"
	"github.com/pare-iam/pare/policy"
	"github.com/pare-iam/pare/prove"
	"github.com/pare-iam/pare/refine"
	"github.com/pare-iam/pare/usage"
)

// recommendInput is what the flags of `pare recommend` say.
type recommendInput struct {
	policy, unused, batch string
	catalog, format       string
	limit                 string
	compact, split        bool
	ignoreUnknown         bool
	certificate, trie     string
	outputFile            string

	data, principal string // the other way in: an account's folder
	replay          bool
	analysis        analysisInput
}

const recommendLong = `Reads an identity policy and what of it is unused, and answers with the policy to have
instead: the author's own text with the unused actions taken out. A pattern that matches
used and unused actions gives way to the shortest prefixes of the used ones.

UNUSED.json is any of
  [{"serviceNamespace": "s3", "actions": ["GetBucketAcl"]}]   without actions: the whole service
  ["s3:GetBucketAcl", "lambda:*"]
  an answer of "aws accessanalyzer get-finding-v2"

Only what is proved leaves as a recommendation. Otherwise -o text, json and md show the
finding with the request that refutes it, or the reason; the exit code is 4.

-o policy prints the recommended policy alone, and nothing when all of it is unused: the
policy is then to be detached. A split policy is printed as one document after another.

With --data and --principal the policies and the evidence are those of an account's folder,
as "pare analyze" reads it: every attached and inline policy of the role or user, and the
steps to take. --replay then decides every use that usage.jsonl holds by the policies before
and after, one by one. Nothing to do ends with 0. A principal that can't be judged (too
young, not in use, without evidence, service-linked) and a policy without a step end with 3.

--trie draws the trie of a pattern's actions, with no policy: what is safe to keep as a
prefix and what isn't. -o svg draws it as a picture.

` + batchHelp + `
  {"id": …, "policy": {…}, "unused": […]}   answered as -o json does, on a line`

func newRecommendCommand() *cobra.Command {
	var in recommendInput
	cmd := &cobra.Command{
		Use:   "recommend POLICY.json --unused UNUSED.json | --data DIR --principal ARN | --batch CASES.jsonl",
		Short: "Take the unused actions out of a policy, and prove that nothing else changed",
		Long:  recommendLong,
		Example: `  pare recommend policy.json --unused unused.json
  pare recommend policy.json --unused unused.json -o policy > recommended.json
  pare recommend policy.json --unused unused.json --certificate proof/
  aws iam get-role-policy … --query PolicyDocument | pare recommend - --unused unused.json
  pare recommend --data account --principal arn:aws:iam::123456789012:role/ci-deployer
  pare recommend --data account --principal arn:aws:iam::123456789012:role/ci-deployer --replay -o json
  pare recommend --trie 's3:Get*' --unused unused.json -o svg > trie.svg
  pare recommend --batch cases.jsonl > answers.jsonl`,
		Args: onePolicy,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 1 {
				in.policy = args[0]
			}
			return in.run(cmd)
		},
	}
	in.addFlags(cmd)
	return cmd
}

func (in *recommendInput) addFlags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVarP(&in.unused, "unused", "u", "", "what is unused, a `file`; - is standard input")
	f.StringVar(&in.catalog, "catalog", "", catalogFlagUsage)
	f.StringVarP(&in.format, "output", "o", "text", "the `format`: text, json, policy or md; svg with --trie")
	f.StringVar(&in.outputFile, outputFileFlag, "", outputFileUsage)
	f.StringVar(&in.limit, "limit", report.Managed.String(), "`what` the policy is attached as, which limits its size: managed, role, user or group")
	f.BoolVar(&in.compact, "compact", false, "fewest characters rather than shortest prefixes, for a policy that doesn't fit the limit")
	f.BoolVar(&in.split, "split", false, "several policies, if one doesn't fit the limit")
	f.BoolVar(&in.ignoreUnknown, "ignore-unknown", false, "go on when the unused list names a service that nobody knows")
	f.StringVar(&in.certificate, "certificate", "", "write the claims as SMT-LIB 2 files into this `folder`, for cvc5 to check")
	f.StringVar(&in.trie, "trie", "", "draw the trie of an action `pattern` instead")
	f.StringVar(&in.batch, "batch", "", batchFlagUsage)
	f.StringVar(&in.data, "data", "", dataUsage)
	f.StringVar(&in.principal, "principal", "", "with --data: the `ARN` of the role or user")
	f.BoolVar(&in.replay, "replay", false, "with --data: decide every use in usage.jsonl by the policies before and after")
	in.analysis.addWindowFlags(cmd)
	complete(cmd, "output", "text", "json", "policy", "md", "svg")
	complete(cmd, "limit", "managed", "role", "user", "group")
}

func (in *recommendInput) run(cmd *cobra.Command) error {
	if err := in.check(); err != nil {
		return err
	}
	switch {
	case in.data != "":
		return in.runPrincipal(cmd)
	case in.batch != "":
		return in.runBatch(cmd)
	case in.trie != "":
		return in.runTrie(cmd)
	}
	rec, err := in.one(cmd)
	if err != nil {
		return err
	}
	return in.deliver(cmd, rec)
}

// check refuses what doesn't go together.
func (in *recommendInput) check() error {
	formats := []string{"text", "json", "policy", "md"}
	switch {
	case in.trie != "":
		formats = []string{"text", "svg"}
	case in.batch != "":
		formats = []string{"text", "json"} // text is the default, and the answers are JSON
	}
	if err := oneOf("-o", in.format, formats...); err != nil {
		return err
	}
	if _, ok := report.ParseLimit(in.limit); !ok {
		return oneOf("--limit", in.limit, "managed", "role", "user", "group")
	}
	switch {
	case in.batch != "" && (in.policy != "" || in.unused != "" || in.trie != "" || in.certificate != ""):
		return usageError{errors.New("--batch has the policies and unused lists in its lines: give no other, and no --trie or --certificate")}
	case in.trie != "" && (in.policy != "" || in.certificate != ""):
		return usageError{errors.New("--trie draws a pattern: give no policy, and no --certificate")}
	case in.data == "" && (in.principal != "" || in.replay):
		return hintError{usageError{errors.New("no --data: whose policies and evidence?")}, "--data account, the folder that pare analyze reads"}
	case in.data != "" && (in.policy != "" || in.unused != "" || in.trie != "" || in.certificate != "" || in.batch != ""):
		return usageError{errors.New("--data has the policies and the evidence: give no policy, and no --unused, --trie, --certificate or --batch")}
	case in.data != "" && in.principal == "":
		return hintError{usageError{errors.New("no --principal: which role or user?")}, "--principal arn:aws:iam::123456789012:role/NAME; pare analyze --data " + in.data + " lists who has unused access"}
	case in.data != "" && (in.compact || in.split):
		return usageError{errors.New("--compact and --split: with --data a policy is made to fit by itself")}
	case in.data != "":
		return nil
	case in.batch == "" && in.trie == "" && in.policy == "":
		return usageError{errors.New("no policy: want a file, or - for standard input")}
	case in.batch == "" && in.unused == "":
		return hintError{usageError{errors.New("no --unused: what is unused?")}, "--unused unused.json; a list that is empty, [], is nothing"}
	}
	return onlyOneStdin(in.policy, in.unused, in.catalog, in.batch)
}

// one reads the inputs, refines and proves.
func (in *recommendInput) one(cmd *cobra.Command) (report.Recommendation, error) {
	none := report.Recommendation{}
	doc, docErr := readIdentityPolicy(cmd, in.policy)
	unused, unusedErr := readUnused(cmd, in.unused)
	cat, catErr := loadCatalog(cmd, in.catalog, "")
	if err := errors.Join(docErr, unusedErr, catErr); err != nil {
		return none, err
	}
	rec, err := in.recommend(in.refiner(cat), subject{nameOf(in.policy), cat, doc, unused})
	if err == nil && !in.ignoreUnknown {
		err = unknownServices(rec)
	}
	return rec, err
}

func (in *recommendInput) refiner(cat *catalog.Catalog) *refine.Refiner {
	r := refine.New(cat)
	if in.compact {
		return r.Compact()
	}
	return r
}

// subject is a policy and what is known of it.
type subject struct {
	name    string
	catalog *catalog.Catalog
	doc     *policy.Document
	unused  usage.Unused
}

// recommend refines one policy, splits it if it must be, and proves the result.
func (in *recommendInput) recommend(r *refine.Refiner, s subject) (report.Recommendation, error) {
	result, err := r.Policy(s.doc, s.unused)
	if err != nil {
		return report.Recommendation{}, err
	}
	limit, _ := report.ParseLimit(in.limit) // checked
	rec := report.Recommendation{
		Name: s.name, Catalog: s.catalog, Original: s.doc, Unused: s.unused, Result: result, Limit: limit,
	}
	if in.split && result.Document != nil && result.Document.Size() > limit.Characters() {
		rec.Parts, err = refine.Split(result.Document, limit.Characters())
		rec.Proof = prove.Split(s.catalog, s.doc, rec.Parts, s.unused)
		return rec, err
	}
	rec.Proof = prove.Refinement(s.catalog, s.doc, result.Document, s.unused)
	return rec, nil
}

func nameOf(path string) string {
	if path == "-" {
		return "stdin"
	}
	return filepath.ToSlash(path)
}

// deliver writes what may leave, and says on stderr what isn't in it.
func (in *recommendInput) deliver(cmd *cobra.Command, rec report.Recommendation) error {
	leaves := rec.Leaves()
	if leaves && in.certificate != "" {
		if err := writeCertificates(cmd, in.certificate, rec); err != nil {
			return err
		}
	}
	if leaves || in.format != "policy" {
		out := sink{path: in.outputFile, inputs: []string{in.policy, in.unused, in.catalog}}
		if err := out.write(cmd, func(w io.Writer) error { return in.render(cmd, w, rec) }); err != nil {
			return err
		}
	}
	switch {
	case !leaves:
		return hintError{
			refusedError{fmt.Errorf("%s: the refined policy isn't proved, so it isn't recommended", rec.Name)},
			"-o text shows what is in the way; the policy is best left as it is",
		}
	case in.format == "policy" && rec.Result.Outcome == refine.Detach:
		cmd.PrintErrf("%s: nothing that it allows is used: detach it; there is no policy to print\n", rec.Name)
	case in.format == "policy":
		for _, warning := range report.Warnings(rec) {
			cmd.PrintErrf("warning: %s\n", warning)
		}
	}
	return nil
}

func (in *recommendInput) render(cmd *cobra.Command, w io.Writer, rec report.Recommendation) error {
	switch in.format {
	case "json":
		return report.JSON(w, rec)
	case "policy":
		return report.Policy(w, rec)
	case "md":
		return report.Markdown(w, rec)
	}
	return report.Text(colored(cmd, w), rec)
}

// recommendCase is what a line of --batch must and may have.
var recommendCase = caseShape{must: []string{"policy", "unused"}}

func (in *recommendInput) runBatch(cmd *cobra.Command) error {
	cat, err := loadCatalog(cmd, in.catalog, "")
	if err != nil {
		return err
	}
	r := in.refiner(cat)
	b := batch{path: in.batch, output: sink{path: in.outputFile, inputs: []string{in.batch, in.catalog}}, shape: recommendCase}
	return b.run(cmd, func(w io.Writer, c batchCase) error {
		doc, docErr := c.identityPolicy("policy")
		unused, unusedErr := c.unusedList("unused")
		if err := errors.Join(docErr, unusedErr); err != nil {
			return err
		}
		rec, err := in.recommend(r, subject{"policy", cat, doc, unused})
		if err == nil && !in.ignoreUnknown {
			err = c.relocate("unused", unknownServices(rec))
		}
		if err != nil {
			return err
		}
		return report.JSONLine(w, c.id, rec)
	})
}

// runTrie draws the trie of a pattern.
func (in *recommendInput) runTrie(cmd *cobra.Command) error {
	pattern, err := policy.ParseActionPattern(in.trie)
	if err != nil {
		return usageError{fmt.Errorf("--trie %q: %w", in.trie, err)}
	}
	unused, unusedErr := readUnused(cmd, in.unused)
	cat, catErr := loadCatalog(cmd, in.catalog, "")
	if err := errors.Join(unusedErr, catErr); err != nil {
		return err
	}
	root, err := refine.New(cat).Trie(policy.ActionEntry{Text: in.trie, Pattern: pattern}, unused)
	if err != nil {
		return in.noTrie(err, cat, pattern)
	}
	out := sink{path: in.outputFile, inputs: []string{in.unused, in.catalog}}
	return out.write(cmd, func(w io.Writer) error {
		if in.format == "svg" {
			return report.TrieSVG(w, in.trie, root)
		}
		return report.TrieText(colored(cmd, w), in.trie, root)
	})
}

// noTrie says why there is nothing to draw.
func (in *recommendInput) noTrie(err error, cat *catalog.Catalog, pattern policy.ActionPattern) error {
	near := ""
	if pattern.Service != "" && cat.Service(pattern.Service) == nil {
		near = report.DidYouMean(pattern.Service, prefixes(cat))
	}
	return fmt.Errorf("--trie %q: %w%s", in.trie, err, near)
}
