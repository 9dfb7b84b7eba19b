package gate

import (
	"fmt"
	"io"
	"slices"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/pare-iam/pare/policy"
)

// Baseline is results that were there on a day: those alone that came later count.
//
// A result is known if the baseline has one of the same rule, policy and subject that covers
// as much: for new access the same policy, for access on the deny list the same
// statements, for unused access all actions that are unused now.
type Baseline struct {
	known map[string][]string // covers, by fingerprint
}

type baselineJSON struct {
	SchemaVersion int                 `json:"schemaVersion"`
	Results       []baselineEntryJSON `json:"results"`
}

type baselineEntryJSON struct {
	Fingerprint string   `json:"fingerprint"`
	Rule        string   `json:"rule"`
	Policy      string   `json:"policy"` // for people
	Covers      []string `json:"covers"`
}

const baselineVersion = 1

// WriteBaseline writes the results that count, and those that an older baseline had.
func WriteBaseline(w io.Writer, r *Report) error {
	out := baselineJSON{SchemaVersion: baselineVersion, Results: []baselineEntryJSON{}}
	for _, x := range r.Results {
		if x.Suppressed == nil || x.Suppressed.By == ByBaseline {
			out.Results = append(out.Results, baselineEntryJSON{x.Fingerprint, x.Rule.String(), x.title(), append([]string{}, x.covers...)})
		}
	}
	return json.MarshalWrite(w, out, jsontext.WithIndent("  "))
}

// ReadBaseline reads what WriteBaseline wrote.
func ReadBaseline(name string, src []byte) (*Baseline, error) {
	var in baselineJSON
	if err := json.Unmarshal(src, &in, json.RejectUnknownMembers(true)); err != nil {
		line, column := policy.Position(src, 0)
		return nil, fmt.Errorf("%s:%d:%d: want a baseline that pare check --write-baseline wrote: %w", name, line, column, err)
	}
	if in.SchemaVersion != baselineVersion {
		return nil, fmt.Errorf("%s: schemaVersion %d: want %d, which pare check --write-baseline writes", name, in.SchemaVersion, baselineVersion)
	}
	out := &Baseline{known: map[string][]string{}}
	for _, e := range in.Results {
		out.known[e.Fingerprint] = append(out.known[e.Fingerprint], e.Covers...)
	}
	return out, nil
}

func (b *Baseline) has(r *Result) bool {
	if b == nil {
		return false
	}
	covers, ok := b.known[r.Fingerprint]
	return ok && !slices.ContainsFunc(r.covers, func(c string) bool { return !slices.Contains(covers, c) })
}
