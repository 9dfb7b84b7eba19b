package policy

import "strings"

// textHint says how to get at a document that is inside a JSON text, or nothing.
func textHint(n node) string {
	if n.kind() != '"' {
		return ""
	}
	switch text := strings.TrimSpace(n.text()); {
	case strings.HasPrefix(text, "%"):
		return urlEncoded
	case strings.HasPrefix(text, "{"):
		return "; the document is inside a JSON text: `jq -r .` takes it out"
	}
	return ""
}

const urlEncoded = "; it looks URL-encoded, as IAM's API sends it: decode it first, or get it with the aws command, which does"

const inside = "the policy document is inside: "

// wrapped tells an answer of the aws command around a document by its key, and says how to
// get the document alone.
func wrapped(root node) (key node, advice string) {
	for key, value := range root.members() {
		switch name := key.text(); {
		case name == "PolicyDocument" && value.kind() == '"':
			return key, "the policy document is a text inside" + urlEncoded
		case name == "PolicyDocument":
			return key, inside + "add --query PolicyDocument to the aws command"
		case name == "PolicyVersion":
			return key, inside + "add --query PolicyVersion.Document to the aws command"
		case name == "Role":
			return key, inside + "add --query Role.AssumeRolePolicyDocument to the aws command"
		case name == "Policy" && value.kind() == '"':
			return key, inside + "add --query Policy --output text to the aws command"
		case name == "Policy":
			return key, "this names a policy and doesn't have it: aws iam get-policy-version --policy-arn ARN --version-id DEFAULT --query PolicyVersion.Document"
		}
	}
	return node{}, ""
}
