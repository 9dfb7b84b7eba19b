package apply

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/pare-iam/pare/policy"
)

// Stale refuses a plan that is older than a time, or from the future.
func (p *Plan) Stale(now time.Time, maxAge time.Duration) error {
	switch age := now.Sub(p.MadeAt); {
	case age > maxAge:
		return &Conflict{[]string{fmt.Sprintf("stale plan: it was made %s, %v ago, and --max-age is %v: make it anew from data collected anew",
			p.MadeAt.UTC().Format(time.RFC3339), age.Round(time.Minute), maxAge)}}
	case age < -time.Hour:
		return &Conflict{[]string{fmt.Sprintf("the plan was made %s, which is in the future: is this machine's clock right?", p.MadeAt.UTC().Format(time.RFC3339))}}
	}
	return nil
}

// Check holds a plan against the account before anything is called that writes, and lists
// all that is in the way in one *Conflict.
func (r *Runner) Check(ctx context.Context, p *Plan) error {
	if _, err := r.identify(ctx, p); err != nil {
		return err
	}
	lines, err := r.guard(ctx, p)
	if err != nil {
		return err
	}
	for _, s := range p.Steps {
		since, err := r.since(ctx, p, s)
		if err != nil {
			return fmt.Errorf("step %s (%s): %w", s.ID, s.Title, err)
		}
		lines = append(lines, since...)
	}
	for _, a := range p.Actions() {
		live, err := read(ctx, r.IAM, a.Target)
		if err != nil {
			return fmt.Errorf("action %s: %s: %w", a.ID, a.Target, err)
		}
		if m := (course{target: a.Target, from: a.Expect, to: a.Leave}).next(live); m.conflict != "" {
			lines = append(lines, "action "+a.ID+": "+m.conflict)
		}
	}
	if len(lines) > 0 {
		return &Conflict{lines}
	}
	return nil
}

// identify says as whom the calls are made, and refuses another account than the plan's,
// and a plan that changes the access of the caller itself.
func (r *Runner) identify(ctx context.Context, p *Plan) (arn string, err error) {
	out, err := r.Caller.GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
	if err != nil {
		return "", err
	}
	arn = aws.ToString(out.Arn)
	if account := aws.ToString(out.Account); account != p.Account {
		return "", &Conflict{[]string{fmt.Sprintf("the plan is about account %s, and these credentials (%s) are of account %s", p.Account, arn, account)}}
	}
	self, ok := entityOfARN(arn)
	if !ok {
		return arn, nil
	}
	var lines []string
	for _, s := range p.Steps {
		if s.touches(self) {
			lines = append(lines, fmt.Sprintf("step %s (%s) changes the access of the %s, as which pare runs: run it as somebody else", s.ID, s.Title, self))
		}
	}
	if len(lines) > 0 {
		return "", &Conflict{lines}
	}
	return arn, nil
}

// entityOfARN is the role or user of a principal's ARN, a session's too. The root user is
// none.
func entityOfARN(arn string) (Entity, bool) {
	parsed, err := policy.ParseARN(arn)
	if err != nil {
		return Entity{}, false
	}
	switch parsed.Type() {
	case "assumed-role":
		name, _, _ := strings.Cut(parsed.ID(), "/")
		return Entity{RoleEntity, name}, true
	case "role":
		return Entity{RoleEntity, parsed.Name()}, true
	case "user":
		return Entity{UserEntity, parsed.Name()}, true
	}
	return Entity{}, false
}

// touches says whether a step changes the access of a role or user.
func (s *Step) touches(e Entity) bool {
	for _, arn := range append([]string{s.Principal}, s.Affects...) {
		if found, ok := entityOfARN(arn); ok && found == e {
			return true
		}
	}
	return slices.ContainsFunc(s.Actions, func(a Action) bool {
		found, ok := entityOf(a.Target)
		return ok && found == e
	})
}

// guard refuses what is never changed, and what something else manages.
func (r *Runner) guard(ctx context.Context, p *Plan) ([]string, error) {
	roles, users, policies := map[string]bool{}, map[string]bool{}, map[string]bool{}
	for _, a := range p.Actions() {
		if e, ok := entityOf(a.Target); ok && e.Kind == RoleEntity {
			roles[e.Name] = true
		} else if ok && e.Kind == UserEntity {
			users[e.Name] = true
		}
		if arn := policyOf(a.Target); a.Expect.There && strings.Contains(arn, "::"+p.Account+":policy/") {
			policies[arn] = true
		}
	}
	allowed := slices.Concat(p.AllowManaged, r.AllowManaged)
	var lines []string
	manages := func(what, name, arn string, tags map[string]string) {
		if by := managedBy(tags); by != "" && !slices.Contains(allowed, name) && !slices.Contains(allowed, arn) {
			lines = append(lines, fmt.Sprintf("%s %s: %s manages it: change it there, or allow it by --allow-managed %s", what, name, by, name))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(roles)) {
		got, err := r.IAM.GetRole(ctx, &iam.GetRoleInput{RoleName: &name})
		if code(err) == "NoSuchEntity" {
			continue // what is expected of it isn't found either, which says it better
		}
		if err != nil {
			return nil, err
		}
		if why := reserved(aws.ToString(got.Role.Path)); why != "" {
			lines = append(lines, fmt.Sprintf("role %s: %s; it is never changed", name, why))
		}
		manages("role", name, aws.ToString(got.Role.Arn), tagsOf(got.Role.Tags))
	}
	for _, name := range slices.Sorted(maps.Keys(users)) {
		got, err := r.IAM.GetUser(ctx, &iam.GetUserInput{UserName: &name})
		if code(err) == "NoSuchEntity" {
			continue
		}
		if err != nil {
			return nil, err
		}
		manages("user", name, aws.ToString(got.User.Arn), tagsOf(got.User.Tags))
	}
	for _, arn := range slices.Sorted(maps.Keys(policies)) {
		got, err := r.IAM.GetPolicy(ctx, &iam.GetPolicyInput{PolicyArn: &arn})
		if code(err) == "NoSuchEntity" {
			continue
		}
		if err != nil {
			return nil, err
		}
		manages("policy", aws.ToString(got.Policy.PolicyName), arn, tagsOf(got.Policy.Tags))
	}
	return lines, nil
}
