package wire_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/accessanalyzer"
	"github.com/aws/aws-sdk-go-v2/service/accessanalyzer/types"
	"github.com/aws/smithy-go"
	"github.com/google/go-cmp/cmp"

	"github.com/pare-iam/pare/finding"
	"github.com/pare-iam/pare/internal/wire"
)

// standing is a server with an analyzer that has a rule, tags, and a recommendation.
type standing struct {
	*server
	arn     string
	id      string // of a finding of unused permissions
	managed string // name of a service-linked analyzer
}

const (
	testAnalyzer = "unused"
	testRule     = "dev"
)

func stand(t testing.TB) standing {
	t.Helper()
	s := standing{server: start(t)}
	c, ctx := s.client(admin), t.Context()
	made, err := c.CreateAnalyzer(ctx, &accessanalyzer.CreateAnalyzerInput{
		AnalyzerName: aws.String(testAnalyzer), Type: types.TypeOrganizationUnusedAccess, Tags: map[string]string{"team": "security"},
		ArchiveRules: []types.InlineArchiveRule{{RuleName: aws.String(testRule), Filter: map[string]types.Criterion{"resource": {Contains: []string{"nobody"}}}}},
		Configuration: &types.AnalyzerConfigurationMemberUnusedAccess{Value: types.UnusedAccessConfiguration{
			UnusedAccessAge: aws.Int32(90),
			AnalysisRule:    &types.AnalysisRule{Exclusions: []types.AnalysisRuleCriteria{{AccountIds: []string{"222233334444"}, ResourceTags: []map[string]string{{"keep": ""}}}}},
		}},
	})
	if err != nil {
		t.Fatal(err)
	}
	s.arn, s.id = *made.Arn, sample(t).about(t, announced).ID
	linked, err := c.CreateServiceLinkedAnalyzer(ctx, &accessanalyzer.CreateServiceLinkedAnalyzerInput{Type: types.TypeAccountUnusedAccess})
	if err != nil {
		t.Fatal(err)
	}
	_, s.managed, _ = strings.Cut(*linked.Arn, "/")
	if _, err := c.GenerateFindingRecommendation(ctx, &accessanalyzer.GenerateFindingRecommendationInput{AnalyzerArn: &s.arn, Id: &s.id}); err != nil {
		t.Fatal(err)
	}
	if _, err := c.GetFindingRecommendation(ctx, &accessanalyzer.GetFindingRecommendationInput{AnalyzerArn: &s.arn, Id: &s.id}); err != nil {
		t.Fatal(err)
	}
	return s
}

// filter is a filter that any list and rule takes.
func filter() map[string]types.Criterion {
	return map[string]types.Criterion{"resource": {Contains: []string{"role/"}}}
}

// inputs are the inputs of all operations, by their names. What is refused gets what AWS
// would take.
func (s standing) inputs() map[string]any {
	str := aws.String
	name, rule, job := str(testAnalyzer), str(testRule), str("job")
	policy := str(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:GetObject","Resource":"*"}]}`)
	bucket := str("arn:aws:s3:::bucket")
	return map[string]any{
		"ApplyArchiveRule":              &accessanalyzer.ApplyArchiveRuleInput{AnalyzerArn: &s.arn, RuleName: rule},
		"CancelPolicyGeneration":        &accessanalyzer.CancelPolicyGenerationInput{JobId: job},
		"CheckAccessNotGranted":         &accessanalyzer.CheckAccessNotGrantedInput{PolicyDocument: policy, PolicyType: types.AccessCheckPolicyTypeIdentityPolicy, Access: []types.Access{{Actions: []string{"s3:*"}}}},
		"CheckNoNewAccess":              &accessanalyzer.CheckNoNewAccessInput{NewPolicyDocument: policy, ExistingPolicyDocument: policy, PolicyType: types.AccessCheckPolicyTypeIdentityPolicy},
		"CheckNoPublicAccess":           &accessanalyzer.CheckNoPublicAccessInput{PolicyDocument: policy, ResourceType: types.AccessCheckResourceTypeS3Bucket},
		"CreateAccessPreview":           &accessanalyzer.CreateAccessPreviewInput{AnalyzerArn: &s.arn, Configurations: map[string]types.Configuration{*bucket: &types.ConfigurationMemberS3Bucket{}}},
		"CreateAnalyzer":                &accessanalyzer.CreateAnalyzerInput{AnalyzerName: str("another"), Type: types.TypeAccountUnusedAccess},
		"CreateArchiveRule":             &accessanalyzer.CreateArchiveRuleInput{AnalyzerName: name, RuleName: str("more"), Filter: filter()},
		"CreateServiceLinkedAnalyzer":   &accessanalyzer.CreateServiceLinkedAnalyzerInput{Type: types.TypeOrganizationUnusedAccess},
		"DeleteAnalyzer":                &accessanalyzer.DeleteAnalyzerInput{AnalyzerName: name},
		"DeleteArchiveRule":             &accessanalyzer.DeleteArchiveRuleInput{AnalyzerName: name, RuleName: rule},
		"DeleteServiceLinkedAnalyzer":   &accessanalyzer.DeleteServiceLinkedAnalyzerInput{AnalyzerName: &s.managed},
		"GenerateFindingRecommendation": &accessanalyzer.GenerateFindingRecommendationInput{AnalyzerArn: &s.arn, Id: &s.id},
		"GetAccessPreview":              &accessanalyzer.GetAccessPreviewInput{AnalyzerArn: &s.arn, AccessPreviewId: job},
		"GetAnalyzedResource":           &accessanalyzer.GetAnalyzedResourceInput{AnalyzerArn: &s.arn, ResourceArn: bucket},
		"GetAnalyzer":                   &accessanalyzer.GetAnalyzerInput{AnalyzerName: name},
		"GetArchiveRule":                &accessanalyzer.GetArchiveRuleInput{AnalyzerName: name, RuleName: rule},
		"GetFinding":                    &accessanalyzer.GetFindingInput{AnalyzerArn: &s.arn, Id: &s.id},
		"GetFindingRecommendation":      &accessanalyzer.GetFindingRecommendationInput{AnalyzerArn: &s.arn, Id: &s.id, MaxResults: aws.Int32(1)},
		"GetFindingV2":                  &accessanalyzer.GetFindingV2Input{AnalyzerArn: &s.arn, Id: &s.id, MaxResults: aws.Int32(2)},
		"GetFindingsStatistics":         &accessanalyzer.GetFindingsStatisticsInput{AnalyzerArn: &s.arn},
		"GetGeneratedPolicy":            &accessanalyzer.GetGeneratedPolicyInput{JobId: job},
		"ListAccessPreviewFindings":     &accessanalyzer.ListAccessPreviewFindingsInput{AnalyzerArn: &s.arn, AccessPreviewId: job},
		"ListAccessPreviews":            &accessanalyzer.ListAccessPreviewsInput{AnalyzerArn: &s.arn},
		"ListAnalyzedResources":         &accessanalyzer.ListAnalyzedResourcesInput{AnalyzerArn: &s.arn},
		"ListAnalyzers":                 &accessanalyzer.ListAnalyzersInput{MaxResults: aws.Int32(1)},
		"ListArchiveRules":              &accessanalyzer.ListArchiveRulesInput{AnalyzerName: name},
		"ListFindings":                  &accessanalyzer.ListFindingsInput{AnalyzerArn: &s.arn},
		"ListFindingsV2":                &accessanalyzer.ListFindingsV2Input{AnalyzerArn: &s.arn, Filter: filter(), MaxResults: aws.Int32(3)},
		"ListPolicyGenerations":         &accessanalyzer.ListPolicyGenerationsInput{},
		"ListTagsForResource":           &accessanalyzer.ListTagsForResourceInput{ResourceArn: &s.arn},
		"StartPolicyGeneration":         &accessanalyzer.StartPolicyGenerationInput{PolicyGenerationDetails: &types.PolicyGenerationDetails{PrincipalArn: str(announced)}},
		"StartResourceScan":             &accessanalyzer.StartResourceScanInput{AnalyzerArn: &s.arn, ResourceArn: bucket},
		"TagResource":                   &accessanalyzer.TagResourceInput{ResourceArn: &s.arn, Tags: map[string]string{"a": "b"}},
		"UntagResource":                 &accessanalyzer.UntagResourceInput{ResourceArn: &s.arn, TagKeys: []string{"team", "no such"}},
		"UpdateAnalyzer":                &accessanalyzer.UpdateAnalyzerInput{AnalyzerName: name, Configuration: &types.AnalyzerConfigurationMemberUnusedAccess{Value: types.UnusedAccessConfiguration{UnusedAccessAge: aws.Int32(30)}}},
		"UpdateArchiveRule":             &accessanalyzer.UpdateArchiveRuleInput{AnalyzerName: name, RuleName: rule, Filter: filter()},
		"UpdateFindings":                &accessanalyzer.UpdateFindingsInput{AnalyzerArn: &s.arn, Status: types.FindingStatusUpdateArchived, Ids: []string{s.id}},
		"ValidatePolicy":                &accessanalyzer.ValidatePolicyInput{PolicyDocument: policy, PolicyType: types.PolicyTypeIdentityPolicy},
	}
}

// refused are the operations that aren't served, and what their refusal speaks of. All
// others are served.
var refused = map[string]string{
	"CancelPolicyGeneration":    "policy generation",
	"CheckNoPublicAccess":       "public access",
	"CreateAccessPreview":       "access previews",
	"GetAccessPreview":          "access previews",
	"GetAnalyzedResource":       "external and internal access",
	"GetFinding":                "external and internal access",
	"GetGeneratedPolicy":        "policy generation",
	"ListAccessPreviewFindings": "access previews",
	"ListAccessPreviews":        "access previews",
	"ListAnalyzedResources":     "external and internal access",
	"ListFindings":              "external and internal access",
	"ListPolicyGenerations":     "policy generation",
	"StartPolicyGeneration":     "policy generation",
	"StartResourceScan":         "external and internal access",
	"ValidatePolicy":            "grammar and best practices",
}

// sdkOperations are the operations that the SDK's client has.
func sdkOperations() []string {
	var out []string
	for m := range reflect.TypeFor[*accessanalyzer.Client]().Methods() {
		if m.Type.NumIn() == 4 && m.Type.In(1) == reflect.TypeFor[context.Context]() {
			out = append(out, m.Name)
		}
	}
	return out
}

func TestEveryOperationOfTheSDKIsServedOrRefusedByName(t *testing.T) {
	if got := len(sdkOperations()); got != 39 {
		t.Errorf("the SDK has %d operations, want 39", got)
	}
	var listed []string
	for _, o := range wire.Operations() {
		if o.Service != "access-analyzer" {
			continue
		}
		listed = append(listed, o.Name)
		if _, no := refused[o.Name]; no != (o.Refused != "") {
			t.Errorf("%s: refused is %q", o.Name, o.Refused)
		}
	}
	if diff := cmp.Diff(sdkOperations(), listed); diff != "" {
		t.Errorf("operations: -SDK +served or refused\n%s", diff)
	}
	for _, name := range sdkOperations() {
		t.Run(name, func(t *testing.T) { walk(t, name) })
	}
}

// walk calls an operation through the SDK, and checks the answer against its model.
func walk(t *testing.T, name string) {
	s := stand(t)
	in, ok := s.inputs()[name]
	if !ok {
		t.Fatal("no input")
	}
	tap := &tap{client: s.Client()}
	out := reflect.ValueOf(s.client(admin)).MethodByName(name).Call([]reflect.Value{
		reflect.ValueOf(t.Context()), reflect.ValueOf(in),
		reflect.ValueOf(func(o *accessanalyzer.Options) { o.HTTPClient = tap }),
	})
	err, _ := out[1].Interface().(error)
	if why, no := refused[name]; no {
		checkRefusal(t, err, name, why)
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	for _, problem := range readModel(t, accessAnalyzerModel).check(name+"Output", tap.body) {
		t.Error(problem)
	}
}

func checkRefusal(t *testing.T, err error, name, why string) {
	t.Helper()
	invalid, ok := errors.AsType[*types.ValidationException](err)
	if !ok || invalid.Reason != types.ValidationExceptionReasonNotSupported || !strings.Contains(invalid.ErrorMessage(), why) || !strings.HasPrefix(invalid.ErrorMessage(), name+" ") {
		t.Errorf("got %v, want a ValidationException that speaks of %q", err, why)
	}
}

// tap keeps the last answer's body.
type tap struct {
	client *http.Client
	body   []byte
}

func (p *tap) Do(r *http.Request) (*http.Response, error) {
	res, err := p.client.Do(r)
	if err != nil {
		return nil, err
	}
	p.body, err = io.ReadAll(res.Body)
	if err := errors.Join(err, res.Body.Close()); err != nil {
		return nil, err
	}
	res.Body = io.NopCloser(strings.NewReader(string(p.body)))
	return res, nil
}

func TestEveryTypeOfFindingHasTheModelsShape(t *testing.T) {
	s := stand(t)
	m := readModel(t, accessAnalyzerModel)
	for _, typ := range finding.Types() {
		f := sample(t).of(t, typ)
		tap := &tap{client: s.Client()}
		got, err := s.client(admin).GetFindingV2(t.Context(), &accessanalyzer.GetFindingV2Input{AnalyzerArn: &s.arn, Id: &f.ID},
			func(o *accessanalyzer.Options) { o.HTTPClient = tap })
		if err != nil {
			t.Fatal(err)
		}
		if string(got.FindingType) != string(typ) || *got.Resource != f.Resource || len(got.FindingDetails) == 0 {
			t.Errorf("%s: got %+v", typ, got)
		}
		for _, problem := range m.check("GetFindingV2Output", tap.body) {
			t.Errorf("%s: %s", typ, problem)
		}
	}
}

func TestActionsAreIAMs(t *testing.T) {
	var got []string
	for _, o := range wire.Operations() {
		if slices.Contains([]string{"GetFindingV2", "ListFindingsV2", "TagResource", "GetRecommendedPolicyV2"}, o.Name) {
			got = append(got, o.Action())
		}
	}
	want := []string{"access-analyzer:GetFinding", "access-analyzer:ListFindings", "access-analyzer:TagResource", "securityhub:GetRecommendedPolicyV2"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

// codeOf is AWS's code of an SDK's error.
func codeOf(err error) string {
	if e, ok := errors.AsType[smithy.APIError](err); ok {
		return e.ErrorCode()
	}
	return ""
}
