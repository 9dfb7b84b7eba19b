package rewrite_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pare-iam/pare/internal/iac"
	"github.com/pare-iam/pare/internal/rewrite"
)

func TestReadStacks(t *testing.T) {
	tests := []struct {
		name, src string
		want      []rewrite.Stack
		err       string
	}{
		{"describe-stack-resources", `{"StackResources": [
			{"StackName": "app", "StackId": "arn:aws:cloudformation:eu-west-1:111122223333:stack/app/1", "LogicalResourceId": "Role", "PhysicalResourceId": "app-Role-ABCDEFGHIJKL", "ResourceType": "AWS::IAM::Role", "ResourceStatus": "CREATE_COMPLETE", "DriftInformation": {}},
			{"StackName": "app", "StackId": "arn:aws:cloudformation:eu-west-1:111122223333:stack/app/1", "LogicalResourceId": "Old", "PhysicalResourceId": "x", "ResourceType": "AWS::IAM::Role", "ResourceStatus": "DELETE_COMPLETE"}]}`,
			[]rewrite.Stack{{Name: "app", Account: accountID, Resources: []rewrite.StackResource{{LogicalID: "Role", PhysicalID: "app-Role-ABCDEFGHIJKL", Type: "AWS::IAM::Role"}}}}, ""},
		{"list-stack-resources, which doesn't name the stack", `{"StackResourceSummaries": [{"LogicalResourceId": "P", "PhysicalResourceId": "arn:aws:iam::111122223333:policy/p", "ResourceType": "AWS::IAM::ManagedPolicy"}]}`,
			[]rewrite.Stack{{Account: accountID, Resources: []rewrite.StackResource{{LogicalID: "P", PhysicalID: "arn:aws:iam::111122223333:policy/p", Type: "AWS::IAM::ManagedPolicy"}}}}, ""},
		{"a stack without resources", `{"StackResources": []}`, nil, ""},
		{"a page of several", `{"StackResourceSummaries": [], "NextToken": "x"}`, nil, "there are more pages"},
		{"another answer", `{"Stacks": []}`, nil, "it has neither StackResources nor StackResourceSummaries"},
		{"no JSON", `Resources:`, nil, "not the resources of a stack"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := rewrite.ReadStacks("stack.json", []byte(tt.src))
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
			if (err == nil) != (tt.err == "") || err != nil && (!strings.HasPrefix(err.Error(), "stack.json: ") || !strings.Contains(err.Error(), tt.err)) {
				t.Errorf("%v: want %q", err, tt.err)
			}
		})
	}
}

// inTemplate is a policy of a template: of a role that it makes, or managed if there is none.
func inTemplate(t *testing.T, root, role, doc string) *iac.Source {
	s := source("AWS::IAM::ManagedPolicy", "Policy", written(t, root, doc))
	s.File, s.Root, s.LogicalID = &iac.File{Path: root}, root, "Policy"
	if role != "" {
		s.Type, s.Address, s.LogicalID, s.Holder, s.HolderLogicalID = "AWS::IAM::Role", role+".Policies[0]", role, iac.Role, role
	}
	return s
}

func tagged(l *rewrite.Live, stack, logicalID string) *rewrite.Live {
	l.Tags = map[string]string{"aws:cloudformation:stack-name": stack, "aws:cloudformation:logical-id": logicalID}
	return l
}

func TestMatchByStack(t *testing.T) {
	roleOf := func(stack, physical string) rewrite.Stack {
		return rewrite.Stack{Name: stack, Account: accountID, Resources: []rewrite.StackResource{{LogicalID: "Role", PhysicalID: physical, Type: "AWS::IAM::Role"}}}
	}
	tests := []matching{
		{"a managed policy by its ARN", []*iac.Source{inTemplate(t, "t.yaml", "", getA)}, []*rewrite.Live{liveManaged(t, accountID, "app-Other-0123456789AB", getA), liveManaged(t, accountID, "x", getA)},
			rewrite.Known{Stacks: []rewrite.Stack{{Name: "app", Resources: []rewrite.StackResource{{LogicalID: "Policy", PhysicalID: "arn:aws:iam::111122223333:policy/x", Type: "AWS::IAM::ManagedPolicy"}}}}},
			[]string{"Policy by stack: [policy/x]"}},
		{"a role's policy by the role, in each stack of the template", []*iac.Source{with(inTemplate(t, "t.yaml", "Role", get), named("p"))},
			[]*rewrite.Live{liveInline(t, accountID, "r1/p", getA), liveInline(t, accountID, "r1/q", getA), liveInline(t, accountID, "r2/p", getB), liveInline(t, accountID, "r3/p", getB)},
			rewrite.Known{Stacks: []rewrite.Stack{roleOf("dev", "r1"), roleOf("prod", "r2")}},
			[]string{"Role.Policies[0] by stack: [role/r1 policy p] [role/r2 policy p]"}},
		{"by the tags of the role", []*iac.Source{with(inTemplate(t, "t.yaml", "Role", getA), named("p"))},
			[]*rewrite.Live{tagged(liveInline(t, accountID, "r1/p", getA), "dev", "Role"), tagged(liveInline(t, accountID, "r2/p", getA), "dev", "OtherRole")}, rewrite.Known{},
			[]string{"Role.Policies[0] by stack: [role/r1 policy p]"}},
		{"a role by its tags that has no such policy", []*iac.Source{with(inTemplate(t, "t.yaml", "Role", getA), named("p"))},
			[]*rewrite.Live{tagged(liveInline(t, accountID, "r1/q", getA), "dev", "Role")}, rewrite.Known{}, []string{"Role.Policies[0] by nothing:"}},
		{"a stack is of the template that has most of it", []*iac.Source{
			with(inTemplate(t, "t.yaml", "Role", getA), named("p")), with(inTemplate(t, "u.yaml", "Role", getA), named("p")), with(inTemplate(t, "u.yaml", "Role2", getB), named("p")),
		}, []*rewrite.Live{tagged(liveInline(t, accountID, "r1/p", getA), "dev", "Role"), tagged(liveInline(t, accountID, "r2/p", getB), "dev", "Role2")}, rewrite.Known{},
			[]string{"Role.Policies[0] by nothing:", "Role.Policies[0] by stack: [role/r1 policy p]", "Role2.Policies[0] by stack: [role/r2 policy p]"}},
		{"what a stack has and no account given leaves the rest uncertain", []*iac.Source{with(inTemplate(t, "t.yaml", "Role", getA), named("p"))},
			[]*rewrite.Live{liveInline(t, accountID, "r1/p", getA)}, rewrite.Known{Stacks: []rewrite.Stack{roleOf("dev", "r1"), roleOf("prod", "r2")}},
			[]string{"Role.Policies[0] by nothing: or [role/r1 policy p]: the stack prod has Role.Policies[0] of role r2, which isn't in the data of any account given"}},
		{"a policy that nobody named by its content", []*iac.Source{inTemplate(t, "t.yaml", "Role", getA)}, []*rewrite.Live{liveInline(t, accountID, "r1/x", getB), liveInline(t, accountID, "r1/y", getA)},
			rewrite.Known{Stacks: []rewrite.Stack{roleOf("dev", "r1")}}, []string{"Role.Policies[0] by stack: [role/r1 policy y]"}},
		{"or else it is uncertain", []*iac.Source{inTemplate(t, "t.yaml", "Role", queue)}, []*rewrite.Live{liveInline(t, accountID, "r1/x", getB), liveInline(t, accountID, "r1/y", getA)},
			rewrite.Known{Stacks: []rewrite.Stack{roleOf("dev", "r1")}}, []string{"Role.Policies[0] by nothing: or [role/r1 policy x] [role/r1 policy y]: the stack dev has several policies that it could be"}},
		{"without a stack, by the name that CloudFormation makes, and the content", []*iac.Source{with(inTemplate(t, "t.yaml", "Role", getA), named("p"))},
			[]*rewrite.Live{liveInline(t, accountID, "dev-Role-0123456789AB/p", getA), liveInline(t, accountID, "dev-Role2-0123456789AB/p", getA), liveInline(t, accountID, "Role-0123456789AB/p", getA), liveInline(t, accountID, "dev-Role-short/p", getA)}, rewrite.Known{},
			[]string{"Role.Policies[0] by name: [role/dev-Role-0123456789AB policy p]"}},
		{"a policy of several roles in all of them", []*iac.Source{with(source("AWS::IAM::Policy", "P", written(t, "t.yaml", getA)), func(s *iac.Source) {
			s.LogicalID, s.Holder, s.HolderName, s.Name = "P", iac.Role, name("r1"), name("p")
			s.Holders = []iac.Holder{{Kind: iac.Role, Name: name("r1")}, {Kind: iac.Role, Name: name("r2")}}
		})}, []*rewrite.Live{liveInline(t, accountID, "r1/p", getA), liveInline(t, accountID, "r2/p", getA), liveInline(t, accountID, "r3/p", getA)}, rewrite.Known{},
			[]string{"P by name: [role/r1 policy p] [role/r2 policy p]"}},
		{"or in none, if one of them isn't known", []*iac.Source{with(source("AWS::IAM::Policy", "P", written(t, "t.yaml", getA)), func(s *iac.Source) {
			s.LogicalID, s.Holder, s.HolderName, s.Name = "P", iac.Role, name("r1"), name("p")
			s.Holders = []iac.Holder{{Kind: iac.Role, Name: name("r1")}, {Kind: iac.User, Name: name("u")}}
		}), with(source("AWS::IAM::Policy", "Q", written(t, "u.yaml", getB)), func(s *iac.Source) {
			s.LogicalID, s.Holder, s.HolderName, s.Name = "Q", iac.Role, name("r1"), name("q")
			s.Holders = []iac.Holder{{Kind: iac.Role, Name: name("r1")}, {Kind: iac.Role}}
		})}, []*rewrite.Live{liveInline(t, accountID, "r1/p", getA), liveInline(t, accountID, "r1/q", getB)}, rewrite.Known{}, []string{
			"P by nothing: or [role/r1 policy p]: it is of the user u too, which isn't in the data of any account given",
			"Q by nothing: or [role/r1 policy q]: it is of 2 roles, users and groups, and only 1 of them are known",
		}},
	}
	run(t, tests)
}
