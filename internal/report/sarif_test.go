package report

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"
	"github.com/google/go-cmp/cmp"

	"github.com/pare-iam/pare/finding"
)

// sarifLog is as much of a SARIF file as is looked at here.
type sarifLog struct {
	Runs []struct {
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

// A run has at most what GitHub takes; the least severe are left out, and it is said.
func TestSARIFIsCapped(t *testing.T) {
	r := nothing(t)
	for i := range maxResults {
		r.Findings = append(r.Findings, found(fmt.Sprintf("%012d", i), finding.UnusedPermission, "arn:aws:iam::123456789012:role/a"))
	}
	if got := SARIFWarnings(r); len(got) != 0 {
		t.Error(got)
	}
	r.Findings = append(r.Findings, found("the-role", finding.UnusedIAMRole, "arn:aws:iam::123456789012:role/b"))
	want := []string{"1 finding is left out: a run of SARIF has room for 25000; filter by account or type to see them"}
	if diff := cmp.Diff(want, SARIFWarnings(r)); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	if got := r.sarifFindings(); len(got) != maxResults || got[0].Type != finding.UnusedIAMRole {
		t.Errorf("%d results, the first %s", len(got), got[0].Type)
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
