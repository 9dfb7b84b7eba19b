// Package cloudformation finds the IAM policies in CloudFormation and SAM templates,
// YAML or JSON, and reads templates as trees of values.
//
// What a template says outright is known: plain values, Fn::Sub with its variables as
// holes, Fn::Join of such texts, in the short forms of YAML and in the long ones.
// Whatever the deployment alone knows is Unknown: references to parameters, whose
// defaults are no promise, Fn::If, Fn::FindInMap, transforms and loops. Values with an
// anchor, of an alias or by a merge key are known, but say why they must not be changed:
// other places would change with them.
//
// A file is a template if it has resources with types. Templates that CDK made are
// found, so that the construct can be named, but are not for editing.
//
// Positions come from the YAML library as lines and columns. Where a value ends it
// doesn't say: this package finds out itself, and refuses a file in which it can't.
//
// In: files' bytes. Out: sources and problems. The rules are AWS's:
// https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/intrinsic-function-reference.html
// https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/sam-resource-function.html
package cloudformation
