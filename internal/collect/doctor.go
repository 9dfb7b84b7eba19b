package collect

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/cloudtrail"
	cloudtrailtypes "github.com/aws/aws-sdk-go-v2/service/cloudtrail/types"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"
	"github.com/aws/aws-sdk-go-v2/service/organizations"
	organizationstypes "github.com/aws/aws-sdk-go-v2/service/organizations/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"
)

// Verdict says whether an action may be called.
type Verdict int

// The verdicts. The zero value is the safe one.
const (
	Untried    Verdict = iota // there was nothing to try it on
	Unanswered                // AWS didn't say
	Denied
	Allowed
)

// String is "allowed", "denied", "no answer" or "not tried".
func (v Verdict) String() string {
	switch v {
	case Allowed:
		return "allowed"
	case Denied:
		return "denied"
	case Unanswered:
		return "no answer"
	case Untried:
		return "not tried"
	}
	panic(fmt.Sprintf("collect: verdict %d", int(v)))
}

// Check is a permission that was tried by calling it.
type Check struct {
	Permission
	Account string // that the call went to, if not one's own
	Verdict Verdict
	Why     string // AWS's words, or why it wasn't tried; empty if it is allowed
}

// Diagnosis is who one is, and what one may.
type Diagnosis struct {
	Account, Partition, Alias string
	ARN                       string // of the caller
	Checks                    []Check
}

// Diagnose calls each operation that collecting needs once, on whatever is first there,
// and says which are denied. The error is for that nothing can be asked at all: no
// credentials, none that are good, no AWS, no organization where one is meant.
func Diagnose(ctx context.Context, cfg aws.Config, s Selection) (Diagnosis, error) {
	cfg = newLimits(Options{}).in(impatient(cfg))
	who, arn, err := whoAmI(ctx, sts.NewFromConfig(cfg))
	if err != nil {
		return Diagnosis{}, err
	}
	d := doctor{
		iam: iam.NewFromConfig(cfg), cloudtrail: cloudtrail.NewFromConfig(cfg), organizations: organizations.NewFromConfig(cfg), cfg: cfg,
		selection: s, out: Diagnosis{Account: arn.Account, Partition: arn.Partition, ARN: who},
	}
	d.errs = map[string]error{}
	d.account(ctx)
	if s.Organization {
		d.organization(ctx)
	}
	if err := d.errs["organizations:DescribeOrganization"]; notInUse(err) {
		return Diagnosis{}, err
	}
	if ctx.Err() != nil {
		return Diagnosis{}, ctx.Err()
	}
	d.conclude()
	d.members(ctx)
	return d.out, ctx.Err()
}

// doctor tries operations, and keeps what came of it.
type doctor struct {
	iam           *iam.Client
	cloudtrail    *cloudtrail.Client
	organizations *organizations.Client
	cfg           aws.Config
	selection     Selection

	errs map[string]error // of each action that was tried
	ids  []string         // accounts of the organization
	out  Diagnosis
}

// try notes what came of an action.
func (d *doctor) try(action string, err error) bool {
	d.errs[action] = err
	return err == nil
}

// account tries what is needed in every account.
func (d *doctor) account(ctx context.Context) {
	arn, user := d.somebody(ctx)
	if arn != "" {
		made, err := d.iam.GenerateServiceLastAccessedDetails(ctx, &iam.GenerateServiceLastAccessedDetailsInput{Arn: &arn})
		if d.try("iam:GenerateServiceLastAccessedDetails", err) {
			_, err := d.iam.GetServiceLastAccessedDetails(ctx, &iam.GetServiceLastAccessedDetailsInput{JobId: made.JobId})
			d.try("iam:GetServiceLastAccessedDetails", err)
		}
	}
	_, err := d.iam.GenerateCredentialReport(ctx, &iam.GenerateCredentialReportInput{})
	d.try("iam:GenerateCredentialReport", err)
	_, err = d.iam.GetCredentialReport(ctx, &iam.GetCredentialReportInput{})
	d.try("iam:GetCredentialReport", err)
	if user != "" {
		d.keys(ctx, user)
	}
	aliases, err := d.iam.ListAccountAliases(ctx, &iam.ListAccountAliasesInput{})
	if d.try("iam:ListAccountAliases", err) && len(aliases.AccountAliases) > 0 {
		d.out.Alias = aliases.AccountAliases[0]
	}
	d.trails(ctx)
}

// somebody is a role or user, and a user, of the account; empty: there is none, or nobody
// may know.
func (d *doctor) somebody(ctx context.Context) (arn, user string) {
	answer, err := d.iam.GetAccountAuthorizationDetails(ctx, &iam.GetAccountAuthorizationDetailsInput{
		Filter: []types.EntityType{types.EntityTypeUser, types.EntityTypeRole}, MaxItems: aws.Int32(100),
	})
	if !d.try("iam:GetAccountAuthorizationDetails", err) {
		return "", ""
	}
	for _, u := range answer.UserDetailList {
		arn, user = cmp.Or(arn, aws.ToString(u.Arn)), cmp.Or(user, aws.ToString(u.UserName))
	}
	for _, r := range answer.RoleDetailList {
		arn = cmp.Or(arn, aws.ToString(r.Arn))
	}
	return arn, user
}

func (d *doctor) keys(ctx context.Context, user string) {
	keys, err := d.iam.ListAccessKeys(ctx, &iam.ListAccessKeysInput{UserName: &user})
	if d.try("iam:ListAccessKeys", err) && len(keys.AccessKeyMetadata) > 0 {
		_, err := d.iam.GetAccessKeyLastUsed(ctx, &iam.GetAccessKeyLastUsedInput{AccessKeyId: keys.AccessKeyMetadata[0].AccessKeyId})
		d.try("iam:GetAccessKeyLastUsed", err)
	}
}

func (d *doctor) trails(ctx context.Context) {
	trails, err := d.cloudtrail.DescribeTrails(ctx, &cloudtrail.DescribeTrailsInput{})
	if d.try("cloudtrail:DescribeTrails", err) && len(trails.TrailList) > 0 {
		t := trails.TrailList[0]
		atHome := func(o *cloudtrail.Options) { o.Region = cmp.Or(aws.ToString(t.HomeRegion), o.Region) }
		_, err := d.cloudtrail.GetTrailStatus(ctx, &cloudtrail.GetTrailStatusInput{Name: t.TrailARN}, atHome)
		d.try("cloudtrail:GetTrailStatus", err)
		_, err = d.cloudtrail.GetEventSelectors(ctx, &cloudtrail.GetEventSelectorsInput{TrailName: t.TrailARN}, atHome)
		d.try("cloudtrail:GetEventSelectors", err)
	}
	_, err = d.cloudtrail.LookupEvents(ctx, &cloudtrail.LookupEventsInput{MaxResults: aws.Int32(1), LookupAttributes: []cloudtrailtypes.LookupAttribute{{
		AttributeKey: cloudtrailtypes.LookupAttributeKeyEventName, AttributeValue: aws.String("PutEventSelectors"),
	}}})
	d.try("cloudtrail:LookupEvents", err)
}

// organization tries what is needed above the accounts.
func (d *doctor) organization(ctx context.Context) {
	_, err := d.organizations.DescribeOrganization(ctx, &organizations.DescribeOrganizationInput{})
	d.try("organizations:DescribeOrganization", err)
	pages := organizations.NewListAccountsPaginator(d.organizations, &organizations.ListAccountsInput{})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if !d.try("organizations:ListAccounts", err) {
			break
		}
		for _, a := range page.Accounts {
			if id := aws.ToString(a.Id); active(a) && d.selection.wants(id) {
				d.ids = append(d.ids, id)
			}
		}
	}
	roots, err := d.organizations.ListRoots(ctx, &organizations.ListRootsInput{})
	if d.try("organizations:ListRoots", err) && len(roots.Roots) > 0 {
		d.policies(ctx, roots.Roots[0].Id)
	}
	_, err = d.organizations.ListParents(ctx, &organizations.ListParentsInput{ChildId: &d.out.Account})
	d.try("organizations:ListParents", err)
}

func (d *doctor) policies(ctx context.Context, target *string) {
	policies, err := d.organizations.ListPoliciesForTarget(ctx, &organizations.ListPoliciesForTargetInput{
		TargetId: target, Filter: organizationstypes.PolicyTypeServiceControlPolicy,
	})
	if d.try("organizations:ListPoliciesForTarget", err) && len(policies.Policies) > 0 {
		_, err := d.organizations.DescribePolicy(ctx, &organizations.DescribePolicyInput{PolicyId: policies.Policies[0].Id})
		d.try("organizations:DescribePolicy", err)
	}
}

// conclude makes a check of each permission that the selection needs.
func (d *doctor) conclude() {
	for _, p := range Permissions() {
		if p.Above && (!d.selection.Organization || p.Action == assumeRole) {
			continue
		}
		err, tried := d.errs[p.Action]
		c := Check{Permission: p}
		if c.Verdict, c.Why = verdict(err); !tried {
			c.Verdict, c.Why = Untried, "there is nothing to try it on"
		}
		d.out.Checks = append(d.out.Checks, c)
	}
}

const assumeRole = "sts:AssumeRole"

// members tries the role in each account but one's own.
func (d *doctor) members(ctx context.Context) {
	ids := d.ids
	if !d.selection.Organization {
		ids = d.selection.Accounts
	}
	m := many{cfg: d.cfg, plain: d.cfg, selection: d.selection, own: d.out.Account, partition: d.out.Partition}
	for _, id := range ids {
		if id == d.out.Account {
			continue
		}
		_, err := m.configOf(id).Credentials.Retrieve(ctx)
		c := Check{Permission: Permission{Action: assumeRole, Without: "the account " + id}, Account: id}
		c.Verdict, c.Why = verdict(err)
		d.out.Checks = append(d.out.Checks, c)
	}
}

// verdict reads an answer: an error that isn't about permission was an answer to a caller
// who has it.
func verdict(err error) (Verdict, string) {
	api, answered := errors.AsType[smithy.APIError](err)
	switch {
	case err == nil:
		return Allowed, ""
	case denied(err):
		return Denied, Why(err)
	case answered && api.ErrorCode() != unknownCode && status(err) < http.StatusInternalServerError && !throttled(err) && !lost(err):
		return Allowed, ""
	}
	return Unanswered, Why(err)
}

func throttled(err error) bool {
	return retry.ThrottleErrorCode{Codes: retry.DefaultThrottleErrorCodes}.IsErrorThrottle(err) == aws.TrueTernary
}
