package cloudtrail

import (
	"strings"
)

// sourcePrefixes has the IAM prefixes of event sources that aren't called after them, without
// ".amazonaws.com". Where there are several, the earlier one is asked first.
// https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html
var sourcePrefixes = map[string][]string{
	"agreement-marketplace":      {"aws-marketplace"},
	"amazonmq":                   {"mq"},
	"apigatewayv2":               {"apigateway"},
	"application-insights":       {"applicationinsights"},
	"appstream2":                 {"appstream"},
	"autoscaling":                {"autoscaling", "application-autoscaling", "autoscaling-plans"},
	"billingconsole":             {"billing", "aws-portal"},
	"chime-sdk-media-pipelines":  {"chime"},
	"chime-sdk-voice":            {"chime"},
	"cloudcontrolapi":            {"cloudformation"},
	"contact-lens":               {"connect"},
	"discovery-marketplace":      {"aws-marketplace"},
	"email":                      {"ses"},
	"entitlement.marketplace":    {"aws-marketplace"},
	"es":                         {"es", "opensearch"},
	"iot":                        {"iot", "iotjobsdata"},
	"management-marketplace":     {"aws-marketplace-management"},
	"marketplacecatalog":         {"aws-marketplace"},
	"metering-marketplace":       {"aws-marketplace"},
	"migrationhub":               {"mgh"},
	"models.lex":                 {"lex"},
	"monitoring":                 {"cloudwatch"},
	"mturk-requester":            {"mechanicalturk"},
	"opensearch":                 {"opensearch", "es"},
	"opensearchservice":          {"es", "opensearch"},
	"participant-connect":        {"connect"},
	"pinpoint":                   {"mobiletargeting"},
	"pricelist":                  {"pricing"},
	"qconnect":                   {"wisdom"},
	"rdsdata":                    {"rds-data"},
	"reporting-marketplace":      {"aws-marketplace"},
	"runtime.lex":                {"lex"},
	"s3":                         {"s3", "s3-object-lambda", "s3express", "s3-outposts"},
	"servicecatalog-appregistry": {"servicecatalog"},
	"sso":                        {"sso", "sso-oauth"},
	"streams.dynamodb":           {"dynamodb"},
	"tagging":                    {"tag"},
	"taxconsole":                 {"tax"},
	"transcribestreaming":        {"transcribe"},
}

// otherNames has the actions of events that the catalog knows no operation and no action
// of that name for, by the first IAM prefix of the source.
var otherNames = map[string][]string{
	"s3:DeleteBucketLifecycleConfiguration": {"s3:PutLifecycleConfiguration"},
	"s3:GetBucket":                          {"s3:ListBucket"},
	"s3:GetBucketLifecycleConfiguration":    {"s3:GetLifecycleConfiguration"},
	"s3:ListDirectoryBuckets":               {"s3express:ListAllMyDirectoryBuckets"},
	"s3:PostObject":                         {"s3:PutObject"},
	"s3:PutBucketLifecycleConfiguration":    {"s3:PutLifecycleConfiguration"},
	"s3:RenameObject":                       {"s3express:CreateSession"},
}

// mainActions has the actions that a call needs in any case, where none is called after
// the operation and there are several that it may need.
var mainActions = map[string][]string{
	"bedrock:Converse":         {"bedrock:InvokeModel"},
	"bedrock:ConverseStream":   {"bedrock:InvokeModelWithResponseStream"},
	"bedrock:StartAsyncInvoke": {"bedrock:InvokeModel"},
	"cassandra:CreateKeyspace": {"cassandra:Create"},
	"cassandra:CreateTable":    {"cassandra:Create"},
	"cassandra:DeleteKeyspace": {"cassandra:Drop"},
	"cassandra:DeleteTable":    {"cassandra:Drop"},
	"cassandra:UpdateKeyspace": {"cassandra:Alter"},
	"cassandra:UpdateTable":    {"cassandra:Alter"},
	"kms:ReEncrypt":            {"kms:ReEncryptFrom", "kms:ReEncryptTo"},
	"s3:CopyObject":            {"s3:GetObject", "s3:PutObject"},
	"s3:CreateMultipartUpload": {"s3:PutObject"},
	"s3:DeleteObjects":         {"s3:DeleteObject"},
	"s3:HeadObject":            {"s3:GetObject"},
	"s3:ListObjects":           {"s3:ListBucket"},
	"s3:ListObjectsV2":         {"s3:ListBucket"},
	"s3:UploadPartCopy":        {"s3:GetObject", "s3:PutObject"},
}

// free has the calls that need no permission, by IAM prefix.
// https://docs.aws.amazon.com/STS/latest/APIReference/API_GetCallerIdentity.html
var free = map[string]bool{
	"dynamodb:DescribeEndpoints": true,
	"sts:GetCallerIdentity":      true,
	"sts:GetSessionToken":        true,
}

// prefixes returns the IAM prefixes of an event source, at least one.
func prefixes(source string) []string {
	host := strings.TrimSuffix(source, ".cn")
	name := strings.ToLower(strings.TrimSuffix(host, ".amazonaws.com"))
	if list, ok := sourcePrefixes[name]; ok {
		return list
	}
	return []string{name}
}

// spellings returns the operations that an event's name may stand for: itself, and
// without the API's date that Lambda (CreateFunction20150331, UpdateFunctionCode20150331v2)
// and CloudFront (CreateDistribution2020_05_31, also with a _ before) append.
func spellings(name string) []string {
	for _, cut := range []func(string) (string, bool){cutVersionedDate, cutUnderlinedDate} {
		if short, ok := cut(name); ok {
			return []string{name, short}
		}
	}
	return []string{name}
}

// cutVersionedDate cuts off eight digits, which a v and digits may follow.
func cutVersionedDate(name string) (string, bool) {
	rest := strings.TrimRight(name, digits)
	if cut, ok := strings.CutSuffix(rest, "v"); ok && len(rest) < len(name) {
		rest = cut
	} else {
		rest = name
	}
	stem := strings.TrimRight(rest, digits)
	return stem, stem != "" && len(rest)-len(stem) == len("20150331")
}

// cutUnderlinedDate cuts off 2020_05_31, with or without a _ before.
func cutUnderlinedDate(name string) (string, bool) {
	const date = "2020_05_31"
	if len(name) <= len(date) {
		return name, false
	}
	stem, tail := name[:len(name)-len(date)], name[len(name)-len(date):]
	for i := range len(date) {
		digit := strings.IndexByte(digits, tail[i]) >= 0
		if digit != (date[i] != '_') || !digit && tail[i] != '_' {
			return name, false
		}
	}
	stem = strings.TrimSuffix(stem, "_")
	return stem, stem != ""
}

const digits = "0123456789"
