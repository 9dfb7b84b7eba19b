package wire_test

import (
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/accessanalyzer"
	"github.com/aws/aws-sdk-go-v2/service/accessanalyzer/types"
	"github.com/aws/aws-sdk-go-v2/service/securityhub"
	"github.com/google/go-cmp/cmp"

	"github.com/pare-iam/pare/finding"
	"github.com/pare-iam/pare/internal/wire"
)

// put gives the finding a recommendation that is done.
func (s standing) put(r wire.Recommendation, started time.Time) {
	r.Resource, r.StartedAt = announced, started
	r.CompletedAt = r.StartedAt.Add(time.Second)
	s.backend.analyzers[wire.Ref{Account: sampleAccount, Name: testAnalyzer}].recommendations[s.id] = &asked{Recommendation: r, looks: 2}
}

func (s standing) recommendation(t testing.TB, next *string) (*accessanalyzer.GetFindingRecommendationOutput, error) {
	t.Helper()
	return s.client(admin).GetFindingRecommendation(t.Context(), &accessanalyzer.GetFindingRecommendationInput{AnalyzerArn: &s.arn, Id: &s.id, MaxResults: aws.Int32(1), NextToken: next})
}

// TestStepsOfGroupsAreNotTakenForTheUsers has a user with a policy of their own and one of
// a group: AWS recommends nothing for them.
func TestStepsOfGroupsAreNotTakenForTheUsers(t *testing.T) {
	s := stand(t)
	s.put(wire.Recommendation{Recommendation: finding.Recommendation{Outcome: finding.Succeeded, Steps: []finding.Step{
		{Action: finding.DetachPolicy, ExistingPolicyID: "of-the-group", Group: "arn:aws:iam::111122223333:group/ops"},
		{Action: finding.DetachPolicy, ExistingPolicyID: "own", PolicyUpdatedAt: now()},
	}}}, now())
	got, err := s.recommendation(t, nil)
	if err != nil {
		t.Fatal(err)
	}
	step, ok := got.RecommendedSteps[0].(*types.RecommendedStepMemberUnusedPermissionsRecommendedStep)
	if !ok || len(got.RecommendedSteps) != 1 || *step.Value.ExistingPolicyId != "own" || step.Value.PolicyUpdatedAt == nil || got.NextToken != nil {
		t.Errorf("got %+v", got.RecommendedSteps)
	}
	want := "FAILED USER_IN_GROUP Some of the permissions come from policies of arn:aws:iam::111122223333:group/ops, which others may have too: 'pare recommend' has the steps for them."
	if diff := cmp.Diff(want, string(got.Status)+" "+*got.Error.Code+" "+*got.Error.Message); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

func TestARecommendationThatFailedSaysWhy(t *testing.T) {
	s := stand(t)
	failed := wire.Recommendation{Recommendation: finding.Recommendation{Outcome: finding.Failed, Error: "not proved"}}
	for _, code := range []string{"", "NOT_PROVED"} {
		failed.ErrorCode = code
		s.put(failed, now())
		got, err := s.recommendation(t, nil)
		if err != nil {
			t.Fatal(err)
		}
		if code == "" {
			code = "FAILED"
		}
		if got.Status != types.StatusFailed || *got.Error.Code != code || *got.Error.Message != "not proved" {
			t.Errorf("got %+v", got)
		}
	}
	out, err := s.hub(admin, s.Client()).GetRecommendedPolicyV2(t.Context(), &securityhub.GetRecommendedPolicyV2Input{MetadataUid: &s.id})
	if err != nil || out.Status != "FAILED" || *out.Error.Code != "NOT_PROVED" || *out.Error.Message != "not proved" {
		t.Errorf("got %+v, %v", out, err)
	}
}

func TestATokenIsOfOneRecommendation(t *testing.T) {
	s := stand(t)
	two := wire.Recommendation{Recommendation: finding.Recommendation{Outcome: finding.Succeeded, Steps: []finding.Step{
		{Action: finding.DetachPolicy, ExistingPolicyID: "a"}, {Action: finding.DetachPolicy, ExistingPolicyID: "b"},
	}}}
	s.put(two, now())
	first, err := s.recommendation(t, nil)
	if err != nil || first.NextToken == nil {
		t.Fatalf("got %+v, %v", first, err)
	}
	if _, err := s.recommendation(t, first.NextToken); err != nil {
		t.Error(err)
	}
	s.put(two, now().Add(time.Hour))
	if _, err := s.recommendation(t, first.NextToken); codeOf(err) != "ValidationException" {
		t.Errorf("of another recommendation: %v", err)
	}
}
