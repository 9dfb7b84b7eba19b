package finding_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"
	"github.com/google/go-cmp/cmp"

	"github.com/pare-iam/pare/finding"
)

func TestParseArchiveRules(t *testing.T) {
	yes := true
	tests := []struct {
		name, src string
		want      []finding.ArchiveRule
	}{
		{"none", `[]`, nil},
		{"a list", `[{"ruleName":"dev","filter":{"resource":{"contains":["dev-","test-"]},"error":{"exists":true}}}]`,
			[]finding.ArchiveRule{{Name: "dev", Filter: finding.Filter{"resource": {Contains: []string{"dev-", "test-"}}, "error": {Exists: &yes}}}}},
		{"an answer of list-archive-rules",
			`{"archiveRules":[{"ruleName":"a.1","filter":{"findingType":{"eq":["UnusedIAMRole"],"neq":["UnusedPermission"]}},"createdAt":"2026-01-01T00:00:00Z","updatedAt":"2026-01-01T00:00:00Z"}]}`,
			[]finding.ArchiveRule{{Name: "a.1", Filter: finding.Filter{"findingType": {Eq: []string{"UnusedIAMRole"}, Neq: []string{"UnusedPermission"}}}}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := finding.ParseArchiveRules("rules.json", []byte(tt.src))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
			text, err := json.Marshal(got)
			if err != nil {
				t.Fatal(err)
			}
			back, err := finding.ParseArchiveRules("written", text)
			if diff := cmp.Diff(got, back); err != nil || diff != "" {
				t.Errorf("read back: %v -want +got\n%s", err, diff)
			}
		})
	}
}

func TestParseArchiveRulesSaysWhatIsWrong(t *testing.T) {
	many := strings.Repeat(`"a",`, 20) + `"a"`
	tests := []struct{ name, src, want string }{
		{"nothing", " ", `r.json:1:1: empty: ` + wantRules},
		{"null", `null`, `r.json:1:1: null: ` + wantRules},
		{"cut off", `[{"ruleName":`, `r.json:1:14: ends in the middle of a value: ` + wantRules},
		{"not JSON", "ruleName: dev", `r.json:1:1: not JSON: invalid character 'r' at start of value`},
		{"an object of something else", `{"findings":[]}`, `r.json:1:13: /findings: "findings" is no member here: want ruleName and filter, and in a criterion eq, neq, contains or exists`},
		{"an object of nothing", `{}`, `r.json:1:1: no archiveRules: ` + wantRules},
		{"a text", `["dev"]`, `r.json:1:2: /0: a string: ` + wantRules},
		{"a rule without filter would archive everything", `[{"ruleName":"dev"}]`, `r.json:1:2: /0: no filter, which would archive every finding: ` + wantRules},
		{"and one with an empty filter too", `[{"ruleName":"dev","filter":{}}]`, `r.json:1:2: /0: no filter, which would archive every finding: ` + wantRules},
		{"a misspelled key", "[{\"ruleName\":\"dev\",\n \"filter\":{\"resourcetype\":{\"eq\":[\"x\"]}}}]",
			`r.json:2:27: /0/filter/resourcetype: "resourcetype" is no filter key: want one of error, findingType, id, resource, resourceOwnerAccount, resourceType`},
		{"a key for lists", `[{"ruleName":"dev","filter":{"status":{"eq":["ACTIVE"]}}}]`,
			`r.json:1:39: /0/filter/status: archive rules don't look at status: want one of error, findingType, id, resource, resourceOwnerAccount, resourceType`},
		{"a misspelled operator", `[{"ruleName":"dev","filter":{"id":{"equals":["x"]}}}]`,
			`r.json:1:45: /0/filter/id/equals: "equals" is no member here: want ruleName and filter, and in a criterion eq, neq, contains or exists`},
		{"no operator", `[{"ruleName":"dev","filter":{"id":{}}}]`, `r.json:1:35: /0/filter/id: no operator: want eq, neq, contains or exists`},
		{"an empty list", `[{"ruleName":"dev","filter":{"id":{"eq":[]}}}]`, `r.json:1:41: /0/filter/id/eq: 0 values: want 1 to 20`},
		{"too many values", `[{"ruleName":"dev","filter":{"id":{"neq":[` + many + `]}}}]`, `r.json:1:42: /0/filter/id/neq: 21 values: want 1 to 20`},
		{"an empty text is a part of every text", `[{"ruleName":"dev","filter":{"id":{"contains":[""]}}}]`, `r.json:1:47: /0/filter/id/contains: an empty text: want a value to compare with`},
		{"no name", `[{"filter":{"id":{"eq":["x"]}}}]`, `r.json:1:2: /0: no ruleName: ` + wantRules},
		{"a name that AWS refuses", `[{"ruleName":"1st","filter":{"id":{"eq":["x"]}}}]`,
			`r.json:1:14: /0/ruleName: "1st": want a letter first, then letters, digits, and any of _.-, at most 255`},
		{"a name twice", `[{"ruleName":"a","filter":{"id":{"eq":["x"]}}},{"ruleName":"a","filter":{"id":{"eq":["x"]}}}]`,
			`r.json:1:60: /1/ruleName: "a" names an earlier rule too`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := finding.ParseArchiveRules("r.json", []byte(tt.src))
			if diff := cmp.Diff(tt.want, fmt.Sprint(err)); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
		})
	}
}

const wantRules = `want [{"ruleName": "dev", "filter": {"resource": {"contains": ["dev-"]}}}], as list-archive-rules has it`

func TestMatches(t *testing.T) {
	yes, no := true, false
	f := base(finding.UnusedPermission, roleARN)
	tests := []struct {
		name   string
		filter finding.Filter
		want   bool
	}{
		{"no criterion matches nothing", nil, false},
		{"a criterion without operator isn't met", finding.Filter{"id": {}}, false},
		{"a key that there isn't is never met", finding.Filter{"colour": {Neq: []string{"red"}}}, false},
		{"the id", finding.Filter{"id": {Eq: []string{"f0", "f1"}}}, true},
		{"another id", finding.Filter{"id": {Eq: []string{"f"}}}, false},
		{"the type", finding.Filter{"findingType": {Eq: []string{"UnusedPermission"}}}, true},
		{"not this type", finding.Filter{"findingType": {Neq: []string{"UnusedIAMRole", "UnusedPermission"}}}, false},
		{"another type is not this one", finding.Filter{"findingType": {Neq: []string{"UnusedIAMRole"}}}, true},
		{"the status", finding.Filter{"status": {Eq: []string{"ACTIVE"}}}, true},
		{"a part of the resource", finding.Filter{"resource": {Contains: []string{"nobody", "role/service/"}}}, true},
		{"case is told apart", finding.Filter{"resource": {Contains: []string{"role/Service/"}}}, false},
		{"the resource type", finding.Filter{"resourceType": {Eq: []string{"AWS::IAM::Role"}}}, true},
		{"the account", finding.Filter{"resourceOwnerAccount": {Eq: []string{"123456789012"}}}, true},
		{"all criteria must be met", finding.Filter{"id": {Eq: []string{"f1"}}, "resourceOwnerAccount": {Eq: []string{"1"}}}, false},
		{"all operators must be met", finding.Filter{"id": {Eq: []string{"f1"}, Neq: []string{"f1"}}}, false},
		{"there is an id", finding.Filter{"id": {Exists: &yes}}, true},
		{"there is no error", finding.Filter{"error": {Exists: &no}}, true},
		{"there is an error", finding.Filter{"error": {Exists: &yes}}, false},
	}
	for _, tt := range tests {
		if got := (finding.ArchiveRule{Name: "r", Filter: tt.filter}).Matches(&f); got != tt.want {
			t.Errorf("%s: got %v", tt.name, got)
		}
	}
}

func TestArchive(t *testing.T) {
	rules := []finding.ArchiveRule{
		{Name: "other", Filter: finding.Filter{"id": {Eq: []string{"f2"}}}},
		{Name: "first", Filter: finding.Filter{"id": {Eq: []string{"f1"}}}},
		{Name: "second", Filter: finding.Filter{"id": {Eq: []string{"f1"}}}},
	}
	active, resolved := base(finding.UnusedIAMRole, roleARN), base(finding.UnusedIAMRole, roleARN)
	resolved.Status = finding.Resolved
	finding.Archive(&active, rules)
	finding.Archive(&resolved, rules)
	if active.Status != finding.Archived || active.ArchivedBy != "first" {
		t.Errorf("active: %s by %q", active.Status, active.ArchivedBy)
	}
	if resolved.Status != finding.Resolved || resolved.ArchivedBy != "" {
		t.Errorf("resolved: %s by %q", resolved.Status, resolved.ArchivedBy)
	}
}

func TestStatistics(t *testing.T) {
	var tally finding.Tally
	empty, err := json.Marshal(tally.Statistics())
	if want := `{"totalActiveFindings":0,"totalArchivedFindings":0,"totalResolvedFindings":0,"unusedAccessTypeStatistics":[],"topAccounts":[]}`; err != nil || string(empty) != want {
		t.Errorf("nothing counted: %s %v", empty, err)
	}
	add := func(account string, typ finding.Type, status finding.Status) {
		f := base(typ, roleARN)
		f.Account, f.Status = account, status
		tally.Add(&f)
	}
	for i := range 12 {
		add(fmt.Sprintf("%012d", i), finding.UnusedIAMRole, finding.Active)
	}
	add("000000000011", finding.UnusedPermission, finding.Active)
	add("000000000011", finding.UnusedPermission, finding.Archived)
	add("000000000011", finding.UnusedIAMUserPassword, finding.Resolved)
	got := tally.Statistics()
	want := finding.Statistics{
		Active: 13, Archived: 1, Resolved: 1,
		Types:    []finding.TypeCount{{finding.UnusedIAMRole, 12}, {finding.UnusedPermission, 1}},
		Accounts: []finding.AccountCount{{"000000000011", 2, map[finding.Type]int{finding.UnusedIAMRole: 1, finding.UnusedPermission: 1}}},
	}
	for i := range 9 {
		want.Accounts = append(want.Accounts, finding.AccountCount{fmt.Sprintf("%012d", i), 1, map[finding.Type]int{finding.UnusedIAMRole: 1}})
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	for range 20 { // maps have an order of their own each time
		text, err := json.Marshal(got.Accounts[0])
		if want := `{"account":"000000000011","numberOfActiveFindings":2,"details":{"UnusedIAMRole":1,"UnusedPermission":1}}`; err != nil || string(text) != want {
			t.Fatalf("got %s %v", text, err)
		}
	}
}
