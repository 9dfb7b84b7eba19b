package main

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/ratelimit"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/spf13/cobra"

	"github.com/pare-iam/pare/internal/collect"
	"github.com/pare-iam/pare/policy"
)

// awsFlags are the flags of every command that calls AWS, named as elsewhere.
type awsFlags struct {
	profile, region, endpoint string
	partition                 string
	roles                     []string // assumed one after the other
	externalID                string
}

// orgFlags choose the accounts of an organization.
type orgFlags struct {
	org                bool
	roleName           string
	accounts, excluded []string
}

// homeRegions are the Regions of the partitions' global services, for when no Region is
// configured.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference-arns.html
var homeRegions = [...]struct{ partition, region string }{
	{"aws", "us-east-1"}, {"aws-cn", "cn-north-1"}, {"aws-us-gov", "us-gov-west-1"},
}

// addAWSFlags adds the flags of a command that calls AWS.
func addAWSFlags(cmd *cobra.Command) *awsFlags {
	a := &awsFlags{}
	f := cmd.Flags()
	f.StringVar(&a.profile, "profile", "", "`name` of a profile in ~/.aws/config")
	f.StringVar(&a.region, "region", "", "AWS `region` of the services that have Regions")
	f.StringArrayVar(&a.roles, "role-arn", nil, "`ARN` of a role to assume first; repeated: one from the other")
	f.StringVar(&a.externalID, "external-id", "", "external `ID` to assume roles with")
	f.StringVar(&a.endpoint, "endpoint-url", "", "call this `URL` in place of AWS's")
	f.StringVar(&a.partition, "partition", "", "the `partition` the account is in: aws, aws-cn or aws-us-gov (default: the Region's)")
	complete(cmd, "partition", "aws", "aws-cn", "aws-us-gov")
	return a
}

// addOrgFlags adds the flags that choose accounts of an organization.
func addOrgFlags(cmd *cobra.Command) *orgFlags {
	o := &orgFlags{}
	f := cmd.Flags()
	f.BoolVar(&o.org, "org", false, "all accounts of the organization; run it in the management or a delegated account")
	f.StringVar(&o.roleName, "role-name", "", "`name` of the role to assume in each account (default "+defaultRoleName+")")
	f.StringSliceVar(&o.accounts, "accounts", nil, "only these account `IDs`, separated by commas")
	f.StringSliceVar(&o.excluded, "exclude-accounts", nil, "not these account `IDs`, separated by commas")
	return o
}

// defaultRoleName is the role that deploy/ makes.
const defaultRoleName = "pare-read"

func (a *awsFlags) check() error {
	if a.partition != "" {
		if err := oneOf("--partition", a.partition, "aws", "aws-cn", "aws-us-gov"); err != nil {
			return err
		}
	}
	for _, role := range a.roles {
		if arn, err := policy.ParseARN(role); err != nil || arn.Service != "iam" || arn.Type() != "role" {
			return usageError{fmt.Errorf("--role-arn %q: want the ARN of a role, such as arn:aws:iam::123456789012:role/%s", role, defaultRoleName)}
		}
	}
	if u, err := url.Parse(a.endpoint); a.endpoint != "" && (err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https") {
		return usageError{fmt.Errorf("--endpoint-url %q: want a URL, such as https://iam.example.com", a.endpoint)}
	}
	return nil
}

func (o *orgFlags) check() error {
	for _, id := range slices.Concat(o.accounts, o.excluded) {
		if len(id) != 12 || strings.Trim(id, "0123456789") != "" {
			return usageError{fmt.Errorf("account %q: want twelve digits, such as 123456789012", id)}
		}
	}
	if o.roleName != "" && !o.many() || len(o.excluded) > 0 && !o.org {
		return hintError{usageError{errors.New("no --org: --role-name and --exclude-accounts are about an organization's accounts")}, "--org, or --accounts with the accounts' IDs"}
	}
	return nil
}

// many says whether other accounts than one's own are meant.
func (o *orgFlags) many() bool { return o.org || len(o.accounts) > 0 }

func (o *orgFlags) role() string {
	if o.roleName == "" {
		return defaultRoleName
	}
	return o.roleName
}

// config is what the flags, the environment and ~/.aws say, with the roles assumed when the
// first call is made. Nothing is called here.
//
// The SDK's own limit of retries is off: shared by many calls it turns one slow API into
// errors of all (aws/aws-sdk-go-v2 issues 3413 and 3550).
func (a *awsFlags) config(ctx context.Context) (aws.Config, error) {
	if err := a.check(); err != nil {
		return aws.Config{}, err
	}
	options := []func(*config.LoadOptions) error{config.WithAppID("pare"), config.WithHTTPClient(collect.HTTPClient())}
	if a.profile != "" {
		options = append(options, config.WithSharedConfigProfile(a.profile))
	}
	if a.region != "" {
		options = append(options, config.WithRegion(a.region))
	}
	if a.endpoint != "" {
		options = append(options, config.WithBaseEndpoint(a.endpoint))
	}
	cfg, err := config.LoadDefaultConfig(ctx, options...)
	if err != nil {
		return aws.Config{}, a.configError(err)
	}
	cfg.Retryer = newRetryer // set afterwards: AWS_MAX_ATTEMPTS, max_attempts of a profile, still count
	if err := a.setRegion(&cfg); err != nil {
		return aws.Config{}, err
	}
	for _, role := range a.roles {
		cfg = collect.InAccount(cfg, cfg, role, a.externalID)
	}
	return cfg, nil
}

// newRetryer makes a retryer of one client. Eight attempts take some two minutes.
func newRetryer() aws.Retryer {
	return retry.NewStandard(func(o *retry.StandardOptions) {
		o.RateLimiter = ratelimit.None
		o.MaxAttempts = 8
	})
}

func (a *awsFlags) configError(err error) error {
	var absent config.SharedConfigProfileNotExistError
	if errors.As(err, &absent) {
		return hintError{fmt.Errorf("no profile %q in the AWS configuration", absent.Profile), "`aws configure list-profiles` lists them"}
	}
	return err
}

// setRegion gives the configuration a Region, and holds it against --partition.
func (a *awsFlags) setRegion(cfg *aws.Config) error {
	want := a.partition
	if cfg.Region == "" {
		for _, home := range homeRegions {
			if home.partition == want || want == "" {
				cfg.Region = home.region
				return nil
			}
		}
	}
	if got := partitionOf(cfg.Region); want != "" && got != want {
		return usageError{fmt.Errorf("--partition %s: the Region %s is in %s; give --region a Region of %s", want, cfg.Region, got, want)}
	}
	return nil
}

// partitionOf is the partition of a Region, by its name.
func partitionOf(region string) string {
	switch {
	case strings.HasPrefix(region, "cn-"):
		return "aws-cn"
	case strings.HasPrefix(region, "us-gov-"):
		return "aws-us-gov"
	}
	return "aws"
}
