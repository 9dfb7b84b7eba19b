package apply

import (
	"maps"
	"slices"
	"strings"
)

// managedBy says what manages something with these tags, or nothing.
//
// CloudFormation tags what it makes: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-properties-resource-tags.html
// Terraform and its like have no tag of their own; these are the usual ones.
func managedBy(tags map[string]string) string {
	for _, key := range slices.Sorted(maps.Keys(tags)) {
		value := tags[key]
		switch folded := plainKey(key); {
		case key == "aws:cloudformation:stack-name":
			return "the CloudFormation stack " + value
		case strings.HasPrefix(key, "aws:cloudformation:"):
			return "CloudFormation"
		case strings.HasPrefix(key, "aws:servicecatalog:"), key == "aws:controltower":
			return "AWS (tag " + key + ")"
		case isTool(folded) && !negative(value), slices.Contains(managerKeys, folded) && isTool(plainKey(value)):
			return key + "=" + value
		}
	}
	return ""
}

// managerKeys are keys of tags whose value names what manages, without case and separators.
var managerKeys = []string{"managedby", "managed", "manager", "createdby", "provisioner", "provisionedby", "deployedby", "iac", "tool", "source", "automation"}

var tools = []string{"terraform", "opentofu", "tofu", "terragrunt", "pulumi", "cloudformation", "cdk", "awscdk", "sam", "crossplane", "ansible", "serverless"}

// isTool says whether a word names a tool that manages, or something of one's: terraform:workspace.
func isTool(folded string) bool {
	return slices.ContainsFunc(tools, func(tool string) bool {
		return folded == tool || len(tool) >= len("pulumi") && strings.HasPrefix(folded, tool)
	})
}

func plainKey(key string) string {
	return strings.NewReplacer("-", "", "_", "", " ", "", ":", "", "/", "", ".", "").Replace(strings.ToLower(key))
}

func negative(value string) bool {
	return slices.Contains([]string{"false", "no", "0", "none", "off"}, strings.ToLower(value))
}

// reserved says why a role with a path is never changed, or nothing.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_create-service-linked-role.html
// https://docs.aws.amazon.com/singlesignon/latest/userguide/using-service-linked-roles.html
func reserved(path string) string {
	switch {
	case strings.HasPrefix(path, "/aws-service-role/"):
		return "it is a service-linked role"
	case strings.HasPrefix(path, "/aws-reserved/"):
		return "IAM Identity Center made it: change its permission set"
	}
	return ""
}
