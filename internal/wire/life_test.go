package wire_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/accessanalyzer"
	"github.com/aws/aws-sdk-go-v2/service/accessanalyzer/types"
	"github.com/google/go-cmp/cmp"

	"github.com/pare-iam/pare/finding"
	"github.com/pare-iam/pare/policy"
)

// TestTheFullLifeThroughTheGoSDK makes an analyzer, reads its findings page by page, has a
// rule archive some, gets a recommendation and deletes it all.
func TestTheFullLifeThroughTheGoSDK(t *testing.T) {
	s := start(t)
	l := life{t, s.client(admin), ""}
	made, err := l.c.CreateAnalyzer(t.Context(), analyzerInput())
	l.must(err)
	l.arn = *made.Arn
	if want := "arn:aws:access-analyzer:us-east-1:111122223333:analyzer/unused"; l.arn != want {
		t.Errorf("got %s, want %s", l.arn, want)
	}
	got, err := l.c.GetAnalyzer(t.Context(), &accessanalyzer.GetAnalyzerInput{AnalyzerName: aws.String("unused")})
	l.must(err)
	unused, ok := got.Analyzer.Configuration.(*types.AnalyzerConfigurationMemberUnusedAccess)
	if !ok || *unused.Value.UnusedAccessAge != 90 || got.Analyzer.Status != types.AnalyzerStatusActive {
		t.Errorf("got %+v", got.Analyzer)
	}
	l.findings()
	l.rules()
	l.recommendation()
	_, err = l.c.DeleteAnalyzer(t.Context(), &accessanalyzer.DeleteAnalyzerInput{AnalyzerName: aws.String("unused")})
	l.must(err)
	_, err = l.c.GetAnalyzer(t.Context(), &accessanalyzer.GetAnalyzerInput{AnalyzerName: aws.String("unused")})
	if codeOf(err) != "ResourceNotFoundException" {
		t.Errorf("got %v", err)
	}
	if len(s.failures) > 0 {
		t.Errorf("reported: %+v", s.failures)
	}
}

// life is a test on its way.
type life struct {
	*testing.T
	c   *accessanalyzer.Client
	arn string
}

func (l life) must(err error) {
	l.Helper()
	if err != nil {
		l.Fatal(err)
	}
}

// list lists all findings that meet a filter, three at a time, sorted by resource.
func (l life) list(filter map[string]types.Criterion) []types.FindingSummaryV2 {
	l.Helper()
	var out []types.FindingSummaryV2
	pages := accessanalyzer.NewListFindingsV2Paginator(l.c, &accessanalyzer.ListFindingsV2Input{
		AnalyzerArn: &l.arn, Filter: filter, MaxResults: aws.Int32(3),
		Sort: &types.SortCriteria{AttributeName: aws.String("resource"), OrderBy: types.OrderByDesc},
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(l.Context())
		l.must(err)
		if len(page.Findings) > 3 {
			l.Errorf("a page has %d findings", len(page.Findings))
		}
		out = append(out, page.Findings...)
	}
	return out
}

// findings are those of the sample, all of them, in the order that was asked for.
func (l life) findings() {
	all := l.list(nil)
	var got, want []string
	for _, f := range all {
		got = append(got, *f.Id)
	}
	for _, f := range sample(l).findings {
		want = append(want, f.ID)
	}
	if diff := cmp.Diff(sorted(want), sorted(got)); diff != "" || len(got) < 20 {
		l.Errorf("findings: -want +got\n%s", diff)
	}
	if !slices.IsSortedFunc(all, func(a, b types.FindingSummaryV2) int { return strings.Compare(*b.Resource, *a.Resource) }) {
		l.Error("the findings aren't sorted by resource, the last first")
	}
	l.details(sample(l).about(l, announced))
	stats, err := l.c.GetFindingsStatistics(l.Context(), &accessanalyzer.GetFindingsStatisticsInput{AnalyzerArn: &l.arn})
	l.must(err)
	counted, ok := stats.FindingsStatistics[0].(*types.FindingsStatisticsMemberUnusedAccessFindingsStatistics)
	if !ok || int(*counted.Value.TotalActiveFindings) != len(want) || *counted.Value.TopAccounts[0].Account != sampleAccount {
		l.Errorf("got %+v, want %d active", stats.FindingsStatistics, len(want))
	}
}

func sorted(list []string) []string {
	out := slices.Clone(list)
	slices.Sort(out)
	return out
}

// details reads a finding's details one service at a time.
func (l life) details(want finding.Finding) {
	l.Helper()
	var got []finding.Permissions
	pages := accessanalyzer.NewGetFindingV2Paginator(l.c, &accessanalyzer.GetFindingV2Input{AnalyzerArn: &l.arn, Id: &want.ID, MaxResults: aws.Int32(1)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(l.Context())
		l.must(err)
		for _, d := range page.FindingDetails {
			p, ok := d.(*types.FindingDetailsMemberUnusedPermissionDetails)
			if !ok {
				l.Fatalf("got %T", d)
			}
			service := finding.Permissions{Namespace: *p.Value.ServiceNamespace, LastAccessed: aws.ToTime(p.Value.LastAccessed)}
			for _, a := range p.Value.Actions {
				service.Actions = append(service.Actions, finding.Action{Name: service.Namespace + ":" + *a.Action, LastAccessed: aws.ToTime(a.LastAccessed)})
			}
			got = append(got, service)
		}
	}
	if diff := cmp.Diff(plain(want.Permissions), got); diff != "" {
		l.Errorf("details: -want +got\n%s", diff)
	}
}

// plain is what AWS's shape has of permissions.
func plain(all []finding.Permissions) []finding.Permissions {
	var out []finding.Permissions
	for _, p := range all {
		service := finding.Permissions{Namespace: p.Namespace, LastAccessed: p.LastAccessed.Truncate(time.Millisecond)}
		for _, a := range p.Actions {
			service.Actions = append(service.Actions, finding.Action{Name: a.Name, LastAccessed: a.LastAccessed.Truncate(time.Millisecond)})
		}
		out = append(out, service)
	}
	return out
}

// rules makes a rule archive what is about users, changes it, and deletes it.
func (l life) rules() {
	name, rule := aws.String("unused"), aws.String("users")
	users := map[string]types.Criterion{"resourceType": {Eq: []string{"AWS::IAM::User"}}}
	_, err := l.c.CreateArchiveRule(l.Context(), &accessanalyzer.CreateArchiveRuleInput{AnalyzerName: name, RuleName: rule, Filter: users})
	l.must(err)
	_, err = l.c.ApplyArchiveRule(l.Context(), &accessanalyzer.ApplyArchiveRuleInput{AnalyzerArn: &l.arn, RuleName: rule})
	l.must(err)
	archived := l.list(map[string]types.Criterion{"status": {Eq: []string{"ARCHIVED"}}})
	if len(archived) == 0 || slices.ContainsFunc(archived, func(f types.FindingSummaryV2) bool { return f.ResourceType != types.ResourceTypeAwsIamUser }) {
		l.Errorf("archived: %d", len(archived))
	}
	_, err = l.c.UpdateFindings(l.Context(), &accessanalyzer.UpdateFindingsInput{AnalyzerArn: &l.arn, ResourceArn: archived[0].Resource, Status: types.FindingStatusUpdateActive})
	l.must(err)
	if after := l.list(map[string]types.Criterion{"status": {Neq: []string{"ACTIVE"}}}); len(after) >= len(archived) {
		l.Errorf("%d archived, want less than %d", len(after), len(archived))
	}
	roles := map[string]types.Criterion{"resource": {Contains: []string{":role/"}}, "findingType": {Neq: []string{"UnusedIAMRole"}}}
	_, err = l.c.UpdateArchiveRule(l.Context(), &accessanalyzer.UpdateArchiveRuleInput{AnalyzerName: name, RuleName: rule, Filter: roles})
	l.must(err)
	got, err := l.c.GetArchiveRule(l.Context(), &accessanalyzer.GetArchiveRuleInput{AnalyzerName: name, RuleName: rule})
	l.must(err)
	if diff := cmp.Diff(roles, got.ArchiveRule.Filter, cmp.FilterPath(func(p cmp.Path) bool { return p.String() == "noSmithyDocumentSerde" }, cmp.Ignore()), cmp.AllowUnexported(types.Criterion{})); diff != "" {
		l.Errorf("rule: -want +got\n%s", diff)
	}
	_, err = l.c.DeleteArchiveRule(l.Context(), &accessanalyzer.DeleteArchiveRuleInput{AnalyzerName: name, RuleName: rule})
	l.must(err)
	left, err := l.c.ListArchiveRules(l.Context(), &accessanalyzer.ListArchiveRulesInput{AnalyzerName: name})
	l.must(err)
	if len(left.ArchiveRules) != 0 {
		l.Errorf("%d rules are left", len(left.ArchiveRules))
	}
}

// recommendation asks for the one of AWS's announcement, and waits until it is there.
func (l life) recommendation() {
	id := aws.String(sample(l).about(l, announced).ID)
	in := &accessanalyzer.GetFindingRecommendationInput{AnalyzerArn: &l.arn, Id: id, MaxResults: aws.Int32(1)}
	_, err := l.c.GetFindingRecommendation(l.Context(), in)
	if codeOf(err) != "ResourceNotFoundException" {
		l.Errorf("before it was asked for: %v", err)
	}
	_, err = l.c.GenerateFindingRecommendation(l.Context(), &accessanalyzer.GenerateFindingRecommendationInput{AnalyzerArn: &l.arn, Id: id})
	l.must(err)
	var steps []types.UnusedPermissionsRecommendedStep
	seen := map[types.Status]bool{}
	for deadline := time.Now().Add(soon); !seen[types.StatusSucceeded] || in.NextToken != nil; {
		got, err := l.c.GetFindingRecommendation(l.Context(), in)
		l.must(err)
		if time.Now().After(deadline) || got.Status == types.StatusFailed {
			l.Fatalf("got %+v", got)
		}
		for _, step := range got.RecommendedSteps {
			steps = append(steps, step.(*types.RecommendedStepMemberUnusedPermissionsRecommendedStep).Value)
		}
		seen[got.Status], in.NextToken = true, got.NextToken
	}
	if !seen[types.StatusInProgress] {
		l.Error("it was never IN_PROGRESS")
	}
	want, err := sample(l).Recommend(announced)
	l.must(err)
	var got, expected []finding.Step
	for _, s := range steps {
		if s.RecommendedPolicy != nil {
			_, err := policy.Parse("recommended", []byte(*s.RecommendedPolicy))
			l.must(err)
		}
		got = append(got, finding.Step{
			Action: finding.StepAction(s.RecommendedAction), ExistingPolicyID: aws.ToString(s.ExistingPolicyId),
			RecommendedPolicy: aws.ToString(s.RecommendedPolicy), PolicyUpdatedAt: aws.ToTime(s.PolicyUpdatedAt),
		})
	}
	for _, s := range want.Steps {
		s.RecommendedName, s.PolicyUpdatedAt = "", s.PolicyUpdatedAt.Truncate(time.Millisecond)
		expected = append(expected, s)
	}
	if diff := cmp.Diff(expected, got); diff != "" || len(got) < 2 {
		l.Errorf("steps: -want +got\n%s", diff)
	}
}

func analyzerInput() *accessanalyzer.CreateAnalyzerInput {
	return &accessanalyzer.CreateAnalyzerInput{AnalyzerName: aws.String("unused"), Type: types.TypeAccountUnusedAccess}
}
