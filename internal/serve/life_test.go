package serve_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/accessanalyzer"
	"github.com/aws/aws-sdk-go-v2/service/accessanalyzer/types"
	"github.com/google/go-cmp/cmp"

	"github.com/pare-iam/pare/internal/store"
	"github.com/pare-iam/pare/internal/store/storetest"
	"github.com/pare-iam/pare/policy"
)

// announced is the role of AWS's announcement.
const announced = "arn:aws:iam::111122223333:role/MyRole"

// TestTheLifeOfAnAnalyzer makes an analyzer with AWS's SDK, has it scan the sample account,
// reads, archives and recommends, and deletes it, on each database.
func TestTheLifeOfAnAnalyzer(t *testing.T) {
	storetest.Each(t, func(t *testing.T, url string) {
		s := start(t, configured(t, url))
		l := &life{t, s.client(t, store.Admin), ""}
		l.create()
		var all []types.FindingSummaryV2
		until(t, "the first scan is complete", func() bool {
			all = l.list(nil)
			return len(all) > 0
		})
		l.lists(all)
		f := l.about(announced)
		l.details(f)
		l.recommendation(f)
		l.rules()
		l.archives(f)
		l.tags()
		l.statistics(len(all))
		l.end()
		if strings.Contains(s.log.String(), "request failed") {
			t.Error(s.log.String())
		}
	})
}

// life is a test on its way.
type life struct {
	*testing.T
	c   *accessanalyzer.Client
	arn string
}

func (l *life) must(err error) {
	l.Helper()
	must(l, err)
}

func analyzerInput() *accessanalyzer.CreateAnalyzerInput {
	return &accessanalyzer.CreateAnalyzerInput{
		AnalyzerName: aws.String("unused"), Type: types.TypeAccountUnusedAccess, ClientToken: aws.String("first"), Tags: map[string]string{"team": "a"},
		Configuration: &types.AnalyzerConfigurationMemberUnusedAccess{Value: types.UnusedAccessConfiguration{UnusedAccessAge: aws.Int32(90)}},
	}
}

// create makes the analyzer, asks again with the same token, and with the token of another
// request.
func (l *life) create() {
	made, err := l.c.CreateAnalyzer(l.Context(), analyzerInput())
	l.must(err)
	l.arn = *made.Arn
	if want := "arn:aws:access-analyzer:us-east-1:111122223333:analyzer/unused"; l.arn != want {
		l.Errorf("got %s, want %s", l.arn, want)
	}
	again, err := l.c.CreateAnalyzer(l.Context(), analyzerInput())
	l.must(err)
	if *again.Arn != l.arn {
		l.Errorf("asked again: got %s", *again.Arn)
	}
	other := analyzerInput()
	other.Tags = nil
	_, reused := l.c.CreateAnalyzer(l.Context(), other)
	other.ClientToken = aws.String("second")
	_, taken := l.c.CreateAnalyzer(l.Context(), other)
	if diff := cmp.Diff([]string{"ConflictException", "ConflictException"}, []string{codeOf(reused), codeOf(taken)}); diff != "" {
		l.Errorf("token reused, name taken: -want +got\n%s", diff)
	}
	got, err := l.c.GetAnalyzer(l.Context(), &accessanalyzer.GetAnalyzerInput{AnalyzerName: aws.String("unused")})
	l.must(err)
	if got.Analyzer.Status != types.AnalyzerStatusActive || got.Analyzer.Tags["team"] != "a" {
		l.Errorf("got %+v", got.Analyzer)
	}
}

// list lists findings, seven at a time, sorted by resource, the last first.
func (l *life) list(filter map[string]types.Criterion) []types.FindingSummaryV2 {
	l.Helper()
	var out []types.FindingSummaryV2
	pages := accessanalyzer.NewListFindingsV2Paginator(l.c, &accessanalyzer.ListFindingsV2Input{
		AnalyzerArn: &l.arn, Filter: filter, MaxResults: aws.Int32(7),
		Sort: &types.SortCriteria{AttributeName: aws.String("resource"), OrderBy: types.OrderByDesc},
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(l.Context())
		l.must(err)
		out = append(out, page.Findings...)
	}
	return out
}

func (l *life) lists(all []types.FindingSummaryV2) {
	if !slices.IsSortedFunc(all, func(a, b types.FindingSummaryV2) int { return strings.Compare(*b.Resource, *a.Resource) }) {
		l.Error("the findings aren't sorted by resource, the last first")
	}
	ids := map[string]bool{}
	for _, f := range all {
		ids[*f.Id] = true
	}
	if len(ids) != len(all) || len(all) < 20 {
		l.Errorf("%d findings with %d IDs", len(all), len(ids))
	}
	for _, key := range []string{"analyzedAt", "createdAt", "findingType", "id", "resource", "resourceOwnerAccount", "resourceType", "status", "updatedAt"} {
		_, err := l.c.ListFindingsV2(l.Context(), &accessanalyzer.ListFindingsV2Input{AnalyzerArn: &l.arn, Sort: &types.SortCriteria{AttributeName: &key}})
		l.must(err)
	}
	listed, err := l.c.ListAnalyzers(l.Context(), &accessanalyzer.ListAnalyzersInput{Type: types.TypeAccountUnusedAccess})
	l.must(err)
	if len(listed.Analyzers) != 1 || *listed.Analyzers[0].Arn != l.arn {
		l.Errorf("got %+v", listed.Analyzers)
	}
}

// about is the finding of a resource's unused permissions.
func (l *life) about(resource string) types.FindingSummaryV2 {
	l.Helper()
	got := l.list(map[string]types.Criterion{"resource": {Eq: []string{resource}}, "findingType": {Eq: []string{"UnusedPermission"}}})
	if len(got) != 1 {
		l.Fatalf("%d findings about %s", len(got), resource)
	}
	return got[0]
}

func (l *life) details(f types.FindingSummaryV2) {
	services := 0
	pages := accessanalyzer.NewGetFindingV2Paginator(l.c, &accessanalyzer.GetFindingV2Input{AnalyzerArn: &l.arn, Id: f.Id, MaxResults: aws.Int32(1)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(l.Context())
		l.must(err)
		services += len(page.FindingDetails)
	}
	if services == 0 {
		l.Error("the finding has no details")
	}
	_, err := l.c.GetFindingV2(l.Context(), &accessanalyzer.GetFindingV2Input{AnalyzerArn: &l.arn, Id: aws.String("00000000-0000-0000-0000-000000000000")})
	if codeOf(err) != "ResourceNotFoundException" {
		l.Errorf("a finding that isn't there: %v", err)
	}
}

// recommendation asks for one, twice, and waits until it is there.
func (l *life) recommendation(f types.FindingSummaryV2) {
	in := &accessanalyzer.GetFindingRecommendationInput{AnalyzerArn: &l.arn, Id: f.Id}
	_, err := l.c.GetFindingRecommendation(l.Context(), in)
	if codeOf(err) != "ResourceNotFoundException" {
		l.Errorf("before it was asked for: %v", err)
	}
	for range 2 {
		_, err := l.c.GenerateFindingRecommendation(l.Context(), &accessanalyzer.GenerateFindingRecommendationInput{AnalyzerArn: &l.arn, Id: f.Id})
		l.must(err)
	}
	var got *accessanalyzer.GetFindingRecommendationOutput
	until(l, "the recommendation is there", func() bool {
		got, err = l.c.GetFindingRecommendation(l.Context(), in)
		l.must(err)
		return got.Status != types.StatusInProgress
	})
	if got.Status != types.StatusSucceeded || len(got.RecommendedSteps) == 0 || got.CompletedAt == nil {
		l.Fatalf("got %+v", got)
	}
	for _, step := range got.RecommendedSteps {
		s := step.(*types.RecommendedStepMemberUnusedPermissionsRecommendedStep).Value
		if s.RecommendedPolicy != nil {
			_, err := policy.Parse("recommended", []byte(*s.RecommendedPolicy))
			l.must(err)
		}
	}
	_, err = l.c.GenerateFindingRecommendation(l.Context(), &accessanalyzer.GenerateFindingRecommendationInput{AnalyzerArn: &l.arn, Id: l.ofType("UnusedIAMRole")})
	if codeOf(err) != "ValidationException" {
		l.Errorf("for an unused role: %v", err)
	}
}

func (l *life) ofType(t string) *string {
	l.Helper()
	return l.list(map[string]types.Criterion{"findingType": {Eq: []string{t}}})[0].Id
}

// rules has a rule archive what is about users, twice with one token, and deletes it.
func (l *life) rules() {
	name, rule := aws.String("unused"), aws.String("users")
	users := map[string]types.Criterion{"resourceType": {Eq: []string{"AWS::IAM::User"}}}
	create := &accessanalyzer.CreateArchiveRuleInput{AnalyzerName: name, RuleName: rule, Filter: users, ClientToken: aws.String("rule")}
	for range 2 {
		_, err := l.c.CreateArchiveRule(l.Context(), create)
		l.must(err)
	}
	create.ClientToken = nil
	_, err := l.c.CreateArchiveRule(l.Context(), create)
	if codeOf(err) != "ConflictException" {
		l.Errorf("a rule that is there: %v", err)
	}
	_, err = l.c.ApplyArchiveRule(l.Context(), &accessanalyzer.ApplyArchiveRuleInput{AnalyzerArn: &l.arn, RuleName: rule})
	l.must(err)
	archived := l.list(map[string]types.Criterion{"status": {Eq: []string{"ARCHIVED"}}})
	if len(archived) == 0 || slices.ContainsFunc(archived, func(f types.FindingSummaryV2) bool { return f.ResourceType != types.ResourceTypeAwsIamUser }) {
		l.Errorf("%d archived", len(archived))
	}
	roles := map[string]types.Criterion{"resource": {Contains: []string{":role/"}}}
	_, err = l.c.UpdateArchiveRule(l.Context(), &accessanalyzer.UpdateArchiveRuleInput{AnalyzerName: name, RuleName: rule, Filter: roles})
	l.must(err)
	got, err := l.c.GetArchiveRule(l.Context(), &accessanalyzer.GetArchiveRuleInput{AnalyzerName: name, RuleName: rule})
	l.must(err)
	if !slices.Equal(got.ArchiveRule.Filter["resource"].Contains, []string{":role/"}) || !got.ArchiveRule.UpdatedAt.After(*got.ArchiveRule.CreatedAt) {
		l.Errorf("got %+v", got.ArchiveRule)
	}
	_, err = l.c.DeleteArchiveRule(l.Context(), &accessanalyzer.DeleteArchiveRuleInput{AnalyzerName: name, RuleName: rule})
	l.must(err)
	_, err = l.c.DeleteArchiveRule(l.Context(), &accessanalyzer.DeleteArchiveRuleInput{AnalyzerName: name, RuleName: rule})
	if codeOf(err) != "ResourceNotFoundException" {
		l.Errorf("a rule that isn't there: %v", err)
	}
	left, err := l.c.ListArchiveRules(l.Context(), &accessanalyzer.ListArchiveRulesInput{AnalyzerName: name})
	l.must(err)
	if len(left.ArchiveRules) != 0 {
		l.Errorf("%d rules are left", len(left.ArchiveRules))
	}
	_, err = l.c.UpdateFindings(l.Context(), &accessanalyzer.UpdateFindingsInput{AnalyzerArn: &l.arn, ResourceArn: archived[0].Resource, Status: types.FindingStatusUpdateActive})
	l.must(err)
	if after := l.list(map[string]types.Criterion{"status": {Neq: []string{"ACTIVE"}}}); len(after) >= len(archived) {
		l.Errorf("%d archived, want less than %d", len(after), len(archived))
	}
}

// archives archives by hand. Of a list with an ID that isn't there, none is.
func (l *life) archives(f types.FindingSummaryV2) {
	ids := []string{*f.Id, "00000000-0000-0000-0000-000000000000"}
	update := &accessanalyzer.UpdateFindingsInput{AnalyzerArn: &l.arn, Ids: ids, Status: types.FindingStatusUpdateArchived}
	_, err := l.c.UpdateFindings(l.Context(), update)
	if codeOf(err) != "ResourceNotFoundException" || !strings.Contains(err.Error(), ids[1]) || l.about(announced).Status != types.FindingStatusActive {
		l.Errorf("with an ID that isn't there: %v", err)
	}
	update.Ids = ids[:1]
	_, err = l.c.UpdateFindings(l.Context(), update)
	l.must(err)
	if got := l.about(announced).Status; got != types.FindingStatusArchived {
		l.Errorf("got %s", got)
	}
	update.Ids, update.ResourceArn = nil, aws.String("arn:aws:iam::111122223333:role/Nobody")
	_, err = l.c.UpdateFindings(l.Context(), update)
	if codeOf(err) != "ResourceNotFoundException" {
		l.Errorf("a resource without findings: %v", err)
	}
}

func (l *life) tags() {
	_, err := l.c.TagResource(l.Context(), &accessanalyzer.TagResourceInput{ResourceArn: &l.arn, Tags: map[string]string{"cost": "7"}})
	l.must(err)
	_, err = l.c.UntagResource(l.Context(), &accessanalyzer.UntagResourceInput{ResourceArn: &l.arn, TagKeys: []string{"team", "none"}})
	l.must(err)
	got, err := l.c.ListTagsForResource(l.Context(), &accessanalyzer.ListTagsForResourceInput{ResourceArn: &l.arn})
	l.must(err)
	if diff := cmp.Diff(map[string]string{"cost": "7"}, got.Tags); diff != "" {
		l.Errorf("-want +got\n%s", diff)
	}
}

func (l *life) statistics(all int) {
	got, err := l.c.GetFindingsStatistics(l.Context(), &accessanalyzer.GetFindingsStatisticsInput{AnalyzerArn: &l.arn})
	l.must(err)
	counted := got.FindingsStatistics[0].(*types.FindingsStatisticsMemberUnusedAccessFindingsStatistics).Value
	if sum := *counted.TotalActiveFindings + *counted.TotalArchivedFindings + *counted.TotalResolvedFindings; int(sum) != all || *counted.TotalArchivedFindings == 0 || got.LastUpdatedAt == nil {
		l.Errorf("got %+v at %v, want %d in all", counted, got.LastUpdatedAt, all)
	}
}

// end deletes the analyzer, and finds nothing of it any more.
func (l *life) end() {
	in := &accessanalyzer.DeleteAnalyzerInput{AnalyzerName: aws.String("unused"), ClientToken: aws.String("end")}
	for range 2 {
		_, err := l.c.DeleteAnalyzer(l.Context(), in)
		l.must(err)
	}
	_, err := l.c.GetAnalyzer(l.Context(), &accessanalyzer.GetAnalyzerInput{AnalyzerName: aws.String("unused")})
	_, err2 := l.c.ListFindingsV2(l.Context(), &accessanalyzer.ListFindingsV2Input{AnalyzerArn: &l.arn})
	if diff := cmp.Diff([]string{"ResourceNotFoundException", "ResourceNotFoundException"}, []string{codeOf(err), codeOf(err2)}); diff != "" {
		l.Errorf("-want +got\n%s", diff)
	}
}
