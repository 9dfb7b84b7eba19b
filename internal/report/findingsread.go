package report

import (
	"errors"
	"fmt"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/pare-iam/pare/finding"
	"github.com/pare-iam/pare/policy"
	"github.com/pare-iam/pare/usage"
)

// ReadFindings reads what FindingsJSON wrote, but for the catalog and the recommendations.
// The name is for messages and isn't opened.
func ReadFindings(name string, src []byte) (Findings, error) {
	var in struct {
		SchemaVersion int               `json:"schemaVersion"`
		Version       string            `json:"version"`
		Accounts      []shownAccount    `json:"accounts"`
		Window        shownWindow       `json:"window"`
		CollectedAt   time.Time         `json:"collectedAt,omitzero"`
		Sources       []shownSource     `json:"sources"`
		LookedAt      []shownCount      `json:"lookedAt"`
		NotJudged     []shownCount      `json:"notJudged"`
		Problems      []string          `json:"problems"`
		Findings      []finding.Finding `json:"findings"`
	}
	const want = "want the findings that pare analyze --state wrote, or its -o json"
	if err := json.Unmarshal(src, &in); err != nil {
		at := 0
		if place, ok := errors.AsType[*json.SemanticError](err); ok {
			at = int(place.ByteOffset)
		}
		line, column := policy.Position(src, at)
		return Findings{}, fmt.Errorf("%s:%d:%d: %w: %s", name, line, column, err, want)
	}
	if in.SchemaVersion != schemaVersion {
		return Findings{}, fmt.Errorf("%s: schemaVersion %d: this pare reads %d; %s", name, in.SchemaVersion, schemaVersion, want)
	}
	out := Findings{
		Version: in.Version, CollectedAt: in.CollectedAt, Problems: in.Problems, Findings: in.Findings,
		Window: usage.Window{Age: time.Duration(in.Window.Days) * usage.Day, Now: in.Window.To},
	}
	for _, a := range in.Accounts {
		out.Accounts = append(out.Accounts, Account(a))
	}
	for _, s := range in.Sources {
		out.Sources = append(out.Sources, Source(s))
	}
	for _, c := range in.LookedAt {
		out.LookedAt = append(out.LookedAt, Count(c))
	}
	for _, c := range in.NotJudged {
		out.NotJudged = append(out.NotJudged, Count(c))
	}
	return out, nil
}
