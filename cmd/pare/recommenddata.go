package main

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/pare-iam/pare/analyzer"
	"github.com/pare-iam/pare/finding"
	"github.com/pare-iam/pare/internal/analyze"
	"github.com/pare-iam/pare/internal/report"
	"github.com/pare-iam/pare/policy"
	"github.com/pare-iam/pare/usage"
)

// runPrincipal recommends for all policies of a role or user of a --data folder.
func (in *recommendInput) runPrincipal(cmd *cobra.Command) error {
	in.analysis.data, in.analysis.catalog = in.data, in.catalog
	s, err := in.analysis.open(cmd)
	if err != nil {
		return err
	}
	a, err := s.holder(in.principal)
	if err != nil {
		tell(cmd, "problem", s.failed)
		return err
	}
	rec, err := a.Recommend(in.principal)
	if err != nil {
		return hintError{err, "pare analyze --data " + in.data + " lists who has unused access"}
	}
	warn(cmd, a)
	out := report.Principal{Recommendation: rec, Catalog: s.catalog, Window: a.Window, Sources: sourcesOf(a)}
	if in.replay {
		if out.Replayed, err = replayOf(a, rec); err != nil {
			return err
		}
	}
	partial := complain(cmd, a.Problems)
	verdict := in.verdict(out)
	if errors.As(verdict, new(refusedError)) && in.format == "policy" {
		return verdict // what isn't recommended isn't printed as if it were
	}
	to := sink{path: in.outputFile, inputs: s.inputs()}
	if err := to.write(cmd, func(w io.Writer) error { return in.renderPrincipal(cmd, w, out) }); err != nil {
		return err
	}
	return cmp.Or(verdict, partial)
}

// verdict is the exit code's error: refused what isn't proved, or decides a use
// differently; partial what has no answer, or not one for every policy; else nothing,
// also if there is nothing to do.
func (in *recommendInput) verdict(out report.Principal) error {
	switch {
	case out.Replayed != nil && len(out.Replayed.Differences) > 0:
		return refusedError{fmt.Errorf("%s: %s of the evidence decided differently: not recommended", in.principal, counted(len(out.Replayed.Differences), "request"))}
	case out.Unproved() != "":
		return refusedError{fmt.Errorf("%s: the policy %s without what is unused of it isn't proved: not recommended", in.principal, out.Unproved())}
	case out.NotJudged():
		return hintError{
			partialError{fmt.Errorf("%s: not judged, so that nothing is known to be unused or not", in.principal)},
			"pare findings list --data " + in.data + " --resource " + in.principal + " says what is found about it",
		}
	case out.Outcome == finding.Failed:
		return partialError{fmt.Errorf("%s: not all that is unused has a step; the output says why", in.principal)}
	}
	return nil
}

// holder is the account of an ARN.
func (s *session) holder(arn string) (*analyze.Account, error) {
	parsed, err := policy.ParseARN(arn)
	if err != nil {
		return nil, usageError{fmt.Errorf("--principal %s: %w", arn, err)}
	}
	var ids []string
	for _, a := range s.accounts {
		if a.Inventory.ID == parsed.Account {
			return a, nil
		}
		ids = append(ids, a.Inventory.ID)
	}
	return nil, fmt.Errorf("--principal %s: account %s isn't in %s, which has %s", arn, parsed.Account, s.data, strings.Join(ids, ", "))
}

func (in *recommendInput) renderPrincipal(cmd *cobra.Command, w io.Writer, out report.Principal) error {
	switch in.format {
	case "json":
		return report.PrincipalJSON(w, out)
	case "md":
		return report.PrincipalMarkdown(w, out)
	case "policy":
		return report.PrincipalPolicies(w, out)
	}
	return report.PrincipalText(colored(cmd, w), out)
}

// replayOf decides every use that the logs show of the principal by its policies before and
// after.
func replayOf(a *analyze.Account, rec analyzer.Recommendation) (*analyzer.Replayed, error) {
	if !a.Folder.Usage.There() {
		return nil, hintError{fmt.Errorf("%s: no usage.jsonl: --replay has nothing to replay", a.Folder.Dir), "pare ingest PATH… --out usage.jsonl makes it of CloudTrail's log files"}
	}
	var before, after []*policy.Document
	for _, p := range rec.Policies {
		switch {
		case p.Original == nil:
		case p.Changes() && p.Leaves():
			before, after = append(before, p.Original), append(after, p.Documents()...)
		default:
			before, after = append(before, p.Original), append(after, p.Original)
		}
	}
	uses, err := usesOf(a, rec.Resource)
	if err != nil {
		return nil, err
	}
	out := analyzer.Replay(before, after, uses, a.Window)
	return &out, nil
}

// usesOf are the lines of usage.jsonl about a principal, under the ARN without its path
// too.
func usesOf(a *analyze.Account, arn string) ([]usage.Use, error) {
	r, err := a.Folder.Usage.Open()
	if err != nil {
		return nil, plainError(err)
	}
	names := analyzer.Aliases(arn)
	var uses []usage.Use
	err = usage.ReadUses(r, func(u usage.Use) error {
		for _, name := range names {
			if u.Principal == name {
				uses = append(uses, u)
			}
		}
		return nil
	})
	if err = errors.Join(err, r.Close()); err != nil {
		return nil, fmt.Errorf("%s can't be read to its end, and --replay wants every use: %w", a.Folder.Usage.Path, err)
	}
	return uses, nil
}
