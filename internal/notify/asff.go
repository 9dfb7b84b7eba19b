package notify

import (
	"fmt"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/securityhub/types"

	"github.com/pare-iam/pare/finding"
)

// What ASFF takes, in characters; here they are counted as bytes, which is safe.
// https://docs.aws.amazon.com/securityhub/1.0/APIReference/API_AwsSecurityFinding.html
const (
	maxTitle       = 256
	maxDescription = 1024
	maxRemediation = 512
	maxFindingID   = 512
)

const asffVersion = "2018-10-08"

// generatorID is Access Analyzer's, so that filters and insights made for its findings
// match ours. The product tells them apart.
const generatorID = "aws/access-analyzer"

// product is what Security Hub calls the product of a custom integration, and the company.
const product = "pare"

// asff is the finding as Access Analyzer sends it to Security Hub, as pare's own product.
//
// Severity and Types are in FindingProviderFields alone, and Workflow and Note are left
// out: those are the customer's to change, and an import mustn't undo that.
//
// https://docs.aws.amazon.com/IAM/latest/UserGuide/access-analyzer-securityhub-integration.html
// https://docs.aws.amazon.com/securityhub/latest/userguide/finding-update-batchimportfindings.html
func asff(c Change, productARN string) types.AwsSecurityFinding {
	f := &c.Finding
	resource := c.resource()
	return types.AwsSecurityFinding{
		SchemaVersion: aws.String(asffVersion),
		Id:            aws.String(asffID(c)),
		ProductArn:    aws.String(productARN),
		ProductName:   aws.String(product),
		CompanyName:   aws.String(product),
		GeneratorId:   aws.String(generatorID),
		AwsAccountId:  aws.String(f.Account),
		CreatedAt:     aws.String(stamp(c.created())),
		UpdatedAt:     aws.String(stamp(latest(c.updated(), c.At))),
		Title:         aws.String(clip(c.title(), maxTitle)),
		Description:   aws.String(c.description(maxDescription)),
		ProductFields: productFields(c),
		RecordState:   recordState(c),
		FindingProviderFields: &types.FindingProviderFields{
			Severity: &types.FindingProviderSeverity{Label: asffSeverity(severityOf(f.Type))},
			Types:    []string{"Software and Configuration Checks/AWS Security Best Practices/" + asffType(f.Type)},
		},
		FirstObservedAt: aws.String(stamp(c.created())),
		LastObservedAt:  aws.String(stamp(c.analyzed())),
		Remediation: &types.Remediation{Recommendation: &types.Recommendation{
			Text: aws.String(clip(remedy(f.Type), maxRemediation)), Url: aws.String(helpURL),
		}},
		Resources: []types.Resource{{
			Id: aws.String(f.Resource), Type: aws.String(asffResourceType(f.ResourceType())),
			Partition: types.Partition(resource.Partition), Region: aws.String(c.Region),
		}},
	}
}

// latest is when the record last changed: Security Hub passes over one that isn't newer than
// what it has.
func latest(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// asffID is the analyzer, the role or user and the kind of finding, as AWS builds it. A user
// may have two keys, and the key is part of the id then. Where that would be too long, the
// finding's own id takes the place of what follows the analyzer.
func asffID(c Change) string {
	kind := string(c.Finding.Type)
	//exhaustive:enforce
	switch c.Finding.Type {
	case finding.UnusedPermission:
		kind = "UnusedPermissions"
	case finding.UnusedIAMUserAccessKey:
		kind += "/" + c.keyID()
	case finding.UnusedIAMRole, finding.UnusedIAMUserPassword:
	}
	if id := c.Analyzer + "/" + c.Finding.Resource + "/" + kind; len(id) <= maxFindingID {
		return id
	}
	return clip(c.Analyzer+"/"+c.Finding.ID, maxFindingID)
}

// keyID is the access key's ID or, if that isn't known, its place in the credential report.
func (c Change) keyID() string {
	if c.Finding.AccessKeyID == "" {
		return strconv.Itoa(c.Finding.KeySlot)
	}
	return c.Finding.AccessKeyID
}

// recordState is ARCHIVED once there is nothing to do about the finding.
func recordState(c Change) types.RecordState {
	if c.Deleted {
		return types.RecordStateArchived
	}
	//exhaustive:enforce
	switch c.Finding.Status {
	case finding.Active:
		return types.RecordStateActive
	case finding.Archived, finding.Resolved:
		return types.RecordStateArchived
	}
	panic(fmt.Sprintf("notify: unhandled status %q", c.Finding.Status))
}

func asffSeverity(s severity) types.SeverityLabel {
	//exhaustive:enforce
	switch s {
	case low:
		return types.SeverityLabelLow
	case medium:
		return types.SeverityLabelMedium
	}
	panic(fmt.Sprintf("notify: unhandled severity %d", s))
}

func asffType(t finding.Type) string {
	//exhaustive:enforce
	switch t {
	case finding.UnusedPermission:
		return "Unused Permission"
	case finding.UnusedIAMRole:
		return "Unused IAM Role"
	case finding.UnusedIAMUserAccessKey:
		return "Unused IAM User Access Key"
	case finding.UnusedIAMUserPassword:
		return "Unused IAM User Password"
	}
	panic(fmt.Sprintf("notify: unhandled type %q", t))
}

// asffResourceType is ASFF's word for a type of CloudFormation's.
func asffResourceType(t string) string {
	if t == "AWS::IAM::Role" {
		return "AwsIamRole"
	}
	return "AwsIamUser"
}

// productFields are those that Access Analyzer fills, and which change this is.
func productFields(c Change) map[string]string {
	f := &c.Finding
	out := map[string]string{
		"findingId":            f.ID,
		"findingType":          string(f.Type),
		"resourceOwnerAccount": f.Account,
		"pare/status":          string(f.Status),
		"pare/change":          c.Key(),
	}
	if f.Type == finding.UnusedPermission {
		services, actions := c.unused()
		out["numberOfUnusedServices"], out["numberOfUnusedActions"] = strconv.Itoa(services), strconv.Itoa(actions)
	}
	if f.Type == finding.UnusedIAMUserAccessKey {
		out["accessKeyId"] = c.keyID()
	}
	if !f.LastAccessed.IsZero() {
		out[lastUsedField(f.Type)] = stamp(f.LastAccessed)
	}
	return out
}

// lastUsedField is where the last use goes. AWS's name is known for roles; the others follow
// its pattern.
func lastUsedField(t finding.Type) string {
	//exhaustive:enforce
	switch t {
	case finding.UnusedIAMRole:
		return "roleLastUsedTimestamp"
	case finding.UnusedIAMUserAccessKey:
		return "accessKeyLastUsedTimestamp"
	case finding.UnusedIAMUserPassword:
		return "passwordLastUsedTimestamp"
	case finding.UnusedPermission:
		return "lastUsedTimestamp"
	}
	panic(fmt.Sprintf("notify: unhandled type %q", t))
}
