package report

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/pare-iam/pare/finding"
	"github.com/pare-iam/pare/policy"
	"github.com/pare-iam/pare/usage"
)

const wantState = "want the findings that pare analyze --state wrote, or its -o json"

// savedFindings is what of FindingsJSON's document is read again.
type savedFindings struct {
	SchemaVersion int                `json:"schemaVersion"`
	Version       string             `json:"version"`
	Accounts      []shownAccount     `json:"accounts"`
	Window        shownWindow        `json:"window"`
	CollectedAt   time.Time          `json:"collectedAt,omitzero"`
	Sources       []shownSource      `json:"sources"`
	LookedAt      []shownCount       `json:"lookedAt"`
	NotJudged     []shownCount       `json:"notJudged"`
	Problems      []string           `json:"problems"`
	Findings      *[]finding.Finding `json:"findings"` // nil: the document is something else
}

// ReadFindings reads what FindingsJSON wrote, but for the catalog and the recommendations.
// Members that it doesn't know are ignored. The name is for messages and isn't opened.
func ReadFindings(name string, src []byte) (Findings, error) {
	var kind struct {
		SchemaVersion int `json:"schemaVersion"`
	}
	if err := json.Unmarshal(src, &kind); err == nil && kind.SchemaVersion > schemaVersion {
		return Findings{}, fmt.Errorf("%s: schemaVersion %d: this pare reads %d; update pare", name, kind.SchemaVersion, schemaVersion)
	}
	var in savedFindings
	if err := json.Unmarshal(src, &in); err != nil {
		return Findings{}, misread(name, src, err)
	}
	switch {
	case in.SchemaVersion != schemaVersion:
		return Findings{}, fmt.Errorf("%s: schemaVersion %d: this pare reads %d; %s", name, in.SchemaVersion, schemaVersion, wantState)
	case in.Findings == nil:
		return Findings{}, fmt.Errorf("%s: no findings: %s", name, wantState)
	case in.Window.Days < 1 || in.Window.To.IsZero():
		return Findings{}, fmt.Errorf("%s: /window: %d days to %s: %s", name, in.Window.Days, in.Window.To.Format(time.RFC3339), wantState)
	}
	return in.findings(), nil
}

// misread says where in a document an error is.
func misread(name string, src []byte, err error) error {
	at, where := 0, ""
	syntactic, broken := errors.AsType[*jsontext.SyntacticError](err)
	semantic, strange := errors.AsType[*json.SemanticError](err)
	switch {
	case errors.Is(err, io.ErrUnexpectedEOF):
		at, err = len(src), errors.New("the file breaks off here")
	case broken:
		at, err = int(syntactic.ByteOffset), fmt.Errorf("not JSON: %w", syntactic.Err)
	case strange:
		at = int(semantic.ByteOffset)
		if semantic.JSONPointer != "" {
			where = string(semantic.JSONPointer) + ": "
		}
		at += len(src[at:]) - len(bytes.TrimLeft(src[at:], " \t\r\n:,"))
		if err = semantic.Err; err == nil {
			err = errors.New("the value is of another kind")
		}
	}
	line, column := policy.Position(src, at)
	return fmt.Errorf("%s:%d:%d: %s%s: %s", name, line, column, where, strings.TrimPrefix(err.Error(), "jsontext: "), wantState)
}

func (in savedFindings) findings() Findings {
	out := Findings{
		Version: in.Version, CollectedAt: in.CollectedAt, Problems: in.Problems, Findings: *in.Findings,
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
	return out
}
