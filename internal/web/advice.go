package web

import (
	"cmp"
	"errors"
	"io"
	"path"
	"strings"

	"github.com/pare-iam/pare/finding"
	"github.com/pare-iam/pare/internal/store"
)

// adviceView is a recommendation as it is shown.
type adviceView struct {
	store.Recommendation
	Busy         bool
	Failed       bool
	Proved       bool
	Steps        []stepView
	Certificates []certificateView
}

type stepView struct {
	finding.Step
	Number  int
	Policy  string // name of the one that is there
	Link    string // address of its page; ""
	Diff    *diffView
	Text    string // of a policy that there is no diff of
	Address string // of the policy as a file; ""
	Command string
}

// certificateView is a certificate to be checked, with what its answer says.
type certificateView struct{ Policy, File, URL, Claim, Command string }

// fillAdvice shows the recommendation that was made last.
func (v *visit) fillAdvice(p *findingPage) error {
	if p.Type != finding.UnusedPermission {
		return nil
	}
	r, err := v.site.Store.Recommendation(v.Context(), v.analyzer.ARN, p.ID)
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	p.Advice = &adviceView{Recommendation: r, Busy: r.State == store.InProgress, Failed: r.State == finding.Failed, Proved: r.Verdict == "proved"}
	for i, s := range r.Steps {
		step, err := v.step(p, s, i+1)
		if err != nil {
			return err
		}
		p.Advice.Steps = append(p.Advice.Steps, step)
	}
	if p.Advice.Busy {
		return nil
	}
	p.Advice.Certificates, err = v.certificates(p.ID, r)
	return err
}

func (v *visit) step(p *findingPage, s finding.Step, n int) (stepView, error) {
	out := stepView{Step: s, Number: n, Policy: policyName(s.ExistingPolicyID), Command: stepCommand(p.Finding, s)}
	old, ok := existing(p.Principal, s)
	out.Link = v.Policy(old.Hash)
	if s.Action != finding.CreatePolicy {
		return out, nil
	}
	out.Address = v.Link("/findings/"+p.ID+"/policy", "step", plainNumber(n))
	if parts(p.Advice.Recommendation, s) > 1 || !ok {
		out.Text = indented(s.RecommendedPolicy)
		return out, nil
	}
	var err error
	out.Diff, err = diffOf(old.Policy, s.RecommendedPolicy)
	return out, err
}

// existing is the policy that a step is about, as the principal has it.
func existing(p store.Principal, s finding.Step) (store.HeldPolicy, bool) {
	for _, h := range p.Policies {
		if h.Group == s.Group && s.ExistingPolicyID == cmp.Or(h.ARN, h.Name) {
			return h, true
		}
	}
	return store.HeldPolicy{}, false
}

// parts is how many policies take the place of a step's.
func parts(r store.Recommendation, s finding.Step) int {
	n := 0
	for _, other := range r.Steps {
		if other.Action == finding.CreatePolicy && other.ExistingPolicyID == s.ExistingPolicyID && other.Group == s.Group {
			n++
		}
	}
	return n
}

// policyName is the name of a policy that is given by its ARN, or by its name.
func policyName(id string) string {
	if strings.HasPrefix(id, "arn:") {
		return path.Base(id)
	}
	return id
}

// stepCommand is the step in AWS's own command line. A new policy is in the file that the
// page offers.
func stepCommand(f finding.Finding, s finding.Step) string {
	kind, name := entityKind(f.Resource), entityText(f.Resource)
	if s.Group != "" {
		kind, name = "group", entityText(s.Group)
	}
	name = path.Base(name) // without the path
	who := " --" + kind + "-name " + shellQuoted(name)
	managed := strings.HasPrefix(s.ExistingPolicyID, "arn:")
	file := shellQuoted("file://" + cmp.Or(s.RecommendedName, "policy") + ".json")
	switch {
	case s.Action == finding.DetachPolicy && managed:
		return "aws iam detach-" + kind + "-policy" + who + " --policy-arn " + shellQuoted(s.ExistingPolicyID)
	case s.Action == finding.DetachPolicy:
		return "aws iam delete-" + kind + "-policy" + who + " --policy-name " + shellQuoted(s.ExistingPolicyID)
	case managed:
		return "aws iam create-policy --policy-name " + shellQuoted(s.RecommendedName) + " --policy-document " + file +
			"\naws iam attach-" + kind + "-policy" + who + " --policy-arn " + shellQuoted(newARN(f, s))
	}
	return "aws iam put-" + kind + "-policy" + who + " --policy-name " + shellQuoted(s.RecommendedName) + " --policy-document " + file
}

// newARN is the ARN that a recommended policy will have.
func newARN(f finding.Finding, s finding.Step) string {
	partition := "aws"
	if part := strings.Split(f.Resource, ":"); len(part) > 1 {
		partition = part[1]
	}
	return "arn:" + partition + ":iam::" + f.Account + ":policy/" + s.RecommendedName
}

// claims say what the certificates claim, by the last part of their names.
var claims = map[string]string{
	"no-new-access.smt2": "No new access: no request is allowed by the new policy that the old one doesn't allow.",
	"used-kept.smt2":     "Used access is kept: every action that isn't called unused is decided as before, on every resource, in every context.",
	"unused-gone.smt2":   "Unused access is gone: no action that is called unused is allowed on anything.",
}

// certificates are those of a recommendation, policy by policy.
func (v *visit) certificates(id string, r store.Recommendation) ([]certificateView, error) {
	names, err := v.site.Store.Certificates(v.Context(), r.ID)
	if err != nil {
		return nil, err
	}
	var out []certificateView
	for _, name := range names {
		c := certificateView{File: certificateFile(name), Claim: claims[path.Base(name)], URL: v.Link("/findings/"+id+"/certificate", "name", name)}
		c.Command = "cvc5 --lang=smt2 --strings-exp " + shellQuoted(c.File)
		for _, p := range r.Proofs {
			if p.Certificate != "" && p.Certificate == path.Dir(name) {
				c.Policy = policyName(p.Policy)
			}
		}
		out = append(out, c)
	}
	return out, nil
}

// certificateFile is what a certificate is saved as.
func certificateFile(name string) string { return strings.ReplaceAll(name, "/", "-") }

// file is an answer that is saved.
func file(name, typ, text string) download {
	return download{name: name, typ: typ, body: func(w io.Writer) error {
		_, err := io.WriteString(w, text)
		return err
	}}
}
