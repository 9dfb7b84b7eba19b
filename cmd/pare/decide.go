package main

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/spf13/cobra"

	"github.com/pare-iam/pare/access"
	"github.com/pare-iam/pare/policy"
)

func newDecideCommand() *cobra.Command {
	var in decideInput
	cmd := &cobra.Command{
		Use:   "decide --policy FILE… --request FILE | --batch FILE",
		Short: "Say whether policies allow one request, and which statements decide",
		Long: `decide answers one request from all the policies that apply to it: Allowed,
ImplicitlyDenied or ExplicitlyDenied, and because of which statements.

Only the policies and context that are given are known. A KMS key's and a role's own
policy (--resource-policy) must allow, so without it the answer is ImplicitlyDenied.
Each --scp and --rcp is one level of the organization, from the root down to the
account; commas divide the files of a level. The exit code is 0 for every answer.

A request is {"principal": "arn:…", "action": "s3:GetObject", "resource": "arn:…",
"resourceAccount": "123456789012", "context": {"aws:SourceIp": "203.0.113.7"}}.`,
		Example: `  pare decide --policy role.json --request request.json
  pare decide --policy a.json --policy b.json --boundary boundary.json --scp root.json --scp ou1.json,ou2.json --request - -o json
  pare decide --batch cases.jsonl`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error { return in.run(cmd) },
	}
	f := cmd.Flags()
	f.StringArrayVar(&in.identity, "policy", nil, "an identity policy `file` of the principal or its groups; may be repeated")
	f.StringVar(&in.boundary, "boundary", "", "the permissions boundary, a `file`")
	f.StringArrayVar(&in.scp, "scp", nil, "the service control policies of one level, `files` divided by commas; may be repeated")
	f.StringArrayVar(&in.rcp, "rcp", nil, "the resource control policies of one level, `files` divided by commas; may be repeated")
	f.StringArrayVar(&in.session, "session", nil, "a session policy `file`; may be repeated")
	f.StringVar(&in.resource, "resource-policy", "", "the resource's own policy, a `file`: bucket policy, key policy, trust policy")
	f.StringVar(&in.request, "request", "", "the request, a `file`")
	f.StringVar(&in.batch, "batch", "", "a `file` with a case a line, JSON; answers are JSON, a line each, in order")
	f.StringVarP(&in.format, "output", "o", "text", "the `format`: text or json")
	return cmd
}

// decideInput is what the flags say.
type decideInput struct {
	identity, scp, rcp, session []string
	boundary, resource, request string
	batch, format               string
}

func (in *decideInput) run(cmd *cobra.Command) error {
	if err := in.check(); err != nil {
		return err
	}
	if in.batch != "" {
		return decideBatch(cmd, in.batch)
	}
	policies, err := in.policies(cmd)
	if err != nil {
		return err
	}
	name, src, err := readInput(cmd, in.request)
	if err != nil {
		return err
	}
	req, err := access.ParseRequest(name, src)
	if err != nil {
		return err
	}
	d := access.Decide(req, policies)
	if in.format == "text" {
		return writeDecision(cmd.OutOrStdout(), d)
	}
	out, err := json.Marshal(decisionJSON(nil, d), jsontext.WithIndent("  "))
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s\n", out)
	return err
}

func (in *decideInput) check() error {
	files := slices.Concat(in.identity, in.session, []string{in.boundary, in.resource, in.request})
	for _, level := range slices.Concat(in.scp, in.rcp) {
		files = append(files, strings.Split(level, ",")...)
	}
	given := slices.ContainsFunc(files, func(f string) bool { return f != "" })
	switch {
	case in.format != "text" && in.format != "json":
		return usageError{fmt.Errorf("-o %s: want text or json", in.format)}
	case in.batch != "" && given:
		return usageError{errors.New("--batch has the policies and requests in its lines: give no other")}
	case in.batch == "" && in.request == "":
		return usageError{errors.New("no request: want --request FILE, or --batch FILE")}
	}
	return onlyOneStdin(files...)
}

// policies reads every document. What AWS would refuse of one is a warning: the answer
// is what its statements say.
func (in *decideInput) policies(cmd *cobra.Command) (access.Policies, error) {
	var errs []error
	read := func(kind policy.Kind, path string) *policy.Document {
		name, src, err := readInput(cmd, path)
		if err != nil {
			errs = append(errs, err)
			return nil
		}
		doc, err := policy.Parse(name, src)
		if err != nil {
			errs = append(errs, err)
			return nil
		}
		if err := doc.Check(kind); err != nil {
			fmt.Fprintf(cmd.ErrOrStderr(), "warning: %s\n", strings.ReplaceAll(err.Error(), "\n", "\nwarning: "))
		}
		return doc
	}
	optional := func(kind policy.Kind, path string) *policy.Document {
		if path == "" {
			return nil
		}
		return read(kind, path)
	}
	list := func(kind policy.Kind, paths []string) (docs []*policy.Document) {
		for _, path := range paths {
			docs = append(docs, read(kind, path))
		}
		return docs
	}
	levels := func(kind policy.Kind, given []string) (out [][]*policy.Document) {
		for _, level := range given {
			out = append(out, list(kind, strings.Split(level, ",")))
		}
		return out
	}
	p := access.Policies{
		Identity: list(policy.Identity, in.identity), Boundary: optional(policy.Identity, in.boundary),
		ServiceControl: levels(policy.Identity, in.scp), ResourceControl: levels(policy.Resource, in.rcp),
		Session: list(policy.Identity, in.session), Resource: optional(policy.Resource, in.resource),
	}
	return p, errors.Join(errs...)
}

// decisionOut is a decision as -o json and --batch print it.
type decisionOut struct {
	ID            jsontext.Value `json:"id,omitzero"`
	SchemaVersion int            `json:"schemaVersion"`
	Decision      string         `json:"decision"`
	Because       []reasonOut    `json:"because"`
}

type reasonOut struct {
	Policy    string `json:"policy"`
	Kind      string `json:"kind"`
	Level     int    `json:"level"`
	Statement int    `json:"statement"`
	Sid       string `json:"sid"`
	Why       string `json:"why"`
}

func decisionJSON(id jsontext.Value, d access.Decision) decisionOut {
	out := decisionOut{ID: id, SchemaVersion: 1, Decision: d.Outcome.String(), Because: []reasonOut{}}
	for _, r := range d.Because {
		out.Because = append(out.Because, reasonOut{r.Policy, r.Kind.String(), r.Level, r.Statement, r.Sid, r.Why.String()})
	}
	return out
}

var kindWords = map[access.PolicyKind]string{
	access.IdentityPolicy: "identity policy", access.BoundaryPolicy: "permissions boundary",
	access.ServiceControlPolicy: "service control policy", access.ResourceControlPolicy: "resource control policy",
	access.SessionPolicy: "session policy", access.ResourcePolicy: "resource policy",
}

// writeDecision prints a decision for people: the outcome, and a line for each reason.
func writeDecision(w io.Writer, d access.Decision) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n", d.Outcome)
	for _, r := range d.Because {
		kind := kindWords[r.Kind]
		if r.Kind == access.ServiceControlPolicy || r.Kind == access.ResourceControlPolicy {
			kind = fmt.Sprintf("%s, level %d", kind, r.Level+1)
		}
		switch r.Why {
		case access.ByStatement:
			verb := "allows it"
			if d.Outcome == access.ExplicitlyDenied {
				verb = "denies it"
			}
			sid := ""
			if r.Sid != "" {
				sid = fmt.Sprintf(" (%s)", r.Sid)
			}
			fmt.Fprintf(&b, "  %s: Statement[%d]%s %s (%s)\n", r.Policy, r.Statement, sid, verb, kind)
		case access.NoStatement:
			fmt.Fprintf(&b, "  %s: no statement allows it (%s)\n", r.Policy, kind)
		case access.NotGiven:
			fmt.Fprintf(&b, "  a %s must allow it, and none is given\n", kind)
		case access.RootUser:
			fmt.Fprintf(&b, "  an account's root user needs no identity policy\n")
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}
