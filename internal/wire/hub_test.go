package wire_test

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/securityhub"
	"github.com/aws/aws-sdk-go-v2/service/securityhub/types"
	"github.com/google/go-cmp/cmp"

	"github.com/pare-iam/pare/finding"
)

func (s *server) hub(o owner, client securityhub.HTTPClient) *securityhub.Client {
	return securityhub.New(securityhub.Options{
		Region: region, BaseEndpoint: &s.URL, Credentials: credentials.NewStaticCredentialsProvider(o.key, o.secret(), ""), HTTPClient: client,
	})
}

// TestSecurityHubsPair asks for a recommendation as Security Hub's clients do.
func TestSecurityHubsPair(t *testing.T) {
	s := start(t)
	if _, err := s.client(admin).CreateAnalyzer(t.Context(), analyzerInput()); err != nil {
		t.Fatal(err)
	}
	tap := &tap{client: s.Client()}
	hub, id := s.hub(admin, tap), aws.String(sample(t).about(t, announced).ID)
	get := func(next *string) (*securityhub.GetRecommendedPolicyV2Output, error) {
		out, err := hub.GetRecommendedPolicyV2(t.Context(), &securityhub.GetRecommendedPolicyV2Input{MetadataUid: id, MaxResults: aws.Int32(1), NextToken: next})
		if err == nil {
			for _, problem := range readModel(t, securityHubModel).check("GetRecommendedPolicyV2Output", tap.body) {
				t.Error(problem)
			}
		}
		return out, err
	}
	if _, err := get(nil); codeOf(err) != "ResourceNotFoundException" {
		t.Errorf("before it was asked for: %v", err)
	}
	if _, err := hub.GenerateRecommendedPolicyV2(t.Context(), &securityhub.GenerateRecommendedPolicyV2Input{MetadataUid: id}); err != nil {
		t.Fatal(err)
	}
	first, err := get(nil)
	if err != nil || first.Status != types.RecommendationStatusInProgress {
		t.Errorf("got %+v, %v", first, err)
	}
	r, err := sample(t).Recommend(announced)
	if err != nil {
		t.Fatal(err)
	}
	var next *string
	for i, want := range r.Steps {
		out, err := get(next)
		if err != nil {
			t.Fatal(err)
		}
		step, ok := out.RecommendationSteps[0].(*types.RecommendationStepMemberUnusedPermissions)
		if !ok || out.Status != types.RecommendationStatusSucceeded || len(out.RecommendationSteps) != 1 {
			t.Fatalf("got %+v", out)
		}
		got := []string{aws.ToString(step.Value.RecommendedAction), aws.ToString(step.Value.RecommendedPolicy), aws.ToString(step.Value.ExistingPolicyId)}
		if diff := cmp.Diff([]string{string(want.Action), want.RecommendedPolicy, want.ExistingPolicyID}, got); diff != "" {
			t.Errorf("step %d: -want +got\n%s", i, diff)
		}
		if aws.ToString(step.Value.ExistingPolicy) == "" {
			t.Errorf("step %d has no existing policy", i)
		}
		next = out.NextToken
	}
	if next != nil {
		t.Error("there is a page more")
	}
}

func TestSecurityHubsErrors(t *testing.T) {
	s := stand(t)
	role := sample(t).of(t, finding.UnusedIAMRole).ID
	for name, tt := range map[string]struct {
		request
		want string
	}{
		"a finding of another type":    {request{method: "POST", target: "/recommendedPolicyV2/" + role}, "400 InvalidInputException"},
		"a finding there isn't":        {request{method: "GET", target: "/recommendedPolicyV2/none"}, "404 ResourceNotFoundException"},
		"somebody else's":              {request{method: "GET", target: "/recommendedPolicyV2/" + role, by: stranger}, "404 ResourceNotFoundException"},
		"somebody without leave":       {request{method: "POST", target: "/recommendedPolicyV2/" + role, by: viewer}, "403 AccessDeniedException"},
		"more steps than there may be": {request{method: "GET", target: "/recommendedPolicyV2/" + role + "?MaxResults=101"}, "400 InvalidInputException"},
	} {
		tt.service = "securityhub"
		if got := brief(t, s.send(t, tt.request)); got != tt.want {
			t.Errorf("%s: got %s, want %s", name, got, tt.want)
		}
	}
}
