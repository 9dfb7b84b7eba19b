package analyzer

import (
	"maps"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/pare-iam/pare/access"
	"github.com/pare-iam/pare/policy"
	"github.com/pare-iam/pare/usage"
)

// Replayed is what came of deciding uses by the policies before and after a
// recommendation. It is a check that owes nothing to proofs: each use is asked for.
type Replayed struct {
	Uses        int          // lines of evidence in the window
	Requests    int          // made of them: one for each way in which the old policies could have let the use pass
	Allowed     int          // requests that both allow
	Differences []Difference // in the order of the uses; should be empty
}

// Difference is a request, made of a use, that the policies decide differently.
type Difference struct {
	Use      usage.Use
	Request  access.Request
	Old, New access.Outcome
}

// Replay turns each use of one principal that lies in the window into requests, and
// decides them by the principal's identity policies before and after.
//
// The requests of a use are about the resources that its events name; where they name
// none, about one resource for each entry of an old statement on that action. Their
// context holds a value that meets each condition of such a statement, as far as one can
// be told from what is written there, and once it holds a user's name alone. What a key's
// policy or a role's trust policy has to say is as it was, and isn't asked.
func Replay(before, after []*policy.Document, uses []usage.Use, w usage.Window) Replayed {
	var out Replayed
	for _, use := range uses {
		action, err := policy.ParseAction(use.Action)
		if err != nil || !w.Used(use.LastSeen) {
			continue // a use from before the window is what a recommendation may take away
		}
		out.Uses++
		for _, req := range requests(before, use, action) {
			was, is := say(before, req), say(after, req)
			out.Requests++
			switch {
			case (was == access.Allowed) != (is == access.Allowed):
				out.Differences = append(out.Differences, Difference{use, req, was, is})
			case was == access.Allowed:
				out.Allowed++
			}
		}
	}
	return out
}

// say is what identity policies say of a request, whatever else has a say.
func say(identity []*policy.Document, req access.Request) access.Outcome {
	out := access.ImplicitlyDenied
	for _, doc := range identity {
		for i := range doc.Statements {
			st := &doc.Statements[i]
			switch {
			case !access.Matches(st, req):
			case st.Effect == policy.Deny:
				return access.ExplicitlyDenied
			default:
				out = access.Allowed
			}
		}
	}
	return out
}

// requests are what a use may have asked for.
func requests(before []*policy.Document, use usage.Use, action policy.Action) []access.Request {
	resources := use.Resources
	if len(resources) == 0 {
		resources = []string{"*"}
	}
	ask := func(resource string, context access.Context) access.Request {
		if arn, err := policy.ParseARN(use.Principal); err == nil && arn.Type() == "user" && context["aws:username"] == nil {
			context["aws:username"] = []string{arn.Name()}
		}
		return access.Request{Principal: use.Principal, Action: action, Resource: resource, Context: context}
	}
	var out []access.Request
	for _, r := range resources {
		out = append(out, ask(r, access.Context{}))
	}
	for _, doc := range before {
		for i := range doc.Statements {
			st := &doc.Statements[i]
			if !st.Action.Match(action) {
				continue
			}
			targets := resources
			if len(use.Resources) == 0 {
				targets = instances(st)
			}
			for _, r := range targets {
				out = append(out, ask(r, meeting(st)))
			}
		}
	}
	return slices.CompactFunc(out, sameRequest)
}

func sameRequest(a, b access.Request) bool {
	return a.Resource == b.Resource && maps.EqualFunc(a.Context, b.Context, slices.Equal)
}

// instances are resources that a statement is about, one an entry.
func instances(st *policy.Statement) []string {
	if !st.Resource.Present || st.Resource.Not {
		return []string{"*"}
	}
	var out []string
	for _, e := range st.Resource.Entries {
		out = append(out, instance(e.Text))
	}
	return out
}

// instance is a text that a pattern matches. Nothing depends on its being the likeliest.
func instance(pattern string) string {
	if pattern == "*" {
		return pattern
	}
	return strings.NewReplacer("*", "x", "?", "x").Replace(pattern)
}

// meeting is a context in which a statement's conditions are met, as far as what is
// written there tells: the key of a negated operator stays absent, which meets it. A key
// with several conditions gets the value of the first.
func meeting(st *policy.Statement) access.Context {
	context := access.Context{}
	for _, c := range st.Conditions {
		comparison := c.Operator.Comparison
		switch {
		case len(c.Values) == 0 || context[c.Key] != nil || comparison.Negated():
		case comparison == policy.Null && c.Values[0].Text == "true":
		case comparison == policy.Null:
			context[c.Key] = []string{"x"}
		default:
			context[c.Key] = []string{met(comparison, c.Values[0].Text)}
		}
	}
	return context
}

// met is a value for which a comparison with what is written is true, if that is easily
// told; else what is written.
func met(c policy.Comparison, written string) string {
	switch c {
	case policy.IPAddress:
		if network, err := netip.ParsePrefix(written); err == nil {
			return network.Addr().String()
		}
	case policy.NumericLessThan, policy.NumericGreaterThan:
		if n, err := strconv.Atoi(written); err == nil && c == policy.NumericLessThan {
			return strconv.Itoa(n - 1)
		} else if err == nil {
			return strconv.Itoa(n + 1)
		}
	}
	return instance(written)
}

// Aliases are the ARNs under which evidence may know the role or user with an ARN: its
// own, and the one without a path, which is all that an assumed role's session shows.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html
func Aliases(arn string) []string {
	out := []string{arn}
	parsed, err := policy.ParseARN(arn)
	if err != nil {
		return out
	}
	parsed.Resource = parsed.Type() + "/" + parsed.Name()
	if short := parsed.String(); short != arn {
		out = append(out, short)
	}
	return out
}
