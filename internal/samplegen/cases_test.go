package samplegen_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pare-iam/pare/access"
	"github.com/pare-iam/pare/catalog"
	"github.com/pare-iam/pare/internal/samplegen"
	"github.com/pare-iam/pare/policy"
	"github.com/pare-iam/pare/refine"
	"github.com/pare-iam/pare/usage"
)

// view answers questions about the sample, out of its files.
type view struct {
	world
	t    *testing.T
	used latest // the truth: by principal's name and action
}

func (v view) ago(days int) time.Time {
	return samplegen.Demo().Now.Add(-time.Duration(days) * 24 * time.Hour)
}

// idle says that a role wasn't used in the window.
func (v view) idle(name string) bool {
	return v.account.roles[name].RoleLastUsed.LastUsedDate.Before(v.ago(90))
}

func (v view) never(name string) bool {
	return v.account.roles[name].RoleLastUsed.LastUsedDate.IsZero()
}

// uses says that a principal used an action in the window.
func (v view) uses(name, action string) bool { return v.used[name][action].After(v.ago(90)) }

// unused are the actions of a policy that a principal may and didn't use in the window.
func (v view) unused(name, text string) []policy.Action {
	doc, err := policy.Parse(text, []byte(v.account.texts[text]))
	if err != nil {
		v.t.Fatal(err)
	}
	var out []policy.Action
	for _, a := range access.Actions(catalog.Embedded(), doc).Actions {
		if !v.uses(name, a.String()) {
			out = append(out, policy.Action{Service: a.Service.Prefix, Name: a.Lower})
		}
	}
	return out
}

// refined is a policy without what a principal doesn't use of it.
func (v view) refined(name, text string) refine.Result {
	doc, err := policy.Parse(text, []byte(v.account.texts[text]))
	if err != nil {
		v.t.Fatal(err)
	}
	unused := v.unused(name, text)
	result, err := refine.Policy(catalog.Embedded(), doc, usage.Of(unused, nil))
	if err != nil {
		v.t.Fatal(err)
	}
	return result
}

func (v view) attachedTo(name string) (principals []string) {
	for _, r := range v.account.RoleDetailList {
		if slices.ContainsFunc(r.AttachedManagedPolicies, func(a attached) bool { return a.PolicyName == name }) {
			principals = append(principals, r.RoleName)
		}
	}
	return principals
}

func (v view) report(user, column string) string { return v.account.report[user][column] }

func (v view) events(match func(record) bool) (n int) {
	for _, r := range v.records {
		if match(r) {
			n++
		}
	}
	return n
}

var cases = []struct {
	name string
	is   func(v view) bool
}{
	{"an old role that was never used", func(v view) bool {
		return v.never("legacy-importer") && v.account.roles["legacy-importer"].CreateDate.Before(v.ago(400))
	}},
	{"a role last used 200 days ago", func(v view) bool { return v.idle("old-migration") && !v.never("old-migration") }},
	{"a role for disasters, last drilled before the window", func(v view) bool { return v.idle("dr-failover") && !v.never("dr-failover") }},
	{"a role too young to be judged", func(v view) bool {
		return v.never("new-feature-preview") && v.account.roles["new-feature-preview"].CreateDate.After(v.ago(90))
	}},
	{"service-linked roles, one of them never used", func(v view) bool {
		return strings.HasPrefix(v.account.roles["AWSServiceRoleForECS"].Path, "/aws-service-role/") && v.never("AWSServiceRoleForAutoScaling")
	}},
	{"a role of Identity Center", func(v view) bool {
		return v.account.roles["AWSReservedSSO_DataAnalyst_1f0c9b7a52d3e684"].Path == "/aws-reserved/sso.amazonaws.com/eu-west-1/"
	}},
	{"a role with a tag to exclude it by", func(v view) bool {
		return slices.Contains(v.account.roles["break-glass"].Tags, tag{"unused-access", "ignore"}) && v.never("break-glass")
	}},
	{"a customer policy of three roles that use it differently", func(v view) bool {
		return len(v.attachedTo("app-baseline")) == 3 &&
			v.uses("payments-worker", "secretsmanager:DescribeSecret") && !v.uses("orders-api", "secretsmanager:DescribeSecret") &&
			len(v.unused("orders-api", "app-baseline")) > 0
	}},
	{"AWS managed policies", func(v view) bool {
		for _, name := range []string{"AmazonS3ReadOnlyAccess", "ReadOnlyAccess", "AWSLambdaBasicExecutionRole", "PowerUserAccess", "CloudWatchReadOnlyAccess"} {
			if len(v.attachedTo(name)) == 0 || v.account.texts[name] == "" {
				return false
			}
		}
		return true
	}},
	{"an inline policy wholly unused, beside one partly used", func(v view) bool {
		return v.refined("payments-worker", "old-payment-gateway").Outcome == refine.Detach &&
			v.refined("payments-worker", "payments-queue").Outcome == refine.Refined
	}},
	{"a bare star of which twelve actions are used", func(v view) bool {
		return strings.Contains(v.account.texts["everything"], `"Action": "*"`) && len(v.used["platform-admin"]) == 12
	}},
	{"s3:Get* as in the announcement", func(v view) bool {
		return strings.Contains(v.account.texts["myrole-policy"], `"s3:Get*"`) && v.refined("MyRole", "myrole-policy").Outcome == refine.Refined
	}},
	{"wildcards inside names", func(v view) bool {
		return strings.Contains(v.account.texts["etl-jobs"], `"glue:*Table*"`) && strings.Contains(v.account.texts["etl-jobs"], `"glue:GetPartition?"`)
	}},
	{"NotAction with Allow", func(v view) bool {
		return strings.Contains(v.account.texts["network-not"], `"NotAction"`) && strings.Contains(v.account.texts["PowerUserAccess"], `"NotAction"`)
	}},
	{"Deny beside Allow", func(v view) bool { return strings.Contains(v.account.texts["network-routes"], `"Deny"`) }},
	{"only a Deny is left", func(v view) bool {
		left := v.refined("archive-janitor", "archive-guard")
		return left.Outcome == refine.Refined && !strings.Contains(string(left.Document.Bytes()), "Allow")
	}},
	{"a permissions boundary that cuts", func(v view) bool {
		return strings.HasSuffix(v.account.roles["team-data-sandbox"].PermissionsBoundary.PermissionsBoundaryArn, "sandbox-boundary")
	}},
	{"a policy that fits and whose refined form doesn't", func(v view) bool {
		result := v.refined("image-builder", "image-pipeline")
		if result.Document.Size() <= policy.ManagedLimit {
			return false
		}
		parts, err := refine.Split(result.Document, policy.ManagedLimit)
		return err == nil && len(parts) > 1
	}},
	{"every customer policy fits", func(v view) bool {
		for _, p := range v.account.Policies {
			doc, err := policy.Parse(p.PolicyName, []byte(v.account.texts[p.PolicyName]))
			if err != nil || !strings.Contains(p.Arn, "::aws:") && doc.Size() > policy.ManagedLimit {
				return false
			}
		}
		return true
	}},
	{"a role that only a service uses, for itself", func(v view) bool {
		return v.events(func(r record) bool {
			return strings.HasSuffix(r.principal(), "/cfn-exec") && r.UserIdentity.InvokedBy == ""
		}) == 0 &&
			v.uses("cfn-exec", "ec2:DescribeSecurityGroups")
	}},
	{"a service that calls for a role which calls itself too", func(v view) bool {
		return v.events(func(r record) bool {
			return strings.HasSuffix(r.principal(), "/ci-deployer") && r.UserIdentity.InvokedBy == "cloudformation.amazonaws.com"
		}) > 0
	}},
	{"a caller of another account, and a role that one takes", func(v view) bool {
		return v.events(func(r record) bool {
			return r.UserIdentity.AccountID == "444455556666" && r.EventName == "GetObject"
		}) > 0 && strings.Contains(string(v.account.roles["vendor-monitoring"].AssumeRolePolicyDocument), "444455556666")
	}},
	{"a chain of roles", func(v view) bool {
		return v.events(func(r record) bool {
			return strings.HasSuffix(r.principal(), "/ops-jump") && r.EventName == "AssumeRole" && strings.Contains(string(r.RequestParameters), ":role/security-audit")
		}) > 0
	}},
	{"roles passed, and nothing else of IAM used", func(v view) bool {
		return v.uses("step-runner", "iam:PassRole") && v.uses("ci-deployer", "iam:PassRole") && !v.uses("step-runner", "iam:GetRole")
	}},
	{"an action that was only ever denied", func(v view) bool {
		return v.events(func(r record) bool { return r.EventName == "GetClusterCredentials" && r.ErrorCode != "AccessDenied" }) == 0 &&
			v.events(func(r record) bool { return r.EventName == "GetClusterCredentials" }) > 0
	}},
	{"a job that runs once in eighty days", func(v view) bool {
		return v.uses("billing-export", "athena:StartQueryExecution") && v.used["billing-export"]["athena:StartQueryExecution"].Before(v.ago(30))
	}},
	{"a service and an action that no catalog knows", func(v view) bool {
		return strings.Contains(v.account.texts["machine-learning"], `"deepracer:*"`) && catalog.Embedded().Service("deepracer") == nil &&
			strings.Contains(v.account.texts["machine-learning"], `"s3:ListBuckets"`) && catalog.Embedded().Lookup("s3", "ListBuckets") == nil
	}},
	{"an unused action that two policies grant", func(v view) bool {
		return strings.Contains(v.account.texts["queue-drain-a"], "sqs:PurgeQueue") && strings.Contains(v.account.texts["queue-drain-b"], "sqs:PurgeQueue") && !v.uses("queue-drainer", "sqs:PurgeQueue")
	}},
	{"a role that needs all it has", func(v view) bool { return len(v.unused("certificate-renewer", "certificate-renewer")) == 0 }},
	{"no Version, one statement, one action, no lists", func(v view) bool {
		return v.account.texts["cdn-invalidate"] == `{"Statement":{"Effect":"Allow","Action":"cloudfront:CreateInvalidation","Resource":"*"}}`
	}},
	{"a user with a key and a password in use, in a group", func(v view) bool {
		return v.report("alice", "access_key_1_last_used_date") > v.ago(90).Format(time.RFC3339) &&
			v.report("alice", "password_last_used") > v.ago(90).Format(time.RFC3339) && slices.Equal(v.account.users["alice"].GroupList, []string{"developers"})
	}},
	{"a password last used before the window", func(v view) bool {
		return v.report("bob", "password_last_used") < v.ago(90).Format(time.RFC3339)
	}},
	{"a password never used", func(v view) bool { return v.report("carol", "password_last_used") == "no_information" }},
	{"a second key unused, the first used", func(v view) bool {
		return v.report("ci-legacy", "access_key_2_active") == "true" && v.report("ci-legacy", "access_key_2_last_used_date") == "N/A" && v.report("ci-legacy", "access_key_1_last_used_date") != "N/A"
	}},
	{"a key last used before the window", func(v view) bool {
		return v.report("backup-uploader", "access_key_1_last_used_date") < v.ago(90).Format(time.RFC3339)
	}},
	{"a key never used", func(v view) bool { return v.report("ses-smtp", "access_key_1_last_used_date") == "N/A" }},
	{"an inactive key", func(v view) bool { return v.report("old-contractor", "access_key_1_active") == "false" }},
	{"a user without credentials", func(v view) bool {
		return v.report("no-credentials", "password_enabled") == "false" && v.report("no-credentials", "access_key_1_active") == "false"
	}},
	{"a user too young to be judged", func(v view) bool { return v.report("new-hire", "user_creation_time") > v.ago(10).Format(time.RFC3339) }},
	{"a user outside of groups with something to take away", func(v view) bool {
		return len(v.account.users["metrics-bot"].GroupList) == 0 && len(v.unused("metrics-bot", "metrics")) > 0
	}},
	{"a federated user", func(v view) bool {
		return v.events(func(r record) bool {
			return r.UserIdentity.Type == "FederatedUser" && strings.HasSuffix(r.principal(), "/legacy-portal")
		}) > 0
	}},
	{"the root user, in the report and in the logs", func(v view) bool {
		return v.report("<root_account>", "password_enabled") == "not_supported" && v.events(func(r record) bool { return r.UserIdentity.Type == "Root" }) > 0
	}},
	{"sign-ins, failed ones too", func(v view) bool {
		return v.events(func(r record) bool { return r.EventName == "ConsoleLogin" && r.ErrorMessage != "" }) > 0
	}},
	{"events of services, and events that no action is known for", func(v view) bool {
		return v.events(func(r record) bool { return r.EventType == "AwsServiceEvent" }) > 0 &&
			v.events(func(r record) bool { return r.EventName == "ListDevEnvironments" }) > 0
	}},
	{"data events, of S3 objects alone", func(v view) bool {
		return v.events(func(r record) bool {
			return r.EventCategory == "Data" && r.EventSource != "s3.amazonaws.com"
		}) == 0 && v.events(func(r record) bool {
			return r.EventCategory == "Data" && r.EventName == "GetObject" && r.Resources[0].Type == "AWS::S3::Object"
		}) > 0
	}},
}

func TestTheSampleHasEveryCase(t *testing.T) {
	v := view{world: demoWorld(t), t: t, used: latest{}}
	for u := range v.Truth() {
		v.used.see(u.Principal[strings.LastIndexAny(u.Principal, "/:")+1:], u.Action, u.Time)
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			v.t = t
			if !c.is(v) {
				t.Error("the sample doesn't have it")
			}
		})
	}
}
