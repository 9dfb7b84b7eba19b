package report

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// What is saved is what was there, but for the catalog and what to do.
func TestFindingsAreReadAgain(t *testing.T) {
	for name, r := range map[string]Findings{"findings": sample(t), "nothing": nothing(t)} {
		src := rendered(t, func(w writer) error { return FindingsJSON(w, r) })
		got, err := ReadFindings("state.json", []byte(src))
		if err != nil {
			t.Fatal(name, err)
		}
		want := r
		want.Catalog, want.Advice, want.Findings, got.Findings = nil, nil, nil, nil // the findings have a test of their own
		if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("%s: -want +got\n%s", name, diff)
		}
	}
}

func TestFindingsWithMembersThatNobodyKnows(t *testing.T) {
	src := rendered(t, func(w writer) error { return FindingsJSON(w, sample(t)) })
	more := strings.ReplaceAll(strings.Replace(src, "{", `{"novel": {"a": [1]},`, 1), `"findingType":`, `"novel": 1, "findingType":`)
	want, wantErr := ReadFindings("state.json", []byte(src))
	got, err := ReadFindings("state.json", []byte(more))
	if diff := cmp.Diff(want, got); diff != "" || err != nil || wantErr != nil {
		t.Errorf("%v, %v: -want +got\n%s", wantErr, err, diff)
	}
}

func TestWhatIsNoFindings(t *testing.T) {
	const frame = `{"schemaVersion": 1, "window": {"days": 90, "from": "2026-08-03T00:00:00Z", "to": "2026-11-01T00:00:00Z"}, "findings": [%s]}`
	for _, test := range []struct{ name, src, want string }{
		{"broken off", "{\"schemaVersion\": 1,\n \"findings\"", `state.json:2:12: the file breaks off here: ` + wantState},
		{"no JSON", "a: 1", `state.json:1:1: not JSON: invalid character 'a' at start of value: ` + wantState},
		{"a list", "[]", `state.json:1:1: the value is of another kind: ` + wantState},
		{"a name twice", `{"schemaVersion": 1, "schemaVersion": 1}`, `state.json:1:22: not JSON: duplicate object member name: ` + wantState},
		{"of a newer pare, whatever it holds", `{"schemaVersion": 2, "findings": {}}`, "state.json: schemaVersion 2: this pare reads 1; update pare"},
		{"without a version", `{"findings": []}`, "state.json: schemaVersion 0: this pare reads 1; " + wantState},
		{"another document", `{"schemaVersion": 1, "policies": []}`, "state.json: no findings: " + wantState},
		{"without a window", `{"schemaVersion": 1, "findings": []}`, "state.json: /window: 0 days to 0001-01-01T00:00:00Z: " + wantState},
		{"no list of findings", `{"schemaVersion": 1, "findings": "none"}`, `state.json:1:34: /findings: the value is of another kind: ` + wantState},
		{"a finding that isn't one", fmt.Sprintf(frame, "{}"), `state.json:1:122: /findings/0: finding "": no id: ` + wantState},
		{"a time that isn't one", `{"schemaVersion": 1, "collectedAt": "today"}`, `state.json:1:37: /collectedAt: parsing time "today" as "2006-01-02T15:04:05Z07:00": cannot parse "today" as "2006": ` + wantState},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, err := ReadFindings("state.json", []byte(test.src))
			if diff := cmp.Diff(test.want, fmt.Sprint(err)); diff != "" || got.Findings != nil {
				t.Errorf("%v: -want +got\n%s", got.Findings, diff)
			}
		})
	}
}
