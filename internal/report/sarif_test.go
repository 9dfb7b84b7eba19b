package report

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"
	"github.com/google/go-cmp/cmp"

	"github.com/pare-iam/pare/finding"
)

// sarifLog is as much of a SARIF file as is looked at here.
type sarifLog struct {
	Runs []struct {
		AutomationDetails struct {
			ID string `json:"id"`
		} `json:"automationDetails"`
		Results []struct {
			RuleID    string `json:"ruleId"`
			Message   struct{ Text string }
			Locations []struct {
				PhysicalLocation struct {
					ArtifactLocation struct {
						URI string `json:"uri"`
					} `json:"artifactLocation"`
				} `json:"physicalLocation"`
				LogicalLocations []struct {
					FullyQualifiedName string `json:"fullyQualifiedName"`
				} `json:"logicalLocations"`
			} `json:"locations"`
			PartialFingerprints map[string]string `json:"partialFingerprints"`
			Suppressions        []struct {
				Justification string `json:"justification"`
			} `json:"suppressions"`
		} `json:"results"`
		Tool struct {
			Driver struct {
				Rules []struct {
					ID         string         `json:"id"`
					Properties map[string]any `json:"properties"`
				} `json:"rules"`
			} `json:"driver"`
		} `json:"tool"`
	} `json:"runs"`
}

func sarifOf(t *testing.T, r Findings) sarifLog {
	t.Helper()
	var out sarifLog
	if err := json.Unmarshal([]byte(rendered(t, func(w writer) error { return FindingsSARIF(w, r) })), &out); err != nil {
		t.Fatal(err)
	}
	return out
}

// The schema is OASIS's, of SARIF 2.1.0 with its first errata, as go-sarif has it too.
func TestSARIFIsAsOASISSays(t *testing.T) {
	schema := readSchema(t, filepath.Join("testdata", "sarif-schema-2.1.0.json"))
	for _, r := range []Findings{sample(t), nothing(t), {}} {
		valid(t, schema, rendered(t, func(w writer) error { return FindingsSARIF(w, r) }))
	}
}

func TestSARIFResults(t *testing.T) {
	run := sarifOf(t, sample(t)).Runs[0]
	var got []string
	for _, res := range run.Results {
		words := []string{res.PartialFingerprints["pareFinding/v1"][:8], res.RuleID, res.Locations[0].PhysicalLocation.ArtifactLocation.URI}
		for _, s := range res.Suppressions {
			words = append(words, "suppressed: "+s.Justification)
		}
		got = append(got, strings.Join(words, " "))
	}
	const escaped = "=%3Cscript%3Ealert%28%27x%27%29%3C/script%3E%22&%7B0%7D%5Ba%5D%28b%29%7C%60%1B%5B31m%E2%80%AE.json"
	want := []string{ // what is resolved isn't there; credentials are before roles, roles before permissions
		"c0ffee04 UnusedIAMUserAccessKey iam/123456789012/user/deploy.json",
		"c0ffee05 UnusedIAMUserAccessKey iam/123456789012/user/deploy.json",
		"3f2a9c01 UnusedIAMRole iam/123456789012/role/ci/nightly-export-of-the-data-warehouse-to-partners.json",
		"ab12cd07 UnusedPermission iam/123456789012/role/reporting.json",
		"ab12cd08 UnusedPermission iam/210987654321/user/" + escaped,
		"ab12cd09 UnusedPermission iam/123456789012/user/alice.json",
		"deadbe06 UnusedIAMUserPassword iam/123456789012/user/" + escaped + " suppressed: archived by hand",
		"3f2a9c02 UnusedIAMRole iam/123456789012/role/break-glass.json suppressed: archived by rule “emergency-roles”",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	for i, rule := range run.Tool.Driver.Rules {
		if rule.ID != string(finding.Types()[i]) || rule.Properties["security-severity"] == nil {
			t.Errorf("rule %d: %+v", i, rule)
		}
	}
}

// A run has at most what GitHub takes, the first one the most severe; none is left out.
func TestSARIFHasSeveralRuns(t *testing.T) {
	r := nothing(t)
	for i := range SARIFResults {
		r.Findings = append(r.Findings, found(fmt.Sprintf("%012d", i), finding.UnusedPermission, "arn:aws:iam::123456789012:role/a"))
	}
	r.Findings = append(r.Findings, found("the-role", finding.UnusedIAMRole, "arn:aws:iam::123456789012:role/b"))
	runs := sarifOf(t, r).Runs
	if len(runs) != 2 || len(runs[0].Results) != SARIFResults || len(runs[1].Results) != 1 {
		t.Fatalf("%d runs", len(runs))
	}
	seen := map[string]bool{}
	for _, run := range runs {
		for _, res := range run.Results {
			seen[res.PartialFingerprints["pareFinding/v1"]] = true
		}
	}
	if len(seen) != len(r.Findings) || runs[0].Results[0].RuleID != string(finding.UnusedIAMRole) {
		t.Errorf("%d different results, the first %s", len(seen), runs[0].Results[0].RuleID)
	}
	const category = "pare/unused-access/123456789012/"
	if got := []string{runs[0].AutomationDetails.ID, runs[1].AutomationDetails.ID}; !slices.Equal(got, []string{category, category + "part-2/"}) {
		t.Error(got)
	}
	for _, run := range runs {
		if len(run.Tool.Driver.Rules) != len(finding.Types()) {
			t.Errorf("run %s has %d rules", run.AutomationDetails.ID, len(run.Tool.Driver.Rules))
		}
	}
}

// A file that GitHub would refuse says so.
func TestSARIFSaysThatItHasTooMany(t *testing.T) {
	if got := SARIFRoom(500_000); got != nil {
		t.Error(got)
	}
	want := []string{"500001 results are more than the 500000 that GitHub takes of a file; filter by account or type to have fewer"}
	if diff := cmp.Diff(want, SARIFRoom(500_001)); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

// A name is part of a message as it is: no placeholder, no link.
func TestSARIFTextsAreInert(t *testing.T) {
	for in, want := range map[string]string{"{0}": "{{0}}", "[a](b)": `\[a\](b)`, `\`: `\\`} {
		if got := SARIFText(in); got != want {
			t.Errorf("%s: %s, want %s", in, got, want)
		}
	}
	for _, arn := range []string{"arn:aws:iam::123456789012:role/../../etc", "../..", "arn:aws:iam::123456789012:role//a", "arn:aws:iam::123456789012:role/."} {
		path := sarifPath(finding.Finding{Account: "..", Resource: arn})
		for part := range strings.SplitSeq(strings.TrimSuffix(path, ".json"), "/") {
			if part == "" || strings.Trim(part, ".") == "" {
				t.Errorf("%s leads upwards: %s", arn, path)
			}
		}
	}
}
