package serve_test

import (
	"context"
	"slices"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/accessanalyzer"
	"github.com/aws/aws-sdk-go-v2/service/accessanalyzer/types"
	"github.com/aws/aws-sdk-go-v2/service/securityhub"

	"github.com/pare-iam/pare/internal/jobs"
	"github.com/pare-iam/pare/internal/login"
	"github.com/pare-iam/pare/internal/store"
	"github.com/pare-iam/pare/internal/wire"
)

const unknownID = "00000000-0000-0000-0000-000000000000"

// clients are those of the services whose operations are served.
type clients struct {
	*accessanalyzer.Client
	hub *securityhub.Client
}

// asked is an operation about something that isn't there, and the least role that may ask.
type asked struct {
	least store.UserRole
	ask   func(context.Context, clients) error
}

// operations are all that are served about one thing.
func operations() map[string]asked {
	arn, name, rule := aws.String("arn:aws:access-analyzer:us-east-1:111122223333:analyzer/none"), aws.String("none"), aws.String("none")
	filter := map[string]types.Criterion{"id": {Eq: []string{"1"}}}
	return map[string]asked{
		"GetArchiveRule": {store.Viewer, func(ctx context.Context, c clients) error {
			_, err := c.GetArchiveRule(ctx, &accessanalyzer.GetArchiveRuleInput{AnalyzerName: name, RuleName: rule})
			return err
		}},
		"ListArchiveRules": {store.Viewer, func(ctx context.Context, c clients) error {
			_, err := c.ListArchiveRules(ctx, &accessanalyzer.ListArchiveRulesInput{AnalyzerName: name})
			return err
		}},
		"GetFindingV2": {store.Viewer, func(ctx context.Context, c clients) error {
			_, err := c.GetFindingV2(ctx, &accessanalyzer.GetFindingV2Input{AnalyzerArn: arn, Id: aws.String(unknownID)})
			return err
		}},
		"GetFindingsStatistics": {store.Viewer, func(ctx context.Context, c clients) error {
			_, err := c.GetFindingsStatistics(ctx, &accessanalyzer.GetFindingsStatisticsInput{AnalyzerArn: arn})
			return err
		}},
		"ListTagsForResource": {store.Viewer, func(ctx context.Context, c clients) error {
			_, err := c.ListTagsForResource(ctx, &accessanalyzer.ListTagsForResourceInput{ResourceArn: arn})
			return err
		}},
		"GetRecommendedPolicyV2": {store.Viewer, func(ctx context.Context, c clients) error {
			_, err := c.hub.GetRecommendedPolicyV2(ctx, &securityhub.GetRecommendedPolicyV2Input{MetadataUid: aws.String(unknownID)})
			return err
		}},
		"GenerateRecommendedPolicyV2": {store.Operator, func(ctx context.Context, c clients) error {
			_, err := c.hub.GenerateRecommendedPolicyV2(ctx, &securityhub.GenerateRecommendedPolicyV2Input{MetadataUid: aws.String(unknownID)})
			return err
		}},
		"GetAnalyzer": {store.Viewer, func(ctx context.Context, c clients) error {
			_, err := c.GetAnalyzer(ctx, &accessanalyzer.GetAnalyzerInput{AnalyzerName: name})
			return err
		}},
		"ListFindingsV2": {store.Viewer, func(ctx context.Context, c clients) error {
			_, err := c.ListFindingsV2(ctx, &accessanalyzer.ListFindingsV2Input{AnalyzerArn: arn})
			return err
		}},
		"GetFindingRecommendation": {store.Viewer, func(ctx context.Context, c clients) error {
			_, err := c.GetFindingRecommendation(ctx, &accessanalyzer.GetFindingRecommendationInput{AnalyzerArn: arn, Id: aws.String(unknownID)})
			return err
		}},
		"UpdateFindings": {store.Reviewer, func(ctx context.Context, c clients) error {
			_, err := c.UpdateFindings(ctx, &accessanalyzer.UpdateFindingsInput{AnalyzerArn: arn, Ids: []string{unknownID}, Status: types.FindingStatusUpdateActive})
			return err
		}},
		"GenerateFindingRecommendation": {store.Operator, func(ctx context.Context, c clients) error {
			_, err := c.GenerateFindingRecommendation(ctx, &accessanalyzer.GenerateFindingRecommendationInput{AnalyzerArn: arn, Id: aws.String(unknownID)})
			return err
		}},
		"CreateArchiveRule": {store.Operator, func(ctx context.Context, c clients) error {
			_, err := c.CreateArchiveRule(ctx, &accessanalyzer.CreateArchiveRuleInput{AnalyzerName: name, RuleName: rule, Filter: filter})
			return err
		}},
		"UpdateArchiveRule": {store.Operator, func(ctx context.Context, c clients) error {
			_, err := c.UpdateArchiveRule(ctx, &accessanalyzer.UpdateArchiveRuleInput{AnalyzerName: name, RuleName: rule, Filter: filter})
			return err
		}},
		"ApplyArchiveRule": {store.Operator, func(ctx context.Context, c clients) error {
			_, err := c.ApplyArchiveRule(ctx, &accessanalyzer.ApplyArchiveRuleInput{AnalyzerArn: arn, RuleName: rule})
			return err
		}},
		"DeleteArchiveRule": {store.Operator, func(ctx context.Context, c clients) error {
			_, err := c.DeleteArchiveRule(ctx, &accessanalyzer.DeleteArchiveRuleInput{AnalyzerName: name, RuleName: rule})
			return err
		}},
		"TagResource": {store.Operator, func(ctx context.Context, c clients) error {
			_, err := c.TagResource(ctx, &accessanalyzer.TagResourceInput{ResourceArn: arn, Tags: map[string]string{"a": "b"}})
			return err
		}},
		"UntagResource": {store.Operator, func(ctx context.Context, c clients) error {
			_, err := c.UntagResource(ctx, &accessanalyzer.UntagResourceInput{ResourceArn: arn, TagKeys: []string{"a"}})
			return err
		}},
		"UpdateAnalyzer": {store.Admin, func(ctx context.Context, c clients) error {
			_, err := c.UpdateAnalyzer(ctx, &accessanalyzer.UpdateAnalyzerInput{AnalyzerName: name})
			return err
		}},
		"DeleteAnalyzer": {store.Admin, func(ctx context.Context, c clients) error {
			_, err := c.DeleteAnalyzer(ctx, &accessanalyzer.DeleteAnalyzerInput{AnalyzerName: name})
			return err
		}},
		"DeleteServiceLinkedAnalyzer": {store.Admin, func(ctx context.Context, c clients) error {
			_, err := c.DeleteServiceLinkedAnalyzer(ctx, &accessanalyzer.DeleteServiceLinkedAnalyzerInput{AnalyzerName: aws.String("_AccessAnalyzerForX-1")})
			return err
		}},
	}
}

// general are the operations that are about nothing in particular: who may ask is answered.
func general() map[string]asked {
	policy, unused := aws.String(`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"sqs:SendMessage","Resource":"*"}}`), types.TypeAccountUnusedAccess
	identity := types.AccessCheckPolicyTypeIdentityPolicy
	return map[string]asked{
		"ListAnalyzers": {store.Viewer, func(ctx context.Context, c clients) error {
			_, err := c.ListAnalyzers(ctx, &accessanalyzer.ListAnalyzersInput{})
			return err
		}},
		"CheckNoNewAccess": {store.Viewer, func(ctx context.Context, c clients) error {
			_, err := c.CheckNoNewAccess(ctx, &accessanalyzer.CheckNoNewAccessInput{ExistingPolicyDocument: policy, NewPolicyDocument: policy, PolicyType: identity})
			return err
		}},
		"CheckAccessNotGranted": {store.Viewer, func(ctx context.Context, c clients) error {
			_, err := c.CheckAccessNotGranted(ctx, &accessanalyzer.CheckAccessNotGrantedInput{
				PolicyDocument: policy, PolicyType: identity, Access: []types.Access{{Actions: []string{"s3:GetObject"}}},
			})
			return err
		}},
		"CreateAnalyzer": {store.Admin, func(ctx context.Context, c clients) error {
			_, err := c.CreateAnalyzer(ctx, &accessanalyzer.CreateAnalyzerInput{AnalyzerName: aws.String("made"), Type: unused})
			return err
		}},
		"CreateServiceLinkedAnalyzer": {store.Admin, func(ctx context.Context, c clients) error {
			_, err := c.CreateServiceLinkedAnalyzer(ctx, &accessanalyzer.CreateServiceLinkedAnalyzerInput{Type: unused})
			return err
		}},
	}
}

// TestEachOperationAsksForItsRole asks for each operation as each role. Who may is told that
// there is no such thing, or answered.
func TestEachOperationAsksForItsRole(t *testing.T) {
	s := small(t)
	about, plain := operations(), general()
	for _, o := range wire.Operations() {
		if _, ok := about[o.Name]; !ok && o.Refused == "" {
			if _, ok := plain[o.Name]; !ok {
				t.Errorf("%s is served, and isn't asked here", o.Name)
			}
		}
	}
	for _, role := range login.Roles() {
		key := s.key(t, role)
		c := clients{
			accessanalyzer.New(accessanalyzer.Options{Region: region, BaseEndpoint: &s.url, Credentials: key}),
			securityhub.New(securityhub.Options{Region: region, BaseEndpoint: &s.url, Credentials: key}),
		}
		for found, all := range map[string]map[string]asked{"ResourceNotFoundException": about, "": plain} {
			for name, op := range all {
				want := "AccessDeniedException"
				if (login.Identity{Role: role}).May(op.least) {
					want = found
				}
				if got := codeOf(op.ask(t.Context(), c)); got != want {
					t.Errorf("%s as %s: got %s, want %s", name, role, got, want)
				}
			}
		}
	}
}

// TestAnAnalyzerOfAnotherPlaceIsNotFound has one in the database that was made when the server
// said that it is somewhere else.
func TestAnAnalyzerOfAnotherPlaceIsNotFound(t *testing.T) {
	s := small(t)
	c := s.client(t, store.Admin)
	for _, arn := range []string{"arn:aws:access-analyzer:eu-west-1:111122223333:analyzer/there", "arn:aws:access-analyzer:us-east-1:444455556666:analyzer/other"} {
		_, err := s.Store.CreateAnalyzer(t.Context(), store.By{Who: "test"}, store.NewAnalyzer{Analyzer: store.Analyzer{
			ARN: arn, Name: arn[len(arn)-5:], Type: store.AccountUnused, UnusedAge: 90, Status: "ACTIVE",
		}})
		must(t, err)
		_, err = c.GetAnalyzer(t.Context(), &accessanalyzer.GetAnalyzerInput{AnalyzerName: aws.String(arn[len(arn)-5:])})
		_, err2 := c.ListFindingsV2(t.Context(), &accessanalyzer.ListFindingsV2Input{AnalyzerArn: &arn})
		if codeOf(err) != "ResourceNotFoundException" || codeOf(err2) == "" {
			t.Errorf("%s: got %v, %v", arn, err, err2)
		}
	}
	got, err := c.ListAnalyzers(t.Context(), &accessanalyzer.ListAnalyzersInput{})
	must(t, err)
	if len(got.Analyzers) != 0 {
		t.Errorf("got %+v", got.Analyzers)
	}
}

func TestQuotas(t *testing.T) {
	s := small(t)
	c := s.client(t, store.Admin)
	made, err := c.CreateAnalyzer(t.Context(), analyzerInput())
	must(t, err)
	tags := map[string]string{}
	for i := range 50 {
		tags[string(rune('a'+i%26))+string(rune('a'+i/26))] = "x"
	}
	_, err = c.TagResource(t.Context(), &accessanalyzer.TagResourceInput{ResourceArn: made.Arn, Tags: tags}) // and "team"
	if codeOf(err) != "ServiceQuotaExceededException" {
		t.Errorf("51 tags: %v", err)
	}
	delete(tags, "aa")
	_, err = c.TagResource(t.Context(), &accessanalyzer.TagResourceInput{ResourceArn: made.Arn, Tags: tags})
	must(t, err)
	got, err := c.GetAnalyzer(t.Context(), &accessanalyzer.GetAnalyzerInput{AnalyzerName: aws.String("unused")})
	must(t, err)
	if len(got.Analyzer.Tags) != 50 {
		t.Errorf("%d tags", len(got.Analyzer.Tags))
	}
}

// TestAConfigurationThatChanges is seen, and the analyzer looks again.
func TestAConfigurationThatChanges(t *testing.T) {
	s := small(t)
	d := s.scanned(t)
	until(t, "the first scan is over", func() bool {
		all, err := s.Jobs.Jobs(t.Context(), store.Page{})
		must(t, err)
		return !slices.ContainsFunc(all.Items, func(j jobs.Job) bool { return j.Kind == "scan" && j.State != "done" })
	})
	c := s.client(t, store.Admin)
	_, err := c.UpdateAnalyzer(t.Context(), &accessanalyzer.UpdateAnalyzerInput{
		AnalyzerName: aws.String("unused-access"),
		Configuration: &types.AnalyzerConfigurationMemberUnusedAccess{Value: types.UnusedAccessConfiguration{
			UnusedAccessAge: aws.Int32(180), AnalysisRule: &types.AnalysisRule{Exclusions: []types.AnalysisRuleCriteria{{ResourceTags: []map[string]string{{"keep": ""}}}}},
		}},
	})
	must(t, err)
	got, err := c.GetAnalyzer(t.Context(), &accessanalyzer.GetAnalyzerInput{AnalyzerName: aws.String("unused-access")})
	must(t, err)
	cfg := got.Analyzer.Configuration.(*types.AnalyzerConfigurationMemberUnusedAccess).Value
	if *cfg.UnusedAccessAge != 180 || len(cfg.AnalysisRule.Exclusions) != 1 || len(cfg.AnalysisRule.Exclusions[0].ResourceTags) != 1 {
		t.Errorf("got %+v", cfg)
	}
	until(t, "it looks again, with the other window", func() bool {
		runs, err := s.Store.Runs(t.Context(), d.Analyzer, "", store.Page{Limit: 1})
		must(t, err)
		return runs.Items[0].State == store.Complete && runs.Items[0].WindowDays == 180
	})
}
