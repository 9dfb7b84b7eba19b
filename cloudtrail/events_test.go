package cloudtrail_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pare-iam/pare/catalog"
	"github.com/pare-iam/pare/cloudtrail"
	"github.com/pare-iam/pare/usage"
)

func params(p fields) fields { return fields{"requestParameters": p} }

func resources(list ...fields) fields { return fields{"resources": list} }

// object is what S3 data events say of their resources.
var object = resources(
	fields{"type": "AWS::S3::Object", "ARN": "arn:aws:s3:::shop/a/b.txt"},
	fields{"type": "AWS::S3::Bucket", "ARN": "arn:aws:s3:::shop", "accountId": "111122223333"},
)

func TestActionsOfAnEvent(t *testing.T) {
	const role = "arn:aws:iam::111122223333:role/app"
	tests := []struct {
		name, source, event string
		changes             fields
		want                string
	}{
		{"a call named like its action", "ec2", "DescribeInstances", nil, "ec2:DescribeInstances"},
		{"a Lambda name with a date", "lambda", "CreateFunction20150331", nil,
			"*lambda:GetLayerVersion, *lambda:PassCapacityProvider, *lambda:TagResource, lambda:CreateFunction"},
		{"a Lambda name with a date and a version", "lambda", "UpdateFunctionConfiguration20150331v2", nil,
			"*lambda:GetLayerVersion, *lambda:PassCapacityProvider, lambda:UpdateFunctionConfiguration"},
		{"a CloudFront name with a date", "cloudfront", "GetDistribution2020_05_31", nil, "cloudfront:GetDistribution"},
		{"a CloudFront name with a date and a line", "cloudfront", "GetDistribution_2020_05_31", nil, "cloudfront:GetDistribution"},
		{"digits that are the name's own", "s3", "ListObjectsV2", nil, "*s3-object-lambda:ListBucket, *s3:GetObjectAcl, s3:ListBucket"},
		{"V2 of another action", "securityhub", "GetFindingsV2", nil, "securityhub:GetFindings"},
		{"a source called otherwise: CloudWatch", "monitoring", "PutMetricData", nil, "cloudwatch:PutMetricData"},
		{"a source called otherwise: MQ", "amazonmq", "CreateBroker", nil, "*mq:CreateTags, mq:CreateBroker"},
		{"a source called otherwise: tagging", "tagging", "GetResources", nil, "tag:GetResources"},
		{"a source called otherwise: SES", "email", "ListIdentities", nil, "ses:ListIdentities"},
		{"a source called otherwise: RDS Data", "rdsdata", "ExecuteStatement", nil, "rds-data:ExecuteStatement"},
		{"a source called otherwise: Pinpoint", "pinpoint", "GetApps", nil, "mobiletargeting:GetApps"},
		{"a source called otherwise: Price List", "pricelist", "GetProducts", nil, "pricing:GetProducts"},
		{"a source with a dot: DynamoDB Streams", "streams.dynamodb", "GetRecords", nil, "*dynamodb:ReadDataForReplication, dynamodb:GetRecords"},
		{"a source with a dot: Lex", "runtime.lex", "PostText", nil, "lex:PostText"},
		{"Application Auto Scaling under autoscaling", "autoscaling", "RegisterScalableTarget", nil,
			"*application-autoscaling:TagResource, application-autoscaling:RegisterScalableTarget"},
		{"a name that both kinds of Auto Scaling have", "autoscaling", "PutScalingPolicy", nil, "*application-autoscaling:PutScalingPolicy, autoscaling:PutScalingPolicy"},
		{"tags of what is made, where the catalog doesn't say that they take an action", "codeartifact", "CreateDomain", params(fields{"domain": "d", "tags": []any{fields{"key": "a", "value": "b"}}}),
			"*codeartifact:TagResource, codeartifact:CreateDomain"},
		{"no tags of what is made", "codeartifact", "CreateDomain", params(fields{"domain": "tags"}), "codeartifact:CreateDomain"},
		{"tags of a copy of a key", "kms", "ReplicateKey", params(fields{"Tags": []any{}}), "*kms:TagResource, kms:ReplicateKey"},
		{"tags of what is looked for", "codeartifact", "ListDomains", params(fields{"tags": []any{}}), "codeartifact:ListDomains"},
		{"scaling plans under autoscaling", "autoscaling", "CreateScalingPlan", nil, "autoscaling-plans:CreateScalingPlan"},
		{"API Gateway's verbs", "apigateway", "GetRestApis", nil, "apigateway:GET"},
		{"API Gateway's verbs, several", "apigateway", "CreateStage", nil, "*apigateway:POST, *apigateway:PUT"},
		{"OpenSearch under es", "es", "CreateDomain", nil, "*es:AddTags, *es:CreateElasticsearchDomain, es:CreateDomain"},
		{"OpenSearch's older names", "es", "DescribeElasticsearchDomain", nil, "*es:DescribeDomain, es:DescribeElasticsearchDomain"},
		{"S3's operation with another name", "s3", "HeadBucket", nil, "s3:ListBucket"},
		{"S3's operation with several actions", "s3", "HeadObject", nil, "*s3-object-lambda:GetObject, *s3:GetObjectLegalHold, *s3:GetObjectRetention, s3:GetObject"},
		{"S3's copy needs two", "s3", "UploadPartCopy", nil, "*s3:GetObjectVersion, s3:GetObject, s3:PutObject"},
		{"S3's own spelling in the log", "s3", "GetAccelerateConfiguration", nil, "s3:GetAccelerateConfiguration"},
		{"S3's own spelling of the public access block", "s3", "GetBucketPublicAccessBlock", nil, "s3:GetBucketPublicAccessBlock"},
		{"S3's own spelling of the object lock", "s3", "GetBucketObjectLockConfiguration", nil, "s3:GetBucketObjectLockConfiguration"},
		{"S3's event without an operation", "s3", "PutBucketLifecycleConfiguration", nil, "s3:PutLifecycleConfiguration"},
		{"S3's form upload", "s3", "PostObject", nil, "s3:PutObject"},
		{"Keyspaces", "cassandra", "CreateTable", nil, "*cassandra:CreateMultiRegionResource, *cassandra:TagResource, cassandra:Create"},
		{"Budgets", "budgets", "CreateBudget", nil, "*aws-portal:ModifyBilling, *budgets:TagResource, budgets:ModifyBudget"},
		{"DMS", "dms", "DescribeDataProviders", nil, "dms:ListDataProviders"},
		{"Glue, with an action that the list lacks", "glue", "CreatePartitionIndex", nil, "*glue:UpdateTable, glue:CreatePartitionIndex"},
		{"KMS ReEncrypt", "kms", "ReEncrypt", nil, "kms:ReEncryptFrom, kms:ReEncryptTo"},
		{"Lambda Invoke", "lambda", "Invoke", nil, "lambda:InvokeFunction"},
		{"SQS batch", "sqs", "SendMessageBatch", nil, "sqs:SendMessage"},
		{"SNS batch", "sns", "PublishBatch", nil, "sns:Publish"},
		{"DynamoDB transaction, unsaid", "dynamodb", "TransactWriteItems", nil,
			"*dynamodb:ConditionCheckItem, *dynamodb:DeleteItem, *dynamodb:PutItem, *dynamodb:UpdateItem"},
		{"DynamoDB transaction, said", "dynamodb", "TransactWriteItems", params(fields{"transactItems": []fields{
			{"put": fields{"tableName": "t"}}, {"update": fields{"tableName": "t"}}}}), "*dynamodb:PutItem, *dynamodb:UpdateItem"},
		{"PartiQL, unsaid", "dynamodb", "ExecuteStatement", nil,
			"*dynamodb:PartiQLDelete, *dynamodb:PartiQLInsert, *dynamodb:PartiQLSelect, *dynamodb:PartiQLUpdate"},
		{"PartiQL, said", "dynamodb", "ExecuteStatement", params(fields{"statement": "select * from t"}), "dynamodb:PartiQLSelect"},
		{"PartiQL, hidden", "dynamodb", "ExecuteStatement", params(fields{"statement": "***"}),
			"*dynamodb:PartiQLDelete, *dynamodb:PartiQLInsert, *dynamodb:PartiQLSelect, *dynamodb:PartiQLUpdate"},
		{"PartiQL batch, one hidden", "dynamodb", "BatchExecuteStatement",
			params(fields{"statements": []fields{{"statement": "SELECT 1"}, {"statement": "?"}}}),
			"*dynamodb:PartiQLDelete, *dynamodb:PartiQLInsert, *dynamodb:PartiQLSelect, *dynamodb:PartiQLUpdate"},
		{"PartiQL batch", "dynamodb", "BatchExecuteStatement",
			params(fields{"statements": []fields{{"statement": "SELECT 1"}, {"statement": "DELETE\tFROM t"}}}),
			"*dynamodb:PartiQLDelete, *dynamodb:PartiQLSelect"},
		{"an S3 object", "s3", "DeleteObject", object, "*s3-object-lambda:DeleteObject, *s3:BypassGovernanceRetention object, *s3:DeleteObjectVersion object, s3:DeleteObject object"},
		{"a bucket by its name", "s3", "GetBucketAcl", params(fields{"bucketName": "shop"}), "s3:GetBucketAcl bucket"},
		{"an object by its name", "s3", "GetObjectAcl", params(fields{"bucketName": "shop", "key": "a/b"}), "*s3-object-lambda:GetObjectAcl, *s3:GetObjectVersionAcl object, s3:GetObjectAcl object"},
		{"a function by its ARN", "lambda", "Invoke", resources(fields{"type": "AWS::Lambda::Function", "ARN": "arn:aws:lambda:eu-west-1:111122223333:function:f"}), "lambda:InvokeFunction function"},
		{"a function by its name", "lambda", "Invoke", params(fields{"functionName": "f"}), "lambda:InvokeFunction function"},
		{"a function by its account and name", "lambda", "Invoke", params(fields{"functionName": "111122223333:function:f"}), "lambda:InvokeFunction function"},
		{"a table by its name", "dynamodb", "DescribeTable", params(fields{"tableName": "t"}), "*dynamodb:ReadDataForReplication table, *dynamodb:ReplicateSettings table, dynamodb:DescribeTable table"},
		{"the most specific type that the action takes", "dynamodb", "Query",
			resources(fields{"ARN": "arn:aws:dynamodb:eu-west-1:111122223333:table/t/index/i"}), "dynamodb:Query index"},
		{"a topic by its ARN in a parameter", "sns", "Publish", params(fields{"topicArn": "arn:aws:sns:eu-west-1:111122223333:t"}), "sns:Publish topic"},
		{"an ARN of another service", "sns", "Publish", params(fields{"topicArn": "arn:aws:sqs:eu-west-1:111122223333:t"}), "sns:Publish"},
		{"a call that passes a role", "lambda", "CreateFunction20150331", params(fields{"functionName": "f", "role": role}),
			"*iam:PassRole role, *lambda:GetLayerVersion, *lambda:PassCapacityProvider, *lambda:TagResource function, lambda:CreateFunction function"},
		{"a call that passes a role deep inside", "ecs", "RunTask", params(fields{"overrides": fields{"taskRoleArn": role}}), "*ecs:TagResource, *iam:PassRole role, ecs:RunTask"},
		{"a call that passes an instance profile", "ec2", "RunInstances", params(fields{"iamInstanceProfile": fields{"name": "web"}}), "*ec2:CreateTags, *iam:PassRole, ec2:RunInstances"},
		{"a call that passes a role by its bare name", "elasticmapreduce", "RunJobFlow", params(fields{"serviceRole": "EMR_DefaultRole"}), "*elasticmapreduce:AddTags, *iam:PassRole, elasticmapreduce:RunJobFlow"},
		{"a call that names a role and doesn't pass it", "sts", "AssumeRole", params(fields{"roleArn": role}), "*sts:SetContext role, *sts:SetSourceIdentity role, *sts:TagSession role, sts:AssumeRole role"},
		{"a call that could pass a role and doesn't", "ec2", "RunInstances", params(fields{"imageId": "ami-1"}), "*ec2:CreateTags, ec2:RunInstances"},
		{"an operation that the catalog has no list for, given a role", "private-networks", "ActivateNetworkSite", params(fields{"roleArn": role}), "*iam:PassRole role, private-networks:ActivateNetworkSite"},
		{"the most specific type, whatever it is called", "elasticloadbalancing", "AddTags",
			params(fields{"resourceArns": []string{"arn:aws:elasticloadbalancing:eu-west-1:111122223333:loadbalancer/app/x/1"}}), "elasticloadbalancing:AddTags loadbalancer/app/"},
		{"a role's name in escapes", "lambda", "UpdateFunctionConfiguration", params(fields{"role": "arn:aws:iam::111122223333:role/<app>"}),
			"*iam:PassRole role, *lambda:GetLayerVersion, *lambda:PassCapacityProvider, lambda:UpdateFunctionConfiguration"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tally := read(t, cloudtrail.Options{}, log(call(tt.source, tt.event, tt.changes)))
			if diff := cmp.Diff(tt.want, strings.Join(actions(tally.Uses()), ", ")); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
			if c := tally.Coverage(); c.Records.Used != 1 || len(c.Broken) > 0 {
				t.Errorf("records: %+v, broken: %v", c.Records, c.Broken)
			}
		})
	}
}

func TestEventsWithoutUse(t *testing.T) {
	service := fields{"userIdentity": fields{"type": "AWSService", "invokedBy": "ec2.amazonaws.com"}}
	tests := []struct {
		name   string
		record fields
		want   usage.RecordCounts
	}{
		{"a sign-in", call("signin", "ConsoleLogin", fields{"eventType": "AwsConsoleSignIn"}), usage.RecordCounts{Read: 1, NoPermission: 1}},
		{"a sign-in of another type", call("signin", "GetSigninToken"), usage.RecordCounts{Read: 1, NoPermission: 1}},
		{"a service event", call("kms", "RotateKey", fields{"eventType": "AwsServiceEvent"}), usage.RecordCounts{Read: 1, NoPermission: 1}},
		{"GetCallerIdentity", call("sts", "GetCallerIdentity"), usage.RecordCounts{Read: 1, NoPermission: 1}},
		{"GetSessionToken", call("sts", "GetSessionToken"), usage.RecordCounts{Read: 1, NoPermission: 1}},
		{"DynamoDB DescribeEndpoints", call("dynamodb", "DescribeEndpoints"), usage.RecordCounts{Read: 1, NoPermission: 1}},
		{"Insights", call("ec2", "RunInstances", fields{"eventCategory": "Insight"}), usage.RecordCounts{Read: 1, NoPermission: 1}},
		{"Insights without a category", call("ec2", "RunInstances", fields{"eventCategory": nil, "insightDetails": fields{"state": "Start"}}), usage.RecordCounts{Read: 1, NoPermission: 1}},
		{"a service's call", call("sts", "AssumeRole", service), usage.RecordCounts{Read: 1, NoPrincipal: 1}},
		{"an operation that nobody knows", call("codecatalyst", "CreateProject"), usage.RecordCounts{Read: 1, Unmapped: 1}},
		{"a service that nobody knows", call("nosuch", "Get"), usage.RecordCounts{Read: 1, Unmapped: 1}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tally := read(t, cloudtrail.Options{}, log(tt.record))
			if diff := cmp.Diff(tt.want, tally.Coverage().Records); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
			if uses := tally.Uses(); len(uses) > 0 {
				t.Errorf("uses: %v", uses)
			}
		})
	}
}

func TestUnmappedEventsAreListed(t *testing.T) {
	got := read(t, cloudtrail.Options{}, log(call("nosuch", "B"), call("runtime.lex", "C"), call("nosuch", "A"), call("nosuch", "B", fields{"eventTime": "2026-03-05T10:12:00Z"}))).Coverage().Unmapped
	want := []usage.Unmapped{
		{Event: "nosuch.amazonaws.com:A", Service: "nosuch", Count: 1, LastSeen: at("2026-03-05T10:11:12Z")},
		{Event: "nosuch.amazonaws.com:B", Service: "nosuch", Count: 2, LastSeen: at("2026-03-05T10:12:00Z")},
		{Event: "runtime.lex.amazonaws.com:C", Service: "lex", Count: 1, LastSeen: at("2026-03-05T10:11:12Z")},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestDeniedCallsCountAsUse(t *testing.T) {
	for code, want := range map[string]int{
		"AccessDenied": 1, "AccessDeniedException": 1, "Client.UnauthorizedOperation": 1, "UnauthorizedOperation": 1,
		"NoSuchKey": 0, "ThrottlingException": 0, "": 0,
	} {
		uses := read(t, cloudtrail.Options{}, log(call("ec2", "DescribeInstances", fields{"errorCode": code}))).Uses()
		if len(uses) != 1 || uses[0].Count != 1 || uses[0].Denied != want {
			t.Errorf("%q: %+v, want 1 use, %d denied", code, uses, want)
		}
	}
}

func TestPassedRole(t *testing.T) {
	const role = "arn:aws:iam::111122223333:role/app"
	uses := read(t, cloudtrail.Options{}, log(call("ecs", "RunTask", params(fields{"overrides": fields{"taskRoleArn": role}}), fields{"errorCode": "AccessDenied"}))).Uses()
	var got []usage.Use
	for _, u := range uses {
		if u.Inferred {
			got = append(got, u)
		}
	}
	seen := at("2026-03-05T10:11:12Z")
	want := []usage.Use{{Principal: ann, Action: "iam:PassRole", ResourceType: "role", Day: "2026-03-05", Count: 1, Denied: 1, FirstSeen: seen, LastSeen: seen, Inferred: true, Resources: []string{role}}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// Each operation of the catalog leads to all that it may be checked for, but for
// iam:PassRole, which it takes a role for.
func TestAllOperationsOfTheCatalog(t *testing.T) {
	m := mapper()
	n := 0
	for _, s := range catalog.Embedded().Services() {
		for _, op := range s.Details().Operations {
			needed, free, _ := m.Needed(s.Prefix+".amazonaws.com", op.Name)
			for _, a := range op.Authorized {
				if _, ok := needed[a.Service+":"+a.Name]; !ok && !free && a.Service+":"+a.Name != "iam:PassRole" {
					t.Errorf("%s:%s: %v, want %s:%s among them", s.Prefix, op.Name, needed, a.Service, a.Name)
				}
				n++
			}
		}
	}
	if n < 10000 {
		t.Errorf("%d pairs of an operation and an action: want the whole catalog", n)
	}
}
