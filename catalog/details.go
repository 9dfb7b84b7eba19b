package catalog

import (
	"slices"
	"strings"
)

// Details is what the catalog says about a service beyond its action names.
type Details struct {
	Resources  []ResourceType  // sorted by name
	Conditions []ConditionKey  // sorted by name
	Operations []Operation     // sorted by name
	Actions    []ActionDetails // one for each of Service.Actions, in that order

	err error // the section was malformed; a catalog that holds one never leaves this package
}

// ResourceType is a kind of resource that a service's actions can be limited to.
type ResourceType struct {
	Name          string   // "bucket"
	ARNFormats    []string // "arn:${Partition}:s3:::${BucketName}"; empty when AWS gives none
	ConditionKeys []string // keys that apply to any action on such a resource, sorted
}

// ConditionKey is a condition key that a service's actions take.
type ConditionKey struct {
	Name  string   // "s3:authType", "aws:ResourceTag/${TagKey}"
	Types []string // as AWS spells them: String, ArrayOfString, ARN, Bool, Numeric, Date, IPAddress, …; sorted
}

// Operation is an API operation of a service.
type Operation struct {
	Name string // "HeadBucket"
	// Authorized lists the actions that a call may be checked for, sorted by service
	// and name. It is an upper bound: GetObject lists GetObjectVersion too. Empty means
	// that AWS gives no map for the operation, not that it needs no permission.
	Authorized []AuthorizedAction
}

// AuthorizedAction is an action that an operation may be checked for.
type AuthorizedAction struct {
	Service, Name string // Name in AWS's casing; the catalog may not know the action
	// PassedTo lists the services that the role is passed to, such as
	// "lambda.amazonaws.com", when the action is iam:PassRole; empty means that AWS
	// doesn't say, so any.
	PassedTo []string
}

// ActionDetails is what an action can be limited by.
type ActionDetails struct {
	Resources     []ActionResource // sorted by name; empty means "*" alone
	ConditionKeys []string         // sorted
}

// ActionResource is a resource type that an action takes.
type ActionResource struct {
	Name          string   // a ResourceType of the service
	ConditionKeys []string // keys that apply to this action on this type alone, sorted; mostly empty
}

// Operation returns the operation with a name written exactly so; nil when unknown.
func (d *Details) Operation(name string) *Operation {
	i, found := slices.BinarySearchFunc(d.Operations, name, func(o Operation, name string) int {
		return strings.Compare(o.Name, name)
	})
	if !found {
		return nil
	}
	return &d.Operations[i]
}

// Resource returns the resource type with a name written exactly so; nil when unknown.
func (d *Details) Resource(name string) *ResourceType {
	i, found := slices.BinarySearchFunc(d.Resources, name, func(r ResourceType, name string) int {
		return strings.Compare(r.Name, name)
	})
	if !found {
		return nil
	}
	return &d.Resources[i]
}
