package store

import (
	"context"
	"errors"
	"fmt"

	"github.com/pare-iam/pare/finding"
)

// Freshness is whether a recommendation is of what is there now.
type Freshness string

// The two.
const (
	Fresh Freshness = "fresh"
	Stale Freshness = "stale"
)

// AdviceQuery says which recommendations. What is empty lets all through.
type AdviceQuery struct {
	Analyzer string // ARN
	State    finding.Outcome
	Verdict  string // "proved", "refuted", "undecided"
	Age      Freshness
}

// Advised lists recommendations, the last started first.
func (s *Store) Advised(ctx context.Context, q AdviceQuery, p Page) (Part[Advised], error) {
	if err := errors.Join(checkText(q.Analyzer), checkText(string(q.State)), checkText(q.Verdict)); err != nil {
		return Part[Advised]{}, err
	}
	st := sqlOf(`SELECT ` + recommendationColumns + ` WHERE 1 = 1`)
	if q.Analyzer != "" {
		st.add(` AND r.analyzer = (SELECT id FROM analyzers WHERE arn = ?)`, q.Analyzer)
	} else {
		st.add(` AND a.gone_arn = ''`)
	}
	if q.State != "" {
		st.add(` AND r.state = ?`, string(q.State))
	}
	if q.Verdict != "" {
		st.add(` AND r.verdict = ?`, q.Verdict)
	}
	switch q.Age {
	case "":
	case Fresh:
		st.add(` AND NOT ` + isStale)
	case Stale:
		st.add(` AND ` + isStale)
	default:
		return Part[Advised]{}, invalid("recommendations of age %q: want %q or %q", q.Age, Fresh, Stale)
	}
	return listing[Advised]{
		of: fmt.Sprintf("recommendations %+q", q), query: st, order: []column{{"r.id", true}}, descending: true,
		scan: scanAdvised, at: func(r Advised) []string { return []string{decimal(r.ID)} },
	}.read(ctx, s.reader, p)
}
