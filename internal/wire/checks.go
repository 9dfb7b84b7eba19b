package wire

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/pare-iam/pare/policy"
	"github.com/pare-iam/pare/prove"
)

// checkJSON is the answer of a policy check.
// https://docs.aws.amazon.com/access-analyzer/latest/APIReference/API_CheckNoNewAccess.html
type checkJSON struct {
	Result  string       `json:"result"`
	Message string       `json:"message"`
	Reasons []reasonJSON `json:"reasons,omitempty"`
}

type reasonJSON struct {
	Description string `json:"description"`
	Index       int    `json:"statementIndex"`
	ID          string `json:"statementId,omitzero"`
}

const (
	identityPolicy = "IDENTITY_POLICY"
	resourcePolicy = "RESOURCE_POLICY"
)

// policyType reads the type of the policies: only identity policies are checked. It is asked
// before they are read, since resource policies make no sense as identity policies.
func (v *validation) policyType(text string) error {
	if text == resourcePolicy {
		return notSupported("Resource policies concern external access, which is not served here: want policyType " + identityPolicy + ".")
	}
	v.oneOf("policyType", text, []string{identityPolicy, resourcePolicy})
	return nil
}

// document reads an identity policy.
func (v *validation) document(field, text string) *policy.Document {
	if !v.required(field, text) {
		return nil
	}
	doc, err := policy.Parse(field, []byte(text))
	if err == nil {
		err = doc.Check(policy.Identity)
	}
	if err != nil {
		v.fields = append(v.fields, Field{field, fmt.Sprintf("The policy at '%s' is not an identity policy: %v", field, err)})
	}
	return doc
}

func checkNoNewAccess(c *call) (any, error) {
	in, err := body[struct {
		New      string `json:"newPolicyDocument"`
		Existing string `json:"existingPolicyDocument"`
		Type     string `json:"policyType"`
	}](c)
	if err != nil {
		return nil, err
	}
	var v validation
	if err := v.policyType(in.Type); err != nil {
		return nil, err
	}
	next, existing := v.document("newPolicyDocument", in.New), v.document("existingPolicyDocument", in.Existing)
	if err := v.err(); err != nil {
		return nil, err
	}
	return c.check(checking{
		what: next,
		claim: func(doc *policy.Document) prove.Claim {
			return prove.NoNewAccess(c.o.Catalog, existing, []*policy.Document{doc})
		},
		pass:   "The modified permissions do not grant new access compared to your existing policy.",
		fail:   "The modified permissions grant new access compared to your existing policy.",
		reason: "New access",
	})
}

type accessJSON struct {
	Actions   []string `json:"actions"`
	Resources []string `json:"resources"`
}

func checkAccessNotGranted(c *call) (any, error) {
	in, err := body[struct {
		Policy string       `json:"policyDocument"`
		Access []accessJSON `json:"access"`
		Type   string       `json:"policyType"`
	}](c)
	if err != nil {
		return nil, err
	}
	var v validation
	if err := v.policyType(in.Type); err != nil {
		return nil, err
	}
	doc, asked := v.document("policyDocument", in.Policy), v.access(in.Access)
	if err := v.err(); err != nil {
		return nil, err
	}
	access, err := prove.AccessTo(asked.Actions, asked.Resources)
	if err != nil {
		return nil, &Error{Code: "InvalidParameterException", Status: http.StatusBadRequest, Message: "access: " + err.Error()}
	}
	listed := "actions or resources"
	if len(asked.Resources) == 0 {
		listed = "actions"
	}
	return c.check(checking{
		what: doc,
		claim: func(doc *policy.Document) prove.Claim {
			return prove.NotGranted(c.o.Catalog, []*policy.Document{doc}, access)
		},
		pass:   "The policy document does not grant access to perform one or more of the listed " + listed + ".",
		fail:   "The policy document grants access to perform one or more of the listed " + listed + ".",
		reason: "One or more of the listed " + listed,
	})
}

// access reads what access is asked about.
func (v *validation) access(list []accessJSON) accessJSON {
	const most, longest = 100, 2048
	if len(list) != 1 {
		v.fail("access", strconv.Itoa(len(list)), "Member must have length equal to 1")
		return accessJSON{}
	}
	a := list[0]
	if len(a.Actions)+len(a.Resources) == 0 {
		v.fail("access.1.member", "{}", "Member must have actions or resources")
	}
	if n := max(len(a.Actions), len(a.Resources)); n > most {
		v.fail("access.1.member", strconv.Itoa(n), "Members must have length less than or equal to %d", most)
	}
	for _, r := range a.Resources {
		if len(r) > longest {
			v.fail("access.1.member.resources", r, "Member must have length less than or equal to %d", longest)
		}
	}
	return a
}

// checking is a claim that a policy is to keep.
type checking struct {
	what  *policy.Document
	claim func(*policy.Document) prove.Claim

	pass, fail, reason string // as AWS says them
}

// blaming is how long the statements that are to blame are looked for: those of large
// policies may not all be named.
const blaming = 5 * time.Second

// check answers, with the statements that are to blame. Each is looked at without the
// other Allow statements.
func (c *call) check(q checking) (any, error) {
	c.end() // there are turns of checks, which take longer
	select {
	case c.checks <- struct{}{}:
		defer func() { <-c.checks }()
	case <-c.ctx().Done():
		return nil, c.ctx().Err()
	}
	switch claim := q.claim(q.what); claim.Verdict {
	case prove.Proved:
		return checkJSON{Result: "PASS", Message: q.pass}, nil
	case prove.Undecided:
		return nil, undecided(claim)
	case prove.Refuted:
	}
	out := checkJSON{Result: "FAIL", Message: q.fail}
	until := time.Now().Add(blaming)
	for i := range q.what.Statements {
		st := &q.what.Statements[i]
		if st.Effect != policy.Allow {
			continue
		}
		if time.Now().After(until) {
			break
		}
		alone, err := only(q.what, i)
		if err != nil {
			return nil, err
		}
		if q.claim(alone).Verdict != prove.Proved { // one that can't be cleared is named too
			out.Reasons = append(out.Reasons, reasonOf(q.reason, st, i))
		}
		if err := c.ctx().Err(); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func undecided(claim prove.Claim) error {
	return &Error{
		Code: "UnprocessableEntityException", Status: http.StatusUnprocessableEntity,
		Message: "It could not be decided what the policies allow: " + claim.Reason,
	}
}

// only is a policy with one of its Allow statements, and all that deny.
func only(doc *policy.Document, keep int) (*policy.Document, error) {
	var edits []policy.Edit
	for i := range doc.Statements {
		if i != keep && doc.Statements[i].Effect == policy.Allow {
			edits = append(edits, policy.Edit{Statement: i, Entry: policy.WholeStatement})
		}
	}
	if len(edits) == 0 {
		return doc, nil
	}
	out, err := doc.Apply(edits)
	if errors.Is(err, policy.ErrEmpty) {
		return nil, fmt.Errorf("statement %d alone: %w", keep, err)
	}
	return out, err
}

func reasonOf(what string, st *policy.Statement, i int) reasonJSON {
	place := fmt.Sprintf("index: %d", i)
	if st.Sid != "" {
		place = "sid: " + st.Sid
	}
	return reasonJSON{fmt.Sprintf("%s in the statement with %s.", what, place), i, st.Sid}
}
