package jobs

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/riverqueue/river"

	"github.com/pare-iam/pare/analyzer"
	"github.com/pare-iam/pare/finding"
	"github.com/pare-iam/pare/internal/report"
	"github.com/pare-iam/pare/internal/store"
	"github.com/pare-iam/pare/prove"
	"github.com/pare-iam/pare/refine"
)

// Why there is no recommendation, or no whole one. The codes are ours: AWS doesn't publish its
// own. AWS refuses three kinds of findings. Of roles of IAM Identity Center we say what to
// change instead, and fail as AWS does; policies with NotAction, and users in groups, have
// recommendations here.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/access-analyzer-findings-remediate.html
const (
	codeIdentityCenter = "IDENTITY_CENTER_ROLE" // the message names the permission set to change
	codeGone           = "RESOURCE_NOT_FOUND"   // the account has no such role or user any more
	codeNotJudged      = "NOT_JUDGED"           // too young, not in use, without evidence, service-linked
	codeNotProved      = "NOT_PROVED"           // the message has the counterexample, or the reason
	codeIncomplete     = "INCOMPLETE"           // some of what is unused has no step; the steps that there are hold
	codeInternal       = "INTERNAL_ERROR"       // the account's data couldn't be read, or the like
)

// recommend makes a recommendation. Whoever is late finds it made, and does nothing.
func (j *Jobs) recommend(ctx context.Context, job *river.Job[recommendArgs]) error {
	args := job.Args
	if wanted, err := j.wanted(ctx, args); err != nil || !wanted {
		return err
	}
	a, err := j.store.Analyzer(ctx, args.Analyzer)
	if err != nil {
		return ignoreMissing(err)
	}
	f, err := j.store.Finding(ctx, args.Analyzer, args.Finding)
	if err != nil {
		return ignoreMissing(err)
	}
	got, err := j.analysis(ctx, a, f.Account)
	if err != nil {
		return err
	}
	rec, err := got.Recommend(f.Resource)
	if err == nil && rec.FindingID != "" && rec.FindingID != f.ID {
		err = fmt.Errorf("%s was deleted and made anew: the finding is about the old one", f.Resource)
	}
	made := store.Made{State: finding.Failed, ErrorCode: codeGone}
	if err != nil {
		made.Error = err.Error()
	} else if made, err = j.made(rec); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	return j.finish(ctx, args, made)
}

// wanted says whether a recommendation is still to be made.
func (j *Jobs) wanted(ctx context.Context, args recommendArgs) (bool, error) {
	now, err := j.store.Recommendation(ctx, args.Analyzer, args.Finding)
	return err == nil && now.ID == args.ID && now.State == store.InProgress, ignoreMissing(err)
}

func ignoreMissing(err error) error {
	if missing(err) {
		return nil
	}
	return err
}

// finish keeps what was made, once: one who comes later is told that it is there, and that is
// all right.
func (j *Jobs) finish(ctx context.Context, args recommendArgs, made store.Made) error {
	made.At = j.Now()
	err := j.store.FinishRecommendation(ctx, args.ID, made)
	if errors.Is(err, store.ErrConflict) {
		return nil
	}
	return ignoreMissing(err)
}

// recommendGaveUp keeps that there is no recommendation, so that nobody waits for it.
func (j *Jobs) recommendGaveUp(ctx context.Context, args recommendArgs, why error) error {
	return j.finish(ctx, args, store.Made{State: finding.Failed, ErrorCode: codeInternal, Error: why.Error()})
}

// made is a recommendation as the store has it.
func (j *Jobs) made(rec analyzer.Recommendation) (store.Made, error) {
	advice := report.AdviceOf(rec)
	out := store.Made{State: rec.Outcome, Error: rec.Error, Certificates: map[string][]byte{}}
	out.Steps, out.Notes, out.Before, out.After = rec.Steps, advice.Notes, rec.Before, rec.After
	for i, p := range rec.Policies {
		if p.Original == nil || p.Result.Outcome == refine.Unchanged {
			continue
		}
		proof, err := j.proof(i, p, out.Certificates)
		if err != nil {
			return out, err
		}
		out.Proofs = append(out.Proofs, proof)
	}
	if len(out.Proofs) > 0 {
		out.Verdict = advice.Proof.String()
	}
	out.State, out.ErrorCode, out.Error = outcome(rec, out)
	return out, nil
}

// outcome says whether a recommendation failed, by which code, and why.
func outcome(rec analyzer.Recommendation, made store.Made) (state finding.Outcome, code, why string) {
	switch {
	case rec.PermissionSet != "":
		why = fmt.Sprintf("IAM Identity Center made this role, and would undo what is changed about it: change the permission set %s, in every account that has it", rec.PermissionSet)
		return finding.Failed, codeIdentityCenter, strings.TrimSuffix(why+"; "+rec.Error, "; ")
	case rec.Outcome != finding.Failed:
		return finding.Succeeded, "", ""
	case len(rec.Policies) == 0:
		code = codeNotJudged
	case made.Verdict != "" && made.Verdict != prove.Proved.String():
		code = codeNotProved
	default:
		code = codeIncomplete
	}
	return finding.Failed, code, rec.Error
}

// proof is what was proved of one policy, with its certificates: three files in a folder named
// by the policy and its place, none if they can't be written.
func (j *Jobs) proof(i int, p analyzer.PolicyAdvice, into map[string][]byte) (store.Proof, error) {
	out := store.Proof{Policy: p.Name, Verdict: p.Proof.Verdict.String(), Reason: p.Problem}
	if p.ARN != "" {
		out.Policy = p.ARN
	}
	if !p.Leaves() {
		if out.Verdict == prove.Proved.String() {
			out.Verdict = prove.Undecided.String() // of access, but not of the shape
		}
		return out, nil
	}
	all, err := prove.Certificates(j.Catalog, p.Original, p.Documents(), p.Unused)
	if _, ok := errors.AsType[*prove.NotExpressibleError](err); ok {
		out.Reason = err.Error()
		return out, nil
	}
	if err != nil {
		return out, err
	}
	out.Certificate = strconv.Itoa(i+1) + "-" + fileName(p.Name)
	for _, c := range all {
		into[out.Certificate+"/"+c.Name] = c.Text
	}
	return out, nil
}

// fileName is a policy's name without what isn't good in a file's. Names of policies are of
// letters, digits and +=,.@_- anyway.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
func fileName(name string) string {
	const good = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+=,.@_-"
	return strings.Map(func(r rune) rune {
		if strings.ContainsRune(good, r) {
			return r
		}
		return '_'
	}, name)
}
