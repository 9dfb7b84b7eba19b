// Package terraform is where IAM policies stand in a tree of Terraform's files.
//
// In: the bytes of all .tf, .tf.json and .tfvars files of a tree, and a way to open the
// others that file() and templatefile() name. Out: a Source for each policy that a
// resource of the AWS provider has, with the policy's parts as Values that know their
// bytes; and any such file as a tree, to check what was written.
//
// Nothing is evaluated. A reference is followed where it leads to something literal: a
// local value, a variable's default or a module call's argument, an output of a module
// of the tree, a resource's name, an aws_iam_policy_document. What is computed (by for,
// by a condition, by a function around a list) is an Unknown that says by what. Lists in
// tolist, toset, distinct and sort are seen through: the entries are those that are
// written.
//
// Limits: modules that aren't in the tree are not looked into. A variable that is set by
// -var or by the environment can't be seen; who rewrites compares with the policy that is
// deployed, and notices. A resource that is handed on as a whole counts as a use of its
// policy. A use of a file whose whole path is computed isn't counted as another use of the
// file.
//
// Source of the language:
// https://developer.hashicorp.com/terraform/language and
// https://github.com/hashicorp/hcl/blob/main/hclsyntax/spec.md; of how a policy document
// is merged:
// https://registry.terraform.io/providers/hashicorp/aws/latest/docs/data-sources/iam_policy_document
package terraform
